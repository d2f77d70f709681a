//! Proofs whose transitions are linked: each but the last is shown by the hash that the next one cites. Whatever is taken
//! out, added, exchanged or written otherwise is refuted, as it is where each stands in the log by itself.

use octro_verify::{
    Claim, Entry, Leaf, Outcome, Policy, Proof, Shown, Status, Transition, What, leaf_hash, sha256, verify,
};

use crate::cases::{Cases, Expected};
use crate::log::{HOUR, Log, ORIGIN, SECOND, START, company, cosigned, day, log_key, policy, signed};
use crate::short::changing;

pub fn add(cases: &mut Cases) {
    good(cases);
    left_out(cases);
    changed(cases);
    signatures(cases);
    shapes(cases);
}

/// Ten days of `EP-01` with the transitions 3 to 6, of which 6 alone has an index.
fn whole() -> (Log, Proof) {
    let log = company();
    let proof = log.linked(&log.interval("EP-01", day(2) + HOUR, day(12)));
    (log, proof)
}

/// The places of the transitions among a proof's entries.
fn transitions(proof: &Proof) -> Vec<usize> {
    let is = |i: &usize| proof.entries[*i].leaf.contains("\"k\":\"transition\"");
    (0..proof.entries.len()).filter(is).collect()
}

fn good(cases: &mut Cases) {
    let log = changing(8);
    cases.proved(
        "linked-interval",
        "transitions that are shown by the hash that the next one cites",
        &log.linked(&log.interval("EP-01", day(1), day(7))),
        &[
            "fail from 2026-01-06T21:00:00Z to 2026-01-07T21:00:00Z (1 d, 16.66 %).",
            "it has the transitions 2 to 7 without a gap",
            "5 of them are shown by the hash that the transition after it cites; transition 7, the last, stands in the log.",
        ],
    );
    cases.proved(
        "linked-young",
        "a control whose first transition is linked",
        &log.linked(&log.with_opening(&log.interval("EP-01", START, day(2)))),
        &["from its beginning to seal 2", "One of them is shown by the hash"],
    );
    let log = company();
    let seals = log.seals_of("EP-01", day(2), day(12), true);
    cases.proved(
        "linked-every-seal",
        "linked transitions among all seals",
        &log.linked(&log.interval_of("EP-01", day(2), day(12), &seals, &[])),
        &["3 of them are shown by the hash", "The longest time between two evaluations was 1 d 6 h."],
    );
}

fn left_out(cases: &mut Cases) {
    let (log, whole) = whole();
    let at = transitions(&whole);
    let without = |i: usize| {
        let mut proof = whole.clone();
        proof.entries.remove(i);
        log.under(&proof)
    };
    cases.refuted(
        "linked-dropped-transition",
        "a linked transition is left out",
        &without(at[1]),
        "is transition 5; expected 4: something was left out",
    );
    cases.refuted(
        "linked-dropped-first",
        "the first linked transition is left out",
        &without(at[0]),
        "is transition 4; expected 3: something was left out",
    );
    cases.refuted(
        "linked-dropped-last",
        "the transition that shows the others is left out",
        &without(at[3]),
        "is seal 12, by which the control had 6 transitions; the proof has them up to 5: something was left out",
    );
    let mut none = whole.clone();
    none.entries[at[3]].index = None;
    cases.refuted(
        "linked-all",
        "no transition stands in the log",
        &log.under(&none),
        "has no index, and no transition with an index follows that cites it",
    );
    let without_seal = |n: usize| {
        let mut proof = whole.clone();
        let seal = proof.states.remove(n).seal;
        proof.entries.retain(|entry| entry.index != Some(seal));
        log.under(&proof)
    };
    cases.refuted(
        "linked-dropped-first-seal",
        "the seal before linked transitions is left out",
        &without_seal(0),
        "is transition 3; without a seal at or before `from`, the chain must begin with transition 1",
    );
    cases.refuted(
        "linked-dropped-last-seal",
        "the seal after linked transitions is left out",
        &without_seal(1),
        "stands after the last seal, which does not speak of it",
    );
    let mut early = log.linked(&log.interval("EP-01", day(2) + HOUR, day(5)));
    early.claim = whole.claim.clone();
    cases.refuted(
        "linked-shortened",
        "a linked proof that ends before the claim does",
        &early,
        "the last seal is of 2026-01-06T00:00:00Z, before `to`, 2026-01-13T00:00:00Z",
    );
}

