//! Runs: sources on their schedule, and on demand. Of several processes, the one that holds a source's lease runs it.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use octro_connectors::{Run, Stopped};
use octro_engine::{EngineError, Lease, Query};
use octro_model::{Clock, Collection, Id, Observation, Span, Timestamp};
use octro_store::Db;
use tokio::sync::Notify;

use crate::config::OpenSource;
use crate::following::Following;
use crate::seat::Seat;

/// For how long a process that runs a source is believed to be alive.
const TERM: Span = Span::from_secs(10);
/// When a run that could not be stored is tried again, if its source does not run sooner anyway.
const AGAIN: Span = Span::from_secs(30);
/// How often the schedule is looked at.
const LOOK_EVERY: std::time::Duration = std::time::Duration::from_secs(1);
/// How long a source may take to notice that it is stopped.
const STOP_MAX: std::time::Duration = std::time::Duration::from_secs(3);

/// What is needed to run sources.
pub struct Runs {
    pub(crate) seat: Arc<Seat>,
    query: Query,
    pub(crate) clock: Arc<dyn Clock>,
    /// The name of this process among those that share the database; `None` if it is alone.
    pub(crate) process: Option<String>,
    wanted: HashMap<Id, Notify>,
    sources: Vec<OpenSource>,
    handed_in: AtomicU64,
    /// Tells the sources that run to return.
    stop: Arc<AtomicBool>,
}

impl Runs {
    /// Runs of `sources`.
    pub fn new(
        seat: Arc<Seat>,
        query: Query,
        clock: Arc<dyn Clock>,
        process: Option<String>,
        sources: Vec<OpenSource>,
    ) -> Self {
        let wanted = sources.iter().map(|source| (source.info.id.clone(), Notify::new())).collect();
        Self {
            seat,
            query,
            clock,
            process,
            wanted,
            sources,
            handed_in: AtomicU64::new(0),
            stop: Arc::default(),
        }
    }

    /// The sources.
    pub fn sources(&self) -> &[OpenSource] {
        &self.sources
    }

    fn db(&self) -> &Db {
        self.query.db()
    }

    /// Asks for a run of `source` as soon as possible, in whichever process runs it.
    ///
    /// # Errors
    /// If there is no such source, or the database fails.
    pub async fn want(&self, source: &str) -> Result<(), EngineError> {
        let Some((id, notify)) = self.wanted.get_key_value(source) else {
            return Err(EngineError::NotFound { what: "source", name: source.to_owned() });
        };
        if self.process.is_some() {
            self.query.set(&wanted_name(id), &self.clock.now().micros().to_string()).await?;
        }
        notify.notify_one();
        Ok(())
    }

    /// Runs one source whenever it is due, until `stop` is told.
    pub async fn keep(self: Arc<Self>, place: usize, mut stop: tokio::sync::watch::Receiver<bool>) {
        let Some(source) = self.sources.get(place).cloned() else { return };
        let lease = match &self.process {
            Some(process) => Lease::shared(format!("source:{}", source.info.id), process.clone()),
            None => Lease::alone(),
        };
        let mut last: Option<Timestamp> = None;
        let mut mark = source.source.mark();
        let mut following: Option<Following> = None;
        // The first look is at once.
        let mut patience = std::time::Duration::ZERO;
        loop {
            let mut asked = match self.wanted.get(&source.info.id) {
                Some(notify) => tokio::time::timeout(patience, notify.notified()).await.is_ok(),
                None => false,
            };
            patience = LOOK_EVERY;
            if *stop.borrow_and_update() {
                break;
            }
            let marked = source.source.mark();
            if marked != mark {
                mark = marked;
                asked = true;
            }
            match self.due(&source, &lease, &mut last, asked).await {
                Ok(Due::Later) => {
                    if source.source.follows() && following.is_none() {
                        following = Some(Following::start(self.clone(), source.clone()));
                    }
                    continue;
                }
                Ok(Due::Elsewhere) => {
                    if let Some(following) = following.take() {
                        following.stop().await;
                    }
                    continue;
                }
                Ok(Due::Now) => {}
                Err(error) => {
                    tracing::warn!(source = %source.info.id, %error, "the schedule could not be read; trying again");
                    continue;
                }
            }
            // A source does one thing at a time.
            if let Some(following) = following.take() {
                following.stop().await;
            }
            last = Some(self.clock.now());
            let mut run = std::pin::pin!(self.clone().run(source.clone()));
            let held = async {
                loop {
                    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
                    if let Err(error) = lease.take_for(self.db(), self.clock.now(), TERM).await {
                        tracing::warn!(source = %source.info.id, %error, "the lease could not be renewed");
                    }
                }
            };
            tokio::select! {
                stored = &mut run => {
                    if !stored && source.info.every > AGAIN {
                        last = Some(self.clock.now().minus(source.info.every).plus(AGAIN));
                    }
                }
                () = held => {}
                _ = stop.changed() => {
                    self.stop.store(true, Ordering::Relaxed);
                    // It has to end what it started before this process is gone.
                    if tokio::time::timeout(STOP_MAX, &mut run).await.is_err() {
                        tracing::warn!(source = %source.info.id, "the source did not return and was left alone");
                    }
                    break;
                }
            }
        }
        if let Some(following) = following.take() {
            following.stop().await;
        }
        if let Err(error) = lease.release(self.db()).await {
            tracing::debug!(source = %source.info.id, %error, "the lease could not be given back");
        }
    }

