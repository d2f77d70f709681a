//! `octro check` with scripts of one's own: its exit codes, and that what could not be read never passes.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test says what it expects")]

mod support;

use serde_json::Value;
use support::{Place, Ran};

const WHOLE: &str = r#"{"scope":{"kind":"thing","complete":true}}"#;

/// Checks what a script prints.
fn check(lines: &[&str], args: &[&str]) -> Ran {
    let place = Place::new();
    let script: String = lines.iter().map(|line| format!("echo '{line}'\n")).collect();
    place.settings(&place.source("mine", "1h", &script));
    place.run(&[&["check"], args].concat())
}

fn thing(key: &str, attributes: &str) -> String {
    format!(r#"{{"kind":"thing","key":"{key}","attributes":{{{attributes}}}}}"#)
}

/// The statuses of the results of a test in JSON: of a resource, or of the test as a whole.
fn status(ran: &Ran, test: &str, resource: Option<&str>) -> String {
    let found: Value = serde_json::from_str(&ran.out).unwrap();
    let results = found["results"].as_array().unwrap();
    let result = results.iter().find(|one| one["test"] == test && one["resource"].as_str() == resource);
    result.and_then(|one| one["status"].as_str()).unwrap_or_default().to_owned()
}

#[test]
fn all_pass() {
    let ran = check(&[&thing("a", r#""good":true,"kept":true"#), WHOLE], &["--format", "json"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(status(&ran, "thing.good", Some("a")), "pass");
    assert_eq!(status(&ran, "thing.good", None), "pass");
}

#[test]
fn a_failure_outweighs_what_is_unknown() {
    let ran = check(&[&thing("a", r#""good":false"#), WHOLE], &["--format", "json"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert_eq!(status(&ran, "thing.good", Some("a")), "fail");
    assert_eq!(status(&ran, "thing.kept", Some("a")), "unknown");
}

#[test]
fn a_denied_attribute_is_unknown() {
    let denied = r#"{"kind":"thing","key":"b","attributes":{"kept":true},"unknown":{"good":{"why":"denied","detail":"thing:read"}}}"#;
    let ran = check(&[&thing("a", r#""good":true,"kept":true"#), denied, WHOLE], &["--format", "json"]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert_eq!(status(&ran, "thing.good", Some("b")), "unknown");
    assert_eq!(status(&ran, "thing.good", None), "unknown");
    assert_eq!(status(&ran, "thing.kept", None), "pass");
    assert!(ran.out.contains("thing:read"), "the permission is named: {}", ran.out);
}

#[test]
fn a_partial_page_is_unknown() {
    let partial = r#"{"scope":{"kind":"thing","complete":false,"pages":1,"reason":{"why":"throttled","detail":"page 2"}}}"#;
    let good = thing("a", r#""good":true,"kept":true"#);
    for lines in [&[good.as_str(), partial][..], &[&good], &[&good, WHOLE, "{ not JSON"], &[partial]] {
        let ran = check(lines, &["--format", "json"]);
        assert_eq!(ran.code, Some(3), "{lines:?}: {ran:?}");
        assert_eq!(status(&ran, "thing.good", None), "unknown", "{lines:?}");
    }
}

#[test]
fn a_broken_command_is_unknown() {
    let place = Place::new();
    let script = format!(
        "echo '{}'\necho '{WHOLE}'\necho 'no such region' >&2\nexit 3\n",
        thing("a", r#""good":true"#)
    );
    place.settings(&place.source("mine", "1h", &script));
    let ran = place.run(&["check"]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(ran.err.contains("no such region"), "{ran:?}");
}

#[test]
fn nothing_at_all_is_not_applicable() {
    let ran = check(&[WHOLE], &["--format", "json"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(status(&ran, "thing.good", None), "not_applicable");
}

#[test]
fn what_makes_no_sense_is_said() {
    for args in [&["nonsense"][..], &["--nonsense"], &["--format", "yaml"]] {
        let ran = check(&[WHOLE], args);
        assert_eq!(ran.code, Some(2), "{args:?}: {ran:?}");
        assert!(ran.out.is_empty() && !ran.err.is_empty(), "{args:?}: {ran:?}");
    }
}

#[test]
fn that_nothing_was_judged_is_no_good_news() {
    // A connector of which no source is declared runs as it is without settings; here, no test is about what it yields.
    let ran = check(&[WHOLE], &["host", "--format", "json"]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(ran.out.contains("host.filesystem") && !ran.out.contains("\"pass\": 1"), "{ran:?}");
    let ran = check(&[WHOLE], &["tls"]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.err.contains("[[source]]") && ran.err.contains("endpoints"), "{ran:?}");
}

#[test]
fn one_test_or_source_can_be_named() {
    let lines = [&thing("a", r#""good":true,"kept":false"#), WHOLE];
    assert_eq!(check(&lines, &["thing.good"]).code, Some(0));
    assert_eq!(check(&lines, &["thing.kept"]).code, Some(1));
    assert_eq!(check(&lines, &["mine"]).code, Some(1));
    assert_eq!(check(&lines, &["exec", "thing.good"]).code, Some(0));
}

#[test]
fn a_source_that_is_named_twice_runs_once() {
    let place = Place::new();
    let ran = place.path().join("ran");
    let script = format!("echo run >> '{}'\necho '{WHOLE}'\n", ran.display());
    place.settings(&place.source("mine", "1h", &script));
    assert_eq!(place.run(&["check", "exec", "mine", "mine"]).code, Some(0));
    assert_eq!(std::fs::read_to_string(ran).unwrap(), "run\n");
}

#[test]
fn a_key_cannot_forge_a_row() {
    let place = Place::new();
    let line = thing(r"a\n✓ pass thing.good b\u001b[2K", r#""good":false,"kept":true"#);
    // Not with `echo`: some shells make a line end of `\n`.
    place.settings(&place.source("mine", "1h", &format!("cat <<'END'\n{line}\n{WHOLE}\nEND\n")));
    for format in ["table", "markdown"] {
        let ran = place.run(&["check", "--all", "--format", format]);
        let forged = ran.out.lines().any(|line| line.starts_with("✓ pass thing.good b"));
        assert!(!forged && ran.out.contains("a\u{fffd}✓ pass") && !ran.out.contains('\u{1b}'), "{ran:?}");
    }
}

#[test]
fn every_form_can_be_read() {
    let key = r#"odd, |\"key\""#;
    let lines = [&thing(key, r#""good":false,"kept":true"#), WHOLE];
    let csv = check(&lines, &["--all", "--format", "csv"]).out;
    let rows: Vec<&str> = csv.split_terminator("\r\n").collect();
    assert_eq!(rows[0], "status,test,resource,why");
    assert!(rows.iter().any(|row| row.contains(r#"thing.good,"odd, |""key""""#)), "{csv}");
    let markdown = check(&lines, &["--all", "--format", "markdown"]).out;
    let bars = |line: &str| line.replace("\\|", "").matches('|').count();
    assert!(markdown.lines().all(|line| bars(line) == 5), "{markdown}");
    assert!(markdown.contains(r#"odd, \|"key""#), "{markdown}");
    let json: Value = serde_json::from_str(&check(&lines, &["--format", "json"]).out).unwrap();
    assert_eq!(json["tally"]["fail"], 1, "{json}");
}

#[test]
fn what_a_store_is_declared_to_hold_counts_for_every_source() {
    let place = Place::new();
    let written = place.path().join("of-our-own");
    assert_eq!(place.run(&["init", &written.display().to_string()]).code, Some(0));
    let bucket =
        r#"{"kind":"aws.s3.bucket","key":"arn:aws:s3:::acme-logs","attributes":{"name":"acme-logs"}}"#;
    let whole = r#"{"scope":{"kind":"aws.s3.bucket","complete":true}}"#;
    let source = place.source("mine", "1h", &format!("echo '{bucket}'\necho '{whole}'\n"));
    let settings = place.path().join("declared.toml");
    let text = format!("program = 'of-our-own'\n{}", source.replace("['thing']", "['aws.s3.bucket']"));
    std::fs::write(&settings, text).unwrap();
    let settings = settings.display().to_string();
    let look = || place.run(&["check", "mine", "--all", "--format", "json", "--config", &settings]);
    let (test, key) = ("aws.s3.bucket.classified", Some("arn:aws:s3:::acme-logs"));
    // The source says nothing of a class.
    assert_eq!(status(&look(), test, key), "unknown");
    let file = written.join("data-classes.toml");
    let before = std::fs::read_to_string(&file).unwrap();
    let declare = |class: &str| {
        let stores =
            format!("\n[[stores]]\nclass = \"{class}\"\nkinds = [\"aws.s3.*\"]\nkeys = [\"*-logs\"]\n");
        std::fs::write(&file, format!("{before}{stores}")).unwrap();
    };
    declare("internal");
    let ran = look();
    assert_eq!(status(&ran, test, key), "pass", "{ran:?}");
    assert_eq!(status(&ran, "aws.s3.bucket.customer_key", key), "not_applicable");
    declare("secret");
    let ran = look();
    assert!(ran.err.contains("there is no class `secret`"), "{ran:?}");
}

#[test]
fn a_plan_is_named_behind_its_connector() {
    let plan = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/labs/terraform/plan.json");
    let place = Place::new();
    let settings = place.path().join("builtin.toml");
    std::fs::write(&settings, "").unwrap();
    let settings = settings.display().to_string();
    let check = |more: &[&str]| place.run(&[&["check", "--config", &settings], more].concat());
    let ran = check(&["terraform", plan, "aws.ebs.volume.encrypted"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.out.contains("aws_ebs_volume.clear") && !ran.out.contains("aws_ebs_volume.good"), "{ran:?}");
    let ran = check(&["terraform", "missing.json"]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(format!("{}{}", ran.out, ran.err).contains("missing.json"), "{ran:?}");
    assert!(check(&["terraform"]).err.contains("plan: it is missing"));
}
