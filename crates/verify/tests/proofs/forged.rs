//! Logs of a dishonest or broken owner: everything is signed and included, and still contradicts itself.

use octro_verify::{
    Checkpoint, Claim, Entry, Leaf, Population, Proof, Salts, Status, What, hex, leaf_hash, root_of_entries,
    sha256, subtrees,
};

use crate::cases::{Cases, Expected};
use crate::log::{DAY, HOUR, Log, ORIGIN, SECOND, company, cosigned, day, log_key, policy, signed};
use octro_verify::Policy;

/// The company's log with one more day, on which `write` does what it likes before the seal.
fn day_of(write: impl FnOnce(&mut Log)) -> Log {
    let mut log = company();
    write(&mut log);
    log.evaluate(4, 6 * HOUR, day(14) - HOUR);
    log.seal(day(14));
    log
}

fn proof(log: &Log) -> Proof {
    log.interval("EP-01", day(13), day(14))
}

/// Rewrites the last leaf of a log.
fn rewrite(log: &mut Log, from: &str, to: &str) {
    let last = log.leaves.last_mut().expect("a leaf");
    let text = String::from_utf8(last.clone()).expect("a text");
    assert!(text.contains(from), "{text} has no {from}");
    *last = text.replacen(from, to, 1).into_bytes();
}

pub fn add(cases: &mut Cases) {
    chains(cases);
    keys(cases);
    changes(cases);
    seals(cases);
    sizes(cases);
}

fn chains(cases: &mut Cases) {
    let noon = day(13) + 12 * HOUR;
    let one = |from: &'static str, to: &'static str| {
        day_of(|log| {
            log.transition("EP-01", Status::Fail, noon, noon + SECOND);
            rewrite(log, from, to);
        })
    };
    cases.refuted(
        "gap-in-the-chain",
        "the owner skips a number",
        &proof(&one("\"n\":7", "\"n\":8")),
        "is transition 8; expected 7: something was left out",
    );
    cases.refuted(
        "number-again",
        "the owner uses a number again",
        &proof(&one("\"n\":7", "\"n\":6")),
        "is transition 6; expected 7: the chain goes on from 6",
    );
    let prev = hex(&company().states["EP-01"].last);
    let log = day_of(|log| {
        log.transition("EP-01", Status::Fail, noon, noon + SECOND);
        rewrite(log, &prev, &hex(&sha256(b"another")));
    });
    cases.refuted(
        "other-prev",
        "a transition after another one",
        &proof(&log),
        "`prev` of transition 7 is not the hash of transition 6",
    );
    cases.refuted(
        "other-from",
        "a transition from another status",
        &proof(&one("\"from\":\"pass\"", "\"from\":\"fail\"")),
        "`from` is fail; transition 6 led to pass",
    );
    cases.refuted(
        "other-to",
        "a change that the seal does not know",
        &proof(&one("\"to\":\"fail\"", "\"to\":\"pass\"")),
        "by which transition 7 is another one",
    );
    let at = format!("\"at\":{noon}");
    let log = day_of(|log| {
        log.transition("EP-01", Status::Fail, noon, noon + SECOND);
        rewrite(log, &at, &format!("\"at\":{}", noon + DAY));
    });
    cases.refuted(
        "status-from-the-future",
        "a status since a moment after its record",
        &proof_with(&log, 63),
        "`at` is 1768478400000000, after `t`, 1768392001000000",
    );
    let log = day_of(|log| {
        log.transition("EP-01", Status::Fail, day(5), noon);
    });
    cases.refuted(
        "backdated",
        "a status since before the one before it",
        &proof(&log),
        "`at` is 2026-01-06T00:00:00Z, before that of transition 6, 2026-01-07T20:00:00Z",
    );
    let log = day_of(|log| {
        log.transition("EP-01", Status::Fail, noon, noon + SECOND);
        log.transition("EP-01", Status::Pass, noon + SECOND, noon + 2 * SECOND);
        let n = log.leaves.len();
        log.leaves.swap(n - 1, n - 2);
    });
    cases.refuted("re-ordered-log", "the owner changes the log's order", &proof(&log), "was written at 2026-01-14T12:00:01Z, before the entry before it, 2026-01-14T12:00:02Z: the log is not in order");
    let log = day_of(|log| {
        log.transition("EP-01", Status::Fail, noon, noon + SECOND);
        rewrite(log, "{\"at\"", "{ \"at\"");
    });
    cases.refuted(
        "not-canonical",
        "a leaf that is not canonical",
        &proof_with(&log, 63),
        "is not canonical JSON (RFC 8785)",
    );
    let log = day_of(|log| {
        log.transition("EP-01", Status::Fail, noon, noon + SECOND);
        rewrite(log, "\"v\":1}", "\"v\":1,\"w\":1}");
    });
    cases.refuted(
        "leaf-with-more",
        "a leaf with a member that its type does not know",
        &proof_with(&log, 63),
        "the member `w` is not known here",
    );
}

