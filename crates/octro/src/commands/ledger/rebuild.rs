//! `octro ledger rebuild`: the published tiles, made anew from the database.

use std::path::PathBuf;

use crate::cli::Global;
use crate::database;
use crate::exit::Exit;
use crate::output;

pub async fn run(global: &Global, folder: Option<PathBuf>) -> anyhow::Result<Exit> {
    let config = database::config(global)?;
    let query = database::query(global).await?;
    let folder = folder.unwrap_or_else(|| config.ledger_folder());
    let files = octro_ledger::rebuild(query.db(), &folder).await?;
    if !global.quiet {
        output::say(&format!("{files} files were written into {}.", folder.display()));
    }
    Ok(Exit::Done)
}
