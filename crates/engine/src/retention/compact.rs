//! Removing what is old enough, from the plan to the last row.

use octro_model::{Id, Span, Timestamp};
use octro_store::Tx;
use serde::Serialize;

use super::remove::{self, Begin};
use super::{baseline, digest, plan};
use crate::{Engine, EngineError, replay};

/// What was removed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Compacted {
    /// The moment of the baseline: replays begin there from now on.
    pub baseline: Timestamp,
    /// Of moments before this not everything is known any more, and observations about them are refused.
    pub horizon: Timestamp,
    /// Observations that are gone.
    pub observations: u64,
    /// Inputs that are gone.
    pub inputs: u64,
    /// Records of enumerations that are gone.
    pub coverage: u64,
}

/// How far a compaction has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// So many inputs were replayed.
    Replaying(u64),
    /// So many observations were removed.
    Removing(u64),
}

impl Begin for Engine {
    async fn begin(&self) -> Result<Tx, EngineError> {
        self.writing().await
    }
}

impl Engine {
    /// Removes the facts that the kinds in force no longer want to be kept. All that was told while they stood is first
    /// made anew from them and compared: if anything differs, nothing is removed. Results are never removed.
    ///
    /// Answers `None` if less than `portion` of time (or nothing) could go, or if something was said meanwhile that needs
    /// what would have gone.
    ///
    /// # Errors
    /// If what is stored is not what the facts make, or the database fails.
    pub async fn compact(
        &self,
        portion: Span,
        mut progress: impl FnMut(Stage),
    ) -> Result<Option<Compacted>, EngineError> {
        // Whatever flips by now has to be told before it can be compared.
        self.tick().await?;
        let db = self.db();
        let now = self.now();
        let Some((program, max_age)) = self.in_force().await? else { return Ok(None) };
        let Some(planned) = plan(db, &program, max_age, now, portion).await? else { return Ok(None) };
        let (state, told, last) =
            replay::state_at(db, planned.baseline, |inputs| progress(Stage::Replaying(inputs))).await?;
        let stored = digest::stored(db, planned.baseline, |_| ()).await?;
        if stored != told {
            return Err(EngineError::Stored(format!(
                "what was told by {} is not what the facts make, so that no fact was removed",
                planned.baseline
            )));
        }
        let parts = baseline::parts(&state, told, last)
            .map_err(|error| EngineError::Stored(format!("the baseline cannot be written: {error}")))?;
        drop(state);
        let recorded = self
            .alone(async |tx, state| {
                if !planned.holds(db).await? {
                    return Ok(false);
                }
                baseline::write(tx, &parts).await?;
                planned.removed.write(tx).await?;
                state.horizon = planned.removed.horizon();
                Ok(true)
            })
            .await?;
        if !recorded {
            return Ok(None);
        }
        let cuts = &planned.removed.cuts;
        // Sightings of all kinds stand together: they go when the kind that is kept longest is done with them.
        let oldest = program.kinds.iter().map(|layout| cuts.get(&layout.kind().id).copied()).min().flatten();
        let oldest = oldest.map_or(Timestamp::MIN, Timestamp::from_micros);
        let max_age_of = |kind: &Id| {
            let tests = program.tests.values().filter(|test| test.on == *kind);
            tests.map(|test| test.max_age).min().unwrap_or(Span::DAY)
        };
        let removing = |removed| progress(Stage::Removing(removed));
        Ok(Some(Compacted {
            baseline: planned.baseline,
            horizon: planned.removed.horizon(),
            observations: remove::observations(db, self, cuts, planned.baseline, removing).await?,
            inputs: remove::inputs(db, self, oldest).await?,
            coverage: remove::coverage(db, self, oldest, max_age_of).await?,
        }))
    }
}
