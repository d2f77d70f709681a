//! A control had these statuses over an interval, and nothing was left out: its transitions form a chain without gaps from
//! the first seal's state, or from its own beginning, to the last seal's.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::{Checked, Seen};
use crate::fault::quoted;
use crate::hash::Hash;
use crate::leaf::{After, Seal, Transition, What};
use crate::policy::CLOCK_SKEW;
use crate::report::{Beginning, Interval, PopulationSeen, ProgramSeen, Reason, SealSeen, Segment, Share};
use crate::say::moment;
use crate::state::{State, Status};

pub(crate) use super::interval_words::say;

/// What the chain said last.
struct Chain {
    n: u64,
    last: Hash,
    status: Status,
    at: u64,
}

/// A seal of the proof with the control's state.
struct Sealed<'a> {
    seen: SealSeen,
    state: &'a State,
}

/// The walk through the entries.
struct Walk<'a> {
    control: &'a str,
    from: u64,
    /// When the log began, if its first leaf is there.
    opened: Option<Beginning>,
    chain: Option<Chain>,
    seals: Vec<Sealed<'a>>,
    /// Statuses with their beginnings and when these were recorded.
    told: Vec<(Status, u64, Option<u64>)>,
    transitions: Option<(u64, u64)>,
    /// Where the last transition is, if no seal followed yet.
    unsealed: Option<usize>,
    /// How many transitions are linked.
    linked: u64,
    /// Where the last transition is, if it is linked and none followed yet that cites it.
    uncited: Option<usize>,
    lag: Option<u64>,
    programs: Vec<ProgramSeen>,
}

pub(crate) fn check(checked: &Checked<'_>, control: &str, from: u64, to: u64) -> Result<Interval, Reason> {
    let states = states(checked, control)?;
    let mut walk = Walk {
        control,
        from,
        opened: None,
        chain: None,
        seals: Vec::new(),
        told: Vec::new(),
        transitions: None,
        unsealed: None,
        linked: 0,
        uncited: None,
        lag: None,
        programs: Vec::new(),
    };
    for (i, entry) in checked.entries.iter().enumerate() {
        let taken = match &entry.leaf.what {
            What::Transition(transition) => walk.transition(i, entry, transition),
            What::Seal(seal) => {
                walk.seal(entry, seal, entry.index.and_then(|index| states.get(&index).copied()))
            }
            What::Program { .. } | What::Population(_) | What::Key(_) => Ok(()),
            What::Open { after, .. } => walk.open(entry, after.as_ref()),
            What::Collection(_) | What::Decision { .. } | What::Erasure { .. } | What::Export { .. } => {
                Err("has no place in a proof of an interval".to_owned())
            }
        };
        taken.map_err(|wrong| Reason::new(format!("entries[{i}]"), wrong))?;
    }
    walk.names(checked);
    let Some(last) = walk.seals.last().map(|sealed| sealed.seen) else {
        return Err(Reason::new("entries", format!("there is no seal at or after `to`, {}", moment(to))));
    };
    if let Some(i) = walk.unsealed {
        return Err(Reason::new(
            format!("entries[{i}]"),
            "stands after the last seal, which does not speak of it",
        ));
    }
    if let Some(i) = walk.uncited {
        return Err(Reason::new(
            format!("entries[{i}]"),
            "has no index, and no transition with an index follows that cites it: nothing shows that it is in the log",
        ));
    }
    if last.at < to {
        let (of, to) = (moment(last.at), moment(to));
        return Err(Reason::new(
            "entries",
            format!("the last seal is of {of}, before `to`, {to}: what happened after it is not shown"),
        ));
    }
    walk.interval(checked, to, last)
}

/// The control's states, by the index of their seal.
fn states<'a>(checked: &'a Checked<'_>, control: &str) -> Result<BTreeMap<u64, &'a State>, Reason> {
    let mut states = BTreeMap::new();
    for (i, seen) in checked.states.iter().enumerate() {
        let wrong = |what: String| Err(Reason::new(format!("states[{i}]"), what));
        if seen.state.control != control {
            return wrong(format!("is of control `{}`; the claim is about `{control}`", seen.state.control));
        }
        if states.insert(seen.seal, &seen.state).is_some() {
            return wrong("is a second state of one seal".to_owned());
        }
    }
    Ok(states)
}

impl<'a> Walk<'a> {
    /// The log's first leaf: of the time before it, the log shows nothing.
    fn open(&mut self, entry: &Seen, after: Option<&After>) -> Result<(), String> {
        let at = entry.leaf.written;
        if self.from < at {
            let before = match after {
                Some(after) => {
                    format!("the time before is that of the log {}, which it follows", quoted(&after.origin))
                }
                None => "of the time before it shows nothing".to_owned(),
            };
            let from = moment(self.from);
            return Err(format!("opens the log at {}, after `from`, {from}: {before}", moment(at)));
        }
        self.opened = Some(Beginning { at, after: after.cloned() });
        Ok(())
    }

