//! Messages with expressions in braces: `{resource.id} is not encrypted`. A brace itself is written twice.

use octro_model::Timestamp;
use serde_json::Value;

use crate::expression::{Environment, Expression, Link, Read};
use crate::fault::Fault;
use crate::record::Reading;
use crate::world::{Subject, World};

/// The longest template, in bytes.
const TEXT_MAX: usize = 8 * 1024;
/// The longest rendered message, in characters.
const MESSAGE_MAX: usize = 4_000;

/// A compiled message.
#[derive(Debug)]
pub struct Template {
    pieces: Vec<Piece>,
    links: Vec<Link>,
    reads: Vec<Read>,
}

#[derive(Debug)]
enum Piece {
    Text(String),
    Value(Expression),
}

impl Template {
    /// Compiles a message; positions of faults are within `text`.
    pub fn compile(text: &str, env: &Environment<'_>) -> Result<Self, Vec<Fault>> {
        if text.len() > TEXT_MAX {
            let what = format!("a message of {} bytes", text.len());
            return Err(vec![Fault::at(text, 0, what, format!("at most {TEXT_MAX}"))]);
        }
        let mut pieces = Vec::new();
        let mut faults = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(place) = rest.find(['{', '}']) {
            let (before, tail) = rest.split_at(place);
            let at = text.len() - tail.len();
            plain.push_str(before);
            if let Some(after) = tail.strip_prefix("{{") {
                plain.push('{');
                rest = after;
            } else if let Some(after) = tail.strip_prefix("}}") {
                plain.push('}');
                rest = after;
            } else if tail.starts_with('}') {
                faults.push(Fault::at(
                    text,
                    at,
                    "a closing brace without an opening one",
                    "`}}` for a brace",
                ));
                rest = tail.get(1..).unwrap_or_default();
            } else {
                let inner = tail.get(1..).unwrap_or_default();
                let Some(length) = closing(inner) else {
                    faults.push(Fault::at(
                        text,
                        at,
                        "a brace that is not closed",
                        "`}`, or `{{` for a brace",
                    ));
                    break;
                };
                let expression = inner.get(..length).unwrap_or_default();
                if !plain.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut plain)));
                }
                match Expression::within(expression, text, at + 1, true, env) {
                    Ok(expression) => pieces.push(Piece::Value(expression)),
                    Err(more) => faults.extend(more),
                }
                rest = inner.get(length + 1..).unwrap_or_default();
            }
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain));
        }
        let expressions = || {
            pieces.iter().filter_map(|piece| match piece {
                Piece::Value(expression) => Some(expression),
                Piece::Text(_) => None,
            })
        };
        let mut links: Vec<Link> = expressions().flat_map(|one| one.links()).cloned().collect();
        let mut reads: Vec<Read> = expressions().flat_map(|one| one.reads()).cloned().collect();
        links.sort();
        links.dedup();
        reads.sort();
        reads.dedup();
        Ok(Self { pieces, links, reads })
    }

    /// The message of one resource. What is not known says so.
    pub fn render(&self, subject: &Subject<'_>, now: Timestamp, world: &dyn World) -> String {
        let mut message = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => message.push_str(text),
                Piece::Value(expression) => match expression.value(subject, now, world) {
                    Reading::Value(value) => message.push_str(&shown(&value)),
                    Reading::Absent => message.push_str("(not set)"),
                    Reading::Unknown(reason) => message.push_str(&format!("(unknown: {reason})")),
                },
            }
        }
        if message.chars().nth(MESSAGE_MAX).is_some() {
            message = message.chars().take(MESSAGE_MAX).collect();
            message.push_str("...");
        }
        message
    }

    /// What it reads.
    pub fn reads(&self) -> &[Read] {
        &self.reads
    }

    /// The ways to other resources.
    pub fn links(&self) -> &[Link] {
        &self.links
    }
}

/// The place of the brace that closes an expression; braces in texts do not count.
fn closing(inner: &str) -> Option<usize> {
    let mut quote = None;
    let mut escaped = false;
    for (place, c) in inner.char_indices() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if c == '\\' => escaped = true,
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if c == '\'' || c == '"' => quote = Some(c),
            None if c == '}' => return Some(place),
            None => {}
        }
    }
    None
}

/// A value for people.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => "(none)".to_owned(),
        Value::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join(", "),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => value.to_string(),
    }
}
