//! `kill -9` at random moments of a process that takes observations, seeded: every batch that was acknowledged is
//! there afterwards, whole; one that was not is there whole or not at all; and a replay agrees. `OCTRO_KILLS` says how
//! often.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what it expects, in its helpers too"
)]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use octro_engine::{Engine, Lease, SourceInfo, replay};
use octro_model::{Collection, Observation, ScopeReport, Span, SystemClock};
use octro_store::Db;
use octro_testkit::{Chance, ProgramBuilder, observation};
use serde_json::{Value, json};

/// Says to the child where the database is.
const AT: &str = "OCTRO_TEST_KILLED_AT";
/// Says to the child which batch is the first.
const FROM: &str = "OCTRO_TEST_KILLED_FROM";
const SEED: u64 = 1_871;
const THINGS: u64 = 400;
/// After so many batches, a collection ends.
const RUN: i64 = 12;

fn program() -> octro_program::Files {
    let examples = "[[examples]]\nname = \"a\"\ngiven = { batch = 2 }\nexpect = \"pass\"\n\
        [[examples]]\nname = \"b\"\ngiven = { batch = 3 }\nexpect = \"fail\"\n\
        [[examples]]\nname = \"c\"\ngiven = {}\nexpect = \"unknown\"\n";
    let test = format!(
        "rev = 1\nseverity = \"high\"\non = \"thing\"\npass = \"resource.batch % 2 == 0\"\nmessage = \"odd\"\nmax_age = \"2s\"\n{examples}"
    );
    ProgramBuilder::new()
        .kind("thing", 1, &[("batch", "int", "")])
        .test("thing.even", &test)
        .control("T-01", &["thing.even"])
        .files()
}

/// What a batch says: always the same of the same number. No thing stands in it twice.
fn batch(number: i64) -> Vec<Observation> {
    let mut chance = Chance::new(SEED ^ number.cast_unsigned());
    let (first, count) = (chance.below(THINGS), 1 + chance.below(120));
    let of = |place| {
        let key = format!("t{}", (first + place) % THINGS);
        observation(&json!({"kind": "thing", "key": key, "attributes": {"batch": number}}))
    };
    (0..count).map(of).collect()
}

fn report(complete: bool) -> Collection {
    let now = octro_model::Clock::now(&SystemClock);
    let scope = ScopeReport {
        kind: "thing".parse().unwrap(),
        scope: String::new(),
        complete,
        resources: 0,
        pages: 1,
        reason: None,
    };
    Collection {
        source: "flood".parse().unwrap(),
        started_at: now,
        finished_at: now,
        scopes: vec![scope],
        errors: Vec::new(),
        refused: 0,
    }
}

async fn open(at: &Path) -> Db {
    Db::open(&format!("sqlite:{}", at.display())).await.unwrap()
}

/// The process that is killed: not a test of its own, but what the test starts.
#[tokio::test]
async fn the_child() {
    let Ok(at) = std::env::var(AT) else { return };
    let from: i64 = std::env::var(FROM).unwrap().parse().unwrap();
    let engine =
        Engine::open(open(Path::new(&at)).await, Arc::new(SystemClock), Lease::alone()).await.unwrap();
    engine.install(&program()).await.unwrap();
    let (source, kinds) = ("flood".parse().unwrap(), vec!["thing".parse().unwrap()]);
    let info = SourceInfo { id: source, connector: "exec".to_owned(), every: Span::from_secs(1), kinds };
    engine.declare(info.clone()).await.unwrap();
    let mut number = from;
    loop {
        let collecting = engine.begin(&info.id).await.unwrap();
        for _ in 0..RUN {
            engine.observe(&collecting, batch(number)).await.unwrap();
            println!("\nacknowledged {number}");
            number += 1;
            engine.tick().await.unwrap();
        }
        // Now and then all that was not mentioned is gone.
        engine.finish(&collecting, report(number % 5 == 0)).await.unwrap();
    }
}

/// Starts the child, kills it after `after`, and answers the last batch that it acknowledged.
fn kill(at: &Path, from: i64, after: Duration) -> Option<i64> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "the_child", "--nocapture"])
        .env(AT, at)
        .env(FROM, from.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let last = Arc::new(AtomicI64::new(-1));
    let (out, seen) = (child.stdout.take().unwrap(), last.clone());
    let reader = std::thread::spawn(move || {
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            if let Some(number) = line.strip_prefix("acknowledged ") {
                seen.store(number.parse().unwrap(), Ordering::SeqCst);
            }
        }
    });
    std::thread::sleep(after);
    if let Some(status) = child.try_wait().unwrap() {
        let said = std::io::read_to_string(child.stderr.take().unwrap()).unwrap();
        panic!("the child ended by itself, {status}: {said}");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    // What it had said before it died is in the pipe still.
    reader.join().unwrap();
    Some(last.load(Ordering::SeqCst)).filter(|last| *last >= 0)
}

/// How many observations of each batch are stored, of those stored after `after`; and the last one's number.
async fn stored(db: &Db, after: &mut i64) -> BTreeMap<i64, usize> {
    let mut found = BTreeMap::new();
    let sql = "SELECT seq, body FROM observations WHERE gone = 0 AND seq > $1 ORDER BY seq";
    for row in db.fetch(sql, &[(*after).into()]).await.unwrap() {
        *after = row.get(0).unwrap();
        let body: Value = serde_json::from_slice(&row.get::<Vec<u8>>(1).unwrap()).unwrap();
        *found.entry(body["attributes"]["batch"].as_i64().unwrap()).or_default() += 1;
    }
    found
}

async fn agrees(db: &Db) {
    let replayed = replay(db, octro_engine::Window::ALL, |_| ()).await.unwrap();
    assert_eq!(replayed.differences, 0, "{:?}", replayed.mismatches);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_by_kill_9() {
    let kills: u32 = std::env::var("OCTRO_KILLS").ok().map_or(40, |text| text.parse().unwrap());
    let folder = std::env::temp_dir().join(format!("octro-test-killed-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let at = folder.join("octro.db");
    let mut chance = Chance::new(SEED);
    let (mut next, mut seen, mut acknowledged) = (0, 0, 0);
    for round in 0..kills {
        // From the very start of the process to some dozens of batches.
        let after = Duration::from_millis(chance.below(if round % 4 == 0 { 80 } else { 600 }));
        let last = kill(&at, next, after);
        let db = open(&at).await;
        let found = stored(&db, &mut seen).await;
        let until = last.map_or(next, |last| last + 1);
        for number in next..until {
            assert_eq!(
                found.get(&number),
                Some(&batch(number).len()),
                "kill {round}: batch {number} of {last:?}"
            );
        }
        // Of what was under way, all or nothing.
        if let Some(count) = found.get(&until) {
            assert_eq!(*count, batch(until).len(), "kill {round}: a part of batch {until}");
        }
        assert!(found.keys().all(|number| (next..=until).contains(number)), "kill {round}: {found:?}");
        acknowledged += until - next;
        next = found.keys().max().map_or(until, |max| max + 1);
        db.check().await.unwrap();
        if round % 20 == 19 {
            agrees(&db).await;
        }
        db.close().await;
    }
    assert!(acknowledged > i64::from(kills), "the children acknowledged {acknowledged} batches only");
    let db = open(&at).await;
    agrees(&db).await;
    db.close().await;
    std::fs::remove_dir_all(&folder).unwrap();
}
