//! Sources: when they ran, what they covered, what went wrong and how to mend it.

use octro_model::{CollectionError, Id, Span, Timestamp};
use octro_store::{Row, StoreError};
use serde::Serialize;

use super::{AsOf, Query};
use crate::EngineError;

const SOURCES: &str = "SELECT ord, id, connector, every_us, registered_at, retired_at FROM sources \
     WHERE registered_at <= $1 AND ($2 = '' OR id = $2) ORDER BY id";
const KINDS: &str =
    "SELECT source, kind FROM source_kinds WHERE from_at <= $1 AND to_at > $1 ORDER BY source, kind";
/// A run that only brought changes covered no scope; with `$4` it does not count.
const COLLECTIONS: &str = "SELECT c.ord, c.started_at, c.finished_at, c.complete, c.changed, c.unchanged, c.gone, \
       c.refused, c.errors, c.whole \
     FROM (SELECT r.*, CAST(CASE WHEN EXISTS (SELECT 1 FROM source_kinds k JOIN coverage v \
             ON v.kind = k.kind AND v.source = r.source AND v.finished_at = r.finished_at WHERE k.source = r.source) \
           THEN 1 ELSE 0 END AS BIGINT) AS whole FROM collections r WHERE r.source = $1 AND r.finished_at <= $2) c \
     WHERE c.whole >= $4 ORDER BY c.finished_at DESC LIMIT $3";
const SCOPES: &str = "SELECT c.kind, c.scope, c.complete, c.resources, c.pages, c.finished_at, c.reason, c.collection \
     FROM (SELECT k.kind AS kind, (SELECT MAX(finished_at) FROM coverage \
             WHERE kind = k.kind AND source = $1 AND finished_at <= $2) AS finished_at \
           FROM source_kinds k WHERE k.source = $1 AND k.from_at <= $2 AND k.to_at > $2) l \
     JOIN coverage c ON c.kind = l.kind AND c.source = $1 AND c.finished_at = l.finished_at ORDER BY c.kind, c.scope";

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[SOURCES, KINDS, COLLECTIONS, SCOPES];

/// How many runs late a source is before it counts as silent.
const RUNS_LATE: i64 = 2;

/// One run of a source.
#[derive(Clone, Debug, Serialize)]
pub struct CollectionView {
    /// Its number.
    pub ord: i64,
    /// When it began, as the source says.
    pub started_at: Timestamp,
    /// When its end was received.
    pub finished_at: Timestamp,
    /// Whether it looked at everything; otherwise it only brought what had changed.
    pub whole: bool,
    /// Whether it enumerated everything that it tried to.
    pub complete: bool,
    /// Observations that said something new.
    pub changed: u64,
    /// Observations that said what was known.
    pub unchanged: u64,
    /// Resources that a complete enumeration no longer found.
    pub gone: u64,
    /// Observations that were refused.
    pub refused: u64,
    /// What went wrong, and how to mend it.
    pub errors: Vec<CollectionError>,
}

/// The last attempt of a source to enumerate one scope of a kind.
#[derive(Clone, Debug, Serialize)]
pub struct ScopeView {
    /// The kind.
    pub kind: Id,
    /// The part of the population; empty if the source does not divide it.
    pub scope: String,
    /// Whether every resource was seen; `None` if nobody has tried yet.
    pub complete: Option<bool>,
    /// How many resources were enumerated.
    pub resources: u64,
    /// How many pages or calls it took.
    pub pages: u64,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// The collection that tried.
    pub collection: Option<i64>,
    /// Why it is not complete; empty if it is.
    pub reason: String,
}

/// A source at a moment.
#[derive(Clone, Debug, Serialize)]
pub struct SourceView {
    /// Its id.
    pub id: Id,
    /// The connector's name.
    pub connector: String,
    /// How often it runs; zero if only on demand.
    pub every: Span,
    /// The kinds that it yields.
    pub kinds: Vec<Id>,
    /// Since when there is this source.
    pub registered_at: Timestamp,
    /// Since when it is no longer used.
    pub retired_at: Option<Timestamp>,
    /// Its last runs, newest first.
    pub runs: Vec<CollectionView>,
    /// Of each kind that it yields, the last attempt to enumerate it.
    pub scopes: Vec<ScopeView>,
    /// When it should run next; `None` if it runs on demand only, or is retired.
    pub next_at: Option<Timestamp>,
    /// Whether it should have been heard of long ago: two runs are overdue.
    pub silent: bool,
}

impl SourceView {
    /// Its last run that looked at everything.
    pub fn last(&self) -> Option<&CollectionView> {
        self.runs.iter().find(|run| run.whole)
    }
}

