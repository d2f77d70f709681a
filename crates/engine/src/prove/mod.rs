//! Proofs made from the database and the ledger: files that anyone can check offline (docs/proof-format.md).

mod interval;
mod near;
mod place;
mod provable;
mod resource;
mod seals;

use std::collections::BTreeMap;

use octro_ledger::records::{self, Part};
use octro_ledger::{LedgerError, Log, Reader, Signed};
use octro_model::Timestamp;
use octro_verify::{
    Claim, Entry, Hash, Leaf, Note, PROOF_MAX, Proof, SealedState, State, What, base64_encode, leaf_hash,
    path,
};

use crate::journal::hash;
use crate::{EngineError, Query};

pub use provable::Provable;
pub use seals::SealView;

use place::Placed;

const STATES: &str = "SELECT control, state FROM journal_states WHERE log = $1 AND seal = $2 ORDER BY place";
const SEAL_BEFORE: &str =
    "SELECT n, written, hash FROM journal_seals WHERE log = $1 AND written <= $2 ORDER BY n DESC LIMIT 1";
const SEAL_FROM: &str =
    "SELECT n, written, hash FROM journal_seals WHERE log = $1 AND written >= $2 ORDER BY n LIMIT 1";

/// The most entries that a proof may hold.
const ENTRIES_MAX: usize = 10_000;
/// The most states that it may hold.
const STATES_MAX: usize = 4_096;

#[cfg(test)]
pub(crate) fn statements() -> Vec<&'static str> {
    let own: &[&str] = &[STATES, SEAL_BEFORE, SEAL_FROM];
    [
        own,
        interval::STATEMENTS,
        near::STATEMENTS,
        place::STATEMENTS,
        provable::STATEMENTS,
        resource::STATEMENTS,
        seals::STATEMENTS,
    ]
    .concat()
}

/// A seal as the journal keeps it.
#[derive(Clone, Debug)]
struct SealRow {
    log: i64,
    n: i64,
    written: Timestamp,
    hash: Hash,
}

/// The states of a seal: control and text, in their order.
struct States(Vec<(String, String)>);

impl States {
    /// The place of a control, with its state read.
    fn of(&self, control: &str) -> Result<Option<(usize, State)>, EngineError> {
        let Some(place) = self.0.iter().position(|(of, _)| of == control) else { return Ok(None) };
        self.at(place).map(|state| Some((place, state)))
    }

    fn at(&self, place: usize) -> Result<State, EngineError> {
        let text = self.0.get(place).map(|(_, text)| text.as_str()).unwrap_or_default();
        State::parse(text).map_err(|fault| EngineError::Stored(format!("a state of the journal {fault}")))
    }

    /// The state at `place` as a proof has it.
    fn sealed(&self, place: usize, seal: u64) -> Result<SealedState, EngineError> {
        let tree: Vec<Hash> = self.0.iter().map(|(_, text)| leaf_hash(text.as_bytes())).collect();
        let missing = || EngineError::Stored(format!("the journal has no state {place} of that seal"));
        Ok(SealedState {
            seal,
            place: place as u64,
            state: self.0.get(place).map(|(_, text)| text.clone()).ok_or_else(missing)?,
            path: path(&tree, place).ok_or_else(missing)?,
        })
    }
}

impl Query {
    async fn seal(
        &self,
        log: &Log,
        sql: &'static str,
        at: Timestamp,
    ) -> Result<Option<SealRow>, EngineError> {
        match self.db().fetch_one(sql, &[log.ord.into(), at.into()]).await? {
            Some(row) => {
                Ok(Some(SealRow { log: log.ord, n: row.get(0)?, written: row.get(1)?, hash: hash(&row, 2)? }))
            }
            None => Ok(None),
        }
    }

