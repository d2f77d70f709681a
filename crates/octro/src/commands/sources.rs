//! `octro sources [SOURCE]`.

use octro_engine::SourceView;

use crate::cli::{Global, Sources};
use crate::database;
use crate::exit::Exit;
use crate::output::{self, Table};

/// How many runs of one source are told.
const RUNS: u32 = 20;

pub async fn run(global: &Global, of: Sources) -> anyhow::Result<Exit> {
    let query = database::query(global).await?;
    let as_of = of.moment.as_of(&query).await?;
    if let Some(id) = &of.source {
        let source = query.source(id, as_of, RUNS).await?;
        one(global, &source)?;
        return Ok(Exit::Done);
    }
    let sources = query.sources(as_of).await?;
    let mut table = Table::new(&["source", "connector", "every", "last run", "outcome", "kinds"]);
    for source in &sources {
        let last = source.last();
        table.row([
            source.id.to_string(),
            source.connector.clone(),
            source.every.to_string(),
            last.map_or_else(|| "never".to_owned(), |run| run.finished_at.minute()),
            outcome(source),
            source.kinds.len().to_string(),
        ]);
    }
    table.print(global.format, &sources)?;
    Ok(Exit::Done)
}

fn outcome(source: &SourceView) -> String {
    match source.last() {
        None => "? has not run yet".to_owned(),
        Some(_) if source.silent => "~ silent".to_owned(),
        Some(run) if run.complete => "✓ complete".to_owned(),
        Some(run) => format!("? incomplete, {} errors", run.errors.len()),
    }
}

fn one(global: &Global, source: &SourceView) -> anyhow::Result<()> {
    let mut table = Table::new(&["", "kind", "scope", "resources", "enumerated", "why"]);
    for scope in &source.scopes {
        let shape = if scope.complete == Some(true) { "✓ complete" } else { "? incomplete" };
        table.row([
            shape.to_owned(),
            scope.kind.to_string(),
            scope.scope.clone(),
            scope.resources.to_string(),
            scope.finished_at.map_or_else(|| "never".to_owned(), octro_model::Timestamp::minute),
            scope.reason.clone(),
        ]);
    }
    table.print(global.format, source)?;
    if global.quiet {
        return Ok(());
    }
    for error in source.last().into_iter().flat_map(|run| &run.errors) {
        let mend = if error.mend.is_empty() { String::new() } else { format!("; {}", error.mend) };
        output::say(&format!("{}: {}{mend}", error.what, error.message));
    }
    Ok(())
}
