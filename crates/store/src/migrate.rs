//! Migrations: numbered files, the same names for both databases, embedded, run at start. A file is never edited once
//! it was released; a change is expanded first and contracted in a later release.

use crate::dialect::{Dialect, migration};
use crate::{Db, StoreError};

/// Name and text for SQLite and PostgreSQL.
const MIGRATIONS: &[(&str, &str, &str)] = &[
    (
        "0001_spine",
        include_str!("../migrations/sqlite/0001_spine.sql"),
        include_str!("../migrations/postgres/0001_spine.sql"),
    ),
    (
        "0002_lighter",
        include_str!("../migrations/sqlite/0002_lighter.sql"),
        include_str!("../migrations/postgres/0002_lighter.sql"),
    ),
    (
        "0003_ledger",
        include_str!("../migrations/sqlite/0003_ledger.sql"),
        include_str!("../migrations/postgres/0003_ledger.sql"),
    ),
    (
        "0004_retention",
        include_str!("../migrations/sqlite/0004_retention.sql"),
        include_str!("../migrations/postgres/0004_retention.sql"),
    ),
    (
        "0005_journal",
        include_str!("../migrations/sqlite/0005_journal.sql"),
        include_str!("../migrations/postgres/0005_journal.sql"),
    ),
    (
        "0006_records",
        include_str!("../migrations/sqlite/0006_records.sql"),
        include_str!("../migrations/postgres/0006_records.sql"),
    ),
];

const CREATE: &str = "CREATE TABLE IF NOT EXISTS migrations (name TEXT NOT NULL PRIMARY KEY)";
const LOCK_POSTGRES: &str = "SELECT pg_advisory_xact_lock(6240872161)";
const KNOWN: &str = "SELECT name FROM migrations ORDER BY name";
const RECORD: &str = "INSERT INTO migrations (name) VALUES ($1)";

/// Runs what is missing, each file in a transaction of its own.
pub(crate) async fn run(db: &Db) -> Result<(), StoreError> {
    loop {
        let mut tx = db.begin().await?;
        if db.dialect() == Dialect::Postgres {
            // Two processes that start together must not both migrate.
            tx.fetch(LOCK_POSTGRES, &[]).await?;
        }
        tx.execute(CREATE, &[]).await?;
        let mut known = Vec::new();
        for row in tx.fetch(KNOWN, &[]).await? {
            known.push(row.get::<String>(0)?);
        }
        if let Some(newer) = known.iter().find(|name| !MIGRATIONS.iter().any(|(ours, ..)| ours == name)) {
            return Err(StoreError::Newer(newer.clone()));
        }
        let Some((name, sqlite, postgres)) =
            MIGRATIONS.iter().find(|(name, ..)| !known.iter().any(|k| k == name))
        else {
            tx.commit().await?;
            return Ok(());
        };
        let text = match db.dialect() {
            Dialect::Sqlite => sqlite,
            Dialect::Postgres => postgres,
        };
        tx.execute_script(migration(text))
            .await
            .map_err(|source| StoreError::Migration { name: (*name).to_owned(), source })?;
        tx.execute(RECORD, &[(*name).into()]).await?;
        tx.commit().await?;
        tracing::info!(migration = name, "the database was migrated");
    }
}
