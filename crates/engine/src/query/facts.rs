//! What was known of a resource at a moment, from the observations themselves.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use octro_cel::{Layout, Reading, Record};
use octro_model::{Id, Span, Timestamp, UnknownReason};
use octro_program::Program;
use serde::Serialize;

use super::{AsOf, Query};
use crate::persist::load::record;
use crate::retention::Removed;
use crate::{EngineError, sightings};

const RESOURCE: &str = "SELECT ord, first_seen_at FROM resources WHERE kind = $1 AND key = $2";
/// The sources that ever yielded a kind.
const SOURCES: &str = "SELECT DISTINCT k.source, s.id FROM source_kinds k JOIN sources s ON s.ord = k.source \
     WHERE k.kind = $1 ORDER BY k.source";
const SAID: &str = "SELECT o.seq, o.effective_at, o.received_at, o.gone, o.scope, o.hash, o.body, o.late_by, i.collection \
     FROM observations o JOIN inputs i ON i.seq = o.input WHERE o.resource = $1 AND o.source = $2 \
     AND o.effective_at <= $3 AND o.received_at <= $4 ORDER BY o.effective_at DESC, o.seq DESC LIMIT 1";
/// What stood when a late observation came: the last that was the newest at its time.
const STOOD: &str = "SELECT o.seq, o.effective_at, o.received_at, o.gone, o.scope, o.hash, o.body, o.late_by, i.collection \
     FROM observations o JOIN inputs i ON i.seq = o.input WHERE o.resource = $1 AND o.source = $2 \
     AND o.seq < $3 AND o.late_by = 0 ORDER BY o.seq DESC LIMIT 1";
const SIGHTINGS: &str = "SELECT received_at, body FROM inputs WHERE source = $1 AND form = 4 \
     AND received_at > $2 AND received_at < $3 ORDER BY received_at DESC LIMIT 100";

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[RESOURCE, SOURCES, SAID, STOOD, SIGHTINGS];

/// How many pages of sightings are read to find when resources were last seen; what is not found by then counts as not
/// seen since it was first described so.
const PAGES_MAX: usize = 40;

/// What is known of an attribute.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum ReadView {
    /// It has this value.
    Value {
        /// As JSON.
        value: serde_json::Value,
    },
    /// The system said that it is not set.
    Absent,
    /// It could not be determined.
    Unknown {
        /// Why.
        reason: UnknownReason,
    },
}

impl From<Reading> for ReadView {
    fn from(reading: Reading) -> Self {
        match reading {
            Reading::Value(value) => Self::Value { value },
            Reading::Absent => Self::Absent,
            Reading::Unknown(reason) => Self::Unknown { reason },
        }
    }
}

/// What one source said of a resource, as it stood at a moment.
#[derive(Clone, Debug)]
pub(super) struct Said {
    pub(super) source: i64,
    pub(super) source_id: Id,
    pub(super) observation: i64,
    pub(super) effective_at: Timestamp,
    pub(super) received_at: Timestamp,
    /// When it was last seen to be so; until that is looked up, when it was first described so.
    pub(super) seen_at: Timestamp,
    pub(super) collection: i64,
    pub(super) scope: String,
    pub(super) hash: Vec<u8>,
    pub(super) body: Vec<u8>,
    pub(super) record: Record,
}

/// What is known of a resource.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) ord: i64,
    pub(super) kind: Id,
    pub(super) key: String,
    pub(super) layout: Arc<Layout>,
    /// What its sources say, the newest first: the order in which they are merged.
    pub(super) said: Vec<Said>,
    merged: Option<Record>,
    /// What was seen before this moment is no longer kept, and that is what was asked for.
    pub(super) removed: Option<Timestamp>,
}

impl Known {
    /// All that is known; `None` if no source sees it.
    pub(super) fn record(&self) -> Option<&Record> {
        self.merged.as_ref().or_else(|| self.said.first().map(|said| &said.record))
    }

    /// Why nothing can be said although something was seen.
    pub(super) fn missing(&self) -> Option<String> {
        let removed = self.removed?;
        Some(format!("what was seen before {} is no longer kept", removed.minute()))
    }

    /// The source that an attribute's value comes from.
    pub(super) fn origin(&self, attribute: &str) -> Option<&Said> {
        self.said
            .iter()
            .find(|said| !matches!(said.record.reading(&self.layout, attribute), Reading::Unknown(_)))
    }

    /// When it was last seen by anyone.
    pub(super) fn seen_at(&self) -> Option<Timestamp> {
        self.said.iter().map(|said| said.seen_at).max()
    }
}

/// The sources of kinds, looked up once for a question.
pub(super) type Sources = HashMap<Id, Arc<Vec<(i64, Id)>>>;

impl Query {
    /// The number of a resource and when it became known.
    pub(super) async fn resource_ord(
        &self,
        kind: &str,
        key: &str,
    ) -> Result<Option<(i64, Timestamp)>, EngineError> {
        Ok(match self.db.fetch_one(RESOURCE, &[kind.into(), key.into()]).await? {
            Some(row) => Some((row.get(0)?, row.get(1)?)),
            None => None,
        })
    }

    /// The sources that ever yielded a kind: number and id.
    pub(super) async fn sources_of(
        &self,
        kind: &Id,
        cache: &mut Sources,
    ) -> Result<Arc<Vec<(i64, Id)>>, EngineError> {
        if let Some(sources) = cache.get(kind) {
            return Ok(sources.clone());
        }
        let mut sources = Vec::new();
        for row in self.db.fetch(SOURCES, &[kind.as_str().into()]).await? {
            sources.push((row.get(0)?, row.get(1)?));
        }
        let sources = Arc::new(sources);
        cache.insert(kind.clone(), sources.clone());
        Ok(sources)
    }