impl Query {
    /// All sources, retired ones included, each with its last run.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn sources(&self, as_of: AsOf) -> Result<Vec<SourceView>, EngineError> {
        self.source_views("", as_of, 1).await
    }

    /// One source with its last `runs` runs (at most 1,000).
    ///
    /// # Errors
    /// If there is no such source, or the database fails.
    pub async fn source(&self, id: &str, as_of: AsOf, runs: u32) -> Result<SourceView, EngineError> {
        let all = if id.is_empty() { Vec::new() } else { self.source_views(id, as_of, runs).await? };
        all.into_iter().next().ok_or_else(|| EngineError::NotFound { what: "source", name: id.to_owned() })
    }

    async fn source_views(&self, id: &str, as_of: AsOf, runs: u32) -> Result<Vec<SourceView>, EngineError> {
        let at = as_of.at.min(as_of.known_at);
        let mut kinds: Vec<(i64, Id)> = Vec::new();
        for row in self.db.fetch(KINDS, &[at.into()]).await? {
            kinds.push((row.get(0)?, row.get(1)?));
        }
        let mut views = Vec::new();
        for row in self.db.fetch(SOURCES, &[at.into(), id.into()]).await? {
            let ord: i64 = row.get(0)?;
            let retired_at: Timestamp = row.get(5)?;
            let mine: Vec<Id> =
                kinds.iter().filter(|(source, _)| *source == ord).map(|(_, kind)| kind.clone()).collect();
            let limit = i64::from(runs.clamp(1, 1_000));
            let rows = self.db.fetch(COLLECTIONS, &[ord.into(), at.into(), limit.into(), 0.into()]).await?;
            let mut runs: Vec<CollectionView> = rows.iter().map(collection).collect::<Result<_, _>>()?;
            if !runs.is_empty() && runs.iter().all(|run| !run.whole) {
                let rows = self.db.fetch(COLLECTIONS, &[ord.into(), at.into(), 1.into(), 1.into()]).await?;
                for row in &rows {
                    runs.push(collection(row)?);
                }
            }
            let mut view = SourceView {
                id: row.get(1)?,
                connector: row.get(2)?,
                every: Span::from_micros(row.get(3)?),
                scopes: self.scope_views(ord, &mine, at).await?,
                kinds: mine,
                registered_at: row.get(4)?,
                retired_at: (retired_at <= at).then_some(retired_at),
                runs,
                next_at: None,
                silent: false,
            };
            due(&mut view, at);
            views.push(view);
        }
        Ok(views)
    }

    async fn scope_views(
        &self,
        source: i64,
        kinds: &[Id],
        at: Timestamp,
    ) -> Result<Vec<ScopeView>, EngineError> {
        let mut scopes: Vec<ScopeView> = Vec::new();
        for row in self.db.fetch(SCOPES, &[source.into(), at.into()]).await? {
            scopes.push(ScopeView {
                kind: row.get(0)?,
                scope: row.get(1)?,
                complete: Some(row.get(2)?),
                resources: row.get(3)?,
                pages: row.get(4)?,
                finished_at: Some(row.get(5)?),
                reason: row.get(6)?,
                collection: Some(row.get(7)?),
            });
        }
        for kind in kinds {
            if !scopes.iter().any(|scope| scope.kind == *kind) {
                scopes.push(ScopeView {
                    kind: kind.clone(),
                    scope: String::new(),
                    complete: None,
                    resources: 0,
                    pages: 0,
                    finished_at: None,
                    collection: None,
                    reason: "not enumerated yet".to_owned(),
                });
            }
        }
        scopes.sort_by(|a, b| (&a.kind, &a.scope).cmp(&(&b.kind, &b.scope)));
        Ok(scopes)
    }
}

/// Says when a source is due, and whether it is long overdue.
fn due(view: &mut SourceView, at: Timestamp) {
    if view.retired_at.is_some() || view.every <= Span::ZERO {
        return;
    }
    let last = view.last().map(|run| run.finished_at);
    view.next_at = Some(last.map_or(view.registered_at, |last| last.plus(view.every)));
    let patience = Span::from_micros(view.every.micros().saturating_mul(RUNS_LATE));
    view.silent = last.unwrap_or(view.registered_at).plus(patience) <= at;
}

/// Reads a row of the collections.
fn collection(row: &Row) -> Result<CollectionView, StoreError> {
    let errors: String = row.get(8)?;
    Ok(CollectionView {
        ord: row.get(0)?,
        whole: row.get::<i64>(9)? > 0,
        started_at: row.get(1)?,
        finished_at: row.get(2)?,
        complete: row.get(3)?,
        changed: row.get(4)?,
        unchanged: row.get(5)?,
        gone: row.get(6)?,
        refused: row.get(7)?,
        errors: serde_json::from_str(&errors).unwrap_or_default(),
    })
}
