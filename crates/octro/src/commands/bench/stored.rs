//! A database with buckets in it, made through the ordinary intake, in a folder that is gone afterwards.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use octro_engine::{Collecting, Engine, Lease, Query, SourceInfo};
use octro_model::{Collection, Id, ManualClock, Observation, ScopeReport, Span, Timestamp};
use octro_server::Folder;
use octro_store::Db;

use super::buckets::Bucket;
use super::measure::{cpu_of_all, instant};
use super::program;

/// What a run of a source delivers at once.
pub const BATCH: u32 = 512;

/// See the module.
pub struct Stored {
    pub engine: Engine,
    pub query: Query,
    pub clock: ManualClock,
    pub kind: Id,
    pub source: Id,
    folder: Folder,
}

/// What the engine took to take a collection.
#[derive(Clone, Copy, Debug, Default)]
pub struct Taken {
    /// The time of the day.
    pub wall: Duration,
    /// The time of all threads.
    pub cpu: Duration,
}

impl Taken {
    fn add(&mut self, (wall, cpu): (std::time::Instant, Duration)) {
        self.wall += wall.elapsed();
        self.cpu += cpu_of_all().saturating_sub(cpu);
    }
}

/// The first moment of the benchmark's time.
pub const BEGIN: Timestamp = Timestamp::from_secs(1_735_689_600);

impl Stored {
    /// An empty database with the benchmark's program in force.
    pub async fn new(what: &str) -> anyhow::Result<Self> {
        let path = std::env::temp_dir().join(format!("octro-bench-{what}-{}", std::process::id()));
        let folder = Folder::open(&path)?;
        let db = Db::open(&Folder::database(&path)).await?;
        let clock = ManualClock::at(BEGIN);
        let shared = Arc::new(clock.clone());
        let engine = Engine::open(db.clone(), shared.clone(), Lease::alone()).await?;
        engine.install(&program::files()).await?;
        let (kind, source): (Id, Id) = ("bench.bucket".parse()?, "bench".parse()?);
        let info = SourceInfo {
            id: source.clone(),
            connector: "bench".to_owned(),
            every: Span::DAY,
            kinds: vec![kind.clone()],
        };
        engine.declare(info).await?;
        Ok(Self { engine, query: Query::new(db, shared), clock, kind, source, folder })
    }

    /// Its folder.
    pub fn path(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// Hands in all buckets; `bucket` says what each is like. Answers how long the engine took.
    pub async fn collect(&self, resources: u32, bucket: impl Fn(u32) -> Bucket) -> anyhow::Result<Taken> {
        let mut engine = Taken::default();
        let started_at = octro_model::Clock::now(&self.clock);
        let collecting = self.engine.begin(&self.source).await?;
        for first in (0..resources).step_by(BATCH as usize) {
            let last = (first + BATCH).min(resources);
            let batch: Vec<Observation> = (first..last)
                .map(|number| bucket(number).observation(&self.kind, number, Some(started_at)))
                .collect::<Result<_, _>>()?;
            let begun = (instant(), cpu_of_all());
            self.engine.observe(&collecting, batch).await?;
            engine.add(begun);
        }
        let begun = (instant(), cpu_of_all());
        self.finish(&collecting, started_at, resources).await?;
        engine.add(begun);
        Ok(engine)
    }

    async fn finish(
        &self,
        collecting: &Collecting,
        started_at: Timestamp,
        resources: u32,
    ) -> anyhow::Result<()> {
        let scope = ScopeReport {
            kind: self.kind.clone(),
            scope: String::new(),
            complete: true,
            resources: u64::from(resources),
            pages: 1,
            reason: None,
        };
        let report = Collection {
            source: self.source.clone(),
            started_at,
            finished_at: octro_model::Clock::now(&self.clock),
            scopes: vec![scope],
            errors: Vec::new(),
            refused: 0,
        };
        self.engine.finish(collecting, report).await?;
        Ok(())
    }

    /// Takes the folder away.
    pub async fn remove(self) -> anyhow::Result<()> {
        let path = self.path();
        self.engine.db().close().await;
        drop(self);
        std::fs::remove_dir_all(path)?;
        Ok(())
    }
}