    /// What is known of a resource at a moment; `None` if its kind is not in the program.
    pub(super) async fn known(
        &self,
        program: &Program,
        (ord, kind, key): (i64, &Id, &str),
        as_of: AsOf,
        cache: &mut Sources,
    ) -> Result<Option<Known>, EngineError> {
        let Some(layout) = program.kinds.get(kind).cloned() else { return Ok(None) };
        if let Some(removed) = Removed::read(&self.db).await?.cut(kind).filter(|cut| as_of.at < *cut) {
            let (key, removed) = (key.to_owned(), Some(removed));
            return Ok(Some(Known {
                ord,
                kind: kind.clone(),
                key,
                layout,
                said: Vec::new(),
                merged: None,
                removed,
            }));
        }
        let mut said = Vec::new();
        for (source, id) in self.sources_of(kind, cache).await?.iter() {
            said.extend(self.said(ord, (*source, id), &layout, as_of).await?);
        }
        said.sort_by(|a, b| b.effective_at.cmp(&a.effective_at).then(a.source.cmp(&b.source)));
        let merged = (said.len() > 1)
            .then(|| Record::merge(&layout, &said.iter().map(|said| &said.record).collect::<Vec<_>>()));
        Ok(Some(Known { ord, kind: kind.clone(), key: key.to_owned(), layout, said, merged, removed: None }))
    }

    async fn said(
        &self,
        ord: i64,
        (source, source_id): (i64, &Id),
        layout: &Layout,
        as_of: AsOf,
    ) -> Result<Option<Said>, EngineError> {
        let params = [ord.into(), source.into(), as_of.at.into(), as_of.known_at.into()];
        let Some(mut row) = self.db.fetch_one(SAID, &params).await? else { return Ok(None) };
        let late_by = Span::from_micros(row.get(7)?);
        if late_by > Span::ZERO {
            // It came late: what stood then may have been seen again after it and before the moment asked about.
            let (from, received): (Timestamp, Timestamp) = (row.get(1)?, row.get(2)?);
            let again = from.plus(late_by) <= as_of.at
                || self.seen_between(ord, source, from, as_of.at, received).await?;
            if again
                && let Some(stood) =
                    self.db.fetch_one(STOOD, &[ord.into(), source.into(), row.get::<i64>(0)?.into()]).await?
            {
                row = stood;
            }
        }
        if row.get::<bool>(3)? {
            return Ok(None);
        }
        let body: Vec<u8> = row.get(6)?;
        let effective_at = row.get(1)?;
        Ok(Some(Said {
            source,
            source_id: source_id.clone(),
            observation: row.get(0)?,
            effective_at,
            received_at: row.get(2)?,
            seen_at: effective_at,
            collection: row.get(8)?,
            scope: row.get(4)?,
            hash: row.get(5)?,
            record: record(layout, &body),
            body,
        }))
    }

    /// Whether a resource was seen again, unchanged, in (`after`, `until`], as received before `received`.
    async fn seen_between(
        &self,
        ord: i64,
        source: i64,
        after: Timestamp,
        until: Timestamp,
        received: Timestamp,
    ) -> Result<bool, EngineError> {
        let mut before = received;
        loop {
            let rows = self.db.fetch(SIGHTINGS, &[source.into(), after.into(), before.into()]).await?;
            let Some(last) = rows.last() else { return Ok(false) };
            before = last.get(0)?;
            for row in &rows {
                let mut found = false;
                sightings::decode(&row.get::<Vec<u8>>(1)?, |at, seen| {
                    found |= seen == ord && at > after && at <= until;
                });
                if found {
                    return Ok(true);
                }
            }
        }
    }

    /// Looks up when each resource was last seen. Only the last sightings are read (see [`PAGES_MAX`]).
    pub(super) async fn last_seen(&self, known: &mut [&mut Known], as_of: AsOf) -> Result<(), EngineError> {
        let mut wanted: BTreeMap<i64, HashMap<i64, (Timestamp, Timestamp)>> = BTreeMap::new();
        for said in known.iter().flat_map(|one| one.said.iter().map(|said| (one.ord, said))) {
            let (ord, said) = said;
            wanted.entry(said.source).or_default().insert(ord, (said.effective_at, Timestamp::MIN));
        }
        for (source, wanted) in &mut wanted {
            let oldest = wanted.values().map(|(from, _)| *from).min().unwrap_or(as_of.at);
            let mut missing = wanted.len();
            let mut before = as_of.known_at.plus(Span::from_micros(1));
            for _ in 0..PAGES_MAX {
                if missing == 0 {
                    break;
                }
                let rows =
                    self.db.fetch(SIGHTINGS, &[(*source).into(), oldest.into(), before.into()]).await?;
                let Some(last) = rows.last() else { break };
                before = last.get(0)?;
                for row in &rows {
                    sightings::decode(&row.get::<Vec<u8>>(1)?, |at, ord| {
                        if at <= as_of.at
                            && let Some((from, seen)) = wanted.get_mut(&ord)
                            && at >= *from
                        {
                            if *seen == Timestamp::MIN {
                                missing -= 1;
                            }
                            *seen = (*seen).max(at);
                        }
                    });
                }
            }
        }
        for one in known.iter_mut() {
            let ord = one.ord;
            for said in &mut one.said {
                if let Some((_, seen)) = wanted.get(&said.source).and_then(|of| of.get(&ord)) {
                    said.seen_at = said.seen_at.max(*seen);
                }
            }
        }
        Ok(())
    }
}
