//! Writing a delta: all of it in one transaction.

use std::collections::HashMap;

use octro_model::{Id, Timestamp};
use octro_store::{Bulk, Param, StoreError, Tx};

use crate::delta::{Delta, ENDED, ResultRow};

const INPUT: &str =
    "INSERT INTO inputs (seq, received_at, form, source, collection, body) VALUES ($1, $2, $3, $4, $5, $6)";
const OBSERVATIONS: Bulk = Bulk {
    head: "INSERT INTO observations (seq, input, resource, source, effective_at, received_at, gone, late_by, scope, hash, body) VALUES ",
    columns: 11,
    tail: "",
    casts: false,
};
const RESOURCES: Bulk = Bulk {
    head: "INSERT INTO resources (ord, kind, key, first_seen_at, changed_at, gone_at) VALUES ",
    columns: 6,
    tail: "",
    casts: false,
};
/// In this and the other updates, the plus forbids SQLite to scan the table beside an index made of the values.
const TOUCHED: Bulk = Bulk {
    head: "UPDATE resources SET changed_at = v.column2, gone_at = v.column3 FROM (VALUES ",
    columns: 3,
    tail: ") AS v WHERE resources.ord = +v.column1",
    casts: true,
};
const VIEWS: Bulk = Bulk {
    head: "INSERT INTO views (resource, source, observation, seen_at, resumed_at) VALUES ",
    columns: 5,
    tail: " ON CONFLICT (resource, source) DO UPDATE SET observation = excluded.observation, \
           seen_at = excluded.seen_at, resumed_at = excluded.resumed_at",
    casts: false,
};
const VIEWS_SEEN: Bulk = Bulk {
    head: "UPDATE views SET seen_at = v.column3 FROM (VALUES ",
    columns: 3,
    tail: ") AS v WHERE views.resource = +v.column1 AND views.source = +v.column2",
    casts: true,
};
const VIEWS_RESUMED: Bulk = Bulk {
    head: "UPDATE views SET resumed_at = v.column3 FROM (VALUES ",
    columns: 3,
    tail: ") AS v WHERE views.resource = +v.column1 AND views.source = +v.column2",
    casts: true,
};
const LINKS: Bulk = Bulk {
    head: "INSERT INTO links (kind, key, resource) VALUES ",
    columns: 3,
    tail: " ON CONFLICT (kind, key, resource) DO NOTHING",
    casts: false,
};
const VIEW_GONE: &str = "DELETE FROM views WHERE resource = $1 AND source = $2";
/// Only the row that is open ends; there is one at most for a test and a resource. It is looked for from the end: what
/// flaps for a year has thousands of rows.
pub(super) const RESULTS_CLOSE: Bulk = Bulk {
    head: "UPDATE results SET to_at = v.column3, closed_at = v.column4 FROM (VALUES ",
    columns: 4,
    tail: ") AS v WHERE results.test = +v.column1 AND results.resource = +v.column2 \
           AND results.from_at = (SELECT open.from_at FROM results AS open WHERE open.test = +v.column1 \
           AND open.resource = +v.column2 AND open.to_at = 9223372036854775807 \
           AND open.superseded_at = 9223372036854775807 ORDER BY open.from_at DESC LIMIT 1) \
           AND results.to_at = 9223372036854775807 AND results.superseded_at = 9223372036854775807",
    casts: true,
};
pub(super) const RESULTS_OPEN: Bulk = Bulk {
    head: "INSERT INTO results (test, resource, from_at, known_at, to_at, closed_at, superseded_at, version, \
           observation, status, prev) VALUES ",
    columns: 11,
    tail: "",
    casts: false,
};
const RESULT_SUPERSEDE: &str = "UPDATE results SET superseded_at = $5 \
     WHERE test = $1 AND resource = $2 AND from_at = $3 AND known_at = $4";
const TALLIES: Bulk = Bulk {
    head: "INSERT INTO tallies (test, known_at, pass, fail, unknown, stale, excepted, not_applicable) VALUES ",
    columns: 8,
    tail: " ON CONFLICT (test, known_at) DO UPDATE SET pass = excluded.pass, fail = excluded.fail, \
           unknown = excluded.unknown, stale = excluded.stale, excepted = excluded.excepted, \
           not_applicable = excluded.not_applicable",
    casts: false,
};
const VERDICT_CLOSE: &str = "UPDATE verdicts SET to_at = $3 WHERE subject = $1 AND id = $2 AND to_at = 9223372036854775807 AND from_at < $3";
const VERDICT_OPEN: &str = "INSERT INTO verdicts (subject, id, from_at, to_at, status, prev, reason) \
     VALUES ($1, $2, $3, 9223372036854775807, $4, $5, $6) \
     ON CONFLICT (subject, id, from_at) DO UPDATE SET status = excluded.status, reason = excluded.reason";
