//! A period: "the third quarter of control X", as known at some moment.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;
use std::sync::Arc;

use octro_model::{Id, Span, Status, Tally, Timestamp};
use octro_program::{Program, Test};
use octro_store::{Row, StoreError};
use serde::Serialize;

use super::sweep::{Enumerations, Step};
use super::{AsOf, Query};
use crate::EngineError;
use crate::state::control_status;

const PROGRAMS: &str = "SELECT ord, installed_at FROM program_versions WHERE installed_at > $1 AND installed_at <= $2 \
     ORDER BY installed_at";
/// Failures of the period, with the moment at which the resource passed again.
const REPAIRS: &str = "SELECT f.resource, f.from_at, (SELECT MIN(p.from_at) FROM results p WHERE p.test = f.test \
       AND p.resource = f.resource AND p.status = 0 AND p.from_at >= f.from_at AND p.known_at <= $4 \
       AND p.superseded_at > $4 AND (p.to_at > p.from_at OR p.closed_at > $4)) \
     FROM results f WHERE f.test = $1 AND f.status = 1 AND f.status <> 0 AND f.to_at > $2 AND f.from_at <= $3 \
     AND f.known_at <= $4 AND f.superseded_at > $4 AND (f.to_at > f.from_at OR f.closed_at > $4) LIMIT 200000";
const NAME: &str = "SELECT kind, key FROM resources WHERE ord = $1";
const POPULATION: &str = "SELECT r.key FROM results x JOIN resources r ON r.ord = x.resource WHERE x.test = $1 \
     AND x.status < 6 AND x.from_at <= $2 AND x.known_at <= $3 AND x.superseded_at > $3 \
     AND (x.to_at > $2 OR x.closed_at > $3)";

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[PROGRAMS, REPAIRS, NAME, POPULATION];

/// How many repairs are listed.
const REPAIRS_MAX: usize = 10_000;

/// A stretch of time in one status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Segment {
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub to: Timestamp,
    /// The status; `None` if it was not in force.
    pub status: Option<Status>,
    /// Why, as it was at its beginning.
    pub reason: String,
}

/// The status of a control or test over the period.
#[derive(Clone, Debug, Serialize)]
pub struct Strip {
    /// `control` or `test`.
    pub subject: &'static str,
    /// Its id.
    pub id: Id,
    /// Its title.
    pub title: String,
    /// The stretches, one behind another, without gaps.
    pub segments: Vec<Segment>,
    /// The share of the time in which it was in force, by status: each from 0 to 1.
    pub shares: Vec<(Status, f64)>,
    /// How often its status changed.
    pub transitions: u64,
}

/// A failure that ended: only a passing evaluation ends one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Repair {
    /// The test.
    pub test: Id,
    /// The resource's kind.
    pub kind: Id,
    /// The resource's key.
    pub key: String,
    /// Since when it failed.
    pub failed_at: Timestamp,
    /// Since when it passes.
    pub repaired_at: Timestamp,
}

/// Which resources there were, in a form that can be compared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PopulationView {
    /// How many.
    pub count: u64,
    /// SHA-256, in hexadecimal, over the sorted lines `kind` TAB `key` LF.
    pub hash: String,
}

/// The longest time without a complete enumeration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// The kind.
    pub kind: Id,
    /// The source.
    pub source: Id,
    /// When it was last enumerated before, or when the period begins.
    pub from: Timestamp,
    /// When it was enumerated again, or when the period ends.
    pub to: Timestamp,
}

impl Gap {
    /// Its length.
    pub const fn length(&self) -> Span {
        self.to.since(self.from)
    }
}

/// See the module.
#[derive(Clone, Debug, Serialize)]
pub struct Period {
    /// `control` or `test`.
    pub subject: &'static str,
    /// Its id.
    pub id: Id,
    /// Its title.
    pub title: String,
    /// The beginning.
    pub from: Timestamp,
    /// The end.
    pub to: Timestamp,
    /// As known at this moment.
    pub known_at: Timestamp,
    /// The subject's strip first, then, for a control, one for each of its tests.
    pub strips: Vec<Strip>,
    /// The failures that ended in the period, the latest first (10,000 at most; the mean is over all).
    pub repairs: Vec<Repair>,
    /// How long repairs took on average; `None` if there were none.
    pub mean_time_to_repair: Option<Span>,
    /// Failures that were open at the end.
    pub open_failures: u64,
    /// How many resources were in each status at the beginning, all tests added up.
    pub tally_from: Tally,
    /// The same at the end.
    pub tally_to: Tally,
    /// The resources judged at the beginning.
    pub population_from: PopulationView,
    /// The resources judged at the end.
    pub population_to: PopulationView,
    /// The longest time without a complete enumeration; `None` if no source yields its kinds.
    pub largest_gap: Option<Gap>,
}

