//! The log's side: checkpoints that are submitted to witnesses, what is stored and published of it, and what shows when
//! witnesses do not answer, or saw another history.

#![expect(clippy::unwrap_used, reason = "a test says what it expects")]

mod support;

use std::sync::Arc;

use octro_ledger::witness::Witness;
use octro_ledger::{Conflict, FileKeys, Keys as _, Ledger, Outsiders, Settings, Url, WitnessAt, Witnessed};
use octro_model::{ManualClock, Span};
use octro_testkit::TestDb;
use octro_verify::{Checkpoint, Note, VerifierKey};
use support::{Bench, START, settings};
use tempfile::TempDir;

/// A witness that answers over HTTP.
struct Running {
    at: WitnessAt,
    witness: Arc<Witness>,
    clock: ManualClock,
    _folder: TempDir,
}

async fn running(name: &str, logs: &[VerifierKey]) -> Running {
    let folder = TempDir::new().unwrap();
    let signer = FileKeys::at(folder.path().join("key")).current().unwrap();
    let clock = ManualClock::at(START);
    let dir = folder.path().join("state");
    let witness = Arc::new(Witness::open(name, signer, Arc::new(clock.clone()), &dir, logs).unwrap());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    tokio::spawn(witness.clone().serve(listener, std::future::pending()));
    Running { at: WitnessAt { key: witness.key().clone(), url }, witness, clock, _folder: folder }
}

/// The bench with its ledger opened anew, with these witnesses.
async fn witnessed(mut bench: Bench, witnesses: Vec<WitnessAt>, required: usize) -> Bench {
    bench.ledger = open(&bench, witnesses, required).await;
    bench
}

async fn open(bench: &Bench, witnesses: Vec<WitnessAt>, required: usize) -> Ledger {
    let outsiders = Outsiders { witnesses, required, stamps: None };
    let settings = Settings { outsiders, ..settings(bench.folder.path()) };
    Ledger::open(bench.db(), Arc::new(bench.clock.clone()), settings).await.unwrap()
}

fn health(bench: &Bench) -> Witnessed {
    bench.ledger.health().borrow().witnessed.clone().unwrap()
}

fn published(bench: &Bench) -> Note {
    Note::parse(&std::fs::read_to_string(bench.published().join("1/checkpoint")).unwrap()).unwrap()
}

#[tokio::test]
async fn what_is_published_is_cosigned_and_published_so() {
    for bench in Bench::all().await {
        let keys = [bench.key().await];
        let (one, two) = (running("w.example/1", &keys).await, running("w.example/2", &keys).await);
        let bench = witnessed(bench, vec![one.at.clone(), two.at.clone()], 2).await;
        bench.put(1..300).await;
        bench.ledger.publish().await.unwrap();
        bench.ledger.ask_outsiders().await.unwrap();
        let says = health(&bench);
        assert_eq!(says.to_string(), "witnessed by 2 of 2, wanted 2");
        assert!(says.is_well() && bench.ledger.health().borrow().is_well());
        let note = published(&bench);
        for key in [&one.at.key, &two.at.key] {
            assert_eq!(note.cosigned_by(key).unwrap().unwrap().time, 1_800_000_000);
        }
        // It grows: the published one is cosigned, also if the log is ahead of it.
        bench.put(300..400).await;
        bench.ledger.publish().await.unwrap();
        bench.put(400..410).await;
        bench.ledger.ask_outsiders().await.unwrap();
        let note = published(&bench);
        assert_eq!(Checkpoint::parse(&note.text).unwrap().size, 400);
        assert!(note.cosigned_by(&two.at.key).unwrap().is_some());
        assert_eq!(one.witness.newest("octro.test/log").unwrap().size, 400);
        // A second process, and a witness that knows more than the database says: all is well.
        bench.ledger.publish().await.unwrap();
        let again = bench.again(false).await.unwrap();
        again.publish().await.unwrap();
        bench.ledger.ask_outsiders().await.unwrap();
        bench.ledger.ask_outsiders().await.unwrap();
        let reader = bench.ledger.reader().await.unwrap();
        assert_eq!(reader.cosigned_from(1, 2).await.unwrap().unwrap().checkpoint.size, 300);
        assert_eq!(reader.cosigned_from(301, 1).await.unwrap().unwrap().checkpoint.size, 400);
        assert_eq!(reader.cosigned_from(401, 2).await.unwrap().unwrap().checkpoint.size, 410);
        assert_eq!(reader.cosigned_from(1, 3).await.unwrap(), None);
        assert_eq!(reader.cosigned_from(411, 1).await.unwrap(), None);
        assert_eq!(again.reader().await.unwrap().required().await.unwrap(), 0, "as the last process says");
        bench.clean().await;
        // A cosignature that somebody wrote into the database is found.
        let mut tx = bench.db().begin().await.unwrap();
        let forged = "INSERT INTO ledger_cosignatures (log, size, witness, line, at) \
             SELECT log, 310, witness, line, at FROM ledger_cosignatures WHERE size = 400";
        tx.execute(forged, &[]).await.unwrap();
        tx.commit().await.unwrap();
        let audit = bench.audit().await;
        assert_eq!(audit.wrong, 2, "{:?}", audit.findings);
        assert!(
            audit.findings[0].says.contains("310: the cosignature by w.example/1"),
            "{:?}",
            audit.findings
        );
        drop(again);
        bench.done().await;
    }
}

