//! What was learned of one resource, and how attributes are read from it: a value, absent, or unknown with the reason.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;
use std::sync::Arc;

use octro_model::{Timestamp, UnknownReason, Why};
use octro_outbound::aws::api::Place;
use serde_json::{Value, json};

use super::class::Classes;
use super::exposure::Graph;
use super::row::{Attribute, Form};

/// An answer, or why there is none. `null` says that it is not set.
pub(crate) type Told = Result<Value, UnknownReason>;

/// One item of a list, and what was asked of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Item {
    /// The item.
    pub value: Value,
    /// The answers to its details.
    pub details: BTreeMap<&'static str, Told>,
}

/// A list that was read whole, or why not.
pub(crate) type Listed = Result<Arc<Vec<Item>>, UnknownReason>;

/// What a row reads besides its own list.
#[derive(Clone, Debug, Default)]
pub(crate) struct Beside {
    /// The lists, in the order of the row.
    pub lists: Vec<Listed>,
    /// What the internet reaches in the region, if the row asks.
    pub graph: Option<Result<Arc<Graph>, UnknownReason>>,
    /// The services that the source reads.
    pub services: Option<Arc<BTreeSet<&'static str>>>,
}

/// Nothing besides.
pub(crate) static ALONE: Beside = Beside { lists: Vec::new(), graph: None, services: None };

impl Deref for Beside {
    type Target = [Listed];

    fn deref(&self) -> &[Listed] {
        &self.lists
    }
}

/// What was learned of one resource.
#[derive(Debug)]
pub(crate) struct Facts<'a> {
    /// The account, and the region of the resource.
    pub place: &'a Place,
    /// The resource's key; empty while it is not known.
    pub key: &'a str,
    /// The item of the list.
    pub item: &'a Value,
    /// The answers to its details.
    pub details: &'a BTreeMap<&'static str, Told>,
    /// What is read beside.
    pub beside: &'a Beside,
    /// What is declared to hold which class of data.
    pub classes: &'a Classes,
}

/// What is known of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Known {
    /// This.
    Value(Value),
    /// It is not set.
    Absent,
    /// A KMS key by a name that has to be resolved.
    Key(String),
    /// Nothing, and why.
    Unknown(UnknownReason),
}

impl Known {
    /// A value of the answer could not be understood.
    pub(crate) fn odd(what: impl Into<String>) -> Self {
        Self::Unknown(UnknownReason::new(Why::Failed, what))
    }

    /// Yes or no.
    pub(crate) fn flag(flag: bool) -> Self {
        Self::Value(Value::Bool(flag))
    }

    /// A text.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Value(Value::String(text.into()))
    }
}

impl From<UnknownReason> for Known {
    fn from(reason: UnknownReason) -> Self {
        Self::Unknown(reason)
    }
}

/// What an answer says: the value, absence, or the reason why it is unknown.
pub(crate) enum Look<'a> {
    /// It is there.
    There(&'a Value),
    /// It is not set.
    Absent,
    /// It could not be read.
    Unknown(UnknownReason),
}

