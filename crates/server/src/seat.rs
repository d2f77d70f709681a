//! The seat: of all processes on one database, the one that holds it evaluates. The others hand in what they collect
//! and answer questions; if the holder dies, one of them takes over within seconds.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use octro_engine::{Change, Engine, EngineError, Inbox, Lease};
use octro_ledger::Ledger;
use octro_model::Clock;
use octro_store::Db;
use tokio::sync::broadcast;

use crate::ledger::journal;

/// How long whoever evaluates may be silent before another process takes over is the lease's term; this is how often
/// the seat is looked at.
pub const LOOK_EVERY: std::time::Duration = std::time::Duration::from_millis(1_000);

/// See the module.
pub struct Seat {
    db: Db,
    clock: Arc<dyn Clock>,
    process: Option<String>,
    ledger: Option<Ledger>,
    inbox: Inbox,
    held: Mutex<Held>,
    changes: broadcast::Sender<Change>,
    elsewhere: AtomicBool,
}

/// What this process holds.
struct Held {
    engine: Option<Arc<Engine>>,
    /// The lease under which `engine` writes, or under which the next one will.
    lease: Lease,
    /// How many engines were opened.
    opened: u64,
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
    /// The seat of `db`, wanted by `process`; `None` if it is the only one. Nobody holds it yet.
    pub fn new(db: Db, clock: Arc<dyn Clock>, process: Option<String>, ledger: Option<Ledger>) -> Self {
        let inbox = Inbox::new(db.clone(), clock.clone());
        let held = Held { engine: None, lease: lease(process.as_deref(), 0), opened: 0 };
        Self {
            db,
            clock,
            process,
            ledger,
            inbox,
            held: Mutex::new(held),
            changes: broadcast::channel(1_024).0,
            elsewhere: AtomicBool::new(false),
        }
    }

    /// The engine, if this process holds the seat.
    pub fn engine(&self) -> Option<Arc<Engine>> {
        self.held().engine.clone()
    }

    fn held(&self) -> std::sync::MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where changes are announced.
    pub const fn changes(&self) -> &broadcast::Sender<Change> {
        &self.changes
    }

    /// Where a process that does not hold the seat hands in what it collects.
    pub const fn inbox(&self) -> &Inbox {
        &self.inbox
    }

    /// Takes or keeps the seat if it is free or ours.
    ///
    /// An engine's state in memory is worth something only as long as nobody else has written. So every engine has a
    /// lease of its own name: one that was paused, lost its lease and would get it back finds it held by nobody that it
    /// is, and is replaced by one that reads the database anew.
    ///
    /// # Errors
    /// If the database fails; whether the seat is ours is then open, and nothing may be written until it is asked anew.
    pub async fn look(&self) -> Result<Looked, EngineError> {
        let looked = self.look_once().await?;
        self.elsewhere.store(looked == Looked::Elsewhere, Ordering::Relaxed);
        Ok(looked)
    }

    /// Whether another process held the seat when it was last looked at.
    pub fn is_elsewhere(&self) -> bool {
        self.elsewhere.load(Ordering::Relaxed)
    }

    async fn look_once(&self) -> Result<Looked, EngineError> {
        let (lease, sits) = {
            let held = self.held();
            (held.lease.clone(), held.engine.is_some())
        };
        if sits {
            if lease.keep(&self.db, self.clock.now()).await? {
                return Ok(Looked::Held);
            }
            self.lose();
            return Ok(Looked::Elsewhere);
        }
        if !lease.take(&self.db, self.clock.now()).await? {
            return Ok(Looked::Elsewhere);
        }
        let engine = Engine::open(self.db.clone(), self.clock.clone(), lease).await?;
        let engine = match &self.ledger {
            Some(ledger) => engine.with_journal(journal(ledger)),
            None => engine,
        };
        self.inbox.forget();
        let mut held = self.held();
        held.engine = Some(Arc::new(engine.with_changes(self.changes.clone())));
        held.opened += 1;
        Ok(Looked::Taken)
    }

    /// Leaves the seat, after a write was refused because another process holds it.
    pub fn lose(&self) {
        let mut held = self.held();
        if held.engine.take().is_some() {
            held.lease = lease(self.process.as_deref(), held.opened);
        }
    }

    /// Gives the seat back, so that another process need not wait.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn leave(&self) -> Result<(), EngineError> {
        let lease = {
            let mut held = self.held();
            held.engine = None;
            held.lease.clone()
        };
        lease.release(&self.db).await
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

/// The lease of the engine number `opened` of a process.
fn lease(process: Option<&str>, opened: u64) -> Lease {
    match process {
        Some(process) => Lease::shared("evaluate", format!("{process}:{opened}")),
        None => Lease::alone(),
    }
}