#[tokio::test]
async fn witnesses_that_do_not_answer_keep_nothing_waiting() {
    let bench = Bench::on(TestDb::sqlite().await.unwrap()).await;
    let keys = [bench.key().await];
    let good = running("w.example/1", &keys).await;
    let stranger = running("w.example/2", &[VerifierKey::log("octro.test/x", keys[0].key).unwrap()]).await;
    let slow = running("w.example/3", &keys).await;
    slow.clock.advance(Span::HOUR);
    let gone = WitnessAt {
        url: Url::parse("http://127.0.0.1:1").unwrap(),
        ..running("w.example/4", &keys).await.at
    };
    let liar = WitnessAt { key: stranger.at.key.clone(), url: good.at.url.clone() };
    let all = vec![good.at.clone(), stranger.at, slow.at, gone, liar];
    let bench = witnessed(bench, all, 2).await;
    bench.put(1..20).await;
    bench.ledger.publish().await.unwrap();
    bench.ledger.ask_outsiders().await.unwrap();
    let says = health(&bench);
    assert_eq!(says.to_string(), "witnessed by 1 of 5, wanted 2");
    assert!(!says.is_well() && says.conflicts.is_empty());
    let trouble: String = says.trouble.iter().map(|(name, says)| format!("{name}: {says}\n")).collect();
    for words in
        ["does not know this log", "differ by 3600 s", "efused", "without a cosignature by w.example/2"]
    {
        assert!(trouble.contains(words), "{words}: {trouble}");
    }
    assert!(published(&bench).cosigned_by(&good.at.key).unwrap().is_some());
    // The log goes on; those that did not answer are left alone for a while.
    bench.put(20..30).await;
    bench.ledger.publish().await.unwrap();
    bench.ledger.ask_outsiders().await.unwrap();
    assert_eq!((health(&bench).size, health(&bench).by), (30, 1));
    bench.clean().await;
    bench.done().await;
}

