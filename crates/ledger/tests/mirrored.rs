//! The log in a bucket: moto's S3, started by the test.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test says what it expects")]

mod support;

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use octro_ledger::{Bucket, BucketAt, Highest, Ledger, Mirror, Settings};
use octro_outbound::aws::{Credentials, Provider, Scope, sign};
use octro_outbound::{Client, Limits, Question, Url};
use octro_testkit::TestDb;
use support::{Bench, START, leaf, settings};

/// moto, until it is dropped.
struct Moto(Child, String);

impl Moto {
    async fn start() -> Self {
        let beside = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../.xtask/python/bin/python"));
        let python = std::env::var_os("OCTRO_TEST_PYTHON").map_or_else(beside, PathBuf::from);
        assert!(
            python.exists(),
            "{} is not there; `cargo xtask test` installs it, with moto, and OCTRO_TEST_PYTHON names another",
            python.display()
        );
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Command::new(python)
            .args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let moto = Self(child, format!("http://127.0.0.1:{port}"));
        let listens = async {
            while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), listens).await.expect("moto does not begin to listen");
        moto
    }

    fn keys() -> Credentials {
        Credentials::of("AKIDEXAMPLE", "secret", None)
    }

    async fn make(&self, bucket: &str) {
        let url = Url::parse(&self.1).unwrap().join(bucket);
        let question = Question { method: "PUT".parse().unwrap(), ..Question::get(url) };
        let question =
            sign(question, &Self::keys(), Scope { region: "us-east-1", service: "s3" }, START).unwrap();
        let limits = Limits { time: Duration::from_secs(20), size: 100_000 };
        let answer = Client::default().ask(question, limits).await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.words());
    }

    fn bucket(&self, name: &str, prefix: &str) -> Bucket {
        let at = BucketAt::parse(name, prefix, "us-east-1", Some(&self.1)).unwrap();
        Bucket::new(at, Client::default(), Provider::fixed(Self::keys()))
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn opened(bench: &Bench, bucket: &Bucket) -> Ledger {
    let settings = Settings { bucket: Some(bucket.clone()), ..settings(bench.folder.path()) };
    Ledger::open(bench.of.db(), Arc::new(bench.clock.clone()), settings).await.unwrap()
}

fn leaves(range: std::ops::Range<u64>) -> Vec<octro_verify::Leaf> {
    range.map(leaf).collect()
}

#[tokio::test]
async fn the_bucket_holds_what_the_folder_holds_and_what_is_wrong_in_it_is_found() {
    let moto = Moto::start().await;
    moto.make("proofs").await;
    let bench = Bench::on(TestDb::sqlite().await.unwrap()).await;
    let bucket = moto.bucket("proofs", "octro/log");
    let ledger = opened(&bench, &bucket).await;
    for size in [1, 300, 299, 5] {
        ledger.append(START, &leaves(0..size)).await.unwrap();
        ledger.publish().await.unwrap();
        ledger.mirror().await.unwrap();
    }
    assert_eq!(ledger.health().borrow().mirrored, ledger.health().borrow().published);
    let folder = bench.folder.path().join("published/1");
    let mut files = 0;
    for key in bucket.list("", START).await.unwrap() {
        let found = bucket.get(&key, 2 << 20, START).await.unwrap().unwrap();
        let path = key.strip_prefix("1/").unwrap();
        assert_eq!(found.body, std::fs::read(folder.join(path)).unwrap(), "{path}");
        files += 1;
    }
    // 605 entries: three tiles of level 0 and three bundles, one tile of level 1, and the checkpoint; and of the
    // partial ones only those whose full ones are not there yet.
    assert_eq!(files, 8 + 3);

    let mirror = Mirror::new(
        bench.of.db(),
        Arc::new(bench.clock.clone()),
        Highest::beside(&bench.folder.path().join("ledger.key")),
        bucket.clone(),
    );
    let (objects, findings) = mirror.audit().await.unwrap();
    assert_eq!((objects, findings.as_slice()), (7, [].as_slice()));
    let mut tile = bucket.get("1/tile/0/001", 10_000, START).await.unwrap().unwrap().body;
    tile[17] ^= 1;
    bucket.put("1/tile/0/001", tile, START).await.unwrap();
    bucket.remove("1/tile/entries/000", START).await.unwrap();
    bucket.put("1/tile/0/009", vec![0], START).await.unwrap();
    let (_, findings) = mirror.audit().await.unwrap();
    let says: Vec<&str> = findings.iter().map(|one| one.says.as_str()).collect();
    assert_eq!(
        says,
        [
            "in the bucket: tile/0/001 is missing or differs from the database",
            "in the bucket: tile/entries/000 is missing or differs from the database"
        ]
    );
    assert_eq!(mirror.rebuild().await.unwrap(), 7);
    assert_eq!(mirror.audit().await.unwrap().1, []);
    assert_eq!(bucket.list("1/tile/0/009", START).await.unwrap(), [""; 0]);
}

/// Passes everything on to `to`, but hangs up on whoever removes something while `stubborn`; answers its own address.
async fn in_between(to: String, stubborn: Arc<AtomicBool>) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = tokio::net::TcpStream::connect(to.strip_prefix("http://").unwrap()).await.unwrap();
            let stubborn = stubborn.clone();
            tokio::spawn(async move {
                let ((mut asks, mut hears), (mut answers, mut told)) =
                    (client.into_split(), server.into_split());
                let back = tokio::spawn(async move { tokio::io::copy(&mut answers, &mut hears).await });
                let mut bytes = vec![0; 65_536];
                while let Ok(read) = asks.read(&mut bytes).await {
                    let refused = bytes.starts_with(b"DELETE ") && stubborn.load(Ordering::SeqCst);
                    if read == 0
                        || refused
                        || told.write_all(bytes.get(..read).unwrap_or_default()).await.is_err()
                    {
                        break;
                    }
                }
                back.abort();
            });
        }
    });
    address
}

