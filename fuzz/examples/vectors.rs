//! Writes what the target `proof` found, as golden vectors have it: to check that another verifier says the same. The
//! arguments are a folder of inputs and one to write to.

use std::io;
use std::path::PathBuf;

use octro_fuzz::repair::{policy, repaired};
use octro_verify::{Outcome, Proof, verify};
use serde_json::{Value, json};

fn main() -> io::Result<()> {
    let mut folders = std::env::args().skip(1).map(PathBuf::from);
    let (Some(from), Some(to)) = (folders.next(), folders.next()) else {
        return Err(io::Error::other("expected a folder of inputs and one to write to"));
    };
    std::fs::create_dir_all(&to)?;
    for (i, file) in std::fs::read_dir(from)?.enumerate() {
        let input = std::fs::read(file?.path())?;
        let Some((repairs, file)) = input.split_first() else { continue };
        let Ok(text) = str::from_utf8(file) else { continue };
        write(&to.join(format!("{i:05}.json")), text)?;
        let forged = Proof::parse(file).ok().and_then(|proof| repaired(&proof, *repairs));
        if let Some(forged) = forged {
            write(&to.join(format!("{i:05}-forged.json")), &forged.to_text())?;
        }
    }
    Ok(())
}

fn write(path: &PathBuf, proof: &str) -> io::Result<()> {
    let policy = policy();
    let texts = |keys: &[octro_verify::VerifierKey]| -> Vec<String> {
        keys.iter().map(ToString::to_string).collect()
    };
    let expected = match verify(proof.as_bytes(), &policy) {
        Outcome::Proved(report) => {
            json!({"outcome": "proved", "proved": report.proved, "not_proved": report.not_proved})
        }
        Outcome::Refuted(reason) => json!({"outcome": "refuted", "reason": reason.to_string()}),
        Outcome::Unusable(why) => json!({"outcome": "unusable", "reason": why}),
    };
    let vector: Value = json!({
        "logs": texts(&policy.logs),
        "witnesses": texts(&policy.witnesses),
        "required": policy.required,
        "proof": proof,
        "expected": expected,
    });
    std::fs::write(path, vector.to_string())
}
