//! Observations: what a source saw of a resource at a moment.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Id, Timestamp};

/// What a source says of one resource. In JSON, one line of the `exec` form:
///
/// ```json
/// {"kind": "aws.s3.bucket", "key": "arn:aws:s3:::a", "scope": "1234/eu-west-1", "at": "2026-03-03T09:00:00Z",
///  "attributes": {"versioning": true, "logging": null}, "unknown": {"policy": {"why": "denied", "detail": "s3:GetBucketPolicy"}}}
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Observation {
    /// The resource's kind.
    pub kind: Id,
    /// What tells it from the others of its kind.
    pub key: String,
    /// The part of the population that it was enumerated in (an account and region, a namespace); often empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub scope: String,
    /// When this was true in the world; when Octro received it, if the source does not say.
    #[serde(default, rename = "at", skip_serializing_if = "Option::is_none")]
    pub effective_at: Option<Timestamp>,
    /// The attributes that were read. `null` means *absent*: the system said that it is not set. An attribute that is
    /// neither here nor in `unknown` is unknown too: not collected.
    #[serde(default)]
    pub attributes: serde_json::Map<String, serde_json::Value>,
    /// The attributes that could not be read, and why.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unknown: BTreeMap<String, UnknownReason>,
    /// The resource is gone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub gone: bool,
}

/// Why an attribute is unknown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnknownReason {
    /// The class of the reason.
    pub why: Why,
    /// The permission that was missing, the call that failed, the message; at most 500 characters are kept.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

impl UnknownReason {
    /// A reason.
    pub fn new(why: Why, detail: impl Into<String>) -> Self {
        Self { why, detail: detail.into() }
    }
}

/// The permission of another system with which the detail of a reason begins, as `s3:GetBucketPolicy (answers
/// AccessDenied)`.
pub fn permission(detail: &str) -> Option<&str> {
    let word = detail.split_whitespace().next()?.trim_end_matches(':');
    let (service, action) = word.split_once(':')?;
    let plain = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    (plain(service) && plain(action)).then_some(word)
}

impl fmt::Display for UnknownReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = self.why.label();
        if self.detail.is_empty() { f.write_str(why) } else { write!(f, "{why}: {}", self.detail) }
    }
}

/// The classes of reasons for which something is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// The system refused to say: a permission is missing.
    Denied,
    /// The system asked to come back later.
    Throttled,
    /// The system did not answer in time.
    TimedOut,
    /// The system answered with an error, or with something that cannot be understood.
    Failed,
    /// Nobody asked.
    NotCollected,
    /// The machine or system has no means to tell.
    Unsupported,
    /// The system said that it is not set, and the rule needs a value.
    Unset,
}

impl Why {
    /// The word for people.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::Throttled => "throttled",
            Self::TimedOut => "timed out",
            Self::Failed => "failed",
            Self::NotCollected => "not collected",
            Self::Unsupported => "unsupported",
            Self::Unset => "not set",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_names_its_permission() {
        assert_eq!(permission("s3:GetBucketPolicy (answers AccessDenied: no)"), Some("s3:GetBucketPolicy"));
        assert_eq!(permission("kms:ListAliases: no answer within 30s"), Some("kms:ListAliases"));
        assert_eq!(permission("the policy is no JSON"), None);
        assert_eq!(permission("`a:b` is odd"), None);
    }
}
