//! Lines out of a stream of bytes, none of them longer than is allowed: a line without an end costs no memory.

use crate::Stopped;

/// One line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    /// Its bytes without white space around them; never empty.
    Text(&'a [u8]),
    /// It is longer than is allowed; its bytes were dropped.
    TooLong,
}

/// What is done with each line, and its number from 1.
pub(crate) type Each<'a> = dyn FnMut(u64, Line<'_>) -> Result<(), Stopped> + 'a;

/// Cuts a stream into lines.
pub(crate) struct Lines {
    partial: Vec<u8>,
    number: u64,
    max: usize,
    is_too_long: bool,
}

impl Lines {
    /// Lines of at most `max` bytes.
    pub(crate) const fn new(max: usize) -> Self {
        Self { partial: Vec::new(), number: 0, max, is_too_long: false }
    }

    /// Takes the next bytes of the stream. Empty lines are counted and left out.
    pub(crate) fn feed(&mut self, mut chunk: &[u8], each: &mut Each<'_>) -> Result<(), Stopped> {
        while let Some(end) = chunk.iter().position(|byte| *byte == b'\n') {
            let (head, tail) = chunk.split_at(end);
            self.extend(head);
            self.emit(each)?;
            chunk = tail.get(1..).unwrap_or_default();
        }
        self.extend(chunk);
        Ok(())
    }

    /// The stream is over: what follows the last line end is a line too.
    pub(crate) fn end(&mut self, each: &mut Each<'_>) -> Result<(), Stopped> {
        if self.partial.is_empty() && !self.is_too_long { Ok(()) } else { self.emit(each) }
    }

    fn extend(&mut self, bytes: &[u8]) {
        if self.is_too_long || self.partial.len() + bytes.len() > self.max {
            self.is_too_long = true;
            self.partial.clear();
        } else {
            self.partial.extend_from_slice(bytes);
        }
    }

    fn emit(&mut self, each: &mut Each<'_>) -> Result<(), Stopped> {
        self.number += 1;
        let done = if self.is_too_long {
            each(self.number, Line::TooLong)
        } else {
            let text = self.partial.as_slice();
            // Some programs begin a file with a byte order mark.
            let text =
                if self.number == 1 { text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text) } else { text };
            let text = text.trim_ascii();
            if text.is_empty() { Ok(()) } else { each(self.number, Line::Text(text)) }
        };
        self.partial.clear();
        self.is_too_long = false;
        done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(chunks: &[&[u8]], max: usize) -> Vec<(u64, Option<Vec<u8>>)> {
        let mut lines = Lines::new(max);
        let mut got = Vec::new();
        let mut each = |number: u64, line: Line<'_>| {
            got.push((
                number,
                match line {
                    Line::Text(text) => Some(text.to_vec()),
                    Line::TooLong => None,
                },
            ));
            Ok(())
        };
        for chunk in chunks {
            lines.feed(chunk, &mut each).unwrap();
        }
        lines.end(&mut each).unwrap();
        got
    }

    #[test]
    fn lines_are_found_wherever_the_chunks_are_cut() {
        let text = b"\xef\xbb\xbfab\r\n\nc\nlast";
        let whole = vec![(1, Some(b"ab".to_vec())), (3, Some(b"c".to_vec())), (4, Some(b"last".to_vec()))];
        for at in 0..=text.len() {
            let (a, b) = text.split_at(at);
            assert_eq!(cut(&[a, b], 10), whole, "cut at {at}");
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_named_and_the_next_one_read() {
        assert_eq!(
            cut(&[b"0123", b"456789", b"x\nok\n", b"01234567890"], 10),
            [(1, None), (2, Some(b"ok".to_vec())), (3, None)]
        );
    }
}
