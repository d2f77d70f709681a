//! The state: what the engine holds in memory, a function of the inputs so far. It does no I/O; it answers with a
//! [`Delta`] of rows, which live are written to the database, and in a replay compared with it.
#![expect(
    clippy::indexing_slicing,
    reason = "slots are handed out here, never taken back, and index their own vectors"
)]

mod batch;
mod finish;
mod install;
mod judge;
mod links;
mod passing;
mod population;
mod resource;
mod timers;
mod verdict;
mod world;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use octro_cel::Layout;
use octro_model::{Id, Tally, Timestamp};
use octro_program::{Program, Test};

use crate::delta::{Delta, ENDED, InputRow, NONE, Transition};

pub(crate) use batch::{BatchOutcome, Changed, Sorted};
pub(crate) use finish::{Counts, doubt_refused};
pub(crate) use install::{Reread, lenient};
pub(crate) use judge::weigh;
pub(crate) use links::{Step, Watch};
pub(crate) use passing::{Passed, Rest};
pub(crate) use population::Attempt;
pub use population::Population;
pub(crate) use resource::{Resource, View, oldest_seen};
pub(crate) use timers::{Due, Wheel};
pub(crate) use verdict::{combine, control_status};
pub(crate) use world::Current;

/// The next numbers to hand out. All begin at 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counters {
    pub(crate) input: i64,
    pub(crate) observation: i64,
    pub(crate) collection: i64,
    pub(crate) version: i64,
}

/// A test in force, compiled, with the number of its version.
#[derive(Clone)]
pub(crate) struct Active {
    pub(crate) test: u32,
    pub(crate) version: i64,
    pub(crate) rule: Arc<Test>,
    /// The attributes of the resource itself that it reads.
    pub(crate) reads: Vec<String>,
    /// The attributes that it reads of other resources, by kind.
    pub(crate) others: Vec<(Id, Vec<String>)>,
    /// Whether it reads other resources.
    pub(crate) linked: bool,
    /// Whether some exception speaks of it.
    pub(crate) excepted: bool,
}

/// All resources of a kind, and what judges them.
pub(crate) struct KindTable {
    pub(crate) id: Id,
    /// `None` if the program in force does not declare it.
    pub(crate) layout: Option<Arc<Layout>>,
    pub(crate) keys: HashMap<Box<str>, u32>,
    /// Its resources, in the order of their numbers.
    pub(crate) slots: Vec<u32>,
    pub(crate) tests: Vec<Active>,
    /// source -> scope -> the last attempt to enumerate it; a source without scopes has not tried yet.
    pub(crate) enumeration: BTreeMap<u32, BTreeMap<String, Attempt>>,
    /// How its enumeration went on: from when on it was complete, and when the oldest attempt that this rests on ended;
    /// `None` if it was not complete.
    pub(crate) enumerated: Vec<(Timestamp, Option<Timestamp>)>,
    /// When its enumeration last became complete, ceased to be, or was done again after so long that some test may have
    /// found it too old meanwhile. Kept for the program in force; before that program it means nothing.
    pub(crate) turned_at: Timestamp,
    /// Attributes that name other resources, with the kind that they name.
    pub(crate) refs: Vec<(String, u32)>,
    /// The steps of each of its tests that looks at other resources.
    pub(crate) plans: Vec<Vec<Step>>,
    /// Who looks at it.
    pub(crate) watched: Vec<Watch>,
    /// The shortest `max_age` of its own tests.
    pub(crate) own_max_age: octro_model::Span,
    /// The shortest `max_age` of its tests, and of those that reach it from other kinds.
    pub(crate) max_age_least: octro_model::Span,
}

/// What the state keeps of a test, in force or not.
pub(crate) struct TestState {
    pub(crate) id: Id,
    pub(crate) tally: Tally,
    /// Status code and reason, as last told.
    pub(crate) verdict: (u8, String),
    /// The kind that it judges; `None` if it is no longer in force.
    pub(crate) kind: Option<u32>,
}

/// A source.
#[derive(Clone, Debug)]
pub(crate) struct SourceState {
    pub(crate) info: crate::SourceInfo,
    pub(crate) registered_at: Timestamp,
    pub(crate) retired: bool,
}

