//! What each command does: one file each.

mod bench;
mod check;
mod completions;
mod doctor;
mod export;
mod init;
mod program;
mod reference;
mod replay;
mod resources;
mod results;
mod sources;
mod status;
mod up;
mod why;

use std::future::Future;

use crate::cli::{Command, Options};
use crate::exit::Exit;

/// Runs the command that was asked for.
pub fn run(options: Options) -> anyhow::Result<Exit> {
    let global = &options.global;
    match options.command {
        Command::Up(up) => block_on(up::run(global, up)),
        Command::Check(check) => check::run(global, &check),
        Command::Status(of) => block_on(status::run(global, of)),
        Command::Why(why) => block_on(why::run(global, why)),
        Command::Resources(resources) => block_on(resources::run(global, resources)),
        Command::Results(results) => block_on(results::run(global, results)),
        Command::Sources(sources) => block_on(sources::run(global, sources)),
        Command::Program(command) => program::run(global, command),
        Command::Init(init) => init::run(&init),
        Command::Replay(replay) => block_on(replay::run(global, replay)),
        Command::Export(export) => block_on(export::run(global, export)),
        Command::Doctor => block_on(doctor::run(global)),
        Command::Bench(bench) => bench::run(global, bench),
        Command::Completions { shell } => completions::shell(shell),
        Command::Reference { dir } => reference::run(&dir),
        Command::Man { dir } => completions::man(&dir),
    }
}

/// Runs what waits for the database or the network.
pub fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(work)
}
