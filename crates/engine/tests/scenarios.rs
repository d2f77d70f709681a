//! Random lives of an engine: whatever is told, in whatever order, with crashes in between, every status of every
//! moment is what the list of facts says, and a replay agrees.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets something unexpected fails"
)]

mod support;

use std::collections::BTreeMap;

use octro_engine::AsOf;
use octro_model::{Span, Timestamp};
use octro_testkit::{Chance, TestDb, observation};
use serde_json::{Map, Value, json};
use support::naive::{Naive, Told};
use support::{Bench, START, id, report, rules};

const SOURCES: [(&str, &[&str]); 3] =
    [("a", &["disk", "kms"]), ("b", &["disk", "person"]), ("c", &["person", "kms"])];

struct Life {
    bench: Bench,
    naive: Naive,
    chance: Chance,
    /// When the last input was received.
    last: Timestamp,
}

impl Life {
    async fn begin(db: TestDb, seed: u64) -> Self {
        let bench = Bench::on(db).await;
        let programs =
            rules::variants().iter().map(|files| octro_program::load(files).unwrap().program).collect();
        let naive = Naive { programs, told: Vec::new() };
        let mut life = Self { bench, naive, chance: Chance::new(seed), last: Timestamp::MIN };
        life.install(0).await;
        for (source, kinds) in SOURCES {
            life.declare(source, kinds).await;
        }
        life
    }

    /// When what was just told was received: its first part, if the engine took it apart.
    async fn receive(&mut self) -> Timestamp {
        let row = self
            .bench
            .query
            .db()
            .fetch_one(
                "SELECT COALESCE(MIN(received_at), $1), COALESCE(MAX(received_at), $1) FROM inputs WHERE received_at > $1",
                &[self.last.into()],
            )
            .await
            .unwrap()
            .unwrap();
        self.last = row.get(1).unwrap();
        row.get(0).unwrap()
    }

    async fn install(&mut self, program: usize) {
        let current = self.naive.told.iter().rev().find_map(|(_, told)| match told {
            Told::Program(program) => Some(*program),
            Told::Declare { .. } | Told::Retire { .. } | Told::Seen { .. } | Told::Finished { .. } => None,
        });
        self.bench.install(&rules::variants()[program]).await;
        if current != Some(program) {
            let at = self.receive().await;
            self.naive.told.push((at, Told::Program(program)));
        }
    }

    async fn declare(&mut self, source: &str, kinds: &[&str]) {
        self.bench.declare(source, kinds).await;
        let at = self.receive().await;
        let kinds = kinds.iter().map(|kind| (*kind).to_owned()).collect();
        self.naive.told.push((at, Told::Declare { source: source.to_owned(), kinds }));
    }

    fn moment(&mut self) -> Timestamp {
        let now = self.bench.now();
        match self.chance.below(10) {
            0..6 => now,
            6 | 7 => now.minus(Span::from_secs(self.chance.below(3 * 3_600) as i64)),
            8 => now.minus(Span::from_secs(self.chance.below(80 * 3_600) as i64)),
            // A clock that is ahead.
            _ => now.plus(Span::from_secs(self.chance.below(3_600) as i64)),
        }
    }

    fn attributes(&mut self, kind: &str) -> Map<String, Value> {
        let mut all = Map::new();
        let now = self.bench.now();
        let chance = &mut self.chance;
        let mut put = |name: &str, value: Value| all.insert(name.to_owned(), value);
        match kind {
            "disk" => {
                if chance.percent(80) {
                    put("encrypted", json!(chance.percent(60)));
                }
                if chance.percent(70) {
                    let key = *chance.pick(&["k1", "k2", "k3"]);
                    put("key_id", if chance.percent(10) { Value::Null } else { json!(key) });
                }
                if chance.percent(50) {
                    let checked = now.minus(Span::from_secs(chance.below(50 * 3_600) as i64));
                    put("checked", json!(rules::moment(checked)));
                }
            }
            "kms" => {
                put("enabled", json!(chance.percent(70)));
            }
            _ => {
                put("active", json!(chance.percent(70)));
            }
        }
        all
    }

