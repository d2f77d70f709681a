//! What can go wrong in the ledger, in words for the operator.

use std::path::{Path, PathBuf};

use octro_store::StoreError;

/// A failure of the ledger.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The database failed at the very end, so that nobody knows yet whether the entries are in.
    #[error(
        "the database failed while it made entries durable: {0}; whether they are in the ledger shows when it answers again"
    )]
    Unsure(#[source] StoreError),
    /// A leaf is none.
    #[error("the leaf cannot be appended: it {0}")]
    Leaf(String),
    /// There is no log yet.
    #[error("this database has no ledger yet; `octro up` begins one")]
    NoLog,
    /// What was asked for lies beyond the end of the log, or makes no sense.
    #[error("the ledger has {size} entries; {asked} is not within it")]
    Beyond {
        /// What was asked for.
        asked: String,
        /// How many entries there are.
        size: u64,
    },
    /// The database is older than what this key has signed.
    #[error(
        "the database is older than what was signed: it holds {have}, and {path} says that {} entries of `{}` were \
         signed. It is probably a restored backup. Signing now would fork the log, so nothing is signed. Either give \
         the newer database back, or go on with `--follow`: a new log whose first entry cites the last checkpoint",
         .signed.size, .signed.origin, path = .path.display()
    )]
    Behind {
        /// What the database has.
        have: String,
        /// What was signed.
        signed: Box<octro_verify::Checkpoint>,
        /// Where that is written down.
        path: PathBuf,
    },
    /// The database holds another history than the one that was signed.
    #[error(
        "the ledger in the database is not the one that was signed: {0}. Nothing is signed; `octro ledger audit` shows \
         what is wrong. Either give the right database back, or go on with `--follow`: a new log whose first entry \
         cites the last checkpoint"
    )]
    Differs(String),
    /// What is stored contradicts itself.
    #[error(
        "the ledger in the database is damaged: {0}. Nothing is signed; `octro ledger audit` shows what is wrong"
    )]
    Damaged(String),
    /// A key cannot be used.
    #[error("the ledger's key {path}: {what}", path = .path.display())]
    Key {
        /// Its file.
        path: PathBuf,
        /// What is wrong, and what to do.
        what: String,
    },
    /// The log is signed with a key that is not here.
    #[error(
        "the ledger is signed with the key {want}, which is not here (there is {have}); give every process the same key file"
    )]
    OtherKey {
        /// The key in force.
        want: String,
        /// The key that is here.
        have: String,
    },
    /// A file or folder cannot be read or written.
    #[error("{path}: {source}", path = .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The published folder belongs to another log.
    #[error("{path} holds {what}; publish into an empty folder, or write it anew with `octro ledger rebuild`", path = .path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What it holds.
        what: String,
    },
    /// Another system does not answer, or not as expected.
    #[error("{who}: {what}")]
    Outside {
        /// Who.
        who: String,
        /// What is wrong, and what was expected.
        what: String,
    },
    /// The same, where it was asked over HTTP.
    #[error(transparent)]
    Outbound(#[from] octro_outbound::OutboundError),
    /// Several callers were told of the same failure.
    #[error(transparent)]
    Shared(std::sync::Arc<LedgerError>),
    /// Another process appends without end.
    #[error("another process holds the ledger's lock for seconds; nothing was appended, try again")]
    Held,
    /// The ledger was stopped.
    #[error("the ledger is stopping; nothing was appended")]
    Stopping,
}

impl LedgerError {
    /// A failure of a file.
    pub(crate) fn file(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { path, source }
    }

    /// Whether nothing may be signed until a person decides how to go on.
    pub const fn refuses(&self) -> bool {
        matches!(self, Self::Behind { .. } | Self::Differs(_) | Self::Damaged(_))
    }
}
