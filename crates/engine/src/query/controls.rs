//! Controls and tests, with their status at a moment.

use octro_model::{Id, Layer, Severity, Status, Tally, Timestamp};
use octro_program::{Control, Program, Test};
use serde::Serialize;

use super::{AsOf, Query, asof};
use crate::EngineError;
use crate::state::{Population, combine, control_status};

/// A test at a moment.
#[derive(Clone, Debug, Serialize)]
pub struct TestView {
    /// Its id.
    pub id: Id,
    /// Its revision.
    pub rev: u32,
    /// Its title.
    pub title: String,
    /// How much a failure matters.
    pub severity: Severity,
    /// The kind that it judges.
    pub on: Id,
    /// The part of the program that its kind belongs to.
    pub part: String,
    /// Its status.
    pub status: Status,
    /// Why, in a sentence.
    pub reason: String,
    /// How many resources are in each status.
    pub tally: Tally,
    /// Whether all of them are known.
    pub population: Population,
    /// The controls that it measures.
    pub controls: Vec<Id>,
}

/// A control at a moment.
#[derive(Clone, Debug, Serialize)]
pub struct ControlView {
    /// Its id.
    pub id: Id,
    /// Its title.
    pub title: String,
    /// The part of the program.
    pub part: String,
    /// The role that owns it.
    pub owner: String,
    /// Where it works.
    pub layer: Layer,
    /// Its status.
    pub status: Status,
    /// Why: the heaviest of its tests.
    pub reason: String,
    /// The counts of its tests, added up.
    pub tally: Tally,
    /// Its tests.
    pub tests: Vec<TestView>,
    /// When the oldest enumeration that it rests on was made; `None` if something was never enumerated.
    pub evidence_at: Option<Timestamp>,
}

impl Query {
    /// All tests.
    ///
    /// # Errors
    /// If there is no program yet, or the database fails.
    pub async fn tests(&self, as_of: AsOf) -> Result<Vec<TestView>, EngineError> {
        let program = self.program(as_of).await?.program;
        self.test_views(&program, as_of).await
    }

    async fn test_views(&self, program: &Program, as_of: AsOf) -> Result<Vec<TestView>, EngineError> {
        let tallies = self.tallies(as_of).await?;
        let attempts = self.attempts(as_of).await?;
        let view = |test: &Test| {
            let tally = tallies.get(&test.id).copied().unwrap_or_default();
            test_view(program, test, tally, asof::population(&attempts, &test.on, test.max_age, as_of.at))
        };
        Ok(program.tests.values().map(|test| view(test)).collect())
    }

    /// One test.
    ///
    /// # Errors
    /// If there is no such test in force at that moment, or the database fails.
    pub async fn test(&self, id: &str, as_of: AsOf) -> Result<TestView, EngineError> {
        let program = self.program(as_of).await?.program;
        let test = program
            .tests
            .get(id)
            .ok_or_else(|| EngineError::NotFound { what: "test", name: id.to_owned() })?;
        let tally = match self.test_ord(id).await? {
            Some(ord) => self.tally_of(ord, as_of).await?,
            None => Tally::default(),
        };
        let attempts = self.attempts(as_of).await?;
        Ok(test_view(&program, test, tally, asof::population(&attempts, &test.on, test.max_age, as_of.at)))
    }

    /// All controls.
    ///
    /// # Errors
    /// If there is no program yet, or the database fails.
    pub async fn controls(&self, as_of: AsOf) -> Result<Vec<ControlView>, EngineError> {
        let program = self.program(as_of).await?.program;
        let tests = self.test_views(&program, as_of).await?;
        let view = |control: &Control| {
            let of: Vec<TestView> = control
                .tests
                .iter()
                .filter_map(|id| tests.iter().find(|test| test.id == *id))
                .cloned()
                .collect();
            control_view(control, of)
        };
        Ok(program.controls.values().map(view).collect())
    }

    /// One control: only its own tests are asked for.
    ///
    /// # Errors
    /// If there is no such control in force at that moment, or the database fails.
    pub async fn control(&self, id: &str, as_of: AsOf) -> Result<ControlView, EngineError> {
        let program = self.program(as_of).await?.program;
        let control = program
            .controls
            .get(id)
            .ok_or_else(|| EngineError::NotFound { what: "control", name: id.to_owned() })?;
        let attempts = self.attempts(as_of).await?;
        let mut tests = Vec::with_capacity(control.tests.len());
        for test in control.tests.iter().filter_map(|id| program.tests.get(id)) {
            let tally = match self.test_ord(&test.id).await? {
                Some(ord) => self.tally_of(ord, as_of).await?,
                None => Tally::default(),
            };
            let population = asof::population(&attempts, &test.on, test.max_age, as_of.at);
            tests.push(test_view(&program, test, tally, population));
        }
        Ok(control_view(control, tests))
    }
}

fn test_view(program: &Program, test: &Test, tally: Tally, population: Population) -> TestView {
    let (status, reason) = combine(&tally, &population, &test.on);
    let part = program.kinds.get(&test.on).map(|layout| layout.kind().part.clone()).unwrap_or_default();
    TestView {
        id: test.id.clone(),
        rev: test.rev,
        title: test.title.clone(),
        severity: test.severity,
        on: test.on.clone(),
        part,
        status,
        reason,
        tally,
        population,
        controls: program
            .controls
            .values()
            .filter(|control| control.tests.contains(&test.id))
            .map(|control| control.id.clone())
            .collect(),
    }
}

fn control_view(control: &Control, tests: Vec<TestView>) -> ControlView {
    let (status, reason) = control_status(
        control,
        tests.iter().map(|test| (&test.id, test.severity, test.status, test.reason.as_str())),
    );
    let mut sum = Tally::default();
    for test in &tests {
        for (status, count) in test.tally.parts() {
            sum[status] += count;
        }
    }
    let evidence_at = tests
        .iter()
        .map(|test| match &test.population {
            Population::Complete { at } | Population::Stale { at } => Some(*at),
            Population::NoSource | Population::Incomplete { .. } => None,
        })
        .collect::<Option<Vec<_>>>()
        .and_then(|all| all.into_iter().min());
    ControlView {
        id: control.id.clone(),
        title: control.title.clone(),
        part: control.part.to_string(),
        owner: control.owner.to_string(),
        layer: control.layer,
        status,
        reason,
        tally: sum,
        tests,
        evidence_at,
    }
}
