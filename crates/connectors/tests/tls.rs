//! The TLS probe against real servers with a known truth, against fakes of what no server of today can play, and against
//! hostile ones: nothing hangs, nothing panics, and nothing that could not be seen is told as fine.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what it expects"
)]
#![expect(clippy::disallowed_methods, reason = "a test measures how long a look takes")]

#[path = "tls/fakes.rs"]
mod fakes;
#[path = "tls/hostile.rs"]
mod hostile;
#[path = "tls/lab.rs"]
mod lab;
mod support;
#[path = "tls/talks.rs"]
mod talks;
#[path = "tls/truth.rs"]
mod truth;

use octro_model::{Clock, Observation, Span, SystemClock};
use serde_json::{Value, json};
use support::Seen;

/// Looks at endpoints, with these settings beside.
fn look(endpoints: &[String], more: Value) -> Seen {
    let mut settings = json!({ "endpoints": endpoints, "plain_port": 1 });
    settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let clock = SystemClock;
    support::run_until("tls", settings, &clock, clock.now().plus(Span::from_secs(120)))
}

/// An endpoint of the lab's name on a local port.
fn local(port: u16) -> String {
    format!("app.lab.test:{port} at=127.0.0.1")
}

/// What was seen on a port.
fn on(seen: &Seen, port: u16) -> &Observation {
    let found = seen.observations.iter().find(|one| one.attributes.get("port") == Some(&json!(port)));
    found.unwrap_or_else(|| panic!("nothing on {port}"))
}

/// The versions from SSL 3 to TLS 1.3: `+` accepted, `-` off, `?` unknown.
fn versions(seen: &Observation) -> String {
    let sign = |name: &str| match seen.attributes.get(name) {
        Some(Value::Bool(true)) => '+',
        Some(Value::Bool(false)) => '-',
        Some(other) => panic!("{name}: {other}"),
        None => '?',
    };
    ["accepts_ssl3", "accepts_tls10", "accepts_tls11", "accepts_tls12", "accepts_tls13"]
        .into_iter()
        .map(sign)
        .collect()
}

/// Why an attribute is unknown.
fn why<'a>(seen: &'a Observation, name: &str) -> &'a str {
    seen.unknown.get(name).map_or("", |reason| reason.why.label())
}

#[test]
fn settings_and_files_are_checked() {
    let refused = |settings: Value| support::refusal("tls", settings);
    assert!(refused(json!({})).contains("at least one endpoint"));
    assert!(refused(json!({ "endpoints": ["a b"] })).contains("expected name="));
    assert!(refused(json!({ "endpoints": ["a", "a:443"] })).contains("twice"));
    assert!(refused(json!({ "endpoints": ["a"], "silent": "fine" })).contains("`unknown` or `closed`"));
    assert!(refused(json!({ "endpoints": ["a"], "connections": 0 })).contains("from 1 to 2000"));
    assert!(refused(json!({ "endpoints": ["a"], "roots": ["root.pem"] })).contains("absolute"));
    assert!(refused(json!({ "endpoint": ["a"] })).contains("no such setting"));

    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("endpoints");
    std::fs::write(&list, "# ours\n127.0.0.1:1\n\na..b\n").unwrap();
    let seen = look(&[], json!({ "files": [list] }));
    assert!(seen.errors().contains("endpoints:4") && seen.observations.is_empty(), "{}", seen.errors());
    assert!(!seen.scope("tls.endpoint", "").complete, "a list that cannot be read is not an empty one");
    std::fs::write(&list, "127.0.0.1:1\n").unwrap();
    let seen = look(&["127.0.0.1:1".to_owned()], json!({ "files": [list] }));
    assert_eq!(seen.observations.len(), 1, "the same on two lists is one");
    let seen = look(&["127.0.0.1:1".to_owned()], json!({ "roots": ["/nowhere/root.pem"] }));
    assert!(seen.observations.is_empty() && seen.errors().contains("/nowhere/root.pem"));
}
