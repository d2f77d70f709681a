//! Records as JSON again.

use octro_model::{Span, Timestamp, UnknownReason, Why};
use serde_json::{Map, Value};

use super::bytes::{Decode, Entries, Items, Slot, Stored, field, reason};
use super::{Reading, Record};
use crate::layout::{Fields, Layout, Shape};

/// Nobody asked.
pub(crate) fn not_collected() -> UnknownReason {
    UnknownReason::new(Why::NotCollected, "")
}

/// A value as JSON.
pub(crate) fn stored_json(stored: Stored<'_>, shape: &Shape) -> Value {
    match stored {
        Stored::Bool(value) => value.into(),
        Stored::Int(value) => value.into(),
        Stored::Float(value) => value.into(),
        Stored::Text(text) => String::from_utf8_lossy(text).into(),
        Stored::Time(micros) => Timestamp::from_micros(micros).to_string().into(),
        Stored::Span(micros) => span_text(micros).into(),
        Stored::List(list) => match shape {
            Shape::List(of) => {
                Items::new(list, Decode::from(&**of)).map(|item| stored_json(item, of)).collect()
            }
            _ => Value::Null,
        },
        Stored::Map(map) => match shape {
            Shape::Map(of) => Entries::new(map, Decode::from(&**of))
                .map(|(key, value)| (String::from_utf8_lossy(key).into_owned(), stored_json(value, of)))
                .collect::<Map<_, _>>()
                .into(),
            _ => Value::Null,
        },
        Stored::Object(object) => match shape {
            Shape::Object(fields) => object_json(object, fields),
            _ => Value::Null,
        },
    }
}

/// A length of time as program files write it.
pub(crate) fn span_text(micros: i64) -> String {
    Span::from_micros(micros).to_string()
}

/// The fields of an object that have values.
fn object_json(object: &[u8], fields: &Fields) -> Value {
    let mut all = Map::new();
    for (number, one) in fields.all.iter().enumerate() {
        if let Ok(stored) = field(object, number, Decode::from(&one.shape)) {
            all.insert(one.name.to_string(), stored_json(stored, &one.shape));
        }
    }
    all.into()
}

/// What a field of an object says.
pub(crate) fn field_reading(object: &[u8], number: usize, shape: &Shape) -> Reading {
    match field(object, number, Decode::from(shape)) {
        Ok(stored) => Reading::Value(stored_json(stored, shape)),
        Err(Slot::Absent) => Reading::Absent,
        Err(Slot::Reason(at)) => {
            let found = object.get(at..).and_then(reason);
            Reading::Unknown(
                found.map_or_else(not_collected, |(why, detail)| UnknownReason::new(why, detail)),
            )
        }
        Err(Slot::NotCollected | Slot::Bool(_) | Slot::At(_)) => Reading::Unknown(not_collected()),
    }
}

/// See [`Record::reading`].
pub(crate) fn reading(record: &Record, layout: &Layout, name: &str) -> Reading {
    let fields = layout.fields();
    if let Some((number, one)) = fields.place(name).and_then(|number| Some((number, fields.all.get(number)?)))
    {
        return field_reading(&record.0, number, &one.shape);
    }
    let Some(end) = name.find(['.', '[']) else { return Reading::Unknown(not_collected()) };
    let (first, way) = name.split_at(end);
    let Some((number, one)) = fields.place(first).and_then(|number| Some((number, fields.all.get(number)?)))
    else {
        return Reading::Unknown(not_collected());
    };
    match field_reading(&record.0, number, &one.shape) {
        Reading::Value(value) => inside(value, way),
        other @ (Reading::Absent | Reading::Unknown(_)) => other,
    }
}

/// Follows `.field` and `[]` into a value.
fn inside(value: Value, way: &str) -> Reading {
    if way.is_empty() {
        return Reading::Value(value);
    }
    if let Some(rest) = way.strip_prefix("[]") {
        let items = match value {
            Value::Array(items) => items,
            Value::Object(entries) => entries.into_iter().map(|(_, value)| value).collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return Reading::Absent,
        };
        let mut found = Vec::new();
        for item in items {
            match inside(item, rest) {
                Reading::Value(Value::Array(more)) if rest.contains("[]") => found.extend(more),
                Reading::Value(value) => found.push(value),
                Reading::Absent | Reading::Unknown(_) => {}
            }
        }
        return Reading::Value(Value::Array(found));
    }
    let way = way.strip_prefix('.').unwrap_or(way);
    let end = way.find(['.', '[']).unwrap_or(way.len());
    let (name, rest) = way.split_at(end);
    match value {
        Value::Object(mut fields) => fields.remove(name).map_or(Reading::Absent, |value| inside(value, rest)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Reading::Absent
        }
    }
}
