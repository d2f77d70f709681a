//! The `file` connector on what other tools write: Prowler's OCSF report and osquery's results.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use octro_model::{ManualClock, Span, Why};
use serde_json::{Value, json};
use support::{Seen, refusal, run_until};

/// Runs a source on 4 March 2026. Files that the test has just written are of then, because no file is of the future.
fn run(connector: &str, settings: Value) -> Seen {
    let now = "2026-03-04T00:00:00Z".parse().unwrap();
    run_until(connector, settings, &ManualClock::at(now), now.plus(Span::HOUR))
}

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

fn ocsf(path: &Path, is_complete: bool) -> Seen {
    let settings = json!({ "path": path, "format": "ocsf", "complete": is_complete });
    run("file", settings)
}

fn ocsf_text(text: &str) -> Seen {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.ocsf.json");
    fs::write(&path, text).unwrap();
    ocsf(&path, true)
}

#[test]
fn a_prowler_report_is_read() {
    let seen = ocsf(&data("prowler.ocsf.json"), true);
    assert_eq!(seen.observations.len(), 8, "{}", seen.errors());
    assert_eq!(seen.errors(), "");
    assert!(seen.scope("ocsf.finding", "111122223333").complete);
    assert_eq!(seen.scope("ocsf.finding", "111122223333").resources, 5);
    assert_eq!(seen.scope("ocsf.finding", "444455556666").resources, 3);

    let key = "prowler-aws-s3_bucket_secure_transport_policy-111122223333-eu-central-1-example-invoices";
    let found = seen.of(key);
    assert_eq!(found.scope, "111122223333");
    assert_eq!(found.effective_at.unwrap().to_string(), "2026-03-03T09:00:00Z");
    let attributes = Value::Object(found.attributes.clone());
    for (name, value) in [
        ("product", json!("Prowler")),
        ("product_version", json!("5.19.0")),
        ("check", json!("s3_bucket_secure_transport_policy")),
        ("status", json!("fail")),
        ("muted", json!(false)),
        ("severity", json!("medium")),
        ("resource", json!("arn:aws:s3:::example-invoices")),
        ("resource_type", json!("AwsS3Bucket")),
        ("resources", json!(1)),
        ("region", json!("eu-central-1")),
        ("account", json!("111122223333")),
        ("provider", json!("aws")),
        ("service", json!("s3")),
        ("namespace", Value::Null),
        ("found_at", json!("2026-03-03T09:00:00Z")),
        ("remediation", json!("Add a bucket policy that denies requests without TLS.")),
    ] {
        assert_eq!(attributes[name], value, "{name}");
    }

    let muted = seen.observations.iter().find(|o| o.attributes["muted"] == true).unwrap();
    assert_eq!(muted.attributes["status"], "fail", "muting in the tool is no exception in the program");
    let manual = seen.observations.iter().find(|o| o.unknown.contains_key("status")).unwrap();
    assert_eq!(manual.unknown["status"].why, Why::NotCollected);
    assert!(!manual.attributes.contains_key("status"));

    // Two policies of one name at different users: neither finding hides the other.
    let admin = "prowler-aws-iam_inline_policy_no_administrative_privileges-444455556666-eu-central-1-admin";
    assert_eq!(seen.of(admin).attributes["status"], "fail");
    assert_eq!(seen.of(&format!("{admin}#2")).attributes["status"], "pass");
}

#[test]
fn nobody_but_the_operator_vouches_for_a_report() {
    let seen = ocsf(&data("prowler.ocsf.json"), false);
    assert!(seen.why("ocsf.finding", "444455556666").contains("the setting `complete` does not vouch"));
}

