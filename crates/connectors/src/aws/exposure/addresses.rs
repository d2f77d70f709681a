//! Sets of addresses, exactly: ranges from a first to a last, of both versions, that can be joined, cut and taken away
//! from each other.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::aws::ranges::Range;

/// Numbers, as ranges in order that neither overlap nor touch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Spans(Vec<(u128, u128)>);

impl Spans {
    /// From the first to the last.
    pub(crate) fn of(first: u128, last: u128) -> Self {
        Self(if first <= last { vec![(first, last)] } else { Vec::new() })
    }

    /// What is in either.
    pub(crate) fn and(&self, other: &Self) -> Self {
        let mut all: Vec<(u128, u128)> = self.0.iter().chain(&other.0).copied().collect();
        all.sort_unstable();
        let mut joined: Vec<(u128, u128)> = Vec::with_capacity(all.len());
        for (first, last) in all {
            match joined.last_mut() {
                Some(open) if first <= open.1.saturating_add(1) => open.1 = open.1.max(last),
                Some(_) | None => joined.push((first, last)),
            }
        }
        Self(joined)
    }

    /// What is in both.
    pub(crate) fn within(&self, other: &Self) -> Self {
        let mut both = Vec::new();
        let (mut own, mut others) = (self.0.iter().peekable(), other.0.iter().peekable());
        while let (Some(a), Some(b)) = (own.peek(), others.peek()) {
            let (first, last) = (a.0.max(b.0), a.1.min(b.1));
            if first <= last {
                both.push((first, last));
            }
            if a.1 < b.1 {
                own.next();
            } else {
                others.next();
            }
        }
        Self(both)
    }

    /// What is in this one alone.
    pub(crate) fn without(&self, other: &Self) -> Self {
        let mut left = Vec::new();
        for (first, last) in &self.0 {
            let mut from = Some(*first);
            for (away, until) in other.0.iter().filter(|(away, until)| away <= last && until >= first) {
                let Some(at) = from else { break };
                if at < *away {
                    left.push((at, away - 1));
                }
                from = until.checked_add(1).filter(|next| next <= last);
            }
            if let Some(at) = from {
                left.push((at, *last));
            }
        }
        Self(left)
    }

    /// Whether there is nothing in it.
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are; the largest number if there are more.
    pub(crate) fn count(&self) -> u128 {
        self.0.iter().fold(0, |sum: u128, (first, last)| sum.saturating_add((last - first).saturating_add(1)))
    }

    /// The ranges.
    pub(crate) fn ranges(&self) -> &[(u128, u128)] {
        &self.0
    }
}

/// Addresses of both versions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Addresses {
    /// Of version 4.
    pub v4: Spans,
    /// Of version 6.
    pub v6: Spans,
}

/// What the internet does not carry, of version 4: private, shared, link-local, reserved and multicast ranges.
const NOT_CARRIED: [&str; 14] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
];
/// What it carries, of version 6.
const CARRIED_6: &str = "2000::/3";
/// More sources than this many are the world: a range of /8, and one of /32 for version 6.
const MANY_4: u128 = 1 << 24;
const MANY_6: u128 = 1 << 96;

impl Addresses {
    /// Every address.
    pub(crate) fn all() -> Self {
        Self { v4: Spans::of(0, u32::MAX.into()), v6: Spans::of(0, u128::MAX) }
    }

    /// Every address that the internet carries.
    pub(crate) fn internet() -> Self {
        let carried = Self { v6: Self::parse(CARRIED_6).unwrap_or_default().v6, ..Self::all() };
        let dark = NOT_CARRIED.iter().filter_map(|text| Self::parse(text));
        carried.without(&dark.fold(Self::default(), |all, one| all.and(&one)))
    }

