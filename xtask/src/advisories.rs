//! Known vulnerabilities of our dependencies. `cargo deny` reads the RustSec database from its repository; where that
//! cannot be reached, the same advisories are read from an OSV export (`OCTRO_OSV`: the `all.zip` of crates.io).

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};
use semver::Version;
use serde_json::Value;

use crate::step::{Count, say};

/// Advisories that do not concern us, each with its reason.
const IGNORED: &[(&str, &str)] = &[
    // sqlx declares its MySQL driver's dependencies in the lock file, though it is never built here.
    ("RUSTSEC-2023-0071", "rsa is only in the lock file, for a MySQL driver that is not built"),
];

/// Checks the lock file.
pub fn run(root: &Path) -> anyhow::Result<Count> {
    say("\n== advisories");
    let fetched = Command::new("cargo").current_dir(root).args(["deny", "fetch", "db"]).output();
    if fetched.is_ok_and(|out| out.status.success()) {
        return crate::step::run(
            "advisories (RustSec)",
            Command::new("cargo").current_dir(root).args(["deny", "check", "advisories"]),
        );
    }
    let Some(zip) = std::env::var_os("OCTRO_OSV").map(PathBuf::from).filter(|zip| zip.exists()) else {
        bail!(
            "the RustSec database cannot be reached, and OCTRO_OSV names no OSV export of crates.io to read instead"
        );
    };
    say(&format!("the RustSec database cannot be reached; reading {}", zip.display()));
    let found = check(root, &zip)?;
    for line in &found {
        say(line);
    }
    say(&format!("== advisories: {}", if found.is_empty() { "passed" } else { "FAILED" }));
    Ok(Count::one(found.is_empty()))
}

/// The packages in the lock file that an advisory speaks of.
fn check(root: &Path, zip: &Path) -> anyhow::Result<Vec<String>> {
    let locked = locked(&std::fs::read_to_string(root.join("Cargo.lock"))?);
    let dir = std::env::temp_dir().join(format!("octro-osv-{}", std::process::id()));
    let out = Command::new("unzip").arg("-qo").arg(zip).arg("-d").arg(&dir).output().context("unzip")?;
    if !out.status.success() {
        bail!("{} cannot be read: {}", zip.display(), String::from_utf8_lossy(&out.stderr));
    }
    let mut found = Vec::new();
    let mut read = 0;
    for entry in std::fs::read_dir(&dir)? {
        let text = std::fs::read(entry?.path())?;
        let advisory: Value = serde_json::from_slice(&text).context("an advisory is no JSON")?;
        read += 1;
        found.extend(concerns(&advisory, &locked));
    }
    std::fs::remove_dir_all(&dir)?;
    if read == 0 {
        bail!("{} holds no advisories", zip.display());
    }
    say(&format!("{read} advisories, {} locked packages", locked.len()));
    found.sort();
    Ok(found)
}

fn locked(text: &str) -> Vec<(String, Version)> {
    let mut all = Vec::new();
    let mut name = None;
    for line in text.lines() {
        let value = |key: &str| line.strip_prefix(key)?.strip_prefix(" = \"")?.strip_suffix('"');
        if let Some(text) = value("name") {
            name = Some(text.to_owned());
        } else if let Some(version) = value("version").and_then(|text| Version::parse(text).ok())
            && let Some(name) = name.take()
        {
            all.push((name, version));
        }
    }
    all
}

fn concerns(advisory: &Value, locked: &[(String, Version)]) -> Vec<String> {
    let id = advisory.get("id").and_then(Value::as_str).unwrap_or_default();
    let informational = advisory["affected"].as_array().into_iter().flatten().any(|affected| {
        affected.pointer("/database_specific/informational").is_some_and(|word| !word.is_null())
    });
    if !id.starts_with("RUSTSEC")
        || advisory.get("withdrawn").is_some_and(|at| !at.is_null())
        || informational
    {
        return Vec::new();
    }
    if IGNORED.iter().any(|(ignored, _)| *ignored == id) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for affected in advisory["affected"].as_array().into_iter().flatten() {
        for (name, version) in locked
            .iter()
            .filter(|(name, _)| affected.pointer("/package/name").and_then(Value::as_str) == Some(name))
        {
            let ranges = affected["ranges"].as_array().into_iter().flatten();
            if ranges.filter(|range| range["type"] == "SEMVER").any(|range| within(&range["events"], version))
            {
                let summary = advisory["summary"].as_str().unwrap_or_default();
                found.push(format!("{id}: {name} {version}: {summary}"));
            }
        }
    }
    found
}

/// Whether a version lies in a range, which is a list of events in rising order (OSV schema, "affected[].ranges").
fn within(events: &Value, version: &Version) -> bool {
    let mut inside = false;
    for event in events.as_array().into_iter().flatten() {
        let at = |key: &str| Version::parse(event[key].as_str()?).ok();
        if let Some(text) = event["introduced"].as_str() {
            inside = inside || text == "0" || Version::parse(text).is_ok_and(|from| *version >= from);
        } else if at("fixed").is_some_and(|fixed| *version >= fixed)
            || at("last_affected").is_some_and(|last| *version > last)
        {
            inside = false;
        }
    }
    inside
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read() {
        let events = serde_json::json!([{"introduced": "0.0.0-0"}, {"fixed": "1.2.0"}, {"introduced": "2.0.0"}, {"fixed": "2.0.3"}]);
        let is = |text: &str| within(&events, &Version::parse(text).unwrap());
        assert!(is("1.1.9") && !is("1.2.0") && is("2.0.1") && !is("2.0.3"));
    }

    #[test]
    fn a_locked_package_is_found() {
        let locked = locked("[[package]]\nname = \"a\"\nversion = \"1.0.0\"\n");
        let advisory = serde_json::json!({"id": "RUSTSEC-2000-0001", "summary": "bad", "affected": [
            {"package": {"name": "a"}, "ranges": [{"type": "SEMVER", "events": [{"introduced": "0.0.0-0"}, {"fixed": "1.0.1"}]}]}]});
        assert_eq!(concerns(&advisory, &locked), ["RUSTSEC-2000-0001: a 1.0.0: bad"]);
    }
}
