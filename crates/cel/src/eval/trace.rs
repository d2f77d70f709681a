//! Watches what an evaluation reads. On the hot path nobody watches, and the compiler removes it all.

use octro_model::{Id, UnknownReason, Why};
use serde_json::Value;

use super::value::Origin;
use crate::answer::Fact;
use crate::record::{Reading, not_collected};

/// The most facts that are kept of one evaluation.
const FACTS_MAX: usize = 400;
/// The most places that are kept; when there are more, nothing further is noted.
const PLACES_MAX: usize = 20_000;

/// Something that watches.
pub(crate) trait Trace<'a> {
    /// A place inside another one.
    fn inside(&mut self, from: Origin, way: impl FnOnce(&mut String)) -> Origin;
    /// Another resource.
    fn resource(&mut self, kind: &Id, key: impl FnOnce() -> String) -> Origin;
    /// Something was read at a place.
    fn read(&mut self, at: Origin, reading: impl FnOnce() -> Reading);
}

/// Does not watch.
pub(crate) struct Silent;

impl<'a> Trace<'a> for Silent {
    #[inline(always)]
    fn inside(&mut self, _from: Origin, _way: impl FnOnce(&mut String)) -> Origin {
        0
    }

    #[inline(always)]
    fn resource(&mut self, _kind: &Id, _key: impl FnOnce() -> String) -> Origin {
        0
    }

    #[inline(always)]
    fn read(&mut self, _at: Origin, _reading: impl FnOnce() -> Reading) {}
}

/// Keeps what was read.
#[derive(Debug)]
pub(crate) struct Watching {
    places: Vec<(Id, String, String)>,
    facts: Vec<Fact>,
}

impl Watching {
    /// Watches the evaluation of a resource of that kind.
    pub(crate) fn new(kind: &Id) -> Self {
        Self { places: vec![(kind.clone(), String::new(), String::new())], facts: Vec::new() }
    }

    /// What was read, each thing once. A whole object or list is left out where its parts are there.
    pub(crate) fn facts(self) -> Vec<Fact> {
        let parts = self.facts.clone();
        let inside = |whole: &Fact, part: &Fact| {
            part.kind == whole.kind
                && part.key == whole.key
                && part.path.strip_prefix(&whole.path).is_some_and(|rest| {
                    rest.starts_with(['.', '[']) || (whole.path.is_empty() && !rest.is_empty())
                })
        };
        let is_whole = |fact: &Fact| match &fact.reading {
            Reading::Value(Value::Object(_) | Value::Array(_)) => true,
            Reading::Value(_) | Reading::Absent | Reading::Unknown(_) => false,
        };
        let mut facts = self.facts;
        facts.retain(|fact| !(is_whole(fact) && parts.iter().any(|part| inside(fact, part))));
        facts
    }

    /// Why the result is unknown, as far as what was read tells.
    pub(crate) fn reason(&self) -> UnknownReason {
        let named = |fact: &Fact| {
            let path = if fact.path.is_empty() { fact.kind.to_string() } else { format!("`{}`", fact.path) };
            if fact.key.is_empty() { path } else { format!("{path} of {} {}", fact.kind, fact.key) }
        };
        for fact in self.facts.iter().rev() {
            match &fact.reading {
                Reading::Unknown(reason) if reason.detail.is_empty() => {
                    return UnknownReason::new(reason.why, named(fact));
                }
                Reading::Unknown(reason) => return reason.clone(),
                Reading::Value(_) | Reading::Absent => {}
            }
        }
        match self.facts.iter().rev().find(|fact| fact.reading == Reading::Absent) {
            Some(fact) => UnknownReason::new(Why::Failed, format!("{} is not set", named(fact))),
            None if self.facts.is_empty() => not_collected(),
            None => UnknownReason::new(Why::Failed, "it cannot be calculated"),
        }
    }

    fn place(&self, at: Origin) -> Option<&(Id, String, String)> {
        self.places.get(at as usize)
    }
}

impl<'a> Trace<'a> for Watching {
    fn inside(&mut self, from: Origin, way: impl FnOnce(&mut String)) -> Origin {
        if self.places.len() >= PLACES_MAX {
            return Origin::MAX;
        }
        let Some((kind, key, path)) = self.place(from).cloned() else { return Origin::MAX };
        let mut path = path;
        way(&mut path);
        self.places.push((kind, key, path));
        (self.places.len() - 1) as Origin
    }

    fn resource(&mut self, kind: &Id, key: impl FnOnce() -> String) -> Origin {
        self.places.push((kind.clone(), key(), String::new()));
        (self.places.len() - 1) as Origin
    }

    fn read(&mut self, at: Origin, reading: impl FnOnce() -> Reading) {
        if self.facts.len() >= FACTS_MAX {
            return;
        }
        let Some((kind, key, path)) = self.place(at).cloned() else { return };
        if self.facts.iter().all(|fact| fact.path != path || fact.key != key || fact.kind != kind) {
            self.facts.push(Fact { kind, key, path, reading: reading() });
        }
    }
}

/// Adds a field's name to a way.
pub(crate) fn named(way: &mut String, name: &str) {
    if !way.is_empty() {
        way.push('.');
    }
    way.push_str(name);
}
