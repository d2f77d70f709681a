//! Cases about proofs: that an entry is in the tree, and that one tree continues another.

use octro_verify::{
    Checkpoint, Claim, Entry, Hash, Leaf, Proof, Seal, SealedState, State, Status, Tally, VerifierKey, What,
    base64_encode, leaf_hash, path, root,
};
use serde_json::{Value, json};

use crate::SIZES;
use crate::cases::{Cases, Sample};
use crate::support::transition;

/// Entries on both sides of each edge: of tiles, of checkpoints, and of the key's change (1,300 is the `key` leaf).
const PICKS: [u64; 14] = [0, 1, 254, 255, 256, 511, 700, 1_299, 1_300, 1_301, 2_047, 2_048, 2_815, 2_999];

/// A control whose transitions are all in the log.
pub const WHOLE: &str = "EP-01";
/// A control whose first transition was never appended; only the hash of it is in the log.
pub const CUT: &str = "EP-02";
/// How many transitions each of them has.
const CHAIN: u64 = 4;
/// The last leaf of the sample: 2026-01-15, in microseconds, after all others.
const SEALED: u64 = 1_800_000_000_010_000;

/// The transitions of a control, each on the one before.
fn chain(control: &str) -> Vec<Leaf> {
    let mut all: Vec<Leaf> = Vec::new();
    for n in 1..=CHAIN {
        let before = all.last().map(|leaf| {
            let What::Transition(of) = &leaf.what else { unreachable!() };
            (leaf_hash(&leaf.to_bytes()), of.to)
        });
        let mut leaf = transition(control, n, before);
        let What::Transition(of) = &mut leaf.what else { unreachable!() };
        of.at = SEALED - 1_000 + n;
        leaf.written = of.at;
        all.push(leaf);
    }
    all
}

/// The states of both controls at the seal.
fn states() -> Vec<Vec<u8>> {
    let state = |control: &str| {
        let last = chain(control).pop().unwrap();
        let state = State {
            control: control.to_owned(),
            status: Status::Fail,
            n: CHAIN,
            last: leaf_hash(&last.to_bytes()),
            at: last.written,
            evaluations: CHAIN,
            evaluated: Some(last.written),
            gap: 1,
            silent: 0,
            tally: Tally::default(),
            populations: std::collections::BTreeMap::new(),
        };
        state.to_bytes()
    };
    vec![state(WHOLE), state(CUT)]
}

fn hashed(states: &[Vec<u8>]) -> Vec<Hash> {
    states.iter().map(|state| leaf_hash(state)).collect()
}

/// What ends the sample's log: both controls' transitions, but for the one that is kept back, and a seal.
pub fn chains(signer: &str) -> Vec<Leaf> {
    let key = VerifierKey::parse(signer).unwrap();
    let mut all: Vec<Leaf> = chain(WHOLE).into_iter().chain(chain(CUT).into_iter().skip(1)).collect();
    all.sort_by_key(|leaf| leaf.written);
    let seal = Seal {
        n: 1,
        prev: None,
        controls: 2,
        root: root(&hashed(&states())),
        program: [3; 32],
        signer: octro_verify::hex(&key.id()),
    };
    all.push(Leaf { written: SEALED, what: What::Seal(seal) });
    all
}

/// The proof of a control's interval, as Octro hands it out: all transitions but the last are linked.
async fn interval(sample: &Sample, control: &str) -> Proof {
    let all = chain(control);
    let text = |leaf: &Leaf| String::from_utf8(leaf.to_bytes()).unwrap();
    let last = text(all.last().unwrap());
    let index = sample.leaves.iter().position(|leaf| *leaf == last.as_bytes()).unwrap() as u64;
    let seal = SIZES[5] - 1;
    let mut entries: Vec<Entry> = all.iter().map(|leaf| Entry { index: None, leaf: text(leaf) }).collect();
    entries.last_mut().unwrap().index = Some(index);
    let sealed = String::from_utf8(sample.leaves.last().unwrap().clone()).unwrap();
    entries.push(Entry { index: Some(seal), leaf: sealed });
    let states = states();
    let place = usize::from(control == CUT);
    Proof {
        claim: Claim::Interval { control: control.to_owned(), from: all[0].written, to: SEALED },
        checkpoint: sample.newest().to_owned(),
        entries,
        hashes: sample.reader.hashes_for(SIZES[5], &[index, seal]).await.unwrap(),
        states: vec![SealedState {
            seal,
            place: place as u64,
            state: String::from_utf8(states[place].clone()).unwrap(),
            path: path(&hashed(&states), place).unwrap(),
        }],
        members: Vec::new(),
        secret: None,
        stamps: Vec::new(),
    }
}

