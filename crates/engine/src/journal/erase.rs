//! Erasing a person from the ledger: the random bytes that open the commitments to them are deleted. The log, its seals
//! and all proofs of others stay as they are. The leaves of whoever is erased are kept, or the trees that they stand in
//! could not be made anew; so each is first found in its tree.

use std::collections::{BTreeMap, HashMap, HashSet};

use octro_ledger::records;
use octro_model::{Clock, Id, Timestamp};
use octro_store::{Db, Tx};
use octro_verify::{Hash, Leaf, Salts, What};

use super::remade::{Remade, Which, told_of};
use super::{hash, micros, store};
use crate::EngineError;

const RESOURCES: &str = "SELECT r.ord, r.kind, s.salt FROM resources r JOIN journal_salts s ON s.resource = r.ord \
     WHERE r.key = $1 ORDER BY r.ord";
const POPULATIONS: &str = "SELECT p.log, p.seal, s.written, p.hash, p.secret FROM journal_populations p \
     JOIN journal_seals s ON s.log = p.log AND s.n = p.seal WHERE p.kind = $1 ORDER BY p.log, p.seal";
const BEFORE: &str = "SELECT log, seal FROM journal_erased WHERE kind = $1 AND resource = $2";
const KEEP: &str = "INSERT INTO journal_erased (log, seal, kind, resource, leaf) VALUES ($1, $2, $3, $4, $5) \
     ON CONFLICT (log, seal, kind, resource) DO NOTHING";
const SHRED: &str = "DELETE FROM journal_salts WHERE resource = $1";

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[RESOURCES, POPULATIONS, BEFORE, KEEP, SHRED];

/// What was erased.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Erased {
    /// How many commitments in the ledger can no longer be opened, that could before.
    pub commitments: u64,
    /// The kinds of the resources that carried the key.
    pub kinds: Vec<String>,
    /// How many commitments stay: they are older than the kind's personal data, and whoever has the key of their
    /// population can still open them.
    pub left: u64,
    /// How many decisions and exports named whoever was erased, and can no longer be opened either.
    pub records: u64,
    /// How many populations can no longer be made anew from what is stored. The commitments in them could not be
    /// opened before either; `octro ledger audit` tells more.
    pub lost: u64,
}

/// A resource that carries the key: its number, its kind, and its own random bytes.
type Resource = (i64, Id, Hash);

/// What is known of the populations of a kind: of each seal, by log and number, the leaves that are to be kept.
#[derive(Clone, Default)]
struct Found {
    /// Leaves by resource; empty, if none of these resources was there.
    leaves: Vec<(i64, [u8; 64])>,
    left: u64,
    lost: bool,
}

type Seals = BTreeMap<(i64, i64), Found>;

