//! The other resources, as a test sees them through `key(...)` and `refs(...)`.
#![expect(clippy::indexing_slicing, reason = "slots are handed out by the state and index its own vectors")]

use std::cell::Cell;

use octro_cel::{Lookup, Referring, World};
use octro_model::{Id, Timestamp};

use super::State;

/// The resources as they are now. It remembers how old the evidence is that was asked for: a verdict is no fresher
/// than what it rests on.
pub(crate) struct Current<'a> {
    state: &'a State,
    oldest: Cell<Timestamp>,
}

impl<'a> Current<'a> {
    pub(crate) const fn new(state: &'a State) -> Self {
        Self { state, oldest: Cell::new(Timestamp::MAX) }
    }

    /// When the oldest of the resources that were asked for was last seen.
    pub(crate) fn oldest_seen(&self) -> Timestamp {
        self.oldest.get()
    }

    fn used(&self, slot: u32) {
        let seen = self.state.resources[slot as usize].views.iter().map(|view| view.seen_at).max();
        self.oldest.set(self.oldest.get().min(seen.unwrap_or(Timestamp::MIN)));
    }
}

impl World for Current<'_> {
    fn by_key(&self, kind: &Id, key: &str) -> Lookup<'_> {
        let Some(index) = self.state.kind_of.get(kind) else { return Lookup::Unknown };
        let table = &self.state.kinds[*index as usize];
        if let Some(slot) = table.keys.get(key)
            && let Some(record) = self.state.resources[*slot as usize].record()
        {
            self.used(*slot);
            return Lookup::Found(record);
        }
        if table.is_enumerated() { Lookup::Absent } else { Lookup::Unknown }
    }

    fn referring(&self, kind: &Id, attribute: &str, key: &str) -> Referring<'_> {
        let Some(index) = self.state.kind_of.get(kind) else {
            return Referring { records: Vec::new(), complete: false };
        };
        let table = &self.state.kinds[*index as usize];
        let target = table.refs.iter().find(|(name, _)| name == attribute).map(|(_, target)| *target);
        let mut records = Vec::new();
        if let Some(slots) = target.and_then(|target| self.state.referrers.get(&(target, key.into()))) {
            for slot in slots {
                let resource = &self.state.resources[*slot as usize];
                if resource.kind == *index
                    && let Some(record) = resource.record()
                    && self.state.names(*slot, attribute, key)
                {
                    self.used(*slot);
                    records.push(record);
                }
            }
        }
        Referring { records, complete: target.is_some() && table.is_enumerated() }
    }
}
