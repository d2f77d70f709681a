//! Late observations: something that was true earlier than what is already told. The resource's history is told anew
//! from all that is known now; rows that no longer hold are put aside, not removed, so that "as known then" stays true.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use octro_cel::{Layout, Lookup, Reading, Record, Referring, Subject, World};
use octro_model::{Id, Span, Timestamp};
use octro_program::{Program, Test};
use serde_json::Value;

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

impl Segment {
    fn of(row: &ResultRow) -> Self {
        let ResultRow { from_at, to_at, version, observation, status, .. } = *row;
        Self { from_at, to_at, version, observation, status }
    }

    /// Whether a row says the same.
    fn says(&self, row: &ResultRow) -> bool {
        row.from_at == self.from_at
            && row.to_at == self.to_at
            && row.status == self.status
            && row.version == self.version
    }
}

/// A resource as it stood at some moment.
struct Stood {
    record: Arc<Record>,
    observation: i64,
    views: Vec<(Arc<Record>, Timestamp)>,
}

impl Stood {
    /// When the attributes `reads` had last been seen to be as they were: the oldest of them counts.
    fn seen_at(&self, layout: &Layout, reads: &[String]) -> Timestamp {
        match self.views.as_slice() {
            [(_, seen)] => *seen,
            views => crate::state::oldest_seen(
                views.iter().map(|(record, seen)| (record.as_ref(), *seen)),
                layout,
                reads,
            ),
        }
    }
}

/// The world as it stood at some moment.
struct Then<'a> {
    state: &'a State,
    program: &'a Program,
    stood: &'a HashMap<u32, Stood>,
    /// The attributes that are read of other resources, by kind.
    reads: &'a [(Id, Vec<String>)],
    at: Timestamp,
    oldest: Cell<Timestamp>,
}

