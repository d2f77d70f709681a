//! The texts in an attribute: what it names, if it refers to other resources.

use serde_json::Value;

use super::bytes::{Decode, Items, Stored, field};
use super::{Reading, Record, json};
use crate::layout::{Layout, Shape};

/// See [`Record::each_text`].
pub(crate) fn each(record: &Record, layout: &Layout, name: &str, take: &mut dyn FnMut(&[u8])) {
    let fields = layout.fields();
    let Some(number) = fields.place(name) else { return inside(json::reading(record, layout, name), take) };
    let Some(shape) = fields.all.get(number).map(|one| &one.shape) else { return };
    match (field(&record.0, number, Decode::from(shape)), shape) {
        (Ok(Stored::Text(text)), _) => take(text),
        (Ok(Stored::List(list)), Shape::List(of)) => {
            for item in Items::new(list, Decode::from(&**of)) {
                if let Stored::Text(text) = item {
                    take(text);
                }
            }
        }
        _ => {}
    }
}

/// The same of a field inside, which is rarely asked for.
fn inside(reading: Reading, take: &mut dyn FnMut(&[u8])) {
    match reading {
        Reading::Value(Value::String(text)) => take(text.as_bytes()),
        Reading::Value(Value::Array(items)) => {
            items.iter().filter_map(Value::as_str).for_each(|text| take(text.as_bytes()));
        }
        Reading::Value(_) | Reading::Absent | Reading::Unknown(_) => {}
    }
}
