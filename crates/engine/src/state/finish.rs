//! The end of a collection: what it covered, and who is gone because a complete enumeration did not find them.
#![expect(clippy::indexing_slicing, reason = "slots are handed out by the state and index its own vectors")]

use std::collections::BTreeMap;

use octro_model::{Collection, Timestamp};

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
            let attempt = Attempt { at: received, complete: scope.complete, reason };
            let known = kinds.entry(kind).or_default();
            // Said twice: the worse word counts.
            let worse = known.get(&scope.scope).is_some_and(|other| !other.complete);
            if !worse {
                known.insert(scope.scope.clone(), attempt);
            }
        }
        for (kind, scopes) in kinds {
            if !self.kinds[kind as usize].enumeration.contains_key(&source) {
                continue; // it reports a kind that it is not declared to yield
            }
            for (scope, attempt) in &scopes {
                if attempt.complete {
                    gone += self.remove_unseen(source, kind, scope, collection, received, delta);
                }
            }
            self.kinds[kind as usize].enumeration.insert(source, scopes);
            self.mark_kind(kind);
            if self.note_enumerated(kind, received) {
                self.settle_linked(kind, received, delta);
            }
        }
        let errors = serde_json::to_string(&report.errors).unwrap_or_default();
        delta.collection = Some(CollectionRow {
            ord: collection,
            source: ord,
            started_at: report.started_at,
            finished_at: received,
            complete: !report.scopes.is_empty() && report.scopes.iter().all(|scope| scope.complete),
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

    /// Removes what a complete enumeration of a scope did not mention.
    fn remove_unseen(
        &mut self,
        source: u32,
        kind: u32,
        scope: &str,
        collection: i64,
        at: Timestamp,
        delta: &mut Delta,
    ) -> u64 {
        let unseen: Vec<u32> = (0..self.resources.len() as u32)
            .filter(|slot| {
                let resource = &self.resources[*slot as usize];
                resource.kind == kind
                    && resource
                        .views
                        .iter()
                        .any(|view| view.source == source && view.collection != collection && *view.scope == *scope)
            })
            .collect();
        for slot in &unseen {
            let seq = self.counters.observation;
            self.counters.observation += 1;
            let before = self.named(*slot);
            self.resources[*slot as usize].views.retain(|view| view.source != source);
            delta.views.insert((Self::ord(*slot), i64::from(source) + 1), None);
            delta.observations.push(ObservationRow {
                seq,
                resource: Self::ord(*slot),
                source: i64::from(source) + 1,
                effective_at: at,
                gone: true,
                scope: scope.to_owned(),
                hash: [0; 16],
                body: b"{}".to_vec(),
            });
            self.viewed(*slot, at, delta);
            self.settle(*slot, at, at, false, delta);
            self.relink(*slot, &before);
            for near in self.neighbours(*slot, &before) {
                self.settle(near, at, at, false, delta);
            }
        }
        unseen.len() as u64
    }

    /// Whether a kind is completely enumerated decides what a missing one means: judges all that look at it.
    pub(crate) fn settle_linked(&mut self, kind: u32, at: Timestamp, delta: &mut Delta) {
        let linked: Vec<bool> = self
            .kinds
            .iter()
            .map(|table| {
                table.tests.iter().any(|active| {
                    active.linked && crate::rule::reaches(&active.rule).any(|id| *id == self.kinds[kind as usize].id)
                })
            })
            .collect();
        if !linked.contains(&true) {
            return;
        }
        for slot in 0..self.resources.len() as u32 {
            if linked[self.resources[slot as usize].kind as usize] {
                self.settle(slot, at, at, false, delta);
            }
        }
    }
}
