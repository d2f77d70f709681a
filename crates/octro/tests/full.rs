//! A disk that is full: Octro says so, keeps serving what it has, and goes on by itself when there is room again.

#![expect(clippy::unwrap_used, reason = "a test says what it expects")]

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use support::{Place, Up, changing, until};

const WORDS: &str = "there is no room left for the database";

/// A small file system in memory, if the test may mount one.
struct Small(PathBuf);

impl Small {
    fn mount(at: &Path) -> Option<Self> {
        std::fs::create_dir_all(at).unwrap();
        let done = Command::new("mount").args(["-t", "tmpfs", "-o", "size=6m", "tmpfs"]).arg(at).output();
        done.is_ok_and(|done| done.status.success()).then(|| Self(at.to_owned()))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        // Lazily: a process that is just ending may still hold it.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// It is served, and judged, as before.
fn serves(up: &Up) {
    assert_eq!(up.get("/").map(|(status, _)| status), Some(200), "{}", up.log());
    assert!(up.statuses().contains("T-02"), "{}", up.log());
}

#[test]
fn a_full_disk_is_said_and_survived() {
    let mut place = Place::new();
    place.settings(&place.source("many", "1s", &changing(800, 5)));
    let mount = place.path().join("small");
    let Some(_small) = Small::mount(&mount) else { return limited(&place) };
    place.data = mount.join("data");
    let up = place.up();
    until("the first run", || up.last_run("many").is_some());
    // The rest of the disk goes to somebody else.
    let hog = mount.join("hog");
    fill(&hog);
    until("the full disk is said", || up.log().contains(WORDS));
    serves(&up);
    std::fs::remove_file(&hog).unwrap();
    up.goes_on("many");
    // Again, and killed while it is full; then a start on a full disk.
    fill(&hog);
    let said = up.log().matches(WORDS).count();
    until("the full disk is said again", || up.log().matches(WORDS).count() > said);
    up.kill();
    let log = Up::start(place.command(&["up", "--listen", "127.0.0.1:0"])).stop();
    assert!(!log.contains("damaged"), "{log}");
    std::fs::remove_file(&hog).unwrap();
    let up = place.up();
    up.goes_on("many");
    up.stop();
    place.replay();
    let doctor = place.run(&["doctor"]);
    assert!(doctor.out.contains("is sound") && doctor.out.contains("make room"), "{doctor:?}");
}

/// Writes a file until there is no room left.
fn fill(at: &Path) {
    use std::io::Write as _;
    let mut file = std::fs::File::create(at).unwrap();
    while file.write_all(&[1; 4_096]).is_ok() {}
}

/// Where nothing may be mounted, files that may not grow stand in for a full disk.
fn limited(place: &Place) {
    // The signal that comes with the limit would end the process; whoever ignores it gets an error instead.
    let octro = place.command(&["up", "--listen", "127.0.0.1:0"]);
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]).arg(octro.get_program()).args(octro.get_args());
    command.current_dir(place.path());
    let up = Up::start(command);
    until("the first run", || up.last_run("many").is_some());
    let id = up.id().to_string();
    let limit = |to: &str| {
        let done =
            Command::new("prlimit").args(["--pid", &id]).arg(format!("--fsize={to}:unlimited")).status();
        assert!(done.is_ok_and(|status| status.success()), "prlimit");
    };
    let log = std::fs::metadata(place.data.join("octro.db-wal")).unwrap().len();
    limit(&log.to_string());
    until("it is said that nothing can be written", || up.log().contains("could not be stored"));
    serves(&up);
    limit("unlimited");
    up.goes_on("many");
    up.stop();
    place.replay();
}
