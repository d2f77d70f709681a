//! Resources: which there are, what is known of each and from whom, and what happened to it.

use octro_cel::Reading;
use octro_model::{Id, Sensitivity, Status, Tally, Timestamp, UnknownReason, Why};
use octro_program::Program;
use serde::Serialize;

use super::facts::{Known, Sources};
use super::timeline::TimelineEntry;
use super::{AsOf, Query, ReadView, ResultView, contains};
use crate::EngineError;

/// Those that were known and, at the moment, there: `$4` also takes those that are gone.
macro_rules! listed {
    ($what:literal, $kind:literal, $page:literal) => {
        concat!(
            "SELECT ",
            $what,
            " FROM resources r WHERE ",
            $kind,
            " AND ($2 = '' OR LOWER(key) LIKE $2 ESCAPE '!') AND first_seen_at <= $6 \
             AND (first_seen_at <= $5 OR EXISTS (SELECT 1 FROM observations o WHERE o.resource = r.ord \
                  AND o.effective_at <= $5 AND o.received_at <= $6)) \
             AND ($4 = 1 OR gone_at > $5) \
             AND ($3 < 0 OR EXISTS (SELECT 1 FROM results x WHERE x.resource = r.ord AND x.status = $3 \
                  AND x.from_at <= $5 AND x.known_at <= $6 AND x.superseded_at > $6 \
                  AND (x.to_at > $5 OR x.closed_at > $6)))",
            $page
        )
    };
}

const LIST: &str = listed!(
    "ord, kind, key, first_seen_at, changed_at, gone_at",
    "$1 = ''",
    " ORDER BY kind, key LIMIT $7 OFFSET $8"
);
const LIST_KIND: &str = listed!(
    "ord, kind, key, first_seen_at, changed_at, gone_at",
    "kind = $1",
    " ORDER BY key LIMIT $7 OFFSET $8"
);
const COUNT: &str = listed!("COUNT(*)", "$1 = ''", "");
const COUNT_KIND: &str = listed!("COUNT(*)", "kind = $1", "");
const STATUSES: &str = "SELECT status FROM results WHERE resource = $1 AND from_at <= $2 AND known_at <= $3 \
     AND superseded_at > $3 AND (to_at > $2 OR closed_at > $3)";

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[LIST, LIST_KIND, COUNT, COUNT_KIND, STATUSES];

/// How many neighbours are shown.
const NEIGHBOURS_MAX: usize = 200;

/// Which resources are wanted. What is left empty does not restrict.
#[derive(Clone, Debug, Default)]
pub struct ResourceFilter {
    /// Of this kind.
    pub kind: Option<Id>,
    /// With this in the key, large or small letters alike.
    pub text: String,
    /// With a result in this status.
    pub status: Option<Status>,
    /// Those that are gone, too.
    pub gone: bool,
    /// How many are skipped.
    pub offset: u64,
    /// How many are wanted: 1 to 1,000.
    pub limit: u32,
}

/// One resource in a list.
#[derive(Clone, Debug, Serialize)]
pub struct ResourceRow {
    /// Its kind.
    pub kind: Id,
    /// Its key.
    pub key: String,
    /// The heaviest of its results; `None` if no test judges it.
    pub status: Option<Status>,
    /// How many of its results are in each status.
    pub tally: Tally,
    /// When it became known.
    pub first_seen_at: Timestamp,
    /// When something new was last said of it.
    pub changed_at: Timestamp,
    /// Whether no source sees it any more.
    pub gone: bool,
}

/// One attribute of a resource.
#[derive(Clone, Debug, Serialize)]
pub struct AttributeView {
    /// Its name.
    pub name: String,
    /// What it says.
    pub doc: String,
    /// What a number counts.
    pub unit: Option<String>,
    /// Its type, in words.
    pub of: String,
    /// Who may see it.
    pub sensitivity: Sensitivity,
    /// The kind whose resource's key this is.
    pub references: Option<Id>,
    /// What is known.
    pub reading: ReadView,
    /// The source that says so; `None` if none does.
    pub source: Option<Id>,
    /// Since when, as far as is known, it was described like this.
    pub effective_at: Option<Timestamp>,
    /// When it was last seen to be so.
    pub seen_at: Option<Timestamp>,
}

/// A resource that names this one, or that this one names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct NeighbourView {
    /// Whether this resource names the other; otherwise the other names this one.
    pub named: bool,
    /// The attribute that names.
    pub attribute: String,
    /// The other's kind.
    pub kind: Id,
    /// The other's key.
    pub key: String,
    /// Whether the other is known.
    pub known: bool,
}

