//! A witness: what it cosigns, what it refuses and how, what it remembers, and what it finds out about a forked log.

#![expect(clippy::unwrap_used, reason = "a test says what it expects")]

mod support;

use std::path::Path;
use std::sync::Arc;

use octro_ledger::witness::{Followed, Place, Refusal, Witness, compare};
use octro_ledger::{FileKeys, Keys as _};
use octro_model::{ManualClock, Span};
use octro_testkit::TestDb;
use octro_verify::{Note, VerifierKey, base64_encode};
use support::http::{ask, serve_files};
use support::{Bench, START};
use tempfile::TempDir;

fn witness(dir: &Path, logs: &[VerifierKey]) -> Result<Witness, octro_ledger::LedgerError> {
    let signer = FileKeys::at(dir.join("witness.key")).current().unwrap();
    Witness::open("w.example/1", signer, Arc::new(ManualClock::at(START)), &dir.join("state"), logs)
}

async fn bench() -> Bench {
    Bench::on(TestDb::sqlite().await.unwrap()).await
}

/// The body that submits the newest checkpoint.
async fn body(bench: &Bench, old: u64) -> Vec<u8> {
    let reader = bench.ledger.reader().await.unwrap();
    let signed = reader.checkpoint().await.unwrap();
    let proof = reader.consistency(old, signed.checkpoint.size).await.unwrap();
    let lines: String = proof.iter().map(|hash| format!("{}\n", base64_encode(hash))).collect();
    format!("old {old}\n{lines}\n{}", signed.note).into_bytes()
}

#[tokio::test]
async fn it_answers_as_the_specification_says() {
    let (bench, folder) = (bench().await, TempDir::new().unwrap());
    bench.put(1..10).await;
    let key = bench.key().await;
    let witness = Arc::new(witness(folder.path(), std::slice::from_ref(&key)).unwrap());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (end, ended) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(witness.clone().serve(listener, async move { drop(ended.await) }));
    let post = async |body: Vec<u8>| ask(&address, "POST", "/add-checkpoint", &body).await;
    let get = format!("/{}/checkpoint", octro_verify::hex(&octro_verify::sha256(b"octro.test/log")));
    assert_eq!(ask(&address, "GET", &get, b"").await.0, 404);

    // The first time.
    let (status, _, line) = post(body(&bench, 0).await).await;
    assert_eq!(status, 200, "{line}");
    let note = format!("{}{line}", bench.note().await);
    let cosigned = Note::parse(&note).unwrap().cosigned_by(witness.key()).unwrap().unwrap();
    assert_eq!(cosigned.time, 1_800_000_000);
    assert_eq!(ask(&address, "GET", &get, b"").await.2, note);
    // Again: the time is said anew.
    assert_eq!(post(body(&bench, 10).await).await.0, 200);
    // It grows; whoever is wrong about the old size is told.
    bench.put(10..30).await;
    let (status, head, size) = post(body(&bench, 7).await).await;
    assert_eq!((status, size.as_str()), (409, "10\n"));
    assert!(head.contains("content-type: text/x.tlog.size"), "{head}");
    let good = body(&bench, 10).await;
    let text = String::from_utf8(good.clone()).unwrap();
    let second = text.lines().nth(1).unwrap();
    for (wrong, status) in [
        (text.replacen(second, &base64_encode(&[3; 32]), 1), 422),
        (text.replacen(&format!("{second}\n"), "", 1), 422),
        (text.replacen("old 10", "old 31", 1), 400),
        (text.replacen("old 10", "older", 1), 400),
        (text.replacen("old 10", "old 0", 1), 409),
        (text.replace("octro.test/log", "octro.test/cat"), 404),
        (text.replacen("\n30\n", "\n31\n", 1), 403),
        (text.replace("\u{2014} octro.test/log", "\u{2014} octro.test/cat"), 403),
        ("a".repeat(200_000), 413),
        (String::new(), 400),
    ] {
        let (found, _, says) = post(wrong.clone().into_bytes()).await;
        assert_eq!(found, status, "{wrong:.80}: {says}");
    }
    assert_eq!(ask(&address, "GET", "/add-checkpoint", b"").await.0, 405);
    assert_eq!(ask(&address, "PUT", "/x", b"").await.0, 405);
    assert_eq!(ask(&address, "GET", "/../../etc/passwd", b"").await.0, 404);
    assert_eq!(witness.newest("octro.test/log").unwrap().size, 10);
    assert_eq!(post(good).await.0, 200);
    assert_eq!(witness.newest("octro.test/log").unwrap().size, 30);

    // Another history of the same size and key, and one that is longer.
    let fork = bench.fork(TestDb::sqlite().await.unwrap()).await;
    fork.put(100..129).await;
    let (status, _, size) = post(body(&fork, 30).await).await;
    assert_eq!((status, size.as_str()), (409, "30\n"));
    let kept = folder.path().join("state").join(get.split('/').nth(1).unwrap()).join("refused-30");
    assert_eq!(std::fs::read_to_string(kept).unwrap(), fork.note().await);
    fork.put(129..140).await;
    assert_eq!(post(body(&fork, 30).await).await.0, 422);
    assert_eq!(witness.newest("octro.test/log").unwrap().size, 30);
    drop(end);
    serving.await.unwrap();
    fork.done().await;
    bench.done().await;
}

