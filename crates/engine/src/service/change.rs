//! What changed, told to whoever listens.

use std::collections::BTreeSet;

use octro_model::{Id, Timestamp};

use super::{Engine, Inner};
use crate::delta::Delta;

/// Something changed, as pages that are open want to know it.
#[derive(Clone, Debug)]
pub struct Change {
    /// When it became known.
    pub at: Timestamp,
    /// Tests with at least one result that changed.
    pub tests: BTreeSet<Id>,
    /// Controls whose status changed.
    pub controls: BTreeSet<Id>,
    /// How many results changed.
    pub results: usize,
    /// Whether a source's collection ended, or sources or the program changed.
    pub sources: bool,
}

impl Change {
    pub(super) fn of(inner: &Inner, delta: &Delta) -> Self {
        let test =
            |ord: i64| inner.state.tests.get(usize::try_from(ord - 1).ok()?).map(|test| test.id.clone());
        let tests = delta.tallies.keys().filter_map(|(ord, _)| test(*ord));
        let named = |subject: &'static str| {
            delta.verdicts.iter().filter(move |row| row.subject == subject).map(|row| row.id.clone())
        };
        Self {
            at: inner.state.now,
            tests: tests.chain(named("test")).collect(),
            controls: named("control").collect(),
            results: delta.transitions.len(),
            sources: delta.collection.is_some() || !delta.sources.is_empty() || delta.program.is_some(),
        }
    }

    /// Adds what became known with it.
    pub(super) fn add(&mut self, later: Self) {
        self.at = later.at;
        self.tests.extend(later.tests);
        self.controls.extend(later.controls);
        self.results += later.results;
        self.sources |= later.sources;
    }
}

impl Engine {
    pub(super) fn announce(&self, change: Change) {
        if change.sources || !change.tests.is_empty() || !change.controls.is_empty() {
            // Nobody listening is no failure.
            let _ = self.changes.send(change);
        }
    }
}
