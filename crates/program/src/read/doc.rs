//! One text file and the places in it: which line and column a byte, or a character within a quoted text, has.

use std::ops::Range;

use toml::de::DeTable;

use crate::problem::{Problem, Problems};
use crate::read::table::Table;

/// Syntax errors shown of one file; those after the first few are mostly their echo.
const SYNTAX_ERRORS_MAX: usize = 3;

/// A value and the bytes of the file that say it.
#[derive(Clone, Debug)]
pub(crate) struct Said<T> {
    pub(crate) value: T,
    pub(crate) at: Range<usize>,
}

impl<T> Said<T> {
    pub(crate) fn map<U>(self, f: impl FnOnce(T) -> U) -> Said<U> {
        Said { value: f(self.value), at: self.at }
    }
}

/// A file that is being read.
pub(crate) struct Doc<'a> {
    pub(crate) file: &'a str,
    text: &'a str,
    /// The part of the text that is TOML: all of it, or the front matter.
    toml: Range<usize>,
    /// Where each line begins.
    lines: Vec<usize>,
    pub(crate) problems: &'a Problems,
}

impl<'a> Doc<'a> {
    /// A file that is TOML from beginning to end.
    pub(crate) fn new(file: &'a str, text: &'a str, problems: &'a Problems) -> Self {
        Self::part(file, text, 0..text.len(), problems)
    }

    /// A file of which a part is TOML.
    pub(crate) fn part(file: &'a str, text: &'a str, toml: Range<usize>, problems: &'a Problems) -> Self {
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { file, text, toml, lines, problems }
    }

    fn toml(&self) -> &'a str {
        self.text.get(self.toml.clone()).unwrap_or_default()
    }

    /// The parsed TOML; a file with syntax errors is read no further.
    pub(crate) fn parse(&self) -> Option<DeTable<'a>> {
        let (table, mut errors) = DeTable::parse_recoverable(self.toml());
        if errors.is_empty() {
            return Some(table.into_inner());
        }
        errors.sort_by_key(|error| error.span().map_or(usize::MAX, |span| span.start));
        errors.dedup_by_key(|error| self.place(error.span().map_or(usize::MAX, |span| span.start)).0);
        for error in errors.iter().take(SYNTAX_ERRORS_MAX) {
            let (what, expected) = error.message().split_once(", expected ").unwrap_or((error.message(), ""));
            let at = error.span().unwrap_or(self.toml.len()..self.toml.len());
            self.problem(at, format!("this is no TOML: {what}"), expected);
        }
        None
    }

    /// The outermost table.
    pub(crate) fn root<'d>(&'d self, entries: &'d DeTable<'d>) -> Table<'d> {
        Table::new(self, entries, 0..0, String::new())
    }

    /// Line and column, both from 1, of a byte of the TOML.
    pub(crate) fn place(&self, at: usize) -> (u32, u32) {
        let at = self.toml.start.saturating_add(at).min(self.text.len());
        let line = self.lines.partition_point(|start| *start <= at).max(1);
        let start = self.lines.get(line - 1).copied().unwrap_or(0);
        let column = self.text.get(start..at).map_or(at - start, |before| before.chars().count()) + 1;
        (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
    }

    fn at(&self, at: usize, what: String, expected: String) -> Problem {
        let (line, column) = self.place(at);
        Problem { file: self.file.to_owned(), line, column, what, expected }
    }

    /// Reports a problem at a place in the TOML.
    pub(crate) fn problem(&self, at: Range<usize>, what: impl Into<String>, expected: impl Into<String>) {
        self.problems.add(self.at(at.start, what.into(), expected.into()));
    }

    /// The place of a character, given by line and column from 1 within the *value* of the text at `at`: quotes and
    /// escapes are counted.
    pub(crate) fn within(&self, value: &Said<&str>, line: u32, column: u32) -> usize {
        let lines_before = value.value.split_inclusive('\n').take(line.saturating_sub(1) as usize);
        let index =
            lines_before.map(|line| line.chars().count()).sum::<usize>() + column.saturating_sub(1) as usize;
        let raw = self.toml().get(value.at.clone()).unwrap_or_default();
        let offsets = offsets(raw);
        // One place more than characters: the end.
        if offsets.len() == value.value.chars().count() + 1 {
            value.at.start + offsets.get(index).or(offsets.last()).copied().unwrap_or(0)
        } else {
            value.at.start
        }
    }

    /// Reports a problem within a quoted text.
    pub(crate) fn problem_within(
        &self,
        value: &Said<&str>,
        line: u32,
        column: u32,
        what: String,
        expected: String,
    ) {
        self.problems.add(self.at(self.within(value, line, column), what, expected));
    }

    /// Warns of something at a place in the TOML.
    pub(crate) fn warn(&self, at: usize, what: String, expected: String) {
        self.problems.warn(self.at(at, what, expected));
    }
}

/// Where each character of a quoted TOML text stands in its raw form, and where the text ends.
fn offsets(raw: &str) -> Vec<usize> {
    let (quote, escapes) = if raw.starts_with('"') { ('"', true) } else { ('\'', false) };
    let fence = if raw.starts_with("\"\"\"") || raw.starts_with("'''") { 3 } else { 1 };
    let end = raw.len().saturating_sub(fence);
    let mut offsets = Vec::new();
    let mut chars = raw.char_indices().skip(fence).take_while(|(at, _)| *at < end).peekable();
    if fence == 3 {
        // A line break right after the opening quotes does not count.
        if raw.get(fence..fence + 1) == Some("\r") {
            chars.next();
        }
        if chars.peek().is_some_and(|(_, c)| *c == '\n') {
            chars.next();
        }
    }
    while let Some((at, c)) = chars.next() {
        if !(escapes && c == '\\' && quote == '"') {
            offsets.push(at);
            continue;
        }
        let digits = match chars.next().map(|(_, c)| c) {
            Some('x') => 2,
            Some('u') => 4,
            Some('U') => 8,
            Some(c) if c.is_whitespace() => {
                while chars.peek().is_some_and(|(_, c)| c.is_whitespace()) {
                    chars.next();
                }
                continue;
            }
            Some(_) | None => 0,
        };
        for _ in 0..digits {
            chars.next();
        }
        offsets.push(at);
    }
    offsets.push(end);
    offsets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_and_line_ends_are_counted() {
        for (raw, value) in [
            (r#""ab""#, "ab"),
            (r#""a\"b\u00e9c\n""#, "a\"béc\n"),
            ("'a\\b'", "a\\b"),
            ("\"\"\"\nab\\\n   c\nd\"\"\"", "abc\nd"),
            ("'''\nab\nc'''", "ab\nc"),
        ] {
            let file = format!("x = {raw}");
            let parsed: toml::Table = file.parse().unwrap();
            assert_eq!(parsed["x"].as_str(), Some(value));
            let offsets = offsets(raw);
            assert_eq!(offsets.len(), value.chars().count() + 1, "{raw}");
            if let Some(c) = value.find('c') {
                let index = value[..c].chars().count();
                assert!(raw[offsets[index]..].starts_with('c'), "{raw}");
            }
        }
    }

    #[test]
    fn places_are_in_characters() {
        let problems = Problems::default();
        let doc = Doc::new("f", "é = 1\nx = 2\n", &problems);
        assert_eq!(doc.place(0), (1, 1));
        assert_eq!(doc.place(3), (1, 3));
        assert_eq!(doc.place(7), (2, 1));
        assert_eq!(doc.place(9_999), (3, 1));
    }
}
