//! A replay can fail: what somebody wrote into the results by hand is found, and the window says where it looks.

mod support;

use octro_engine::{Window, replay};
use support::{Bench, disk, hour, rules};

#[tokio::test]
async fn a_result_that_was_written_by_hand_is_found() {
    for bench in Bench::all().await {
        bench.install(&rules::full().files()).await;
        bench.declare("a", &["disk", "kms", "person"]).await;
        let whole = [("disk", true), ("kms", true), ("person", true)];
        bench.at(hour(1.0)).await;
        bench.collect("a", &[disk("d1", true), disk("d2", true)], &whole).await;
        bench.at(hour(5.0)).await;
        bench.collect("a", &[disk("d1", false), disk("d2", true)], &whole).await;
        bench.at(hour(6.0)).await;
        let db = bench.query.db();
        assert_eq!(replay(db, Window::ALL, |_| ()).await.unwrap().differences, 0);

        // A failure is made a pass.
        let mut tx = db.begin().await.unwrap();
        let touched = tx.execute("UPDATE results SET status = 0 WHERE status = 1", &[]).await.unwrap();
        tx.commit().await.unwrap();
        assert!(touched > 0, "nothing fails that could be hidden");

        let report = replay(db, Window::ALL, |_| ()).await.unwrap();
        assert!(report.differences > 0, "{}: it was not found", bench.of.name());
        assert!(
            report.mismatches.iter().any(|one| one.what.contains("encrypted")),
            "{:?}",
            report.mismatches
        );
        let before = Window { from: hour(1.5), to: hour(4.0) };
        let report = replay(db, before, |_| ()).await.unwrap();
        assert_eq!(report.differences, 0, "{:?}", report.mismatches);
        assert!(report.results > 0, "the window holds results");
        let then = Window { from: hour(4.0), to: hour(6.0) };
        assert!(replay(db, then, |_| ()).await.unwrap().differences > 0);
        bench.of.remove().await.unwrap();
    }
}

#[tokio::test]
async fn a_row_that_was_removed_or_added_is_found() {
    let copy = |test: &str, resource: &str| {
        format!(
            "INSERT INTO results (test, resource, from_at, known_at, to_at, closed_at, superseded_at, version, observation, \
             status, prev) SELECT {test}, {resource}, from_at, known_at + 1, to_at, closed_at, superseded_at, version, \
             observation, status, prev FROM results WHERE status = 1"
        )
    };
    let changes = [
        ("DELETE FROM results WHERE status = 1".to_owned(), "for resource"),
        (copy("test", "resource"), "for resource"),
        (copy("test", "resource + 1000"), "for resource 100"),
        (copy("test", "resource - 1000"), "for resource -99"),
        (copy("test + 1000", "resource"), "tests that there never were"),
        (copy("test - 1000", "resource"), "tests that there never were"),
    ];
    for (change, told) in changes {
        let change: &'static str = change.leak();
        for bench in Bench::all().await {
            bench.install(&rules::full().files()).await;
            bench.declare("a", &["disk", "kms", "person"]).await;
            bench.at(hour(1.0)).await;
            let seen: Vec<_> = (0..9).map(|number| disk(&format!("d{number}"), number != 3)).collect();
            bench.collect("a", &seen, &[("disk", true), ("kms", true), ("person", true)]).await;
            let db = bench.query.db();
            assert_eq!(replay(db, Window::ALL, |_| ()).await.unwrap().differences, 0);
            let mut tx = db.begin().await.unwrap();
            assert!(tx.execute(change, &[]).await.unwrap() > 0, "{change}");
            tx.commit().await.unwrap();
            let mismatches = replay(db, Window::ALL, |_| ()).await.unwrap().mismatches;
            assert!(mismatches.iter().any(|one| one.what.contains(told)), "{change}: {mismatches:?}");
            bench.of.remove().await.unwrap();
        }
    }
}
