//! The life of a log: how it begins, grows, is read, published and audited, on both databases.

#![expect(clippy::unwrap_used, reason = "a test says what it expects")]

mod support;

use octro_ledger::{LedgerError, outbox, rebuild};
use octro_model::Span;
use octro_store::dialect::Dialect;
use octro_verify::{
    Checkpoint, Leaf, Note, VerifierKey, What, base64_decode, consistent, included, leaf_hash,
    root_of_entries,
};
use support::{Bench, START, files, leaf, transition};

#[tokio::test]
async fn a_log_begins_with_itself() {
    for bench in Bench::all().await {
        let reader = bench.ledger.reader().await.unwrap();
        assert_eq!(reader.size(), 1);
        assert_eq!((reader.log().ord, reader.log().origin.as_str()), (1, "octro.test/log"));
        let first = Leaf::parse(&reader.entry(0).await.unwrap().leaf).unwrap();
        assert!(matches!(first.what, What::Open { origin, after: None } if origin == "octro.test/log"));
        let signed = reader.checkpoint().await.unwrap();
        let key = VerifierKey::parse(&reader.log().signer).unwrap();
        let note = Note::parse(&signed.note).unwrap();
        assert!(note.signed_by(&key).unwrap());
        assert_eq!(Checkpoint::parse(&note.text).unwrap(), signed.checkpoint);
        assert!(matches!(reader.entry(1).await, Err(LedgerError::Beyond { size: 1, .. })));
        // Opened again, it is the same log.
        let again = bench.again(false).await.unwrap();
        assert_eq!(again.reader().await.unwrap().log(), reader.log());
        bench.ledger.publish().await.unwrap();
        bench.clean().await;
        bench.done().await;
    }
}

#[tokio::test]
async fn a_change_and_its_leaf_happen_both_or_neither_and_in_order() {
    for bench in Bench::all().await {
        let mut tx = bench.db().begin().await.unwrap();
        outbox::put(&mut tx, START, &leaf(1)).await.unwrap();
        drop(tx);
        for number in 2..6 {
            let mut tx = bench.db().begin().await.unwrap();
            let hash = outbox::put(&mut tx, START, &leaf(number)).await.unwrap();
            assert_eq!(hash, leaf_hash(&leaf(number).to_bytes()));
            tx.commit().await.unwrap();
        }
        assert_eq!(outbox::waiting(&bench.db()).await.unwrap().leaves, 4);
        bench.ledger.flush().await.unwrap();
        assert_eq!(outbox::waiting(&bench.db()).await.unwrap().leaves, 0);
        assert_eq!(bench.ledger.append(START, &[leaf(6), leaf(7)]).await.unwrap(), [5, 6]);
        let entries = bench.ledger.reader().await.unwrap().entries(1, 100).await.unwrap();
        let expected: Vec<Vec<u8>> = (2..8).map(|number| leaf(number).to_bytes()).collect();
        assert_eq!(entries.iter().map(|entry| entry.leaf.clone()).collect::<Vec<_>>(), expected);
        assert!(entries.iter().all(|entry| entry.at == START && entry.hash == leaf_hash(&entry.leaf)));
        bench.done().await;
    }
}

#[tokio::test]
async fn what_is_no_leaf_stays_outside_and_holds_up_nothing() {
    for bench in Bench::all().await {
        let too_long = Leaf {
            written: 1,
            what: What::Erasure { subject: [0; 32], records: 1, basis: "x".repeat(5_000) },
        };
        let mut tx = bench.db().begin().await.unwrap();
        assert!(
            outbox::put(&mut tx, START, &too_long)
                .await
                .unwrap_err()
                .to_string()
                .contains("cannot be appended")
        );
        let rows = [leaf(1).to_bytes(), b"{\"v\":1}".to_vec(), leaf(2).to_bytes()];
        outbox::put_bytes(&mut tx, START, &rows).await.unwrap();
        tx.commit().await.unwrap();
        bench.ledger.flush().await.unwrap();
        assert_eq!(bench.size().await, 3);
        let waiting = outbox::waiting(&bench.db()).await.unwrap();
        assert_eq!((waiting.leaves, waiting.refused, waiting.oldest), (0, 1, None));
        bench.put(3..4).await;
        assert_eq!(bench.size().await, 4);
        bench.done().await;
    }
}

