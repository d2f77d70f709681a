//! What the engine tells the ledger: proofs that an outsider checks with nothing but the log's key.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that meets something unexpected fails")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use octro_engine::{Engine, EngineError, Journal, Lease, Random};
use octro_ledger::{Highest, Ledger, Settings};
use octro_model::{Span, Timestamp};
use octro_testkit::TestDb;
use octro_verify::{Outcome, Policy, Proof, Report, Shown, Status, VerifierKey, verify};
use serde_json::json;
use support::{Bench, disk, hour, id, rules};

const WHOLE: [(&str, bool); 3] = [("disk", true), ("kms", true), ("person", true)];

/// An engine that keeps a journal, with its ledger.
struct Proving {
    bench: Bench,
    ledger: Ledger,
    folder: tempfile::TempDir,
}

fn random() -> Random {
    let next = AtomicU8::new(0);
    Arc::new(move || Ok([next.fetch_add(1, Ordering::Relaxed); 32]))
}

impl Proving {
    async fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for db in TestDb::all().await.unwrap() {
            all.push(Self::on(db).await);
        }
        all
    }

    async fn on(db: TestDb) -> Self {
        Self::with(Bench::on(db).await).await
    }

    async fn with(mut bench: Bench) -> Self {
        let folder = tempfile::TempDir::with_prefix("octro-test-journal-").unwrap();
        let key = folder.path().join("ledger.key");
        let settings = Settings { origin: Some("octro.test/log".to_owned()), ..Settings::at(&key) };
        let ledger = Ledger::open(bench.of.db(), Arc::new(bench.clock.clone()), settings).await.unwrap();
        bench.engine = engine(&bench, &ledger).await;
        Self { bench, ledger, folder }
    }

    async fn reopen(&mut self) {
        self.bench.engine = engine(&self.bench, &self.ledger).await;
    }

    /// As when a newer database was lost: the key has signed more than this one holds, and a new log follows.
    async fn follow(&mut self) {
        let key = self.folder.path().join("ledger.key");
        let highest = Highest::beside(&key);
        let signed = self.ledger.reader().await.unwrap().checkpoint().await.unwrap().checkpoint;
        highest.raise(&octro_verify::Checkpoint { size: signed.size + 5, root: [7; 32], ..signed }).unwrap();
        let settings = Settings { highest, follow: true, ..Settings::at(&key) };
        let clock = Arc::new(self.bench.clock.clone());
        self.ledger = Ledger::open(self.bench.of.db(), clock, settings).await.unwrap();
        self.reopen().await;
    }

    async fn agrees(&self) -> octro_engine::JournalAudit {
        let log = octro_ledger::audit(self.bench.query.db(), None, octro_ledger::Parts::ALL, |_| ()).await;
        let log = log.unwrap();
        assert!(log.is_clean(), "{:?}", log.findings);
        let audit = octro_engine::audit_journal(self.bench.query.db()).await.unwrap();
        assert_eq!(audit.wrong, 0, "{:?}", audit.findings);
        audit
    }

    async fn policy(&self) -> Policy {
        let key = self.ledger.reader().await.unwrap().log().signer.clone();
        Policy { logs: vec![VerifierKey::parse(&key).unwrap()], ..Policy::default() }
    }

    async fn interval(&self, from: Timestamp, to: Timestamp) -> Result<Proof, EngineError> {
        self.ledger.flush().await.unwrap();
        self.bench.query.prove_interval(&id("C-1"), from, to).await
    }

    async fn proved(&self, proof: &Proof) -> Report {
        match verify(proof.to_text().as_bytes(), &self.policy().await) {
            Outcome::Proved(report) => *report,
            other @ (Outcome::Refuted(_) | Outcome::Unusable(_)) => panic!("{other:?}\n{}", proof.to_text()),
        }
    }

    async fn done(self) {
        let _ = self.folder;
        self.bench.done().await;
    }
}

