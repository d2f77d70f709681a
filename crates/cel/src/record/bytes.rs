//! Reads a record's buffer. Everything is checked, so that even a record read with a wrong layout only gives a wrong
//! or unknown value.

use octro_model::Why;

use crate::layout::Shape;

/// The size of a word of an object's table.
pub(crate) const WORD: usize = 4;

/// What a word of the table says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Slot {
    /// Nobody asked.
    NotCollected,
    /// Not set.
    Absent,
    /// A boolean.
    Bool(bool),
    /// A value that stands there.
    At(usize),
    /// Unknown; the reason stands there.
    Reason(usize),
}

impl Slot {
    /// As a word.
    pub(crate) fn word(self) -> u32 {
        match self {
            Self::NotCollected => 0,
            Self::Absent => 1,
            Self::Bool(value) => 2 + u32::from(value),
            Self::At(place) => (place as u32) << 3 | 4,
            Self::Reason(place) => (place as u32) << 3 | 5,
        }
    }
}

/// The word of field `number` of an object.
#[inline]
pub(crate) fn slot(object: &[u8], number: usize) -> Slot {
    let start = number * WORD;
    let Some(&[a, b, c, d]) = object.get(start..start + WORD) else { return Slot::NotCollected };
    let word = u32::from_le_bytes([a, b, c, d]);
    match word & 7 {
        1 => Slot::Absent,
        2 => Slot::Bool(false),
        3 => Slot::Bool(true),
        4 => Slot::At((word >> 3) as usize),
        5 => Slot::Reason((word >> 3) as usize),
        _ => Slot::NotCollected,
    }
}

/// How a value is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decode {
    Bool,
    Int,
    Float,
    Text,
    Time,
    Span,
    List,
    Map,
    Object,
}

impl From<&Shape> for Decode {
    fn from(shape: &Shape) -> Self {
        match shape {
            Shape::Bool => Self::Bool,
            Shape::Int => Self::Int,
            Shape::Float => Self::Float,
            Shape::Text => Self::Text,
            Shape::Time => Self::Time,
            Shape::Span => Self::Span,
            Shape::List(_) => Self::List,
            Shape::Map(_) => Self::Map,
            Shape::Object(_) => Self::Object,
        }
    }
}

/// A value in the buffer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Stored<'a> {
    Bool(bool),
    Int(i64),
    Float(f64),
    /// UTF-8: it was a text when it was written.
    Text(&'a [u8]),
    Time(i64),
    Span(i64),
    List(&'a [u8]),
    Map(&'a [u8]),
    Object(&'a [u8]),
}

/// The value of field `number` of an object, if it has one.
#[inline]
pub(crate) fn field(object: &[u8], number: usize, decode: Decode) -> Result<Stored<'_>, Slot> {
    match slot(object, number) {
        Slot::Bool(value) => Ok(Stored::Bool(value)),
        Slot::At(place) => value(object.get(place..).unwrap_or_default(), decode)
            .map(|(value, _)| value)
            .ok_or(Slot::NotCollected),
        other @ (Slot::NotCollected | Slot::Absent | Slot::Reason(_)) => Err(other),
    }
}

/// A value at the start of `bytes`, and what follows it.
#[inline]
pub(crate) fn value(bytes: &[u8], decode: Decode) -> Option<(Stored<'_>, &[u8])> {
    Some(match decode {
        Decode::Text => {
            let (body, rest) = sized(bytes)?;
            (Stored::Text(body), rest)
        }
        Decode::Bool => {
            let (first, rest) = bytes.split_first()?;
            (Stored::Bool(*first != 0), rest)
        }
        Decode::Int => {
            let (word, rest) = varint(bytes)?;
            (Stored::Int((word >> 1) as i64 ^ -((word & 1) as i64)), rest)
        }
        Decode::Float => {
            let (word, rest) = bytes.split_first_chunk::<8>()?;
            (Stored::Float(f64::from_le_bytes(*word)), rest)
        }
        Decode::Time => {
            let (word, rest) = bytes.split_first_chunk::<8>()?;
            (Stored::Time(i64::from_le_bytes(*word)), rest)
        }
        Decode::Span => {
            let (word, rest) = bytes.split_first_chunk::<8>()?;
            (Stored::Span(i64::from_le_bytes(*word)), rest)
        }
        Decode::List => {
            let (body, rest) = sized(bytes)?;
            (Stored::List(body), rest)
        }
        Decode::Map => {
            let (body, rest) = sized(bytes)?;
            (Stored::Map(body), rest)
        }
        Decode::Object => {
            let (body, rest) = sized(bytes)?;
            (Stored::Object(body), rest)
        }
    })
}

/// A length and as many bytes.
#[inline]
pub(crate) fn sized(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = varint(bytes)?;
    rest.split_at_checked(usize::try_from(length).ok()?)
}

/// A number in as few bytes as it needs, seven bits each.
#[inline]
pub(crate) fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (first, mut rest) = bytes.split_first()?;
    let mut value = u64::from(*first & 0x7f);
    let mut more = *first & 0x80 != 0;
    let mut shift = 7;
    while more {
        let (next, tail) = rest.split_first()?;
        value |= u64::from(*next & 0x7f).checked_shl(shift)?;
        more = *next & 0x80 != 0;
        rest = tail;
        shift += 7;
    }
    Some((value, rest))
}

/// The elements of a list.
#[derive(Clone, Debug)]
pub(crate) struct Items<'a> {
    rest: &'a [u8],
    left: u64,
    decode: Decode,
}

