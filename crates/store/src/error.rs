//! What can go wrong with a database, in words for the operator.

use sqlx::sqlite::SqliteError;

/// A failure of the database.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A statement or the connection failed.
    #[error("database: {0}")]
    Sql(#[source] sqlx::Error),
    /// The address is none that we know.
    #[error("`{0}` is no database address; expected `sqlite:PATH` or `postgres://USER@HOST/NAME`")]
    Address(String),
    /// A migration failed; the database is as it was before it.
    #[error(
        "migration {name} failed and was undone: {source}. Octro does not start on a half-migrated database"
    )]
    Migration {
        /// Its file name.
        name: String,
        /// The cause.
        source: sqlx::Error,
    },
    /// The database was written by a newer Octro.
    #[error("the database knows migration {0}, which this version of Octro does not; start a newer Octro")]
    Newer(String),
    /// The file is damaged.
    #[error(
        "the database file is damaged: {0}; restore a backup, or export what can be read with `sqlite3 .recover`"
    )]
    Corrupt(String),
    /// There is no room left to write.
    #[error(
        "there is no room left for the database: {0}; make room on its disk, and Octro goes on by itself. Nothing that it had stored is lost"
    )]
    Full(String),
    /// A stored value is not what was expected.
    #[error("column {column}: {what}")]
    Column {
        /// Its number, from 0.
        column: usize,
        /// What is wrong.
        what: String,
    },
}

impl From<sqlx::Error> for StoreError {
    /// Names what an operator has to mend.
    fn from(error: sqlx::Error) -> Self {
        if let sqlx::Error::Database(cause) = &error {
            match (primary(cause.as_ref()), cause.code().as_deref()) {
                // SQLITE_CORRUPT, SQLITE_NOTADB
                (Some(11 | 26), _) => return Self::Corrupt(cause.message().to_owned()),
                // SQLITE_FULL; PostgreSQL's disk_full
                (Some(13), _) | (None, Some("53100")) => return Self::Full(cause.message().to_owned()),
                _ => {}
            }
        }
        Self::Sql(error)
    }
}

/// SQLite's code without what it adds in the higher bits; `None` on PostgreSQL.
fn primary(cause: &dyn sqlx::error::DatabaseError) -> Option<i32> {
    cause.try_downcast_ref::<SqliteError>()?;
    cause.code()?.parse().ok().map(|code: i32| code & 0xff)
}

impl StoreError {
    /// Whether a unique constraint refused the row.
    pub fn is_duplicate(&self) -> bool {
        matches!(self, Self::Sql(sqlx::Error::Database(cause)) if cause.is_unique_violation())
    }

    /// Whether the connection was lost or the database is away or busy, so that trying again may help.
    pub fn is_transient(&self) -> bool {
        if let Self::Sql(sqlx::Error::Database(cause)) = self {
            return match primary(cause.as_ref()) {
                // SQLITE_BUSY, SQLITE_LOCKED
                Some(code) => matches!(code, 5 | 6),
                // Admin shutdown, crash shutdown, cannot connect now, connection failures, serialization, deadlock.
                None => matches!(
                    cause.code().as_deref(),
                    Some("57P01" | "57P02" | "57P03" | "08000" | "08003" | "08006" | "40001" | "40P01")
                ),
            };
        }
        matches!(self, Self::Sql(sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::WorkerCrashed))
    }

    /// Whether there is no room left to write.
    pub const fn is_full(&self) -> bool {
        matches!(self, Self::Full(_))
    }

    /// Whether the file is damaged.
    pub const fn is_corrupt(&self) -> bool {
        matches!(self, Self::Corrupt(_))
    }
}
