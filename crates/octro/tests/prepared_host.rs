//! `octro check host` on a machine that was prepared, in mounts and a network of its own: it reports what was prepared.
//! Needs root, as whoever prepares a machine does.

use std::process::Command;

use serde_json::Value;

#[test]
fn what_was_prepared_is_reported() {
    let dir = tempfile::tempdir().unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/prepared_host.sh");
    let out = Command::new("unshare")
        .args(["--mount", "--net", "sh", script, env!("CARGO_BIN_EXE_octro")])
        .arg(dir.path())
        .output()
        .unwrap();
    let talk = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(1), "something fails, so the exit code is 1: {talk}");
    let found: Value = serde_json::from_slice(&out.stdout).unwrap_or_else(|error| panic!("{error}: {talk}"));
    let result = |test: &str, ending: &str| -> (String, String) {
        let all = found["results"].as_array().unwrap();
        let one = all.iter().find(|one| {
            one["test"] == test && one["resource"].as_str().is_some_and(|resource| resource.ends_with(ending))
        });
        let one = one.unwrap_or_else(|| panic!("no result of {test} for {ending}"));
        (one["status"].as_str().unwrap().to_owned(), one["reason"].as_str().unwrap().to_owned())
    };
    let status = |test: &str, ending: &str| result(test, ending).0;

    let place = |name: &str| format!(":{}", dir.path().join(name).display());
    let (clear, why) = result("host.filesystem.encrypted", &place("clear"));
    assert_eq!(clear, "fail");
    assert!(why.contains("/dev/loop"), "the reason names the device: {why}");
    if !talk.contains("no device mapper") {
        assert_eq!(status("host.filesystem.encrypted", &place("luks")), "pass");
    }

    assert_eq!(status("host.user.password_set", ":octro-open"), "fail");
    assert_eq!(status("host.user.root_only_superuser", ":octro-open"), "pass");

    // A packet gets in only if both firewalls let it.
    assert_eq!(status("host.firewall.default_drop", ":ipv4"), "pass");
    assert_eq!(status("host.listener.not_exposed", ":tcp:0.0.0.0:8443"), "fail");
    assert_eq!(status("host.listener.not_exposed", ":tcp:0.0.0.0:9000"), "pass");
    assert_eq!(status("host.listener.not_exposed", ":tcp:0.0.0.0:5555"), "pass");
}
