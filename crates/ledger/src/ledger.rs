//! The handle: what the rest of Octro holds of the ledger. It may be cloned; all clones append through one sequencer.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex as StdMutex};
use std::time::Duration;

use octro_model::{Clock, Timestamp};
use octro_outbound::aws::Bucket;
use octro_store::Db;
use octro_verify::{Leaf, VerifierKey};
use tokio::sync::{Mutex, Notify, Semaphore, oneshot, watch};

use crate::outbox::{any, checked};
use crate::outsiders::work::Asked;
use crate::publish::Publisher;
use crate::sequencer::{Append, BATCH, Round, Sequencer};
use crate::{FileKeys, Health, Highest, Keys, LedgerError, Mirror, Outsiders, Reader, Steps};

/// The most leaves of callers that may wait at once; more callers wait for their turn to wait.
const WAITING_MAX: usize = 16_384;

/// How long is waited for a process that is just appending, and how often.
const BUSY_WAIT: Duration = Duration::from_millis(10);
const BUSY_TIMES: u32 = 800;

/// How often a failure that may pass is tried again while callers wait.
const RETRIES: u32 = 3;

/// How a ledger is kept.
#[derive(Clone)]
pub struct Settings {
    /// The origin of a new log; without one, `octro/` and something random.
    pub origin: Option<String>,
    /// Where the keys are.
    pub keys: Arc<dyn Keys>,
    /// The second place, where the newest signed checkpoint is kept.
    pub highest: Highest,
    /// Where the log is published, in a folder of its number; nowhere, if absent.
    pub folder: Option<PathBuf>,
    /// The bucket in which it is published too.
    pub bucket: Option<Bucket>,
    /// Whether a database that is behind what was signed goes on with a new log, which follows the one that was signed.
    pub follow: bool,
    /// Who decides that, as far as it is known: a line that goes into the ledger as a commitment.
    pub operator: String,
    /// Who outside vouches for it.
    pub outsiders: Outsiders,
    /// For tests; otherwise the default.
    pub steps: Steps,
}

impl Settings {
    /// A ledger whose key is in this file, or will be, and that is published nowhere and vouched for by nobody.
    #[must_use]
    pub fn at(key: &Path) -> Self {
        Self {
            origin: None,
            keys: Arc::new(FileKeys::at(key)),
            highest: Highest::beside(key),
            folder: None,
            bucket: None,
            follow: false,
            operator: "not known".to_owned(),
            outsiders: Outsiders::default(),
            steps: Steps::default(),
        }
    }
}

/// See the module.
#[derive(Clone)]
pub struct Ledger(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub db: Db,
    pub sequencer: Mutex<Sequencer>,
    pub publisher: Mutex<Publisher>,
    pub mirror: Option<Mutex<Mirror>>,
    pub asked: Mutex<Asked>,
    pub wake: Notify,
    pub health: watch::Sender<Health>,
    queue: StdMutex<VecDeque<Append>>,
    room: Semaphore,
}

impl Ledger {
    /// Opens the ledger of a database, and begins its log if there is none.
    ///
    /// # Errors
    /// [`LedgerError::Behind`] or [`LedgerError::Differs`] if the database is not the one that was signed; otherwise if
    /// the database, the key or a file fails.
    pub async fn open(db: Db, clock: Arc<dyn Clock>, settings: Settings) -> Result<Self, LedgerError> {
        let publisher = Publisher::new(db.clone(), &settings);
        let mirror = settings.bucket.clone().map(|bucket| {
            Mutex::new(Mirror::new(db.clone(), clock.clone(), settings.highest.clone(), bucket))
        });
        let required = settings.outsiders.required;
        let mut sequencer = Sequencer { db: db.clone(), clock, settings, known: None, last: None };
        let mut tries = 0;
        while !sequencer.begin().await? {
            tries += 1;
            if tries > BUSY_TIMES {
                return Err(LedgerError::Held);
            }
            tokio::time::sleep(BUSY_WAIT).await;
        }
        let size = sequencer.known.as_ref().map_or(0, |known| known.log.size);
        crate::outsiders::set_required(&db, required).await?;
        let (health, _) = watch::channel(Health { size, ..Health::default() });
        Ok(Self(Arc::new(Inner {
            db,
            sequencer: Mutex::new(sequencer),
            publisher: Mutex::new(publisher),
            mirror,
            asked: Mutex::new(Asked::default()),
            wake: Notify::new(),
            health,
            queue: StdMutex::new(VecDeque::new()),
            room: Semaphore::new(WAITING_MAX),
        })))
    }

