//! What happened to a resource: what its sources said, and what the tests made of it.

use std::collections::HashMap;

use octro_cel::{Layout, Record};
use octro_model::{Id, Status, Timestamp};
use octro_program::Program;
use serde::Serialize;

use super::facts::{ReadView, Sources};
use super::{AsOf, Query};
use crate::EngineError;
use crate::persist::load::record;

const SAID: &str = "SELECT seq, source, effective_at, received_at, gone, body FROM observations \
     WHERE resource = $1 AND effective_at <= $2 AND received_at <= $3 ORDER BY effective_at DESC, seq DESC LIMIT $4";
const RESULTS: &str = "SELECT x.test, t.id, x.from_at, x.known_at, x.status, x.version FROM results x \
     JOIN tests t ON t.ord = x.test WHERE x.resource = $1 AND x.from_at <= $2 AND x.known_at <= $3 AND x.superseded_at > $3 \
     AND (x.to_at > x.from_at OR x.closed_at > $3) ORDER BY x.from_at DESC, x.known_at DESC, x.test LIMIT $4";

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[SAID, RESULTS];

/// How many entries a timeline has at most.
const ENTRIES_MAX: usize = 500;

/// An attribute that changed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AttributeChange {
    /// Its name.
    pub name: String,
    /// What was known before; `None` if nothing was.
    pub from: Option<ReadView>,
    /// What is known since.
    pub to: ReadView,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Happening {
    /// A source said something new.
    Observed {
        /// The source.
        source: Id,
        /// The observation's number.
        observation: i64,
        /// What changed against what this source said before; everything, if it is the first.
        changes: Vec<AttributeChange>,
    },
    /// A source no longer sees it.
    Gone {
        /// The source.
        source: Id,
        /// The observation's number.
        observation: i64,
    },
    /// A test's status changed.
    Result {
        /// The test.
        test: Id,
        /// What it was; `None` if it had none.
        from: Option<Status>,
        /// What it became; `None` if it is no longer judged.
        to: Option<Status>,
        /// The revision of the test.
        rev: u32,
    },
}

/// Something that happened to a resource.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TimelineEntry {
    /// When it was so.
    pub at: Timestamp,
    /// When it became known.
    pub known_at: Timestamp,
    /// What.
    #[serde(flatten)]
    pub happening: Happening,
}

impl Query {
    /// What happened to a resource, newest first.
    pub(super) async fn timeline(
        &self,
        program: &Program,
        ord: i64,
        kind: &Id,
        as_of: AsOf,
        cache: &mut Sources,
    ) -> Result<Vec<TimelineEntry>, EngineError> {
        let mut entries = self.said_entries(program, ord, kind, as_of, cache).await?;
        entries.extend(self.result_entries(ord, as_of).await?);
        // Newest first; of one moment, what was judged stands above what it was judged by.
        entries.sort_by_key(|entry| {
            (
                std::cmp::Reverse(entry.at),
                !matches!(entry.happening, Happening::Result { .. }),
                std::cmp::Reverse(entry.known_at),
            )
        });
        entries.truncate(ENTRIES_MAX);
        Ok(entries)
    }

    async fn said_entries(
        &self,
        program: &Program,
        ord: i64,
        kind: &Id,
        as_of: AsOf,
        cache: &mut Sources,
    ) -> Result<Vec<TimelineEntry>, EngineError> {
        let Some(layout) = program.kinds.get(kind) else { return Ok(Vec::new()) };
        let sources = self.sources_of(kind, cache).await?;
        let params = [ord.into(), as_of.at.into(), as_of.known_at.into(), (ENTRIES_MAX as i64 + 1).into()];
        let mut rows = self.db.fetch(SAID, &params).await?;
        rows.reverse();
        // If there were more, the oldest is only there to compare the next with.
        let skip = rows.len().saturating_sub(ENTRIES_MAX);
        let mut last: HashMap<i64, Record> = HashMap::new();
        let mut entries = Vec::new();
        for (place, row) in rows.iter().enumerate() {
            let (observation, source): (i64, i64) = (row.get(0)?, row.get(1)?);
            let Some((_, id)) = sources.iter().find(|(number, _)| *number == source) else { continue };
            let id = id.clone();
            let happening = if row.get::<bool>(4)? {
                last.remove(&source);
                Happening::Gone { source: id, observation }
            } else {
                let now = record(layout, &row.get::<Vec<u8>>(5)?);
                let changes = changes(layout, last.get(&source), &now);
                last.insert(source, now);
                Happening::Observed { source: id, observation, changes }
            };
            if place >= skip {
                entries.push(TimelineEntry { at: row.get(2)?, known_at: row.get(3)?, happening });
            }
        }
        Ok(entries)
    }

    async fn result_entries(&self, ord: i64, as_of: AsOf) -> Result<Vec<TimelineEntry>, EngineError> {
        let revisions = self.revisions().await?;
        let params = [ord.into(), as_of.at.into(), as_of.known_at.into(), (ENTRIES_MAX as i64).into()];
        let mut rows = self.db.fetch(RESULTS, &params).await?;
        rows.reverse();
        let mut last: HashMap<i64, Option<Status>> = HashMap::new();
        let mut entries = Vec::new();
        for row in rows {
            let to = u8::try_from(row.get::<i64>(4)?).ok().and_then(Status::from_code);
            let from = last.insert(row.get(0)?, to).flatten();
            let rev = revisions.get(&row.get::<i64>(5)?).map_or(0, |(rev, _)| *rev);
            let happening = Happening::Result { test: row.get(1)?, from, to, rev };
            entries.push(TimelineEntry { at: row.get(2)?, known_at: row.get(3)?, happening });
        }
        Ok(entries)
    }
}

/// What differs between two things that one source said; everything that is known, if there was nothing before.
fn changes(layout: &Layout, before: Option<&Record>, now: &Record) -> Vec<AttributeChange> {
    let mut all = Vec::new();
    for name in layout.kind().attributes.keys() {
        let to = ReadView::from(now.reading(layout, name));
        let from = before.map(|before| ReadView::from(before.reading(layout, name)));
        if from.as_ref() != Some(&to) {
            all.push(AttributeChange { name: name.clone(), from, to });
        }
    }
    all
}
