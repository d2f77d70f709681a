//! Reads JSON straight into a record's buffer: no tree of values in between. What does not fit is noted and passed
//! over, so that all misfits of a body are told at once.

use std::collections::BTreeMap;
use std::fmt;

use octro_model::UnknownReason;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::bytes::Slot;
use super::misfit::{Misfit, Part};
use super::text::{expected, micros};
use super::write::{Seen, Step, Writer};
use super::{RECORD_MAX, Record, body};
use crate::layout::{Fields, Layout, Shape};
use crate::near::near;

/// See [`Record::parse`].
pub(crate) fn parse(layout: &Layout, text: &[u8]) -> Result<Record, Vec<Misfit>> {
    if text.len() > RECORD_MAX {
        return Err(vec![too_large(text.len())]);
    }
    let mut writer = begin(layout, text.len());
    let mut json = serde_json::Deserializer::from_slice(text);
    let read = body::Body { writer: &mut writer, fields: layout.fields() }.deserialize(&mut json);
    if let Err(error) = read.and_then(|()| json.end()) {
        writer.way.clear();
        writer.misfit(Part::Body, error.to_string(), "JSON: {\"attributes\": {...}, \"unknown\": {...}}");
    }
    finish(writer)
}

/// See [`Record::encode`].
pub(crate) fn encode(
    layout: &Layout,
    attributes: &Map<String, Value>,
    unknown: &BTreeMap<String, UnknownReason>,
) -> Result<Record, Vec<Misfit>> {
    let mut writer = begin(layout, 256);
    let fields = layout.fields();
    let mut seen = Seen::new();
    for (name, value) in attributes {
        let Some((number, field)) =
            fields.place(name).and_then(|number| Some((number, fields.all.get(number)?)))
        else {
            undeclared(&mut writer, Part::Attributes, fields, name);
            continue;
        };
        writer.way.push(Step::Field(&field.name));
        let slot = In { writer: &mut writer, shape: &field.shape }.deserialize(value);
        if let Ok(Some(slot)) = slot {
            writer.set(0, number, slot);
        }
        writer.way.pop();
        seen.again(number);
    }
    for (name, reason) in unknown {
        body::unknown(&mut writer, fields, &mut seen, name, reason);
    }
    finish(writer)
}

fn begin(layout: &Layout, size: usize) -> Writer<'_> {
    let mut writer = Writer { bytes: Vec::with_capacity(size), ..Writer::default() };
    writer.table(layout.fields(), Slot::NotCollected);
    writer
}

fn finish(mut writer: Writer<'_>) -> Result<Record, Vec<Misfit>> {
    if writer.bytes.len() > RECORD_MAX {
        writer.misfits.push(too_large(writer.bytes.len()));
    }
    if writer.misfits.is_empty() { Ok(Record(writer.bytes.into_boxed_slice())) } else { Err(writer.misfits) }
}

fn too_large(size: usize) -> Misfit {
    let expected = format!("at most {RECORD_MAX} bytes for one resource");
    Misfit { part: Part::Body, path: String::new(), what: format!("{size} bytes"), expected }
}

/// Notes a name that the kind or object does not declare.
pub(super) fn undeclared<'s>(writer: &mut Writer<'s>, part: Part, fields: &'s Fields, name: &str) {
    let expected = near(name, fields.names(), if fields.kind.is_some() { "attributes" } else { "fields" });
    let shown: String = name.chars().take(80).collect();
    let before = writer.misfits.len();
    writer.misfit(part, format!("`{shown}` is not declared"), expected);
    if let Some(misfit) = writer.misfits.get_mut(before) {
        if !misfit.path.is_empty() {
            misfit.path.push('.');
        }
        misfit.path.push_str(&shown);
    }
}

/// Reads a value of a shape to the end of the buffer. Gives the slot that leads to it; none if it did not fit.
pub(super) struct In<'w, 's> {
    pub(super) writer: &'w mut Writer<'s>,
    pub(super) shape: &'s Shape,
}

impl<'s> In<'_, 's> {
    fn wrong(self, what: impl Into<String>) -> Option<Slot> {
        self.writer.misfit(Part::Attributes, what, expected(self.shape));
        None
    }

    fn written(&self, start: usize) -> Option<Slot> {
        Some(Slot::At(start))
    }

    fn integer(self, value: i64) -> Option<Slot> {
        let start = self.writer.bytes.len();
        match self.shape {
            Shape::Int => self.writer.int(value),
            // JSON writes 1.0 as 1 in places; up to 2^53 nothing is lost.
            Shape::Float if value.unsigned_abs() <= 1 << 53 => {
                self.writer.bytes.extend_from_slice(&(value as f64).to_le_bytes());
            }
            _ => return self.wrong(format!("number {value}")),
        }
        self.written(start)
    }
}