#[test]
fn what_was_seen_long_ago_is_no_enumeration_however_new_the_file_is() {
    let text = fs::read_to_string(data("prowler.ocsf.json")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("copy.json");
    fs::write(&path, text.replace("1772528400", "1672528400")).unwrap();
    let settings = json!({ "path": path, "format": "ocsf", "complete": true });
    let seen = run("file", settings);
    assert!(seen.why("ocsf.finding", "111122223333").contains("`max_age` is 7d"));
    assert!(seen.scope("ocsf.finding", "444455556666").complete);

    let path = folder.path().join("copy.log");
    let text = fs::read_to_string(data("osquery.results.log")).unwrap();
    fs::write(&path, text.replace("1772528400", "1672528400")).unwrap();
    let seen = run("file", osquery(&path));
    assert_eq!(
        seen.scope("disk", "laptop-1").resources,
        2,
        "the later of two by their times, not by their lines"
    );
    assert!(seen.scope("disk", "laptop-1").complete);
    let why = seen.why("disk", "laptop-2");
    assert!(why.contains("the last snapshot is 1158 d") && why.contains("`max_age` is 7d"), "{why}");
}

#[test]
fn a_report_that_breaks_off_is_not_complete() {
    let text = fs::read_to_string(data("prowler.ocsf.json")).unwrap();
    let cut = text.rfind("\"class_name\"").unwrap();
    let seen = ocsf_text(&text[..cut]);
    assert_eq!(seen.observations.len(), 7, "what stands before the end is kept");
    for account in ["111122223333", "444455556666"] {
        assert!(seen.why("ocsf.finding", account).contains("EOF while parsing"), "{account}");
    }
}

#[test]
fn a_bad_finding_is_skipped() {
    let good = r#"{"class_uid":2003,"finding_info":{"uid":"a"},"compliance":{"status_id":1},"cloud":{"account":{"uid":"1"}}}"#;
    let seen = ocsf_text(&format!("[{good},\n{{\"class_uid\":2004}},\n3,\n{good}]"));
    assert_eq!(seen.observations.len(), 2);
    let why = seen.why("ocsf.finding", "1");
    assert!(why.contains("report.ocsf.json: record 2 (line 2): `finding_info.uid` is missing"), "{why}");
    assert!(seen.errors().contains("record 3 (line 3): it is no JSON object"));
}

#[test]
fn findings_may_stand_on_lines() {
    let line =
        |uid: &str| format!(r#"{{"class_uid":2004,"finding_info":{{"uid":"{uid}"}},"status_code":"PASS"}}"#);
    let seen = ocsf_text(&format!("{}\n{}\nnot json\n", line("a"), line("b")));
    assert_eq!(seen.observations.len(), 2);
    assert!(seen.why("ocsf.finding", "").contains("line 3: it is no JSON"));
}

#[test]
fn a_report_of_nothing_names_no_account() {
    assert!(!ocsf_text("[]").scope("ocsf.finding", "").complete);
    assert!(ocsf_text(" ").why("ocsf.finding", "").contains("it is empty; expected a JSON array"));
    let deep = ocsf_text(&format!("[{}", "[".repeat(1_000)));
    assert!(deep.why("ocsf.finding", "").contains("recursion limit"), "{}", deep.why("ocsf.finding", ""));
    let endless = ocsf_text(&format!("[{{\"a\":\"{}", "x".repeat(5 << 20)));
    assert!(endless.why("ocsf.finding", "").contains("one record is longer than"));
}

fn osquery(path: &Path) -> Value {
    json!({
        "path": path, "format": "osquery",
        "queries": {
            "pack_security_disk_encryption": {
                "kind": "disk", "key": "name", "complete": true,
                "columns": {
                    "host": "@host",
                    "encrypted": { "column": "encrypted", "type": "bool" },
                    "cipher": { "column": "type", "empty": "absent" },
                },
            },
            "users": {
                "kind": "user", "key": ["username"],
                "columns": { "shell": "shell", "uid": { "column": "uid", "type": "int" } },
            },
        },
    })
}

#[test]
fn the_last_snapshot_of_each_host_counts() {
    let seen = run("file", osquery(&data("osquery.results.log")));
    let disks: Vec<_> =
        seen.observations.iter().filter(|o| o.kind == "disk").map(|o| o.key.as_str()).collect();
    assert_eq!(disks, ["laptop-1:/dev/sda2", "laptop-2:/dev/vda"]);
    assert!(seen.scope("disk", "laptop-1").complete && seen.scope("disk", "laptop-2").complete);
    assert_eq!(seen.scope("disk", "laptop-1").resources, 1);
    let disk = seen.of("laptop-2:/dev/vda");
    assert_eq!(
        Value::Object(disk.attributes.clone()),
        json!({ "host": "laptop-2", "encrypted": false, "cipher": null })
    );
    assert_eq!(disk.effective_at.unwrap().to_string(), "2026-03-03T09:00:00Z");
}

#[test]
fn differential_results_tell_what_came_and_went() {
    let seen = run("file", osquery(&data("osquery.results.log")));
    let users: Vec<_> = seen
        .observations
        .iter()
        .filter(|o| o.kind == "user")
        .map(|o| (o.key.as_str(), o.gone, o.attributes.get("shell").and_then(Value::as_str)))
        .collect();
    assert_eq!(
        users,
        [
            ("laptop-1:ann", false, Some("/bin/bash")),
            ("laptop-1:old", false, Some("/bin/sh")),
            ("laptop-1:ann", false, Some("/bin/zsh")),
            ("laptop-2:bob", false, Some("/bin/sh")),
            ("laptop-1:old", true, None),
        ],
        "a row that changed is removed and added, and not gone"
    );
    assert!(seen.why("user", "laptop-1").contains("differential results tell what changed"));
    assert_eq!(seen.errors(), "");
}

#[test]
fn the_array_of_osqueryi_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("users.json");
    fs::write(&path, "[\n  {\"username\":\"ann\",\"shell\":\"/bin/bash\",\"uid\":\"1000\"},\n  {\"username\":\"\",\"uid\":\"x\"}\n]\n").unwrap();
    let mut settings = osquery(&path);
    settings["host"] = json!("web1");
    settings["queries"]["users"]["complete"] = json!(true);
    let seen = run("file", settings.clone());
    assert_eq!(seen.of("web1:ann").attributes["uid"], 1000);
    assert!(seen.why("user", "web1").contains("users.json: row 2: the column `username` is empty"));
    assert!(!seen.scope("disk", "").complete, "another query's kind was not enumerated");

    fs::write(&path, "[]").unwrap();
    assert!(run("file", settings.clone()).scope("user", "web1").complete, "no rows are an answer");

    let other = folder.path().join("other.json");
    fs::write(&other, "[]").unwrap();
    settings["path"] = json!(other);
    assert!(run("file", settings).why("user", "").contains("no query is called `other`"));
}

#[test]
fn lines_that_are_no_results_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("results.log");
    fs::write(&path, "{\"name\":\"users\",\"unixTime\":1,\"action\":\"added\",\"columns\":{\"username\":\"a\"}}\n{\"x\":1}\n{\"name\":\"users\",\"hostIdentifier\":\"h\",\"unixTime\":1,\"action\":\"changed\"}\n").unwrap();
    let seen = run("file", osquery(&path));
    let errors = seen.errors();
    assert!(errors.contains("line 1: `hostIdentifier` is missing"), "{errors}");
    assert!(errors.contains("line 2: it is no result of a query"), "{errors}");
    assert!(
        errors.contains("line 3: `action` is `changed`; expected added, removed or snapshot"),
        "{errors}"
    );
}

#[test]
fn settings_are_checked() {
    for (queries, words) in [
        (json!({}), "queries: it is empty"),
        (json!({ "q": { "kind": "a", "columns": { "x": "y" } } }), "queries.q.key: it is missing"),
        (json!({ "q": { "kind": "a", "key": "k" } }), "queries.q.columns: it is missing"),
        (
            json!({ "q": { "kind": "a", "key": "k", "column": {} } }),
            "queries.q.column: there is no such setting",
        ),
        (json!("q"), "queries: it is \"q\"; expected a table"),
    ] {
        let error = refusal("file", json!({ "path": "/x", "format": "osquery", "queries": queries }));
        assert!(error.contains(words), "{error}");
    }
}