const PROGRAM: &str =
    "INSERT INTO program_versions (ord, hash, name, installed_at, files) VALUES ($1, $2, $3, $4, $5)";
const SOURCE: &str = "INSERT INTO sources (ord, id, connector, every_us, registered_at, retired_at) \
     VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (ord) DO UPDATE SET connector = excluded.connector, \
     every_us = excluded.every_us, retired_at = excluded.retired_at";
const SOURCE_KIND: &str = "INSERT INTO source_kinds (source, kind, from_at, to_at) \
     VALUES ($1, $2, $3, 9223372036854775807)";
const SOURCE_KIND_END: &str =
    "UPDATE source_kinds SET to_at = $3 WHERE source = $1 AND kind = $2 AND to_at = 9223372036854775807";
const TEST: &str = "INSERT INTO tests (ord, id) VALUES ($1, $2)";
const VERSION: &str = "INSERT INTO test_versions (ord, test, hash, rev, program) VALUES ($1, $2, $3, $4, $5)";
const COLLECTION: &str = "INSERT INTO collections (ord, source, started_at, finished_at, complete, changed, \
     unchanged, gone, refused, errors) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (ord) DO NOTHING";
const COVERAGE: Bulk = Bulk {
    head: "INSERT INTO coverage (source, kind, scope, finished_at, collection, complete, resources, pages, reason) VALUES ",
    columns: 9,
    tail: " ON CONFLICT (kind, source, scope, finished_at) DO UPDATE SET \
           complete = CASE WHEN coverage.complete < excluded.complete THEN coverage.complete ELSE excluded.complete END, \
           resources = coverage.resources + excluded.resources, pages = coverage.pages + excluded.pages",
    casts: false,
};
const NOW: &str = "INSERT INTO settings (name, value) VALUES ('now', $1) \
     ON CONFLICT (name) DO UPDATE SET value = excluded.value";

/// Statements over many rows that tests prepare on both databases.
#[cfg(test)]
pub(crate) const BULKS: &[Bulk] = &[
    OBSERVATIONS,
    RESOURCES,
    TOUCHED,
    VIEWS,
    VIEWS_SEEN,
    VIEWS_RESUMED,
    LINKS,
    RESULTS_CLOSE,
    RESULTS_OPEN,
    TALLIES,
    COVERAGE,
];
/// Statements that tests prepare on both databases.
#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[
    INPUT,
    VIEW_GONE,
    RESULT_SUPERSEDE,
    VERDICT_CLOSE,
    VERDICT_OPEN,
    PROGRAM,
    SOURCE,
    SOURCE_KIND,
    SOURCE_KIND_END,
    TEST,
    VERSION,
    COLLECTION,
    NOW,
];

fn count(value: u64) -> Param<'static> {
    Param::Int(i64::try_from(value).unwrap_or(i64::MAX))
}

/// Writes all of `delta`.
pub(crate) async fn write(tx: &mut Tx, delta: &Delta) -> Result<(), StoreError> {
    if let Some(input) = &delta.input {
        tx.execute(
            INPUT,
            &[
                input.seq.into(),
                input.received_at.into(),
                input.form.into(),
                input.source.into(),
                input.collection.into(),
                (&input.body).into(),
            ],
        )
        .await?;
    }
    write_rules(tx, delta).await?;
    write_facts(tx, delta).await?;
    write_results(tx, delta).await?;
    let now = delta.now.micros().to_string();
    tx.execute(NOW, &[(&now).into()]).await?;
    Ok(())
}

async fn write_rules(tx: &mut Tx, delta: &Delta) -> Result<(), StoreError> {
    if let Some(program) = &delta.program {
        let values: [Param<'_>; 5] = [
            program.ord.into(),
            (&program.hash).into(),
            (&program.name).into(),
            program.installed_at.into(),
            (&program.files).into(),
        ];
        tx.execute(PROGRAM, &values).await?;
    }
    let at = delta.input.as_ref().map_or(delta.now, |input| input.received_at);
    for source in &delta.sources {
        let values: [Param<'_>; 6] = [
            source.ord.into(),
            source.id.as_str().into(),
            (&source.connector).into(),
            source.every_us.into(),
            source.registered_at.into(),
            source.retired_at.into(),
        ];
        tx.execute(SOURCE, &values).await?;
        for kind in &source.ended {
            tx.execute(SOURCE_KIND_END, &[source.ord.into(), kind.as_str().into(), at.into()]).await?;
        }
        for kind in &source.begun {
            tx.execute(SOURCE_KIND, &[source.ord.into(), kind.as_str().into(), at.into()]).await?;
        }
    }
    for (ord, id) in &delta.new_tests {
        tx.execute(TEST, &[(*ord).into(), id.as_str().into()]).await?;
    }
    for (ord, test, hash, rev, program) in &delta.new_versions {
        tx.execute(VERSION, &[(*ord).into(), (*test).into(), hash.into(), (*rev).into(), (*program).into()])
            .await?;
    }
    Ok(())
}

