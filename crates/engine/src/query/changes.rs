//! What changed: the transitions of controls and tests, newest first.

use octro_model::{Status, Timestamp};
use serde::Serialize;

use super::Query;
use crate::EngineError;

/// Newest first, by the index of the moments: the subject is written so that its own index is not used.
const CHANGES: &str = "SELECT subject, id, from_at, status, prev, reason FROM verdicts \
     WHERE from_at > $1 AND from_at <= $2 AND COALESCE(subject, '') = $3 AND ($4 = '' OR id = $4) ORDER BY from_at DESC, id LIMIT $5";

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[CHANGES];

/// A control or test that changed its status.
#[derive(Clone, Debug, Serialize)]
pub struct ChangeView {
    /// `control` or `test`.
    pub subject: String,
    /// Its id.
    pub id: String,
    /// When.
    pub at: Timestamp,
    /// What it was; `None` if it had no status.
    pub from: Option<Status>,
    /// What it became; `None` if it is no longer in the program.
    pub to: Option<Status>,
    /// Why.
    pub reason: String,
}

impl Query {
    /// The changes of `control`s or `test`s (of all, or of the one with this id) in (`since`, `until`].
    ///
    /// # Errors
    /// If the database fails.
    pub async fn changes(
        &self,
        subject: &str,
        id: Option<&str>,
        since: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<ChangeView>, EngineError> {
        let params = [
            since.into(),
            until.into(),
            subject.into(),
            id.unwrap_or_default().into(),
            i64::from(limit).into(),
        ];
        let code = |code: i64| u8::try_from(code).ok().and_then(Status::from_code);
        self.db
            .fetch(CHANGES, &params)
            .await?
            .iter()
            .map(|row| {
                Ok(ChangeView {
                    subject: row.get(0)?,
                    id: row.get(1)?,
                    at: row.get(2)?,
                    to: code(row.get(3)?),
                    from: code(row.get(4)?),
                    reason: row.get(5)?,
                })
            })
            .collect()
    }
}
