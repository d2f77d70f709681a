//! Populations: whether all resources of a kind are known. A test passes only over a population that was enumerated
//! completely and lately; an empty one is empty only if a complete enumeration says so.
#![expect(clippy::indexing_slicing, reason = "kinds are handed out by the state and index its own vectors")]

use std::collections::{BTreeMap, BTreeSet};

use octro_model::{Span, Timestamp};
use serde::Serialize;

use super::{Due, KindTable, State, Watch};
use crate::delta::Delta;

/// The last attempt to enumerate one scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attempt {
    pub(crate) at: Timestamp,
    pub(crate) complete: bool,
    /// How many resources the source says that there are.
    pub(crate) resources: u64,
    pub(crate) reason: String,
}

/// Whether a kind's population is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Population {
    /// Every source that yields the kind enumerated every scope of it; the oldest did so at `at`.
    Complete {
        /// When the oldest enumeration ended.
        at: Timestamp,
    },
    /// Nothing yields it.
    NoSource,
    /// Something was not enumerated.
    Incomplete {
        /// What, and why.
        reason: String,
    },
    /// It was enumerated, but too long ago.
    Stale {
        /// When the oldest enumeration ended.
        at: Timestamp,
    },
}

impl Population {
    /// What attempts say about a population at `now`. `attempts`: of each source (its id), its scopes.
    pub(crate) fn of<'a, S>(
        sources: impl Iterator<Item = (&'a str, S)>,
        max_age: Span,
        now: Timestamp,
    ) -> Self
    where
        S: Iterator<Item = (&'a str, &'a Attempt)>,
    {
        let mut oldest = Timestamp::MAX;
        let mut any = false;
        let mut incomplete = None;
        for (source, scopes) in sources {
            any = true;
            let mut tried = false;
            for (scope, attempt) in scopes {
                tried = true;
                oldest = oldest.min(attempt.at);
                if !attempt.complete && incomplete.is_none() {
                    let of = if scope.is_empty() { String::new() } else { format!(" `{scope}`") };
                    let why = if attempt.reason.is_empty() { "it did not say why" } else { &attempt.reason };
                    incomplete = Some(format!("source `{source}` did not enumerate{of} completely: {why}"));
                }
            }
            if !tried && incomplete.is_none() {
                incomplete = Some(format!("source `{source}` has not enumerated it yet"));
            }
        }
        match incomplete {
            _ if !any => Self::NoSource,
            Some(reason) => Self::Incomplete { reason },
            None if oldest.plus(max_age) <= now => Self::Stale { at: oldest },
            None => Self::Complete { at: oldest },
        }
    }
}

impl KindTable {
    /// If every source that yields the kind enumerated all of it when it last tried: when the oldest of them did.
    pub(crate) fn enumerated_at(&self) -> Option<Timestamp> {
        self.enumerated.last().and_then(|(_, oldest)| *oldest)
    }

    fn all_complete(&self) -> Option<Timestamp> {
        let whole = self
            .enumeration
            .values()
            .all(|scopes| !scopes.is_empty() && scopes.values().all(|attempt| attempt.complete));
        let attempts = self.enumeration.values().flat_map(BTreeMap::values);
        attempts.map(|attempt| attempt.at).min().filter(|_| whole)
    }

    /// The same as it was at `at`.
    pub(crate) fn was_enumerated_at(&self, at: Timestamp) -> Option<Timestamp> {
        let until = self.enumerated.partition_point(|(from, _)| *from <= at);
        until.checked_sub(1).and_then(|place| self.enumerated.get(place)).and_then(|(_, oldest)| *oldest)
    }

    /// Notes how the enumeration stands from `at` on.
    pub(crate) fn enumerated_from(&mut self, at: Timestamp, oldest: Option<Timestamp>) {
        let before = self.enumerated_at();
        if oldest == before {
            return;
        }
        self.enumerated.push((at, oldest));
        // As long as it was done again in time, nothing that rests on it has become stale.
        let in_time = before.is_some_and(|before| before.plus(self.max_age_least) > at);
        if oldest.is_none() || !in_time {
            self.turned_at = at;
        }
    }
}

impl State {
    /// The population of a kind, for a test with this `max_age`.
    pub(crate) fn population(&self, kind: u32, max_age: Span, now: Timestamp) -> Population {
        let sources = self.kinds[kind as usize].enumeration.iter().map(|(source, scopes)| {
            let id = self.sources[*source as usize].info.id.as_str();
            (id, scopes.iter().map(|(scope, attempt)| (scope.as_str(), attempt)))
        });
        Population::of(sources, max_age, now)
    }

    /// Notes how a kind's enumeration stands. It decides what a missing one means: judges all that look at the kind,
    /// unless for them the last enumeration was still fresh.
    pub(crate) fn note_enumerated(&mut self, kind: u32, at: Timestamp, delta: &mut Delta) {
        let table = &mut self.kinds[kind as usize];
        let (before, now) = (table.enumerated_at(), table.all_complete());
        table.enumerated_from(at, now);
        let turned =
            |watch: &&Watch| before.zip(now).is_none_or(|(before, _)| before.plus(watch.max_age) <= at);
        let watching: BTreeSet<u32> = table.watched.iter().filter(turned).map(|watch| watch.kind).collect();
        self.set_population_timer(kind, at);
        for watching in watching.into_iter().filter(|_| before != now) {
            for place in 0..self.kinds[watching as usize].slots.len() {
                self.settle(self.kinds[watching as usize].slots[place], at, at, false, delta);
            }
        }
    }

    /// Wakes up when the next test of the kind finds the enumeration too old.
    pub(crate) fn set_population_timer(&mut self, kind: u32, now: Timestamp) {
        let table = &self.kinds[kind as usize];
        let attempts: Vec<Timestamp> =
            table.enumeration.values().flat_map(|scopes| scopes.values()).map(|attempt| attempt.at).collect();
        let next = table
            .tests
            .iter()
            .flat_map(|active| attempts.iter().map(|at| at.plus(active.rule.max_age)))
            .filter(|due| *due > now)
            .min();
        if let Some(due) = next {
            self.wheel.add(due, Due::Population(kind));
        }
    }

    pub(crate) fn population_due(&mut self, kind: u32, at: Timestamp) {
        self.mark_kind(kind);
        self.set_population_timer(kind, at);
    }
}
