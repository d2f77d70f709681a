//! An object's members, taken out one by one under their names; what is left over at the end is refused.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::fault::{Fault, quoted};
use crate::flat::{Flat, Plain};
use crate::hash::{Hash, unhex};
use crate::json::Value;

/// Moments, spans and counts are below this.
pub const INTEGER_MAX: u64 = 1 << 53;

/// Whether a text can be the id of a control, kind, test or source: 1-120 characters of `a-z A-Z 0-9 . _ -` beginning with
/// a letter or digit.
pub fn is_id(text: &str) -> bool {
    text.len() <= 120
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'_' | b'-'))
}

/// The members of an object that is being read.
#[derive(Clone, Debug)]
pub struct Members<'a>(Form<'a>);

#[derive(Clone, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "it is there only while a leaf is read, and spares it the heap"
)]
enum Form<'a> {
    Tree(BTreeMap<String, Value>),
    Flat(Flat<'a>),
}

impl<'a> From<Plain<'a>> for Value {
    fn from(plain: Plain<'a>) -> Self {
        match plain {
            Plain::Bool(value) => Self::Bool(value),
            Plain::Int(value) => Self::Int(value),
            Plain::Text(text) => Self::text(text),
        }
    }
}

impl<'a> Members<'a> {
    /// The members of a value that must be an object.
    pub fn of(value: Value) -> Result<Self, Fault> {
        match value {
            Value::Object(members) => Ok(Self(Form::Tree(members))),
            Value::Bool(_) | Value::Int(_) | Value::Text(_) | Value::List(_) => {
                Err(Fault::new(format!("is {}; expected an object", value.sort())))
            }
        }
    }

    /// The members of an object that was read the quick way.
    pub(crate) const fn flat(flat: Flat<'a>) -> Self {
        Self(Form::Flat(flat))
    }

    /// Takes a member, if it is there.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        match &mut self.0 {
            Form::Tree(members) => members.remove(name),
            Form::Flat(flat) => flat.take(name).map(Value::from),
        }
    }

    /// Takes a member that must be there.
    pub fn need(&mut self, name: &str) -> Result<Value, Fault> {
        self.take(name).ok_or_else(|| Fault::new(format!("the member `{name}` is missing")))
    }

    /// Whether a member is there.
    pub fn has(&self, name: &str) -> bool {
        match &self.0 {
            Form::Tree(members) => members.contains_key(name),
            Form::Flat(flat) => flat.has(name),
        }
    }

    /// Nothing may be left over.
    pub fn end(self) -> Result<(), Fault> {
        let first = match &self.0 {
            Form::Tree(members) => members.keys().next().map(String::as_str),
            Form::Flat(flat) => flat.first(),
        };
        match first {
            None => Ok(()),
            Some(name) => Err(Fault::new(format!("the member {} is not known here", quoted(name)))),
        }
    }

    /// A text.
    pub fn text(&mut self, name: &str) -> Result<String, Fault> {
        self.borrowed(name).map(Cow::into_owned)
    }

    /// A text, as it stands where it was read from if it can be had so.
    pub(crate) fn borrowed(&mut self, name: &str) -> Result<Cow<'a, str>, Fault> {
        if let Form::Flat(flat) = &mut self.0
            && let Some(Plain::Text(text)) = flat.look(name)
        {
            flat.take(name);
            return Ok(Cow::Borrowed(text));
        }
        let value = self.need(name)?;
        let sort = value.sort();
        if let Value::Text(text) = value { Ok(Cow::Owned(text)) } else { Err(expected(name, sort, "a text")) }
    }

    /// A text of at most `max` bytes without control characters.
    pub fn line(&mut self, name: &str, max: usize) -> Result<String, Fault> {
        let text = self.borrowed(name)?;
        if text.len() <= max && !text.is_empty() && !text.chars().any(char::is_control) {
            Ok(text.into_owned())
        } else {
            Err(Fault::new(format!("`{name}` must be one line of 1 to {max} bytes")))
        }
    }

    /// An id.
    pub fn id(&mut self, name: &str) -> Result<String, Fault> {
        let text = self.borrowed(name)?;
        if is_id(&text) {
            Ok(text.into_owned())
        } else {
            Err(Fault::new(format!("`{name}` is {}; expected an id", quoted(&text))))
        }
    }

    /// A moment, span or count: from 0 to below 2^53.
    pub fn integer(&mut self, name: &str) -> Result<u64, Fault> {
        let value = self.index(name)?;
        if value < INTEGER_MAX {
            Ok(value)
        } else {
            Err(Fault::new(format!("`{name}` is {value}; expected an integer below 2^53")))
        }
    }

    /// An index of a leaf: from 0 to below 2^63.
    pub fn index(&mut self, name: &str) -> Result<u64, Fault> {
        let value = self.need(name)?;
        let Value::Int(number) = value else { return Err(expected(name, value.sort(), "an integer")) };
        u64::try_from(number).map_err(|_| {
            Fault::new(format!("`{name}` is {number}; expected an integer that is not negative"))
        })
    }

    /// A moment that may be absent.
    pub fn optional_integer(&mut self, name: &str) -> Result<Option<u64>, Fault> {
        if self.has(name) { self.integer(name).map(Some) } else { Ok(None) }
    }

    /// A boolean.
    pub fn flag(&mut self, name: &str) -> Result<bool, Fault> {
        let value = self.need(name)?;
        if let Value::Bool(flag) = value { Ok(flag) } else { Err(expected(name, value.sort(), "a boolean")) }
    }

    /// A hash in hexadecimal.
    pub fn hash(&mut self, name: &str) -> Result<Hash, Fault> {
        let text = self.borrowed(name)?;
        unhex(&text).ok_or_else(|| {
            Fault::new(format!("`{name}` is {}; expected 64 lower-case hexadecimal digits", quoted(&text)))
        })
    }

    /// A hash that may be absent.
    pub fn optional_hash(&mut self, name: &str) -> Result<Option<Hash>, Fault> {
        if self.has(name) { self.hash(name).map(Some) } else { Ok(None) }
    }

    /// A text that may be absent.
    pub fn optional_text(&mut self, name: &str) -> Result<Option<String>, Fault> {
        if self.has(name) { self.text(name).map(Some) } else { Ok(None) }
    }

    /// A list of at most `max` items.
    pub fn list(&mut self, name: &str, max: usize) -> Result<Vec<Value>, Fault> {
        let value = self.need(name)?;
        let sort = value.sort();
        let Value::List(items) = value else { return Err(expected(name, sort, "a list")) };
        if items.len() <= max {
            Ok(items)
        } else {
            Err(Fault::new(format!("`{name}` has {} items; expected at most {max}", items.len())))
        }
    }

    /// An object.
    pub fn object(&mut self, name: &str) -> Result<Members<'static>, Fault> {
        let value = self.need(name)?;
        Members::of(value).map_err(|fault| Fault::new(format!("`{name}` {fault}")))
    }

    /// What is left, by name.
    pub fn rest(self) -> BTreeMap<String, Value> {
        match self.0 {
            Form::Tree(members) => members,
            Form::Flat(flat) => flat.rest().map(|(name, value)| (name.to_owned(), value.into())).collect(),
        }
    }
}

fn expected(name: &str, sort: &str, what: &str) -> Fault {
    Fault::new(format!("`{name}` is {sort}; expected {what}"))
}
