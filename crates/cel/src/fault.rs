//! What is wrong with an expression, and where.

use std::fmt;

use crate::syntax::Refusal;

/// One mistake in an expression or template.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// The line within the text, from 1.
    pub line: u32,
    /// The column within the line, in characters, from 1.
    pub column: u32,
    /// What is wrong.
    pub what: String,
    /// What was expected.
    pub expected: String,
}

impl Fault {
    /// A fault at a byte of `text`.
    pub(crate) fn at(text: &str, at: usize, what: impl Into<String>, expected: impl Into<String>) -> Self {
        let before = text.get(..at.min(text.len())).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Self { line: line as u32, column: column as u32, what: what.into(), expected: expected.into() }
    }

    pub(crate) fn refusal(text: &str, from: usize, refusal: Refusal) -> Self {
        Self::at(text, from + refusal.at, refusal.what, refusal.expected)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; expected {}", self.what, self.expected)
    }
}

impl std::error::Error for Fault {}
