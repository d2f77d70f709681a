//! What people decided stands in the ledger: an exception that a second person approved is proved to whoever asks, as far as it
//! is disclosed, until somebody who is named in it is erased.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that meets something unexpected fails")]

mod support;

use std::sync::Arc;

use octro_engine::{Engine, EngineError, Journal, Lease, record_export};
use octro_ledger::records::Part;
use octro_ledger::{Ledger, Settings, random_bytes};
use octro_testkit::TestDb;
use octro_verify::{Outcome, Policy, Proof, Shown, VerifierKey, verify};
use support::{Bench, hour, id, rules};

async fn ledger_of(bench: &mut Bench, folder: &std::path::Path) -> Ledger {
    let settings =
        Settings { origin: Some("octro.test/log".to_owned()), ..Settings::at(&folder.join("key")) };
    let ledger = Ledger::open(bench.of.db(), Arc::new(bench.clock.clone()), settings).await.unwrap();
    let wake = ledger.clone();
    let journal = Journal::new(Arc::new(random_bytes), Arc::new(move || wake.wake()));
    let engine = Engine::open(bench.of.db(), Arc::new(bench.clock.clone()), Lease::alone()).await.unwrap();
    bench.engine = engine.with_journal(journal);
    ledger
}

async fn shown(ledger: &Ledger, proof: &Proof) -> (Vec<String>, Option<&'static str>) {
    let key = VerifierKey::parse(&ledger.reader().await.unwrap().log().signer).unwrap();
    let outcome = verify(proof.to_text().as_bytes(), &Policy { logs: vec![key], ..Policy::default() });
    let Outcome::Proved(report) = outcome else { panic!("{outcome:?}") };
    let Shown::Entry { kind: "decision", opened, .. } = report.shown else { panic!("{:?}", report.shown) };
    (report.proved, opened)
}

#[tokio::test]
async fn an_approved_exception_is_proved_as_far_as_it_is_disclosed() {
    for of in TestDb::all().await.unwrap() {
        let mut bench = Bench::on(of).await;
        let folder = tempfile::TempDir::with_prefix("octro-test-decided-").unwrap();
        let ledger = ledger_of(&mut bench, folder.path()).await;
        let program = || rules::base().test("encrypted", &rules::encrypted()).control("C-1", &["encrypted"]);
        let excepted =
            |until: f64| program().exception("old-disks", "encrypted", "d*", hour(2.0), hour(until));
        bench.install(&program().files()).await;
        let none = bench.query.prove_decision("old-disks", None).await.unwrap_err();
        assert!(none.to_string().contains("no decision `old-disks`"), "{none}");
        bench.install(&excepted(9.0).files()).await;
        ledger.flush().await.unwrap();
        let size = ledger.reader().await.unwrap().size();
        let proof = bench.query.prove_decision("old-disks", Some(Part::Body)).await.unwrap();
        let (said, opened) = shown(&ledger, &proof).await;
        assert_eq!(opened, Some("body"));
        let said = said.join("\n");
        for part in [
            "records a decision `exception.approved`",
            "\"exception\":\"old-disks\"",
            "\"approver\":",
            "\"expires\":",
        ] {
            assert!(said.contains(part), "{part}: {said}");
        }
        // The log itself tells nobody who or what.
        let (said, opened) =
            shown(&ledger, &bench.query.prove_decision("old-disks", None).await.unwrap()).await;
        assert!(opened.is_none() && !said.join(" ").contains("old-disks"));
        // A text that was changed opens nothing.
        let forged = proof.to_text().replace("old-disks", "new-disks");
        let key = VerifierKey::parse(&ledger.reader().await.unwrap().log().signer).unwrap();
        let outcome = verify(forged.as_bytes(), &Policy { logs: vec![key], ..Policy::default() });
        assert!(
            matches!(&outcome, Outcome::Refuted(why) if why.to_string().contains("open no commitment")),
            "{outcome:?}"
        );

        // The same program decides nothing anew; one that goes on for longer does.
        bench.install(&excepted(9.0).control("C-2", &["encrypted"]).files()).await;
        bench.install(&excepted(12.0).files()).await;
        ledger.flush().await.unwrap();
        let log = ledger.reader().await.unwrap();
        let decisions = log.entries(size, 1_000).await.unwrap();
        let decisions = decisions.iter().filter(|one| one.leaf.starts_with(b"{\"body\":")).count();
        assert_eq!(decisions, 1);
        let newest = bench.query.prove_decision("old-disks", Some(Part::By)).await.unwrap();
        let (said, opened) = shown(&ledger, &newest).await;
        assert_eq!(opened, Some("by"));
        let by = said.iter().find_map(|said| said.split("opens to this text: `").nth(1)).unwrap();
        let approver = by.trim_end_matches('`').to_owned();

        // Whoever approved it is erased: nothing can be opened any more, and what was proved stays proved.
        let (db, person) = (bench.query.db(), id("person"));
        let erased = octro_engine::erase(db, &bench.clock, &person, &approver, "asked for").await.unwrap();
        assert_eq!((erased.records, erased.commitments), (2, 6), "{erased:?}");
        ledger.flush().await.unwrap();
        let gone = bench.query.prove_decision("old-disks", None).await.unwrap_err();
        assert!(matches!(gone, EngineError::NotProvable(_)), "{gone}");
        shown(&ledger, &proof).await;
        let audit =
            octro_ledger::audit(bench.query.db(), None, octro_ledger::Parts::ALL, |_| ()).await.unwrap();
        assert!(audit.is_clean(), "{:?}", audit.findings);
        bench.done().await;
    }
}

#[tokio::test]
async fn exports_at_once_do_not_wait_for_each_other_for_ever() {
    for of in TestDb::all().await.unwrap() {
        let mut bench = Bench::on(of).await;
        let folder = tempfile::TempDir::with_prefix("octro-test-decided-").unwrap();
        let ledger = ledger_of(&mut bench, folder.path()).await;
        let size = ledger.reader().await.unwrap().size();
        let mut all = tokio::task::JoinSet::new();
        for n in 0..8 {
            let (db, clock) = (bench.of.db(), bench.clock.clone());
            all.spawn(async move { record_export(&db, &clock, "controls", [n; 32], "a test").await });
        }
        for told in all.join_all().await {
            assert!(told.unwrap(), "a ledger is kept");
        }
        ledger.flush().await.unwrap();
        assert_eq!(ledger.reader().await.unwrap().size(), size + 8);
        drop(ledger);
        bench.of.remove().await.unwrap();
    }
}
