//! Exit codes, and which error leads to which.

use std::process::ExitCode;

/// How a command ended. The numbers are documented in `octro --help` and never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done; for `check`: everything passes.
    Done = 0,
    /// Something fails: a check, an example, a program with problems, a replay that differs.
    Failing = 1,
    /// The command line or the settings make no sense.
    Usage = 2,
    /// Nothing fails, but something is unknown or stale.
    Unknown = 3,
    /// It could not be done: a file, the database, the network.
    Broken = 4,
    /// It cannot be proved, at least not yet or not as it was asked for.
    NotProvable = 5,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// An error of the person who called: a name that does not exist, a setting that cannot be.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct UsageError(pub String);

/// The code for an error.
pub fn of(error: &anyhow::Error) -> Exit {
    if let Some(io) = error.downcast_ref::<std::io::Error>()
        && io.kind() == std::io::ErrorKind::BrokenPipe
    {
        return Exit::Done; // whoever reads has enough
    }
    let engine = error.downcast_ref::<octro_engine::EngineError>();
    if engine.is_some_and(|error| matches!(error, octro_engine::EngineError::NotProvable(_))) {
        return Exit::NotProvable;
    }
    let usage = error.is::<UsageError>()
        || error.is::<octro_server::ConfigError>()
        || error.is::<octro_model::ParseTimeError>()
        || engine.is_some_and(|error| {
            matches!(
                error,
                octro_engine::EngineError::NotFound { .. } | octro_engine::EngineError::NoSource(_)
            )
        });
    if usage { Exit::Usage } else { Exit::Broken }
}
