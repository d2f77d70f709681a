//! What a test can say of a resource, and the other closed lists of words.

use std::fmt;
use std::ops::{Index, IndexMut};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A text that is none of the words of its list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is no {list}; expected one of {expected}")]
pub struct ParseWordError {
    word: String,
    list: &'static str,
    expected: String,
}

/// Declares a closed list of words: an enum with its text form, for files, JSON, the database and pages alike.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident, $list:literal { $($(#[$doc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$doc])* #[serde(rename = $text)] $variant),+ }

        impl $name {
            /// All of them, in their order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word in files, JSON and URLs.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = ParseWordError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    _ => Err(ParseWordError {
                        word: text.to_owned(),
                        list: $list,
                        expected: [$($text),+].join(", "),
                    }),
                }
            }
        }
    };
}

words! {
    /// A test's status for a resource, and, by the same words, a control's. The order is that of display.
    Status, "status" {
        /// The evidence is fresh and the test's expression is true.
        Pass = "pass",
        /// The test's expression is false.
        Fail = "fail",
        /// It could not be determined: denied, missing, not collected, or not enumerated completely.
        Unknown = "unknown",
        /// The evidence is older than the test allows.
        Stale = "stale",
        /// A failure that an approved, unexpired exception covers.
        Excepted = "excepted",
        /// The resource is out of the test's scope, or the population is known to be empty.
        NotApplicable = "not_applicable",
    }
}

impl Status {
    /// The small number that the database keeps; never reuse one.
    pub const fn code(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Fail => 1,
            Self::Unknown => 2,
            Self::Stale => 3,
            Self::Excepted => 4,
            Self::NotApplicable => 5,
        }
    }

    /// The status of a [`Status::code`].
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Pass),
            1 => Some(Self::Fail),
            2 => Some(Self::Unknown),
            3 => Some(Self::Stale),
            4 => Some(Self::Excepted),
            5 => Some(Self::NotApplicable),
            _ => None,
        }
    }

    /// The word for people.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Unknown => "unknown",
            Self::Stale => "stale",
            Self::Excepted => "excepted",
            Self::NotApplicable => "not applicable",
        }
    }

    /// Which of several statuses stands for all of them: a failure outweighs what is unknown, which outweighs what is
    /// stale, excepted, passing and, last, not applicable.
    pub const fn weight(self) -> u8 {
        match self {
            Self::Fail => 5,
            Self::Unknown => 4,
            Self::Stale => 3,
            Self::Excepted => 2,
            Self::Pass => 1,
            Self::NotApplicable => 0,
        }
    }

    /// The heavier of the two; see [`Status::weight`].
    #[must_use]
    pub const fn worst(self, other: Self) -> Self {
        if other.weight() > self.weight() { other } else { self }
    }
}

/// How many resources are in each status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tally {
    /// See [`Status::Pass`].
    pub pass: u64,
    /// See [`Status::Fail`].
    pub fail: u64,
    /// See [`Status::Unknown`].
    pub unknown: u64,
    /// See [`Status::Stale`].
    pub stale: u64,
    /// See [`Status::Excepted`].
    pub excepted: u64,
    /// See [`Status::NotApplicable`].
    pub not_applicable: u64,
}

impl Tally {
    /// All resources, those out of scope included.
    pub const fn all(&self) -> u64 {
        self.judged() + self.not_applicable
    }

    /// The resources in scope.
    pub const fn judged(&self) -> u64 {
        self.pass + self.fail + self.unknown + self.stale + self.excepted
    }

    /// The statuses with their counts, in the order of display.
    pub fn parts(&self) -> impl Iterator<Item = (Status, u64)> + '_ {
        Status::ALL.iter().map(|status| (*status, self[*status]))
    }
}

impl Index<Status> for Tally {
    type Output = u64;
    fn index(&self, status: Status) -> &u64 {
        match status {
            Status::Pass => &self.pass,
            Status::Fail => &self.fail,
            Status::Unknown => &self.unknown,
            Status::Stale => &self.stale,
            Status::Excepted => &self.excepted,
            Status::NotApplicable => &self.not_applicable,
        }
    }
}

impl IndexMut<Status> for Tally {
    fn index_mut(&mut self, status: Status) -> &mut u64 {
        match status {
            Status::Pass => &mut self.pass,
            Status::Fail => &mut self.fail,
            Status::Unknown => &mut self.unknown,
            Status::Stale => &mut self.stale,
            Status::Excepted => &mut self.excepted,
            Status::NotApplicable => &mut self.not_applicable,
        }
    }
}

words! {
    /// How much a failure of a test matters. `info` is advice: it never changes a control's status.
    Severity, "severity" {
        /// Advice.
        Info = "info",
        /// Low.
        Low = "low",
        /// Medium.
        Medium = "medium",
        /// High.
        High = "high",
        /// Critical.
        Critical = "critical",
    }
}

words! {
    /// Where in the life of an incident a control works; the functions of the NIST CSF without `govern`.
    Layer, "layer" {
        /// Knows what there is.
        Identify = "identify",
        /// Keeps it from happening.
        Protect = "protect",
        /// Notices that it happens.
        Detect = "detect",
        /// Deals with it.
        Respond = "respond",
        /// Brings things back.
        Recover = "recover",
    }
}

words! {
    /// How much of a requirement a control or test answers.
    Coverage, "coverage" {
        /// All of it.
        Full = "full",
        /// A part of it.
        Partial = "partial",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_codes_come_back() {
        for status in Status::ALL {
            assert_eq!(status.as_str().parse(), Ok(*status));
            assert_eq!(Status::from_code(status.code()), Some(*status));
        }
        assert_eq!(
            "green".parse::<Status>().unwrap_err().to_string(),
            "`green` is no status; expected one of pass, fail, unknown, stale, excepted, not_applicable"
        );
    }

    #[test]
    fn unknown_outweighs_pass() {
        assert_eq!(Status::Pass.worst(Status::Unknown), Status::Unknown);
        assert_eq!(Status::Unknown.worst(Status::Fail), Status::Fail);
        assert_eq!(Status::NotApplicable.worst(Status::Pass), Status::Pass);
    }
}
