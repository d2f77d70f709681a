//! A batch of observations.
#![expect(clippy::indexing_slicing, reason = "slots are handed out by the state and index its own vectors")]

use std::collections::{BTreeMap, HashMap};

use octro_cel::Record;
use octro_model::{CollectionError, Id, Span, Status, Timestamp};

use super::{Resource, State, View};
use crate::delta::{Delta, ObservationRow};
use crate::input::{Item, form};
use crate::sightings;

/// A batch, told apart: what was seen again unchanged, and what is new. This is also the form in which it is stored.
#[derive(Debug, Default)]
pub(crate) struct Sorted {
    pub(crate) sightings: Vec<(Timestamp, Vec<i64>)>,
    pub(crate) changed: Vec<Changed>,
}

/// An observation that says something new.
#[derive(Debug)]
pub(crate) struct Changed {
    pub(crate) kind: u32,
    pub(crate) key: String,
    pub(crate) scope: String,
    pub(crate) effective_at: Timestamp,
    pub(crate) gone: bool,
    pub(crate) hash: [u8; 16],
    pub(crate) body: Vec<u8>,
    pub(crate) record: Option<Record>,
}

/// How a batch was taken.
#[derive(Clone, Debug, Default)]
pub(crate) struct BatchOutcome {
    pub(crate) changed: u64,
    pub(crate) unchanged: u64,
    /// By kind, what was refused and why; kinds that are not declared included.
    pub(crate) refused: BTreeMap<Id, Vec<CollectionError>>,
    /// How many items were taken. The rest has to come as an input of its own: from the first on that says again what
    /// this batch said anew. Only then it is a sighting, as it would be if the source had sent it a moment later.
    pub(crate) taken: usize,
}

impl BatchOutcome {
    /// Adds how the next part was taken.
    pub(crate) fn add(&mut self, next: Self) {
        self.taken += next.taken;
        self.changed += next.changed;
        self.unchanged += next.unchanged;
        for (kind, errors) in next.refused {
            self.refused.entry(kind).or_default().extend(errors);
        }
    }
}

impl State {
    /// Tells apart what is new and what is not, and refuses what does not fit.
    pub(crate) fn sort(&self, source: u32, items: &[Item], received: Timestamp) -> (Sorted, BatchOutcome) {
        let mut sorted = Sorted::default();
        let mut outcome = BatchOutcome { taken: items.len(), ..BatchOutcome::default() };
        let mut groups: BTreeMap<Timestamp, Vec<i64>> = BTreeMap::new();
        // What this batch itself says anew, and when it sees again what it does not.
        let mut mentioned: HashMap<(u32, &str), ([u8; 16], Timestamp)> = HashMap::new();
        let mut seen: HashMap<u32, Timestamp> = HashMap::new();
        let yields = &self.sources[source as usize].info.kinds;
        for (place, item) in items.iter().enumerate() {
            let mut refuse = |message: String, mend: &str| {
                let what = format!("{} {}", item.kind, item.key);
                let error = CollectionError { what, message, mend: mend.to_owned() };
                outcome.refused.entry(item.kind.clone()).or_default().push(error);
            };
            if !yields.contains(&item.kind) {
                refuse(
                    format!("the source is not declared to yield `{}`", item.kind),
                    "add the kind to the source's `kinds`",
                );
                continue;
            }
            let declared = self.kind_of.get(&item.kind).map(|kind| (*kind, &self.kinds[*kind as usize]));
            let Some((kind, Some(layout))) = declared.map(|(kind, table)| (kind, &table.layout)) else {
                refuse(
                    format!("no kind `{}` is declared", item.kind),
                    "declare it in the program, in kinds/, or correct the source",
                );
                continue;
            };
            // Nobody can have seen the future: a clock that is ahead counts as now.
            let at = item.effective_at.map_or(received, |at| at.min(received));
            if at < self.horizon {
                let message = format!(
                    "it is about {}; facts from before {} are no longer kept, so that it could not be judged",
                    at.minute(),
                    self.horizon.minute()
                );
                refuse(
                    message,
                    "let the source yield what is newer, or raise `retain` of the kinds in the program",
                );
                continue;
            }
            let slot = self.kinds[kind as usize].keys.get(item.key.as_str()).copied();
            let view = slot.and_then(|slot| {
                self.resources[slot as usize].views.iter().find(|view| view.source == source)
            });
            let repeated = match view {
                Some(view) => view.hash == item.hash && !item.gone && at >= view.effective_at,
                // Gone is what it is already, unless it was so earlier than is known.
                None => {
                    item.gone
                        && slot.is_none_or(|slot| {
                            self.resources[slot as usize].late_by(source, at) == Span::ZERO
                        })
                }
            };
            let said = mentioned.get(&(kind, item.key.as_str()));
            if said.is_some_and(|(hash, since)| *hash == item.hash && at >= *since) {
                outcome.taken = place;
                break;
            }
            if repeated && said.is_none() {
                outcome.unchanged += 1;
                if let Some(slot) = slot.filter(|_| view.is_some()) {
                    groups.entry(at).or_default().push(Self::ord(slot));
                    seen.entry(slot).and_modify(|last| *last = (*last).max(at)).or_insert(at);
                }
                continue;
            }
            let record = if item.gone {
                None
            } else {
                match Record::parse(layout, &item.body) {
                    Ok(record) => Some(record),
                    Err(misfits) => {
                        let all: Vec<String> = misfits.iter().map(ToString::to_string).collect();
                        refuse(all.join("; "), "correct what the source yields, or the kind's declaration");
                        continue;
                    }
                }
            };
            let late = slot.is_some_and(|slot| {
                self.resources[slot as usize].late_by(source, at) > Span::ZERO
                    || seen.get(&slot).is_some_and(|last| *last > at)
            });
            if !late {
                mentioned.insert((kind, item.key.as_str()), (item.hash, at));
            }
            outcome.changed += 1;
            sorted.changed.push(Changed {
                kind,
                key: item.key.clone(),
                scope: item.scope.clone(),
                effective_at: at,
                gone: item.gone,
                hash: item.hash,
                body: item.body.clone(),
                record,
            });
        }
        sorted.sightings = groups.into_iter().collect();
        (sorted, outcome)
    }

