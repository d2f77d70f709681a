//! scratch
mod support;
use octro_engine::{Engine, Journal, Lease};
use octro_ledger::{FileKeys, Highest, Ledger, Settings, Steps};
use octro_testkit::{TestDb, observation};
use std::sync::Arc;
use std::time::Instant;
use support::{Bench, disk, id, report, rules};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn measure() {
    let n: usize = std::env::var("N").unwrap_or("100000".into()).parse().unwrap();
    let db = TestDb::all().await.unwrap().into_iter().next().unwrap();
    let bench = Bench::on(db).await;
    let folder = tempfile::TempDir::new().unwrap();
    let key = folder.path().join("ledger.key");
    let settings = Settings {
        origin: Some("octro.test/log".to_owned()),
        keys: Arc::new(FileKeys::at(&key)),
        highest: Highest::beside(&key),
        folder: None,
        bucket: None,
        follow: false,
        outsiders: octro_ledger::Outsiders::default(),
        steps: Steps::default(),
    };
    let _ledger = Ledger::open(bench.of.db(), Arc::new(bench.clock.clone()), settings).await.unwrap();
    let journal = Journal::new(Arc::new(|| Ok([7; 32])), Arc::new(|| ()));
    let engine = Arc::new(
        Engine::open(bench.of.db(), Arc::new(bench.clock.clone()), Lease::alone())
            .await
            .unwrap()
            .with_journal(journal),
    );
    engine.install(&rules::full().files()).await.unwrap();
    let info = |kinds: &[&str]| octro_engine::SourceInfo {
        id: id("a"),
        connector: "exec".to_owned(),
        every: octro_model::Span::HOUR,
        kinds: kinds.iter().map(|k| id(k)).collect(),
    };
    engine.declare(info(&["disk"])).await.unwrap();
    let run = engine.begin(&id("a")).await.unwrap();
    for from in (0..n).step_by(2000) {
        let seen = (from..(from + 2000).min(n))
            .map(|k| observation(&disk(&format!("disk-number-{k}"), k % 7 != 0)))
            .collect();
        engine.observe(&run, seen).await.unwrap();
    }
    for round in 0..5 {
        bench.clock.advance(octro_model::Span::from_secs(1));
        let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let e = engine.clone();
        let s = stop.clone();
        let run2 = run.clone();
        let inputs = tokio::spawn(async move {
            let mut worst = std::time::Duration::ZERO;
            let mut count = 0;
            while !s.load(std::sync::atomic::Ordering::SeqCst) {
                let at = Instant::now();
                e.observe(
                    &run2,
                    vec![observation(&disk(&format!("disk-number-{}", count % 50), count % 2 == 0))],
                )
                .await
                .unwrap();
                worst = worst.max(at.elapsed());
                count += 1;
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
            (worst, count)
        });
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        let at = Instant::now();
        engine.seal().await.unwrap();
        let took = at.elapsed();
        stop.store(true, std::sync::atomic::Ordering::SeqCst);
        let (worst, count) = inputs.await.unwrap();
        eprintln!("MEASURED round {round}: seal {took:?}, worst input {worst:?} of {count}");
    }
    engine.finish(&run, report("a", bench.now(), &[("disk", true)])).await.unwrap();
    bench.of.remove().await.unwrap();
}
