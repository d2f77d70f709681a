//! Results: the status of resources under tests, the ones that need a person first.
//!
//! The list is walked status by status and test by test: the counts say how many rows each of these groups has, so a
//! page costs only the groups that it shows, however many resources there are.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use octro_cel::Subject;
use octro_model::{Id, Severity, Span, Status, Timestamp};
use octro_program::{Program, Test};
use octro_store::{Row, StoreError};
use serde::Serialize;

use super::asof::LAG;
use super::facts::Known;
use super::snapshot::Snapshot;
use super::{AsOf, Query, contains, sentence};
use crate::EngineError;

/// Rows of one test and one status that is not `pass`. `$5`: no row that counts ended before, but for late ones.
const GROUP: &str = "SELECT x.test, x.resource, x.from_at, x.known_at, x.version, x.status, r.kind, r.key FROM ( \
     SELECT test, resource, from_at, known_at, version, status, to_at FROM results \
       WHERE test = $1 AND status = $2 AND status <> 0 AND to_at > $5 AND from_at <= $3 AND known_at <= $4 \
       AND superseded_at > $4 AND (to_at > $3 OR closed_at > $4) \
     UNION ALL SELECT test, resource, from_at, known_at, version, status, to_at FROM results \
       WHERE test = $1 AND closed_at > $4 AND closed_at - to_at > 600000000 AND status = $2 AND status <> 0 \
       AND to_at <= $5 AND from_at <= $3 AND known_at <= $4 AND superseded_at > $4 \
     ORDER BY to_at, resource LIMIT $6 OFFSET $7) x JOIN resources r ON r.ord = x.resource ORDER BY x.to_at, x.resource";
/// Rows of one test that pass. The plus keeps SQLite from sorting all of them by what it looks up by time.
const PASSING: &str = "SELECT x.test, x.resource, x.from_at, x.known_at, x.version, x.status, r.kind, r.key FROM ( \
     SELECT test, resource, from_at, known_at, version, status FROM results \
       WHERE test = $1 AND status = 0 AND +from_at <= $2 AND known_at <= $3 AND superseded_at > $3 \
       AND (to_at > $2 OR closed_at > $3) ORDER BY resource LIMIT $4 OFFSET $5) x \
     JOIN resources r ON r.ord = x.resource ORDER BY x.resource";
/// Rows of one test and status, those that began last first.
const NEWEST: &str = "SELECT x.test, x.resource, x.from_at, x.known_at, x.version, x.status, r.kind, r.key FROM ( \
     SELECT test, resource, from_at, known_at, version, status FROM results \
       WHERE test = $1 AND status = $2 AND from_at <= $3 AND known_at <= $4 AND superseded_at > $4 \
       AND (to_at > $3 OR closed_at > $4) ORDER BY from_at DESC, resource LIMIT $5) x \
     JOIN resources r ON r.ord = x.resource";
/// The same, those that began first first.
const OLDEST: &str = "SELECT x.test, x.resource, x.from_at, x.known_at, x.version, x.status, r.kind, r.key FROM ( \
     SELECT test, resource, from_at, known_at, version, status FROM results \
       WHERE test = $1 AND status = $2 AND from_at <= $3 AND known_at <= $4 AND superseded_at > $4 \
       AND (to_at > $3 OR closed_at > $4) ORDER BY from_at, resource LIMIT $5) x \
     JOIN resources r ON r.ord = x.resource";
/// The resources are looked through, and only those that fit are joined with their results.
const BY_TEXT: &str = "SELECT x.test, x.resource, x.from_at, x.known_at, x.version, x.status, r.kind, r.key \
     FROM resources r CROSS JOIN results x WHERE LOWER(r.key) LIKE $1 ESCAPE '!' AND ($2 = '' OR r.kind = $2) \
     AND x.resource = r.ord AND x.from_at <= $3 AND x.known_at <= $4 AND x.superseded_at > $4 \
     AND (x.to_at > $3 OR x.closed_at > $4) AND x.status < 6 ORDER BY x.resource, x.test LIMIT 20000";