    /// Takes a sorted batch.
    pub(crate) fn batch(
        &mut self,
        source: u32,
        collection: i64,
        mut sorted: Sorted,
        received: Timestamp,
        delta: &mut Delta,
    ) {
        let body = sightings::encode(&mut sorted.sightings);
        self.input(delta, received, form::BATCH, i64::from(source) + 1, collection, body);
        for (at, resources) in sorted.sightings {
            for ord in resources {
                if let Some(slot) = self.slot(ord) {
                    self.sight(slot, source, collection, at, received, delta);
                }
            }
        }
        for changed in sorted.changed {
            self.observe(source, collection, changed, received, delta);
        }
        self.now = received;
        self.tell(received, delta);
        delta.now = received;
    }

    /// A resource was seen again, unchanged.
    fn sight(
        &mut self,
        slot: u32,
        source: u32,
        collection: i64,
        at: Timestamp,
        received: Timestamp,
        delta: &mut Delta,
    ) {
        // Under an earlier program, evidence may have had to be fresher.
        let old = self.programs.last().is_some_and(|program| at < program.from_at);
        let resource = &mut self.resources[slot as usize];
        let kind = resource.kind as usize;
        let changed_at = resource.changed_at;
        let stale = resource.statuses.contains(&Status::Stale.code());
        let Some(view) = resource.views.iter_mut().find(|view| view.source == source) else { return };
        view.collection = collection;
        if at == view.seen_at {
            return;
        }
        // If it had not been seen for long, something may have become stale meanwhile: here, or where it is looked at.
        let before = view.seen_at;
        let gap = before.plus(self.kinds[kind].own_max_age) <= received;
        let late = at < view.seen_at;
        let resumed = view.seen_at.plus(self.kinds[kind].max_age_least) <= at;
        view.seen_at = view.seen_at.max(at);
        if resumed {
            resource.said_at = resource.said_at.max(at);
            delta.resumed.insert((Self::ord(slot), i64::from(source) + 1), at);
        }
        if late {
            // It can only have shortened a time in which something was stale, and that ended later than `at` or lasts.
            let lookers = if self.kinds[kind].watched.is_empty() { Vec::new() } else { self.lookers(slot) };
            let changed = |near: &u32| {
                let near = &self.resources[*near as usize];
                old || at < near.changed_at || near.statuses.contains(&Status::Stale.code())
            };
            lookers.into_iter().filter(changed).for_each(|near| Self::retell(near, at, delta));
            if old || stale || at < changed_at {
                Self::retell(slot, at, delta);
            }
            return;
        }
        if gap || stale || old {
            self.settle_from(slot, at, received, delta);
        }
        let aged = before.plus(self.kinds[kind].max_age_least) <= received;
        if aged || old {
            let near = self.lookers_that(slot, |watch| old || before.plus(watch.max_age) <= received);
            for near in near {
                self.settle_from(near, at, received, delta);
            }
        }
    }

