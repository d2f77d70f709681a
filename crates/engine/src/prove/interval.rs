//! A control's statuses over an interval: two seals, and every transition between them.

use std::collections::BTreeMap;

use octro_ledger::Reader;
use octro_model::{Id, Timestamp};
use octro_verify::{Claim, Hash, Leaf, Proof, What};

use super::place::Placed;
use super::{SEAL_BEFORE, SEAL_FROM, finish};
use crate::journal::{hash, micros};
use crate::{EngineError, Query};

const TRANSITIONS: &str = "SELECT n, written, hash FROM journal_transitions WHERE log = $1 AND control = $2 AND n > $3 AND n <= $4 \
     ORDER BY n";

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[TRANSITIONS];

impl Query {
    /// Proves a control's statuses from `from` to `to`. Where the last seal is older than `to`, it proves up to that seal;
    /// where the log began later than `from`, it proves from there on.
    ///
    /// # Errors
    /// If there is no such control in the ledger or nothing is sealed yet, or the database fails.
    pub async fn prove_interval(
        &self,
        control: &Id,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Proof, EngineError> {
        let reader = Reader::newest(self.db()).await?;
        let Some(last) = self.seal(reader.log(), SEAL_BEFORE, self.soon()).await? else {
            return Err(EngineError::NotProvable(match self.ahead().await? {
                Some(until) => format!(
                    "every seal is dated later than the clock is, which was ahead: from {until} on this can be proved"
                ),
                None => "nothing is sealed yet; the first seal is written within the minute".to_owned(),
            }));
        };
        let to = to.min(last.written);
        let opening = reader.entry(0).await?.leaf;
        let opened = Leaf::parse(&opening).ok().and_then(|leaf| i64::try_from(leaf.written).ok());
        let from = opened.map_or(from, |opened| from.max(Timestamp::from_micros(opened)));
        if from > to {
            return Err(EngineError::NotProvable(format!(
                "of {from} to {to} nothing is sealed: the last seal was written at {}",
                last.written
            )));
        }
        let second = self.seal(reader.log(), SEAL_FROM, to).await?.unwrap_or(last);
        let states = self.states(&second).await?;
        let (place, state) = states.of(control)?.ok_or_else(|| EngineError::NotFound {
            what: "control in the ledger by then",
            name: control.to_string(),
        })?;
        let mut placed = vec![self.placed(&reader, second.written, &second.hash).await?];
        let mut sealed = Vec::new();
        let seal_index = |placed: &[Placed]| placed.last().map_or(0, |one| one.index);
        sealed.push(states.sealed(place, seal_index(&placed))?);
        let mut populations: BTreeMap<Hash, Timestamp> = BTreeMap::new();
        populations.extend(state.populations.values().map(|hash| (*hash, second.written)));
        let (mut begun, mut has_first) = (0, false);
        if let Some(first) = self.seal(reader.log(), SEAL_BEFORE, from).await? {
            let states = self.states(&first).await?;
            if let Some((place, state)) = states.of(control)? {
                if first.n != second.n {
                    placed.push(self.placed(&reader, first.written, &first.hash).await?);
                    sealed.insert(0, states.sealed(place, seal_index(&placed))?);
                }
                begun = state.n;
                has_first = true;
                populations.extend(state.populations.values().map(|hash| (*hash, first.written)));
            }
        }
        if !has_first {
            // Since when there is a log: of the time before, nobody is told anything.
            placed.push(Placed { index: 0, leaf: opening });
        }
        let params: [octro_store::Param<'_>; 4] =
            [second.log.into(), control.as_str().into(), (begun as i64).into(), (state.n as i64).into()];
        for row in self.db().fetch(TRANSITIONS, &params).await? {
            placed.push(self.placed(&reader, row.get(1)?, &hash(&row, 2)?).await?);
        }
        for (hash, written) in populations {
            placed.push(self.placed(&reader, written, &hash).await?);
        }
        placed.extend(self.rotations(&reader, &placed).await?);
        let claim = Claim::Interval { control: control.to_string(), from: micros(from), to: micros(to) };
        finish(&reader, claim, placed, sealed, Vec::new(), None).await
    }

    /// The changes of the log's key after the last seal of a proof, if the log has another key since.
    pub(super) async fn rotations(
        &self,
        reader: &Reader,
        placed: &[Placed],
    ) -> Result<Vec<Placed>, EngineError> {
        let seal = placed.iter().filter_map(|one| {
            let What::Seal(seal) = Leaf::parse(&one.leaf).ok()?.what else { return None };
            Some((one.index, seal.signer))
        });
        let Some((index, signer)) = seal.max_by_key(|(index, _)| *index) else { return Ok(Vec::new()) };
        if reader.log().signer.contains(&format!("+{signer}+")) {
            return Ok(Vec::new());
        }
        changes(reader, index).await
    }
}

/// The changes of the log's key after an entry.
pub(super) async fn changes(reader: &Reader, index: u64) -> Result<Vec<Placed>, EngineError> {
    let changes = reader.key_changes(index).await?.into_iter();
    Ok(changes.map(|entry| Placed { index: entry.index, leaf: entry.leaf }).collect())
}
