//! Writes a record's buffer, and collects what does not fit on the way.

use octro_model::UnknownReason;

use super::bytes::{Slot, WORD, why_byte};
use super::misfit::{Misfit, Part};
use crate::layout::Fields;

/// The most misfits that are told of one body.
const MISFITS_MAX: usize = 50;
/// How many characters of a reason's detail are kept.
const DETAIL_MAX: usize = 500;

/// A step on the way to the value that is being read.
pub(crate) enum Step<'s> {
    Field(&'s str),
    Index(usize),
    /// A map's key, which stands in the buffer from the first to the second place.
    Key(usize, usize),
}

/// The buffer being written.
#[derive(Default)]
pub(crate) struct Writer<'s> {
    pub(crate) bytes: Vec<u8>,
    pub(crate) way: Vec<Step<'s>>,
    pub(crate) misfits: Vec<Misfit>,
}

impl<'s> Writer<'s> {
    /// Begins an object: a table in which nothing is set. Gives its start.
    pub(crate) fn table(&mut self, fields: &Fields, unset: Slot) -> usize {
        let start = self.bytes.len();
        for _ in 0..fields.all.len() {
            self.bytes.extend_from_slice(&unset.word().to_le_bytes());
        }
        start
    }

    /// Sets a word of the table of the object that began at `start`.
    pub(crate) fn set(&mut self, start: usize, number: usize, slot: Slot) {
        let place = start + number * WORD;
        if let Some(word) = self.bytes.get_mut(place..place + WORD) {
            word.copy_from_slice(&slot.word().to_le_bytes());
        }
    }

    pub(crate) fn varint(&mut self, value: u64) {
        let (bytes, length) = varint_bytes(value);
        self.bytes.extend_from_slice(bytes.get(..length).unwrap_or_default());
    }

    pub(crate) fn int(&mut self, value: i64) {
        self.varint((value << 1 ^ value >> 63) as u64);
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.varint(text.len() as u64);
        self.bytes.extend_from_slice(text.as_bytes());
    }

    pub(crate) fn reason(&mut self, reason: &UnknownReason) {
        self.bytes.push(why_byte(reason.why));
        let detail: String = reason.detail.chars().take(DETAIL_MAX).collect();
        self.text(&detail);
    }

    /// Puts a number in front of what was written since `start`.
    pub(crate) fn before(&mut self, start: usize, number: u64) {
        let (bytes, length) = varint_bytes(number);
        let end = self.bytes.len();
        self.bytes.resize(end + length, 0);
        self.bytes.copy_within(start..end, start + length);
        if let Some(place) = self.bytes.get_mut(start..start + length) {
            place.copy_from_slice(bytes.get(..length).unwrap_or_default());
        }
    }

    /// Puts the length of what was written since `start` in front of it.
    pub(crate) fn close(&mut self, start: usize) {
        self.before(start, (self.bytes.len() - start) as u64);
    }

    /// Notes that what is being read does not fit.
    pub(crate) fn misfit(&mut self, part: Part, what: impl Into<String>, expected: impl Into<String>) {
        if self.misfits.len() < MISFITS_MAX {
            let path = self.path();
            self.misfits.push(Misfit { part, path, what: what.into(), expected: expected.into() });
        }
    }

    fn path(&self) -> String {
        let mut path = String::new();
        for step in &self.way {
            match step {
                Step::Field(name) => {
                    if !path.is_empty() {
                        path.push('.');
                    }
                    path.push_str(name);
                }
                Step::Index(index) => path.push_str(&format!("[{index}]")),
                Step::Key(from, to) => {
                    let key = self.bytes.get(*from..*to).unwrap_or_default();
                    let key: String = String::from_utf8_lossy(key).chars().take(60).collect();
                    path.push_str(&format!("['{key}']"));
                }
            }
        }
        path
    }
}

/// The fields of an object that were given already.
pub(crate) struct Seen {
    first: u128,
    more: Vec<usize>,
}

impl Seen {
    pub(crate) fn new() -> Self {
        Self { first: 0, more: Vec::new() }
    }

    /// Notes a field; true if it was given before.
    pub(crate) fn again(&mut self, number: usize) -> bool {
        match u32::try_from(number).ok().and_then(|number| 1_u128.checked_shl(number)) {
            Some(bit) => {
                let again = self.first & bit != 0;
                self.first |= bit;
                again
            }
            None => {
                let again = self.more.contains(&number);
                self.more.push(number);
                again
            }
        }
    }
}

fn varint_bytes(mut value: u64) -> ([u8; 10], usize) {
    let mut bytes = [0; 10];
    let mut length = 0;
    for byte in &mut bytes {
        *byte = (value & 0x7f) as u8;
        length += 1;
        value >>= 7;
        if value == 0 {
            break;
        }
        *byte |= 0x80;
    }
    (bytes, length)
}