/// Hashes as lines, in base64.
pub fn lines(hashes: &[Hash]) -> String {
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
        // A proof of an entry from before a change of the key rests on a checkpoint of today's key, so on a larger tree.
        if sample.reader.key_changes(index).await.unwrap().is_empty() {
            let told = sample.reader.tlog_proof(index).await.unwrap();
            assert_eq!(made, told, "the proofs are of the common form");
        }
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

/// Proofs in Octro's own form, beside the published log in `folder`.
pub async fn own(cases: &mut Cases, sample: &Sample, folder: &str) {
    // The entry with the key's change tells which key is in force.
    let indexes = [700, SIZES[3]];
    let hashes = sample.reader.hashes_for(SIZES[5], &indexes).await.unwrap();
    let leaf = |index: u64| std::str::from_utf8(&sample.leaves[usize::try_from(index).unwrap()]).unwrap();
    let good = json!({
        "format": "octro-proof/v1",
        "claim": { "type": "entry", "index": indexes[0] },
        "checkpoint": sample.newest(),
        "entries": indexes.map(|index| json!({ "index": index, "leaf": leaf(index) })),
        "hashes": base64_encode(&hashes.concat()),
        "states": [],
        "members": [],
    });
    let mut add = |name: &str, breaks, change: &dyn Fn(&mut Value)| {
        let mut proof = good.clone();
        change(&mut proof);
        let given = json!({ "keys": sample.keys, "folder": folder });
        cases.add("proof", name, breaks, &[("proof", proof.to_string().as_bytes())], given);
    };
    add("of an entry", None, &|_| ());
    add("another entry's leaf", Some("tree"), &|proof| proof["entries"][0]["leaf"] = json!(leaf(701)));
    add("under another index", Some("tree"), &|proof| {
        proof["entries"][0]["index"] = json!(701);
        proof["claim"]["index"] = json!(701);
    });
    let (mut text, signature) = (sample.newest().to_owned(), sample.newest().find('\u{2014}').unwrap());
    text.insert_str(signature - 1, "a line more\n");
    add("a checkpoint with a line more", Some("signature"), &|proof| proof["checkpoint"] = json!(text));
    let other = Checkpoint { origin: sample.origin().to_owned(), size: SIZES[5], root: [7; 32] };
    let stranger = sample.signed_by_stranger(&other);
    add("signed by a stranger", Some("signature"), &|proof| proof["checkpoint"] = json!(stranger));
    // The owner can sign whatever he likes; the log that everybody has does not continue it.
    let forked = sample.signed_by_owner(&other);
    add("a checkpoint of another history, signed by the owner", Some("tree"), &|proof| {
        proof["checkpoint"] = json!(forked);
    });
    let given = || json!({ "keys": sample.keys, "folder": folder });
    let linked = interval(sample, WHOLE).await.to_text();
    assert!(linked.contains("octro-proof/v1-linked") && linked.matches("\"leaf\"").count() == 2, "{linked}");
    cases.add("proof", "of an interval, linked and short", None, &[("proof", linked.as_bytes())], given());
    let cut = interval(sample, CUT).await.to_text();
    let name = "whose first linked leaf was never appended";
    cases.add("proof", name, Some("tree"), &[("proof", cut.as_bytes())], given());
}
