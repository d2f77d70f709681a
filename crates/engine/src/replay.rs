//! Replay: all results made anew from the facts and compared, row by row, with those that are stored.

use std::collections::{BTreeMap, HashMap};

use octro_model::{Collection, Id, Span, Tally, Timestamp};
use octro_store::{Db, Row};
use serde::Serialize;

use crate::delta::{Delta, ResultRow};
use crate::input::form;
use crate::persist::{load, past, write};
use crate::state::{Changed, Counts, InForce, Sorted, State};
use crate::{EngineError, SourceInfo, sightings};

const INPUTS: &str = "SELECT seq, received_at, form, source, collection, body FROM inputs WHERE seq > $1 \
     ORDER BY seq LIMIT 400";
const OBSERVATIONS: &str = "SELECT seq, input, resource, effective_at, gone, scope, hash, body FROM observations \
     WHERE seq > $1 ORDER BY seq LIMIT 5000";
const RESOURCES: &str = "SELECT kind, key FROM resources WHERE ord > $1 ORDER BY ord LIMIT 50000";
const RESULTS: &str = "SELECT test, resource, from_at, known_at, to_at, closed_at, superseded_at, version, observation, \
     status, prev FROM results WHERE test = $1 AND resource > $2 ORDER BY resource, from_at, known_at LIMIT 20000";
const TALLIES: &str = "SELECT test, known_at, pass, fail, unknown, stale, excepted, not_applicable FROM tallies \
     WHERE test = $1 AND known_at > $2 ORDER BY known_at LIMIT 20000";
const VERDICTS: &str = "SELECT subject, id, from_at, status FROM verdicts ORDER BY subject, id, from_at";
const NOW: &str = "SELECT value FROM settings WHERE name = 'now'";

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[INPUTS, OBSERVATIONS, RESOURCES, RESULTS, TALLIES, VERDICTS];

/// How many differences are told; the rest are counted.
const MISMATCHES_MAX: usize = 50;

/// How a replay went.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ReplayReport {
    /// Inputs that were taken.
    pub inputs: u64,
    /// Observations that said something new.
    pub changed: u64,
    /// Observations that said what was known.
    pub unchanged: u64,
    /// Results that were compared.
    pub results: u64,
    /// Counts (of a test at a moment) that were compared.
    pub tallies: u64,
    /// Statuses of tests and controls that were compared.
    pub verdicts: u64,
    /// How many rows differ.
    pub differences: u64,
    /// The first of them.
    pub mismatches: Vec<Mismatch>,
}

/// A stored row that the facts do not make, or the other way round.
#[derive(Clone, Debug, Serialize)]
pub struct Mismatch {
    /// Which row.
    pub what: String,
    /// What is stored.
    pub stored: String,
    /// What the facts make.
    pub replayed: String,
}

impl ReplayReport {
    fn differ(&mut self, what: impl FnOnce() -> String, stored: String, replayed: String) {
        self.differences += 1;
        if self.mismatches.len() < MISMATCHES_MAX {
            self.mismatches.push(Mismatch { what: what(), stored, replayed });
        }
    }
}

/// Everything that a replay makes.
#[derive(Default)]
struct Made {
    /// By (test, resource), in the order in which they were told.
    results: HashMap<(i64, i64), Vec<ResultRow>>,
    tallies: BTreeMap<(i64, Timestamp), Tally>,
    verdicts: BTreeMap<(String, Id, Timestamp), u8>,
}

impl Made {
    fn take(&mut self, delta: &Delta) {
        let (closed, opened) = write::fold(delta);
        for (test, resource, to_at, closed_at) in closed {
            let open = self.results.get_mut(&(test, resource)).into_iter().flatten().find(|row| {
                row.to_at == Timestamp::MAX && row.superseded_at == Timestamp::MAX
            });
            if let Some(row) = open {
                row.to_at = to_at;
                row.closed_at = closed_at;
            }
        }
        for row in opened.iter().chain(&delta.rewritten) {
            self.results.entry((row.test, row.resource)).or_default().push(*row);
        }
        for (old, at) in &delta.superseded {
            let same = self.results.get_mut(&(old.test, old.resource)).into_iter().flatten();
            for row in same.filter(|row| row.from_at == old.from_at && row.known_at == old.known_at) {
                row.superseded_at = *at;
            }
        }
        self.tallies.extend(delta.tallies.iter().map(|(key, tally)| (*key, *tally)));
        for row in &delta.verdicts {
            self.verdicts.insert((row.subject.to_owned(), row.id.clone(), row.from_at), row.status);
        }
    }
}

/// Observations, read ahead in their order.
struct Observations<'a> {
    db: &'a Db,
    rows: std::collections::VecDeque<Row>,
    last: i64,
    end: bool,
}

impl Observations<'_> {
    /// The observations that came with `input`.
    async fn of(&mut self, input: i64) -> Result<Vec<Row>, EngineError> {
        let mut found = Vec::new();
        loop {
            if self.rows.is_empty() && !self.end {
                self.rows = self.db.fetch(OBSERVATIONS, &[self.last.into()]).await?.into();
                self.end = self.rows.is_empty();
                if let Some(row) = self.rows.back() {
                    self.last = row.get(0)?;
                }
            }
            match self.rows.front() {
                Some(row) if row.get::<i64>(1)? <= input => found.extend(self.rows.pop_front()),
                Some(_) | None => return Ok(found),
            }
        }
    }
}