/// Checks what a reader says of the first `size` entries with the verifier.
async fn reads(bench: &Bench, size: u64) {
    let reader = bench.ledger.reader().await.unwrap();
    let checkpoint = reader.checkpoint_from(size).await.unwrap().unwrap().checkpoint;
    assert_eq!(checkpoint.size, size);
    let mut picks: Vec<u64> = [0, 1, 2, 254, 255, 256, 257, 300, 511, 512, 40_000, 65_534, 65_535, 65_536]
        .into_iter()
        .filter(|index| *index < size)
        .chain([size - 1])
        .collect();
    picks.sort_unstable();
    picks.dedup();
    let entries = reader.entries_at(&picks).await.unwrap();
    let hashes: Vec<_> = entries.iter().map(|entry| (entry.index, leaf_hash(&entry.leaf))).collect();
    let given = reader.hashes_for(size, &picks).await.unwrap();
    assert_eq!(root_of_entries(size, &hashes, &given), Ok(checkpoint.root), "{size}");
    assert_eq!(reader.root(size).await.unwrap(), checkpoint.root);
    for (index, hash) in &hashes {
        let path = reader.path(*index, size).await.unwrap();
        assert!(included(*index, size, hash, &path, &checkpoint.root), "{index} of {size}");
    }
    for old in picks.iter().map(|index| index + 1) {
        let proof = reader.consistency(old, size).await.unwrap();
        let root = reader.root(old).await.unwrap();
        assert!(consistent(old, &root, size, &checkpoint.root, &proof), "{old} to {size}");
    }
    assert!(reader.hashes_for(size, &[3, 3]).await.is_err());
    assert!(reader.hashes_for(reader.size() + 1, &[0]).await.is_err());
    assert!(reader.consistency(2, 1).await.is_err());
    assert!(reader.path(size, size).await.is_err());
}

#[tokio::test]
async fn logs_of_odd_sizes_are_proved_published_audited_and_rebuilt() {
    for bench in Bench::all().await {
        let mut size = 1;
        let sizes = [1, 2, 3, 255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537, 66_100];
        for next in sizes {
            bench.put(size..next).await;
            size = next;
            assert_eq!(bench.size().await, size);
            bench.ledger.publish().await.unwrap();
            reads(&bench, size).await;
            if !(514..66_000).contains(&size) {
                bench.clean().await;
            }
        }
        let audit = bench.clean().await;
        assert_eq!((audit.entries, audit.tiles), (66_100, 258 + 1));
        for size in sizes {
            reads(&bench, size).await;
        }
        // The folder can be lost: it is made anew, byte for byte.
        let before = files(&bench.published());
        std::fs::remove_dir_all(bench.published()).unwrap();
        let written = rebuild(&bench.db(), &bench.published()).await.unwrap();
        assert_eq!(files(&bench.published()), before);
        assert_eq!(written + 1, before.len() as u64);
        std::fs::write(bench.published().join("1/tile/0/007"), "forged").unwrap();
        std::fs::write(bench.published().join("1/more"), "x").unwrap();
        rebuild(&bench.db(), &bench.published()).await.unwrap();
        assert_eq!(files(&bench.published()), before);
        bench.ledger.publish().await.unwrap();
        bench.done().await;
    }
}

#[tokio::test]
async fn a_proof_of_one_entry_in_the_common_form() {
    for bench in Bench::all().await {
        bench.put(1..700).await;
        let reader = bench.ledger.reader().await.unwrap();
        let text = reader.tlog_proof(300).await.unwrap();
        let (head, note) = text.split_once("\n\n").unwrap();
        let mut lines = head.lines();
        assert_eq!(lines.next(), Some("c2sp.org/tlog-proof@v1"));
        assert_eq!(lines.next(), Some("index 300"));
        let path: Vec<[u8; 32]> =
            lines.map(|line| base64_decode(line).unwrap().try_into().unwrap()).collect();
        let note = Note::parse(note).unwrap();
        assert!(note.signed_by(&VerifierKey::parse(&reader.log().signer).unwrap()).unwrap());
        let said = Checkpoint::parse(&note.text).unwrap();
        let hash = reader.entry(300).await.unwrap().hash;
        assert!(included(300, said.size, &hash, &path, &said.root));
        assert!(reader.tlog_proof(700).await.is_err());
        bench.done().await;
    }
}

