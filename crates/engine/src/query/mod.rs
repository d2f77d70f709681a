//! Questions about any moment. Everything here reads the database and nothing else, so that every process can answer.
//!
//! A moment has two sides: `at`, what was so in the world, and `known_at`, what Octro had learned by then. "On 3 March,
//! as known on 1 April" are two different times.

mod asof;
mod certificates;
mod changes;
mod controls;
mod coverage;
mod data_map;
mod exposure;
mod facts;
mod overview;
mod period;
mod principles;
mod resources;
mod results;
mod search;
mod snapshot;
mod sources;
mod sweep;
mod timeline;
mod whole;
mod why;

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use octro_model::{Clock, Span, Tally, Timestamp};
use octro_program::Program;
use octro_store::{Db, Row, StoreError};

use crate::EngineError;

pub use certificates::CertificateRow;
pub use changes::ChangeView;
pub use controls::{ControlView, TestView};
pub use coverage::{Coverage, CoverageGap};
pub use data_map::{DataClass, DataMap, DataQuestion, DataRow};
pub use exposure::{Exposure, ExposurePath, ExposureUnknown, Guarded, KindGap};
pub use facts::ReadView;
pub use overview::{Overview, PartView};
pub use period::{Gap, Period, PopulationView, Repair, Segment, Strip};
pub use principles::{Consistency, Depth, Month, Principles};
pub use resources::{AttributeView, NeighbourView, ResourceFilter, ResourceRow, ResourceView};
pub use results::{ResultFilter, ResultSort, ResultView, Results};
pub use search::Hit;
pub use sources::{CollectionView, ScopeView, SourceView};
pub use timeline::{AttributeChange, Happening, TimelineEntry};
pub use why::{Evidence, ExceptionView, FactView, FixView, Interval, Why as WhyView, sentence};

const PROGRAM_AT: &str = "SELECT ord, hash, name, installed_at FROM program_versions WHERE installed_at <= $1 \
     ORDER BY installed_at DESC LIMIT 1";
const PROGRAM_FIRST: &str =
    "SELECT ord, hash, name, installed_at FROM program_versions ORDER BY installed_at LIMIT 1";
const PROGRAM_FILES: &str = "SELECT files FROM program_versions WHERE ord = $1";
const SETTING: &str = "SELECT value FROM settings WHERE name = $1";
const SETTING_PUT: &str = "INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";

/// Statements that tests prepare on both databases.
#[cfg(test)]
pub(crate) fn statements() -> Vec<&'static str> {
    let own = [PROGRAM_AT, PROGRAM_FIRST, PROGRAM_FILES, SETTING, SETTING_PUT];
    [
        own.as_slice(),
        asof::STATEMENTS,
        changes::STATEMENTS,
        facts::STATEMENTS,
        overview::STATEMENTS,
        period::STATEMENTS,
        resources::STATEMENTS,
        results::STATEMENTS,
        search::STATEMENTS,
        snapshot::STATEMENTS,
        sources::STATEMENTS,
        sweep::STATEMENTS,
        timeline::STATEMENTS,
        whole::STATEMENTS,
        why::STATEMENTS,
    ]
    .concat()
}

/// A moment that is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct AsOf {
    /// When it was so.
    pub at: Timestamp,
    /// What was known by then.
    pub known_at: Timestamp,
}

impl AsOf {
    /// `at`, as known at `now`.
    pub const fn known_now(at: Timestamp, now: Timestamp) -> Self {
        Self { at, known_at: now }
    }
}

/// A program version that was in force.
#[derive(Clone)]
pub struct InForceProgram {
    /// Its number.
    pub ord: i64,
    /// When it came into force.
    pub installed_at: Timestamp,
    /// The program.
    pub program: Arc<Program>,
}

/// See the module. Cheap to clone.
#[derive(Clone)]
pub struct Query {
    db: Db,
    clock: Arc<dyn Clock>,
    programs: Arc<Mutex<HashMap<i64, Arc<Program>>>>,
    /// The latest moment, in microseconds, at which something is known to have been told.
    told: Arc<AtomicI64>,
}

impl Query {
    /// Questions to `db`.
    pub fn new(db: Db, clock: Arc<dyn Clock>) -> Self {
        Self { db, clock, programs: Arc::default(), told: Arc::new(AtomicI64::new(i64::MIN)) }
    }

