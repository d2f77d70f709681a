//! What the passing of time changes, by moment. Every resource has at most one timer that counts; those that were
//! replaced stay in the wheel and are ignored when they come up.

use std::collections::BTreeMap;

use octro_model::Timestamp;

/// What has to be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Due {
    /// A resource's results.
    Resource(u32),
    /// Whether a kind's enumeration is still fresh.
    Population(u32),
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Wheel(BTreeMap<Timestamp, Vec<Due>>);

impl Wheel {
    pub(crate) fn add(&mut self, at: Timestamp, due: Due) {
        self.0.entry(at).or_default().push(due);
    }

    /// The earliest moment up to `to`, with all that is due then in a fixed order.
    pub(crate) fn pop(&mut self, to: Timestamp) -> Option<(Timestamp, Vec<Due>)> {
        let first = self.0.first_entry()?;
        if *first.key() > to {
            return None;
        }
        let (at, mut dues) = first.remove_entry();
        dues.sort_unstable();
        dues.dedup();
        Some((at, dues))
    }

    /// The earliest moment.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        self.0.first_key_value().map(|(at, _)| *at)
    }
}