impl Period {
    /// The subject's own strip.
    pub fn strip(&self) -> Option<&Strip> {
        self.strips.first()
    }
}

/// A failure and its end, before its resource's name is looked up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mended {
    pub(super) resource: i64,
    pub(super) failed_at: Timestamp,
    pub(super) repaired_at: Timestamp,
}

/// A program version over a stretch of time.
type InForce = (Timestamp, Arc<Program>);

impl Query {
    /// A control or test over (`from`, `to`], as known at `known_at`.
    ///
    /// # Errors
    /// If there is no such control or test at the end of the period, or the database fails.
    pub async fn period(
        &self,
        subject: &str,
        id: &str,
        from: Timestamp,
        to: Timestamp,
        known_at: Timestamp,
    ) -> Result<Period, EngineError> {
        let to = to.max(from);
        let end = self.program(AsOf { at: to, known_at }).await?.program;
        let programs = self.programs_between(from, to, known_at).await?;
        let (subject, title, tests) = subject_of(&end, subject, id)?;
        let ords = self.test_ords().await?;
        let mut period = Period {
            subject,
            id: title.0,
            title: title.1,
            from,
            to,
            known_at,
            strips: Vec::new(),
            repairs: Vec::new(),
            mean_time_to_repair: None,
            open_failures: 0,
            tally_from: Tally::default(),
            tally_to: Tally::default(),
            population_from: PopulationView::default(),
            population_to: PopulationView::default(),
            largest_gap: None,
        };
        let mut kinds: BTreeMap<Id, (i64, Enumerations)> = BTreeMap::new();
        let mut stepped: BTreeMap<Id, Vec<Step>> = BTreeMap::new();
        let mut mended: Vec<(Id, Mended)> = Vec::new();
        for test in &tests {
            let ord = ords.get(&test.id).copied().unwrap_or_default();
            if !kinds.contains_key(&test.on) {
                let enumerations = self.enumerations(&test.on, from, to, known_at).await?;
                kinds.insert(test.on.clone(), (ord, enumerations));
            }
            let Some((_, enumerations)) = kinds.get(&test.on) else { continue };
            let (steps, first, last) = self.sweep((ord, test), enumerations, from, to, known_at).await?;
            add(&mut period.tally_from, &first);
            add(&mut period.tally_to, &last);
            stepped.insert(test.id.clone(), steps);
            mended.extend(
                self.mended(ord, from, to, known_at).await?.into_iter().map(|one| (test.id.clone(), one)),
            );
        }
        period.open_failures = period.tally_to.fail;
        let strips = tests.iter().filter_map(|test| {
            let steps = in_force(
                &programs,
                stepped.get(&test.id)?,
                |program| program.tests.contains_key(&test.id),
                to,
            );
            Some(strip("test", &test.id, &test.title, &steps, to))
        });
        if subject == "control" {
            period.strips.push(strip(
                "control",
                &period.id,
                &period.title,
                &control_steps(&programs, id, &stepped, to),
                to,
            ));
        }
        period.strips.extend(strips);
        self.tell_repairs(&mut period, mended).await?;
        period.population_from = self.population_at(&kinds, AsOf { at: from, known_at }).await?;
        period.population_to = self.population_at(&kinds, AsOf { at: to, known_at }).await?;
        period.largest_gap =
            kinds.iter().filter_map(|(kind, (_, all))| gap(kind, all, from, to)).max_by_key(Gap::length);
        Ok(period)
    }

    /// The programs that were in force, the one of the beginning first.
    async fn programs_between(
        &self,
        from: Timestamp,
        to: Timestamp,
        known_at: Timestamp,
    ) -> Result<Vec<InForce>, EngineError> {
        let mut programs = vec![(from, self.program(AsOf { at: from, known_at }).await?.program)];
        for row in self.db.fetch(PROGRAMS, &[from.into(), to.min(known_at).into()]).await? {
            programs.push((row.get(1)?, self.program_version(row.get(0)?).await?));
        }
        Ok(programs)
    }

