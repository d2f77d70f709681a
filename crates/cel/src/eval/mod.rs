//! Evaluates compiled expressions, three-valued: what cannot be told stays unknown, and never turns into a yes or a no.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a value of any other type than the one asked for is unknown"
)]

mod calculate;
mod compare;
mod elements;
mod path;
mod trace;
mod truth;
mod value;
mod values;

#[cfg(test)]
mod tests;

use octro_model::Timestamp;

pub(crate) use trace::{Silent, Watching};
pub(crate) use value::Val;

use self::trace::Trace;
use crate::answer::Truth;
use crate::layout::Shape;
use crate::record::Stored;
use crate::record::{Reading, stored_json};
use crate::tree::Node;
use crate::world::{Subject, World};

/// How many steps the loops and searches of one evaluation may take, less than a second's work; what needs more is
/// unknown.
const STEPS_MAX: u64 = 5_000_000;
/// The steps that keeping an element or a few bytes costs; it bounds memory too.
const KEEPING: u64 = 8;

/// One evaluation.
pub(crate) struct Run<'a, T> {
    record: &'a [u8],
    key: &'a str,
    now: i64,
    world: &'a dyn World,
    /// The earliest moment at which something that was asked may be answered differently.
    flips_at: i64,
    steps_left: u64,
    pub(crate) trace: T,
}

/// The variables of the loops around, innermost first.
pub(crate) struct Scope<'s, 'a> {
    value: Val<'a>,
    outer: Option<&'s Scope<'s, 'a>>,
}

type Outer<'s, 'a> = Option<&'s Scope<'s, 'a>>;

impl<'a, T: Trace<'a>> Run<'a, T> {
    pub(crate) fn new(subject: &Subject<'a>, now: Timestamp, world: &'a dyn World, trace: T) -> Self {
        Self {
            record: &subject.record.0,
            key: subject.key,
            now: now.micros(),
            world,
            flips_at: i64::MAX,
            steps_left: STEPS_MAX,
            trace,
        }
    }

    pub(crate) fn answer(&mut self, node: &'a Node) -> Truth {
        self.truth(node, None)
    }

    pub(crate) fn evaluate(&mut self, node: &'a Node) -> Val<'a> {
        self.val(node, None)
    }

    pub(crate) fn flips_at(&self) -> Timestamp {
        Timestamp::from_micros(self.flips_at)
    }

    /// Takes steps; false if there are too few left.
    #[inline]
    fn spend(&mut self, steps: u64) -> bool {
        self.steps_left = self.steps_left.saturating_sub(steps);
        self.steps_left > 0
    }

    /// Notes that something may be different after so many microseconds.
    fn flips_after(&mut self, micros: i128) {
        let at = i64::try_from(i128::from(self.now) + micros).unwrap_or(i64::MAX);
        self.flips_at = self.flips_at.min(at);
    }
}

/// The variable of a loop, so many loops further out.
#[inline]
fn variable<'s, 'a>(scope: Outer<'s, 'a>, out: usize) -> Option<&'s Val<'a>> {
    let mut scope = scope;
    for _ in 0..out {
        scope = scope.and_then(|scope| scope.outer);
    }
    scope.map(|scope| &scope.value)
}

/// A known value as JSON; none for what is absent or unknown.
pub(crate) fn to_json(value: &Val<'_>, shape: &Shape) -> Option<serde_json::Value> {
    let element = match shape {
        Shape::List(of) => of,
        _ => shape,
    };
    let stored = match value {
        Val::Unknown | Val::Absent => return None,
        Val::Bool(value) => Stored::Bool(*value),
        Val::Int(value) => Stored::Int(*value),
        Val::Float(value) => Stored::Float(*value),
        Val::Text(text) => Stored::Text(text),
        Val::Made(text) => Stored::Text(text.as_bytes()),
        Val::Time(micros, _) => Stored::Time(*micros),
        Val::Span(micros, _) => Stored::Span(*micros),
        Val::List(list, _) => Stored::List(list),
        Val::Map(map, _) => Stored::Map(map),
        Val::Object(object, _) => Stored::Object(object),
        Val::Consts(items) => {
            return items.iter().map(|item| to_json(&Val::constant(item), element)).collect();
        }
        Val::Items(items) => {
            let all: Option<serde_json::Value> =
                items.all.iter().map(|item| to_json(item, element)).collect();
            return all.filter(|_| items.complete);
        }
    };
    Some(stored_json(stored, shape))
}

/// What an evaluation gave, as a reading.
pub(crate) fn to_reading(value: &Val<'_>, shape: &Shape, trace: &Watching) -> Reading {
    match value {
        Val::Absent => Reading::Absent,
        other => to_json(other, shape).map_or_else(|| Reading::Unknown(trace.reason()), Reading::Value),
    }
}
