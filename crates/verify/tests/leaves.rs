//! Leaves and states: what is written is read, and nothing else is.
#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;

use octro_verify::{
    After, Collection, KeyChange, Leaf, Population, Salts, Seal, State, Status, Tally, Transition,
    VerifierKey, What, sha256,
};

fn key(name: &str, seed: u8) -> VerifierKey {
    let key = ed25519_dalek::SigningKey::from_bytes(&[seed; 32]);
    VerifierKey::log(name, key.verifying_key().to_bytes()).expect("a key")
}

fn leaves() -> Vec<Leaf> {
    let hash = sha256(b"x");
    let transition = |n, before| {
        let (control, to) = ("EP-01".to_owned(), Status::Pass);
        What::Transition(Transition { control, n, before, to, at: 9, program: hash })
    };
    let seal = |n, prev| {
        What::Seal(Seal { n, prev, controls: 3, root: hash, program: hash, signer: "0123abcd".to_owned() })
    };
    let population = |enumerated: Option<u64>, salts| {
        let complete = enumerated.is_some();
        What::Population(Population {
            kind: "aws.s3.bucket".into(),
            count: 3,
            complete,
            enumerated,
            root: hash,
            key: hash,
            salts,
        })
    };
    let what = [
        What::Open { origin: "octro.example/log".to_owned(), after: None },
        What::Open {
            origin: "b".to_owned(),
            after: Some(After { origin: "a".to_owned(), size: 7, root: hash }),
        },
        transition(1, None),
        transition(2, Some((hash, Status::NotApplicable))),
        population(Some(4), Salts::Key),
        population(None, Salts::Own),
        seal(1, None),
        seal(2, Some(hash)),
        What::Program { hash, name: "Größe \"x\"".to_owned(), ord: 4 },
        What::Collection(Collection {
            source: "cloud".to_owned(),
            ord: 4,
            started: 1,
            finished: 2,
            complete: true,
            changed: 1,
            unchanged: 2,
            gone: 3,
            refused: 4,
            facts: hash,
        }),
        What::Decision { what: "exception.approved".to_owned(), subject: hash, by: hash, body: hash },
        What::Key(Box::new(KeyChange {
            old: key("a", 1),
            new: key("a", 2),
            by_old: [1; 64],
            by_new: [2; 64],
        })),
        What::Erasure { subject: hash, records: 3, basis: "GDPR Art. 17".to_owned() },
        What::Export { what: "proof".to_owned(), digest: hash, by: None },
        What::Export { what: "controls".to_owned(), digest: hash, by: Some(hash) },
    ];
    what.into_iter().map(|what| Leaf { written: 10, what }).collect()
}

#[test]
fn what_is_written_is_read() {
    for leaf in leaves() {
        let bytes = leaf.to_bytes();
        assert_eq!(Leaf::parse(&bytes).as_ref(), Ok(&leaf), "{}", String::from_utf8_lossy(&bytes));
        let kind = format!("\"k\":\"{}\"", leaf.what.kind());
        assert!(String::from_utf8_lossy(&bytes).contains(&kind));
    }
}

#[test]
fn a_leaf_has_each_of_its_members_and_no_other() {
    for leaf in leaves() {
        let text = String::from_utf8(leaf.to_bytes()).expect("UTF-8");
        let members: BTreeMap<String, serde_json::Value> = serde_json::from_str(&text).expect("JSON");
        for name in members.keys() {
            let mut fewer = members.clone();
            fewer.remove(name);
            let fewer = serde_json::to_string(&fewer).expect("JSON");
            // A first leaf without `after`, a population that was never enumerated and an export to nobody knows whom are
            // leaves too.
            let is_export = matches!(leaf.what, What::Export { .. });
            let optional = name == "after" || name == "enumerated" || (name == "by" && is_export);
            assert!(optional || Leaf::parse(fewer.as_bytes()).is_err(), "{fewer}");
        }
        let mut more = members.clone();
        more.insert("zz".to_owned(), serde_json::json!(1));
        let fault =
            Leaf::parse(serde_json::to_string(&more).expect("JSON").as_bytes()).expect_err("one too many");
        assert_eq!(fault.to_string(), "the member `zz` is not known here");
    }
}

