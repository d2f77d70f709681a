//! The passing of time in portions, and seals beside the inputs: neither may change what is told.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that meets something unexpected fails")]

mod support;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use octro_engine::{Engine, Journal, Lease, Random};
use octro_ledger::{Ledger, Settings};
use octro_model::{Observation, Span, Status};
use octro_testkit::{TestDb, observation};
use octro_verify::{Outcome, Policy, Proof, VerifierKey, verify};
use serde_json::{Value, json};
use support::{Bench, disk, hour, id, report, rules};

const WHOLE: [(&str, bool); 3] = [("disk", true), ("kms", true), ("person", true)];

/// Random bytes that are the same in every run.
fn counted() -> Random {
    let next = AtomicU8::new(0);
    Arc::new(move || Ok([next.fetch_add(1, Ordering::Relaxed); 32]))
}

async fn ledger(bench: &Bench, folder: &tempfile::TempDir) -> Ledger {
    let key = folder.path().join("ledger.key");
    let settings = Settings { origin: Some("octro.test/log".to_owned()), ..Settings::at(&key) };
    Ledger::open(bench.of.db(), Arc::new(bench.clock.clone()), settings).await.unwrap()
}

async fn engine(bench: &Bench, random: Random, portion: usize) -> Engine {
    let engine = Engine::open(bench.of.db(), Arc::new(bench.clock.clone()), Lease::alone()).await.unwrap();
    engine.with_journal(Journal::new(random, Arc::new(|| ()))).with_portion(portion)
}

async fn rows(bench: &Bench, sql: &'static str, columns: usize) -> Vec<String> {
    let rows = bench.query.db().fetch(sql, &[]).await.unwrap();
    rows.iter()
        .map(|row| {
            let values: Vec<String> = (0..columns).map(|column| row.get(column).unwrap()).collect();
            values.join(" ")
        })
        .collect()
}

/// All that was told, and the ledger's entries but for seals, which name the log's key.
async fn told(bench: &Bench) -> BTreeMap<&'static str, Vec<String>> {
    const RESULTS: &str = "SELECT concat_ws(' ', test, resource, from_at, known_at, to_at, closed_at, \
         superseded_at, version, observation, status, prev) FROM results ORDER BY test, resource, from_at, known_at";
    const TALLIES: &str = "SELECT concat_ws(' ', test, known_at, pass, fail, unknown, stale, excepted, \
         not_applicable) FROM tallies ORDER BY test, known_at";
    const VERDICTS: &str = "SELECT concat_ws(' ', subject, id, from_at, to_at, status, prev, reason) \
         FROM verdicts ORDER BY subject, id, from_at";
    let mut leaves: Vec<String> = Vec::new();
    for row in bench.query.db().fetch("SELECT leaf FROM ledger_outbox ORDER BY id", &[]).await.unwrap() {
        let leaf = String::from_utf8(row.get::<Vec<u8>>(0).unwrap()).unwrap();
        if !leaf.contains("\"k\":\"seal\"") {
            leaves.push(leaf);
        }
    }
    BTreeMap::from([
        ("results", rows(bench, RESULTS, 1).await),
        ("tallies", rows(bench, TALLIES, 1).await),
        ("verdicts", rows(bench, VERDICTS, 1).await),
        ("leaves", leaves),
    ])
}

/// Two days in which much flips at the same moment, and much at many; for most of it nobody looks.
async fn two_days(db: TestDb, portion: usize) -> (BTreeMap<&'static str, Vec<String>>, Vec<usize>) {
    let mut bench = Bench::on(db).await;
    let folder = tempfile::TempDir::with_prefix("octro-test-passing-").unwrap();
    let _ledger = ledger(&bench, &folder).await;
    bench.engine = engine(&bench, counted(), portion).await;
    bench
        .install(
            &rules::full()
                .exception("x-1", "encrypted", "d*", hour(9.0), hour(12.0))
                .exception("x-2", "keyed", "d1*", hour(9.5), hour(10.0))
                .files(),
        )
        .await;
    bench.declare("a", &["disk", "kms", "person"]).await;
    let disks: Vec<Value> = (0..40)
        .map(|n| {
            let at = hour(1.0 + f64::from(n % 8) / 10.0);
            let attributes =
                json!({"encrypted": n % 3 == 0, "size": n, "key_id": "k", "checked": rules::moment(at)});
            let key = format!("d{n}");
            if n % 2 == 0 {
                json!({"kind": "disk", "key": key, "at": at, "attributes": attributes})
            } else {
                json!({"kind": "disk", "key": key, "attributes": attributes})
            }
        })
        .chain([json!({"kind": "kms", "key": "k", "attributes": {"enabled": false}})])
        .collect();
    bench.at(hour(2.0)).await;
    bench.collect("a", &disks, &WHOLE).await;
    let mut changes = bench.engine.subscribe();
    bench.at(hour(49.0)).await;
    bench.collect("a", &[disk("d1", true)], &WHOLE).await;
    bench.at(hour(90.0)).await;
    let mut sizes = Vec::new();
    while let Ok(change) = changes.try_recv() {
        sizes.push(change.results);
    }
    let told = told(&bench).await;
    bench.done().await;
    (told, sizes)
}

