//! Good proofs with something left out, changed, or signed by somebody else.

use ed25519_dalek::Signer as _;
use octro_verify::{Claim, Policy, base64_encode, signature_line, unhex};

use crate::cases::{Cases, Expected};
use crate::log::{
    DAY, HOUR, Log, ORIGIN, SECOND, cosigned, day, log_key, policy, signed, signing, witness_key,
};

pub fn add(cases: &mut Cases, log: &Log) {
    left_out(cases, log);
    changed(cases, log);
    signatures(cases, log);
    files(cases, log);
}

fn left_out(cases: &mut Cases, log: &Log) {
    let (from, to) = (day(2) + HOUR, day(12));
    let seals = log.seals_of("EP-01", from, to, false);
    let without = |left_out: &[u64]| log.interval_of("EP-01", from, to, &seals, left_out);
    let whole = without(&[]);
    let transitions: Vec<u64> = whole
        .entries
        .iter()
        .filter(|entry| entry.leaf.contains("\"k\":\"transition\""))
        .filter_map(|entry| entry.index)
        .collect();
    cases.refuted(
        "dropped-transition",
        "a transition in the middle is left out",
        &without(&transitions[1..2]),
        "is transition 5; expected 4: something was left out",
    );
    cases.refuted(
        "dropped-first-transition",
        "the first transition is left out",
        &without(&transitions[..1]),
        "is transition 4; expected 3: something was left out",
    );
    cases.refuted("dropped-last-transition", "the last transition is left out", &without(&transitions[3..]), "is seal 12, by which the control had 6 transitions; the proof has them up to 5: something was left out");
    cases.refuted(
        "dropped-transitions",
        "all transitions are left out",
        &without(&transitions),
        "is seal 12, by which the control had 6 transitions; the proof has them up to 2",
    );
    cases.refuted(
        "dropped-first-seal",
        "the first seal is left out",
        &log.interval_of("EP-01", from, to, &seals, &seals[..1]),
        "is transition 3; without a seal at or before `from`, the chain must begin with transition 1",
    );
    cases.refuted(
        "dropped-last-seal",
        "the last seal is left out",
        &without(&seals[1..]),
        "stands after the last seal, which does not speak of it",
    );
    let early = log.seals_of("EP-01", from, day(5), false);
    let mut short = log.interval_of("EP-01", from, to, &early, &[]);
    cases.refuted(
        "shortened-at-the-end",
        "the proof ends before the claim does",
        &short,
        "the last seal is of 2026-01-06T00:00:00Z, before `to`, 2026-01-13T00:00:00Z",
    );
    short = without(&[]);
    short.claim = Claim::Interval { control: "EP-01".to_owned(), from: day(1), to };
    cases.refuted(
        "shortened-at-the-beginning",
        "the proof begins after the claim does",
        &short,
        "entries[3]: is the first seal, of 2026-01-03T00:00:00Z, after `from`, 2026-01-02T00:00:00Z",
    );
    let population = whole
        .entries
        .iter()
        .find(|entry| entry.leaf.contains("\"k\":\"population\""))
        .expect("one")
        .index
        .expect("its index");
    cases.refuted(
        "dropped-population",
        "a population is left out",
        &without(&[population]),
        "entries: the population of kind `bucket` that seal 2 rests on is not among them",
    );
    let mut other = log.interval("AC-02", from, to);
    other.claim = whole.claim.clone();
    cases.refuted(
        "another-control",
        "the proof of another control",
        &other,
        "states[0]: is of control `AC-02`; the claim is about `EP-01`",
    );
    let indexes: Vec<u64> = whole.entries.iter().filter_map(|entry| entry.index).collect();
    let new = log.leaves.iter().position(|leaf| String::from_utf8_lossy(leaf).contains("NEW-1")).expect("one")
        as u64;
    let mut mixed = log.proof(whole.claim.clone(), &[&indexes[..], &[new]].concat());
    mixed.states = whole.states.clone();
    cases.refuted(
        "another-chain",
        "a transition of another control among them",
        &mixed,
        "is a transition of control `NEW-1`; the claim is about `EP-01`",
    );
    let mut decision =
        log.proof(whole.claim.clone(), &[&indexes[..], &[log.leaves.len() as u64 - 1]].concat());
    decision.states = whole.states;
    cases.refuted(
        "another-leaf",
        "a leaf that has nothing to do with it",
        &decision,
        "has no place in a proof of an interval",
    );
}

