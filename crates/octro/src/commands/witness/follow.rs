//! `octro witness run`: looks at published logs, and cosigns what continues.

use std::time::Duration;

use octro_ledger::witness::{Followed, Place, Refusal};
use octro_verify::VerifierKey;

use crate::cli::{Global, WitnessRun};
use crate::commands::up::StopSignals;
use crate::commands::verify::keys;
use crate::exit::{Exit, UsageError};
use crate::output;

pub async fn run(global: &Global, run: WitnessRun) -> anyhow::Result<Exit> {
    let mut logs: Vec<(VerifierKey, Place)> = Vec::new();
    for pair in run.log.chunks(2) {
        let [key, place] = pair else { continue };
        let place = Place::parse(place).map_err(|what| UsageError(format!("--log: {what}")))?;
        for key in keys(std::slice::from_ref(key), "--log")? {
            logs.push((key, place.clone()));
        }
    }
    let known: Vec<VerifierKey> = logs.iter().map(|(key, _)| key.clone()).collect();
    let witness = super::open(&run.witness, &run.dir, &known)?;
    let mut stop = StopSignals::listen()?;
    output::text(&format!("{}\n", witness.key()))?;
    // A log with two keys is looked at once.
    let mut once: Vec<(String, Place)> = Vec::new();
    for (key, place) in logs {
        if !once.iter().any(|(origin, other)| *origin == key.name && *other == place) {
            once.push((key.name, place));
        }
    }
    let mut told: Vec<Option<String>> = vec![None; once.len()];
    loop {
        let mut worst = Exit::Done;
        for ((origin, place), told) in once.iter().zip(&mut told) {
            let says = match witness.follow(origin, place).await {
                Ok(Followed::Cosigned(size)) => {
                    *told = None;
                    if !global.quiet {
                        output::say(&format!("{origin}: {size} entries are cosigned"));
                    }
                    continue;
                }
                Ok(Followed::Unchanged(_)) => {
                    *told = None;
                    continue;
                }
                Err(refusal) => {
                    let broken = matches!(refusal, Refusal::Broken(_));
                    if worst != Exit::Failing {
                        worst = if broken { Exit::Broken } else { Exit::Failing };
                    }
                    format!("{origin}: NOT cosigned: {refusal}")
                }
            };
            // Said once, not every minute.
            if told.as_ref() != Some(&says) {
                output::say(&says);
                *told = Some(says);
            }
        }
        if run.once {
            return Ok(worst);
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(run.every)) => {}
            () = stop.told() => return Ok(worst),
        }
    }
}
