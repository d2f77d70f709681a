//! `octro ledger rebuild`: the published tiles, made anew from the database.

use std::path::PathBuf;
use std::sync::Arc;

use crate::cli::Global;
use crate::database;
use crate::exit::Exit;
use crate::output;

pub async fn run(global: &Global, folder: Option<PathBuf>) -> anyhow::Result<Exit> {
    let config = database::config(global)?;
    let query = database::query(global).await?;
    let named = folder.clone();
    let folder = folder.unwrap_or_else(|| config.ledger_folder());
    let files = octro_ledger::rebuild(query.db(), &folder).await?;
    let mirror = octro_server::ledger_mirror(&config, query.db(), Arc::new(octro_model::SystemClock));
    if let (None, Some(mirror)) = (named, mirror) {
        let objects = mirror.rebuild().await?;
        if !global.quiet {
            output::say(&format!("{objects} objects were written into the bucket."));
        }
    }
    if !global.quiet {
        output::say(&format!("{files} files were written into {}.", folder.display()));
    }
    Ok(Exit::Done)
}
