//! `octro verify FILE --key K`: checks a proof, with nothing but the file and the keys.

use std::io::Read as _;
use std::path::Path;

use octro_model::Clock as _;
use octro_verify::{Outcome, PROOF_MAX, Policy, Report, VerifierKey};
use serde_json::json;

use crate::cli::{Global, Verify};
use crate::exit::{Exit, UsageError};
use crate::output::{self, Format};

pub fn run(global: &Global, verify: &Verify) -> anyhow::Result<Exit> {
    let policy = Policy {
        logs: keys(&verify.key, "--key")?,
        witnesses: keys(&verify.witness, "--witness")?,
        required: verify.required.unwrap_or(verify.witness.len()),
        now: u64::try_from(octro_model::SystemClock.now().micros()).ok(),
    };
    let outcome = match read(&verify.file) {
        Ok(file) => octro_verify::verify(&file, &policy),
        Err(error) => Outcome::Unusable(format!(
            "the file {} cannot be read: {error}; name the proof's file",
            verify.file.display()
        )),
    };
    told(global, &outcome)
}

/// A file, and not much more of it than a proof may have: the verifier then says that it is too long.
fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(PROOF_MAX as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Keys as they stand on the command line, or in a file whose name begins with `@`.
pub(super) fn keys(all: &[String], option: &str) -> anyhow::Result<Vec<VerifierKey>> {
    let mut keys = Vec::new();
    for text in all {
        let text = match text.strip_prefix('@') {
            Some(path) => std::fs::read_to_string(path).map_err(|error| {
                UsageError(format!(
                    "{option}: the file {path} cannot be read: {error}; expected one with a key on each line"
                ))
            })?,
            None => text.clone(),
        };
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            keys.push(
                VerifierKey::parse(line).map_err(|fault| UsageError(format!("{option}: the key {fault}")))?,
            );
        }
    }
    Ok(keys)
}

fn told(global: &Global, outcome: &Outcome) -> anyhow::Result<Exit> {
    let (word, exit) = match outcome {
        Outcome::Proved(_) => ("proved", Exit::Done),
        Outcome::Refuted(_) => ("refuted", Exit::Failing),
        Outcome::Unusable(_) => ("unusable", Exit::Usage),
    };
    if global.format != Format::Table {
        let value = match outcome {
            Outcome::Proved(report) => proved(report),
            Outcome::Refuted(reason) => json!({"outcome": word, "reason": reason.to_string()}),
            Outcome::Unusable(why) => json!({"outcome": word, "reason": why}),
        };
        return printed(&format!("{value:#}\n"), exit);
    }
    let text = match outcome {
        Outcome::Proved(report) => {
            let list = |title: &str, all: &[String]| {
                let lines: String = all.iter().map(|one| format!("  - {one}\n")).collect();
                format!("{title}\n{lines}")
            };
            format!(
                "✓ PROVED\n{}{}",
                list("What is proved:", &report.proved),
                list("What is not:", &report.not_proved)
            )
        }
        Outcome::Refuted(reason) => format!("✗ REFUTED: {reason}\n"),
        Outcome::Unusable(why) => format!("? UNUSABLE: {why}\n"),
    };
    printed(&text, exit)
}

/// Prints. What came of the proof does not depend on whether anybody reads all of it.
fn printed(text: &str, exit: Exit) -> anyhow::Result<Exit> {
    match output::text(text) {
        Err(error) if crate::exit::of(&error) != Exit::Done => Err(error),
        Ok(()) | Err(_) => Ok(exit),
    }
}

fn proved(report: &Report) -> serde_json::Value {
    json!({
        "outcome": "proved",
        "origin": report.origin,
        "size": report.size,
        "root": octro_verify::hex(&report.root),
        "signer": report.signer.to_string(),
        "witnesses": report.witnesses.iter().map(|one| json!({"witness": one.witness.to_string(), "at": octro_verify::moment(one.time.saturating_mul(1_000_000))})).collect::<Vec<_>>(),
        "proved": report.proved,
        "not_proved": report.not_proved,
    })
}
