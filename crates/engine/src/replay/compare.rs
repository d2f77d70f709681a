//! Comparing what a replay made with what is stored, page by page.

use std::collections::BTreeMap;

use octro_model::{Id, Tally, Timestamp};
use octro_store::Db;

use super::{ReplayReport, Window};
use crate::EngineError;
use crate::delta::ResultRow;
use crate::persist::past;
use crate::state::State;

/// How many rows of the results are read at once.
const PAGE: i64 = 20_000;

pub(super) const RESULTS: &str = "SELECT test, resource, from_at, known_at, to_at, closed_at, superseded_at, version, observation, \
     status, prev FROM results WHERE test = $1 AND resource > $2 ORDER BY resource, from_at, known_at LIMIT $3";
pub(super) const TALLIES: &str = "SELECT test, known_at, pass, fail, unknown, stale, excepted, not_applicable FROM tallies \
     WHERE test = $1 AND known_at > $2 ORDER BY known_at LIMIT 20000";
pub(super) const VERDICTS: &str =
    "SELECT subject, id, from_at, status FROM verdicts ORDER BY subject, id, from_at";

pub(super) async fn results(
    db: &Db,
    state: &State,
    window: Window,
    mut made: Vec<Vec<ResultRow>>,
    report: &mut ReplayReport,
) -> Result<(), EngineError> {
    for rows in &mut made {
        rows.retain(|row| window.holds(row.from_at, row.to_at));
        rows.sort_by_key(|row| (row.test, row.from_at, row.known_at));
    }
    for (index, test) in state.tests.iter().enumerate() {
        let number = index as i64 + 1;
        let mut after = 0;
        loop {
            let rows = db.fetch(RESULTS, &[number.into(), after.into(), PAGE.into()]).await?;
            let stored: Vec<ResultRow> = rows.iter().map(past::result).collect::<Result<_, _>>()?;
            let full = stored.len() as i64 == PAGE;
            let Some(last) = stored.last().map(|row| row.resource) else { break };
            // The last resource of a full page may go on in the next: it is read again then, whole.
            let one = stored.first().is_some_and(|first| first.resource == last);
            let whole = stored.into_iter().filter(|row| !full || one || row.resource < last);
            let mut whole: Vec<ResultRow> = whole.collect();
            after = whole.last().map_or(last, |row| row.resource);
            whole.retain(|row| window.holds(row.from_at, row.to_at));
            for group in whole.chunk_by(|a, b| a.resource == b.resource) {
                compare_group(group, test.id.as_str(), &mut made, report);
            }
            if !full {
                break;
            }
        }
    }
    for rows in made
        .into_iter()
        .flat_map(|rows| rows.chunk_by(|a, b| a.test == b.test).map(<[_]>::to_vec).collect::<Vec<_>>())
    {
        let what = || format!("results of {:?}", rows.first().map(|row| (row.test, row.resource)));
        report.differ(what, "none".to_owned(), format!("{rows:?}"));
    }
    Ok(())
}

/// Compares the results of one test for one resource, and takes them out of what was made.
fn compare_group(group: &[ResultRow], test: &str, made: &mut [Vec<ResultRow>], report: &mut ReplayReport) {
    let Some(first) = group.first() else { return };
    let place = usize::try_from(first.resource - 1).unwrap_or(usize::MAX);
    let replayed: Vec<ResultRow> = match made.get_mut(place) {
        Some(rows) => rows.extract_if(.., |row| row.test == first.test).collect(),
        None => Vec::new(),
    };
    report.results += group.len() as u64;
    if replayed != group {
        let what = || format!("results of {test} for resource {}", first.resource);
        report.differ(what, format!("{group:?}"), format!("{replayed:?}"));
    }
}

pub(super) async fn tallies(
    db: &Db,
    state: &State,
    window: Window,
    made: &BTreeMap<(i64, Timestamp), Tally>,
    report: &mut ReplayReport,
) -> Result<(), EngineError> {
    let mut stored: BTreeMap<(i64, Timestamp), Tally> = BTreeMap::new();
    for number in 1..=state.tests.len() as i64 {
        let mut after = Timestamp::MIN;
        loop {
            let rows = db.fetch(TALLIES, &[number.into(), after.into()]).await?;
            let Some(last) = rows.last() else { break };
            after = last.get(1)?;
            for row in &rows {
                let key: (i64, Timestamp) = (row.get(0)?, row.get(1)?);
                if window.told(key.1) {
                    stored.insert(key, crate::query::tally(row, 2)?);
                }
            }
        }
    }
    report.tallies = stored.len() as u64;
    let only_made = made.keys().filter(|key| window.told(key.1) && !stored.contains_key(*key));
    for key in stored.keys().chain(only_made) {
        let (a, b) = (stored.get(key), made.get(key));
        if a != b {
            report.differ(
                || format!("counts of test {} at {}", key.0, key.1),
                format!("{a:?}"),
                format!("{b:?}"),
            );
        }
    }
    Ok(())
}

pub(super) async fn verdicts(
    db: &Db,
    window: Window,
    made: &BTreeMap<(String, Id, Timestamp), u8>,
    report: &mut ReplayReport,
) -> Result<(), EngineError> {
    let mut stored: BTreeMap<(String, Id, Timestamp), u8> = BTreeMap::new();
    for row in db.fetch(VERDICTS, &[]).await? {
        let status = u8::try_from(row.get::<i64>(3)?).unwrap_or(u8::MAX);
        let key: (String, Id, Timestamp) = (row.get(0)?, row.get(1)?, row.get(2)?);
        if window.told(key.2) {
            stored.insert(key, status);
        }
    }
    report.verdicts = stored.len() as u64;
    let only_made = made.keys().filter(|key| window.told(key.2) && !stored.contains_key(*key));
    for key in stored.keys().chain(only_made) {
        let (a, b) = (stored.get(key), made.get(key));
        if a != b {
            report.differ(
                || format!("status of {} {} at {}", key.0, key.1, key.2),
                format!("{a:?}"),
                format!("{b:?}"),
            );
        }
    }
    Ok(())
}
