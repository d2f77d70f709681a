//! Proofs rest on a checkpoint that witnesses cosigned, if there is one.

#![expect(clippy::unwrap_used, reason = "a test says what it expects")]

use std::sync::Arc;

use octro_engine::Query;
use octro_ledger::witness::Witness;
use octro_ledger::{FileKeys, Keys as _, Ledger, Outsiders, Settings, Url, WitnessAt};
use octro_model::{ManualClock, Timestamp};
use octro_testkit::TestDb;
use octro_verify::{Checkpoint, Leaf, Note, Outcome, Policy, Proof, VerifierKey, What};

const START: Timestamp = Timestamp::from_secs(1_800_000_000);

fn size(proof: &Proof) -> u64 {
    Checkpoint::parse(&Note::parse(&proof.checkpoint).unwrap().text).unwrap().size
}

async fn append(ledger: &Ledger, what: &str) {
    let what = What::Export { what: what.to_owned(), digest: [7; 32], by: None };
    ledger.append(START, &[Leaf { written: 1_800_000_000_000_000, what }]).await.unwrap();
}

#[tokio::test]
async fn a_proof_rests_on_a_checkpoint_that_enough_cosigned() {
    for of in TestDb::all().await.unwrap() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(START));
        let key = folder.path().join("ledger.key");
        let open = async |outsiders: Outsiders| {
            let settings =
                Settings { origin: Some("octro.test/log".to_owned()), outsiders, ..Settings::at(&key) };
            Ledger::open(of.db(), clock.clone(), settings).await.unwrap()
        };
        let ledger = open(Outsiders::default()).await;
        let log = VerifierKey::parse(&ledger.reader().await.unwrap().log().signer).unwrap();
        let signer = FileKeys::at(folder.path().join("witness.key")).current().unwrap();
        let dir = folder.path().join("witness");
        let logs = [log.clone()];
        let witness = Arc::new(Witness::open("w.example/1", signer, clock.clone(), &dir, &logs).unwrap());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        tokio::spawn(witness.clone().serve(listener, std::future::pending()));
        let query = Query::new(of.db(), clock.clone());
        append(&ledger, "one").await;
        let proof = query.prove_entry(0).await.unwrap();
        assert_eq!(size(&proof), 1, "nobody cosigned, so the smallest");

        let at = WitnessAt { key: witness.key().clone(), url };
        let ledger = open(Outsiders { witnesses: vec![at.clone()], required: 1, stamps: None }).await;
        append(&ledger, "two").await;
        ledger.publish().await.unwrap();
        ledger.ask_outsiders().await.unwrap();
        append(&ledger, "three").await;
        let policy = Policy { logs: vec![log], witnesses: vec![at.key], required: 1, now: None };
        let proof = query.prove_entry(0).await.unwrap();
        assert_eq!(size(&proof), 3, "two are smaller, and nobody cosigned them");
        let Outcome::Proved(report) = octro_verify::verify(proof.to_text().as_bytes(), &policy) else {
            panic!("{}", proof.to_text());
        };
        assert_eq!(report.witnesses.len(), 1);
        // What is newer than all that is cosigned rests on what there is.
        assert_eq!(size(&query.prove_entry(3).await.unwrap()), 4);
        drop(ledger);
        of.remove().await.unwrap();
    }
}
