//! The last seals, in short: how many controls each commits to, and for how long nothing was evaluated before it.

use std::collections::BTreeMap;

use octro_ledger::Reader;
use octro_model::{Span, Timestamp};
use serde::Serialize;

use super::SealRow;
use crate::journal::hash;
use crate::{EngineError, Query};

const SEALS: &str =
    "SELECT n, written, hash FROM journal_seals WHERE log = $1 AND written <= $2 ORDER BY n DESC LIMIT $3";

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[SEALS];

/// A seal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SealView {
    /// Its number.
    pub n: i64,
    /// When it was written.
    pub written_at: Timestamp,
    /// Its place in the log; `None` while it still waits.
    pub entry: Option<u64>,
    /// How many controls it commits to.
    pub controls: usize,
    /// How many of them were never evaluated: no source yields what they judge.
    pub never_evaluated: usize,
    /// How many of the others were silent since the seal before: not evaluated for longer than their sources promise.
    pub silent_controls: usize,
    /// The longest silence of one of them since the seal before, beyond what is promised.
    pub silent_longest: Span,
    /// The largest span between two evaluations of one control since the seal before.
    pub gap: Span,
}

impl Query {
    /// The last seals up to `at`, the newest first, of the newest log.
    ///
    /// # Errors
    /// If there is no log, or the database fails.
    pub async fn seals(&self, at: Timestamp, limit: u32) -> Result<Vec<SealView>, EngineError> {
        let reader = Reader::newest(self.db()).await?;
        let log = reader.log().ord;
        // One more, since silence is counted from the seal before.
        let params = [log.into(), at.into(), (i64::from(limit) + 1).into()];
        let mut rows = Vec::new();
        for row in self.db().fetch(SEALS, &params).await? {
            rows.push(SealRow { log, n: row.get(0)?, written: row.get(1)?, hash: hash(&row, 2)? });
        }
        rows.reverse();
        let skipped = rows.len().saturating_sub(limit as usize);
        let mut silent: BTreeMap<String, u64> = BTreeMap::new();
        let mut seals = Vec::with_capacity(rows.len());
        for row in rows {
            let states = self.states(&row).await?;
            let (mut now, mut gap, mut never) = (BTreeMap::new(), 0, 0);
            for place in 0..states.0.len() {
                let state = states.at(place)?;
                if state.evaluated.is_none() {
                    never += 1;
                    continue;
                }
                gap = gap.max(state.gap);
                now.insert(state.control, state.silent);
            }
            let grown = now
                .iter()
                .map(|(control, all)| all.saturating_sub(silent.get(control).copied().unwrap_or(0)));
            let grown: Vec<u64> = grown.filter(|grown| *grown > 0).collect();
            let entry = match self.placed(&reader, row.written, &row.hash).await {
                Ok(placed) => Some(placed.index),
                Err(EngineError::NotProvable(_)) => None,
                Err(error) => return Err(error),
            };
            seals.push(SealView {
                n: row.n,
                written_at: row.written,
                entry,
                controls: states.0.len(),
                never_evaluated: never,
                silent_controls: grown.len(),
                silent_longest: span(grown.iter().copied().max().unwrap_or(0)),
                gap: span(gap),
            });
            silent = now;
        }
        seals.drain(..skipped);
        seals.reverse();
        Ok(seals)
    }
}

fn span(micros: u64) -> Span {
    Span::from_micros(i64::try_from(micros).unwrap_or(i64::MAX))
}