impl<'a> Facts<'a> {
    /// What a detail (or the item itself) says at a path.
    pub(crate) fn look(&self, from: &str, path: &str) -> Look<'a> {
        let within = if from.is_empty() {
            self.item
        } else {
            match self.details.get(from) {
                Some(Ok(Value::Null)) => return Look::Absent,
                Some(Ok(value)) => value,
                Some(Err(reason)) => return Look::Unknown(reason.clone()),
                None => {
                    return Look::Unknown(UnknownReason::new(Why::NotCollected, "it was not asked"));
                }
            }
        };
        match first(within, path) {
            Some(value) => hidden(value).map_or(Look::There(value), Look::Unknown),
            None => path
                .split('|')
                .find_map(|path| hidden_above(within, path))
                .map_or(Look::Absent, Look::Unknown),
        }
    }

    /// The text at a path of the item.
    pub(crate) fn text(&self, path: &str) -> Option<&'a str> {
        first(self.item, path).and_then(Value::as_str)
    }

    /// A template with its placeholders filled; `None` if one of them has nothing.
    pub(crate) fn fill(&self, template: &str) -> Option<String> {
        let mut text = String::with_capacity(template.len() + 40);
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}')?;
            text.push_str(before);
            match name {
                "partition" => text.push_str(self.place.partition()),
                "region" => text.push_str(&self.place.region),
                "account" => text.push_str(&self.place.account),
                "key" => text.push_str(self.key),
                // The last part of an address; a path without the slash at its beginning.
                name if name.ends_with('/') => {
                    text.push_str(self.text(name.trim_end_matches('/'))?.rsplit('/').next()?)
                }
                name if name.starts_with('/') => {
                    text.push_str(self.text(name.trim_start_matches('/'))?.trim_start_matches('/'));
                }
                name => text.push_str(self.text(name)?),
            }
            rest = after;
        }
        text.push_str(rest);
        Some(text)
    }

    /// What is known of an attribute.
    pub(crate) fn read(&self, attribute: &Attribute) -> Known {
        match attribute.form {
            Form::Made(make) | Form::MadeKey(make) => return make(self),
            Form::Class => return self.class(attribute.from, attribute.path),
            Form::Template => return self.fill(attribute.path).map_or(Known::Absent, Known::text),
            Form::Text
            | Form::Lower
            | Form::Flag
            | Form::FlagOrNo
            | Form::Is(_)
            | Form::Number
            | Form::Days
            | Form::Moment
            | Form::Key
            | Form::KeyIf(_) => {}
        }
        let value = match self.look(attribute.from, attribute.path) {
            Look::There(value) => value,
            Look::Unknown(reason) => return Known::Unknown(reason),
            Look::Absent => {
                return match attribute.form {
                    Form::FlagOrNo | Form::Is(_) => Known::flag(false),
                    // Encrypted, and not said under which key: that is no answer.
                    Form::KeyIf(encrypted) => match self.look(attribute.from, encrypted) {
                        Look::There(value) if flag(value) != Some(false) => {
                            Known::odd(format!("it is encrypted, and `{}` is not told", attribute.path))
                        }
                        Look::There(_) | Look::Absent | Look::Unknown(_) => Known::Absent,
                    },
                    Form::Text
                    | Form::Lower
                    | Form::Flag
                    | Form::Number
                    | Form::Days
                    | Form::Moment
                    | Form::Key
                    | Form::Class
                    | Form::Template
                    | Form::Made(_)
                    | Form::MadeKey(_) => Known::Absent,
                };
            }
        };
        convert(attribute, value)
    }

    /// The data class: by the tag, or as it is declared.
    pub(crate) fn class(&self, from: &str, path: &str) -> Known {
        match self.look(from, path) {
            Look::Unknown(reason) => Known::Unknown(reason),
            Look::There(tags) => self.classes.of(Some(tags)),
            Look::Absent => Known::Absent,
        }
    }
}

fn convert(attribute: &Attribute, value: &Value) -> Known {
    let odd = || {
        let text: String = value.to_string().chars().take(60).collect();
        Known::odd(format!("`{}` is {text}", attribute.path))
    };
    let text = || value.as_str().map(str::trim);
    match attribute.form {
        Form::Text => {
            text().map_or_else(odd, |text| if text.is_empty() { Known::Absent } else { Known::text(text) })
        }
        Form::Lower => text().map_or_else(odd, |text| {
            if text.is_empty() { Known::Absent } else { Known::text(text.to_lowercase()) }
        }),
        Form::Flag | Form::FlagOrNo => flag(value).map_or_else(odd, Known::flag),
        Form::Is(word) => text().map_or_else(odd, |text| Known::flag(text.eq_ignore_ascii_case(word))),
        Form::Number => number(value).map_or_else(odd, |number| Known::Value(json!(number))),
        Form::Days => match number(value) {
            Some(0) => Known::Absent,
            Some(days) if days > 0 => Known::text(format!("{days}d")),
            Some(_) | None => odd(),
        },
        Form::Moment => moment(value).map_or_else(odd, |at| Known::text(at.to_string())),
        Form::Key | Form::KeyIf(_) => match text() {
            // The service's own key, which nobody sees.
            Some("" | "auto" | "AWS_OWNED_KMS_KEY") => Known::Absent,
            Some(name) => Known::Key(name.to_owned()),
            None => odd(),
        },
        Form::Class | Form::Template | Form::Made(_) | Form::MadeKey(_) => odd(),
    }
}

/// The name of what stands in an answer instead of a value that is not known, with the reason.
pub(crate) const HIDDEN: &str = "@unknown";

/// Why a value is not known, if it is not.
fn hidden(value: &Value) -> Option<UnknownReason> {
    let reason = value.as_object().filter(|object| object.len() == 1)?.get(HIDDEN)?.as_str()?;
    Some(UnknownReason::new(Why::NotCollected, reason))
}

/// Why nothing is known of what lies at a path, if something above it is not known.
fn hidden_above(value: &Value, path: &str) -> Option<UnknownReason> {
    let mut value = value;
    for name in path.split('.') {
        if let Some(reason) = hidden(value) {
            return Some(reason);
        }
        value = value.get(name)?;
    }
    hidden(value)
}

/// What lies at the first of these paths that has something; an empty text only if no other has more.
fn first<'a>(value: &'a Value, paths: &str) -> Option<&'a Value> {
    let found = || paths.split('|').filter_map(|path| at(value, path));
    found().find(|value| value.as_str() != Some("")).or_else(|| found().next())
}