    /// Notes that the history of a resource has to be told anew from `at` on.
    fn retell(slot: u32, at: Timestamp, delta: &mut Delta) {
        delta.late.entry(slot).and_modify(|from| *from = (*from).min(at)).or_insert(at);
    }

    /// Judges a resource from `at` on: by what is known now if that is what was so then, else by telling it anew.
    fn settle_from(&mut self, slot: u32, at: Timestamp, received: Timestamp, delta: &mut Delta) {
        if at < self.floor(slot) {
            Self::retell(slot, at, delta);
        } else {
            self.settle(slot, at, received, false, delta);
        }
    }

    /// Judges again those whose tests look at a resource that changed at `at`. `past`: what changed is over already.
    fn ripple(&mut self, slot: u32, at: Timestamp, received: Timestamp, past: bool, delta: &mut Delta) {
        if self.kinds[self.resources[slot as usize].kind as usize].watched.is_empty() {
            return;
        }
        for near in self.lookers(slot) {
            if past {
                Self::retell(near, at, delta);
            } else {
                self.settle_from(near, at, received, delta);
            }
        }
    }

    /// A source says something new of a resource.
    fn observe(
        &mut self,
        source: u32,
        collection: i64,
        changed: Changed,
        received: Timestamp,
        delta: &mut Delta,
    ) {
        let seq = self.counters.observation;
        self.counters.observation += 1;
        let slot = self.resource(changed.kind, &changed.key, received, delta);
        let at = changed.effective_at;
        let late_by = self.resources[slot as usize].late_by(source, at);
        delta.observations.push(ObservationRow {
            seq,
            resource: Self::ord(slot),
            source: i64::from(source) + 1,
            effective_at: at,
            gone: changed.gone,
            late_by,
            scope: changed.scope.clone(),
            hash: changed.hash,
            body: changed.body,
        });
        if let Some(record) = &changed.record {
            self.link(slot, record, delta);
        }
        // What it names now counts, what is said of it now does not yet.
        let floor = self.floor(slot);
        let resource = &mut self.resources[slot as usize];
        resource.said_at = resource.said_at.max(at.plus(late_by));
        let place = resource.views.iter().position(|view| view.source == source);
        if late_by > Span::ZERO {
            if let Some(place) = place {
                resource.views[place].collection = collection;
            }
            Self::retell(slot, at, delta);
            self.ripple(slot, at, received, true, delta);
            return;
        }
        resource.tombs.retain(|(of, _)| *of != source);
        match changed.record {
            Some(record) => {
                let view = View {
                    source,
                    observation: seq,
                    effective_at: at,
                    seen_at: at,
                    kept_at: at,
                    collection,
                    hash: changed.hash,
                    scope: changed.scope.into_boxed_str(),
                    record,
                };
                match place {
                    Some(place) => resource.views[place] = view,
                    None => resource.views.push(view),
                }
                delta.views.insert((Self::ord(slot), i64::from(source) + 1), Some((seq, at)));
            }
            None => {
                resource.views.retain(|view| view.source != source);
                resource.tombs.push((source, at));
                delta.views.insert((Self::ord(slot), i64::from(source) + 1), None);
            }
        }
        self.viewed(slot, received, delta);
        if at < floor {
            Self::retell(slot, at, delta);
        } else {
            self.settle(slot, at, received, false, delta);
        }
        self.ripple(slot, at, received, false, delta);
    }

    /// The views of a resource changed.
    pub(crate) fn viewed(&mut self, slot: u32, at: Timestamp, delta: &mut Delta) {
        let resource = &mut self.resources[slot as usize];
        if let Some(layout) = &self.kinds[resource.kind as usize].layout {
            resource.merge(layout);
        }
        let gone_at = if resource.is_gone() { at } else { Timestamp::MAX };
        delta.touched.insert(Self::ord(slot), (at, gone_at));
    }

    /// The slot of a resource, made if there is none yet.
    fn resource(&mut self, kind: u32, key: &str, received: Timestamp, delta: &mut Delta) -> u32 {
        let table = &mut self.kinds[kind as usize];
        if let Some(slot) = table.keys.get(key) {
            return *slot;
        }
        let slot = u32::try_from(self.resources.len()).unwrap_or(u32::MAX);
        table.keys.insert(key.into(), slot);
        table.slots.push(slot);
        self.resources.push(Resource::new(kind, key, table.tests.len()));
        delta.new_resources.push((Self::ord(slot), table.id.clone(), key.to_owned(), received));
        slot
    }
}
