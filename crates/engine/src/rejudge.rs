//! What another program would say of today's resources: the state is read from the database, the program is put in
//! force in memory alone, and what changes is told.

use std::sync::Arc;

use octro_model::{Id, Status, Timestamp};
use octro_program::Program;
use octro_store::Db;
use serde::Serialize;

use crate::EngineError;
use crate::delta::Delta;
use crate::persist::load;
use crate::state::State;

/// A result that differs under two programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rejudged {
    /// The test.
    pub test: Id,
    /// The resource's kind.
    pub kind: Id,
    /// The resource's key.
    pub key: String,
    /// What it is under the first program; `None` if it is not judged.
    pub from: Option<Status>,
    /// What it is under the second.
    pub to: Option<Status>,
}

/// Judges what `db` knows at `now` under `a`, then under `b`, and answers the results that differ, by test and resource.
///
/// # Errors
/// If the database cannot be read.
pub async fn rejudge(
    db: &Db,
    now: Timestamp,
    a: &Arc<Program>,
    b: &Arc<Program>,
) -> Result<Vec<Rejudged>, EngineError> {
    let mut state = load::state(db).await?;
    state.advance(now, &mut Delta::default());
    let at = state.receive(now);
    let reread = load::reread(db, &state, a).await?;
    state.install(a.clone(), Vec::new(), reread, at, &mut Delta::default());
    let mut delta = Delta::default();
    let at = state.receive(now);
    let reread = load::reread(db, &state, b).await?;
    state.install(b.clone(), Vec::new(), reread, at, &mut delta);
    let mut changed: Vec<Rejudged> = delta
        .transitions
        .iter()
        .filter(|transition| transition.prev != transition.status)
        .filter_map(|transition| {
            told(&state, transition.test, transition.resource, transition.prev, transition.status)
        })
        .collect();
    changed.sort_by(|a, b| (&a.test, &a.kind, &a.key).cmp(&(&b.test, &b.kind, &b.key)));
    Ok(changed)
}

fn told(state: &State, test: i64, resource: i64, from: u8, to: u8) -> Option<Rejudged> {
    let resource = state.resources.get(state.slot(resource)? as usize)?;
    Some(Rejudged {
        test: state.tests.get(usize::try_from(test - 1).ok()?)?.id.clone(),
        kind: state.kinds.get(resource.kind as usize)?.id.clone(),
        key: resource.key.to_string(),
        from: Status::from_code(from),
        to: Status::from_code(to),
    })
}
