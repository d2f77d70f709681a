//! Who may evaluate, when several processes share one PostgreSQL: the holder of a lease, which every one of its
//! transactions renews. A process that was paused and comes back finds that its transaction is refused.

use std::sync::Arc;
use std::time::Duration;

use octro_model::{Clock, Span, Timestamp};
use octro_store::{Db, Tx};
use tokio::task::JoinSet;

use crate::EngineError;

/// How long a lease lasts without being renewed.
const TERM: Span = Span::from_secs(4);
/// How often it is renewed during something that takes long.
const RENEW_EVERY: Duration = Duration::from_millis(1_000);

const TAKE: &str = "INSERT INTO leases (name, holder, until) VALUES ($1, $2, $3) \
     ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until \
     WHERE leases.holder = excluded.holder OR leases.until < $4";
const HOLD: &str = "UPDATE leases SET until = $3 WHERE name = $1 AND holder = $2";
const RELEASE: &str = "DELETE FROM leases WHERE name = $1 AND holder = $2";

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[TAKE, HOLD, RELEASE];

/// The right to do something alone.
#[derive(Clone, Debug)]
pub struct Lease {
    name: String,
    holder: Option<String>,
}

impl Lease {
    /// No lease is needed: the process is alone by other means (a lock on the SQLite database's folder).
    pub const fn alone() -> Self {
        Self { name: String::new(), holder: None }
    }

    /// The lease `name`, wanted by `holder`.
    pub fn shared(name: impl Into<String>, holder: impl Into<String>) -> Self {
        Self { name: name.into(), holder: Some(holder.into()) }
    }

    /// Takes the lease if it is free, ours, or has run out; answers whether it is ours now.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn take(&self, db: &Db, now: Timestamp) -> Result<bool, EngineError> {
        self.take_for(db, now, TERM).await
    }

    /// The same for another length of time.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn take_for(&self, db: &Db, now: Timestamp, term: Span) -> Result<bool, EngineError> {
        let Some(holder) = &self.holder else { return Ok(true) };
        let mut tx = db.begin().await?;
        let taken = tx
            .execute(TAKE, &[(&self.name).into(), holder.into(), now.plus(term).into(), now.into()])
            .await?;
        tx.commit().await?;
        Ok(taken > 0)
    }

    /// Renews the lease if it is still ours; answers whether it is. One that ran out and was taken by nobody still is.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn keep(&self, db: &Db, now: Timestamp) -> Result<bool, EngineError> {
        if self.holder.is_none() {
            return Ok(true);
        }
        let mut tx = db.begin().await?;
        match self.hold(&mut tx, now).await {
            Ok(()) => {
                tx.commit().await?;
                Ok(true)
            }
            Err(EngineError::NotLeader) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Does something that may take longer than the lease lasts, and renews it meanwhile if it is still ours. If it is
    /// lost all the same, whatever `work` writes under it is refused.
    pub async fn during<T>(&self, db: &Db, clock: &Arc<dyn Clock>, work: impl Future<Output = T>) -> T {
        let mut renewing = JoinSet::new();
        if self.holder.is_some() {
            let (lease, db, clock) = (self.clone(), db.clone(), clock.clone());
            renewing.spawn(async move {
                loop {
                    tokio::time::sleep(RENEW_EVERY).await;
                    match lease.keep(&db, clock.now()).await {
                        Ok(true) => {}
                        Ok(false) => return,
                        Err(error) => tracing::debug!(%error, "the lease could not be renewed; trying again"),
                    }
                }
            });
        }
        // The renewing ends with the set.
        work.await
    }

    /// Renews the lease within a transaction; the row stays locked until it ends, so nobody can take it meanwhile.
    pub(crate) async fn hold(&self, tx: &mut Tx, now: Timestamp) -> Result<(), EngineError> {
        let Some(holder) = &self.holder else { return Ok(()) };
        let held = tx.execute(HOLD, &[(&self.name).into(), holder.into(), now.plus(TERM).into()]).await?;
        if held > 0 { Ok(()) } else { Err(EngineError::NotLeader) }
    }

    /// Gives the lease back.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn release(&self, db: &Db) -> Result<(), EngineError> {
        let Some(holder) = &self.holder else { return Ok(()) };
        let mut tx = db.begin().await?;
        tx.execute(RELEASE, &[(&self.name).into(), holder.into()]).await?;
        tx.commit().await?;
        Ok(())
    }
}
