//! A program that was put in force by an earlier Octro: what is forbidden since does not make the database unreadable,
//! and what would mean something else is not taken for the same.

#![expect(clippy::unwrap_used, reason = "a test that meets something unexpected fails")]

mod support;

use std::sync::Arc;

use octro_engine::{Engine, EngineError, Lease, Window, replay};
use octro_model::Status;
use octro_program::Files;
use octro_testkit::TestDb;
use support::{Bench, disk, hour, rules};

/// A database on which an earlier Octro put these files in force.
async fn stored(db: TestDb, files: &Files) -> Bench {
    let bench = Bench::on(db).await;
    bench
        .install(&rules::base().test("encrypted", &rules::encrypted()).control("C-1", &["encrypted"]).files())
        .await;
    bench.declare("a", &["disk"]).await;
    bench.collect("a", &[disk("d1", false)], &[("disk", true)]).await;
    let mut tx = bench.query.db().begin().await.unwrap();
    let blob = files.to_blob();
    tx.execute("UPDATE program_versions SET files = $1", &[(&blob).into()]).await.unwrap();
    tx.commit().await.unwrap();
    bench
}

async fn open(bench: &Bench) -> Result<Engine, EngineError> {
    Engine::open(bench.of.db(), Arc::new(bench.clock.clone()), Lease::alone()).await
}

#[tokio::test]
async fn what_is_forbidden_since_is_read_all_the_same() {
    // Keys that this Octro does not know, and an example whose rules became stricter.
    let test = format!("flavour = \"plain\"\n{}", rules::encrypted());
    let test = test.replace("name = \"unsaid\"", "name = \"unsaid\"\ncolour = \"green\"");
    let test = test.replace("expect = \"unknown\"", "expect = \"fail\"");
    let files = rules::base().test("encrypted", &test).control("C-1", &["encrypted"]).files();
    assert!(octro_program::load(&files).is_err());
    for db in TestDb::all().await.unwrap() {
        let mut bench = stored(db, &files).await;
        bench.engine = open(&bench).await.unwrap();
        bench.at(hour(1.0)).await;
        bench.collect("a", &[disk("d1", true)], &[("disk", true)]).await;
        assert_eq!(bench.status_now("encrypted", "d1").await, Some(Status::Pass));
        assert_eq!(replay(bench.query.db(), Window::ALL, |_| ()).await.unwrap().differences, 0);
        let refused = bench.engine.install(&files).await;
        assert!(matches!(refused, Err(EngineError::Program(_))), "a new one has to be right");
        bench.done().await;
    }
}

#[tokio::test]
async fn what_means_something_else_or_cannot_be_read_is_refused() {
    let base = || rules::base().control("C-1", &["encrypted"]);
    let other = rules::encrypted().replace("max_age = \"24h\"", "max_age = \"25h\"");
    let cases = [
        (base().test("encrypted", &other).files(), "reads otherwise"),
        (
            base()
                .test("encrypted", &rules::encrypted().replace("resource.encrypted", "resource.gone"))
                .files(),
            "gone",
        ),
        (
            base().test("encrypted", &rules::encrypted()).control("C-1", &["encrypted", "none"]).files(),
            "none",
        ),
    ];
    for (files, why) in cases {
        for db in TestDb::all().await.unwrap() {
            let bench = stored(db, &files).await;
            let error = open(&bench).await.err().unwrap().to_string();
            assert!(error.contains(why), "{error}");
            bench.of.remove().await.unwrap();
        }
    }
}
