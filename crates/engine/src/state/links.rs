//! Which resources name which: a change of one re-evaluates the others, and nothing else.
#![expect(clippy::indexing_slicing, reason = "slots are handed out by the state and index its own vectors")]

use std::collections::BTreeSet;

use octro_cel::{Layout, Reading, Record};

use super::State;

/// How far a change is followed from resource to resource; the language allows no longer chains.
const DEPTH_MAX: usize = 3;

impl State {
    /// The keys that a resource names, by its kind's links.
    pub(crate) fn named(&self, slot: u32) -> Vec<(u32, Box<str>)> {
        let resource = &self.resources[slot as usize];
        let kind = &self.kinds[resource.kind as usize];
        let (Some(record), Some(layout)) = (resource.record(), &kind.layout) else { return Vec::new() };
        kind.links
            .iter()
            .flat_map(|(attribute, target)| {
                keys_in(record, layout, attribute).into_iter().map(|key| (*target, key.into_boxed_str()))
            })
            .collect()
    }

    /// Whether a resource's attribute names `key`.
    pub(crate) fn names(&self, slot: u32, attribute: &str, key: &str) -> bool {
        let resource = &self.resources[slot as usize];
        let kind = &self.kinds[resource.kind as usize];
        match (resource.record(), &kind.layout) {
            (Some(record), Some(layout)) => keys_in(record, layout, attribute).iter().any(|named| named == key),
            _ => false,
        }
    }

    /// Keeps the index right after a resource changed from naming `old`.
    pub(crate) fn relink(&mut self, slot: u32, old: &[(u32, Box<str>)]) {
        let new = self.named(slot);
        for gone in old.iter().filter(|link| !new.contains(link)) {
            if let Some(slots) = self.referrers.get_mut(gone) {
                slots.retain(|other| *other != slot);
            }
        }
        for link in new {
            let slots = self.referrers.entry(link).or_default();
            if let Err(place) = slots.binary_search(&slot) {
                slots.insert(place, slot);
            }
        }
    }

    /// Builds the index anew: after the program changed.
    pub(crate) fn relink_all(&mut self) {
        self.referrers.clear();
        if self.kinds.iter().all(|kind| kind.links.is_empty()) {
            return;
        }
        for slot in 0..self.resources.len() as u32 {
            self.relink(slot, &[]);
        }
    }

    /// The resources that may be judged differently because `slot` changed: those that name it, those that it names
    /// or named (`before`), and so on. In the order of their numbers.
    pub(crate) fn neighbours(&self, slot: u32, before: &[(u32, Box<str>)]) -> Vec<u32> {
        let mut all = BTreeSet::new();
        let mut edge = vec![slot];
        for depth in 0..DEPTH_MAX {
            let mut next = Vec::new();
            for near in edge {
                let resource = &self.resources[near as usize];
                let by = self.referrers.get(&(resource.kind, resource.key.clone())).into_iter().flatten().copied();
                let mut links = self.named(near);
                if depth == 0 {
                    links.extend_from_slice(before);
                }
                let to = links.iter().filter_map(|(kind, key)| self.kinds[*kind as usize].keys.get(key).copied());
                next.extend(by.chain(to).filter(|other| *other != slot && all.insert(*other)));
            }
            edge = next;
        }
        all.into_iter().collect()
    }
}

/// The keys in an attribute that refers to other resources: a text, or a list of texts.
fn keys_in(record: &Record, layout: &Layout, attribute: &str) -> Vec<String> {
    match record.reading(layout, attribute) {
        Reading::Value(serde_json::Value::String(key)) => vec![key],
        Reading::Value(serde_json::Value::Array(keys)) => {
            keys.into_iter().filter_map(|key| key.as_str().map(str::to_owned)).collect()
        }
        Reading::Value(_) | Reading::Absent | Reading::Unknown(_) => Vec::new(),
    }
}