const OF_RESOURCE: &str = "SELECT x.test, x.resource, x.from_at, x.known_at, x.version, x.status, r.kind, r.key \
     FROM results x JOIN resources r ON r.ord = x.resource WHERE x.resource = $1 AND x.from_at <= $2 \
     AND x.known_at <= $3 AND x.superseded_at > $3 AND (x.to_at > $2 OR x.closed_at > $3) AND x.status < 6 ORDER BY x.test";
const TESTS: &str = "SELECT ord, id FROM tests";
const REVISIONS: &str = "SELECT ord, rev, hash FROM test_versions";

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] =
    &[GROUP, PASSING, NEWEST, OLDEST, BY_TEXT, OF_RESOURCE, TESTS, REVISIONS];

/// How far down a list that is sorted by time can be looked at.
const SORTED_MAX: u64 = 10_000;

/// In which order results come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResultSort {
    /// The heaviest status first, then the gravest test, then as the resources became known.
    #[default]
    Attention,
    /// What changed last first.
    Newest,
    /// What has been so for longest first.
    Oldest,
}

/// Which results are wanted. What is left empty does not restrict.
#[derive(Clone, Debug, Default)]
pub struct ResultFilter {
    /// Of this test.
    pub test: Option<Id>,
    /// Of the tests of this control.
    pub control: Option<Id>,
    /// Of the tests on this kind.
    pub kind: Option<Id>,
    /// Of the resource with exactly this key (of `kind`, or of any).
    pub resource: Option<String>,
    /// In one of these statuses.
    pub statuses: BTreeSet<Status>,
    /// Of tests of this severity.
    pub severity: Option<Severity>,
    /// With this in the resource's key, large or small letters alike.
    pub text: String,
    /// The order.
    pub sort: ResultSort,
    /// How many are skipped.
    pub offset: u64,
    /// How many are wanted: 1 to 1,000.
    pub limit: u32,
}

/// One result.
#[derive(Clone, Debug, Serialize)]
pub struct ResultView {
    /// The test.
    pub test: Id,
    /// Its title.
    pub title: String,
    /// How much a failure matters.
    pub severity: Severity,
    /// The resource's kind.
    pub kind: Id,
    /// The resource's key.
    pub key: String,
    /// The status.
    pub status: Status,
    /// Since when.
    pub since: Timestamp,
    /// Since when that is known.
    pub known_at: Timestamp,
    /// Why, in a sentence.
    pub reason: String,
    /// When the resource was last seen to be so.
    pub seen_at: Timestamp,
    /// The revision of the test that judged.
    pub rev: u32,
}

/// A page of results.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Results {
    /// The rows.
    pub rows: Vec<ResultView>,
    /// How many there are in all.
    pub total: u64,
}

/// One row of the table, before it is explained.
#[derive(Clone, Debug)]
pub(super) struct Judged {
    pub(super) test: i64,
    pub(super) resource: i64,
    pub(super) from_at: Timestamp,
    pub(super) known_at: Timestamp,
    pub(super) version: i64,
    pub(super) status: Status,
    pub(super) kind: Id,
    pub(super) key: String,
}

fn judged(row: &Row) -> Result<Option<Judged>, StoreError> {
    let Some(status) = u8::try_from(row.get::<i64>(5)?).ok().and_then(Status::from_code) else {
        return Ok(None);
    };
    Ok(Some(Judged {
        test: row.get(0)?,
        resource: row.get(1)?,
        from_at: row.get(2)?,
        known_at: row.get(3)?,
        version: row.get(4)?,
        status,
        kind: row.get(6)?,
        key: row.get(7)?,
    }))
}

fn all_judged(rows: &[Row]) -> Result<Vec<Judged>, StoreError> {
    rows.iter().filter_map(|row| judged(row).transpose()).collect()
}

