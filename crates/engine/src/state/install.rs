//! A new program version comes into force; sources come and go.
#![expect(clippy::indexing_slicing, reason = "slots are handed out by the state and index its own vectors")]

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use octro_cel::{Layout, Link, Record};
use octro_model::{Id, Span, Tally, Timestamp, UnknownReason, Why};
use octro_program::{Program, Test};

use super::{Active, InForce, KindTable, SourceState, State, TestState};
use crate::SourceInfo;
use crate::delta::{Delta, ENDED, NONE, ProgramRow, SourceRow, VerdictRow};
use crate::input::form;

impl State {
    /// Puts a program in force. What it changes changes now; the past keeps the rules that it had.
    pub(crate) fn install(&mut self, program: Arc<Program>, files: Vec<u8>, received: Timestamp, delta: &mut Delta) {
        let ord = self.programs.last().map_or(1, |last| last.ord + 1);
        self.input(delta, received, form::PROGRAM, 0, 0, ord.to_le_bytes().to_vec());
        delta.program = Some(ProgramRow {
            ord,
            hash: program.hash.clone(),
            name: program.name.clone(),
            installed_at: received,
            files,
        });
        self.programs.push(InForce { ord, from_at: received, program: program.clone() });
        let before: Vec<(usize, Vec<Active>)> =
            self.kinds.iter_mut().map(|table| std::mem::take(&mut table.tests)).enumerate().collect();
        self.adopt(&program, Some(delta));
        self.carry_results(&before, received, delta);
        self.relink_all();
        for slot in 0..self.resources.len() as u32 {
            self.settle(slot, received, received, true, delta);
        }
        for kind in 0..self.kinds.len() as u32 {
            self.mark_kind(kind);
            self.set_population_timer(kind, received);
        }
        self.now = received;
        self.end_verdicts(&program, received, delta);
        self.tell(received, delta);
        for (id, control) in &program.controls {
            self.tell_control(id, control, received, delta);
        }
        delta.now = received;
    }

    /// Takes a program's kinds and tests as those in force, and numbers what is new. Results are not touched.
    pub(crate) fn adopt(&mut self, program: &Arc<Program>, mut delta: Option<&mut Delta>) {
        let layouts: HashMap<Id, Arc<Layout>> =
            program.kinds.iter().map(|layout| (layout.kind().id.clone(), layout.clone())).collect();
        for table in &mut self.kinds {
            if !layouts.contains_key(&table.id) {
                table.layout = None;
            }
        }
        let mut ids: Vec<&Id> = layouts.keys().collect();
        ids.sort();
        for id in ids {
            let kind = self.kind(id);
            self.adopt_layout(kind, &layouts[id]);
        }
        for state in &mut self.tests {
            state.kind = None;
        }
        for (id, rule) in &program.tests {
            let kind = self.kind(&rule.on);
            let test = self.test(id, delta.as_deref_mut());
            self.tests[test as usize].kind = Some(kind);
            let version = self.version(test, rule, program, delta.as_deref_mut());
            let active = active(test, version, rule, program);
            self.kinds[kind as usize].tests.push(active);
        }
        self.adopt_links(program);
    }

    fn adopt_links(&mut self, program: &Program) {
        for table in &mut self.kinds {
            table.links.clear();
            let least = table.tests.iter().map(|active| active.rule.max_age).min();
            table.max_age_least = least.unwrap_or(Span::from_micros(i64::MAX));
        }
        for rule in program.tests.values() {
            for link in crate::rule::links(rule) {
                let (kind, attribute, far) = match link {
                    Link::Key { from_kind, attribute, to } => (from_kind, attribute, to),
                    Link::Back { kind, attribute } => (kind, attribute, &rule.on),
                };
                let target = program.kinds.get(kind).and_then(|layout| {
                    layout.kind().attributes.get(attribute.as_str()).and_then(|a| a.references.clone())
                });
                let (Some(kind), Some(target)) = (self.kind_of.get(kind).copied(), target) else { continue };
                let Some(target) = self.kind_of.get(&target).copied() else { continue };
                let table = &mut self.kinds[kind as usize];
                if !table.links.iter().any(|(name, to)| name == attribute && *to == target) {
                    table.links.push((attribute.clone(), target));
                }
                // A neighbour's evidence has to be as fresh as the test asks, so sightings after a gap matter to it.
                for near in [Some(kind), self.kind_of.get(far).copied()].into_iter().flatten() {
                    let least = &mut self.kinds[near as usize].max_age_least;
                    *least = (*least).min(rule.max_age);
                }
            }
        }
        for table in &mut self.kinds {
            table.links.sort();
        }
    }

