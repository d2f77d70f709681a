//! A test: what must be true of every resource of a kind, with the examples that show what it says.

use std::collections::BTreeMap;

use octro_cel::{Expression, Read, Template};
use octro_model::{Id, Severity, Span, Status, Timestamp, Type, UnknownReason};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::program::Mapping;

/// An automated check of one kind of resource.
#[derive(Debug)]
pub struct Test {
    /// Its name.
    pub id: Id,
    /// Goes up with every change of meaning.
    pub rev: u32,
    /// The SHA-256 of its meaning: kind, scope, pass, parameters, greatest age, and the shape of what it reads. A change
    /// of words leaves it alone.
    pub hash: String,
    /// For people.
    pub title: String,
    /// What it guards against.
    pub why: String,
    /// How much a failure matters.
    pub severity: Severity,
    /// The kind.
    pub on: Id,
    /// Which resources it is about; all of them without it.
    pub scope: Option<Expression>,
    /// What must be true.
    pub pass: Expression,
    /// What is said of a failure.
    pub message: Template,
    /// Older evidence is stale.
    pub max_age: Span,
    /// What it does not see.
    pub coverage_note: String,
    /// Its constants.
    pub params: BTreeMap<String, Param>,
    /// How a failure is mended.
    pub fix: Fix,
    /// The requirements that it supports by itself.
    pub maps: Vec<Mapping>,
    /// The examples, every one of which has been run.
    pub examples: Vec<Example>,
    /// The file that declares it.
    pub file: String,
    /// The message as it was written.
    pub message_text: String,
}

impl Test {
    /// Everything that its scope and its condition read, each once.
    pub fn reads(&self) -> Vec<&Read> {
        let mut reads: Vec<&Read> = Vec::new();
        for read in self.scope.iter().chain([&self.pass]).flat_map(Expression::reads) {
            if !reads.iter().any(|other| other.kind == read.kind && other.path == read.path) {
                reads.push(read);
            }
        }
        reads
    }
}

/// A constant of a test.
#[derive(Clone, Debug, PartialEq)]
pub struct Param {
    /// What it is.
    pub of: Type,
    /// Its value; times and lengths of time as texts.
    pub value: Value,
    /// What it decides.
    pub doc: String,
}

/// How a failure is mended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Fix {
    /// In words.
    pub text: String,
    /// A command.
    pub command: Option<String>,
    /// Terraform.
    pub terraform: Option<String>,
}

/// A resource, made up, and what the test says of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// What it shows.
    pub name: String,
    /// The key of the made-up resource.
    pub key: String,
    /// Attributes with a value; `null` for absent.
    pub attributes: Map<String, Value>,
    /// Attributes that could not be read. One that is nowhere is unknown too: not collected.
    pub unknown: BTreeMap<String, UnknownReason>,
    /// What the test says.
    pub expect: Status,
    /// When it is asked.
    pub now: Timestamp,
    /// The other resources; there are no others.
    pub others: Vec<Other>,
    /// The line of the file.
    pub line: u32,
}

/// Another resource of an example.
#[derive(Clone, Debug, PartialEq)]
pub struct Other {
    /// Its kind.
    pub kind: Id,
    /// Its key.
    pub key: String,
    /// Attributes with a value; `null` for absent.
    pub attributes: Map<String, Value>,
    /// Attributes that could not be read.
    pub unknown: BTreeMap<String, UnknownReason>,
}
