//! The data map: which classes of data lie in which sorts of stores, and how each is protected. A store whose class nobody
//! said is not left out; it is the first row.

use std::collections::{BTreeMap, HashMap};

use octro_cel::Reading;
use octro_model::{Id, Status, Tally};
use octro_program::Program;
use serde::Serialize;
use serde_json::Value;

use super::whole::RESULTS;
use super::{AsOf, Query};
use crate::EngineError;

/// The asset class of kinds that hold data.
const ASSET: &str = "datastore";
/// The attribute that says what a store holds, and those that say where it is, the first that is known.
const CLASS: &str = "data_class";
const PLACES: [&str; 2] = ["account", "host"];
/// How many stores a map is made of at most.
const STORES_MAX: usize = 50_000;

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
        self.each_present(program, kind, as_of, &mut |store| {
            let class = match store.reading(CLASS) {
                Some(Reading::Value(Value::String(class))) => DataClass::Class(class),
                Some(Reading::Absent) => DataClass::Unclassified,
                Some(Reading::Value(_) | Reading::Unknown(_)) => DataClass::Unknown,
                None if store.layout.kind().attributes.contains_key(CLASS) => DataClass::Unknown,
                // Of a kind that cannot say it, nobody said it.
                None => DataClass::Unclassified,
            };
            let place = PLACES.iter().find_map(|name| store.text(name)).unwrap_or_default();
            let group = (class, kind.clone(), place);
            *rows.groups.entry(group.clone()).or_default() += 1;
            rows.of.insert(store.ord, group);
            rows.of.len() < STORES_MAX
        })
        .await
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
