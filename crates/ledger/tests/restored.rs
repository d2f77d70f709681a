//! A database that is older than what was signed is a restored backup: it is recognised, nothing is signed, and there are
//! two ways on.

#![expect(clippy::unwrap_used, reason = "a test says what it expects")]

mod support;

use std::path::Path;
use std::sync::Arc;

use octro_ledger::records::{self, Part};
use octro_ledger::{FileKeys, Highest, Ledger, LedgerError, Parts, Reader, Settings, outbox};
use octro_model::ManualClock;
use octro_store::Db;
use octro_verify::{Leaf, What, hmac};
use support::{START, leaf, settings, transition};
use tempfile::TempDir;

struct Place {
    folder: TempDir,
}

impl Place {
    async fn db(&self, name: &str) -> Db {
        Db::open(&format!("sqlite:{}", self.folder.path().join(name).display())).await.unwrap()
    }

    async fn open(&self, db: &Db, follow: bool) -> Result<Ledger, LedgerError> {
        let operator = "console user test".to_owned();
        self.open_with(db, Settings { follow, operator, ..settings(self.folder.path()) }).await
    }

    async fn open_with(&self, db: &Db, settings: Settings) -> Result<Ledger, LedgerError> {
        Ledger::open(db.clone(), Arc::new(ManualClock::at(START)), settings).await
    }

    /// A log of 10 entries, a backup of it, and 10 more that were published.
    async fn with_backup() -> Self {
        let this = Self { folder: TempDir::with_prefix("octro-test-restored-").unwrap() };
        let db = this.db("octro.db").await;
        let ledger = this.open(&db, false).await.unwrap();
        ledger.append(START, &(1..10).map(leaf).collect::<Vec<_>>()).await.unwrap();
        ledger.publish().await.unwrap();
        support::vacuum_into(&db, &this.folder.path().join("backup.db")).await;
        ledger.append(START, &(10..20).map(leaf).collect::<Vec<_>>()).await.unwrap();
        ledger.publish().await.unwrap();
        this
    }
}

async fn clean(db: &Db, folder: Option<&Path>) {
    let audit = octro_ledger::audit(db, folder, Parts::ALL, |_| ()).await.unwrap();
    assert!(audit.is_clean(), "{:?}", audit.findings);
}

#[tokio::test]
async fn a_restored_backup_refuses_to_sign_and_the_newer_database_goes_on() {
    let place = Place::with_backup().await;
    let old = place.db("backup.db").await;
    let error = place.open(&old, false).await.err().unwrap();
    assert!(matches!(&error, LedgerError::Behind { signed, .. } if signed.size == 20), "{error}");
    let text = error.to_string();
    assert!(text.contains("holds 10 entries") && text.contains("20 entries of `octro.test/log`"), "{text}");
    assert!(text.contains("give the newer database back") && text.contains("--follow"), "{text}");
    assert_eq!(Reader::newest(&old).await.unwrap().size(), 10, "nothing was appended");
    let newer = place.db("octro.db").await;
    place.open(&newer, false).await.unwrap().append(START, &[leaf(99)]).await.unwrap();
}

#[tokio::test]
async fn the_published_folder_tells_it_too() {
    let place = Place::with_backup().await;
    std::fs::remove_file(place.folder.path().join("ledger.key.highest")).unwrap();
    let error = place.open(&place.db("backup.db").await, false).await.err().unwrap();
    assert!(error.to_string().contains("published/1/checkpoint"), "{error}");
}

#[tokio::test]
async fn a_backup_that_somebody_appended_to_differs() {
    let place = Place::with_backup().await;
    // Elsewhere, without the second place and the folder, the same key signs another history.
    let old = place.db("backup.db").await;
    let elsewhere = Settings {
        highest: Highest::at(place.folder.path().join("elsewhere")),
        folder: None,
        ..settings(place.folder.path())
    };
    let ledger = place.open_with(&old, elsewhere).await.unwrap();
    ledger.append(START, &(30..60).map(leaf).collect::<Vec<_>>()).await.unwrap();
    let error = place.open(&old, false).await.err().unwrap();
    assert!(matches!(error, LedgerError::Differs(_)), "{error}");
    let error = place.open(&place.db("empty.db").await, false).await.err().unwrap();
    assert!(error.to_string().contains("holds no ledger at all"), "{error}");
}

