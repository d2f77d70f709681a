//! Stopping: a source that runs is ended with Octro, soon, and what is kept is its owner's alone.

#![expect(clippy::disallowed_methods, reason = "a test measures real time")]

mod support;

use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use support::{Place, until};

/// How long a stop may take.
const SOON: Duration = Duration::from_secs(8);

#[test]
fn a_source_that_runs_does_not_hold_octro() {
    let place = Place::new();
    let number = place.path().join("number");
    let script = format!("echo $$ > '{0}.new'\nmv '{0}.new' '{0}'\nexec sleep 300\n", number.display());
    place.settings(&place.source("sleeper", "1h", &script));
    let up = place.up();
    until("the source runs", || number.exists());
    let sleeper: i32 = std::fs::read_to_string(&number).unwrap().trim().parse().unwrap();
    assert!(runs(sleeper));
    let begun = Instant::now();
    up.stop();
    assert!(begun.elapsed() < SOON, "it took {:?}", begun.elapsed());
    assert!(!runs(sleeper), "the source goes on without Octro");
}

/// Whether there is such a process, and it is not only its name that is left.
fn runs(pid: i32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| stat.rsplit(')').next().is_some_and(|rest| !rest.trim_start().starts_with('Z')))
}

#[test]
fn others_cannot_read_the_data() {
    let place = Place::new();
    std::fs::create_dir(&place.data).unwrap();
    std::fs::set_permissions(&place.data, std::fs::Permissions::from_mode(0o755)).unwrap();
    place.settings(&place.source("mine", "1h", &support::changing(3, 1)));
    let up = place.up();
    up.goes_on("mine");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&place.data).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}: {mode:o}", entry.path().display());
        names.push(entry.file_name().into_string().unwrap());
    }
    assert!(names.contains(&"octro.db".to_owned()) && names.contains(&"lock".to_owned()), "{names:?}");
    up.stop();
}
