//! Folders that cannot be written, and disks that are full: an alarm, and the log goes on as far as it can.

#![expect(clippy::unwrap_used, reason = "a test says what it expects")]

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use octro_ledger::{Ledger, Parts, Settings};
use octro_model::ManualClock;
use octro_store::Db;
use octro_testkit::TestDb;
use support::{Bench, START, leaf, settings};

/// A small file system in memory, if the test may mount one.
struct Small(PathBuf);

impl Small {
    fn mount(at: &Path, size: &str) -> Option<Self> {
        std::fs::create_dir_all(at).unwrap();
        let options = format!("size={size}");
        let done = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(at).output();
        done.is_ok_and(|done| done.status.success()).then(|| Self(at.to_owned()))
    }

    fn remount(&self, options: &str) {
        let options = format!("remount,{options}");
        let done = Command::new("mount").args(["-o", &options]).arg(&self.0).status();
        assert!(done.is_ok_and(|done| done.success()));
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

fn fill(at: &Path) {
    use std::io::Write as _;
    let mut file = std::fs::File::create(at).unwrap();
    while file.write_all(&[1; 1_024]).is_ok() {}
}

fn alarm(ledger: &Ledger) -> Option<String> {
    ledger.health().borrow().publishing.clone()
}

#[tokio::test]
async fn a_place_that_is_no_folder_is_an_alarm_and_the_log_goes_on() {
    let bench = Bench::on(TestDb::sqlite().await.unwrap()).await;
    std::fs::write(bench.published(), "in the way").unwrap();
    bench.put(1..300).await;
    assert!(bench.ledger.publish().await.is_err());
    assert!(alarm(&bench.ledger).unwrap().contains("published/1"), "{:?}", alarm(&bench.ledger));
    bench.put(300..600).await;
    assert_eq!(bench.size().await, 600);
    std::fs::remove_file(bench.published()).unwrap();
    bench.ledger.publish().await.unwrap();
    assert_eq!(alarm(&bench.ledger), None);
    assert_eq!(bench.ledger.health().borrow().published, Some(600));
    bench.clean().await;
    // Another log's folder is not touched.
    let path = bench.published().join("1/checkpoint");
    let note = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, note.replace("octro.test/log", "octro.test/cat")).unwrap();
    bench.put(600..610).await;
    let again = bench.again(false).await.unwrap();
    let error = again.publish().await.unwrap_err().to_string();
    assert!(error.contains("holds another log") && error.contains("octro ledger rebuild"), "{error}");
    bench.done().await;
}

#[tokio::test]
async fn a_folder_that_is_full_or_read_only_is_an_alarm_and_the_log_goes_on() {
    let bench = Bench::on(TestDb::sqlite().await.unwrap()).await;
    let Some(small) = Small::mount(&bench.published(), "4m") else { return };
    bench.put(1..300).await;
    bench.ledger.publish().await.unwrap();
    small.remount("ro");
    bench.put(300..600).await;
    assert!(bench.ledger.publish().await.is_err());
    assert!(alarm(&bench.ledger).unwrap().contains("Read-only"), "{:?}", alarm(&bench.ledger));
    bench.put(600..700).await;
    small.remount("rw");
    bench.ledger.publish().await.unwrap();
    bench.clean().await;
    fill(&bench.published().join("hog"));
    bench.put(700..2_000).await;
    assert!(bench.ledger.publish().await.is_err());
    assert!(alarm(&bench.ledger).unwrap().contains("No space"), "{:?}", alarm(&bench.ledger));
    assert_eq!(bench.size().await, 2_000);
    std::fs::remove_file(bench.published().join("hog")).unwrap();
    bench.ledger.publish().await.unwrap();
    bench.clean().await;
    drop(small);
    bench.done().await;
}

#[tokio::test]
async fn a_full_disk_stops_the_log_until_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("small");
    let Some(_small) = Small::mount(&at, "6m") else { return };
    let db = Db::open(&format!("sqlite:{}", at.join("octro.db").display())).await.unwrap();
    let clock = Arc::new(ManualClock::at(START));
    let settings = Settings { folder: None, ..settings(&at) };
    let ledger = Ledger::open(db.clone(), clock, settings).await.unwrap();
    ledger.append(START, &(0..500).map(leaf).collect::<Vec<_>>()).await.unwrap();
    fill(&at.join("hog"));
    let (mut next, mut error) = (500, None);
    while error.is_none() {
        error = ledger.append(START, &(next..next + 500).map(leaf).collect::<Vec<_>>()).await.err();
        if error.is_none() {
            next += 500;
        }
    }
    let error = error.unwrap().to_string();
    assert!(error.contains("there is no room left"), "{error}");
    assert!(ledger.health().borrow().appending.is_some());
    std::fs::remove_file(at.join("hog")).unwrap();
    ledger.append(START, &(next..next + 500).map(leaf).collect::<Vec<_>>()).await.unwrap();
    assert_eq!(ledger.health().borrow().appending, None);
    let audit = octro_ledger::audit(&db, None, Parts::ALL, |_| ()).await.unwrap();
    assert!(audit.is_clean(), "{:?}", audit.findings);
    let reader = ledger.reader().await.unwrap();
    assert_eq!(reader.size(), next + 501);
    for index in [1, 500, next, next + 500] {
        assert_eq!(reader.entry(index).await.unwrap().leaf, leaf(index - 1).to_bytes());
    }
    db.close().await;
}

#[tokio::test]
async fn what_could_not_be_cleared_is_cleared_at_the_next_publishing() {
    let bench = Bench::on(TestDb::sqlite().await.unwrap()).await;
    let partial = bench.published().join("1/tile/0/000.p");
    let aside = bench.published().join("aside");
    bench.put(1..250).await;
    bench.ledger.publish().await.unwrap();
    assert!(partial.join("250").exists());
    // Something stands in the way while the full tile is published.
    std::fs::rename(&partial, &aside).unwrap();
    std::fs::write(&partial, "in the way").unwrap();
    bench.put(250..300).await;
    assert!(bench.ledger.publish().await.is_err());
    assert!(alarm(&bench.ledger).unwrap().contains("000.p"), "{:?}", alarm(&bench.ledger));
    std::fs::remove_file(&partial).unwrap();
    std::fs::rename(&aside, &partial).unwrap();
    // Nothing was added; it is tried again.
    bench.ledger.publish().await.unwrap();
    assert!(!partial.exists());
    assert_eq!(alarm(&bench.ledger), None);
    // A process that ended before it had cleared leaves it to the next one.
    std::fs::create_dir_all(&partial).unwrap();
    std::fs::write(partial.join("9"), [0; 288]).unwrap();
    bench.again(false).await.unwrap().publish().await.unwrap();
    assert!(!partial.exists());
    bench.done().await;
}
