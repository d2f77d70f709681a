//! Packet filters of every backend in one form, and the walk of a new connection through them.
//!
//! The question is never about one packet but about all outsiders: a test may fit all of them, most of them (`not from
//! 10.0.0.0/8`), few of them (`from 10.0.0.0/8`), none, or it cannot be told.

/// How many rules one walk may pass, and how deep chains may call each other.
const STEPS_MAX: usize = 200_000;
const DEPTH_MAX: usize = 32;

/// IPv4 or IPv6.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    V4,
    V6,
}

impl Family {
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::V4 => "ipv4",
            Self::V6 => "ipv6",
        }
    }

    const fn highest(self) -> u128 {
        match self {
            Self::V4 => 0xffff_ffff,
            Self::V6 => u128::MAX,
        }
    }

    /// A text as an address of this family.
    pub(crate) fn address(self, text: &str) -> Option<u128> {
        match self {
            Self::V4 => text.parse::<std::net::Ipv4Addr>().ok().map(|address| u128::from(u32::from(address))),
            Self::V6 => text.parse::<std::net::Ipv6Addr>().ok().map(u128::from),
        }
    }

    /// `address/length`, or one address.
    pub(crate) fn net(self, text: &str) -> Option<Net> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let address = self.address(address)?;
        let bits: u32 = if self == Self::V4 { 32 } else { 128 };
        let length = match length {
            None => bits,
            Some(length) => match length.parse::<u32>() {
                Ok(length) => length,
                // `255.255.0.0`
                Err(_) => u32::from(length.parse::<std::net::Ipv4Addr>().ok()?).leading_ones(),
            },
        };
        let host = if length == 0 { self.highest() } else { self.highest().checked_shr(length).unwrap_or(0) };
        (length <= bits).then_some(Net(address & !host, address | host))
    }

    /// Addresses that no outsider's packet to this machine alone comes from or goes to.
    fn is_special(self, net: Net) -> bool {
        let inside = |low: u128, high: u128| net.0 >= low && net.1 <= high;
        match self {
            Self::V4 => inside(0x7f00_0000, 0x7fff_ffff) || inside(0xe000_0000, 0xefff_ffff) || net.0 == 0xffff_ffff,
            Self::V6 => inside(1, 1) || inside(0xff << 120, u128::MAX),
        }
    }
}

/// From the first address to the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Net(pub u128, pub u128);

/// Of the outsiders whose packet it is, whom a test fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fit {
    Always,
    Most,
    Few,
    Never,
    Unclear,
}

impl Fit {
    const fn of(fits: bool) -> Self {
        if fits { Self::Always } else { Self::Never }
    }

    const fn not(self) -> Self {
        match self {
            Self::Always => Self::Never,
            Self::Most => Self::Few,
            Self::Few => Self::Most,
            Self::Never => Self::Always,
            Self::Unclear => Self::Unclear,
        }
    }

    fn and(self, other: Self) -> Self {
        let order = [Self::Never, Self::Unclear, Self::Few, Self::Most];
        order.into_iter().find(|fit| self == *fit || other == *fit).unwrap_or(Self::Always)
    }
}

/// What a rule asks of a packet.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Test {
    /// Decided already.
    Fixed(Fit),
    /// The interface that it comes in by; a last `*` or `+` stands for anything.
    In { names: Vec<String>, negated: bool },
    /// The interface that it goes out by.
    Out { negated: bool },
    /// The protocol's number.
    Protocol { numbers: Vec<u8>, negated: bool },
    /// The port that it is for, of one protocol or of any with ports.
    Port { protocol: Option<u8>, ranges: Vec<(u16, u16)>, negated: bool },
    /// Where it comes from.
    From { nets: Vec<Net>, negated: bool },
    /// Where it goes to.
    To { nets: Vec<Net>, negated: bool },
}