    /// The failures of a test that ended in (`from`, `to`], each once.
    pub(super) async fn mended(
        &self,
        test: i64,
        from: Timestamp,
        to: Timestamp,
        known_at: Timestamp,
    ) -> Result<Vec<Mended>, EngineError> {
        let rows = self.db.fetch(REPAIRS, &[test.into(), from.into(), to.into(), known_at.into()]).await?;
        // A failure that was excepted or unknown for a while has several rows, and one end.
        let mut first: HashMap<(i64, Timestamp), Timestamp> = HashMap::new();
        for row in &rows {
            let Some(repaired) = row.get::<Option<i64>>(2)?.map(Timestamp::from_micros) else { continue };
            if repaired > from && repaired <= to {
                let failed_at: Timestamp = row.get(1)?;
                let known = first.entry((row.get(0)?, repaired)).or_insert(failed_at);
                *known = (*known).min(failed_at);
            }
        }
        let mut all: Vec<Mended> = first
            .into_iter()
            .map(|((resource, repaired_at), failed_at)| Mended { resource, failed_at, repaired_at })
            .collect();
        all.sort_by_key(|one| (std::cmp::Reverse(one.repaired_at), one.resource));
        Ok(all)
    }

    async fn tell_repairs(
        &self,
        period: &mut Period,
        mut mended: Vec<(Id, Mended)>,
    ) -> Result<(), EngineError> {
        period.mean_time_to_repair = mean(mended.iter().map(|(_, one)| one));
        mended.sort_by_key(|(test, one)| (std::cmp::Reverse(one.repaired_at), one.resource, test.clone()));
        let mut names: HashMap<i64, (Id, String)> = HashMap::new();
        for (test, one) in mended.into_iter().take(REPAIRS_MAX) {
            if !names.contains_key(&one.resource)
                && let Some(row) = self.db.fetch_one(NAME, &[one.resource.into()]).await?
            {
                names.insert(one.resource, (row.get(0)?, row.get(1)?));
            }
            let Some((kind, key)) = names.get(&one.resource).cloned() else { continue };
            let Mended { failed_at, repaired_at, .. } = one;
            period.repairs.push(Repair { test, kind, key, failed_at, repaired_at });
        }
        Ok(())
    }

    /// Which resources were judged; of each kind, those of one of its tests: all tests of a kind judge all of it.
    async fn population_at(
        &self,
        kinds: &BTreeMap<Id, (i64, Enumerations)>,
        as_of: AsOf,
    ) -> Result<PopulationView, EngineError> {
        use sha2::Digest as _;
        let mut count = 0;
        let mut digest = sha2::Sha256::new();
        for (kind, (ord, _)) in kinds {
            let rows =
                self.db.fetch(POPULATION, &[(*ord).into(), as_of.at.into(), as_of.known_at.into()]).await?;
            let key = |row: &Row| row.get::<String>(0);
            let mut keys = rows.iter().map(key).collect::<Result<Vec<String>, StoreError>>()?;
            keys.sort_unstable();
            count += keys.len() as u64;
            for key in keys {
                digest.update(kind.as_bytes());
                digest.update(b"\t");
                digest.update(key.as_bytes());
                digest.update(b"\n");
            }
        }
        let mut hash = String::with_capacity(64);
        for byte in digest.finalize() {
            let _ = write!(hash, "{byte:02x}");
        }
        Ok(PopulationView { count, hash })
    }
}

/// A control or test: what it is, its id and title, and the tests that it rests on.
type Subject = (&'static str, (Id, String), Vec<Arc<Test>>);

/// The subject's name and the tests that it rests on.
fn subject_of(program: &Program, subject: &str, id: &str) -> Result<Subject, EngineError> {
    let missing = |what| EngineError::NotFound { what, name: id.to_owned() };
    if subject == "control" {
        let control = program.controls.get(id).ok_or_else(|| missing("control"))?;
        let tests = control.tests.iter().filter_map(|id| program.tests.get(id)).cloned().collect();
        Ok(("control", (control.id.clone(), control.title.clone()), tests))
    } else {
        let test = program.tests.get(id).ok_or_else(|| missing("test"))?;
        Ok(("test", (test.id.clone(), test.title.clone()), vec![test.clone()]))
    }
}

pub(super) fn add(sum: &mut Tally, other: &Tally) {
    for (status, count) in other.parts() {
        sum[status] += count;
    }
}

/// How long repairs took on average.
pub(super) fn mean<'a>(repairs: impl Iterator<Item = &'a Mended>) -> Option<Span> {
    let (mut sum, mut count) = (0_i128, 0_i128);
    for one in repairs {
        sum += i128::from(one.repaired_at.since(one.failed_at).micros());
        count += 1;
    }
    (count > 0).then(|| Span::from_micros(i64::try_from(sum / count.max(1)).unwrap_or(i64::MAX)))
}

