//! What is kept of the last whole look, so that one resource can be read anew without the rest.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use octro_model::{Span, Timestamp, UnknownReason};

use crate::aws::look::Account;

/// Events this much older than a whole look say nothing that it did not see; clocks may differ by as much.
const CLOCKS: Span = Span::from_secs(300);
/// Lists with more items are read anew when they are needed, instead of being kept.
const ITEMS_MAX: usize = 5_000;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Kept(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    accounts: BTreeMap<String, Arc<Account>>,
    since: Option<Timestamp>,
    trouble: Option<UnknownReason>,
    notes: BTreeMap<&'static str, (u64, String)>,
}

impl Kept {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An account was opened; what was kept of it before is no longer needed.
    pub(crate) fn put(&self, account: Arc<Account>) {
        self.inner().accounts.insert(account.place.account.clone(), account);
    }

    /// An account that can be asked.
    pub(super) fn account(&self, number: &str) -> Option<Arc<Account>> {
        self.inner().accounts.get(number).cloned()
    }

    /// A look that began at `began` is over. Only if it saw everything do events from before it say nothing more.
    pub(crate) fn looked(&self, began: Timestamp, saw_everything: bool) {
        let mut inner = self.inner();
        if saw_everything {
            inner.since = Some(began);
        }
        for account in inner.accounts.values() {
            account.forget_lists_above(ITEMS_MAX);
        }
    }

    /// Whether the last whole look began after this moment, whatever the clocks say.
    pub(super) fn was_seen(&self, at: Timestamp) -> bool {
        self.inner().since.is_some_and(|since| at.plus(CLOCKS) < since)
    }

    /// Whether the queue can be read; answers whether that is new.
    pub(super) fn trouble(&self, trouble: Option<UnknownReason>) -> bool {
        let mut inner = self.inner();
        let is_new = inner.trouble.is_some() != trouble.is_some();
        inner.trouble = trouble;
        is_new
    }

    /// Something about messages that people should know; the first of a sort is kept in words.
    pub(super) fn note(&self, sort: &'static str, what: &str) {
        let plain = || what.chars().filter(|letter| !letter.is_control()).take(200).collect();
        self.inner().notes.entry(sort).or_insert_with(|| (0, plain())).0 += 1;
    }

    /// Why the queue cannot be read now, and what was noted since this was asked last.
    pub(crate) fn told(&self) -> (Option<UnknownReason>, Vec<String>) {
        let mut inner = self.inner();
        let notes = std::mem::take(&mut inner.notes);
        let notes =
            notes.into_iter().map(|(sort, (count, first))| format!("{count} {sort}, the first: {first}"));
        (inner.trouble.clone(), notes.collect())
    }
}

/// In which region each resource of a global kind was seen: a few bytes for each, since there may be many.
#[derive(Debug, Default)]
pub(crate) struct Homes {
    regions: Vec<String>,
    of: HashMap<u64, u16>,
}

impl Homes {
    /// A resource was seen there.
    pub(crate) fn put(&mut self, key: &str, region: &str) {
        let place = match self.regions.iter().position(|known| known == region) {
            Some(place) => place,
            None => {
                self.regions.push(region.to_owned());
                self.regions.len() - 1
            }
        };
        self.of.insert(hash(key), u16::try_from(place).unwrap_or(u16::MAX));
    }

    /// Where it was seen.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.regions.get(usize::from(*self.of.get(&hash(key))?)).map(String::as_str)
    }
}

/// A short name of a text.
pub(super) fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_look_that_saw_everything_makes_events_old() {
        let kept = Kept::default();
        let at = Timestamp::from_secs;
        kept.looked(at(10_000), false);
        assert!(!kept.was_seen(at(9_000)));
        kept.looked(at(20_000), true);
        assert!(kept.was_seen(at(19_000)) && !kept.was_seen(at(19_800)));
        // One that broke off leaves what the last one saw.
        kept.looked(at(30_000), false);
        assert!(kept.was_seen(at(19_000)) && !kept.was_seen(at(29_000)));
    }
}
