//! From counts to a status: of a test over its population, of a control over its tests.
#![expect(clippy::indexing_slicing, reason = "tests are handed out by the state and index its own vectors")]

use std::collections::BTreeSet;

use octro_model::{Id, Severity, Status, Tally, Timestamp};
use octro_program::Control;

use super::{Population, State};
use crate::delta::{Delta, ENDED, NONE, VerdictRow};

/// The status of a test: a failure that is known is a failure even if not everything was seen; nothing passes over a
/// population that is not known completely.
pub(crate) fn combine(tally: &Tally, population: &Population, kind: &str) -> (Status, String) {
    let of = tally.judged();
    if tally.fail > 0 {
        return (Status::Fail, format!("{} of {of} fail", tally.fail));
    }
    match population {
        Population::NoSource => return (Status::Unknown, format!("no source: nothing yields `{kind}`")),
        Population::Incomplete { reason } => return (Status::Unknown, reason.clone()),
        Population::Complete { .. } | Population::Stale { .. } => {}
    }
    if tally.unknown > 0 {
        return (Status::Unknown, format!("{} of {of} unknown", tally.unknown));
    }
    if let Population::Stale { at } = population {
        return (Status::Stale, format!("`{kind}` was last enumerated at {}", at.minute()));
    }
    if tally.stale > 0 {
        return (Status::Stale, format!("the evidence of {} of {of} is too old", tally.stale));
    }
    if tally.excepted > 0 {
        return (Status::Excepted, format!("{} of {of} excepted, the rest pass", tally.excepted));
    }
    if tally.pass > 0 {
        return (Status::Pass, format!("all {of} pass"));
    }
    let reason = if tally.not_applicable > 0 {
        format!("none of {} is in scope", tally.not_applicable)
    } else {
        format!("there is no `{kind}`, says a complete enumeration")
    };
    (Status::NotApplicable, reason)
}

/// The status of a control: that of its heaviest test. Advice does not count; a control without tests is not known.
pub(crate) fn control_status<'a>(
    control: &Control,
    tests: impl Iterator<Item = (&'a Id, Severity, Status, &'a str)>,
) -> (Status, String) {
    let mut worst: Option<(Status, String)> = None;
    for (id, severity, status, reason) in tests {
        if severity == Severity::Info {
            continue;
        }
        if worst.as_ref().is_none_or(|(old, _)| status.weight() > old.weight()) {
            worst = Some((status, format!("{id}: {reason}")));
        }
    }
    worst.unwrap_or_else(|| {
        let reason = if control.evidence.is_empty() {
            "no test: nothing measures it".to_owned()
        } else {
            "no test: it rests on evidence that people bring".to_owned()
        };
        (Status::Unknown, reason)
    })
}

impl State {
    /// Tells the verdicts that changed up to `at`.
    pub(crate) fn tell(&mut self, at: Timestamp, delta: &mut Delta) {
        if self.dirty.is_empty() {
            return;
        }
        let mut dirty = std::mem::take(&mut self.dirty);
        dirty.sort_unstable();
        dirty.dedup();
        let mut changed = BTreeSet::new();
        for test in dirty.drain(..) {
            let (status, reason) = self.test_verdict(test, at);
            let known = &mut self.tests[test as usize];
            if known.verdict.0 == status && known.verdict.1 == reason {
                continue;
            }
            let prev = std::mem::replace(&mut known.verdict, (status, reason.clone())).0;
            changed.insert(known.id.clone());
            if prev != status {
                delta.verdicts.push(VerdictRow {
                    subject: "test",
                    id: known.id.clone(),
                    from_at: at,
                    status,
                    prev,
                    reason,
                });
            }
        }
        self.dirty = dirty;
        let Some(program) = self.program().cloned() else { return };
        for (id, control) in &program.controls {
            if !changed.is_empty() && control.tests.iter().any(|test| changed.contains(test)) {
                self.tell_control(id, control, at, delta);
            }
        }
    }

    /// Tells a control's verdict if it changed.
    pub(crate) fn tell_control(&mut self, id: &Id, control: &Control, at: Timestamp, delta: &mut Delta) {
        let Some(program) = self.program() else { return };
        let tests = control.tests.iter().filter_map(|test| {
            let state = &self.tests[*self.test_of.get(test)? as usize];
            let severity = program.tests.get(test)?.severity;
            Some((&state.id, severity, Status::from_code(state.verdict.0)?, state.verdict.1.as_str()))
        });
        let (status, reason) = control_status(control, tests);
        let known = self.controls.entry(id.clone()).or_insert((NONE, String::new()));
        if known.0 == status.code() && known.1 == reason {
            return;
        }
        let prev = std::mem::replace(known, (status.code(), reason.clone())).0;
        if prev != status.code() {
            let status = status.code();
            delta.verdicts.push(VerdictRow {
                subject: "control",
                id: id.clone(),
                from_at: at,
                status,
                prev,
                reason,
            });
        }
    }

    fn test_verdict(&self, test: u32, at: Timestamp) -> (u8, String) {
        let state = &self.tests[test as usize];
        let Some(kind) = state.kind else { return (ENDED, "no longer in force".to_owned()) };
        let table = &self.kinds[kind as usize];
        let max_age = table.tests.iter().find(|active| active.test == test).map(|active| active.rule.max_age);
        let population = self.population(kind, max_age.unwrap_or_default(), at);
        let (status, reason) = combine(&state.tally, &population, &table.id);
        (status.code(), reason)
    }
}
