//! Ranges of addresses, and whether some of them together are the whole internet.

use std::net::IpAddr;

/// From the first address to the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Range {
    v6: bool,
    first: u128,
    last: u128,
}

impl Range {
    /// Reads `10.0.0.0/8` or `2001:db8::/32`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (address, length) = text.split_once('/')?;
        let (v6, bits, width) = match address.parse().ok()? {
            IpAddr::V4(address) => (false, u128::from(address.to_bits()), 32_u32),
            IpAddr::V6(address) => (true, address.to_bits(), 128),
        };
        let length: u32 = length.parse().ok().filter(|length| *length <= width)?;
        let open = width - length;
        let rest = if open == 128 { u128::MAX } else { (1_u128 << open) - 1 };
        let first = bits & !rest;
        Some(Self { v6, first, last: first | rest })
    }

    /// Whether its addresses are of version 6.
    pub(crate) const fn is_v6(self) -> bool {
        self.v6
    }

    /// Its first and its last address, as numbers.
    pub(crate) const fn ends(self) -> (u128, u128) {
        (self.first, self.last)
    }

    const fn end(self) -> u128 {
        if self.v6 { u128::MAX } else { u32::MAX as u128 }
    }
}

/// Whether ranges hold every address of one version.
pub(crate) fn cover_world<'a>(ranges: impl Iterator<Item = &'a Range>) -> bool {
    let mut sorted: Vec<Range> = ranges.copied().collect();
    sorted.sort_unstable();
    [false, true].into_iter().any(|v6| {
        let mut next = Some(0_u128);
        for range in sorted.iter().filter(|range| range.v6 == v6) {
            match next {
                Some(at) if range.first <= at => {
                    if range.last >= range.end() {
                        return true;
                    }
                    next = Some(at.max(range.last + 1));
                }
                Some(_) | None => next = None,
            }
        }
        false
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_world_is_one_range_or_several() {
        let world = |texts: &[&str]| {
            let ranges: Vec<Range> = texts.iter().map(|text| Range::parse(text).unwrap()).collect();
            cover_world(ranges.iter())
        };
        assert!(world(&["0.0.0.0/0"]) && world(&["::/0"]));
        assert!(world(&["128.0.0.0/1", "0.0.0.0/1"]));
        assert!(world(&["0.0.0.0/2", "10.0.0.0/8", "64.0.0.0/2", "128.0.0.0/1"]));
        assert!(world(&["::/1", "8000::/1"]));
        assert!(!world(&["0.0.0.0/1", "128.0.0.0/2"]));
        assert!(!world(&["0.0.0.0/1", "8000::/1"]));
        assert!(!world(&["0.0.0.0/2", "128.0.0.0/1"]));
        assert!(!world(&[]));
        for odd in ["0.0.0.0", "0.0.0.0/33", "x/1", "::/129", ""] {
            assert_eq!(Range::parse(odd), None, "{odd}");
        }
    }
}
