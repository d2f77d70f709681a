//! What osquery writes: the results log of scheduled queries (snapshots, and differential lines of added and removed
//! rows), and the array that `osqueryi --json` prints. All its values are texts.

mod form;

use std::collections::{BTreeMap, BTreeSet};

use octro_model::{Observation, ScopeReport, Span, Timestamp, UnknownReason, Why};
use serde_json::{Map, Value};

pub(crate) use self::form::OsqueryForm;
use self::form::{Query, cell, is_result, rows, text};
use super::cell::TimeForm;
use super::place::Opened;
use super::records::{self, Broken, Shape};
use super::{RECORDS_MAX, Reader};
use crate::coverage::Coverage;
use crate::{Run, Stopped};

/// How many rows of snapshots are kept until it is known which is the last.
const KEPT_MAX: usize = 500_000;
/// What an operator can do about a row.
const MEND: &str = "see the query's columns, and the setting `queries` that names them";

/// One run through files of results.
pub(crate) struct ResultReader<'f> {
    form: &'f OsqueryForm,
    /// An older snapshot is no enumeration any more.
    max_age: Span,
    /// The last snapshot by query and host. Earlier ones are told by earlier runs; mixed into one run they would hide
    /// what is gone.
    snapshots: BTreeMap<(&'f str, String), Snapshot>,
    kept: usize,
    /// The differential results by query and host that are not yet told whole.
    changes: BTreeMap<(&'f str, String), Change>,
    rows: u64,
}

impl<'f> ResultReader<'f> {
    /// Begins reading.
    pub(crate) fn new(form: &'f OsqueryForm, max_age: Span) -> Self {
        Self { form, max_age, snapshots: BTreeMap::new(), kept: 0, changes: BTreeMap::new(), rows: 0 }
    }
}

struct Snapshot {
    at: Timestamp,
    rows: Vec<Observation>,
}

/// The rows removed at one moment, until it is sure that they were not added again in another form.
#[derive(Default)]
struct Change {
    at: Option<Timestamp>,
    removed: BTreeSet<String>,
    added: BTreeSet<String>,
}

impl Reader for ResultReader<'_> {
    fn file(&mut self, file: &Opened, coverage: &mut Coverage, run: &mut Run<'_>) -> Result<(), Stopped> {
        let (mut bare, mut results) = (Vec::new(), 0_u64);
        let read = records::each(file, &mut |place, shape, record| {
            let place = format!("{}: {place}", file.name);
            let what = match record {
                Ok(Value::Object(fields)) if is_result(&fields) => {
                    results += 1;
                    return self.result(&fields, &place, file, coverage, run);
                }
                Ok(Value::Object(fields)) if shape == Shape::Array && bare.len() < KEPT_MAX => {
                    bare.push(Value::Object(fields));
                    return Ok(());
                }
                // osquery's own log of how it fares.
                Ok(Value::Object(fields))
                    if fields.contains_key("severity") && fields.contains_key("filename") =>
                {
                    return Ok(());
                }
                Ok(_) => {
                    "it is no result of a query; expected `name`, `unixTime`, and `action` or `snapshot`"
                        .to_owned()
                }
                Err(what) => what,
            };
            coverage.skip(run, None, &place, &what, MEND);
            Ok(())
        });
        match read {
            // Bare rows. No rows at all are an answer as well.
            Ok(Shape::Array) if results == 0 => {}
            Ok(Shape::Array | Shape::Lines) => return Ok(()),
            Err(Broken::Stopped) => return Err(Stopped),
            Err(Broken::Off(what)) => {
                coverage.broken(run, &file.name, UnknownReason::new(Why::Failed, what), MEND);
                return Ok(());
            }
        }
        match self.form.query_of(file) {
            Some(query) => {
                let host = self.form.host.clone();
                self.snapshot(query, host, &bare, file.modified, &file.name, coverage, run);
            }
            None => {
                let what =
                    format!("no query is called `{}`; expected the file to be named after one", file.stem);
                coverage.broken(run, &file.name, UnknownReason::new(Why::Failed, what), MEND);
            }
        }
        Ok(())
    }

    fn end(&mut self, coverage: &mut Coverage, run: &mut Run<'_>) -> Result<(), Stopped> {
        for ((query, host), change) in std::mem::take(&mut self.changes) {
            self.settle(query, &host, change, run)?;
            if let Some(query) = self.form.queries.get(query) {
                let what = "differential results tell what changed, not all that there is";
                coverage.told(scope(query, host, Some(UnknownReason::new(Why::NotCollected, what))));
            }
        }
        for ((name, host), snapshot) in std::mem::take(&mut self.snapshots) {
            let Some(query) = self.form.queries.get(name) else { continue };
            let age = run.now().since(snapshot.at);
            let doubt = if !query.is_complete {
                Some(format!("queries.{name}.complete does not say that a snapshot holds them all"))
            } else if age > self.max_age {
                Some(format!("the last snapshot is {} old; `max_age` is {}", age.human(), self.max_age))
            } else {
                None
            };
            let reason = doubt.map(|what| UnknownReason::new(Why::NotCollected, what));
            coverage.told(scope(query, host, reason));
            for row in snapshot.rows {
                coverage.saw(&row.kind, &row.scope);
                run.observe(row)?;
            }
        }
        Ok(())
    }
}