/// What a rule does with a packet that fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    Accept,
    Drop,
    Jump(String),
    Goto(String),
    Return,
    /// It goes to another address or port (DNAT).
    Redirect,
    /// It is not known what.
    Unclear,
    /// Nothing that decides: counting, logging, marking.
    Nothing,
}

/// One rule.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rule {
    pub tests: Vec<Test>,
    pub action: Action,
}

/// One chain of rules.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Chain {
    pub backend: &'static str,
    pub table: String,
    pub name: String,
    /// Where the kernel enters it; `None` if only other chains do.
    pub hook: Option<String>,
    /// Whether it translates addresses instead of filtering.
    pub nat: bool,
    pub priority: i64,
    pub drops: bool,
    pub rules: Vec<Rule>,
}

/// A first packet from outside.
#[derive(Debug, Clone)]
pub(crate) struct Packet<'a> {
    pub family: Family,
    /// 6 is TCP, 17 is UDP.
    pub protocol: u8,
    pub port: u16,
    /// The address that it is for; `None` is any of the machine's.
    pub to: Option<u128>,
    /// It is for another machine.
    pub forwarded: bool,
    /// The interfaces that lead to the world.
    pub outside: &'a [String],
}

impl Packet<'_> {
    fn fit(&self, test: &Test) -> Fit {
        let turn = |fit: Fit, negated: bool| if negated { fit.not() } else { fit };
        match test {
            Test::Fixed(fit) => *fit,
            Test::In { names, negated } => turn(self.comes_in_by(names), *negated),
            Test::Out { negated } if self.forwarded => turn(Fit::Few, *negated),
            Test::Out { .. } => Fit::Never,
            Test::Protocol { numbers, negated } => turn(Fit::of(numbers.contains(&self.protocol)), *negated),
            Test::Port { protocol, .. } if protocol.is_some_and(|number| number != self.protocol) => Fit::Never,
            Test::Port { ranges, negated, .. } => {
                turn(Fit::of(ranges.iter().any(|(low, high)| (*low..=*high).contains(&self.port))), *negated)
            }
            Test::From { nets, negated } => turn(self.comes_from(nets), *negated),
            Test::To { nets, negated } => turn(self.goes_to(nets), *negated),
        }
    }

    fn comes_in_by(&self, names: &[String]) -> Fit {
        let named = |pattern: &str, name: &str| match pattern.strip_suffix(['*', '+']) {
            Some(start) => name.starts_with(start),
            None => pattern == name,
        };
        if names.iter().any(|pattern| pattern == "*" || pattern == "+") {
            return Fit::Always;
        }
        if names.iter().all(|pattern| pattern == "lo") {
            return Fit::Never;
        }
        let covered = self.outside.iter().filter(|name| names.iter().any(|pattern| named(pattern, name))).count();
        match (covered, self.outside.len()) {
            (_, 0) => Fit::Unclear,
            (0, _) => Fit::Few,
            (some, all) if some == all => Fit::Always,
            _ => Fit::Unclear,
        }
    }

    fn comes_from(&self, nets: &[Net]) -> Fit {
        let highest = self.family.highest();
        if nets.iter().any(|net| net.0 == 0 && net.1 == highest) {
            Fit::Always
        } else if nets.iter().all(|net| self.family.is_special(*net)) {
            Fit::Never
        } else if nets.iter().any(|net| net.1 - net.0 >= highest / 2) {
            Fit::Most
        } else {
            Fit::Few
        }
    }

    fn goes_to(&self, nets: &[Net]) -> Fit {
        let whole = nets.iter().any(|net| net.0 == 0 && net.1 == self.family.highest());
        match self.to {
            _ if whole => Fit::Always,
            Some(address) => Fit::of(nets.iter().any(|net| (net.0..=net.1).contains(&address))),
            None if nets.iter().all(|net| self.family.is_special(*net)) => Fit::Never,
            None if self.forwarded => Fit::Few,
            None => Fit::Unclear,
        }
    }
}

