//! The seal of a day. A population of a million resources takes seconds to hash: it is copied out of the state in a
//! moment and hashed while inputs go on; what changed meanwhile is hashed again before the seal is written.

use std::collections::HashMap;

use octro_model::Timestamp;
use tokio::sync::MutexGuard;

use super::{Change, Engine, Inner};
use crate::EngineError;
use crate::delta::Delta;
use crate::journal::{Copied, Hashed, Random, nobody_is_erased, own_salts, own_salts_in};
use crate::persist::write;
use crate::state::State;

/// How often the populations are hashed beside the inputs at most. If resources still come and go then, the rest is
/// done while they wait.
const ROUNDS: u32 = 3;
/// So few resources are hashed in no time.
const FEW: usize = 500;

/// The moment of a seal, from the state and the clock.
type When = fn(&State, Timestamp) -> Timestamp;

impl Engine {
    /// Puts a seal into the ledger now, so that what is true until now can be proved.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn seal(&self) -> Result<(), EngineError> {
        let _sealing = self.sealing.lock().await;
        let inner = self.ready().await?;
        self.seal_when(inner, State::receive).await.map(drop)
    }

    /// The state again, after the seal of a day that has ended, unless somebody else is making it.
    pub(super) async fn sealed<'a>(
        &'a self,
        mut inner: MutexGuard<'a, Inner>,
        when: When,
    ) -> Result<MutexGuard<'a, Inner>, EngineError> {
        let now = when(&inner.state, self.clock.now());
        let has_program = inner.state.program().is_some();
        let Some(journal) = inner.journal.as_mut().filter(|_| has_program) else { return Ok(inner) };
        if !journal.is_due(&self.db, now).await? {
            return Ok(inner);
        }
        let Ok(_sealing) = self.sealing.try_lock() else { return Ok(inner) };
        self.seal_when(inner, when).await
    }

    async fn seal_when<'a>(
        &'a self,
        mut inner: MutexGuard<'a, Inner>,
        when: When,
    ) -> Result<MutexGuard<'a, Inner>, EngineError> {
        let mut hashed = Hashed::default();
        for round in 0.. {
            let now = when(&inner.state, self.clock.now());
            self.pass(&mut inner, now).await?;
            let Some(random) = inner.journal.as_ref().map(|journal| journal.random.clone()) else { break };
            let copied = Copied::of(&inner.state);
            if copied.len() <= FEW || round >= ROUNDS || hashed.has_the_resources_of(&copied) {
                self.write_seal(&mut inner, copied, hashed, random).await?;
                break;
            }
            drop(inner);
            let mut own = HashMap::new();
            for kind in copied.personal() {
                own.extend(own_salts(&self.db, kind).await?);
            }
            hashed = hash(copied, hashed, own, random).await?;
            inner = self.ready().await?;
        }
        Ok(inner)
    }

    /// Writes the seal of the state as it is, of which `copied` is a copy.
    async fn write_seal(
        &self,
        inner: &mut Inner,
        copied: Copied,
        before: Hashed,
        random: Random,
    ) -> Result<(), EngineError> {
        let mut tx = self.writing().await?;
        // Somebody may have been erased since, and nobody is until the seal is written.
        nobody_is_erased(&mut tx).await?;
        let mut own = HashMap::new();
        for kind in copied.personal() {
            own.extend(own_salts_in(&mut tx, kind).await?);
        }
        let hashed = hash(copied, before, own, random).await?;
        inner.broken = true;
        let delta = Delta { now: inner.state.now, ..Delta::default() };
        write::write(&mut tx, &delta).await?;
        if let Some(journal) = &mut inner.journal {
            // A ledger that came later knows nothing of the controls yet.
            journal.record(&self.db, &mut tx, &inner.state, &delta, delta.now).await?;
            journal.seal(&self.db, &mut tx, &inner.state, &hashed).await?;
        }
        self.lease.hold(&mut tx, self.clock.now()).await?;
        tx.commit().await?;
        let change = Change::of(inner, &delta);
        self.committed(inner, change);
        Ok(())
    }
}

/// Hashes on a thread that may take its time.
async fn hash(
    copied: Copied,
    before: Hashed,
    own: HashMap<i64, octro_verify::Hash>,
    random: Random,
) -> Result<Hashed, EngineError> {
    let work = tokio::task::spawn_blocking(move || before.caught_up(copied, &own, &random));
    work.await.unwrap_or_else(|error| Err(EngineError::Random(std::io::Error::other(error))))
}