fn scope(query: &Query, host: String, reason: Option<UnknownReason>) -> ScopeReport {
    let kind = query.mapping.kind.clone();
    ScopeReport { kind, scope: host, complete: reason.is_none(), resources: 0, pages: 1, reason }
}

impl<'f> ResultReader<'f> {
    /// One line of the results log.
    fn result(
        &mut self,
        fields: &Map<String, Value>,
        place: &str,
        file: &Opened,
        coverage: &mut Coverage,
        run: &mut Run<'_>,
    ) -> Result<(), Stopped> {
        let field = |name: &str| fields.get(name).and_then(text).filter(|text| !text.is_empty());
        let name = field("name").unwrap_or_default();
        // Other queries' results are in the same log, and not asked for.
        let Some((name, query)) = self.form.queries.get_key_value(name.as_ref()) else { return Ok(()) };
        let kind = &query.mapping.kind;
        let host = field("hostIdentifier")
            .or_else(|| field("hostname"))
            .unwrap_or_else(|| self.form.host.as_str().into());
        let host: String = host.chars().take(250).collect();
        if host.is_empty() {
            coverage.skip(
                run,
                Some(kind.clone()),
                place,
                "`hostIdentifier` is missing; expected the host's name",
                MEND,
            );
            return Ok(());
        }
        let at = field("unixTime").and_then(|time| TimeForm::Unix.read(&time)).unwrap_or(file.modified);
        let of_both = |name: &str| Some(fields.get("diffResults")?.get(name).unwrap_or(&Value::Null));
        let lists = [fields.get("snapshot"), of_both("removed"), of_both("added")];
        let [snapshot, removed, added] = lists.map(|list| list.map(rows));
        if [&snapshot, &removed, &added].iter().any(|list| matches!(list, Some(None))) {
            let what = "`snapshot` or `diffResults` holds no list of rows; expected one";
            coverage.skip(run, Some(kind.clone()), place, what, MEND);
            return Ok(());
        }
        if let Some(rows) = snapshot.flatten() {
            self.snapshot(name, host, rows, at, place, coverage, run);
            return Ok(());
        }
        if removed.is_some() || added.is_some() {
            for (rows, is_added) in [(removed.flatten(), false), (added.flatten(), true)] {
                for row in rows.unwrap_or_default() {
                    self.change(name, &host, row, is_added, at, place, coverage, run)?;
                }
            }
            return Ok(());
        }
        let row = fields.get("columns").cloned().unwrap_or_default();
        match field("action").as_deref() {
            Some("added") => self.change(name, &host, &row, true, at, place, coverage, run),
            Some("removed") => self.change(name, &host, &row, false, at, place, coverage, run),
            other => {
                let what = format!(
                    "`action` is `{}`; expected added, removed or snapshot",
                    other.unwrap_or_default()
                );
                coverage.skip(run, Some(kind.clone()), place, &what, MEND);
                Ok(())
            }
        }
    }