fn changed(cases: &mut Cases, log: &Log) {
    let whole = log.interval("EP-01", day(2) + HOUR, day(12));
    let mut bad = whole.clone();
    bad.hashes[1][5] ^= 4;
    cases.refuted(
        "forged-hash",
        "a hash with one bit changed",
        &bad,
        "hashes: entries and hashes lead to the root",
    );
    let mut bad = whole.clone();
    bad.hashes.pop();
    cases.refuted("hash-left-out", "one hash fewer", &bad, "hashes: there are too few");
    let mut bad = whole.clone();
    bad.hashes.push([7; 32]);
    cases.refuted("hash-added", "one hash more", &bad, "hashes: there are more");
    let mut bad = whole.clone();
    bad.entries[4].leaf = bad.entries[4].leaf.replace("\"to\":\"fail\"", "\"to\":\"pass\"");
    cases.refuted(
        "forged-leaf",
        "a failure made a pass",
        &bad,
        "hashes: entries and hashes lead to the root",
    );
    let mut bad = whole.clone();
    bad.entries.remove(5);
    cases.refuted("entry-removed", "an entry taken out of the file", &bad, "hashes: ");
    let mut bad = whole.clone();
    bad.entries.swap(4, 5);
    cases.refuted(
        "entries-swapped",
        "entries in another order",
        &bad,
        "entries[5]: has the index 17, which does not grow",
    );
    let mut bad = whole.clone();
    let last = bad.entries.last_mut().expect("one");
    last.index = last.index.map(|index| index + 1);
    cases.refuted("index-moved", "an entry at another index", &bad, "hashes: ");
    let mut bad = whole.clone();
    bad.entries.last_mut().expect("one").index = Some(63);
    cases.refuted(
        "index-beyond",
        "an entry beyond the checkpoint",
        &bad,
        "has the index 63; the checkpoint has 63 leaves",
    );
    let mut bad = whole.clone();
    bad.entries.clear();
    cases.refuted("no-entries", "no entries at all", &bad, "entries: there are none");
    let mut bad = whole.clone();
    bad.states[1].state = bad.states[1].state.replace("\"silent\":79200000000", "\"silent\":0");
    assert_ne!(bad, whole);
    cases.refuted("forged-state", "a state that hides silence", &bad, "states[1]: is not in seal 12");
    let mut bad = whole.clone();
    bad.states[1].place = 1;
    bad.states[1].seal = bad.states[0].seal;
    cases.refuted("state-of-another-seal", "a state under another seal", &bad, "states[1]: is not in seal 2");
    let mut bad = whole.clone();
    bad.states[0].place = u64::MAX >> 1;
    cases.refuted(
        "place-beyond",
        "a place beyond the tree",
        &bad,
        "states[0]: `place` is 9223372036854775807; the seal has 2 states",
    );
    let mut bad = whole.clone();
    bad.states[0].seal = 4;
    cases.refuted(
        "state-of-no-seal",
        "a state of what is no seal",
        &bad,
        "states[0]: `seal` is 4, which is no seal among the entries",
    );
    let mut bad = whole.clone();
    bad.states.pop();
    cases.refuted(
        "state-left-out",
        "the last state is left out",
        &bad,
        "is seal 12, of which no state of control `EP-01` is in the proof",
    );
    let mut bad = whole.clone();
    bad.claim = Claim::Entry { index: bad.entries[0].index.expect("its index"), opened: None };
    cases.refuted(
        "states-without-need",
        "states that the claim does not need",
        &bad,
        "states: has no place in a proof of this claim",
    );
    let mut bad = whole;
    let twice = bad.states[0].clone();
    bad.states.push(twice);
    cases.refuted("state-twice", "one state twice", &bad, "states[2]: is a second state of one seal");
}