    /// What only some programs declare.
    fn more(&mut self, attributes: &mut Map<String, Value>) {
        let program = self.program();
        let declared = &self.naive.programs[program].kinds.get("disk").unwrap().kind().attributes;
        if let Some(size) = declared.get("size") {
            let number = self.chance.below(20);
            let size =
                if size.of == octro_model::Type::Int { json!(number) } else { json!(number.to_string()) };
            if self.chance.percent(70) {
                attributes.insert("size".to_owned(), size);
            }
        }
        if declared.contains_key("owner") && self.chance.percent(70) {
            attributes.insert("owner".to_owned(), json!(self.chance.pick(&["ann", "bob"])));
        }
    }

    fn program(&self) -> usize {
        let of = |(_, told): &(Timestamp, Told)| match told {
            Told::Program(program) => Some(*program),
            Told::Declare { .. } | Told::Retire { .. } | Told::Seen { .. } | Told::Finished { .. } => None,
        };
        self.naive.told.iter().rev().find_map(of).unwrap()
    }

    /// A run of a source, whole or not, in one or more batches.
    async fn collect(&mut self) {
        let (source, kinds) = *self.chance.pick(&SOURCES);
        let program = self.program();
        let kinds: Vec<&str> = kinds
            .iter()
            .copied()
            .filter(|kind| self.naive.programs[program].kinds.get(kind).is_some())
            .collect();
        let collecting = self.bench.engine.begin(&id(source)).await.unwrap();
        for _ in 0..=self.chance.below(2) {
            let mut batch = Vec::new();
            let mut told = Vec::new();
            for _ in 0..=self.chance.below(5) {
                if kinds.is_empty() {
                    break;
                }
                let kind = *self.chance.pick(&kinds);
                let names: &[&str] = match kind {
                    "disk" => &["d1", "d2", "d3"],
                    "kms" => &["k1", "k2"],
                    _ => &["ann", "bob"],
                };
                let key = *self.chance.pick(names);
                let at = self.moment();
                let again = self.last_said(source, kind, key).filter(|_| self.chance.percent(40));
                let gone = self.chance.percent(7);
                let mut attributes = self.attributes(kind);
                if kind == "disk" {
                    self.more(&mut attributes);
                }
                let attributes = again.unwrap_or(attributes);
                let unknown = BTreeMap::new();
                let layout = self.naive.programs[program].kinds.get(kind).unwrap();
                if octro_cel::Record::encode(layout, &attributes, &unknown).is_err() {
                    continue;
                }
                batch.push(observation(
                    &json!({"kind": kind, "key": key, "at": at, "attributes": attributes, "gone": gone}),
                ));
                let content = (!gone).then_some((attributes, unknown));
                told.push((kind.to_owned(), key.to_owned(), at, content));
            }
            let received = self.bench.engine.observe(&collecting, batch).await.unwrap();
            let at = self.receive().await;
            assert_eq!(received.refused, 0);
            for (kind, key, moment, content) in told {
                let source = source.to_owned();
                self.naive.told.push((at, Told::Seen { source, kind, key, at: moment, content }));
            }
            if self.chance.percent(30) {
                self.bench.clock.advance(Span::from_secs(self.chance.below(600) as i64 + 1));
            }
        }
        if self.chance.percent(85) {
            let mut scopes = Vec::new();
            for kind in &kinds {
                if self.chance.percent(80) {
                    scopes.push((*kind, self.chance.percent(70)));
                }
            }
            self.bench.engine.finish(&collecting, report(source, self.bench.now(), &scopes)).await.unwrap();
            let at = self.receive().await;
            let scopes = scopes.into_iter().map(|(kind, complete)| (kind.to_owned(), complete)).collect();
            self.naive.told.push((at, Told::Finished { source: source.to_owned(), scopes }));
        } else {
            self.naive
                .told
                .push((self.last, Told::Finished { source: source.to_owned(), scopes: Vec::new() }));
        }
    }