/// Makes all results anew and compares them. `progress` is told the number of inputs taken so far.
///
/// # Errors
/// If the database cannot be read; a difference is no error but part of the report.
pub async fn replay(db: &Db, mut progress: impl FnMut(u64)) -> Result<ReplayReport, EngineError> {
    let programs = load::programs(db).await?;
    let resources = names(db).await?;
    let mut report = ReplayReport::default();
    let mut state = State::new();
    let mut made = Made::default();
    let mut observations = Observations { db, rows: std::collections::VecDeque::new(), last: 0, end: false };
    let mut last = 0;
    loop {
        let rows = db.fetch(INPUTS, &[last.into()]).await?;
        if rows.is_empty() {
            break;
        }
        for row in rows {
            last = row.get(0)?;
            let came = observations.of(last).await?;
            take(db, &mut state, &row, came, &programs, &resources, &mut made, &mut report).await?;
            report.inputs += 1;
        }
        progress(report.inputs);
    }
    if let Some(row) = db.fetch_one(NOW, &[]).await?
        && let Ok(micros) = row.get::<String>(0)?.parse()
    {
        let mut delta = Delta::default();
        state.advance(Timestamp::from_micros(micros), &mut delta);
        made.take(&delta);
    }
    compare_results(db, &state, made.results, &mut report).await?;
    compare_tallies(db, &state, &made.tallies, &mut report).await?;
    compare_verdicts(db, &made.verdicts, &mut report).await?;
    Ok(report)
}

/// Kind and key of every resource, by number.
async fn names(db: &Db) -> Result<Vec<(Id, String)>, EngineError> {
    let mut all: Vec<(Id, String)> = Vec::new();
    loop {
        let rows = db.fetch(RESOURCES, &[(all.len() as i64).into()]).await?;
        if rows.is_empty() {
            return Ok(all);
        }
        for row in rows {
            all.push((row.get(0)?, row.get(1)?));
        }
    }
}

#[expect(clippy::too_many_arguments, reason = "the parts of one step; they have no life together elsewhere")]
async fn take(
    db: &Db,
    state: &mut State,
    row: &Row,
    came: Vec<Row>,
    programs: &[InForce],
    resources: &[(Id, String)],
    made: &mut Made,
    report: &mut ReplayReport,
) -> Result<(), EngineError> {
    let received: Timestamp = row.get(1)?;
    let (source_ord, collection): (i64, i64) = (row.get(3)?, row.get(4)?);
    let source = u32::try_from(source_ord - 1).unwrap_or(u32::MAX);
    let body: Vec<u8> = row.get(5)?;
    let unreadable = |what: &str| EngineError::Stored(format!("an input of {received} cannot be read: {what}"));
    let mut early = Delta::default();
    state.advance(received.minus(Span::from_micros(1)), &mut early);
    made.take(&early);
    let mut delta = Delta::default();
    match row.get::<i64>(2)? {
        form::PROGRAM => {
            let ord = body.as_slice().try_into().map(i64::from_le_bytes).map_err(|_| unreadable("no number"))?;
            let in_force = programs.iter().find(|one| one.ord == ord).ok_or_else(|| unreadable("no such program"))?;
            state.install(in_force.program.clone(), Vec::new(), received, &mut delta);
        }
        form::SOURCE => {
            let info: SourceInfo = serde_json::from_slice(&body).map_err(|error| unreadable(&error.to_string()))?;
            state.declare(info, received, &mut delta);
        }
        form::RETIRE => state.retire(source, received, &mut delta),
        form::BATCH => {
            let sorted = sorted(state, &body, &came, resources)?;
            report.changed += sorted.changed.len() as u64;
            report.unchanged += sorted.sightings.iter().map(|(_, all)| all.len() as u64).sum::<u64>();
            state.batch(source, collection, sorted, received, &mut delta);
        }
        form::FINISHED => {
            let (finished, changed, unchanged): (Collection, u64, u64) =
                serde_json::from_slice(&body).map_err(|error| unreadable(&error.to_string()))?;
            let counts = Counts { changed, unchanged, refused: finished.refused };
            state.finish(source, collection, &finished, counts, received, &mut delta);
        }
        other => return Err(unreadable(&format!("form {other} is not known"))),
    }
    made.take(&delta);
    for (slot, from) in std::mem::take(&mut delta.late) {
        let mut tx = db.begin().await?;
        let needs = state.past_needs(slot);
        let pasts = past::pasts(&mut tx, state, &needs).await?;
        let rows = told(made, slot);
        let mut rewritten = Delta::default();
        state.amend(slot, from, &pasts, &rows, &mut rewritten);
        made.take(&rewritten);
    }
    Ok(())
}