async fn engine(bench: &Bench, ledger: &Ledger) -> Engine {
    let wake = ledger.clone();
    let journal = Journal::new(random(), Arc::new(move || wake.wake()));
    let engine = Engine::open(bench.of.db(), Arc::new(bench.clock.clone()), Lease::alone()).await.unwrap();
    engine.with_journal(journal)
}

/// Ten days in which one disk fails from the third to the fifth, and nobody looks on the eighth.
async fn ten_days(of: &Proving) {
    let bench = &of.bench;
    bench
        .install(&rules::base().test("encrypted", &rules::encrypted()).control("C-1", &["encrypted"]).files())
        .await;
    bench.declare("a", &["disk", "kms", "person"]).await;
    for run in 1..240 {
        let day = run / 24;
        if day == 8 {
            continue;
        }
        bench.at(hour(f64::from(run))).await;
        let encrypted = !(3..5).contains(&day);
        bench.collect("a", &[disk("d1", encrypted), disk("d2", true)], &WHOLE).await;
    }
    bench.at(hour(241.0)).await;
}

#[tokio::test]
async fn a_control_over_ten_days_is_proved_with_nothing_left_out() {
    for mut of in Proving::all().await {
        ten_days(&of).await;
        of.reopen().await;
        of.bench.engine.seal().await.unwrap();
        let proof = of.interval(hour(2.0), hour(240.0)).await.unwrap();
        assert!(proof.to_text().len() < 20_000, "{} bytes", proof.to_text().len());
        let report = of.proved(&proof).await;
        let Shown::Interval(interval) = &report.shown else { panic!("{report:?}") };
        let told: Vec<Status> = interval.segments.iter().filter_map(|segment| segment.status).collect();
        assert!(told.contains(&Status::Fail) && told.contains(&Status::Pass), "{told:?}");
        // The failure lasted for the two days from the third on, and every collection was an evaluation.
        let failed: u64 = interval
            .segments
            .iter()
            .filter(|segment| segment.status == Some(Status::Fail))
            .map(|segment| segment.to - segment.from)
            .sum();
        assert_eq!(failed / 3_600_000_000, 48);
        assert!(report.proved.iter().any(|said| said.contains("C-1")), "{:?}", report.proved);
        assert!(!report.not_proved.is_empty());

        // Without one of its transitions it proves nothing.
        let mut cut = proof.clone();
        let at = cut.entries.iter().position(|entry| entry.leaf.contains("\"k\":\"transition\"")).unwrap();
        cut.entries.remove(at);
        assert!(matches!(verify(cut.to_text().as_bytes(), &of.policy().await), Outcome::Refuted(_)));
        of.done().await;
    }
}

#[tokio::test]
async fn a_day_without_evaluation_is_counted_as_silence() {
    for of in Proving::all().await {
        ten_days(&of).await;
        of.bench.engine.seal().await.unwrap();
        let day = |day: f64| hour(day * 24.0 + 1.0);
        let silent = |report: &Report| {
            let Shown::Interval(interval) = &report.shown else { panic!("{report:?}") };
            interval.silent
        };
        let quiet = of.proved(&of.interval(day(7.5), day(9.5)).await.unwrap()).await;
        let busy = of.proved(&of.interval(day(1.0), day(6.0)).await.unwrap()).await;
        assert!(silent(&quiet) > 20 * 3_600_000_000, "{}", silent(&quiet));
        assert_eq!(silent(&busy), 0);
        of.done().await;
    }
}

