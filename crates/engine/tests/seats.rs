//! Several processes on one database: who evaluates, what the others hand in, and what is left when one dies.

mod support;

use std::sync::Arc;

use octro_engine::{Engine, EngineError, Inbox, Lease, Once, SourceInfo};
use octro_model::{Observation, Span, Status};
use octro_testkit::{TestDb, observation};
use support::{Bench, START, disk, hour, id, report, rules};

fn info(source: &str, kinds: &[&str]) -> SourceInfo {
    SourceInfo {
        id: id(source),
        connector: "exec".to_owned(),
        every: Span::HOUR,
        kinds: kinds.iter().map(|kind| id(kind)).collect(),
    }
}

#[tokio::test]
async fn only_the_holder_of_the_lease_writes_and_another_takes_over() {
    for of in TestDb::all().await.unwrap() {
        let bench = Bench::on(of).await;
        let clock: Arc<dyn octro_model::Clock> = Arc::new(bench.clock.clone());
        let (one, two) = (Lease::shared("engine", "one"), Lease::shared("engine", "two"));
        let db = bench.of.db();
        assert!(one.take(&db, bench.now()).await.unwrap());
        assert!(!two.take(&db, bench.now()).await.unwrap());
        assert!(one.take(&db, bench.now()).await.unwrap(), "it is its own");
        let first = Engine::open(db.clone(), clock.clone(), one.clone()).await.unwrap();
        let second = Engine::open(db.clone(), clock.clone(), two.clone()).await.unwrap();
        first.install(&rules::full().files()).await.unwrap();
        first.declare(info("a", &["disk"])).await.unwrap();
        let refused = second.install(&rules::base().files()).await;
        assert!(matches!(refused, Err(EngineError::NotLeader)), "{refused:?}");
        let collecting = first.begin(&id("a")).await.unwrap();
        first.observe(&collecting, vec![observation(&disk("d", true))]).await.unwrap();
        // The first hangs; its lease runs out.
        bench.clock.advance(Span::from_secs(5));
        assert!(two.take(&db, bench.now()).await.unwrap());
        let second = Engine::open(db.clone(), clock.clone(), two.clone()).await.unwrap();
        let run = second.begin(&id("a")).await.unwrap();
        second.observe(&run, vec![observation(&disk("d", false))]).await.unwrap();
        // The first wakes up in the middle of what it did, and is refused.
        let late = first.observe(&collecting, vec![observation(&disk("d", true))]).await;
        assert!(matches!(late, Err(EngineError::NotLeader)), "{late:?}");
        let late = first.finish(&collecting, report("a", bench.now(), &[("disk", true)])).await;
        assert!(matches!(late, Err(EngineError::NotLeader)), "{late:?}");
        second.finish(&run, report("a", bench.now(), &[("disk", true)])).await.unwrap();
        assert_eq!(bench.status_now("encrypted", "d").await, Some(Status::Fail));
        // Released, it is free at once.
        two.release(&db).await.unwrap();
        assert!(one.take(&db, bench.now()).await.unwrap());
        bench.done().await;
    }
}

#[tokio::test]
async fn what_is_handed_in_arrives_once_and_in_order() {
    for bench in Bench::all().await {
        bench.install(&rules::full().files()).await;
        bench.declare("a", &["disk"]).await;
        let inbox = Inbox::new(bench.of.db(), Arc::new(bench.clock.clone()));
        let seen = |disks: &[serde_json::Value]| disks.iter().map(observation).collect::<Vec<Observation>>();
        inbox.observe("1", "run-1", &id("a"), seen(&[disk("d1", true)])).await.unwrap();
        inbox.observe("2", "run-1", &id("a"), seen(&[disk("d2", false)])).await.unwrap();
        inbox.observe("3", "run-0", &id("nobody"), seen(&[disk("d3", true)])).await.unwrap();
        inbox.finish("4", "run-1", &id("a"), report("a", START, &[("disk", true)])).await.unwrap();
        assert_eq!(inbox.drain(&bench.engine).await.unwrap(), 4);
        assert_eq!(inbox.drain(&bench.engine).await.unwrap(), 0);
        assert_eq!(bench.status_now("encrypted", "d2").await, Some(Status::Fail));
        assert_eq!(bench.test_now("encrypted").await.0, Status::Fail);
        // The process that took the first part of a run is gone: the rest must not make anything vanish.
        bench.at(hour(1.0)).await;
        inbox.observe("5", "run-2", &id("a"), seen(&[disk("d1", true)])).await.unwrap();
        inbox.drain(&bench.engine).await.unwrap();
        let other = Inbox::new(bench.of.db(), Arc::new(bench.clock.clone()));
        let mut end = report("a", hour(1.0), &[("disk", true)]);
        end.scopes[0].resources = 1;
        inbox.finish("6", "run-2", &id("a"), end).await.unwrap();
        other.drain(&bench.engine).await.unwrap();
        assert_eq!(bench.status_now("encrypted", "d1").await, Some(Status::Pass));
        assert_eq!(bench.status_now("encrypted", "d2").await, Some(Status::Fail));
        assert_eq!(
            bench.query.source("a", bench.present().await, 1).await.unwrap().last().map(|run| run.complete),
            Some(false)
        );
        bench.done().await;
    }
}

