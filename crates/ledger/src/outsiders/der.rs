//! As much of DER (X.690) as time stamps need: elements are written whole, and read without looking into what nobody
//! asked about. Lengths are bounded by the bytes that are there.

/// The tags that are used.
pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const NULL: u8 = 0x05;
pub(super) const OBJECT_ID: u8 = 0x06;
pub(super) const UTF8_STRING: u8 = 0x0c;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;
/// `[0]`, with an element in it.
pub(super) const CONTEXT_0: u8 = 0xa0;

/// An element.
pub(super) fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let digits =
        length.iter().position(|byte| *byte != 0).and_then(|at| length.get(at..)).unwrap_or_default();
    let mut bytes = vec![tag];
    if content.len() < 0x80 {
        bytes.push(u8::try_from(content.len()).unwrap_or(0));
    } else {
        bytes.push(0x80 | u8::try_from(digits.len()).unwrap_or(0));
        bytes.extend(digits);
    }
    bytes.extend(content);
    bytes
}

/// Elements one behind another, that are read from the front.
#[derive(Clone, Copy, Debug)]
pub(super) struct Elements<'a>(pub &'a [u8]);

impl<'a> Elements<'a> {
    /// The next element: its tag, its content, and all its bytes.
    pub fn next(&mut self) -> Option<(u8, &'a [u8], &'a [u8])> {
        let (tag, rest) = self.0.split_first()?;
        let (first, rest) = rest.split_first()?;
        // Tags of more than one byte are not among those that are asked for.
        if tag & 0x1f == 0x1f {
            return None;
        }
        let (length, rest) = match first {
            0..=0x7f => (usize::from(*first), rest),
            0x81..=0x84 => {
                let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                let length = digits.iter().fold(0_usize, |length, digit| (length << 8) | usize::from(*digit));
                // Each length has one form.
                if length < 0x80 || digits.first() == Some(&0) {
                    return None;
                }
                (length, rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        let whole = self.0.get(..self.0.len() - rest.len())?;
        self.0 = rest;
        Some((*tag, content, whole))
    }

    /// The content of the next element, if it has this tag.
    pub fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        let mut after = *self;
        let (found, content, _) = after.next()?;
        if found != tag {
            return None;
        }
        *self = after;
        Some(content)
    }

    /// The elements within the next one, if it has this tag.
    pub fn enter(&mut self, tag: u8) -> Option<Self> {
        self.take(tag).map(Elements)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for length in [0, 1, 127, 128, 255, 256, 65_535, 65_536] {
            let bytes = element(OCTET_STRING, &vec![7; length]);
            let mut elements = Elements(&bytes);
            assert_eq!(elements.take(INTEGER), None);
            assert_eq!(elements.take(OCTET_STRING).unwrap().len(), length);
            assert!(elements.0.is_empty());
            for short in [0, 1, bytes.len() - 1] {
                assert!(Elements(&bytes[..short.min(bytes.len() - 1)]).next().is_none());
            }
        }
        for wrong in [
            &[4, 0x80][..],
            &[4, 0x81, 5, 1, 2, 3, 4, 5],
            &[4, 0x82, 0, 0x80],
            &[0x1f, 1, 0],
            &[4, 0x85, 1, 1, 1, 1, 1],
        ] {
            assert!(Elements(wrong).next().is_none(), "{wrong:?}");
        }
    }
}