#[tokio::test]
async fn a_control_that_ends_after_a_silence_was_silent_and_runs_that_fail_evaluate_nothing() {
    let silent_and_evaluated = |report: &Report| {
        let Shown::Interval(interval) = &report.shown else { panic!("{report:?}") };
        (interval.silent / 3_600_000_000, interval.evaluations)
    };
    for of in Proving::all().await {
        let bench = &of.bench;
        let rules = || rules::base().test("encrypted", &rules::encrypted());
        bench.install(&rules().control("C-1", &["encrypted"]).files()).await;
        bench.declare("a", &["disk", "kms"]).await;
        bench.declare("b", &["kms"]).await;
        for run in 1..10 {
            bench.at(hour(f64::from(run))).await;
            bench.collect("a", &[disk("d1", true)], &WHOLE).await;
        }
        bench.engine.seal().await.unwrap();
        // Ten hours of runs that see nothing, or see disks without being declared for them.
        for run in 10..20 {
            bench.at(hour(f64::from(run))).await;
            bench.collect("a", &[], &[("disk", false)]).await;
            bench.collect("b", &[], &[("disk", true)]).await;
        }
        bench.engine.seal().await.unwrap();
        let (silent, evaluated) =
            silent_and_evaluated(&of.proved(&of.interval(hour(9.5), hour(19.0)).await.unwrap()).await);
        assert!(silent >= 7, "{silent} hours");
        assert_eq!(evaluated, 0);
        // Before the next seal the control ends: its last hours were silent all the same.
        bench.at(hour(24.5)).await;
        bench.install(&rules().control("C-2", &["encrypted"]).files()).await;
        bench.at(hour(26.0)).await;
        bench.engine.seal().await.unwrap();
        let (silent, _) =
            silent_and_evaluated(&of.proved(&of.interval(hour(19.5), hour(26.0)).await.unwrap()).await);
        assert!((4..=6).contains(&silent), "{silent} hours");
        of.done().await;
    }
}

#[tokio::test]
async fn a_resource_is_shown_to_be_in_a_population_or_not() {
    for of in Proving::all().await {
        ten_days(&of).await;
        of.ledger.flush().await.unwrap();
        let at = hour(100.0);
        let there = of.bench.query.prove_resource(&id("disk"), "d1", at).await.unwrap();
        let report = of.proved(&there).await;
        assert!(
            report.proved.iter().any(|said| said.contains("`encrypted` gave for it: fail")),
            "{:?}",
            report.proved
        );
        let absent = of.bench.query.prove_resource(&id("disk"), "d9", at).await.unwrap();
        let report = of.proved(&absent).await;
        assert!(
            report.proved.iter().any(|said| said.contains("`d9`") && said.contains("was none of")),
            "{:?}",
            report.proved
        );
        // Nobody can say of one that is there that it is not.
        let octro_verify::Claim::Member { at, .. } = &there.claim else { panic!("{:?}", there.claim) };
        let mut forged = absent.clone();
        forged.claim = octro_verify::Claim::Absent { kind: "disk".to_owned(), key: "d1".to_owned(), at: *at };
        assert!(matches!(verify(forged.to_text().as_bytes(), &of.policy().await), Outcome::Refuted(_)));
        of.done().await;
    }
}

#[tokio::test]
async fn an_erased_person_cannot_be_opened_any_more_and_all_else_stays_valid() {
    for of in Proving::all().await {
        let bench = &of.bench;
        let personal = rules::base()
            .personal("person", "active")
            .test("owned", &rules::owned())
            .control("C-1", &["owned"]);
        bench.install(&personal.files()).await;
        bench.declare("a", &["disk", "kms", "person"]).await;
        let person = |key: &str| json!({"kind": "person", "key": key, "attributes": {"active": true}});
        for day in 0..4 {
            bench.at(hour(f64::from(day) * 24.0 + 1.0)).await;
            bench.collect("a", &[person("ann"), person("bob")], &WHOLE).await;
        }
        bench.engine.seal().await.unwrap();
        of.ledger.flush().await.unwrap();
        let at = hour(50.0);
        let ann = bench.query.prove_resource(&id("person"), "ann", at).await.unwrap();
        let bob = bench.query.prove_resource(&id("person"), "bob", at).await.unwrap();
        of.proved(&ann).await;
        assert!(
            bench.query.prove_resource(&id("person"), "eve", at).await.is_err(),
            "absence of a person is shown"
        );

        let erased = octro_engine::erase(bench.query.db(), &bench.clock, &id("person"), "ann", "asked for")
            .await
            .unwrap();
        assert!(erased.commitments >= 3, "{erased:?}");
        of.ledger.flush().await.unwrap();
        // Proofs that were handed out stay valid, and others can be made; of her nothing can be opened any more.
        of.proved(&ann).await;
        of.proved(&bob).await;
        of.proved(&bench.query.prove_resource(&id("person"), "bob", at).await.unwrap()).await;
        of.proved(&of.interval(hour(2.0), hour(70.0)).await.unwrap()).await;
        assert!(bench.query.prove_resource(&id("person"), "ann", at).await.is_err());
        assert!(
            octro_engine::erase(bench.query.db(), &bench.clock, &id("person"), "ann", "again").await.is_err()
        );
        let audit = octro_engine::audit_journal(bench.query.db()).await.unwrap();
        assert_eq!(audit.wrong, 0, "{:?}", audit.findings);
        of.done().await;
    }
}

