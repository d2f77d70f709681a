//! Removing facts that are old enough: by itself, about once a month, or when a command asks.

use std::sync::Arc;
use std::time::Duration;

use octro_engine::{Compacted, Engine, EngineError, Lease, Stage};
use octro_model::{Clock, Span, SystemClock};
use tokio::sync::watch;

use crate::config::Config;
use crate::seat::Seat;
use crate::start::{Company, StartError, open, process_name};

/// A start is busy enough without this.
const FIRST: Duration = Duration::from_secs(3_600);
/// How often it is looked at whether something is old enough.
const LOOK_EVERY: Duration = Duration::from_secs(24 * 3_600);
/// Facts go in portions of at least this much time: each time everything since the last is replayed.
const PORTION: Span = Span::from_micros(30 * Span::DAY.micros());

/// Removes what is old enough for as long as this process evaluates.
pub(crate) async fn keep(seat: Arc<Seat>, mut stop: watch::Receiver<bool>) {
    let mut wait = FIRST;
    loop {
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            _ = stop.changed() => return,
        }
        wait = LOOK_EVERY;
        let Some(engine) = seat.engine() else { continue };
        match engine.compact(PORTION, |_| ()).await {
            Ok(Some(done)) => tracing::info!(
                baseline = %done.baseline,
                observations = done.observations,
                inputs = done.inputs,
                "facts that were kept long enough were removed"
            ),
            Ok(None) => {}
            Err(EngineError::NotLeader) => seat.lose(),
            Err(error) => tracing::error!(%error, "no facts were removed"),
        }
    }
}

/// Removes now what is old enough, on a database on which no server runs.
///
/// # Errors
/// If a server runs, what is stored is not what the facts make, or the database fails.
pub async fn compact(config: &Config, progress: impl FnMut(Stage)) -> Result<Option<Compacted>, StartError> {
    let (db, _folder) = open(config, Company::Real).await?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let lease = match &config.database {
        Some(_) => Lease::shared("evaluate", process_name(clock.as_ref())),
        None => Lease::alone(),
    };
    if !lease.take(&db, clock.now()).await? {
        return Err(StartError::Evaluates);
    }
    let ledger = crate::ledger::open_ledger(config, &db, clock.clone()).await?;
    let engine = Engine::open(db.clone(), clock.clone(), lease.clone())
        .await?
        .with_journal(crate::ledger::journal(&ledger));
    let done = lease.during(&db, &clock, engine.compact(Span::ZERO, progress)).await;
    ledger.flush().await?;
    lease.release(&db).await?;
    Ok(done?)
}
