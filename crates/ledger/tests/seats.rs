//! Two processes on one PostgreSQL: either may be killed or paused at any step while it holds the lock; the other goes on
//! within five seconds, and the log never forks. Needs `OCTRO_TEST_POSTGRES`, which CI always sets.

#![expect(clippy::unwrap_used, reason = "a test says what it expects")]

mod support;

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use octro_ledger::{Ledger, Parts, Reader, Settings, Steps, outbox};
use octro_model::SystemClock;
use octro_store::Db;
use octro_testkit::TestDb;
use octro_verify::{Leaf, What};
use rustix::process::{Pid, Signal, kill_process};
use support::{START, leaf, settings};

const AT: &str = "OCTRO_TEST_SEAT_AT";
const DATABASE: &str = "OCTRO_TEST_SEAT_DATABASE";
/// Of which number its leaves begin.
const FIRST: &str = "OCTRO_TEST_SEAT_FIRST";
/// At which step it does what to itself, after how many turns.
const STEP: &str = "OCTRO_TEST_SEAT_STEP";
const SIGNAL: &str = "OCTRO_TEST_SEAT_SIGNAL";
const TURNS: u64 = 8;
/// Another process goes on within this.
const TAKEN_OVER: Duration = Duration::from_secs(5);
/// Whose leaves are which.
const WRITER: u64 = 1_000_000;

/// One of the two: not a test of its own, but what the test starts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_child() {
    let Ok(at) = std::env::var(AT) else { return };
    let at = Path::new(&at);
    let step = std::env::var(STEP).unwrap_or_default();
    let signal =
        if std::env::var(SIGNAL).is_ok_and(|signal| signal == "kill") { Signal::KILL } else { Signal::STOP };
    let passed = AtomicU64::new(0);
    let steps = Steps::calling(move |name| {
        let turns = if step.starts_with("publisher") { 1 } else { TURNS };
        if name == step && passed.fetch_add(1, Ordering::SeqCst) == turns {
            kill_process(rustix::process::getpid(), signal).unwrap();
        }
    });
    let db = Db::open(&std::env::var(DATABASE).unwrap()).await.unwrap();
    let ledger =
        Ledger::open(db.clone(), Arc::new(SystemClock), Settings { steps, ..settings(at) }).await.unwrap();
    let running = ledger.clone();
    tokio::spawn(async move { running.run(std::future::pending()).await });
    let mut next: u64 = std::env::var(FIRST).unwrap().parse().unwrap();
    loop {
        let mut tx = db.begin().await.unwrap();
        for number in next..next + 7 {
            outbox::put(&mut tx, START, &leaf(number)).await.unwrap();
        }
        tx.commit().await.unwrap();
        ledger.wake();
        next += 7;
        println!("\ncommitted {next}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

struct Seat {
    child: Child,
    committed: Arc<AtomicU64>,
}

impl Seat {
    fn start(at: &Path, of: &TestDb, first: u64, step: &str, signal: &str) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "the_child", "--nocapture"])
            .env(AT, at)
            .env(DATABASE, of.address())
            .env(FIRST, first.to_string())
            .env(STEP, step)
            .env(SIGNAL, signal)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let committed = Arc::new(AtomicU64::new(first));
        let (out, seen) = (child.stdout.take().unwrap(), committed.clone());
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                if let Some(number) = line.strip_prefix("committed ") {
                    seen.store(number.parse().unwrap(), Ordering::SeqCst);
                }
            }
        });
        Self { child, committed }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Whether it is paused or gone.
    fn is_still(&mut self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
        state.is_none_or(|state| matches!(state, 'T' | 'Z'))
    }

    fn end(mut self) -> u64 {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        std::thread::sleep(Duration::from_millis(50));
        self.committed.load(Ordering::SeqCst)
    }
}

