//! The clock of a simulated company: it goes on from where the simulation ended, as fast as the machine's.

use octro_model::{Clock, SystemClock, Timestamp};

/// See the module.
#[derive(Clone, Copy, Debug)]
pub struct Resumed {
    base: Timestamp,
    started: Timestamp,
}

impl Resumed {
    /// A clock that shows `base` now.
    pub fn at(base: Timestamp) -> Self {
        Self { base, started: SystemClock.now() }
    }
}

impl Clock for Resumed {
    fn now(&self) -> Timestamp {
        self.base.plus(SystemClock.now().since(self.started))
    }
}
