//! The way into the ledger: a leaf is put into the outbox by the transaction of the change that it tells of, so that
//! both happen or neither. The sequencer appends what it finds there, in the order in which it was put.

use octro_model::Timestamp;
use octro_store::{Bulk, Db, Param, Tx};
use octro_verify::{Hash, Leaf, leaf_hash};

use crate::LedgerError;

const PUT: Bulk =
    Bulk { head: "INSERT INTO ledger_outbox (at, leaf) VALUES ", columns: 2, tail: "", casts: false };
const WAITING: &str =
    "SELECT COUNT(*), COUNT(refused), MIN(CASE WHEN refused IS NULL THEN at END) FROM ledger_outbox";
const ANY: &str = "SELECT 1 FROM ledger_outbox WHERE refused IS NULL LIMIT 1";

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[WAITING, ANY];
#[cfg(test)]
pub(crate) const BULKS: &[Bulk] = &[PUT];

/// Puts a leaf; answers its hash, which the next link of a chain cites. Wake the ledger after the commit.
///
/// # Errors
/// If the leaf is none, or the database fails.
pub async fn put(tx: &mut Tx, at: Timestamp, leaf: &Leaf) -> Result<Hash, LedgerError> {
    let bytes = checked(leaf)?;
    PUT.run(tx, &[at.into(), (&bytes).into()]).await?;
    Ok(leaf_hash(&bytes))
}

/// Puts several, in their order; answers their hashes.
///
/// # Errors
/// If one of them is none, or the database fails.
pub async fn put_all(tx: &mut Tx, at: Timestamp, leaves: &[Leaf]) -> Result<Vec<Hash>, LedgerError> {
    let bytes = leaves.iter().map(checked).collect::<Result<Vec<_>, _>>()?;
    put_bytes(tx, at, &bytes).await?;
    Ok(bytes.iter().map(|bytes| leaf_hash(bytes)).collect())
}

/// Puts leaves as bytes that [`Leaf::to_bytes`] gave. What is no leaf is not appended, but stays in the outbox with the reason.
///
/// # Errors
/// If the database fails.
pub async fn put_bytes(tx: &mut Tx, at: Timestamp, leaves: &[Vec<u8>]) -> Result<(), LedgerError> {
    let mut values: Vec<Param<'_>> = Vec::with_capacity(leaves.len() * 2);
    for leaf in leaves {
        values.extend([at.into(), Param::from(leaf)]);
    }
    Ok(PUT.run(tx, &values).await?)
}

/// The bytes of a leaf that can be read again: a caller's mistake shows here and not in the log.
pub(crate) fn checked(leaf: &Leaf) -> Result<Vec<u8>, LedgerError> {
    let bytes = leaf.to_bytes();
    match Leaf::parse(&bytes) {
        Ok(_) => Ok(bytes),
        Err(fault) => Err(LedgerError::Leaf(fault.to_string())),
    }
}

/// What is in the outbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Leaves that will be appended.
    pub leaves: u64,
    /// When the oldest of them was put.
    pub oldest: Option<Timestamp>,
    /// Rows that are no leaves and stay.
    pub refused: u64,
}

/// Whether anything waits.
pub(crate) async fn any(db: &Db) -> Result<bool, LedgerError> {
    Ok(db.fetch_one(ANY, &[]).await?.is_some())
}

/// What is in the outbox now.
///
/// # Errors
/// If the database fails.
pub async fn waiting(db: &Db) -> Result<Waiting, LedgerError> {
    let Some(row) = db.fetch_one(WAITING, &[]).await? else {
        return Ok(Waiting { leaves: 0, oldest: None, refused: 0 });
    };
    let (all, refused): (u64, u64) = (row.get(0)?, row.get(1)?);
    let oldest: Option<i64> = row.get(2)?;
    Ok(Waiting { leaves: all.saturating_sub(refused), oldest: oldest.map(Timestamp::from_micros), refused })
}