/// A status, or none, from some moment on.
type Stage = (Timestamp, Option<Status>, String);

/// Steps, with none wherever the subject was not in force.
fn in_force(
    programs: &[InForce],
    steps: &[Step],
    is: impl Fn(&Program) -> bool,
    to: Timestamp,
) -> Vec<Stage> {
    let mut moments: BTreeSet<Timestamp> = programs.iter().map(|(at, _)| *at).collect();
    moments.extend(steps.iter().map(|(at, ..)| *at));
    let mut stages = Vec::new();
    for at in moments.into_iter().filter(|at| *at <= to) {
        let there =
            programs.iter().rev().find(|(since, _)| *since <= at).is_some_and(|(_, program)| is(program));
        let step = steps.iter().rev().find(|(since, ..)| *since <= at);
        match step.filter(|_| there) {
            Some((_, status, reason)) => stages.push((at, Some(*status), reason.clone())),
            None => stages.push((at, None, String::new())),
        }
    }
    stages
}

/// The status of a control from those of its tests, under the program in force at each moment.
fn control_steps(
    programs: &[InForce],
    id: &str,
    stepped: &BTreeMap<Id, Vec<Step>>,
    to: Timestamp,
) -> Vec<Stage> {
    let mut moments: BTreeSet<Timestamp> = programs.iter().map(|(at, _)| *at).collect();
    moments.extend(stepped.values().flatten().map(|(at, ..)| *at));
    let mut stages = Vec::new();
    for at in moments.into_iter().filter(|at| *at <= to) {
        let program = programs.iter().rev().find(|(since, _)| *since <= at).map(|(_, program)| program);
        let Some((program, control)) = program.and_then(|program| Some((program, program.controls.get(id)?)))
        else {
            stages.push((at, None, String::new()));
            continue;
        };
        let tests = control.tests.iter().filter_map(|id| {
            let (_, status, reason) = stepped.get(id)?.iter().rev().find(|(since, ..)| *since <= at)?;
            Some((id, program.tests.get(id)?.severity, *status, reason.as_str()))
        });
        let (status, reason) = control_status(control, tests);
        stages.push((at, Some(status), reason));
    }
    stages
}

fn strip(subject: &'static str, id: &Id, title: &str, stages: &[Stage], to: Timestamp) -> Strip {
    let mut segments: Vec<Segment> = Vec::new();
    for (at, status, reason) in stages {
        match segments.last_mut() {
            Some(last) if last.status == *status => {}
            last => {
                if let Some(last) = last {
                    last.to = *at;
                }
                segments.push(Segment { from: *at, to, status: *status, reason: reason.clone() });
            }
        }
    }
    let length = |segment: &Segment| segment.to.since(segment.from).micros().max(0);
    let all: i64 = segments.iter().filter(|segment| segment.status.is_some()).map(length).sum();
    let share = |status: Status| {
        let of: i64 = segments.iter().filter(|segment| segment.status == Some(status)).map(length).sum();
        (status, if all > 0 { of as f64 / all as f64 } else { 0.0 })
    };
    Strip {
        subject,
        id: id.clone(),
        title: title.to_owned(),
        shares: Status::ALL.iter().map(|status| share(*status)).collect(),
        transitions: segments.len().saturating_sub(1) as u64,
        segments,
    }
}

/// The longest stretch within the period in which some source of `kind` did not enumerate it completely.
fn gap(kind: &Id, enumerations: &Enumerations, from: Timestamp, to: Timestamp) -> Option<Gap> {
    let before = enumerations.before(kind);
    let complete = enumerations.complete();
    let sources: BTreeSet<&String> = before.keys().chain(complete.keys()).collect();
    let mut longest: Option<Gap> = None;
    for source in sources {
        let Ok(id) = source.parse::<Id>() else { continue };
        let mut last = before.get(source).copied().flatten().unwrap_or(from);
        let moments = complete.get(source).into_iter().flatten().copied();
        for at in moments.chain([to]) {
            let one = Gap { kind: kind.clone(), source: id.clone(), from: last, to: at };
            if longest.as_ref().is_none_or(|longest| one.length() > longest.length()) {
                longest = Some(one);
            }
            last = at;
        }
    }
    longest
}
