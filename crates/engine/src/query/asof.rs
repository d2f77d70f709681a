//! Counts and populations as of a moment.
//!
//! Counts are kept along the time at which things became known. For a moment `at` the count known then is looked up,
//! and corrected by the few rows that were learned after `at` but speak of it: those learned with the usual lag of
//! minutes, and those learned really late, which have an index of their own.

use std::collections::BTreeMap;

use octro_model::{Id, Span, Status, Tally, Timestamp};

use super::{AsOf, Query, tally};
use crate::EngineError;
use crate::state::{Attempt, Population};

/// What is learned later than this after it was true is in the indexes of late rows.
pub(super) const LAG: Span = Span::from_secs(600);

const TALLIES: &str = "SELECT s.ord, s.id, COALESCE(t.pass, 0), COALESCE(t.fail, 0), COALESCE(t.unknown, 0), \
     COALESCE(t.stale, 0), COALESCE(t.excepted, 0), COALESCE(t.not_applicable, 0) FROM tests s \
     LEFT JOIN tallies t ON t.test = s.ord \
     AND t.known_at = (SELECT MAX(known_at) FROM tallies WHERE test = s.ord AND known_at <= $1)";
const TALLY: &str = "SELECT t.pass, t.fail, t.unknown, t.stale, t.excepted, t.not_applicable FROM tallies t \
     WHERE t.test = $1 AND t.known_at <= $2 ORDER BY t.known_at DESC LIMIT 1";
/// Learned in (at, known], true at `at`: to be added. With the usual lag.
const LEARNED: &str = "SELECT status, COUNT(*) FROM results WHERE test = $1 AND from_at > $2 AND from_at <= $3 \
     AND known_at > $3 AND known_at <= $4 AND known_at - from_at <= 600000000 AND superseded_at > $4 \
     AND (to_at > $3 OR closed_at > $4) GROUP BY status";
/// The same, learned late.
const LEARNED_LATE: &str = "SELECT status, COUNT(*) FROM results WHERE test = $1 AND known_at > $3 AND known_at <= $4 \
     AND known_at - from_at > 600000000 AND from_at <= $3 AND $2 <= $3 AND superseded_at > $4 \
     AND (to_at > $3 OR closed_at > $4) GROUP BY status";
/// Ended by `at`, which was learned in (at, known]: to be taken off. With the usual lag.
const ENDED: &str = "SELECT status, COUNT(*) FROM results WHERE test = $1 AND to_at > $2 AND to_at <= $3 \
     AND to_at < 9223372036854775807 AND closed_at > $3 AND closed_at <= $4 AND closed_at - to_at <= 600000000 \
     AND known_at <= $3 AND superseded_at > $4 GROUP BY status";
/// The same, learned late.
const ENDED_LATE: &str = "SELECT status, COUNT(*) FROM results WHERE test = $1 AND closed_at > $3 AND closed_at <= $4 \
     AND closed_at - to_at > 600000000 AND to_at <= $3 AND known_at <= $3 AND $2 <= $3 AND superseded_at > $4 GROUP BY status";
/// Put aside in (at, known], thought true at `at` then: to be taken off.
const PUT_ASIDE: &str = "SELECT status, COUNT(*) FROM results WHERE test = $1 AND superseded_at > $3 \
     AND superseded_at < 9223372036854775807 AND superseded_at <= $4 AND known_at <= $3 AND from_at <= $3 AND $2 <= $3 \
     AND (to_at > $3 OR closed_at > $3) GROUP BY status";
const TEST_ORD: &str = "SELECT ord FROM tests WHERE id = $1";
const YIELDS: &str = "SELECT k.kind, s.id FROM source_kinds k JOIN sources s ON s.ord = k.source \
     WHERE k.from_at <= $1 AND k.to_at > $1 ORDER BY k.kind, s.ord";
// `MATERIALIZED` and `CROSS JOIN` keep SQLite from going through the whole coverage.
const ATTEMPTS: &str = "WITH l AS MATERIALIZED (SELECT k.kind AS kind, k.source AS source, \
         (SELECT MAX(finished_at) FROM coverage WHERE kind = k.kind AND source = k.source \
             AND finished_at <= $1 AND finished_at >= k.from_at) AS finished_at \
         FROM source_kinds k WHERE k.from_at <= $1 AND k.to_at > $1) \
     SELECT c.kind, s.id, c.scope, c.finished_at, c.complete, c.resources, c.reason FROM l CROSS JOIN coverage c CROSS JOIN sources s \
     WHERE c.kind = l.kind AND c.source = l.source AND c.finished_at = l.finished_at AND s.ord = l.source";

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] =
    &[TALLIES, TALLY, LEARNED, LEARNED_LATE, ENDED, ENDED_LATE, PUT_ASIDE, TEST_ORD, YIELDS, ATTEMPTS];

