//! One cell of a table and what it says: a value of some type, absent, or unknown because it cannot be read.

use octro_model::{Span, Timestamp};
use serde_json::Value;

use crate::SettingError;
use crate::plain::plain;
use crate::settings::Settings;

/// What a column's cells are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Form {
    /// Text as it stands.
    String,
    /// A whole number.
    Int,
    /// A number.
    Float,
    /// Yes or no, in these words (lower case).
    Bool {
        /// What means true.
        yes: Vec<String>,
        /// What means false.
        no: Vec<String>,
    },
    /// A moment.
    Timestamp(TimeForm),
    /// A length of time: `90d`.
    Duration,
    /// Texts with this between them.
    List(String),
}

/// How a moment is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TimeForm {
    /// `2026-03-03T09:00:00Z`, or a date alone.
    Rfc3339,
    /// `2026-03-03`.
    Date,
    /// Seconds since 1970.
    Unix,
    /// Milliseconds since 1970.
    UnixMs,
}

/// A column that an attribute is read from.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    /// Its name in the header.
    pub name: String,
    /// What its cells are.
    pub form: Form,
    /// Whether an empty cell means that the attribute is not set; otherwise it is unknown.
    pub is_empty_absent: bool,
}

/// What a cell says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    /// A value.
    Value(Value),
    /// It is not set.
    Absent,
    /// The cell is empty, and that says nothing.
    Empty,
    /// It cannot be read: what it holds and what was expected.
    Unread(String),
}

impl Column {
    /// The setting `name`: a column's name alone (its cells are text), or a table.
    pub(crate) fn from_settings(settings: &Settings<'_>, name: &str) -> Result<Self, SettingError> {
        if settings.is_text(name) {
            let column = settings.need(name, "a column")?.to_owned();
            return Ok(Self { name: column, form: Form::String, is_empty_absent: false });
        }
        let known = ["column", "type", "true", "false", "empty", "format", "separator"];
        let Some(table) = settings.table(name, &known)? else {
            return Err(settings.refuse(name, "it is missing", "a column's name, or a table with `column`"));
        };
        let form = match table.text("type")?.unwrap_or("string") {
            "string" => Form::String,
            "int" => Form::Int,
            "float" => Form::Float,
            "bool" => bool_form(&table)?,
            "timestamp" => Form::Timestamp(time_form(&table)?),
            "duration" => Form::Duration,
            "list" => Form::List(table.text("separator")?.unwrap_or(",").to_owned()),
            other => {
                let expected = "string, int, float, bool, timestamp, duration or list";
                return Err(table.refuse("type", format!("`{other}`"), expected));
            }
        };
        let of_another = |names: &[&str], of: &str| {
            let given = table.given(names);
            given.map(|name| {
                table.refuse(name, "it does not fit this `type`", format!("it only with `type = \"{of}\"`"))
            })
        };
        let misfit = match &form {
            Form::Bool { .. } => {
                of_another(&["format"], "timestamp").or_else(|| of_another(&["separator"], "list"))
            }
            Form::Timestamp(_) => {
                of_another(&["true", "false"], "bool").or_else(|| of_another(&["separator"], "list"))
            }
            Form::List(_) => {
                of_another(&["true", "false"], "bool").or_else(|| of_another(&["format"], "timestamp"))
            }
            Form::String | Form::Int | Form::Float | Form::Duration => of_another(&["true", "false"], "bool")
                .or_else(|| of_another(&["format"], "timestamp"))
                .or_else(|| of_another(&["separator"], "list")),
        };
        if let Some(error) = misfit {
            return Err(error);
        }
        let is_empty_absent = match table.text("empty")?.unwrap_or("unknown") {
            "absent" => true,
            "unknown" => false,
            other => return Err(table.refuse("empty", format!("`{other}`"), "absent or unknown")),
        };
        Ok(Self { name: table.need("column", "a column's name")?.to_owned(), form, is_empty_absent })
    }

