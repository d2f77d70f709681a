//! Where in the log a leaf is that the journal knows by its hash and the moment at which it was put.

use octro_ledger::Reader;
use octro_model::Timestamp;
use octro_verify::Hash;

use crate::{EngineError, Query};

const PLACE: &str = "SELECT seq, leaf FROM ledger_entries WHERE at = $1 AND hash = $2 ORDER BY seq LIMIT 1";

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[PLACE];

/// A leaf at its place in the log.
pub(super) struct Placed {
    pub(super) index: u64,
    pub(super) leaf: Vec<u8>,
}

impl Query {
    /// The leaf of this hash that was put at `written`.
    pub(super) async fn placed(
        &self,
        reader: &Reader,
        written: Timestamp,
        hash: &Hash,
    ) -> Result<Placed, EngineError> {
        let bytes = hash.to_vec();
        let params = [written.into(), (&bytes).into()];
        let row = self.db().fetch_one(PLACE, &params).await?.ok_or_else(|| {
            EngineError::NotProvable(
                "the ledger has not taken it yet; ask again in a moment, and see `octro ledger status`"
                    .to_owned(),
            )
        })?;
        let seq: i64 = row.get(0)?;
        let index = u64::try_from(seq - reader.log().first).map_err(|_| {
            EngineError::NotProvable(
                "it lies in an earlier log, before a backup was restored; ask for a time after that"
                    .to_owned(),
            )
        })?;
        Ok(Placed { index, leaf: row.get(1)? })
    }
}
