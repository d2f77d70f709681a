//! The generated reference: written by the binary itself, kept in the repository, compared in CI.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, bail};

use crate::step::say;

/// Writes `docs/reference`, or compares it with what the binary says.
pub fn run(check: bool) -> anyhow::Result<bool> {
    let root = crate::root();
    let kept = root.join("docs/reference");
    let fresh = root.join(".xtask/reference");
    let _ = std::fs::remove_dir_all(&fresh);
    std::fs::create_dir_all(&fresh)?;
    let status = Command::new("cargo")
        .current_dir(&root)
        .args(["run", "--quiet", "--package", "octro", "--", "reference"])
        .arg(&fresh)
        .status()
        .context("octro reference")?;
    if !status.success() {
        bail!("`octro reference` failed");
    }
    let (new, old) = (read(&fresh)?, read(&kept).unwrap_or_default());
    if !check {
        let _ = std::fs::remove_dir_all(&kept);
        std::fs::create_dir_all(&kept)?;
        for (name, text) in &new {
            std::fs::write(kept.join(name), text)?;
        }
        say(&format!("{} files are in docs/reference", new.len()));
        return Ok(true);
    }
    let mut same = true;
    for name in new.keys().chain(old.keys().filter(|name| !new.contains_key(*name))) {
        if new.get(name) != old.get(name) {
            same = false;
            say(&format!("docs/reference/{name}: not what the code says; run `cargo xtask docs`"));
        }
    }
    Ok(same)
}

fn read(dir: &Path) -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir(dir).with_context(|| dir.display().to_string())? {
        let entry = entry?;
        all.insert(entry.file_name().to_string_lossy().into_owned(), std::fs::read(entry.path())?);
    }
    Ok(all)
}
