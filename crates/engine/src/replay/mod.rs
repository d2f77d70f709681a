//! Replay: all results made anew from the facts and compared, row by row, with those that are stored.

mod ahead;
mod compare;
mod made;
mod packed;

use std::collections::BTreeMap;
use std::sync::Arc;

use octro_model::{Collection, Id, Span, Timestamp};
use octro_store::{Db, Row};
use serde::Serialize;

use self::ahead::{Ahead, Told};
use self::made::Made;
use crate::delta::Delta;
use crate::input::form;
use crate::late::{amend_all, needs};
use crate::persist::{load, past};
use crate::state::{Changed, Counts, InForce, Sorted, State};
use crate::{EngineError, SourceInfo, retention, sightings};

const INPUTS: &str = "SELECT seq, received_at, form, source, collection, body FROM inputs WHERE seq > $1 \
     ORDER BY seq LIMIT 400";
const NOW: &str = "SELECT value FROM settings WHERE name = 'now'";

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[
    INPUTS,
    ahead::OBSERVATIONS,
    ahead::INSTALLED,
    packed::RESOURCES,
    NOW,
    packed::RESULTS,
    packed::TALLIES,
    compare::STRAY,
    compare::VERDICTS,
];

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

    /// Adds what another part of the comparison found.
    fn add(&mut self, part: Self) {
        self.inputs += part.inputs;
        self.changed += part.changed;
        self.unchanged += part.unchanged;
        self.results += part.results;
        self.tallies += part.tallies;
        self.verdicts += part.verdicts;
        self.differences += part.differences;
        let room = MISMATCHES_MAX.saturating_sub(self.mismatches.len());
        self.mismatches.extend(part.mismatches.into_iter().take(room));
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
    let (mut state, mut made) = remake(db, Timestamp::MAX, &mut report, &mut progress).await?;
    if let Some(row) = db.fetch_one(NOW, &[]).await?
        && let Ok(micros) = row.get::<String>(0)?.parse()
    {
        let mut delta = Delta::default();
        state.advance(Timestamp::from_micros(micros), &mut delta);
        made.take(&delta);
    }
    let rows = made.results();
    let (results, tallies, verdicts) = tokio::try_join!(
        compare::results(db, &state, window, rows),
        compare::tallies(db, &state, window, &made.tallies),
        compare::verdicts(db, window, &made.verdicts),
    )?;
    [results, tallies, verdicts].into_iter().for_each(|part| report.add(part));
    Ok(report)
}

/// Makes everything anew from the facts that were received before `until`, beginning at the baseline if there is one.
async fn remake(
    db: &Db,
    until: Timestamp,
    report: &mut ReplayReport,
    progress: &mut impl FnMut(u64),
) -> Result<(State, Made), EngineError> {
    let programs = load::programs(db).await?;
    let resources = Arc::new(names(db).await?);
    let begun = retention::begin(db, &programs).await?;
    report.from = begun.at;
    if let (Some(at), Some((recorded, found))) = (begun.at, begun.tampered) {
        report.differ(|| format!("all that was told by {at}, as one hash"), found, recorded);
    }
    let mut state = begun.state;
    let mut made = Made::begun(begun.results, begun.tallies, begun.verdicts);
    let in_force = state.program().cloned();
    let since = (begun.input, begun.observation);
    let mut observations = Ahead::begin(db, &programs, in_force, resources.clone(), since).await?;
    let mut last = begun.input;
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
            take(db, &mut state, &row, came, &programs, &resources, &mut made, report).await?;
            report.inputs += 1;
        }
        progress(report.inputs);
        if ended {
            return Ok((state, made));
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
    let (mut state, mut made) = remake(db, at, &mut report, &mut progress).await?;
    if let Some(difference) = report.mismatches.first() {
        return Err(EngineError::Stored(format!("{} is not what was recorded", difference.what)));
    }
    let mut delta = Delta::default();
    state.advance(at, &mut delta);
    made.take(&delta);
    let last = (state.counters.input - 1, state.counters.observation - 1);
    Ok((state, made.digest(), last))
}

/// Kind and key of every resource, by number.
async fn names(db: &Db) -> Result<Vec<(Id, String)>, EngineError> {
    let mut all: Vec<(Id, String)> = Vec::new();
    let mut after = 0;
    loop {
        let row = db.fetch_one(packed::RESOURCES, &[after.into()]).await?;
        let Some(row) = row else { return Ok(all) };
        let Some(last) = row.get::<Option<i64>>(1)? else { return Ok(all) };
        after = last;
        let mut page = packed::resources(&row.get::<String>(0)?)?;
        page.sort_unstable_by_key(|(ord, ..)| *ord);
        all.extend(page.into_iter().map(|(_, kind, key)| (kind, key)));
    }
}

#[expect(clippy::too_many_arguments, reason = "the parts of one step; they have no life together elsewhere")]
async fn take(
    db: &Db,
    state: &mut State,
    row: &Row,
    came: Vec<Told>,
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
            let sorted = sorted(state, &body, came, resources)?;
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
        let rows = delta.late.keys().map(|slot| (*slot, made.told(State::ord(*slot)))).collect();
        let rewritten = amend_all(state, &delta.late, &pasts, &rows);
        made.take(&rewritten);
    }
    Ok(())
}

/// A stored batch as it was when it was taken. What was only needed to store it stays empty.
fn sorted(
    state: &State,
    body: &[u8],
    came: Vec<Told>,
    resources: &[(Id, String)],
) -> Result<Sorted, EngineError> {
    let mut sorted = Sorted::default();
    let mut groups: BTreeMap<Timestamp, Vec<i64>> = BTreeMap::new();
    sightings::decode(body, |at, ord| groups.entry(at).or_default().push(ord));
    sorted.sightings = groups.into_iter().collect();
    sorted.changed.reserve(came.len());
    for mut told in came {
        let (id, key) = usize::try_from(told.resource - 1)
            .ok()
            .and_then(|place| resources.get(place))
            .ok_or_else(|| EngineError::Stored(format!("there is no resource {}", told.resource)))?;
        let kind =
            state.kind_of.get(id).copied().ok_or_else(|| EngineError::Stored(format!("no kind `{id}`")))?;
        let layout = state.kinds.get(kind as usize).and_then(|table| table.layout.as_ref());
        let record = layout.filter(|_| !told.gone).map(|layout| told.record(layout));
        sorted.changed.push(Changed {
            kind,
            key: key.clone(),
            scope: told.scope,
            effective_at: told.effective_at,
            gone: told.gone,
            hash: [0; 16],
            record,
            body: Vec::new(),
        });
    }
    Ok(sorted)
}
