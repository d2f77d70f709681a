//! `octro ledger checkpoint`: the signed note, as witnesses and verifiers read it.

use octro_ledger::Reader;

use crate::cli::Global;
use crate::database;
use crate::exit::{Exit, UsageError};
use crate::output;

pub async fn run(global: &Global, size: Option<u64>) -> anyhow::Result<Exit> {
    let query = database::query(global).await?;
    let reader = Reader::newest(query.db()).await?;
    let signed = match size {
        Some(size) => reader.checkpoint_from(size).await?.ok_or_else(|| {
            UsageError(format!("no checkpoint covers {size} entries; there are {}", reader.size()))
        })?,
        None => reader.checkpoint().await?,
    };
    output::text(&signed.note)?;
    Ok(Exit::Done)
}
