//! The ledger's workers: one looks at the outbox, one publishes, one
//! publishes in a bucket, and one asks outsiders to vouch for what is published.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use octro_model::Clock;

use crate::{Ledger, LedgerError, Outsiders};

/// How often the outbox is looked at without being told.
const LOOK: Duration = Duration::from_millis(50);
/// After a round, others write for so long; meanwhile leaves gather, and one transaction takes them all.
const GATHER: Duration = Duration::from_millis(20);
/// How often it is published, if it has grown.
const PUBLISH: Duration = Duration::from_secs(1);
/// How long outsiders may take at the end.
const LAST_ASKED: Duration = Duration::from_millis(700);
/// After the bucket could not be written.
const MIRROR_FAILED: Duration = Duration::from_secs(5);
/// After a failure that a person has to mend.
const FAILED: Duration = Duration::from_secs(1);

impl Ledger {
    /// Appends and publishes until `stop` ends, then once more what is left.
    pub async fn run(&self, stop: impl Future<Output = ()>) {
        let mut stop = pin!(stop);
        tokio::select! {
            () = &mut stop => {}
            () = self.append_forever() => {}
            () = self.publish_forever() => {}
            () = self.mirror_forever() => {}
            () = self.ask_outsiders_forever() => {}
        }
        // What cannot be done now is done at the next start.
        if self.flush().await.is_ok() && self.publish().await.is_ok() {
            // So that what was done last is not the one thing that nobody vouches for while nothing runs.
            let outside = async { tokio::join!(self.ask_outsiders(), self.mirror()) };
            let _ = tokio::time::timeout(LAST_ASKED, outside).await;
        }
    }

    async fn append_forever(&self) {
        loop {
            let pause = if self.flush().await.is_ok() { GATHER } else { FAILED };
            tokio::time::sleep(pause).await;
            // Woken at once, if something was put meanwhile.
            let _ = tokio::time::timeout(LOOK - GATHER, self.0.wake.notified()).await;
        }
    }

    /// Asks them once, as the worker does each second. For tests, and for whoever ends soon.
    ///
    /// # Errors
    /// If the database or the published folder fails. Outsiders that fail are told of in the health.
    pub async fn ask_outsiders(&self) -> Result<(), LedgerError> {
        let (clock, outsiders) = self.outsiders().await;
        let mut asked = self.0.asked.lock().await;
        self.0.witness(&clock, &outsiders, &mut asked).await?;
        self.0.stamp(&clock, &outsiders, &mut asked).await
    }

    async fn outsiders(&self) -> (Arc<dyn Clock>, Outsiders) {
        let sequencer = self.0.sequencer.lock().await;
        (sequencer.clock.clone(), sequencer.settings.outsiders.clone())
    }

    async fn ask_outsiders_forever(&self) {
        let (_, outsiders) = self.outsiders().await;
        if outsiders == Outsiders::default() {
            return std::future::pending().await;
        }
        let mut every = tokio::time::interval(PUBLISH);
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            every.tick().await;
            if let Err(error) = self.ask_outsiders().await {
                tracing::debug!("what outsiders said could not be kept: {error}");
            }
        }
    }

    async fn publish_forever(&self) {
        let mut every = tokio::time::interval(PUBLISH);
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            every.tick().await;
            // The health says why not; it is tried again.
            let _ = self.publish().await;
        }
    }

    async fn mirror_forever(&self) {
        if self.0.mirror.is_none() {
            return std::future::pending().await;
        }
        loop {
            // The health says why not; it is tried again, but not every second while the store is away.
            let pause = if self.mirror().await.is_ok() { PUBLISH } else { MIRROR_FAILED };
            tokio::time::sleep(pause).await;
        }
    }
}
