//! `octro why RESOURCE TEST`: the sentence, the facts that were read, the observation they come from, the history.

use std::fmt::Write as _;

use octro_engine::{AsOf, Query, ReadView, ResourceFilter, WhyView};

use crate::cli::{Global, Why};
use crate::database;
use crate::exit::{Exit, UsageError};
use crate::output::{self, Format, Table};

pub async fn run(global: &Global, why: Why) -> anyhow::Result<Exit> {
    let query = database::query(global).await?;
    let as_of = why.moment.as_of(&query).await?;
    let (kind, key) = resource(&query, &why.resource, &why.test, as_of).await?;
    let view = query.why(&why.test, &kind, &key, as_of).await?;
    match global.format {
        Format::Json => output::json(&view)?,
        Format::Table => output::text(&output::printable(&told(&view)))?,
        Format::Csv | Format::Markdown => facts(&view).print(global.format, &view)?,
    }
    Ok(Exit::Done)
}

/// Kind and key of what was named.
async fn resource(query: &Query, named: &str, test: &str, as_of: AsOf) -> anyhow::Result<(String, String)> {
    let program = query.program(as_of).await?.program;
    if let Some((kind, key)) = named.split_once('/')
        && program.kinds.get(kind).is_some()
    {
        return Ok((kind.to_owned(), key.to_owned()));
    }
    // A key alone: the test says of which kind.
    let Some(test) = program.tests.get(test) else {
        return Err(UsageError(format!("there is no test `{test}` in the program")).into());
    };
    let filter = ResourceFilter {
        kind: Some(test.on.clone()),
        text: named.to_owned(),
        limit: 50,
        ..ResourceFilter::default()
    };
    let (rows, _) = query.resources(&filter, as_of).await?;
    if let Some(row) = rows.iter().find(|row| row.key == named) {
        return Ok((row.kind.to_string(), row.key.clone()));
    }
    match rows.as_slice() {
        [only] => Ok((only.kind.to_string(), only.key.clone())),
        [] => Err(UsageError(format!(
            "no `{}` has `{named}` in its key; `octro resources` lists them",
            test.on
        ))
        .into()),
        many => {
            let keys: Vec<&str> = many.iter().take(10).map(|row| row.key.as_str()).collect();
            Err(UsageError(format!("`{named}` may be any of {}; name one", keys.join(", "))).into())
        }
    }
}

fn told(view: &WhyView) -> String {
    let mut out = String::new();
    let status = view.status.map_or_else(|| "not judged".to_owned(), output::status);
    let since = view.since.map_or_else(String::new, |since| format!(" since {}", since.minute()));
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{status}{since}: {}", output::one_line(&view.sentence));
    let _ = writeln!(out, "\n{} ({}, revision {}, {})", view.title, view.test, view.rev, view.severity);
    let _ = writeln!(out, "  {}", view.purpose);
    if !view.scope.is_empty() {
        let _ = writeln!(out, "  scope  {}", view.scope);
    }
    let _ = writeln!(out, "  pass   {}", view.pass);
    let _ = writeln!(out, "\nWhat it read");
    for fact in &view.facts {
        let of = if fact.key.is_empty() {
            String::new()
        } else {
            format!("{}/{}: ", fact.kind, output::one_line(&fact.key))
        };
        let from = fact.source.as_ref().map_or_else(String::new, |source| format!("  from {source}"));
        let seen = fact.seen_at.map_or_else(String::new, |seen| format!(", last seen {}", seen.minute()));
        let _ = writeln!(
            out,
            "  {of}{} = {}{from}{seen}",
            output::one_line(&fact.path),
            output::one_line(&reading(&fact.reading))
        );
    }
    let _ = writeln!(out, "\nEvidence");
    for evidence in &view.evidence {
        let _ = writeln!(
            out,
            "  observation {} of {}, true at {}, received {}, sha-256 {}",
            evidence.observation,
            evidence.source,
            evidence.effective_at.minute(),
            evidence.received_at.minute(),
            evidence.hash,
        );
    }
    for exception in view.exceptions.iter().filter(|exception| exception.active) {
        let _ = writeln!(
            out,
            "\nException {}: {} (approved by {}, until {})",
            exception.id,
            exception.reason,
            exception.approver,
            exception.expires.date(),
        );
    }
    let _ = writeln!(out, "\nHistory");
    for interval in &view.history {
        let status = interval.status.map_or_else(|| "not judged".to_owned(), output::status);
        let to = interval.to.map_or_else(|| "now".to_owned(), octro_model::Timestamp::minute);
        let later = if interval.learned_later {
            format!("  (learned later: {})", interval.known_at.minute())
        } else {
            String::new()
        };
        let aside = interval
            .superseded_at
            .map_or_else(String::new, |at| format!("  (thought so until {})", at.minute()));
        let _ = writeln!(
            out,
            "  {status:<16} {} to {to}, revision {}{later}{aside}",
            interval.from.minute(),
            interval.rev
        );
    }
    let _ = writeln!(out, "\nFix\n  {}", view.fix.text);
    for line in view.fix.command.iter().flat_map(|command| command.lines()) {
        let _ = writeln!(out, "    {line}");
    }
    out
}

fn facts(view: &WhyView) -> Table {
    let mut table = Table::new(&["kind", "key", "attribute", "value", "source", "true since", "last seen"]);
    for fact in &view.facts {
        let at = |at: Option<octro_model::Timestamp>| at.map_or_else(String::new, |at| at.to_string());
        table.row([
            fact.kind.to_string(),
            fact.key.clone(),
            fact.path.clone(),
            reading(&fact.reading),
            fact.source.as_ref().map_or_else(String::new, ToString::to_string),
            at(fact.effective_at),
            at(fact.seen_at),
        ]);
    }
    table
}

fn reading(reading: &ReadView) -> String {
    match reading {
        ReadView::Value { value } => value.to_string(),
        ReadView::Absent => "absent".to_owned(),
        ReadView::Unknown { reason } => format!("unknown ({reason})"),
    }
}
