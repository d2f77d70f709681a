//! The `exec` connector with real commands.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what it expects"
)]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use octro_model::{Clock, Span, SystemClock, Why};
use serde_json::{Value, json};
use support::{Seen, refusal, run_until};
use tempfile::TempDir;

const OBSERVATION: &str = r#"{"kind":"a.b","key":"one","attributes":{"x":true}}"#;
const COMPLETE: &str = r#"{"scope":{"kind":"a.b","complete":true}}"#;

fn run(connector: &str, settings: Value) -> Seen {
    let clock = SystemClock;
    run_until(connector, settings, &clock, clock.now().plus(Span::from_secs(60)))
}

/// Writes a script into a folder of its own.
fn script(text: &str) -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("source.sh");
    fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (folder, path)
}

fn settings(path: &str) -> Value {
    // Through the shell, because a file that was just written may not be executed while another test forks.
    json!({ "command": ["/bin/sh", path], "kinds": ["a.b"] })
}

fn run_script(text: &str) -> Seen {
    let (_folder, path) = script(text);
    run("exec", settings(&path))
}

fn run_with(text: &str, more: &Value) -> Seen {
    let (_folder, path) = script(text);
    let mut settings = settings(&path);
    for (name, value) in more.as_object().unwrap() {
        settings[name] = value.clone();
    }
    run("exec", settings)
}

fn say(lines: &[&str]) -> String {
    format!("cat <<'END'\n{}\nEND\n", lines.join("\n"))
}

#[test]
fn a_complete_run_is_complete() {
    let seen = run_script(&say(&[OBSERVATION, "", &OBSERVATION.replace("one", "two"), COMPLETE]));
    assert_eq!(seen.observations.len(), 2);
    let scope = seen.scope("a.b", "");
    assert!(scope.complete && scope.reason.is_none());
    assert_eq!(scope.resources, 2);
    assert_eq!(seen.errors(), "");
}

#[test]
fn the_last_line_may_lack_its_end() {
    let seen = run_script(&format!("printf '%s\\n%s' '{OBSERVATION}' '{COMPLETE}'"));
    assert!(seen.scope("a.b", "").complete);
}

#[test]
fn without_a_scope_line_nothing_is_complete() {
    let seen = run_script(&say(&[OBSERVATION]));
    assert_eq!(seen.observations.len(), 1);
    assert!(seen.why("a.b", "").contains("nothing says that this scope was enumerated"));
    let seen = run_script("true");
    assert!(seen.why("a.b", "").contains("nothing says that this kind was enumerated"));
}

#[test]
fn an_empty_population_is_one_only_if_it_is_said() {
    let seen = run_script(&say(&[COMPLETE]));
    let scope = seen.scope("a.b", "");
    assert!(scope.complete && scope.resources == 0);
}

#[test]
fn a_partial_page_is_not_complete() {
    let seen = run_script(&say(&[
        r#"{"kind":"a.b","key":"1","scope":"eu","attributes":{}}"#,
        r#"{"scope":{"kind":"a.b","scope":"eu","complete":false,"pages":1,"reason":{"why":"throttled","detail":"page 2"}}}"#,
        r#"{"kind":"a.b","key":"2","scope":"us","attributes":{}}"#,
        r#"{"scope":{"kind":"a.b","scope":"us","complete":true,"pages":1}}"#,
        r#"{"kind":"a.b","key":"3","scope":"ap","attributes":{}}"#,
    ]));
    assert_eq!(seen.why("a.b", "eu"), "throttled: page 2");
    assert!(seen.scope("a.b", "us").complete);
    assert!(seen.why("a.b", "ap").contains("nothing says"));
}