    fn last_said(&self, of: &str, of_kind: &str, of_key: &str) -> Option<Map<String, Value>> {
        self.naive.told.iter().rev().find_map(|(_, told)| match told {
            Told::Seen { source, kind, key, content, .. }
                if source == of && kind == of_kind && key == of_key =>
            {
                content.clone().map(|(attributes, _)| attributes)
            }
            Told::Program(_)
            | Told::Declare { .. }
            | Told::Retire { .. }
            | Told::Seen { .. }
            | Told::Finished { .. } => None,
        })
    }

    async fn step(&mut self) {
        match self.chance.below(20) {
            0..12 => self.collect().await,
            12 => {
                let program = self.chance.below(self.naive.programs.len() as u64) as usize;
                self.install(program).await;
            }
            13 => self.bench.reopen().await,
            14 => {
                let (source, _) = *self.chance.pick(&SOURCES);
                let live = self.bench.engine.sources().await.unwrap().iter().any(|one| one.id == id(source));
                self.bench.engine.retire(&id(source)).await.unwrap();
                if live {
                    let at = self.receive().await;
                    self.naive.told.push((at, Told::Retire { source: source.to_owned() }));
                }
                let (_, kinds) = SOURCES.iter().find(|(name, _)| *name == source).unwrap();
                self.bench.clock.advance(Span::from_secs(self.chance.below(7_200) as i64));
                self.declare(source, kinds).await;
            }
            15 => {
                // The clock is set back; time as it is told goes on.
                let back = Span::from_secs(self.chance.below(3_600) as i64);
                self.bench.clock.set(self.bench.now().minus(back));
            }
            _ => {
                let hours = self.chance.below(14) + 1;
                self.bench
                    .clock
                    .advance(Span::from_secs(hours as i64 * 3_600 + self.chance.below(3_600) as i64));
                self.bench.engine.tick().await.unwrap();
            }
        }
        self.bench.clock.advance(Span::from_secs(self.chance.below(900) as i64 + 2));
    }

    /// Compares some moments with the list of facts.
    async fn check(&mut self, seed: u64, times: usize) {
        self.bench.engine.tick().await.unwrap();
        let end = self.bench.now().max(self.last.plus(Span::from_secs(1)));
        let first = START.minus(Span::from_secs(100 * 3_600));
        for time in 0..times {
            // Histories are corrected a microsecond after what corrects them is received.
            let known = if time % 2 == 0 {
                end
            } else {
                let place = self.chance.below(self.naive.told.len() as u64) as usize;
                self.naive.told[place].0.plus(Span::from_micros(1_000))
            };
            let span = known.since(first).micros().max(1) as u64;
            let at = match self.chance.below(4) {
                0 => known,
                1 => self.naive.told[self.chance.below(self.naive.told.len() as u64) as usize].0.min(known),
                _ => first.plus(Span::from_micros(self.chance.below(span) as i64)),
            };
            let expected = self.naive.results(at, known);
            let got = self.bench.results(AsOf { at, known_at: known }).await;
            if expected != got {
                let only = |a: &BTreeMap<(String, String), _>, b: &BTreeMap<(String, String), _>| {
                    a.iter()
                        .filter(|(key, value)| b.get(*key) != Some(*value))
                        .map(|one| format!("{one:?}"))
                        .collect::<Vec<_>>()
                };
                let mut rows = Vec::new();
                for row in self.bench.query.db().fetch("SELECT t.id, r.key, x.from_at, x.to_at, x.known_at, x.closed_at, x.superseded_at, x.status, x.version FROM results x JOIN tests t ON t.ord = x.test JOIN resources r ON r.ord = x.resource ORDER BY t.id, r.key, x.from_at, x.known_at", &[]).await.unwrap() {
                    let at = |column| row.get::<Timestamp>(column).unwrap();
                    let (test, key): (String, String) = (row.get(0).unwrap(), row.get(1).unwrap());
                    let (status, version): (i64, i64) = (row.get(7).unwrap(), row.get(8).unwrap());
                    rows.push(format!("{test} {key} {}..{} known {} closed {} superseded {} status {status} version {version}", at(2), at(3), at(4), at(5), at(6)));
                }
                let facts: Vec<String> = self.naive.told.iter().map(|told| format!("{told:?}")).collect();
                panic!(
                    "seed {seed}, {}: at {at}, known {known}\nexpected {:#?}\ngot {:#?}\nfacts\n{}\nrows\n{}",
                    self.bench.of.name(),
                    only(&expected, &got),
                    only(&got, &expected),
                    facts.join("\n"),
                    rows.join("\n")
                );
            }
        }
    }
}