/// The tests that a filter leaves, with their numbers, the gravest first.
struct Wanted {
    tests: Vec<(i64, Arc<Test>)>,
    statuses: Vec<Status>,
}

impl Wanted {
    fn test(&self, ord: i64) -> Option<&Arc<Test>> {
        self.tests.iter().find(|(number, _)| *number == ord).map(|(_, test)| test)
    }

    fn order(&self, ord: i64) -> usize {
        self.tests.iter().position(|(number, _)| *number == ord).unwrap_or(usize::MAX)
    }
}

impl Query {
    /// The results that a filter leaves, a page of them.
    ///
    /// # Errors
    /// If there is no program yet, or the database fails.
    pub async fn results(&self, filter: &ResultFilter, as_of: AsOf) -> Result<Results, EngineError> {
        let program = self.program(as_of).await?.program;
        let wanted = self.wanted(&program, filter).await?;
        let limit = filter.limit.clamp(1, 1_000);
        let text = filter.text.trim().to_lowercase();
        let (rows, total) = if filter.resource.is_some() || !text.is_empty() {
            self.by_key(filter, &text, &wanted, as_of).await?
        } else {
            match filter.sort {
                ResultSort::Attention => self.walk(&wanted, filter.offset, limit, as_of).await?,
                ResultSort::Newest | ResultSort::Oldest => self.sorted(filter, &wanted, as_of).await?,
            }
        };
        Ok(Results { rows: self.explain_rows(&program, rows, as_of).await?, total })
    }

    /// The results of one resource, explained, the heaviest first.
    pub(super) async fn results_of(
        &self,
        program: &Program,
        ord: i64,
        as_of: AsOf,
    ) -> Result<Vec<ResultView>, EngineError> {
        let rows = self.db.fetch(OF_RESOURCE, &[ord.into(), as_of.at.into(), as_of.known_at.into()]).await?;
        let mut views = self.explain_rows(program, all_judged(&rows)?, as_of).await?;
        views.sort_by(|a, b| {
            (b.status.weight(), b.severity, &a.test).cmp(&(a.status.weight(), a.severity, &b.test))
        });
        Ok(views)
    }

    /// The numbers of all tests that were ever in force.
    pub(super) async fn test_ords(&self) -> Result<HashMap<Id, i64>, EngineError> {
        let rows = self.db.fetch(TESTS, &[]).await?;
        Ok(rows.iter().map(|row| Ok((row.get(1)?, row.get(0)?))).collect::<Result<_, StoreError>>()?)
    }

    /// Revision and hash of every test version.
    pub(super) async fn revisions(&self) -> Result<HashMap<i64, (u32, String)>, EngineError> {
        let rows = self.db.fetch(REVISIONS, &[]).await?;
        let revision = |row: &Row| {
            let rev = u32::try_from(row.get::<i64>(1)?).unwrap_or(u32::MAX);
            Ok((row.get(0)?, (rev, row.get(2)?)))
        };
        Ok(rows.iter().map(revision).collect::<Result<_, StoreError>>()?)
    }

    async fn wanted(&self, program: &Program, filter: &ResultFilter) -> Result<Wanted, EngineError> {
        let ords = self.test_ords().await?;
        let of_control =
            filter.control.as_ref().map(|id| program.controls.get(id).map(|control| &control.tests));
        let fits = |test: &Test| {
            filter.test.as_ref().is_none_or(|id| *id == test.id)
                && of_control.is_none_or(|tests| tests.is_some_and(|tests| tests.contains(&test.id)))
                && filter.kind.as_ref().is_none_or(|kind| *kind == test.on)
                && filter.severity.is_none_or(|severity| severity == test.severity)
        };
        let mut tests: Vec<(i64, Arc<Test>)> = program
            .tests
            .values()
            .filter(|test| fits(test))
            .filter_map(|test| Some((*ords.get(&test.id)?, test.clone())))
            .collect();
        tests.sort_by(|(_, a), (_, b)| (b.severity, &a.id).cmp(&(a.severity, &b.id)));
        let mut statuses: Vec<Status> = Status::ALL
            .iter()
            .copied()
            .filter(|status| filter.statuses.is_empty() || filter.statuses.contains(status))
            .collect();
        statuses.sort_by_key(|status| std::cmp::Reverse(status.weight()));
        Ok(Wanted { tests, statuses })
    }

