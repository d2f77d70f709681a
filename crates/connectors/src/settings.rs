//! Reading a connector's settings. Every getter checks the form, and says what was found and what was expected.

use std::path::PathBuf;

use octro_model::{Id, Span};
use serde_json::{Map, Value};

use crate::SettingError;

/// A table of settings.
#[derive(Debug, Clone)]
pub(crate) struct Settings<'a> {
    /// Where the table stands: empty, or `columns.encrypted.`.
    place: String,
    values: &'a Map<String, Value>,
}

impl<'a> Settings<'a> {
    /// The settings in `values`, of which only those that are `known` may be there.
    pub(crate) fn new(values: &'a Map<String, Value>, known: &[&str]) -> Result<Self, SettingError> {
        Self::at(String::new(), values, known)
    }

    fn at(place: String, values: &'a Map<String, Value>, known: &[&str]) -> Result<Self, SettingError> {
        let settings = Self { place, values };
        match values.keys().find(|key| !known.contains(&key.as_str())) {
            Some(other) => Err(settings.refuse(other, "there is no such setting", known.join(", "))),
            None => Ok(settings),
        }
    }

    /// What is wrong with a setting.
    pub(crate) fn refuse(
        &self,
        name: &str,
        what: impl Into<String>,
        expected: impl Into<String>,
    ) -> SettingError {
        SettingError {
            setting: format!("{}{name}", self.place),
            what: what.into(),
            expected: expected.into(),
        }
    }

    fn found(&self, name: &str, value: &Value, expected: &str) -> SettingError {
        self.refuse(name, format!("it is {}", crate::plain::plain(&value.to_string(), 80)), expected)
    }

