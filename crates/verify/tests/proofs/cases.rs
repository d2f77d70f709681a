//! Proofs with what must come of them: good ones, and one for each way in which a proof can be wrong.

use octro_verify::{Claim, Policy, Status, What, sha256};

use crate::log::{HOUR, Log, company, day, policy};

/// A proof, whom its reader trusts, and what must be said of it.
pub struct Case {
    pub name: String,
    pub about: &'static str,
    pub proof: String,
    pub policy: Policy,
    pub expected: Expected,
}

/// What must come of a proof: for one that is proved, sentences that must be among those said; for others, a part of the
/// reason.
pub enum Expected {
    Proved(Vec<&'static str>),
    Refuted(&'static str),
    Unusable(&'static str),
}

pub struct Cases(pub Vec<Case>);

impl Cases {
    pub fn add(
        &mut self,
        name: &str,
        about: &'static str,
        proof: String,
        policy: Policy,
        expected: Expected,
    ) {
        self.0.push(Case { name: name.to_owned(), about, proof, policy, expected });
    }

    pub fn refuted(
        &mut self,
        name: &str,
        about: &'static str,
        proof: &octro_verify::Proof,
        why: &'static str,
    ) {
        self.add(name, about, proof.to_text(), policy(), Expected::Refuted(why));
    }

    pub fn proved(
        &mut self,
        name: &str,
        about: &'static str,
        proof: &octro_verify::Proof,
        said: &[&'static str],
    ) {
        self.add(name, about, proof.to_text(), policy(), Expected::Proved(said.to_vec()));
    }
}

pub fn cases() -> Vec<Case> {
    let mut cases = Cases(Vec::new());
    let log = company();
    good(&mut cases, &log);
    resources(&mut cases, &log);
    crate::began::add(&mut cases, &log);
    crate::broken::add(&mut cases, &log);
    crate::forged::add(&mut cases);
    crate::short::add(&mut cases);
    crate::linked::add(&mut cases);
    cases.0
}

fn good(cases: &mut Cases, log: &Log) {
    let whole = log.interval("EP-01", day(2) + HOUR, day(12));
    cases.proved("interval", "ten days of a control", &whole, &[
        "pass from 2026-01-03T01:00:00Z to 2026-01-04T18:00:00Z (1 d 17 h, 17.15 %).",
        "fail from 2026-01-04T18:00:00Z to 2026-01-04T20:00:00Z (2 h, 0.83 %).",
        "In all: pass 98.32 % (9 d 19 h), fail 1.67 % (4 h).",
        "Nothing was left out of the control's chain: from seal 2 of 2026-01-03T00:00:00Z to seal 12 of 2026-01-13T00:00:00Z it has the transitions 3 to 6 without a gap, and both seals agree with it.",
        "It was evaluated 37 times from seal 2 to seal 12.",
        "For 22 h in between, an evaluation was missing for longer than its sources promise: that time is unknown, whatever status stood.",
        "Shown to pass is therefore at least 89.12 % (8 d 21 h).",
        "Seal 12 rests on 7 resources of kind `device`, enumerated completely at 2026-01-12T23:00:00Z.",
        "Seal 12 rests on 2 resources of kind `person`, not known to be all: the last enumeration, at 2026-01-12T23:00:00Z, is incomplete or too old.",
        "The longest time from a change to its record in the log was 20 s.",
    ]);
    let seals = log.seals_of("EP-01", day(6), day(10), true);
    cases.proved(
        "interval-every-seal",
        "with each seal in between",
        &log.interval_of("EP-01", day(6), day(10), &seals, &[]),
        &["The longest time between two evaluations was 1 d 6 h."],
    );
    let young = log.interval("NEW-1", day(2), day(7));
    cases.proved("interval-young", "a control that began within the interval", &young, &[
        "was not in the log from 2026-01-03T00:00:00Z to 2026-01-06T01:00:00Z (3 d 1 h, 60.83 %).",
        "not applicable from 2026-01-06T01:00:00Z to 2026-01-08T00:00:00Z (1 d 23 h, 39.16 %).",
        "Nothing was left out of the control's chain: from its beginning to seal 7 of 2026-01-08T00:00:00Z it has transition 1 alone, and the seal agrees with it.",
    ]);
    cases.proved(
        "interval-instant",
        "a moment",
        &log.interval("EP-01", day(5), day(5)),
        &["In all: pass 100 % (0 s)."],
    );
    let alone = Policy { witnesses: Vec::new(), required: 0, ..policy() };
    let expected = Expected::Proved(vec!["In all: pass 100 % (2 d)."]);
    cases.add(
        "interval-no-witness",
        "without a witness",
        log.interval("AC-02", day(2), day(4)).to_text(),
        alone,
        expected,
    );
    let decision = log.leaves.len() as u64 - 1;
    let entry = |opened| log.proof(Claim::Entry { index: decision, opened }, &[decision]);
    cases.proved(
        "entry",
        "a decision",
        &entry(None),
        &["Leaf 62 of the log, written at 2026-01-14T01:00:00Z, records a decision `exception.approved`."],
    );
    cases.proved(
        "entry-opened",
        "a decision with its text",
        &entry(Some(("accepted until June".to_owned(), sha256(b"")))),
        &["Its commitment `body` opens to this text: `accepted until June`"],
    );
    cases.refuted(
        "entry-other-text",
        "a commitment that another text would have",
        &entry(Some(("accepted until July".to_owned(), sha256(b"")))),
        "claim: `body` and `salt` open no commitment of the leaf",
    );
    let mut exports = company();
    let by = Some(octro_verify::hmac(&sha256(b"salt"), &[b"page on loopback"]));
    let what = What::Export { what: "controls".to_owned(), digest: sha256(b"a list"), by };
    let (index, _) = exports.write(day(13) + 2 * HOUR, what);
    let export = |body: &str| {
        let opened = Some((body.to_owned(), sha256(b"salt")));
        exports.proof(Claim::Entry { index, opened }, &[index])
    };
    cases.proved(
        "export-opened",
        "a list that was handed out, and to whom",
        &export("page on loopback"),
        &[
            "records that a file `controls` with the SHA-256",
            "Its commitment `by` opens to this text: `page on loopback`",
        ],
    );
    cases.refuted(
        "export-to-another",
        "a list that was handed out to somebody else",
        &export("console user root"),
        "claim: `body` and `salt` open no commitment of the leaf",
    );
    cases.refuted(
        "entry-other-leaf",
        "the leaf of another index",
        &log.proof(Claim::Entry { index: 5, opened: None }, &[6]),
        "entries[0]: has no place in a proof of another leaf",
    );
    let mut log = company();
    let at = day(13) + 2 * HOUR;
    log.transition("EP-01", Status::Fail, at, at);
    log.transition("EP-01", Status::Pass, at, at);
    log.seal(day(14));
    cases.proved(
        "duplicate-times",
        "two changes at one moment",
        &log.interval("EP-01", day(13), day(14)),
        &["fail at 2026-01-14T02:00:00Z, replaced at once by what follows."],
    );
}

fn resources(cases: &mut Cases, log: &Log) {
    let seal = log.seals_of("EP-01", day(5), day(5), false)[0];
    let member = log.member(seal, "device", "laptop-3", "EP-01");
    cases.proved("member", "a device and its results", &member, &[
        "At seal 5 of 2026-01-06T00:00:00Z, the resource `laptop-3` of kind `device` was one of 7 resources.",
        "Test `device.encrypted` gave for it: fail.",
        "That these are all was said by a complete enumeration at 2026-01-05T23:00:00Z.",
    ]);
    cases.proved("member-person", "a person, with a salt of their own", &log.member(seal, "person", "ada@example.com", "AC-02"), &[
        "Whether these are all is not known: the last enumeration, at 2026-01-05T23:00:00Z, is incomplete or too old.",
    ]);
    let mut bad = member.clone();
    bad.members[0]
        .opened
        .as_mut()
        .expect("opened")
        .results
        .insert("device.encrypted".to_owned(), Status::Pass);
    cases.refuted(
        "member-other-results",
        "a failure shown as passed",
        &bad,
        "members[0]: `results` does not open to these results and salt",
    );
    let mut bad = member.clone();
    bad.members[0].opened.as_mut().expect("opened").key = "laptop-4".to_owned();
    cases.refuted(
        "member-other-key",
        "another resource",
        &bad,
        "members[0]: is the resource `laptop-4`; the claim is about `laptop-3`",
    );
    let mut bad = member.clone();
    bad.members[0].place += 1;
    cases.refuted("member-other-place", "another place", &bad, "members[0]: is not in the population");
    let mut bad = member.clone();
    bad.members[0].place = 7;
    cases.refuted(
        "member-beyond",
        "a place beyond the population",
        &bad,
        "members[0]: `place` is 7; the population has 7 members",
    );
    let mut bad = member.clone();
    bad.members[0].opened = None;
    cases.refuted("member-closed", "a member that is not opened", &bad, "members[0]: is not opened");
    let mut bad = member.clone();
    bad.claim = Claim::Member { kind: "device".to_owned(), key: "laptop-3".to_owned(), at: day(5) + 1 };
    cases.refuted(
        "member-other-moment",
        "another moment than the seal's",
        &bad,
        "claim: `at` is 2026-01-06T00:00:00.000001Z; the seal is of 2026-01-06T00:00:00Z",
    );

    for (name, key) in [("absent", "laptop-99"), ("absent-2", "laptop-77"), ("absent-3", "server-1")] {
        cases.proved(
            name,
            "a device that was not there",
            &log.absent(seal, "device", key, "EP-01"),
            &["of kind `device` was none of 7 resources."],
        );
    }
    // Keys that lie before and after all members.
    let ends = |last: bool| {
        (0..)
            .map(|i| log.absent(seal, "device", &format!("x-{i}"), "EP-01"))
            .find(|proof| proof.members.len() == 1 && (proof.members[0].place == 6) == last)
    };
    cases.proved("absent-before-all", "it would be the first", &ends(false).expect("one"), &[]);
    cases.proved("absent-after-all", "it would be the last", &ends(true).expect("one"), &[]);
    let empty = log.absent(seal, "bucket", "logs", "EP-01");
    cases.proved("absent-of-none", "there were none", &empty, &["was none of 0 resources."]);
    let absent = log.absent(seal, "device", "laptop-99", "EP-01");
    let mut bad = absent.clone();
    bad.claim = Claim::Absent { kind: "device".to_owned(), key: "laptop-3".to_owned(), at: day(5) };
    cases.refuted(
        "absent-but-there",
        "it was there",
        &bad,
        "members: are not the neighbours of the place where it would be",
    );
    let mut bad = absent.clone();
    bad.members.pop();
    cases.refuted(
        "absent-one-neighbour",
        "one neighbour is missing",
        &bad,
        "members: are not the neighbours",
    );
    let mut bad = absent.clone();
    bad.members.remove(0);
    cases.refuted(
        "absent-other-neighbour",
        "the other neighbour is missing",
        &bad,
        "members: are not the neighbours",
    );
    let there = log.member(seal, "device", "laptop-3", "EP-01").members[0].clone();
    let mut bad = log.absent(seal, "device", "laptop-3", "EP-01");
    bad.members = vec![octro_verify::Member { opened: None, ..there.clone() }];
    cases.refuted(
        "absent-itself",
        "the resource itself as its neighbour",
        &bad,
        "members[0]: is the very resource that is said to be absent",
    );
    // Those before and after it, which are not adjacent.
    let others =
        (0..7).filter(|i| *i != 3).map(|i| log.member(seal, "device", &format!("laptop-{i}"), "EP-01"));
    let mut around: Vec<_> = others
        .map(|proof| octro_verify::Member { opened: None, ..proof.members[0].clone() })
        .filter(|member| member.place + 1 == there.place || member.place == there.place + 1)
        .collect();
    around.sort_by_key(|member| member.place);
    assert_eq!(around.len(), 2, "it is not at an end");
    bad.members = around;
    cases.refuted(
        "absent-not-adjacent",
        "neighbours with the resource between them",
        &bad,
        "members: are not the neighbours",
    );
    let mut bad = absent.clone();
    bad.secret = Some(sha256(b"another"));
    cases.refuted(
        "absent-other-key",
        "another population's key",
        &bad,
        "secret: is not the key of this population",
    );
    bad.secret = None;
    cases.refuted("absent-no-key", "without the population's key", &bad, "secret: is missing");
    let person = log.absent(seal, "person", "eve@example.com", "EP-01");
    cases.refuted(
        "absent-person",
        "a kind whose commitments cannot be derived",
        &person,
        "claim: kind `person` has personal data",
    );
    let mut bad = absent.clone();
    bad.claim = member.claim.clone();
    cases.refuted(
        "secret-without-need",
        "a population's key that the claim does not need",
        &bad,
        "secret: has no place in a proof of this claim",
    );
    let mut bad = absent;
    bad.claim = Claim::Absent { kind: "bucket".to_owned(), key: "laptop-99".to_owned(), at: day(5) };
    cases.refuted(
        "absent-other-kind",
        "a population of another kind",
        &bad,
        "is of kind `device`; the claim is about `bucket`",
    );
}