/// The proof of the last day with one more entry, which the builder would not have taken for a transition.
fn proof_with(log: &Log, index: u64) -> Proof {
    let whole = proof(log);
    let mut indexes: Vec<u64> = whole.entries.iter().filter_map(|entry| entry.index).collect();
    indexes.push(index);
    Proof { states: whole.states, ..log.proof(whole.claim, &indexes) }
}

fn keys(cases: &mut Cases) {
    let log = day_of(|log| {
        log.rotate(2, day(13) + 6 * HOUR);
    });
    let new = Policy { logs: vec![log_key(ORIGIN, 2)], ..policy() };
    cases.add(
        "rotated",
        "the log's key changed",
        proof(&log).to_text(),
        new.clone(),
        Expected::Proved(vec![]),
    );
    cases.refuted(
        "rotated-old-key-given",
        "the reader has the key from before the change",
        &proof(&log),
        ", which the key given signed, the log's key is now `octro.example/log+",
    );
    let resigned = |log: &Log, mut proof: Proof| {
        let text = log.checkpoint_text();
        proof.checkpoint =
            format!("{text}\n{}{}", signed(&text, ORIGIN, 1), cosigned(&text, 9, (day(14) + HOUR) / SECOND));
        proof
    };
    cases.refuted(
        "old-key-after-rotation",
        "signed with the key from before the change",
        &resigned(&log, proof(&log)),
        "checkpoint: is signed with the key",
    );
    let change = log
        .leaves
        .iter()
        .position(|leaf| String::from_utf8_lossy(leaf).contains("\"k\":\"key\""))
        .expect("one");
    let seals = log.seals_of("EP-01", day(13), day(14), false);
    let hidden = log.interval_of("EP-01", day(13), day(14), &seals, &[change as u64]);
    cases.refuted(
        "old-key-change-hidden",
        "the change is left out, the old key signs",
        &resigned(&log, hidden),
        "the log's key is",
    );
    let mut log = company();
    log.rotate(2, day(13) + 6 * HOUR);
    cases.add(
        "rotated-after-the-seal",
        "the key changed after the last seal",
        log.interval("EP-01", day(12), day(13)).to_text(),
        new.clone(),
        Expected::Proved(vec![]),
    );
    let change = log.leaves.len() as u64 - 1;
    let seals = log.seals_of("EP-01", day(12), day(13), false);
    let hidden = log.interval_of("EP-01", day(12), day(13), &seals, &[change]);
    cases.add(
        "change-left-out",
        "who changed the key is left out",
        hidden.to_text(),
        new.clone(),
        Expected::Refuted("and no later entry changes it"),
    );
    let good: Leaf = Leaf::parse(log.leaves.last().expect("a leaf")).expect("a change");
    let What::Key(change) = good.what else { panic!("a change") };
    for (name, by_old) in [("by_old", true), ("by_new", false)] {
        let mut bad = change.clone();
        if by_old {
            bad.by_old[9] ^= 1
        } else {
            bad.by_new[9] ^= 1
        }
        let mut log = company();
        log.seed = 2;
        log.write(good.written, What::Key(bad));
        let why = if by_old {
            "`by_old` is not the old key's signature of this change"
        } else {
            "`by_new` is not the new key's signature of this change"
        };
        let text = log.interval("EP-01", day(12), day(13)).to_text();
        cases.add(
            &format!("change-bad-{name}"),
            "a change that one key did not sign",
            text,
            new.clone(),
            Expected::Refuted(why),
        );
    }
}

/// Changes of keys that do not fit what is around them.
fn changes(cases: &mut Cases) {
    let new = Policy { logs: vec![log_key(ORIGIN, 2)], ..policy() };
    let mut log = company();
    log.rotate(2, day(13) + HOUR);
    let old = hex(&log_key(ORIGIN, 1).id());
    log.seal_with(day(14), |_, seal| seal.signer = old);
    let text = proof(&log).to_text();
    let why = "since entries[4] the log's key is";
    cases.add(
        "seal-by-the-old-key",
        "a seal that names the key from before the change",
        text,
        new,
        Expected::Refuted(why),
    );
    let mut log = company();
    log.origin = "octro.example/two".to_owned();
    log.rotate(2, day(13) + HOUR);
    log.origin = ORIGIN.to_owned();
    log.seed = 1;
    log.seal(day(14));
    let mut other = company();
    other.seed = 2;
    other.rotate(3, day(13) + HOUR);
    let third = Policy { logs: vec![log_key(ORIGIN, 3)], ..policy() };
    let text = other.interval("EP-01", day(12), day(13)).to_text();
    let why = "; by entries[7] the log's key was";
    cases.add(
        "change-from-another-key",
        "a change from a key that the log did not have",
        text,
        third,
        Expected::Refuted(why),
    );
    let why = "`old` is a key of `octro.example/two`; the log is `octro.example/log`";
    cases.refuted("change-of-another-log", "a change of another log's key", &proof(&log), why);
}