    /// The present moment, as this process sees it: the clock's, but no earlier than what is known to have been told.
    pub fn now(&self) -> AsOf {
        let told = Timestamp::from_micros(self.told.load(Ordering::Relaxed));
        let now = self.clock.now().max(told);
        AsOf { at: now, known_at: now }
    }

    /// The present moment, no earlier than anything that was told: the clock may have been set back since.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn present(&self) -> Result<AsOf, EngineError> {
        if let Some(told) = self.setting("now").await?.and_then(|text| text.parse().ok()) {
            self.told.fetch_max(told, Ordering::Relaxed);
        }
        Ok(self.now())
    }

    /// The latest moment at which something was told, if the clock is far from it yet: the clock was ahead, and was set
    /// right. Until it comes there, everything is dated just after that moment, and verifiers refuse seals of that time.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn ahead(&self) -> Result<Option<Timestamp>, EngineError> {
        let told = self.setting("now").await?.and_then(|text| text.parse().ok()).map(Timestamp::from_micros);
        Ok(told.filter(|told| *told > self.soon()))
    }

    /// The present by the clock alone, and what verifiers allow another clock to differ.
    pub(crate) fn soon(&self) -> Timestamp {
        let skew = i64::try_from(octro_verify::CLOCK_SKEW).unwrap_or(i64::MAX);
        self.clock.now().plus(Span::from_micros(skew))
    }

    /// The database.
    pub const fn db(&self) -> &Db {
        &self.db
    }

    /// The program in force at a moment; before the first one, the first.
    ///
    /// # Errors
    /// If there is no program yet, or the database fails.
    pub async fn program(&self, as_of: AsOf) -> Result<InForceProgram, EngineError> {
        let row = match self.db.fetch_one(PROGRAM_AT, &[as_of.at.into()]).await? {
            Some(row) => row,
            None => self
                .db
                .fetch_one(PROGRAM_FIRST, &[])
                .await?
                .ok_or_else(|| EngineError::NotFound { what: "program", name: "in force".to_owned() })?,
        };
        let (ord, installed_at) = (row.get(0)?, row.get(3)?);
        Ok(InForceProgram { ord, installed_at, program: self.program_version(ord).await? })
    }

    async fn program_version(&self, ord: i64) -> Result<Arc<Program>, EngineError> {
        if let Some(program) = self.programs.lock().unwrap_or_else(PoisonError::into_inner).get(&ord) {
            return Ok(program.clone());
        }
        let files = self.program_files(ord).await?;
        let program = Arc::new(octro_program::load_stored(&files).map_err(EngineError::Program)?);
        let mut cached = self.programs.lock().unwrap_or_else(PoisonError::into_inner);
        if cached.len() >= 8 {
            cached.clear();
        }
        cached.insert(ord, program.clone());
        Ok(program)
    }

    /// The files of a program version.
    ///
    /// # Errors
    /// If there is no such version, or the database fails.
    pub async fn program_files(&self, ord: i64) -> Result<octro_program::Files, EngineError> {
        let row = self
            .db
            .fetch_one(PROGRAM_FILES, &[ord.into()])
            .await?
            .ok_or_else(|| EngineError::NotFound { what: "program version", name: ord.to_string() })?;
        octro_program::Files::from_blob(&row.get::<Vec<u8>>(0)?)
            .map_err(|error| EngineError::Stored(format!("program version {ord}: {error}")))
    }

    /// A setting that is kept in the database.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn setting(&self, name: &str) -> Result<Option<String>, EngineError> {
        Ok(match self.db.fetch_one(SETTING, &[name.into()]).await? {
            Some(row) => Some(row.get(0)?),
            None => None,
        })
    }

    /// Keeps a setting in the database.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn set(&self, name: &str, value: &str) -> Result<(), EngineError> {
        let mut tx = self.db.begin().await?;
        tx.execute(SETTING_PUT, &[name.into(), value.into()]).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// The pattern that finds `text` (in small letters) anywhere in a text, for `LIKE ... ESCAPE '!'`.
fn contains(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for letter in text.chars() {
        if matches!(letter, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}

/// Reads six counts from column `first` on, in the order of display.
pub(crate) fn tally(row: &Row, first: usize) -> Result<Tally, StoreError> {
    let mut tally = Tally::default();
    for (place, status) in octro_model::Status::ALL.iter().enumerate() {
        tally[*status] = row.get(first + place)?;
    }
    Ok(tally)
}
