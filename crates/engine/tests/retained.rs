//! Retention: what is too old goes, what was told stays, and nothing goes if something is wrong.

#![expect(clippy::unwrap_used, reason = "a test that meets something unexpected fails")]

mod support;

use octro_engine::{AsOf, EngineError, Window, replay};
use octro_model::{Span, Status};
use octro_testkit::{TestDb, observation};
use serde_json::json;
use support::{Bench, disk, hour, id, rules};

const WHOLE: [(&str, bool); 3] = [("disk", true), ("kms", true), ("person", true)];
/// Facts are kept for 90 days.
const KEPT: f64 = 90.0 * 24.0;

/// A disk that was clear for some hours, and is seen to be encrypted since, to the present.
async fn aged(db: TestDb) -> Bench {
    let bench = Bench::on(db).await;
    bench.install(&rules::full().files()).await;
    bench.declare("a", &["disk", "kms", "person"]).await;
    for (at, encrypted) in [(1.0, true), (5.0, false), (9.0, true)] {
        bench.at(hour(at)).await;
        bench.collect("a", &[disk("d1", encrypted), disk("d2", true)], &WHOLE).await;
    }
    for day in 1..20 {
        bench.at(hour(f64::from(day) * 24.0)).await;
        bench.collect("a", &[disk("d1", true), disk("d2", true)], &WHOLE).await;
    }
    bench.at(hour(KEPT + 15.0 * 24.0)).await;
    bench
}

async fn count(bench: &Bench, sql: &'static str) -> i64 {
    bench.query.db().fetch_one(sql, &[]).await.unwrap().unwrap().get(0).unwrap()
}

#[tokio::test]
async fn facts_go_and_what_was_told_stays() {
    for db in TestDb::all().await.unwrap() {
        let mut bench = aged(db).await;
        let failing = AsOf { at: hour(6.0), known_at: bench.now() };
        let before = bench.query.control("C-1", failing).await.unwrap();
        assert_eq!(bench.status("encrypted", "d1", failing).await, Some(Status::Fail));
        let why = bench.query.why("encrypted", "disk", "d1", failing).await.unwrap();
        assert!(!why.facts.is_empty());
        let inputs = count(&bench, "SELECT COUNT(*) FROM inputs").await;

        let compacted = bench.engine.compact(Span::ZERO, |_| ()).await.unwrap().unwrap();
        // The tests accept evidence of three days at most.
        assert_eq!(compacted.baseline, hour(15.0 * 24.0));
        assert_eq!(compacted.horizon, hour(15.0 * 24.0));
        assert!(compacted.observations >= 2 && compacted.inputs > 0, "{compacted:?}");
        assert!(count(&bench, "SELECT COUNT(*) FROM inputs").await < inputs);

        bench.reopen().await;
        let after = bench.query.control("C-1", failing).await.unwrap();
        assert_eq!(json!(before.status), json!(after.status));
        assert_eq!(bench.status("encrypted", "d1", failing).await, Some(Status::Fail));
        let why = bench.query.why("encrypted", "disk", "d1", failing).await.unwrap();
        assert_eq!((why.status, why.since), (Some(Status::Fail), Some(hour(5.0))));
        assert!(why.sentence.contains("no longer kept"), "{}", why.sentence);
        let resource = bench.query.resource("disk", "d1", failing).await.unwrap();
        assert!(!resource.gone);
        assert!(json!(resource.attributes).to_string().contains("no longer kept"));
        // What stands is explained as ever.
        let now = bench.query.why("encrypted", "disk", "d1", bench.present().await).await.unwrap();
        assert!(!now.facts.is_empty(), "{}", now.sentence);
        bench.done().await;
    }
}

#[tokio::test]
async fn what_is_about_a_time_whose_facts_are_gone_is_refused() {
    for db in TestDb::all().await.unwrap() {
        let bench = aged(db).await;
        bench.engine.compact(Span::ZERO, |_| ()).await.unwrap().unwrap();
        let collecting = bench.engine.begin(&id("a")).await.unwrap();
        let mut told = Vec::new();
        for at in [hour(10.0), hour(16.25 * 24.0)] {
            told.push(observation(
                &json!({"kind": "disk", "key": "d1", "at": at, "attributes": {"encrypted": false}}),
            ));
        }
        let received = bench.engine.observe(&collecting, told).await.unwrap();
        assert_eq!((received.changed, received.refused), (1, 1));
        let done = bench.engine.finish(&collecting, support::report("a", bench.now(), &WHOLE)).await.unwrap();
        assert_eq!(done.refused, 1);
        let then = AsOf { at: hour(16.5 * 24.0), known_at: bench.present().await.known_at };
        assert_eq!(bench.status("encrypted", "d1", then).await, Some(Status::Fail), "the late one counts");
        bench.done().await;
    }
}

#[tokio::test]
async fn nothing_goes_if_what_was_told_is_not_what_the_facts_make() {
    for db in TestDb::all().await.unwrap() {
        let bench = aged(db).await;
        let observations = count(&bench, "SELECT COUNT(*) FROM observations").await;
        let mut tx = bench.query.db().begin().await.unwrap();
        tx.execute("UPDATE results SET status = 0 WHERE status = 1", &[]).await.unwrap();
        tx.commit().await.unwrap();
        let refused = bench.engine.compact(Span::ZERO, |_| ()).await;
        assert!(
            matches!(&refused, Err(EngineError::Stored(why)) if why.contains("no fact was removed")),
            "{refused:?}"
        );
        assert_eq!(count(&bench, "SELECT COUNT(*) FROM observations").await, observations);
        bench.of.remove().await.unwrap();
    }
}

#[tokio::test]
async fn what_is_changed_by_hand_later_is_found_although_its_facts_are_gone() {
    for db in TestDb::all().await.unwrap() {
        let bench = aged(db).await;
        bench.engine.compact(Span::ZERO, |_| ()).await.unwrap().unwrap();
        let all = Window::ALL;
        assert_eq!(replay(bench.query.db(), all, |_| ()).await.unwrap().differences, 0);
        let mut tx = bench.query.db().begin().await.unwrap();
        let touched = tx.execute("UPDATE results SET status = 0 WHERE status = 1", &[]).await.unwrap();
        tx.commit().await.unwrap();
        assert!(touched > 0);
        let report = replay(bench.query.db(), all, |_| ()).await.unwrap();
        assert!(report.differences > 0);
        // The next compaction does not go on over it.
        bench.clock.advance(Span::from_micros(40 * Span::DAY.micros()));
        assert!(bench.engine.compact(Span::ZERO, |_| ()).await.is_err());
        bench.of.remove().await.unwrap();
    }
}

#[tokio::test]
async fn young_facts_and_kinds_that_are_kept_for_ever_stay() {
    for db in TestDb::all().await.unwrap() {
        let bench = Bench::on(db).await;
        bench.install(&rules::full().files()).await;
        bench.declare("a", &["disk", "kms", "person"]).await;
        bench.collect("a", &[disk("d1", true)], &WHOLE).await;
        bench.at(hour(KEPT - 1.0)).await;
        assert_eq!(bench.engine.compact(Span::ZERO, |_| ()).await.unwrap(), None);
        bench.done().await;
    }
}
