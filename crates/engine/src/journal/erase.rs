//! Erasing a person from the ledger: the random bytes that open the commitments to them are deleted. The log, its seals
//! and all proofs of others stay as they are.

use std::collections::BTreeMap;

use octro_model::{Clock, Id};
use octro_store::Db;
use octro_verify::{Hash, Leaf, Status, What, commitment, member_leaf, own_salt, results_commitment};

use super::{hash, micros, status};
use crate::EngineError;

const RESOURCE: &str = "SELECT r.ord, s.salt FROM resources r JOIN journal_salts s ON s.resource = r.ord \
     WHERE r.kind = $1 AND r.key = $2";
const POPULATIONS: &str = "SELECT p.seal, p.secret, s.written, p.log FROM journal_populations p \
     JOIN journal_seals s ON s.log = p.log AND s.n = p.seal WHERE p.kind = $1 ORDER BY p.log, p.seal";
const RESULTS: &str = "SELECT t.id, x.status FROM results x JOIN tests t ON t.ord = x.test WHERE x.resource = $1 \
     AND x.status < 6 AND x.from_at <= $2 AND x.known_at <= $2 AND x.superseded_at > $2 \
     AND (x.to_at > $2 OR x.closed_at > $2)";
const KEEP: &str = "INSERT INTO journal_erased (log, seal, kind, resource, leaf) VALUES ($1, $2, $3, $4, $5) \
     ON CONFLICT (log, seal, kind, resource) DO NOTHING";
const SHRED: &str = "DELETE FROM journal_salts WHERE resource = $1";

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[RESOURCE, POPULATIONS, RESULTS, KEEP, SHRED];

/// What was erased.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Erased {
    /// How many commitments in the ledger can no longer be opened.
    pub commitments: u64,
}

/// Erases a resource of a kind with personal data, and puts that into the ledger with its ground `basis`. If a source
/// still sees the resource, the next seal commits to it anew.
///
/// # Errors
/// If there is nothing of it to erase, or the database fails; then nothing was erased.
pub async fn erase(
    db: &Db,
    clock: &dyn Clock,
    kind: &Id,
    key: &str,
    basis: &str,
) -> Result<Erased, EngineError> {
    let missing = || EngineError::NotFound {
        what: "resource with personal data in the ledger",
        name: format!("{kind} {key}"),
    };
    let row = db.fetch_one(RESOURCE, &[kind.as_str().into(), key.into()]).await?.ok_or_else(missing)?;
    let (ord, own): (i64, Hash) = (row.get(0)?, hash(&row, 1)?);
    let mut leaves: Vec<(i64, i64, [u8; 64])> = Vec::new();
    let mut subject = [0; 32];
    for row in db.fetch(POPULATIONS, &[kind.as_str().into()]).await? {
        let (seal, secret, written): (i64, Hash, i64) = (row.get(0)?, hash(&row, 1)?, row.get(2)?);
        let log: i64 = row.get(3)?;
        let mut results: BTreeMap<String, Status> = BTreeMap::new();
        for row in db.fetch(RESULTS, &[ord.into(), written.into()]).await? {
            let code: i64 = row.get(1)?;
            results.insert(row.get(0)?, status(u8::try_from(code).unwrap_or(u8::MAX)));
        }
        if results.is_empty() {
            continue; // it was not seen then
        }
        let salt = own_salt(&own, &secret);
        subject = commitment(&salt, kind, key);
        leaves.push((log, seal, member_leaf(&subject, &results_commitment(&salt, &results))));
    }
    let now = clock.now();
    let mut tx = db.begin().await?;
    for (log, seal, leaf) in &leaves {
        let leaf = leaf.to_vec();
        tx.execute(KEEP, &[(*log).into(), (*seal).into(), kind.as_str().into(), ord.into(), (&leaf).into()])
            .await?;
    }
    tx.execute(SHRED, &[ord.into()]).await?;
    let what = What::Erasure { subject, records: leaves.len() as u64, basis: basis.to_owned() };
    octro_ledger::outbox::put(&mut tx, now, &Leaf { written: micros(now), what }).await?;
    tx.commit().await?;
    Ok(Erased { commitments: leaves.len() as u64 })
}