#[test]
fn what_cannot_be_is_refused() {
    let texts: Vec<String> =
        leaves().iter().map(|leaf| String::from_utf8(leaf.to_bytes()).expect("UTF-8")).collect();
    let of = |kind: &str| {
        texts.iter().find(|text| text.contains(&format!("\"k\":\"{kind}\""))).expect("there is one").clone()
    };
    for (kind, from, to, why) in [
        ("transition", "\"t\":10", "\"t\":8", "`at` is 9, after `t`, 8"),
        ("transition", "\"n\":1", "\"n\":0", "`n` is 0; the first has the number 1"),
        ("transition", "\"n\":1", "\"n\":2", "the member `prev` is missing"),
        ("transition", "\"to\":\"pass\"", "\"to\":\"passed\"", "`to` is `passed`; expected a status"),
        ("transition", "\"v\":1", "\"v\":2", "`v` is 2; expected 1"),
        ("transition", "\"k\":\"transition\"", "\"k\":\"x\"", "`k` is `x`, which is no type of leaf"),
        ("transition", "EP-01", "EP 01", "`control` is `EP 01`; expected an id"),
        ("transition", "\"t\":10", "\"t\":-1", "`t` is -1; expected an integer that is not negative"),
        ("transition", "\"t\":10", "\"t\":9007199254740992", "expected an integer below 2^53"),
        ("transition", "\"t\":10", "\"t\":\"10\"", "`t` is a text; expected an integer"),
        ("transition", "{\"at\"", "{ \"at\"", "is not canonical JSON"),
        ("seal", "0123abcd", "0123ABCD", "`signer` is `0123ABCD`; expected 8 lower-case"),
        ("seal", "2d7116", "2D7116", "expected 64 lower-case hexadecimal digits"),
        ("population", "\"enumerated\":4", "\"enumerated\":11", "`enumerated` is 11, after `t`, 10"),
        ("population", "\"enumerated\":4,", "", "`complete` is true without `enumerated`"),
        (
            "population",
            "\"salts\":\"key\"",
            "\"salts\":\"none\"",
            "`salts` is `none`; expected `key` or `own`",
        ),
        ("population", "\"complete\":true", "\"complete\":1", "`complete` is an integer; expected a boolean"),
        ("collection", "\"started\":1", "\"started\":3", "`started` is 3, after `finished`, 2"),
        ("collection", "\"finished\":2", "\"finished\":11", "`finished` is 11, after `t`, 10"),
        ("erasure", "GDPR", "\\n", "`basis` must be one line of 1 to 255 bytes"),
        ("key", "\"new\":\"a+", "\"new\":\"b+", "`new` has the id"),
        ("key", "AQEB", "AQ", "`by_old` must be 64 bytes in base64"),
    ] {
        let before = of(kind);
        let after = before.replacen(from, to, 1);
        assert_ne!(before, after, "{kind} has no {from}: {before}");
        let fault = Leaf::parse(after.as_bytes()).expect_err(&after).to_string();
        assert!(fault.contains(why), "{after}\n{fault}\n{why}");
    }
    let long = of("erasure").replace("GDPR", &"x".repeat(5000));
    assert_eq!(
        Leaf::parse(long.as_bytes()).expect_err("too long").to_string(),
        format!("has {} bytes; expected at most 4096", long.len())
    );
    assert_eq!(Leaf::parse(b"\xff").expect_err("no text").to_string(), "is not UTF-8");
    assert_eq!(Leaf::parse(b"[]").expect_err("a list").to_string(), "is a list; expected an object");
}

#[test]
fn a_state_is_written_and_read() {
    let mut state = State {
        control: "EP-01".to_owned(),
        status: Status::Fail,
        n: 4,
        last: sha256(b"4"),
        at: 5,
        evaluations: 6,
        evaluated: Some(7),
        gap: 8,
        silent: 9,
        tally: Tally { pass: 1, fail: 2, unknown: 3, stale: 4, excepted: 5, not_applicable: 6 },
        populations: BTreeMap::from([("device".to_owned(), sha256(b"d"))]),
    };
    for _ in 0..2 {
        let text = String::from_utf8(state.to_bytes()).expect("UTF-8");
        assert_eq!(State::parse(&text), Ok(state.clone()));
        for (from, to) in [
            ("\"n\":4", "\"n\":0"),
            ("\"pass\":1", "\"pass\":1,\"x\":1"),
            ("device", "dev ice"),
            ("fail\"", "bad\""),
        ] {
            assert!(State::parse(&text.replace(from, to)).is_err(), "{from} {to}");
        }
        state.evaluated = None;
    }
}
