//! The `octro` binary.

mod cli;
mod commands;
mod database;
mod exit;
mod operator;
mod output;
mod progress;

use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::Parser as _;

use crate::exit::Exit;

fn main() -> ExitCode {
    let options = match cli::Options::try_parse() {
        Ok(options) => options,
        Err(error) => {
            // `--help` and `--version` are errors to clap, but what they print was asked for.
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Done };
            return match error.print() {
                Ok(()) => exit.into(),
                Err(_) => Exit::Broken.into(),
            };
        }
    };
    start_log(&options.global);
    match commands::run(options) {
        Ok(exit) => exit.into(),
        Err(error) => {
            let exit = exit::of(&error);
            if exit != Exit::Done {
                output::say(&format!("error: {error:#}"));
            }
            exit.into()
        }
    }
}

/// What is logged goes to stderr; `OCTRO_LOG` says what, in the form of `tracing`'s filters.
fn start_log(global: &cli::Global) {
    use tracing_subscriber::EnvFilter;
    let level = match (global.quiet, global.verbose) {
        (true, _) => "error",
        (false, 0) => "warn,octro_server=info",
        (false, 1) => "info",
        (false, _) => "debug",
    };
    let filter = EnvFilter::try_from_env("OCTRO_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .init();
}
