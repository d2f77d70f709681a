//! What people decided, as a program version says it: exceptions that a second person approved.

use octro_ledger::records::Decision;
use octro_model::Timestamp;
use octro_program::{Exception, Program};
use octro_verify::Value;

/// The exceptions of a program that the one before did not have, or had otherwise: each was approved anew.
pub(super) fn approved(before: Option<&Program>, now: &Program) -> Vec<Decision> {
    let said = |of: &Exception| (subject(of), body(of), of.approver.clone());
    let is_new = |one: &&Exception| {
        let old = before.and_then(|before| before.exceptions.get(&one.id));
        old.is_none_or(|old| said(old) != said(one))
    };
    now.exceptions.values().filter(is_new).map(decision).collect()
}

fn decision(of: &Exception) -> Decision {
    Decision {
        name: of.id.to_string(),
        what: "exception.approved".to_owned(),
        subject: subject(of),
        by: of.approver.clone(),
        body: body(of),
    }
}

/// Which failures of which test are accepted.
fn subject(of: &Exception) -> String {
    let resource = Value::text(of.resource.to_string());
    Value::object([("test", Value::text(of.test.to_string())), ("resource", resource)]).canonical()
}

fn body(of: &Exception) -> String {
    let at = |at: Timestamp| Value::text(at.to_string());
    let mut all = vec![
        ("exception", Value::text(of.id.to_string())),
        ("test", Value::text(of.test.to_string())),
        ("resource", Value::text(of.resource.to_string())),
        ("reason", Value::text(&of.reason)),
        ("owner", Value::text(&of.owner)),
        ("approver", Value::text(&of.approver)),
        ("approved", at(of.approved)),
        ("expires", at(of.expires)),
    ];
    all.extend(of.compensating_control.as_ref().map(|what| ("compensating_control", Value::text(what))));
    Value::object(all).canonical()
}
