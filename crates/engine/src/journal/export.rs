//! What is handed out goes into the ledger: which sort of file, when, and the hash of its bytes, so that whoever holds it
//! can show later that it is the one.

use octro_model::Clock;
use octro_store::Db;
use octro_verify::{Hash, Leaf, What};

use super::{micros, store};
use crate::EngineError;

/// Puts an export into the ledger; answers whether a ledger is kept. `what` is an id, `digest` the SHA-256 of the bytes.
///
/// # Errors
/// If `what` is no id, or the database fails.
pub async fn record_export(
    db: &Db,
    clock: &dyn Clock,
    what: &str,
    digest: Hash,
) -> Result<bool, EngineError> {
    let mut tx = db.begin().await?;
    if store::signer(&mut tx).await?.is_none() {
        return Ok(false);
    }
    let written = store::alone(&mut tx, clock.now()).await?;
    let what = What::Export { what: what.to_owned(), digest };
    octro_ledger::outbox::put(&mut tx, written, &Leaf { written: micros(written), what }).await?;
    tx.commit().await?;
    Ok(true)
}
