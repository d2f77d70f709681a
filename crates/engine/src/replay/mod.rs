//! Replay: all results made anew from the facts and compared, row by row, with those that are stored.

mod compare;

use std::collections::BTreeMap;

use octro_model::{Collection, Id, Span, Tally, Timestamp};
use octro_store::{Db, Row};
use serde::Serialize;

use crate::delta::{Delta, ResultRow};
use crate::input::form;
use crate::late::{amend_all, needs};
use crate::persist::{load, past, write};
use crate::state::{Changed, Counts, InForce, Sorted, State};
use crate::{EngineError, SourceInfo, retention, sightings};

const INPUTS: &str = "SELECT seq, received_at, form, source, collection, body FROM inputs WHERE seq > $1 \
     ORDER BY seq LIMIT 400";
const OBSERVATIONS: &str = "SELECT seq, input, resource, effective_at, gone, scope, hash, body FROM observations \
     WHERE seq > $1 ORDER BY seq LIMIT 5000";
const RESOURCES: &str = "SELECT kind, key FROM resources WHERE ord > $1 ORDER BY ord LIMIT 50000";
const NOW: &str = "SELECT value FROM settings WHERE name = 'now'";

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] =
    &[INPUTS, OBSERVATIONS, RESOURCES, NOW, compare::RESULTS, compare::TALLIES, compare::VERDICTS];

/// How many differences are told; the rest are counted.
const MISMATCHES_MAX: usize = 50;

/// Which rows a replay compares; it always makes everything, since everything rests on what was before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Results that hold after this, counts and statuses told from then on.
    pub from: Timestamp,
    /// Results that hold before this, counts and statuses told until then.
    pub to: Timestamp,
}

impl Window {
    /// All of time.
    pub const ALL: Self = Self { from: Timestamp::MIN, to: Timestamp::MAX };

    fn holds(&self, from_at: Timestamp, to_at: Timestamp) -> bool {
        from_at <= self.to && to_at > self.from
    }

    fn told(&self, at: Timestamp) -> bool {
        self.from <= at && at <= self.to
    }
}

/// How a replay went.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ReplayReport {
    /// The moment of the baseline that it began from; `None` if all facts are still there.
    pub from: Option<Timestamp>,
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
    /// By resource (its number less one), in the order in which they were told.
    results: Vec<Vec<ResultRow>>,
    tallies: BTreeMap<(i64, Timestamp), Tally>,
    verdicts: BTreeMap<(String, Id, Timestamp), u8>,
}

impl Made {
    /// All of it as one hash.
    fn told(mut self) -> String {
        let mut told = retention::Told::default();
        for rows in &mut self.results {
            told.results(rows);
        }
        for ((test, at), tally) in &self.tallies {
            told.tally(*test, *at, tally);
        }
        for ((subject, id, at), status) in &self.verdicts {
            told.verdict(subject, id, *at, *status);
        }
        told.finish()
    }

    fn of(&mut self, resource: i64) -> &mut Vec<ResultRow> {
        let place = usize::try_from(resource - 1).unwrap_or(0);
        if self.results.len() <= place {
            self.results.resize_with(place + 1, Vec::new);
        }
        #[expect(clippy::indexing_slicing, reason = "it was just made long enough")]
        &mut self.results[place]
    }

