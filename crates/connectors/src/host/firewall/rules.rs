//! Packet filters of every backend in one form, and whom each test fits.
//!
//! The question is never about one packet but about all outsiders: a test may fit all of them, most of them (`not from
//! 10.0.0.0/8`), few of them (`from 10.0.0.0/8`), none, or it cannot be told.

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
            Self::V4 => {
                inside(0x7f00_0000, 0x7fff_ffff) || inside(0xe000_0000, 0xefff_ffff) || net.0 == 0xffff_ffff
            }
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

    pub(crate) fn and(self, other: Self) -> Self {
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

/// What a rule about the port that a packet comes from is worth: an outsider has the choice, so he takes the one that
/// lets him in and none that keeps him out.
pub(crate) const fn source_port(action: &Action) -> Test {
    Test::Fixed(match action {
        Action::Accept => Fit::Always,
        Action::Drop | Action::Nothing => Fit::Few,
        Action::Jump(_) | Action::Goto(_) | Action::Return | Action::Redirect | Action::Unclear => {
            Fit::Unclear
        }
    })
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
    /// Whom a test of this packet fits.
    pub(crate) fn fit(&self, test: &Test) -> Fit {
        let turn = |fit: Fit, negated: bool| if negated { fit.not() } else { fit };
        match test {
            Test::Fixed(fit) => *fit,
            Test::In { names, negated } => turn(self.comes_in_by(names), *negated),
            Test::Out { negated } if self.forwarded => turn(Fit::Few, *negated),
            Test::Out { .. } => Fit::Never,
            Test::Protocol { numbers, negated } => turn(Fit::of(numbers.contains(&self.protocol)), *negated),
            Test::Port { protocol, .. } if protocol.is_some_and(|number| number != self.protocol) => {
                Fit::Never
            }
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
        let covered =
            self.outside.iter().filter(|name| names.iter().any(|pattern| named(pattern, name))).count();
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