/// By kind, by source, its scopes with the last attempt to enumerate each.
pub(super) type Attempts = BTreeMap<Id, BTreeMap<String, BTreeMap<String, Attempt>>>;

/// The population of a kind among all attempts.
pub(super) fn population(attempts: &Attempts, kind: &Id, max_age: Span, now: Timestamp) -> Population {
    let sources = attempts.get(kind).into_iter().flatten().map(|(source, scopes)| {
        (source.as_str(), scopes.iter().map(|(scope, attempt)| (scope.as_str(), attempt)))
    });
    Population::of(sources, max_age, now)
}

impl Query {
    /// The number of a test; `None` if it was never in force.
    pub(super) async fn test_ord(&self, id: &str) -> Result<Option<i64>, EngineError> {
        Ok(match self.db.fetch_one(TEST_ORD, &[id.into()]).await? {
            Some(row) => Some(row.get(0)?),
            None => None,
        })
    }

    /// The counts of all tests.
    pub(super) async fn tallies(&self, as_of: AsOf) -> Result<BTreeMap<Id, Tally>, EngineError> {
        let mut all = BTreeMap::new();
        for row in self.db.fetch(TALLIES, &[as_of.at.min(as_of.known_at).into()]).await? {
            let mut counts = tally(&row, 2)?;
            self.correct(row.get(0)?, as_of, &mut counts).await?;
            all.insert(row.get(1)?, counts);
        }
        Ok(all)
    }

    /// The counts of one test.
    pub(super) async fn tally_of(&self, test: i64, as_of: AsOf) -> Result<Tally, EngineError> {
        let mut counts =
            match self.db.fetch_one(TALLY, &[test.into(), as_of.at.min(as_of.known_at).into()]).await? {
                Some(row) => tally(&row, 0)?,
                None => Tally::default(),
            };
        self.correct(test, as_of, &mut counts).await?;
        Ok(counts)
    }

    async fn correct(&self, test: i64, as_of: AsOf, counts: &mut Tally) -> Result<(), EngineError> {
        if as_of.known_at <= as_of.at {
            return Ok(()); // nothing can have been learned since
        }
        let (at, known) = (as_of.at, as_of.known_at);
        let params = [test.into(), at.minus(LAG).into(), at.into(), known.into()];
        let mut change: BTreeMap<u8, i64> = BTreeMap::new();
        for (sql, sign) in [(LEARNED, 1), (LEARNED_LATE, 1), (ENDED, -1), (ENDED_LATE, -1), (PUT_ASIDE, -1)] {
            for row in self.db.fetch(sql, &params).await? {
                let code = u8::try_from(row.get::<i64>(0)?).unwrap_or(u8::MAX);
                *change.entry(code).or_default() += sign * row.get::<i64>(1)?;
            }
        }
        for (code, change) in change {
            if let Some(status) = Status::from_code(code) {
                counts[status] = counts[status].saturating_add_signed(change);
            }
        }
        Ok(())
    }

    /// What was enumerated, of every kind that some source yields.
    pub(super) async fn attempts(&self, as_of: AsOf) -> Result<Attempts, EngineError> {
        let at = as_of.at.min(as_of.known_at);
        let mut all = Attempts::new();
        for row in self.db.fetch(YIELDS, &[at.into()]).await? {
            all.entry(row.get(0)?).or_default().entry(row.get(1)?).or_default();
        }
        for row in self.db.fetch(ATTEMPTS, &[at.into()]).await? {
            let (at, complete) = (row.get(3)?, row.get(4)?);
            let attempt = Attempt { at, complete, resources: row.get(5)?, reason: row.get(6)? };
            if let Some(scopes) = all
                .get_mut(&row.get::<Id>(0)?)
                .and_then(|kind| kind.get_mut(&row.get::<String>(1).unwrap_or_default()))
            {
                scopes.insert(row.get(2)?, attempt);
            }
        }
        Ok(all)
    }
}