#[expect(clippy::disallowed_methods, reason = "a test measures")]
async fn until(what: &str, mut done: impl AsyncFnMut() -> bool) -> Duration {
    let begun = Instant::now();
    while !done().await {
        assert!(begun.elapsed() < Duration::from_secs(30), "{what} did not happen within 30 s");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    begun.elapsed()
}

async fn size(db: &Db) -> u64 {
    Reader::newest(db).await.map_or(0, |reader| reader.size())
}

/// Waits until the log has grown twice from now: what was under way before does not count.
async fn grows(db: &Db) -> Duration {
    let before = size(db).await;
    until("the log grows", async || size(db).await >= before + 14).await
}

async fn one_is_still(step: &str, signal: &str) {
    let Some(of) = TestDb::postgres().await.unwrap() else { return };
    let folder = tempfile::TempDir::with_prefix("octro-test-seats-").unwrap();
    let db = of.db();
    let mut first = Seat::start(folder.path(), &of, 0, step, signal);
    until("a log begins", async || size(&db).await > 0).await;
    let second = Seat::start(folder.path(), &of, WRITER, "", "");
    until("the first is still", async || first.is_still()).await;
    let took = grows(&db).await;
    assert!(took < TAKEN_OVER, "{signal} at {step}: {took:?}");
    if signal == "stop" {
        // It comes back into the middle of a transaction that is no more, and goes on.
        let shown = first.committed.load(Ordering::SeqCst);
        first.signal(Signal::CONT);
        until("the first goes on", async || first.committed.load(Ordering::SeqCst) > shown + 70).await;
        grows(&db).await;
    }
    let (first, second) = (first.end(), second.end());
    // Whoever comes next finds what was left, and the log is one.
    let ledger = Ledger::open(db.clone(), Arc::new(SystemClock), settings(folder.path())).await.unwrap();
    ledger.flush().await.unwrap();
    ledger.publish().await.unwrap();
    let audit =
        octro_ledger::audit(&db, Some(&folder.path().join("published")), Parts::ALL, |_| ()).await.unwrap();
    // Each writer numbers its leaves by their moments, for itself: together they do not stand in the order of time.
    let other = audit.findings.iter().find(|one| !one.says.contains("it was written before"));
    assert!(other.is_none() && audit.findings.len() < 1_000, "{signal} at {step}: {other:?}");
    let mut next = BTreeMap::from([(0, 0), (1, WRITER)]);
    let reader = ledger.reader().await.unwrap();
    for from in (0..reader.size()).step_by(10_000) {
        for entry in reader.entries(from, 10_000).await.unwrap() {
            let found = Leaf::parse(&entry.leaf).unwrap();
            let What::Decision { .. } = found.what else { continue };
            let number = found.written - leaf(0).written;
            let due = next.get_mut(&(number / WRITER)).unwrap();
            assert_eq!(number, *due, "entry {}: in its writer's order, each once", entry.index);
            *due += 1;
        }
    }
    assert!(
        next.into_values().zip([first, second]).all(|(found, said)| found >= said),
        "what was committed is in"
    );
    drop(ledger);
    of.remove().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_appends_is_paused() {
    for step in
        ["sequencer.read", "sequencer.locked", "sequencer.taken", "sequencer.signed", "sequencer.committed"]
    {
        one_is_still(step, "stop").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_appends_is_killed() {
    for step in ["sequencer.locked", "sequencer.entries", "sequencer.signed", "sequencer.committed"] {
        one_is_still(step, "kill").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_publishes_is_paused_or_killed() {
    // It publishes once a second: the first time is soon enough.
    for (step, signal) in [("publisher.renamed", "kill"), ("publisher.synced", "stop")] {
        one_is_still(step, signal).await;
    }
}

#[tokio::test]
async fn what_another_process_took_meanwhile_is_not_taken_twice() {
    let Some(of) = TestDb::postgres().await.unwrap() else { return };
    let folder = tempfile::TempDir::with_prefix("octro-test-seats-").unwrap();
    let open = async |steps| {
        let settings = Settings { steps, ..settings(folder.path()) };
        Ledger::open(of.db(), Arc::new(SystemClock), settings).await.unwrap()
    };
    let other = open(Steps::default()).await;
    // Two writers' rows lie between each other, and as many of one as of the other.
    let (mut one, mut two) = (of.db().begin().await.unwrap(), of.db().begin().await.unwrap());
    for number in 0..20 {
        outbox::put(&mut one, START, &leaf(number)).await.unwrap();
        outbox::put(&mut two, START, &leaf(WRITER + number)).await.unwrap();
    }
    outbox::put(&mut two, START, &leaf(WRITER + 20)).await.unwrap();
    outbox::put(&mut one, START, &leaf(20)).await.unwrap();
    one.commit().await.unwrap();
    // Between this one's look and its lock, the other takes what it saw, and the second writer commits.
    let (saw, seen) = std::sync::mpsc::channel();
    let (go_on, gone_on) = std::sync::mpsc::channel::<()>();
    let (first, gone_on) = (std::sync::atomic::AtomicBool::new(true), std::sync::Mutex::new(gone_on));
    let steps = Steps::calling(move |name| {
        if name == "sequencer.read" && first.swap(false, Ordering::SeqCst) {
            saw.send(()).unwrap();
            gone_on.lock().unwrap().recv().unwrap();
        }
    });
    let settings = Settings { steps, ..settings(folder.path()) };
    let address = of.address().to_owned();
    let slow = std::thread::spawn(move || {
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let db = Db::open(&address).await.unwrap();
            Ledger::open(db, Arc::new(SystemClock), settings).await.unwrap().flush().await.unwrap();
        });
    });
    seen.recv().unwrap();
    other.flush().await.unwrap();
    two.commit().await.unwrap();
    go_on.send(()).unwrap();
    slow.join().unwrap();
    other.flush().await.unwrap();
    let mut found = Vec::new();
    for entry in other.reader().await.unwrap().entries(1, 100).await.unwrap() {
        found.push(Leaf::parse(&entry.leaf).unwrap());
    }
    let expected: Vec<Leaf> = (0..21).chain(WRITER..WRITER + 21).map(leaf).collect();
    assert_eq!(found, expected);
    drop(other);
    of.remove().await.unwrap();
}