    /// The setting `name`: the column that says when a row was true.
    pub(crate) fn time(settings: &Settings<'_>, name: &str) -> Result<Option<Self>, SettingError> {
        let (column, form) = if settings.is_text(name) {
            (settings.need(name, "a column")?, TimeForm::Rfc3339)
        } else {
            let Some(table) = settings.table(name, &["column", "format"])? else { return Ok(None) };
            (table.need("column", "a column's name")?, time_form(&table)?)
        };
        Ok(Some(Self { name: column.to_owned(), form: Form::Timestamp(form), is_empty_absent: false }))
    }

    /// Reads a cell.
    pub(crate) fn read(&self, cell: &str) -> Cell {
        let cell = cell.trim();
        if cell.is_empty() {
            return if self.is_empty_absent { Cell::Absent } else { Cell::Empty };
        }
        let value = match &self.form {
            Form::String => Some(Value::from(cell)),
            Form::Int => cell.parse::<i64>().ok().map(Value::from),
            Form::Float => cell.parse::<f64>().ok().filter(|number| number.is_finite()).map(Value::from),
            Form::Bool { yes, no } => {
                let word = cell.to_lowercase();
                if yes.contains(&word) {
                    Some(Value::Bool(true))
                } else {
                    no.contains(&word).then_some(Value::Bool(false))
                }
            }
            Form::Timestamp(form) => form.read(cell).map(|at| Value::from(at.to_string())),
            Form::Duration => cell.parse::<Span>().ok().map(|span| Value::from(span.to_string())),
            Form::List(separator) => {
                let parts = cell.split(separator.as_str()).map(str::trim).filter(|part| !part.is_empty());
                Some(parts.map(Value::from).collect())
            }
        };
        match value {
            Some(value) => Cell::Value(value),
            None => Cell::Unread(format!("`{}`; expected {}", plain(cell, 60), self.form.expected())),
        }
    }
}

impl Form {
    fn expected(&self) -> String {
        match self {
            Self::String => "a text".to_owned(),
            Self::Int => "a whole number of 64 bits".to_owned(),
            Self::Float => "a number".to_owned(),
            Self::Bool { yes, no } => format!("{} or {}", yes.join(", "), no.join(", ")),
            Self::Timestamp(TimeForm::Rfc3339) => "a time as 2026-03-03T09:00:00Z".to_owned(),
            Self::Timestamp(TimeForm::Date) => "a date as 2026-03-03".to_owned(),
            Self::Timestamp(TimeForm::Unix) => "seconds since 1970".to_owned(),
            Self::Timestamp(TimeForm::UnixMs) => "milliseconds since 1970".to_owned(),
            Self::Duration => "a length of time as 90d or 1h30m".to_owned(),
            Self::List(separator) => format!("texts with `{separator}` between them"),
        }
    }
}

impl TimeForm {
    /// Reads a moment. Numbers that are no year up to 9999 are none.
    pub(crate) fn read(self, text: &str) -> Option<Timestamp> {
        const LATEST: f64 = 253_402_300_800.0;
        let seconds = |seconds: f64| {
            let fits = seconds.is_finite() && (0.0..LATEST).contains(&seconds);
            fits.then(|| Timestamp::from_micros((seconds * 1e6).round() as i64))
        };
        match self {
            Self::Rfc3339 => text.parse().ok(),
            Self::Date => (text.len() == 10).then(|| text.parse().ok()).flatten(),
            Self::Unix => seconds(text.parse().ok()?),
            Self::UnixMs => seconds(text.parse::<f64>().ok()? / 1_000.0),
        }
    }
}

fn time_form(table: &Settings<'_>) -> Result<TimeForm, SettingError> {
    match table.text("format")?.unwrap_or("rfc3339") {
        "rfc3339" => Ok(TimeForm::Rfc3339),
        "date" => Ok(TimeForm::Date),
        "unix" => Ok(TimeForm::Unix),
        "unix_ms" => Ok(TimeForm::UnixMs),
        other => Err(table.refuse("format", format!("`{other}`"), "rfc3339, date, unix or unix_ms")),
    }
}