#[tokio::test]
async fn it_gives_no_cosignature_that_it_could_forget() {
    let (bench, folder) = (bench().await, TempDir::new().unwrap());
    bench.put(1..10).await;
    let keys = [bench.key().await];
    let first = witness(folder.path(), &keys).unwrap();
    first.answer(&body(&bench, 0).await).unwrap();
    let refused = witness(folder.path(), &keys).err().unwrap().to_string();
    assert!(refused.contains("a witness that runs"), "{refused}");
    drop(first);
    // After a restart it knows what it cosigned.
    let again = witness(folder.path(), &keys).unwrap();
    assert_eq!(again.newest("octro.test/log").unwrap().size, 10);
    bench.put(10..20).await;
    let next = body(&bench, 10).await;
    // Where nothing can be written, nothing is given, and nothing is believed.
    let dir = std::fs::read_dir(folder.path().join("state")).unwrap().next().unwrap().unwrap().path();
    std::fs::create_dir(dir.join("checkpoint.new")).unwrap();
    assert!(matches!(again.answer(&next), Err(Refusal::Broken(_))));
    assert_eq!(again.newest("octro.test/log").unwrap().size, 10);
    std::fs::remove_dir(dir.join("checkpoint.new")).unwrap();
    again.answer(&next).unwrap();
    drop(again);
    // A memory that is not its own is not taken for it.
    let path = dir.join("checkpoint");
    let note = std::fs::read_to_string(&path).unwrap();
    for wrong in [note.replacen("\n20\n", "\n19\n", 1), bench.note().await, String::new()] {
        std::fs::write(&path, wrong).unwrap();
        let refused = witness(folder.path(), &keys).err().unwrap().to_string();
        assert!(refused.contains("vouches for nothing"), "{refused}");
    }
    let own = FileKeys::at(folder.path().join("witness.key")).current().unwrap().public();
    let own = VerifierKey::log("octro.test/other", own).unwrap();
    assert!(witness(folder.path(), &[own]).err().unwrap().to_string().contains("expected a log's"));
    bench.done().await;
}

#[tokio::test]
async fn of_many_at_once_one_goes_first() {
    let (bench, folder) = (bench().await, TempDir::new().unwrap());
    bench.put(1..10).await;
    let witness = Arc::new(witness(folder.path(), &[bench.key().await]).unwrap());
    witness.answer(&body(&bench, 0).await).unwrap();
    let mut bodies = Vec::new();
    for n in 10..30 {
        bench.put(n..n + 1).await;
        bodies.push(body(&bench, 10).await);
    }
    let all: Vec<_> = bodies
        .into_iter()
        .map(|body| {
            let witness = witness.clone();
            std::thread::spawn(move || witness.answer(&body))
        })
        .collect();
    let all: Vec<_> = all.into_iter().map(|one| one.join().unwrap()).collect();
    assert_eq!(all.iter().filter(|one| one.is_ok()).count(), 1);
    assert_eq!(all.iter().filter(|one| matches!(one, Err(Refusal::Size { .. }))).count(), 19);
    bench.done().await;
}

