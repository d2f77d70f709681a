//! Following a source between its runs: what changed is stored and judged within seconds, without a look at the rest. A
//! source that is followed is asked over and over until its next run is due.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use octro_engine::{Collecting, Engine, EngineError};
use octro_model::Collection;
use tokio::task::JoinHandle;

use crate::config::OpenSource;
use crate::runs::{Runs, Task, wait};

/// How long to wait after something went wrong, and between two times that brought nothing at once.
const PAUSE: Duration = Duration::from_secs(2);
/// How long a source may take to notice that it is no longer followed.
const STOP_MAX: Duration = Duration::from_secs(3);

/// A source that is followed.
pub(crate) struct Following {
    stop: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

impl Following {
    /// Begins to follow.
    pub(crate) fn start(runs: Arc<Runs>, source: OpenSource) -> Self {
        let stop: Arc<AtomicBool> = Arc::default();
        let task = tokio::spawn(follow(runs, source, stop.clone()));
        Self { stop, task }
    }

    /// Ends it, and waits until what was seen is stored.
    pub(crate) async fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        if tokio::time::timeout(STOP_MAX, self.task).await.is_err() {
            tracing::warn!("a source that was followed did not return and was left alone");
        }
    }
}

async fn follow(runs: Arc<Runs>, source: OpenSource, stop: Arc<AtomicBool>) {
    while !stop.load(Ordering::Relaxed) {
        let followed = match runs.seat.engine() {
            Some(engine) => here(&runs, &engine, &source, &stop).await,
            None if runs.process.is_some() => elsewhere(&runs, &source, &stop).await,
            None => Ok(false),
        };
        match followed {
            Ok(true) => continue,
            Ok(false) => {}
            Err(EngineError::NotLeader) => runs.seat.lose(),
            Err(error) => {
                tracing::error!(source = %source.info.id, %error, "changes could not be stored; they are seen by the next run");
            }
        }
        let paused = async {
            while !stop.load(Ordering::Relaxed) {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        // Whichever ends first.
        let _ = tokio::time::timeout(PAUSE, paused).await;
    }
}

/// Follows once, and gives what changed to the engine; answers whether something was told.
async fn here(
    runs: &Arc<Runs>,
    engine: &Arc<Engine>,
    source: &OpenSource,
    stop: &Arc<AtomicBool>,
) -> Result<bool, EngineError> {
    // A collection is begun with the first change.
    let begun: Arc<Mutex<Option<Collecting>>> = Arc::default();
    let (to, id, opened) = (engine.clone(), source.info.id.clone(), begun.clone());
    let report = runs
        .collect(source.clone(), Task::Follow, stop.clone(), move |handle, batch| {
            let (to, id, opened) = (to.clone(), id.clone(), opened.clone());
            wait(handle, async move {
                let known = opened.lock().unwrap_or_else(PoisonError::into_inner).clone();
                let collecting = match known {
                    Some(collecting) => collecting,
                    None => to.begin(&id).await?,
                };
                *opened.lock().unwrap_or_else(PoisonError::into_inner) = Some(collecting.clone());
                to.observe(&collecting, batch).await.map(drop)
            })
        })
        .await;
    let begun = begun.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Some(report) = report else { return Ok(false) };
    let collecting = match begun {
        Some(collecting) => collecting,
        None if report.errors.is_empty() => return Ok(false),
        None => engine.begin(&source.info.id).await?,
    };
    told(&report, source);
    engine.finish(&collecting, report).await?;
    Ok(true)
}

/// Follows once, and hands what changed in to the process that evaluates.
async fn elsewhere(
    runs: &Arc<Runs>,
    source: &OpenSource,
    stop: &Arc<AtomicBool>,
) -> Result<bool, EngineError> {
    let id = source.info.id.clone();
    let process = runs.process.clone().unwrap_or_default();
    let run = format!("{process}:{id}:changes:{}", runs.clock.now().micros());
    let any: Arc<AtomicBool> = Arc::default();
    let (this, source_id, run_id, told_any) = (runs.clone(), id.clone(), run.clone(), any.clone());
    let report = runs
        .collect(source.clone(), Task::Follow, stop.clone(), move |handle, batch| {
            told_any.store(true, Ordering::Relaxed);
            let part = this.part(&run_id);
            let (this, run, source) = (this.clone(), run_id.clone(), source_id.clone());
            wait(handle, async move { this.seat.inbox().observe(&part, &run, &source, batch).await })
        })
        .await;
    let Some(report) = report.filter(|report| any.load(Ordering::Relaxed) || !report.errors.is_empty())
    else {
        return Ok(false);
    };
    told(&report, source);
    runs.seat.inbox().finish(&runs.part(&run), &run, &id, report).await?;
    Ok(true)
}

fn told(report: &Collection, source: &OpenSource) {
    for error in &report.errors {
        tracing::warn!(source = %source.info.id, what = %error.what, message = %error.message, "a source that is followed");
    }
}
