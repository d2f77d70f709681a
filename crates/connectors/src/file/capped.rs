//! A limit on the length of one record of a file whose records have no line ends of their own to go by: a quote or a
//! bracket that is never closed must not bring the whole file into memory.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

/// A reader that fails when one record is too long.
pub(crate) struct Capped<R> {
    inner: R,
    mark: Mark,
}

/// Says where records begin, and counts lines.
#[derive(Clone)]
pub(crate) struct Mark {
    left: Rc<Cell<u64>>,
    lines: Rc<Cell<u64>>,
    max: u64,
}

impl<R: Read> Capped<R> {
    /// Reads records of at most `max` bytes.
    pub(crate) fn new(inner: R, max: u64) -> (Self, Mark) {
        let mark = Mark { left: Rc::new(Cell::new(max)), lines: Rc::new(Cell::new(1)), max };
        (Self { inner, mark: mark.clone() }, mark)
    }
}

impl Mark {
    /// A record begins here.
    pub(crate) fn record(&self) {
        self.left.set(self.max);
    }

    /// The line that has been read up to.
    pub(crate) fn line(&self) -> u64 {
        self.lines.get()
    }
}

impl<R: Read> Read for Capped<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.mark.left.get();
        if left == 0 {
            return Err(io::Error::other(format!("one record is longer than {} bytes", self.mark.max)));
        }
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let read = self.inner.read(buffer.get_mut(..most).unwrap_or_default())?;
        let bytes = buffer.get(..read).unwrap_or_default();
        let lines = bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
        self.mark.lines.set(self.mark.lines.get() + lines);
        self.mark.left.set(left.saturating_sub(read as u64));
        Ok(read)
    }
}
