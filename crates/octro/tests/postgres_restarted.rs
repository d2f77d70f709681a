//! PostgreSQL that is restarted under load, in its fast way (sessions are cut) and in its immediate way (as a crash):
//! everything acknowledged is there, the same process goes on, and a replay agrees. Needs PostgreSQL's server, which CI
//! always has.

#![expect(clippy::unwrap_used, reason = "a test says what it expects")]

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use octro_engine::{Engine, Lease, SourceInfo, replay};
use octro_model::{Span, SystemClock};
use octro_store::Db;
use octro_testkit::{Chance, observation};
use rustix::process::Signal;
use serde_json::{Value, json};
use support::postgres::{Postgres, shared};
use support::{Place, changing, program, until};

const HOW: [Signal; 6] = [Signal::INT, Signal::QUIT, Signal::QUIT, Signal::INT, Signal::QUIT, Signal::INT];
const BATCH: i64 = 40;

#[test]
fn a_process_goes_on() {
    let Some(_) = shared() else { return };
    let mut postgres = Postgres::start();
    let mut place = Place::new();
    place.database = Some(postgres.url());
    place.settings(&place.source("many", "1s", &changing(400, 13)));
    let mut chance = Chance::new(13);
    let mut up = place.up();
    until("the first run", || up.last_run("many").is_some());
    for how in HOW {
        std::thread::sleep(Duration::from_millis(chance.below(1_200)));
        postgres.restart(how);
        up.goes_on("many");
        assert!(up.statuses().contains("T-02 pass"), "{}", up.log());
    }
    assert!(up.runs());
    up.stop();
    place.replay();
}

/// Tells batch after batch, and which was acknowledged last, until it is told to stop.
async fn load(engine: &Engine, acknowledged: &AtomicI64, stop: &AtomicBool) {
    let (source, kinds) = ("many".parse().unwrap(), vec!["thing".parse().unwrap()]);
    let info = SourceInfo { id: source, connector: "exec".to_owned(), every: Span::HOUR, kinds };
    engine.install(&program().files()).await.unwrap();
    engine.declare(info.clone()).await.unwrap();
    let collecting = engine.begin(&info.id).await.unwrap();
    let mut number = 0_i64;
    while !stop.load(Ordering::SeqCst) {
        let of = |place| {
            observation(
                &json!({"kind": "thing", "key": format!("t{place}"), "attributes": {"round": number}}),
            )
        };
        let batch: Vec<_> = (0..BATCH).map(of).collect();
        engine.observe(&collecting, batch).await.unwrap();
        acknowledged.store(number, Ordering::SeqCst);
        number += 1;
    }
}

#[test]
fn everything_acknowledged_is_there() {
    let Some(_) = shared() else { return };
    let mut postgres = Postgres::start();
    let (url, runtime) = (postgres.url(), tokio::runtime::Runtime::new().unwrap());
    let (acknowledged, stop) = (Arc::new(AtomicI64::new(-1)), Arc::new(AtomicBool::new(false)));
    let task = {
        let (url, acknowledged, stop) = (url.clone(), acknowledged.clone(), stop.clone());
        runtime.spawn(async move {
            let db = Db::open(&url).await.unwrap();
            let lease = Lease::shared("evaluate", "the test");
            assert!(lease.take(&db, octro_model::Clock::now(&SystemClock)).await.unwrap());
            let engine = Engine::open(db, Arc::new(SystemClock), lease).await.unwrap();
            load(&engine, &acknowledged, &stop).await;
        })
    };
    let mut chance = Chance::new(17);
    for how in HOW {
        let before = acknowledged.load(Ordering::SeqCst);
        until("batches are taken", || acknowledged.load(Ordering::SeqCst) > before + 3 || task.is_finished());
        std::thread::sleep(Duration::from_millis(chance.below(300)));
        postgres.restart(how);
    }
    let before = acknowledged.load(Ordering::SeqCst);
    until("batches are taken again", || acknowledged.load(Ordering::SeqCst) > before || task.is_finished());
    stop.store(true, Ordering::SeqCst);
    runtime.block_on(async {
        task.await.unwrap();
        let db = Db::open(&url).await.unwrap();
        let mut found: BTreeMap<i64, i64> = BTreeMap::new();
        for row in db.fetch("SELECT body FROM observations ORDER BY seq", &[]).await.unwrap() {
            let body: Value = serde_json::from_slice(&row.get::<Vec<u8>>(0).unwrap()).unwrap();
            *found.entry(body["attributes"]["round"].as_i64().unwrap()).or_default() += 1;
        }
        let last = acknowledged.load(Ordering::SeqCst);
        let expected: BTreeMap<i64, i64> = (0..=last).map(|number| (number, BATCH)).collect();
        assert_eq!(found, expected, "every batch once, and whole");
        let report = replay(&db, octro_engine::Window::ALL, |_| ()).await.unwrap();
        assert_eq!(report.differences, 0, "{:?}", report.mismatches);
        db.close().await;
    });
}
