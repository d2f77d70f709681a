//! Runs the examples of a test in a world that holds what the example names and nothing else.

use octro_cel::{Kinds, Layout, Lookup, Reading, Record, Referring, Subject, World};
use octro_model::{Id, Status};
use serde_json::Value;

use crate::judge::explain;
use crate::test::{Example, Test};

/// What an example gave.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct ExampleRun {
    /// The example.
    pub name: String,
    /// What it says the test gives.
    pub expected: Status,
    /// What the test gives.
    pub got: Status,
    /// The message of a failure, or what was unknown.
    pub why: String,
    /// The line of the file.
    pub line: u32,
}

/// Runs every example of a test. A loaded program has none that disagrees.
pub fn run_examples(test: &Test, kinds: &Kinds) -> Vec<ExampleRun> {
    let run = |example: &Example| {
        let gave = run(test, example, kinds);
        let (name, line) = (example.name.clone(), example.line);
        ExampleRun { name, expected: example.expect, got: gave.status, why: gave.why, line }
    };
    test.examples.iter().map(run).collect()
}

/// What the test says of an example's resource.
pub(crate) struct Gave {
    pub(crate) status: Status,
    pub(crate) why: String,
}

pub(crate) fn run(test: &Test, example: &Example, kinds: &Kinds) -> Gave {
    let misfit = |why: String| Gave { status: Status::Unknown, why };
    let Some(layout) = kinds.get(&test.on) else {
        return misfit(format!("there is no kind `{}`", test.on));
    };
    let record = match Record::encode(layout, &example.attributes, &example.unknown) {
        Ok(record) => record,
        Err(misfits) => {
            return misfit(misfits.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "));
        }
    };
    let mut surroundings = Surroundings { kinds, records: Vec::new() };
    for other in &example.others {
        let Some(layout) = kinds.get(&other.kind) else {
            return misfit(format!("there is no kind `{}`", other.kind));
        };
        match Record::encode(layout, &other.attributes, &other.unknown) {
            Ok(record) => surroundings.records.push((&other.kind, other.key.as_str(), record)),
            Err(misfits) => {
                return misfit(misfits.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "));
            }
        }
    }
    surroundings.records.push((&test.on, example.key.as_str(), record.clone()));
    let explained =
        explain(test, &Subject { record: &record, key: &example.key }, example.now, &surroundings);
    let why = match explained.status {
        Status::Fail => explained.message,
        Status::Unknown => {
            let reasons = explained.unknown.iter().map(|(path, reason)| format!("{path}: {reason}"));
            reasons.collect::<Vec<_>>().join(", ")
        }
        Status::Pass | Status::Stale | Status::Excepted | Status::NotApplicable => String::new(),
    };
    Gave { status: explained.status, why }
}

/// The example's resources; whatever is not among them does not exist.
struct Surroundings<'e> {
    kinds: &'e Kinds,
    records: Vec<(&'e Id, &'e str, Record)>,
}

impl World for Surroundings<'_> {
    fn by_key(&self, kind: &Id, key: &str) -> Lookup<'_> {
        let found = self.records.iter().find(|(of, name, _)| *of == kind && *name == key);
        found.map_or(Lookup::Absent, |(_, _, record)| Lookup::Found(record))
    }

    fn referring(&self, kind: &Id, attribute: &str, key: &str) -> Referring<'_> {
        let mut referring = Referring { records: Vec::new(), complete: true };
        let Some(layout) = self.kinds.get(kind) else { return Referring { complete: false, ..referring } };
        for (_, _, record) in self.records.iter().filter(|(of, _, _)| *of == kind) {
            match refers(record, layout, attribute, key) {
                Some(true) => referring.records.push(record),
                Some(false) => {}
                // It may name this resource: nobody knows.
                None => referring.complete = false,
            }
        }
        referring
    }
}

fn refers(record: &Record, layout: &Layout, attribute: &str, key: &str) -> Option<bool> {
    match record.reading(layout, attribute) {
        Reading::Value(Value::String(text)) => Some(text == key),
        Reading::Value(Value::Array(list)) => Some(list.iter().any(|item| item.as_str() == Some(key))),
        Reading::Value(_) | Reading::Absent => Some(false),
        Reading::Unknown(_) => None,
    }
}
