//! `octro program diff A B`: what changes in the files, and which results of today's resources change with them.

use std::path::Path;
use std::sync::Arc;

use octro_engine::{Rejudged, rejudge};
use octro_program::{Change, Diff, Files, How, Program};
use serde::Serialize;

use crate::cli::Global;
use crate::database;
use crate::exit::{Exit, UsageError};
use crate::output::{self, Table};

#[derive(Serialize)]
struct Whole {
    files: Diff,
    /// `None` if there is no database to judge.
    results: Option<Vec<Rejudged>>,
}

pub async fn run(global: &Global, a: &str, b: &str) -> anyhow::Result<Exit> {
    let query = database::query(global).await;
    let from = Arc::new(named(a, query.as_ref().ok()).await?);
    let to = Arc::new(named(b, query.as_ref().ok()).await?);
    let results = match &query {
        Ok(query) => Some(rejudge(query.db(), query.present().await?.at, &from, &to).await?),
        Err(_) => None,
    };
    let whole = Whole { files: octro_program::diff(&from, &to), results };
    let mut table = Table::new(&["change", "what", "name", "how"]);
    let changes = changes(&whole.files);
    for (what, change) in &changes {
        let forgotten = if change.revision_forgotten { "; its revision did not go up" } else { "" };
        let fields = change.fields.join(", ");
        table.row([
            how(change.how).to_owned(),
            (*what).to_owned(),
            change.id.to_string(),
            format!("{fields}{forgotten}"),
        ]);
    }
    for result in whole.results.iter().flatten() {
        let status =
            |status: Option<octro_model::Status>| status.map_or_else(|| "- none".to_owned(), output::status);
        table.row([
            "result".to_owned(),
            result.test.to_string(),
            result.key.clone(),
            format!("{} -> {}", status(result.from), status(result.to)),
        ]);
    }
    table.print(global.format, &whole)?;
    if !global.quiet {
        match &whole.results {
            Some(results) => output::say(&format!(
                "{} changes in the files, {} results of today's resources change",
                changes.len(),
                results.len()
            )),
            None => output::say(&format!(
                "{} changes in the files; there is no database, so no resources were judged",
                changes.len()
            )),
        }
    }
    Ok(Exit::Done)
}

/// All changes, each with what it is about.
fn changes(diff: &Diff) -> Vec<(&'static str, &Change)> {
    let lists = [
        ("kind", &diff.kinds),
        ("test", &diff.tests),
        ("control", &diff.controls),
        ("policy", &diff.policies),
        ("exception", &diff.exceptions),
    ];
    lists.into_iter().flat_map(|(what, list)| list.iter().map(move |change| (what, change))).collect()
}

const fn how(how: How) -> &'static str {
    match how {
        How::Added => "added",
        How::Removed => "removed",
        How::Meaning => "says something else",
        How::Words => "other words",
    }
}

async fn named(name: &str, query: Option<&octro_engine::Query>) -> anyhow::Result<Program> {
    match name {
        "built-in" => super::load(&Files::embedded()),
        "in-force" => {
            let query =
                query.ok_or_else(|| UsageError("no program is in force: there is no database".to_owned()))?;
            let in_force = query.program(query.present().await?).await?;
            super::load(&query.program_files(in_force.ord).await?)
        }
        folder => super::load(&super::files_of(Path::new(folder))?),
    }
}
