//! The status of a test over a stretch of time, as known at some moment: the counts at its beginning are swept
//! through everything that began or ended in it, and weighed with what was enumerated by then.

use std::collections::{BTreeMap, BTreeSet};

use octro_model::{Id, Status, Tally, Timestamp};
use octro_program::Test;

use super::asof::{Attempts, population};
use super::{AsOf, Query};
use crate::EngineError;
use crate::state::{Attempt, combine};

const BEGUN: &str = "SELECT from_at, status, COUNT(*) FROM results WHERE test = $1 AND from_at > $2 AND from_at <= $3 \
     AND known_at <= $4 AND superseded_at > $4 AND (to_at > from_at OR closed_at > $4) GROUP BY from_at, status";
const ENDED: &str = "SELECT to_at, status, COUNT(*) FROM results WHERE test = $1 AND to_at > $2 AND to_at <= $3 \
     AND to_at < 9223372036854775807 AND to_at > from_at AND closed_at <= $4 AND known_at <= $4 AND superseded_at > $4 \
     GROUP BY to_at, status";
const YIELDED: &str = "SELECT s.id, k.from_at, k.to_at FROM source_kinds k JOIN sources s ON s.ord = k.source \
     WHERE k.kind = $1 AND k.from_at <= $2 ORDER BY k.from_at, s.id";
const COVERED: &str = "SELECT s.id, c.scope, c.finished_at, c.complete, c.resources, c.reason FROM coverage c \
     JOIN sources s ON s.ord = c.source WHERE c.kind = $1 AND c.finished_at > $2 AND c.finished_at <= $3 \
     ORDER BY c.finished_at, s.id, c.scope";

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[BEGUN, ENDED, YIELDED, COVERED];

/// A status from some moment on.
pub(super) type Step = (Timestamp, Status, String);

/// What changes the enumeration of a kind.
enum Turn {
    Yields(String),
    Stops(String),
    Covers(String, BTreeMap<String, Attempt>),
}

/// How the enumeration of a kind went on over a stretch of time.
pub(super) struct Enumerations {
    /// How it was at the beginning.
    first: Attempts,
    turns: BTreeMap<Timestamp, Vec<Turn>>,
}

impl Enumerations {
    /// The moments of complete enumerations, by source.
    pub(super) fn complete(&self) -> BTreeMap<String, Vec<Timestamp>> {
        let mut all: BTreeMap<String, Vec<Timestamp>> = BTreeMap::new();
        for (at, turns) in &self.turns {
            for turn in turns {
                match turn {
                    Turn::Covers(source, scopes) if scopes.values().all(|attempt| attempt.complete) => {
                        all.entry(source.clone()).or_default().push(*at);
                    }
                    Turn::Yields(source) => {
                        all.entry(source.clone()).or_default();
                    }
                    Turn::Covers(..) | Turn::Stops(_) => {}
                }
            }
        }
        all
    }

    /// Of every source that yielded the kind at the beginning, when it was last enumerated completely before that.
    pub(super) fn before(&self, kind: &Id) -> BTreeMap<String, Option<Timestamp>> {
        let sources = self.first.get(kind).into_iter().flatten();
        sources
            .map(|(source, scopes)| {
                let complete = !scopes.is_empty() && scopes.values().all(|attempt| attempt.complete);
                (source.clone(), scopes.values().map(|attempt| attempt.at).min().filter(|_| complete))
            })
            .collect()
    }
}

