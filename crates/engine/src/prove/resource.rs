//! A resource in a population, or not in it: the members' tree is made anew from what was known at the seal.

use octro_ledger::Reader;
use octro_model::{Id, Timestamp};
use octro_verify::{Claim, Hash, Member, Opened, Proof, Salts, commitment, leaf_hash, own_salt, path, salt};

use super::{SEAL_BEFORE, SealRow, finish};
use crate::journal::{Remade, Which, hash, micros, told_of};
use crate::{EngineError, Query};

const POPULATION: &str =
    "SELECT hash, secret FROM journal_populations WHERE log = $1 AND seal = $2 AND kind = $3";
#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[POPULATION];

/// A population as it was sealed.
struct Sealed {
    seal: SealRow,
    hash: Hash,
    secret: Hash,
    of: Remade,
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
        let member = sealed.of.seen.iter().position(|(_, known, _)| known == key);
        let place = member.and_then(|member| sealed.of.leaves.iter().position(|(_, of)| *of == Some(member)));
        let (claim, members, secret) = match place {
            Some(place) => {
                let claim = Claim::Member { kind: kind.to_string(), key: key.to_owned(), at: written };
                let member = sealed.member(place, population.index, Some(kind))?;
                (claim, vec![member], None)
            }
            None if sealed.of.told.salts == Salts::Own => {
                return Err(EngineError::NotProvable(format!(
                    "`{key}` was not in the population, or was erased since; of `{kind}`, which has personal data, absence cannot be shown"
                )));
            }
            None => {
                let claim = Claim::Absent { kind: kind.to_string(), key: key.to_owned(), at: written };
                let derived = salt(&sealed.secret, kind, key);
                let wanted = commitment(&derived, kind, key);
                let after = sealed.of.leaves.partition_point(|(leaf, _)| leaf.as_slice() < wanted.as_slice());
                let mut members = Vec::new();
                for place in [after.checked_sub(1), Some(after)].into_iter().flatten() {
                    if place < sealed.of.leaves.len() {
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
        // That the ledger has taken it is said before anything is made.
        self.placed(reader, seal.written, &hash_of).await?;
        let which = Which {
            kind: kind.clone(),
            log: seal.log,
            seal: seal.n,
            written: seal.written,
            hash: hash_of,
            secret,
        };
        let mut snapshot = self.db().snapshot().await?;
        let told = told_of(&mut snapshot, &which).await?.ok_or_else(|| {
            EngineError::Stored("the ledger holds no population where the journal says so".to_owned())
        })?;
        let of = Remade::of(&mut snapshot, &which, told).await?;
        if !of.is_sealed {
            return Err(EngineError::NotProvable(format!(
                "the population of `{kind}` at the seal of {} cannot be made anew from what is stored: {} resources of {}; run `octro ledger audit`",
                seal.written,
                of.leaves.len(),
                of.told.count
            )));
        }
        Ok(Sealed { seal, hash: hash_of, secret, of })
    }
}

impl Sealed {
    /// The leaf at `place` as a proof has it; opened, if its kind is given.
    fn member(&self, place: usize, population: u64, open: Option<&Id>) -> Result<Member, EngineError> {
        let tree: Vec<Hash> = self.of.leaves.iter().map(|(leaf, _)| leaf_hash(leaf)).collect();
        let missing = || EngineError::Stored(format!("a population has no member {place}"));
        let (leaf, of) = self.of.leaves.get(place).ok_or_else(missing)?;
        let (commitment, results) = leaf.split_at(32);
        let opened = match (open, of.and_then(|of| self.of.seen.get(of))) {
            (Some(kind), Some((ord, key, results))) => {
                let salt = match self.of.told.salts {
                    Salts::Key => salt(&self.secret, kind, key),
                    Salts::Own => own_salt(&self.of.own.get(ord).copied().unwrap_or_default(), &self.secret),
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
