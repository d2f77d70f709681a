//! Patterns over whole keys: `*` is any run of characters, `?` is any one, everything else is itself.

use std::fmt;

use serde::{Serialize, Serializer};

/// A pattern that a whole key matches or does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob(String);

impl Glob {
    /// A pattern; every text is one.
    pub fn new(pattern: impl Into<String>) -> Self {
        Self(pattern.into())
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it matches one key only.
    pub fn is_exact(&self) -> bool {
        !self.0.contains(['*', '?'])
    }

    /// Whether the whole of `key` matches. Time grows with the product of the two lengths at worst.
    pub fn matches(&self, key: &str) -> bool {
        let (mut pattern, mut rest) = (self.0.chars(), key.chars());
        // Where to go on when the last `*` has to take in one character more.
        let mut again: Option<(std::str::Chars<'_>, std::str::Chars<'_>)> = None;
        loop {
            let at_rest = rest.clone();
            match (pattern.next(), rest.next()) {
                (Some('*'), _) => {
                    rest = at_rest;
                    again = Some((pattern.clone(), rest.clone()));
                    continue;
                }
                (Some('?'), Some(_)) => continue,
                (Some(a), Some(b)) if a == b => continue,
                (None, None) => return true,
                (Some(_), _) | (None, Some(_)) => {}
            }
            let Some((after_star, from)) = &mut again else { return false };
            if from.next().is_none() {
                return false;
            }
            pattern = after_star.clone();
            rest = from.clone();
        }
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl Serialize for Glob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_anchored() {
        let cases = [
            ("build-*:swap", "build-7:swap", true),
            ("build-*:swap", "build-7:swap:2", false),
            ("build-*:swap", "a-build-7:swap", false),
            ("*", "", true),
            ("*", "anything", true),
            ("", "", true),
            ("", "x", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*a*b", "xaybzb", true),
            ("*a*b", "xaybz", false),
            ("[a].+", "[a].+", true),
            ("[a].+", "a..", false),
            ("é?", "éü", true),
            ("a*", "b", false),
        ];
        for (pattern, key, expected) in cases {
            assert_eq!(Glob::new(pattern).matches(key), expected, "{pattern} over {key}");
        }
    }

    #[test]
    fn many_stars_end_in_time() {
        assert!(!Glob::new("*a".repeat(60) + "b").matches(&"a".repeat(2_000)));
    }
}
