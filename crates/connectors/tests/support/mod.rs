//! Runs one source to its end, as the server does.

use octro_connectors::{ALL, Run, SettingError, Stopped};
use octro_model::{Clock, Collection, Id, Observation, ScopeReport, Timestamp};
use serde_json::Value;

/// What one run brought.
#[derive(Debug)]
pub struct Seen {
    pub observations: Vec<Observation>,
    pub collection: Collection,
}

impl Seen {
    /// The report on a kind and scope.
    pub fn scope(&self, kind: &str, scope: &str) -> &ScopeReport {
        let mut found =
            self.collection.scopes.iter().filter(|report| report.kind == *kind && report.scope == scope);
        let report =
            found.next().unwrap_or_else(|| panic!("no scope {kind} {scope}: {:?}", self.collection.scopes));
        assert!(found.next().is_none(), "{kind} {scope} is told twice");
        report
    }

    /// Why a kind and scope is not complete.
    pub fn why(&self, kind: &str, scope: &str) -> String {
        let report = self.scope(kind, scope);
        assert!(!report.complete, "{report:?}");
        report.reason.as_ref().map(ToString::to_string).unwrap_or_default()
    }

    /// The observation of a key.
    pub fn of(&self, key: &str) -> &Observation {
        self.observations
            .iter()
            .find(|observation| observation.key == key)
            .unwrap_or_else(|| panic!("no {key}"))
    }

    /// All errors as one text.
    pub fn errors(&self) -> String {
        let all = self.collection.errors.iter();
        all.map(|error| format!("{}: {} ({})\n", error.what, error.message, error.mend)).collect()
    }
}

/// Opens a source and runs it once, until `deadline` by `clock`.
pub fn run_until(connector: &str, settings: Value, clock: &dyn Clock, deadline: Timestamp) -> Seen {
    let source = open(connector, settings).unwrap();
    let mut observations = Vec::new();
    let mut deliver = |batch: Vec<Observation>| -> Result<(), Stopped> {
        observations.extend(batch);
        Ok(())
    };
    let id: Id = "test".parse().unwrap();
    let mut run = Run::new(id, source.kinds(), clock, deadline, &mut deliver);
    source.collect(&mut run);
    let collection = run.finish();
    Seen { observations, collection }
}

/// Opens a source.
pub fn open(connector: &str, settings: Value) -> Result<Box<dyn octro_connectors::Source>, SettingError> {
    let found = ALL.iter().find(|known| known.name() == connector).unwrap();
    found.open(settings.as_object().unwrap())
}

/// What is wrong with settings.
pub fn refusal(connector: &str, settings: Value) -> String {
    open(connector, settings).map(|_| ()).unwrap_err().to_string()
}
