//! What happens within the transaction that appends: entries, tiles that become full, and the checkpoint, which is signed
//! only after the tree was proved to continue the one that was signed before.

use octro_model::Timestamp;
use octro_store::{Bulk, Param, Tx};
use octro_verify::{Checkpoint, Hash, consistent, leaf_hash, signature_line};

use crate::frontier::Frontier;
use crate::keys::{Signer, verifier_key};
use crate::log::number;
use crate::nodes::{From, Nodes, consistency};
use crate::tile::concatenated;
use crate::{LedgerError, Log, Steps};

const ENTRIES: Bulk = Bulk {
    head: "INSERT INTO ledger_entries (seq, at, hash, leaf) VALUES ",
    columns: 4,
    tail: "",
    casts: false,
};
const TILE: &str = "INSERT INTO ledger_tiles (log, level, place, root, hashes) VALUES ($1, $2, $3, $4, $5)";
const SIGNED: &str = "SELECT size, root FROM ledger_checkpoints WHERE log = $1 ORDER BY size DESC LIMIT 1";
const SIGN: &str = "INSERT INTO ledger_checkpoints (log, size, root, at, note) VALUES ($1, $2, $3, $4, $5)";

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[TILE, SIGNED, SIGN];
#[cfg(test)]
pub(crate) const BULKS: &[Bulk] = &[ENTRIES];

/// A leaf's bytes, and when it was put.
pub(crate) type Put = (Timestamp, Vec<u8>);

/// Writes entries and the tiles that they fill.
pub(crate) async fn append(
    tx: &mut Tx,
    log: &mut Log,
    frontier: &mut Frontier,
    leaves: &[Put],
    steps: &Steps,
) -> Result<(), LedgerError> {
    let hashes: Vec<Hash> = leaves.iter().map(|(_, leaf)| leaf_hash(leaf)).collect();
    let mut values: Vec<Param<'_>> = Vec::with_capacity(leaves.len() * 4);
    for ((at, leaf), (hash, index)) in leaves.iter().zip(hashes.iter().zip(log.size..)) {
        values.extend([log.seq(index).into(), (*at).into(), hash.as_slice().into(), Param::from(leaf)]);
    }
    ENTRIES.run(tx, &values).await?;
    steps.passed("sequencer.entries");
    let mut full = Vec::new();
    for hash in hashes {
        frontier.push(hash, &mut full);
    }
    for tile in full {
        let hashes = concatenated(&tile.hashes);
        let values: [Param<'_>; 5] = [
            log.ord.into(),
            i64::from(tile.level).into(),
            number(tile.place).into(),
            tile.root.as_slice().into(),
            (&hashes).into(),
        ];
        tx.execute(TILE, &values).await?;
    }
    log.size = frontier.size();
    steps.passed("sequencer.tiles");
    Ok(())
}

/// The size and root of the checkpoint that was signed last.
pub(crate) async fn signed(tx: &mut Tx, log: &Log) -> Result<Option<(u64, Hash)>, LedgerError> {
    let rows = tx.fetch(SIGNED, &[log.ord.into()]).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let (size, root): (u64, Vec<u8>) = (row.get(0)?, row.get(1)?);
    let root = root.try_into().map_err(|_| {
        LedgerError::Damaged(format!("the checkpoint of size {size} has no root of 32 bytes"))
    })?;
    Ok(Some((size, root)))
}

/// Proves from what is stored that the log continues the one that was signed last, signs it, and saves the log's row.
pub(crate) async fn sign(
    tx: &mut Tx,
    log: &Log,
    root: Hash,
    now: Timestamp,
    signers: &[&dyn Signer],
    steps: &Steps,
) -> Result<Checkpoint, LedgerError> {
    if let Some((old, old_root)) = signed(tx, log).await? {
        let subtrees = consistency(old, log.size);
        let nodes = Nodes::gather(From::Tx(tx), log, subtrees.iter().copied()).await?;
        let proof =
            subtrees.iter().map(|(start, end)| nodes.of(*start, *end)).collect::<Result<Vec<_>, _>>()?;
        if old >= log.size || !consistent(old, &old_root, log.size, &root, &proof) {
            return Err(LedgerError::Damaged(format!(
                "the tree of {} entries does not continue the one of {old} that was signed",
                log.size
            )));
        }
    }
    steps.passed("sequencer.proved");
    let checkpoint = Checkpoint { origin: log.origin.clone(), size: log.size, root };
    let text = checkpoint.to_text();
    let mut note = format!("{text}\n");
    for signer in signers {
        let key = verifier_key(&log.origin, *signer)?;
        let signature = signer.sign(text.as_bytes())?;
        // A device that signs something else would put a bad signature into the log for ever.
        if !key.signed(text.as_bytes(), &signature) {
            return Err(LedgerError::OtherKey {
                want: key.to_string(),
                have: "a signer whose signatures are not of it".to_owned(),
            });
        }
        note.push_str(&signature_line(&key, &signature));
    }
    let values: [Param<'_>; 5] =
        [log.ord.into(), number(log.size).into(), root.as_slice().into(), now.into(), (&note).into()];
    tx.execute(SIGN, &values).await?;
    log.save(tx).await?;
    steps.passed("sequencer.signed");
    Ok(checkpoint)
}