/// Everything about a resource at a moment.
#[derive(Clone, Debug, Serialize)]
pub struct ResourceView {
    /// Its kind.
    pub kind: Id,
    /// The kind's title.
    pub kind_title: String,
    /// The part of the program that its kind belongs to.
    pub part: String,
    /// Its key.
    pub key: String,
    /// When it became known.
    pub first_seen_at: Timestamp,
    /// When it was last seen; `None` if it is gone.
    pub seen_at: Option<Timestamp>,
    /// Whether no source sees it any more.
    pub gone: bool,
    /// The sources that describe it.
    pub sources: Vec<Id>,
    /// Its attributes in the order of their names.
    pub attributes: Vec<AttributeView>,
    /// Its results, the heaviest first.
    pub results: Vec<ResultView>,
    /// What it names, and what names it (200 at most).
    pub neighbours: Vec<NeighbourView>,
    /// What happened to it, newest first (500 entries at most).
    pub timeline: Vec<TimelineEntry>,
}

impl Query {
    /// The resources that a filter leaves, a page of them, and how many there are in all. At a past moment, one that
    /// was gone and came back later counts in the number even while it was gone.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn resources(
        &self,
        filter: &ResourceFilter,
        as_of: AsOf,
    ) -> Result<(Vec<ResourceRow>, u64), EngineError> {
        let text = filter.text.trim().to_lowercase();
        let pattern = if text.is_empty() { String::new() } else { contains(&text) };
        let params = [
            filter.kind.as_ref().map(|kind| kind.as_str()).unwrap_or_default().into(),
            (&pattern).into(),
            filter.status.map_or(-1, |status| i64::from(status.code())).into(),
            filter.gone.into(),
            as_of.at.into(),
            as_of.known_at.into(),
            i64::from(filter.limit.clamp(1, 1_000)).into(),
            i64::try_from(filter.offset).unwrap_or(i64::MAX).into(),
        ];
        let (list, count) = if filter.kind.is_some() { (LIST_KIND, COUNT_KIND) } else { (LIST, COUNT) };
        let total = match params.get(..6) {
            Some(counted) => self.db.fetch_one(count, counted).await?.map_or(Ok(0), |row| row.get(0))?,
            None => 0,
        };
        let program = self.program(as_of).await?.program;
        let mut cache = Sources::new();
        let mut rows = Vec::new();
        for row in self.db.fetch(list, &params).await? {
            let (ord, kind, key): (i64, Id, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let mut gone = row.get::<Timestamp>(5)? <= as_of.at;
            let mut changed_at: Timestamp = row.get(4)?;
            if changed_at > as_of.at {
                // Something was said of it since: ask the observations.
                let known = self.known(&program, (ord, &kind, &key), as_of, &mut cache).await?;
                gone = match &known {
                    // If what was seen is no longer kept, that it was judged says that it was there.
                    Some(known) if known.removed.is_some() => {
                        heaviest(&self.tally_of_resource(ord, as_of).await?).is_none()
                    }
                    Some(known) => known.said.is_empty(),
                    None => true,
                };
                let said = known.iter().flat_map(|known| &known.said).map(|said| said.received_at).max();
                changed_at = said.unwrap_or(as_of.at).min(as_of.known_at);
            }
            if gone && !filter.gone {
                continue;
            }
            let tally = self.tally_of_resource(ord, as_of).await?;
            rows.push(ResourceRow {
                status: heaviest(&tally),
                kind,
                key,
                tally,
                first_seen_at: row.get(3)?,
                changed_at,
                gone,
            });
        }
        Ok((rows, total))
    }

    async fn tally_of_resource(&self, ord: i64, as_of: AsOf) -> Result<Tally, EngineError> {
        let mut tally = Tally::default();
        for row in self.db.fetch(STATUSES, &[ord.into(), as_of.at.into(), as_of.known_at.into()]).await? {
            if let Some(status) = u8::try_from(row.get::<i64>(0)?).ok().and_then(Status::from_code) {
                tally[status] += 1;
            }
        }
        Ok(tally)
    }

    /// Everything about one resource.
    ///
    /// # Errors
    /// If it was not known by then, or the database fails.
    pub async fn resource(&self, kind: &str, key: &str, as_of: AsOf) -> Result<ResourceView, EngineError> {
        let missing = || EngineError::NotFound { what: "resource", name: format!("{kind} {key}") };
        let (ord, first_seen_at) = self.resource_ord(kind, key).await?.ok_or_else(missing)?;
        if first_seen_at > as_of.known_at {
            return Err(missing());
        }
        let program = self.program(as_of).await?.program;
        let id: Id = kind.parse().map_err(|_| missing())?;
        let mut cache = Sources::new();
        let known = self.known(&program, (ord, &id, key), as_of, &mut cache).await?;
        let mut view = ResourceView {
            kind_title: id.to_string(),
            part: String::new(),
            key: key.to_owned(),
            first_seen_at,
            seen_at: None,
            gone: true,
            sources: Vec::new(),
            attributes: Vec::new(),
            results: self.results_of(&program, ord, as_of).await?,
            neighbours: Vec::new(),
            timeline: self.timeline(&program, ord, &id, as_of, &mut cache).await?,
            kind: id,
        };
        if let Some(mut known) = known {
            self.last_seen(&mut [&mut known], as_of).await?;
            view.kind_title.clone_from(&known.layout.kind().title);
            view.part.clone_from(&known.layout.kind().part);
            view.seen_at = known.seen_at();
            view.gone = match known.removed {
                Some(_) => view.results.is_empty(),
                None => known.said.is_empty(),
            };
            view.sources = known.said.iter().map(|said| said.source_id.clone()).collect();
            view.attributes = attributes(&known);
            view.neighbours = self.neighbours(&program, &known, as_of, &mut cache).await?;
        }
        Ok(view)
    }

    async fn neighbours(
        &self,
        program: &Program,
        known: &Known,
        as_of: AsOf,
        cache: &mut Sources,
    ) -> Result<Vec<NeighbourView>, EngineError> {
        let mut all = Vec::new();
        for (attribute, kind) in references(known) {
            for key in super::snapshot::keys(known, &attribute).into_iter().take(NEIGHBOURS_MAX) {
                let ord = self.resource_ord(&kind, &key).await?;
                let other = match ord {
                    Some((ord, _)) => self.known(program, (ord, &kind, &key), as_of, cache).await?,
                    None => None,
                };
                let there = other.is_some_and(|other| !other.said.is_empty());
                all.push(NeighbourView {
                    named: true,
                    attribute: attribute.clone(),
                    kind: kind.clone(),
                    key,
                    known: there,
                });
            }
        }
        for (ord, kind, key) in self.named_by(&known.kind, &known.key, "").await? {
            if all.len() >= NEIGHBOURS_MAX {
                break;
            }
            let Some(other) = self.known(program, (ord, &kind, &key), as_of, cache).await? else { continue };
            for (attribute, to) in references(&other) {
                if to == known.kind && super::snapshot::keys(&other, &attribute).contains(&known.key) {
                    let (kind, key) = (kind.clone(), key.clone());
                    all.push(NeighbourView { named: false, attribute, kind, key, known: true });
                }
            }
        }
        all.truncate(NEIGHBOURS_MAX);
        Ok(all)
    }
}