async fn write_facts(tx: &mut Tx, delta: &Delta) -> Result<(), StoreError> {
    let mut values: Vec<Param<'_>> = Vec::new();
    for (ord, kind, key, at) in &delta.new_resources {
        let (changed_at, gone_at) = delta.touched.get(ord).copied().unwrap_or((*at, Timestamp::MAX));
        values.extend([
            (*ord).into(),
            kind.as_str().into(),
            key.into(),
            (*at).into(),
            changed_at.into(),
            Param::from(gone_at),
        ]);
    }
    RESOURCES.run(tx, &values).await?;
    let (input, received_at) =
        delta.input.as_ref().map_or((0, delta.now), |input| (input.seq, input.received_at));
    let mut values: Vec<Param<'_>> = Vec::with_capacity(delta.observations.len() * 11);
    for row in &delta.observations {
        values.extend([
            row.seq.into(),
            input.into(),
            row.resource.into(),
            row.source.into(),
            row.effective_at.into(),
            received_at.into(),
            row.gone.into(),
            row.late_by.micros().into(),
            (&row.scope).into(),
            row.hash.as_slice().into(),
            Param::from(&row.body),
        ]);
    }
    OBSERVATIONS.run(tx, &values).await?;
    let first_new = delta.new_resources.first().map_or(i64::MAX, |(ord, ..)| *ord);
    let mut values: Vec<Param<'_>> = Vec::with_capacity(delta.touched.len() * 3);
    for (ord, (changed_at, gone_at)) in delta.touched.range(..first_new) {
        values.extend([(*ord).into(), (*changed_at).into(), Param::from(*gone_at)]);
    }
    TOUCHED.run(tx, &values).await?;
    let mut values: Vec<Param<'_>> = Vec::with_capacity(delta.resumed.len() * 3);
    for ((resource, source), at) in &delta.resumed {
        values.extend([(*resource).into(), (*source).into(), Param::from(*at)]);
    }
    VIEWS_RESUMED.run(tx, &values).await?;
    let mut values: Vec<Param<'_>> = Vec::with_capacity(delta.views.len() * 5);
    for ((resource, source), observation) in &delta.views {
        match observation {
            Some((seq, seen_at)) => {
                values.extend([(*resource).into(), (*source).into(), Param::Int(*seq)]);
                values.extend([Param::from(*seen_at), Param::from(*seen_at)]);
            }
            None => {
                tx.execute(VIEW_GONE, &[(*resource).into(), (*source).into()]).await?;
            }
        }
    }
    VIEWS.run(tx, &values).await?;
    let mut values: Vec<Param<'_>> = Vec::with_capacity(delta.seen.len() * 3);
    for (resource, source, seen_at) in &delta.seen {
        values.extend([(*resource).into(), (*source).into(), Param::from(*seen_at)]);
    }
    VIEWS_SEEN.run(tx, &values).await?;
    let mut values: Vec<Param<'_>> = Vec::with_capacity(delta.links.len() * 3);
    for (kind, key, resource) in &delta.links {
        values.extend([kind.as_str().into(), key.into(), Param::Int(*resource)]);
    }
    LINKS.run(tx, &values).await?;
    if let Some(row) = &delta.collection {
        let values: [Param<'_>; 10] = [
            row.ord.into(),
            row.source.into(),
            row.started_at.into(),
            row.finished_at.into(),
            row.complete.into(),
            count(row.changed),
            count(row.unchanged),
            count(row.gone),
            count(row.refused),
            (&row.errors).into(),
        ];
        tx.execute(COLLECTION, &values).await?;
    }
    let mut values: Vec<Param<'_>> = Vec::new();
    for row in &delta.coverage {
        values.extend([
            row.source.into(),
            row.kind.as_str().into(),
            (&row.scope).into(),
            row.finished_at.into(),
            row.collection.into(),
            row.complete.into(),
            count(row.resources),
            count(row.pages),
            Param::from(&row.reason),
        ]);
    }
    COVERAGE.run(tx, &values).await
}

