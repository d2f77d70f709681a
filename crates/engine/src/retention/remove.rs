//! Removing what is too old, a little at a time: between two steps others can write, and whoever stops it in the middle
//! leaves nothing half done.

use std::collections::BTreeMap;

use octro_model::{Id, Span, Timestamp};
use octro_store::{Db, Tx};

use crate::EngineError;

/// How many observations are looked at in one step.
const STEP: i64 = 20_000;

const LAST: &str = "SELECT COALESCE(MAX(seq), 0) FROM observations WHERE received_at < $1";
const KINDS: &str = "SELECT DISTINCT kind FROM resources ORDER BY kind";
/// What had been replaced by the cut ($4), as far as that was known at the baseline ($5). What stood at the cut stays.
const OBSERVATIONS: &str = "DELETE FROM observations WHERE seq IN (SELECT o.seq FROM observations o \
     JOIN resources r ON r.ord = o.resource WHERE o.seq > $1 AND o.seq <= $2 AND r.kind = $3 \
     AND o.effective_at + o.late_by < $4 AND o.received_at < $5 AND EXISTS (SELECT 1 FROM observations n \
         WHERE n.resource = o.resource AND n.source = o.source AND n.late_by = 0 AND n.effective_at <= $4 \
         AND n.received_at < $5 AND (n.effective_at > o.effective_at OR (n.effective_at = o.effective_at AND n.seq > o.seq))))";
const INPUTS: &str = "DELETE FROM inputs WHERE received_at < $1 AND seq <= $2 \
     AND seq NOT IN (SELECT input FROM observations)";
/// Inputs that still stand behind an observation say which collection it came with; nobody reads their bodies again.
const BODIES: &str = "UPDATE inputs SET body = $3 WHERE received_at < $1 AND seq <= $2 AND LENGTH(body) > 0";
/// The newest stays, so that its number is never given to another.
const INPUT_LAST: &str = "SELECT COALESCE(MAX(seq), 0) FROM inputs WHERE received_at < $1 \
     AND seq < (SELECT MAX(seq) FROM inputs)";
const RUNS: &str = "SELECT kind, source, finished_at, scope, complete FROM coverage WHERE finished_at < $1 \
     ORDER BY kind, source, finished_at, scope";
const RUN: &str = "DELETE FROM coverage WHERE kind = $1 AND source = $2 AND finished_at = $3";

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[LAST, KINDS, OBSERVATIONS, INPUTS, BODIES, INPUT_LAST, RUNS, RUN];

/// Begins a transaction in which this process may write.
pub(crate) trait Begin {
    /// See the trait.
    fn begin(&self) -> impl Future<Output = Result<Tx, EngineError>> + Send;
}

/// Removes the observations that `cuts` allow; answers how many.
pub(crate) async fn observations(
    db: &Db,
    begin: &impl Begin,
    cuts: &BTreeMap<Id, i64>,
    baseline: Timestamp,
    mut progress: impl FnMut(u64),
) -> Result<u64, EngineError> {
    let last: i64 = db.fetch_one(LAST, &[baseline.into()]).await?.map_or(Ok(0), |row| row.get(0))?;
    let mut kinds: Vec<Id> = Vec::new();
    for row in db.fetch(KINDS, &[]).await? {
        kinds.push(row.get(0)?);
    }
    let mut removed = 0;
    // The newest stays whatever it says, so that its number is never given to another.
    let last = (last - 1).max(0);
    for from in (0..last).step_by(STEP as usize) {
        let mut tx = begin.begin().await?;
        for kind in &kinds {
            let Some(cut) = cuts.get(kind) else { continue };
            let params = [
                from.into(),
                (from + STEP).min(last).into(),
                kind.as_str().into(),
                (*cut).into(),
                baseline.into(),
            ];
            removed += tx.execute(OBSERVATIONS, &params).await?;
        }
        tx.commit().await?;
        progress(removed);
    }
    Ok(removed)
}

