//! The two databases hold the same tables, columns and indexes, and behave alike.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that meets something unexpected fails")]

use std::collections::BTreeMap;

use octro_store::{Db, StoreError};
use octro_testkit::TestDb;

const SQLITE_COLUMNS: &str = "SELECT m.name, c.name, CASE WHEN c.\"notnull\" = 1 THEN 'NO' ELSE 'YES' END, c.type \
     FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' ORDER BY m.name, c.cid";
const POSTGRES_COLUMNS: &str = "SELECT table_name::text, column_name::text, is_nullable::text, data_type::text \
     FROM information_schema.columns WHERE table_schema = current_schema() ORDER BY table_name, ordinal_position";
const SQLITE_INDEXES: &str =
    "SELECT name FROM sqlite_master WHERE type = 'index' AND name NOT LIKE 'sqlite_autoindex%' ORDER BY name";
/// Primary keys and unique constraints have an index of their own that SQLite does not name.
const POSTGRES_INDEXES: &str = "SELECT i.indexname::text FROM pg_indexes i WHERE i.schemaname = current_schema() \
     AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conname = i.indexname \
         AND c.connamespace = current_schema()::regnamespace) ORDER BY i.indexname";

/// By table, its columns in their order, with what they hold.
async fn columns(db: &Db, sql: &'static str) -> BTreeMap<String, Vec<(String, String, String)>> {
    let mut all: BTreeMap<String, Vec<(String, String, String)>> = BTreeMap::new();
    for row in db.fetch(sql, &[]).await.unwrap() {
        let of: String = row.get(3).unwrap();
        let of = match of.to_lowercase().as_str() {
            "integer" | "bigint" => "number",
            "text" => "text",
            "blob" | "bytea" => "bytes",
            other => panic!("{other}"),
        };
        all.entry(row.get(0).unwrap()).or_default().push((
            row.get(1).unwrap(),
            row.get(2).unwrap(),
            of.to_owned(),
        ));
    }
    all
}

async fn names(db: &Db, sql: &'static str) -> Vec<String> {
    db.fetch(sql, &[]).await.unwrap().iter().map(|row| row.get(0).unwrap()).collect()
}

#[tokio::test]
async fn the_migrations_make_the_same_tables_and_indexes() {
    let sqlite = TestDb::sqlite().await.unwrap();
    let tables = columns(&sqlite.db(), SQLITE_COLUMNS).await;
    assert!(tables.contains_key("observations"));
    if let Some(postgres) = TestDb::postgres().await.unwrap() {
        assert_eq!(tables, columns(&postgres.db(), POSTGRES_COLUMNS).await);
        assert_eq!(names(&sqlite.db(), SQLITE_INDEXES).await, names(&postgres.db(), POSTGRES_INDEXES).await);
        postgres.remove().await.unwrap();
    }
    sqlite.remove().await.unwrap();
}

#[tokio::test]
async fn a_transaction_that_is_not_committed_leaves_nothing() {
    for of in TestDb::all().await.unwrap() {
        let count = "SELECT COUNT(*) FROM settings";
        let put = "INSERT INTO settings (name, value) VALUES ($1, $2)";
        let mut tx = of.db().begin().await.unwrap();
        tx.execute(put, &["a".into(), "1".into()]).await.unwrap();
        drop(tx);
        let mut tx = of.db().begin().await.unwrap();
        tx.execute(put, &["a".into(), "2".into()]).await.unwrap();
        tx.commit().await.unwrap();
        let mut tx = of.db().begin().await.unwrap();
        let twice = tx.execute(put, &["a".into(), "3".into()]).await.unwrap_err();
        assert!(twice.is_duplicate() && !twice.is_transient() && !twice.is_full(), "{twice}");
        drop(tx);
        let row = of.db().fetch_one(count, &[]).await.unwrap().unwrap();
        assert_eq!(row.get::<i64>(0).unwrap(), 1, "{}", of.name());
        of.remove().await.unwrap();
    }
}

#[tokio::test]
async fn opening_again_keeps_everything_and_a_newer_database_is_refused() {
    for of in TestDb::all().await.unwrap() {
        let again = Db::open(of.address()).await.unwrap();
        again.check().await.unwrap();
        let mut tx = again.begin().await.unwrap();
        tx.execute("INSERT INTO migrations (name) VALUES ($1)", &["9999_of_the_future".into()])
            .await
            .unwrap();
        tx.commit().await.unwrap();
        again.close().await;
        let newer = Db::open(of.address()).await.unwrap_err();
        assert!(matches!(&newer, StoreError::Newer(name) if name == "9999_of_the_future"), "{newer}");
        of.remove().await.unwrap();
    }
}

#[tokio::test]
async fn a_damaged_file_and_a_wrong_address_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("octro.db");
    std::fs::write(&path, vec![0x55; 8192]).unwrap();
    let damaged = Db::open(&format!("sqlite:{}", path.display())).await.unwrap_err();
    assert!(matches!(damaged, StoreError::Corrupt(_)), "{damaged:?}");
    let wrong = Db::open("mysql://somewhere").await.unwrap_err();
    assert!(matches!(wrong, StoreError::Address(_)), "{wrong:?}");
}

/// Over a network, the server has to show who it is.
#[tokio::test]
async fn postgresql_is_asked_over_tls_and_has_to_show_who_it_is() {
    let variable = |name| std::env::var(name).ok();
    let (Some(at), Some(certificate)) =
        (variable("OCTRO_TEST_POSTGRES"), variable("OCTRO_TEST_POSTGRES_CERTIFICATE"))
    else {
        return;
    };
    let ssl = "SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl";
    let checked = format!("{at}?sslmode=verify-full&sslrootcert={certificate}");
    let version = names(&Db::open(&checked).await.unwrap(), ssl).await;
    assert_eq!(version, ["TLSv1.3"]);
    // The same server, which no authority of this machine vouches for; and under a name that it does not have.
    let error = Db::open(&format!("{at}?sslmode=verify-full")).await.map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("certificate"), "{error}");
    let named = checked.replace("127.0.0.1", "localhost");
    let error = Db::open(&named).await.map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("certificate"), "{error}");
}