#[tokio::test]
async fn the_key_changes_and_both_keys_say_so() {
    for bench in Bench::all().await {
        bench.put(1..20).await;
        let old = VerifierKey::parse(&bench.ledger.reader().await.unwrap().log().signer).unwrap();
        let new = bench.ledger.rotate().await.unwrap();
        assert_ne!(old, new);
        bench.put(20..30).await;
        let reader = bench.ledger.reader().await.unwrap();
        assert_eq!(reader.log().signer, new.to_string());
        let by = |note: &str, key: &VerifierKey| Note::parse(note).unwrap().signed_by(key).unwrap();
        let before = reader.checkpoint_from(20).await.unwrap().unwrap().note;
        let at = reader.checkpoint_from(21).await.unwrap().unwrap().note;
        let after = reader.checkpoint().await.unwrap().note;
        assert_eq!((by(&before, &old), by(&before, &new)), (true, false));
        assert_eq!((by(&at, &old), by(&at, &new)), (true, true));
        assert_eq!((by(&after, &old), by(&after, &new)), (false, true));
        bench.ledger.publish().await.unwrap();
        bench.clean().await;
        // Again, and the process ends before the file has its new name.
        bench.ledger.rotate().await.unwrap();
        let key = bench.folder.path().join("ledger.key");
        std::fs::rename(&key, bench.folder.path().join("ledger.key.next")).unwrap();
        let again = bench.again(false).await.unwrap();
        assert!(key.exists());
        again.append(START, &[leaf(99)]).await.unwrap();
        again.publish().await.unwrap();
        bench.clean().await;
        // Without the key in force, nothing is signed.
        std::fs::remove_file(&key).unwrap();
        let error = bench.again(false).await.err().unwrap().to_string();
        assert!(error.contains("is not here"), "{error}");
        bench.done().await;
    }
}

#[tokio::test]
async fn a_clock_that_goes_back_harms_nothing() {
    for bench in Bench::all().await {
        bench.put(1..10).await;
        bench.clock.set(octro_model::Clock::now(&bench.clock).minus(Span::DAY));
        bench.put(10..20).await;
        let again = bench.again(false).await.unwrap();
        again.append(START.minus(Span::DAY), &[leaf(99)]).await.unwrap();
        again.publish().await.unwrap();
        assert_eq!(bench.clean().await.entries, 21);
        bench.done().await;
    }
}

#[tokio::test]
async fn a_chain_that_is_broken_is_found() {
    let one = transition("C-1", 1, None);
    let two = |prev| transition("C-1", 2, Some((prev, octro_verify::Status::Pass)));
    let hash = leaf_hash(&one.to_bytes());
    for bench in Bench::all().await {
        bench.put_leaves(&[one.clone(), two(hash)]).await;
        bench.ledger.publish().await.unwrap();
        bench.clean().await;
        bench.put_leaves(&[transition("C-1", 4, Some((hash, octro_verify::Status::Fail)))]).await;
        bench.put_leaves(&[transition("C-2", 2, Some((hash, octro_verify::Status::Fail)))]).await;
        let findings = bench.audit().await.findings;
        assert_eq!(findings.len(), 3, "{findings:?}");
        assert_eq!(findings[0].says, "entry 3: transition 4 of control `C-1` follows number 2");
        assert_eq!(findings[1].says, "entry 4: it was written before the entry that stands before it");
        assert_eq!(findings[2].says, "entry 4: transition 2 of control `C-2` has none before it");
        bench.done().await;
    }
}

