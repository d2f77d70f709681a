//! The members of a population that was sealed, made anew from what was known then, and compared with the tree that the
//! seal rests on: whoever proves one of them needs it, and whoever erases one.

use std::collections::{BTreeMap, HashMap};

use octro_model::{Id, Timestamp};
use octro_store::Tx;
use octro_verify::{Hash, Leaf, Population, Salts, Status, What, leaf_hash, root};

use super::{Seen, hash, members, status};
use crate::EngineError;

const SEEN: &str = "SELECT r.ord, r.key, t.id, x.status FROM resources r JOIN results x ON x.resource = r.ord \
     JOIN tests t ON t.ord = x.test WHERE r.kind = $1 AND x.status < 6 AND x.from_at <= $2 AND x.known_at <= $2 \
     AND x.superseded_at > $2 AND (x.to_at > $2 OR x.closed_at > $2) ORDER BY r.ord";
const SALTS: &str = "SELECT s.resource, s.salt FROM journal_salts s JOIN resources r ON r.ord = s.resource \
     WHERE r.kind = $1";
const ERASED: &str = "SELECT resource, leaf FROM journal_erased WHERE log = $1 AND seal = $2 AND kind = $3";
const ENTRY: &str = "SELECT leaf FROM ledger_entries WHERE at = $1 AND hash = $2 ORDER BY seq LIMIT 1";
const WAITING: &str = "SELECT leaf FROM ledger_outbox ORDER BY id";

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[SEEN, SALTS, ERASED, ENTRY, WAITING];

/// Which population: the one of a kind that a seal rests on.
#[derive(Clone, Debug)]
pub(crate) struct Which {
    pub(crate) kind: Id,
    pub(crate) log: i64,
    pub(crate) seal: i64,
    /// When the seal was written.
    pub(crate) written: Timestamp,
    /// Its leaf's hash.
    pub(crate) hash: Hash,
    /// Its key.
    pub(crate) secret: Hash,
}

/// See the module.
pub(crate) struct Remade {
    /// What the ledger says of it.
    pub(crate) told: Population,
    /// The random bytes of resources, of a kind with personal data.
    pub(crate) own: HashMap<i64, Hash>,
    /// Its leaves in their order, and whose they are: a place in `seen`, or nobody's who could be named.
    pub(crate) leaves: Vec<([u8; 64], Option<usize>)>,
    /// Number, key and results of each resource that was in it and can be named.
    pub(crate) seen: Vec<(i64, String, BTreeMap<String, Status>)>,
    /// Whether these leaves are the ones that were sealed.
    pub(crate) is_sealed: bool,
}

/// What the ledger says of a population, or will say when it has taken what waits; `None` if it says nothing.
pub(crate) async fn told_of(tx: &mut Tx, which: &Which) -> Result<Option<Population>, EngineError> {
    let bytes = which.hash.to_vec();
    let mut rows = tx.fetch(ENTRY, &[which.written.into(), (&bytes).into()]).await?;
    if rows.is_empty() {
        rows = tx.fetch(WAITING, &[]).await?;
    }
    for row in rows {
        let leaf: Vec<u8> = row.get(0)?;
        if leaf_hash(&leaf) == which.hash
            && let Ok(What::Population(told)) = Leaf::parse(&leaf).map(|leaf| leaf.what)
        {
            return Ok(Some(told));
        }
    }
    Ok(None)
}

impl Remade {
    /// Makes it.
    pub(crate) async fn of(tx: &mut Tx, which: &Which, told: Population) -> Result<Self, EngineError> {
        let kind = which.kind.as_str();
        let mut seen: Vec<(i64, String, BTreeMap<String, Status>)> = Vec::new();
        for row in tx.fetch(SEEN, &[kind.into(), which.written.into()]).await? {
            let (ord, test, code): (i64, String, i64) = (row.get(0)?, row.get(2)?, row.get(3)?);
            let status = status(u8::try_from(code).unwrap_or(u8::MAX));
            match seen.last_mut().filter(|(last, ..)| *last == ord) {
                Some((.., results)) => drop(results.insert(test, status)),
                None => seen.push((ord, row.get(1)?, BTreeMap::from([(test, status)]))),
            }
        }
        let mut own = HashMap::new();
        let mut erased: HashMap<i64, [u8; 64]> = HashMap::new();
        if told.salts == Salts::Own {
            for row in tx.fetch(SALTS, &[kind.into()]).await? {
                own.insert(row.get(0)?, hash(&row, 1)?);
            }
            for row in tx.fetch(ERASED, &[which.log.into(), which.seal.into(), kind.into()]).await? {
                let leaf: Vec<u8> = row.get(1)?;
                if let Ok(leaf) = leaf.try_into() {
                    erased.insert(row.get(0)?, leaf);
                }
            }
        }
        seen.retain(|(ord, ..)| !erased.contains_key(ord));
        let open: Vec<Seen<'_>> = seen
            .iter()
            .map(|(ord, key, results)| Seen { ord: *ord, key, results: results.clone() })
            .collect();
        let salts = |ord: i64| own.get(&ord).copied().unwrap_or_default();
        let personal: Option<&dyn Fn(i64) -> Hash> =
            if told.salts == Salts::Own { Some(&salts) } else { None };
        let made = members(&which.kind, &which.secret, personal, &open).into_iter();
        let made = made.map(|(leaf, of)| (leaf, Some(of)));
        let mut leaves: Vec<([u8; 64], Option<usize>)> =
            made.chain(erased.into_values().map(|leaf| (leaf, None))).collect();
        leaves.sort_unstable();
        let tree: Vec<Hash> = leaves.iter().map(|(leaf, _)| leaf_hash(leaf)).collect();
        let is_sealed = root(&tree) == told.root && tree.len() as u64 == told.count;
        Ok(Self { told, own, leaves, seen, is_sealed })
    }

    /// The leaf of a resource, by its number; `None` if it was not in it, or cannot be named any more.
    pub(crate) fn leaf_of(&self, ord: i64) -> Option<[u8; 64]> {
        let place = self.seen.iter().position(|(of, ..)| *of == ord)?;
        self.leaves.iter().find(|(_, of)| *of == Some(place)).map(|(leaf, _)| *leaf)
    }
}
