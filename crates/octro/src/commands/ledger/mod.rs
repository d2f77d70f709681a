//! `octro ledger ...`: the log itself.

mod audit;
mod checkpoint;
mod rebuild;
mod rotate;
mod status;
mod tail;

use crate::cli::{Global, LedgerCommand};
use crate::exit::Exit;

pub async fn run(global: &Global, command: LedgerCommand) -> anyhow::Result<Exit> {
    match command {
        LedgerCommand::Status => status::run(global).await,
        LedgerCommand::Checkpoint { size } => checkpoint::run(global, size).await,
        LedgerCommand::Tail { count } => tail::run(global, count).await,
        LedgerCommand::Audit => audit::run(global).await,
        LedgerCommand::Rebuild { folder } => rebuild::run(global, folder).await,
        LedgerCommand::Rotate => rotate::run(global).await,
    }
}