/// Removes inputs that were received before `cut`, or at least what stands in them; answers how many are gone.
pub(crate) async fn inputs(db: &Db, begin: &impl Begin, cut: Timestamp) -> Result<u64, EngineError> {
    let last: i64 = db.fetch_one(INPUT_LAST, &[cut.into()]).await?.map_or(Ok(0), |row| row.get(0))?;
    let mut removed = 0;
    let empty: Vec<u8> = Vec::new();
    if last == 0 {
        return Ok(0);
    }
    for to in (STEP..last + STEP).step_by(STEP as usize) {
        let mut tx = begin.begin().await?;
        removed += tx.execute(INPUTS, &[cut.into(), to.min(last).into()]).await?;
        tx.execute(BODIES, &[cut.into(), to.min(last).into(), (&empty).into()]).await?;
        tx.commit().await?;
    }
    Ok(removed)
}

/// One run of a source, as far as it spoke of a kind.
struct Run {
    kind: Id,
    source: i64,
    at: Timestamp,
    scopes: Vec<(String, bool)>,
}

/// Thins out the record of enumerations before `cut`: of runs that say the same, so many stay that none of the tests
/// ever finds the enumeration older than it was fresh enough for. `max_age`: the least of the kind's tests.
pub(crate) async fn coverage(
    db: &Db,
    begin: &impl Begin,
    cut: Timestamp,
    max_age: impl Fn(&Id) -> Span,
) -> Result<u64, EngineError> {
    let mut runs: Vec<Run> = Vec::new();
    for row in db.fetch(RUNS, &[cut.into()]).await? {
        let (kind, source, at): (Id, i64, Timestamp) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let scope = (row.get(3)?, row.get(4)?);
        match runs.last_mut().filter(|run| run.kind == kind && run.source == source && run.at == at) {
            Some(run) => run.scopes.push(scope),
            None => runs.push(Run { kind, source, at, scopes: vec![scope] }),
        }
    }
    let mut removed = 0;
    for of_one in runs.chunk_by(|a, b| a.kind == b.kind && a.source == b.source) {
        for some in dispensable(of_one, &max_age).chunks(2_000) {
            let mut tx = begin.begin().await?;
            for run in some {
                removed +=
                    tx.execute(RUN, &[run.kind.as_str().into(), run.source.into(), run.at.into()]).await?;
            }
            tx.commit().await?;
        }
    }
    Ok(removed)
}

/// Those of a source's runs over a kind, oldest first, that can go: between two that stay and say the same, less time
/// passes than any test allows.
fn dispensable(runs: &[Run], max_age: impl Fn(&Id) -> Span) -> Vec<&Run> {
    let mut gone = Vec::new();
    let Some(first) = runs.first() else { return gone };
    let allowed = max_age(&first.kind);
    let mut kept = first;
    for (run, next) in runs.iter().skip(1).zip(runs.iter().skip(2)) {
        let same = run.scopes == kept.scopes && run.scopes == next.scopes;
        if same && next.at.since(kept.at) < allowed {
            gone.push(run);
        } else {
            kept = run;
        }
    }
    gone
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(hour: i64, complete: bool) -> Run {
        let kind = "disk".parse().unwrap_or_else(|_| unreachable!());
        Run {
            kind,
            source: 1,
            at: Timestamp::from_secs(hour * 3_600),
            scopes: vec![(String::new(), complete)],
        }
    }

    fn left(runs: &[Run], hours: i64) -> Vec<i64> {
        let gone: Vec<Timestamp> =
            dispensable(runs, |_| Span::from_secs(hours * 3_600)).iter().map(|run| run.at).collect();
        runs.iter().map(|run| run.at).filter(|at| !gone.contains(at)).map(|at| at.secs() / 3_600).collect()
    }

    #[test]
    fn enumerations_stay_where_they_turn_and_often_enough_to_be_fresh() {
        let hourly: Vec<Run> = (0..25).map(|hour| run(hour, true)).collect();
        assert_eq!(left(&hourly, 24), [0, 23, 24]);
        assert_eq!(left(&hourly, 6), [0, 5, 10, 15, 20, 24]);
        let turning: Vec<Run> = (0..10).map(|hour| run(hour, !(3..=6).contains(&hour))).collect();
        assert_eq!(left(&turning, 24), [0, 2, 3, 6, 7, 9]);
        // A time in which nobody looked stays visible.
        let silent = [run(0, true), run(1, true), run(2, true), run(40, true), run(41, true), run(42, true)];
        assert_eq!(left(&silent, 6), [0, 2, 40, 42]);
        assert_eq!(left(&silent[..1], 6), [0]);
    }
}