#[test]
fn a_count_that_does_not_agree_is_not_complete() {
    let seen = run_script(&say(&[OBSERVATION, r#"{"scope":{"kind":"a.b","complete":true,"resources":3}}"#]));
    assert!(seen.why("a.b", "").contains("said to have 3 resources; 1 were read"));
}

#[test]
fn a_denied_attribute_is_unknown_and_the_kind_complete() {
    let denied = r#"{"kind":"a.b","key":"k","attributes":{"y":null},"unknown":{"x":{"why":"denied","detail":"s3:GetBucketPolicy"}}}"#;
    let error = r#"{"error":{"what":"policies","message":"denied","mend":"grant it"}}"#;
    let seen = run_script(&say(&[denied, error, COMPLETE]));
    let reason = &seen.of("k").unknown["x"];
    assert_eq!((reason.why, reason.detail.as_str()), (Why::Denied, "s3:GetBucketPolicy"));
    assert!(seen.scope("a.b", "").complete);
    assert_eq!(seen.errors(), "policies: denied (grant it)\n");
}

#[test]
fn an_exit_code_other_than_zero_takes_completeness_away() {
    let text = say(&[OBSERVATION, COMPLETE]) + "printf 'first\\n\\033[31mno token\\033[0m\\n' >&2; exit 1";
    let seen = run_script(&text);
    assert_eq!(seen.observations.len(), 1, "what was seen is kept");
    let why = seen.why("a.b", "");
    assert!(why.contains("it ended with code 1; it last said: first | [31mno token"), "{why}");
    assert!(seen.errors().contains("run the command by hand"));
    let seen = run_script(&(say(&[OBSERVATION, COMPLETE]) + "kill -SEGV $$"));
    assert!(seen.why("a.b", "").contains("signal 11 ended it"));
}

fn is_alive(pid: &str) -> bool {
    // A process that is over and not yet waited for by init shows no command line.
    fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| !line.is_empty())
}

fn wait_until_gone(pid: &str) -> bool {
    (0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        !is_alive(pid)
    })
}

fn pid(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap().trim().to_owned()
}

#[test]
fn a_time_out_leaves_no_process_behind() {
    let (folder, path) = script(&format!(
        "cd \"$(dirname \"$0\")\"\n{}sleep 300 & echo $! >child\nsetsid sh -c 'echo $$ >stray; exec sleep 300' &\nwait",
        say(&[OBSERVATION, COMPLETE])
    ));
    let mut settings = settings(&path);
    settings["command_timeout"] = json!("1s");
    let seen = run("exec", settings);
    assert_eq!(seen.observations.len(), 1);
    let why = seen.why("a.b", "");
    assert!(why.contains("timed out: it did not end in 1 s and was stopped"), "{why}");
    for name in ["child", "stray"] {
        let pid = pid(folder.path(), name);
        assert!(wait_until_gone(&pid), "{name} {pid} is alive");
    }
}

#[test]
fn a_process_in_the_background_is_ended_with_the_command() {
    let (folder, path) = script(&format!(
        "cd \"$(dirname \"$0\")\"\nsleep 300 & echo $! >child\n{}",
        say(&[OBSERVATION, COMPLETE])
    ));
    let clock = SystemClock;
    let began = clock.now();
    let seen = run("exec", settings(&path));
    assert!(clock.now().since(began) < Span::from_secs(10), "its open output is not waited for");
    assert!(seen.scope("a.b", "").complete, "the command itself ended well");
    assert!(wait_until_gone(&pid(folder.path(), "child")));
}

#[test]
fn a_run_that_is_over_ends_the_command() {
    let (folder, path) = script(&format!(
        "cd \"$(dirname \"$0\")\"\necho $$ >self\n{}exec sleep 300",
        say(&[OBSERVATION, COMPLETE])
    ));
    let clock = SystemClock;
    let seen = run_until("exec", settings(&path), &clock, clock.now().plus(Span::from_secs(1)));
    assert!(!seen.scope("a.b", "").complete);
    assert!(wait_until_gone(&pid(folder.path(), "self")));
}

#[test]
fn a_flood_is_stopped() {
    let line = OBSERVATION.replace("true", "false");
    let text = say(&[OBSERVATION, COMPLETE]) + &format!("yes '{line}'");
    let seen = run_with(&text, &json!({ "output_max": "300 kB" }));
    assert!(seen.observations.len() > 1);
    assert!(seen.why("a.b", "").contains("it printed more than 300000 bytes"));
}

#[test]
fn standard_error_may_be_as_long_as_it_likes() {
    let text = "i=0; while [ $i -lt 3000 ]; do echo \"warning $i: a rather long line of complaint\" >&2; i=$((i+1)); done\n"
        .to_owned()
        + &say(&[OBSERVATION, COMPLETE]);
    let seen = run_script(&text);
    assert!(seen.scope("a.b", "").complete);
    let seen = run_script(&(text + "exit 3"));
    assert!(seen.why("a.b", "").contains("warning 2999"));
}

#[test]
fn garbage_is_named_by_its_line_and_the_rest_is_kept() {
    let seen = run_script(&say(&[OBSERVATION, "oops", &OBSERVATION.replace("one", "two"), COMPLETE]));
    assert_eq!(seen.observations.len(), 2);
    let why = seen.why("a.b", "");
    assert!(
        why.contains("line 2: it is no JSON: expected value at column 1; expected an observation"),
        "{why}"
    );
    let seen = run_script(&say(&[COMPLETE, r#"{"kind":"c.d","key":"k"}"#]));
    assert!(
        seen.why("a.b", "").contains("the kind `c.d` is not in the setting `kinds`; expected one of a.b")
    );
}

#[test]
fn many_bad_lines_are_counted() {
    let seen = run_script(&(say(&[COMPLETE]) + "yes nonsense | head -n 5000"));
    assert!(seen.errors().contains("5000 were skipped; the first 20 are explained"), "{}", seen.errors());
    assert!(seen.collection.errors.len() < 30);
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    let seen = run_script(&(say(&[COMPLETE]) + r#"printf '{"kind":"a.b","key":"\377"}\n'"#));
    assert!(seen.observations.is_empty());
    assert!(seen.why("a.b", "").contains("line 2: it is not UTF-8"));
}

#[test]
fn a_huge_line_is_refused_and_costs_no_memory() {
    let text = say(&[OBSERVATION]) + "head -c 20000000 /dev/zero | tr '\\0' x; echo\n" + &say(&[COMPLETE]);
    let seen = run_script(&text);
    assert_eq!(seen.observations.len(), 1);
    assert!(seen.why("a.b", "").contains("line 2: the line is too long"));
}

#[test]
fn one_kind_of_two_may_be_incomplete() {
    let text = say(&[
        OBSERVATION,
        COMPLETE,
        r#"{"scope":{"kind":"c.d","complete":true}}"#,
        r#"{"kind":"c.d","key":3}"#,
    ]);
    let seen = run_with(&text, &json!({ "kinds": ["a.b", "c.d"] }));
    assert!(seen.scope("a.b", "").complete);
    assert!(seen.why("c.d", "").contains("line 4: invalid type: integer `3`"), "{}", seen.why("c.d", ""));
}

#[test]
fn the_environment_is_empty_but_for_what_is_set() {
    let text = "env | cut -d= -f1 | sort | tr '\\n' ' ' >\"$(dirname \"$0\")/names\"; echo \"$TOKEN $(pwd)\" >&2; exit 1";
    let (folder, path) = script(text);
    let mut settings = settings(&path);
    settings["env"] = json!({ "TOKEN": "t 1" });
    settings["dir"] = json!("/usr");
    let seen = run("exec", settings);
    assert!(seen.why("a.b", "").contains("it last said: t 1 /usr"), "{}", seen.why("a.b", ""));
    let names = fs::read_to_string(folder.path().join("names")).unwrap();
    for name in names.split_whitespace() {
        assert!(
            ["PATH", "LANG", "HOME", "TOKEN", "PWD", "OCTRO_RUN", "OLDPWD", "SHLVL", "_"].contains(&name),
            "{name}"
        );
    }
}

#[test]
fn limits_are_set() {
    // The limits are set right after the start; the sleep lets that happen.
    let text = "sleep 0.2; echo $(ulimit -v) $(ulimit -n) $(ulimit -c) $(ulimit -t) >&2; exit 1";
    let seen = run_with(text, &json!({ "memory_max": "512 MiB", "command_timeout": "9s" }));
    let cores = std::thread::available_parallelism().unwrap().get();
    let expected = format!("it last said: 524288 1024 0 {}", 10 * cores);
    assert!(seen.why("a.b", "").ends_with(&expected), "{}", seen.why("a.b", ""));
}

#[test]
fn a_command_that_cannot_be_started_is_said() {
    let seen = run("exec", json!({ "command": ["/nowhere/tool"], "kinds": ["a.b"] }));
    assert!(seen.why("a.b", "").contains("failed: it could not be run: No such file"));
    assert!(seen.errors().starts_with("/nowhere/tool: "));
    let seen = run("exec", json!({ "command": ["/etc/passwd"], "kinds": ["a.b"] }));
    assert!(seen.why("a.b", "").contains("denied: it could not be run: Permission denied"));
}

#[test]
fn the_script_of_the_documentation_works() {
    let page = include_str!("../../../docs/connect-anything.md");
    let script = page.split("```python\n").nth(1).unwrap().split("```").next().unwrap();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("list-cron.py"), script).unwrap();
    let jobs = folder.path().join("cron.d");
    fs::create_dir(&jobs).unwrap();
    fs::write(jobs.join("app"), "# a comment\nSHELL=/bin/sh\n1 2 * * * root /bin/sh -c x\n@daily ann tidy\n")
        .unwrap();
    let settings = json!({
        "command": ["python3", folder.path().join("list-cron.py"), jobs],
        "kinds": ["host.cron_job"],
    });
    let seen = run("exec", settings.clone());
    assert_eq!(seen.errors(), "");
    assert!(seen.scope("host.cron_job", "").complete);
    assert_eq!(seen.observations.len(), 2);
    assert_eq!(seen.observations[0].attributes["changeable"], false);
    assert_eq!(seen.observations[1].unknown["changeable"].why, Why::Unsupported);
    fs::write(jobs.join("bad"), "1 2 3\n").unwrap();
    assert!(run("exec", settings.clone()).why("host.cron_job", "").contains("bad:1: expected 7 fields"));
    fs::remove_dir_all(jobs).unwrap();
    assert!(run("exec", settings).why("host.cron_job", "").contains("FileNotFoundError"));
}

#[test]
fn settings_are_checked() {
    let good = json!({ "command": ["/bin/true"], "kinds": ["a.b"] });
    for (name, value, words) in [
        ("command", json!("ls -l"), "command: it is one text; expected a program and its arguments"),
        ("command", json!([]), "command: it is missing or empty"),
        ("command", json!([""]), "its first entry is empty"),
        ("command", json!(["a\u{0}b"]), "a list of texts"),
        ("kinds", json!(["a b"]), "`a b` cannot be a name"),
        ("kinds", json!([]), "kinds: it is missing"),
        ("command_timeout", json!("2h"), "a length of time from 1s to 1h"),
        ("output_max", json!("lots"), "output_max: it is \"lots\""),
        ("output_max", json!(0), "a number of bytes"),
        ("env", json!({ "A=B": "c" }), "`A=B` cannot be a name"),
        ("env", json!({ "A": 1 }), "env.A: it is 1"),
        ("dir", json!("here"), "dir: `here`; expected an absolute path"),
        ("shell", json!(true), "shell: there is no such setting"),
    ] {
        let mut settings = good.clone();
        settings[name] = value;
        let error = refusal("exec", settings);
        assert!(error.contains(words), "{name}: {error}");
    }
}
