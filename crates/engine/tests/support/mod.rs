//! An engine under test, with a clock that the test sets.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets something unexpected fails"
)]
#![expect(dead_code, reason = "every test file takes from here what it needs")]

pub mod naive;
pub mod rules;

use std::collections::BTreeMap;
use std::sync::Arc;

use octro_engine::{AsOf, Engine, Lease, Query, ResultFilter, SourceInfo, replay};
use octro_model::{Collection, Id, Observation, ScopeReport, Span, Status, Timestamp};
use octro_program::Files;
use octro_testkit::{ManualClock, TestDb, observation};
use serde_json::{Value, json};

/// The beginning of time in tests.
pub const START: Timestamp = Timestamp::from_secs(1_760_000_000);

pub fn id(text: &str) -> Id {
    text.parse().unwrap()
}

/// `hours` after the beginning.
pub fn hour(hours: f64) -> Timestamp {
    START.plus(Span::from_micros((hours * 3_600_000_000.0) as i64))
}

pub struct Bench {
    pub of: TestDb,
    pub clock: ManualClock,
    pub engine: Engine,
    pub query: Query,
}

impl Bench {
    /// On SQLite, and on PostgreSQL if there is one.
    pub async fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for db in TestDb::all().await.unwrap() {
            all.push(Self::on(db).await);
        }
        all
    }

    pub async fn on(of: TestDb) -> Self {
        let clock = ManualClock::at(START);
        let engine = Engine::open(of.db(), Arc::new(clock.clone()), Lease::alone()).await.unwrap();
        let query = Query::new(of.db(), Arc::new(clock.clone()));
        Self { of, clock, engine, query }
    }

    /// As after a crash: nothing is kept but the database.
    pub async fn reopen(&mut self) {
        self.engine = Engine::open(self.of.db(), Arc::new(self.clock.clone()), Lease::alone()).await.unwrap();
        self.query = Query::new(self.of.db(), Arc::new(self.clock.clone()));
    }

    pub async fn install(&self, files: &Files) -> bool {
        let installed = self.engine.install(files).await;
        if let Err(octro_engine::EngineError::Program(problems)) = &installed {
            panic!("{}", problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
        }
        installed.unwrap()
    }

    pub async fn declare(&self, source: &str, kinds: &[&str]) {
        let info = SourceInfo {
            id: id(source),
            connector: "exec".to_owned(),
            every: Span::HOUR,
            kinds: kinds.iter().map(|kind| id(kind)).collect(),
        };
        self.engine.declare(info).await.unwrap();
    }

    /// A whole run of a source: observations, then a report. Of each kind: whether it was enumerated completely.
    pub async fn collect(&self, source: &str, seen: &[Value], scopes: &[(&str, bool)]) {
        let collecting = self.engine.begin(&id(source)).await.unwrap();
        let seen: Vec<Observation> = seen.iter().map(observation).collect();
        let received = self.engine.observe(&collecting, seen.clone()).await.unwrap();
        assert_eq!(received.refused, 0, "{seen:?}");
        self.engine.finish(&collecting, report(source, self.now(), scopes)).await.unwrap();
    }

    /// A whole run of a source over disks, with the scopes that it reports: name, complete, resources.
    pub async fn collect_disks(&self, source: &str, seen: &[Value], scopes: &[(&str, bool, u64)]) {
        let collecting = self.engine.begin(&id(source)).await.unwrap();
        self.engine.observe(&collecting, seen.iter().map(observation).collect()).await.unwrap();
        let mut report = report(source, self.now(), &[]);
        report.scopes.extend(scopes.iter().map(|(scope, complete, resources)| ScopeReport {
            kind: id("disk"),
            scope: (*scope).to_owned(),
            complete: *complete,
            resources: *resources,
            pages: 1,
            reason: None,
        }));
        self.engine.finish(&collecting, report).await.unwrap();
    }

    /// The present, no earlier than what was told.
    pub async fn present(&self) -> AsOf {
        self.query.present().await.unwrap()
    }

    pub fn now(&self) -> Timestamp {
        use octro_model::Clock as _;
        self.clock.now()
    }

    pub async fn at(&self, at: Timestamp) {
        self.clock.set(at);
        self.engine.tick().await.unwrap();
    }

    /// The status of one result as of a moment; `None` if it was not judged.
    pub async fn status(&self, test: &str, key: &str, as_of: AsOf) -> Option<Status> {
        let filter = ResultFilter {
            test: Some(id(test)),
            resource: Some(key.to_owned()),
            limit: 10,
            ..ResultFilter::default()
        };
        let results = self.query.results(&filter, as_of).await.unwrap();
        assert!(results.rows.len() <= 1, "{results:?}");
        results.rows.first().map(|row| row.status)
    }

    /// The same, now.
    pub async fn status_now(&self, test: &str, key: &str) -> Option<Status> {
        self.status(test, key, self.present().await).await
    }

    /// The status of a test over its population, now, with the reason.
    pub async fn test_now(&self, test: &str) -> (Status, String) {
        let view = self.query.test(test, self.present().await).await.unwrap();
        (view.status, view.reason)
    }

    /// All results as of a moment, by test and key.
    pub async fn results(&self, as_of: AsOf) -> BTreeMap<(String, String), Status> {
        let mut all = BTreeMap::new();
        let mut offset = 0;
        loop {
            // Now in small pages, now in one.
            let limit = if as_of.at.micros() % 4 == 0 { 7 } else { 1_000 };
            let filter = ResultFilter { limit, offset, ..ResultFilter::default() };
            let page = self.query.results(&filter, as_of).await.unwrap();
            offset += page.rows.len() as u64;
            let empty = page.rows.is_empty();
            for row in page.rows {
                let key = (row.test.to_string(), format!("{} {}", row.kind, row.key));
                assert_eq!(all.insert(key.clone(), row.status), None, "twice: {key:?} as of {as_of:?}");
            }
            if empty || offset >= page.total {
                assert_eq!(page.total, offset, "the counts say another number as of {as_of:?}");
                return all;
            }
        }
    }

    /// Checks that a replay agrees, and removes the database.
    pub async fn done(self) {
        self.replays().await;
        self.of.remove().await.unwrap();
    }

    pub async fn replays(&self) {
        let report = replay(self.query.db(), octro_engine::Window::ALL, |_| ()).await.unwrap();
        assert_eq!(report.differences, 0, "{}: {:#?}", self.of.name(), report.mismatches);
    }
}

pub fn report(source: &str, at: Timestamp, scopes: &[(&str, bool)]) -> Collection {
    let scope = |(kind, complete): &(&str, bool)| ScopeReport {
        kind: id(kind),
        scope: String::new(),
        complete: *complete,
        resources: 0,
        pages: 1,
        reason: (!complete)
            .then(|| octro_model::UnknownReason::new(octro_model::Why::Denied, "a permission is missing")),
    };
    Collection {
        source: id(source),
        started_at: at,
        finished_at: at,
        scopes: scopes.iter().map(scope).collect(),
        errors: Vec::new(),
        refused: 0,
    }
}

/// A disk that is or is not encrypted.
pub fn disk(key: &str, encrypted: bool) -> Value {
    json!({"kind": "disk", "key": key, "attributes": {"encrypted": encrypted}})
}