fn signatures(cases: &mut Cases, log: &Log) {
    let whole = log.interval("EP-01", day(2) + HOUR, day(12));
    let refuted = |cases: &mut Cases, name: &str, about, proof: &octro_verify::Proof, policy, why| {
        cases.add(name, about, proof.to_text(), policy, Expected::Refuted(why));
    };
    let other = Policy { logs: vec![log_key(ORIGIN, 3)], ..policy() };
    refuted(
        cases,
        "wrong-key",
        "the reader trusts another key",
        &whole,
        other,
        "checkpoint: is not signed with the key given (",
    );
    let other = Policy { logs: vec![log_key("octro.example/other", 1)], ..policy() };
    refuted(
        cases,
        "wrong-origin",
        "the reader trusts another log",
        &whole,
        other,
        "checkpoint: has the origin `octro.example/log`; the key given is of `octro.example/other`",
    );
    let other = Policy {
        witnesses: vec![witness_key("witness.example", 9), witness_key("second.example", 8)],
        required: 2,
        ..policy()
    };
    refuted(
        cases,
        "too-few-witnesses",
        "two witnesses are required",
        &whole,
        other,
        "checkpoint: is cosigned by 1 of the witnesses given, 2; expected at least 2",
    );
    let twice = Policy {
        witnesses: vec![witness_key("witness.example", 9), witness_key("again.example", 9)],
        required: 2,
        ..policy()
    };
    cases.add(
        "one-witness-twice",
        "one key under two names",
        whole.to_text(),
        twice,
        Expected::Unusable("2 cosignatures are required of 1 different witnesses"),
    );

    let text = log.checkpoint_text();
    let noted = |lines: String| octro_verify::Proof { checkpoint: lines, ..whole.clone() };
    let at = (day(13) + 2 * HOUR) / SECOND;
    let elsewhere = text.replace("example/log", "example/two");
    cases.refuted(
        "cosignature-of-another-log",
        "a witness's word on another log",
        &noted(format!("{text}\n{}{}", signed(&text, ORIGIN, 1), cosigned(&elsewhere, 9, at))),
        "checkpoint: the cosignature by `witness.example` (key ",
    );
    cases.refuted(
        "signature-of-another-checkpoint",
        "a signature of another text",
        &noted(format!("{text}\n{}{}", signed(&elsewhere, ORIGIN, 1), cosigned(&text, 9, at))),
        "checkpoint: the signature by `octro.example/log` (key ",
    );
    // The same signature in its other form: s and s + L mean the same number.
    let mut bytes = signing(1).sign(text.as_bytes()).to_bytes();
    let order = unhex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010").expect("a number");
    let mut carry = 0;
    for (byte, of_order) in bytes.iter_mut().skip(32).zip(order) {
        let sum = u16::from(*byte) + u16::from(of_order) + carry;
        (*byte, carry) = (sum.to_le_bytes()[0], sum >> 8);
    }
    let again = signature_line(&log_key(ORIGIN, 1), &bytes);
    cases.refuted(
        "signature-in-another-form",
        "a signature whose number is not the smallest",
        &noted(format!("{text}\n{again}{}", cosigned(&text, 9, at))),
        "checkpoint: the signature by `octro.example/log` (key ",
    );
    let extended = format!("{text}extension\n");
    cases.refuted(
        "extension-line",
        "a checkpoint with an extension",
        &noted(format!("{extended}\n{}{}", signed(&extended, ORIGIN, 1), cosigned(&extended, 9, at))),
        "checkpoint: has 4 lines; expected three: origin, size and root",
    );
    cases.refuted(
        "no-signature",
        "a checkpoint without signatures",
        &noted(text.clone()),
        "checkpoint: has no empty line before its signatures",
    );
    cases.refuted(
        "not-cosigned",
        "a checkpoint that no witness cosigned",
        &noted(format!("{text}\n{}", signed(&text, ORIGIN, 1))),
        "checkpoint: is cosigned by 0 of the witnesses given, 1; expected at least 1",
    );
    let strangers: String = (20..50).map(|seed| signed(&text, "stranger.example", seed)).collect();
    cases.proved(
        "thirty-strangers",
        "signatures that nobody knows",
        &noted(format!("{text}\n{strangers}{}{}", signed(&text, ORIGIN, 1), cosigned(&text, 9, at))),
        &[],
    );
    cases.refuted("witness-before", "a witness that cannot have seen it yet", &noted(format!("{text}\n{}{}", signed(&text, ORIGIN, 1), cosigned(&text, 9, (day(12) - DAY) / SECOND))), "says that it was written at 2026-01-13T00:00:00Z, after the witness `witness.example` saw it at 2026-01-12T00:00:00Z");
    let past = Policy { now: Some(day(11)), witnesses: Vec::new(), required: 0, ..policy() };
    refuted(
        cases,
        "future-leaf",
        "a leaf from the future",
        &whole,
        past,
        "says that it was written at 2026-01-13T00:00:00Z, in the future",
    );
    let past = Policy { now: Some(day(13)), ..policy() };
    refuted(
        cases,
        "future-cosignature",
        "a cosignature from the future",
        &whole,
        past,
        "checkpoint: has a cosignature from the future",
    );
    let none = Policy::default();
    cases.add(
        "no-key",
        "the reader trusts nobody",
        whole.to_text(),
        none,
        Expected::Unusable("no key of the log was given"),
    );
    let swapped = Policy { logs: vec![witness_key("witness.example", 9)], ..policy() };
    cases.add(
        "witness-as-log",
        "a witness's key in place of the log's",
        whole.to_text(),
        swapped,
        Expected::Unusable("is a witness's; expected the log's key"),
    );
}