    /// Walks the groups in their order; the counts say which of them the page begins and ends in.
    async fn walk(
        &self,
        wanted: &Wanted,
        offset: u64,
        limit: u32,
        as_of: AsOf,
    ) -> Result<(Vec<Judged>, u64), EngineError> {
        let tallies = self.tallies(as_of).await?;
        let count = |test: &Test, status: Status| tallies.get(&test.id).map_or(0, |tally| tally[status]);
        let (mut rows, mut total, mut skip) = (Vec::new(), 0_u64, offset);
        for status in &wanted.statuses {
            for (ord, test) in &wanted.tests {
                let of = count(test, *status);
                total += of;
                let missing = u64::from(limit).saturating_sub(rows.len() as u64);
                if of <= skip || missing == 0 {
                    skip = skip.saturating_sub(of);
                    continue;
                }
                rows.extend(self.group(*ord, *status, skip, missing, as_of).await?);
                skip = 0;
            }
        }
        Ok((rows, total))
    }

    async fn group(
        &self,
        test: i64,
        status: Status,
        skip: u64,
        limit: u64,
        as_of: AsOf,
    ) -> Result<Vec<Judged>, EngineError> {
        let (at, known) = (as_of.at, as_of.known_at);
        let (skip, limit) =
            (i64::try_from(skip).unwrap_or(i64::MAX), i64::try_from(limit).unwrap_or(i64::MAX));
        let rows = if status == Status::Pass {
            self.db.fetch(PASSING, &[test.into(), at.into(), known.into(), limit.into(), skip.into()]).await?
        } else {
            let since = at.min(known.minus(LAG));
            let code = i64::from(status.code());
            let params =
                [test.into(), code.into(), at.into(), known.into(), since.into(), limit.into(), skip.into()];
            self.db.fetch(GROUP, &params).await?
        };
        Ok(all_judged(&rows)?)
    }

    async fn sorted(
        &self,
        filter: &ResultFilter,
        wanted: &Wanted,
        as_of: AsOf,
    ) -> Result<(Vec<Judged>, u64), EngineError> {
        let tallies = self.tallies(as_of).await?;
        let newest = filter.sort == ResultSort::Newest;
        let end = (filter.offset + u64::from(filter.limit.clamp(1, 1_000))).min(SORTED_MAX);
        let (mut rows, mut total) = (Vec::new(), 0);
        for (ord, test) in &wanted.tests {
            for status in &wanted.statuses {
                let of = tallies.get(&test.id).map_or(0, |tally| tally[*status]);
                total += of;
                if of == 0 {
                    continue;
                }
                let code = i64::from(status.code());
                let params =
                    [(*ord).into(), code.into(), as_of.at.into(), as_of.known_at.into(), (end as i64).into()];
                let sql = if newest { NEWEST } else { OLDEST };
                rows.extend(all_judged(&self.db.fetch(sql, &params).await?)?);
            }
        }
        by_time(&mut rows, newest);
        Ok((page(rows, filter), total))
    }

