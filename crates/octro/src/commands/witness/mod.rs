//! `octro witness ...`: cosigning the checkpoints of logs, and comparing what they show.

mod compare;
mod follow;
mod serve;

use std::sync::Arc;

use octro_ledger::witness::{Witness, witness_key};
use octro_ledger::{FileKeys, Keys as _};
use octro_model::SystemClock;
use octro_verify::VerifierKey;

use crate::cli::{Global, WitnessCommand, WitnessKey};
use crate::exit::{Exit, UsageError};
use crate::output;

pub async fn run(global: &Global, command: WitnessCommand) -> anyhow::Result<Exit> {
    match command {
        WitnessCommand::Serve(serve) => serve::run(global, serve).await,
        WitnessCommand::Run(run) => follow::run(global, run).await,
        WitnessCommand::Key(key) => {
            let signer = FileKeys::at(&key.key).current()?;
            output::text(&format!("{}\n", witness_key(&key.name, signer.as_ref())?))?;
            Ok(Exit::Done)
        }
        WitnessCommand::Compare { places, key } => compare::run(global, &places, &key).await,
    }
}

/// Opens the witness of these options.
fn open(key: &WitnessKey, dir: &std::path::Path, logs: &[VerifierKey]) -> anyhow::Result<Arc<Witness>> {
    let signer = FileKeys::at(&key.key).current()?;
    witness_key(&key.name, signer.as_ref()).map_err(|error| UsageError(format!("--name: {error}")))?;
    Ok(Arc::new(Witness::open(&key.name, signer, Arc::new(SystemClock), dir, logs)?))
}
