//! What could be proved, asked before a proof is made: since when and until when.

use octro_ledger::{LedgerError, Reader};
use octro_model::{Id, Timestamp};

use super::{SEAL_BEFORE, SEAL_FROM, SealRow};
use crate::{EngineError, Query};

const BEGUN: &str = "SELECT begun_at FROM journal_chains WHERE log = $1 AND control = $2";
const JUDGED: &str = "SELECT 1 FROM journal_populations WHERE log = $1 AND seal = $2 AND kind = $3";

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[BEGUN, JUDGED];

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provable {
    /// There is no ledger.
    NoLedger,
    /// Nothing was sealed by then.
    NothingSealed,
    /// The last seal up to then does not hold it.
    NotInSeal {
        /// When that seal was written.
        sealed_at: Timestamp,
    },
    /// The log knows it only since a later moment.
    Younger {
        /// Since when.
        since: Timestamp,
    },
    /// It can be proved for this time.
    Between {
        /// From when on.
        since: Timestamp,
        /// Until when.
        until: Timestamp,
    },
}

impl Query {
    /// For what time, up to `at`, the statuses of a control can be proved.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn provable_control(&self, control: &Id, at: Timestamp) -> Result<Provable, EngineError> {
        let Some((reader, before)) = self.last_seal(at).await? else { return Ok(Provable::NoLedger) };
        // A proof ends with the first seal that is no earlier than its end.
        let seal = match self.seal(reader.log(), SEAL_FROM, at).await? {
            Some(after) => after,
            None => match before {
                Some(before) => before,
                None => return Ok(Provable::NothingSealed),
            },
        };
        let row = self.db().fetch_one(BEGUN, &[reader.log().ord.into(), control.as_str().into()]).await?;
        let begun: Option<Timestamp> = row.map(|row| row.get(0)).transpose()?;
        let until = at.min(seal.written);
        Ok(match begun {
            Some(since) if since <= until => Provable::Between { since, until },
            Some(since) if since <= seal.written => Provable::Younger { since },
            Some(_) | None => Provable::NotInSeal { sealed_at: seal.written },
        })
    }

    /// Whether what the last seal up to `at` rests on tells of the resources of a kind. It is provable for the moment of
    /// that seal alone.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn provable_kind(&self, kind: &Id, at: Timestamp) -> Result<Provable, EngineError> {
        let Some((reader, seal)) = self.last_seal(at).await? else { return Ok(Provable::NoLedger) };
        let Some(seal) = seal else { return Ok(Provable::NothingSealed) };
        let params = [reader.log().ord.into(), seal.n.into(), kind.as_str().into()];
        Ok(match self.db().fetch_one(JUDGED, &params).await? {
            Some(_) => Provable::Between { since: seal.written, until: seal.written },
            None => Provable::NotInSeal { sealed_at: seal.written },
        })
    }

    /// The newest log, and its last seal up to `at`; `None` without a log.
    async fn last_seal(&self, at: Timestamp) -> Result<Option<(Reader, Option<SealRow>)>, EngineError> {
        let reader = match Reader::newest(self.db()).await {
            Ok(reader) => reader,
            Err(LedgerError::NoLog) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let seal = self.seal(reader.log(), SEAL_BEFORE, at).await?;
        Ok(Some((reader, seal)))
    }
}
