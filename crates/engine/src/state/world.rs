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
    /// The attributes that are read of them, by kind.
    reads: &'a [(Id, Vec<String>)],
    oldest: Cell<Timestamp>,
}

impl<'a> Current<'a> {
    pub(crate) const fn new(state: &'a State, reads: &'a [(Id, Vec<String>)]) -> Self {
        Self { state, reads, oldest: Cell::new(Timestamp::MAX) }
    }

    /// When the oldest of what was asked for was last seen: resources, and enumerations that know of no more.
    pub(crate) fn oldest_seen(&self) -> Timestamp {
        self.oldest.get()
    }

    fn used(&self, slot: u32) {
        let resource = &self.state.resources[slot as usize];
        let table = &self.state.kinds[resource.kind as usize];
        let reads = self.reads.iter().find(|(kind, _)| *kind == table.id);
        let reads = reads.map(|(_, names)| names.as_slice()).unwrap_or_default();
        let seen = table.layout.as_ref().map(|layout| resource.seen_at(layout, reads));
        self.rests_on(seen.unwrap_or(Timestamp::MIN));
    }

    fn rests_on(&self, seen: Timestamp) {
        self.oldest.set(self.oldest.get().min(seen));
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
        match table.enumerated_at() {
            Some(at) => {
                self.rests_on(at);
                Lookup::Absent
            }
            None => Lookup::Unknown,
        }
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
        let enumerated_at = target.and_then(|_| table.enumerated_at());
        if let Some(at) = enumerated_at {
            self.rests_on(at);
        }
        Referring { records, complete: enumerated_at.is_some() }
    }
}
