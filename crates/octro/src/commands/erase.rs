//! `octro erase KIND KEY`: the ledger's commitments to a person can no longer be opened.

use octro_model::SystemClock;

use crate::cli::{Erase, Global};
use crate::database;
use crate::exit::Exit;
use crate::output;

pub async fn run(global: &Global, erase: Erase) -> anyhow::Result<Exit> {
    let query = database::query(global).await?;
    let kind = erase.kind.parse()?;
    let erased = octro_engine::erase(query.db(), &SystemClock, &kind, &erase.key, &erase.basis).await?;
    if global.format != crate::output::Format::Table {
        output::text(&format!("{}\n", serde_json::to_string_pretty(&erased)?))?;
    }
    if !global.quiet {
        output::say(&format!(
            "{} commitments in the ledger can no longer be opened by anyone; all proofs of others stay valid. \
             What sources observed of `{}` is not part of the ledger: it goes when its kind's `retain` ends. \
             Backups hold the deleted bytes until they expire.",
            erased.commitments, erase.key
        ));
    }
    Ok(Exit::Done)
}
