//! Late observations: something that was true earlier than what is already told. The resource's history is told anew
//! from all that is known now; rows that no longer hold are put aside, not removed, so that "as known then" stays true.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use octro_cel::{Layout, Lookup, Record, Referring, Subject, World};
use octro_model::{Id, Span, Status, Timestamp};
use octro_program::{Program, Test};

use crate::delta::{Delta, ENDED, NONE, ResultRow};
use crate::persist::load::record;
use crate::persist::past::Past;
use crate::state::{State, weigh};

/// A stretch of a test's result, with the version and observation that made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Segment {
    from_at: Timestamp,
    to_at: Timestamp,
    version: i64,
    observation: i64,
    status: u8,
}

/// A resource as it stood at some moment.
struct Stood {
    record: Record,
    observation: i64,
    views: Vec<(Record, Timestamp)>,
}

/// The world as it stood at some moment.
struct Then<'a> {
    state: &'a State,
    stood: &'a HashMap<u32, Stood>,
    at: Timestamp,
    oldest: Cell<Timestamp>,
}

impl Then<'_> {
    fn used(&self, stood: &Stood) {
        let seen = stood.views.iter().map(|(_, seen)| *seen).max().unwrap_or(Timestamp::MIN);
        self.oldest.set(self.oldest.get().min(seen));
    }

    fn enumerated(&self, kind: &Id) -> bool {
        self.state
            .kind_of
            .get(kind)
            .and_then(|kind| self.state.kinds.get(*kind as usize))
            .is_some_and(|table| table.was_enumerated(self.at))
    }
}

impl World for Then<'_> {
    fn by_key(&self, kind: &Id, key: &str) -> Lookup<'_> {
        let slot = self
            .state
            .kind_of
            .get(kind)
            .and_then(|kind| self.state.kinds.get(*kind as usize))
            .and_then(|table| table.keys.get(key));
        if let Some(stood) = slot.and_then(|slot| self.stood.get(slot)) {
            self.used(stood);
            return Lookup::Found(&stood.record);
        }
        if self.enumerated(kind) { Lookup::Absent } else { Lookup::Unknown }
    }

    fn referring(&self, kind: &Id, attribute: &str, key: &str) -> Referring<'_> {
        let mut slots: Vec<&u32> = self.stood.keys().collect();
        slots.sort();
        let index = self.state.kind_of.get(kind).copied();
        let table = index.and_then(|index| self.state.kinds.get(index as usize));
        let mut records = Vec::new();
        for slot in slots {
            let of_kind = self.state.resources.get(*slot as usize).is_some_and(|one| Some(one.kind) == index);
            let Some((stood, layout)) =
                self.stood.get(slot).zip(table.and_then(|table| table.layout.as_ref())).filter(|_| of_kind)
            else {
                continue;
            };
            let names = match stood.record.reading(layout, attribute) {
                octro_cel::Reading::Value(serde_json::Value::String(named)) => named == key,
                octro_cel::Reading::Value(serde_json::Value::Array(all)) => all.iter().any(|one| one == key),
                octro_cel::Reading::Value(_) | octro_cel::Reading::Absent | octro_cel::Reading::Unknown(_) => false,
            };
            if names {
                self.used(stood);
                records.push(&stood.record);
            }
        }
        Referring { records, complete: self.enumerated(kind) }
    }
}

/// The tests on a kind under one program version.
struct Rules {
    from_at: Timestamp,
    program: Arc<Program>,
    layout: Option<Arc<Layout>>,
    /// (test number, version, test)
    tests: Vec<(i64, i64, Arc<Test>)>,
}

impl State {
    /// The resources whose pasts are needed to tell the history of `slot` anew: itself and its neighbours.
    pub(crate) fn past_needs(&self, slot: u32) -> Vec<u32> {
        let mut all = vec![slot];
        all.extend(self.neighbours(slot, &[]));
        all
    }

