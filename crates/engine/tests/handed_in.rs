//! What one process hands in and another takes: a run that is taken to its end by another engine than the one that
//! began it says nothing of what only the first one saw.

mod support;

use std::sync::Arc;

use octro_engine::Inbox;
use octro_model::{Span, Status};
use octro_testkit::observation;
use serde_json::json;
use support::{Bench, START, id, report, rules};

fn inbox(bench: &Bench) -> Inbox {
    Inbox::new(bench.of.db(), Arc::new(bench.clock.clone()))
}

fn disk(key: &str) -> Vec<octro_model::Observation> {
    vec![observation(&json!({"kind": "disk", "key": key, "attributes": {"encrypted": true}}))]
}

#[tokio::test]
async fn a_run_that_is_torn_calls_nothing_gone() {
    for mut bench in Bench::all().await {
        let name = bench.of.name();
        bench.install(&rules::variants()[0]).await;
        bench.declare("a", &["disk"]).await;
        let source = id("a");
        let giver = inbox(&bench);
        // A whole run: two disks.
        giver.observe("r1:0", "r1", &source, disk("d1")).await.unwrap();
        giver.observe("r1:1", "r1", &source, disk("d2")).await.unwrap();
        giver.finish("r1:2", "r1", &source, report("a", bench.now(), &[("disk", true)])).await.unwrap();
        assert_eq!(inbox(&bench).drain(&bench.engine).await.unwrap(), 3);
        assert_eq!(bench.test_now("encrypted").await.0, Status::Pass, "{name}");
        // A run of which the process that evaluates sees the first part only.
        bench.clock.advance(Span::HOUR);
        giver.observe("r2:0", "r2", &source, disk("d1")).await.unwrap();
        inbox(&bench).drain(&bench.engine).await.unwrap();
        bench.reopen().await;
        // The giver's clock is set back meanwhile: its parts are taken in their order all the same.
        bench.clock.set(START);
        giver.observe("r2:1", "r2", &source, disk("d2")).await.unwrap();
        giver.finish("r2:0", "r2", &source, report("a", bench.now(), &[("disk", true)])).await.unwrap();
        inbox(&bench).drain(&bench.engine).await.unwrap();
        assert_eq!(bench.status_now("encrypted", "d1").await, Some(Status::Pass), "{name}: it is not gone");
        let (status, reason) = bench.test_now("encrypted").await;
        assert_eq!(status, Status::Unknown, "{name}: {reason}");
        assert!(
            reason.contains("the process that took the first part of this run is gone"),
            "{name}: {reason}"
        );
        // The next whole run may say so.
        bench.clock.advance(Span::from_secs(2 * 3_600));
        giver.observe("r3:0", "r3", &source, disk("d2")).await.unwrap();
        giver.finish("r3:1", "r3", &source, report("a", bench.now(), &[("disk", true)])).await.unwrap();
        inbox(&bench).drain(&bench.engine).await.unwrap();
        assert_eq!(bench.status_now("encrypted", "d1").await, None, "{name}: now it is gone");
        assert_eq!(bench.test_now("encrypted").await.0, Status::Pass, "{name}");
        bench.done().await;
    }
}
