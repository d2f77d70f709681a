//! A program judging what is observed now, once, without a database: `octro check`.

use std::collections::BTreeMap;
use std::sync::Arc;

use octro_model::{Clock, Collection, CollectionError, Id, Observation, Status, Tally, Timestamp};
use octro_program::Program;

use crate::delta::Delta;
use crate::input::Item;
use crate::state::{BatchOutcome, Counts, Reread, State, doubt_refused};
use crate::{EngineError, SourceInfo};

/// See the module.
pub struct Once {
    state: State,
    clock: Arc<dyn Clock>,
    program: Arc<Program>,
    refused: Vec<(Id, CollectionError)>,
    counts: Counts,
}

/// One result.
#[derive(Clone, Debug, serde::Serialize)]
pub struct OnceResult {
    /// The test.
    pub test: Id,
    /// The resource's kind.
    pub kind: Id,
    /// The resource's key; `None` for the test as a whole, over its population.
    pub resource: Option<String>,
    /// The status.
    pub status: Status,
    /// Why, in a sentence.
    pub reason: String,
}

impl Once {
    /// A program in force and a source that is declared.
    pub fn new(program: Arc<Program>, clock: Arc<dyn Clock>) -> Self {
        let mut state = State::new();
        let at = state.receive(clock.now());
        state.install(program.clone(), Vec::new(), Reread::new(), at, &mut Delta::default());
        Self { state, clock, program, refused: Vec::new(), counts: Counts::default() }
    }

    /// Says that there is this source.
    pub fn declare(&mut self, info: SourceInfo) {
        let at = self.state.receive(self.clock.now());
        self.state.declare(info, at, &mut Delta::default());
    }

    /// Takes observations.
    ///
    /// # Errors
    /// If the source was not declared.
    pub fn observe(&mut self, source: &Id, observations: Vec<Observation>) -> Result<(), EngineError> {
        let source = self.source(source)?;
        let mut items = Vec::with_capacity(observations.len());
        for observation in observations {
            let kind = observation.kind.clone();
            match Item::new(observation) {
                Ok(item) => items.push(item),
                Err(error) => self.refused.push((kind, error)),
            }
        }
        let mut whole = BatchOutcome::default();
        let mut first = None;
        while let Some(rest) = items.get(whole.taken..).filter(|rest| !rest.is_empty()) {
            let at = self.state.receive(self.clock.now());
            let came = *first.get_or_insert(at);
            let (sorted, outcome) = self.state.sort(source, rest, came);
            whole.add(outcome);
            self.state.batch(source, 1, sorted, at, &mut Delta::default());
        }
        self.counts.changed += whole.changed;
        self.counts.unchanged += whole.unchanged;
        for (kind, errors) in whole.refused {
            self.refused.extend(errors.into_iter().map(|error| (kind.clone(), error)));
        }
        Ok(())
    }

    /// Takes the report of the run.
    ///
    /// # Errors
    /// If the source was not declared.
    pub fn finish(&mut self, mut report: Collection) -> Result<(), EngineError> {
        let source = self.source(&report.source)?;
        let mut refused: BTreeMap<&Id, u64> = BTreeMap::new();
        for (kind, _) in &self.refused {
            *refused.entry(kind).or_default() += 1;
        }
        doubt_refused(&mut report, refused);
        let at = self.state.receive(self.clock.now());
        self.state.finish(source, 1, &report, self.counts, at, &mut Delta::default());
        Ok(())
    }

    /// What was refused, and why.
    pub fn refused(&self) -> impl Iterator<Item = &CollectionError> {
        self.refused.iter().map(|(_, error)| error)
    }

    /// The kind and key of every resource that was observed.
    pub fn resources(&self) -> impl Iterator<Item = (&Id, &str)> {
        self.state
            .resources
            .iter()
            .filter_map(|one| Some((&self.state.kinds.get(one.kind as usize)?.id, one.key.as_ref())))
    }

    /// The results: for each test of a kind that some source yields, that of each resource, then that of the whole.
    pub fn results(&self) -> Vec<OnceResult> {
        let mut results = Vec::new();
        let now = self.state.now;
        for (index, table) in self.state.kinds.iter().enumerate() {
            if table.enumeration.is_empty() {
                continue;
            }
            for (place, active) in table.tests.iter().enumerate() {
                for resource in self.state.resources.iter().filter(|one| one.kind as usize == index) {
                    let status = resource.statuses.get(place).and_then(|code| Status::from_code(*code));
                    let (Some(status), Some(record)) = (status, resource.record()) else { continue };
                    results.push(OnceResult {
                        test: active.rule.id.clone(),
                        kind: table.id.clone(),
                        resource: Some(resource.key.to_string()),
                        status,
                        reason: self.reason(&active.rule, record, &resource.key, status, now),
                    });
                }
                let tally = self.tally(&active.rule.id);
                let population = self.state.population(index as u32, active.rule.max_age, now);
                let (status, reason) = crate::state::combine(&tally, &population, &table.id);
                let (test, kind) = (active.rule.id.clone(), table.id.clone());
                results.push(OnceResult { test, kind, resource: None, status, reason });
            }
        }
        results.sort_by(|a, b| {
            (&a.test, a.resource.is_none(), &a.resource).cmp(&(&b.test, b.resource.is_none(), &b.resource))
        });
        results
    }

    /// How many results of resources have a status, without telling each.
    pub fn count(&self, status: Status) -> u64 {
        self.state.tests.iter().map(|test| test.tally[status]).sum()
    }

    fn reason(
        &self,
        test: &octro_program::Test,
        record: &octro_cel::Record,
        key: &str,
        status: Status,
        now: Timestamp,
    ) -> String {
        let world = crate::state::Current::new(&self.state, &[]);
        let subject = octro_cel::Subject { record, key };
        let explained = octro_program::explain(test, &subject, now, &world);
        crate::query::sentence(status, &explained)
    }

    fn tally(&self, test: &Id) -> Tally {
        self.state
            .test_of
            .get(test)
            .and_then(|test| self.state.tests.get(*test as usize))
            .map(|test| test.tally)
            .unwrap_or_default()
    }

    /// The program that judges.
    pub const fn program(&self) -> &Arc<Program> {
        &self.program
    }

    fn source(&self, id: &Id) -> Result<u32, EngineError> {
        self.state.source_of.get(id).copied().ok_or_else(|| EngineError::NoSource(id.clone()))
    }
}