#[tokio::test]
async fn what_could_not_be_removed_from_the_bucket_is_removed_at_the_next_publishing() {
    let moto = Moto::start().await;
    moto.make("proofs").await;
    let stubborn = Arc::new(AtomicBool::new(true));
    let between = in_between(moto.1.clone(), stubborn.clone()).await;
    let at = BucketAt::parse("proofs", "", "us-east-1", Some(&between)).unwrap();
    let bucket = Bucket::new(at, Client::default(), Provider::fixed(Moto::keys()));
    let bench = Bench::on(TestDb::sqlite().await.unwrap()).await;
    let ledger = opened(&bench, &bucket).await;
    ledger.append(START, &leaves(0..250)).await.unwrap();
    ledger.mirror().await.unwrap();
    let partial = async || bucket.list("1/tile/0/000.p/", START).await.unwrap();
    assert_eq!(partial().await, ["1/tile/0/000.p/251"]);
    ledger.append(START, &leaves(250..300)).await.unwrap();
    assert!(ledger.mirror().await.is_err());
    assert!(ledger.health().borrow().mirroring.is_some());
    assert_eq!(partial().await, ["1/tile/0/000.p/251"], "it is published, and this is left over");
    // Nothing was added; it is tried again.
    stubborn.store(false, Ordering::SeqCst);
    ledger.mirror().await.unwrap();
    assert_eq!(partial().await, [""; 0]);
    assert_eq!(bucket.list("1/tile/entries/000.p/", START).await.unwrap(), [""; 0]);
    assert_eq!(ledger.health().borrow().mirroring, None);
}

#[tokio::test]
async fn a_bucket_of_another_history_is_not_written() {
    let moto = Moto::start().await;
    moto.make("proofs").await;
    let bench = Bench::on(TestDb::sqlite().await.unwrap()).await;
    let bucket = moto.bucket("proofs", "");
    let ledger = opened(&bench, &bucket).await;
    ledger.append(START, &leaves(0..10)).await.unwrap();
    ledger.mirror().await.unwrap();
    let note = bucket.get("1/checkpoint", 10_000, START).await.unwrap().unwrap();

    let fork = bench.fork(TestDb::sqlite().await.unwrap()).await;
    fork.ledger.append(START, &leaves(20..35)).await.unwrap();
    let other = opened(&fork, &bucket).await;
    let error = other.mirror().await.unwrap_err().to_string();
    assert!(error.contains("holds another history than the database"), "{error}");
    assert!(!other.health().borrow().is_well());
    assert_eq!(bucket.get("1/checkpoint", 10_000, START).await.unwrap().unwrap().body, note.body);

    // Two processes that write at the same time: the second one's version is not the one that it read.
    let was = note.tag.as_str();
    let put = bucket.replace("1/checkpoint", "a", Some(was), START).await.unwrap();
    assert_eq!(put, octro_outbound::aws::Put::Written);
    let put = bucket.replace("1/checkpoint", "b", Some(was), START).await.unwrap();
    assert_eq!(put, octro_outbound::aws::Put::Changed);
    let put = bucket.replace("1/checkpoint", "c", None, START).await.unwrap();
    assert_eq!(put, octro_outbound::aws::Put::Changed);
    let error = ledger.mirror().await;
    assert!(error.is_ok(), "nothing has grown: {error:?}");

    // A bucket that is not there, and a store that is not.
    let lost = opened(&bench, &moto.bucket("nowhere", "")).await;
    let error = lost.mirror().await.unwrap_err().to_string();
    assert!(error.contains("NoSuchBucket"), "{error}");
    drop(moto);
    ledger.append(START, &leaves(10..11)).await.unwrap();
    assert!(ledger.mirror().await.is_err());
    let said = ledger.health().borrow().mirroring.clone().unwrap();
    assert!(said.contains("refused"), "{said}");
}
