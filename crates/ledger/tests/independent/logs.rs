//! Cases about whole published logs, each judged against the checkpoints that its reader has seen before.

use std::path::Path;

use octro_ledger::tile::{WIDTH, bundle_path, hashes_at, path};
use octro_verify::{Checkpoint, Hash, Note, leaf_hash, root};
use serde_json::{Value, json};

use crate::SIZES;
use crate::cases::{Cases, Sample};
use crate::support::files;

fn write(folder: &Path, path: &str, bytes: &[u8]) {
    let path = folder.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// Publishes a log as whoever has all power over the files would: entries, tiles that fit them, and a checkpoint.
fn publish(folder: &Path, leaves: &[Vec<u8>], note: &str) {
    let width = usize::try_from(WIDTH).unwrap();
    let size = leaves.len() as u64;
    let mut hashes: Vec<Hash> = leaves.iter().map(|leaf| leaf_hash(leaf)).collect();
    for (place, bundle) in (0..).zip(leaves.chunks(width)) {
        let entry =
            |leaf: &Vec<u8>| [u16::try_from(leaf.len()).unwrap().to_be_bytes().as_slice(), leaf].concat();
        let bytes: Vec<u8> = bundle.iter().flat_map(entry).collect();
        write(folder, &bundle_path(place, bundle.len() as u64), &bytes);
    }
    for level in 0.. {
        if hashes_at(size, level) == 0 {
            break;
        }
        for (place, tile) in (0..).zip(hashes.chunks(width)) {
            write(folder, &path(level, place, tile.len() as u64), &tile.concat());
        }
        hashes = hashes.chunks_exact(width).map(root).collect();
    }
    write(folder, "checkpoint", note.as_bytes());
}

/// What a checkpoint says of these entries.
fn checkpoint(sample: &Sample, leaves: &[Vec<u8>]) -> Checkpoint {
    let hashes: Vec<Hash> = leaves.iter().map(|leaf| leaf_hash(leaf)).collect();
    Checkpoint { origin: sample.origin().to_owned(), size: leaves.len() as u64, root: root(&hashes) }
}

/// Published logs: the one that was published, with files changed, and made anew with another history. Answers the folder of
/// the good one.
pub fn logs(cases: &mut Cases, sample: &Sample) -> String {
    let (seen_in, at) = cases.folder();
    let mut seen = Vec::new();
    for (size, note) in &sample.notes {
        write(&at, &size.to_string(), note.as_bytes());
        seen.push(format!("{seen_in}/{size}"));
    }
    let given = |folder: &str| -> Value { json!({ "keys": sample.keys, "seen": seen, "folder": folder }) };
    let published = files(&sample.published);
    let copy = |folder: &Path| {
        for (path, bytes) in &published {
            write(folder, path.to_str().unwrap(), bytes);
        }
    };
    // Beside the checkpoints that were seen.
    copy(&at.join("log"));
    cases.push("log", "as it was published", None, given(&format!("{seen_in}/log")));
    let (name, folder) = cases.folder();
    publish(&folder, &sample.leaves, sample.newest());
    for (path, bytes) in files(&folder) {
        assert!(published.get(&path) == Some(&bytes), "{} is as the specification says", path.display());
    }
    cases.push("log", "as the specification says", None, given(&name));

    let mut changed = |what: &str, path: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let (name, folder) = cases.folder();
        copy(&folder);
        let mut bytes = published[Path::new(path)].clone();
        change(&mut bytes);
        write(&folder, path, &bytes);
        cases.push("log", what, Some("tree"), given(&name));
    };
    changed("one bit of an entry", "tile/entries/003", &|bytes| bytes[5_000] ^= 1);
    changed("one bit of the last entry", "tile/entries/011.p/184", &|bytes| *bytes.last_mut().unwrap() ^= 1);
    changed("a bundle cut short", "tile/entries/007", &|bytes| bytes.truncate(bytes.len() - 10));
    changed("a bundle with bytes to spare", "tile/entries/007", &|bytes| bytes.extend([0; 7]));
    changed("a bundle without its first entry", "tile/entries/004", &|bytes| {
        let length = usize::from(u16::from_be_bytes([bytes[0], bytes[1]]));
        bytes.drain(..2 + length);
    });
    changed("a forged tile", "tile/0/005", &|bytes| bytes[32 * 77 + 3] ^= 4);
    changed("a forged tile above", "tile/1/000.p/11", &|bytes| bytes[32 * 10] ^= 1);
    changed("a tile cut short", "tile/0/002", &|bytes| bytes.truncate(255 * 32));
    changed("the earliest checkpoint in place of the newest", "checkpoint", &|bytes| {
        *bytes = sample.note(SIZES[1]).as_bytes().to_vec();
    });

    // Another history, with all tiles made anew: the work of whoever may write everywhere.
    type Rewrite = fn(&mut Vec<Vec<u8>>);
    let rewrites: [(&str, Rewrite); 4] = [
        ("an entry changed", |all| all[800] = all[801].clone()),
        ("an entry dropped", |all| drop(all.remove(800))),
        ("two entries exchanged", |all| all.swap(800, 801)),
        ("entries dropped at the end", |all| all.truncate(2_900)),
    ];
    for (what, rewrite) in rewrites {
        let mut leaves = sample.leaves.clone();
        rewrite(&mut leaves);
        let said = checkpoint(sample, &leaves);
        assert_ne!(said, Checkpoint::parse(&Note::parse(sample.newest()).unwrap().text).unwrap());
        for (how, breaks, note) in [
            ("the old checkpoint", "tree", sample.newest().to_owned()),
            ("signed by a stranger", "signature", sample.signed_by_stranger(&said)),
            // This one is a good log in itself: only checkpoints that were seen before tell that it was rewritten.
            ("signed by the owner", "tree", sample.signed_by_owner(&said)),
        ] {
            let (name, folder) = cases.folder();
            publish(&folder, &leaves, &note);
            cases.push("log", format!("{what}, tiles made anew, {how}"), Some(breaks), given(&name));
        }
    }
    format!("{seen_in}/log")
}