fn bool_form(table: &Settings<'_>) -> Result<Form, SettingError> {
    let words = |name: &str, usual: [&str; 5]| -> Result<Vec<String>, SettingError> {
        let given = table.texts(name)?;
        if given.iter().any(|word| word.trim().is_empty()) {
            return Err(table.refuse(
                name,
                "it has an empty word",
                "words; for empty cells there is `empty`",
            ));
        }
        let words: Vec<String> = given.iter().map(|word| word.trim().to_lowercase()).collect();
        Ok(if words.is_empty() { usual.map(str::to_owned).to_vec() } else { words })
    };
    let yes = words("true", ["true", "yes", "on", "1", "y"])?;
    let no = words("false", ["false", "no", "off", "0", "n"])?;
    match yes.iter().find(|word| no.contains(word)) {
        Some(word) => Err(table.refuse("true", format!("`{word}` is also in `false`"), "each word once")),
        None => Ok(Form::Bool { yes, no }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(json: &str) -> Result<Column, String> {
        let values = serde_json::from_str(&format!(r#"{{"a": {json}}}"#)).unwrap();
        let settings = Settings::new(&values, &["a"]).unwrap();
        Column::from_settings(&settings, "a").map_err(|error| error.to_string())
    }

    #[test]
    fn cells_are_read_by_their_type() {
        for (json, cell, value) in [
            (r#""A""#, " x ", r#""x""#),
            (r#"{"column": "A", "type": "int"}"#, "-7", "-7"),
            (r#"{"column": "A", "type": "float"}"#, "1.5", "1.5"),
            (r#"{"column": "A", "type": "bool"}"#, "Yes", "true"),
            (r#"{"column": "A", "type": "bool", "true": ["Ja"], "false": ["nein"]}"#, "JA", "true"),
            (r#"{"column": "A", "type": "timestamp"}"#, "2026-03-03", r#""2026-03-03T00:00:00Z""#),
            (
                r#"{"column": "A", "type": "timestamp", "format": "unix"}"#,
                "1772528400",
                r#""2026-03-03T09:00:00Z""#,
            ),
            (
                r#"{"column": "A", "type": "timestamp", "format": "unix_ms"}"#,
                "1772528400000",
                r#""2026-03-03T09:00:00Z""#,
            ),
            (r#"{"column": "A", "type": "duration"}"#, "48h", r#""2d""#),
            (r#"{"column": "A", "type": "list", "separator": ";"}"#, "a; b;", r#"["a","b"]"#),
        ] {
            let value: Value = serde_json::from_str(value).unwrap();
            assert_eq!(column(json).unwrap().read(cell), Cell::Value(value), "{json}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_never_a_value() {
        for (json, cell) in [
            (r#"{"column": "A", "type": "int"}"#, "9223372036854775808"),
            (r#"{"column": "A", "type": "float"}"#, "NaN"),
            (r#"{"column": "A", "type": "bool", "true": ["encrypted"]}"#, "encrypting"),
            (r#"{"column": "A", "type": "timestamp"}"#, "03/03/2026"),
            (r#"{"column": "A", "type": "timestamp", "format": "date"}"#, "2026-03-03T09:00:00Z"),
            (r#"{"column": "A", "type": "timestamp", "format": "unix"}"#, "1e300"),
        ] {
            assert!(matches!(column(json).unwrap().read(cell), Cell::Unread(_)), "{json}");
        }
        assert_eq!(column(r#""A""#).unwrap().read(" "), Cell::Empty);
        assert_eq!(column(r#"{"column": "A", "empty": "absent"}"#).unwrap().read(""), Cell::Absent);
    }

    #[test]
    fn settings_that_do_not_fit_are_refused() {
        for (json, words) in [
            ("3", "a.".trim_end_matches('.')),
            (r#"{"type": "int"}"#, "a.column: it is missing"),
            (r#"{"column": "A", "type": "number"}"#, "a.type: `number`"),
            (r#"{"column": "A", "type": "int", "true": ["x"]}"#, "a.true: it does not fit"),
            (r#"{"column": "A", "type": "bool", "true": ["no"]}"#, "also in `false`"),
            (r#"{"column": "A", "empty": "null"}"#, "absent or unknown"),
            (r#"{"column": "A", "type": "timestamp", "format": "us"}"#, "rfc3339, date"),
        ] {
            let error = column(json).unwrap_err();
            assert!(error.contains(words), "{json}: {error}");
        }
    }
}
