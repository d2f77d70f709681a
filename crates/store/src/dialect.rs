//! The places in which SQLite and PostgreSQL differ. Keep it short.

use std::sync::Arc;

use sqlx::AssertSqlSafe;

/// Which database it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

impl Dialect {
    /// The name in messages and in the migrations folder.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }

    /// What begins a transaction that will write.
    pub(crate) const fn begin_write(self) -> &'static str {
        match self {
            // A read transaction that turns into a writer may be refused at once, whatever the busy time-out.
            Self::Sqlite => "BEGIN IMMEDIATE",
            Self::Postgres => "BEGIN",
        }
    }

    /// What begins a transaction that sees the database as it is at its first question, whatever is written meanwhile.
    pub(crate) const fn begin_snapshot(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN DEFERRED",
            Self::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY",
        }
    }
}

/// The text of a statement with `rows` times `columns` placeholders between `head` and `tail`: the only SQL that is put together
/// while Octro runs. `head` and `tail` are constants of ours without placeholders.
pub(crate) fn repeated(
    dialect: Dialect,
    (head, tail): (&'static str, &'static str),
    columns: usize,
    casts: bool,
    rows: usize,
) -> String {
    let mut sql = String::with_capacity(head.len() + tail.len() + rows * columns * 6);
    sql.push_str(head);
    let mut number = 0;
    for row in 0..rows {
        sql.push_str(if row == 0 { "(" } else { ", (" });
        for column in 0..columns {
            number += 1;
            if column > 0 {
                sql.push(',');
            }
            match dialect {
                // SQLite looks a numbered one up in a list, from its beginning, each time that it is bound. It takes a
                // value's type from the value.
                Dialect::Sqlite => sql.push('?'),
                Dialect::Postgres if casts => sql.push_str(&format!("CAST(${number} AS BIGINT)")),
                Dialect::Postgres => sql.push_str(&format!("${number}")),
            }
        }
        sql.push(')');
    }
    sql.push_str(tail);
    sql
}

/// The statement that copies the rows of a query out of PostgreSQL in binary. It takes no values, so numbers stand in the
/// query's text for its `$1` and `$2`; `query` is a constant of ours.
pub(crate) fn copy(query: &'static str, [first, second]: [i64; 2]) -> String {
    let query = query.replace("$1", &first.to_string()).replace("$2", &second.to_string());
    format!("COPY ({query}) TO STDOUT (FORMAT binary)")
}

/// A text that [`repeated`] made, kept for the next time.
pub(crate) fn shared(text: Arc<str>) -> AssertSqlSafe<Arc<str>> {
    AssertSqlSafe(text)
}

/// A migration's text, which is embedded in the binary.
pub(crate) fn migration(text: &'static str) -> AssertSqlSafe<String> {
    AssertSqlSafe(text.to_owned())
}