fn changed(cases: &mut Cases) {
    let (log, whole) = whole();
    let at = transitions(&whole);
    let with = |i: usize, from: &str, to: &str| {
        let mut proof = whole.clone();
        let leaf = &mut proof.entries[at[i]].leaf;
        assert!(leaf.contains(from), "{leaf} has no {from}");
        *leaf = leaf.replace(from, to);
        proof
    };
    cases.refuted(
        "linked-forged",
        "a failure among linked transitions made another status",
        &with(0, "\"to\":\"fail\"", "\"to\":\"stale\""),
        "`prev` of transition 4 is not the hash of transition 3",
    );
    cases.refuted(
        "linked-forged-last",
        "the transition that shows the others, with another status",
        &with(3, "\"to\":\"pass\"", "\"to\":\"stale\""),
        "hashes: entries and hashes lead to the root",
    );
    cases.refuted(
        "linked-forged-from",
        "a linked transition that comes from another status",
        &with(1, "\"from\":\"fail\"", "\"from\":\"stale\""),
        "`from` is stale; transition 3 led to fail",
    );
    cases.refuted(
        "linked-another-control",
        "a linked transition of another control",
        &with(1, "\"control\":\"EP-01\"", "\"control\":\"AC-02\""),
        "is a transition of control `AC-02`; the claim is about `EP-01`",
    );
    let mut anew = with(0, "\"to\":\"fail\"", "\"to\":\"stale\"");
    for i in [1, 2] {
        let before = anew.entries[at[i - 1]].clone();
        let Ok(Leaf { what: What::Transition(last), .. }) = Leaf::parse(before.leaf.as_bytes()) else {
            panic!("a transition")
        };
        let entry = &mut anew.entries[at[i]];
        let mut leaf = Leaf::parse(entry.leaf.as_bytes()).expect("a leaf");
        if let What::Transition(Transition { before: cited, .. }) = &mut leaf.what {
            *cited = Some((leaf_hash(before.leaf.as_bytes()), last.to));
        }
        entry.leaf = String::from_utf8(leaf.to_bytes()).expect("a text");
    }
    cases.refuted(
        "linked-forged-chain",
        "all linked transitions written anew, so that each cites the one before",
        &anew,
        "`prev` of transition 6 is not the hash of transition 5",
    );
    let mut swapped = whole.clone();
    swapped.entries.swap(at[0], at[1]);
    cases.refuted(
        "linked-re-ordered",
        "linked transitions in another order",
        &swapped,
        "before the entry before it, 2026-01-04T20:00:01Z: the log is not in order",
    );
    let mut late = whole.clone();
    let entry = late.entries.remove(at[2]);
    late.entries.insert(at[3], entry);
    cases.refuted(
        "linked-after-what-cites-it",
        "a linked transition after the one that cites it",
        &late,
        "before the entry before it",
    );
    let mut forged = whole.clone();
    forged.hashes[2][9] ^= 1;
    cases.refuted(
        "linked-forged-hash",
        "a hash of a linked proof with one bit changed",
        &forged,
        "hashes: entries and hashes lead to the root",
    );
    let mut shown = whole.clone();
    shown.entries[at[0]].index = Some(shown.entries[at[0] - 1].index.map_or(0, |index| index + 1));
    cases.refuted(
        "linked-elsewhere",
        "a linked transition with the index of another leaf",
        &log.under(&shown),
        "hashes: entries and hashes lead to the root",
    );
    let text = whole.to_text();
    let short = |n: usize| {
        let at = text.match_indices("{\"at\":").nth(n).map_or(0, |(at, _)| at);
        let end = at + text[at..].find('}').map_or(0, |end| end + 1);
        &text[at..end]
    };
    let mut add = |name: &str, about, proof: String| {
        cases.add(
            name,
            about,
            proof,
            policy(),
            Expected::Refuted("hashes: entries and hashes lead to the root"),
        );
    };
    add(
        "linked-short-dropped",
        "a short linked entry taken out of the file",
        text.replace(&format!("{},", short(0)), ""),
    );
    add(
        "linked-short-again",
        "a short linked entry that stands twice",
        text.replace(short(0), &format!("{0},{0}", short(0))),
    );
    add(
        "linked-short-other-status",
        "a short linked entry with another status",
        text.replace(short(0), &short(0).replace("\"pass\"", "\"stale\"")),
    );
    add(
        "linked-short-other-moment",
        "a short linked entry with another moment",
        text.replace(short(0), &short(0).replacen("00000,", "00001,", 1)),
    );
}

