//! The chain over what a collection stored: whoever changes an observation or a sighting later changes its last link.

use std::collections::HashMap;

use octro_store::{Row, StoreError, Tx};
use octro_verify::{Hash, sha256};

use crate::delta::Delta;

const INPUTS: &str = "SELECT seq, body FROM inputs WHERE collection = $1 AND seq < $2 ORDER BY seq";
/// All at once: there is no way from an input to its observations but through all of them.
const HASHES: &str = "SELECT input, hash FROM observations WHERE input IN (SELECT seq FROM inputs WHERE collection = $1) \
     ORDER BY seq";

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
            let inputs = tx.fetch(INPUTS, &[collection.into(), input.seq.into()]).await?;
            // A collection begins with nothing, which is what most of these are asked for.
            let hashes =
                if inputs.is_empty() { Vec::new() } else { tx.fetch(HASHES, &[collection.into()]).await? };
            stored(&inputs, &hashes, 0)?
        }
    };
    last = link(&last, &input.body, delta.observations.iter().map(|one| one.hash.as_slice()));
    Ok(last)
}

/// The last link over stored inputs and the hashes of their observations, both in their order; in a row of the latter,
/// the input's number stands in `column` and the hash after it.
pub(crate) fn stored(inputs: &[Row], hashes: &[Row], column: usize) -> Result<Hash, StoreError> {
    let mut of_input: HashMap<i64, Vec<Vec<u8>>> = HashMap::new();
    for row in hashes {
        of_input.entry(row.get(column)?).or_default().push(row.get(column + 1)?);
    }
    let mut last = [0; 32];
    for row in inputs {
        let (seq, body): (i64, Vec<u8>) = (row.get(0)?, row.get(1)?);
        let hashes = of_input.get(&seq).map(Vec::as_slice).unwrap_or_default();
        last = link(&last, &body, hashes.iter().map(Vec::as_slice));
    }
    Ok(last)
}
