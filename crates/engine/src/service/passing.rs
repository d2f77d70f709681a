//! The passing of time: whatever is due flips, in commits of bounded size.

use octro_model::{Span, Timestamp};
use tokio::sync::MutexGuard;

use super::{Engine, Inner};
use crate::EngineError;
use crate::delta::Delta;
use crate::state::Passed;

impl Engine {
    /// Lets time pass: whatever is due flips, and a day that has ended is sealed. Answers when something is due next.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn tick(&self) -> Result<Option<Timestamp>, EngineError> {
        let mut inner = self.ready().await?;
        let now = self.clock.now();
        if now > inner.state.now && inner.state.wheel.next().is_some_and(|next| next <= now) {
            self.pass(&mut inner, now).await?;
        }
        let inner = self.sealed(inner, |_, clock| clock).await?;
        Ok(inner.state.wheel.next())
    }

    /// The state, for an input; the seal of a day that has ended comes first.
    pub(super) async fn for_input(&self) -> Result<MutexGuard<'_, Inner>, EngineError> {
        let inner = self.ready().await?;
        self.sealed(inner, |state, clock| state.receive(clock).minus(Span::from_micros(1))).await
    }

    /// The moment of arrival of an input; what is due before it flips first, in transactions of its own.
    pub(super) async fn arrive(&self, inner: &mut Inner) -> Result<Timestamp, EngineError> {
        let at = inner.state.receive(self.clock.now());
        let before = at.minus(Span::from_micros(1));
        if inner.state.wheel.next().is_some_and(|next| next <= before) {
            self.pass(inner, before).await?;
        }
        Ok(at)
    }

    /// Lets time pass up to `to`. Each commit ends with the end of a moment, so that nobody sees half of one; a moment
    /// at which very much flips is written little by little, in one transaction.
    pub(super) async fn pass(&self, inner: &mut Inner, to: Timestamp) -> Result<(), EngineError> {
        loop {
            // Until it is known that all is written, the state in memory cannot be trusted.
            inner.broken = true;
            let mut delta = Delta::default();
            let mut passed = inner.state.advance_portion(to, self.portion, &mut delta);
            if passed == Passed::Whole && delta.is_empty() {
                inner.broken = false;
                return Ok(());
            }
            let mut tx = self.writing().await?;
            let mut change = self.write(inner, &mut tx, &mut delta, to).await?;
            while passed == Passed::Within {
                delta = Delta::default();
                passed = inner.state.advance_portion(to, self.portion, &mut delta);
                change.add(self.write(inner, &mut tx, &mut delta, to).await?);
                self.lease.hold(&mut tx, self.clock.now()).await?;
            }
            tx.commit().await?;
            self.committed(inner, change);
            if passed == Passed::Whole {
                return Ok(());
            }
        }
    }
}
