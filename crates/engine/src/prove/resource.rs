//! A resource in a population, or not in it: the members' tree is made anew from what was known at the seal.

use std::collections::{BTreeMap, HashMap};

use octro_ledger::Reader;
use octro_model::{Id, Timestamp};
use octro_verify::{
    Claim, Hash, Leaf, Member, Opened, Proof, Salts, Status, What, commitment, leaf_hash, own_salt, path,
    root, salt,
};

use super::{SEAL_BEFORE, SealRow, finish};
use crate::journal::{Seen, hash, members, micros, status};
use crate::{EngineError, Query};

const POPULATION: &str =
    "SELECT hash, secret FROM journal_populations WHERE log = $1 AND seal = $2 AND kind = $3";
const SEEN: &str = "SELECT r.ord, r.key, t.id, x.status FROM resources r JOIN results x ON x.resource = r.ord \
     JOIN tests t ON t.ord = x.test WHERE r.kind = $1 AND x.status < 6 AND x.from_at <= $2 AND x.known_at <= $2 \
     AND x.superseded_at > $2 AND (x.to_at > $2 OR x.closed_at > $2) ORDER BY r.ord";
const SALTS: &str = "SELECT s.resource, s.salt FROM journal_salts s JOIN resources r ON r.ord = s.resource \
     WHERE r.kind = $1";
const ERASED: &str = "SELECT resource, leaf FROM journal_erased WHERE log = $1 AND seal = $2 AND kind = $3";

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[POPULATION, SEEN, SALTS, ERASED];

/// A population as it was sealed.
struct Sealed {
    seal: SealRow,
    hash: Hash,
    secret: Hash,
    salts: Salts,
    /// The random bytes of resources, of a kind with personal data.
    own: HashMap<i64, Hash>,
    /// Its leaves in their order, and whose they are: number, key and results.
    leaves: Vec<([u8; 64], Option<usize>)>,
    seen: Vec<(i64, String, BTreeMap<String, Status>)>,
}

impl Query {
    /// Proves that a resource was, or was not, in the population that the last seal up to `at` rests on.
    ///
    /// # Errors
    /// If nothing was sealed by then, the kind was not judged, absence cannot be shown because the kind has personal
    /// data, what was known then can no longer be made anew, or the database fails.
    pub async fn prove_resource(&self, kind: &Id, key: &str, at: Timestamp) -> Result<Proof, EngineError> {
        let reader = Reader::newest(self.db()).await?;
        let seal = self
            .seal(reader.log(), SEAL_BEFORE, at)
            .await?
            .ok_or_else(|| EngineError::NotProvable(format!("nothing was sealed by {at}")))?;
        let states = self.states(&seal).await?;
        let sealed = self.population(&reader, kind, seal).await?;
        let population = self.placed(&reader, sealed.seal.written, &sealed.hash).await?;
        let placed = self.placed(&reader, sealed.seal.written, &sealed.seal.hash).await?;
        let mut named = None;
        for place in 0..states.0.len() {
            if states.at(place)?.populations.get(kind.as_str()) == Some(&sealed.hash) {
                named = Some(place);
                break;
            }
        }
        let named = named.ok_or_else(|| {
            EngineError::NotProvable(format!("no control rests on the population of `{kind}` at that seal"))
        })?;
        let state = states.sealed(named, placed.index)?;
        let written = micros(sealed.seal.written);
        let member = sealed.seen.iter().position(|(_, known, _)| known == key);
        let place = member.and_then(|member| sealed.leaves.iter().position(|(_, of)| *of == Some(member)));
        let (claim, members, secret) = match place {
            Some(place) => {
                let claim = Claim::Member { kind: kind.to_string(), key: key.to_owned(), at: written };
                let member = sealed.member(place, population.index, Some(kind))?;
                (claim, vec![member], None)
            }
            None if sealed.salts == Salts::Own => {
                return Err(EngineError::NotProvable(format!(
                    "`{key}` was not in the population, or was erased since; of `{kind}`, which has personal data, absence cannot be shown"
                )));
            }
            None => {
                let claim = Claim::Absent { kind: kind.to_string(), key: key.to_owned(), at: written };
                let derived = salt(&sealed.secret, kind, key);
                let wanted = commitment(&derived, kind, key);
                let after = sealed.leaves.partition_point(|(leaf, _)| leaf.as_slice() < wanted.as_slice());
                let mut members = Vec::new();
                for place in [after.checked_sub(1), Some(after)].into_iter().flatten() {
                    if place < sealed.leaves.len() {
                        members.push(sealed.member(place, population.index, None)?);
                    }
                }
                (claim, members, Some(sealed.secret))
            }
        };
        let mut entries = vec![population, placed];
        entries.extend(self.rotations(&reader, &entries).await?);
        finish(&reader, claim, entries, vec![state], members, secret).await
    }

