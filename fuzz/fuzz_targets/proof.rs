//! Proof files, as they are and as a dishonest owner would sign them: whatever a file says, it is proved, refuted or unusable
//! with a reason, and what is proved adds up.
#![no_main]

use libfuzzer_sys::fuzz_target;
use octro_fuzz::repair::{policy, repaired};
use octro_verify::{Claim, Interval, Outcome, Proof, Shown, verify};

fuzz_target!(|input: &[u8]| {
    let Some((repairs, file)) = input.split_first() else { return };
    let outcome = verify(file, &policy());
    check(&outcome);
    let Ok(proof) = Proof::parse(file) else {
        assert!(matches!(outcome, Outcome::Unusable(_)), "no proof file, and yet judged");
        return;
    };
    let text = proof.to_text();
    assert_eq!(Proof::parse(text.as_bytes()).as_ref(), Ok(&proof), "what was written is read");
    assert_eq!(verify(text.as_bytes(), &policy()), outcome, "the same proof");
    if let Some(forged) = repaired(&proof, *repairs) {
        check(&verify(forged.to_text().as_bytes(), &policy()));
    }
});

fn check(outcome: &Outcome) {
    match outcome {
        Outcome::Unusable(why) => assert!(!why.is_empty()),
        Outcome::Refuted(reason) => assert!(!reason.place.is_empty() && !reason.wrong.is_empty()),
        Outcome::Proved(report) => {
            assert!(!report.proved.is_empty() && !report.not_proved.is_empty());
            assert!(report.witnesses.len() == 1 && report.size > 0);
            if let (Claim::Interval { from, to, .. }, Shown::Interval(of)) = (&report.claim, &report.shown) {
                adds_up(*from, *to, of);
            }
        }
    }
}

/// The statuses cover the interval without a gap, and their shares are all of it.
fn adds_up(from: u64, to: u64, of: &Interval) {
    let mut at = from;
    for segment in &of.segments {
        assert_eq!(segment.from, at, "a gap or an overlap");
        assert!(segment.to >= segment.from);
        at = segment.to;
    }
    assert_eq!(at, to, "the interval's end");
    assert_eq!(of.shares.iter().map(|share| share.micros).sum::<u64>(), to - from);
    assert!(of.shares.iter().all(|share| share.at_least <= share.micros));
    assert!(of.last.at >= to);
    assert!(of.first.is_none_or(|first| first.at <= from && first.n <= of.last.n));
}