impl<'a> Items<'a> {
    #[inline]
    pub(crate) fn new(list: &'a [u8], decode: Decode) -> Self {
        let (left, rest) = varint(list).unwrap_or((0, &[]));
        Self { rest, left, decode }
    }

    pub(crate) fn len(&self) -> u64 {
        self.left
    }
}

impl<'a> Iterator for Items<'a> {
    type Item = Stored<'a>;
    #[inline]
    fn next(&mut self) -> Option<Stored<'a>> {
        self.left = self.left.checked_sub(1)?;
        let (value, rest) = value(self.rest, self.decode)?;
        self.rest = rest;
        Some(value)
    }
}

/// The entries of a map, by key.
#[derive(Clone, Debug)]
pub(crate) struct Entries<'a> {
    rest: &'a [u8],
    left: u64,
    decode: Decode,
}

impl<'a> Entries<'a> {
    pub(crate) fn new(map: &'a [u8], decode: Decode) -> Self {
        let (left, rest) = varint(map).unwrap_or((0, &[]));
        Self { rest, left, decode }
    }

    pub(crate) fn len(&self) -> u64 {
        self.left
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = (&'a [u8], Stored<'a>);
    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let (key, rest) = sized(self.rest)?;
        let (value, rest) = value(rest, self.decode)?;
        self.rest = rest;
        Some((key, value))
    }
}

/// A map's value of a key. The keys are sorted.
#[inline]
pub(crate) fn entry<'a>(map: &'a [u8], key: &[u8], decode: Decode) -> Option<Stored<'a>> {
    let (left, mut rest) = varint(map)?;
    for _ in 0..left {
        let (found, tail) = sized(rest)?;
        match found.cmp(key) {
            std::cmp::Ordering::Equal => return value(tail, decode).map(|(value, _)| value),
            std::cmp::Ordering::Greater => return None,
            std::cmp::Ordering::Less => rest = value(tail, decode)?.1,
        }
    }
    None
}

/// The classes of reasons, as they are kept.
const WHYS: [Why; 6] =
    [Why::Denied, Why::Throttled, Why::TimedOut, Why::Failed, Why::NotCollected, Why::Unsupported];

/// A class of reasons as a byte.
pub(crate) fn why_byte(why: Why) -> u8 {
    WHYS.iter().position(|one| *one == why).unwrap_or(0) as u8
}

/// The reason at the start of `bytes`, and all bytes that it takes.
pub(crate) fn reason(bytes: &[u8]) -> Option<(Why, &str)> {
    let (why, rest) = bytes.split_first()?;
    let (detail, _) = sized(rest)?;
    Some((WHYS.get(usize::from(*why)).copied()?, std::str::from_utf8(detail).ok()?))
}
