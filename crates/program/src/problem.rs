//! Problems of program files. Reading never stops at the first one: everything that is wrong is collected, so that an
//! author mends a program in one round.

use std::cell::{Cell, RefCell};
use std::fmt;

use serde::Serialize;

/// A program that is broken in more places than this is not read to its end by anyone.
const PROBLEMS_MAX: usize = 1_000;

/// Something wrong in a file: where, what, and what was expected.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Problem {
    /// The file's path in the program folder, with `/`.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
    /// What is wrong.
    pub what: String,
    /// What was expected; empty if `what` says it all.
    pub expected: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.what)?;
        if self.expected.is_empty() { Ok(()) } else { write!(f, "; expected {}", self.expected) }
    }
}

/// The problems and warnings found so far. Shared by everything that reads, hence the inner mutability.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    found: RefCell<Vec<Problem>>,
    warnings: RefCell<Vec<Problem>>,
    dropped: Cell<usize>,
    lenient: bool,
}

impl Problems {
    /// For files that were checked when they were stored: keys that nobody asks for any more are no problem.
    pub(crate) fn lenient() -> Self {
        Self { lenient: true, ..Self::default() }
    }

    pub(crate) const fn is_lenient(&self) -> bool {
        self.lenient
    }

    pub(crate) fn add(&self, problem: Problem) {
        let mut found = self.found.borrow_mut();
        if found.len() < PROBLEMS_MAX {
            found.push(problem);
        } else {
            self.dropped.set(self.dropped.get() + 1);
        }
    }

    pub(crate) fn warn(&self, warning: Problem) {
        let mut warnings = self.warnings.borrow_mut();
        if warnings.len() < PROBLEMS_MAX {
            warnings.push(warning);
        }
    }

    /// A problem of a file as a whole.
    pub(crate) fn file(&self, file: &str, what: impl Into<String>, expected: impl Into<String>) {
        self.add(whole(file, what.into(), expected.into()));
    }

    /// A warning about a file as a whole.
    pub(crate) fn warn_file(&self, file: &str, what: impl Into<String>, expected: impl Into<String>) {
        self.warn(whole(file, what.into(), expected.into()));
    }

    /// How many there are: reading something compares before and after to know whether it went well.
    pub(crate) fn count(&self) -> usize {
        self.found.borrow().len() + self.dropped.get()
    }

    /// Problems and warnings, each in the order of files and lines.
    pub(crate) fn finish(self) -> (Vec<Problem>, Vec<Problem>) {
        let (mut found, mut warnings) = (self.found.into_inner(), self.warnings.into_inner());
        found.sort();
        found.dedup();
        warnings.sort();
        warnings.dedup();
        if self.dropped.get() > 0
            && let Some(last) = found.last().cloned()
        {
            let what = format!("{} more problems are not shown", self.dropped.get());
            found.push(Problem { what, expected: String::new(), ..last });
        }
        (found, warnings)
    }
}

fn whole(file: &str, what: String, expected: String) -> Problem {
    Problem { file: file.to_owned(), line: 1, column: 1, what, expected }
}