    /// The number of a kind, made if there is none yet.
    pub(crate) fn kind(&mut self, id: &Id) -> u32 {
        if let Some(kind) = self.kind_of.get(id) {
            return *kind;
        }
        let kind = self.kinds.len() as u32;
        self.kinds.push(KindTable {
            id: id.clone(),
            layout: None,
            keys: HashMap::new(),
            tests: Vec::new(),
            enumeration: BTreeMap::new(),
            enumerated: Vec::new(),
            links: Vec::new(),
            max_age_least: Span::from_micros(i64::MAX),
        });
        self.kind_of.insert(id.clone(), kind);
        for (source, state) in self.sources.iter().enumerate() {
            if !state.retired && state.info.kinds.contains(id) {
                self.kinds[kind as usize].enumeration.insert(source as u32, BTreeMap::new());
            }
        }
        kind
    }

    /// A kind's shape may be another one now: what was seen is read anew by it.
    fn adopt_layout(&mut self, kind: u32, layout: &Arc<Layout>) {
        let old = self.kinds[kind as usize].layout.replace(layout.clone());
        if old.as_ref().is_some_and(|old| old.kind() == layout.kind()) {
            return;
        }
        let Some(old) = old else { return };
        for resource in self.resources.iter_mut().filter(|resource| resource.kind == kind) {
            for view in &mut resource.views {
                view.record = translate(&view.record, &old, layout);
            }
            resource.merge(layout);
        }
    }

    fn test(&mut self, id: &Id, delta: Option<&mut Delta>) -> u32 {
        if let Some(test) = self.test_of.get(id) {
            return *test;
        }
        let test = self.tests.len() as u32;
        self.tests.push(TestState {
            id: id.clone(),
            tally: Tally::default(),
            verdict: (NONE, String::new()),
            kind: None,
        });
        self.test_of.insert(id.clone(), test);
        if let Some(delta) = delta {
            delta.new_tests.push((i64::from(test) + 1, id.clone()));
        }
        test
    }

    fn version(&mut self, test: u32, rule: &Test, _program: &Program, delta: Option<&mut Delta>) -> i64 {
        if let Some(version) = self.versions.get(&(test, rule.hash.clone())) {
            return *version;
        }
        let version = self.counters.version;
        self.counters.version += 1;
        self.versions.insert((test, rule.hash.clone()), version);
        if let Some(delta) = delta {
            let program = self.programs.last().map_or(0, |last| last.ord);
            delta.new_versions.push((version, i64::from(test) + 1, rule.hash.clone(), i64::from(rule.rev), program));
        }
        version
    }

    /// Lays out every resource's results by the new list of tests; ends those of tests that are no longer there.
    fn carry_results(&mut self, before: &[(usize, Vec<Active>)], at: Timestamp, delta: &mut Delta) {
        for (kind, old) in before {
            let new = self.kinds[*kind].tests.clone();
            let from: Vec<Option<(usize, bool)>> = new
                .iter()
                .map(|active| {
                    let place = old.iter().position(|other| other.test == active.test)?;
                    Some((place, old[place].version != active.version))
                })
                .collect();
            let ended: Vec<usize> =
                (0..old.len()).filter(|place| !new.iter().any(|active| active.test == old[*place].test)).collect();
            for slot in 0..self.resources.len() as u32 {
                if self.resources[slot as usize].kind as usize != *kind {
                    continue;
                }
                for place in &ended {
                    let resource = &self.resources[slot as usize];
                    let prev = resource.statuses[*place];
                    if prev < ENDED {
                        let transition = crate::delta::Transition {
                            test: i64::from(old[*place].test) + 1,
                            resource: Self::ord(slot),
                            from_at: at,
                            known_at: at,
                            version: old[*place].version,
                            observation: resource.evidence(),
                            status: ENDED,
                            prev,
                        };
                        self.transit(transition, delta);
                    }
                }
                let resource = &mut self.resources[slot as usize];
                let statuses = from.iter().map(|from| from.map_or(NONE, |(place, _)| resource.statuses[place]));
                resource.statuses = statuses.collect();
                for (place, from) in from.iter().enumerate() {
                    if from.is_some_and(|(_, differs)| differs) {
                        resource.version_changed(place);
                    }
                }
            }
        }
    }

    /// Tests and controls that are no longer in force have no status any more.
    fn end_verdicts(&mut self, program: &Program, at: Timestamp, delta: &mut Delta) {
        for state in &mut self.tests {
            if state.kind.is_none() && state.verdict.0 < ENDED {
                let prev = std::mem::replace(&mut state.verdict, (ENDED, String::new())).0;
                let (id, reason) = (state.id.clone(), "no longer in the program".to_owned());
                delta.verdicts.push(VerdictRow { subject: "test", id, from_at: at, status: ENDED, prev, reason });
            }
        }
        let gone: Vec<Id> = self.controls.keys().filter(|id| !program.controls.contains_key(*id)).cloned().collect();
        for id in gone {
            if let Some((prev, _)) = self.controls.remove(&id) {
                let reason = "no longer in the program".to_owned();
                delta.verdicts.push(VerdictRow { subject: "control", id, from_at: at, status: ENDED, prev, reason });
            }
        }
    }

