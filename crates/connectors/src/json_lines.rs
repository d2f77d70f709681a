//! Our JSON Lines: what the `exec` connector reads from a command and `file` from a file. A line is an observation, a
//! scope (how the enumeration of one kind went) or an error for people.

use octro_model::{CollectionError, Id, Observation, ScopeReport, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use crate::coverage::Coverage;
use crate::lines::Line;
use crate::plain::plain;
use crate::{Run, Stopped};

/// How deep the values of an attribute may be nested.
const DEPTH_MAX: usize = 32;
/// The longest key and scope, in bytes.
const NAME_MAX: usize = 1_000;
/// What a line has to be, for people.
const FORM: &str =
    "an observation {\"kind\", \"key\", \"attributes\"}, {\"scope\": {...}} or {\"error\": {...}}";
/// What an operator can do about a line that cannot be read.
const MEND: &str = "print one JSON object a line on standard output, and everything else on standard error";

/// What one line says.
#[derive(Debug, PartialEq)]
pub(crate) enum Said {
    /// A resource was seen.
    Observation(Observation),
    /// A kind was enumerated.
    Scope(ScopeReport),
    /// Something went wrong.
    Error(CollectionError),
}

/// A line that cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Misread {
    /// The kind that it is about, if that much can be read.
    pub kind: Option<Id>,
    /// What is wrong, and what was expected.
    pub what: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ScopeLine {
    scope: ScopeReport,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ErrorLine {
    error: ErrorText,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ErrorText {
    what: String,
    message: String,
    #[serde(default)]
    mend: String,
}

/// Reads one line.
pub(crate) fn read(line: &[u8]) -> Result<Said, Misread> {
    let fault = match serde_json::from_slice::<Observation>(line) {
        Ok(observation) => return checked(observation).map(Said::Observation),
        Err(error) => error,
    };
    let misread = |kind: Option<Id>, what: String| Misread { kind, what };
    if std::str::from_utf8(line).is_err() {
        return Err(misread(None, "it is not UTF-8; expected JSON".to_owned()));
    }
    let value: Value = match serde_json::from_slice(line) {
        Ok(value) => value,
        Err(error) => {
            return Err(misread(None, format!("it is no JSON: {}; expected {FORM}", brief(&error))));
        }
    };
    let named = value.get("kind").and_then(Value::as_str).and_then(|kind| kind.parse().ok());
    let only = value.as_object().filter(|object| object.len() == 1).and_then(|object| object.keys().next());
    match only.map(String::as_str) {
        Some("scope") => {
            let named =
                value.pointer("/scope/kind").and_then(Value::as_str).and_then(|kind| kind.parse().ok());
            let line: ScopeLine =
                serde_json::from_slice(line).map_err(|error| misread(named, brief(&error)))?;
            let scope = line.scope;
            if scope.complete && scope.reason.is_some() {
                let what = "`complete` is true and there is a `reason`; expected one or the other";
                return Err(misread(Some(scope.kind), what.to_owned()));
            }
            if scope.scope.len() > NAME_MAX {
                let what =
                    format!("`scope` is {} bytes long; expected at most {NAME_MAX}", scope.scope.len());
                return Err(misread(Some(scope.kind), what));
            }
            Ok(Said::Scope(scope))
        }
        Some("error") => {
            let line: ErrorLine =
                serde_json::from_slice(line).map_err(|error| misread(None, brief(&error)))?;
            let ErrorText { what, message, mend } = line.error;
            Ok(Said::Error(CollectionError {
                what: plain(&what, 300),
                message: plain(&message, 1_000),
                mend: plain(&mend, 500),
            }))
        }
        Some(_) | None => Err(misread(named, format!("{}; expected {FORM}", brief(&fault)))),
    }
}

fn checked(mut observation: Observation) -> Result<Observation, Misread> {
    let what = if observation.key.is_empty() || observation.key.len() > NAME_MAX {
        format!("`key` is {} bytes long; expected 1 to {NAME_MAX}", observation.key.len())
    } else if observation.scope.len() > NAME_MAX {
        format!("`scope` is {} bytes long; expected at most {NAME_MAX}", observation.scope.len())
    } else if let Some(name) =
        observation.unknown.keys().find(|name| observation.attributes.contains_key(*name))
    {
        format!("`{name}` is both in `attributes` and in `unknown`; expected one of them")
    } else if let Some((name, _)) =
        observation.attributes.iter().find(|(_, value)| !is_shallow(value, DEPTH_MAX))
    {
        format!("`attributes.{name}` is nested deeper than {DEPTH_MAX}; expected a flatter value")
    } else {
        for reason in observation.unknown.values_mut() {
            reason.detail = plain(&reason.detail, 500);
        }
        return Ok(observation);
    };
    Err(Misread { kind: Some(observation.kind), what })
}

fn is_shallow(value: &Value, left: usize) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
        Value::Array(values) => left > 0 && values.iter().all(|value| is_shallow(value, left - 1)),
        Value::Object(values) => left > 0 && values.values().all(|value| is_shallow(value, left - 1)),
    }
}

/// What the JSON reader says; a line has one line, so its number there says nothing.
fn brief(error: &serde_json::Error) -> String {
    plain(&error.to_string().replace(" at line 1 column ", " at column "), 300)
}

/// Takes one line into the run. An observation without a time is of `at`.
pub(crate) fn take(
    place: &str,
    line: &Line<'_>,
    at: Option<Timestamp>,
    coverage: &mut Coverage,
    run: &mut Run<'_>,
) -> Result<(), Stopped> {
    let said = match line {
        Line::TooLong => {
            Err(Misread { kind: None, what: "the line is too long; expected at most 1 MB".to_owned() })
        }
        Line::Text(text) => read(text),
    };
    let not_ours = |coverage: &Coverage, kind: &Id| Misread {
        kind: None,
        what: format!(
            "the kind `{kind}` is not in the setting `kinds`; expected one of {}",
            coverage.kinds()
        ),
    };
    let misread = match said {
        Ok(Said::Observation(observation)) if !coverage.yields(&observation.kind) => {
            not_ours(coverage, &observation.kind)
        }
        Ok(Said::Scope(scope)) if !coverage.yields(&scope.kind) => not_ours(coverage, &scope.kind),
        Ok(Said::Observation(mut observation)) => {
            if !observation.gone {
                coverage.saw(&observation.kind, &observation.scope);
            }
            observation.effective_at = observation.effective_at.or(at);
            return run.observe(observation);
        }
        Ok(Said::Scope(scope)) => {
            coverage.told(scope);
            return Ok(());
        }
        Ok(Said::Error(error)) => {
            run.error(error.what, error.message, error.mend);
            return Ok(());
        }
        Err(misread) => misread,
    };
    let kind = misread.kind.filter(|kind| coverage.yields(kind));
    coverage.skip(run, kind, place, &misread.what, MEND);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn what(line: &str) -> String {
        read(line.as_bytes()).map_err(|misread| misread.what).unwrap_err()
    }

    #[test]
    fn the_three_forms_are_read() {
        let said =
            read(br#"{"kind":"a.b","key":"k","attributes":{"x":null},"unknown":{"y":{"why":"denied"}}}"#);
        assert!(
            matches!(said, Ok(Said::Observation(o)) if o.unknown.len() == 1 && o.attributes["x"].is_null())
        );
        let said = read(br#"{"scope":{"kind":"a.b","complete":true,"resources":3}}"#);
        assert!(matches!(said, Ok(Said::Scope(s)) if s.complete && s.resources == 3));
        let said = read("{\"error\":{\"what\":\"s3\",\"message\":\"slow\\u0007\"}}".as_bytes());
        assert!(matches!(said, Ok(Said::Error(e)) if e.message == "slow" && e.mend.is_empty()));
    }

    #[test]
    fn what_cannot_be_read_is_explained() {
        for (line, words) in [
            ("hello", "it is no JSON"),
            ("[]", "expected an observation"),
            (r#"{"kind":"a.b"}"#, "missing field `key`"),
            (r#"{"kind":"a b","key":"k"}"#, "cannot be a name"),
            (r#"{"kind":"a.b","key":""}"#, "`key` is 0 bytes long"),
            (r#"{"kind":"a.b","key":"k","atributes":{}}"#, "unknown field `atributes`"),
            (r#"{"kind":"a.b","key":"k","at":"yesterday"}"#, "`yesterday` is no time"),
            (r#"{"kind":"a.b","key":"k","attributes":{"x":1},"unknown":{"x":{"why":"denied"}}}"#, "both in"),
            (
                r#"{"kind":"a.b","key":"k","unknown":{"x":{"why":"forbidden"}}}"#,
                "unknown variant `forbidden`",
            ),
            (r#"{"scope":{"kind":"a.b"}}"#, "missing field `complete`"),
            (r#"{"scope":{"kind":"a.b","complete":true,"reason":{"why":"denied"}}}"#, "one or the other"),
            (r#"{"error":{"what":"x"}}"#, "missing field `message`"),
        ] {
            assert!(what(line).contains(words), "{line}: {}", what(line));
        }
        let deep =
            format!(r#"{{"kind":"a","key":"k","attributes":{{"x":{}{}}}}}"#, "[".repeat(40), "]".repeat(40));
        assert!(what(&deep).contains("nested deeper"));
        let deeper = "[".repeat(100_000);
        assert!(what(&deeper).contains("recursion limit"));
    }

    #[test]
    fn a_misread_line_names_its_kind_if_it_can() {
        let kind = |line: &str| read(line.as_bytes()).unwrap_err().kind.map(|kind| kind.to_string());
        assert_eq!(kind(r#"{"kind":"a.b","key":3}"#).as_deref(), Some("a.b"));
        assert_eq!(kind(r#"{"scope":{"kind":"a.b","complete":"yes"}}"#).as_deref(), Some("a.b"));
        assert_eq!(kind(r#"{"kind":"a.b","#), None);
    }
}