    async fn states(&self, seal: &SealRow) -> Result<States, EngineError> {
        let rows = self.db().fetch(STATES, &[seal.log.into(), seal.n.into()]).await?;
        let states = rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?)));
        states.collect::<Result<_, octro_store::StoreError>>().map(States).map_err(EngineError::from)
    }

    /// When the first and the last seal were written: since when and until when things can be proved. `None` if there
    /// is no ledger, or nothing is sealed yet. A seal that is dated later than the clock is proves nothing yet.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn sealed(&self) -> Result<Option<(Timestamp, Timestamp)>, EngineError> {
        let reader = match Reader::newest(self.db()).await {
            Ok(reader) => reader,
            Err(LedgerError::NoLog) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let first = self.seal(reader.log(), SEAL_FROM, Timestamp::MIN).await?;
        let last = self.seal(reader.log(), SEAL_BEFORE, self.soon()).await?;
        Ok(first.zip(last).map(|(first, last)| (first.written, last.written)))
    }

    /// Proves that a leaf is in the log.
    ///
    /// # Errors
    /// If there is no such leaf, or the database fails.
    pub async fn prove_entry(&self, index: u64) -> Result<Proof, EngineError> {
        let reader = Reader::newest(self.db()).await?;
        let entry = reader.entry(index).await?;
        let mut placed = vec![Placed { index: entry.index, leaf: entry.leaf }];
        // Whoever checks has the key that is in force today.
        placed.extend(interval::changes(&reader, index).await?);
        finish(&reader, Claim::Entry { index, opened: None }, placed, Vec::new(), Vec::new(), None).await
    }

    /// Proves that the newest decision of this name is in the log, with one of its texts opened, if any.
    ///
    /// # Errors
    /// If there is no such decision, or it is not in the log yet, or the database fails.
    pub async fn prove_decision(&self, name: &str, open: Option<Part>) -> Result<Proof, EngineError> {
        let Some(record) = records::decisions(self.db(), name).await?.into_iter().next() else {
            let names = records::names(self.db()).await?;
            let there = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            return Err(EngineError::NotProvable(format!(
                "there is no decision `{name}` that can be opened; there are: {there}"
            )));
        };
        let mut missing = LedgerError::NoLog.into();
        for log in Reader::logs(self.db()).await?.iter().rev() {
            let reader = Reader::of(self.db(), log.ord).await?;
            let found = match self.placed(&reader, record.written, &record.hash).await {
                Ok(found) => found,
                Err(error @ EngineError::NotProvable(_)) => {
                    missing = error;
                    continue;
                }
                Err(error) => return Err(error),
            };
            let index = found.index;
            let mut placed = vec![found];
            placed.extend(interval::changes(&reader, index).await?);
            let opened = open.map(|part| record.opening(part)).map(|(text, salt)| (text.to_owned(), salt));
            return finish(&reader, Claim::Entry { index, opened }, placed, Vec::new(), Vec::new(), None)
                .await;
        }
        Err(missing)
    }
}

/// The smallest checkpoint that covers `size` entries and that as many witnesses cosigned as must have; otherwise one with
/// any cosignature, and otherwise the smallest that there is.
async fn checkpoint(
    reader: &Reader,
    size: u64,
    required: usize,
    entries: &BTreeMap<u64, Vec<u8>>,
) -> Result<Option<Signed>, EngineError> {
    for enough in [required, 1] {
        if let Some(signed) = reader.cosigned_from(size, enough).await?
            && signed.checkpoint.size <= reader.size()
            && is_of_the_key(&signed, entries)
        {
            return Ok(Some(signed));
        }
    }
    Ok(reader.checkpoint_from(size).await?)
}

/// Whether a checkpoint is signed with the key that the last seal or rotation among the entries says is in force: a later
/// one may be of a later key, of which the proof would say nothing.
fn is_of_the_key(signed: &Signed, entries: &BTreeMap<u64, Vec<u8>>) -> bool {
    let in_force = entries.values().rev().find_map(|leaf| match Leaf::parse(leaf).ok()?.what {
        What::Seal(seal) => Some(seal.signer),
        What::Key(change) => Some(octro_verify::hex(&change.new.id())),
        What::Open { .. }
        | What::Transition(_)
        | What::Population(_)
        | What::Program { .. }
        | What::Collection(_)
        | What::Decision { .. }
        | What::Erasure { .. }
        | What::Export { .. } => None,
    });
    let Some(in_force) = in_force else { return true };
    Note::parse(&signed.note)
        .is_ok_and(|note| note.signatures.iter().any(|one| octro_verify::hex(&one.id) == in_force))
}

/// Puts a proof together: its entries under a checkpoint that holds them all.
async fn finish(
    reader: &Reader,
    claim: Claim,
    placed: Vec<Placed>,
    states: Vec<SealedState>,
    members: Vec<octro_verify::Member>,
    secret: Option<Hash>,
) -> Result<Proof, EngineError> {
    let entries: BTreeMap<u64, Vec<u8>> = placed.into_iter().map(|one| (one.index, one.leaf)).collect();
    if entries.len() > ENTRIES_MAX {
        return Err(EngineError::NotProvable(format!(
            "the proof would hold {} entries of the ledger, of at most {ENTRIES_MAX}; ask for a shorter time",
            entries.len()
        )));
    }
    let last = entries.keys().next_back().copied().unwrap_or(0);
    let signed = checkpoint(reader, last + 1, reader.required().await?, &entries)
        .await?
        .ok_or_else(|| EngineError::NotProvable("it is not signed yet; ask again in a moment".to_owned()))?;
    let stamps = reader.stamps(signed.checkpoint.size).await?;
    let stamps = stamps.iter().map(|token| base64_encode(token)).collect();
    let entries = Entry::all(&claim, entries);
    let indexes: Vec<u64> = entries.iter().filter_map(|entry| entry.index).collect();
    let hashes = reader.hashes_for(signed.checkpoint.size, &indexes).await?;
    let proof = Proof { claim, checkpoint: signed.note, entries, hashes, states, members, secret, stamps };
    // Nobody is handed a file that no verifier takes.
    if proof.states.len() > STATES_MAX || proof.to_text().len() > PROOF_MAX {
        return Err(EngineError::NotProvable(format!(
            "the proof would be larger than the {} MiB that a verifier takes; ask for a shorter time",
            PROOF_MAX >> 20
        )));
    }
    Ok(proof)
}
