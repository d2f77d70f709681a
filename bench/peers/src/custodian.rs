//! Cloud Custodian from PyPI in a virtual environment of its own, run by `custodian.py`.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use serde::Deserialize;

use crate::agree;
use crate::buckets::Bucket;
use crate::measure::{figure, median, per_second};

const VERSION: &str = "0.9.53";

/// What the script prints.
#[derive(Deserialize)]
struct Measured {
    /// How many buckets pass each rule, in the alphabetical order of the rules' names.
    counts: Vec<usize>,
    /// The CPU seconds of each run of all rules.
    seconds: Vec<f64>,
    /// The most memory it had, in bytes.
    peak: f64,
}

pub fn run(resources: u32) -> anyhow::Result<serde_json::Value> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = installed(here)?;
    let mut script = Command::new(python)
        .arg(here.join("custodian.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("custodian.py")?;
    {
        let mut lines = std::io::BufWriter::new(script.stdin.take().context("custodian.py has no input")?);
        for number in 0..resources {
            serde_json::to_writer(&mut lines, &Bucket::new(number, 0))?;
            lines.write_all(b"\n")?;
        }
        lines.flush()?;
    }
    let out = script.wait_with_output().context("custodian.py")?;
    if !out.status.success() {
        bail!("custodian.py: {}", out.status);
    }
    let Measured { counts, seconds, peak } = serde_json::from_slice(&out.stdout).context("custodian.py")?;
    agree("custodian", resources, &counts)?;
    let rates =
        seconds.iter().map(|seconds| per_second(resources, std::time::Duration::from_secs_f64(*seconds)));
    let what = format!("Cloud Custodian {VERSION} (Python), 10 rules, one core");
    let rate = median(rates.collect());
    Ok(serde_json::Value::Array(vec![figure(resources, &what, rate, "M evaluations/s", peak)]))
}

/// The interpreter of an environment that has Cloud Custodian, which is made if there is none.
fn installed(here: &Path) -> anyhow::Result<PathBuf> {
    let dir = here.join("../../.xtask/python");
    let python = dir.join("bin/python");
    let there = Command::new(&python)
        .args(["-c", "import importlib.metadata; print(importlib.metadata.version('c7n'))"])
        .stderr(Stdio::null())
        .output();
    if there.is_ok_and(|out| String::from_utf8_lossy(&out.stdout).trim() == VERSION) {
        return Ok(python);
    }
    let dir_text = dir.to_string_lossy().into_owned();
    done(Command::new("python3").args(["-m", "venv", &dir_text]))
        .context("a virtual environment for Cloud Custodian")?;
    let package = format!("c7n=={VERSION}");
    done(Command::new(&python).args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        &package,
    ]))
    .with_context(|| format!("{package} cannot be had from PyPI"))?;
    Ok(python)
}

/// Runs a command to its end; what it says goes to standard error, because standard output is for figures.
fn done(command: &mut Command) -> anyhow::Result<()> {
    let out = command.stdin(Stdio::null()).output().with_context(|| format!("{command:?} cannot be run"))?;
    if !out.status.success() {
        bail!("{command:?}: {}: {}", out.status, String::from_utf8_lossy(&out.stderr).trim());
    }
    Ok(())
}
