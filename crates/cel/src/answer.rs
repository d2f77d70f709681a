//! What an evaluation gives.

use octro_model::{Id, Timestamp};

use crate::record::Reading;

/// True, false, or not to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Truth {
    /// It holds.
    True,
    /// It does not hold.
    False,
    /// What is known does not decide it.
    Unknown,
}

impl std::ops::Not for Truth {
    type Output = Self;
    fn not(self) -> Self {
        match self {
            Self::True => Self::False,
            Self::False => Self::True,
            Self::Unknown => Self::Unknown,
        }
    }
}

impl From<bool> for Truth {
    fn from(value: bool) -> Self {
        if value { Self::True } else { Self::False }
    }
}

/// An answer and how long it lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The answer.
    pub truth: Truth,
    /// The first later moment at which it may be another by the passing of time alone; [`Timestamp::MAX`] if never.
    /// Until then (exclusively) it is certainly the same.
    pub flips_at: Timestamp,
}

/// Something that an evaluation read.
#[derive(Clone, Debug, PartialEq)]
pub struct Fact {
    /// The kind of the resource that it was read from.
    pub kind: Id,
    /// Its key; empty for the subject itself. For a resource found through `refs`, its number
    /// among them, `#1`; `*` for those that may be there and were not found.
    pub key: String,
    /// The attribute and the way inside, `rules[0].sse`; empty for the resource as a whole.
    pub path: String,
    /// What was there.
    pub reading: Reading,
}
