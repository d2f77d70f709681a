//! Kinds: the typed shape of a resource. A kind is declared in a program file and versioned with it.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Id, Span};

/// One kind of resource.
#[derive(Clone, Debug, PartialEq)]
pub struct Kind {
    /// Its name, `aws.s3.bucket`.
    pub id: Id,
    /// Goes up with every change of the shape.
    pub rev: u32,
    /// For people, in the plural: `S3 buckets`.
    pub title: String,
    /// What one resource of it is, and what its key is made of.
    pub doc: String,
    /// The part of the program that it belongs to: the name of a folder below `controls/`.
    pub part: String,
    /// The asset class for "defense in depth" (`device`, `datastore`, `network`, `person`, ...); `None` if it is no asset.
    pub asset: Option<String>,
    /// How long what was seen of it is kept after something newer was seen; `None`: for ever.
    pub retain: Option<Span>,
    /// Its attributes by name.
    pub attributes: BTreeMap<String, Attribute>,
}

/// One attribute of a kind, or one field of an object.
#[derive(Clone, Debug, PartialEq)]
pub struct Attribute {
    /// What its values are.
    pub of: Type,
    /// What it says.
    pub doc: String,
    /// What a number counts: `seconds`, `bytes`, `days`.
    pub unit: Option<String>,
    /// Who may see it.
    pub sensitivity: Sensitivity,
    /// The kind whose resource's key this text is.
    pub references: Option<Id>,
}

/// Who may see an attribute's value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sensitivity {
    /// Anyone.
    Public,
    /// Anyone in the company.
    #[default]
    Internal,
    /// The people who work on it.
    Confidential,
    /// It is about a person.
    Personal,
}

/// The type of an attribute or of an expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Type {
    /// `true` or `false`.
    Bool,
    /// A signed 64-bit whole number.
    Int,
    /// A 64-bit floating-point number, never NaN or infinite.
    Float,
    /// UTF-8 text.
    String,
    /// A moment; RFC 3339 in JSON.
    Timestamp,
    /// A length of time; `90d` or `1h30m` in JSON.
    Duration,
    /// A list of values of one type.
    List(Box<Type>),
    /// Names to values of one type.
    Map(Box<Type>),
    /// Named fields, each of its own type.
    Object(BTreeMap<String, Attribute>),
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => f.write_str("bool"),
            Self::Int => f.write_str("int"),
            Self::Float => f.write_str("float"),
            Self::String => f.write_str("string"),
            Self::Timestamp => f.write_str("timestamp"),
            Self::Duration => f.write_str("duration"),
            Self::List(of) => write!(f, "list<{of}>"),
            Self::Map(of) => write!(f, "map<{of}>"),
            Self::Object(_) => f.write_str("object"),
        }
    }
}
