//! `octro program`: work on a program's files.

mod diff;
mod test;
mod validate;

use std::path::Path;

use octro_program::Files;

use crate::cli::{self, Global};
use crate::exit::{Exit, UsageError};

pub fn run(global: &Global, command: cli::Program) -> anyhow::Result<Exit> {
    match command {
        cli::Program::Validate { dir } => validate::run(global, dir.as_deref()),
        cli::Program::Test { dir, only } => test::run(global, dir.as_deref(), only.as_deref()),
        cli::Program::Diff { a, b } => super::block_on(diff::run(global, &a, &b)),
    }
}

/// The files of `dir`, or of the program that the settings name.
fn files(global: &Global, dir: Option<&Path>) -> anyhow::Result<Files> {
    match dir {
        Some(dir) => files_of(dir),
        None => Ok(octro_server::Rules::new(crate::database::config(global)?.program).files()?),
    }
}

/// The files of a folder.
fn files_of(dir: &Path) -> anyhow::Result<Files> {
    Files::read(dir).map_err(|error| UsageError(format!("{}: {error}", dir.display())).into())
}

/// Loads a program; its problems, all of them, are one error.
pub fn load(files: &Files) -> anyhow::Result<octro_program::Program> {
    match octro_program::load(files) {
        Ok(loaded) => Ok(loaded.program),
        Err(problems) => {
            let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
            Err(UsageError(format!("the program has {} problems:\n{}", lines.len(), lines.join("\n"))).into())
        }
    }
}