/// Whether a point of the walk is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reach {
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
    fn chain(&mut self, chain: &Chain, start: Reach, depth: usize) -> Ends {
        let mut ends = Ends { accept: Reach::No, drop: Reach::No, redirect: Reach::No, fall: Reach::No };
        let mut here = start;
        for rule in &chain.rules {
            self.steps += 1;
            if depth > DEPTH_MAX || self.steps > STEPS_MAX {
                let maybe = Reach::Maybe;
                return Ends { accept: maybe, drop: maybe, redirect: ends.redirect.max(maybe), fall: maybe };
            }
            let fit = rule.tests.iter().fold(Fit::Always, |fit, test| fit.and(self.packet.fit(test)));
            // How surely the rule applies, and how surely the walk goes on if it ends something.
            let (applies, passes) = match (fit, self.who) {
                (Fit::Never, _) | (Fit::Few, Who::Anyone) => continue,
                (Fit::Always, _) | (Fit::Most, Who::Anyone) => (here, Reach::No),
                (Fit::Most | Fit::Few, Who::Favoured) => (here, here),
                (Fit::Unclear, _) => (Reach::Maybe, Reach::Maybe),
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

/// Walks a packet through the chains of its hooks; `None` if the rules are not clear enough. A packet passes if every
/// chain lets it: a drop anywhere wins.
pub(crate) fn exposure(chains: &[Chain], packet: &Packet<'_>) -> Option<Exposure> {
    let mut anyone = Some(true);
    let mut favoured = Reach::Yes;
    let mut redirected = false;
    let hooks: &[&str] = if packet.forwarded { &["ingress", "prerouting", "forward"] } else { &["ingress", "prerouting", "input"] };
    for chain in chains.iter().filter(|chain| chain.hook.as_deref().is_some_and(|hook| hooks.contains(&hook))) {
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
    let found = match (anyone, favoured) {
        (Some(true), _) => Some(Exposure::Anyone),
        (_, Reach::No) => Some(Exposure::Nobody),
        (Some(false), Reach::Yes) => Some(Exposure::Some),
        (Some(false) | None, _) => None,
    };
    // What is sent elsewhere before the filters see it does not meet their verdict on this port.
    found.filter(|found| *found == Exposure::Anyone || !redirected)
}

/// Whether some rule or policy can refuse a packet that comes in.
pub(crate) fn can_refuse(chains: &[Chain]) -> bool {
    let hooked = |chain: &&Chain| {
        !chain.nat && chain.hook.as_deref().is_some_and(|hook| matches!(hook, "ingress" | "prerouting" | "input"))
    };
    chains.iter().filter(hooked).any(|chain| chain.drops || drops(chains, chain, 0))
}

fn drops(chains: &[Chain], chain: &Chain, depth: usize) -> bool {
    depth <= DEPTH_MAX
        && chain.rules.iter().any(|rule| match &rule.action {
            Action::Drop => true,
            Action::Jump(name) | Action::Goto(name) => chains
                .iter()
                .filter(|other| other.name == *name && other.table == chain.table && other.backend == chain.backend)
                .any(|other| !std::ptr::eq(other, chain) && drops(chains, other, depth + 1)),
            Action::Accept | Action::Return | Action::Redirect | Action::Unclear | Action::Nothing => false,
        })
}

/// The ports that rules name, by protocol (6 and 17).
pub(crate) fn named_ports(chains: &[Chain]) -> Vec<(u8, u16, u16)> {
    let mut all = Vec::new();
    for test in chains.iter().flat_map(|chain| &chain.rules).flat_map(|rule| &rule.tests) {
        if let Test::Port { protocol, ranges, .. } = test {
            for number in protocol.map_or_else(|| vec![6, 17], |number| vec![number]) {
                all.extend(ranges.iter().map(|(low, high)| (number, *low, *high)));
            }
        }
    }
    all.retain(|(number, ..)| matches!(number, 6 | 17));
    all.sort_unstable();
    all.dedup();
    all
}
