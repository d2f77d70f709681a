//! The bucket benchmark's rules in the engines of others, over the same buckets: one JSON array of figures on
//! standard output. Each peer has a process of its own, so that its peak of memory is its own; it counts what passes,
//! and if that is not what the hand-written rules count, there are no figures.

#[expect(dead_code, reason = "observations are made of the buckets only by `octro bench`")]
#[path = "../../../crates/octro/src/commands/bench/buckets.rs"]
mod buckets;
mod custodian;
mod google_cel;
mod measure;
mod merkle;
mod opa;
#[path = "../../../crates/octro/src/commands/bench/predicates.rs"]
mod predicates;
#[expect(dead_code, reason = "the simulation uses more of it")]
#[path = "../../../crates/demo/src/random.rs"]
mod random;

use std::io::Write as _;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context as _, bail};
use buckets::Bucket;
use serde_json::Value;

/// How many buckets a compiled engine gets, and how many Cloud Custodian, which is Python.
const RESOURCES: u32 = 100_000;
const RESOURCES_IN_PYTHON: u32 = 5_000;
/// How many entries a Merkle tree gets.
const ENTRIES: u32 = 1_000_000;

const PEERS: [&str; 4] = ["cel", "regorus", "custodian", "ct-merkle"];

fn main() -> ExitCode {
    let figures = match std::env::args().nth(1).as_deref() {
        None => all(),
        Some("cel") => google_cel::run(RESOURCES),
        Some("regorus") => opa::run(RESOURCES),
        Some("custodian") => custodian::run(RESOURCES_IN_PYTHON),
        Some("ct-merkle") => merkle::run(ENTRIES),
        Some(other) => Err(anyhow::anyhow!("`{other}` is no peer; expected {}", PEERS.join(", "))),
    };
    match figures.and_then(|figures| Ok(writeln!(std::io::stdout(), "{figures:#}")?)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing can be done if the error itself cannot be told.
            let _ = writeln!(std::io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Every peer, each in its process.
fn all() -> anyhow::Result<Value> {
    let mut figures = Vec::new();
    for peer in PEERS {
        let own = std::env::current_exe().context("this program's own path")?;
        let out = Command::new(own).arg(peer).stderr(Stdio::inherit()).output().context(peer)?;
        if !out.status.success() {
            bail!("{peer} gave no figures: {}", out.status);
        }
        match serde_json::from_slice(&out.stdout).context(peer)? {
            Value::Array(more) => figures.extend(more),
            other => bail!("{peer} gave {other}; expected a list of figures"),
        }
    }
    Ok(Value::Array(figures))
}

/// Refuses a peer that counts otherwise than the rules by hand.
fn agree(peer: &str, resources: u32, counts: &[usize]) -> anyhow::Result<()> {
    let buckets: Vec<Bucket> = (0..resources).map(|number| Bucket::new(number, 0)).collect();
    let by_hand: Vec<usize> =
        predicates::ALL.iter().map(|rule| buckets.iter().filter(|bucket| rule(bucket)).count()).collect();
    if counts != by_hand {
        bail!("{peer} counts {counts:?}, the hand-written rules {by_hand:?}");
    }
    Ok(())
}
