//! The data map: which classes of data lie in which sorts of stores, and how each is protected. A store whose class nobody
//! said is not left out; it is the first row.

use std::collections::{BTreeMap, HashMap};

use octro_cel::{Layout, Reading};
use octro_model::{Id, Status, Tally};
use octro_program::Program;
use octro_store::Row;
use serde::Serialize;
use serde_json::Value;

use super::facts::Sources;
use super::{AsOf, Query};
use crate::EngineError;
use crate::persist::load::record;

/// The asset class of kinds that hold data.
const ASSET: &str = "datastore";
/// The attribute that says what a store holds, and those that say where it is, the first that is known.
const CLASS: &str = "data_class";
const PLACES: [&str; 2] = ["account", "host"];
/// How many stores a map is made of at most.
const STORES_MAX: usize = 50_000;

/// What each source said last of the stores of a kind.
const SAID: &str = "SELECT r.ord, r.key, o.gone, o.late_by, o.body FROM \
     (SELECT ord, key FROM resources WHERE kind = $1 AND first_seen_at <= $3 AND ord > $4 ORDER BY ord LIMIT 1000) r \
     CROSS JOIN observations o WHERE o.resource = r.ord AND o.effective_at <= $2 AND o.received_at <= $3 \
     AND o.seq = (SELECT n.seq FROM observations n WHERE n.resource = o.resource AND n.source = o.source \
         AND n.effective_at <= $2 AND n.received_at <= $3 ORDER BY n.effective_at DESC, n.seq DESC LIMIT 1) \
     ORDER BY r.ord, o.effective_at DESC, o.source";
const LAST: &str = "SELECT COALESCE(MAX(ord), 0) FROM \
     (SELECT ord FROM resources WHERE kind = $1 AND first_seen_at <= $2 AND ord > $3 ORDER BY ord LIMIT 1000) r";
const RESULTS: &str = "SELECT resource, status FROM results WHERE test = $1 AND from_at <= $2 AND known_at <= $3 \
     AND superseded_at > $3 AND (to_at > $2 OR closed_at > $3) AND status < 6";

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[SAID, LAST, RESULTS];

/// What a store holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "state", content = "class", rename_all = "snake_case")]
pub enum DataClass {
    /// Nobody said it.
    Unclassified,
    /// It could not be read.
    Unknown,
    /// This class.
    Class(String),
}

/// A question that the map answers of every store: a control of the program that judges stores.
#[derive(Clone, Debug, Serialize)]
pub struct DataQuestion {
    /// The control.
    pub control: Id,
    /// Its title.
    pub title: String,
}

/// Stores of one class, sort and place.
#[derive(Clone, Debug, Serialize)]
pub struct DataRow {
    /// What they hold.
    pub class: DataClass,
    /// Their kind.
    pub kind: Id,
    /// Its title.
    pub kind_title: String,
    /// The account or machine; empty if it is not known.
    pub place: String,
    /// How many there are.
    pub stores: u64,
    /// For each question, their results under the control's tests; `None` if it has no test for this kind.
    pub answers: Vec<Option<Tally>>,
    /// Whether all stores of the kind are known.
    pub complete: bool,
}

/// See the module.
#[derive(Clone, Debug, Serialize)]
pub struct DataMap {
    /// The questions, in the order of the answers.
    pub questions: Vec<DataQuestion>,
    /// The rows: what nobody classified first.
    pub rows: Vec<DataRow>,
    /// Kinds of stores that no source tells of, with their titles.
    pub unseen: Vec<(Id, String)>,
    /// Whether there are more stores than a map is made of.
    pub cut: bool,
}

/// What the stores of a row share: class, kind, place.
type Group = (DataClass, Id, String);

/// How many stores are in each row, and which row each is in, by its number.
#[derive(Default)]
struct Rows {
    groups: BTreeMap<Group, u64>,
    of: HashMap<i64, Group>,
}

