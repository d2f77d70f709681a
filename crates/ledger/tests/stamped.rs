//! Time stamps by a real authority: openssl, behind HTTP.

#![expect(clippy::unwrap_used, reason = "a test says what it expects")]

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use octro_ledger::{Ledger, Outsiders, Settings, Url};
use octro_verify::{Leaf, Seal, What};
use support::{Bench, settings};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const CONFIG: &str = "[tsa]\ndefault_tsa = one\n[one]\nserial = serial\nsigner_cert = cert.pem\nsigner_key = key.pem\n\
    certs = cert.pem\nsigner_digest = sha256\ndefault_policy = 1.2.3.4.1\ndigests = sha256\naccuracy = secs:1\n\
    ess_cert_id_alg = sha256\n";

fn openssl(folder: &Path, args: &[&str]) -> (bool, String) {
    let done = Command::new("openssl").args(args).current_dir(folder).output().unwrap();
    let said = String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned();
    (done.status.success(), said)
}

/// An authority's folder; `None` if there is no openssl.
fn authority() -> Option<TempDir> {
    Command::new("openssl").arg("version").output().ok()?;
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("tsa.cnf"), CONFIG).unwrap();
    std::fs::write(folder.path().join("serial"), "01\n").unwrap();
    let made = openssl(
        folder.path(),
        &[
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-subj",
            "/CN=tsa.example",
            "-days",
            "2",
            "-keyout",
            "key.pem",
            "-out",
            "cert.pem",
            "-addext",
            "extendedKeyUsage=critical,timeStamping",
        ],
    );
    assert!(made.0, "{}", made.1);
    Some(folder)
}

/// What the authority answers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mood {
    Good,
    /// It stamps another text.
    Other,
    /// It says an old answer again.
    Again,
    Rejecting,
}

/// Reads a request to its end; answers its body.
async fn read_query(stream: &mut TcpStream) -> Vec<u8> {
    let mut got = Vec::new();
    loop {
        stream.read_buf(&mut got).await.unwrap();
        let Some(at) = got.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let (head, body) = got.split_at(at + 4);
        let head = String::from_utf8_lossy(head).to_ascii_lowercase();
        assert!(head.starts_with("post /tsa http/1.1\r\n") && head.contains("application/timestamp-query"));
        let length = head.split("content-length: ").nth(1).unwrap().split("\r\n").next().unwrap();
        if body.len() >= length.parse().unwrap() {
            return body.to_vec();
        }
    }
}

/// Answers time-stamp queries one after the other, in these moods.
async fn serve(folder: PathBuf, moods: &'static [Mood]) -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/tsa", listener.local_addr().unwrap())).unwrap();
    tokio::spawn(async move {
        for mood in moods {
            let (mut stream, _) = listener.accept().await.unwrap();
            let query = read_query(&mut stream).await;
            match mood {
                Mood::Good => std::fs::write(folder.join("q"), query).unwrap(),
                Mood::Other => {
                    std::fs::write(folder.join("other"), "another text").unwrap();
                    assert!(openssl(&folder, &["ts", "-query", "-data", "other", "-sha256", "-out", "q"]).0);
                }
                Mood::Again => {}
                // The config takes SHA-256 alone.
                Mood::Rejecting => {
                    assert!(
                        openssl(&folder, &["ts", "-query", "-data", "tsa.cnf", "-sha512", "-out", "q"]).0
                    );
                }
            }
            if *mood != Mood::Again {
                let made =
                    openssl(&folder, &["ts", "-reply", "-config", "tsa.cnf", "-queryfile", "q", "-out", "r"]);
                assert!(folder.join("r").exists(), "{}", made.1);
            }
            let answer = std::fs::read(folder.join("r")).unwrap();
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/timestamp-reply\r\nContent-Length: {}\r\n\r\n",
                answer.len()
            );
            stream.write_all(&[head.into_bytes(), answer].concat()).await.unwrap();
        }
    });
    url
}

