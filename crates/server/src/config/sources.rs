//! `[[source]]`: what is looked at, and how often.

use std::path::Path;
use std::sync::Arc;

use octro_connectors::{Connector, Source};
use octro_engine::SourceInfo;
use octro_model::{Id, Span};

use super::ConfigError;

/// How often a source runs if nothing is said.
const EVERY: Span = Span::from_secs(15 * 60);
/// How long one run may take if nothing is said.
const TIMEOUT: Span = Span::from_secs(5 * 60);

/// A source that can run.
#[derive(Clone)]
pub struct OpenSource {
    /// What the engine knows of it.
    pub info: SourceInfo,
    /// How long one run may take.
    pub timeout: Span,
    /// What asks the system.
    pub source: Arc<dyn Source>,
}

impl OpenSource {
    /// A source of this connector, as it is without any settings but, for one that needs no more than a file, that file;
    /// named like the connector.
    ///
    /// # Errors
    /// What is wrong, and what was expected: some connectors need settings.
    pub fn without_settings(connector: &str, file: Option<&str>) -> Result<Self, (String, String)> {
        let mut table: toml::Table =
            ["id", "type"].map(|key| (key.to_owned(), connector.into())).into_iter().collect();
        if let Some(file) = file {
            let setting = self::connector(connector).and_then(Connector::file_setting);
            let setting =
                setting.ok_or_else(|| (format!("`{connector}` takes no file"), "no file".to_owned()))?;
            table.insert(setting.to_owned(), file.into());
        }
        open(table)
    }
}

/// The machine that Octro runs on.
pub(super) fn this_host(path: &Path) -> Result<OpenSource, ConfigError> {
    let table = [("id", "this-host"), ("type", "host")].map(|(key, value)| (key.to_owned(), value.into()));
    open(table.into_iter().collect()).map_err(|(what, expected)| ConfigError {
        file: path.display().to_string(),
        line: 0,
        what,
        expected,
    })
}

fn connector(name: &str) -> Option<&'static dyn Connector> {
    octro_connectors::ALL.iter().find(|connector| connector.name() == name).copied()
}

/// Opens what one `[[source]]` declares.
pub(super) fn open(mut table: toml::Table) -> Result<OpenSource, (String, String)> {
    let id = take_text(&mut table, "id")?.ok_or(("a source without `id`".to_owned(), "a name".to_owned()))?;
    let id: Id =
        id.parse().map_err(|error: octro_model::IdError| (error.to_string(), "a name".to_owned()))?;
    let names: Vec<&str> = octro_connectors::ALL.iter().map(|connector| connector.name()).collect();
    let expected = format!("one of {}", names.join(", "));
    let kind = take_text(&mut table, "type")?
        .ok_or_else(|| (format!("the source `{id}` has no `type`"), expected.clone()))?;
    let connector = connector(&kind)
        .ok_or_else(|| (format!("source `{id}`: there is no connector `{kind}`"), expected))?;
    let every = take_span(&mut table, "every", &id)?.unwrap_or(EVERY);
    let timeout = take_span(&mut table, "timeout", &id)?.unwrap_or(TIMEOUT);
    if every < Span::from_secs(1) || timeout < Span::from_secs(1) {
        return Err((
            format!("source `{id}`: `every` and `timeout` are too short"),
            "at least 1s".to_owned(),
        ));
    }
    let settings = match serde_json::to_value(table) {
        Ok(serde_json::Value::Object(settings)) => settings,
        Ok(_) | Err(_) => {
            return Err((format!("source `{id}`: settings that are no table"), "a table".to_owned()));
        }
    };
    let source = connector
        .open(&settings)
        .map_err(|error| (format!("source `{id}`: {}: {}", error.setting, error.what), error.expected))?;
    let source: Arc<dyn Source> = source.into();
    let info = SourceInfo { id, connector: kind, every, kinds: source.kinds() };
    Ok(OpenSource { info, timeout, source })
}

fn take_text(table: &mut toml::Table, key: &str) -> Result<Option<String>, (String, String)> {
    match table.remove(key) {
        None => Ok(None),
        Some(toml::Value::String(text)) => Ok(Some(text)),
        Some(other) => Err((format!("`{key}` is {}", other.type_str()), "a text".to_owned())),
    }
}

fn take_span(table: &mut toml::Table, key: &str, id: &Id) -> Result<Option<Span>, (String, String)> {
    let Some(text) = take_text(table, key)? else { return Ok(None) };
    text.parse().map(Some).map_err(|error: octro_model::ParseTimeError| {
        (format!("source `{id}`: `{key}`: {error}"), "a length of time: 90d, 24h, 15m, 30s".to_owned())
    })
}
