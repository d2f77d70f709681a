//! The ledger's pages, and that the proofs which they hand out hold.

use octro_ledger::Reader;
use octro_ledger::records::{self, Part};
use octro_model::Span;
use octro_verify::{Leaf, Outcome, Policy, Shown, Status, VerifierKey, What, hex, hmac, sha256};

use tokio_stream::StreamExt as _;

use crate::lab::{Answer, Lab};

/// What comes of a proof under the log's key.
async fn verified(lab: &Lab, proof: &str) -> Outcome {
    let key = Reader::newest(lab.query.db()).await.unwrap().log().signer.clone();
    let policy = Policy { logs: vec![VerifierKey::parse(&key).unwrap()], ..Policy::default() };
    octro_verify::verify(proof.as_bytes(), &policy)
}

fn is_file(answer: &Answer, name: &str) {
    assert_eq!(answer.status, 200, "{}", answer.body);
    let disposition = answer.headers["content-disposition"].to_str().unwrap();
    assert_eq!(disposition, format!("attachment; filename=\"{name}\""));
}

fn says(body: &str, texts: &[&str]) {
    for text in texts {
        assert!(body.contains(text), "it does not say {text:?}:\n{body}");
    }
    assert_eq!(body.matches("<h1>").count(), 1);
    assert!(!body.contains("style=\"") && !body.contains("<script>"));
}