/// People, and what each of them carries under the same key, of another kind with personal data.
fn of_people(kms: bool) -> octro_program::Files {
    let examples = "[[examples]]\nname = \"good\"\ngiven = { enabled = true }\nexpect = \"pass\"\n\
         [[examples]]\nname = \"bad\"\ngiven = { enabled = false }\nexpect = \"fail\"\n\
         [[examples]]\nname = \"unsaid\"\ngiven = { }\nexpect = \"unknown\"\n";
    let on = format!(
        "rev = 1\nseverity = \"high\"\non = \"kms\"\npass = \"resource.enabled\"\nmax_age = \"240h\"\n\
         message = \"a key is off\"\n{examples}"
    );
    let program = rules::base().personal("person", "active").test("owned", &rules::owned()).test("on", &on);
    let program = if kms { program.personal("kms", "enabled") } else { program };
    program.control("C-1", &["owned", "on"]).files()
}

#[tokio::test]
async fn a_person_is_erased_with_all_that_carries_her_key_and_is_not_counted_twice() {
    for of in Proving::all().await {
        let bench = &of.bench;
        let person = |key: &str| json!({"kind": "person", "key": key, "attributes": {"active": true}});
        let kms = |key: &str| json!({"kind": "kms", "key": key, "attributes": {"enabled": true}});
        let seen = [person("ann"), person("bob"), kms("ann"), kms("bob")];
        bench.install(&of_people(false)).await;
        bench.declare("a", &["disk", "kms", "person"]).await;
        bench.at(hour(1.0)).await;
        bench.collect("a", &seen, &WHOLE).await;
        bench.engine.seal().await.unwrap();
        bench.at(hour(2.0)).await;
        bench.install(&of_people(true)).await;
        for hours in [3.0, 27.0] {
            bench.at(hour(hours)).await;
            bench.collect("a", &seen, &WHOLE).await;
            bench.engine.seal().await.unwrap();
        }
        of.ledger.flush().await.unwrap();
        let (early, late) = (hour(1.5), hour(28.0));
        of.proved(&bench.query.prove_resource(&id("kms"), "ann", late).await.unwrap()).await;

        bench.clock.set(hour(28.0));
        let erase = async || {
            octro_engine::erase(bench.query.db(), &bench.clock, &id("person"), "ann", "asked for").await
        };
        let erased = erase().await.unwrap();
        assert_eq!(erased.kinds, ["kms", "person"]);
        // Before the kind had personal data, salts came from the population's key: such a population stays as it is.
        assert_eq!((erased.left, erased.lost), (1, 0), "{erased:?}");
        of.ledger.flush().await.unwrap();
        assert!(bench.query.prove_resource(&id("kms"), "ann", late).await.is_err());
        of.proved(&bench.query.prove_resource(&id("kms"), "ann", early).await.unwrap()).await;
        of.proved(&bench.query.prove_resource(&id("kms"), "bob", late).await.unwrap()).await;

        // A source still sees her: what the next seals commit to is new, and only that is erased again.
        bench.collect("a", &seen, &WHOLE).await;
        bench.engine.seal().await.unwrap();
        let again = erase().await.unwrap();
        assert_eq!(again.commitments, 2, "{again:?}");
        of.ledger.flush().await.unwrap();
        for at in [hour(4.0), late, bench.now()] {
            of.proved(&bench.query.prove_resource(&id("person"), "bob", at).await.unwrap()).await;
        }
        of.agrees().await;
        of.done().await;
    }
}

