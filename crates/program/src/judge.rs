//! What a test says of a resource, and why.

use octro_cel::{Answer, Fact, Reading, Subject, Truth, World};
use octro_model::{Status, Timestamp, UnknownReason, Why};

use crate::test::Test;

/// What a test says of a resource at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// `pass`, `fail`, `unknown` or `not_applicable`; age and exceptions are weighed by the engine.
    pub status: Status,
    /// The earliest later moment at which it may say something else by time alone.
    pub flips_at: Timestamp,
}

/// Judges a resource. This runs for every change of every resource.
pub fn judge(test: &Test, subject: &Subject<'_>, now: Timestamp, world: &dyn World) -> Judgement {
    let mut flips_at = Timestamp::MAX;
    if let Some(scope) = &test.scope {
        let answer = scope.truth(subject, now, world);
        flips_at = answer.flips_at;
        match answer.truth {
            Truth::True => {}
            Truth::False => return Judgement { status: Status::NotApplicable, flips_at },
            Truth::Unknown => return Judgement { status: Status::Unknown, flips_at },
        }
    }
    let answer = test.pass.truth(subject, now, world);
    Judgement { status: status(answer), flips_at: flips_at.min(answer.flips_at) }
}

const fn status(answer: Answer) -> Status {
    match answer.truth {
        Truth::True => Status::Pass,
        Truth::False => Status::Fail,
        Truth::Unknown => Status::Unknown,
    }
}

/// A judgement with everything that it rests on.
#[derive(Clone, Debug)]
pub struct Explained {
    /// What the test says.
    pub status: Status,
    /// Of a failure: the test's message. Empty otherwise.
    pub message: String,
    /// What the scope read.
    pub scope_facts: Vec<Fact>,
    /// What the condition read; nothing if the scope had decided.
    pub facts: Vec<Fact>,
    /// Of an unknown: what was not known, and why.
    pub unknown: Vec<(String, UnknownReason)>,
}

/// Judges a resource and says why.
pub fn explain(test: &Test, subject: &Subject<'_>, now: Timestamp, world: &dyn World) -> Explained {
    let status = judge(test, subject, now, world).status;
    let scope = test.scope.as_ref();
    let scope_facts = scope.map(|scope| scope.explain(subject, now, world)).unwrap_or_default();
    let in_scope = scope.is_none_or(|scope| matches!(scope.truth(subject, now, world).truth, Truth::True));
    let facts = if in_scope { test.pass.explain(subject, now, world) } else { Vec::new() };
    let message =
        if status == Status::Fail { test.message.render(subject, now, world) } else { String::new() };
    let unknown = match status {
        Status::Unknown => unknown(if in_scope { &facts } else { &scope_facts }),
        Status::Pass | Status::Fail | Status::Stale | Status::Excepted | Status::NotApplicable => Vec::new(),
    };
    Explained { status, message, scope_facts, facts, unknown }
}

/// What was not known among the facts; if there is no such, what was absent without the test saying what that means.
fn unknown(facts: &[Fact]) -> Vec<(String, UnknownReason)> {
    let mut unknown: Vec<(String, UnknownReason)> = Vec::new();
    let mut absent: Vec<(String, UnknownReason)> = Vec::new();
    for fact in facts {
        let path = if fact.key.is_empty() {
            fact.path.clone()
        } else if fact.path.is_empty() {
            format!("{} {}", fact.kind, fact.key)
        } else {
            format!("{} of {} {}", fact.path, fact.kind, fact.key)
        };
        match &fact.reading {
            Reading::Unknown(reason) => unknown.push((path, reason.clone())),
            Reading::Absent => absent.push((path, UnknownReason::new(Why::Unset, ""))),
            Reading::Value(_) => {}
        }
    }
    let mut reasons = if unknown.is_empty() { absent } else { unknown };
    reasons.dedup();
    reasons
}
