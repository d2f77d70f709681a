//! The end of a control's chain of transitions, and how often and how regularly the control was evaluated. All moments
//! and spans are in microseconds.

use octro_verify::{Hash, Leaf, State, Status, Tally, Transition, What};

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chain {
    /// When its first transition was written.
    pub(crate) begun_at: u64,
    pub(crate) n: u64,
    pub(crate) last: Hash,
    pub(crate) status: Status,
    /// Since when the status holds.
    pub(crate) at: u64,
    pub(crate) evaluations: u64,
    pub(crate) evaluated: Option<u64>,
    /// The largest span between two evaluations that ended since the last seal.
    pub(crate) gap: u64,
    /// All time by which such spans exceeded what was promised.
    pub(crate) silent: u64,
    /// Until when silence is counted.
    pub(crate) counted: u64,
}

impl Chain {
    /// The next transition of a control, as a leaf; `before` is the end of its chain so far.
    pub(crate) fn next(
        before: Option<&Self>,
        control: &str,
        to: Status,
        at: u64,
        written: u64,
        program: Hash,
    ) -> Leaf {
        Leaf {
            written,
            what: What::Transition(Transition {
                control: control.to_owned(),
                n: before.map_or(1, |before| before.n + 1),
                before: before.map(|before| (before.last, before.status)),
                to,
                at: at.min(written).max(before.map_or(0, |before| before.at)),
                program,
            }),
        }
    }

    /// The chain with `leaf`, of this hash, at its end.
    pub(crate) fn with(before: Option<Self>, leaf: &Transition, written: u64, hash: Hash) -> Self {
        let chain = before.unwrap_or(Self {
            begun_at: written,
            n: 0,
            last: hash,
            status: leaf.to,
            at: leaf.at,
            evaluations: 0,
            evaluated: None,
            gap: 0,
            silent: 0,
            counted: written,
        });
        Self { n: leaf.n, last: hash, status: leaf.to, at: leaf.at, ..chain }
    }

    /// Counts the silence up to `now`. `promised`: the longest span between two evaluations that is none.
    pub(crate) fn count(&mut self, now: u64, promised: u64) {
        let since = self.evaluated.unwrap_or(self.begun_at);
        let from = since.saturating_add(promised).max(self.counted);
        if self.status != Status::Ended {
            self.silent += now.saturating_sub(from);
        }
        self.counted = self.counted.max(now);
    }

    /// The control is evaluated.
    pub(crate) fn evaluate(&mut self, now: u64, promised: u64) {
        self.count(now, promised);
        let since = self.evaluated.unwrap_or(self.begun_at);
        self.gap = self.gap.max(now.saturating_sub(since));
        self.evaluations += 1;
        self.evaluated = Some(now);
    }

    /// The control's state for a seal; the next seal's largest gap is counted from here.
    pub(crate) fn seal(
        &mut self,
        control: &str,
        now: u64,
        promised: u64,
        tally: Tally,
        populations: std::collections::BTreeMap<String, Hash>,
    ) -> State {
        self.count(now, promised);
        let running = now.saturating_sub(self.evaluated.unwrap_or(self.begun_at));
        let gap = std::mem::take(&mut self.gap).max(running);
        State {
            control: control.to_owned(),
            status: self.status,
            n: self.n,
            last: self.last,
            at: self.at,
            evaluations: self.evaluations,
            evaluated: self.evaluated,
            gap,
            silent: self.silent,
            tally,
            populations,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3_600_000_000;

    fn begun(at: u64) -> Chain {
        let leaf = Chain::next(None, "C-1", Status::Unknown, at, at, [0; 32]);
        let What::Transition(transition) = &leaf.what else { unreachable!() };
        Chain::with(None, transition, at, [1; 32])
    }

    fn seal(chain: &mut Chain, now: u64) -> (u64, u64) {
        let state = chain.seal("C-1", now, 2 * HOUR, Tally::default(), std::collections::BTreeMap::new());
        (state.gap / HOUR, state.silent / HOUR)
    }

    #[test]
    fn silence_is_counted_once_and_cannot_hide_between_seals() {
        let mut chain = begun(0);
        for hour in 1..=10 {
            chain.evaluate(hour * HOUR, 2 * HOUR);
        }
        assert_eq!(seal(&mut chain, 11 * HOUR), (1, 0));
        // Nothing for a day and a half, with a seal in it: two hours of that are promised.
        assert_eq!(seal(&mut chain, 35 * HOUR), (25, 23));
        chain.evaluate(46 * HOUR, 2 * HOUR);
        assert_eq!(seal(&mut chain, 47 * HOUR), (36, 34));
        assert_eq!((chain.evaluations, chain.evaluated), (11, Some(46 * HOUR)));
        chain.evaluate(48 * HOUR, 2 * HOUR);
        assert_eq!(seal(&mut chain, 49 * HOUR), (2, 34));
    }

    #[test]
    fn without_any_evaluation_all_is_silence_and_the_end_is_none() {
        let mut chain = begun(HOUR);
        let state = chain.seal("C-1", 5 * HOUR, 0, Tally::default(), std::collections::BTreeMap::new());
        assert_eq!((state.gap / HOUR, state.silent / HOUR, state.evaluated), (4, 4, None));
        let leaf = Chain::next(Some(&chain), "C-1", Status::Ended, 6 * HOUR, 6 * HOUR, [0; 32]);
        let What::Transition(transition) = &leaf.what else { unreachable!() };
        assert_eq!((transition.n, transition.before), (2, Some(([1; 32], Status::Unknown))));
        let mut chain = Chain::with(Some(chain), transition, 6 * HOUR, [2; 32]);
        let silent = chain.silent;
        chain.count(50 * HOUR, 0);
        assert_eq!(chain.silent, silent);
    }

    #[test]
    fn a_transition_is_never_told_before_the_one_before_or_after_its_writing() {
        let chain = begun(5 * HOUR);
        let at = |at, written| {
            let leaf = Chain::next(Some(&chain), "C-1", Status::Pass, at, written, [0; 32]);
            let What::Transition(transition) = leaf.what else { unreachable!() };
            transition.at / HOUR
        };
        assert_eq!((at(HOUR, 7 * HOUR), at(6 * HOUR, 7 * HOUR), at(9 * HOUR, 7 * HOUR)), (5, 6, 7));
    }
}