    /// A range such as `10.0.0.0/8`, or a single address.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let one = || Range::parse(&format!("{text}/{}", if text.contains(':') { 128 } else { 32 }));
        Range::parse(text).or_else(one).map(Self::from)
    }

    fn each(&self, other: &Self, make: fn(&Spans, &Spans) -> Spans) -> Self {
        Self { v4: make(&self.v4, &other.v4), v6: make(&self.v6, &other.v6) }
    }

    /// What is in either.
    pub(crate) fn and(&self, other: &Self) -> Self {
        self.each(other, Spans::and)
    }

    /// What is in both.
    pub(crate) fn within(&self, other: &Self) -> Self {
        self.each(other, Spans::within)
    }

    /// What is in this one alone.
    pub(crate) fn without(&self, other: &Self) -> Self {
        self.each(other, Spans::without)
    }

    /// Whether there is nothing in it.
    pub(crate) const fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty()
    }

    /// Whether they are so many that nobody means somebody by them.
    pub(crate) fn are_world(&self) -> bool {
        self.v4.count() > MANY_4 || self.v6.count() > MANY_6
    }

    /// In words: the whole of a version, or its ranges; of many, the first.
    pub(crate) fn told(&self, most: usize) -> String {
        let whole = Self::internet();
        let four = |number: u128| Ipv4Addr::from_bits(u32::try_from(number).unwrap_or(u32::MAX)).to_string();
        let six = |number: u128| Ipv6Addr::from_bits(number).to_string();
        let mut parts = Vec::new();
        for (own, all, name, text) in [
            (&self.v4, &whole.v4, "every IPv4 address", &four as &dyn Fn(u128) -> String),
            (&self.v6, &whole.v6, "every IPv6 address", &six),
        ] {
            if !own.is_empty() && all.without(own).is_empty() {
                parts.push(name.to_owned());
                continue;
            }
            let ranges = own.ranges().iter().take(most);
            parts.extend(ranges.map(|(first, last)| {
                if first == last { text(*first) } else { format!("{}-{}", text(*first), text(*last)) }
            }));
            if own.ranges().len() > most {
                parts.push(format!("{} more ranges", own.ranges().len() - most));
            }
        }
        parts.join(", ")
    }
}

impl From<Range> for Addresses {
    fn from(range: Range) -> Self {
        let (first, last) = range.ends();
        let spans = Spans::of(first, last);
        if range.is_v6() {
            Self { v6: spans, ..Self::default() }
        } else {
            Self { v4: spans, ..Self::default() }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(texts: &[&str]) -> Addresses {
        texts.iter().fold(Addresses::default(), |all, text| all.and(&Addresses::parse(text).unwrap()))
    }

    #[test]
    fn sets_are_joined_cut_and_taken_away() {
        assert_eq!(of(&["10.0.0.0/9", "10.128.0.0/9"]), of(&["10.0.0.0/8"]));
        assert_eq!(of(&["0.0.0.0/0"]).without(&of(&["128.0.0.0/1"])), of(&["0.0.0.0/1"]));
        let holed = of(&["10.0.0.0/8"]).without(&of(&["10.1.0.0/16", "10.3.0.0/16"]));
        assert_eq!(holed.v4.ranges().len(), 3);
        assert_eq!(holed.within(&of(&["10.1.0.0/16", "10.2.0.0/15"])), of(&["10.2.0.0/16"]));
        assert!(of(&["10.0.0.0/8"]).without(&of(&["0.0.0.0/0"])).is_empty());
        assert_eq!(of(&["::/0"]).without(&of(&["8000::/1"])), of(&["::/1"]));
        assert!(of(&["0.0.0.0/0"]).within(&of(&["::/0"])).is_empty(), "versions do not meet");
    }

    #[test]
    fn the_world_is_told_from_somebody() {
        for (texts, world) in [
            (vec!["0.0.0.0/0"], true),
            (vec!["0.0.0.0/1"], true),
            (vec!["8.0.0.0/7"], true),
            (vec!["8.0.0.0/8"], false),
            (vec!["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"], false),
            (vec!["::/0"], true),
            (vec!["2a00::/32"], false),
            (vec!["fc00::/7"], false),
        ] {
            assert_eq!(of(&texts).within(&Addresses::internet()).are_world(), world, "{texts:?}");
        }
        assert_eq!(Addresses::internet().told(3), "every IPv4 address, every IPv6 address");
        assert_eq!(of(&["9.9.9.9/32", "8.8.8.0/30"]).told(3), "8.8.8.0-8.8.8.3, 9.9.9.9");
        assert_eq!(of(&["1.1.1.1", "2.2.2.2", "3.3.3.3"]).told(2), "1.1.1.1, 2.2.2.2, 1 more ranges");
    }
}
