//! A ledger for one test: database, key, folder, and a clock that the test sets.

#![expect(clippy::unwrap_used, reason = "a test says what it expects, in its helpers too")]
#![allow(dead_code, clippy::allow_attributes, reason = "each test file uses a part of it")]

pub mod http;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use octro_ledger::{Audit, Ledger, LedgerError, Parts, Settings, outbox};
use octro_model::{ManualClock, Timestamp};
use octro_store::Db;
use octro_testkit::TestDb;
use octro_verify::{Leaf, Transition, What, sha256};
use tempfile::TempDir;

pub const START: Timestamp = Timestamp::from_secs(1_800_000_000);

pub struct Bench {
    pub of: TestDb,
    pub clock: ManualClock,
    pub folder: TempDir,
    pub ledger: Ledger,
}

pub fn settings(at: &Path) -> Settings {
    let key = at.join("ledger.key");
    Settings {
        origin: Some("octro.test/log".to_owned()),
        folder: Some(at.join("published")),
        ..Settings::at(&key)
    }
}

/// A leaf that is like no other.
pub fn leaf(number: u64) -> Leaf {
    let hash = |what: &str| sha256(format!("{what} {number}").as_bytes());
    let what = What::Decision {
        what: "test.made".to_owned(),
        subject: hash("subject"),
        by: hash("by"),
        body: hash("body"),
    };
    Leaf { written: 1_800_000_000_000_000 + number, what }
}

pub fn transition(control: &str, n: u64, before: Option<([u8; 32], octro_verify::Status)>) -> Leaf {
    let to = if n.is_multiple_of(2) { octro_verify::Status::Fail } else { octro_verify::Status::Pass };
    let at = 1_800_000_000_000_000 + n;
    let what =
        What::Transition(Transition { control: control.to_owned(), n, before, to, at, program: [3; 32] });
    Leaf { written: at, what }
}

impl Bench {
    pub async fn on(of: TestDb) -> Self {
        let folder = TempDir::with_prefix("octro-test-ledger-").unwrap();
        let clock = ManualClock::at(START);
        let ledger = Ledger::open(of.db(), Arc::new(clock.clone()), settings(folder.path())).await.unwrap();
        Self { of, clock, folder, ledger }
    }

    /// Another log of the same origin and key, in a database of its own: a fork.
    pub async fn fork(&self, of: TestDb) -> Self {
        let folder = TempDir::with_prefix("octro-test-ledger-").unwrap();
        let clock = ManualClock::at(START);
        std::fs::copy(self.folder.path().join("ledger.key"), folder.path().join("ledger.key")).unwrap();
        let ledger = Ledger::open(of.db(), Arc::new(clock.clone()), settings(folder.path())).await.unwrap();
        Self { of, clock, folder, ledger }
    }

    /// The log's verifier key.
    pub async fn key(&self) -> octro_verify::VerifierKey {
        octro_verify::VerifierKey::parse(&self.ledger.reader().await.unwrap().log().signer).unwrap()
    }

    /// The newest note.
    pub async fn note(&self) -> String {
        self.ledger.reader().await.unwrap().checkpoint().await.unwrap().note
    }

    pub async fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for of in TestDb::all().await.unwrap() {
            all.push(Self::on(of).await);
        }
        all
    }

    pub fn db(&self) -> Db {
        self.of.db()
    }

    pub fn published(&self) -> PathBuf {
        self.folder.path().join("published")
    }

    /// Puts leaves and appends them.
    pub async fn put(&self, numbers: std::ops::Range<u64>) {
        let leaves: Vec<Leaf> = numbers.map(leaf).collect();
        self.put_leaves(&leaves).await;
    }

    pub async fn put_leaves(&self, leaves: &[Leaf]) {
        let mut tx = self.db().begin().await.unwrap();
        outbox::put_all(&mut tx, START, leaves).await.unwrap();
        tx.commit().await.unwrap();
        self.ledger.flush().await.unwrap();
    }

    pub async fn size(&self) -> u64 {
        self.ledger.reader().await.unwrap().size()
    }

    pub async fn audit(&self) -> Audit {
        octro_ledger::audit(&self.db(), Some(&self.published()), Parts::ALL, |_| ()).await.unwrap()
    }

    pub async fn clean(&self) -> Audit {
        let audit = self.audit().await;
        assert!(audit.is_clean(), "{}: {:?}", self.of.name(), audit.findings);
        audit
    }

    /// Opens the ledger again, as after a restart.
    pub async fn again(&self, follow: bool) -> Result<Ledger, LedgerError> {
        let settings = Settings { follow, ..settings(self.folder.path()) };
        Ledger::open(self.db(), Arc::new(self.clock.clone()), settings).await
    }

    pub async fn done(self) {
        drop(self.ledger);
        self.of.remove().await.unwrap();
    }
}

/// All files below a folder, with their bytes.
pub fn files(at: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![at.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                found.insert(path.strip_prefix(at).unwrap().to_owned(), std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// Runs a statement that a superuser may run, past all guards.
pub async fn force(of: &TestDb, sql: &str) {
    force_on(&of.db(), sql).await;
}

pub async fn force_on(db: &Db, sql: &str) {
    let sql = sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned()));
    match db {
        Db::Sqlite { writer, .. } => drop(sql.execute(writer).await.unwrap()),
        Db::Postgres(pool) => drop(sql.execute(pool).await.unwrap()),
    }
}

/// A backup of an SQLite database.
pub async fn vacuum_into(db: &Db, path: &Path) {
    force_on(db, &format!("VACUUM INTO '{}'", path.display())).await;
}
