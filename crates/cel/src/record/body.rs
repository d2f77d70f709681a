//! The two parts of an observation's body, in any order, and maps inside it.

use std::fmt;

use octro_model::UnknownReason;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use super::RECORD_MAX;
use super::bytes::Slot;
use super::misfit::Part;
use super::seed::{In, object, undeclared};
use super::text::expected;
use super::write::{Seen, Step, Writer};
use crate::layout::{Fields, Shape};

/// Reads a body.
pub(super) struct Body<'w, 's> {
    pub(super) writer: &'w mut Writer<'s>,
    pub(super) fields: &'s Fields,
}

impl<'de> DeserializeSeed<'de> for Body<'_, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Body<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with `attributes` and `unknown`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut parts: A) -> Result<(), A::Error> {
        let mut told = Seen::new();
        let mut reasons = Vec::new();
        let (mut attributes, mut unknowns) = (false, false);
        while let Some(part) = parts.next_key::<std::borrow::Cow<'de, str>>()? {
            let again = match &*part {
                "attributes" => std::mem::replace(&mut attributes, true),
                "unknown" => std::mem::replace(&mut unknowns, true),
                _ => false,
            };
            if again {
                return Err(A::Error::custom(format!("`{part}` is there twice")));
            }
            match &*part {
                "attributes" => {
                    parts.next_value_seed(Attributes {
                        writer: self.writer,
                        fields: self.fields,
                        seen: &mut told,
                    })?;
                }
                "unknown" => reasons = parts.next_value_seed(Pairs)?,
                _ => {
                    self.writer.misfit(
                        Part::Body,
                        format!("`{part}` is no part of it"),
                        "`attributes` and `unknown`",
                    );
                    parts.next_value::<IgnoredAny>()?;
                }
            }
        }
        for (name, reason) in reasons {
            match serde_json::from_value::<UnknownReason>(reason) {
                Ok(reason) => unknown(self.writer, self.fields, &mut told, &name, &reason),
                Err(error) => match self.fields.place(&name).and_then(|number| self.fields.all.get(number)) {
                    Some(field) => {
                        self.writer.way.push(Step::Field(&field.name));
                        let expected = "{\"why\": \"denied | throttled | timed_out | failed | not_collected | unsupported\", \"detail\": \"...\"}";
                        self.writer.misfit(Part::Unknown, error.to_string(), expected);
                        self.writer.way.pop();
                    }
                    None => undeclared(self.writer, Part::Unknown, self.fields, &name),
                },
            }
        }
        Ok(())
    }
}

/// Notes why an attribute is unknown.
pub(super) fn unknown<'s>(
    writer: &mut Writer<'s>,
    fields: &'s Fields,
    seen: &mut Seen,
    name: &str,
    reason: &UnknownReason,
) {
    let Some((number, field)) = fields.place(name).and_then(|number| Some((number, fields.all.get(number)?)))
    else {
        undeclared(writer, Part::Unknown, fields, name);
        return;
    };
    if seen.again(number) {
        writer.way.push(Step::Field(&field.name));
        writer.misfit(Part::Unknown, "it is both read and unknown", "one of the two");
        writer.way.pop();
        return;
    }
    let place = writer.bytes.len();
    writer.reason(reason);
    writer.set(0, number, Slot::Reason(place));
}

/// Reads `attributes`.
struct Attributes<'w, 's> {
    writer: &'w mut Writer<'s>,
    fields: &'s Fields,
    seen: &'w mut Seen,
}

impl<'de> DeserializeSeed<'de> for Attributes<'_, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Attributes<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of attributes")
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<(), A::Error> {
        object(self.writer, self.fields, 0, self.seen, entries)
    }
}

/// Reads `unknown`: names and reasons, not yet judged.
struct Pairs;

impl<'de> DeserializeSeed<'de> for Pairs {
    type Value = Vec<(String, Value)>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Pairs {
    type Value = Vec<(String, Value)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of attributes and reasons")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = entries.next_entry()? {
            pairs.push(pair);
        }
        Ok(pairs)
    }
}

/// Reads a map's key into the buffer. Gives its length.
struct Key<'w, 's>(&'w mut Writer<'s>);

impl<'de> DeserializeSeed<'de> for Key<'_, '_> {
    type Value = usize;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_, '_> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<usize, E> {
        self.0.text(key);
        Ok(key.len())
    }
}

/// Reads a map: its entries by key, however they come. An entry that is null is not there.
pub(super) fn map<'de, 's, A: MapAccess<'de>>(
    writer: &mut Writer<'s>,
    of: &'s Shape,
    mut entries: A,
) -> Result<Option<Slot>, A::Error> {
    let start = writer.bytes.len();
    // Where each entry's key, its text, and the entry's end stand.
    let mut places: Vec<(usize, usize, usize, usize)> = Vec::new();
    let mut sorted = true;
    loop {
        let at = writer.bytes.len();
        let Some(length) = entries.next_key_seed(Key(writer))? else { break };
        let end = writer.bytes.len();
        let text = end - length;
        writer.way.push(Step::Key(text, end));
        let value = entries.next_value_seed(In { writer, shape: of })?;
        match value {
            Some(Slot::Bool(value)) => writer.bytes.push(u8::from(value)),
            Some(Slot::At(_) | Slot::NotCollected | Slot::Reason(_)) => {}
            Some(Slot::Absent) | None => {
                writer.way.pop();
                writer.bytes.truncate(at);
                continue;
            }
        }
        if let Some(last) = places.last() {
            let order = writer.bytes.get(last.1..last.2).cmp(&writer.bytes.get(text..end));
            sorted &= order == std::cmp::Ordering::Less;
        }
        writer.way.pop();
        places.push((at, text, end, writer.bytes.len()));
        if writer.bytes.len() > RECORD_MAX {
            return Err(A::Error::custom(format!("more than {RECORD_MAX} bytes in one resource")));
        }
    }
    if !sorted {
        let bytes = writer.bytes.split_off(start);
        let of_entry = |from: usize, to: usize| bytes.get(from - start..to - start).unwrap_or_default();
        places.sort_by(|a, b| of_entry(a.1, a.2).cmp(of_entry(b.1, b.2)));
        let twice = places.windows(2).any(|pair| match pair {
            [a, b] => of_entry(a.1, a.2) == of_entry(b.1, b.2),
            _ => false,
        });
        for (at, _, _, end) in &places {
            writer.bytes.extend_from_slice(of_entry(*at, *end));
        }
        if twice {
            writer.misfit(Part::Attributes, "a key is named twice", expected(of));
        }
    }
    writer.before(start, places.len() as u64);
    writer.close(start);
    Ok(Some(Slot::At(start)))
}