impl Then<'_> {
    fn used(&self, kind: &Id, stood: &Stood) {
        let reads = self.reads.iter().find(|(of, _)| of == kind);
        let reads = reads.map(|(_, names)| names.as_slice()).unwrap_or_default();
        let seen = self.program.kinds.get(kind).map(|layout| stood.seen_at(layout, reads));
        self.rests_on(seen.unwrap_or(Timestamp::MIN));
    }

    fn rests_on(&self, seen: Timestamp) {
        self.oldest.set(self.oldest.get().min(seen));
    }

    /// Whether the kind was completely enumerated; what is answered rests on that.
    fn enumerated(&self, kind: &Id) -> bool {
        let enumerated_at = self
            .state
            .kind_of
            .get(kind)
            .and_then(|kind| self.state.kinds.get(*kind as usize))
            .and_then(|table| table.was_enumerated_at(self.at));
        if let Some(at) = enumerated_at {
            self.rests_on(at);
        }
        enumerated_at.is_some()
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
            self.used(kind, stood);
            return Lookup::Found(&stood.record);
        }
        if self.enumerated(kind) { Lookup::Absent } else { Lookup::Unknown }
    }

    fn referring(&self, kind: &Id, attribute: &str, key: &str) -> Referring<'_> {
        let index = self.state.kind_of.get(kind).copied();
        let mut slots: Vec<&u32> = self.stood.keys().collect();
        slots.sort();
        slots.retain(|slot| {
            self.state.resources.get(**slot as usize).is_some_and(|one| Some(one.kind) == index)
        });
        let mut records = Vec::new();
        for stood in slots.into_iter().filter_map(|slot| self.stood.get(slot)) {
            let layout = self.program.kinds.get(kind);
            let names = match layout.map(|layout| stood.record.reading(layout, attribute)) {
                Some(Reading::Value(Value::String(named))) => named == key,
                Some(Reading::Value(Value::Array(all))) => all.iter().any(|one| one == key),
                Some(Reading::Value(_) | Reading::Absent | Reading::Unknown(_)) | None => false,
            };
            if names {
                self.used(kind, stood);
                records.push(stood.record.as_ref());
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

/// Tells the histories of resources anew, each from the moment that stands with it. `rows` are their results as known
/// today. All of it becomes known at one moment of its own, after the input that brought it.
pub(crate) fn amend_all(
    state: &mut State,
    late: &BTreeMap<u32, Timestamp>,
    pasts: &HashMap<u32, Past>,
    rows: &HashMap<u32, Vec<ResultRow>>,
) -> Delta {
    let mut delta = Delta::default();
    let known = state.now.plus(Span::from_micros(1));
    state.now = known;
    for (slot, from) in late {
        state.amend(
            *slot,
            *from,
            pasts,
            rows.get(slot).map(Vec::as_slice).unwrap_or_default(),
            known,
            &mut delta,
        );
    }
    state.tell(known, &mut delta);
    delta.now = known;
    delta
}

/// What has to be read before histories can be told anew: the resources and how far back.
pub(crate) fn needs(state: &State, late: &BTreeMap<u32, Timestamp>) -> (BTreeSet<u32>, Timestamp) {
    let mut slots = BTreeSet::new();
    for slot in late.keys() {
        slots.insert(*slot);
        slots.extend(state.looked_at(*slot));
    }
    // What was last seen longer ago than any test allows is stale, however long ago exactly.
    let from = late.values().min().copied().unwrap_or(state.now);
    (slots, from.minus(state.max_age_most()))
}

impl State {
    /// Tells the history of `slot` anew from `from` on.
    fn amend(
        &mut self,
        slot: u32,
        from: Timestamp,
        pasts: &HashMap<u32, Past>,
        rows: &[ResultRow],
        known: Timestamp,
        delta: &mut Delta,
    ) {
        let mut by_test: BTreeMap<i64, Vec<&ResultRow>> = BTreeMap::new();
        for row in rows.iter().filter(|row| row.to_at >= from && row.to_at > row.from_at) {
            by_test.entry(row.test).or_default().push(row);
        }
        // What was so before `from` stays; the new history goes on from it.
        let begun = by_test.iter().filter_map(|(test, rows)| {
            let row = rows.iter().rfind(|row| row.from_at < from)?;
            Some((*test, vec![Segment { to_at: Timestamp::MAX, ..Segment::of(row) }]))
        });
        let told = self.timeline(slot, pasts, from, known, begun.collect());
        let tests: BTreeSet<i64> = told.keys().chain(by_test.keys()).copied().collect();
        for test in tests {
            let segments = told.get(&test).map(Vec::as_slice).unwrap_or_default();
            let rows = by_test.get(&test).map(Vec::as_slice).unwrap_or_default();
            for row in rows.iter().filter(|row| !segments.iter().any(|segment| segment.says(row))) {
                delta.superseded.push((**row, known));
            }
            for segment in segments.iter().filter(|segment| !rows.iter().any(|row| segment.says(row))) {
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
    }

    /// The present of a resource follows its new history.
    fn amend_current(
        &mut self,
        slot: u32,
        told: &BTreeMap<i64, Vec<Segment>>,
        known: Timestamp,
        delta: &mut Delta,
    ) {
        let Some(kind) = self.resources.get(slot as usize).map(|resource| resource.kind as usize) else {
            return;
        };
        let tests: Vec<u32> = self
            .kinds
            .get(kind)
            .map(|table| table.tests.iter().map(|active| active.test).collect())
            .unwrap_or_default();
        for (place, test) in tests.into_iter().enumerate() {
            let ord = i64::from(test) + 1;
            let last = told.get(&ord).and_then(|segments| segments.last());
            let Some(resource) = self.resources.get_mut(slot as usize) else { continue };
            let Some((status, last)) = resource.statuses.get_mut(place).zip(last) else { continue };
            let old = std::mem::replace(status, last.status);
            let new = last.status;
            if old != new && (old < ENDED || new < ENDED) {
                self.count(ord, known, old, new, delta);
            }
        }
        // Of tests that are no longer in force, too: exactly what is read back at a start.
        let changed_at = told.values().filter_map(|segments| segments.last()).map(|last| last.from_at).max();
        if let Some(resource) = self.resources.get_mut(slot as usize) {
            resource.changed_at = changed_at.unwrap_or(Timestamp::MIN);
        }
        let mut statuses = Vec::new();
        let dues = self.judge_at(slot, known, &mut statuses);
        self.wind_resource(slot, dues.flips_at, dues.flips_at.min(dues.stale_at), known);
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

    /// The history of a resource from `from` on, by test, from what is known now; `told` is what it goes on from.
    fn timeline(
        &self,
        slot: u32,
        pasts: &HashMap<u32, Past>,
        from: Timestamp,
        until: Timestamp,
        mut told: BTreeMap<i64, Vec<Segment>>,
    ) -> BTreeMap<i64, Vec<Segment>> {
        let Some(resource) = self.resources.get(slot as usize) else { return told };
        let rules = self.rules(resource.kind);
        let mut near = self.looked_at(slot);
        near.insert(slot);
        let mut moments: BTreeSet<Timestamp> =
            near.iter().filter_map(|slot| pasts.get(slot)).flat_map(Past::moments).collect();
        moments.extend(rules.iter().map(|rules| rules.from_at));
        let reached =
            rules.iter().flat_map(|rules| &rules.tests).flat_map(|(.., test)| crate::rule::reaches(test));
        let reached: BTreeSet<u32> = reached.filter_map(|kind| self.kind_of.get(kind)).copied().collect();
        for kind in reached {
            moments.extend(
                self.kinds.get(kind as usize).into_iter().flat_map(|t| &t.enumerated).map(|(at, _)| *at),
            );
        }
        moments.retain(|at| *at > from && *at <= until);
        moments.insert(from);
        let mut read = HashMap::new();
        while let Some(at) = moments.pop_first() {
            let place = rules.partition_point(|rules| rules.from_at <= at).saturating_sub(1);
            let Some(in_force) = rules.get(place) else { break };
            let stood: HashMap<u32, Stood> = near
                .iter()
                .filter_map(|slot| {
                    let kind = self.resources.get(*slot as usize)?.kind;
                    let layout = in_force.program.kinds.get(&self.kinds.get(kind as usize)?.id)?;
                    Some((*slot, stand(pasts.get(slot)?, layout, place, at, &mut read)?))
                })
                .collect();
            let next = self.step(slot, in_force, &stood, at, &mut told);
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
        stood: &HashMap<u32, Stood>,
        at: Timestamp,
        told: &mut BTreeMap<i64, Vec<Segment>>,
    ) -> Timestamp {
        let mut next = Timestamp::MAX;
        let Some(resource) = self.resources.get(slot as usize) else { return next };
        let mine = stood.get(&slot);
        for (number, segments) in told.iter_mut() {
            if !rules.tests.iter().any(|(test, ..)| test == number) {
                push(segments, at, None, ENDED, 0);
            }
        }
        for (number, version, test) in &rules.tests {
            let (status, observation) = match (mine, &rules.layout) {
                (Some(mine), Some(layout)) => {
                    let others = crate::rule::other_reads(test);
                    let world = Then {
                        state: self,
                        program: &rules.program,
                        stood,
                        reads: &others,
                        at,
                        oldest: Cell::new(Timestamp::MAX),
                    };
                    let subject = Subject { record: &mine.record, key: &resource.key };
                    let judgement = octro_program::judge(test, &subject, at, &world);
                    let seen = mine.seen_at(layout, &crate::rule::own_reads(test)).min(world.oldest.get());
                    let weighed =
                        weigh(test, Some(&rules.program), &resource.key, judgement.status, seen, at);
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
        told.retain(|_, segments| !segments.is_empty());
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

/// What was read already: by program version and observation.
type Read = HashMap<(usize, i64), Arc<Record>>;

/// A resource as its sources described it at `at`; `None` if none did.
fn stand(past: &Past, layout: &Layout, program: usize, at: Timestamp, read: &mut Read) -> Option<Stood> {
    let said = past.at(at);
    let views: Vec<(Arc<Record>, Timestamp)> = said
        .iter()
        .filter_map(|one| {
            let body = one.body.as_ref()?;
            let known =
                read.entry((program, one.observation)).or_insert_with(|| Arc::new(record(layout, body)));
            Some((known.clone(), one.at))
        })
        .collect();
    let merged = match views.as_slice() {
        [] => return None,
        [(only, _)] => only.clone(),
        many => Arc::new(Record::merge(
            layout,
            &many.iter().map(|(record, _)| record.as_ref()).collect::<Vec<_>>(),
        )),
    };
    Some(Stood {
        record: merged,
        observation: said.iter().map(|one| one.observation).max().unwrap_or(0),
        views,
    })
}
