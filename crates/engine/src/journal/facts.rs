//! The chain over what a collection stored: whoever changes an observation or a sighting later changes its last link.

use std::collections::{BTreeMap, HashMap};

use octro_model::{Span, Timestamp};
use octro_store::{Db, Row, StoreError, Tx};
use octro_verify::{Hash, sha256};

use super::JournalAudit;
use super::told::Told;
use crate::EngineError;
use crate::delta::Delta;
use crate::retention::baseline;

const INPUTS: &str = "SELECT seq, body FROM inputs WHERE collection = $1 AND seq < $2 ORDER BY seq";
/// All at once: there is no way from an input to its observations but through all of them.
const HASHES: &str = "SELECT input, hash FROM observations WHERE input IN (SELECT seq FROM inputs WHERE collection = $1) \
     ORDER BY seq";

const OF_COLLECTION: &str = "SELECT seq, body FROM inputs WHERE collection = $1 ORDER BY seq";
const HASHES_ON: &str = "SELECT seq, input, hash FROM observations WHERE seq > $1 ORDER BY seq LIMIT 20000";

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[INPUTS, HASHES, OF_COLLECTION, HASHES_ON];

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

/// Compares the facts of collections with what the ledger says of them.
pub(super) async fn collections(
    db: &Db,
    all: &[Row],
    told: &Told,
    audit: &mut JournalAudit,
) -> Result<(), EngineError> {
    let mut kept_since = since_kept(db).await?;
    let mut ahead = Hashes { db, after: 0, rows: std::collections::VecDeque::new(), end: false };
    let mut of_input: BTreeMap<i64, Vec<Row>> = BTreeMap::new();
    for row in all {
        let (ord, finished_at): (i64, Timestamp) = (row.get(0)?, row.get(1)?);
        let Some(facts) = u64::try_from(ord).ok().and_then(|ord| told.collections.get(&ord)) else {
            continue;
        };
        if finished_at <= kept_since {
            audit.forgotten += 1;
            continue;
        }
        audit.collections += 1;
        let inputs = db.fetch(OF_COLLECTION, &[ord.into()]).await?;
        let last: i64 = inputs.last().map_or(Ok(0), |row| row.get(0))?;
        ahead.until(last, &mut of_input).await?;
        let mut hashes = Vec::new();
        for input in &inputs {
            hashes.extend(of_input.remove(&input.get::<i64>(0)?).unwrap_or_default());
        }
        if stored(&inputs, &hashes, 1)? != *facts {
            // Something may have been removed while this was read.
            kept_since = since_kept(db).await?;
            if finished_at <= kept_since {
                audit.collections -= 1;
                audit.forgotten += 1;
                continue;
            }
            audit.find(format!(
                "the facts of collection {ord}, which ended at {finished_at}, are not those of the ledger"
            ));
        }
    }
    Ok(())
}

/// Since when all facts are kept. Of what was received before the baseline, something may have been removed; a collection
/// may have begun before it.
async fn since_kept(db: &Db) -> Result<Timestamp, EngineError> {
    Ok(baseline(db).await?.map_or(Timestamp::MIN, |at| at.plus(Span::DAY)))
}

/// The hashes of observations, read in their order as far as is needed.
struct Hashes<'a> {
    db: &'a Db,
    after: i64,
    rows: std::collections::VecDeque<Row>,
    end: bool,
}

impl Hashes<'_> {
    /// Adds those of all inputs up to `last` to `of_input`.
    async fn until(&mut self, last: i64, of_input: &mut BTreeMap<i64, Vec<Row>>) -> Result<(), EngineError> {
        loop {
            if self.rows.is_empty() && !self.end {
                self.rows = self.db.fetch(HASHES_ON, &[self.after.into()]).await?.into();
                self.end = self.rows.is_empty();
                if let Some(row) = self.rows.back() {
                    self.after = row.get(0)?;
                }
            }
            let Some(row) = self.rows.front() else { return Ok(()) };
            let input: i64 = row.get(1)?;
            if input > last {
                return Ok(());
            }
            of_input.entry(input).or_default().extend(self.rows.pop_front());
        }
    }
}
