//! The end of a collection: what it covered, and who is gone because a complete enumeration did not find them.
#![expect(clippy::indexing_slicing, reason = "slots are handed out by the state and index its own vectors")]

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use octro_model::{Collection, Id, Timestamp, UnknownReason, Why};

use super::{Attempt, State};
use crate::delta::{CollectionRow, CoverageRow, Delta, ObservationRow};
use crate::input::form;

/// How many observations a collection brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) changed: u64,
    pub(crate) unchanged: u64,
    pub(crate) refused: u64,
}

/// A kind of which observations were refused was not enumerated completely. `refused`: how many, by kind.
pub(crate) fn doubt_refused<'a>(report: &mut Collection, refused: impl IntoIterator<Item = (&'a Id, u64)>) {
    for (kind, count) in refused {
        let reason = UnknownReason::new(Why::Failed, format!("{count} observations did not fit"));
        for scope in report.scopes.iter_mut().filter(|scope| scope.kind == *kind && scope.complete) {
            scope.complete = false;
            scope.reason = Some(reason.clone());
        }
    }
}

impl State {
    /// Takes the report of a finished collection.
    pub(crate) fn finish(
        &mut self,
        source: u32,
        collection: i64,
        report: &Collection,
        counts: Counts,
        received: Timestamp,
        delta: &mut Delta,
    ) {
        let ord = i64::from(source) + 1;
        let body = serde_json::to_vec(&(report, counts.changed, counts.unchanged)).unwrap_or_default();
        self.input(delta, received, form::FINISHED, ord, collection, body);
        let mut gone = 0;
        let mut complete = !report.scopes.is_empty() && report.scopes.iter().all(|scope| scope.complete);
        let mut kinds: BTreeMap<u32, BTreeMap<String, Attempt>> = BTreeMap::new();
        for scope in &report.scopes {
            let reason = scope.reason.as_ref().map(ToString::to_string).unwrap_or_default();
            delta.coverage.push(CoverageRow {
                source: ord,
                kind: scope.kind.clone(),
                scope: scope.scope.clone(),
                finished_at: received,
                collection,
                complete: scope.complete,
                resources: scope.resources,
                pages: scope.pages,
                reason: reason.clone(),
            });
            let Some(kind) = self.kind_of.get(&scope.kind).copied() else { continue };
            let attempt =
                Attempt { at: received, complete: scope.complete, resources: scope.resources, reason };
            match kinds.entry(kind).or_default().entry(scope.scope.clone()) {
                Entry::Vacant(place) => {
                    place.insert(attempt);
                }
                Entry::Occupied(mut place) => {
                    // Said twice: the worse word counts.
                    let known = place.get_mut();
                    let resources = known.resources.saturating_add(attempt.resources);
                    if known.complete {
                        *known = attempt;
                    }
                    known.resources = resources;
                }
            }
        }
        for (kind, mut scopes) in kinds {
            if !self.kinds[kind as usize].enumeration.contains_key(&source) {
                continue; // it reports a kind that it is not declared to yield
            }
            gone += self.remove_unseen(source, kind, &scopes, collection, received, delta);
            for scope in self.unmentioned(source, kind, &scopes) {
                complete = false;
                let reason = format!("scope `{scope}` was not reported by the last run");
                delta.coverage.push(CoverageRow {
                    source: ord,
                    kind: self.kinds[kind as usize].id.clone(),
                    scope: scope.clone(),
                    finished_at: received,
                    collection,
                    complete: false,
                    resources: 0,
                    pages: 0,
                    reason: reason.clone(),
                });
                scopes.insert(scope, Attempt { at: received, complete: false, resources: 0, reason });
            }
            self.kinds[kind as usize].enumeration.insert(source, scopes);
            self.mark_kind(kind);
            self.note_enumerated(kind, received, delta);
        }
        let errors = serde_json::to_string(&report.errors).unwrap_or_default();
        delta.collection = Some(CollectionRow {
            ord: collection,
            source: ord,
            started_at: report.started_at,
            finished_at: received,
            complete,
            changed: counts.changed,
            unchanged: counts.unchanged,
            gone,
            refused: counts.refused,
            errors,
        });
        self.now = received;
        self.tell(received, delta);
        delta.now = received;
    }

    /// The scopes of a kind that the source reported earlier and does not mention in `scopes`. Whoever may no longer
    /// list an account often does not hear of it any more either: nobody knows what is in there. A scope has ended if the
    /// source said last that it is empty, and nothing stands in it. The scope without a name is not a part but the
    /// whole: it gives way to the parts, and if it is complete, the parts to it.
    fn unmentioned(&self, source: u32, kind: u32, scopes: &BTreeMap<String, Attempt>) -> Vec<String> {
        let table = &self.kinds[kind as usize];
        let whole = scopes.len() == 1 && scopes.get("").is_some_and(|attempt| attempt.complete);
        let known = table.enumeration.get(&source).filter(|_| !whole).into_iter().flatten();
        let stands = |scope: &str| {
            let views = table.slots.iter().flat_map(|slot| &self.resources[*slot as usize].views);
            views.into_iter().any(|view| view.source == source && *view.scope == *scope)
        };
        known
            .filter(|(scope, _)| !scope.is_empty() && !scopes.contains_key(*scope))
            .filter(|(scope, last)| !last.complete || last.resources > 0 || stands(scope))
            .map(|(scope, _)| scope.clone())
            .collect()
    }

    /// Removes what a complete enumeration of these scopes did not mention.
    fn remove_unseen(
        &mut self,
        source: u32,
        kind: u32,
        scopes: &BTreeMap<String, Attempt>,
        collection: i64,
        at: Timestamp,
        delta: &mut Delta,
    ) -> u64 {
        let mut unseen: Vec<(u32, String)> = Vec::new();
        for slot in &self.kinds[kind as usize].slots {
            let views = &self.resources[*slot as usize].views;
            let view = views.iter().find(|view| view.source == source && view.collection != collection);
            if let Some(view) =
                view.filter(|view| scopes.get(&*view.scope).is_some_and(|attempt| attempt.complete))
            {
                unseen.push((*slot, view.scope.to_string()));
            }
        }
        let gone = unseen.len() as u64;
        let mut lookers = BTreeSet::new();
        for (slot, scope) in unseen {
            let seq = self.counters.observation;
            self.counters.observation += 1;
            let resource = &mut self.resources[slot as usize];
            resource.views.retain(|view| view.source != source);
            resource.tombs.push((source, at));
            resource.said_at = at;
            delta.views.insert((Self::ord(slot), i64::from(source) + 1), None);
            delta.observations.push(ObservationRow {
                seq,
                resource: Self::ord(slot),
                source: i64::from(source) + 1,
                effective_at: at,
                gone: true,
                late_by: octro_model::Span::ZERO,
                scope,
                hash: [0; 16],
                body: b"{}".to_vec(),
            });
            self.viewed(slot, at, delta);
            self.settle(slot, at, at, false, delta);
            lookers.extend(self.lookers(slot));
        }
        for near in lookers {
            self.settle(near, at, at, false, delta);
        }
        gone
    }
}
