//! The past of resources: what their sources said of them, for telling their history anew.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use octro_model::{Span, Timestamp};
use octro_store::{Db, Param, Row, StoreError, Tx};

use crate::delta::ResultRow;
use crate::sightings;
use crate::state::State;

const OBSERVATIONS: &str = "SELECT seq, input, source, effective_at, gone, late_by, body FROM observations \
     WHERE resource = $1 AND seq < $2 ORDER BY seq";
const SIGHTINGS: &str = "SELECT seq, body FROM inputs WHERE source = $1 AND form = 4 AND received_at >= $2 AND seq < $3 \
     ORDER BY seq";
const RESULTS: &str = "SELECT test, resource, from_at, known_at, to_at, closed_at, superseded_at, version, observation, \
     status, prev FROM results WHERE resource = $1 AND superseded_at = 9223372036854775807 ORDER BY test, from_at, known_at";

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[OBSERVATIONS, SIGHTINGS, RESULTS];

/// Where the past is read: live within the transaction that writes, in a replay from the database as it stands.
pub(crate) enum Reader<'a> {
    /// A transaction.
    Tx(&'a mut Tx),
    /// The database.
    Db(&'a Db),
}

impl Reader<'_> {
    async fn fetch(&mut self, sql: &'static str, params: &[Param<'_>]) -> Result<Vec<Row>, StoreError> {
        match self {
            Self::Tx(tx) => tx.fetch(sql, params).await,
            Self::Db(db) => db.fetch(sql, params).await,
        }
    }
}

/// What orders what was said of one moment: the input, then sightings before news, then the observation.
type Order = (i64, bool, i64);

/// Something that a source said, or said again, of a resource.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    /// When it was so.
    pub(crate) at: Timestamp,
    order: Order,
    pub(crate) observation: i64,
    /// When it was first so: what views are ordered by.
    pub(crate) since: Timestamp,
    /// `None`: it is gone.
    pub(crate) body: Option<Arc<Vec<u8>>>,
}

/// What each source said, in the order of its moments.
#[derive(Clone, Debug, Default)]
pub(crate) struct Past {
    pub(crate) sources: BTreeMap<u32, Vec<Said>>,
}

impl Past {
    /// All moments at which something was said.
    pub(crate) fn moments(&self) -> impl Iterator<Item = Timestamp> + '_ {
        self.sources.values().flatten().map(|said| said.at)
    }

    /// What stood at `at`, by source, in the order in which views are merged: what is so since latest first.
    pub(crate) fn at(&self, at: Timestamp) -> Vec<&Said> {
        let mut all: Vec<(u32, &Said)> = Vec::new();
        for (source, said) in &self.sources {
            let until = said.partition_point(|one| one.at <= at);
            if let Some(last) = until.checked_sub(1).and_then(|place| said.get(place))
                && last.body.is_some()
            {
                all.push((*source, last));
            }
        }
        all.sort_by_key(|(source, one)| (std::cmp::Reverse(one.since), *source));
        all.into_iter().map(|(_, one)| one).collect()
    }
}

/// An observation as it is stored.
struct Stored {
    said: Said,
    late_by: Span,
}

/// Reads the pasts of `slots` as far as they matter from `since` on, as they stood before the next input.
pub(crate) async fn pasts(
    reader: &mut Reader<'_>,
    state: &State,
    slots: &BTreeSet<u32>,
    since: Timestamp,
) -> Result<HashMap<u32, Past>, StoreError> {
    let mut stored: HashMap<(u32, u32), Vec<Stored>> = HashMap::new();
    let mut sources = BTreeSet::new();
    for slot in slots {
        let params = [State::ord(*slot).into(), state.counters.observation.into()];
        for row in reader.fetch(OBSERVATIONS, &params).await? {
            let source = u32::try_from(row.get::<i64>(2)? - 1).unwrap_or(u32::MAX);
            sources.insert(source);
            let (seq, at): (i64, Timestamp) = (row.get(0)?, row.get(3)?);
            let body = if row.get::<bool>(4)? { None } else { Some(Arc::new(row.get::<Vec<u8>>(6)?)) };
            let said = Said { at, order: (row.get(1)?, true, seq), observation: seq, since: at, body };
            stored
                .entry((*slot, source))
                .or_default()
                .push(Stored { said, late_by: Span::from_micros(row.get(5)?) });
        }
    }
    let mut seen: HashMap<(u32, u32), Vec<(i64, Timestamp)>> = HashMap::new();
    for source in sources {
        let params = [(i64::from(source) + 1).into(), since.into(), state.counters.input.into()];
        for row in reader.fetch(SIGHTINGS, &params).await? {
            let (seq, body): (i64, Vec<u8>) = (row.get(0)?, row.get(1)?);
            sightings::decode(&body, |at, ord| {
                if let Some(slot) = state.slot(ord)
                    && at >= since
                    && slots.contains(&slot)
                {
                    seen.entry((slot, source)).or_default().push((seq, at));
                }
            });
        }
    }
    let mut pasts: HashMap<u32, Past> = HashMap::new();
    for ((slot, source), stored) in stored {
        let seen = seen.remove(&(slot, source)).unwrap_or_default();
        pasts.entry(slot).or_default().sources.insert(source, told(&stored, &seen));
    }
    Ok(pasts)
}

/// Puts what a source said of a resource in the order of its moments. "Unchanged" repeats what was its newest word when
/// that was said; so does, in effect, something late, for the moments after which it came.
fn told(stored: &[Stored], seen: &[(i64, Timestamp)]) -> Vec<Said> {
    let newest_before =
        |order: Order| stored.iter().rfind(|one| one.late_by == Span::ZERO && one.said.order < order);
    let mut all: Vec<Said> = Vec::with_capacity(stored.len() + seen.len());
    for one in stored {
        if one.late_by > Span::ZERO
            && let Some(stood) = newest_before(one.said.order)
        {
            let order = (one.said.order.0, false, 0);
            all.push(Said { at: one.said.at.plus(one.late_by), order, ..stood.said.clone() });
        }
        all.push(one.said.clone());
    }
    for (input, at) in seen {
        let order = (*input, false, 0);
        if let Some(stood) = newest_before(order) {
            all.push(Said { at: *at, order, ..stood.said.clone() });
        }
    }
    all.sort_by_key(|one| (one.at, one.order));
    all
}

/// The results of a resource as they are known today.
pub(crate) async fn results(reader: &mut Reader<'_>, slot: u32) -> Result<Vec<ResultRow>, StoreError> {
    reader.fetch(RESULTS, &[State::ord(slot).into()]).await?.iter().map(result).collect()
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
