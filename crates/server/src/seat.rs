//! The seat: of all processes on one database, the one that holds it evaluates. The others hand in what they collect
//! and answer questions; if the holder dies, one of them takes over within seconds.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use octro_engine::{Change, Engine, EngineError, Inbox, Lease};
use octro_model::Clock;
use octro_store::Db;
use tokio::sync::broadcast;

/// How long whoever evaluates may be silent before another process takes over is the lease's term; this is how often
/// the seat is looked at.
pub const LOOK_EVERY: std::time::Duration = std::time::Duration::from_millis(1_000);

/// See the module.
pub struct Seat {
    db: Db,
    clock: Arc<dyn Clock>,
    lease: Lease,
    inbox: Inbox,
    engine: Mutex<Option<Arc<Engine>>>,
    changes: broadcast::Sender<Change>,
}

/// What became of the seat when it was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looked {
    /// This process has just taken it.
    Taken,
    /// This process holds it, as before.
    Held,
    /// Another process holds it.
    Elsewhere,
}

impl Seat {
    /// The seat of `db`; nobody holds it yet.
    pub fn new(db: Db, clock: Arc<dyn Clock>, lease: Lease) -> Self {
        let inbox = Inbox::new(db.clone(), clock.clone());
        Self { db, clock, lease, inbox, engine: Mutex::new(None), changes: broadcast::channel(1_024).0 }
    }

    /// The engine, if this process holds the seat.
    pub fn engine(&self) -> Option<Arc<Engine>> {
        self.engine.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Where changes are announced.
    pub const fn changes(&self) -> &broadcast::Sender<Change> {
        &self.changes
    }

    /// Where a process that does not hold the seat hands in what it collects.
    pub const fn inbox(&self) -> &Inbox {
        &self.inbox
    }

    fn set(&self, engine: Option<Arc<Engine>>) {
        *self.engine.lock().unwrap_or_else(PoisonError::into_inner) = engine;
    }

    /// Takes or keeps the seat if it is free or ours.
    ///
    /// # Errors
    /// If the database fails; whether the seat is ours is then open, and nothing may be written until it is asked anew.
    pub async fn look(&self) -> Result<Looked, EngineError> {
        if !self.lease.take(&self.db, self.clock.now()).await? {
            self.set(None);
            return Ok(Looked::Elsewhere);
        }
        if self.engine().is_some() {
            return Ok(Looked::Held);
        }
        let engine = Engine::open(self.db.clone(), self.clock.clone(), self.lease.clone()).await?;
        self.set(Some(Arc::new(engine.with_changes(self.changes.clone()))));
        Ok(Looked::Taken)
    }

    /// Leaves the seat, after a write was refused because another process holds it.
    pub fn lose(&self) {
        self.set(None);
    }

    /// Gives the seat back, so that another process need not wait.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn leave(&self) -> Result<(), EngineError> {
        self.set(None);
        self.lease.release(&self.db).await
    }

    /// Tells open pages that something changed, without saying what: another process evaluates.
    pub fn announce_elsewhere(&self) {
        let change = Change {
            at: self.clock.now(),
            tests: BTreeSet::new(),
            controls: BTreeSet::new(),
            results: 0,
            sources: true,
        };
        // Nobody listening is no failure.
        let _ = self.changes.send(change);
    }
}
