//! What commands print: data on stdout in the form that was asked for, talk on stderr.

use std::io::{self, IsTerminal as _, Write as _};

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
        self.write(&mut io::stdout().lock(), format, whole)
    }

    /// The same, to `out`.
    pub fn write(
        &self,
        out: &mut impl io::Write,
        format: Format,
        whole: &impl Serialize,
    ) -> anyhow::Result<()> {
        match format {
            Format::Json => write_json(out, whole),
            Format::Table | Format::Csv | Format::Markdown => self.write_part(out, format, true),
        }
    }

    /// Writes the rows, with their headings if `first`: for lists that are written part by part.
    pub fn write_part(&self, out: &mut impl io::Write, format: Format, first: bool) -> anyhow::Result<()> {
        match format {
            Format::Table | Format::Json => self.write_aligned(out, first)?,
            Format::Csv => self.write_csv(out, first)?,
            Format::Markdown => self.write_markdown(out, first)?,
        }
        Ok(())
    }

    fn write_aligned(&self, out: &mut impl io::Write, first: bool) -> io::Result<()> {
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
                line.push_str(&one_line(cell));
                line.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.chars().count()) + 2));
            }
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }

    fn write_csv(&self, out: &mut impl io::Write, first: bool) -> io::Result<()> {
        let headings = self.headings.iter().map(|heading| (*heading).to_owned()).collect();
        let rows = std::iter::once(headings).filter(|_| first).chain(self.rows.iter().cloned());
        out.write_all(octro_web::ui::csv(rows).as_bytes())
    }

    fn write_markdown(&self, out: &mut impl io::Write, first: bool) -> io::Result<()> {
        if first {
            writeln!(out, "| {} |", self.headings.join(" | "))?;
            writeln!(out, "|{}", " --- |".repeat(self.headings.len()))?;
        }
        for row in &self.rows {
            let cells: Vec<String> = row.iter().map(|cell| markdown_cell(cell)).collect();
            writeln!(out, "| {} |", cells.join(" | "))?;
        }
        Ok(())
    }
}

/// Prints JSON.
pub fn json(whole: &impl Serialize) -> anyhow::Result<()> {
    write_json(&mut io::stdout().lock(), whole)
}

/// Writes JSON to `out`.
pub fn write_json(out: &mut impl io::Write, whole: &impl Serialize) -> anyhow::Result<()> {
    let mut out = io::BufWriter::new(out);
    if io::stdout().is_terminal() {
        let text = serde_json::to_string_pretty(whole).map_err(io::Error::from)?;
        out.write_all(escaped(&text).as_bytes())?;
    } else {
        serde_json::to_writer_pretty(&mut out, whole).map_err(io::Error::from)?;
    }
    out.write_all(b"\n")?;
    out.flush()?;
    Ok(())
}

/// Writes JSON on one line to `out`.
pub fn write_json_line(out: &mut impl io::Write, whole: &impl Serialize) -> anyhow::Result<()> {
    let mut line = serde_json::to_string(whole).map_err(io::Error::from)?;
    if io::stdout().is_terminal() {
        line = escaped(&line);
    }
    line.push('\n');
    out.write_all(line.as_bytes())?;
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
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if steers(c) && c != '\n' { '\u{fffd}' } else { c }).collect()
}

/// The same for what stands on one line: a line end in it must not pass for the end of that line.
pub fn one_line(text: &str) -> String {
    text.chars().map(|c| if steers(c) { '\u{fffd}' } else { c }).collect()
}

/// Whether a character moves the cursor, changes colours, or turns the direction of what follows.
fn steers(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// One cell of a Markdown table: nothing in it is markup.
fn markdown_cell(cell: &str) -> String {
    let mut out = String::with_capacity(cell.len());
    for c in one_line(cell).chars() {
        if matches!(c, '\\' | '|' | '<' | '`' | '[') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// JSON that does not steer the terminal either: outside ASCII such characters stand only in strings, where an escape
/// says the same; DEL, too. Those below U+0020 are escaped by JSON itself, or are its own line ends.
fn escaped(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if c >= '\u{7f}' && steers(c) {
            out.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_harmless() {
        assert_eq!(printable("a\u{1b}[2Jb\nc"), "a\u{fffd}[2Jb\nc");
        assert_eq!(one_line("a\r\nb\u{85}c\u{202e}d\u{2067}e\u{2028}f"), "a��b�c�d�e�f");
        assert_eq!(markdown_cell("a\nb|c<d>`e`[f](g)\\"), "a�b\\|c\\<d>\\`e\\`\\[f](g)\\\\");
        assert_eq!(one_line("é ✓ 文"), "é ✓ 文");
    }

    #[test]
    fn json_on_a_terminal_is_harmless_and_means_the_same() {
        let whole = serde_json::json!({ "a\u{9b}31m": "b\u{7f}\u{202e}\u{1b}\n\"é", "c": [1, "\u{9f}"] });
        let shown = escaped(&serde_json::to_string_pretty(&whole).unwrap());
        assert!(shown.contains("a\\u009b31m") && shown.contains("b\\u007f\\u202e\\u001b"), "{shown}");
        assert!(shown.chars().all(|c| c == '\n' || !steers(c)), "{shown}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), whole);
    }
}