/// What lies at a path: names with dots between them; `#name` is the value of that key in an XML map.
pub(crate) fn at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    if path.is_empty() {
        return Some(value);
    }
    let found = path.split('.').try_fold(value, |value, name| match name.strip_prefix('#') {
        None => value.get(name),
        Some(key) => {
            let of = |entry: &'a Value| {
                (entry.get("key").and_then(Value::as_str) == Some(key)).then(|| entry.get("value")).flatten()
            };
            many(value.get("entry")?).find_map(of)
        }
    })?;
    (!found.is_null()).then_some(found)
}

/// One, or many: XML does not tell a list of one from a thing.
pub(crate) fn many(value: &Value) -> Box<dyn Iterator<Item = &Value> + '_> {
    match value {
        Value::Array(many) => Box::new(many.iter()),
        Value::Null => Box::new(std::iter::empty()),
        Value::String(text) if text.is_empty() => Box::new(std::iter::empty()),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
            Box::new(std::iter::once(value))
        }
    }
}

/// Yes or no, in JSON or as XML writes it.
pub(crate) fn flag(value: &Value) -> Option<bool> {
    match value.as_str().map(str::trim) {
        Some(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Some(text) if text.eq_ignore_ascii_case("false") => Some(false),
        Some(_) => None,
        None => value.as_bool(),
    }
}

/// A whole number, in JSON or as XML writes it.
pub(crate) fn number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.trim().parse().ok())
}

/// A moment: a text as XML has it, or seconds since 1970 as JSON has them.
pub(crate) fn moment(value: &Value) -> Option<Timestamp> {
    #[expect(clippy::cast_possible_truncation, reason = "a moment of our time has room in it")]
    match value.as_str() {
        Some(text) => text.trim().parse().ok(),
        None => value
            .as_f64()
            .filter(|secs| (0.0..1e11).contains(secs))
            .map(|secs| Timestamp::from_micros((secs * 1e6).round() as i64)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::row::item;
    use super::*;

    #[test]
    fn attributes_are_values_absent_or_unknown() {
        let place = Place::new("111122223333", "eu-central-1");
        let value = json!({
            "Name": "db", "On": "true", "Off": false, "Size": "12", "At": 1_790_000_000.5, "When": "2026-03-03T01:02:03.4Z",
            "Keep": "7", "None": 0, "Key": "alias/a", "Empty": "", "Odd": [1], "Url": "https://q/1/name",
            "M": {"entry": [{"key": "a", "value": "1"}, {"key": "b", "value": "2"}]},
        });
        let details = BTreeMap::from([
            ("denied", Err(UnknownReason::new(Why::Denied, "x:Y"))),
            ("unset", Ok(Value::Null)),
        ]);
        let classes = Classes::default();
        let facts = Facts {
            place: &place,
            key: "k",
            item: &value,
            details: &details,
            beside: &ALONE,
            classes: &classes,
        };
        let read = |path, form| facts.read(&item("x", path, form));
        assert_eq!(read("Name", Form::Text), Known::text("db"));
        assert_eq!(read("No|Name", Form::Text), Known::text("db"));
        assert_eq!(read("On", Form::Flag), Known::flag(true));
        assert_eq!(read("Off", Form::Flag), Known::flag(false));
        assert_eq!(read("Lacks", Form::Flag), Known::Absent);
        assert_eq!(read("Lacks", Form::FlagOrNo), Known::flag(false));
        assert_eq!(read("Size", Form::Number), Known::Value(json!(12)));
        assert_eq!(read("Keep", Form::Days), Known::text("7d"));
        assert_eq!(read("None", Form::Days), Known::Absent);
        assert_eq!(read("At", Form::Moment), Known::text("2026-09-21T14:13:20.5Z"));
        assert_eq!(read("When", Form::Moment), Known::text("2026-03-03T01:02:03.4Z"));
        assert_eq!(read("Key", Form::Key), Known::Key("alias/a".to_owned()));
        assert_eq!(read("Empty", Form::Key), Known::Absent);
        assert_eq!(read("M.#b", Form::Text), Known::text("2"));
        assert_eq!(read("{account}/{Url/}", Form::Template), Known::text("111122223333/name"));
        for form in [Form::Text, Form::Flag, Form::Number, Form::Moment, Form::Key, Form::Is("x")] {
            assert!(matches!(read("Odd", form), Known::Unknown(_)), "{form:?}");
        }
        let of = |from| facts.read(&super::super::row::of("x", from, "a", Form::FlagOrNo));
        assert!(matches!(of("denied"), Known::Unknown(reason) if reason.why == Why::Denied));
        assert!(matches!(of("never"), Known::Unknown(reason) if reason.why == Why::NotCollected));
        assert_eq!(of("unset"), Known::flag(false));
    }
}