fn seals(cases: &mut Cases) {
    let with = |change: &dyn Fn(&mut Vec<octro_verify::State>, &mut octro_verify::Seal)| {
        let mut log = company();
        log.seal_with(day(14), change);
        log
    };
    let log = with(&|_, seal| seal.prev = Some(sha256(b"another")));
    cases.refuted(
        "other-seal-before",
        "a seal that follows another one",
        &proof(&log),
        "`prev` of seal 14 is not the hash of seal 13",
    );
    let log = with(&|_, seal| seal.n = 3);
    cases.refuted(
        "seal-number-back",
        "a seal whose number goes back",
        &proof(&log),
        "is seal 3 and stands after seal 13",
    );
    let log = with(&|states, _| states[1].silent -= 1);
    cases.refuted(
        "silence-undone",
        "silent time that becomes less",
        &proof(&log),
        "by which evaluations or silent time are less than at seal 13",
    );
    let log = with(&|states, _| states[1].evaluations = 3);
    cases.refuted(
        "evaluations-undone",
        "evaluations that become fewer",
        &proof(&log),
        "by which evaluations or silent time are less than at seal 13",
    );
    let log = with(&|states, _| states[1].status = Status::Excepted);
    cases.refuted("seal-of-another-status", "a seal whose status no transition led to", &proof(&log), "by which the status is excepted since 2026-01-07T20:00:00Z; by the chain it is pass since 2026-01-07T20:00:00Z");
    let log = with(&|states, _| states[1].at += HOUR);
    cases.refuted(
        "seal-of-another-since",
        "a seal whose status holds since another moment",
        &proof(&log),
        "by which the status is pass since 2026-01-07T21:00:00Z; by the chain",
    );
    let log = with(&|states, _| states[1].n -= 1);
    cases.refuted(
        "seal-forgets",
        "a seal that forgets a transition",
        &proof(&log),
        "by which the control had 5 transitions; the proof has 6",
    );
    let log = with(&|states, _| states[1].evaluated = Some(day(15)));
    cases.refuted(
        "evaluated-after-the-seal",
        "an evaluation after the seal",
        &proof(&log),
        "`evaluated` lies after its seal, 2026-01-15T00:00:00Z",
    );
    let log = with(&|states, _| {
        states[1].populations.insert("device".to_owned(), sha256(b"x"));
    });
    let last = log.seals_of("EP-01", day(14), day(14), false);
    let first = log.seals_of("EP-01", day(13), day(13), false);
    let mut bad = log.proof(
        Claim::Interval { control: "EP-01".to_owned(), from: day(13), to: day(14) },
        &[first[0] - 3, first[0] - 2, first[0] - 1, first[0], last[0] - 1, last[0] - 3, last[0]],
    );
    bad.states = vec![log.state(first[0], "EP-01"), log.state(last[0], "EP-01")];
    cases.refuted(
        "population-that-is-none",
        "a seal that rests on nothing",
        &bad,
        "entries: the population of kind `device` that seal 14 rests on is not among them",
    );
    let log = with(&|states, _| {
        let bucket = states[1].populations["bucket"];
        states[1].populations.insert("device".to_owned(), bucket);
    });
    cases.refuted(
        "population-of-another-kind",
        "a seal that rests on another kind's population",
        &proof(&log),
        "entries: the population of kind `device` that seal 14 rests on is not among them",
    );
    // A population that was written only after the seal, when it was known what had to be in it.
    let of = Population {
        kind: "device".to_owned(),
        count: 0,
        complete: true,
        enumerated: Some(day(14)),
        root: octro_verify::EMPTY_ROOT,
        key: sha256(b"key"),
        salts: Salts::Key,
    };
    let late = Leaf { written: day(14), what: What::Population(of) };
    let hash = leaf_hash(&late.to_bytes());
    let mut log = with(&|states, _| {
        states[1].populations.insert("device".to_owned(), hash);
    });
    let (late, _) = log.write(late.written, late.what);
    cases.refuted(
        "population-after-its-seal",
        "a seal that rests on what was written after it",
        &proof(&log),
        "entries: the population of kind `device` that seal 14 rests on is not among them",
    );
    let mut early = company();
    let of = Population {
        kind: "device".to_owned(),
        count: 0,
        complete: true,
        enumerated: Some(day(13)),
        root: sha256(b"somebody"),
        key: sha256(&sha256(b"key")),
        salts: Salts::Key,
    };
    let (index, hash) = early.write(day(14), What::Population(of));
    let seal = early.seal_with(day(14), |states, _| {
        states[1].populations.insert("device".to_owned(), hash);
    });
    let claim = Claim::Absent { kind: "device".to_owned(), key: "laptop-3".to_owned(), at: day(14) };
    let mut bad = early.proof(claim, &[index, seal]);
    bad.states = vec![early.state(seal, "EP-01")];
    bad.secret = Some(sha256(b"key"));
    cases.refuted(
        "absent-of-none-but-some",
        "a population without members whose tree has some",
        &bad,
        "members: the population has no members, but its root is not that of an empty tree",
    );
    let claim = Claim::Member { kind: "device".to_owned(), key: "laptop-3".to_owned(), at: day(14) };
    let mut bad = log.proof(claim, &[late - 1, late]);
    bad.states = vec![log.state(late - 1, "EP-01")];
    cases.refuted(
        "member-of-a-later-population",
        "a resource in a population that was written after the seal",
        &bad,
        "states[0]: does not rest on the population in entries[1]",
    );
    let mut log = company();
    log.leaves[0] =
        Leaf { written: day(0), what: What::Open { origin: "octro.example/other".to_owned(), after: None } }
            .to_bytes();
    cases.refuted(
        "opens-another-log",
        "the first leaf opens another log",
        &log.proof(Claim::Entry { index: 0, opened: None }, &[0]),
        "opens the log `octro.example/other`; the checkpoint is of `octro.example/log`",
    );
    log.leaves[0] = log.leaves[1].clone();
    cases.refuted(
        "opens-no-log",
        "the first leaf opens no log",
        &log.proof(Claim::Entry { index: 0, opened: None }, &[0]),
        "is the first leaf, but a program and does not open the log",
    );
}

