//! The chain over what a collection stored: whoever changes an observation or a sighting later changes its last link.

use octro_store::{Row, StoreError, Tx};
use octro_verify::{Hash, sha256};

use crate::delta::Delta;

const INPUTS: &str = "SELECT seq, body FROM inputs WHERE collection = $1 AND seq < $2 ORDER BY seq";
const HASHES: &str = "SELECT hash FROM observations WHERE input = $1 ORDER BY seq";

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[INPUTS, HASHES];

/// The next link: over the one before and an input, which is its stored body and the hashes of its observations.
pub(crate) fn link<'a>(before: &Hash, body: &[u8], observations: impl Iterator<Item = &'a [u8]>) -> Hash {
    let mut input = body.to_vec();
    for hash in observations {
        input.extend_from_slice(hash);
    }
    let mut both = before.to_vec();
    both.extend_from_slice(&sha256(&input));
    sha256(&both)
}

/// The last link of a collection with the input of `delta` in it. `known`: the last link before it; without it the chain
/// is made from what is stored.
pub(super) async fn of(
    tx: &mut Tx,
    collection: i64,
    known: Option<Hash>,
    delta: &Delta,
) -> Result<Hash, StoreError> {
    let Some(input) = &delta.input else { return Ok(known.unwrap_or_default()) };
    let mut last = match known {
        Some(known) => known,
        None => {
            let mut last = [0; 32];
            for row in tx.fetch(INPUTS, &[collection.into(), input.seq.into()]).await? {
                last = stored(tx, &row, &last).await?;
            }
            last
        }
    };
    last = link(&last, &input.body, delta.observations.iter().map(|one| one.hash.as_slice()));
    Ok(last)
}

async fn stored(tx: &mut Tx, row: &Row, before: &Hash) -> Result<Hash, StoreError> {
    let (seq, body): (i64, Vec<u8>) = (row.get(0)?, row.get(1)?);
    let hashes = tx.fetch(HASHES, &[seq.into()]).await?;
    let hashes: Vec<Vec<u8>> = hashes.iter().map(|row| row.get(0)).collect::<Result<_, _>>()?;
    Ok(link(before, &body, hashes.iter().map(Vec::as_slice)))
}