    /// There is this source now.
    pub(crate) fn declare(&mut self, info: SourceInfo, received: Timestamp, delta: &mut Delta) {
        let body = serde_json::to_vec(&info).unwrap_or_default();
        let source = self.source_of.get(&info.id).copied().unwrap_or(self.sources.len() as u32);
        self.input(delta, received, form::SOURCE, i64::from(source) + 1, 0, body);
        let old = match self.sources.get_mut(source as usize) {
            Some(state) if state.retired => {
                state.retired = false;
                state.info = info.clone();
                Vec::new()
            }
            Some(state) => std::mem::replace(&mut state.info, info.clone()).kinds,
            None => {
                self.sources.push(SourceState { info: info.clone(), registered_at: received, retired: false });
                self.source_of.insert(info.id.clone(), source);
                Vec::new()
            }
        };
        let begun: Vec<Id> = info.kinds.iter().filter(|kind| !old.contains(kind)).cloned().collect();
        let ended: Vec<Id> = old.into_iter().filter(|kind| !info.kinds.contains(kind)).collect();
        self.yields(source, &begun, &ended, received, delta);
        let registered_at = self.sources[source as usize].registered_at;
        delta.sources.push(SourceRow {
            ord: i64::from(source) + 1,
            id: info.id,
            connector: info.connector,
            every_us: info.every.micros(),
            registered_at,
            retired_at: Timestamp::MAX,
            begun,
            ended,
        });
        self.now = received;
        self.tell(received, delta);
        delta.now = received;
    }

    /// There is no such source any more. What it said stays until it is too old.
    pub(crate) fn retire(&mut self, source: u32, received: Timestamp, delta: &mut Delta) {
        self.input(delta, received, form::RETIRE, i64::from(source) + 1, 0, Vec::new());
        let state = &mut self.sources[source as usize];
        state.retired = true;
        let (info, registered_at) = (state.info.clone(), state.registered_at);
        self.yields(source, &[], &info.kinds, received, delta);
        delta.sources.push(SourceRow {
            ord: i64::from(source) + 1,
            id: info.id,
            connector: info.connector,
            every_us: info.every.micros(),
            registered_at,
            retired_at: received,
            begun: Vec::new(),
            ended: info.kinds,
        });
        self.now = received;
        self.tell(received, delta);
        delta.now = received;
    }

    fn yields(&mut self, source: u32, begun: &[Id], ended: &[Id], at: Timestamp, delta: &mut Delta) {
        for id in begun.iter().chain(ended) {
            let kind = self.kind(id);
            let enumeration = &mut self.kinds[kind as usize].enumeration;
            if begun.contains(id) {
                enumeration.entry(source).or_default();
            } else {
                enumeration.remove(&source);
            }
            self.mark_kind(kind);
            if self.note_enumerated(kind, at) {
                self.settle_linked(kind, at, delta);
            }
        }
    }
}

fn active(test: u32, version: i64, rule: &Arc<Test>, program: &Program) -> Active {
    Active {
        test,
        version,
        reads: crate::rule::own_reads(rule),
        linked: crate::rule::links(rule).next().is_some(),
        excepted: program.exceptions.values().any(|exception| exception.test == rule.id),
        rule: rule.clone(),
    }
}

/// Reads what was seen under another shape of its kind. What the new shape does not know is dropped; what no longer
/// fits is unknown, and says so.
pub(crate) fn translate(record: &Record, old: &Layout, new: &Layout) -> Record {
    let mut attributes = serde_json::Map::new();
    let mut unknown = BTreeMap::new();
    for name in new.kind().attributes.keys().filter(|name| old.kind().attributes.contains_key(*name)) {
        match record.reading(old, name) {
            octro_cel::Reading::Value(value) => {
                attributes.insert(name.clone(), value);
            }
            octro_cel::Reading::Absent => {
                attributes.insert(name.clone(), serde_json::Value::Null);
            }
            octro_cel::Reading::Unknown(reason) => {
                unknown.insert(name.clone(), reason);
            }
        }
    }
    lenient(new, attributes, unknown)
}

/// Encodes what can be encoded; an attribute that does not fit is unknown.
pub(crate) fn lenient(
    layout: &Layout,
    mut attributes: serde_json::Map<String, serde_json::Value>,
    mut unknown: BTreeMap<String, UnknownReason>,
) -> Record {
    attributes.retain(|name, _| layout.kind().attributes.contains_key(name));
    unknown.retain(|name, _| layout.kind().attributes.contains_key(name));
    for _ in 0..2 {
        match Record::encode(layout, &attributes, &unknown) {
            Ok(record) => return record,
            Err(misfits) => {
                for misfit in misfits {
                    let name = misfit.path.split(['.', '[']).next().unwrap_or_default().to_owned();
                    attributes.remove(&name);
                    let detail = format!("does not fit revision {} of the kind: {misfit}", layout.kind().rev);
                    if layout.kind().attributes.contains_key(&name) {
                        unknown.insert(name, UnknownReason::new(Why::Failed, detail));
                    }
                }
            }
        }
    }
    Record::encode(layout, &serde_json::Map::new(), &BTreeMap::new()).unwrap_or_else(|_| Record::empty(layout))
}
