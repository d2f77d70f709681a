//! Published logs whose owner writes what he likes into tiles, bundles and checkpoints: a witness never cosigns one history
//! after another, a comparison never calls two histories one nor one history two, and an audit never passes over a file.
#![no_main]

use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use octro_fuzz::parts;
use octro_fuzz::published::{At, Files, Published, files, of_one_history, write};
use octro_ledger::witness::{Followed, Place, Witness, compare};
use octro_ledger::{FileKeys, Highest, Keys as _, Parts, audit};
use octro_model::{ManualClock, Timestamp};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().enable_all().build().expect("a runtime"));
static PUBLISHED: LazyLock<Published> = LazyLock::new(|| RUNTIME.block_on(Published::make()));

// Three bytes: which log at which size is cosigned first, which is then changed and shown, and whether it is also audited.
// Then the files that are changed, each after a line with its path.
fuzz_target!(|input: &[u8]| {
    let [first, then, also, rest @ ..] = input else { return };
    let (small, large) = (PUBLISHED.at(*first), PUBLISHED.at(*then));
    let changes = changes(rest);
    let folder = TempDir::with_prefix("octro-fuzz-").expect("a folder");
    let (before, hostile) = (folder.path().join("before"), folder.path().join("hostile"));
    write(&before, &small.files);
    write(&hostile, &changed(&large.files, &changes));
    RUNTIME.block_on(async {
        let places = (Place::Path(before), Place::Path(hostile.clone()));
        compared(small, &places, &hostile).await;
        cosigned(small, &places, &hostile, folder.path()).await;
        if also & 1 == 1 {
            audited(&changes, folder.path()).await;
        }
    });
    let highest = Highest::at(hostile.join("checkpoint"));
    if let Err(error) = highest.read() {
        assert!(!error.to_string().is_empty());
    }
});

/// A file's path, and how it is changed.
type Change = (String, Vec<u8>);

fn changed(files: &Files, changes: &[Change]) -> Files {
    let mut files = files.clone();
    for (name, how) in changes {
        PUBLISHED.change(&mut files, name, how);
    }
    files
}

/// The changes that an input asks for, without the end of the line before the next.
fn changes(input: &[u8]) -> Vec<Change> {
    let of = |(name, mut bytes): (String, Vec<u8>)| {
        if bytes.last() == Some(&b'\n') {
            bytes.pop();
        }
        (name, bytes)
    };
    parts(input).into_iter().skip(1).take(8).map(of).collect()
}

/// What is shown now, if it is a checkpoint that one of the logs has signed.
fn shown(hostile: &std::path::Path) -> Option<&'static At> {
    PUBLISHED.known(&std::fs::read(hostile.join("checkpoint")).ok()?)
}

async fn compared(small: &At, (before, hostile): &(Place, Place), at: &std::path::Path) {
    let key = std::slice::from_ref(&PUBLISHED.key);
    let found = compare(&[before.clone(), hostile.clone()], key).await.expect("two places");
    let Some(large) = shown(at).filter(|_| found.shown.len() == 2) else {
        assert!(!found.unknown.is_empty() || found.shown.len() == 2, "what cannot be compared is unknown");
        return;
    };
    if of_one_history(small, large) {
        assert!(found.splits.is_empty(), "one history is called two");
    } else {
        assert!(!found.splits.is_empty() || !found.unknown.is_empty(), "two histories are called one");
    }
}

async fn cosigned(
    small: &At,
    (before, hostile): &(Place, Place),
    at: &std::path::Path,
    folder: &std::path::Path,
) {
    let signer = FileKeys::at(&folder.join("witness.key")).current().expect("a key");
    let clock = Arc::new(ManualClock::at(Timestamp::from_secs(1_800_000_100)));
    let memory = folder.join("memory");
    let logs = std::slice::from_ref(&PUBLISHED.key);
    let witness =
        Arc::new(Witness::open("witness.example", signer, clock, &memory, logs).expect("a witness"));
    let origin = &small.checkpoint.origin;
    let first = witness.follow(origin, before).await.expect("an honest log");
    assert_eq!(first, Followed::Cosigned(small.checkpoint.size));
    match witness.follow(origin, hostile).await {
        Ok(Followed::Cosigned(size)) => {
            let large = shown(at).expect("a checkpoint that the log signed");
            assert!(size == large.checkpoint.size && size > small.checkpoint.size);
            assert!(of_one_history(small, large), "another history was cosigned");
        }
        Ok(Followed::Unchanged(size)) => assert_eq!(size, small.checkpoint.size),
        Err(why) => assert!(!why.to_string().is_empty()),
    }
    let newest = witness.newest(origin).expect("what was cosigned");
    assert!(newest.size >= small.checkpoint.size);
}

/// The first log's folder with these changes, beside its database.
async fn audited(changes: &[Change], folder: &std::path::Path) {
    let root = folder.join("audited");
    let (at, of) = (root.join("1"), &PUBLISHED.newest.files);
    write(&at, &changed(of, changes));
    let parts = Parts { leaves: true, signatures: true };
    let found = audit(&PUBLISHED.db, Some(&root), parts, |_| ()).await.expect("a database");
    let now = files(&at);
    if now == *of {
        assert!(found.is_clean(), "{:?}", found.findings);
    }
    // With another checkpoint, other files are promised.
    if now.get("checkpoint") == of.get("checkpoint") {
        let differs = |name: &String, bytes: &Vec<u8>| now.get(name).is_some_and(|now| now != bytes);
        let changed = of.iter().any(|(name, bytes)| differs(name, bytes))
            || PUBLISHED.needed.keys().any(|name| !now.contains_key(name));
        assert!(!changed || !found.is_clean(), "a changed file was passed over");
    } else {
        let signed = now.get("checkpoint").and_then(|note| PUBLISHED.known(note));
        assert!(signed.is_some_and(|at| at.log == 0 || at.checkpoint.size <= 200) || !found.is_clean());
    }
}