impl Query {
    /// The data map at a moment.
    ///
    /// # Errors
    /// If there is no program yet, or the database fails.
    pub async fn data_map(&self, as_of: AsOf) -> Result<DataMap, EngineError> {
        let program = self.program(as_of).await?.program;
        let kinds: Vec<(Id, String)> = program
            .kinds
            .iter()
            .map(|layout| layout.kind())
            .filter(|kind| kind.asset.as_deref() == Some(ASSET))
            .map(|kind| (kind.id.clone(), kind.title.clone()))
            .collect();
        let attempts = self.attempts(as_of).await?;
        let mut rows = Rows::default();
        let mut cut = false;
        for (kind, _) in &kinds {
            cut |= !self.stores(&program, kind, as_of, &mut rows).await?;
        }
        // A control that protects stores before all else is a question to those kinds for which it has a test.
        let judged = |test: &Id| program.tests.get(test).map(|test| &test.on);
        let questions: Vec<&octro_program::Control> = program
            .controls
            .values()
            .filter(|control| control.protects.first().is_some_and(|asset| asset.as_str() == ASSET))
            .filter(|control| {
                control
                    .tests
                    .iter()
                    .filter_map(judged)
                    .any(|on| rows.groups.keys().any(|(_, kind, _)| kind == on))
            })
            .collect();
        let answers = self.answers(&program, &questions, &rows, as_of).await?;
        let title =
            |kind: &Id| kinds.iter().find(|(id, _)| id == kind).map_or("", |(_, title)| title.as_str());
        let complete = |kind: &Id| {
            attempts.get(kind).is_some_and(|sources| {
                !sources.is_empty()
                    && sources
                        .values()
                        .all(|scopes| !scopes.is_empty() && scopes.values().all(|one| one.complete))
            })
        };
        let unseen = kinds
            .iter()
            .filter(|(kind, _)| attempts.get(kind).is_none_or(BTreeMap::is_empty))
            .cloned()
            .collect();
        Ok(DataMap {
            questions: questions
                .iter()
                .map(|control| DataQuestion { control: control.id.clone(), title: control.title.clone() })
                .collect(),
            rows: rows
                .groups
                .iter()
                .map(|(group, stores)| {
                    let (class, kind, place) = group.clone();
                    let tallies = questions.iter().enumerate().map(|(number, control)| {
                        let asks = control.tests.iter().filter_map(judged).any(|on| *on == kind);
                        asks.then(|| answers.get(&(group, number)).copied().unwrap_or_default())
                    });
                    DataRow {
                        answers: tallies.collect(),
                        complete: complete(&kind),
                        kind_title: title(&kind).to_owned(),
                        class,
                        kind,
                        place,
                        stores: *stores,
                    }
                })
                .collect(),
            unseen,
            cut,
        })
    }

    /// Puts the stores of a kind into rows; answers whether there was room for all.
    async fn stores(
        &self,
        program: &Program,
        kind: &Id,
        as_of: AsOf,
        rows: &mut Rows,
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
                if rows.of.len() >= STORES_MAX {
                    return Ok(false);
                }
                self.store(program, layout, of_one, as_of, rows).await?;
            }
            after = last;
        }
    }

    /// Puts a store into its row, by what each source said of it.
    async fn store(
        &self,
        program: &Program,
        layout: &Layout,
        said: &[Row],
        as_of: AsOf,
        rows: &mut Rows,
    ) -> Result<(), EngineError> {
        let Some(row) = said.first() else { return Ok(()) };
        let (ord, key, kind): (i64, String, &Id) = (row.get(0)?, row.get(1)?, &layout.kind().id);
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
            let known = self.known(program, (ord, kind, &key), as_of, &mut Sources::new()).await?;
            records = known.iter().filter_map(|known| known.record()).cloned().collect();
        }
        if records.is_empty() {
            return Ok(());
        }
        // The newest source that can say it counts.
        let first = |name: &str| {
            let mut readings = records.iter().map(|record| record.reading(layout, name));
            readings.find(|reading| !matches!(reading, Reading::Unknown(_)))
        };
        let class = match first(CLASS) {
            Some(Reading::Value(Value::String(class))) => DataClass::Class(class),
            Some(Reading::Absent) => DataClass::Unclassified,
            Some(Reading::Value(_) | Reading::Unknown(_)) => DataClass::Unknown,
            None if layout.kind().attributes.contains_key(CLASS) => DataClass::Unknown,
            // Of a kind that cannot say it, nobody said it.
            None => DataClass::Unclassified,
        };
        let place = PLACES.iter().find_map(|name| match first(name) {
            Some(Reading::Value(Value::String(place))) => Some(place),
            Some(Reading::Value(_) | Reading::Absent | Reading::Unknown(_)) | None => None,
        });
        let group = (class, kind.clone(), place.unwrap_or_default());
        *rows.groups.entry(group.clone()).or_default() += 1;
        rows.of.insert(ord, group);
        Ok(())
    }

    /// The results of each row under each question, by the question's number.
    async fn answers<'r>(
        &self,
        program: &Program,
        questions: &[&octro_program::Control],
        rows: &'r Rows,
        as_of: AsOf,
    ) -> Result<BTreeMap<(&'r Group, usize), Tally>, EngineError> {
        let ords = self.test_ords().await?;
        let mut all: BTreeMap<(&Group, usize), Tally> = BTreeMap::new();
        let asked = |id: &Id| {
            questions
                .iter()
                .enumerate()
                .filter(|(_, one)| one.tests.contains(id))
                .map(|(number, _)| number)
                .collect()
        };
        for (id, test) in &program.tests {
            let numbers: Vec<usize> = asked(id);
            let is_asked = !numbers.is_empty() && rows.groups.keys().any(|(_, kind, _)| *kind == test.on);
            let Some(ord) = ords.get(id).filter(|_| is_asked) else { continue };
            let params = [(*ord).into(), as_of.at.into(), as_of.known_at.into()];
            for row in self.db.fetch(RESULTS, &params).await? {
                let Some(group) = rows.of.get(&row.get::<i64>(0)?) else { continue };
                let Some(status) = u8::try_from(row.get::<i64>(1)?).ok().and_then(Status::from_code) else {
                    continue;
                };
                for number in &numbers {
                    all.entry((group, *number)).or_default()[status] += 1;
                }
            }
        }
        Ok(all)
    }
}
