//! The `file` connector: our own lines, CSV, and what is common to all formats.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what it expects"
)]

mod support;

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

use octro_model::{ManualClock, Span, Why};
use serde_json::{Value, json};
use support::{Seen, refusal, run_until};
use tempfile::TempDir;

/// Runs a source on 4 March 2026. Files that the test has just written are of then, because no file is of the future.
fn run(connector: &str, settings: Value) -> Seen {
    let now = "2026-03-04T00:00:00Z".parse().unwrap();
    run_until(connector, settings, &ManualClock::at(now), now.plus(Span::HOUR))
}

fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

/// Sets when a file was written: this long after 1970.
fn written(path: &Path, seconds: u64) {
    File::options()
        .write(true)
        .open(path)
        .unwrap()
        .set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
        .unwrap();
}

fn laptops(path: &Path, more: &Value) -> Value {
    let mut settings = json!({
        "path": path, "format": "csv", "kind": "device", "key": "Serial", "complete": true,
        "columns": {
            "model": "Model",
            "encrypted": { "column": "Encrypted", "type": "bool", "true": ["on"], "false": ["off"] },
            "owner": { "column": "Owner", "empty": "absent" },
            "disk": { "column": "Disk GB", "type": "int" },
        },
    });
    for (name, value) in more.as_object().unwrap() {
        settings[name] = value.clone();
    }
    settings
}

fn csv(text: &[u8], more: &Value) -> Seen {
    let folder = folder(&[("laptops.csv", text)]);
    run("file", laptops(&folder.path().join("laptops.csv"), more))
}

const HEADER: &str = "Serial,Model,Encrypted,Owner,Disk GB,Notes\n";

#[test]
fn a_table_is_read() {
    let text = format!(
        "\u{feff}{HEADER}C02,\"X1, Gen 9\",ON,ann,512,\r\nC03,T14,,,abc,\"two\nlines\"\nC04,T14,encrypting,bob,256,x\n"
    );
    let folder = folder(&[("laptops.csv", text.as_bytes())]);
    let path = folder.path().join("laptops.csv");
    let at = 1_772_000_000;
    written(&path, at);
    let seen = run("file", laptops(&path, &json!({})));
    assert!(seen.scope("device", "").complete, "{:?}", seen.collection);
    assert_eq!(seen.scope("device", "").resources, 3);
    let first = seen.of("C02");
    assert_eq!(first.effective_at, Some("2026-02-25T06:13:20Z".parse().unwrap()), "as old as the file");
    assert_eq!(
        Value::Object(first.attributes.clone()),
        json!({ "model": "X1, Gen 9", "encrypted": true, "owner": "ann", "disk": 512 })
    );
    let second = seen.of("C03");
    assert_eq!(second.attributes["owner"], Value::Null, "absent, as the settings say");
    assert_eq!(second.unknown["encrypted"].why, Why::NotCollected, "an empty cell says nothing");
    assert_eq!(
        second.unknown["disk"].detail,
        "the column `Disk GB` holds `abc`; expected a whole number of 64 bits"
    );
    assert_eq!(seen.of("C04").unknown["encrypted"].why, Why::Failed, "neither of the words");
    assert!(seen.errors().contains("laptops.csv:3: the column `Disk GB` holds `abc`"), "{}", seen.errors());
    assert!(
        seen.errors()
            .contains("laptops.csv:5: the column `Encrypted` holds `encrypting`; expected on or off"),
        "{}",
        seen.errors()
    );
}

#[test]
fn a_table_that_nobody_vouches_for_is_not_complete() {
    let seen = csv(format!("{HEADER}C02,X1,on,ann,512,\n").as_bytes(), &json!({ "complete": false }));
    assert_eq!(seen.observations.len(), 1);
    assert!(seen.why("device", "").contains("the setting `complete`"));
}

