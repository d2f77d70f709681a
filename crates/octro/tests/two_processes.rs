//! Two `octro up` on one PostgreSQL: one evaluates, both serve, either may die or be paused, and nothing is written by
//! one that lost the seat. Needs `OCTRO_TEST_POSTGRES`, which CI always sets.

#![expect(clippy::unwrap_used, reason = "a test says what it expects")]

mod support;

use std::time::Duration;

use octro_testkit::TestDb;
use rustix::process::Signal;
use support::{Place, Up, changing, until};
use tokio::runtime::Runtime;

/// Whoever evaluates is replaced within this.
const TAKEN_OVER: Duration = Duration::from_secs(10);

struct Two {
    runtime: Runtime,
    db: TestDb,
    place: Place,
}

impl Two {
    /// A database and a source; `None` without a server.
    fn new() -> Option<Self> {
        let runtime = Runtime::new().unwrap();
        let db = runtime.block_on(TestDb::postgres()).unwrap()?;
        let mut place = Place::new();
        place.database = Some(db.address().to_owned());
        place.settings(&place.source("many", "1s", &changing(400, 9)));
        Some(Self { runtime, db, place })
    }

    /// The process that holds a lease.
    fn holder(&self, lease: &str) -> Option<u32> {
        let sql = "SELECT holder FROM leases WHERE name = $1";
        let row = self.runtime.block_on(self.db.db().fetch_one(sql, &[lease.into()])).unwrap()?;
        row.get::<String>(0).unwrap().split(':').nth(1)?.parse().ok()
    }

    /// Both, whoever evaluates first.
    fn up(&self) -> (Up, Up) {
        let (a, b) = (self.place.up(), self.place.up());
        until("a run", || a.last_run("many").is_some_and(|(_, complete)| complete));
        until("somebody evaluates", || self.holder("evaluate").is_some());
        if self.holder("evaluate") == Some(a.id()) { (a, b) } else { (b, a) }
    }

    fn same(&self, a: &Up, b: &Up) {
        until("both serve the same", || {
            let statuses = a.statuses();
            statuses.contains("T-02 pass") && statuses == b.statuses()
        });
    }

    fn done(self) {
        self.place.replay();
        self.runtime.block_on(self.db.remove()).unwrap();
    }
}

fn in_force(up: &Up) -> usize {
    up.log().matches("a new version of the program is in force").count()
}

#[test]
fn whoever_evaluates_is_killed() {
    let Some(two) = Two::new() else { return };
    let (first, second) = two.up();
    two.same(&first, &second);
    assert_eq!((in_force(&first), in_force(&second)), (1, 0), "one evaluates");
    let shown = first.last_run("many");
    first.kill();
    let took = until("the other evaluates", || two.holder("evaluate") == Some(second.id()));
    assert!(took < TAKEN_OVER, "{took:?}");
    second.goes_on("many");
    assert!(second.last_run("many") > shown);
    // A third joins, the second leaves as it should: the seat is given back at once.
    let third = two.place.up();
    two.same(&second, &third);
    second.stop();
    until("the third evaluates", || two.holder("evaluate") == Some(third.id()));
    third.goes_on("many");
    third.stop();
    two.done();
}

#[test]
fn whoever_hands_in_is_killed() {
    let Some(two) = Two::new() else { return };
    let (first, second) = two.up();
    two.same(&first, &second);
    // The source goes to the second, which then hands in, by taking it away from the first.
    if two.holder("source:many") == Some(first.id()) {
        first.signal(Signal::STOP);
        until("the second runs the source", || two.holder("source:many") == Some(second.id()));
        first.signal(Signal::CONT);
    }
    second.goes_on("many");
    second.kill();
    first.goes_on("many");
    until("the first evaluates again", || two.holder("evaluate") == Some(first.id()));
    first.stop();
    two.done();
}

#[test]
fn whoever_evaluates_is_paused() {
    let Some(two) = Two::new() else { return };
    let (first, second) = two.up();
    two.same(&first, &second);
    first.signal(Signal::STOP);
    let took = until("the other evaluates", || two.holder("evaluate") == Some(second.id()));
    assert!(took < TAKEN_OVER, "{took:?}");
    second.goes_on("many");
    first.signal(Signal::CONT);
    second.goes_on("many");
    two.same(&first, &second);
    assert_eq!(two.holder("evaluate"), Some(second.id()), "who comes back does not take the seat");
    first.stop();
    second.stop();
    two.done();
}

#[test]
fn a_seat_that_was_lost_is_taken_with_fresh_eyes() {
    let Some(two) = Two::new() else { return };
    let (first, second) = two.up();
    two.same(&first, &second);
    // The first is paused for so long that the second writes, dies, and leaves a lease that has run out. The first
    // never notices that the seat was not its own: what it has in memory is from before, and must not be written.
    first.signal(Signal::STOP);
    until("the other evaluates", || two.holder("evaluate") == Some(second.id()));
    second.goes_on("many");
    second.kill();
    std::thread::sleep(Duration::from_secs(5));
    first.signal(Signal::CONT);
    until("the first evaluates", || two.holder("evaluate") == Some(first.id()));
    first.goes_on("many");
    // A writer with old eyes would first have tried to give out numbers that the second had given out.
    let log = first.stop();
    assert!(!log.contains("duplicate key"), "{log}");
    two.done();
}
