//! What commands print: data on stdout in the form that was asked for, talk on stderr.

use std::io::{self, Write as _};

use clap::ValueEnum;
use octro_model::Status;
use serde::Serialize;

/// The forms of data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Aligned columns for people.
    #[default]
    Table,
    /// JSON, with everything that is known.
    Json,
    /// Comma-separated values (RFC 4180).
    Csv,
    /// A Markdown table.
    Markdown,
}

/// Rows under headings.
#[derive(Clone, Debug, Default)]
pub struct Table {
    headings: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    pub fn new(headings: &[&'static str]) -> Self {
        Self { headings: headings.to_vec(), rows: Vec::new() }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Prints the table, or `whole` as JSON, as `format` asks.
    pub fn print(&self, format: Format, whole: &impl Serialize) -> anyhow::Result<()> {
        match format {
            Format::Json => json(whole),
            Format::Table | Format::Csv | Format::Markdown => self.print_part(format, true),
        }
    }

    /// Prints the rows, with their headings if `first`: for lists that are printed part by part.
    pub fn print_part(&self, format: Format, first: bool) -> anyhow::Result<()> {
        match format {
            Format::Table | Format::Json => self.print_aligned(first)?,
            Format::Csv => self.print_csv(first)?,
            Format::Markdown => self.print_markdown(first)?,
        }
        Ok(())
    }

    fn print_aligned(&self, first: bool) -> io::Result<()> {
        let mut out = io::stdout().lock();
        let widths: Vec<usize> = (0..self.headings.len())
            .map(|column| {
                let cells =
                    self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
                cells.chain(self.headings.get(column).map(|heading| heading.len())).max().unwrap_or(0)
            })
            .collect();
        let headings: Vec<String> = self.headings.iter().map(|heading| heading.to_uppercase()).collect();
        for row in std::iter::once(&headings).filter(|_| first).chain(&self.rows) {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                line.push_str(&printable(cell));
                line.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.chars().count()) + 2));
            }
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }

    fn print_csv(&self, first: bool) -> io::Result<()> {
        let mut out = io::stdout().lock();
        let line = |cells: &mut dyn Iterator<Item = &str>| cells.map(csv_cell).collect::<Vec<_>>().join(",");
        if first {
            write!(out, "{}\r\n", line(&mut self.headings.iter().copied()))?;
        }
        for row in &self.rows {
            write!(out, "{}\r\n", line(&mut row.iter().map(String::as_str)))?;
        }
        Ok(())
    }

    fn print_markdown(&self, first: bool) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if first {
            writeln!(out, "| {} |", self.headings.join(" | "))?;
            writeln!(out, "|{}", " --- |".repeat(self.headings.len()))?;
        }
        for row in &self.rows {
            let cells: Vec<String> = row
                .iter()
                .map(|cell| cell.replace('\\', "\\\\").replace('|', "\\|").replace(['\n', '\r'], " "))
                .collect();
            writeln!(out, "| {} |", cells.join(" | "))?;
        }
        Ok(())
    }
}

/// Prints JSON.
pub fn json(whole: &impl Serialize) -> anyhow::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    serde_json::to_writer_pretty(&mut out, whole).map_err(io::Error::from)?;
    out.write_all(b"\n")?;
    out.flush()?;
    Ok(())
}

/// Prints text as it is.
pub fn text(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}

/// Says something to the person on stderr.
pub fn say(text: &str) {
    // Without a stderr there is nobody to tell.
    let _ = writeln!(io::stderr().lock(), "{}", printable(text));
}

/// A status as shape and word.
pub fn status(status: Status) -> String {
    let shape = match status {
        Status::Pass => '✓',
        Status::Fail => '✗',
        Status::Unknown => '?',
        Status::Stale => '~',
        Status::Excepted => '!',
        Status::NotApplicable => '-',
    };
    format!("{shape} {}", status.label())
}

/// What other systems say must not steer the terminal.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect()
}

/// One cell, quoted where needed; a cell that a spreadsheet would take for a formula is made text.
fn csv_cell(cell: &str) -> String {
    let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']) && cell.parse::<f64>().is_err();
    let cell = if formula { format!("'{cell}") } else { cell.to_owned() };
    if cell.contains([',', '"', '\n', '\r']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_harmless() {
        assert_eq!(csv_cell("=1+1"), "'=1+1");
        assert_eq!(csv_cell("-3.5"), "-3.5");
        assert_eq!(csv_cell("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(printable("a\u{1b}[2Jb"), "a\u{fffd}[2Jb");
    }
}