#[test]
fn a_bad_row_is_skipped_counted_and_makes_the_kind_incomplete() {
    for (row, words) in [
        (&b"C03,T14\n"[..], "it has 2 fields; expected 6 as in the header"),
        (b",T14,on,ann,1,\n", "the column `Serial` is empty; expected a part of the key"),
        (b"C02,T14,on,ann,1,\n", "the key `C02` has been there already"),
        (b"C03,T\xff,on,ann,1,\n", "the column `Model` is not UTF-8"),
        (b"C03,\"T14,on,ann,1,\n", "is a quote not closed?"),
    ] {
        let text = [HEADER.as_bytes(), b"C02,X1,on,ann,512,\n", row, b"C09,X1,on,ann,512,\n"].concat();
        let seen = csv(&text, &json!({}));
        let why = seen.why("device", "");
        assert!(why.contains("laptops.csv:3: ") && why.contains(words), "{why}");
        assert_eq!(seen.of("C02").attributes["disk"], 512, "{words}");
    }
}

#[test]
fn a_header_that_does_not_fit_is_explained() {
    let seen = csv(b"Serial,Model,Encrypted,Owner\n1,2,3,4\n", &json!({}));
    assert!(seen.observations.is_empty());
    let why = seen.why("device", "");
    assert!(
        why.contains("there is no column `Disk GB`; expected one of Serial, Model, Encrypted, Owner"),
        "{why}"
    );
    let seen = csv(b"Serial,Serial,Model,Encrypted,Owner,Disk GB\n", &json!({}));
    assert!(seen.why("device", "").contains("`Serial` is there twice"));
    let seen = csv(b"", &json!({}));
    assert!(seen.why("device", "").contains("there is no column"));
}

#[test]
fn an_empty_table_is_an_empty_population_only_if_it_is_complete() {
    let seen = csv(HEADER.as_bytes(), &json!({}));
    assert!(seen.scope("device", "").complete && seen.scope("device", "").resources == 0);
}

#[test]
fn a_column_may_give_the_time_and_several_the_key() {
    let text = "Host;User;Seen\nweb1;ann;1772528400\nweb1;bob;soon\n";
    let more = json!({ "key": ["Host", "User"], "delimiter": ";", "at": { "column": "Seen", "format": "unix" }, "columns": { "host": "Host" } });
    let seen = csv(text.as_bytes(), &more);
    assert_eq!(seen.of("web1:ann").effective_at.unwrap().to_string(), "2026-03-03T09:00:00Z");
    assert!(
        seen.why("device", "")
            .contains("laptops.csv:3: the column `Seen` holds `soon`; expected seconds since 1970")
    );
}

#[test]
fn an_endless_record_is_given_up() {
    let mut text = HEADER.as_bytes().to_vec();
    text.extend(b"C02,X1,on,ann,512,\nC03,\"");
    text.resize(12_000_000, b'x');
    let seen = csv(&text, &json!({}));
    assert_eq!(seen.observations.len(), 1);
    assert!(
        seen.why("device", "").contains("one record is longer than 4194304 bytes"),
        "{}",
        seen.why("device", "")
    );
}

#[test]
fn an_old_file_is_no_enumeration() {
    let folder = folder(&[("laptops.csv", format!("{HEADER}C02,X1,on,ann,512,\n").as_bytes())]);
    let path = folder.path().join("laptops.csv");
    written(&path, 1_700_000_000);
    let seen = run("file", laptops(&path, &json!({})));
    assert!(seen.why("device", "").contains("`max_age` is 7d"), "{}", seen.why("device", ""));
    assert_eq!(seen.observations.len(), 1, "what it says is kept, with its age");
    let seen = run("file", laptops(&path, &json!({ "max_age": "3650d" })));
    assert!(seen.scope("device", "").complete);
}

#[test]
fn a_file_of_the_future_is_of_now() {
    let folder = folder(&[("laptops.csv", format!("{HEADER}C02,X1,on,ann,512,\n").as_bytes())]);
    let path = folder.path().join("laptops.csv");
    written(&path, 4_000_000_000);
    let seen = run("file", laptops(&path, &json!({})));
    assert!(seen.of("C02").effective_at.unwrap() <= seen.collection.finished_at);
}