fn files(cases: &mut Cases, log: &Log) {
    let text = log.interval("AC-02", day(2), day(4)).to_text();
    let mut add = |name: &str, about, from: &str, to: &str, why| {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{name}: no {from}");
        cases.add(name, about, changed, policy(), Expected::Unusable(why));
    };
    add(
        "other-format",
        "another format",
        "octro-proof/v1",
        "octro-proof/v2",
        "`format` is `octro-proof/v2`; expected `octro-proof/v1`, `octro-proof/v1-short` or `octro-proof/v1-linked`",
    );
    add(
        "name-twice",
        "a name that stands twice",
        "{\"checkpoint\"",
        "{\"format\":\"octro-proof/v1\",\"checkpoint\"",
        "the name `format` stands twice",
    );
    add(
        "unknown-member",
        "a member that the format does not have",
        "{\"checkpoint\"",
        "{\"a\":1,\"checkpoint\"",
        "the member `a` is not known here",
    );
    add("missing-member", "a member is missing", "\"members\":[],", "", "the member `members` is missing");
    add(
        "unknown-claim",
        "a claim that the format does not have",
        "\"type\":\"interval\"",
        "\"type\":\"always\"",
        "claim: `type` is `always`; expected `interval`",
    );
    add(
        "backward-interval",
        "an interval that ends before it begins",
        "\"to\":",
        "\"to\":1,\"x\":",
        "claim: `from` is 1767398400000000, after `to`, 1",
    );
    add(
        "fraction",
        "a number with a fraction",
        "\"index\":",
        "\"index\":1.5,\"x\":",
        "an integer without fraction",
    );
    add(
        "not-base64",
        "hashes that are none",
        "\"hashes\":\"",
        "\"hashes\":\"*",
        "`hashes` must be base64 with padding",
    );
    add(
        "part-of-a-hash",
        "hashes that are not whole",
        "\"hashes\":\"",
        "\"hashes\":\"AAAA",
        "expected whole hashes of 32",
    );
    add("null", "a null", "\"members\":[]", "\"members\":null", "a value is expected");
    let half = text.split_at(text.len() / 2).0.to_owned();
    cases.add(
        "half-a-file",
        "the file is cut off",
        half,
        policy(),
        Expected::Unusable("the file is not JSON of the format"),
    );
    cases.add(
        "empty-file",
        "an empty file",
        String::new(),
        policy(),
        Expected::Unusable("the file is not JSON of the format: at byte 0, a value is expected"),
    );
    let stamped =
        text.replacen("\"states\":", &format!("\"stamps\":[\"{}\"],\"states\":", base64_encode(b"stamp")), 1);
    cases.add(
        "stamped",
        "with a time stamp, which is not checked",
        stamped,
        policy(),
        Expected::Proved(vec![]),
    );
}