    async fn population(&self, reader: &Reader, kind: &Id, seal: SealRow) -> Result<Sealed, EngineError> {
        let params = [seal.log.into(), seal.n.into(), kind.as_str().into()];
        let row = self.db().fetch_one(POPULATION, &params).await?.ok_or_else(|| {
            EngineError::NotProvable(format!(
                "no test judged `{kind}` when the seal of {} was written",
                seal.written
            ))
        })?;
        let (hash_of, secret) = (hash(&row, 0)?, hash(&row, 1)?);
        let leaf = self.placed(reader, seal.written, &hash_of).await?;
        let Ok(What::Population(told)) = Leaf::parse(&leaf.leaf).map(|leaf| leaf.what) else {
            return Err(EngineError::Stored(
                "the ledger holds no population where the journal says so".to_owned(),
            ));
        };
        let mut seen: Vec<(i64, String, BTreeMap<String, Status>)> = Vec::new();
        for row in self.db().fetch(SEEN, &[kind.as_str().into(), seal.written.into()]).await? {
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
            for row in self.db().fetch(SALTS, &[kind.as_str().into()]).await? {
                own.insert(row.get(0)?, hash(&row, 1)?);
            }
            for row in
                self.db().fetch(ERASED, &[seal.log.into(), seal.n.into(), kind.as_str().into()]).await?
            {
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
        let made = members(kind, &secret, personal, &open).into_iter().map(|(leaf, of)| (leaf, Some(of)));
        let mut leaves: Vec<([u8; 64], Option<usize>)> =
            made.chain(erased.into_values().map(|leaf| (leaf, None))).collect();
        leaves.sort_unstable();
        let tree: Vec<Hash> = leaves.iter().map(|(leaf, _)| leaf_hash(leaf)).collect();
        if root(&tree) != told.root || tree.len() as u64 != told.count {
            return Err(EngineError::NotProvable(format!(
                "the population of `{kind}` at the seal of {} cannot be made anew from what is stored: {} resources of {}; run `octro ledger audit`",
                seal.written,
                tree.len(),
                told.count
            )));
        }
        Ok(Sealed { seal, hash: hash_of, secret, salts: told.salts, own, leaves, seen })
    }
}

impl Sealed {
    /// The leaf at `place` as a proof has it; opened, if its kind is given.
    fn member(&self, place: usize, population: u64, open: Option<&Id>) -> Result<Member, EngineError> {
        let tree: Vec<Hash> = self.leaves.iter().map(|(leaf, _)| leaf_hash(leaf)).collect();
        let missing = || EngineError::Stored(format!("a population has no member {place}"));
        let (leaf, of) = self.leaves.get(place).ok_or_else(missing)?;
        let (commitment, results) = leaf.split_at(32);
        let opened = match (open, of.and_then(|of| self.seen.get(of))) {
            (Some(kind), Some((ord, key, results))) => {
                let salt = match self.salts {
                    Salts::Key => salt(&self.secret, kind, key),
                    Salts::Own => own_salt(&self.own.get(ord).copied().unwrap_or_default(), &self.secret),
                };
                Some(Opened { key: key.clone(), salt, results: results.clone() })
            }
            (None, _) | (_, None) => None,
        };
        Ok(Member {
            population,
            place: place as u64,
            path: path(&tree, place).ok_or_else(missing)?,
            commitment: commitment.try_into().map_err(|_| missing())?,
            results: results.try_into().map_err(|_| missing())?,
            opened,
        })
    }
}
