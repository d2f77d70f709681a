//! Reading and writing the lengths and numbers of TLS messages. No length that a server sends is trusted: whatever is
//! too short gives `None`.

/// Bytes that are read from the front.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bytes<'a>(pub &'a [u8]);

impl<'a> Bytes<'a> {
    /// The next `count` bytes.
    pub(crate) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(head)
    }

    /// A number of `width` bytes, the most significant first.
    fn number(&mut self, width: usize) -> Option<usize> {
        Some(self.take(width)?.iter().fold(0, |sum, byte| (sum << 8) | usize::from(*byte)))
    }

    /// One byte.
    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    /// Two bytes.
    pub(crate) fn u16(&mut self) -> Option<u16> {
        u16::try_from(self.number(2)?).ok()
    }

    /// Three bytes.
    pub(crate) fn u24(&mut self) -> Option<usize> {
        self.number(3)
    }

    /// What a length of one byte precedes.
    pub(crate) fn counted8(&mut self) -> Option<Bytes<'a>> {
        let length = self.number(1)?;
        self.take(length).map(Bytes)
    }

    /// What a length of two bytes precedes.
    pub(crate) fn counted16(&mut self) -> Option<Bytes<'a>> {
        let length = self.number(2)?;
        self.take(length).map(Bytes)
    }

    /// What a length of three bytes precedes.
    pub(crate) fn counted24(&mut self) -> Option<Bytes<'a>> {
        let length = self.number(3)?;
        self.take(length).map(Bytes)
    }

    /// Whether nothing is left.
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Writes two bytes.
pub(crate) fn put16(out: &mut Vec<u8>, number: u16) {
    out.extend_from_slice(&number.to_be_bytes());
}

/// Writes what `fill` writes, with its length in `width` bytes before it. What is longer than that can say is cut.
pub(crate) fn counted(out: &mut Vec<u8>, width: usize, fill: impl FnOnce(&mut Vec<u8>)) {
    let mut inner = Vec::new();
    fill(&mut inner);
    inner.truncate((1 << (8 * width)) - 1);
    let length = inner.len().to_be_bytes();
    out.extend(length.iter().skip(length.len() - width));
    out.append(&mut inner);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_written_and_read_back() {
        let mut out = Vec::new();
        counted(&mut out, 2, |out| counted(out, 1, |out| out.extend_from_slice(b"abc")));
        assert_eq!(out, b"\0\x04\x03abc");
        let mut bytes = Bytes(&out);
        let mut inner = bytes.counted16().unwrap();
        assert_eq!((inner.counted8(), bytes.is_empty()), (Some(Bytes(b"abc")), true));
    }

    #[test]
    fn what_is_too_short_is_nothing() {
        for short in [&b""[..], b"\x01", b"\x00\x05abc"] {
            assert_eq!(Bytes(short).counted16(), None);
            assert_eq!(Bytes(short).counted24(), None);
        }
        assert_eq!(Bytes(b"\x01\x02").u24(), None);
        assert_eq!(Bytes(b"\x01\x02").u16(), Some(258));
        assert_eq!(Bytes(b"\x05\x02").counted8(), None);
    }
}