fn signatures(cases: &mut Cases) {
    let (log, whole) = whole();
    let (text, end) = (log.checkpoint_text(), day(15) / SECOND);
    let of_another = cosigned(&text.replace("log\n", "log2\n"), 9, end);
    let checkpoint = format!("{text}\n{}{of_another}", signed(&text, ORIGIN, 1));
    cases.refuted(
        "linked-cosignature-of-another-log",
        "a linked proof with a cosignature of another log",
        &Proof { checkpoint, ..whole },
        "checkpoint: ",
    );
    let mut log = company();
    log.rotate(3, day(13) + HOUR);
    log.transition("EP-01", Status::Fail, day(13) + 2 * HOUR, day(13) + 2 * HOUR + SECOND);
    log.seal(day(14));
    let rotated = log.linked(&log.interval("EP-01", day(2), day(14)));
    let of = |seed: u8| Policy { logs: vec![log_key(ORIGIN, seed)], ..policy() };
    let expected = Expected::Proved(vec!["4 of them are shown by the hash"]);
    cases.add(
        "linked-rotated",
        "a linked proof over a change of the key",
        rotated.to_text(),
        of(3),
        expected,
    );
    cases.add(
        "linked-old-key-after-rotation",
        "a linked proof of whose log the reader has the key before",
        rotated.to_text(),
        of(1),
        Expected::Refuted("by entries["),
    );
}

fn shapes(cases: &mut Cases) {
    let (log, whole) = whole();
    let mut seal = whole.clone();
    let last = seal.entries.iter().position(|entry| entry.leaf.contains("\"k\":\"seal\"")).expect("a seal");
    seal.entries[last].index = None;
    cases.refuted(
        "linked-seal",
        "a seal without an index",
        &log.under(&seal),
        "is a seal without an index; only a transition in a proof of an interval may have none",
    );
    let mut entry = log.proof(Claim::Entry { index: 5, opened: None }, &[5]);
    let linked = whole.entries[transitions(&whole)[0]].clone();
    entry.entries.insert(0, linked.clone());
    cases.refuted(
        "linked-in-another-claim",
        "a linked transition in a proof of another leaf",
        &entry,
        "entries[0]: is a transition without an index; only a transition in a proof of an interval may have none",
    );
    let mut none = whole.clone();
    none.entries = vec![linked];
    none.states.clear();
    cases.refuted("linked-alone", "a linked transition alone", &none, "entries: there are none");
    let text = whole.to_text();
    let mut add = |name: &str, about, proof: String, why| {
        cases.add(name, about, proof, policy(), Expected::Unusable(why));
    };
    add(
        "linked-in-v1-short",
        "entries without an index in a proof of the format before",
        text.replace("octro-proof/v1-linked", "octro-proof/v1-short"),
        "the member `index` is missing",
    );
    add(
        "linked-index-null",
        "an index that is null",
        text.replacen("{\"at\":", "{\"index\":null,\"at\":", 1),
        "at byte ",
    );
    add(
        "linked-without-a-transition-before",
        "a short entry with no transition before it",
        text.replacen("\"entries\":[", "\"entries\":[{\"at\":1,\"t\":1,\"to\":\"pass\"},", 1),
        "is short; expected a whole transition of the claim's control before it",
    );
}

/// An owner who cites a chain that is not in the log: the proof says what it cannot show, and who sees it.
#[test]
fn a_chain_that_is_cited_but_not_in_the_log() {
    let mut log = company();
    let hidden = |n: u64, before, to, hour: u64| {
        let (control, program) = ("AC-02".to_owned(), sha256(b"program 1"));
        let at = day(13) + hour * HOUR;
        let of = Transition { control, n, before, to, at, program };
        Leaf { written: at, what: What::Transition(of) }.to_bytes()
    };
    let state = log.states["AC-02"].clone();
    let first = hidden(2, Some((state.last, state.status)), Status::Fail, 1);
    let kept = log.states.get_mut("AC-02").expect("a control");
    (kept.n, kept.last, kept.status) = (2, leaf_hash(&first), Status::Fail);
    log.transition("AC-02", Status::Pass, day(13) + 2 * HOUR, day(13) + 2 * HOUR);
    log.seal(day(14));
    let mut proof = log.interval("AC-02", day(13), day(14));
    let place = transitions(&proof)[0];
    let leaf = String::from_utf8(first).expect("a text");
    proof.entries.insert(place, Entry { index: None, leaf });
    let Outcome::Proved(report) = verify(proof.to_text().as_bytes(), &policy()) else { panic!("not proved") };
    assert!(report.not_proved.iter().any(|said| said.contains("stands in the log itself")));
    let Shown::Interval(of) = &report.shown else { panic!("an interval") };
    assert_eq!(of.linked, 1);
}
