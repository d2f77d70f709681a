//! What does not fit its kind.

use std::fmt;

/// The part of an observation's body in which something does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The body as a whole.
    Body,
    /// A value in `attributes`.
    Attributes,
    /// A reason in `unknown`.
    Unknown,
}

/// One thing that does not fit its kind: where, what it is, and what was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// Where in the body.
    pub part: Part,
    /// The attribute and the way inside, `rules[2].sse`; empty for the part as a whole.
    pub path: String,
    /// What is there.
    pub what: String,
    /// What should be there.
    pub expected: String,
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.part, self.path.is_empty()) {
            (Part::Body, true) => f.write_str("body")?,
            (Part::Body, false) => f.write_str(&self.path)?,
            (Part::Attributes, true) => f.write_str("attributes")?,
            (Part::Attributes, false) => write!(f, "attributes.{}", self.path)?,
            (Part::Unknown, true) => f.write_str("unknown")?,
            (Part::Unknown, false) => write!(f, "unknown.{}", self.path)?,
        }
        write!(f, ": {}; expected {}", self.what, self.expected)
    }
}

impl std::error::Error for Misfit {}
