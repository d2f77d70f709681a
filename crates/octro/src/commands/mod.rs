//! What each command does: one file each.

mod bench;
mod check;
mod compact;
mod completions;
mod doctor;
mod erase;
mod export;
mod init;
mod ledger;
mod program;
mod prove;
mod reference;
mod replay;
mod resources;
mod results;
mod source;
mod sources;
mod status;
mod up;
mod verify;
mod why;
mod witness;

use std::future::Future;
use std::time::Duration;

use rustix::fs::Mode;

use crate::cli::{Command, Options};
use crate::exit::Exit;

/// How long threads that still work may hold the process when its work is done.
const LINGER_MAX: Duration = Duration::from_secs(1);

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
        Command::Source(command) => source::run(command),
        Command::Program(command) => program::run(global, command),
        Command::Init(init) => init::run(&init),
        Command::Prove(prove) => block_on(prove::run(global, prove)),
        Command::Verify(verify) => verify::run(global, &verify),
        Command::Ledger(command) => block_on(ledger::run(global, command)),
        Command::Witness(command) => block_on(witness::run(global, command)),
        Command::Erase(erase) => block_on(erase::run(global, erase)),
        Command::Compact => block_on(compact::run(global)),
        Command::Replay(replay) => block_on(replay::run(global, replay)),
        Command::Export(export) => block_on(export::run(global, export)),
        Command::Doctor => block_on(doctor::run(global)),
        Command::Bench(bench) => bench::run(global, bench),
        Command::Completions { shell } => completions::shell(shell),
        Command::Reference { dir } => reference::run(&dir),
        Command::Man { dir } => completions::man(&dir),
    }
}

/// Runs what waits for the database or the network. What it writes is its owner's alone, wherever it writes it.
pub fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    rustix::process::umask(Mode::RWXG | Mode::RWXO);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let done = runtime.block_on(work);
    runtime.shutdown_timeout(LINGER_MAX);
    done
}