#[tokio::test]
async fn the_ledger_shows_how_it_is_doing() {
    let lab = Lab::new().await;
    lab.seal().await;
    let body = lab.page("/ledger").await;
    says(
        &body,
        &[
            "octro/lab",
            "octro/lab&#43;",
            "data-copy=\"octro/lab",
            "Newest checkpoint",
            "None cosigned it",
            "Entries a day",
            "Never.",
            "octro ledger audit",
            "nothing waits",
            "nothing yet by this process",
            "Seal now",
            "EP-01 turns from",
            "commits to the state of 1 control.",
        ]
        .map(|text| if text.contains("&#43;") { "octro/lab+" } else { text }),
    );
    lab.ledger.as_ref().unwrap().publish().await.unwrap();
    lab.query.set("ledger.audit", r#"{"at":"2026-03-03T10:00:00Z","entries":7,"findings":2}"#).await.unwrap();
    let body = lab.page("/ledger").await;
    says(&body, &["everything", "2 wrong", "7 entries were computed anew"]);
    // The past knows neither the outbox nor later entries.
    let past = lab.page("/ledger?as_of=2026-03-03T09:30:00Z").await;
    says(&past, &["only known of the present", "Never."]);
    assert!(!past.contains("Seal now") && !past.contains("2 wrong"));
    let (then, now) = (
        lab.get("/api/v1/ledger?as_of=2026-03-03T09:30:00Z").await.json(),
        lab.get("/api/v1/ledger").await.json(),
    );
    assert!(then["size"].as_u64() < now["size"].as_u64() && then["size"].as_u64() > Some(0), "{then}");
    assert_eq!(now["growth"].as_array().unwrap().len(), 30);
    assert_eq!(now["growth"][29]["day"], "2026-03-03");
    assert_eq!(now["growth"][29]["entries"], now["size"]);
    assert_eq!(now["checkpoint"]["size"], now["size"]);
}

#[tokio::test]
async fn entries_are_told_in_words_and_exactly() {
    let lab = Lab::new().await;
    lab.seal().await;
    let all = lab.get("/api/v1/ledger/entries").await.json();
    let rows = all["rows"].as_array().unwrap();
    assert_eq!(rows.len() as u64, all["size"].as_u64().unwrap());
    assert!(rows.windows(2).all(|two| two[0]["index"].as_u64() > two[1]["index"].as_u64()));
    let types: Vec<&str> = rows.iter().map(|row| row["type"].as_str().unwrap()).collect();
    for of in ["open", "program", "transition", "collection", "population", "seal"] {
        assert!(types.contains(&of), "{of}: {types:?}");
        let some = lab.get(&format!("/api/v1/ledger/entries?type={of}")).await.json();
        assert_eq!(
            some["rows"].as_array().unwrap().len(),
            types.iter().filter(|own| **own == of).count(),
            "{of}"
        );
    }
    for row in rows {
        let index = row["index"].as_u64().unwrap();
        let body = lab.page(&format!("/ledger/entries/{index}")).await;
        says(&body, &["Exact text", row["hash"].as_str().unwrap(), "Laid out"]);
        for form in ["", "/tlog"] {
            let proof = lab.get(&format!("/proofs/entry/{index}{form}")).await;
            let ending = if form.is_empty() { "octro-proof" } else { "tlog-proof" };
            is_file(&proof, &format!("entry-{index}.{ending}"));
            if form.is_empty() {
                assert!(matches!(verified(&lab, &proof.body).await, Outcome::Proved(_)), "{}", proof.body);
            } else {
                assert!(proof.body.starts_with(&format!("c2sp.org/tlog-proof@v1\nindex {index}\n")));
            }
        }
    }
    let body = lab.page("/ledger/entries?type=seal").await;
    says(&body, &["commits to the state of 1 control.", "<option value=\"seal\" selected>"]);
    assert!(!body.contains("EP-01 turns") && !body.contains("A run of lab"));
}

#[tokio::test]
async fn entries_are_read_on_and_exported() {
    let lab = Lab::new().await;
    lab.seal().await;
    let size = lab.get("/api/v1/ledger/entries?per=1").await.json()["size"].as_u64().unwrap();
    let (mut before, mut seen) = (String::new(), Vec::new());
    loop {
        let page = lab.get(&format!("/api/v1/ledger/entries?per=2{before}")).await.json();
        seen.extend(page["rows"].as_array().unwrap().iter().map(|row| row["index"].as_u64().unwrap()));
        let Some(next) = page["next"].as_u64() else { break };
        before = format!("&before={next}");
    }
    assert_eq!(seen, (0..size).rev().collect::<Vec<_>>());
    let body = lab.page("/ledger/entries?per=2").await;
    assert!(body.contains(&format!("before={}\">Older", size - 2)), "{body}");
    let csv = lab.get("/ledger/entries?format=csv&per=2").await;
    is_file(&csv, "octro-ledger.csv");
    assert_eq!(csv.body.lines().count() as u64, size + 1, "{}", csv.body);
    assert!(csv.body.starts_with("index,type,says,at,hash,leaf\r\n"));
    let seals = lab.get("/ledger/entries?format=json&type=seal").await.json();
    assert!(seals.as_array().unwrap().iter().all(|row| row["type"] == "seal") && seals[0]["index"].is_u64());
    for (uri, text) in
        [("/ledger/entries?type=x", "`type` is none of transition"), ("/ledger/entries?before=x", "before")]
    {
        let answer = lab.get(uri).await;
        assert_eq!(answer.status, 400, "{uri}");
        assert!(answer.body.contains(text), "{}", answer.body);
    }
    for uri in ["/ledger/entries/99999", "/ledger/entries/x", "/proofs/entry/99999"] {
        let answer = lab.get(uri).await;
        assert_eq!(answer.status, 404, "{uri}");
        assert!(answer.body.contains("There is no entry"), "{}", answer.body);
    }
}

/// The exports that are in the log, and what opens the commitment to who got each.
async fn exports(lab: &Lab) -> Vec<(String, String, String)> {
    let ledger = lab.ledger.as_ref().unwrap();
    ledger.flush().await.unwrap();
    let reader = ledger.reader().await.unwrap();
    let mut found = Vec::new();
    for entry in reader.entries(0, 10_000).await.unwrap() {
        let What::Export { what, digest, by } = Leaf::parse(&entry.leaf).unwrap().what else { continue };
        let record = records::record(lab.query.db(), &entry.hash).await.unwrap().unwrap();
        let (text, salt) = record.opening(Part::By);
        assert_eq!(by, Some(hmac(&salt, &[text.as_bytes()])), "the commitment opens");
        found.push((what, hex(&digest), text.to_owned()));
    }
    found
}

#[tokio::test]
async fn a_file_that_a_page_hands_out_is_in_the_ledger_with_its_hash() {
    let lab = Lab::new().await;
    lab.seal().await;
    let mut expected = Vec::new();
    for (uri, what) in [
        ("/controls?format=csv", "controls"),
        ("/results?format=json", "results"),
        ("/results?format=csv&status=pass", "results"),
        ("/period?id=EP-01&format=csv", "period"),
        ("/ledger/entries?format=csv", "ledger"),
        ("/data?format=json", "data"),
        ("/exposure?format=json", "exposure"),
        ("/coverage?format=json", "coverage"),
        ("/principles?format=json", "principles"),
        ("/period?id=EP-01&format=json", "period"),
        ("/frameworks/std?format=json", "framework"),
    ] {
        let answer = lab.get(uri).await;
        assert_eq!(answer.status, 200, "{uri}: {}", answer.body);
        let digest = hex(&sha256(answer.body.as_bytes()));
        expected.push((what.to_owned(), digest, "page on loopback".to_owned()));
    }
    assert_eq!(exports(&lab).await, expected);
    // Pages, windows of the API and proofs are reading.
    for uri in ["/controls", "/api/v1/controls", "/proofs/entry/0", "/ledger/entries"] {
        assert_eq!(lab.get(uri).await.status, 200, "{uri}");
    }
    // Who asks for headers is handed nothing, and a page of another site neither; none of it counts.
    for uri in ["/controls?format=csv", "/results?format=json", "/data?format=json"] {
        for _ in 0..30 {
            let answer = lab.ask("HEAD", uri).await;
            assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, ""), "{uri}");
            assert!(answer.headers.contains_key("content-disposition"), "{uri}");
            for (site, status) in [("cross-site", 403), ("same-site", 403)] {
                assert_eq!(lab.asked_from(site, uri).await.status, status, "{site} {uri}");
            }
        }
    }
    assert_eq!(exports(&lab).await.len(), expected.len());
    assert_eq!(lab.asked_from("same-origin", "/controls?format=csv").await.status, 200);
    assert_eq!(lab.asked_from("none", "/results?format=csv").await.status, 200);
    // No more than so many within a minute: what is refused is not handed out, and is no entry.
    let mut refused = None;
    for _ in 0..60 {
        let answer = lab.get("/controls?format=csv").await;
        if answer.status != 200 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.unwrap();
    assert_eq!(refused.status, 429, "{}", refused.body);
    assert!(refused.body.contains("octro export") && !refused.body.contains("EP-01"), "{}", refused.body);
    assert_eq!(lab.get("/results?format=csv").await.status, 429);
    assert_eq!(exports(&lab).await.len(), 60);
}

