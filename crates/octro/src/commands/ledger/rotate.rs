//! `octro ledger rotate`: the log gets another key, which the old one vouches for a last time.

use std::sync::Arc;

use octro_model::SystemClock;
use octro_server::Company;

use crate::cli::Global;
use crate::database;
use crate::exit::Exit;
use crate::output;

pub async fn run(global: &Global) -> anyhow::Result<Exit> {
    let config = database::config(global)?;
    let (db, _folder) = octro_server::open(&config, Company::Real).await?;
    let ledger = octro_server::open_ledger(&config, &db, Arc::new(SystemClock)).await?;
    let key = ledger.rotate().await?;
    output::text(&format!("{key}\n"))?;
    if !global.quiet {
        output::say(
            "This is the log's key from now on. Tell it to everybody who verifies, by the channel by which they got the old one; proofs that were made before stay valid under the old key.",
        );
    }
    Ok(Exit::Done)
}
