//! Judging one resource at one moment.
#![expect(clippy::indexing_slicing, reason = "slots are handed out by the state and index its own vectors")]

use octro_cel::Subject;
use octro_model::{Status, Timestamp};
use octro_program::{Program, Test};

use super::State;
use super::world::Current;
use crate::delta::ENDED;

/// When time alone will change a resource's results.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dues {
    /// By an expression that reads the time, or an exception that begins or ends.
    pub(crate) flips_at: Timestamp,
    /// By evidence that grows too old.
    pub(crate) stale_at: Timestamp,
}

impl State {
    /// The statuses of a resource as of `at`, one for each test of its kind.
    pub(crate) fn judge_at(&self, slot: u32, at: Timestamp, statuses: &mut Vec<u8>) -> Dues {
        let resource = &self.resources[slot as usize];
        let kind = &self.kinds[resource.kind as usize];
        let mut dues = Dues { flips_at: Timestamp::MAX, stale_at: Timestamp::MAX };
        statuses.clear();
        let (Some(record), Some(layout)) = (resource.record(), &kind.layout) else {
            statuses.resize(kind.tests.len(), ENDED);
            return dues;
        };
        let subject = Subject { record, key: &resource.key };
        for active in &kind.tests {
            let world = Current::new(self, &active.others);
            let judgement = octro_program::judge(&active.rule, &subject, at, &world);
            let mut seen_at = resource.seen_at(layout, &active.reads);
            if active.linked {
                seen_at = seen_at.min(world.oldest_seen());
            }
            let program = active.excepted.then(|| self.program()).flatten().map(AsRef::as_ref);
            let verdict = weigh(&active.rule, program, &resource.key, judgement.status, seen_at, at);
            dues.flips_at = dues.flips_at.min(judgement.flips_at).min(verdict.flips_at);
            dues.stale_at = dues.stale_at.min(verdict.stale_at);
            statuses.push(verdict.status.code());
        }
        dues
    }
}

/// A status after the age of the evidence and the exceptions have had their say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weighed {
    pub(crate) status: Status,
    pub(crate) flips_at: Timestamp,
    pub(crate) stale_at: Timestamp,
}

/// What `status`, which rests on evidence last seen at `seen_at`, comes to at `at`. Without a program, no exception
/// can apply.
pub(crate) fn weigh(
    test: &Test,
    program: Option<&Program>,
    key: &str,
    status: Status,
    seen_at: Timestamp,
    at: Timestamp,
) -> Weighed {
    let expires = seen_at.plus(test.max_age);
    if expires <= at {
        return Weighed { status: Status::Stale, flips_at: Timestamp::MAX, stale_at: Timestamp::MAX };
    }
    let mut weighed = Weighed { status, flips_at: Timestamp::MAX, stale_at: expires };
    if status != Status::Fail {
        return weighed;
    }
    for exception in program.into_iter().flat_map(|program| program.exceptions_for(&test.id, key)) {
        if at < exception.approved {
            weighed.flips_at = weighed.flips_at.min(exception.approved);
        } else if at < exception.expires {
            weighed.status = Status::Excepted;
            weighed.flips_at = weighed.flips_at.min(exception.expires);
        }
    }
    weighed
}
