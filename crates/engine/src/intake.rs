//! The inbox: where a process that does not evaluate hands in what it collects. What is in it is durable; the process
//! that evaluates takes it from there in order.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use octro_model::{Clock, Collection, Id, Observation, Span, Timestamp, UnknownReason, Why};
use octro_store::Db;
use serde::{Deserialize, Serialize};

use crate::service::Collecting;
use crate::{Engine, EngineError};

const PUT: &str = "INSERT INTO intake (id, received_at, body) VALUES ($1, $2, $3)";
const TAKE: &str = "SELECT id, body FROM intake ORDER BY received_at, id LIMIT 50";
const DONE: &str = "DELETE FROM intake WHERE id = $1";

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[PUT, TAKE, DONE];

/// What is handed in: a part of a collection.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "form", rename_all = "snake_case")]
enum Part {
    Observed { run: String, number: u64, source: Id, observations: Vec<Observation> },
    Finished { run: String, number: u64, source: Id, report: Collection },
}

/// A run whose parts are being taken.
#[derive(Clone)]
struct Taking {
    collecting: Collecting,
    /// Its first parts were taken by a process that is gone.
    torn: bool,
}

/// What this process has handed in.
#[derive(Default)]
struct Handed {
    /// By run that is not over, how many parts.
    parts: HashMap<String, u64>,
    /// When it handed in last: the order of parts must not follow a clock that is set back.
    last: Option<Timestamp>,
}

/// See the module.
pub struct Inbox {
    db: Db,
    clock: std::sync::Arc<dyn Clock>,
    taking: Mutex<HashMap<String, Taking>>,
    handed: Mutex<Handed>,
}

impl Inbox {
    /// The inbox of a database.
    pub fn new(db: Db, clock: std::sync::Arc<dyn Clock>) -> Self {
        Self { db, clock, taking: Mutex::default(), handed: Mutex::default() }
    }

    /// Forgets the runs whose parts were being taken: another engine takes the rest.
    pub fn forget(&self) {
        self.taking().clear();
    }

    fn taking(&self) -> MutexGuard<'_, HashMap<String, Taking>> {
        self.taking.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn handed(&self) -> MutexGuard<'_, Handed> {
        self.handed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of the next part of `run`.
    fn number(&self, run: &str) -> u64 {
        self.handed().parts.get(run).copied().unwrap_or(0)
    }

    /// Hands in observations of the run `run` of `source`. When it answers, they are durable. `id` tells parts apart
    /// and orders those of one moment.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn observe(
        &self,
        id: &str,
        run: &str,
        source: &Id,
        observations: Vec<Observation>,
    ) -> Result<(), EngineError> {
        let number = self.number(run);
        self.put(id, &Part::Observed { run: run.to_owned(), number, source: source.clone(), observations })
            .await?;
        self.handed().parts.insert(run.to_owned(), number + 1);
        Ok(())
    }

    /// Hands in the end of the run `run`.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn finish(
        &self,
        id: &str,
        run: &str,
        source: &Id,
        report: Collection,
    ) -> Result<(), EngineError> {
        let number = self.number(run);
        self.put(id, &Part::Finished { run: run.to_owned(), number, source: source.clone(), report }).await?;
        // Only now: if it is handed in once more, it is still not the run's first part.
        self.handed().parts.remove(run);
        Ok(())
    }

    async fn put(&self, id: &str, part: &Part) -> Result<(), EngineError> {
        let body = serde_json::to_vec(part).map_err(|error| EngineError::Stored(error.to_string()))?;
        let at = {
            let mut handed = self.handed();
            let now = self.clock.now();
            let at = handed.last.map_or(now, |last| now.max(last.plus(Span::from_micros(1))));
            handed.last = Some(at);
            at
        };
        let mut tx = self.db.begin().await?;
        tx.execute(PUT, &[id.into(), at.into(), (&body).into()]).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Gives what was handed in to the engine; answers how many parts. A part that is given twice, because the process
    /// died in between, says nothing new the second time.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn drain(&self, engine: &Engine) -> Result<usize, EngineError> {
        let rows = self.db.fetch(TAKE, &[]).await?;
        for row in &rows {
            let (id, body): (String, Vec<u8>) = (row.get(0)?, row.get(1)?);
            match serde_json::from_slice(&body) {
                Ok(part) => self.give(engine, part).await?,
                Err(error) => {
                    tracing::error!(%id, %error, "something handed in cannot be read and is dropped")
                }
            }
            let mut tx = self.db.begin().await?;
            tx.execute(DONE, &[(&id).into()]).await?;
            tx.commit().await?;
        }
        Ok(rows.len())
    }

    async fn give(&self, engine: &Engine, part: Part) -> Result<(), EngineError> {
        let (run, number, source) = match &part {
            Part::Observed { run, number, source, .. } | Part::Finished { run, number, source, .. } => {
                (run.clone(), *number, source.clone())
            }
        };
        let known = self.taking().get(&run).cloned();
        let taking = match known {
            Some(taking) => taking,
            None => match engine.begin(&source).await {
                Ok(collecting) => Taking { collecting, torn: number > 0 },
                Err(EngineError::NoSource(id)) => {
                    tracing::warn!(source = %id, "a source that is not declared handed something in; it is dropped");
                    return Ok(());
                }
                Err(error) => return Err(error),
            },
        };
        self.taking().insert(run.clone(), taking.clone());
        match part {
            Part::Observed { observations, .. } => {
                engine.observe(&taking.collecting, observations).await?;
            }
            Part::Finished { mut report, .. } => {
                if taking.torn {
                    // What the first parts mentioned is not part of this collection: on the word of the rest alone,
                    // nothing may be called gone.
                    let detail = "the process that took the first part of this run is gone";
                    for scope in report.scopes.iter_mut().filter(|scope| scope.complete) {
                        scope.complete = false;
                        scope.reason = Some(UnknownReason::new(Why::Failed, detail));
                    }
                }
                engine.finish(&taking.collecting, report).await?;
                self.taking().remove(&run);
            }
        }
        Ok(())
    }
}