    fn transition(&mut self, i: usize, entry: &Seen, of: &Transition) -> Result<(), String> {
        if of.control != self.control {
            return Err(format!(
                "is a transition of control {}; the claim is about `{}`",
                quoted(&of.control),
                self.control
            ));
        }
        match &self.chain {
            None if of.n != 1 => {
                return Err(format!(
                    "is transition {}; without a seal at or before `from`, the chain must begin with transition 1",
                    of.n
                ));
            }
            // Who records late what was so before may speak of a time before the log.
            None if self.opened.is_none()
                && of.at.max(self.from).saturating_add(CLOCK_SKEW) < entry.leaf.written =>
            {
                let (at, written) = (moment(of.at), moment(entry.leaf.written));
                return Err(format!(
                    "says at {written} what is so since {at}; without a seal at or before `from`, the proof must hold the log's first leaf, which says since when there is a log"
                ));
            }
            None => {}
            Some(chain) => {
                let expected = chain.n + 1;
                if of.n > expected {
                    return Err(format!(
                        "is transition {}; expected {expected}: something was left out",
                        of.n
                    ));
                }
                if of.n < expected {
                    return Err(format!(
                        "is transition {}; expected {expected}: the chain goes on from {}",
                        of.n, chain.n
                    ));
                }
                match of.before {
                    Some((prev, _)) if prev != chain.last => {
                        return Err(format!(
                            "`prev` of transition {} is not the hash of transition {}",
                            of.n, chain.n
                        ));
                    }
                    Some((_, from)) if from != chain.status => {
                        return Err(format!(
                            "`from` is {from}; transition {} led to {}",
                            chain.n, chain.status
                        ));
                    }
                    Some(_) | None => {}
                }
                if of.at < chain.at {
                    let (at, before) = (moment(of.at), moment(chain.at));
                    return Err(format!("`at` is {at}, before that of transition {}, {before}", chain.n));
                }
            }
        }
        self.chain = Some(Chain { n: of.n, last: entry.hash, status: of.to, at: of.at });
        self.told.push((of.to, of.at, Some(entry.leaf.written)));
        self.transitions = Some((self.transitions.map_or(of.n, |(first, _)| first), of.n));
        self.unsealed = Some(i);
        // That this one cites the one before was found above, so that what shows this one shows that one too.
        self.uncited = entry.index.is_none().then_some(i);
        self.linked += u64::from(entry.index.is_none());
        self.lag = self.lag.max(Some(entry.leaf.written.saturating_sub(of.at)));
        self.program(of.program);
        Ok(())
    }

    fn seal(&mut self, entry: &Seen, seal: &Seal, state: Option<&'a State>) -> Result<(), String> {
        let control = self.control;
        let Some(state) = state else {
            return Err(format!(
                "is seal {}, of which no state of control `{control}` is in the proof",
                seal.n
            ));
        };
        match &self.chain {
            None => {
                if self.opened.is_some() {
                    return Err(format!(
                        "is seal {}, with which the proof begins: the log's first leaf has no place in it",
                        seal.n
                    ));
                }
                if entry.leaf.written > self.from {
                    let (of, from) = (moment(entry.leaf.written), moment(self.from));
                    return Err(format!(
                        "is the first seal, of {of}, after `from`, {from}: what happened before it is not shown"
                    ));
                }
                self.chain = Some(Chain { n: state.n, last: state.last, status: state.status, at: state.at });
                self.told.push((state.status, state.at, None));
            }
            Some(chain) => agrees(chain, state, seal.n)?,
        }
        if let Some(before) = self.seals.last() {
            let grown = state.evaluations >= before.state.evaluations
                && state.silent >= before.state.silent
                && state.evaluated >= before.state.evaluated;
            if !grown {
                let n = before.seen.n;
                return Err(format!(
                    "is seal {}, by which evaluations or silent time are less than at seal {n}",
                    seal.n
                ));
            }
        }
        self.seals.push(Sealed { seen: entry.seal(seal), state });
        self.unsealed = None;
        self.program(seal.program);
        Ok(())
    }

    fn program(&mut self, hash: Hash) {
        if self.programs.last().is_none_or(|last| last.hash != hash) {
            self.programs.push(ProgramSeen { hash, name: None });
        }
    }

    /// Names the programs whose leaves are in the proof.
    fn names(&mut self, checked: &Checked<'_>) {
        for entry in &checked.entries {
            if let What::Program { hash, name, .. } = &entry.leaf.what {
                for seen in self.programs.iter_mut().filter(|seen| seen.hash == *hash) {
                    seen.name = Some(name.clone());
                }
            }
        }
    }

