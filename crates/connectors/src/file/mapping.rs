//! From the columns of a row to the attributes of a resource.

use std::borrow::Cow;

use octro_model::{Id, Observation, Timestamp, UnknownReason, Why};
use serde_json::{Map, Value};

use super::cell::{Cell, Column};
use crate::SettingError;
use crate::settings::Settings;

/// The settings of a mapping.
pub(crate) const SETTINGS: [&str; 4] = ["kind", "key", "columns", "at"];

/// How rows become resources of one kind.
#[derive(Debug, Clone)]
pub(crate) struct Mapping {
    /// The kind.
    pub kind: Id,
    /// The columns that make the key, joined by `:`.
    key: Vec<String>,
    attributes: Vec<(String, Column)>,
    at: Option<Column>,
}

/// A row as a resource.
#[derive(Debug)]
pub(crate) struct Mapped {
    /// The resource.
    pub observation: Observation,
    /// The cells that could not be read; their attributes are unknown.
    pub unread: Vec<String>,
}

/// What finds a cell of a row by its column.
pub(crate) type Cells<'a> = dyn Fn(&str) -> Option<Cow<'a, str>> + 'a;

impl Mapping {
    /// Reads [`SETTINGS`].
    pub(crate) fn from_settings(settings: &Settings<'_>) -> Result<Self, SettingError> {
        let key =
            settings.need_texts("key", "the column, or columns, that tell one resource from another")?;
        let expected = "attributes and their columns, as columns.encrypted = \"Encrypted\"";
        let Some(table) = settings.free_table("columns")? else {
            return Err(settings.refuse("columns", "it is missing", expected));
        };
        let mut attributes = Vec::new();
        for name in settings.names("columns")? {
            attributes.push((name.to_owned(), Column::from_settings(&table, name)?));
        }
        if attributes.is_empty() {
            return Err(settings.refuse("columns", "it is empty", expected));
        }
        Ok(Self { kind: settings.kind("kind")?, key, attributes, at: Column::time(settings, "at")? })
    }

    /// Every column that it reads.
    pub(crate) fn columns(&self) -> impl Iterator<Item = &str> {
        let key = self.key.iter().map(String::as_str);
        key.chain(self.attributes.iter().map(|(_, column)| column.name.as_str()))
            .chain(self.at.iter().map(|column| column.name.as_str()))
    }

    /// The key of a row, behind `prefix` if there is one.
    ///
    /// # Errors
    /// Which part of it is missing.
    pub(crate) fn key(&self, cells: &Cells<'_>, prefix: &str) -> Result<String, String> {
        let mut key = prefix.to_owned();
        for column in &self.key {
            let cell = cells(column).unwrap_or_default();
            let cell = cell.trim();
            if cell.is_empty() {
                return Err(format!("the column `{column}` is empty; expected a part of the key"));
            }
            if !key.is_empty() {
                key.push(':');
            }
            key.push_str(cell);
        }
        if key.len() > 1_000 {
            return Err(format!("the key is {} bytes long; expected at most 1000", key.len()));
        }
        Ok(key)
    }

    /// A row as a resource, true at the time that its column gives, or `at`.
    ///
    /// # Errors
    /// Why the row is no resource.
    pub(crate) fn read(&self, cells: &Cells<'_>, prefix: &str, at: Timestamp) -> Result<Mapped, String> {
        let key = self.key(cells, prefix)?;
        let mut effective_at = at;
        if let Some(column) = &self.at {
            let cell = cells(&column.name).unwrap_or_default();
            effective_at = match column.read(&cell) {
                Cell::Value(Value::String(text)) => {
                    text.parse().map_err(|_| format!("the column `{}` holds no time", column.name))?
                }
                Cell::Value(_) | Cell::Absent | Cell::Empty => {
                    return Err(format!("the column `{}` is empty; expected a time", column.name));
                }
                Cell::Unread(what) => return Err(format!("the column `{}` holds {what}", column.name)),
            };
        }
        let mut observation = Observation {
            kind: self.kind.clone(),
            key,
            scope: String::new(),
            effective_at: Some(effective_at),
            attributes: Map::new(),
            unknown: std::collections::BTreeMap::new(),
            gone: false,
        };
        let mut unread = Vec::new();
        for (name, column) in &self.attributes {
            let reason = match cells(&column.name).map(|cell| column.read(&cell)) {
                Some(Cell::Value(value)) => {
                    observation.attributes.insert(name.clone(), value);
                    continue;
                }
                Some(Cell::Absent) => {
                    observation.attributes.insert(name.clone(), Value::Null);
                    continue;
                }
                Some(Cell::Empty) => {
                    UnknownReason::new(Why::NotCollected, format!("the column `{}` is empty", column.name))
                }
                Some(Cell::Unread(what)) => {
                    let what = format!("the column `{}` holds {what}", column.name);
                    unread.push(what.clone());
                    UnknownReason::new(Why::Failed, what)
                }
                None => {
                    UnknownReason::new(Why::NotCollected, format!("the row has no column `{}`", column.name))
                }
            };
            observation.unknown.insert(name.clone(), reason);
        }
        Ok(Mapped { observation, unread })
    }
}