/// Erases whoever has `key`: every resource with that key, of `kind` and of all other kinds with personal data. That is
/// put into the ledger with its ground `basis`. So are decisions and exports that name `key`. If a source still sees such a
/// resource, the next seal commits to it anew.
///
/// # Errors
/// If there is nothing of `kind` to erase, or the database fails; then nothing was erased.
pub async fn erase(
    db: &Db,
    clock: &dyn Clock,
    kind: &Id,
    key: &str,
    basis: &str,
) -> Result<Erased, EngineError> {
    // Trees take long to make anew, and do not change: that is done before anybody has to wait.
    let mut known: HashMap<Id, Seals> = HashMap::new();
    let mut snapshot = db.snapshot().await?;
    let before = resources(&mut snapshot, key).await?;
    for (kind, of) in by_kind(&before) {
        let seals = find(&mut snapshot, &kind, &of, &Seals::new()).await?;
        known.insert(kind, seals);
    }
    drop(snapshot);

    let mut tx = db.begin().await?;
    // From here on nobody seals, and nothing is told before this is.
    let written = store::alone(&mut tx, clock.now()).await?;
    let now = resources(&mut tx, key).await?;
    let shredded = records::shred(&mut tx, key).await?;
    if shredded.is_empty() && !now.iter().any(|(_, of, _)| of == kind) {
        return Err(EngineError::NotFound {
            what: "resource with personal data in the ledger",
            name: format!("{kind} {key}"),
        });
    }
    let mut erased = Erased::default();
    for (subject, commitments) in shredded {
        let what = What::Erasure { subject, records: commitments, basis: basis.to_owned() };
        octro_ledger::outbox::put(&mut tx, written, &Leaf { written: micros(written), what }).await?;
        erased.commitments += commitments;
        erased.records += 1;
    }
    for (kind, of) in by_kind(&now) {
        // Whoever was erased and seen again meanwhile has other bytes than those that were looked at.
        let usable = known.remove(&kind).filter(|_| of == only(&before, &kind)).unwrap_or_default();
        let seals = find(&mut tx, &kind, &of, &usable).await?;
        for (ord, _) in &of {
            let mut subject = [0; 32];
            let mut records = 0;
            for ((log, seal), found) in &seals {
                let Some((_, leaf)) = found.leaves.iter().find(|(of, _)| of == ord) else { continue };
                let bytes = leaf.to_vec();
                let values: [octro_store::Param<'_>; 5] =
                    [(*log).into(), (*seal).into(), kind.as_str().into(), (*ord).into(), (&bytes).into()];
                tx.execute(KEEP, &values).await?;
                subject = leaf.first_chunk().copied().unwrap_or_default();
                records += 1;
            }
            tx.execute(SHRED, &[(*ord).into()]).await?;
            let what = What::Erasure { subject, records, basis: basis.to_owned() };
            octro_ledger::outbox::put(&mut tx, written, &Leaf { written: micros(written), what }).await?;
            erased.commitments += records;
        }
        erased.left += seals.values().map(|found| found.left).sum::<u64>();
        erased.lost += seals.values().filter(|found| found.lost).count() as u64;
        erased.kinds.push(kind.to_string());
    }
    tx.commit().await?;
    Ok(erased)
}

/// The resources with a key that have random bytes of their own.
async fn resources(tx: &mut Tx, key: &str) -> Result<Vec<Resource>, EngineError> {
    let rows = tx.fetch(RESOURCES, &[key.into()]).await?;
    rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?, hash(row, 2)?))).collect()
}

fn only(resources: &[Resource], kind: &Id) -> Vec<(i64, Hash)> {
    resources.iter().filter(|(_, of, _)| of == kind).map(|(ord, _, own)| (*ord, *own)).collect()
}

fn by_kind(resources: &[Resource]) -> Vec<(Id, Vec<(i64, Hash)>)> {
    let mut kinds: Vec<Id> = resources.iter().map(|(_, kind, _)| kind.clone()).collect();
    kinds.sort();
    kinds.dedup();
    kinds.into_iter().map(|kind| (kind.clone(), only(resources, &kind))).collect()
}

/// Finds resources in the populations of their kind, except in those where they were erased before.
async fn find(tx: &mut Tx, kind: &Id, of: &[(i64, Hash)], known: &Seals) -> Result<Seals, EngineError> {
    let mut seals = Seals::new();
    let mut before: HashSet<(i64, i64, i64)> = HashSet::new();
    for (ord, _) in of {
        for row in tx.fetch(BEFORE, &[kind.as_str().into(), (*ord).into()]).await? {
            before.insert((row.get(0)?, row.get(1)?, *ord));
        }
    }
    for row in tx.fetch(POPULATIONS, &[kind.as_str().into()]).await? {
        let (log, seal, written): (i64, i64, Timestamp) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let is_new = |ord: i64| !before.contains(&(log, seal, ord));
        if !of.iter().any(|(ord, _)| is_new(*ord)) {
            continue;
        }
        if let Some(known) = known.get(&(log, seal)) {
            seals.insert((log, seal), known.clone());
            continue;
        }
        let which =
            Which { kind: kind.clone(), log, seal, written, hash: hash(&row, 3)?, secret: hash(&row, 4)? };
        let mut found = Found::default();
        match told_of(tx, &which).await? {
            None => found.lost = true,
            Some(told) => {
                let remade = Remade::of(tx, &which, told).await?;
                let leaves = of.iter().filter(|(ord, _)| is_new(*ord));
                let leaves = leaves.filter_map(|(ord, _)| Some((*ord, remade.leaf_of(*ord)?)));
                match (remade.is_sealed, remade.told.salts) {
                    (true, Salts::Own) => found.leaves = leaves.collect(),
                    // Their salts come from the population's key: there is nothing of this resource alone to delete.
                    (true, Salts::Key) => found.left = leaves.count() as u64,
                    (false, Salts::Own | Salts::Key) => found.lost = true,
                }
            }
        }
        seals.insert((log, seal), found);
    }
    Ok(seals)
}