    /// Whether the source has to run now, and here.
    async fn due(
        &self,
        source: &OpenSource,
        lease: &Lease,
        last: &mut Option<Timestamp>,
        asked: bool,
    ) -> Result<Due, EngineError> {
        let now = self.clock.now();
        let due = |is_due: bool| if is_due { Due::Now } else { Due::Later };
        if self.process.is_none() {
            // A clock that was set back must not silence a source.
            return Ok(due(
                asked || last.is_none_or(|last| last.plus(source.info.every) <= now || last > now)
            ));
        }
        if !lease.take_for(self.db(), now, TERM).await? {
            *last = None;
            return Ok(Due::Elsewhere);
        }
        let id = source.info.id.as_str();
        let wanted = match self.query.setting(&wanted_name(id)).await? {
            Some(text) => text.parse().map(Timestamp::from_micros).unwrap_or(Timestamp::MIN),
            None => Timestamp::MIN,
        };
        if last.is_none() {
            // Another process may have run it: its last run counts.
            *last = match self.query.source(id, self.query.now(), 1).await {
                Ok(view) => view.last().map(|run| run.started_at),
                Err(EngineError::NotFound { .. }) => None,
                Err(error) => return Err(error),
            };
        }
        Ok(due(asked
            || last.is_none_or(|last| last.plus(source.info.every) <= now || last > now || wanted > last)))
    }

    /// Runs a source once and hands in what it says; answers whether all of it was stored.
    async fn run(self: Arc<Self>, source: OpenSource) -> bool {
        let id = source.info.id.clone();
        let started = self.clock.now();
        let outcome = match self.seat.engine() {
            Some(engine) => match engine.begin(&id).await {
                Ok(collecting) => {
                    let deliver_to = (engine.clone(), collecting.clone());
                    let report = self
                        .collect(source, Task::Look, self.stop.clone(), move |handle, batch| {
                            let (engine, collecting) = deliver_to.clone();
                            wait(handle, async move { engine.observe(&collecting, batch).await.map(drop) })
                        })
                        .await;
                    match report {
                        Some(report) => engine.finish(&collecting, report).await.map(drop),
                        None => Ok(()),
                    }
                }
                Err(error) => Err(error),
            },
            None => self.hand_in(source).await,
        };
        match outcome {
            Ok(()) if self.is_stopped() => {
                tracing::debug!(source = %id, "a source was stopped");
                return true;
            }
            Ok(()) => {
                tracing::info!(source = %id, took = %self.clock.now().since(started).human(), "a source ran");
                return true;
            }
            Err(EngineError::NotLeader) => {
                self.seat.lose();
                tracing::warn!(source = %id, "another process took over while the source ran; it runs again soon");
            }
            Err(error) => {
                tracing::error!(source = %id, %error, "a source's run could not be stored; it runs again soon")
            }
        }
        false
    }

