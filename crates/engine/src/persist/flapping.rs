//! A result that flaps for years is closed as fast as any other.

#![expect(clippy::disallowed_methods, reason = "a test says what it expects, and measures")]

use octro_store::Param;
use octro_testkit::TestDb;

use super::write::{RESULTS_CLOSE, RESULTS_OPEN};

/// How often it flapped.
const TIMES: i64 = 20_000;
const OPEN: i64 = i64::MAX;

#[tokio::test]
async fn what_flaps_for_years_closes_as_fast() {
    for of in TestDb::all().await.unwrap() {
        let db = of.db();
        let mut tx = db.begin().await.unwrap();
        let mut values: Vec<Param<'_>> = Vec::new();
        let row =
            |n: i64, ends: i64, aside: i64| [1, 1, n, n, ends, ends, aside, 1, 1, n % 2, 2].map(Param::Int);
        for n in 0..TIMES {
            values.extend(row(n, n + 1, OPEN));
        }
        // One that was thought to last on was put aside; the last is open.
        values.extend(row(TIMES, OPEN, TIMES + 1));
        values.extend(row(TIMES + 1, OPEN, OPEN));
        RESULTS_OPEN.run(&mut tx, &values).await.unwrap();
        let begun = std::time::Instant::now();
        for n in TIMES + 2..TIMES + 202 {
            RESULTS_CLOSE.run(&mut tx, &[1, 1, n, n].map(Param::Int)).await.unwrap();
            RESULTS_OPEN.run(&mut tx, &row(n, OPEN, OPEN)).await.unwrap();
        }
        let took = begun.elapsed();
        let count = |row: &octro_store::Row| row.get::<i64>(0).unwrap();
        let open = "SELECT from_at FROM results WHERE to_at = 9223372036854775807 AND superseded_at = 9223372036854775807";
        let open: Vec<i64> = tx.fetch(open, &[]).await.unwrap().iter().map(count).collect();
        assert_eq!(open, [TIMES + 201]);
        let closed = "SELECT COUNT(*) FROM results WHERE to_at = from_at + 1";
        assert_eq!(tx.fetch(closed, &[]).await.unwrap().first().map(count), Some(TIMES + 200));
        // Looking through the whole history each time takes several seconds.
        assert!(took.as_secs_f64() < 1.0, "{took:?}");
        drop(tx);
        of.remove().await.unwrap();
    }
}