/// What was told: by what it is, its rows as text.
type Told = BTreeMap<&'static str, Vec<String>>;

#[tokio::test]
async fn portions_change_nothing_but_the_number_of_commits() {
    let mut dbs = Vec::new();
    for _ in 0..4 {
        dbs.extend(TestDb::all().await.unwrap());
    }
    let mut wholes: BTreeMap<String, (Told, Vec<usize>)> = BTreeMap::new();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for db in dbs {
        let name = db.name().to_string();
        let turn = seen.entry(name.clone()).or_default();
        let portion = [usize::MAX, 1, 3, 25].get(*turn).copied().unwrap();
        *turn += 1;
        let (told, sizes) = two_days(db, portion).await;
        assert!(told["results"].len() > 200, "{}", told["results"].len());
        assert!(told["leaves"].iter().filter(|leaf| leaf.contains("\"transition\"")).count() > 4);
        let Some((whole, of_whole)) = wholes.get(&name) else {
            wholes.insert(name, (told, sizes));
            continue;
        };
        for (what, rows) in whole {
            assert_eq!(rows, &told[what], "{name}: {what} in portions of {portion}");
        }
        assert!(sizes.len() > of_whole.len(), "{portion}: {sizes:?} against {of_whole:?}");
        assert_eq!(sizes.iter().sum::<usize>(), of_whole.iter().sum::<usize>());
        // A portion ends with a moment, and at no moment of the first days more than 46 results change.
        let most = sizes.first().copied().unwrap_or_default();
        assert!(most < portion + 46, "{portion}: {sizes:?}");
    }
}

/// Random bytes that can be held back.
#[derive(Clone, Default)]
struct Gate {
    shut: Arc<AtomicBool>,
    state: Arc<(Mutex<(bool, u64)>, Condvar)>,
}

impl Gate {
    fn random(&self) -> Random {
        let gate = self.clone();
        let next = AtomicU8::new(0);
        Arc::new(move || {
            if gate.shut.load(Ordering::SeqCst) {
                let (state, turned) = &*gate.state;
                let mut state = state.lock().unwrap();
                state.1 += 1;
                turned.notify_all();
                while !state.0 {
                    state = turned.wait(state).unwrap();
                }
            }
            Ok([next.fetch_add(1, Ordering::Relaxed); 32])
        })
    }

    fn shut(&self) {
        self.shut.store(true, Ordering::SeqCst);
    }

