//! `kill -9` of the whole process at random moments while a source floods it: what it had shown is there afterwards,
//! the database is sound, and a replay agrees. `OCTRO_KILLS` says how often; the engine's own test of the same kind
//! (`crates/engine/tests/killed.rs`) looks at every acknowledged batch.

mod support;

use std::process::Stdio;
use std::time::Duration;

use octro_testkit::Chance;
use support::{Place, changing, until};

const SEED: u64 = 20_260_303;

#[test]
fn nothing_shown_is_lost_by_kill_9() {
    let kills = std::env::var("OCTRO_KILLS").ok().map_or(20, |text| text.parse().unwrap());
    let place = Place::new();
    place.settings(&place.source("flood", "1s", &changing(3_000, SEED)));
    let mut chance = Chance::new(SEED);
    let mut shown: Option<String> = None;
    for round in 0..kills {
        if chance.percent(25) {
            // While it starts.
            let mut child = place.command(&["up", "--listen", "127.0.0.1:0"]);
            let mut child = child.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            std::thread::sleep(Duration::from_millis(chance.below(500)));
            child.kill().unwrap();
            child.wait().unwrap();
            continue;
        }
        let up = place.up();
        std::thread::sleep(Duration::from_millis(chance.below(1_500)));
        if let Some((finished, _)) = up.last_run("flood") {
            assert!(shown.as_ref() <= Some(&finished), "round {round}: {shown:?} was shown, now {finished}");
            shown = Some(finished);
        } else {
            assert!(
                shown.is_none() || up.api("/sources/flood").is_none(),
                "round {round}: the runs are gone"
            );
        }
        std::thread::sleep(Duration::from_millis(chance.below(300)));
        up.kill();
    }
    let up = place.up();
    until("a run after the last kill", || {
        up.last_run("flood").is_some_and(|(finished, complete)| complete && Some(&finished) > shown.as_ref())
    });
    assert_eq!(up.api("/resources?kind=thing").unwrap()["total"], 3_000);
    up.stop();
    let doctor = place.run(&["doctor"]);
    assert!(doctor.out.contains("SQLite answers and is sound"), "{doctor:?}");
    place.replay();
}
