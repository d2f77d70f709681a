//! A clock that steps back and forth: nothing is lost, nothing panics, the newest word counts, and a replay agrees.

mod support;

use octro_model::{Span, Status, Timestamp};
use octro_testkit::Chance;
use serde_json::json;
use support::{Bench, START, rules};

/// Steps of the clock, in hours: a day back, two forward, a month back, ...
const STEPS: [f64; 12] = [0.1, -24.0, 48.0, -0.001, -24.0, 0.0, 1.0, -720.0, 0.5, 720.0, -1.0, 30.0];

#[tokio::test]
async fn a_clock_that_steps_back_and_forth() {
    for mut bench in Bench::all().await {
        let name = bench.of.name();
        bench.install(&rules::variants()[0]).await;
        bench.declare("a", &["disk", "kms"]).await;
        let mut chance = Chance::new(77);
        let mut latest = START;
        for round in 0..60 {
            let step = STEPS[round % STEPS.len()];
            bench.clock.advance(Span::from_micros((step * 3_600_000_000.0) as i64));
            if chance.percent(50) {
                bench.engine.tick().await.unwrap();
            }
            if chance.percent(15) {
                bench.reopen().await;
            }
            let encrypted = chance.percent(50);
            let disk =
                json!({"kind": "disk", "key": "d1", "attributes": {"encrypted": encrypted, "size": round}});
            bench.collect("a", &[disk], &[("disk", true), ("kms", true)]).await;
            let row = bench
                .query
                .db()
                .fetch_one("SELECT MAX(received_at) FROM inputs", &[])
                .await
                .unwrap()
                .unwrap();
            let received: Timestamp = row.get(0).unwrap();
            assert!(
                received > latest,
                "{name}, round {round}: inputs keep their order, whatever the clock says"
            );
            latest = received;
            assert!(
                bench.present().await.at >= latest,
                "{name}, round {round}: now is no earlier than what was told"
            );
            let expected = if encrypted { Status::Pass } else { Status::Fail };
            let status = bench.status_now("encrypted", "d1").await;
            assert_eq!(status, Some(expected), "{name}, round {round}: the newest word counts");
        }
        let row =
            bench.query.db().fetch_one("SELECT COUNT(*) FROM observations", &[]).await.unwrap().unwrap();
        assert_eq!(row.get::<i64>(0).unwrap(), 60, "{name}: everything is kept");
        bench.done().await;
    }
}

#[tokio::test]
async fn evidence_grows_old_by_the_clock_that_is_corrected() {
    for bench in Bench::all().await {
        let name = bench.of.name();
        bench.install(&rules::variants()[0]).await;
        bench.declare("a", &["disk"]).await;
        let disk = json!({"kind": "disk", "key": "d1", "attributes": {"encrypted": true}});
        bench.collect("a", std::slice::from_ref(&disk), &[("disk", true)]).await;
        // A glance into the future: the evidence is too old there.
        bench.at(START.plus(Span::from_secs(2 * 86_400))).await;
        assert_eq!(bench.status_now("encrypted", "d1").await, Some(Status::Stale), "{name}");
        // Back: what was told stays told until something newer is.
        bench.at(START.plus(Span::HOUR)).await;
        assert_eq!(bench.status_now("encrypted", "d1").await, Some(Status::Stale), "{name}");
        bench.collect("a", &[disk], &[("disk", true)]).await;
        assert_eq!(bench.status_now("encrypted", "d1").await, Some(Status::Pass), "{name}");
        bench.done().await;
    }
}
