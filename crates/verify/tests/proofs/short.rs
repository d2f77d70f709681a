//! Proofs with short entries: they are those with whole ones, to the byte, and what is no short entry is no proof.

use octro_verify::{Outcome, Proof, Status, sha256, verify};

use crate::cases::{Cases, Expected, cases};
use crate::log::{HOUR, Log, SECOND, START, day, policy};

/// A control that changes from day to day, with a new program between.
pub fn changing(days: u64) -> Log {
    let mut log = Log::new(START);
    log.transition("EP-01", Status::Pass, START, START + SECOND);
    log.seal(day(1));
    for n in 2..days {
        if n == 4 {
            log.program = sha256(b"program 2");
        }
        let to = if n.is_multiple_of(2) { Status::Fail } else { Status::Pass };
        log.transition("EP-01", to, day(n) - 3 * HOUR, day(n) - 2 * HOUR);
        log.evaluate(4, 6 * HOUR, day(n) - HOUR);
        log.seal(day(n));
    }
    log
}

pub fn add(cases: &mut Cases) {
    let log = changing(8);
    let whole = log.interval("EP-01", day(1), day(7));
    let text = whole.to_text();
    assert!(text.contains("octro-proof/v1-short"), "{text}");
    cases.proved(
        "short-interval",
        "transitions that say only what is new, with a new program between",
        &whole,
        &[
            "fail from 2026-01-06T21:00:00Z to 2026-01-07T21:00:00Z (1 d, 16.66 %).",
            "it has the transitions 2 to 7 without a gap",
        ],
    );
    let young = log.interval("EP-01", START, day(3));
    cases.proved(
        "short-young",
        "the first short entry follows transition 1",
        &young,
        &["from its beginning to seal 3"],
    );
    let mut log = Log::new(START);
    log.transition("EP-01", Status::Pass, START, START + SECOND);
    log.seal(day(1));
    log.transition("EP-01", Status::Fail, day(2) - 3 * HOUR, day(2) - 3 * HOUR + 20_500);
    log.transition("EP-01", Status::Pass, day(2) - 3 * HOUR + 1_512_999, day(2) - 2 * HOUR);
    log.transition("EP-01", Status::Fail, day(2) - HOUR, day(2) - HOUR + 1);
    log.transition("EP-01", Status::Pass, day(2) - HOUR + 7, day(2) - HOUR + 8);
    log.seal(day(2));
    cases.proved(
        "spans",
        "spans as people write them",
        &log.interval("EP-01", day(1), day(2)),
        &[
            "(21 h, 87.50 %)",
            "(1.512 s, less than 0.01 %)",
            "(1 h 59 min 58 s, 8.33 %)",
            "(less than 1 ms, less than 0.01 %)",
            "(59 min 59 s, 4.16 %)",
        ],
    );
    let log = changing(8);
    let mut add =
        |name: &str, about, proof: String, expected| cases.add(name, about, proof, policy(), expected);
    let first = text.find("{\"index\"").and_then(|at| text.get(at..)).unwrap_or_default();
    assert!(first.contains("\\\"k\\\":\\\"transition\\\"") || first.contains("seal"), "{first}");
    let at = text.find("{\"at\":").expect("a short entry");
    let end = at + text[at..].find('}').expect("its end");
    let short = &text[at..=end];
    let with = |to: &str| text.replacen(short, to, 1);
    add(
        "short-other-status",
        "a short entry with another status",
        with(&short.replace("\"pass\"", "\"stale\"").replace("\"fail\"", "\"stale\"")),
        Expected::Refuted("root"),
    );
    add(
        "short-other-moment",
        "a short entry with another moment",
        with(&short.replacen("00000,", "00001,", 1)),
        Expected::Refuted("root"),
    );
    add(
        "short-with-more",
        "a short entry with a member that it does not have",
        with(&short.replacen('{', "{\"control\":\"EP-01\",", 1)),
        Expected::Unusable("the member `control` is not known here"),
    );
    add(
        "short-without",
        "a short entry without its status",
        with(&short.replace(",\"to\":\"pass\"", "").replace(",\"to\":\"fail\"", "")),
        Expected::Unusable("the member `to` is missing"),
    );
    add(
        "short-in-v1",
        "short entries in a proof of the first version",
        text.replace("v1-short", "v1"),
        Expected::Unusable("the member `leaf` is missing"),
    );
    let is_transition = |entry: &octro_verify::Entry| entry.leaf.contains("\"k\":\"transition\"");
    let of = whole.entries.iter().find(|entry| is_transition(entry)).expect("a transition");
    let index = of.index.expect("its index");
    let entry = log.proof(octro_verify::Claim::Entry { index, opened: None }, &[index]).to_text();
    let leaf = entry.find("\"leaf\":").expect("a leaf");
    let close = leaf + entry[leaf..].find('}').map_or(0, |_| entry[leaf..].find("\"}").expect("its end") + 1);
    add(
        "short-of-an-entry",
        "a short entry where no interval is claimed",
        entry
            .replacen(&entry[leaf..close], "\"at\":1,\"t\":1,\"to\":\"pass\"", 1)
            .replace("octro-proof/v1", "octro-proof/v1-short"),
        Expected::Unusable("is short; expected a whole transition of the claim's control before it"),
    );
}

/// What is written is read again as what it was, short or not.
#[test]
fn a_proof_is_the_same_after_writing_and_reading() {
    let mut read = 0;
    for case in cases() {
        if let Ok(proof) = Proof::parse(case.proof.as_bytes()) {
            assert_eq!(Proof::parse(proof.to_text().as_bytes()), Ok(proof), "{}", case.name);
            read += 1;
        }
    }
    assert!(read > 50, "{read}");
}

#[test]
fn a_year_with_many_changes_is_small() {
    let mut log = Log::new(START);
    let controls: Vec<String> = (0..60).map(|i| format!("C-{i:02}")).collect();
    for control in &controls {
        log.transition(control, Status::Pass, START, START + SECOND);
    }
    let mut changes = 0;
    for n in 1..367 {
        for (i, control) in controls.iter().enumerate() {
            if (n + i as u64 * 7).is_multiple_of(9) {
                let to = if (n + i as u64 * 7).is_multiple_of(18) { Status::Fail } else { Status::Pass };
                log.transition(control, to, day(n) - 12 * HOUR, day(n) - 11 * HOUR);
                changes += u64::from(control == "C-17");
            }
        }
        log.evaluate(4, 6 * HOUR, day(n) - HOUR);
        log.seal(day(n));
    }
    let proof = log.linked(&log.interval("C-17", day(1), day(366)));
    let text = proof.to_text();
    assert!(changes >= 40, "{changes}");
    let each = text.len() as u64 / changes;
    println!(
        "{changes} changes, {} leaves, {} hashes, {} bytes, {each} a change",
        log.leaves.len(),
        proof.hashes.len(),
        text.len()
    );
    assert!(text.len() < 10_000, "{} bytes", text.len());
    assert!(matches!(verify(text.as_bytes(), &policy()), Outcome::Proved(_)));
}
