//! From an input to the database: what it changes in the state is written with it, in one transaction.

use std::collections::HashMap;

use octro_model::{Span, Timestamp};
use octro_store::Tx;

use super::{Change, Engine, Inner};
use crate::EngineError;
use crate::delta::Delta;
use crate::late::{amend_all, needs};
use crate::persist::{past, write};
use crate::state::State;

impl Engine {
    /// Takes an input: `change` is what it does to the state.
    pub(super) async fn step(
        &self,
        inner: &mut Inner,
        change: impl FnOnce(&mut State, Timestamp, &mut Delta),
    ) -> Result<(), EngineError> {
        let at = self.arrive(inner).await?;
        let mut delta = Delta::default();
        change(&mut inner.state, at, &mut delta);
        self.commit(inner, delta).await
    }

    /// Writes a delta, and whatever late observations in it rewrite, in one transaction.
    pub(super) async fn commit(&self, inner: &mut Inner, mut delta: Delta) -> Result<(), EngineError> {
        if delta.is_empty() {
            return Ok(());
        }
        // Until it is known that all is written, the state in memory cannot be trusted.
        inner.broken = true;
        let mut tx = self.writing().await?;
        let written = inner.state.now;
        let change = self.write(inner, &mut tx, &mut delta, written).await?;
        tx.commit().await?;
        self.committed(inner, change);
        Ok(())
    }

    /// Writes a delta in a transaction; in the ledger it is written at `written`, or later if the state's moment is.
    pub(super) async fn write(
        &self,
        inner: &mut Inner,
        tx: &mut Tx,
        delta: &mut Delta,
        written: Timestamp,
    ) -> Result<Change, EngineError> {
        if inner.kept_at.is_none_or(|kept| inner.state.now >= kept.plus(Span::DAY)) {
            let limit = inner.state.now.minus(inner.state.max_age_most());
            delta.seen = inner.state.forgotten(limit);
            inner.kept_at = Some(inner.state.now);
        }
        write::write(tx, delta).await?;
        let late = std::mem::take(&mut delta.late);
        if !late.is_empty() {
            let (slots, since) = needs(&inner.state, &late);
            let mut reader = past::Reader::Tx(tx);
            let pasts = past::pasts(&mut reader, &inner.state, &slots, since).await?;
            let mut rows = HashMap::with_capacity(late.len());
            for slot in late.keys() {
                rows.insert(*slot, past::results(&mut reader, *slot).await?);
            }
            let mut rewritten = amend_all(&mut inner.state, &late, &pasts, &rows);
            write::write(tx, &rewritten).await?;
            delta.verdicts.append(&mut rewritten.verdicts);
            delta.tallies.append(&mut rewritten.tallies);
        }
        if let Some(journal) = &mut inner.journal {
            let written = written.max(inner.state.now);
            journal.record(&self.db, tx, &inner.state, delta, written).await?;
        }
        Ok(Change::of(inner, delta))
    }

    /// What follows a commit: the state can be trusted again, and whoever listens is told.
    pub(super) fn committed(&self, inner: &mut Inner, change: Change) {
        inner.broken = false;
        if let Some(journal) = &inner.journal {
            journal.wake();
        }
        self.announce(change);
    }
}
