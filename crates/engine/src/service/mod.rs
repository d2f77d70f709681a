//! The engine as a service: one at a time, inputs change the state and the database together.

mod change;
mod collecting;
mod passing;
mod sealing;
mod writing;

use std::collections::HashMap;
use std::sync::Arc;

use octro_model::{Clock, Id, Span, Timestamp};
use octro_program::{Files, Program};
use octro_store::{Db, Tx};
use tokio::sync::{Mutex, MutexGuard, broadcast};

use self::collecting::Open;
use crate::journal::Journal;
use crate::persist::load;
use crate::state::State;
use crate::{EngineError, Lease, SourceInfo};

pub use change::Change;
pub use collecting::{Collecting, Received};

/// About how many results change in one commit when time passes.
const PORTION: usize = 50_000;

struct Inner {
    state: State,
    open: HashMap<i64, Open>,
    /// Writing failed: the state has to be read anew before anything else.
    broken: bool,
    journal: Option<Journal>,
    /// When it was last written down how long ago views were seen that are too old to be found among the inputs.
    kept_at: Option<Timestamp>,
}

/// See the module. It is the only writer of facts and results.
pub struct Engine {
    db: Db,
    clock: Arc<dyn Clock>,
    lease: Lease,
    portion: usize,
    inner: Mutex<Inner>,
    /// Held by whoever makes a seal: most of that is done while others go on.
    sealing: Mutex<()>,
    changes: broadcast::Sender<Change>,
}

impl Engine {
    /// Reads the state and goes on from it. A lease that was taken is renewed meanwhile: a large state takes longer to
    /// read than a lease lasts.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn open(db: Db, clock: Arc<dyn Clock>, lease: Lease) -> Result<Self, EngineError> {
        let state = lease.during(&db, &clock, load::state(&db)).await?;
        let inner = Inner { state, open: HashMap::new(), broken: false, journal: None, kept_at: None };
        Ok(Self {
            db,
            clock,
            lease,
            portion: PORTION,
            inner: Mutex::new(inner),
            sealing: Mutex::new(()),
            changes: broadcast::channel(256).0,
        })
    }

    /// Lets about so many results change in one commit when time passes. It changes nothing but the use of memory.
    #[must_use]
    pub fn with_portion(mut self, results: usize) -> Self {
        self.portion = results.max(1);
        self
    }

    /// Sends changes to whoever listens from here on, also after another engine took over.
    #[must_use]
    pub fn with_changes(mut self, changes: broadcast::Sender<Change>) -> Self {
        self.changes = changes;
        self
    }

    /// Keeps a journal in the ledger from here on.
    #[must_use]
    pub fn with_journal(mut self, journal: Journal) -> Self {
        self.inner.get_mut().journal = Some(journal);
        self
    }

    /// What changes from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<Change> {
        self.changes.subscribe()
    }

    /// The database.
    pub const fn db(&self) -> &Db {
        &self.db
    }

    /// Puts a program in force, unless it is the one that is in force already; answers whether it did.
    ///
    /// # Errors
    /// If the program has problems (all of them), or the database fails.
    pub async fn install(&self, files: &Files) -> Result<bool, EngineError> {
        let loaded = octro_program::load(files).map_err(EngineError::Program)?;
        let program = Arc::new(loaded.program);
        let blob = files.to_blob();
        let mut inner = self.for_input().await?;
        if inner.state.program().is_some_and(|current| current.hash == program.hash) {
            return Ok(false);
        }
        let reread = load::reread(&self.db, &inner.state, &program).await?;
        self.step(&mut inner, |state, at, delta| state.install(program, blob, reread, at, delta)).await?;
        Ok(true)
    }

    /// Says that there is this source; nothing happens if it is known to be so.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn declare(&self, info: SourceInfo) -> Result<(), EngineError> {
        let mut inner = self.for_input().await?;
        let known =
            inner.state.source_of.get(&info.id).and_then(|source| inner.state.sources.get(*source as usize));
        if known.is_some_and(|state| !state.retired && state.info == info) {
            return Ok(());
        }
        self.step(&mut inner, |state, at, delta| state.declare(info, at, delta)).await
    }

    /// Says that there is no such source any more.
    ///
    /// # Errors
    /// If there never was, or the database fails.
    pub async fn retire(&self, id: &Id) -> Result<(), EngineError> {
        let mut inner = self.for_input().await?;
        let source =
            inner.state.source_of.get(id).copied().ok_or_else(|| EngineError::NoSource(id.clone()))?;
        if inner.state.sources.get(source as usize).is_some_and(|state| state.retired) {
            return Ok(());
        }
        self.step(&mut inner, |state, at, delta| state.retire(source, at, delta)).await
    }

    /// The sources in force.
    pub async fn sources(&self) -> Result<Vec<SourceInfo>, EngineError> {
        let inner = self.ready().await?;
        Ok(inner
            .state
            .sources
            .iter()
            .filter(|state| !state.retired)
            .map(|state| state.info.clone())
            .collect())
    }

    /// The present.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The program in force, and the longest time for which any test so far accepts evidence.
    pub(crate) async fn in_force(&self) -> Result<Option<(Arc<Program>, Span)>, EngineError> {
        let inner = self.ready().await?;
        Ok(inner.state.program().cloned().map(|program| (program, inner.state.max_age_most())))
    }

    /// Begins a transaction in which this process may write.
    pub(crate) async fn writing(&self) -> Result<Tx, EngineError> {
        let mut tx = self.db.begin().await?;
        self.lease.hold(&mut tx, self.clock.now()).await?;
        Ok(tx)
    }

    /// Does something in one transaction while nothing else changes the state; it is kept if `change` answers so.
    pub(crate) async fn alone(
        &self,
        change: impl AsyncFnOnce(&mut Tx, &mut State) -> Result<bool, EngineError>,
    ) -> Result<bool, EngineError> {
        let mut inner = self.ready().await?;
        inner.broken = true;
        let mut tx = self.writing().await?;
        let kept = change(&mut tx, &mut inner.state).await?;
        if kept {
            tx.commit().await?;
        }
        inner.broken = false;
        Ok(kept)
    }

    /// The state, read anew if writing failed before.
    async fn ready(&self) -> Result<MutexGuard<'_, Inner>, EngineError> {
        let mut inner = self.inner.lock().await;
        if inner.broken {
            let collection = inner.state.counters.collection;
            inner.state = self.lease.during(&self.db, &self.clock, load::state(&self.db)).await?;
            // Collections that are open keep their numbers.
            inner.state.counters.collection = inner.state.counters.collection.max(collection);
            inner.broken = false;
            inner.kept_at = None;
            if let Some(journal) = &mut inner.journal {
                journal.forget();
            }
        }
        Ok(inner)
    }
}