fn seal(n: u64) -> Leaf {
    let before = (n > 1).then_some([1; 32]);
    let seal = Seal {
        n,
        prev: before,
        controls: 0,
        root: octro_verify::EMPTY_ROOT,
        program: [3; 32],
        signer: "00000000".to_owned(),
    };
    Leaf { written: 1_800_000_000_000_000 + n, what: What::Seal(seal) }
}

async fn open(bench: &Bench, url: &Url) -> Ledger {
    let outsiders = Outsiders { stamps: Some(url.clone()), ..Outsiders::default() };
    let settings = Settings { outsiders, ..settings(bench.folder.path()) };
    Ledger::open(bench.db(), Arc::new(bench.clock.clone()), settings).await.unwrap()
}

#[tokio::test]
async fn the_checkpoint_after_a_seal_is_stamped_and_openssl_verifies_it() {
    let Some(folder) = authority() else { return };
    for bench in Bench::all().await {
        let url = serve(folder.path().to_owned(), &[Mood::Good, Mood::Good]).await;
        let ledger = open(&bench, &url).await;
        bench.put(1..10).await;
        ledger.ask_outsiders().await.unwrap();
        assert!(ledger.reader().await.unwrap().stamps(10).await.unwrap().is_empty(), "nothing is sealed yet");
        bench.put_leaves(&[seal(1)]).await;
        bench.put(10..15).await;
        for _ in 0..2 {
            ledger.ask_outsiders().await.unwrap();
        }
        assert_eq!(ledger.health().borrow().stamping, None);
        let reader = ledger.reader().await.unwrap();
        let stamps = reader.stamps(11).await.unwrap();
        assert_eq!(stamps.len(), 1, "of the first checkpoint that covers the seal, once");
        let text = reader.checkpoint_from(11).await.unwrap().unwrap().checkpoint.to_text();
        let at = folder.path();
        std::fs::write(at.join("token"), &stamps[0]).unwrap();
        std::fs::write(at.join("text"), &text).unwrap();
        let verify = ["ts", "-verify", "-data", "text", "-token_in", "-in", "token", "-CAfile", "cert.pem"];
        let (good, said) = openssl(at, &verify);
        assert!(good && said.contains("Verification: OK"), "{said}");
        std::fs::write(at.join("text"), text.replacen("\n11\n", "\n12\n", 1)).unwrap();
        assert!(!openssl(at, &verify).0);
        // The next day.
        bench.put_leaves(&[seal(2)]).await;
        ledger.ask_outsiders().await.unwrap();
        assert_eq!(ledger.reader().await.unwrap().stamps(17).await.unwrap().len(), 1);
        drop(ledger);
        bench.done().await;
    }
}

#[tokio::test]
async fn what_is_no_stamp_of_this_text_is_not_kept() {
    let Some(folder) = authority() else { return };
    let bench = Bench::on(octro_testkit::TestDb::sqlite().await.unwrap()).await;
    bench.put_leaves(&[seal(1)]).await;
    let url = serve(folder.path().to_owned(), &[Mood::Other, Mood::Rejecting, Mood::Good, Mood::Again]).await;
    for words in ["another text", "does not grant a stamp"] {
        let ledger = open(&bench, &url).await;
        ledger.ask_outsiders().await.unwrap();
        let said = ledger.health().borrow().stamping.clone().unwrap();
        assert!(said.contains(words) && !ledger.health().borrow().is_well(), "{said}");
        assert!(ledger.reader().await.unwrap().stamps(2).await.unwrap().is_empty());
        // It is left alone for a while.
        ledger.ask_outsiders().await.unwrap();
    }
    let ledger = open(&bench, &url).await;
    ledger.ask_outsiders().await.unwrap();
    assert_eq!(ledger.health().borrow().stamping, None);
    // An old answer is of another text, and has another nonce.
    bench.put_leaves(&[seal(2)]).await;
    ledger.ask_outsiders().await.unwrap();
    assert!(ledger.health().borrow().stamping.clone().unwrap().contains("another text"));
    drop(ledger);
    bench.done().await;
}