impl Query {
    /// How the enumeration of `kind` went on in (`from`, `to`], as known at `known_at`.
    pub(super) async fn enumerations(
        &self,
        kind: &Id,
        from: Timestamp,
        to: Timestamp,
        known_at: Timestamp,
    ) -> Result<Enumerations, EngineError> {
        let until = to.min(known_at);
        let first = self.attempts(AsOf { at: from, known_at }).await?;
        let mut turns: BTreeMap<Timestamp, Vec<Turn>> = BTreeMap::new();
        for row in self.db.fetch(YIELDED, &[kind.as_str().into(), until.into()]).await? {
            let (source, begin, end): (String, Timestamp, Timestamp) =
                (row.get(0)?, row.get(1)?, row.get(2)?);
            if begin > from {
                turns.entry(begin).or_default().push(Turn::Yields(source.clone()));
            }
            if end > from && end <= until {
                turns.entry(end).or_default().push(Turn::Stops(source));
            }
        }
        for row in self.db.fetch(COVERED, &[kind.as_str().into(), from.into(), until.into()]).await? {
            let (source, scope, at): (String, String, Timestamp) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let attempt = Attempt { at, complete: row.get(3)?, resources: row.get(4)?, reason: row.get(5)? };
            let turns = turns.entry(at).or_default();
            match turns.last_mut() {
                Some(Turn::Covers(last, scopes)) if *last == source => {
                    scopes.insert(scope, attempt);
                }
                _ => turns.push(Turn::Covers(source, BTreeMap::from([(scope, attempt)]))),
            }
        }
        Ok(Enumerations { first, turns })
    }

    /// The status of `test` (its number is `ord`) from `from` to `to`, step by step, with its counts at both ends.
    pub(super) async fn sweep(
        &self,
        (ord, test): (i64, &Test),
        enumerations: &Enumerations,
        from: Timestamp,
        to: Timestamp,
        known_at: Timestamp,
    ) -> Result<(Vec<Step>, Tally, Tally), EngineError> {
        let first = self.tally_of(ord, AsOf { at: from, known_at }).await?;
        let mut changes: BTreeMap<Timestamp, Vec<(Status, i64)>> = BTreeMap::new();
        let params = [ord.into(), from.into(), to.into(), known_at.into()];
        for (sql, sign) in [(BEGUN, 1), (ENDED, -1)] {
            for row in self.db.fetch(sql, &params).await? {
                let Some(status) = u8::try_from(row.get::<i64>(1)?).ok().and_then(Status::from_code) else {
                    continue;
                };
                changes.entry(row.get(0)?).or_default().push((status, sign * row.get::<i64>(2)?));
            }
        }
        let mut attempts = Attempts::new();
        attempts.extend(enumerations.first.get(&test.on).map(|sources| (test.on.clone(), sources.clone())));
        let mut moments: BTreeSet<Timestamp> =
            changes.keys().chain(enumerations.turns.keys()).copied().filter(|at| *at <= to).collect();
        moments.insert(from);
        let mut tally = first;
        let mut steps: Vec<Step> = Vec::new();
        while let Some(at) = moments.pop_first() {
            for (status, change) in changes.get(&at).into_iter().flatten() {
                tally[*status] = tally[*status].saturating_add_signed(*change);
            }
            if at > from {
                for turn in enumerations.turns.get(&at).into_iter().flatten() {
                    take(attempts.entry(test.on.clone()).or_default(), turn);
                }
            }
            // The enumeration itself grows old by time alone.
            let scopes = attempts.get(&test.on).into_iter().flatten().flat_map(|(_, scopes)| scopes.values());
            let old = scopes
                .map(|attempt| attempt.at.plus(test.max_age))
                .filter(|due| *due > at && *due <= to)
                .min();
            moments.extend(old);
            let (status, reason) =
                combine(&tally, &population(&attempts, &test.on, test.max_age, at), &test.on);
            if steps.last().is_none_or(|(_, last, _)| *last != status) {
                steps.push((at, status, reason));
            }
        }
        Ok((steps, first, tally))
    }
}

fn take(sources: &mut BTreeMap<String, BTreeMap<String, Attempt>>, turn: &Turn) {
    match turn {
        Turn::Yields(source) => {
            sources.entry(source.clone()).or_default();
        }
        Turn::Stops(source) => {
            sources.remove(source);
        }
        Turn::Covers(source, scopes) => {
            if let Some(known) = sources.get_mut(source) {
                known.clone_from(scopes);
            }
        }
    }
}