#[tokio::test]
async fn it_follows_what_is_published() {
    let (bench, folder) = (bench().await, TempDir::new().unwrap());
    let witness = Arc::new(witness(folder.path(), &[bench.key().await]).unwrap());
    let log = bench.published().join("1");
    let files = Place::parse(log.to_str().unwrap()).unwrap();
    let served = Place::parse(&format!("http://{}/checkpoint", serve_files(log.clone()).await)).unwrap();
    let early = witness.follow("octro.test/log", &files).await.unwrap_err().to_string();
    assert!(early.contains("holds no checkpoint"), "{early}");
    let mut size = 1;
    for more in [8, 200, 60, 500, 70_000] {
        bench.put(size..size + more).await;
        size += more;
        bench.ledger.publish().await.unwrap();
        let place = if more % 100 == 0 { &served } else { &files };
        assert_eq!(witness.follow("octro.test/log", place).await.unwrap(), Followed::Cosigned(size));
        assert_eq!(witness.follow("octro.test/log", place).await.unwrap(), Followed::Unchanged(size));
    }
    // A tile that was forged leads nowhere, and so does a folder that is behind.
    bench.put(size..size + 300).await;
    bench.ledger.publish().await.unwrap();
    let tile = log.join("tile/0/276");
    let bytes = std::fs::read(&tile).unwrap();
    std::fs::write(&tile, vec![7; bytes.len()]).unwrap();
    let refusal = witness.follow("octro.test/log", &files).await.unwrap_err();
    assert!(matches!(refusal, Refusal::Proof { .. }), "{refusal}");
    std::fs::write(&tile, bytes).unwrap();
    assert!(matches!(witness.follow("octro.test/log", &served).await, Ok(Followed::Cosigned(_))));
    let fork = bench.fork(TestDb::sqlite().await.unwrap()).await;
    fork.put(1..50).await;
    fork.ledger.publish().await.unwrap();
    let place = Place::parse(fork.published().join("1").to_str().unwrap()).unwrap();
    let refusal = witness.follow("octro.test/log", &place).await.unwrap_err().to_string();
    assert!(refusal.contains("gone back to 50 entries"), "{refusal}");
    assert!(
        witness
            .follow("octro.test/other", &files)
            .await
            .unwrap_err()
            .to_string()
            .contains("expected `octro.test/other`")
    );
    fork.done().await;
    bench.done().await;
}

#[tokio::test]
async fn tiles_of_a_hostile_log_lead_nowhere() {
    let (bench, folder) = (bench().await, TempDir::new().unwrap());
    let witness = Arc::new(witness(folder.path(), &[bench.key().await]).unwrap());
    let log = bench.published().join("1");
    let place = Place::parse(log.to_str().unwrap()).unwrap();
    bench.put(1..150).await;
    bench.ledger.publish().await.unwrap();
    assert_eq!(witness.follow("octro.test/log", &place).await.unwrap(), Followed::Cosigned(150));
    bench.put(150..300).await;
    bench.ledger.publish().await.unwrap();
    // The one from which most of the proof is made.
    let tile = log.join("tile/0/000");
    let good = std::fs::read(&tile).unwrap();
    let mut chance = octro_testkit::Chance::new(4_004);
    for round in 0..300 {
        let mut bad = good.clone();
        let words = match round % 5 {
            0 => {
                let at = chance.below(bad.len() as u64) as usize;
                bad[at] ^= 1 << chance.below(8);
                "do not lead"
            }
            1 => {
                bad.truncate(chance.below(bad.len() as u64) as usize);
                "does not hold 256 hashes"
            }
            2 => {
                bad.extend(vec![7; 1 + chance.below(100) as usize]);
                "more than 8192 bytes"
            }
            3 => {
                let (one, other) = (chance.below(255) as usize, 255);
                for byte in 0..32 {
                    bad.swap(one * 32 + byte, other * 32 + byte);
                }
                "do not lead"
            }
            _ => {
                bad.iter_mut().for_each(|byte| *byte = chance.below(256) as u8);
                "do not lead"
            }
        };
        std::fs::write(&tile, &bad).unwrap();
        let refusal = witness.follow("octro.test/log", &place).await.unwrap_err();
        let is_proof = matches!(refusal, Refusal::Proof { old: 150, new: 300 });
        assert!(is_proof == (words == "do not lead"), "{round}: {refusal}");
        assert!(is_proof || refusal.to_string().contains(words), "{round}: {refusal}");
        assert_eq!(witness.newest("octro.test/log").unwrap().size, 150);
    }
    std::fs::remove_file(&tile).unwrap();
    let refusal = witness.follow("octro.test/log", &place).await.unwrap_err().to_string();
    assert!(refusal.contains("holds no tile/0/000"), "{refusal}");
    std::fs::write(&tile, &good).unwrap();
    assert_eq!(witness.follow("octro.test/log", &place).await.unwrap(), Followed::Cosigned(300));
    bench.done().await;
}

