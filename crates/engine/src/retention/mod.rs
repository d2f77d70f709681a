//! Retention: facts are kept for as long as their kind says, results for ever. Before facts are removed, a replay makes
//! the state of that time from them and compares all that was told by then; only if nothing differs, that state is
//! recorded as a baseline, from which every later replay begins, and the facts before it go.
//!
//! ```text
//!        cut            horizon                 baseline                  now
//! ───────┼───────────────┼───────────────────────┼─────────────────────────┤
//! removed  kept: what stood at the horizon        replays begin here
//! ```
//! An observation about a moment before the horizon is refused from then on: what it would have to be judged with is gone.

mod baseline;
mod compact;
mod digest;
mod remove;

use std::collections::BTreeMap;

use octro_model::{Id, Span, Timestamp};
use octro_program::Program;
use octro_store::{Db, StoreError, Tx};
use serde::{Deserialize, Serialize};

use crate::{EngineError, sightings};

pub(crate) use baseline::{at as baseline, begin};
pub use compact::{Compacted, Stage};
pub(crate) use digest::Told;

const READ: &str = "SELECT value FROM settings WHERE name = 'retention'";
const WRITE: &str = "INSERT INTO settings (name, value) VALUES ('retention', $1) \
     ON CONFLICT (name) DO UPDATE SET value = excluded.value";
/// The oldest moment that any observation received since is about.
const REACH: &str =
    "SELECT COALESCE(MIN(effective_at), $1) FROM observations WHERE received_at >= $1 AND seq > $2";
const SIGHTINGS: &str =
    "SELECT seq, body FROM inputs WHERE received_at >= $1 AND seq > $2 AND form = 4 ORDER BY seq LIMIT 2000";
const LAST: &str =
    "SELECT (SELECT COALESCE(MAX(seq), 0) FROM inputs), (SELECT COALESCE(MAX(seq), 0) FROM observations)";
const FIRST: &str = "SELECT COALESCE(MIN(received_at), 9223372036854775807) FROM inputs";

#[cfg(test)]
pub(crate) fn statements() -> Vec<&'static str> {
    [
        &[READ, WRITE, REACH, SIGHTINGS, LAST, FIRST],
        baseline::STATEMENTS,
        digest::STATEMENTS,
        remove::STATEMENTS,
    ]
    .concat()
}

/// What was removed so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Removed {
    /// Of moments before this not everything is known any more; in microseconds.
    pub(crate) horizon: Option<i64>,
    /// kind -> facts that had been replaced by this moment are gone; in microseconds.
    pub(crate) cuts: BTreeMap<Id, i64>,
}

impl Removed {
    pub(crate) async fn read(db: &Db) -> Result<Self, EngineError> {
        let Some(row) = db.fetch_one(READ, &[]).await? else { return Ok(Self::default()) };
        let text: String = row.get(0)?;
        serde_json::from_str(&text)
            .map_err(|error| EngineError::Stored(format!("setting `retention` cannot be read: {error}")))
    }

    pub(crate) async fn write(&self, tx: &mut Tx) -> Result<(), StoreError> {
        let text = serde_json::to_string(self).unwrap_or_default();
        tx.execute(WRITE, &[(&text).into()]).await.map(|_| ())
    }

    /// The moment before which observations are refused.
    pub(crate) fn horizon(&self) -> Timestamp {
        self.horizon.map_or(Timestamp::MIN, Timestamp::from_micros)
    }

    /// The moment before which nothing can be said of what resources of `kind` were seen to be.
    pub(crate) fn cut(&self, kind: &Id) -> Option<Timestamp> {
        self.cuts.get(kind).copied().map(Timestamp::from_micros)
    }
}

/// What can be removed now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// The state of this moment becomes the baseline.
    pub(crate) baseline: Timestamp,
    pub(crate) removed: Removed,
    /// What was removed before.
    before: Removed,
    /// The oldest moment that anything received after the baseline is about.
    reach: Timestamp,
    /// The last input and observation that were looked at.
    last: (i64, i64),
}

/// Plans what to remove; `None` if less than `portion` of time, or nothing, is old enough. `max_age`: the longest for
/// which any test accepts evidence.
pub(crate) async fn plan(
    db: &Db,
    program: &Program,
    max_age: Span,
    now: Timestamp,
    portion: Span,
) -> Result<Option<Plan>, EngineError> {
    let retains: Vec<(Id, Span)> = program
        .kinds
        .iter()
        .filter_map(|layout| Some((layout.kind().id.clone(), layout.kind().retain?)))
        .collect();
    let Some(least) = retains.iter().map(|(_, retain)| *retain).min() else { return Ok(None) };
    let baseline = now.minus(least);
    let first: Timestamp = db.fetch_one(FIRST, &[]).await?.map_or(Ok(Timestamp::MAX), |row| row.get(0))?;
    // From the baseline that there is, or else from the first fact. What follows looks at all facts since.
    let since = baseline::at(db).await?.unwrap_or(first);
    if first >= baseline || baseline < since.plus(portion) {
        return Ok(None);
    }
    let last = match db.fetch_one(LAST, &[]).await? {
        Some(row) => (row.get(0)?, row.get(1)?),
        None => (0, 0),
    };
    let reach = reach(db, baseline, (0, 0)).await?;
    let before = Removed::read(db).await?;
    let mut removed = before.clone();
    for (kind, retain) in retains {
        let cut = now.minus(retain).min(reach).minus(max_age).micros();
        let known = removed.cuts.entry(kind).or_insert(cut);
        *known = cut.max(*known);
    }
    removed.horizon =
        removed.cuts.values().max().map(|cut| Timestamp::from_micros(*cut).plus(max_age).micros());
    Ok(Some(Plan { baseline, removed, before, reach, last }))
}

impl Plan {
    /// Whether nothing was said since that needs what would go. It looks at nothing older than the plan.
    pub(crate) async fn holds(&self, db: &Db) -> Result<bool, EngineError> {
        Ok(reach(db, self.baseline, self.last).await? >= self.reach
            && Removed::read(db).await? == self.before)
    }
}

/// The oldest moment that anything received from `since` on is about, of inputs and observations after `last`: what is
/// needed to replay that has to stay.
async fn reach(db: &Db, since: Timestamp, last: (i64, i64)) -> Result<Timestamp, EngineError> {
    let (mut after, observation) = last;
    let told = db.fetch_one(REACH, &[since.into(), observation.into()]).await?;
    let told: Timestamp = told.map_or(Ok(since), |row| row.get(0))?;
    let mut reach = told.min(since);
    loop {
        let rows = db.fetch(SIGHTINGS, &[since.into(), after.into()]).await?;
        let Some(last) = rows.last() else { return Ok(reach) };
        after = last.get(0)?;
        for row in &rows {
            sightings::decode(&row.get::<Vec<u8>>(1)?, |at, _| reach = reach.min(at));
        }
    }
}