/// Logs as large as can be counted. Their hashes stand for trees that nobody has.
fn sizes(cases: &mut Cases) {
    let largest = u64::MAX >> 1;
    let leaf = Leaf {
        written: day(1),
        what: What::Export { what: "proof".to_owned(), digest: sha256(b"file"), by: None },
    };
    let text = String::from_utf8(leaf.to_bytes()).expect("a text");
    let proof = |index: u64, size: u64, checkpoint_size: &str| {
        let given = subtrees(size, &[index]).expect("in order");
        let hashes: Vec<_> = given.iter().map(|(start, _)| sha256(&start.to_be_bytes())).collect();
        let root = root_of_entries(size, &[(index, leaf_hash(text.as_bytes()))], &hashes).expect("a root");
        let note = Checkpoint { origin: ORIGIN.to_owned(), size, root }
            .to_text()
            .replace(&size.to_string(), checkpoint_size);
        let checkpoint =
            format!("{note}\n{}{}", signed(&note, ORIGIN, 1), cosigned(&note, 9, day(2) / SECOND));
        let claim = Claim::Entry { index, opened: None };
        let entries = vec![Entry { index: Some(index), leaf: text.clone() }];
        let (states, members, secret, stamps) = (Vec::new(), Vec::new(), None, Vec::new());
        Proof { claim, checkpoint, entries, hashes, states, members, secret, stamps }
    };
    let good = proof(largest - 1, largest, "9223372036854775807");
    cases.proved("largest-log", "the last leaf of the largest log", &good, &["Leaf 9223372036854775806 of the log, written at 2026-01-02T00:00:00Z, records that a file `proof`"]);
    let good = proof(1 << 62, (1 << 62) + 1, "4611686018427387905");
    cases.proved("large-log", "the leaf after the largest power of two", &good, &[]);
    cases.refuted(
        "beyond-the-largest-log",
        "a log of 2^63 leaves",
        &proof(5, largest, "9223372036854775808"),
        "has the size `9223372036854775808`; expected an integer below 2^63",
    );
    let mut bad = proof(largest - 1, largest, "9223372036854775807");
    bad.entries[0].index = Some(largest);
    bad.claim = Claim::Entry { index: largest, opened: None };
    cases.refuted(
        "index-at-the-end",
        "the leaf after the last",
        &bad,
        "entries[0]: has the index 9223372036854775807; the checkpoint has 9223372036854775807 leaves",
    );
    let mut bad = proof(largest - 1, largest, "9223372036854775807");
    bad.entries[0].index = Some(largest - 2);
    bad.claim = Claim::Entry { index: largest - 2, opened: None };
    cases.refuted("index-moved-in-a-large-log", "the last leaf at the place before", &bad, "hashes: ");
}