    fn take(&mut self, delta: &Delta) {
        let (closed, opened) = write::fold(delta);
        for (test, resource, to_at, closed_at) in closed {
            let open = self.of(resource).iter_mut().rev().find(|row| {
                row.test == test && row.to_at == Timestamp::MAX && row.superseded_at == Timestamp::MAX
            });
            if let Some(row) = open {
                row.to_at = to_at;
                row.closed_at = closed_at;
            }
        }
        for row in opened.iter().chain(&delta.rewritten) {
            self.of(row.resource).push(*row);
        }
        for (old, at) in &delta.superseded {
            let same = self.of(old.resource).iter_mut().filter(|row| row.test == old.test);
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

/// Makes all results anew and compares those in `window`. `progress` is told the number of inputs taken so far.
///
/// # Errors
/// If the database cannot be read; a difference is no error but part of the report.
pub async fn replay(
    db: &Db,
    window: Window,
    mut progress: impl FnMut(u64),
) -> Result<ReplayReport, EngineError> {
    let mut report = ReplayReport::default();
    let Remade { mut state, mut made, .. } = remake(db, Timestamp::MAX, &mut report, &mut progress).await?;
    if let Some(row) = db.fetch_one(NOW, &[]).await?
        && let Ok(micros) = row.get::<String>(0)?.parse()
    {
        let mut delta = Delta::default();
        state.advance(Timestamp::from_micros(micros), &mut delta);
        made.take(&delta);
    }
    compare::results(db, &state, window, made.results, &mut report).await?;
    compare::tallies(db, &state, window, &made.tallies, &mut report).await?;
    compare::verdicts(db, window, &made.verdicts, &mut report).await?;
    Ok(report)
}

/// What the facts make, and the last input and observation that were taken.
struct Remade {
    state: State,
    made: Made,
    input: i64,
    observation: i64,
}

/// Makes everything anew from the facts that were received before `until`, beginning at the baseline if there is one.
async fn remake(
    db: &Db,
    until: Timestamp,
    report: &mut ReplayReport,
    progress: &mut impl FnMut(u64),
) -> Result<Remade, EngineError> {
    let programs = load::programs(db).await?;
    let resources = names(db).await?;
    let begun = retention::begin(db, &programs).await?;
    report.from = begun.at;
    if let (Some(at), Some((recorded, found))) = (begun.at, begun.tampered) {
        report.differ(|| format!("all that was told by {at}, as one hash"), found, recorded);
    }
    let mut state = begun.state;
    let mut made = Made { results: begun.results, tallies: begun.tallies, verdicts: begun.verdicts };
    let mut observations =
        Observations { db, rows: std::collections::VecDeque::new(), last: begun.observation, end: false };
    let mut last = begun.input;
    let mut observation = begun.observation;
    loop {
        let rows = db.fetch(INPUTS, &[last.into()]).await?;
        let mut ended = rows.is_empty();
        for row in rows {
            if row.get::<Timestamp>(1)? >= until {
                ended = true;
                break;
            }
            last = row.get(0)?;
            let came = observations.of(last).await?;
            if let Some(newest) = came.last() {
                observation = newest.get(0)?;
            }
            take(db, &mut state, &row, came, &programs, &resources, &mut made, report).await?;
            report.inputs += 1;
        }
        progress(report.inputs);
        if ended {
            return Ok(Remade { state, made, input: last, observation });
        }
    }
}

/// The state as the facts make it at `at`, what was told by then as one hash, and the last input and observation that
/// it rests on.
pub(crate) async fn state_at(
    db: &Db,
    at: Timestamp,
    mut progress: impl FnMut(u64),
) -> Result<(State, String, (i64, i64)), EngineError> {
    let mut report = ReplayReport::default();
    let Remade { mut state, mut made, input, observation } =
        remake(db, at, &mut report, &mut progress).await?;
    if let Some(difference) = report.mismatches.first() {
        return Err(EngineError::Stored(format!("{} is not what was recorded", difference.what)));
    }
    let mut delta = Delta::default();
    state.advance(at, &mut delta);
    made.take(&delta);
    Ok((state, made.told(), (input, observation)))
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
    let unreadable =
        |what: &str| EngineError::Stored(format!("an input of {received} cannot be read: {what}"));
    let mut early = Delta::default();
    state.advance(received.minus(Span::from_micros(1)), &mut early);
    made.take(&early);
    let mut delta = Delta::default();
    match row.get::<i64>(2)? {
        form::PROGRAM => {
            let ord =
                body.as_slice().try_into().map(i64::from_le_bytes).map_err(|_| unreadable("no number"))?;
            let in_force =
                programs.iter().find(|one| one.ord == ord).ok_or_else(|| unreadable("no such program"))?;
            let reread = load::reread(db, state, &in_force.program).await?;
            state.install(in_force.program.clone(), Vec::new(), reread, received, &mut delta);
        }
        form::SOURCE => {
            let info: SourceInfo =
                serde_json::from_slice(&body).map_err(|error| unreadable(&error.to_string()))?;
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
    if !delta.late.is_empty() {
        let (slots, since) = needs(state, &delta.late);
        let pasts = past::pasts(&mut past::Reader::Db(db), state, &slots, since).await?;
        let rows = delta.late.keys().map(|slot| (*slot, told(made, *slot))).collect();
        let rewritten = amend_all(state, &delta.late, &pasts, &rows);
        made.take(&rewritten);
    }
    Ok(())
}

/// The results of a resource as the replay knows them at this point.
fn told(made: &Made, slot: u32) -> Vec<ResultRow> {
    let rows = made.results.get(slot as usize).into_iter().flatten();
    let mut rows: Vec<ResultRow> = rows.filter(|row| row.superseded_at == Timestamp::MAX).copied().collect();
    rows.sort_by_key(|row| (row.test, row.from_at, row.known_at));
    rows
}

/// A stored batch as it was when it was taken.
fn sorted(
    state: &State,
    body: &[u8],
    came: &[Row],
    resources: &[(Id, String)],
) -> Result<Sorted, EngineError> {
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
        let kind =
            state.kind_of.get(id).copied().ok_or_else(|| EngineError::Stored(format!("no kind `{id}`")))?;
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
