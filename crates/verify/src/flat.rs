//! The quick way through a leaf. Almost every leaf is one flat object of short texts without escapes, integers and
//! booleans; such a text is read in one pass, without a tree of values and without being written again to see whether it
//! is canonical. Whatever is not plainly so is left to the reader of all JSON, which also says what is wrong.

/// The most members that are read so; no leaf has as many.
const MEMBERS_MAX: usize = 16;

/// A value within the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plain<'a> {
    Bool(bool),
    Int(i64),
    Text(&'a str),
}

/// The members of a flat object, by growing name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flat<'a> {
    members: [(&'a str, Plain<'a>); MEMBERS_MAX],
    count: usize,
    /// A bit for each that was taken.
    taken: u32,
}

impl<'a> Flat<'a> {
    /// Reads a text that is plainly canonical; `None` says nothing about it.
    pub fn read(text: &'a str) -> Option<Self> {
        let mut this = Self { members: [("", Plain::Bool(false)); MEMBERS_MAX], count: 0, taken: 0 };
        let mut rest = text.strip_prefix('{')?;
        let mut before = "";
        loop {
            let (name, after) = quoted(rest)?;
            if name <= before {
                return None;
            }
            before = name;
            let (value, after) = value(after.strip_prefix(':')?)?;
            *this.members.get_mut(this.count)? = (name, value);
            this.count += 1;
            rest = match after.as_bytes() {
                [b'}'] => return Some(this),
                [b',', ..] => after.get(1..)?,
                _ => return None,
            };
        }
    }

    fn place(&self, name: &str) -> Option<usize> {
        let mut members = self.members.iter().take(self.count).enumerate();
        members.find(|(place, (of, _))| *of == name && self.taken & (1 << place) == 0).map(|(place, _)| place)
    }

    /// A member, if it is there.
    pub fn look(&self, name: &str) -> Option<Plain<'a>> {
        self.members.get(self.place(name)?).map(|(_, value)| *value)
    }

    /// Takes a member, if it is there.
    pub fn take(&mut self, name: &str) -> Option<Plain<'a>> {
        let place = self.place(name)?;
        self.taken |= 1 << place;
        self.members.get(place).map(|(_, value)| *value)
    }

    /// Whether a member is there.
    pub fn has(&self, name: &str) -> bool {
        self.place(name).is_some()
    }

    /// The first of what is left.
    pub fn first(&self) -> Option<&'a str> {
        let mut members = self.members.iter().take(self.count).enumerate();
        members.find(|(place, _)| self.taken & (1 << place) == 0).map(|(_, (name, _))| *name)
    }

    /// What is left.
    pub fn rest(&self) -> impl Iterator<Item = (&'a str, Plain<'a>)> {
        let members = self.members.into_iter().take(self.count).enumerate();
        let taken = self.taken;
        members.filter(move |(place, _)| taken & (1 << place) == 0).map(|(_, member)| member)
    }
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = ONES << 7;

/// How many bytes from the beginning can stand in quotes as they are, and are ASCII. Eight are looked at at once.
fn plain(bytes: &[u8]) -> usize {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut length = 0;
    for word in words {
        let word = u64::from_le_bytes(*word);
        // The high bit of each byte that is `of`; above one that is, others may be marked too.
        let is = |of: u8| {
            let other = word ^ (ONES * u64::from(of));
            other.wrapping_sub(ONES) & !other & HIGH
        };
        let controls = word.wrapping_sub(ONES * u64::from(b' ')) & !word & HIGH;
        let ends = controls | is(b'"') | is(b'\\') | is(0x7f) | (word & HIGH);
        if ends != 0 {
            return length + (ends.trailing_zeros() / 8) as usize;
        }
        length += 8;
    }
    let ends = |byte: &u8| !matches!(byte, b' '..=b'~') || matches!(byte, b'"' | b'\\');
    length + rest.iter().position(ends).unwrap_or(rest.len())
}

/// A text in quotes at the beginning, and what follows it. It holds no escape, and nothing that would need one.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix('"')?;
    let end = plain(inner.as_bytes());
    let (within, after) = inner.split_at_checked(end)?;
    Some((within, after.strip_prefix('"')?))
}

fn value(text: &str) -> Option<(Plain<'_>, &str)> {
    match text.as_bytes().first()? {
        b'"' => quoted(text).map(|(text, after)| (Plain::Text(text), after)),
        b'0'..=b'9' => {
            let end = text.bytes().position(|byte| !byte.is_ascii_digit())?;
            let (digits, after) = text.split_at_checked(end)?;
            // Without a leading zero, and so short that it is no more than 64 bits.
            if end > 18 || (end > 1 && digits.starts_with('0')) {
                return None;
            }
            let number = digits.bytes().fold(0, |number, digit| number * 10 + i64::from(digit - b'0'));
            Some((Plain::Int(number), after))
        }
        b't' => text.strip_prefix("true").map(|after| (Plain::Bool(true), after)),
        b'f' => text.strip_prefix("false").map(|after| (Plain::Bool(false), after)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::json::{Value, read, read_canonical};

    fn tree(flat: &Flat<'_>) -> Value {
        Value::object(flat.rest().map(|(name, value)| {
            let value = match value {
                Plain::Bool(value) => Value::Bool(value),
                Plain::Int(value) => Value::Int(value),
                Plain::Text(text) => Value::text(text),
            };
            (name, value)
        }))
    }

    #[test]
    fn what_is_not_plain_is_left_to_the_other_reader() {
        let flat = Flat::read("{\"a\":1,\"b\":\"x\",\"c\":true,\"d\":false,\"e\":0}").unwrap();
        assert_eq!(flat.rest().count(), 5);
        for other in [
            "",
            "{",
            "{}",
            "{\"a\":1",
            "{\"a\":1}x",
            "{\"a\":1,}",
            "{\"b\":1,\"a\":1}",
            "{\"a\":1,\"a\":1}",
            "{\"a\":01}",
            "{\"a\":-1}",
            "{\"a\":1.5}",
            "{\"a\":1e3}",
            "{\"a\":\"\\n\"}",
            "{\"a\":\"é\"}",
            "{\"a\":\"\u{7f}\"}",
            "{\"a\":[]}",
            "{\"a\":{}}",
            "{ \"a\":1}",
            "{\"a\": 1}",
            "{\"a\":tru}",
            "{\"\":1}",
            "{\"a\":1234567890123456789}",
            "[1]",
            "{\"a\":",
        ] {
            assert!(Flat::read(other).is_none(), "{other}");
        }
    }

    proptest! {
        #[test]
        fn what_is_plain_is_found_at_any_place(bytes in proptest::collection::vec(any::<u8>(), 0..40), shown in 0..40_usize) {
            let bytes: Vec<u8> =
                bytes.iter().enumerate().map(|(at, byte)| if at < shown { 32 + byte % 2 } else { *byte }).collect();
            let slow = bytes.iter().position(|byte| !matches!(byte, b' '..=b'~') || matches!(byte, b'"' | b'\\'));
            prop_assert_eq!(plain(&bytes), slow.unwrap_or(bytes.len()));
        }

        #[test]
        fn what_it_reads_is_canonical_and_the_same(text in "\\{(\"[a-c\\\\]{0,2}\":([0-9]{1,3}|\"[ -~é]{0,3}\"|true|fals[ef]),?){0,5}\\}?") {
            if let Some(flat) = Flat::read(&text) {
                prop_assert_eq!(read_canonical(&text).unwrap(), tree(&flat));
                prop_assert_eq!(read(&text).unwrap(), tree(&flat));
            }
        }
    }
}