    /// Runs a source for another process, which evaluates.
    async fn hand_in(self: &Arc<Self>, source: OpenSource) -> Result<(), EngineError> {
        let id = source.info.id.clone();
        let process = self.process.clone().unwrap_or_default();
        let run = format!("{process}:{}:{}", id, self.clock.now().micros());
        let (this, source_id, run_id) = (self.clone(), id.clone(), run.clone());
        let report = self
            .collect(source, Task::Look, self.stop.clone(), move |handle, batch| {
                let part = this.part(&run_id);
                let (this, run, source) = (this.clone(), run_id.clone(), source_id.clone());
                wait(handle, async move { this.seat.inbox().observe(&part, &run, &source, batch).await })
            })
            .await;
        match report {
            Some(report) => self.seat.inbox().finish(&self.part(&run), &run, &id, report).await,
            None => Ok(()),
        }
    }

    /// The name of the next part of a run; parts are taken in the order of their names.
    pub(crate) fn part(&self, run: &str) -> String {
        format!("{run}:{:012}", self.handed_in.fetch_add(1, Ordering::SeqCst))
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Lets the source look, on a thread of its own; `None` if it broke down, or if Octro stops: what a source did not
    /// come to see because of that says nothing about the system.
    pub(crate) async fn collect(
        &self,
        source: OpenSource,
        task: Task,
        stop: Arc<AtomicBool>,
        mut deliver: impl FnMut(&tokio::runtime::Handle, Vec<Observation>) -> Result<(), EngineError>
        + Send
        + 'static,
    ) -> Option<Collection> {
        let clock = self.clock.clone();
        let handle = tokio::runtime::Handle::current();
        let id = source.info.id.clone();
        let classes = match self.query.program(self.query.now()).await {
            Ok(in_force) => in_force.program.classes.clone(),
            Err(error) => {
                tracing::warn!(source = %id, %error, "what stores are declared to hold could not be read");
                Arc::default()
            }
        };
        let ran = tokio::task::spawn_blocking(move || {
            let deadline = clock.now().plus(source.timeout);
            let mut deliver = |batch: Vec<Observation>| {
                // What was seen of changes is kept even when it is time to stop.
                if task == Task::Look && stop.load(Ordering::Relaxed) {
                    return Err(Stopped);
                }
                deliver(&handle, batch).map_err(|error| {
                    tracing::error!(source = %source.info.id, %error, "observations could not be stored");
                    Stopped
                })
            };
            // Changes alone say nothing of what there is in all: no kind is promised.
            let kinds = if task == Task::Look { source.info.kinds.clone() } else { Vec::new() };
            let mut run = Run::new(source.info.id.clone(), kinds, clock.as_ref(), deadline, &mut deliver)
                .stopped_by(stop.clone())
                .classed_by(classes);
            match task {
                Task::Look => source.source.collect(&mut run),
                Task::Follow => source.source.follow(&mut run),
            }
            run.finish()
        })
        .await;
        ran.map_err(|error| tracing::error!(source = %id, %error, "the connector broke down"))
            .ok()
            .filter(|_| task == Task::Follow || !self.is_stopped())
    }
}

/// Waits for what is done on the threads of `handle`. A source may call this from inside of a runtime of its own, where
/// `block_on` may not be used.
pub(crate) fn wait<T: Send + 'static>(
    handle: &tokio::runtime::Handle,
    what: impl Future<Output = Result<T, EngineError>> + Send + 'static,
) -> Result<T, EngineError> {
    let (done, result) = std::sync::mpsc::sync_channel(1);
    handle.spawn(async move {
        // Whoever waits is still there.
        let _ = done.send(what.await);
    });
    result.recv().unwrap_or_else(|_| Err(EngineError::Stored("storing broke down".to_owned())))
}

/// What a source is asked to do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Task {
    /// Look at everything.
    Look,
    /// Hear of changes.
    Follow,
}

/// Whether a source has to run.
enum Due {
    Now,
    Later,
    /// Another process runs it.
    Elsewhere,
}

fn wanted_name(source: &str) -> String {
    format!("run:{source}")
}
