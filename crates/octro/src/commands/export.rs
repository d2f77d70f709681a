//! `octro export`: a whole list in one go, page by page in constant memory where it can be long. What was handed out
//! goes into the ledger, with the hash of its bytes.

use std::io::{self, Write};

use anyhow::Context as _;
use clap::ValueEnum as _;
use octro_engine::{Query, ResourceFilter, ResultFilter, record_export};
use octro_model::SystemClock;
use sha2::{Digest as _, Sha256};

use super::status::counts;
use crate::cli::{Export, Exported, Global};
use crate::database;
use crate::exit::Exit;
use crate::operator::operator;
use crate::output::{self, Format, Table};

/// Rows that are asked for at once.
const PAGE: u32 = 1_000;

pub async fn run(global: &Global, export: Export) -> anyhow::Result<Exit> {
    let query = database::query(global).await?;
    let as_of = export.moment.as_of(&query).await?;
    let mut out = HandedOut { out: io::stdout(), digest: Sha256::new() };
    match export.what {
        Exported::Controls => {
            let controls = query.controls(as_of).await?;
            let mut table =
                Table::new(&["control", "title", "part", "owner", "layer", "status", "why", "results"]);
            for one in &controls {
                table.row([
                    one.id.to_string(),
                    one.title.clone(),
                    one.part.clone(),
                    one.owner.clone(),
                    one.layer.to_string(),
                    one.status.to_string(),
                    one.reason.clone(),
                    counts(&one.tally),
                ]);
            }
            table.write(&mut out, global.format, &controls)?;
        }
        Exported::Tests => {
            let tests = query.tests(as_of).await?;
            let mut table =
                Table::new(&["test", "rev", "title", "severity", "kind", "status", "why", "results"]);
            for one in &tests {
                table.row([
                    one.id.to_string(),
                    one.rev.to_string(),
                    one.title.clone(),
                    one.severity.to_string(),
                    one.on.to_string(),
                    one.status.to_string(),
                    one.reason.clone(),
                    counts(&one.tally),
                ]);
            }
            table.write(&mut out, global.format, &tests)?;
        }
        Exported::Sources => {
            let sources = query.sources(as_of).await?;
            let mut table = Table::new(&["source", "connector", "every", "last run"]);
            for one in &sources {
                let last = one.last().map_or_else(String::new, |run| run.finished_at.to_string());
                table.row([one.id.to_string(), one.connector.clone(), one.every.to_string(), last]);
            }
            table.write(&mut out, global.format, &sources)?;
        }
        Exported::Program => {
            let program = query.program(as_of).await?;
            let files: std::collections::BTreeMap<String, String> = query
                .program_files(program.ord)
                .await?
                .iter()
                .map(|(path, bytes)| (path.to_owned(), String::from_utf8_lossy(bytes).into_owned()))
                .collect();
            output::write_json(&mut out, &files)?;
        }
        Exported::Results => results(&mut out, global, &query, as_of).await?,
        Exported::Resources => resources(&mut out, global, &query, as_of).await?,
    }
    out.flush()?;
    let name = export.what.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned());
    record_export(query.db(), &SystemClock, &name, out.digest.finalize().into(), &operator())
        .await
        .context("it was exported, but the ledger does not say so")?;
    Ok(Exit::Done)
}

/// Standard output, with the hash of what went there.
struct HandedOut {
    out: io::Stdout,
    digest: Sha256,
}

impl Write for HandedOut {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.digest.update(bytes.get(..written).unwrap_or(bytes));
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Writes rows as they come: a table would hold them all.
async fn results(
    out: &mut HandedOut,
    global: &Global,
    query: &Query,
    as_of: octro_engine::AsOf,
) -> anyhow::Result<()> {
    let headings = ["test", "rev", "severity", "kind", "resource", "status", "since", "known at", "why"];
    let mut rows = Rows::new(out, global.format, &headings);
    let mut filter = ResultFilter { limit: PAGE, ..ResultFilter::default() };
    loop {
        let page = query.results(&filter, as_of).await?;
        if page.rows.is_empty() {
            return rows.end();
        }
        for one in &page.rows {
            let cells = [
                one.test.to_string(),
                one.rev.to_string(),
                one.severity.to_string(),
                one.kind.to_string(),
                one.key.clone(),
                one.status.to_string(),
                one.since.to_string(),
                one.known_at.to_string(),
                one.reason.clone(),
            ];
            rows.row(cells.to_vec(), one)?;
        }
        filter.offset += page.rows.len() as u64;
    }
}

async fn resources(
    out: &mut HandedOut,
    global: &Global,
    query: &Query,
    as_of: octro_engine::AsOf,
) -> anyhow::Result<()> {
    let mut rows = Rows::new(out, global.format, &["kind", "key", "status", "first seen", "changed"]);
    let mut filter = ResourceFilter { limit: PAGE, ..ResourceFilter::default() };
    loop {
        let (page, _) = query.resources(&filter, as_of).await?;
        if page.is_empty() {
            return rows.end();
        }
        for one in &page {
            let status = one.status.map_or_else(String::new, |status| status.to_string());
            let cells = [
                one.kind.to_string(),
                one.key.clone(),
                status,
                one.first_seen_at.to_string(),
                one.changed_at.to_string(),
            ];
            rows.row(cells.to_vec(), one)?;
        }
        filter.offset += page.len() as u64;
    }
}

/// Rows that are written as they come; as JSON, one object a line.
struct Rows<'a> {
    out: &'a mut HandedOut,
    format: Format,
    headings: Vec<&'static str>,
    page: Table,
    held: usize,
    begun: bool,
}

impl<'a> Rows<'a> {
    fn new(out: &'a mut HandedOut, format: Format, headings: &[&'static str]) -> Self {
        Self { out, format, headings: headings.to_vec(), page: Table::new(headings), held: 0, begun: false }
    }

    fn row(&mut self, cells: Vec<String>, whole: &impl serde::Serialize) -> anyhow::Result<()> {
        if self.format == Format::Json {
            return output::write_json_line(self.out, whole);
        }
        self.page.row(cells);
        self.held += 1;
        if self.held >= PAGE as usize { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> anyhow::Result<()> {
        let page = std::mem::replace(&mut self.page, Table::new(&self.headings));
        self.held = 0;
        page.write_part(self.out, self.format, !self.begun)?;
        self.begun = true;
        Ok(())
    }

    fn end(mut self) -> anyhow::Result<()> {
        if self.format != Format::Json && (self.held > 0 || !self.begun) {
            self.flush()?;
        }
        Ok(())
    }
}
