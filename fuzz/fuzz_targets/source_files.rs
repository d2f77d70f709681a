//! Files of other programs: the input's first line names the format, the rest is the file, which the `file` connector
//! reads. `observations` is what commands print for `exec` too. A run ends and says what it covered, whatever it read.
#![no_main]

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use octro_connectors::{Connector as _, Run, file};
use octro_fuzz::id;
use octro_model::{Clock as _, ManualClock, Observation, Span, SystemClock};
use serde_json::{Map, Value, json};

/// A folder in memory, so that the disk is not worn out.
static DIR: LazyLock<PathBuf> = LazyLock::new(|| {
    let memory = PathBuf::from("/dev/shm");
    let base = if memory.is_dir() { memory } else { std::env::temp_dir() };
    let dir = base.join(format!("octro-fuzz-{}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("a folder for files");
    dir
});

fuzz_target!(|input: &[u8]| {
    let end = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    let (format, rest) = input.split_at(end);
    let Some((ending, own)) = settings(format) else { return };
    let path = DIR.join(format!("input.{ending}"));
    let mut open = std::fs::File::create(&path).expect("a file");
    open.write_all(rest.get(1..).unwrap_or_default()).expect("written");
    drop(open);
    let mut settings: Map<String, Value> = own.as_object().cloned().unwrap_or_default();
    settings.insert("path".to_owned(), json!(path));
    let source = file::File.open(&settings).expect("settings that can be");
    let clock = ManualClock::at(SystemClock.now());
    let mut observed = Vec::new();
    let mut deliver = |batch: Vec<Observation>| {
        observed.extend(batch);
        Ok(())
    };
    let deadline = clock.now().plus(Span::HOUR);
    let mut run = Run::new(id("fuzz"), source.kinds(), &clock, deadline, &mut deliver);
    source.collect(&mut run);
    let collection = run.finish();
    for kind in source.kinds() {
        assert!(collection.scopes.iter().any(|scope| scope.kind == kind), "nothing was said of {kind}");
    }
    for scope in &collection.scopes {
        assert!(scope.complete || scope.reason.is_some(), "incomplete, and nobody knows why");
    }
    for observation in observed {
        assert!(source.kinds().contains(&observation.kind), "a kind that nobody asked for");
        assert!(!observation.key.is_empty(), "a resource without a key");
        let line = serde_json::to_vec(&observation).expect("an observation can be written");
        let again: Observation = serde_json::from_slice(&line).expect("and read again");
        assert_eq!(again, observation);
    }
});

/// A format by its first letter: the name's ending and the settings.
fn settings(format: &[u8]) -> Option<(&'static str, Value)> {
    Some(match format.first()? {
        b'o' => ("jsonl", json!({"format": "observations", "kinds": ["thing", "box"]})),
        b'c' => (
            "csv",
            json!({
                "format": "csv", "kind": "thing", "key": ["id", "part"], "complete": true, "at": "seen",
                "columns": {
                    "s": "name",
                    "i": {"column": "count", "type": "int"},
                    "f": {"column": "share", "type": "float"},
                    "b": {"column": "on", "type": "bool", "true": ["yes"], "false": ["no"]},
                    "t": {"column": "since", "type": "timestamp"},
                },
            }),
        ),
        b'f' => ("json", json!({"format": "ocsf", "complete": true})),
        b'q' => (
            "log",
            json!({
                "format": "osquery", "host": "h1",
                "queries": {"q": {"kind": "thing", "key": "id", "columns": {"s": "name"}, "complete": true}},
            }),
        ),
        _ => return None,
    })
}