#[tokio::test]
async fn what_waits_for_the_ledger_is_not_missing_from_it() {
    for of in Proving::all().await {
        ten_days(&of).await;
        // Nothing was appended yet: all of it is in the outbox.
        let audit = of.agrees().await;
        assert!(audit.seals > 8 && audit.transitions > 2, "{audit:?}");
        of.ledger.flush().await.unwrap();
        assert_eq!(of.agrees().await, audit);
        of.done().await;
    }
}

#[tokio::test]
async fn links_that_are_set_aside_for_a_log_that_follows_are_told_of_and_are_no_fault() {
    for mut of in Proving::all().await {
        ten_days(&of).await;
        of.ledger.flush().await.unwrap();
        for (hours, encrypted) in [(242.0, false), (243.0, true)] {
            of.bench.at(hour(hours)).await;
            of.bench.collect("a", &[disk("d1", encrypted), disk("d2", true)], &WHOLE).await;
        }
        of.follow().await;
        of.bench.at(hour(244.0)).await;
        of.bench.collect("a", &[disk("d1", false), disk("d2", true)], &WHOLE).await;
        of.bench.at(hour(245.0)).await;
        of.bench.engine.seal().await.unwrap();
        of.ledger.flush().await.unwrap();
        let audit = of.agrees().await;
        assert!(audit.set_aside >= 2, "{audit:?}");
        of.done().await;
    }
}

#[tokio::test]
async fn a_control_that_had_ended_before_the_ledger_is_no_fault() {
    for db in TestDb::all().await.unwrap() {
        let bench = Bench::on(db).await;
        let with = |control: &str| {
            rules::base().test("encrypted", &rules::encrypted()).control(control, &["encrypted"]).files()
        };
        bench.install(&with("C-0")).await;
        bench.declare("a", &["disk", "kms", "person"]).await;
        bench.at(hour(1.0)).await;
        bench.collect("a", &[disk("d1", true)], &WHOLE).await;
        bench.at(hour(2.0)).await;
        bench.install(&with("C-1")).await;
        bench.at(hour(3.0)).await;
        let of = Proving::with(bench).await;
        of.bench.at(hour(4.0)).await;
        of.bench.collect("a", &[disk("d1", false)], &WHOLE).await;
        of.bench.engine.seal().await.unwrap();
        of.ledger.flush().await.unwrap();
        of.agrees().await;
        of.done().await;
    }
}

#[tokio::test]
async fn what_is_changed_in_the_database_contradicts_the_ledger() {
    let changes = [
        ("UPDATE verdicts SET status = 0 WHERE subject = 'control' AND status = 1", "control C-1"),
        ("DELETE FROM verdicts WHERE subject = 'control' AND status = 1", "control C-1"),
        (
            "UPDATE observations SET hash = (SELECT o.hash FROM observations o WHERE o.seq = 1) WHERE seq = 3",
            "the facts of collection",
        ),
        ("UPDATE program_versions SET hash = 'x'", "program version"),
    ];
    for (change, found) in changes {
        for of in Proving::all().await {
            ten_days(&of).await;
            of.ledger.flush().await.unwrap();
            let db = of.bench.query.db();
            let audit = octro_engine::audit_journal(db).await.unwrap();
            assert_eq!((audit.wrong, audit.forgotten), (0, 0), "{:?}", audit.findings);
            assert!(audit.collections > 200 && audit.transitions > 2 && audit.seals > 8, "{audit:?}");
            let mut tx = db.begin().await.unwrap();
            assert!(tx.execute(change, &[]).await.unwrap() > 0, "{change}");
            tx.commit().await.unwrap();
            let audit = octro_engine::audit_journal(db).await.unwrap();
            assert!(
                audit.findings.iter().any(|finding| finding.contains(found)),
                "{change}: {:?}",
                audit.findings
            );
            of.bench.of.remove().await.unwrap();
        }
    }
}