/// A program version and when it came into force.
#[derive(Clone)]
pub(crate) struct InForce {
    pub(crate) ord: i64,
    pub(crate) from_at: Timestamp,
    pub(crate) program: Arc<Program>,
}

/// See the module.
pub(crate) struct State {
    pub(crate) counters: Counters,
    pub(crate) now: Timestamp,
    /// Observations about moments before this are refused: what they would have to be judged with is gone.
    pub(crate) horizon: Timestamp,
    pub(crate) programs: Vec<InForce>,
    pub(crate) kinds: Vec<KindTable>,
    pub(crate) kind_of: HashMap<Id, u32>,
    pub(crate) resources: Vec<Resource>,
    pub(crate) sources: Vec<SourceState>,
    pub(crate) source_of: HashMap<Id, u32>,
    pub(crate) tests: Vec<TestState>,
    pub(crate) test_of: HashMap<Id, u32>,
    /// (test, hash of its meaning) -> version
    pub(crate) versions: HashMap<(u32, String), i64>,
    pub(crate) controls: BTreeMap<Id, (u8, String)>,
    pub(crate) wheel: Wheel,
    /// (kind, key) that is named -> the resources that ever named it.
    pub(crate) referrers: HashMap<(u32, Box<str>), Vec<u32>>,
    rest: Option<Rest>,
    /// Tests whose verdict may have changed and has to be told before time goes on.
    dirty: Vec<u32>,
    scratch: Vec<u8>,
}

impl State {
    /// Before the first input.
    pub(crate) fn new() -> Self {
        Self {
            counters: Counters { input: 1, observation: 1, collection: 1, version: 1 },
            now: Timestamp::MIN,
            horizon: Timestamp::MIN,
            programs: Vec::new(),
            kinds: Vec::new(),
            kind_of: HashMap::new(),
            resources: Vec::new(),
            sources: Vec::new(),
            source_of: HashMap::new(),
            tests: Vec::new(),
            test_of: HashMap::new(),
            versions: HashMap::new(),
            controls: BTreeMap::new(),
            wheel: Wheel::default(),
            referrers: HashMap::new(),
            rest: None,
            dirty: Vec::new(),
            scratch: Vec::new(),
        }
    }

    /// The program in force.
    pub(crate) fn program(&self) -> Option<&Arc<Program>> {
        self.programs.last().map(|in_force| &in_force.program)
    }

    /// The moment at which something that is told now is received: the clock's, but always later than what was before,
    /// however the clock was set.
    pub(crate) fn receive(&self, clock: Timestamp) -> Timestamp {
        if clock > self.now { clock } else { self.now.plus(octro_model::Span::from_micros(1)) }
    }

    /// The number of a resource in the database.
    pub(crate) const fn ord(slot: u32) -> i64 {
        slot as i64 + 1
    }

    /// The slot of a resource's number.
    pub(crate) fn slot(&self, ord: i64) -> Option<u32> {
        u32::try_from(ord - 1).ok().filter(|slot| (*slot as usize) < self.resources.len())
    }

    fn input(
        &mut self,
        delta: &mut Delta,
        received_at: Timestamp,
        form: i64,
        source: i64,
        collection: i64,
        body: Vec<u8>,
    ) {
        let seq = self.counters.input;
        self.counters.input += 1;
        delta.input = Some(InputRow { seq, received_at, form, source, collection, body });
    }

    fn set_timer(&mut self, slot: u32, at: Timestamp) {
        self.resources[slot as usize].timer_at = at;
        if at < Timestamp::MAX {
            self.wheel.add(at, Due::Resource(slot));
        }
    }

    /// Judges a resource as of `from`, lets its own time pass up to `known`, and tells what changed. `force` also tells
    /// results that stayed the same under a new version of their test.
    fn settle(&mut self, slot: u32, from: Timestamp, known: Timestamp, force: bool, delta: &mut Delta) {
        let mut at = from;
        let mut statuses = std::mem::take(&mut self.scratch);
        // A resource cannot flip more often than its tests have moments; the bound is against mistakes in a rule.
        for _ in 0..10_000 {
            let dues = self.judge_at(slot, at, &mut statuses);
            self.change(slot, at, known, &statuses, force && at == from, delta);
            let next = dues.flips_at.min(dues.stale_at);
            if next > known || next <= at {
                // A rule that claims to flip in the past would be woken for ever.
                let next = if next <= at { Timestamp::MAX } else { next };
                self.wind_resource(slot, dues.flips_at, next, known);
                break;
            }
            at = next;
        }
        self.scratch = statuses;
    }

