//! A write that fails in the middle of a collection: what was said before it counts, and nobody is called gone for it.

mod support;

use octro_model::Status;
use octro_testkit::observation;
use serde_json::json;
use support::{Bench, disk, hour, id, report, rules};

/// `disk` as it was at an earlier moment.
fn earlier(key: &str, encrypted: bool, at: f64) -> octro_model::Observation {
    observation(&json!({"kind": "disk", "key": key, "at": hour(at), "attributes": {"encrypted": encrypted}}))
}

#[tokio::test]
async fn whoever_was_spoken_of_before_a_failed_write_is_not_gone() {
    for bench in Bench::all().await {
        bench.install(&rules::full().files()).await;
        bench.declare("a", &["disk"]).await;
        bench.at(hour(1.0)).await;
        bench
            .collect("a", &[disk("late", true), disk("same", true), disk("old", true)], &[("disk", true)])
            .await;
        bench.at(hour(3.0)).await;
        bench
            .collect("a", &[disk("late", true), disk("same", true), disk("old", true)], &[("disk", true)])
            .await;

        bench.at(hour(5.0)).await;
        let collecting = bench.engine.begin(&id("a")).await.unwrap();
        // Of one only something older is told, of one the same as before, of one the same as before and older.
        let told =
            vec![earlier("late", false, 2.0), observation(&disk("same", true)), earlier("old", true, 0.5)];
        bench.engine.observe(&collecting, told).await.unwrap();
        let db = bench.query.db();
        let rename = async |from: &str, to: &str| {
            let sql: &'static str = format!("ALTER TABLE {from} RENAME TO {to}").leak();
            let mut tx = db.begin().await.unwrap();
            tx.execute(sql, &[]).await.unwrap();
            tx.commit().await.unwrap();
        };
        rename("observations", "elsewhere").await;
        assert!(bench.engine.observe(&collecting, vec![observation(&disk("new", true))]).await.is_err());
        rename("elsewhere", "observations").await;
        bench.engine.observe(&collecting, vec![observation(&disk("new", true))]).await.unwrap();
        bench.engine.finish(&collecting, report("a", bench.now(), &[("disk", true)])).await.unwrap();
        bench.at(hour(5.5)).await;
        for key in ["late", "same", "old", "new"] {
            assert_eq!(bench.status_now("encrypted", key).await, Some(Status::Pass), "{key}");
        }
        bench.done().await;
    }
}