    /// Says that something was put into the outbox, after the commit: it is appended at once, not with the next look.
    pub fn wake(&self) {
        self.0.wake.notify_one();
    }

    /// Appends leaves that belong to no change of the database, and answers their places when they are durable.
    ///
    /// # Errors
    /// If one of them is none, there are more than 4,096, or the database fails.
    pub async fn append(&self, at: Timestamp, leaves: &[Leaf]) -> Result<Vec<u64>, LedgerError> {
        let leaves =
            leaves.iter().map(|leaf| Ok((at, checked(leaf)?))).collect::<Result<Vec<_>, LedgerError>>()?;
        if leaves.is_empty() {
            return Ok(Vec::new());
        }
        if leaves.len() > BATCH {
            return Err(LedgerError::Leaf(format!(
                "is one of {}; expected at most {BATCH} at once",
                leaves.len()
            )));
        }
        let weight = u32::try_from(leaves.len()).unwrap_or(u32::MAX);
        let _room = self.0.room.acquire_many(weight).await.map_err(|_| LedgerError::Stopping)?;
        let (done, answer) = oneshot::channel();
        self.0.queue().push_back(Append { leaves, done });
        // In a task of its own: whoever stops waiting does not stop the round that appends for others too.
        let inner = self.0.clone();
        tokio::spawn(inner.drain(Looks::AtCallers));
        match answer.await {
            Ok(result) => result.map_err(LedgerError::Shared),
            Err(_) => Err(LedgerError::Stopping),
        }
    }

    /// Appends all that is in the outbox now.
    ///
    /// # Errors
    /// If the database fails, or nothing may be signed.
    pub async fn flush(&self) -> Result<(), LedgerError> {
        // In a task of its own, as everywhere: whoever is stopped does not stop it in the middle.
        match tokio::spawn(self.0.clone().drain(Looks::Everywhere)).await {
            Ok(result) => result.map_err(LedgerError::Shared),
            Err(_) => Err(LedgerError::Stopping),
        }
    }

    /// Publishes what was not published yet, now.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub async fn publish(&self) -> Result<(), LedgerError> {
        let inner = self.0.clone();
        match tokio::spawn(async move { inner.publish().await }).await {
            Ok(result) => result,
            Err(_) => Err(LedgerError::Stopping),
        }
    }

    /// Publishes what was not published yet in the bucket, if there is one, now.
    ///
    /// # Errors
    /// If the database or the store fails.
    pub async fn mirror(&self) -> Result<(), LedgerError> {
        let inner = self.0.clone();
        match tokio::spawn(async move { inner.mirror().await }).await {
            Ok(result) => result,
            Err(_) => Err(LedgerError::Stopping),
        }
    }

    /// Changes the log's key: the old one signs a last time, together with the new one.
    ///
    /// # Errors
    /// If the database or a key fails.
    pub async fn rotate(&self) -> Result<VerifierKey, LedgerError> {
        let mut sequencer = self.0.sequencer.lock().await;
        for _ in 0..BUSY_TIMES {
            if let Some(key) = sequencer.rotate().await? {
                return Ok(key);
            }
            tokio::time::sleep(BUSY_WAIT).await;
        }
        Err(LedgerError::Held)
    }

    /// How it is doing, now and whenever that changes.
    pub fn health(&self) -> watch::Receiver<Health> {
        self.0.health.subscribe()
    }

    /// A reader of the log that takes entries.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn reader(&self) -> Result<Reader, LedgerError> {
        Reader::newest(&self.0.db).await
    }
}

/// What a drain looks at before it opens a transaction, which takes what is in the outbox in any case.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Looks {
    /// Whether callers wait.
    AtCallers,
    /// Whether callers wait or the outbox holds something.
    Everywhere,
}

impl Inner {
    fn queue(&self) -> std::sync::MutexGuard<'_, VecDeque<Append>> {
        self.queue.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Takes callers' leaves for one round.
    fn take(&self) -> Vec<Append> {
        let mut queue = self.queue();
        let (mut taken, mut leaves) = (Vec::new(), 0);
        while let Some(one) = queue.pop_front_if(|one| leaves == 0 || leaves + one.leaves.len() <= BATCH) {
            leaves += one.leaves.len();
            taken.push(one);
        }
        taken
    }

