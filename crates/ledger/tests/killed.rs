//! A ledger that is killed between any two steps of its sequencer and publisher, again and again, loses nothing that was
//! committed, appends nothing twice, never forks, and its folder is whole. `OCTRO_KILLS` says how often.

#![expect(clippy::unwrap_used, reason = "a test says what it expects")]

mod support;

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use octro_ledger::{Highest, Ledger, Parts, Reader, Settings, Steps, outbox, rebuild};
use octro_model::SystemClock;
use octro_store::Db;
use octro_testkit::Chance;
use octro_verify::{Leaf, What};
use support::{START, files, leaf, settings};

/// Says to the child where its files are, which leaf is the next, and at which step of which turn it dies.
const AT: &str = "OCTRO_TEST_LEDGER_AT";
const NEXT: &str = "OCTRO_TEST_LEDGER_NEXT";
const STEP: &str = "OCTRO_TEST_LEDGER_STEP";
const TURN: &str = "OCTRO_TEST_LEDGER_TURN";
const SEED: u64 = 5_309;

async fn open(at: &Path) -> Db {
    Db::open(&format!("sqlite:{}", at.join("octro.db").display())).await.unwrap()
}

/// Kills this very process, as `kill -9` does.
fn die() {
    let me = rustix::process::getpid();
    rustix::process::kill_process(me, rustix::process::Signal::KILL).unwrap();
}

/// The process that is killed: not a test of its own, but what the test starts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_child() {
    let Ok(at) = std::env::var(AT) else { return };
    let mut next: u64 = std::env::var(NEXT).unwrap().parse().unwrap();
    let step = std::env::var(STEP).unwrap();
    let turns: u64 = std::env::var(TURN).unwrap().parse().unwrap();
    let passed = AtomicU64::new(0);
    let steps = Steps::calling(move |name| {
        if name == step && passed.fetch_add(1, Ordering::SeqCst) == turns {
            die();
        }
    });
    let at = Path::new(&at);
    let db = open(at).await;
    let ledger =
        Ledger::open(db.clone(), Arc::new(SystemClock), Settings { steps, ..settings(at) }).await.unwrap();
    let mut chance = Chance::new(SEED ^ next);
    loop {
        let mut tx = db.begin().await.unwrap();
        for _ in 0..chance.below(120) {
            outbox::put(&mut tx, START, &leaf(next)).await.unwrap();
            next += 1;
        }
        tx.commit().await.unwrap();
        println!("\ncommitted {next}");
        ledger.flush().await.unwrap();
        ledger.publish().await.unwrap();
    }
}

/// Starts the child; answers up to which leaf it said that it had committed.
fn kill(at: &Path, next: u64, step: &str, turn: u64) -> u64 {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "the_child", "--nocapture"])
        .env(AT, at)
        .env(NEXT, next.to_string())
        .env(STEP, step)
        .env(TURN, turn.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut committed = next;
    for line in BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok) {
        if let Some(number) = line.strip_prefix("committed ") {
            committed = number.parse().unwrap();
        }
    }
    let status = child.wait().unwrap();
    let said = std::io::read_to_string(child.stderr.take().unwrap()).unwrap();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(9), "{status}: {said}");
    committed
}

/// How many leaves are in the log; those behind the first `known` entries are looked at: in order, each once.
async fn count(db: &Db, known: &mut u64) -> u64 {
    let reader = Reader::newest(db).await.unwrap();
    for from in (*known..reader.size()).step_by(10_000) {
        for entry in reader.entries(from, 10_000).await.unwrap() {
            let found = Leaf::parse(&entry.leaf).unwrap();
            match entry.index.checked_sub(1) {
                None => assert!(matches!(found.what, What::Open { .. })),
                Some(number) => assert_eq!(found, leaf(number), "entry {}", entry.index),
            }
        }
    }
    *known = reader.size();
    *known - 1
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_doubled_or_forked_by_kill_9_at_any_step() {
    let kills: usize = std::env::var("OCTRO_KILLS").ok().map_or(40, |text| text.parse().unwrap());
    let folder = tempfile::TempDir::with_prefix("octro-test-ledger-killed-").unwrap();
    let at = folder.path();
    let mut chance = Chance::new(SEED);
    let (mut next, mut known, mut noted) = (0, 0, Vec::<String>::new());
    for round in 0..kills {
        let step = Steps::NAMES[round % Steps::NAMES.len()];
        // The sequencer's first turn may be the one in which the log begins.
        let turn = if round < Steps::NAMES.len() { 0 } else { chance.below(6) };
        let committed = kill(at, next, step, turn);
        let db = open(at).await;
        // A checkpoint that was ever in the folder is one that the database has, for ever.
        noted.extend(std::fs::read_to_string(at.join("published/1/checkpoint")).ok());
        let ledger = Ledger::open(db.clone(), Arc::new(SystemClock), settings(at)).await.unwrap();
        ledger.flush().await.unwrap();
        ledger.publish().await.unwrap();
        noted.extend(std::fs::read_to_string(at.join("published/1/checkpoint")).ok());
        let found = count(&db, &mut known).await;
        assert!(found >= committed, "kill {round} at {step}: {found} of {committed} leaves");
        next = found;
        // The whole of it grows with each round.
        if round < Steps::NAMES.len() || round % 10 == 9 || round + 1 == kills {
            let folder = at.join("published");
            let audit = octro_ledger::audit(&db, Some(&folder), Parts::ALL, |_| ()).await.unwrap();
            assert!(audit.is_clean(), "kill {round} at {step}: {:?}", audit.findings);
        }
        db.close().await;
    }
    let db = open(at).await;
    let reader = Reader::newest(&db).await.unwrap();
    for note in &noted {
        let size = note.lines().nth(1).unwrap().parse().unwrap();
        assert_eq!(reader.checkpoint_from(size).await.unwrap().unwrap().note, *note);
    }
    let highest = Highest::beside(&at.join("ledger.key")).read().unwrap().unwrap();
    assert_eq!(highest.size, reader.size());
    // What publishing wrote bit by bit is what is written at once, but for partial tiles of older checkpoints.
    let (grown, anew) = (files(&at.join("published/1")), at.join("anew"));
    rebuild(&db, &anew).await.unwrap();
    for (path, bytes) in files(&anew.join("1")) {
        assert_eq!(grown.get(&path), Some(&bytes), "{}", path.display());
    }
}
