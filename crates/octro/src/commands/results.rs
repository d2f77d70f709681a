//! `octro results`.

use octro_engine::{AsOf, Query, ResultFilter};
use octro_model::{Id, IdError};

use crate::cli::{Global, Results};
use crate::database;
use crate::exit::{Exit, UsageError};
use crate::output::{self, Table};

pub async fn run(global: &Global, of: Results) -> anyhow::Result<Exit> {
    let query = database::query(global).await?;
    let as_of = of.moment.as_of(&query).await?;
    let filter = ResultFilter {
        test: id(of.test)?,
        control: id(of.control)?,
        kind: id(of.kind)?,
        statuses: of.status.into_iter().collect(),
        severity: of.severity,
        text: of.text.unwrap_or_default(),
        limit: of.limit,
        ..ResultFilter::default()
    };
    exist(&query, &filter, as_of).await?;
    let results = query.results(&filter, as_of).await?;
    let mut table = Table::new(&["status", "severity", "test", "resource", "since", "why"]);
    for row in &results.rows {
        table.row([
            output::status(row.status),
            row.severity.to_string(),
            row.test.to_string(),
            row.key.clone(),
            row.since.minute(),
            row.reason.clone(),
        ]);
    }
    table.print(global.format, &results)?;
    if !global.quiet && (results.rows.len() as u64) < results.total {
        output::say(&format!("{} of {}; --limit shows more", results.rows.len(), results.total));
    }
    Ok(Exit::Done)
}

fn id(text: Option<String>) -> Result<Option<Id>, UsageError> {
    text.map(|text| text.parse().map_err(|error: IdError| UsageError(error.to_string()))).transpose()
}

/// A name that does not exist is a mistake, not an empty list.
async fn exist(query: &Query, filter: &ResultFilter, as_of: AsOf) -> anyhow::Result<()> {
    let program = query.program(as_of).await?.program;
    let named = [
        ("test", &filter.test, filter.test.as_ref().is_none_or(|id| program.tests.contains_key(id))),
        (
            "control",
            &filter.control,
            filter.control.as_ref().is_none_or(|id| program.controls.contains_key(id)),
        ),
        ("kind", &filter.kind, filter.kind.as_ref().is_none_or(|id| program.kinds.get(id).is_some())),
    ];
    match named.into_iter().find(|(.., there)| !there) {
        Some((what, Some(id), _)) => {
            let what = format!("the program in force at {} has no {what} `{id}`", as_of.at.minute());
            Err(UsageError(what).into())
        }
        Some((.., None, _)) | None => Ok(()),
    }
}
