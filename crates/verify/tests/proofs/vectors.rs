//! Golden vectors: proofs and what must come of them, checked in under `vectors/` and read by every verifier's tests. They
//! are written by `OCTRO_WRITE_VECTORS=1 cargo test -p octro-verify --test proofs`; one that is there is never changed,
//! so that what was proved once stays proved.

use std::path::{Path, PathBuf};

use crate::cases::cases;
use octro_verify::{Outcome, Policy, VerifierKey, verify};
use serde_json::{Value, json};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors")
}

fn keys(keys: &[VerifierKey]) -> Vec<String> {
    keys.iter().map(ToString::to_string).collect()
}

fn outcome(outcome: &Outcome) -> Value {
    match outcome {
        Outcome::Proved(report) => {
            json!({"outcome": "proved", "proved": report.proved, "not_proved": report.not_proved})
        }
        Outcome::Refuted(reason) => json!({"outcome": "refuted", "reason": reason.to_string()}),
        Outcome::Unusable(why) => json!({"outcome": "unusable", "reason": why}),
    }
}

#[test]
fn what_was_proved_once_stays_proved() {
    if std::env::var_os("OCTRO_WRITE_VECTORS").is_some() {
        write();
    }
    let mut read = 0;
    for file in std::fs::read_dir(folder()).expect("vectors") {
        let path = file.expect("a file").path();
        let text = std::fs::read_to_string(&path).expect("a vector");
        let vector: Value = serde_json::from_str(&text).expect("JSON");
        let of = |name: &str| -> Vec<VerifierKey> {
            let list = vector[name].as_array().expect("keys").iter();
            list.map(|key| VerifierKey::parse(key.as_str().expect("a key")).expect("a key")).collect()
        };
        let policy = Policy {
            logs: of("logs"),
            witnesses: of("witnesses"),
            required: vector["required"].as_u64().and_then(|n| n.try_into().ok()).expect("a number"),
            now: vector["now"].as_u64(),
        };
        let found = outcome(&verify(vector["proof"].as_str().expect("a proof").as_bytes(), &policy));
        assert_eq!(found, vector["expected"], "{}", path.display());
        read += 1;
    }
    assert!(read >= 90, "{read} vectors");
}

/// Writes the vectors that are not there yet.
fn write() {
    std::fs::create_dir_all(folder()).expect("a folder");
    for case in cases() {
        let path = folder().join(format!("{}.json", case.name));
        if path.exists() {
            continue;
        }
        let Policy { logs, witnesses, required, now } = &case.policy;
        let mut vector = json!({
            "about": case.about,
            "logs": keys(logs),
            "witnesses": keys(witnesses),
            "required": required,
            "proof": case.proof,
            "expected": outcome(&verify(case.proof.as_bytes(), &case.policy)),
        });
        if let Some(now) = now {
            vector["now"] = json!(now);
        }
        let text = serde_json::to_string_pretty(&vector).expect("JSON");
        std::fs::write(path, text + "\n").expect("a file");
    }
}