    /// A whole answer: it replaces an earlier one of the same host.
    #[expect(clippy::too_many_arguments, reason = "where it was read, and where to tell")]
    fn snapshot(
        &mut self,
        name: &'f str,
        host: String,
        rows: &[Value],
        at: Timestamp,
        place: &str,
        coverage: &mut Coverage,
        run: &mut Run<'_>,
    ) {
        let Some(query) = self.form.queries.get(name) else { return };
        let before = self.snapshots.get(&(name, host.clone()));
        if before.is_some_and(|before| before.at > at) {
            return;
        }
        let mut keys = BTreeSet::new();
        let mut read = Vec::with_capacity(rows.len());
        for (number, row) in rows.iter().enumerate() {
            let place = format!("{place}: row {}", number + 1);
            let cells = |column: &str| cell(row, column, &host);
            let mapped = query.mapping.read(&cells, &host, at).and_then(|mapped| {
                let key = &mapped.observation.key;
                if keys.insert(key.clone()) {
                    Ok(mapped)
                } else {
                    Err(format!(
                        "the key `{key}` has been there already; expected another (see the setting `key`)"
                    ))
                }
            });
            match mapped {
                Ok(mapped) => {
                    for what in &mapped.unread {
                        coverage.remark(run, &place, what, MEND);
                    }
                    read.push(Observation { scope: host.clone(), ..mapped.observation });
                }
                Err(what) => coverage.skip(run, Some(query.mapping.kind.clone()), &place, &what, MEND),
            }
        }
        self.kept += read.len();
        let before = self.snapshots.insert((name, host), Snapshot { at, rows: read });
        self.kept -= before.map_or(0, |before| before.rows.len());
        if self.kept > KEPT_MAX {
            let what = format!("the last snapshots have more than {KEPT_MAX} rows");
            self.snapshots.clear();
            self.kept = 0;
            let reason = UnknownReason::new(Why::Failed, what);
            coverage.broken(run, place, reason, "split the log by query or by host into several sources");
        }
    }

    /// One row that came or went.
    #[expect(clippy::too_many_arguments, reason = "where it was read, and where to tell")]
    fn change(
        &mut self,
        name: &'f str,
        host: &str,
        row: &Value,
        is_added: bool,
        at: Timestamp,
        place: &str,
        coverage: &mut Coverage,
        run: &mut Run<'_>,
    ) -> Result<(), Stopped> {
        let Some(query) = self.form.queries.get(name) else { return Ok(()) };
        self.rows += 1;
        if self.rows > RECORDS_MAX {
            let what = format!("it is beyond the {RECORDS_MAX} rows that are read");
            coverage.skip(
                run,
                Some(query.mapping.kind.clone()),
                place,
                &what,
                "split the log into several sources",
            );
            return Ok(());
        }
        let place_in_log = (name, host.to_owned());
        if self.changes.get(&place_in_log).is_some_and(|change| change.at != Some(at)) {
            let settled = self.changes.remove(&place_in_log).unwrap_or_default();
            self.settle(name, host, settled, run)?;
        }
        let change =
            self.changes.entry(place_in_log).or_insert_with(|| Change { at: Some(at), ..Change::default() });
        let cells = |column: &str| cell(row, column, host);
        let mapped = if is_added {
            query.mapping.read(&cells, host, at).map(Some)
        } else {
            query.mapping.key(&cells, host).map(|key| {
                change.removed.insert(key);
                None
            })
        };
        match mapped {
            Ok(None) => Ok(()),
            Ok(Some(mapped)) => {
                for what in &mapped.unread {
                    coverage.remark(run, place, what, MEND);
                }
                change.added.insert(mapped.observation.key.clone());
                coverage.saw(&query.mapping.kind, host);
                run.observe(Observation { scope: host.to_owned(), ..mapped.observation })
            }
            Err(what) => {
                coverage.skip(run, Some(query.mapping.kind.clone()), place, &what, MEND);
                Ok(())
            }
        }
    }

    /// Tells what is gone: removed and not added again at the same moment, which is how osquery tells of a change.
    fn settle(&self, name: &str, host: &str, change: Change, run: &mut Run<'_>) -> Result<(), Stopped> {
        let Some(query) = self.form.queries.get(name) else { return Ok(()) };
        for key in change.removed.difference(&change.added) {
            run.observe(Observation {
                kind: query.mapping.kind.clone(),
                key: key.clone(),
                scope: host.to_owned(),
                effective_at: change.at,
                attributes: Map::new(),
                unknown: BTreeMap::new(),
                gone: true,
            })?;
        }
        Ok(())
    }
}