#[tokio::test]
async fn a_check_judges_once_without_a_database() {
    let program = Arc::new(octro_program::load(&rules::full().files()).unwrap().program);
    let clock = octro_testkit::ManualClock::at(START);
    let mut once = Once::new(program, Arc::new(clock));
    once.declare(info("a", &["disk", "kms"]));
    assert!(once.observe(&id("other"), Vec::new()).is_err());
    let seen =
        serde_json::json!({"kind": "disk", "key": "d", "attributes": {"encrypted": false, "key_id": "k"}});
    let key = serde_json::json!({"kind": "kms", "key": "k", "attributes": {"enabled": true}});
    let wrong = serde_json::json!({"kind": "disk", "key": "w", "attributes": {"encrypted": 3}});
    once.observe(&id("a"), [seen, key, wrong].iter().map(observation).collect()).unwrap();
    once.finish(report("a", START, &[("disk", true), ("kms", true)])).unwrap();
    assert_eq!(once.refused().count(), 1);
    assert_eq!(once.resources().count(), 2);
    let results = once.results();
    let find = |test: &str, key: Option<&str>| {
        let one = results.iter().find(|one| one.test == test && one.resource.as_deref() == key).unwrap();
        (one.status, one.reason.clone())
    };
    assert_eq!(find("encrypted", Some("d")), (Status::Fail, "a disk is not encrypted".to_owned()));
    assert_eq!(find("encrypted", None).0, Status::Fail);
    let (status, reason) = find("keyed", Some("d"));
    assert_eq!(status, Status::Pass);
    assert!(reason.contains("enabled of kms k is true"), "{reason}");
    assert_eq!(find("keyed", None).0, Status::Unknown, "something was refused: the population is not known");
    let (status, reason) = find("scoped", Some("d"));
    assert_eq!(status, Status::Unknown);
    assert!(reason.contains("size is unknown: not collected"), "{reason}");
    assert!(results.iter().all(|one| one.test != "owned"), "nothing yields people");
}

#[tokio::test]
async fn a_lease_is_renewed_during_what_takes_longer_than_it_lasts() {
    for of in TestDb::all().await.unwrap() {
        let bench = Bench::on(of).await;
        let clock: Arc<dyn octro_model::Clock> = Arc::new(bench.clock.clone());
        let (one, two) = (Lease::shared("engine", "one"), Lease::shared("engine", "two"));
        let db = bench.of.db();
        assert!(one.take(&db, bench.now()).await.unwrap());
        // Three seconds pass, then another three; between them the real ones that it takes to renew.
        let long = async {
            bench.clock.advance(Span::from_secs(3));
            tokio::time::sleep(std::time::Duration::from_millis(1_800)).await;
            bench.clock.advance(Span::from_secs(3));
            two.take(&db, bench.now()).await.unwrap()
        };
        assert!(!one.during(&db, &clock, long).await, "another took it");
        bench.clock.advance(Span::from_secs(5));
        assert!(two.take(&db, bench.now()).await.unwrap(), "nobody renews it any more");
        bench.of.remove().await.unwrap();
    }
}