#[test]
fn what_is_missing_denied_or_too_large_is_said() {
    let seen = run("file", laptops(Path::new("/nowhere/laptops.csv"), &json!({})));
    assert!(seen.why("device", "").contains("/nowhere/laptops.csv: No such file"));
    let seen = run("file", laptops(Path::new("/dev/zero"), &json!({})));
    assert!(seen.why("device", "").contains("it is no regular file"));
    let seen = csv(HEADER.as_bytes(), &json!({ "size_max": 10 }));
    assert!(seen.why("device", "").contains("expected at most 10 (`size_max`)"));
}

#[test]
fn a_folder_is_read_by_name_or_its_newest_file() {
    let rows = |key: &str| format!("{HEADER}{key},X1,on,ann,512,\n");
    let (a, b) = (rows("C02"), rows("C03"));
    let folder =
        folder(&[("a.csv", a.as_bytes()), ("b.csv", b.as_bytes()), ("notes.txt", b"?"), (".c.csv", b"?")]);
    let seen = run("file", laptops(folder.path(), &json!({})));
    assert_eq!(seen.observations.len(), 2);
    assert!(seen.scope("device", "").complete);
    let long_ago = 1_772_000_000;
    written(&folder.path().join("b.csv"), long_ago);
    let seen = run("file", laptops(folder.path(), &json!({ "pick": "newest" })));
    assert_eq!(seen.observations.iter().map(|o| o.key.as_str()).collect::<Vec<_>>(), ["C02"]);
    let empty = tempfile::tempdir().unwrap();
    let seen = run("file", laptops(empty.path(), &json!({})));
    assert!(seen.why("device", "").contains("has no file that ends with .csv or .tsv"));
}

#[test]
fn our_own_lines_say_what_is_complete() {
    let good = br#"{"kind":"a.b","key":"k","attributes":{"x":1}}
{"scope":{"kind":"a.b","complete":true,"resources":1}}"#;
    let folder = folder(&[("a.jsonl", good), ("bad.json", b"{\"kind\":\"a.b\"")]);
    let settings =
        |name: &str| json!({ "path": folder.path().join(name), "format": "observations", "kinds": ["a.b"] });
    let seen = run("file", settings("a.jsonl"));
    assert!(seen.scope("a.b", "").complete);
    assert!(seen.of("k").effective_at.is_some(), "a line without a time is of the file's");
    let seen = run("file", settings("bad.json"));
    assert!(
        seen.why("a.b", "").contains("bad.json:1: it is no JSON: EOF while parsing"),
        "{}",
        seen.why("a.b", "")
    );
    let seen = run("file", settings(""));
    assert!(!seen.scope("a.b", "").complete, "one bad file of a folder");
    assert_eq!(seen.observations.len(), 1);
}

#[test]
fn settings_are_checked() {
    let folder = folder(&[]);
    for (more, words) in [
        (json!({ "path": "laptops.csv" }), "path: `laptops.csv`; expected an absolute path"),
        (json!({ "format": "xlsx" }), "format: `xlsx`; expected observations, csv, ocsf or osquery"),
        (
            json!({ "kinds": ["a"] }),
            "kinds: it is no setting of the format `csv`; expected kind, key, columns, at",
        ),
        (json!({ "format": "ocsf" }), "it is no setting of the format `ocsf`"),
        (json!({ "key": [] }), "key: it is missing or empty"),
        (json!({ "columns": {} }), "columns: it is empty"),
        (
            json!({ "columns": { "a": { "column": "A", "typ": "int" } } }),
            "columns.a.typ: there is no such setting",
        ),
        (
            json!({ "columns": { "a": { "column": "A", "type": "yes" } } }),
            "columns.a.type: `yes`; expected string, int",
        ),
        (json!({ "complete": "yes" }), "complete: it is \"yes\"; expected true or false"),
        (json!({ "delimiter": "||" }), "delimiter: `||`; expected one ASCII character"),
        (json!({ "pick": "last" }), "pick: `last`; expected all or newest"),
        (json!({ "max_age": "20y" }), "max_age: `20y`; expected a length of time from 1s to 3660d"),
        (json!({ "at": { "format": "unix" } }), "at.column: it is missing"),
        (json!({ "glob": "*" }), "glob: there is no such setting"),
    ] {
        let error = refusal("file", laptops(folder.path(), &more));
        assert!(error.contains(words), "{more}: {error}");
    }
}