    /// A text, if it is given; never empty.
    pub(crate) fn text(&self, name: &str) -> Result<Option<&'a str>, SettingError> {
        match self.values.get(name) {
            None => Ok(None),
            Some(Value::String(text)) if !text.trim().is_empty() && !text.contains('\0') => Ok(Some(text)),
            Some(other) => Err(self.found(name, other, "a text that is not empty")),
        }
    }

    /// A text that has to be given.
    pub(crate) fn need(&self, name: &str, expected: &str) -> Result<&'a str, SettingError> {
        self.text(name)?.ok_or_else(|| self.refuse(name, "it is missing", expected))
    }

    /// An absolute path, if it is given.
    pub(crate) fn absolute(&self, name: &str) -> Result<Option<PathBuf>, SettingError> {
        let path = self.text(name)?.map(PathBuf::from);
        match path.as_ref().filter(|path| !path.is_absolute()) {
            Some(path) => Err(self.refuse(name, format!("`{}`", path.display()), "an absolute path")),
            None => Ok(path),
        }
    }

    /// A list of texts, none of them with a NUL; empty if it is not given.
    pub(crate) fn texts(&self, name: &str) -> Result<Vec<String>, SettingError> {
        let Some(value) = self.values.get(name) else { return Ok(Vec::new()) };
        let texts = value.as_array().and_then(|texts| {
            texts.iter().map(|text| text.as_str().filter(|t| !t.contains('\0')).map(str::to_owned)).collect()
        });
        texts.ok_or_else(|| self.found(name, value, "a list of texts"))
    }

    /// One text, or a list of them, that has to be given.
    pub(crate) fn need_texts(&self, name: &str, expected: &str) -> Result<Vec<String>, SettingError> {
        let texts = match self.values.get(name) {
            Some(Value::String(_)) => vec![self.need(name, expected)?.to_owned()],
            Some(_) | None => self.texts(name)?,
        };
        if texts.is_empty() {
            return Err(self.refuse(name, "it is missing or empty", expected));
        }
        Ok(texts)
    }

    /// A list of kinds that has to be given.
    pub(crate) fn kinds(&self, name: &str) -> Result<Vec<Id>, SettingError> {
        let mut kinds = Vec::new();
        for text in self.need_texts(name, "the kinds that the source yields, as [\"host\"]")? {
            let kind: Id = text.parse().map_err(|error: octro_model::IdError| {
                self.refuse(name, error.to_string(), "the names of kinds")
            })?;
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
        Ok(kinds)
    }

    /// One kind that has to be given.
    pub(crate) fn kind(&self, name: &str) -> Result<Id, SettingError> {
        let text = self.need(name, "the name of a kind")?;
        text.parse()
            .map_err(|error: octro_model::IdError| self.refuse(name, error.to_string(), "the name of a kind"))
    }

    /// Yes or no; no if it is not given.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, SettingError> {
        match self.values.get(name) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(other) => Err(self.found(name, other, "true or false")),
        }
    }

    /// A length of time from one second to `most`.
    pub(crate) fn span(&self, name: &str, most: Span) -> Result<Option<Span>, SettingError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        match text.parse::<Span>() {
            Ok(span) if span >= Span::from_secs(1) && span <= most => Ok(Some(span)),
            Ok(_) | Err(_) => {
                Err(self.refuse(name, format!("`{text}`"), format!("a length of time from 1s to {most}")))
            }
        }
    }

    /// A whole number from `least` to `most`.
    pub(crate) fn number(&self, name: &str, least: u64, most: u64) -> Result<Option<u64>, SettingError> {
        match self.values.get(name) {
            None => Ok(None),
            Some(value) => match value.as_u64().filter(|number| (least..=most).contains(number)) {
                Some(number) => Ok(Some(number)),
                None => Err(self.found(name, value, &format!("a whole number from {least} to {most}"))),
            },
        }
    }

    /// A number of bytes from 1 to `most`: a whole number, or a text as `64 MB`.
    pub(crate) fn bytes(&self, name: &str, most: u64) -> Result<Option<u64>, SettingError> {
        let Some(value) = self.values.get(name) else { return Ok(None) };
        let bytes = value.as_u64().or_else(|| value.as_str().and_then(bytes));
        match bytes {
            Some(bytes) if (1..=most).contains(&bytes) => Ok(Some(bytes)),
            Some(_) | None => {
                Err(self.found(name, value, &format!("a number of bytes up to {most}, or a text as `64 MB`")))
            }
        }
    }

    /// The names of a table's entries, if it is given.
    pub(crate) fn names(&self, name: &str) -> Result<Vec<&'a str>, SettingError> {
        match self.values.get(name) {
            None => Ok(Vec::new()),
            Some(Value::Object(table)) => Ok(table.keys().map(String::as_str).collect()),
            Some(other) => Err(self.found(name, other, "a table")),
        }
    }

    /// A table inside this one, of which only `known` settings may be there.
    pub(crate) fn table(&self, name: &str, known: &[&str]) -> Result<Option<Settings<'a>>, SettingError> {
        match self.values.get(name) {
            None => Ok(None),
            Some(Value::Object(table)) => {
                Settings::at(format!("{}{name}.", self.place), table, known).map(Some)
            }
            Some(other) => Err(self.found(name, other, "a table")),
        }
    }

    /// A table inside this one with names of the operator's choice.
    pub(crate) fn free_table(&self, name: &str) -> Result<Option<Settings<'a>>, SettingError> {
        let names = self.names(name)?;
        self.table(name, &names)
    }

    /// The first of these settings that is given.
    pub(crate) fn given<'n>(&self, names: &[&'n str]) -> Option<&'n str> {
        names.iter().copied().find(|name| self.values.contains_key(*name))
    }

    /// Whether a setting is a text.
    pub(crate) fn is_text(&self, name: &str) -> bool {
        matches!(self.values.get(name), Some(Value::String(_)))
    }
}

fn bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit: u64 = match unit.trim() {
        "" | "B" => 1,
        "kB" | "KB" => 1_000,
        "KiB" => 1 << 10,
        "MB" => 1_000_000,
        "MiB" => 1 << 20,
        "GB" => 1_000_000_000,
        "GiB" => 1 << 30,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(json: &str) -> Map<String, Value> {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        let values = table(r#"{"a": {"b": 3}, "n": "12 MiB", "t": "2h"}"#);
        let settings = Settings::new(&values, &["a", "n", "t"]).unwrap();
        assert_eq!(settings.bytes("n", 1 << 30).unwrap(), Some(12 << 20));
        let inner = settings.table("a", &["b"]).unwrap().unwrap();
        assert_eq!(
            inner.text("b").unwrap_err().to_string(),
            "a.b: it is 3; expected a text that is not empty"
        );
        assert!(settings.span("t", Span::HOUR).unwrap_err().to_string().contains("from 1s to 1h"));
        let error = Settings::new(&values, &["a"]).unwrap_err().to_string();
        assert!(error.contains("there is no such setting; expected a"), "{error}");
    }

    #[test]
    fn sizes_are_read() {
        for (text, size) in [("5", 5), ("64 MB", 64_000_000), ("1GiB", 1 << 30), ("2 kB", 2_000)] {
            assert_eq!(bytes(text), Some(size), "{text}");
        }
        for text in ["", "MB", "1 TB", "-1", "99999999999999999999"] {
            assert_eq!(bytes(text), None, "{text}");
        }
    }
}