    fn interval(self, checked: &Checked<'_>, to: u64, last: SealSeen) -> Result<Interval, Reason> {
        let from = self.from;
        let begins_with_seal = self.told.first().is_some_and(|(_, _, recorded)| recorded.is_none());
        let first = self.seals.first().filter(|_| begins_with_seal);
        let end = self.seals.last();
        let before = |value: fn(&State) -> u64| {
            end.map_or(0, |sealed| value(sealed.state)) - first.map_or(0, |sealed| value(sealed.state))
        };
        let evaluations = before(|state| state.evaluations);
        let silent = before(|state| state.silent);
        let after_first = self.seals.iter().skip(usize::from(first.is_some() && self.seals.len() > 1));
        let gap = after_first.map(|sealed| sealed.state.gap).max().unwrap_or(0);
        let in_turn = self.seals.windows(2).all(|pair| matches!(pair, [a, b] if a.seen.n + 1 == b.seen.n));
        let segments = segments(&self.told, from, to);
        let shares = shares(&segments, silent);
        let mut named = BTreeSet::new();
        let populations_first = populations(checked, first, &mut named)?;
        let populations_last = populations(checked, end, &mut named)?;
        for (i, entry) in checked.entries.iter().enumerate() {
            if matches!(entry.leaf.what, What::Population(_)) && !named.contains(&entry.hash) {
                return Err(Reason::new(
                    format!("entries[{i}]"),
                    "is a population that neither end's state rests on",
                ));
            }
        }
        Ok(Interval {
            segments,
            shares,
            first: first.map(|sealed| sealed.seen),
            last,
            transitions: self.transitions,
            linked: self.linked,
            evaluations,
            silent,
            gap,
            every_seal: first.is_some() && in_turn,
            lag: self.lag,
            populations_first,
            populations_last,
            programs: self.programs,
            opened: self.opened,
        })
    }
}

/// Whether a seal's state is where the chain stands.
fn agrees(chain: &Chain, state: &State, seal: u64) -> Result<(), String> {
    if state.n > chain.n {
        return Err(format!(
            "is seal {seal}, by which the control had {} transitions; the proof has them up to {}: something was left out",
            state.n, chain.n
        ));
    }
    if state.n < chain.n {
        return Err(format!(
            "is seal {seal}, by which the control had {} transitions; the proof has {}",
            state.n, chain.n
        ));
    }
    if state.last != chain.last {
        return Err(format!("is seal {seal}, by which transition {} is another one", state.n));
    }
    if state.status != chain.status || state.at != chain.at {
        let (status, at, to, since) = (state.status, moment(state.at), chain.status, moment(chain.at));
        return Err(format!(
            "is seal {seal}, by which the status is {status} since {at}; by the chain it is {to} since {since}"
        ));
    }
    Ok(())
}

/// The statuses from `from` to `to`. One that was replaced at its very beginning is kept, without length.
fn segments(told: &[(Status, u64, Option<u64>)], from: u64, to: u64) -> Vec<Segment> {
    let mut segments = Vec::new();
    let begin = told.first().map_or(to, |(_, at, _)| *at);
    if begin > from {
        segments.push(Segment { status: None, from, to: begin.min(to), recorded: None });
    }
    for (i, (status, at, recorded)) in told.iter().enumerate() {
        let next = told.get(i + 1).map_or(u64::MAX, |(_, next, _)| *next);
        let overlaps = *at < to && next > from;
        let replaced = *at == next && from <= *at && *at <= to;
        let instant = from == to && *at <= from && from < next;
        if overlaps || replaced || instant {
            let (from, to) = ((*at).max(from), next.min(to));
            segments.push(Segment { status: Some(*status), from, to, recorded: *recorded });
        }
    }
    segments
}

/// How much of the interval had which status, most first.
fn shares(segments: &[Segment], silent: u64) -> Vec<Share> {
    let order = [None].into_iter().chain(Status::ALL.map(Some));
    let mut shares: Vec<Share> = order
        .filter(|status| segments.iter().any(|segment| segment.status == *status))
        .map(|status| {
            let of = segments.iter().filter(|segment| segment.status == status);
            let micros = of.map(|segment| segment.to - segment.from).sum();
            Share { status, micros, at_least: u64::saturating_sub(micros, silent) }
        })
        .collect();
    shares.sort_by_key(|share| std::cmp::Reverse(share.micros));
    shares
}

/// The populations that a seal's state rests on, all of which must be among the entries before the seal.
fn populations(
    checked: &Checked<'_>,
    sealed: Option<&Sealed<'_>>,
    named: &mut BTreeSet<Hash>,
) -> Result<Vec<PopulationSeen>, Reason> {
    let Some(sealed) = sealed else { return Ok(Vec::new()) };
    let mut seen = Vec::new();
    for (kind, hash) in &sealed.state.populations {
        let found = checked.entries.iter().find_map(|entry| {
            let What::Population(of) = &entry.leaf.what else { return None };
            let fits = entry.hash == *hash && of.kind == *kind && entry.index < Some(sealed.seen.index);
            fits.then_some(of)
        });
        let Some(population) = found else {
            let wrong = format!(
                "the population of kind `{kind}` that seal {} rests on is not among them",
                sealed.seen.n
            );
            return Err(Reason::new("entries", wrong));
        };
        named.insert(*hash);
        seen.push(super::resource::seen(population));
    }
    Ok(seen)
}