    /// Tells the history of `slot` anew from `from` on. `rows` are its results as known today.
    pub(crate) fn amend(
        &mut self,
        slot: u32,
        from: Timestamp,
        pasts: &HashMap<u32, Past>,
        rows: &[ResultRow],
        delta: &mut Delta,
    ) {
        // A moment of its own: what is put aside and what replaces it must not be known at the same one.
        let known = self.now.plus(Span::from_micros(1));
        self.now = known;
        let told = self.timeline(slot, pasts, known);
        let mut by_test: BTreeMap<i64, Vec<&ResultRow>> = BTreeMap::new();
        for row in rows {
            by_test.entry(row.test).or_default().push(row);
        }
        let tests: BTreeSet<i64> = told.keys().chain(by_test.keys()).copied().collect();
        for test in tests {
            let segments = told.get(&test).map(Vec::as_slice).unwrap_or_default();
            let rows = by_test.get(&test).map(Vec::as_slice).unwrap_or_default();
            let holds = |row: &ResultRow, segment: &Segment| {
                row.from_at == segment.from_at
                    && row.to_at == segment.to_at
                    && row.status == segment.status
                    && row.version == segment.version
            };
            let rows = rows.iter().copied().filter(|row| row.to_at > from && row.to_at > row.from_at);
            for row in rows.clone().filter(|row| !segments.iter().any(|segment| holds(row, segment))) {
                // An open row that is put aside ends, in what is known, with it.
                delta.superseded.push((*row, known));
            }
            for segment in segments.iter().filter(|segment| segment.to_at > from) {
                if rows.clone().any(|row| holds(row, segment)) {
                    continue;
                }
                delta.rewritten.push(ResultRow {
                    test,
                    resource: Self::ord(slot),
                    from_at: segment.from_at,
                    known_at: known,
                    to_at: segment.to_at,
                    closed_at: if segment.to_at < Timestamp::MAX { known } else { Timestamp::MAX },
                    superseded_at: Timestamp::MAX,
                    version: segment.version,
                    observation: segment.observation,
                    status: segment.status,
                    prev: NONE,
                });
            }
        }
        self.amend_current(slot, &told, known, delta);
        self.tell(known, delta);
        delta.now = known;
    }

    /// The present of a resource follows its new history.
    fn amend_current(
        &mut self,
        slot: u32,
        told: &BTreeMap<i64, Vec<Segment>>,
        known: Timestamp,
        delta: &mut Delta,
    ) {
        let Some(kind) = self.resources.get(slot as usize).map(|resource| resource.kind as usize) else { return };
        let tests: Vec<u32> =
            self.kinds.get(kind).map(|table| table.tests.iter().map(|active| active.test).collect()).unwrap_or_default();
        for (place, test) in tests.into_iter().enumerate() {
            let ord = i64::from(test) + 1;
            let last = told.get(&ord).and_then(|segments| segments.last());
            let Some(resource) = self.resources.get_mut(slot as usize) else { continue };
            let Some(status) = resource.statuses.get_mut(place) else { continue };
            let (new, from) = last.map_or((*status, Timestamp::MIN), |segment| (segment.status, segment.from_at));
            let old = std::mem::replace(status, new);
            resource.changed_at = resource.changed_at.max(from);
            if old != new {
                self.count(ord, known, old, new, delta);
            }
        }
        let mut statuses = Vec::new();
        let dues = self.judge_at(slot, known, &mut statuses);
        self.wind_resource(slot, dues);
    }

    fn rules(&self, kind: u32) -> Vec<Rules> {
        let Some(id) = self.kinds.get(kind as usize).map(|table| &table.id) else { return Vec::new() };
        self.programs
            .iter()
            .map(|in_force| Rules {
                from_at: in_force.from_at,
                program: in_force.program.clone(),
                layout: in_force.program.kinds.get(id).cloned(),
                tests: in_force
                    .program
                    .tests
                    .values()
                    .filter(|test| test.on == *id)
                    .filter_map(|test| {
                        let number = self.test_of.get(&test.id)?;
                        let version = self.versions.get(&(*number, test.hash.clone()))?;
                        Some((i64::from(*number) + 1, *version, test.clone()))
                    })
                    .collect(),
            })
            .collect()
    }

    /// The whole history of a resource, by test, from what is known now.
    fn timeline(&self, slot: u32, pasts: &HashMap<u32, Past>, until: Timestamp) -> BTreeMap<i64, Vec<Segment>> {
        let mut told: BTreeMap<i64, Vec<Segment>> = BTreeMap::new();
        let (Some(resource), Some(own)) = (self.resources.get(slot as usize), pasts.get(&slot)) else { return told };
        let rules = self.rules(resource.kind);
        let first = own.moments().min().unwrap_or(until);
        let mut moments: BTreeSet<Timestamp> = pasts.values().flat_map(Past::moments).collect();
        moments.extend(rules.iter().map(|rules| rules.from_at));
        let reached = rules.iter().flat_map(|rules| &rules.tests).flat_map(|(.., test)| crate::rule::reaches(test));
        for kind in reached.filter_map(|kind| self.kind_of.get(kind)) {
            moments.extend(self.kinds.get(*kind as usize).into_iter().flat_map(|t| &t.enumerated).map(|(at, _)| *at));
        }
        let mut moments: BTreeSet<Timestamp> =
            moments.into_iter().filter(|at| *at >= first && *at <= until).chain([first]).collect();
        while let Some(at) = moments.pop_first() {
            let Some(rules) = rules.iter().rev().find(|rules| rules.from_at <= at).or(rules.first()) else { break };
            let next = self.step(slot, rules, pasts, at, &mut told);
            if next <= until && next > at {
                moments.insert(next);
            }
        }
        for segments in told.values_mut() {
            let ends: Vec<Timestamp> = segments.iter().skip(1).map(|segment| segment.from_at).collect();
            for (segment, end) in segments.iter_mut().zip(ends) {
                segment.to_at = end;
            }
        }
        told
    }