/// Makes a ledger with so many entries that lists of them are sent in several pieces.
async fn with_many_entries() -> Lab {
    let lab = Lab::new().await;
    let now = octro_model::Clock::now(&lab.clock);
    let leaf = |n: u64| {
        let hash = sha256(&n.to_be_bytes());
        let what = What::Decision { what: "test.made".to_owned(), subject: hash, by: hash, body: hash };
        Leaf { written: u64::try_from(now.micros()).unwrap(), what }
    };
    let leaves: Vec<Leaf> = (0..6_000).map(leaf).collect();
    let mut tx = lab.query.db().begin().await.unwrap();
    octro_ledger::outbox::put_all(&mut tx, now, &leaves).await.unwrap();
    tx.commit().await.unwrap();
    lab.flush().await;
    lab
}

#[tokio::test]
async fn nobody_has_a_whole_list_before_the_ledger_does() {
    let lab = with_many_entries().await;
    // A full window that is the last one, too.
    let mut pieces = lab.stream("/ledger/entries?format=csv&before=1000").await;
    let piece = pieces.next().await.unwrap().unwrap();
    assert_eq!(piece.iter().filter(|byte| **byte == b'\n').count(), 1_001);
    let digest = hex(&sha256(&piece));
    assert_eq!(exports(&lab).await, [("ledger".to_owned(), digest, "page on loopback".to_owned())]);
    assert!(pieces.next().await.is_none());
    let body = lab.get("/ledger/entries?format=json&before=2000").await;
    assert_eq!(body.json().as_array().unwrap().len(), 2_000);
    assert_eq!(exports(&lab).await[1].1, hex(&sha256(body.body.as_bytes())));
}