    async fn by_key(
        &self,
        filter: &ResultFilter,
        text: &str,
        wanted: &Wanted,
        as_of: AsOf,
    ) -> Result<(Vec<Judged>, u64), EngineError> {
        let mut rows = match &filter.resource {
            Some(key) => {
                let mut rows = Vec::new();
                let kinds: BTreeSet<&Id> = wanted.tests.iter().map(|(_, test)| &test.on).collect();
                for kind in kinds {
                    let Some((ord, _)) = self.resource_ord(kind, key).await? else { continue };
                    let params = [ord.into(), as_of.at.into(), as_of.known_at.into()];
                    rows.extend(all_judged(&self.db.fetch(OF_RESOURCE, &params).await?)?);
                }
                rows
            }
            None => {
                let kind = filter.kind.as_ref().map(|kind| kind.as_str()).unwrap_or_default();
                let pattern = contains(text);
                let params = [(&pattern).into(), kind.into(), as_of.at.into(), as_of.known_at.into()];
                all_judged(&self.db.fetch(BY_TEXT, &params).await?)?
            }
        };
        rows.retain(|row| {
            wanted.test(row.test).is_some()
                && wanted.statuses.contains(&row.status)
                && row.key.to_lowercase().contains(text)
        });
        match filter.sort {
            ResultSort::Attention => rows.sort_by_key(|row| {
                (std::cmp::Reverse(row.status.weight()), wanted.order(row.test), row.resource)
            }),
            ResultSort::Newest => by_time(&mut rows, true),
            ResultSort::Oldest => by_time(&mut rows, false),
        }
        let total = rows.len() as u64;
        Ok((page(rows, filter), total))
    }

    /// Says why, for a page of rows.
    pub(super) async fn explain_rows(
        &self,
        program: &Program,
        rows: Vec<Judged>,
        as_of: AsOf,
    ) -> Result<Vec<ResultView>, EngineError> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let tests: HashMap<i64, Id> =
            self.test_ords().await?.into_iter().map(|(id, ord)| (ord, id)).collect();
        let revisions = self.revisions().await?;
        let mut snapshot = Snapshot::new(&self.attempts(as_of).await?);
        let mut known: HashMap<i64, Known> = HashMap::new();
        for row in &rows {
            if !known.contains_key(&row.resource) {
                let at = (row.resource, &row.kind, row.key.as_str());
                known.extend(
                    self.known(program, at, as_of, &mut snapshot.sources)
                        .await?
                        .map(|one| (row.resource, one)),
                );
            }
        }
        self.last_seen(&mut known.values_mut().collect::<Vec<_>>(), as_of).await?;
        let mut views = Vec::with_capacity(rows.len());
        for row in rows {
            let Some(test) = tests.get(&row.test).and_then(|id| program.tests.get(id)) else { continue };
            let known = known.get(&row.resource);
            let reason = match known.and_then(|known| known.record().map(|record| (known, record))) {
                Some((known, record)) => {
                    if crate::rule::links(test).next().is_some() {
                        self.look_ahead(&mut snapshot, program, test, known, as_of).await?;
                    }
                    let subject = Subject { record, key: &row.key };
                    sentence(row.status, &octro_program::explain(test, &subject, as_of.at, &snapshot))
                }
                None => known.and_then(Known::missing).unwrap_or_else(|| "nothing is known of it".to_owned()),
            };
            views.push(ResultView {
                test: test.id.clone(),
                title: test.title.clone(),
                severity: test.severity,
                kind: row.kind,
                key: row.key,
                status: row.status,
                since: row.from_at,
                known_at: row.known_at,
                reason,
                seen_at: known.and_then(Known::seen_at).unwrap_or(row.from_at),
                rev: revisions.get(&row.version).map_or(test.rev, |(rev, _)| *rev),
            });
        }
        Ok(views)
    }
}

impl ResultView {
    /// How old the evidence is at a moment.
    pub fn age(&self, at: Timestamp) -> Span {
        at.since(self.seen_at)
    }
}

fn by_time(rows: &mut [Judged], newest: bool) {
    rows.sort_by(|a, b| {
        let by_time = if newest { b.from_at.cmp(&a.from_at) } else { a.from_at.cmp(&b.from_at) };
        by_time.then((a.resource, a.test).cmp(&(b.resource, b.test)))
    });
}

fn page(rows: Vec<Judged>, filter: &ResultFilter) -> Vec<Judged> {
    let skip = usize::try_from(filter.offset).unwrap_or(usize::MAX);
    rows.into_iter().skip(skip).take(filter.limit.clamp(1, 1_000) as usize).collect()
}
