//! Databases for one test: SQLite in a folder of its own, PostgreSQL in a schema of its own.

use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context as _;
use octro_store::Db;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _};
use tempfile::TempDir;

/// The variable that holds the address of a PostgreSQL database in which tests may make schemas.
const VARIABLE: &str = "OCTRO_TEST_POSTGRES";

static NEXT: AtomicU64 = AtomicU64::new(0);

/// A database that one test uses.
pub struct TestDb {
    address: String,
    db: Db,
    made: Made,
}

/// What has to be removed after the test.
enum Made {
    Folder(TempDir),
    Schema { at: String, name: String },
}

impl TestDb {
    /// SQLite, and PostgreSQL if `OCTRO_TEST_POSTGRES` says where one is; both empty and migrated.
    ///
    /// # Errors
    /// If one of them cannot be made.
    pub async fn all() -> anyhow::Result<Vec<Self>> {
        let mut all = vec![Self::sqlite().await?];
        all.extend(Self::postgres().await?);
        Ok(all)
    }

    /// An SQLite database.
    ///
    /// # Errors
    /// If it cannot be made.
    pub async fn sqlite() -> anyhow::Result<Self> {
        let folder = TempDir::with_prefix("octro-test-")?;
        let address = format!("sqlite:{}", folder.path().join("octro.db").display());
        let db = Db::open(&address).await?;
        Ok(Self { address, db, made: Made::Folder(folder) })
    }

    /// A PostgreSQL schema; `None` if no server is named.
    ///
    /// # Errors
    /// If there is a server and the schema cannot be made.
    pub async fn postgres() -> anyhow::Result<Option<Self>> {
        let Some(at) = std::env::var(VARIABLE).ok().filter(|at| !at.is_empty()) else { return Ok(None) };
        let name = format!("octro_test_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let mut connection = connect(&at).await?;
        connection.execute(AssertSqlSafe(format!("DROP SCHEMA IF EXISTS {name} CASCADE"))).await?;
        connection.execute(AssertSqlSafe(format!("CREATE SCHEMA {name}"))).await?;
        connection.close().await?;
        let sign = if at.contains('?') { '&' } else { '?' };
        let address = format!("{at}{sign}options[search_path]={name}");
        let db = Db::open(&address).await?;
        Ok(Some(Self { address, db, made: Made::Schema { at, name } }))
    }

    /// The database.
    pub fn db(&self) -> Db {
        self.db.clone()
    }

    /// Its address, for opening it again.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// `SQLite` or `PostgreSQL`, for messages.
    pub fn name(&self) -> &'static str {
        self.db.dialect().name()
    }

    /// Closes and removes it.
    ///
    /// # Errors
    /// If it cannot be removed.
    pub async fn remove(self) -> anyhow::Result<()> {
        self.db.close().await;
        match self.made {
            Made::Folder(folder) => folder.close()?,
            Made::Schema { at, name } => {
                let mut connection = connect(&at).await?;
                connection.execute(AssertSqlSafe(format!("DROP SCHEMA {name} CASCADE"))).await?;
                connection.close().await?;
            }
        }
        Ok(())
    }
}

async fn connect(at: &str) -> anyhow::Result<PgConnection> {
    let options = PgConnectOptions::from_str(at).with_context(|| format!("{VARIABLE} is `{at}`"))?;
    options.connect().await.with_context(|| format!("{VARIABLE} names a server that does not answer"))
}