    /// Appends until nothing is left. What went wrong is told to those who wait, and in the health.
    pub async fn drain(self: Arc<Self>, looks: Looks) -> Result<(), Arc<LedgerError>> {
        // Most looks find nothing; they do not take the one connection that writes.
        if looks == Looks::Everywhere && self.queue().is_empty() {
            match any(&self.db).await {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(error) => return Err(self.fail(Vec::new(), Arc::new(error))),
            }
        }
        let mut sequencer = self.sequencer.lock().await;
        if looks == Looks::AtCallers && self.queue().is_empty() {
            // While this one waited for its turn, its caller's leaves were taken along.
            return Ok(());
        }
        let (mut busy, mut failed) = (0, 0);
        loop {
            let mut appends = self.take();
            let result = sequencer.round(&mut appends).await;
            match result {
                Ok(Round::Idle) => {
                    self.health.send_if_modified(|health| health.appending.take().is_some());
                    return Ok(());
                }
                Ok(Round::Busy) => {
                    busy += 1;
                    let waited_for = !appends.is_empty();
                    self.put_back(appends);
                    if !waited_for && busy > 1 {
                        // Another process appends; it takes what is in the outbox.
                        return Ok(());
                    }
                    if busy > BUSY_TIMES {
                        let error = Arc::new(LedgerError::Damaged(
                            "another process holds its lock for seconds".to_owned(),
                        ));
                        return Err(self.fail(self.take(), error));
                    }
                    tokio::time::sleep(BUSY_WAIT).await;
                }
                Ok(Round::Appended(count)) => {
                    (busy, failed) = (0, 0);
                    let size = sequencer.last.as_ref().map_or(0, |last| last.size);
                    self.health.send_if_modified(|health| {
                        let changed = health.size != size || health.appending.is_some();
                        (health.size, health.appending) = (size, None);
                        changed
                    });
                    if count < BATCH && self.queue().is_empty() {
                        return Ok(());
                    }
                }
                Err(error @ LedgerError::Store(_)) if failed < RETRIES && !appends.is_empty() => {
                    failed += 1;
                    tracing::debug!("appending is tried again: {error}");
                    self.put_back(appends);
                    tokio::time::sleep(BUSY_WAIT).await;
                }
                Err(error) => return Err(self.fail(appends, Arc::new(error))),
            }
        }
    }

    fn put_back(&self, appends: Vec<Append>) {
        let mut queue = self.queue();
        for one in appends.into_iter().rev() {
            queue.push_front(one);
        }
    }

    fn fail(&self, appends: Vec<Append>, error: Arc<LedgerError>) -> Arc<LedgerError> {
        let text = error.to_string();
        self.health.send_if_modified(|health| {
            let changed = health.appending.as_ref() != Some(&text);
            if changed {
                tracing::error!("nothing is appended to the ledger: {text}");
            }
            health.appending = Some(text);
            changed
        });
        for one in appends {
            // Whoever no longer waits does not want to know.
            let _ = one.done.send(Err(error.clone()));
        }
        error
    }

    /// Publishes, and says in the health how it went.
    pub async fn publish(&self) -> Result<(), LedgerError> {
        let result = self.publisher.lock().await.publish().await;
        let (published, alarm) = match &result {
            Ok(size) => (Some(*size), None),
            Err(error) => (None, Some(error.to_string())),
        };
        self.health.send_if_modified(|health| {
            let changed =
                health.publishing != alarm || published.is_some_and(|size| health.published != Some(size));
            match (&health.publishing, &alarm) {
                (None, Some(why)) => tracing::error!("the ledger is not published, and goes on: {why}"),
                (Some(_), None) => tracing::info!("the ledger is published again"),
                (None, None) | (Some(_), Some(_)) => {}
            }
            health.published = published.or(health.published);
            health.publishing = alarm;
            changed
        });
        result.map(|_| ())
    }

    /// Publishes into the bucket, if there is one, and says in the health how it went.
    pub async fn mirror(&self) -> Result<(), LedgerError> {
        let Some(mirror) = &self.mirror else { return Ok(()) };
        let result = mirror.lock().await.publish().await;
        let trouble = result.as_ref().err().map(ToString::to_string);
        self.health.send_if_modified(|health| {
            match (&health.mirroring, &trouble) {
                (None, Some(why)) => {
                    tracing::error!("the ledger is not published in its bucket, and goes on: {why}");
                }
                (Some(_), None) => tracing::info!("the ledger is published in its bucket again"),
                (None, None) | (Some(_), Some(_)) => {}
            }
            let size = result.as_ref().ok().copied().or(health.mirrored);
            let changed = health.mirroring != trouble || health.mirrored != size;
            (health.mirroring, health.mirrored) = (trouble, size);
            changed
        });
        result.map(|_| ())
    }
}
