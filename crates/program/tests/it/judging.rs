//! Judging by a loaded test, and what is said of it.

use std::collections::BTreeMap;

use octro_cel::{NoWorld, Record, Subject};
use octro_model::{Status, Timestamp, UnknownReason, Why};
use octro_program::{Program, explain, judge};
use serde_json::{Map, Value, json};

use crate::sample::{changed, loaded, problems, sample};

const TEST: &str = "tests/host/host.filesystem.encrypted.toml";

fn map(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap()
}

fn status(program: &Program, given: Value, unknown: &BTreeMap<String, UnknownReason>) -> Status {
    let test = &program.tests["host.filesystem.encrypted"];
    let record = Record::encode(program.kinds.get(&test.on).unwrap(), &map(given), unknown).unwrap();
    judge(test, &Subject { record: &record, key: "a:/" }, Timestamp::default(), &NoWorld).status
}

#[test]
fn scope_comes_first() {
    let program = loaded(sample()).program;
    let none = BTreeMap::new();
    assert_eq!(status(&program, json!({"size": 100, "encrypted": true}), &none), Status::Pass);
    assert_eq!(status(&program, json!({"size": 100, "encrypted": false}), &none), Status::Fail);
    assert_eq!(status(&program, json!({"size": 100, "encrypted": null}), &none), Status::Unknown);
    assert_eq!(status(&program, json!({"size": 1, "encrypted": false}), &none), Status::NotApplicable);
    assert_eq!(status(&program, json!({"encrypted": true}), &none), Status::Unknown, "never a pass");
}

#[test]
fn an_explanation_names_what_was_read_and_what_was_not() {
    let program = loaded(sample()).program;
    let test = &program.tests["host.filesystem.encrypted"];
    let layout = program.kinds.get(&test.on).unwrap();
    let explained = |given: Value, unknown: &BTreeMap<String, UnknownReason>| {
        let record = Record::encode(layout, &map(given), unknown).unwrap();
        explain(test, &Subject { record: &record, key: "a:/" }, Timestamp::default(), &NoWorld)
    };
    let fail = explained(json!({"size": 100, "encrypted": false}), &BTreeMap::new());
    assert_eq!(fail.message, "a file system of 100 bytes is not encrypted");
    assert_eq!((fail.scope_facts[0].path.as_str(), fail.facts[0].path.as_str()), ("size", "encrypted"));
    let denied = UnknownReason::new(Why::Denied, "blkid");
    let unknown =
        explained(json!({"size": 100}), &BTreeMap::from([("encrypted".to_owned(), denied.clone())]));
    assert_eq!((unknown.status, unknown.message.as_str()), (Status::Unknown, ""));
    assert_eq!(unknown.unknown, [("encrypted".to_owned(), denied)]);
    let out = explained(json!({"size": 1}), &BTreeMap::new());
    assert_eq!((out.status, out.facts.len(), out.unknown.len()), (Status::NotApplicable, 0, 0));
    let absent = explained(json!({"size": 100, "encrypted": null}), &BTreeMap::new());
    assert_eq!(absent.unknown.first().map(|(path, _)| path.as_str()), Some("encrypted"));
}

#[test]
fn time_flips_at_the_earlier_of_scope_and_condition() {
    let mut files =
        changed(TEST, "pass = \"resource.encrypted\"", "pass = \"now < timestamp('2026-03-01T00:00:00Z')\"");
    let text = String::from_utf8(files[TEST].clone()).unwrap();
    let text = text.replace(
        "resource.size > params.least",
        "resource.encrypted || now < timestamp('2026-02-01T00:00:00Z')",
    );
    let examples = r#"[[examples]]
name = "in time"
given = { encrypted = true }
expect = "pass"
[[examples]]
name = "later"
given = { encrypted = true }
now = "2026-03-01"
expect = "fail"
[[examples]]
name = "later and unknown"
now = 2026-03-01T00:00:00Z
expect = "unknown"
"#;
    let (head, _) = text.split_once("[[examples]]").unwrap();
    files.insert(TEST.to_owned(), format!("{head}{examples}").into_bytes());
    let program = loaded(files).program;
    let test = &program.tests["host.filesystem.encrypted"];
    let record = Record::encode(
        program.kinds.get(&test.on).unwrap(),
        &map(json!({"encrypted": false})),
        &BTreeMap::new(),
    );
    let record = record.unwrap();
    let at = |text: &str| judge(test, &Subject { record: &record, key: "" }, text.parse().unwrap(), &NoWorld);
    let first = at("2026-01-01");
    assert_eq!((first.status, first.flips_at), (Status::Pass, "2026-02-01".parse().unwrap()));
    let second = at("2026-02-01");
    assert_eq!((second.status, second.flips_at), (Status::NotApplicable, Timestamp::MAX));
}

#[test]
fn examples_find_others_by_key_and_by_reference() {
    let pass = "pass = \"key(resource.host).os == 'debian'\"";
    let mut files = changed(TEST, "pass = \"resource.encrypted\"", pass);
    let text = String::from_utf8(files[TEST].clone()).unwrap();
    let (head, _) = text.split_once("[[examples]]").unwrap();
    let examples = r#"[[examples]]
name = "found"
given = { host = "web1", size = 100 }
others = [{ kind = "host", key = "web1", given = { os = "debian" } }]
expect = "pass"
[[examples]]
name = "another"
given = { host = "web1", size = 100 }
others = [{ kind = "host", key = "web1", given = { os = "plan9" } }]
expect = "fail"
[[examples]]
name = "its system is not known"
given = { host = "web1", size = 100 }
others = [{ kind = "host", key = "web1", unknown = { os = "timed_out" } }]
expect = "unknown"
"#;
    files.insert(TEST.to_owned(), format!("{head}{examples}").into_bytes());
    assert_eq!(problems(files), Vec::<String>::new());

    let mut files = sample();
    let test = r#"rev = 1
title = "Hosts have a file system"
why = "x"
severity = "low"
on = "host"
pass = "count(refs('host.filesystem', 'host')) > 0"
message = "none"
max_age = "24h"
fix = { text = "x" }
[[examples]]
name = "one"
others = [{ kind = "host.filesystem", key = "a:/", given = { host = "example" } }]
expect = "pass"
[[examples]]
name = "that of another host"
key = "b"
others = [{ kind = "host.filesystem", key = "a:/", given = { host = "example" } }]
expect = "fail"
[[examples]]
name = "nobody knows whose it is"
others = [{ kind = "host.filesystem", key = "a:/" }]
expect = "unknown"
"#;
    files.insert("tests/host.mounted.toml".into(), test.into());
    assert_eq!(problems(files), Vec::<String>::new());
}
