//! A simulated resource: its attributes along the year. What a source sees of it at a moment follows from that.

use std::collections::BTreeMap;

use octro_model::{Id, IdError, Observation, Span, Timestamp, UnknownReason};
use serde_json::{Map, Value};

use crate::random::Random;

/// The first moment of the simulated year: 2025-10-01.
pub const BEGIN: Timestamp = Timestamp::from_secs(1_759_276_800);
/// Its length.
pub const DAYS: i64 = 365;

/// A moment so many days after the year began; hours as a fraction.
pub const fn day(days: i64) -> Timestamp {
    BEGIN.plus(Span::from_secs(days * 86_400))
}

/// The same with hours.
pub const fn hour(days: i64, hours: i64) -> Timestamp {
    BEGIN.plus(Span::from_secs(days * 86_400 + hours * 3_600))
}

/// A moment as an attribute.
pub fn moment(at: Timestamp) -> Value {
    Value::String(at.to_string())
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Thing {
    pub kind: Id,
    pub key: String,
    pub scope: String,
    born: Timestamp,
    gone: Timestamp,
    /// The attributes at birth.
    first: Map<String, Value>,
    /// What changes, when; in the order of time once [`Thing::settle`] was called.
    changes: Vec<(Timestamp, String, Value)>,
    /// What cannot be read for a while.
    hidden: Vec<(Timestamp, Timestamp, String, UnknownReason)>,
}

impl Thing {
    /// A resource that was always there.
    pub fn new(kind: &str, key: impl Into<String>, first: Value) -> Result<Self, IdError> {
        let first = if let Value::Object(map) = first { map } else { Map::new() };
        Ok(Self {
            kind: kind.parse()?,
            key: key.into(),
            scope: String::new(),
            born: Timestamp::MIN,
            gone: Timestamp::MAX,
            first,
            changes: Vec::new(),
            hidden: Vec::new(),
        })
    }

    /// It is there from `at` on.
    #[must_use]
    pub const fn born(mut self, at: Timestamp) -> Self {
        self.born = at;
        self
    }

    /// It is gone from `at` on.
    #[must_use]
    pub const fn gone(mut self, at: Timestamp) -> Self {
        self.gone = at;
        self
    }

    /// It belongs to this part of the population.
    #[must_use]
    pub fn within(mut self, scope: impl Into<String>) -> Self {
        self.scope = scope.into();
        self
    }

    /// From `at` on, an attribute has another value.
    pub fn set(&mut self, at: Timestamp, name: &str, value: impl Into<Value>) -> &mut Self {
        self.changes.push((at, name.to_owned(), value.into()));
        self
    }

    /// From `at` up to `until`, an attribute has another value, and then the one that it had at birth.
    pub fn spell(
        &mut self,
        at: Timestamp,
        until: Timestamp,
        name: &str,
        value: impl Into<Value>,
    ) -> &mut Self {
        let before = self.first.get(name).cloned().unwrap_or(Value::Null);
        self.set(at, name, value).set(until, name, before)
    }

    /// Some time in the year, an attribute becomes what it should be.
    pub fn mend(&mut self, random: &mut Random, name: &str, value: impl Into<Value>) -> &mut Self {
        let at = day(random.between(40, DAYS - 40));
        self.set(at, name, value)
    }

    /// From `at` up to `until`, an attribute cannot be read.
    pub fn hide(&mut self, at: Timestamp, until: Timestamp, name: &str, why: UnknownReason) -> &mut Self {
        self.hidden.push((at, until, name.to_owned(), why));
        self
    }

    /// Puts the changes in order.
    pub fn settle(&mut self) {
        self.changes.sort_by_key(|(at, ..)| *at);
    }

    /// Whether it is there at `at`.
    pub fn is_there(&self, at: Timestamp) -> bool {
        self.born <= at && at < self.gone
    }

    /// What is seen of it at `at`; the observation says that it was true at `since`.
    pub fn seen(&self, at: Timestamp, since: Timestamp) -> Observation {
        let mut attributes = self.first.clone();
        for (_, name, value) in self.changes.iter().take_while(|(from, ..)| *from <= at) {
            attributes.insert(name.clone(), value.clone());
        }
        let mut unknown = BTreeMap::new();
        for (_, _, name, why) in self.hidden.iter().filter(|(from, to, ..)| *from <= at && at < *to) {
            attributes.remove(name);
            unknown.insert(name.clone(), why.clone());
        }
        Observation {
            kind: self.kind.clone(),
            key: self.key.clone(),
            scope: self.scope.clone(),
            effective_at: Some(since),
            attributes,
            unknown,
            gone: false,
        }
    }
}