#[tokio::test]
async fn a_split_view_shows_when_witnesses_are_compared() {
    let bench = bench().await;
    let fork = bench.fork(TestDb::sqlite().await.unwrap()).await;
    bench.clock.advance(Span::from_secs(1));
    let keys = [bench.key().await];
    bench.put(1..20).await;
    fork.put(1..15).await;
    fork.put(500..505).await;
    for one in [&bench, &fork] {
        one.ledger.publish().await.unwrap();
    }
    let folders = [TempDir::new().unwrap(), TempDir::new().unwrap()];
    let mut places = Vec::new();
    for (folder, of) in folders.iter().zip([&bench, &fork]) {
        let witness = Arc::new(witness(folder.path(), &keys).unwrap());
        let place = Place::parse(of.published().join("1").to_str().unwrap()).unwrap();
        assert_eq!(witness.follow("octro.test/log", &place).await.unwrap(), Followed::Cosigned(20));
        let name = octro_verify::hex(&octro_verify::sha256(b"octro.test/log"));
        places.push(
            Place::parse(folder.path().join("state").join(name).join("checkpoint").to_str().unwrap())
                .unwrap(),
        );
        places.push(place);
    }
    // Each alone with its own witness is one history; the two witnesses are not, whatever size the other has by now.
    for one in [&places[..2], &places[2..]] {
        let compared = compare(one, &keys).await.unwrap();
        assert!(compared.splits.is_empty() && compared.unknown.is_empty(), "{compared:?}");
        assert_eq!(compared.shown.len(), 2);
    }
    let compared = compare(&[places[0].clone(), places[2].clone()], &keys).await.unwrap();
    assert_eq!(compared.splits.len(), 1);
    let (a, b, how) = &compared.splits[0];
    assert!(how.contains("two histories of 20 entries") && a.note != b.note, "{how}");
    bench.put(20..400).await;
    bench.ledger.publish().await.unwrap();
    let compared = compare(&places, &keys).await.unwrap();
    assert!(compared.splits.iter().any(|(_, _, how)| how.contains("do not begin with")), "{compared:?}");
    // Without tiles, sizes that differ say nothing; a place that does not answer, too.
    let note = bench.folder.path().join("note");
    std::fs::write(&note, bench.note().await).unwrap();
    let alone = Place::parse(note.to_str().unwrap()).unwrap();
    let compared = compare(&[places[0].clone(), alone.clone()], &keys).await.unwrap();
    assert!(compared.splits.is_empty() && compared.unknown.len() == 1, "{compared:?}");
    let compared = compare(&[places[0].clone(), alone.clone(), places[1].clone()], &keys).await.unwrap();
    assert!(compared.splits.is_empty() && compared.unknown.is_empty(), "{compared:?}");
    let other = [VerifierKey::log("octro.test/log", *b"\x3d\x40\x17\xc3\xe8\x43\x89\x5a\x92\xb7\x0a\xa7\x4d\x1b\x7e\xbc\x9c\x98\x2c\xcf\x2e\xc4\x96\x8c\xc0\xcd\x55\xf1\x2a\xf4\x66\x0c").unwrap()];
    let compared = compare(&[alone], &other).await.unwrap();
    assert!(compared.unknown[0].contains("not signed with a key"), "{compared:?}");
    fork.done().await;
    bench.done().await;
}
