//! What is handed out goes into the ledger: which sort of file, when, and the hash of its bytes, so that whoever holds it
//! can show later that it is the one; and, as a commitment, who got it, as far as that is known.

use octro_ledger::{random_bytes, records};
use octro_model::Clock;
use octro_store::Db;
use octro_verify::Hash;

use super::store;
use crate::EngineError;

/// Puts an export into the ledger; answers whether a ledger is kept. `what` is an id, `digest` the SHA-256 of the bytes, `by`
/// a line that says who got them.
///
/// # Errors
/// If `what` is no id, or the database fails.
pub async fn record_export(
    db: &Db,
    clock: &dyn Clock,
    what: &str,
    digest: Hash,
    by: &str,
) -> Result<bool, EngineError> {
    let mut tx = db.begin().await?;
    // First the lock that nobody shares: two that shared one first would wait for each other's end.
    let written = store::alone(&mut tx, clock.now()).await?;
    if store::signer(&mut tx).await?.is_none() {
        return Ok(false);
    }
    let secret = random_bytes().map_err(EngineError::Random)?;
    records::export(&mut tx, written, (what, digest), by, &secret).await?;
    tx.commit().await?;
    Ok(true)
}
