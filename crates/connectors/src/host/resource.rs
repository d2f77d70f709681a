//! Building observations out of facts, so that no reader can forget the difference between absent and unknown.

use octro_model::{Id, Observation, Timestamp, UnknownReason};
use serde_json::Value;

use super::roots::Fact;

/// How long a reason's detail may be, in characters.
const DETAIL_MAX: usize = 500;

/// One resource while it is looked at.
pub(crate) struct Resource(Observation);

impl Resource {
    /// A resource of `kind`, seen at `now`.
    pub(crate) fn new(kind: &Id, key: impl Into<String>, now: Timestamp) -> Self {
        Self(Observation {
            kind: kind.clone(),
            key: key.into(),
            scope: String::new(),
            effective_at: Some(now),
            attributes: serde_json::Map::new(),
            unknown: std::collections::BTreeMap::new(),
            gone: false,
        })
    }

    /// The same resource as part of a scope.
    pub(crate) fn within(mut self, scope: &str) -> Self {
        scope.clone_into(&mut self.0.scope);
        self
    }

    /// An attribute that was read for certain.
    pub(crate) fn value(&mut self, name: &str, value: impl Into<Value>) -> &mut Self {
        self.0.attributes.insert(name.to_owned(), value.into());
        self
    }

    /// An attribute that may be absent or unknown.
    pub(crate) fn fact<T: Into<Value>>(&mut self, name: &str, fact: Fact<T>) -> &mut Self {
        match fact {
            Ok(value) => self.value(name, value.map_or(Value::Null, Into::into)),
            Err(reason) => self.unknown(name, reason),
        }
    }

    /// An attribute that is a value or unknown.
    pub(crate) fn known<T: Into<Value>>(&mut self, name: &str, known: Result<T, UnknownReason>) -> &mut Self {
        self.fact(name, known.map(Some))
    }

    /// An attribute that could not be read.
    pub(crate) fn unknown(&mut self, name: &str, mut reason: UnknownReason) -> &mut Self {
        if reason.detail.chars().count() > DETAIL_MAX {
            reason.detail = reason.detail.chars().take(DETAIL_MAX).collect();
        }
        self.0.unknown.insert(name.to_owned(), reason);
        self
    }

    /// The whole.
    pub(crate) fn into_observation(self) -> Observation {
        self.0
    }
}

/// A moment as an attribute's value.
pub(crate) fn moment(at: Timestamp) -> Value {
    Value::String(at.to_string())
}