/// The results of a resource as the replay knows them at this point.
fn told(made: &Made, slot: u32) -> Vec<ResultRow> {
    let ord = State::ord(slot);
    let mut rows: Vec<ResultRow> = made
        .results
        .iter()
        .filter(|((_, resource), _)| *resource == ord)
        .flat_map(|(_, rows)| rows)
        .filter(|row| row.superseded_at == Timestamp::MAX)
        .copied()
        .collect();
    rows.sort_by_key(|row| (row.test, row.from_at, row.known_at));
    rows
}

/// A stored batch as it was when it was taken.
fn sorted(state: &State, body: &[u8], came: &[Row], resources: &[(Id, String)]) -> Result<Sorted, EngineError> {
    let mut sorted = Sorted::default();
    let mut groups: BTreeMap<Timestamp, Vec<i64>> = BTreeMap::new();
    sightings::decode(body, |at, ord| groups.entry(at).or_default().push(ord));
    sorted.sightings = groups.into_iter().collect();
    for row in came {
        let ord: i64 = row.get(2)?;
        let (id, key) = usize::try_from(ord - 1)
            .ok()
            .and_then(|place| resources.get(place))
            .ok_or_else(|| EngineError::Stored(format!("there is no resource {ord}")))?;
        let kind = state.kind_of.get(id).copied().ok_or_else(|| EngineError::Stored(format!("no kind `{id}`")))?;
        let layout = state.kinds.get(kind as usize).and_then(|table| table.layout.as_ref());
        let gone: bool = row.get(4)?;
        let body: Vec<u8> = row.get(7)?;
        let mut hash = [0; 16];
        for (to, from) in hash.iter_mut().zip(row.get::<Vec<u8>>(6)?) {
            *to = from;
        }
        sorted.changed.push(Changed {
            kind,
            key: key.clone(),
            scope: row.get(5)?,
            effective_at: row.get(3)?,
            gone,
            hash,
            record: layout.filter(|_| !gone).map(|layout| load::record(layout, &body)),
            body,
        });
    }
    Ok(sorted)
}

async fn compare_results(
    db: &Db,
    state: &State,
    mut made: HashMap<(i64, i64), Vec<ResultRow>>,
    report: &mut ReplayReport,
) -> Result<(), EngineError> {
    for rows in made.values_mut() {
        rows.sort_by_key(|row| (row.from_at, row.known_at));
    }
    for (index, test) in state.tests.iter().enumerate() {
        let number = index as i64 + 1;
        let mut after = 0;
        loop {
            let rows = db.fetch(RESULTS, &[number.into(), after.into()]).await?;
            let stored: Vec<ResultRow> = rows.iter().map(past::result).collect::<Result<_, _>>()?;
            // The last resource of a full page may go on in the next: take it whole, then.
            let full = stored.len() == 20_000;
            let last = stored.last().map(|row| row.resource);
            let Some(last) = last else { break };
            let whole: Vec<ResultRow> =
                stored.iter().copied().filter(|row| !full || row.resource < last || stored.first().map(|r| r.resource) == Some(last)).collect();
            after = whole.last().map_or(last, |row| row.resource);
            for group in whole.chunk_by(|a, b| a.resource == b.resource) {
                let resource = group.first().map_or(0, |row| row.resource);
                let replayed = made.remove(&(number, resource)).unwrap_or_default();
                report.results += group.len() as u64;
                if replayed != group {
                    let what = || format!("results of {} for resource {resource}", test.id);
                    report.differ(what, format!("{group:?}"), format!("{replayed:?}"));
                }
            }
            if !full {
                break;
            }
        }
    }
    for ((test, resource), rows) in made {
        report.differ(|| format!("results of test {test} for resource {resource}"), "none".to_owned(), format!("{rows:?}"));
    }
    Ok(())
}

async fn compare_tallies(
    db: &Db,
    state: &State,
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
                stored.insert((row.get(0)?, row.get(1)?), crate::query::tally(row, 2)?);
            }
        }
    }
    report.tallies = stored.len() as u64;
    for key in stored.keys().chain(made.keys().filter(|key| !stored.contains_key(*key))) {
        let (a, b) = (stored.get(key), made.get(key));
        if a != b {
            report.differ(|| format!("counts of test {} at {}", key.0, key.1), format!("{a:?}"), format!("{b:?}"));
        }
    }
    Ok(())
}

async fn compare_verdicts(
    db: &Db,
    made: &BTreeMap<(String, Id, Timestamp), u8>,
    report: &mut ReplayReport,
) -> Result<(), EngineError> {
    let mut stored: BTreeMap<(String, Id, Timestamp), u8> = BTreeMap::new();
    for row in db.fetch(VERDICTS, &[]).await? {
        let status = u8::try_from(row.get::<i64>(3)?).unwrap_or(u8::MAX);
        stored.insert((row.get(0)?, row.get(1)?, row.get(2)?), status);
    }
    report.verdicts = stored.len() as u64;
    for key in stored.keys().chain(made.keys().filter(|key| !stored.contains_key(*key))) {
        let (a, b) = (stored.get(key), made.get(key));
        if a != b {
            report.differ(|| format!("status of {} {} at {}", key.0, key.1, key.2), format!("{a:?}"), format!("{b:?}"));
        }
    }
    Ok(())
}