async fn live(db: TestDb, seed: u64) {
    let mut life = Life::begin(db, seed).await;
    let steps = 15 + life.chance.below(25);
    for step in 0..steps {
        life.step().await;
        if step % 10 == 9 {
            life.check(seed, 4).await;
        }
    }
    life.check(seed, 12).await;
    let report =
        octro_engine::replay(life.bench.query.db(), octro_engine::Window::ALL, |_| ()).await.unwrap();
    assert_eq!(report.differences, 0, "seed {seed}, {}: {:#?}", life.bench.of.name(), report.mismatches);
    life.bench.reopen().await;
    life.check(seed, 2).await;
    life.bench.done().await;
}

/// Lives of which the beginning was long ago: facts are removed, more is told, and nothing that was told changes.
async fn live_compacted(db: TestDb, seed: u64) -> u64 {
    let mut life = Life::begin(db, seed).await;
    let mut removed = 0;
    for _ in 0..2 {
        let begun = life.bench.now();
        for _ in 0..12 + life.chance.below(15) {
            life.step().await;
        }
        life.check(seed, 3).await;
        let span = life.bench.now().since(begun).micros().max(1) as u64;
        // Facts are kept for 90 days: what is older than this moment goes.
        let baseline = begun.plus(Span::from_micros(life.chance.below(span) as i64));
        life.bench.clock.set(baseline.plus(Span::from_micros(90 * Span::DAY.micros())));
        if let Some(compacted) = life.bench.engine.compact(Span::ZERO, |_| ()).await.unwrap() {
            assert_eq!(compacted.baseline, baseline);
            assert!(compacted.horizon <= baseline);
            removed += compacted.observations + compacted.inputs;
            let report = replayed(&life).await;
            assert_eq!(report.from, Some(baseline));
            // A second time there is nothing to do.
            let again = life.bench.engine.compact(Span::ZERO, |_| ()).await.unwrap().unwrap_or_default();
            assert_eq!((again.observations, again.inputs, again.coverage), (0, 0, 0), "seed {seed}");
        }
        if life.chance.percent(50) {
            life.bench.reopen().await;
        }
        life.check(seed, 6).await;
    }
    for _ in 0..10 {
        life.step().await;
    }
    life.check(seed, 12).await;
    replayed(&life).await;
    life.bench.reopen().await;
    life.check(seed, 2).await;
    life.bench.done().await;
    removed
}

async fn replayed(life: &Life) -> octro_engine::ReplayReport {
    let all = octro_engine::Window::ALL;
    let report = octro_engine::replay(life.bench.query.db(), all, |_| ()).await.unwrap();
    assert_eq!(report.differences, 0, "{}: {:#?}", life.bench.of.name(), report.mismatches);
    report
}

#[tokio::test(flavor = "multi_thread")]
async fn compacted_lives_on_sqlite() {
    let mut removed = 0;
    for seed in seeds().take(100) {
        removed += live_compacted(TestDb::sqlite().await.unwrap(), seed).await;
    }
    assert!(removed > 0, "nothing was ever removed");
}

#[tokio::test(flavor = "multi_thread")]
async fn compacted_lives_on_postgresql() {
    for seed in seeds().take(100).step_by(10) {
        if let Some(db) = TestDb::postgres().await.unwrap() {
            live_compacted(db, seed).await;
        }
    }
}

fn seeds() -> std::ops::Range<u64> {
    match std::env::var("OCTRO_SEED").ok().and_then(|seed| seed.parse().ok()) {
        Some(seed) => seed..seed + 1,
        None => 0..200,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn random_lives_on_sqlite() {
    for seed in seeds() {
        live(TestDb::sqlite().await.unwrap(), seed).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn random_lives_on_postgresql() {
    for seed in seeds().step_by(5) {
        if let Some(db) = TestDb::postgres().await.unwrap() {
            live(db, seed).await;
        }
    }
}
