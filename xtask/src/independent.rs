//! The ledger judged by software that is not ours (`tests/independent`): Go's checksum database, Sigstore's verifier in
//! JavaScript, and pymerkle. The cases come from a test of the ledger, which holds our own verifier to them as well.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use crate::postgres::Postgres;
use crate::step::{Count, say, tests};
use crate::tools::{self, quietly};

/// What Go's own sources bring of it, below `golang.org/x`; whatever is not there, that version of Go does not need.
const GO_PACKAGES: [&str; 3] = ["mod/sumdb/note", "mod/sumdb/tlog", "crypto/ed25519"];

/// Where the test of the ledger writes the cases; what an earlier run left there is gone.
pub fn sample(root: &Path) -> anyhow::Result<PathBuf> {
    let dir = root.join(".xtask/independent/sample");
    if dir.exists() {
        std::fs::remove_dir_all(&dir).with_context(|| format!("{} cannot be emptied", dir.display()))?;
    }
    Ok(dir)
}

/// Makes the cases and has them judged, without all the rest.
pub fn alone() -> anyhow::Result<bool> {
    let root = crate::root();
    tools::debian()?;
    let (node, python) = (tools::npm(&root)?, tools::python(&root)?);
    let postgres = Postgres::start()?;
    let sample = sample(&root)?;
    let mut count = tests(
        "the ledger, judged by our own verifier",
        Command::new("cargo")
            .current_dir(&root)
            .env("OCTRO_TEST_POSTGRES", postgres.url())
            .env("OCTRO_TEST_SAMPLE", &sample)
            .args(["test", "--quiet", "--package", "octro-ledger", "--test", "independent"]),
    )?;
    count += run(&root, &sample, &node, &python)?;
    say(&format!("\n{} passed, {} failed", count.passed, count.failed));
    Ok(count.failed == 0)
}

/// Gives the cases to each of them.
pub fn run(root: &Path, sample: &Path, node: &Path, python: &Path) -> anyhow::Result<Count> {
    let mut folders = Vec::new();
    if sample.exists() {
        for entry in std::fs::read_dir(sample)? {
            folders.push(entry?.path());
        }
    }
    folders.sort();
    if folders.is_empty() {
        say("\n== independent verifiers: the ledger's test has left no cases");
        return Ok(Count::one(false));
    }
    let scripts = root.join("tests/independent");
    let mut count = tests(
        "the ledger, judged by Go's sumdb",
        Command::new(sumdb(root, &scripts)?).arg("cases").args(&folders),
    )?;
    count += tests(
        "the ledger, judged by @sigstore/verify",
        Command::new("node")
            .env("NODE_PATH", node.join("node_modules"))
            .arg(scripts.join("sigstore.cjs"))
            .arg("cases")
            .args(&folders),
    )?;
    count += tests(
        "the ledger, judged by pymerkle",
        Command::new(python).arg(scripts.join("merkle.py")).arg("cases").args(&folders),
    )?;
    Ok(count)
}

/// Builds the judge in Go, from the sources that come with Go: nothing is taken from the network.
fn sumdb(root: &Path, scripts: &Path) -> anyhow::Result<PathBuf> {
    let dir = root.join(".xtask/independent/go");
    let out = Command::new("go").args(["env", "GOROOT"]).output().context("go cannot be run")?;
    let goroot = PathBuf::from(String::from_utf8_lossy(&out.stdout).trim());
    let vendored = goroot.join("src/cmd/vendor/golang.org/x");
    for package in GO_PACKAGES {
        let from = vendored.join(package);
        let to = dir.join("src/golang.org/x").join(package);
        std::fs::create_dir_all(&to)?;
        if !from.exists() {
            continue;
        }
        for entry in std::fs::read_dir(&from)? {
            let file = entry?.path();
            if let Some(name) = file.extension().filter(|of| *of == "go").and(file.file_name()) {
                std::fs::copy(&file, to.join(name))
                    .with_context(|| format!("{} cannot be copied", file.display()))?;
            }
        }
    }
    let program = dir.join("sumdb");
    let mut build = Command::new("go");
    build
        .env("GO111MODULE", "off")
        .env("GOPATH", &dir)
        .env("GOCACHE", dir.join("cache"))
        .env("GOPROXY", "off")
        .env("GOFLAGS", "")
        .env("CGO_ENABLED", "0")
        .args(["build", "-o"])
        .arg(&program)
        .arg(scripts.join("sumdb.go"));
    quietly(&mut build).context("tests/independent/sumdb.go cannot be built with this Go")?;
    Ok(program)
}
