//! Proofs that reach back to where their log began: what was so before it, the log cannot show.

use octro_verify::{After, Leaf, Status, What, sha256};

use crate::cases::Cases;
use crate::log::{DAY, HOUR, Log, ORIGIN, START, day};

/// A log whose owner says, when it begins, since when a control has its status: two days before.
fn late() -> Log {
    let mut log = Log::new(START);
    log.transition("EP-01", Status::Pass, START - 2 * DAY, START + HOUR);
    log.evaluate(4, 6 * HOUR, day(1) - HOUR);
    log.seal(day(1));
    log
}

/// The same, if it follows another.
fn following() -> Log {
    let mut log = late();
    let after =
        After { origin: "octro.example/before".to_owned(), size: 41, root: sha256(b"the root before") };
    let what = What::Open { origin: ORIGIN.to_owned(), after: Some(after) };
    log.leaves[0] = Leaf { written: START, what }.to_bytes();
    log
}

pub fn add(cases: &mut Cases, company: &Log) {
    let (late, following) = (late(), following());
    let began = late.interval("EP-01", START, day(1));
    cases.proved(
        "began",
        "a control of which the log speaks since it began",
        &late.with_opening(&began),
        &[
            "pass from 2026-01-01T00:00:00Z to 2026-01-02T00:00:00Z (1 d, 100 %).",
            "The log began at 2026-01-01T00:00:00Z.",
        ],
    );
    let followed = following.interval("EP-01", START, day(1));
    cases.proved("began-after-another", "the same in a log that follows another", &following.with_opening(&followed), &[
        "The log began at 2026-01-01T00:00:00Z, and follows the log `octro.example/before` of 41 leaves with the root ",
    ]);
    cases.refuted(
        "began-not-shown",
        "the log's first leaf is left out, and a status is told from before it was recorded",
        &began,
        "says at 2026-01-01T01:00:00Z what is so since 2025-12-30T00:00:00Z; without a seal at or before `from`, the proof must hold the log's first leaf",
    );
    let before = late.interval("EP-01", START - DAY, day(1));
    cases.refuted(
        "began-later",
        "the interval begins before the log",
        &late.with_opening(&before),
        "opens the log at 2026-01-01T00:00:00Z, after `from`, 2025-12-31T00:00:00Z: of the time before it shows nothing",
    );
    cases.refuted(
        "began-later-not-shown",
        "the interval begins before the log, whose first leaf is left out",
        &before,
        "the proof must hold the log's first leaf",
    );
    let before = following.interval("EP-01", START - DAY, day(1));
    cases.refuted(
        "began-later-than-another",
        "the interval begins in the log before",
        &following.with_opening(&before),
        "the time before is that of the log `octro.example/before`, which it follows",
    );
    let sealed = company.interval("EP-01", day(5), day(7));
    cases.refuted(
        "began-with-a-seal",
        "a proof that begins with a seal holds the log's first leaf too",
        &company.with_opening(&sealed),
        "with which the proof begins: the log's first leaf has no place in it",
    );
}
