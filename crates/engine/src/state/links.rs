//! Which resources name which: a change of one re-evaluates those whose tests look at it, and nothing else.
//!
//! The index keeps what was *ever* named, so that a late observation finds those whose past it changes. What is found
//! through it is looked at again; whether it still names is asked of the record.
#![expect(clippy::indexing_slicing, reason = "slots are handed out by the state and index its own vectors")]

use std::collections::BTreeSet;

use octro_cel::{Link, Record};
use octro_model::{Id, Span, Timestamp};
use octro_program::{Program, Test};

use super::State;
use crate::delta::Delta;

/// How far references are followed; the language allows no longer chains.
const DEPTH_MAX: usize = 3;

/// Who looks at a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Watch {
    /// The kind whose test does.
    pub(crate) kind: u32,
    plan: Vec<Step>,
    /// The shortest `max_age` of the tests that take these steps.
    pub(crate) max_age: Span,
}

/// A step that some test takes from a resource of kind `from` to resources of kind `to`: to those that it names, or
/// back to those that name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Step {
    from: u32,
    to: u32,
    back: bool,
}

impl State {
    /// The steps that a test takes.
    pub(crate) fn steps(&self, test: &Test, program: &Program) -> Vec<Step> {
        let mut steps: Vec<Step> = crate::rule::links(test)
            .filter_map(|link| {
                let (from, to, back) = match link {
                    Link::Key { from_kind, to, .. } => (from_kind.clone(), to.clone(), false),
                    Link::Back { kind, attribute } => {
                        let layout = program.kinds.get(kind)?;
                        let named = layout.kind().attributes.get(attribute.as_str())?.references.clone()?;
                        (named, kind.clone(), true)
                    }
                };
                Some(Step { from: *self.kind_of.get(&from)?, to: *self.kind_of.get(&to)?, back })
            })
            .collect();
        steps.sort_unstable();
        steps.dedup();
        steps
    }

    /// Whether a resource's attribute names `key`.
    pub(crate) fn names(&self, slot: u32, attribute: &str, key: &str) -> bool {
        let resource = &self.resources[slot as usize];
        let kind = &self.kinds[resource.kind as usize];
        match (resource.record(), &kind.layout) {
            (Some(record), Some(layout)) => {
                let mut found = false;
                record.each_text(layout, attribute, &mut |named| found |= named == key.as_bytes());
                found
            }
            _ => false,
        }
    }

    /// Notes what a resource names according to `record`, and what is new of it in `delta`.
    pub(crate) fn link(&mut self, slot: u32, record: &Record, delta: &mut Delta) {
        let kind = &self.kinds[self.resources[slot as usize].kind as usize];
        let Some(layout) = kind.layout.as_ref().filter(|_| !kind.refs.is_empty()) else { return };
        let mut found = Vec::new();
        for (attribute, target) in &kind.refs {
            record.each_text(layout, attribute, &mut |key| {
                found.push((*target, String::from_utf8_lossy(key).into_owned().into_boxed_str()));
            });
        }
        for (target, key) in found {
            if self.link_known(slot, target, &key) {
                delta.links.push((self.kinds[target as usize].id.clone(), key.into(), Self::ord(slot)));
            }
        }
    }

    /// Adds a link; answers whether it is new.
    pub(crate) fn link_known(&mut self, slot: u32, target: u32, key: &str) -> bool {
        let named = &mut self.resources[slot as usize].named;
        if named.iter().any(|(kind, other)| *kind == target && **other == *key) {
            return false;
        }
        named.push((target, key.into()));
        let slots = self.referrers.entry((target, key.into())).or_default();
        if let Err(place) = slots.binary_search(&slot) {
            slots.insert(place, slot);
        }
        true
    }

    /// Notes what every resource of the kinds in `kinds` names: their shape is another one now.
    pub(crate) fn link_all(&mut self, kinds: &[u32], delta: &mut Delta) {
        for kind in kinds {
            if self.kinds[*kind as usize].refs.is_empty() {
                continue;
            }
            for place in 0..self.kinds[*kind as usize].slots.len() {
                let slot = self.kinds[*kind as usize].slots[place];
                let records: Vec<Record> =
                    self.resources[slot as usize].views.iter().map(|view| view.record.clone()).collect();
                for record in records {
                    self.link(slot, &record, delta);
                }
            }
        }
    }

    fn follow(&self, slot: u32, step: Step, forward: bool) -> Vec<u32> {
        let resource = &self.resources[slot as usize];
        let (here, there) = if forward { (step.from, step.to) } else { (step.to, step.from) };
        if resource.kind != here {
            return Vec::new();
        }
        // Forward along a naming, or backward along a naming back, one goes to what is named.
        if forward != step.back {
            let keys = &self.kinds[there as usize].keys;
            let named = resource.named.iter().filter(|(kind, _)| *kind == there);
            named.filter_map(|(_, key)| keys.get(key).copied()).collect()
        } else {
            let by = self
                .referrers
                .get(&(resource.kind, Box::from(&*resource.key)))
                .into_iter()
                .flatten()
                .copied();
            by.filter(|other| self.resources[*other as usize].kind == there).collect()
        }
    }

