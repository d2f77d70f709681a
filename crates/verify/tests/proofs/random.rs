//! Random logs: any interval of any control is proved as it was, and with any entry left out it is not.

use octro_verify::{Claim, Outcome, Proof, Shown, Status, verify};
use proptest::prelude::*;

use crate::log::{HOUR, Log, SECOND, START, day, policy};

const CONTROLS: [&str; 3] = ["A-1", "B-2", "C-3"];

/// A change of a control: hours after the one before, how late it is recorded, which control, which status.
type Step = (u64, u64, usize, usize);

/// A log of these changes, with a seal each midnight, and what was told of each control.
fn log_of(steps: &[Step]) -> (Log, Vec<Vec<(u64, Status)>>) {
    let mut log = Log::new(START);
    let mut told = vec![Vec::new(); CONTROLS.len()];
    let (mut now, mut sealed) = (START + HOUR, 0);
    for (hours, late, control, status) in steps {
        now += hours * HOUR;
        while day(sealed + 1) <= now {
            sealed += 1;
            log.evaluate(4, 6 * HOUR, day(sealed) - SECOND);
            log.seal(day(sealed));
        }
        let to = Status::ALL[*status];
        let at = told[*control]
            .last()
            .map_or(now - late * SECOND, |(at, _): &(u64, Status)| (*at).max(now - late * SECOND));
        log.transition(CONTROLS[*control], to, at, now);
        told[*control].push((at, to));
    }
    log.seal(day(sealed + 1));
    (log, told)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_interval_is_as_it_was(
        steps in proptest::collection::vec((0u64..30, 0u64..4_000, 0usize..3, 0usize..7), 1..24),
        control in 0usize..3,
        ends in (0u64..400, 0u64..400),
        every in any::<bool>(),
        left_out in any::<prop::sample::Index>(),
    ) {
        let (log, told) = log_of(&steps);
        let told = &told[control];
        prop_assume!(!told.is_empty());
        let last = log.seals_of(CONTROLS[control], 0, 0, true).last().copied().expect("a seal");
        let end = octro_verify::Leaf::parse(&log.leaves[last as usize]).expect("a seal").written;
        let (from, to) = (START + ends.0.min(ends.1) * HOUR, START + ends.0.max(ends.1) * HOUR);
        let (from, to) = (from.min(end), to.min(end));
        let seals = log.seals_of(CONTROLS[control], from, to, every);
        let proof = log.interval_of(CONTROLS[control], from, to, &seals, &[]);
        let begun = seals.first().is_none_or(|seal| {
            octro_verify::Leaf::parse(&log.leaves[*seal as usize]).expect("a seal").written > from
        });
        let proof = if begun { log.with_opening(&proof) } else { proof };
        // Linked or not, it says the same.
        let outcome = verify(log.linked(&proof).to_text().as_bytes(), &policy());
        let Outcome::Proved(linked) = outcome else { panic!("{outcome:?}") };
        let outcome = verify(proof.to_text().as_bytes(), &policy());
        let Outcome::Proved(report) = outcome else { panic!("{outcome:?}") };
        let Shown::Interval(interval) = &report.shown else { panic!("an interval") };
        let Shown::Interval(short) = &linked.shown else { panic!("an interval") };
        prop_assert_eq!(&interval.segments, &short.segments);
        let changes = interval.transitions.map_or(0, |(first, last)| last - first + 1);
        prop_assert_eq!(short.linked, changes.saturating_sub(1));
        // At any moment the status is that of the last change at or before it. What became known after the seal that ends
        // the proof is not in it, and may have changed the past.
        let known = interval.last.index;
        let count = octro_verify::State::parse(&proof.states.last().expect("a state").state).expect("a state").n as usize;
        for segment in interval.segments.iter().filter(|segment| segment.from < segment.to) {
            for at in [segment.from, (segment.from + segment.to) / 2, segment.to - 1] {
                let status = told[..count].iter().rev().find(|(since, _)| *since <= at).map(|(_, status)| *status);
                prop_assert_eq!(segment.status, status, "at {} of {} until entry {}", at, CONTROLS[control], known);
            }
        }
        prop_assert_eq!(interval.shares.iter().map(|share| share.micros).sum::<u64>(), to - from);

        // Any one entry left out, with hashes that fit.
        let out = left_out.get(&proof.entries).index.expect("its index");
        // Without the log's first leaf it may still be a proof, which says less.
        prop_assume!(out != 0);
        let kept: Vec<u64> = proof.entries.iter().filter_map(|entry| entry.index).filter(|index| *index != out).collect();
        prop_assume!(!kept.is_empty());
        let claim = Claim::Interval { control: CONTROLS[control].to_owned(), from, to };
        let states = proof.states.iter().filter(|state| state.seal != out).cloned().collect();
        let fewer = Proof { states, ..log.proof(claim, &kept) };
        // What the log shows of it is the same, if it is linked.
        let of_linked = verify(log.linked(&fewer).to_text().as_bytes(), &policy());
        let outcome = verify(fewer.to_text().as_bytes(), &policy());
        prop_assert_eq!(matches!(outcome, Outcome::Proved(_)), matches!(of_linked, Outcome::Proved(_)));
        let seal_between = every && seals.contains(&out) && seals.last() != Some(&out);
        match outcome {
            // A seal between the ends, or before all that is known, is not needed.
            Outcome::Proved(_) => prop_assert!(seal_between, "proved without {out}"),
            Outcome::Refuted(_) => {}
            Outcome::Unusable(why) => panic!("{why}"),
        }
    }
}