/// The attributes of a resource that name others, with the kind that they name.
fn references(known: &Known) -> Vec<(String, Id)> {
    let attributes = known.layout.kind().attributes.iter();
    attributes.filter_map(|(name, attribute)| Some((name.clone(), attribute.references.clone()?))).collect()
}

/// The heaviest status of which there is any.
fn heaviest(tally: &Tally) -> Option<Status> {
    tally.parts().filter(|(_, count)| *count > 0).map(|(status, _)| status).reduce(Status::worst)
}

fn attributes(known: &Known) -> Vec<AttributeView> {
    let removed = || Some(Reading::Unknown(UnknownReason::new(Why::NotCollected, known.missing()?)));
    let view = |(name, attribute): (&String, &octro_model::Attribute)| {
        let reading = known.record().map(|record| record.reading(&known.layout, name)).or_else(removed)?;
        let origin = match reading {
            Reading::Value(_) | Reading::Absent => known.origin(name),
            Reading::Unknown(_) => known.said.first(),
        };
        Some(AttributeView {
            name: name.clone(),
            doc: attribute.doc.clone(),
            unit: attribute.unit.clone(),
            of: attribute.of.to_string(),
            sensitivity: attribute.sensitivity,
            references: attribute.references.clone(),
            reading: ReadView::from(reading),
            source: origin.map(|said| said.source_id.clone()),
            effective_at: origin.map(|said| said.effective_at),
            seen_at: origin.map(|said| said.seen_at),
        })
    };
    known.layout.kind().attributes.iter().filter_map(view).collect()
}
