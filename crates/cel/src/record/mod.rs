//! Records: what is known of one resource, in one buffer.
//!
//! A record is an object: a table with one 32-bit word for each attribute of the kind, by its number, then what the
//! words point to. A word's lowest three bits say what it is (see [`Slot`]); booleans fit into it, everything else is
//! a place counted from the start of the object. Texts, lists, maps and objects inside begin with their length, so
//! that they can be skipped and copied without knowing what they hold. An object inside is built the same way.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a value of any other shape than the one asked for does not fit"
)]

mod body;
mod bytes;
mod json;
mod merge;
mod misfit;
mod seed;
mod text;
mod texts;
mod write;

#[cfg(test)]
pub(crate) mod tests;

use std::collections::BTreeMap;

use octro_model::UnknownReason;
use serde_json::{Map, Value};

pub(crate) use bytes::{Decode, Entries, Items, Slot, Stored, entry, field, slot};
pub(crate) use json::{field_reading, not_collected, stored_json};
pub use misfit::{Misfit, Part};
pub(crate) use text::micros;

use crate::layout::Layout;

/// The longest body that is read, and the largest record that is kept, in bytes.
pub const RECORD_MAX: usize = 4 << 20;

/// What is known of one resource. It makes sense only together with the layout that it was made with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record(pub(crate) Box<[u8]>);

/// What a record says of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum Reading {
    /// It has a value.
    Value(Value),
    /// The system says that it is not set.
    Absent,
    /// It could not be determined.
    Unknown(UnknownReason),
}

impl Record {
    /// Reads `{"attributes": {..}, "unknown": {"name": {"why": "denied", "detail": ".."}}}`. `null` means absent; an
    /// attribute in neither is unknown: not collected. A field of an object inside that is not given is absent,
    /// because an object is read as a whole.
    pub fn parse(layout: &Layout, body: &[u8]) -> Result<Self, Vec<Misfit>> {
        seed::parse(layout, body)
    }

    /// The same from values that are already apart.
    pub fn encode(
        layout: &Layout,
        attributes: &Map<String, Value>,
        unknown: &BTreeMap<String, UnknownReason>,
    ) -> Result<Self, Vec<Misfit>> {
        seed::encode(layout, attributes, unknown)
    }

    /// Nothing is known: no attribute was collected.
    pub fn empty(layout: &Layout) -> Self {
        Self(vec![0; layout.fields().all.len() * bytes::WORD].into_boxed_slice())
    }

    /// What several sources know together: each attribute from the first record that has a value or says that it is
    /// absent; if none does, the first record's reason.
    pub fn merge(layout: &Layout, newest_first: &[&Self]) -> Self {
        merge::merge(layout, newest_first)
    }

    /// What is known of an attribute, or of a field inside: `a.b`, or `rules[].sse` for a list of all elements'
    /// values. An attribute that the kind does not have is unknown.
    pub fn reading(&self, layout: &Layout, name: &str) -> Reading {
        json::reading(self, layout, name)
    }

    /// Gives `take` each text (UTF-8) in an attribute or a field inside: the text itself, or those of a list.
    pub fn each_text(&self, layout: &Layout, name: &str, take: &mut dyn FnMut(&[u8])) {
        texts::each(self, layout, name, take);
    }

    /// The size of its buffer in bytes.
    pub fn size(&self) -> usize {
        self.0.len()
    }
}
