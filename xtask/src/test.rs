//! `cargo xtask test`: everything that has to hold, on a machine that has nothing but Rust.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::postgres::Postgres;
use crate::step::{Count, run as step, say, tests};
use crate::{advisories, docs, independent, lint, tools};

/// Runs all of it and ends with `N passed, N failed`.
pub fn run() -> anyhow::Result<bool> {
    let root = crate::root();
    let begun = now();
    let mut count = Count::default();
    let mut steps: Vec<(&str, Duration)> = Vec::new();
    let mut time = |name: &'static str, begun: Instant| steps.push((name, begun.elapsed()));

    let at = now();
    tools::debian()?;
    let node = tools::npm(&root)?;
    let python = tools::python(&root)?;
    tools::cargo_deny()?;
    time("tools", at);

    let at = now();
    count += step("format", cargo(&root).args(["fmt", "--all", "--check"]))?;
    say("\n== lint");
    count += Count::one(lint::run()?);
    count += step("dependencies", cargo(&root).args(["deny", "check", "bans", "licenses", "sources"]))?;
    count += advisories::run(&root)?;
    time("format, lint, dependencies", at);

    let at = now();
    count += step(
        "clippy",
        cargo(&root).args(["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"]),
    )?;
    time("clippy", at);

    let at = now();
    let postgres = Postgres::start()?;
    let sample = independent::sample(&root)?;
    count += tests(
        "tests on SQLite and PostgreSQL",
        cargo(&root)
            .env("OCTRO_TEST_POSTGRES", postgres.url())
            .env("OCTRO_TEST_POSTGRES_CERTIFICATE", postgres.certificate())
            .env("OCTRO_TEST_SAMPLE", &sample)
            .env("OCTRO_TEST_PYTHON", &python)
            .args(["test", "--workspace", "--no-fail-fast", "--quiet"]),
    )?;
    time("tests", at);

    let at = now();
    count += independent::run(&root, &sample, &node, &python)?;
    time("independent verifiers", at);

    let at = now();
    say("\n== generated reference");
    count += Count::one(docs::run(true)?);
    time("reference", at);

    let at = now();
    count +=
        step("release build", cargo(&root).args(["build", "--release", "--quiet", "--package", "octro"]))?;
    time("release build", at);

    let at = now();
    count += tests(
        "pages in Chromium",
        Command::new("node")
            .current_dir(&root)
            .env("NODE_PATH", node.join("node_modules"))
            .env("OCTRO", root.join("target/release/octro"))
            .arg("tests/browser/run.cjs"),
    )?;
    for (title, script) in [
        ("golden vectors of proofs in JavaScript", "tests/browser/verifier.cjs"),
        ("verify.html in Chromium", "tests/browser/verify.cjs"),
    ] {
        count += tests(
            title,
            Command::new("node").current_dir(&root).env("NODE_PATH", node.join("node_modules")).arg(script),
        )?;
    }
    time("browser", at);
    drop(postgres);

    say("");
    for (name, took) in &steps {
        say(&format!("{:>6} s  {name}", took.as_secs()));
    }
    say(&format!("{:>6} s  in all\n", begun.elapsed().as_secs()));
    say(&format!("{} passed, {} failed", count.passed, count.failed));
    Ok(count.failed == 0)
}

fn cargo(root: &Path) -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(root).env("CARGO_TERM_COLOR", "never");
    command
}

#[expect(clippy::disallowed_methods, reason = "a measurement of how long the steps take")]
fn now() -> Instant {
    Instant::now()
}