async fn write_results(tx: &mut Tx, delta: &Delta) -> Result<(), StoreError> {
    let (closed, opened) = fold(delta);
    let mut values: Vec<Param<'_>> = Vec::with_capacity(closed.len() * 4);
    for (test, resource, to_at, closed_at) in closed {
        values.extend([test.into(), resource.into(), to_at.into(), Param::from(closed_at)]);
    }
    RESULTS_CLOSE.run(tx, &values).await?;
    open_results(tx, &opened).await?;
    for (row, at) in &delta.superseded {
        let values: [Param<'_>; 5] =
            [row.test.into(), row.resource.into(), row.from_at.into(), row.known_at.into(), (*at).into()];
        tx.execute(RESULT_SUPERSEDE, &values).await?;
    }
    open_results(tx, &delta.rewritten).await?;
    let mut values: Vec<Param<'_>> = Vec::with_capacity(delta.tallies.len() * 8);
    for ((test, known_at), tally) in &delta.tallies {
        values.extend([(*test).into(), Param::from(*known_at)]);
        values.extend(
            [tally.pass, tally.fail, tally.unknown, tally.stale, tally.excepted, tally.not_applicable]
                .map(count),
        );
    }
    TALLIES.run(tx, &values).await?;
    for row in &delta.verdicts {
        let (subject, id): (Param<'_>, &Id) = (row.subject.into(), &row.id);
        tx.execute(VERDICT_CLOSE, &[subject, id.as_str().into(), row.from_at.into()]).await?;
        let values: [Param<'_>; 6] = [
            subject,
            id.as_str().into(),
            row.from_at.into(),
            i64::from(row.status).into(),
            i64::from(row.prev).into(),
            (&row.reason).into(),
        ];
        tx.execute(VERDICT_OPEN, &values).await?;
    }
    Ok(())
}

async fn open_results(tx: &mut Tx, rows: &[ResultRow]) -> Result<(), StoreError> {
    let mut values: Vec<Param<'_>> = Vec::with_capacity(rows.len() * 11);
    for row in rows {
        values.extend([
            row.test.into(),
            row.resource.into(),
            row.from_at.into(),
            row.known_at.into(),
            row.to_at.into(),
            row.closed_at.into(),
            row.superseded_at.into(),
            row.version.into(),
            row.observation.into(),
            i64::from(row.status).into(),
            Param::Int(i64::from(row.prev)),
        ]);
    }
    RESULTS_OPEN.run(tx, &values).await
}

/// A row that is open and ends: (test, resource, ends at, known since).
type Closed = (i64, i64, Timestamp, Timestamp);

/// Turns transitions into rows: of several for one test and resource, each ends the one before it; only the first ends
/// a row that is already stored, and only the last stays open.
pub(crate) fn fold(delta: &Delta) -> (Vec<Closed>, Vec<ResultRow>) {
    let first_new = delta.new_resources.first().map_or(i64::MAX, |(ord, ..)| *ord);
    let mut closed = Vec::new();
    let mut opened: Vec<ResultRow> = Vec::with_capacity(delta.transitions.len());
    let mut last: HashMap<(i64, i64), usize> = HashMap::with_capacity(delta.transitions.len());
    for transition in &delta.transitions {
        let row = ResultRow {
            test: transition.test,
            resource: transition.resource,
            from_at: transition.from_at,
            known_at: transition.known_at,
            to_at: Timestamp::MAX,
            closed_at: Timestamp::MAX,
            superseded_at: Timestamp::MAX,
            version: transition.version,
            observation: transition.observation,
            status: transition.status,
            prev: transition.prev,
        };
        match last.get(&(row.test, row.resource)).and_then(|place| opened.get_mut(*place)) {
            // Within one moment only the last word counts: nobody could have known the others.
            Some(before) if before.from_at == row.from_at && before.known_at == row.known_at => {
                *before = ResultRow { prev: before.prev, ..row };
            }
            before => {
                match before {
                    Some(before) => {
                        before.to_at = row.from_at;
                        before.closed_at = row.known_at;
                    }
                    // Also a row that says "not judged any more" is open, so only a new resource cannot have one.
                    None if row.resource < first_new => {
                        closed.push((row.test, row.resource, row.from_at, row.known_at));
                    }
                    None => {}
                }
                last.insert((row.test, row.resource), opened.len());
                opened.push(row);
            }
        }
    }
    debug_assert!(opened.iter().all(|row| row.status <= ENDED));
    (closed, opened)
}