#[tokio::test]
async fn who_hangs_up_early_is_in_the_ledger_too() {
    let lab = with_many_entries().await;
    let mut pieces = lab.stream("/ledger/entries?format=csv").await;
    pieces.next().await.unwrap().unwrap();
    drop(pieces);
    for _ in 0..100 {
        if let [(what, ..)] = exports(&lab).await.as_slice() {
            assert_eq!(what, "ledger");
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the ledger does not have it");
}

#[tokio::test]
async fn a_control_is_proved_as_far_as_its_page_says() {
    let lab = Lab::new().await;
    lab.seal().await;
    let body = lab.page("/controls/EP-01").await;
    says(&body, &["Download proof", "How to verify this without us", "Prove another period", "Seal now"]);
    let href = body
        .split("href=\"/proofs/control/")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .replace("&amp;", "&");
    let proof = lab.get(&format!("/proofs/control/{href}")).await;
    is_file(&proof, "control-EP-01.octro-proof");
    let Outcome::Proved(report) = verified(&lab, &proof.body).await else { panic!("{}", proof.body) };
    let Shown::Interval(interval) = report.shown else { panic!("no interval") };
    assert_eq!(interval.segments.last().unwrap().status, Some(Status::Fail));
    assert_eq!(lab.get("/api/v1/proofs/control/EP-01").await.body, proof.body);
    // As of a moment it is proved up to that moment.
    let past = lab.page("/controls/EP-01?as_of=2026-03-03T10:00:00Z").await;
    assert!(past.contains("to=2026-03-03T10:00:00Z") && !past.contains("Seal now"), "{past}");
    let proof = lab.get("/proofs/control/EP-01?to=2026-03-03T10:00:00Z").await;
    assert!(matches!(verified(&lab, &proof.body).await, Outcome::Proved(_)));
    lab.clock.advance(Span::from_secs(60));
    let period = lab.page("/period?id=EP-01&from=2026-03-01").await;
    says(&period, &["Download proof", "The last seal was written", "The ledger knows the control since"]);
    let early = lab.page("/period?id=EP-01&from=2026-01-01&to=2026-02-01").await;
    assert!(!early.contains("Download proof"));
    assert!(lab.page("/period?subject=test&id=disk.encrypted").await.contains("judged for"));
}

#[tokio::test]
async fn a_resource_is_proved_to_be_there_and_another_not_to_be() {
    let lab = Lab::new().await;
    lab.seal().await;
    let body = lab.page("/resources/disk/a/sda").await;
    says(&body, &["Download proof", "/proofs/resource/disk?key=a%2Fsda&amp;at="]);
    let there = lab.get("/proofs/resource/disk?key=a%2Fsda").await;
    is_file(&there, "resource-disk.octro-proof");
    let Outcome::Proved(report) = verified(&lab, &there.body).await else { panic!("{}", there.body) };
    assert!(matches!(report.shown, Shown::Member { .. }));
    let gone = lab.get("/api/v1/proofs/resource/disk?key=nobody").await;
    let Outcome::Proved(report) = verified(&lab, &gone.body).await else { panic!("{}", gone.body) };
    assert!(matches!(report.shown, Shown::Absent { .. }));
    // No test judges owners.
    let owner = lab.page("/resources/owner/ann%20%3Cb%3E&").await;
    says(&owner, &["No test judges it"]);
}

#[tokio::test]
async fn what_cannot_be_proved_is_said_calmly() {
    let lab = Lab::new().await;
    let early = "as_of=2026-03-03T08:00:00Z";
    assert!(
        lab.page(&format!("/controls/EP-01?{early}"))
            .await
            .contains("The ledger knows this control only since")
    );
    assert!(lab.page(&format!("/resources/disk/a/sda?{early}")).await.contains("Nothing was sealed by then"));
    for (uri, status, text) in [
        (
            "/proofs/control/EP-01?from=2026-03-03T12:00:00Z&to=2026-03-03T11:00:00Z",
            400,
            "expected `from` before",
        ),
        ("/proofs/control/none", 404, "There is no control in the ledger"),
        ("/proofs/control/%20", 404, "There is no control"),
        ("/proofs/resource/disk", 400, "`key` is missing"),
        ("/proofs/resource/owner?key=x", 409, "no test judged"),
        ("/proofs/resource/disk?key=x&at=2026-01-01", 409, "nothing was sealed by"),
        ("/api/v1/proofs/resource/disk?key=x&at=2026-01-01", 409, "othing was sealed by"),
    ] {
        let answer = lab.get(uri).await;
        assert_eq!(answer.status.as_u16(), status, "{uri}: {}", answer.body);
        assert!(answer.body.contains(text), "{uri}: {}", answer.body);
    }
    let none = Lab::without_ledger().await;
    for (uri, text) in [
        ("/ledger", "This database has no ledger yet."),
        ("/ledger/entries", "This database has no ledger yet."),
        ("/ledger/verify", "and so no key"),
    ] {
        assert!(none.page(uri).await.contains(text), "{uri}");
    }
    for uri in
        ["/api/v1/ledger", "/api/v1/ledger/entries", "/proofs/control/EP-01", "/ledger/entries?format=csv"]
    {
        let answer = none.get(uri).await;
        assert_eq!(answer.status, 409, "{uri}");
        assert!(answer.body.contains("no ledger yet"), "{}", answer.body);
    }
}

#[tokio::test]
async fn a_seal_is_asked_for_from_our_pages() {
    let lab = Lab::new().await;
    let seals = async || lab.get("/api/v1/ledger").await.json()["seals"].as_array().unwrap().len();
    let before = seals().await;
    let to = |answer: &Answer| answer.headers["location"].to_str().unwrap().to_owned();
    let answer = lab.send("POST", "/ledger/seal", "back=%2Fcontrols%2FEP-01").await;
    assert_eq!((answer.status.as_u16(), to(&answer).as_str()), (303, "/controls/EP-01"));
    assert_eq!(seals().await, before + 1);
    let answer = lab.send("POST", "/ledger/seal", "").await;
    assert_eq!(answer.status, 409);
    assert!(answer.body.contains("one in 10 s is enough"), "{}", answer.body);
    lab.clock.advance(Span::from_secs(20));
    let answer = lab.send("POST", "/ledger/seal", "back=https%3A%2F%2Fevil.example").await;
    assert_eq!((answer.status.as_u16(), to(&answer).as_str()), (303, "/ledger"));
    assert_eq!(seals().await, before + 2);
    assert_eq!(lab.get("/ledger/seal").await.status, 405);
    let none = Lab::without_ledger().await;
    let answer = none.send("POST", "/ledger/seal", "").await;
    assert_eq!(answer.status, 409);
    assert!(answer.body.contains("Another Octro process"), "{}", answer.body);
}

#[tokio::test]
async fn silence_between_seals_is_counted() {
    let lab = Lab::new().await;
    lab.seal().await;
    // The source promises a run each hour; nothing comes for a day.
    lab.clock.advance(Span::DAY);
    lab.seal().await;
    let seals = lab.get("/api/v1/ledger").await.json()["seals"].clone();
    assert_eq!(seals[0]["silent_controls"], 1, "{seals}");
    assert_eq!(seals[1]["silent_controls"], 0, "{seals}");
    let body = lab.page("/ledger").await;
    assert!(body.contains("1 control, up to 22 h"), "{body}");
}

#[tokio::test]
async fn witnesses_and_their_alarms_are_shown() {
    let lab = Lab::new().await;
    lab.seal().await;
    lab.query.set("ledger.policy", "2").await.unwrap();
    let body = lab.page("/ledger").await;
    says(&body, &["None cosigned it yet.", "2 have to.", "No checkpoint has enough yet."]);
    let size = lab.get("/api/v1/ledger").await.json()["size"].as_u64().unwrap();
    let mut tx = lab.query.db().begin().await.unwrap();
    for (name, blob) in [("one.example", "AAAAAQ".to_owned()), ("two.example", "AAAAAg".to_owned())] {
        // Key id, time, signature; nobody here knows the keys and could check them.
        let line = format!("\u{2014} {name} {blob}{}==\n", "A".repeat(96));
        let values = [(size as i64).into(), name.into(), (&line).into()];
        tx.execute(
            "INSERT INTO ledger_cosignatures (log, size, witness, line, at) VALUES (1, $1, $2, $3, 0)",
            &values,
        )
        .await
        .unwrap();
    }
    tx.commit().await.unwrap();
    let body = lab.page("/ledger").await;
    says(&body, &["one.example", "two.example", &format!("Enough did for {size} entries")]);
    lab.query
        .set("ledger.conflict.00000001", "1772528400000000\none.example+00000001+x\n<b> another root")
        .await
        .unwrap();
    let body = lab.page("/ledger").await;
    says(
        &body,
        &[
            "A witness saw another history",
            "one.example+00000001+x",
            "&lt;b&gt; another root",
            "2026-03-03 09:00 UTC",
        ],
    );
    assert_eq!(lab.get("/api/v1/ledger").await.json()["conflicts"][0]["says"], "<b> another root");
    assert!(!lab.page("/ledger?as_of=2026-03-03T09:30:00Z").await.contains("another history"));
}

#[tokio::test]
async fn the_verifier_is_given_as_a_file() {
    let lab = Lab::new().await;
    let answer = lab.get("/ledger/verify.html").await;
    is_file(&answer, "verify.html");
    assert!(answer.headers["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"));
    assert!(answer.body.contains("Verify an Octro proof"));
    let digest = octro_verify::hex(&octro_verify::sha256(answer.body.as_bytes()));
    let body = lab.page("/ledger/verify").await;
    says(&body, &["octro verify FILE --key 'octro/lab+", &digest, "docs/proof-format.md", "--witness"]);
}