impl<'de, 's> DeserializeSeed<'de> for In<'_, 's> {
    type Value = Option<Slot>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, 's> Visitor<'de> for In<'_, 's> {
    type Value = Option<Slot>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&expected(self.shape))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Some(Slot::Absent))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(if matches!(self.shape, Shape::Bool) {
            Some(Slot::Bool(value))
        } else {
            self.wrong(value.to_string())
        })
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(self.integer(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(match i64::try_from(value) {
            Ok(value) => self.integer(value),
            Err(_) => self.wrong(format!("number {value}")),
        })
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        if !matches!(self.shape, Shape::Float) || !value.is_finite() {
            return Ok(self.wrong(format!("number {value}")));
        }
        let start = self.writer.bytes.len();
        self.writer.bytes.extend_from_slice(&value.to_le_bytes());
        Ok(self.written(start))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        let start = self.writer.bytes.len();
        if matches!(self.shape, Shape::Text) {
            self.writer.text(text);
            return Ok(self.written(start));
        }
        if let Some(micros) = micros(self.shape, text) {
            self.writer.bytes.extend_from_slice(&micros.to_le_bytes());
            return Ok(self.written(start));
        }
        let shown: String = text.chars().take(40).collect();
        let dots = if shown.len() < text.len() { "..." } else { "" };
        Ok(self.wrong(format!("text `{shown}{dots}`")))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let Shape::List(of) = self.shape else {
            while items.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(self.wrong("a list"));
        };
        let start = self.writer.bytes.len();
        let mut count = 0;
        loop {
            self.writer.way.push(Step::Index(count));
            let before = self.writer.bytes.len();
            let Some(item) = items.next_element_seed(In { writer: self.writer, shape: of })? else { break };
            match item {
                Some(Slot::Bool(value)) => self.writer.bytes.push(u8::from(value)),
                Some(Slot::Absent) => self.writer.misfit(Part::Attributes, "null in a list", expected(of)),
                Some(Slot::At(_) | Slot::NotCollected | Slot::Reason(_)) => {}
                None => self.writer.bytes.truncate(before),
            }
            self.writer.way.pop();
            count += 1;
            if self.writer.bytes.len() > RECORD_MAX {
                return Err(serde::de::Error::custom(format!(
                    "more than {RECORD_MAX} bytes in one resource"
                )));
            }
        }
        self.writer.way.pop();
        self.writer.before(start, count as u64);
        self.writer.close(start);
        Ok(self.written(start))
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Self::Value, A::Error> {
        match self.shape {
            Shape::Object(fields) => {
                let start = self.writer.bytes.len();
                let mut seen = Seen::new();
                self.writer.table(fields, Slot::Absent);
                object(self.writer, fields, start, &mut seen, entries)?;
                self.writer.close(start);
                Ok(self.written(start))
            }
            Shape::Map(of) => body::map(self.writer, of, entries),
            Shape::Bool
            | Shape::Int
            | Shape::Float
            | Shape::Text
            | Shape::Time
            | Shape::Span
            | Shape::List(_) => {
                let mut entries = entries;
                while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(self.wrong("an object"))
            }
        }
    }
}

/// Reads the fields of an object whose table begins at `start`.
pub(super) fn object<'de, 's, A: MapAccess<'de>>(
    writer: &mut Writer<'s>,
    fields: &'s Fields,
    start: usize,
    seen: &mut Seen,
    mut entries: A,
) -> Result<(), A::Error> {
    let mut likely = 0;
    while let Some(number) = entries.next_key_seed(FieldName { writer, fields, likely })? {
        let Some((number, field)) = number.and_then(|number| Some((number, fields.all.get(number)?))) else {
            entries.next_value::<IgnoredAny>()?;
            continue;
        };
        likely = number + 1;
        writer.way.push(Step::Field(&field.name));
        if seen.again(number) {
            writer.misfit(Part::Attributes, "named twice", "each name once");
        }
        if let Some(slot) = entries.next_value_seed(In { writer, shape: &field.shape })? {
            let slot = match slot {
                Slot::At(place) => Slot::At(place.saturating_sub(start)),
                Slot::NotCollected | Slot::Absent | Slot::Bool(_) | Slot::Reason(_) => slot,
            };
            writer.set(start, number, slot);
        }
        writer.way.pop();
    }
    Ok(())
}

/// The number of a field by its name; none if there is no such field.
struct FieldName<'w, 's> {
    writer: &'w mut Writer<'s>,
    fields: &'s Fields,
    /// Where it would stand if names came in their order.
    likely: usize,
}

impl<'de> DeserializeSeed<'de> for FieldName<'_, '_> {
    type Value = Option<usize>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for FieldName<'_, '_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        let number = self.fields.place_near(self.likely, name);
        if number.is_none() {
            undeclared(self.writer, Part::Attributes, self.fields, name);
        }
        Ok(number)
    }
}
