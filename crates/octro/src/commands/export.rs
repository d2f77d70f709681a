//! `octro export`: a whole list in one go, page by page in constant memory where it can be long.

use octro_engine::{Query, ResourceFilter, ResultFilter};

use super::status::counts;
use crate::cli::{Export, Exported, Global};
use crate::database;
use crate::exit::Exit;
use crate::output::{self, Format, Table};

/// Rows that are asked for at once.
const PAGE: u32 = 1_000;

pub async fn run(global: &Global, export: Export) -> anyhow::Result<Exit> {
    let query = database::query(global).await?;
    let as_of = export.moment.as_of(&query).await?;
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
            table.print(global.format, &controls)?;
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
            table.print(global.format, &tests)?;
        }
        Exported::Sources => {
            let sources = query.sources(as_of).await?;
            let mut table = Table::new(&["source", "connector", "every", "last run"]);
            for one in &sources {
                let last = one.last().map_or_else(String::new, |run| run.finished_at.to_string());
                table.row([one.id.to_string(), one.connector.clone(), one.every.to_string(), last]);
            }
            table.print(global.format, &sources)?;
        }
        Exported::Program => {
            let program = query.program(as_of).await?;
            let files: std::collections::BTreeMap<String, String> = query
                .program_files(program.ord)
                .await?
                .iter()
                .map(|(path, bytes)| (path.to_owned(), String::from_utf8_lossy(bytes).into_owned()))
                .collect();
            output::json(&files)?;
        }
        Exported::Results => results(global, &query, as_of).await?,
        Exported::Resources => resources(global, &query, as_of).await?,
    }
    Ok(Exit::Done)
}

/// Writes rows as they come: a table would hold them all.
async fn results(global: &Global, query: &Query, as_of: octro_engine::AsOf) -> anyhow::Result<()> {
    let headings = ["test", "rev", "severity", "kind", "resource", "status", "since", "known at", "why"];
    let mut rows = Rows::new(global.format, &headings)?;
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

async fn resources(global: &Global, query: &Query, as_of: octro_engine::AsOf) -> anyhow::Result<()> {
    let mut rows = Rows::new(global.format, &["kind", "key", "status", "first seen", "changed"])?;
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
struct Rows {
    format: Format,
    headings: Vec<&'static str>,
    page: Table,
    held: usize,
    begun: bool,
}

impl Rows {
    fn new(format: Format, headings: &[&'static str]) -> anyhow::Result<Self> {
        Ok(Self { format, headings: headings.to_vec(), page: Table::new(headings), held: 0, begun: false })
    }

    fn row(&mut self, cells: Vec<String>, whole: &impl serde::Serialize) -> anyhow::Result<()> {
        if self.format == Format::Json {
            return output::json_line(whole);
        }
        self.page.row(cells);
        self.held += 1;
        if self.held >= PAGE as usize { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> anyhow::Result<()> {
        let page = std::mem::replace(&mut self.page, Table::new(&self.headings));
        self.held = 0;
        page.print_part(self.format, !self.begun)?;
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
