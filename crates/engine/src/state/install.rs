//! A new program version comes into force; sources come and go.
#![expect(clippy::indexing_slicing, reason = "slots are handed out by the state and index its own vectors")]

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use octro_cel::{Layout, Record};
use octro_model::{Id, Span, Tally, Timestamp, UnknownReason, Why};
use octro_program::{Program, Test};

use super::{Active, InForce, KindTable, SourceState, State, TestState};
use crate::SourceInfo;
use crate::delta::{Delta, ENDED, NONE, ProgramRow, SourceRow, VerdictRow};
use crate::input::form;

/// Records by the number of the observation that they come from.
pub(crate) type Reread = HashMap<i64, Record>;

impl State {
    /// Puts a program in force. What it changes changes now; the past keeps the rules that it had.
    /// `reread`: by observation, what was seen of the kinds whose shape is another one now, read by the new shape.
    pub(crate) fn install(
        &mut self,
        program: Arc<Program>,
        files: Vec<u8>,
        mut reread: Reread,
        received: Timestamp,
        delta: &mut Delta,
    ) {
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
        let reshaped = self.reshaped(&program);
        self.adopt(&program, Some(delta));
        for kind in &reshaped {
            self.reread(*kind, &mut reread);
        }
        self.carry_results(&before, received, delta);
        self.link_all(&reshaped, delta);
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
            self.kinds[kind as usize].layout = Some(layouts[id].clone());
        }
        for state in &mut self.tests {
            state.kind = None;
        }
        for (id, rule) in &program.tests {
            let kind = self.kind(&rule.on);
            let test = self.test(id, delta.as_deref_mut());
            self.tests[test as usize].kind = Some(kind);
            let version = self.version(test, rule, delta.as_deref_mut());
            let active = active(test, version, rule, program);
            self.kinds[kind as usize].tests.push(active);
        }
        self.adopt_links(program);
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
            slots: Vec::new(),
            tests: Vec::new(),
            enumeration: BTreeMap::new(),
            enumerated: Vec::new(),
            turned_at: Timestamp::MIN,
            refs: Vec::new(),
            plans: Vec::new(),
            watched: Vec::new(),
            own_max_age: Span::from_micros(i64::MAX),
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

    /// The kinds that have another shape in `program`, or are declared in it (again), and have resources.
    pub(crate) fn reshaped(&self, program: &Program) -> Vec<u32> {
        let differs = |table: &KindTable| match (&table.layout, program.kinds.get(&table.id)) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(old), Some(new)) => old.kind() != new.kind(),
        };
        let kinds = self.kinds.iter().enumerate();
        kinds
            .filter(|(_, table)| !table.slots.is_empty() && differs(table))
            .map(|(kind, _)| kind as u32)
            .collect()
    }

    /// What was seen of a kind is read anew by its new shape.
    fn reread(&mut self, kind: u32, reread: &mut Reread) {
        let Some(layout) = self.kinds[kind as usize].layout.clone() else { return };
        for slot in &self.kinds[kind as usize].slots {
            let resource = &mut self.resources[*slot as usize];
            for view in &mut resource.views {
                view.record = reread.remove(&view.observation).unwrap_or_else(|| Record::empty(&layout));
            }
            resource.merge(&layout);
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

    fn version(&mut self, test: u32, rule: &Test, delta: Option<&mut Delta>) -> i64 {
        if let Some(version) = self.versions.get(&(test, rule.hash.clone())) {
            return *version;
        }
        let version = self.counters.version;
        self.counters.version += 1;
        self.versions.insert((test, rule.hash.clone()), version);
        if let Some(delta) = delta {
            let program = self.programs.last().map_or(0, |last| last.ord);
            delta.new_versions.push((
                version,
                i64::from(test) + 1,
                rule.hash.clone(),
                i64::from(rule.rev),
                program,
            ));
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
            let ended: Vec<usize> = (0..old.len())
                .filter(|place| !new.iter().any(|active| active.test == old[*place].test))
                .collect();
            for slot in self.kinds[*kind].slots.clone() {
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
                        self.resources[slot as usize].changed_at = at;
                        self.transit(transition, delta);
                    }
                }
                let resource = &mut self.resources[slot as usize];
                let statuses =
                    from.iter().map(|from| from.map_or(NONE, |(place, _)| resource.statuses[place]));
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
                delta.verdicts.push(VerdictRow {
                    subject: "test",
                    id,
                    from_at: at,
                    status: ENDED,
                    prev,
                    reason,
                });
            }
        }
        let gone: Vec<Id> =
            self.controls.keys().filter(|id| !program.controls.contains_key(*id)).cloned().collect();
        for id in gone {
            if let Some((prev, _)) = self.controls.remove(&id) {
                let reason = "no longer in the program".to_owned();
                delta.verdicts.push(VerdictRow {
                    subject: "control",
                    id,
                    from_at: at,
                    status: ENDED,
                    prev,
                    reason,
                });
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
                self.sources.push(SourceState {
                    info: info.clone(),
                    registered_at: received,
                    retired: false,
                });
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
            self.note_enumerated(kind, at, delta);
        }
    }
}

fn active(test: u32, version: i64, rule: &Arc<Test>, program: &Program) -> Active {
    Active {
        test,
        version,
        reads: crate::rule::own_reads(rule),
        others: crate::rule::other_reads(rule),
        linked: crate::rule::links(rule).next().is_some(),
        excepted: program.exceptions.values().any(|exception| exception.test == rule.id),
        rule: rule.clone(),
    }
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
    Record::encode(layout, &serde_json::Map::new(), &BTreeMap::new())
        .unwrap_or_else(|_| Record::empty(layout))
}
