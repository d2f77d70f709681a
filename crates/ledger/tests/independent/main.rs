//! What software that is not ours is given to judge: a log as Octro keeps and publishes it, proofs from it, and of each
//! thing copies that somebody tampered with. `tests/independent` holds the judges; our own verifier is held to the same
//! cases here. With OCTRO_TEST_SAMPLE the cases stay in that folder, one folder a database.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test says what it expects")]

mod cases;
mod logs;
mod ours;
mod proofs;
#[path = "../support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use cases::{Cases, Sample};
use octro_ledger::witness::Witness;
use octro_ledger::{FileKeys, FileSigner, Keys as _};
use octro_model::Span;
use octro_verify::VerifierKey;
use support::{Bench, START};

/// The sizes at which the sample's log was signed; the key changed with the entry before `SIZES[4]`.
const SIZES: [u64; 6] = [1, 256, 257, 1_300, 1_301, 3_000];

/// A stranger's key.
fn stranger() -> ed25519_dalek::SigningKey {
    ed25519_dalek::SigningKey::from_bytes(&[7; 32])
}

/// A witness cosigns the checkpoint of this size, which continues the one of `old` entries, and the database keeps that.
async fn cosign(bench: &Bench, witness: &Witness, old: u64, size: u64) {
    let reader = bench.ledger.reader().await.unwrap();
    let note = reader.checkpoint_from(size).await.unwrap().unwrap().note;
    let proof = reader.consistency(old, size).await.unwrap();
    let body = format!("old {old}\n{}\n{note}", proofs::lines(&proof));
    let line = witness.answer(body.as_bytes()).unwrap();
    let sql = format!(
        "INSERT INTO ledger_cosignatures (log, size, witness, line, at) VALUES (1, {size}, '{}', '{line}', 0)",
        witness.key()
    );
    support::force(&bench.of, &sql).await;
}

/// Keeps a log in a database and publishes it: several rounds, a change of its key, and a witness that cosigns.
async fn kept(bench: &Bench) -> Sample {
    let old = bench.ledger.reader().await.unwrap().log().signer.clone();
    let mut next = 1;
    bench.ledger.publish().await.unwrap();
    for size in &SIZES[1..4] {
        bench.put(next..*size).await;
        next = *size;
        // Each round leaves its partial tiles, so that the checkpoint of an earlier round still finds its own.
        bench.ledger.publish().await.unwrap();
    }
    // The clock goes as the leaves' moments do.
    bench.clock.set(START.plus(Span::from_micros(1_300)));
    bench.ledger.rotate().await.unwrap();
    let chains = proofs::chains(&bench.ledger.reader().await.unwrap().log().signer);
    let last = next..SIZES[5] - 1 - chains.len() as u64;
    bench.put_leaves(&last.map(support::leaf).chain(chains).collect::<Vec<_>>()).await;
    let reader = bench.ledger.reader().await.unwrap();
    assert_eq!(reader.size(), SIZES[5]);
    let keys = vec![old, reader.log().signer.clone()];
    let logs: Vec<VerifierKey> = keys.iter().map(|key| VerifierKey::parse(key).unwrap()).collect();
    let signer = FileKeys::at(bench.folder.path().join("witness.key")).current().unwrap();
    let memory = bench.folder.path().join("witness");
    let witness =
        Witness::open("witness.test/one", signer, Arc::new(bench.clock.clone()), &memory, &logs).unwrap();
    cosign(bench, &witness, 0, SIZES[3]).await;
    cosign(bench, &witness, SIZES[3], SIZES[5]).await;
    bench.ledger.publish().await.unwrap();
    // Whoever reads the whole log sees the leaf that was never appended, and nothing else to find fault with.
    let findings = bench.audit().await.findings;
    assert!(
        !findings.is_empty() && findings.iter().all(|finding| format!("{finding:?}").contains(proofs::CUT)),
        "{findings:?}"
    );
    let mut notes = Vec::new();
    for size in SIZES {
        notes.push((size, reader.checkpoint_from(size).await.unwrap().unwrap().note));
    }
    let entries = reader.entries(0, SIZES[5]).await.unwrap();
    Sample {
        keys,
        witness: witness.key().to_string(),
        notes,
        leaves: entries.into_iter().map(|entry| entry.leaf).collect(),
        published: bench.published().join("1"),
        signer: FileSigner::read(&bench.folder.path().join("ledger.key")).unwrap(),
        reader,
    }
}

async fn judged(bench: &Bench, at: &Path) {
    let sample = kept(bench).await;
    let mut cases = Cases::new(at);
    cases::checkpoints(&mut cases, &sample);
    proofs::inclusions(&mut cases, &sample).await;
    proofs::consistencies(&mut cases, &sample).await;
    let published = logs::logs(&mut cases, &sample);
    proofs::own(&mut cases, &sample, &published).await;
    cases.write();
    for kind in ["checkpoint", "inclusion", "consistency", "log", "proof"] {
        for good in [true, false] {
            let there = cases.all.iter().any(|case| case.kind == kind && case.good == good);
            assert!(there, "no {kind} that is {}", if good { "good" } else { "tampered with" });
        }
    }
    for case in &cases.all {
        let found = ours::judge(at, case);
        assert_eq!(found.is_ok(), case.good, "{}: {}: {found:?}", bench.of.name(), case.name);
    }
}

#[tokio::test]
async fn a_log_and_its_tampered_copies_are_judged_rightly_and_written_for_others_to_judge() {
    let kept = std::env::var_os("OCTRO_TEST_SAMPLE").map(PathBuf::from);
    let own = tempfile::TempDir::with_prefix("octro-test-sample-").unwrap();
    let root = kept.as_deref().unwrap_or(own.path());
    for bench in Bench::all().await {
        let at = root.join(bench.of.name());
        if at.exists() {
            std::fs::remove_dir_all(&at).unwrap();
        }
        judged(&bench, &at).await;
        bench.done().await;
    }
}
