//! The inbox: where a process that does not evaluate hands in what it collects. What is in it is durable; the process
//! that evaluates takes it from there in order.

use std::collections::HashMap;
use std::sync::Mutex;

use octro_model::{Clock, Collection, Id, Observation, Timestamp};
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
    Observed { run: String, source: Id, observations: Vec<Observation> },
    Finished { run: String, source: Id, report: Collection },
}

/// See the module.
pub struct Inbox {
    db: Db,
    clock: std::sync::Arc<dyn Clock>,
    runs: Mutex<HashMap<String, Collecting>>,
}

impl Inbox {
    /// The inbox of a database.
    pub fn new(db: Db, clock: std::sync::Arc<dyn Clock>) -> Self {
        Self { db, clock, runs: Mutex::new(HashMap::new()) }
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
        self.put(id, &Part::Observed { run: run.to_owned(), source: source.clone(), observations }).await
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
        self.put(id, &Part::Finished { run: run.to_owned(), source: source.clone(), report }).await
    }

    async fn put(&self, id: &str, part: &Part) -> Result<(), EngineError> {
        let body = serde_json::to_vec(part).map_err(|error| EngineError::Stored(error.to_string()))?;
        let now: Timestamp = self.clock.now();
        let mut tx = self.db.begin().await?;
        tx.execute(PUT, &[id.into(), now.into(), (&body).into()]).await?;
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
        let (run, source) = match &part {
            Part::Observed { run, source, .. } | Part::Finished { run, source, .. } => {
                (run.clone(), source.clone())
            }
        };
        let known = self.runs.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get(&run).cloned();
        let (collecting, fresh) = match known {
            Some(collecting) => (collecting, false),
            None => match engine.begin(&source).await {
                Ok(collecting) => (collecting, true),
                Err(EngineError::NoSource(id)) => {
                    tracing::warn!(source = %id, "a source that is not declared handed something in; it is dropped");
                    return Ok(());
                }
                Err(error) => return Err(error),
            },
        };
        let keep = |collecting: Collecting| {
            self.runs
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner)
                .insert(run.clone(), collecting);
        };
        match part {
            Part::Observed { observations, .. } => {
                engine.observe(&collecting, observations).await?;
                keep(collecting);
            }
            Part::Finished { mut report, .. } => {
                if fresh && report.scopes.iter().any(|scope| scope.resources > 0) {
                    // The process that took the run's first parts is gone, and with it what they mentioned: nothing
                    // may be called gone on the word of the rest.
                    for scope in &mut report.scopes {
                        scope.complete = false;
                    }
                }
                engine.finish(&collecting, report).await?;
                self.runs.lock().unwrap_or_else(std::sync::PoisonError::into_inner).remove(&run);
            }
        }
        Ok(())
    }
}
