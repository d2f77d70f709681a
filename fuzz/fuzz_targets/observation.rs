//! What sources say of a resource: each part of the input is a JSON body of a kind with everything. What is read can be
//! written and read again, and several records together say what the newest of them that knows says.
#![no_main]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use octro_cel::{Kinds, Reading, Record};
use octro_fuzz::{kinds, parts};
use serde_json::{Map, Value, json};

static KINDS: LazyLock<Kinds> = LazyLock::new(kinds);

fuzz_target!(|input: &[u8]| {
    let thing = KINDS.get("thing").expect("a kind");
    let names: Vec<&str> = thing.kind().attributes.keys().map(String::as_str).collect();
    let mut records = Vec::new();
    for (_, body) in parts(input).into_iter().take(4) {
        let record = match Record::parse(thing, &body) {
            Ok(record) => record,
            Err(misfits) => {
                assert!(!misfits.is_empty(), "refused without a reason");
                for misfit in misfits {
                    assert!(!misfit.to_string().is_empty());
                }
                continue;
            }
        };
        let mut attributes = Map::new();
        let mut unknown = BTreeMap::new();
        for name in &names {
            let (name, reading) = ((*name).to_owned(), record.reading(thing, name));
            match reading {
                Reading::Value(value) => drop(attributes.insert(name, value)),
                Reading::Absent => drop(attributes.insert(name, Value::Null)),
                Reading::Unknown(reason) => drop(unknown.insert(name, reason)),
            }
        }
        let again = Record::encode(thing, &attributes, &unknown).expect("what was read can be written");
        same(&record, &again, &names);
        let body = json!({"attributes": attributes, "unknown": unknown}).to_string();
        let again = Record::parse(thing, body.as_bytes()).expect("what was written can be read");
        same(&record, &again, &names);
        for way in
            ["os[].in.tags", "os[].n", "o.in.x", "objects[].s", "lists[]", "tags.a", "[", "o.", "nothing"]
        {
            record.reading(thing, way);
        }
        records.push(record);
    }
    let newest_first: Vec<&Record> = records.iter().collect();
    let merged = Record::merge(thing, &newest_first);
    for name in &names {
        let readings: Vec<Reading> = records.iter().map(|record| record.reading(thing, name)).collect();
        let known = readings.iter().find(|reading| !matches!(reading, Reading::Unknown(_)));
        if let Some(expected) = known.or(readings.first()) {
            assert_eq!(merged.reading(thing, name), *expected, "`{name}` of {} records", records.len());
        }
    }
});

fn same(a: &Record, b: &Record, names: &[&str]) {
    let thing = KINDS.get("thing").expect("a kind");
    for name in names {
        assert_eq!(a.reading(thing, name), b.reading(thing, name), "`{name}`");
    }
}