    /// Tells the difference between what a resource's results are and what they are now.
    fn change(
        &mut self,
        slot: u32,
        from: Timestamp,
        known: Timestamp,
        statuses: &[u8],
        force: bool,
        delta: &mut Delta,
    ) {
        let kind = self.resources[slot as usize].kind as usize;
        let observation = self.resources[slot as usize].evidence();
        for (place, status) in statuses.iter().enumerate() {
            let active = &self.kinds[kind].tests[place];
            let (test, version) = (active.test, active.version);
            let resource = &mut self.resources[slot as usize];
            let old = resource.statuses[place];
            let told_version = resource.versions_differ(place);
            if old == *status && !(force && told_version) {
                continue;
            }
            if *status == ENDED && (old == NONE || old == ENDED) {
                continue;
            }
            resource.statuses[place] = *status;
            resource.changed_at = resource.changed_at.max(from);
            self.transit(
                Transition {
                    test: i64::from(test) + 1,
                    resource: Self::ord(slot),
                    from_at: from,
                    known_at: known,
                    version,
                    observation,
                    status: *status,
                    prev: if old == ENDED { NONE } else { old },
                },
                delta,
            );
        }
        self.resources[slot as usize].versions_told();
    }

    fn transit(&mut self, transition: Transition, delta: &mut Delta) {
        delta.transitions.push(transition);
        self.count(transition.test, transition.known_at, transition.prev, transition.status, delta);
    }

    /// Moves one resource from one count of a test to another.
    pub(crate) fn count(&mut self, test: i64, known: Timestamp, from: u8, to: u8, delta: &mut Delta) {
        let index = (test - 1) as usize;
        let tally = &mut self.tests[index].tally;
        if let Some(status) = octro_model::Status::from_code(from) {
            tally[status] = tally[status].saturating_sub(1);
        }
        if let Some(status) = octro_model::Status::from_code(to) {
            tally[status] += 1;
        }
        delta.tallies.insert((test, known), *tally);
        self.dirty.push(index as u32);
    }

    /// Notes that the verdicts of all tests of a kind have to be looked at.
    fn mark_kind(&mut self, kind: u32) {
        let tests: Vec<u32> = self.kinds[kind as usize].tests.iter().map(|active| active.test).collect();
        self.dirty.extend(tests);
    }
}

impl State {
    /// Notes when a resource has to be looked at next. A timer that is set and comes earlier is kept: it looks again
    /// then, and the wheel holds few timers of each resource however often it changes.
    pub(crate) fn wind_resource(&mut self, slot: u32, flips_at: Timestamp, next: Timestamp, now: Timestamp) {
        let resource = &mut self.resources[slot as usize];
        resource.flips_at = flips_at;
        if resource.timer_at <= now || next < resource.timer_at {
            self.set_timer(slot, next);
        }
    }

    /// Views that were last seen before `limit`, for writing that down; each is named once.
    pub(crate) fn forgotten(&mut self, limit: Timestamp) -> Vec<(i64, i64, Timestamp)> {
        let mut all = Vec::new();
        for (slot, resource) in self.resources.iter_mut().enumerate() {
            for view in
                resource.views.iter_mut().filter(|view| view.seen_at < limit && view.kept_at < view.seen_at)
            {
                view.kept_at = view.seen_at;
                all.push((slot as i64 + 1, i64::from(view.source) + 1, view.seen_at));
            }
        }
        all
    }

    /// The longest time for which any test of any program so far accepts evidence.
    pub(crate) fn max_age_most(&self) -> octro_model::Span {
        let tests = self.programs.iter().flat_map(|program| program.program.tests.values());
        tests.map(|test| test.max_age).max().unwrap_or_default()
    }
}
