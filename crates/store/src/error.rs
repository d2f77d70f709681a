//! What can go wrong with a database, in words for the operator.

/// A failure of the database.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A statement or the connection failed.
    #[error("database: {0}")]
    Sql(#[from] sqlx::Error),
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
    /// A stored value is not what was expected.
    #[error("column {column}: {what}")]
    Column {
        /// Its number, from 0.
        column: usize,
        /// What is wrong.
        what: String,
    },
}

impl StoreError {
    /// Whether a unique constraint refused the row.
    pub fn is_duplicate(&self) -> bool {
        matches!(self, Self::Sql(sqlx::Error::Database(cause)) if cause.is_unique_violation())
    }

    /// Whether the connection was lost or the database is away or busy, so that trying again may help.
    pub fn is_transient(&self) -> bool {
        if let Self::Sql(sqlx::Error::Database(cause)) = self {
            // PostgreSQL: admin shutdown, cannot connect now, crash shutdown, serialization, deadlock.
            // SQLite: busy and locked.
            let code = cause.code();
            return matches!(
                code.as_deref(),
                Some("57P01" | "57P02" | "57P03" | "40001" | "40P01" | "5" | "6" | "517")
            );
        }
        matches!(self, Self::Sql(sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::WorkerCrashed))
    }

    /// Whether there is no room left to write.
    pub fn is_full(&self) -> bool {
        if let Self::Sql(sqlx::Error::Database(cause)) = self {
            return matches!(cause.code().as_deref(), Some("13" | "53100"))
                || cause.message().contains("disk is full");
        }
        false
    }
}
