//! How hard servers are asked: so many connections at once in all and to one address, and slower to an address that
//! begins to turn connections away.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The first pause after trouble; it doubles each time.
const PAUSE: Duration = Duration::from_millis(20);
/// How often it doubles: up to about 1.3 seconds.
const DOUBLINGS_MAX: u32 = 6;

/// The limits of one run.
#[derive(Debug)]
pub(crate) struct Pace {
    all: Arc<Semaphore>,
    addresses: Mutex<HashMap<IpAddr, Arc<Address>>>,
    per_address: usize,
}

#[derive(Debug)]
struct Address {
    slots: Arc<Semaphore>,
    trouble: AtomicU32,
}

/// The right to one connection, until it is dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    _all: OwnedSemaphorePermit,
    _address: OwnedSemaphorePermit,
}

impl Pace {
    /// At most so many connections at once in all, and to one address.
    pub(crate) fn new(all: usize, per_address: usize) -> Self {
        Self { all: Arc::new(Semaphore::new(all)), addresses: Mutex::default(), per_address }
    }

    fn address(&self, ip: IpAddr) -> Arc<Address> {
        let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || {
            Arc::new(Address {
                slots: Arc::new(Semaphore::new(self.per_address)),
                trouble: AtomicU32::new(0),
            })
        };
        addresses.entry(ip).or_insert_with(new).clone()
    }

    /// Waits for the right to connect to `ip`. `None` never comes: the semaphores are never closed.
    pub(crate) async fn enter(&self, ip: IpAddr) -> Option<Slot> {
        let address = self.address(ip);
        let own = address.slots.clone().acquire_owned().await.ok()?;
        let trouble = address.trouble.load(Ordering::Relaxed);
        if trouble > 0 {
            tokio::time::sleep(PAUSE * 2_u32.pow(trouble.min(DOUBLINGS_MAX))).await;
        }
        let all = self.all.clone().acquire_owned().await.ok()?;
        Some(Slot { _all: all, _address: own })
    }

    /// An address answered.
    pub(crate) fn fine(&self, ip: IpAddr) {
        self.address(ip).trouble.store(0, Ordering::Relaxed);
    }

    /// An address turned a connection away, or let it hang.
    pub(crate) fn trouble(&self, ip: IpAddr) {
        self.address(ip).trouble.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_does_not_take_the_slots_of_others() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let pace = Pace::new(3, 2);
            let (one, two) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
            let held = [pace.enter(one).await, pace.enter(one).await];
            let wait = Duration::from_millis(5);
            assert!(tokio::time::timeout(wait, pace.enter(one)).await.is_err());
            let third = pace.enter(two).await;
            assert!(tokio::time::timeout(wait, pace.enter(two)).await.is_err(), "three in all");
            drop((held, third));
            pace.trouble(one);
            assert!(
                tokio::time::timeout(wait, pace.enter(one)).await.is_err(),
                "it is left alone for a while"
            );
            pace.fine(one);
            assert!(tokio::time::timeout(wait, pace.enter(one)).await.is_ok());
        });
    }
}
