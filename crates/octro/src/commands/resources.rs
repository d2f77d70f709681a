//! `octro resources`.

use octro_engine::{ResourceFilter, ResourceRow};
use serde::Serialize;

use super::status::counts;
use crate::cli::{Global, Resources};
use crate::database;
use crate::exit::{Exit, UsageError};
use crate::output::{self, Table};

#[derive(Serialize)]
struct Whole<'a> {
    total: u64,
    resources: &'a [ResourceRow],
}

pub async fn run(global: &Global, resources: Resources) -> anyhow::Result<Exit> {
    let query = database::query(global).await?;
    let kind = resources.kind.as_deref().map(str::parse).transpose();
    let filter = ResourceFilter {
        kind: kind.map_err(|error: octro_model::IdError| UsageError(error.to_string()))?,
        text: resources.text.unwrap_or_default(),
        limit: resources.limit,
        ..ResourceFilter::default()
    };
    let (rows, total) = query.resources(&filter, resources.moment.as_of(&query).await?).await?;
    let mut table = Table::new(&["status", "kind", "key", "results", "first seen"]);
    for row in &rows {
        table.row([
            row.status.map_or_else(|| "- not judged".to_owned(), output::status),
            row.kind.to_string(),
            row.key.clone(),
            counts(&row.tally),
            row.first_seen_at.minute(),
        ]);
    }
    table.print(global.format, &Whole { total, resources: &rows })?;
    if !global.quiet && (rows.len() as u64) < total {
        output::say(&format!("{} of {total}; --limit shows more, --kind and --text fewer", rows.len()));
    }
    Ok(Exit::Done)
}