#[tokio::test]
async fn what_was_proved_can_be_proved_after_the_facts_are_gone() {
    for of in Proving::all().await {
        ten_days(&of).await;
        let bench = &of.bench;
        bench.at(hour((90.0 + 9.0) * 24.0)).await;
        let compacted = bench.engine.compact(Span::ZERO, |_| ()).await.unwrap().unwrap();
        assert!(compacted.inputs > 100, "{compacted:?}");
        bench.engine.seal().await.unwrap();
        of.proved(&of.interval(hour(2.0), hour(230.0)).await.unwrap()).await;
        of.proved(&bench.query.prove_resource(&id("disk"), "d1", hour(100.0)).await.unwrap()).await;
        let audit = octro_engine::audit_journal(bench.query.db()).await.unwrap();
        assert_eq!(audit.wrong, 0, "{:?}", audit.findings);
        assert!(audit.forgotten > 100, "{audit:?}");
        of.done().await;
    }
}

#[tokio::test]
async fn a_ledger_that_comes_later_begins_with_what_is_so() {
    for db in TestDb::all().await.unwrap() {
        let mut bench = Bench::on(db).await;
        bench.install(&rules::full().files()).await;
        bench.declare("a", &["disk", "kms", "person"]).await;
        bench.at(hour(1.0)).await;
        bench.collect("a", &[disk("d1", false)], &WHOLE).await;
        let folder = tempfile::TempDir::with_prefix("octro-test-journal-").unwrap();
        let key = folder.path().join("ledger.key");
        let settings = Settings::at(&key);
        let ledger = Ledger::open(bench.of.db(), Arc::new(bench.clock.clone()), settings).await.unwrap();
        bench.engine = engine(&bench, &ledger).await;
        bench.at(hour(5.0)).await;
        bench.clock.advance(Span::HOUR);
        bench.engine.seal().await.unwrap();
        let of = Proving { bench, ledger, folder };
        let report = of.proved(&of.interval(hour(5.5), hour(5.9)).await.unwrap()).await;
        let Shown::Interval(interval) = &report.shown else { panic!("{report:?}") };
        assert_eq!(interval.segments.iter().map(|one| one.status).collect::<Vec<_>>(), [Some(Status::Fail)]);
        // Of the time before the log began it says nothing: the control failed then, too.
        let report = of.proved(&of.interval(hour(0.5), hour(5.9)).await.unwrap()).await;
        let Shown::Interval(interval) = &report.shown else { panic!("{report:?}") };
        assert!(interval.segments[0].from >= u64::try_from(hour(1.0).micros()).unwrap(), "{interval:?}");
        let opened =
            interval.opened.as_ref().expect("the log's first leaf, which says since when there is a log");
        assert_eq!(interval.segments[0].from, opened.at, "{interval:?}");
        of.done().await;
    }
}

#[tokio::test]
async fn a_clock_that_was_ahead_proves_the_past_and_says_so() {
    for of in Proving::all().await {
        let bench = &of.bench;
        ten_days(&of).await;
        assert_eq!(bench.query.ahead().await.unwrap(), None);
        // For an hour the clock is three days ahead; a seal falls into that hour.
        bench.at(hour(241.0 + 72.0)).await;
        bench.collect("a", &[disk("d1", true), disk("d2", true)], &WHOLE).await;
        bench.at(hour(242.0)).await;
        bench.collect("a", &[disk("d1", true), disk("d2", true)], &WHOLE).await;
        let until = bench.query.ahead().await.unwrap().unwrap();
        assert!(until >= hour(241.0 + 72.0) && until < hour(241.0 + 73.0), "{until}");
        let (_, last) = bench.query.sealed().await.unwrap().unwrap();
        assert!(last <= hour(242.0), "{last}");

        // What can be proved now is verified by whoever has the right time.
        let now = u64::try_from(hour(242.0).micros()).unwrap();
        let policy = Policy { now: Some(now), ..of.policy().await };
        let proof = of.interval(hour(2.0), hour(400.0)).await.unwrap();
        assert!(
            matches!(verify(proof.to_text().as_bytes(), &policy), Outcome::Proved(_)),
            "{}",
            proof.to_text()
        );
        // When the clock has come there, everything is as it was.
        bench.at(hour(241.0 + 96.0)).await;
        assert_eq!(bench.query.ahead().await.unwrap(), None);
        let now = u64::try_from(hour(241.0 + 96.0).micros()).unwrap();
        let policy = Policy { now: Some(now), ..of.policy().await };
        let proof = of.interval(hour(2.0), hour(400.0)).await.unwrap();
        let Outcome::Proved(report) = verify(proof.to_text().as_bytes(), &policy) else {
            panic!("{}", proof.to_text());
        };
        let Shown::Interval(interval) = &report.shown else { panic!("{report:?}") };
        assert!(interval.segments.last().unwrap().to >= u64::try_from(hour(241.0 + 72.0).micros()).unwrap());
        of.done().await;
    }
}

