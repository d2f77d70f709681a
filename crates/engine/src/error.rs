//! What can go wrong in the engine.

use octro_model::Id;
use octro_program::Problem;
use octro_store::StoreError;

/// A failure of the engine.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The ledger failed.
    #[error(transparent)]
    Ledger(#[from] octro_ledger::LedgerError),
    /// The program has problems and was not installed.
    #[error("the program has {} problems; the first: {}", .0.len(), .0.first().map(ToString::to_string).unwrap_or_default())]
    Program(Vec<Problem>),
    /// What is stored makes no sense.
    #[error("the database holds something unexpected: {0}; run `octro replay` to see whether more is wrong")]
    Stored(String),
    /// There is no such source.
    #[error("no source `{0}` is declared; `octro sources` lists them")]
    NoSource(Id),
    /// The collection is over, or Octro was restarted since it began.
    #[error("the collection is no longer open; begin another")]
    NotCollecting,
    /// Another process evaluates.
    #[error("another Octro process evaluates on this database; this one hands in what it collects")]
    NotLeader,
    /// The system gives no random bytes.
    #[error("the system gives no random bytes, which commitments need: {0}")]
    Random(#[source] std::io::Error),
    /// Something cannot be proved.
    #[error("this cannot be proved: {0}")]
    NotProvable(String),
    /// Something that was asked for does not exist.
    #[error("there is no {what} `{name}`")]
    NotFound {
        /// `control`, `test`, `resource`, ...
        what: &'static str,
        /// Its name.
        name: String,
    },
}
