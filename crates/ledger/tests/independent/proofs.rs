//! Cases about proofs: that an entry is in the tree, and that one tree continues another.

use octro_verify::{Hash, base64_encode};
use serde_json::json;

use crate::SIZES;
use crate::cases::{Cases, Sample};

/// Entries on both sides of each edge: of tiles, of checkpoints, and of the key's change (1,300 is the `key` leaf).
const PICKS: [u64; 14] = [0, 1, 254, 255, 256, 511, 700, 1_299, 1_300, 1_301, 2_047, 2_048, 2_815, 2_999];

fn lines(hashes: &[Hash]) -> String {
    hashes.iter().map(|hash| format!("{}\n", base64_encode(hash))).collect()
}

/// A proof file of the common form.
fn file(index: u64, path: &[Hash], note: &str) -> String {
    format!("c2sp.org/tlog-proof@v1\nindex {index}\n{}\n{note}", lines(path))
}

/// Hashes changed in one way each.
fn changed(hashes: &[Hash]) -> Vec<(&'static str, Vec<Hash>)> {
    let with = |change: &dyn Fn(&mut Vec<Hash>)| {
        let mut hashes = hashes.to_vec();
        change(&mut hashes);
        hashes
    };
    let last = hashes.len() - 1;
    vec![
        ("one bit of the first hash", with(&|all| all[0][0] ^= 1)),
        ("one bit of the last hash", with(&|all| all[last][31] ^= 0x80)),
        ("without the first hash", with(&|all| *all = all.split_off(1))),
        ("without the last hash", with(&|all| all.truncate(last))),
        ("with the last hash twice", with(&|all| all.push(all[last]))),
        ("with two hashes exchanged", with(&|all| all.swap(0, 1))),
    ]
}

/// Proofs that an entry is in the tree.
pub async fn inclusions(cases: &mut Cases, sample: &Sample) {
    let keys = json!({ "keys": sample.keys });
    for index in PICKS {
        let proof = sample.reader.tlog_proof(index).await.unwrap();
        let leaf = &sample.leaves[usize::try_from(index).unwrap()];
        let files: [(&str, &[u8]); 2] = [("proof", proof.as_bytes()), ("leaf", leaf)];
        cases.add("inclusion", format!("entry {index}"), None, &files, keys.clone());
    }
    for (index, size) in [(255, SIZES[1]), (700, SIZES[3]), (1_301, SIZES[5]), (2_999, SIZES[5])] {
        let path = sample.reader.path(index, size).await.unwrap();
        let note = sample.note(size);
        let leaf = sample.leaves[usize::try_from(index).unwrap()].clone();
        let made = file(index, &path, note);
        assert_eq!(made, sample.reader.tlog_proof(index).await.unwrap(), "the proofs are of the common form");
        let mut tampered = |name: &str, proof: &str, leaf: &[u8]| {
            let name = format!("entry {index}, {name}");
            let files: [(&str, &[u8]); 2] = [("proof", proof.as_bytes()), ("leaf", leaf)];
            cases.add("inclusion", name, Some("tree"), &files, keys.clone());
        };
        for (name, path) in changed(&path) {
            tampered(name, &file(index, &path, note), &leaf);
        }
        let mut bit = leaf.clone();
        bit[100] ^= 1;
        tampered("one bit of the entry", &made, &bit);
        tampered("a byte after the entry", &made, &[leaf.as_slice(), b" "].concat());
        tampered("another entry", &made, &sample.leaves[600]);
        tampered("under another index", &file(index ^ 1, &path, note), &leaf);
        tampered("under an index beyond the tree", &file(size, &path, note), &leaf);
        let of = if size == SIZES[5] { SIZES[4] } else { SIZES[5] };
        tampered("with another checkpoint", &file(index, &path, sample.note(of)), &leaf);
    }
}

/// Proofs that one tree continues another.
pub async fn consistencies(cases: &mut Cases, sample: &Sample) {
    let keys = json!({ "keys": sample.keys });
    let mut add = |name: String, breaks, old: u64, new: u64, hashes: &[Hash]| {
        let text = lines(hashes);
        let notes = (sample.note(old), sample.note(new));
        let files: [(&str, &[u8]); 3] =
            [("old", notes.0.as_bytes()), ("new", notes.1.as_bytes()), ("hashes", text.as_bytes())];
        cases.add("consistency", name, breaks, &files, keys.clone());
    };
    for (i, old) in SIZES.into_iter().enumerate() {
        for new in SIZES.into_iter().skip(i + 1) {
            let hashes = sample.reader.consistency(old, new).await.unwrap();
            add(format!("{old} to {new} entries"), None, old, new, &hashes);
        }
    }
    for (old, new) in [(SIZES[1], SIZES[5]), (SIZES[2], SIZES[3]), (SIZES[4], SIZES[5])] {
        let hashes = sample.reader.consistency(old, new).await.unwrap();
        for (name, hashes) in changed(&hashes) {
            add(format!("{old} to {new} entries, {name}"), Some("tree"), old, new, &hashes);
        }
        add(format!("{new} to {old} entries, backwards"), Some("tree"), new, old, &hashes);
        add(
            format!("{} to {new} entries, another beginning", SIZES[0]),
            Some("tree"),
            SIZES[0],
            new,
            &hashes,
        );
    }
}
