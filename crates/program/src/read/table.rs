//! Reads a TOML table key by key. A missing key, a wrong type, a word that is none of its list and a key that nobody
//! asked for are problems; reading goes on after each.

use std::cell::RefCell;
use std::ops::Range;
use std::str::FromStr;

use octro_model::{Id, ParseWordError, Span, Timestamp};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::near::instead;
use crate::read::doc::{Doc, Said};

/// One table of a file that is being read.
pub(crate) struct Table<'d> {
    pub(crate) doc: &'d Doc<'d>,
    entries: &'d DeTable<'d>,
    /// Where the table begins: a missing key is reported there.
    pub(crate) at: Range<usize>,
    /// What it is, for messages: empty for the file itself.
    name: String,
    asked: RefCell<Vec<&'static str>>,
}

/// An entry of a table whose keys are names that the author chose.
pub(crate) struct Entry<'d> {
    pub(crate) key: Said<&'d str>,
    pub(crate) value: &'d Spanned<DeValue<'d>>,
}

impl<'d> Table<'d> {
    pub(crate) fn new(doc: &'d Doc<'d>, entries: &'d DeTable<'d>, at: Range<usize>, name: String) -> Self {
        Self { doc, entries, at, name, asked: RefCell::default() }
    }

    /// Whether the key is there, whatever its value.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    pub(crate) fn get(&self, key: &'static str) -> Option<&'d Spanned<DeValue<'d>>> {
        self.asked.borrow_mut().push(key);
        self.entries.get(key)
    }

    /// Passes `value` on, and reports the key as missing if it is not there at all.
    pub(crate) fn need<T>(&self, key: &'static str, form: &str, value: Option<T>) -> Option<T> {
        if !self.has(key) {
            self.doc.problem(self.at.clone(), format!("`{key}` is missing{}", self.of()), form);
        }
        value
    }

    fn of(&self) -> String {
        if self.name.is_empty() { String::new() } else { format!(" in {}", self.name) }
    }

    fn wrong(&self, key: &str, value: &Spanned<DeValue<'_>>, expected: &str) {
        self.doc.problem(value.span(), format!("`{key}` is {}", kind_of(value.get_ref())), expected);
    }

    /// A text, if the key is there.
    pub(crate) fn text(&self, key: &'static str) -> Option<Said<&'d str>> {
        let value = self.get(key)?;
        match value.get_ref().as_str() {
            Some(text) => Some(Said { value: text, at: value.span() }),
            None => {
                self.wrong(key, value, "a text in quotes");
                None
            }
        }
    }

    /// A text that has to be there and say something.
    pub(crate) fn need_text(&self, key: &'static str) -> Option<Said<&'d str>> {
        let text = self.need(key, &format!("`{key} = \"...\"`"), self.text(key))?;
        if text.value.trim().is_empty() {
            self.doc.problem(text.at, format!("`{key}` is empty"), "a text");
            return None;
        }
        Some(text)
    }

    /// A text, empty if the key is not there.
    pub(crate) fn text_or_empty(&self, key: &'static str) -> String {
        self.text(key).map(|text| text.value.to_owned()).unwrap_or_default()
    }

    /// A whole number within bounds.
    pub(crate) fn int(&self, key: &'static str, least: u32) -> Option<u32> {
        let value = self.get(key)?;
        let expected = format!("a whole number from {least} on");
        let Some(integer) = value.get_ref().as_integer() else {
            self.wrong(key, value, &expected);
            return None;
        };
        match u32::from_str_radix(integer.as_str(), integer.radix()) {
            Ok(number) if number >= least => Some(number),
            Ok(_) | Err(_) => {
                self.doc.problem(value.span(), format!("`{key}` is {integer}"), expected);
                None
            }
        }
    }

    /// `rev`: a whole number from 1 on that has to be there.
    pub(crate) fn rev(&self) -> Option<u32> {
        self.need("rev", "`rev = 1`, one more with every change of meaning", self.int("rev", 1))
    }

    /// `true` or `false`.
    pub(crate) fn flag(&self, key: &'static str) -> Option<bool> {
        let value = self.get(key)?;
        let flag = value.get_ref().as_bool();
        if flag.is_none() {
            self.wrong(key, value, "`true` or `false`");
        }
        flag
    }

    /// A name.
    pub(crate) fn id(&self, key: &'static str) -> Option<Said<Id>> {
        let text = self.text(key)?;
        self.as_id(key, text)
    }

    /// A name that has to be there.
    pub(crate) fn need_id(&self, key: &'static str, what: &str) -> Option<Said<Id>> {
        self.need(key, &format!("`{key} = \"...\"`, {what}"), self.id(key))
    }

    fn as_id(&self, key: &str, text: Said<&str>) -> Option<Said<Id>> {
        match text.value.parse() {
            Ok(id) => Some(Said { value: id, at: text.at }),
            Err(_) => {
                let what = format!("`{}` in `{key}` cannot be a name", text.value);
                self.doc.problem(
                    text.at,
                    what,
                    "1-120 characters of a-z A-Z 0-9 . _ -, the first a letter or digit",
                );
                None
            }
        }
    }

    /// One of a closed list of words.
    pub(crate) fn word<T: FromStr<Err = ParseWordError>>(&self, key: &'static str) -> Option<T> {
        let text = self.text(key)?;
        match text.value.parse() {
            Ok(word) => Some(word),
            Err(error) => {
                let message = error.to_string();
                let (what, expected) = message.split_once("; expected ").unwrap_or((&message, ""));
                self.doc.problem(text.at, what, expected);
                None
            }
        }
    }

    /// One of a closed list of words that belongs to program files only.
    pub(crate) fn choice<T: Copy>(&self, key: &'static str, words: &[(&str, T)]) -> Option<T> {
        let text = self.text(key)?;
        let found = words.iter().find(|(word, _)| *word == text.value).map(|(_, value)| *value);
        if found.is_none() {
            let known = words.iter().map(|(word, _)| *word);
            let expected = format!("one of {}", known.collect::<Vec<_>>().join(", "));
            self.doc.problem(text.at, format!("`{key}` is `{}`", text.value), expected);
        }
        found
    }

    /// A length of time above zero.
    pub(crate) fn span(&self, key: &'static str) -> Option<Span> {
        let text = self.text(key)?;
        match text.value.parse::<Span>() {
            Ok(span) if span > Span::ZERO => Some(span),
            Ok(_) | Err(_) => {
                let what = format!("`{key}` is `{}`, no length of time", text.value);
                self.doc.problem(text.at, what, "90d, 24h, 15m, 30s or 1h30m");
                None
            }
        }
    }

    /// A moment: a text, or TOML's own date.
    pub(crate) fn moment(&self, key: &'static str) -> Option<Said<Timestamp>> {
        let value = self.get(key)?;
        let text = match value.get_ref() {
            DeValue::String(text) => text.to_string(),
            DeValue::Datetime(date) => date.to_string(),
            DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Array(_)
            | DeValue::Table(_) => {
                self.wrong(key, value, "a time: \"2026-03-03\" or \"2026-03-03T09:00:00Z\"");
                return None;
            }
        };
        match text.parse() {
            Ok(moment) => Some(Said { value: moment, at: value.span() }),
            Err(_) => {
                self.doc.problem(
                    value.span(),
                    format!("`{key}` is `{text}`, no time"),
                    "2026-03-03 or 2026-03-03T09:00:00Z",
                );
                None
            }
        }
    }

    /// A list of texts; empty if the key is not there.
    pub(crate) fn texts(&self, key: &'static str) -> Vec<Said<&'d str>> {
        let Some(value) = self.get(key) else { return Vec::new() };
        let Some(list) = value.get_ref().as_array() else {
            self.wrong(key, value, "a list of texts: [\"...\"]");
            return Vec::new();
        };
        let mut texts = Vec::new();
        for item in list.iter() {
            match item.get_ref().as_str() {
                Some(text) => texts.push(Said { value: text, at: item.span() }),
                None => self.wrong(key, item, "a text in quotes"),
            }
        }
        texts
    }

    /// A list of names, each at most once.
    pub(crate) fn ids(&self, key: &'static str) -> Vec<Said<Id>> {
        let mut ids: Vec<Said<Id>> = Vec::new();
        for id in self.texts(key).into_iter().filter_map(|text| self.as_id(key, text)) {
            if ids.iter().any(|other| other.value == id.value) {
                self.doc.problem(id.at, format!("`{}` stands twice in `{key}`", id.value), "each once");
            } else {
                ids.push(id);
            }
        }
        ids
    }

    /// A list of names that has to be there and has at least one.
    pub(crate) fn need_ids(&self, key: &'static str, form: &str) -> Vec<Said<Id>> {
        let ids = self.ids(key);
        match self.entries.get(key) {
            None => self.doc.problem(self.at.clone(), format!("`{key}` is missing{}", self.of()), form),
            Some(value) if value.get_ref().as_array().is_some_and(|list| list.is_empty()) => {
                self.doc.problem(value.span(), format!("`{key}` is empty"), form);
            }
            Some(_) => {}
        }
        ids
    }

    /// A table below a key.
    pub(crate) fn table(&self, key: &'static str) -> Option<Table<'d>> {
        let value = self.get(key)?;
        let Some(entries) = value.get_ref().as_table() else {
            self.wrong(key, value, &format!("a table: `[{key}]`"));
            return None;
        };
        Some(Table::new(self.doc, entries, value.span(), format!("`[{key}]`")))
    }

    /// A list of tables below a key; empty if the key is not there.
    pub(crate) fn tables(&self, key: &'static str) -> Vec<Table<'d>> {
        let Some(value) = self.get(key) else { return Vec::new() };
        let Some(list) = value.get_ref().as_array() else {
            self.wrong(key, value, &format!("a list of tables: `[[{key}]]`"));
            return Vec::new();
        };
        let mut tables = Vec::new();
        for item in list.iter() {
            match item.get_ref().as_table() {
                Some(entries) => {
                    tables.push(Table::new(self.doc, entries, item.span(), format!("`[[{key}]]`")))
                }
                None => self.wrong(key, item, "a table: `{ ... }`"),
            }
        }
        tables
    }

    /// All entries in the order of the file, for a table whose keys are names.
    pub(crate) fn entries(&self) -> Vec<Entry<'d>> {
        let mut entries: Vec<Entry<'d>> = self
            .entries
            .iter()
            .map(|(key, value)| Entry { key: Said { value: key.get_ref(), at: key.span() }, value })
            .collect();
        entries.sort_by_key(|entry| entry.key.at.start);
        entries
    }

    /// The table that an entry of this one is.
    pub(crate) fn entry_table(&self, entry: &Entry<'d>) -> Option<Table<'d>> {
        let Some(entries) = entry.value.get_ref().as_table() else {
            self.wrong(entry.key.value, entry.value, &format!("a table: `[... .{}]`", entry.key.value));
            return None;
        };
        Some(Table::new(self.doc, entries, entry.value.span(), format!("`{}`", entry.key.value)))
    }

    /// Reports the keys that nobody asked for. Every table ends with this.
    pub(crate) fn finish(self) {
        if self.doc.problems.is_lenient() {
            return;
        }
        let asked = self.asked.borrow();
        for (key, _) in self.entries {
            if asked.contains(&key.get_ref().as_ref()) {
                continue;
            }
            let what = format!("unknown key `{}`{}", key.get_ref(), self.of());
            let mut known = asked.clone();
            known.retain(|name| !self.entries.contains_key(*name));
            let expected = match key.get_ref().as_ref() {
                "id" | "name" if self.name.is_empty() => "none: the name of the file says it".to_owned(),
                _ if known.is_empty() => "no other keys".to_owned(),
                name => instead(name, "one of", known.iter().copied()),
            };
            self.doc.problem(key.span(), what, expected);
        }
    }
}

/// What a value is, for people.
pub(crate) fn kind_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a time without quotes",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// A value as JSON; `None` for a number that JSON or 64 bits cannot hold.
pub(crate) fn json(value: &DeValue<'_>) -> Option<serde_json::Value> {
    use serde_json::Value;
    Some(match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Integer(integer) => {
            Value::from(i64::from_str_radix(integer.as_str(), integer.radix()).ok()?)
        }
        DeValue::Float(float) => Value::Number(serde_json::Number::from_f64(float.as_str().parse().ok()?)?),
        DeValue::Boolean(flag) => Value::Bool(*flag),
        DeValue::Datetime(date) => Value::String(date.to_string()),
        DeValue::Array(list) => {
            Value::Array(list.iter().map(|item| json(item.get_ref())).collect::<Option<Vec<_>>>()?)
        }
        DeValue::Table(entries) => {
            let entry = |(key, value): (&Spanned<_>, &Spanned<DeValue<'_>>)| {
                let key: &std::borrow::Cow<'_, str> = key.get_ref();
                Some((key.to_string(), json(value.get_ref())?))
            };
            Value::Object(entries.iter().map(entry).collect::<Option<serde_json::Map<_, _>>>()?)
        }
    })
}
