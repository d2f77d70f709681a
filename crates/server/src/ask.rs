//! "Run now" and "Seal now": what pages ask of this process.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use octro_engine::EngineError;
use octro_ledger::Ledger;
use octro_posture::{RunSource, SealNow};

use crate::runs::Runs;
use crate::seat::Seat;

/// "Run now", asked of the runs.
pub struct Ask(Arc<Runs>);

impl Ask {
    /// Asks these runs.
    pub fn new(runs: Arc<Runs>) -> Self {
        Self(runs)
    }
}

impl RunSource for Ask {
    fn run(&self, source: String) -> Pin<Box<dyn Future<Output = Result<(), EngineError>> + Send>> {
        let runs = self.0.clone();
        Box::pin(async move { runs.want(&source).await })
    }
}

/// "Seal now", asked of whoever sits on the seat; only that process can.
pub struct Sealer {
    seat: Arc<Seat>,
    ledger: Option<Ledger>,
}

impl Sealer {
    /// Asks this seat, and lets the ledger take the seal at once.
    pub fn new(seat: Arc<Seat>, ledger: Option<Ledger>) -> Self {
        Self { seat, ledger }
    }
}

impl SealNow for Sealer {
    fn seal(&self) -> Pin<Box<dyn Future<Output = Result<(), EngineError>> + Send>> {
        let (engine, ledger) = (self.seat.engine(), self.ledger.clone());
        Box::pin(async move {
            engine.ok_or(EngineError::NotLeader)?.seal().await?;
            if let Some(ledger) = ledger {
                ledger.flush().await?;
            }
            Ok(())
        })
    }
}
