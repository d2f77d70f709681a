//! Connections and transactions.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgArguments, PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::query::Query;
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};
use sqlx::{Arguments, AssertSqlSafe, Connection as _, Postgres, SqlSafeStr, Sqlite};

use crate::dialect::Dialect;
use crate::{Param, Row, StoreError, migrate};

/// The database.
#[derive(Clone, Debug)]
pub enum Db {
    /// SQLite: one writer, several readers.
    Sqlite {
        /// The one connection that writes.
        writer: SqlitePool,
        /// Connections that only read.
        readers: SqlitePool,
    },
    /// PostgreSQL.
    Postgres(PgPool),
}

/// A transaction. What it writes is undone unless it is committed.
pub enum Tx {
    /// On SQLite.
    Sqlite(sqlx::Transaction<'static, Sqlite>),
    /// On PostgreSQL.
    Postgres(sqlx::Transaction<'static, Postgres>),
}

/// Room for all of `params`: a statement over many rows has thousands.
fn room<A: Arguments>(params: &[Param<'_>]) -> A {
    let mut arguments = A::default();
    arguments.reserve(params.len(), size_of::<i64>() * params.len());
    arguments
}

fn bind_sqlite<'q>(sql: impl SqlSafeStr, params: &'q [Param<'q>]) -> Query<'q, Sqlite, SqliteArguments> {
    let query = sqlx::query_with(sql, room(params));
    params.iter().fold(query, |query, param| match *param {
        Param::Int(value) => query.bind(value),
        Param::Text(value) => query.bind(value),
        Param::Bytes(value) => query.bind(value),
    })
}

fn bind_postgres<'q>(sql: impl SqlSafeStr, params: &'q [Param<'q>]) -> Query<'q, Postgres, PgArguments> {
    let query = sqlx::query_with(sql, room(params));
    params.iter().fold(query, |query, param| match *param {
        Param::Int(value) => query.bind(value),
        Param::Text(value) => query.bind(value),
        Param::Bytes(value) => query.bind(value),
    })
}

impl Db {
    /// Opens `sqlite:PATH` (made if it is not there) or `postgres://...`, and brings it up to date.
    ///
    /// # Errors
    /// If the address makes no sense, the database cannot be reached, is damaged, or a migration fails.
    pub async fn open(address: &str) -> Result<Self, StoreError> {
        let db = Self::connect(address).await?;
        migrate::run(&db).await?;
        Ok(db)
    }

    /// Opens without migrating.
    pub(crate) async fn connect(address: &str) -> Result<Self, StoreError> {
        if let Some(path) = address.strip_prefix("sqlite:") {
            let options = SqliteConnectOptions::new()
                .filename(path)
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full)
                .foreign_keys(true)
                .busy_timeout(Duration::from_secs(5))
                .pragma("cache_size", "-32768")
                .pragma("mmap_size", "67108864")
                .pragma("wal_autocheckpoint", "4000")
                // What a statement would undo if it failed is kept in memory, not in a file.
                .pragma("temp_store", "MEMORY")
                .statement_cache_capacity(200);
            let writer = SqlitePoolOptions::new()
                .max_connections(1)
                .idle_timeout(None)
                .max_lifetime(None)
                // After some errors, a full disk among them, SQLite has undone the transaction by itself. The undoing
                // that follows fails then, and leaves a connection that believes to be in a transaction for ever.
                .before_acquire(|connection, _| {
                    let usable = !connection.is_in_transaction();
                    Box::pin(std::future::ready(Ok(usable)))
                })
                .connect_with(options.clone())
                .await?;
            let readers = SqlitePoolOptions::new()
                .max_connections(4)
                .idle_timeout(Duration::from_secs(60))
                // There is no wire that could break: asking first would double what a short question costs.
                .test_before_acquire(false)
                // Few wake-ups: an answer of many rows is handed over in few portions.
                .connect_lazy_with(
                    options.read_only(true).row_buffer_size(512).pragma("cache_size", "-8192"),
                );
            Ok(Self::Sqlite { writer, readers })
        } else if address.starts_with("postgres:") || address.starts_with("postgresql:") {
            let options = PgConnectOptions::from_str(address)?.application_name("octro");
            let pool = PgPoolOptions::new()
                .max_connections(8)
                .acquire_timeout(Duration::from_secs(10))
                .connect_with(options)
                .await?;
            Ok(Self::Postgres(pool))
        } else {
            Err(StoreError::Address(address.to_owned()))
        }
    }

    /// Which database it is.
    pub const fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite { .. } => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Begins a transaction that writes.
    ///
    /// # Errors
    /// What the database says.
    pub async fn begin(&self) -> Result<Tx, StoreError> {
        let begin = self.dialect().begin_write();
        Ok(match self {
            Self::Sqlite { writer, .. } => Tx::Sqlite(writer.begin_with(begin).await?),
            Self::Postgres(pool) => Tx::Postgres(pool.begin_with(begin).await?),
        })
    }

    /// Begins a transaction that only reads: all of its questions are answered as of one moment.
    ///
    /// # Errors
    /// What the database says.
    pub async fn snapshot(&self) -> Result<Tx, StoreError> {
        let begin = self.dialect().begin_snapshot();
        Ok(match self {
            Self::Sqlite { readers, .. } => Tx::Sqlite(readers.begin_with(begin).await?),
            Self::Postgres(pool) => Tx::Postgres(pool.begin_with(begin).await?),
        })
    }

    /// The rows of a query.
    ///
    /// # Errors
    /// What the database says.
    pub async fn fetch(&self, sql: &'static str, params: &[Param<'_>]) -> Result<Vec<Row>, StoreError> {
        Ok(match self {
            Self::Sqlite { readers, .. } => {
                bind_sqlite(sql, params).fetch_all(readers).await?.into_iter().map(Row::Sqlite).collect()
            }
            Self::Postgres(pool) => {
                bind_postgres(sql, params).fetch_all(pool).await?.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    /// The first row of a query, if there is one.
    ///
    /// # Errors
    /// What the database says.
    pub async fn fetch_one(
        &self,
        sql: &'static str,
        params: &[Param<'_>],
    ) -> Result<Option<Row>, StoreError> {
        Ok(match self {
            Self::Sqlite { readers, .. } => {
                bind_sqlite(sql, params).fetch_optional(readers).await?.map(Row::Sqlite)
            }
            Self::Postgres(pool) => bind_postgres(sql, params).fetch_optional(pool).await?.map(Row::Postgres),
        })
    }

    pub(crate) async fn fetch_repeated(
        &self,
        sql: AssertSqlSafe<Arc<str>>,
        params: &[Param<'_>],
    ) -> Result<Vec<Row>, StoreError> {
        Ok(match self {
            Self::Sqlite { readers, .. } => {
                bind_sqlite(sql, params).fetch_all(readers).await?.into_iter().map(Row::Sqlite).collect()
            }
            Self::Postgres(pool) => {
                bind_postgres(sql, params).fetch_all(pool).await?.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    /// Asks the database whether its file is sound. PostgreSQL looks after its own.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] with what is wrong, or why it cannot be asked.
    pub async fn check(&self) -> Result<(), StoreError> {
        if self.dialect() == Dialect::Postgres {
            self.fetch("SELECT 'ok'", &[]).await?;
            return Ok(());
        }
        let mut wrong = Vec::new();
        for row in self.fetch("PRAGMA quick_check(3)", &[]).await? {
            let line: String = row.get(0)?;
            if line != "ok" {
                wrong.push(line);
            }
        }
        if wrong.is_empty() { Ok(()) } else { Err(StoreError::Corrupt(wrong.join("; "))) }
    }

    /// Prepares a statement without running it: tests do so with every constant, on both databases.
    ///
    /// # Errors
    /// What the database says of the statement.
    pub async fn prepare(&self, sql: &'static str) -> Result<(), StoreError> {
        use sqlx::Executor as _;
        match self {
            Self::Sqlite { writer, .. } => {
                writer.prepare(sql.into_sql_str()).await?;
            }
            Self::Postgres(pool) => {
                pool.prepare(sql.into_sql_str()).await?;
            }
        }
        Ok(())
    }

    pub(crate) async fn prepare_repeated(&self, sql: AssertSqlSafe<Arc<str>>) -> Result<(), StoreError> {
        use sqlx::Executor as _;
        match self {
            Self::Sqlite { writer, .. } => {
                writer.prepare(sql.into_sql_str()).await?;
            }
            Self::Postgres(pool) => {
                pool.prepare(sql.into_sql_str()).await?;
            }
        }
        Ok(())
    }

    /// Closes all connections; SQLite then folds its log into the file.
    pub async fn close(&self) {
        match self {
            Self::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

impl Tx {
    /// Which database it is.
    pub const fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Runs a statement and answers how many rows it touched.
    ///
    /// # Errors
    /// What the database says.
    pub async fn execute(&mut self, sql: &'static str, params: &[Param<'_>]) -> Result<u64, StoreError> {
        Ok(match self {
            Self::Sqlite(tx) => bind_sqlite(sql, params).execute(&mut **tx).await?.rows_affected(),
            Self::Postgres(tx) => bind_postgres(sql, params).execute(&mut **tx).await?.rows_affected(),
        })
    }

    pub(crate) async fn execute_repeated(
        &mut self,
        sql: AssertSqlSafe<Arc<str>>,
        params: &[Param<'_>],
    ) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(tx) => {
                bind_sqlite(sql, params).execute(&mut **tx).await?;
            }
            Self::Postgres(tx) => {
                bind_postgres(sql, params).execute(&mut **tx).await?;
            }
        }
        Ok(())
    }

    pub(crate) async fn fetch_repeated(
        &mut self,
        sql: AssertSqlSafe<Arc<str>>,
        params: &[Param<'_>],
    ) -> Result<Vec<Row>, StoreError> {
        Ok(match self {
            Self::Sqlite(tx) => {
                bind_sqlite(sql, params).fetch_all(&mut **tx).await?.into_iter().map(Row::Sqlite).collect()
            }
            Self::Postgres(tx) => bind_postgres(sql, params)
                .fetch_all(&mut **tx)
                .await?
                .into_iter()
                .map(Row::Postgres)
                .collect(),
        })
    }

    /// Runs several statements at once, without values: for migrations.
    pub(crate) async fn execute_script(&mut self, sql: AssertSqlSafe<String>) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite(tx) => {
                sqlx::raw_sql(sql).execute(&mut **tx).await?;
            }
            Self::Postgres(tx) => {
                sqlx::raw_sql(sql).execute(&mut **tx).await?;
            }
        }
        Ok(())
    }

    /// The rows of a query, as this transaction sees them.
    ///
    /// # Errors
    /// What the database says.
    pub async fn fetch(&mut self, sql: &'static str, params: &[Param<'_>]) -> Result<Vec<Row>, StoreError> {
        Ok(match self {
            Self::Sqlite(tx) => {
                bind_sqlite(sql, params).fetch_all(&mut **tx).await?.into_iter().map(Row::Sqlite).collect()
            }
            Self::Postgres(tx) => bind_postgres(sql, params)
                .fetch_all(&mut **tx)
                .await?
                .into_iter()
                .map(Row::Postgres)
                .collect(),
        })
    }

    /// Makes it durable.
    ///
    /// # Errors
    /// What the database says; the transaction is then undone.
    pub async fn commit(self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(tx) => tx.commit().await?,
            Self::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }
}
