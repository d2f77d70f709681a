//! A damaged database file: whoever opens it says so, nobody panics, and the file is left as it is.

#![expect(clippy::unwrap_used, reason = "a test says what it expects")]

mod support;

use octro_testkit::Chance;
use support::{Place, Ran, changing, until};

const PAGE: usize = 4_096;
const WORDS: &str = "the database file is damaged";

/// A database with some history in it, and its bytes.
fn sound() -> (Place, Vec<u8>) {
    let place = Place::new();
    place.settings(&place.source("many", "1s", &changing(2_000, 7)));
    let up = place.up();
    let mut runs = std::collections::BTreeSet::new();
    until("three runs", || {
        runs.extend(up.last_run("many"));
        runs.len() >= 3
    });
    up.stop();
    let bytes = std::fs::read(place.file()).unwrap();
    assert!(bytes.len() > 100 * PAGE && bytes.len().is_multiple_of(PAGE), "{}", bytes.len());
    (place, bytes)
}

/// Writes the file as it was damaged, and asks what has to name it; the file must not change.
fn damage(place: &Place, bytes: &[u8], what: &str) -> Ran {
    for rest in ["octro.db-wal", "octro.db-shm"] {
        // They are there only if somebody did not close the database.
        let _ = std::fs::remove_file(place.data.join(rest));
    }
    std::fs::write(place.file(), bytes).unwrap();
    let doctor = place.run(&["doctor"]);
    assert_eq!(doctor.code, Some(4), "{what}: {doctor:?}");
    assert!(doctor.out.contains(WORDS), "{what}: {doctor:?}");
    let up = place.run(&["up", "--listen", "127.0.0.1:0"]);
    assert_eq!(up.code, Some(4), "{what}: {up:?}");
    assert!(up.err.contains(WORDS) && up.err.contains("restore a backup"), "{what}: {up:?}");
    let status = place.run(&["status"]);
    assert!(std::fs::read(place.file()).unwrap() == bytes, "{what}: the file was changed");
    status
}

fn named(status: &Ran, what: &str) {
    assert_eq!(status.code, Some(4), "{what}: {status:?}");
    assert!(status.err.contains(WORDS), "{what}: {status:?}");
}

#[test]
fn a_damaged_file_is_named_and_left_alone() {
    let (place, bytes) = sound();
    let mut chance = Chance::new(11);
    let garbage = |chance: &mut Chance, page: &mut [u8]| page.fill_with(|| chance.number() as u8);

    let mut header = bytes.clone();
    garbage(&mut chance, &mut header[..100]);
    named(&damage(&place, &header, "the header"), "the header");

    let nothing = b"not a database at all, but long enough to look at it as if it were one".repeat(100);
    named(&damage(&place, &nothing, "another file"), "another file");

    let half = bytes.len() / 2 / PAGE * PAGE;
    named(&damage(&place, &bytes[..half], "cut in half"), "cut in half");
    named(&damage(&place, &bytes[..half + 1_000], "cut within a page"), "cut within a page");

    let mut most = bytes.clone();
    garbage(&mut chance, &mut most[PAGE..]);
    named(&damage(&place, &most, "all pages but the first"), "all pages but the first");

    // A few pages, wherever they are. Who does not need them may answer; whoever does says what is wrong.
    for round in 0..8 {
        let mut some = bytes.clone();
        for _ in 0..6 {
            let at = (1 + chance.below((bytes.len() / PAGE) as u64 - 1) as usize) * PAGE;
            garbage(&mut chance, &mut some[at..at + PAGE]);
        }
        let what = format!("six pages, round {round}");
        let status = damage(&place, &some, &what);
        if status.code != Some(0) {
            named(&status, &what);
        }
    }

    std::fs::write(place.file(), &bytes).unwrap();
    place.replay();
    place.up().stop();
}