    /// Waits until somebody stands before it.
    async fn reached(&self) {
        for _ in 0..1_000 {
            if self.state.0.lock().unwrap().1 > 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("nobody wants random bytes");
    }

    fn open(&self) {
        self.shut.store(false, Ordering::SeqCst);
        self.state.0.lock().unwrap().0 = true;
        self.state.1.notify_all();
    }
}

async fn observe(engine: &Engine, bench: &Bench, seen: &[Value]) {
    let collecting = engine.begin(&id("a")).await.unwrap();
    let seen: Vec<Observation> = seen.iter().map(observation).collect();
    engine.observe(&collecting, seen).await.unwrap();
    engine.finish(&collecting, report("a", bench.now(), &[("disk", false)])).await.unwrap();
}

fn shows(proof: &Proof, policy: &Policy, what: &str) {
    match verify(proof.to_text().as_bytes(), policy) {
        Outcome::Proved(report) => {
            assert!(report.proved.iter().any(|said| said.contains(what)), "{what}: {:?}", report.proved);
        }
        other @ (Outcome::Refuted(_) | Outcome::Unusable(_)) => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn inputs_go_on_while_a_seal_is_hashed_and_are_in_it() {
    for db in TestDb::all().await.unwrap() {
        let mut bench = Bench::on(db).await;
        let folder = tempfile::TempDir::with_prefix("octro-test-sealing-").unwrap();
        let ledger = ledger(&bench, &folder).await;
        let gate = Gate::default();
        let engine = Arc::new(engine(&bench, gate.random(), 10).await);
        engine
            .install(
                &rules::base().test("encrypted", &rules::encrypted()).control("C-1", &["encrypted"]).files(),
            )
            .await
            .unwrap();
        let info = octro_engine::SourceInfo {
            id: id("a"),
            connector: "exec".to_owned(),
            every: Span::HOUR,
            kinds: vec![id("disk")],
        };
        engine.declare(info).await.unwrap();
        let many: Vec<Value> = (0..900).map(|n| disk(&format!("d{n}"), n % 7 != 0)).collect();
        observe(&engine, &bench, &many).await;
        for (round, news) in
            [vec![disk("d1", false)], vec![disk("d2", false), disk("new", true)]].iter().enumerate()
        {
            bench.clock.advance(Span::HOUR);
            let gate_of_round = &gate;
            *gate_of_round.state.0.lock().unwrap() = (false, 0);
            gate_of_round.shut();
            let sealing = tokio::spawn({
                let engine = engine.clone();
                async move { engine.seal().await }
            });
            gate_of_round.reached().await;
            bench.clock.advance(Span::from_secs(1));
            let done = tokio::time::timeout(Duration::from_secs(20), observe(&engine, &bench, news)).await;
            gate_of_round.open();
            assert!(done.is_ok(), "an input waited for the seal");
            sealing.await.unwrap().unwrap();
            ledger.flush().await.unwrap();
            let policy = Policy {
                logs: vec![VerifierKey::parse(&ledger.reader().await.unwrap().log().signer).unwrap()],
                ..Policy::default()
            };
            let at = bench.now().plus(Span::from_secs(1));
            let key = format!("d{}", round + 1);
            let proof = bench.query.prove_resource(&id("disk"), &key, at).await.unwrap();
            shows(&proof, &policy, "`encrypted` gave for it: fail");
            let proof = bench.query.prove_resource(&id("disk"), "d8", at).await.unwrap();
            shows(&proof, &policy, "`encrypted` gave for it: pass");
            let new = bench.query.prove_resource(&id("disk"), "new", at).await.unwrap();
            shows(&new, &policy, if round == 0 { "was none of" } else { "`encrypted` gave for it: pass" });
        }
        assert_eq!(bench.status_now("encrypted", "d2").await, Some(Status::Fail));
        drop(engine);
        bench.reopen().await;
        bench.done().await;
    }
}

#[tokio::test]
async fn entries_never_go_back_in_time() {
    for db in TestDb::all().await.unwrap() {
        let mut bench = Bench::on(db).await;
        let folder = tempfile::TempDir::with_prefix("octro-test-back-").unwrap();
        let ledger = ledger(&bench, &folder).await;
        bench.engine = engine(&bench, counted(), 1).await;
        bench.install(&rules::full().files()).await;
        bench.declare("a", &["disk", "kms", "person"]).await;
        bench.collect("a", &[disk("d1", true), disk("d2", true)], &WHOLE).await;
        bench.engine.seal().await.unwrap();
        bench.at(hour(60.0)).await;
        // Killed between two portions of the last two days, and started again with a clock that went back.
        let mut tx = bench.query.db().begin().await.unwrap();
        let back = hour(31.0).micros().to_string();
        tx.execute("UPDATE settings SET value = $1 WHERE name = 'now'", &[(&back).into()]).await.unwrap();
        tx.commit().await.unwrap();
        bench.clock.set(hour(40.0));
        bench.engine = engine(&bench, counted(), 1).await;
        bench.collect("a", &[disk("d1", false), disk("d2", true)], &WHOLE).await;
        ledger.flush().await.unwrap();
        let mut last = 0;
        for row in bench.query.db().fetch("SELECT leaf FROM ledger_entries ORDER BY seq", &[]).await.unwrap()
        {
            let leaf = String::from_utf8(row.get::<Vec<u8>>(0).unwrap()).unwrap();
            let leaf: Value = serde_json::from_str(&leaf).unwrap();
            let written: u64 = leaf["t"].to_string().trim_matches('"').parse().unwrap();
            assert!(written >= last, "{leaf} after {last}");
            last = written;
        }
        assert!(last > 0);
        bench.of.remove().await.unwrap();
    }
}
