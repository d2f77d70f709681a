//! Comparing what a replay made with what is stored, page by page.

use std::collections::{BTreeMap, VecDeque};

use octro_model::{Id, Tally, Timestamp};
use octro_store::{Db, Param};
use tokio::task::JoinHandle;

use super::{ReplayReport, Window, packed};
use crate::EngineError;
use crate::delta::ResultRow;
use crate::state::State;

/// How many rows of the results are read at once.
const PAGE: i64 = 1_000;

/// How many tests are compared at the same time.
const LANES: usize = 2;

/// Results of tests that there never were.
pub(super) const STRAY: &str = "SELECT \
     (SELECT COUNT(*) FROM results WHERE test < 1 AND from_at <= $3 AND to_at > $2) \
     + (SELECT COUNT(*) FROM results WHERE test > $1 AND from_at <= $3 AND to_at > $2)";
pub(super) const VERDICTS: &str =
    "SELECT subject, id, from_at, status FROM verdicts ORDER BY subject, id, from_at";

/// Compares all results. `made`: by test (its number less one), in any order.
pub(super) async fn results(
    db: &Db,
    state: &State,
    window: Window,
    mut made: Vec<Vec<ResultRow>>,
) -> Result<ReplayReport, EngineError> {
    let mut report = ReplayReport::default();
    let values = [(state.tests.len() as i64).into(), window.from.into(), window.to.into()];
    let stray: i64 = db.fetch_one(STRAY, &values).await?.map_or(Ok(0), |row| row.get(0))?;
    if stray > 0 {
        let what = || "results of tests that there never were".to_owned();
        report.differ(what, format!("{stray} rows"), "none".to_owned());
    }
    made.resize_with(state.tests.len(), Vec::new);
    let mut left = made.into_iter().zip(&state.tests).enumerate();
    // Tests are told of in their order, however long each takes.
    let mut running: VecDeque<JoinHandle<Result<ReplayReport, EngineError>>> = VecDeque::new();
    loop {
        while running.len() < LANES
            && let Some((index, (made, test))) = left.next()
        {
            let test = (index as i64 + 1, test.id.to_string());
            running.push_back(tokio::spawn(one(db.clone(), test, window, made)));
        }
        let Some(next) = running.pop_front() else { return Ok(report) };
        let stopped = |error| EngineError::Stored(format!("the comparison stopped: {error}"));
        report.add(next.await.map_err(stopped)??);
    }
}

/// Compares the results of one test.
async fn one(
    db: Db,
    (number, test): (i64, String),
    window: Window,
    mut made: Vec<ResultRow>,
) -> Result<ReplayReport, EngineError> {
    made.retain(|row| window.holds(row.from_at, row.to_at));
    made.sort_unstable_by_key(packed::key);
    let mut made = made.as_slice();
    let mut report = ReplayReport::default();
    let mut last = (i64::MIN, Timestamp::MIN, Timestamp::MIN);
    // What was read and is not yet compared: the last resource of a page may go on in the next.
    let mut stored: Vec<ResultRow> = Vec::new();
    loop {
        let (resource, from_at, known_at) = last;
        let values: [Param<'_>; 5] =
            [number.into(), resource.into(), from_at.into(), known_at.into(), PAGE.into()];
        let row = db.fetch_one(packed::RESULTS, &values).await?;
        let text: Option<String> = row.as_ref().map(|row| row.get(0)).transpose()?.flatten();
        let page = packed::results(text.as_deref().unwrap_or_default(), number)?;
        let full = page.len() as i64 == PAGE;
        last = page.last().map_or(last, packed::key);
        stored.extend(page);
        let open = stored.last().filter(|_| full).map(|row| row.resource);
        let whole = stored.partition_point(|row| open.is_none_or(|open| row.resource < open));
        let rest = stored.split_off(whole);
        stored.retain(|row| window.holds(row.from_at, row.to_at));
        report.results += stored.len() as u64;
        made = compare_page(&stored, made, open, &test, &mut report);
        stored = rest;
        if !full {
            return Ok(report);
        }
    }
}

/// Compares whole resources, up to `until`; answers what was made of those that come later.
fn compare_page<'a>(
    stored: &[ResultRow],
    made: &'a [ResultRow],
    until: Option<i64>,
    test: &str,
    report: &mut ReplayReport,
) -> &'a [ResultRow] {
    let (now, later) =
        made.split_at(made.partition_point(|row| until.is_none_or(|until| row.resource < until)));
    if stored == now {
        return later;
    }
    let mut both: BTreeMap<i64, (&[ResultRow], &[ResultRow])> = BTreeMap::new();
    for group in stored.chunk_by(|a, b| a.resource == b.resource) {
        both.entry(resource(group)).or_default().0 = group;
    }
    for group in now.chunk_by(|a, b| a.resource == b.resource) {
        both.entry(resource(group)).or_default().1 = group;
    }
    for (resource, (stored, made)) in both {
        if stored != made {
            let what = || format!("results of {test} for resource {resource}");
            report.differ(what, told(stored), told(made));
        }
    }
    later
}

fn resource(group: &[ResultRow]) -> i64 {
    group.first().map_or(0, |row| row.resource)
}

fn told(rows: &[ResultRow]) -> String {
    if rows.is_empty() { "none".to_owned() } else { format!("{rows:?}") }
}

pub(super) async fn tallies(
    db: &Db,
    state: &State,
    window: Window,
    made: &BTreeMap<(i64, Timestamp), Tally>,
) -> Result<ReplayReport, EngineError> {
    let mut report = ReplayReport::default();
    let mut stored: BTreeMap<(i64, Timestamp), Tally> = BTreeMap::new();
    for number in 1..=state.tests.len() as i64 {
        let mut after = Timestamp::MIN;
        loop {
            let Some(row) = db.fetch_one(packed::TALLIES, &[number.into(), after.into()]).await? else {
                break;
            };
            let Some(last) = row.get::<Option<i64>>(1)? else { break };
            after = Timestamp::from_micros(last);
            let page = packed::tallies(&row.get::<String>(0)?)?;
            stored.extend(
                page.into_iter().filter(|(at, _)| window.told(*at)).map(|(at, tally)| ((number, at), tally)),
            );
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
    Ok(report)
}

pub(super) async fn verdicts(
    db: &Db,
    window: Window,
    made: &BTreeMap<(String, Id, Timestamp), u8>,
) -> Result<ReplayReport, EngineError> {
    let mut report = ReplayReport::default();
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
    Ok(report)
}