#[tokio::test]
async fn a_log_that_does_not_grow_is_cosigned_anew_once_an_hour() {
    for bench in Bench::all().await {
        let keys = [bench.key().await];
        let witness = running("w.example/1", &keys).await;
        let mut bench = witnessed(bench, vec![witness.at.clone()], 1).await;
        bench.put(1..300).await;
        bench.ledger.publish().await.unwrap();
        bench.ledger.ask_outsiders().await.unwrap();
        let time = |bench: &Bench| published(bench).cosigned_by(&witness.at.key).unwrap().unwrap().time;
        let first = time(&bench);
        let later = |span: Span| {
            bench.clock.advance(span);
            witness.clock.advance(span);
        };
        later(Span::from_secs(59 * 60));
        bench.ledger.ask_outsiders().await.unwrap();
        assert_eq!(time(&bench), first, "not yet");
        later(Span::from_secs(2 * 60));
        bench.ledger.ask_outsiders().await.unwrap();
        assert_eq!(time(&bench), first + 61 * 60);
        assert_eq!(published(&bench).signatures.len(), 2, "the log's, and the newest of the witness");
        // Whoever proves something has the first: it says the most about when it was written.
        let reader = bench.ledger.reader().await.unwrap();
        let note = Note::parse(&reader.checkpoint().await.unwrap().note).unwrap();
        assert_eq!(note.cosigned_by(&witness.at.key).unwrap().unwrap().time, first);
        bench.clean().await;
        // A process that begins anew goes on from there.
        bench.ledger = open(&bench, vec![witness.at.clone()], 1).await;
        bench.ledger.publish().await.unwrap();
        bench.ledger.ask_outsiders().await.unwrap();
        assert_eq!(time(&bench), first + 61 * 60);
        bench.clock.advance(Span::HOUR);
        witness.clock.advance(Span::HOUR);
        bench.ledger.ask_outsiders().await.unwrap();
        assert_eq!(time(&bench), first + 121 * 60);
        assert!(health(&bench).is_well() && health(&bench).trouble.is_empty());
        // One that does not answer has cosigned it nevertheless, but not lately.
        let url = Url::parse("http://127.0.0.1:1").unwrap();
        bench.ledger = open(&bench, vec![WitnessAt { url, ..witness.at.clone() }], 1).await;
        bench.clock.advance(Span::HOUR);
        bench.ledger.publish().await.unwrap();
        bench.ledger.ask_outsiders().await.unwrap();
        let says = health(&bench);
        assert!(says.is_well() && says.trouble[0].1.contains("efused"), "{says:?}");
        bench.done().await;
    }
}

#[tokio::test]
async fn a_fork_is_found_out_by_the_log_and_by_its_witnesses() {
    for bench in Bench::all().await {
        let fork = bench.fork(TestDb::sqlite().await.unwrap()).await;
        let keys = [bench.key().await];
        let witness = running("w.example/1", &keys).await;
        let bench = witnessed(bench, vec![witness.at.clone()], 1).await;
        bench.put(1..20).await;
        bench.ledger.publish().await.unwrap();
        bench.ledger.ask_outsiders().await.unwrap();
        assert!(health(&bench).is_well());
        // The fork is smaller: its witness has seen more than it has. Then of the same size, then larger.
        let mut known = Vec::new();
        for (from, to, words) in [
            (500, 505, "cosigned 20 entries of this log, which has 6"),
            (505, 519, "another history of 20 entries"),
            (519, 540, "does not find that the 41 entries continue the 20"),
        ] {
            // As after a restart: a witness that saw another history is left alone for a minute otherwise.
            let ledger = open(&fork, vec![witness.at.clone()], 1).await;
            ledger.append(START, &(from..to).map(support::leaf).collect::<Vec<_>>()).await.unwrap();
            ledger.publish().await.unwrap();
            ledger.ask_outsiders().await.unwrap();
            let says = ledger.health().borrow().witnessed.clone().unwrap();
            assert!(!says.is_well() && says.by == 0, "{says:?}");
            let (name, conflict) = &says.conflicts[0];
            assert!(name == "w.example/1" && conflict.contains(words), "{conflict}");
            assert!(conflict.contains(&published(&bench).text), "the other note is shown: {conflict}");
            known = Conflict::all(&fork.db()).await.unwrap();
            assert_eq!(known.len(), 1);
        }
        assert!(known[0].says.contains("cosigned 20 entries") && known[0].since == START);
        // The right log goes on, and nothing is held against it.
        bench.put(20..30).await;
        bench.ledger.publish().await.unwrap();
        bench.ledger.ask_outsiders().await.unwrap();
        assert!(health(&bench).is_well());
        assert!(Conflict::all(&bench.db()).await.unwrap().is_empty());
        bench.done().await;
        fork.done().await;
    }
}