#[tokio::test]
async fn what_changed_while_no_ledger_was_kept_is_told_when_one_is() {
    for mut of in Proving::all().await {
        ten_days(&of).await;
        of.bench.reopen().await;
        let bench = &of.bench;
        bench.at(hour(242.0)).await;
        bench.collect("a", &[disk("d1", false), disk("d2", true)], &WHOLE).await;
        let two = || rules::base().test("encrypted", &rules::encrypted()).control("C-2", &["encrypted"]);
        bench.at(hour(243.0)).await;
        bench.install(&two().control("C-1", &["encrypted"]).files()).await;
        of.reopen().await;
        of.bench.at(hour(250.0)).await;
        of.bench.engine.seal().await.unwrap();
        let told = |report: &Report| {
            let Shown::Interval(interval) = &report.shown else { panic!("{report:?}") };
            interval.segments.last().unwrap().status
        };
        let report = of.proved(&of.interval(hour(249.0), hour(250.0)).await.unwrap()).await;
        assert_eq!(told(&report), Some(Status::Fail));
        // And a control that ended meanwhile.
        of.bench.reopen().await;
        of.bench.at(hour(251.0)).await;
        of.bench.install(&two().files()).await;
        of.reopen().await;
        of.bench.at(hour(255.0)).await;
        of.bench.engine.seal().await.unwrap();
        let report = of.proved(&of.interval(hour(254.0), hour(255.0)).await.unwrap()).await;
        assert_eq!(told(&report), Some(Status::Ended));
        of.done().await;
    }
}

#[tokio::test]
async fn a_key_is_changed_after_what_waits_and_not_before_it_was_told() {
    for of in Proving::all().await {
        ten_days(&of).await;
        of.ledger.flush().await.unwrap();
        let before = of.ledger.reader().await.unwrap().size();
        // A seal under the old key waits in the outbox, and the clock was set back by three days.
        of.bench.engine.seal().await.unwrap();
        of.bench.clock.set(hour(241.0 - 72.0));
        of.ledger.rotate().await.unwrap();
        of.bench.clock.set(hour(242.0));
        of.bench.collect("a", &[disk("d1", true), disk("d2", true)], &WHOLE).await;
        of.bench.engine.seal().await.unwrap();
        of.proved(&of.interval(hour(2.0), hour(240.5)).await.unwrap()).await;
        of.proved(&of.interval(hour(2.0), hour(242.0)).await.unwrap()).await;
        // Every single entry is proved under the key of today; a log's times never go back.
        let reader = of.ledger.reader().await.unwrap();
        let mut written = 0;
        for index in (0..before.min(20)).chain(before..reader.size()) {
            let leaf = octro_verify::Leaf::parse(&reader.entry(index).await.unwrap().leaf).unwrap();
            assert!(leaf.written >= written, "entry {index}");
            written = leaf.written;
            of.proved(&of.bench.query.prove_entry(index).await.unwrap()).await;
            let text = reader.tlog_proof(index).await.unwrap();
            let (_, note) = text.split_once("\n\n").unwrap();
            let key = VerifierKey::parse(&reader.log().signer).unwrap();
            assert!(octro_verify::Note::parse(note).unwrap().signed_by(&key).unwrap(), "entry {index}");
        }
        of.done().await;
    }
}
