//! Collections: one run of a source, and what it covered. Coverage is part of every verdict.

use serde::{Deserialize, Serialize};

use crate::{Id, Timestamp, UnknownReason};

/// How one run of a source went.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Collection {
    /// The source that ran.
    pub source: Id,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Timestamp,
    /// What it enumerated. A kind that the source yields and that is not here was not enumerated.
    pub scopes: Vec<ScopeReport>,
    /// What went wrong, for people; an entry here does not by itself make a scope incomplete.
    #[serde(default)]
    pub errors: Vec<CollectionError>,
    /// Observations that were refused, with their count; the first few are explained in `errors`.
    #[serde(default)]
    pub refused: u64,
}

/// The enumeration of one scope of one kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScopeReport {
    /// The kind that was enumerated.
    pub kind: Id,
    /// The part of the population; empty if the source does not divide it.
    #[serde(default)]
    pub scope: String,
    /// Whether *every* resource of this kind and scope was seen. Only then may a missing one be called gone.
    pub complete: bool,
    /// How many resources were enumerated.
    #[serde(default)]
    pub resources: u64,
    /// How many pages or calls it took.
    #[serde(default)]
    pub pages: u64,
    /// Why it is not complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<UnknownReason>,
}

/// Something that went wrong in a collection, and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CollectionError {
    /// What was being read: a call, a file and line, a resource.
    pub what: String,
    /// What went wrong, and what was expected.
    pub message: String,
    /// What the operator can do about it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub mend: String,
}