#[tokio::test]
async fn a_new_log_follows_the_one_that_was_signed() {
    let place = Place::with_backup().await;
    let old = place.db("backup.db").await;
    let mut tx = old.begin().await.unwrap();
    outbox::put_all(&mut tx, START, &[transition("C-1", 1, None), leaf(29)]).await.unwrap();
    tx.commit().await.unwrap();
    let ledger = place.open(&old, true).await.unwrap();
    ledger.append(START, &(30..600).map(leaf).collect::<Vec<_>>()).await.unwrap();
    let reader = ledger.reader().await.unwrap();
    assert_eq!((reader.log().ord, reader.log().origin.as_str()), (2, "octro.test/log/2"));
    // The first entry, the decision to go on so, the one that waited, and those that followed; the link of the old chain
    // waits outside.
    assert_eq!(reader.size(), 1 + 1 + 1 + 570);
    let entry = reader.entry(1).await.unwrap();
    let decided = Leaf::parse(&entry.leaf).unwrap();
    let What::Decision { what, subject, by, body } = decided.what else { panic!("{decided:?}") };
    assert_eq!(what, "restore.followed");
    let record = records::decisions(&old, "restore-2").await.unwrap().remove(0);
    assert_eq!(record.hash, entry.hash);
    for (part, commitment, text) in [
        (Part::By, by, "console user test"),
        (Part::Subject, subject, "\"origin\":\"octro.test/log\""),
        (Part::Body, body, "holds 10 entries"),
    ] {
        let (said, salt) = record.opening(part);
        assert!(said.contains(text), "{said}");
        assert_eq!(hmac(&salt, &[said.as_bytes()]), commitment, "{part:?}");
    }
    assert_eq!(outbox::waiting(&old).await.unwrap().refused, 1);
    let first = Leaf::parse(&reader.entry(0).await.unwrap().leaf).unwrap();
    let What::Open { after: Some(after), .. } = first.what else { panic!("{first:?}") };
    assert_eq!((after.origin.as_str(), after.size), ("octro.test/log", 20));
    ledger.publish().await.unwrap();
    let logs = Reader::logs(&old).await.unwrap();
    assert_eq!(logs.len(), 2);
    let audit = octro_ledger::audit(&old, Some(&place.folder.path().join("published")), Parts::ALL, |_| ())
        .await
        .unwrap();
    // What was published of the first log is more than this database has of it, and the log that follows says so openly.
    assert!(audit.is_clean(), "{:?}", audit.findings);
    clean(&old, None).await;
    // Somebody has it be another's decision afterwards.
    let sql = "DROP TRIGGER ledger_records_no_update; UPDATE ledger_records SET decided_by = 'somebody else'";
    support::force_on(&old, sql).await;
    let audit = octro_ledger::audit(&old, None, Parts::ALL, |_| ()).await.unwrap();
    let says: Vec<&str> = audit.findings.iter().map(|one| one.says.as_str()).collect();
    assert_eq!(says, ["entry 1: what is kept of it does not open its commitment `by`"]);
    // Later starts need no word of it, and the old database is refused from now on.
    drop(ledger);
    place.open(&old, false).await.unwrap().append(START, &[leaf(1)]).await.unwrap();
    let error = place.open(&place.db("octro.db").await, false).await.err().unwrap();
    assert!(matches!(error, LedgerError::Differs(_)), "{error}");
    // And again: a database without anything follows the second.
    let empty = place.db("empty.db").await;
    let third = place.open(&empty, true).await.unwrap();
    let log = third.reader().await.unwrap().log().clone();
    assert_eq!((log.ord, log.origin.as_str()), (3, "octro.test/log/3"));
    third.publish().await.unwrap();
}

#[tokio::test]
async fn a_process_notices_that_its_database_was_exchanged() {
    let place = Place::with_backup().await;
    let db = place.db("octro.db").await;
    let ledger = place.open(&db, false).await.unwrap();
    ledger.append(START, &[leaf(50)]).await.unwrap();
    // Under the running process, and without the second place: the log is as it was before the last entries.
    let sql = "DROP TRIGGER ledger_entries_no_delete; DROP TRIGGER ledger_checkpoints_no_delete; \
        DELETE FROM ledger_entries WHERE seq >= 10; DELETE FROM ledger_checkpoints WHERE size > 10; \
        UPDATE ledger_log SET size = 10";
    support::force_on(&db, sql).await;
    std::fs::remove_file(place.folder.path().join("ledger.key.highest")).unwrap();
    std::fs::remove_dir_all(place.folder.path().join("published")).unwrap();
    let error = ledger.append(START, &[leaf(51)]).await.unwrap_err();
    assert!(error.to_string().contains("this process's memory"), "{error}");
    assert!(ledger.health().borrow().appending.is_some());
    assert_eq!(Reader::newest(&db).await.unwrap().size(), 10);
}

#[tokio::test]
async fn a_key_of_another_log_is_refused() {
    let place = Place::with_backup().await;
    let other = Settings {
        origin: Some("octro.test/other".to_owned()),
        keys: Arc::new(FileKeys::at(place.folder.path().join("other.key"))),
        highest: Highest::at(place.folder.path().join("other.highest")),
        folder: None,
        ..settings(place.folder.path())
    };
    let db = place.db("other.db").await;
    drop(place.open_with(&db, other).await.unwrap());
    let error = place.open(&db, false).await.err().unwrap();
    assert!(error.to_string().contains("the key has signed 20 entries"), "{error}");
}
