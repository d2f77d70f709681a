//! The settings for osquery's results, and the shapes that its values take.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use octro_model::Id;
use serde_json::{Map, Value};

use crate::SettingError;
use crate::file::mapping::{self, Mapping};
use crate::file::place::Opened;
use crate::settings::Settings;

/// How osquery's results are read.
#[derive(Debug)]
pub(crate) struct OsqueryForm {
    /// By name.
    pub queries: BTreeMap<String, Query>,
    /// The host of rows that do not name one.
    pub host: String,
}

/// One query.
#[derive(Debug)]
pub(crate) struct Query {
    /// How its rows become resources.
    pub mapping: Mapping,
    /// Whether a snapshot holds every resource of the kind on its host.
    pub is_complete: bool,
}

impl OsqueryForm {
    /// The settings that it reads.
    pub(crate) const SETTINGS: [&str; 2] = ["queries", "host"];

    /// Reads the settings.
    pub(crate) fn from_settings(settings: &Settings<'_>) -> Result<Self, SettingError> {
        let expected = "a table for each query, as queries.disk_encryption";
        let Some(table) = settings.free_table("queries")? else {
            return Err(settings.refuse("queries", "it is missing", expected));
        };
        let mut queries = BTreeMap::new();
        for name in settings.names("queries")? {
            let mut known = mapping::SETTINGS.to_vec();
            known.push("complete");
            let Some(query) = table.table(name, &known)? else { continue };
            let query =
                Query { mapping: Mapping::from_settings(&query)?, is_complete: query.flag("complete")? };
            queries.insert(name.to_owned(), query);
        }
        if queries.is_empty() {
            return Err(settings.refuse("queries", "it is empty", expected));
        }
        Ok(Self { queries, host: settings.text("host")?.unwrap_or_default().to_owned() })
    }

    /// The kinds that the queries yield.
    pub(crate) fn kinds(&self) -> Vec<Id> {
        let kinds: BTreeSet<&Id> = self.queries.values().map(|query| &query.mapping.kind).collect();
        kinds.into_iter().cloned().collect()
    }

    /// The query that a file of bare rows holds: the one with the file's name, or the only one.
    pub(crate) fn query_of(&self, file: &Opened) -> Option<&str> {
        let named = self.queries.get_key_value(&file.stem);
        named
            .or_else(|| self.queries.first_key_value().filter(|_| self.queries.len() == 1))
            .map(|(name, _)| name.as_str())
    }
}

/// Whether it is a line of the results log.
pub(crate) fn is_result(fields: &Map<String, Value>) -> bool {
    fields.contains_key("name")
        && fields.contains_key("unixTime")
        && ["action", "snapshot", "diffResults"].iter().any(|name| fields.contains_key(*name))
}

/// A list of rows; some write an empty one as an empty text, or leave it out.
pub(crate) fn rows(value: &Value) -> Option<&[Value]> {
    match value {
        Value::Array(rows) => Some(rows),
        Value::Null => Some(&[]),
        Value::String(text) if text.is_empty() => Some(&[]),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => None,
    }
}

/// A value as osquery's text; nothing for null.
pub(crate) fn text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(text.into()),
        Value::Null => Some("".into()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string().into()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

/// A cell of a row; `@host` is the host.
pub(crate) fn cell<'c>(row: &'c Value, column: &str, host: &'c str) -> Option<Cow<'c, str>> {
    if column == "@host" { Some(host.into()) } else { row.get(column).and_then(text) }
}
