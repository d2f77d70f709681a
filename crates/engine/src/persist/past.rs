//! The past of a resource: everything that its sources ever said of it, for telling its history anew.

use std::collections::{BTreeMap, HashMap};

use octro_model::Timestamp;
use octro_store::{Row, StoreError, Tx};

use crate::delta::ResultRow;
use crate::sightings;
use crate::state::State;

const OBSERVATIONS: &str = "SELECT seq, input, source, effective_at, gone, body FROM observations \
     WHERE resource = $1 AND seq < $2 ORDER BY seq";
const SIGHTINGS: &str = "SELECT seq, body FROM inputs WHERE source = $1 AND form = 4 AND received_at >= $2 AND seq < $3 \
     ORDER BY seq";
const RESULTS: &str = "SELECT test, resource, from_at, known_at, to_at, closed_at, superseded_at, version, observation, \
     status, prev FROM results WHERE resource = $1 AND superseded_at = 9223372036854775807 ORDER BY test, from_at, known_at";

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[OBSERVATIONS, SIGHTINGS, RESULTS];

/// Something that a source said, or said again, of a resource.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    pub(crate) effective_at: Timestamp,
    /// What orders two of one moment: the input, then the observation.
    pub(crate) order: (i64, i64),
    pub(crate) observation: i64,
    /// `None`: it is gone.
    pub(crate) body: Option<std::sync::Arc<Vec<u8>>>,
}

/// What each source said, in the order of its moments.
#[derive(Clone, Debug, Default)]
pub(crate) struct Past {
    pub(crate) sources: BTreeMap<u32, Vec<Said>>,
}

impl Past {
    /// All moments at which something was said.
    pub(crate) fn moments(&self) -> impl Iterator<Item = Timestamp> + '_ {
        self.sources.values().flatten().map(|said| said.effective_at)
    }

    /// What stood at `at`: per source, the observation, its moment, and when it was last said.
    pub(crate) fn at(&self, at: Timestamp) -> Vec<(u32, &Said)> {
        let mut all: Vec<(u32, &Said)> = Vec::new();
        for (source, said) in &self.sources {
            let until = said.partition_point(|one| one.effective_at <= at);
            if let Some(last) = until.checked_sub(1).and_then(|place| said.get(place))
                && last.body.is_some()
            {
                all.push((*source, last));
            }
        }
        all
    }
}

/// Reads the pasts of `slots`, as they stood before the observation with number `state.counters.observation`.
pub(crate) async fn pasts(tx: &mut Tx, state: &State, slots: &[u32]) -> Result<HashMap<u32, Past>, StoreError> {
    let mut pasts: HashMap<u32, Past> = HashMap::new();
    let mut first_seen: BTreeMap<u32, Timestamp> = BTreeMap::new();
    let mut inputs: HashMap<u32, Vec<(i64, u32, Said)>> = HashMap::new();
    for slot in slots {
        let rows = tx.fetch(OBSERVATIONS, &[State::ord(*slot).into(), state.counters.observation.into()]).await?;
        for row in rows {
            let source = u32::try_from(row.get::<i64>(2)? - 1).unwrap_or(u32::MAX);
            let (seq, input): (i64, i64) = (row.get(0)?, row.get(1)?);
            let effective_at: Timestamp = row.get(3)?;
            let body = if row.get::<bool>(4)? { None } else { Some(std::sync::Arc::new(row.get::<Vec<u8>>(5)?)) };
            let earliest = first_seen.entry(source).or_insert(effective_at);
            *earliest = (*earliest).min(effective_at);
            let said = Said { effective_at, order: (input, seq), observation: seq, body };
            inputs.entry(*slot).or_default().push((input, source, said));
        }
    }
    let mut seen: HashMap<(u32, u32), Vec<(i64, Timestamp)>> = HashMap::new();
    for (source, since) in first_seen {
        let ord = i64::from(source) + 1;
        for row in tx.fetch(SIGHTINGS, &[ord.into(), since.into(), state.counters.input.into()]).await? {
            let (seq, body): (i64, Vec<u8>) = (row.get(0)?, row.get(1)?);
            sightings::decode(&body, |at, ord| {
                if let Some(slot) = state.slot(ord)
                    && slots.contains(&slot)
                {
                    seen.entry((slot, source)).or_default().push((seq, at));
                }
            });
        }
    }
    for (slot, said) in inputs {
        let past = pasts.entry(slot).or_default();
        for (_, source, one) in &said {
            past.sources.entry(*source).or_default().push(one.clone());
        }
        for (source, all) in &mut past.sources {
            let said: Vec<Said> = all.clone();
            for (input, at) in seen.get(&(slot, *source)).into_iter().flatten() {
                // "Unchanged" repeats what was the newest when it was said.
                let repeated = said
                    .iter()
                    .filter(|one| one.order.0 < *input && one.effective_at <= *at)
                    .max_by_key(|one| (one.effective_at, one.order));
                if let Some(one) = repeated {
                    all.push(Said { effective_at: *at, order: (*input, 0), ..one.clone() });
                }
            }
            all.sort_by_key(|one| (one.effective_at, one.order));
        }
    }
    Ok(pasts)
}

/// The results of a resource as they are known today.
pub(crate) async fn results(tx: &mut Tx, slot: u32) -> Result<Vec<ResultRow>, StoreError> {
    tx.fetch(RESULTS, &[State::ord(slot).into()]).await?.iter().map(result).collect()
}

/// Reads a row of the results, all columns in the order of [`ResultRow`].
pub(crate) fn result(row: &Row) -> Result<ResultRow, StoreError> {
    Ok(ResultRow {
        test: row.get(0)?,
        resource: row.get(1)?,
        from_at: row.get(2)?,
        known_at: row.get(3)?,
        to_at: row.get(4)?,
        closed_at: row.get(5)?,
        superseded_at: row.get(6)?,
        version: row.get(7)?,
        observation: row.get(8)?,
        status: u8::try_from(row.get::<i64>(9)?).unwrap_or(u8::MAX),
        prev: u8::try_from(row.get::<i64>(10)?).unwrap_or(u8::MAX),
    })
}