/// A proof shows most transitions by the hash that the next one cites. Whoever cites one that is not in the log is found out
/// by whoever reads the log.
#[tokio::test]
async fn a_transition_that_cites_what_is_not_in_the_log_is_found() {
    let one = transition("C-1", 1, None);
    let hidden = transition("C-1", 2, Some((leaf_hash(&one.to_bytes()), octro_verify::Status::Pass)));
    let shown = transition("C-1", 3, Some((leaf_hash(&hidden.to_bytes()), octro_verify::Status::Fail)));
    for bench in Bench::all().await {
        let other = transition("C-2", 1, None);
        let exchanged =
            transition("C-2", 2, Some((leaf_hash(&hidden.to_bytes()), octro_verify::Status::Pass)));
        bench.put_leaves(&[one.clone(), shown.clone()]).await;
        bench.put_leaves(&[other, exchanged]).await;
        let findings = bench.audit().await.findings;
        let says: Vec<&str> = findings.iter().map(|one| one.says.as_str()).collect();
        assert!(says.contains(&"entry 2: transition 3 of control `C-1` follows number 1"), "{says:?}");
        let exchanged = "entry 4: transition 2 of control `C-2` does not cite the one before";
        assert!(says.contains(&exchanged), "{says:?}");
        bench.done().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_goes_on_while_it_is_audited_is_no_fault() {
    for bench in Bench::all().await {
        bench.put(1..300).await;
        bench.ledger.publish().await.unwrap();
        let ledger = bench.ledger.clone();
        let going_on = tokio::spawn(async move {
            for round in 0..60 {
                let leaves: Vec<_> = (0..37).map(|number| leaf(1_000 + round * 37 + number)).collect();
                ledger.append(START, &leaves).await.unwrap();
                ledger.publish().await.unwrap();
            }
        });
        let mut audits = 0;
        while !going_on.is_finished() {
            bench.clean().await;
            audits += 1;
        }
        going_on.await.unwrap();
        assert!(audits > 1, "{audits}");
        assert_eq!(bench.clean().await.entries, 300 + 60 * 37);
        bench.done().await;
    }
}

#[tokio::test]
async fn many_callers_at_once_learn_their_own_places() {
    for bench in Bench::all().await {
        let mut callers = Vec::new();
        for number in 0..300 {
            let ledger = bench.ledger.clone();
            callers.push(tokio::spawn(async move {
                (number, ledger.append(START, &[leaf(number)]).await.unwrap())
            }));
        }
        for caller in callers {
            let (number, places) = caller.await.unwrap();
            let entry = bench.ledger.reader().await.unwrap().entry(places[0]).await.unwrap();
            assert_eq!(entry.leaf, leaf(number).to_bytes());
        }
        assert_eq!(bench.size().await, 301);
        let checkpoints = "SELECT COUNT(*) FROM ledger_checkpoints";
        let count: i64 = bench.db().fetch_one(checkpoints, &[]).await.unwrap().unwrap().get(0).unwrap();
        assert!(count < 200, "{count} transactions for 300 callers");
        bench.done().await;
    }
}

#[tokio::test]
async fn the_tables_refuse_to_be_changed() {
    for bench in Bench::all().await {
        bench.put(1..300).await;
        let line =
            "INSERT INTO ledger_cosignatures (log, size, witness, line, at) VALUES (1, 1, 'w', 'l', 0)";
        support::force(&bench.of, line).await;
        let mut all = vec![
            "UPDATE ledger_entries SET at = 0",
            "DELETE FROM ledger_entries WHERE seq = 5",
            "UPDATE ledger_tiles SET hashes = root",
            "DELETE FROM ledger_tiles",
            "UPDATE ledger_checkpoints SET at = 0",
            "DELETE FROM ledger_checkpoints WHERE size = 1",
            "UPDATE ledger_cosignatures SET line = ''",
            "DELETE FROM ledger_cosignatures",
            "INSERT INTO ledger_entries (seq, at, hash, leaf) SELECT seq, at, hash, leaf FROM ledger_entries WHERE seq = 3 \
             ON CONFLICT (seq) DO UPDATE SET at = 0",
        ];
        match bench.db().dialect() {
            Dialect::Sqlite => all.push(
                "INSERT OR REPLACE INTO ledger_entries (seq, at, hash, leaf) SELECT 3, at, hash, leaf FROM ledger_entries WHERE seq = 4",
            ),
            Dialect::Postgres => all.extend([
                "TRUNCATE ledger_entries",
                "TRUNCATE ledger_tiles",
                "TRUNCATE ledger_checkpoints",
                "TRUNCATE ledger_cosignatures",
            ]),
        }
        for sql in all {
            let mut tx = bench.db().begin().await.unwrap();
            let error = tx.execute(sql, &[]).await.unwrap_err().to_string();
            assert!(error.contains("the ledger is append-only"), "{}: {sql}: {error}", bench.of.name());
        }
        bench.ledger.publish().await.unwrap();
        // All but the cosignature that nobody made, which is found.
        let audit = bench.audit().await;
        assert!(
            audit.wrong == 1 && audit.findings[0].says.contains("cosignature by w"),
            "{:?}",
            audit.findings
        );
        bench.done().await;
    }
}

#[tokio::test]
async fn the_log_is_read_as_it_was() {
    for bench in Bench::all().await {
        let hour = |hours: i64| START.plus(Span::from_secs(hours * 3_600));
        for (hours, number) in [(1, 1), (3, 2)] {
            bench.clock.set(hour(hours));
            bench.ledger.append(hour(hours), &[leaf(number)]).await.unwrap();
        }
        let reader = bench.ledger.reader().await.unwrap();
        let first = reader.entry(0).await.unwrap().at;
        assert_eq!(reader.size_at(first.minus(Span::from_micros(1))).await.unwrap(), 0);
        for (hours, size) in [(0, 1), (1, 2), (2, 2), (3, 3), (9, 3)] {
            assert_eq!(reader.size_at(hour(hours)).await.unwrap(), size, "{}, {hours} h", bench.of.name());
            let signed = reader.checkpoint_at(hour(hours)).await.unwrap().unwrap();
            assert_eq!(signed.checkpoint.size, size);
            assert!(signed.at <= hour(hours));
        }
        assert_eq!(reader.checkpoint_at(first.minus(Span::DAY)).await.unwrap(), None);
        bench.done().await;
    }
}
