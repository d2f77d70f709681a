//! The walk of a new connection through the rules: two walks in fact, for an outsider of whom no rule knows and for the
//! one whom the rules favour most. What is not clear splits the walk, so that only what holds either way is said.

use super::rules::{Action, Chain, Fit, Packet, Test};

/// How many rules one walk may pass, and how deep chains may call each other.
const STEPS_MAX: usize = 200_000;
const DEPTH_MAX: usize = 32;

/// Whether a point of the walk is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    No,
    Maybe,
    Yes,
}

/// How a walk may end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ends {
    accept: Reach,
    drop: Reach,
    redirect: Reach,
    fall: Reach,
}

/// Whose packet it is: an outsider of whom no rule knows, or the one whom the rules favour most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Anyone,
    Favoured,
}

struct Walk<'a> {
    chains: &'a [Chain],
    packet: &'a Packet<'a>,
    who: Who,
    steps: usize,
}

impl Walk<'_> {
    /// An outsider of whom no rule knows is among most, and not among few.
    fn fit(&self, test: &Test) -> Fit {
        match (self.packet.fit(test), self.who) {
            (Fit::Most, Who::Anyone) => Fit::Always,
            (Fit::Few, Who::Anyone) => Fit::Never,
            (fit, _) => fit,
        }
    }

    fn chain(&mut self, chain: &Chain, start: Reach, depth: usize) -> Ends {
        let mut ends = Ends { accept: Reach::No, drop: Reach::No, redirect: Reach::No, fall: Reach::No };
        let mut here = start;
        for rule in &chain.rules {
            self.steps += 1;
            if depth > DEPTH_MAX || self.steps > STEPS_MAX {
                let maybe = Reach::Maybe;
                return Ends { accept: maybe, drop: maybe, redirect: ends.redirect.max(maybe), fall: maybe };
            }
            let fit = rule.tests.iter().map(|test| self.fit(test)).fold(Fit::Always, Fit::and);
            // How surely the rule applies, and how surely the walk goes on if it ends something.
            let (applies, passes) = match fit {
                Fit::Never => continue,
                Fit::Always => (here, Reach::No),
                Fit::Most | Fit::Few => (here, here),
                Fit::Unclear => (Reach::Maybe, Reach::Maybe),
            };
            match &rule.action {
                Action::Nothing => continue,
                Action::Accept => ends.accept = ends.accept.max(applies),
                Action::Drop => ends.drop = ends.drop.max(applies),
                Action::Redirect => ends.redirect = ends.redirect.max(applies),
                Action::Return => ends.fall = ends.fall.max(applies),
                Action::Unclear => {
                    ends.accept = ends.accept.max(Reach::Maybe);
                    ends.drop = ends.drop.max(Reach::Maybe);
                    here = Reach::Maybe;
                    continue;
                }
                Action::Jump(name) | Action::Goto(name) => {
                    let called = self.chains.iter().find(|other| {
                        other.name == *name && other.table == chain.table && other.backend == chain.backend
                    });
                    let maybe = Reach::Maybe;
                    let inner = match called {
                        Some(called) => self.chain(called, applies, depth + 1),
                        None => Ends { accept: maybe, drop: maybe, redirect: maybe, fall: maybe },
                    };
                    ends.accept = ends.accept.max(inner.accept);
                    ends.drop = ends.drop.max(inner.drop);
                    ends.redirect = ends.redirect.max(inner.redirect);
                    if matches!(rule.action, Action::Goto(_)) {
                        ends.fall = ends.fall.max(inner.fall);
                    } else {
                        here = passes.max(inner.fall);
                        if here == Reach::No {
                            return ends;
                        }
                        continue;
                    }
                }
            }
            here = passes;
            if here == Reach::No {
                return ends;
            }
        }
        ends.fall = ends.fall.max(here);
        ends
    }
}

/// Who gets through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exposure {
    Nobody,
    /// Only sources or interfaces that rules name.
    Some,
    Anyone,
}

/// What the walks through all chains of a packet's hooks came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Verdict {
    anyone: Option<bool>,
    favoured: Reach,
    redirected: bool,
}

impl Verdict {
    /// Whether an outsider of whom no rule knows gets through; `None` if the rules are not clear enough.
    pub(crate) fn anyone(self) -> Option<bool> {
        // What is sent elsewhere before the filters see it does not meet their verdict on this port.
        self.anyone.filter(|through| *through || !self.redirected)
    }

    /// Who gets through at all.
    pub(crate) fn exposure(self) -> Option<Exposure> {
        match (self.anyone, self.favoured) {
            (Some(true), _) => Some(Exposure::Anyone),
            _ if self.redirected => None,
            (_, Reach::No) => Some(Exposure::Nobody),
            (Some(false), Reach::Yes) => Some(Exposure::Some),
            (Some(false) | None, _) => None,
        }
    }
}

/// Walks a packet through the chains of its hooks. It passes if every chain lets it: a drop anywhere wins.
pub(crate) fn verdict(chains: &[Chain], packet: &Packet<'_>) -> Verdict {
    let mut anyone = Some(true);
    let mut favoured = Reach::Yes;
    let mut redirected = false;
    let hooks: &[&str] = if packet.forwarded {
        &["ingress", "prerouting", "forward"]
    } else {
        &["ingress", "prerouting", "input"]
    };
    for chain in chains.iter().filter(|chain| chain.hook.as_deref().is_some_and(|hook| hooks.contains(&hook)))
    {
        let ask = |who| {
            let mut ends = Walk { chains, packet, who, steps: 0 }.chain(chain, Reach::Yes, 0);
            let policy = if chain.drops { &mut ends.drop } else { &mut ends.accept };
            *policy = (*policy).max(ends.fall);
            ends
        };
        let (any, best) = (ask(Who::Anyone), ask(Who::Favoured));
        if chain.nat {
            redirected |= best.redirect > Reach::No;
            continue;
        }
        anyone = match (any.accept, any.drop) {
            (Reach::No, _) => Some(false),
            (_, Reach::No) => anyone,
            _ if anyone == Some(false) => anyone,
            _ => None,
        };
        favoured = favoured.min(best.accept);
    }
    Verdict { anyone, favoured, redirected }
}

/// Whether some rule or policy can refuse a packet that comes in.
pub(crate) fn can_refuse(chains: &[Chain]) -> bool {
    let hooked = |chain: &&Chain| {
        !chain.nat
            && chain.hook.as_deref().is_some_and(|hook| matches!(hook, "ingress" | "prerouting" | "input"))
    };
    chains.iter().filter(hooked).any(|chain| chain.drops || drops(chains, chain, 0))
}

fn drops(chains: &[Chain], chain: &Chain, depth: usize) -> bool {
    depth <= DEPTH_MAX
        && chain.rules.iter().any(|rule| match &rule.action {
            Action::Drop => true,
            Action::Jump(name) | Action::Goto(name) => chains
                .iter()
                .filter(|other| {
                    other.name == *name && other.table == chain.table && other.backend == chain.backend
                })
                .any(|other| !std::ptr::eq(other, chain) && drops(chains, other, depth + 1)),
            Action::Accept | Action::Return | Action::Redirect | Action::Unclear | Action::Nothing => false,
        })
}
