//! All resources of a kind at a moment, read in windows: for pages that show a whole population by its attributes.

use octro_cel::{Layout, Reading, Record};
use octro_model::{Id, UnknownReason};
use octro_program::Program;
use octro_store::Row;
use serde_json::Value;

use super::facts::Sources;
use super::{AsOf, Query};
use crate::EngineError;
use crate::persist::load::record;

/// What each source said last of a window of resources.
const SAID: &str = "SELECT r.ord, r.key, o.gone, o.late_by, o.body FROM \
     (SELECT ord, key FROM resources WHERE kind = $1 AND first_seen_at <= $3 AND ord > $4 ORDER BY ord LIMIT 1000) r \
     CROSS JOIN observations o WHERE o.resource = r.ord AND o.effective_at <= $2 AND o.received_at <= $3 \
     AND o.seq = (SELECT n.seq FROM observations n WHERE n.resource = o.resource AND n.source = o.source \
         AND n.effective_at <= $2 AND n.received_at <= $3 ORDER BY n.effective_at DESC, n.seq DESC LIMIT 1) \
     ORDER BY r.ord, o.effective_at DESC, o.source";
const LAST: &str = "SELECT COALESCE(MAX(ord), 0) FROM \
     (SELECT ord FROM resources WHERE kind = $1 AND first_seen_at <= $2 AND ord > $3 ORDER BY ord LIMIT 1000) r";
/// The results of a test.
pub(super) const RESULTS: &str = "SELECT resource, status FROM results WHERE test = $1 AND from_at <= $2 \
     AND known_at <= $3 AND superseded_at > $3 AND (to_at > $2 OR closed_at > $3) AND status < 6";

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[SAID, LAST, RESULTS];

/// A resource that was there.
pub(super) struct Present<'a> {
    pub(super) ord: i64,
    pub(super) key: String,
    pub(super) layout: &'a Layout,
    /// What its sources say, the newest first.
    records: Vec<Record>,
}

impl Present<'_> {
    /// What is known of an attribute; `None` if no source can say it. The newest that can counts.
    pub(super) fn reading(&self, name: &str) -> Option<Reading> {
        let mut readings = self.records.iter().map(|record| record.reading(self.layout, name));
        readings.find(|reading| !matches!(reading, Reading::Unknown(_)))
    }

    /// Why nobody knows an attribute: what its newest source says; `None` if somebody knows it, or no source can.
    pub(super) fn unknown(&self, name: &str) -> Option<UnknownReason> {
        let mut first = None;
        for record in &self.records {
            match record.reading(self.layout, name) {
                Reading::Unknown(reason) => first = first.or(Some(reason)),
                Reading::Value(_) | Reading::Absent => return None,
            }
        }
        first
    }

    /// An attribute that is a text.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        match self.reading(name) {
            Some(Reading::Value(Value::String(text))) => Some(text),
            Some(Reading::Value(_) | Reading::Absent | Reading::Unknown(_)) | None => None,
        }
    }
}

impl Query {
    /// Gives `take` every resource of a kind that was there, in the order of their numbers, until it says no; answers
    /// whether it took all.
    pub(super) async fn each_present(
        &self,
        program: &Program,
        kind: &Id,
        as_of: AsOf,
        take: &mut (dyn FnMut(Present<'_>) -> bool + Send),
    ) -> Result<bool, EngineError> {
        let Some(layout) = program.kinds.get(kind) else { return Ok(true) };
        let mut after = 0;
        loop {
            let last = self
                .db
                .fetch_one(LAST, &[kind.as_str().into(), as_of.known_at.into(), after.into()])
                .await?
                .map_or(Ok(0), |row| row.get(0))?;
            if last == 0 {
                return Ok(true);
            }
            let params = [kind.as_str().into(), as_of.at.into(), as_of.known_at.into(), after.into()];
            let said = self.db.fetch(SAID, &params).await?;
            for of_one in said.chunk_by(|a, b| a.get::<i64>(0).ok() == b.get::<i64>(0).ok()) {
                let present = self.present_of(program, layout, of_one, as_of).await?;
                if present.is_some_and(|present| !take(present)) {
                    return Ok(false);
                }
            }
            after = last;
        }
    }

    /// A resource by what each source said of it; `None` if none saw it.
    async fn present_of<'l>(
        &self,
        program: &Program,
        layout: &'l Layout,
        said: &[Row],
        as_of: AsOf,
    ) -> Result<Option<Present<'l>>, EngineError> {
        let Some(row) = said.first() else { return Ok(None) };
        let (ord, key): (i64, String) = (row.get(0)?, row.get(1)?);
        let mut late = false;
        let mut records = Vec::new();
        for row in said {
            late |= row.get::<i64>(3)? > 0;
            if !row.get::<bool>(2)? {
                records.push(record(layout, &row.get::<Vec<u8>>(4)?));
            }
        }
        if late {
            // What stood at the moment is looked up with all that was seen around it.
            let kind = &layout.kind().id;
            let known = self.known(program, (ord, kind, &key), as_of, &mut Sources::new()).await?;
            records = known.iter().filter_map(|known| known.record()).cloned().collect();
        }
        Ok((!records.is_empty()).then_some(Present { ord, key, layout, records }))
    }
}