    /// Judges the resource as it stood at `at`; answers when that next changes by time alone.
    fn step(
        &self,
        slot: u32,
        rules: &Rules,
        pasts: &HashMap<u32, Past>,
        at: Timestamp,
        told: &mut BTreeMap<i64, Vec<Segment>>,
    ) -> Timestamp {
        let mut next = Timestamp::MAX;
        let stood: HashMap<u32, Stood> = pasts
            .iter()
            .filter_map(|(slot, past)| {
                let kind = self.resources.get(*slot as usize)?.kind;
                let layout = rules.program.kinds.get(&self.kinds.get(kind as usize)?.id)?;
                Some((*slot, stand(past, layout, at)?))
            })
            .collect();
        let (mine, Some(resource)) = (stood.get(&slot), self.resources.get(slot as usize)) else { return next };
        let in_force: BTreeSet<i64> = rules.tests.iter().map(|(number, ..)| *number).collect();
        for (number, segments) in told.iter_mut().filter(|(number, _)| !in_force.contains(number)) {
            let _ = number;
            push(segments, at, None, ENDED, 0);
        }
        for (number, version, test) in &rules.tests {
            let (status, observation) = match (mine, &rules.layout) {
                (Some(mine), Some(layout)) => {
                    let world = Then { state: self, stood: &stood, at, oldest: Cell::new(Timestamp::MAX) };
                    let subject = Subject { record: &mine.record, key: &resource.key };
                    let judgement = octro_program::judge(test, &subject, at, &world);
                    let reads = crate::rule::own_reads(test);
                    let views = mine.views.iter().map(|(record, seen)| (record, *seen));
                    let seen = match mine.views.as_slice() {
                        [(_, seen)] => *seen,
                        _ => crate::state::oldest_seen(views, layout, &reads),
                    };
                    let seen = seen.min(world.oldest.get());
                    let weighed = weigh(test, Some(&rules.program), &resource.key, judgement.status, seen, at);
                    next = next.min(judgement.flips_at).min(weighed.flips_at).min(weighed.stale_at);
                    (weighed.status.code(), mine.observation)
                }
                _ => (ENDED, 0),
            };
            let segments = told.entry(*number).or_default();
            if segments.is_empty() && status == ENDED {
                continue;
            }
            push(segments, at, Some(*version), status, observation);
        }
        next
    }
}

/// Adds a stretch if it says something new.
fn push(segments: &mut Vec<Segment>, at: Timestamp, version: Option<i64>, status: u8, observation: i64) {
    let last = segments.last();
    let version = version.or(last.map(|last| last.version)).unwrap_or_default();
    if last.is_some_and(|last| last.status == status && (last.version == version || status == ENDED)) {
        return;
    }
    segments.push(Segment { from_at: at, to_at: Timestamp::MAX, version, observation, status });
}

/// A resource as its sources described it at `at`.
fn stand(past: &Past, layout: &Layout, at: Timestamp) -> Option<Stood> {
    let mut said = past.at(at);
    if said.is_empty() {
        return None;
    }
    // The same order in which views are merged: what was first said latest wins.
    let said_first = |source: u32, observation: i64| {
        past.sources
            .get(&source)
            .into_iter()
            .flatten()
            .filter(|one| one.observation == observation)
            .map(|one| one.effective_at)
            .min()
            .unwrap_or(at)
    };
    said.sort_by_key(|(source, one)| (std::cmp::Reverse(said_first(*source, one.observation)), *source));
    let views: Vec<(Record, Timestamp)> = said
        .iter()
        .filter_map(|(_, one)| Some((record(layout, one.body.as_ref()?), one.effective_at)))
        .collect();
    let merged = match views.as_slice() {
        [] => return None,
        [(only, _)] => only.clone(),
        many => Record::merge(layout, &many.iter().map(|(record, _)| record).collect::<Vec<_>>()),
    };
    Some(Stood { record: merged, observation: said.iter().map(|(_, one)| one.observation).max().unwrap_or(0), views })
}

/// Whether a status code is one that people see.
pub(crate) const fn is_status(code: u8) -> bool {
    Status::from_code(code).is_some()
}