    fn reach(&self, slot: u32, plan: &[Step], forward: bool, all: &mut BTreeSet<u32>) {
        let mut edge = BTreeSet::from([slot]);
        let mut seen = edge.clone();
        for _ in 0..plan.len().min(DEPTH_MAX) {
            let mut next = BTreeSet::new();
            for near in edge {
                for step in plan {
                    next.extend(
                        self.follow(near, *step, forward).into_iter().filter(|other| seen.insert(*other)),
                    );
                }
            }
            all.extend(&next);
            edge = next;
        }
    }

    /// The resources that the tests on `slot` may look at, now or in the past.
    pub(crate) fn looked_at(&self, slot: u32) -> BTreeSet<u32> {
        let mut all = BTreeSet::new();
        for plan in &self.kinds[self.resources[slot as usize].kind as usize].plans {
            self.reach(slot, plan, true, &mut all);
        }
        all
    }

    /// The resources whose tests may look at `slot`, now or in the past, in the order of their numbers.
    pub(crate) fn lookers(&self, slot: u32) -> Vec<u32> {
        self.lookers_that(slot, |_| true)
    }

    /// The same of those who watch as `chosen` says.
    pub(crate) fn lookers_that(&self, slot: u32, chosen: impl Fn(&Watch) -> bool) -> Vec<u32> {
        let mut all = BTreeSet::new();
        let watched = &self.kinds[self.resources[slot as usize].kind as usize].watched;
        for watch in watched.iter().filter(|watch| chosen(watch)) {
            let mut found = BTreeSet::new();
            self.reach(slot, &watch.plan, false, &mut found);
            all.extend(found.into_iter().filter(|other| self.resources[*other as usize].kind == watch.kind));
        }
        all.into_iter().collect()
    }

    /// The moment from which on a resource can be judged by what is known now. Before it, something that its results
    /// rest on was different, and its history has to be told from the facts.
    pub(crate) fn floor(&self, slot: u32) -> Timestamp {
        let resource = &self.resources[slot as usize];
        let mut floor = resource.changed_at.max(resource.said_at);
        floor = floor.max(self.programs.last().map_or(Timestamp::MIN, |program| program.from_at));
        let table = &self.kinds[resource.kind as usize];
        if table.plans.is_empty() {
            return floor;
        }
        for step in table.plans.iter().flatten() {
            for kind in [step.from, step.to] {
                floor = floor.max(self.kinds[kind as usize].turned_at);
            }
        }
        self.looked_at(slot)
            .into_iter()
            .map(|near| self.resources[near as usize].said_at)
            .fold(floor, Timestamp::max)
    }

    /// Takes over which attributes name others, and how fresh evidence has to be: after the program changed.
    pub(crate) fn adopt_links(&mut self, program: &Program) {
        for kind in 0..self.kinds.len() {
            let least = self.kinds[kind].tests.iter().map(|active| active.rule.max_age).min();
            let refs: Vec<(String, Id)> = self.kinds[kind]
                .layout
                .iter()
                .flat_map(|layout| &layout.kind().attributes)
                .filter_map(|(name, attribute)| Some((name.clone(), attribute.references.clone()?)))
                .collect();
            let refs = refs.into_iter().map(|(name, target)| (name, self.kind(&target))).collect();
            let table = &mut self.kinds[kind];
            table.own_max_age = least.unwrap_or(Span::from_micros(i64::MAX));
            table.max_age_least = table.own_max_age;
            table.refs = refs;
        }
        for rule in program.tests.values() {
            for step in self.steps(rule, program) {
                for kind in [step.from, step.to] {
                    // A neighbour's evidence has to be as fresh as the test asks, so sightings after a gap matter to it.
                    let least = &mut self.kinds[kind as usize].max_age_least;
                    *least = (*least).min(rule.max_age);
                }
            }
        }
        self.adopt_plans(program);
    }

    /// Takes over which kinds' tests look at which. What earlier programs looked at stays: their time may have to be
    /// told anew.
    pub(crate) fn adopt_plans(&mut self, program: &Program) {
        for layout in program.kinds.iter() {
            self.kind(&layout.kind().id);
        }
        for rule in program.tests.values() {
            let plan = self.steps(rule, program);
            let on = self.kind(&rule.on);
            if plan.is_empty() {
                continue;
            }
            for kind in plan.iter().flat_map(|step| [step.from, step.to]) {
                let table = &mut self.kinds[kind as usize];
                match table.watched.iter_mut().find(|watch| watch.kind == on && watch.plan == plan) {
                    Some(known) => known.max_age = known.max_age.min(rule.max_age),
                    None => table.watched.push(Watch { kind: on, plan: plan.clone(), max_age: rule.max_age }),
                }
            }
            let plans = &mut self.kinds[on as usize].plans;
            if !plans.contains(&plan) {
                plans.push(plan);
            }
        }
    }
}
