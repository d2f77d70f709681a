//! An auditor's question, answered by the database and, independently, by going through the simulation itself: which
//! laptops failed disk encryption on 3 March, as known on 1 April, why, under which revision, and when were they repaired?

use std::collections::BTreeMap;
use std::sync::Arc;

use octro_engine::{AsOf, Query, ResultFilter};
use octro_model::{ManualClock, Status, Timestamp};
use octro_store::Db;
use serde_json::Value;

use crate::thing::{BEGIN, DAYS, Thing, day, hour};
use crate::year::Seen;
use crate::{Size, make, sources};

const SEED: u64 = 11;
const SIZE: Size = Size { people: 120, devices: 200, cloud: 0, only: &["directory", "device-management"] };
const ASKED: Timestamp = hour(153, 12); // 3 March
const KNOWN: Timestamp = day(182); // 1 April

/// What the simulation itself says of a laptop at a run: `None` if the test does not apply to it.
fn encrypted(thing: &Thing, run: Timestamp) -> Option<bool> {
    let seen = thing.seen(run, run);
    let is = |name: &str, value: &str| seen.attributes.get(name) == Some(&Value::from(value));
    let applies = is("state", "in_use")
        && ["linux", "macos", "windows"].iter().any(|platform| is("platform", platform));
    let truth = |name: &str| seen.attributes.get(name) == Some(&Value::Bool(true));
    applies.then(|| truth("disk_encrypted") && truth("recovery_key_escrowed"))
}

/// The runs of device management, as its schedule says.
fn runs(management: &Seen, place: i64) -> Vec<Timestamp> {
    let mut at = BEGIN.plus(octro_model::Span::from_secs(60 * (place + 1)));
    let mut all = Vec::new();
    while at < day(DAYS) {
        if !management.silent.iter().any(|(from, to)| *from <= at && at < *to) {
            all.push(at);
        }
        at = at.plus(management.info.every);
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn an_audit_question_has_the_answer_of_an_independent_count() {
    let dir = tempfile::tempdir().unwrap();
    let db = Db::open(&format!("sqlite:{}", dir.path().join("octro.db").display())).await.unwrap();
    make(&db, &octro_model::ManualClock::at(BEGIN), None, SEED, SIZE, &mut |_, _| ()).await.unwrap();
    let query = Query::new(db.clone(), Arc::new(ManualClock::at(day(DAYS))));

    // The independent count.
    let all = sources(SEED, SIZE).unwrap();
    let place = all.iter().position(|source| source.info.id.as_str() == "device-management").unwrap();
    let management = &all[place];
    let runs = runs(management, place as i64);
    let last = *runs.iter().rfind(|at| **at <= ASKED).unwrap();
    let mut expected: BTreeMap<String, Option<Timestamp>> = BTreeMap::new();
    for thing in management.things.iter().filter(|thing| thing.is_there(last)) {
        if encrypted(thing, last) == Some(false) {
            let repaired = runs
                .iter()
                .copied()
                .find(|at| *at > last && *at < KNOWN && encrypted(thing, *at) != Some(false));
            expected.insert(thing.key.clone(), repaired);
        }
    }
    assert!(expected.len() > 5, "the simulated March has too little trouble: {expected:?}");

    // The database's answer.
    let as_of = AsOf { at: ASKED, known_at: KNOWN };
    let filter = ResultFilter {
        test: Some("device.encrypted".parse().unwrap()),
        statuses: [Status::Fail].into(),
        limit: 1_000,
        ..ResultFilter::default()
    };
    let found = query.results(&filter, as_of).await.unwrap();
    let keys: Vec<&str> = found.rows.iter().map(|row| row.key.as_str()).collect();
    let mut sorted = keys.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, expected.keys().map(String::as_str).collect::<Vec<_>>());
    for row in &found.rows {
        assert_eq!(row.rev, 1);
        let why = query.why("device.encrypted", "device", &row.key, as_of).await.unwrap();
        assert_eq!(why.status, Some(Status::Fail));
        assert!(why.sentence.contains("encrypt"), "{}", why.sentence);
        let evidence = why.evidence.first().unwrap();
        assert_eq!(evidence.body["attributes"]["disk_encrypted"], Value::Bool(false));
        let end = why
            .history
            .iter()
            .find(|one| one.from <= ASKED && one.to.is_none_or(|to| to > ASKED))
            .unwrap()
            .to;
        assert_eq!(end, expected[&row.key], "when {} was repaired", row.key);
    }

    // Known today, three more failed: their log came in on 8 April.
    let today = query.results(&filter, AsOf { at: ASKED, known_at: day(DAYS) }).await.unwrap();
    let late: Vec<&str> =
        today.rows.iter().map(|row| row.key.as_str()).filter(|key| !keys.contains(key)).collect();
    let mut expected: Vec<&str> = management.late.iter().map(|late| late.observation.key.as_str()).collect();
    expected.dedup();
    expected.retain(|key| {
        let of = management.things.iter().find(|thing| thing.key == *key).unwrap();
        encrypted(of, ASKED).is_some()
    });
    expected.sort_unstable();
    let mut late = late;
    late.sort_unstable();
    assert_eq!(late, expected);
    assert!(!late.is_empty());

    // And all of it can be made anew from the facts.
    let report = octro_engine::replay(&db, octro_engine::Window::ALL, |_| ()).await.unwrap();
    assert_eq!(report.differences, 0, "{:?}", report.mismatches);
}

#[test]
fn what_the_simulation_says_fits_the_kinds() {
    let program = octro_program::load(&octro_program::Files::embedded()).unwrap().program;
    for source in sources(3, Size::default()).unwrap() {
        for thing in &source.things {
            let layout = program.kinds.get(&thing.kind).unwrap_or_else(|| panic!("no kind {}", thing.kind));
            let seen = thing.seen(day(100), day(100));
            if let Err(misfits) = octro_cel::Record::encode(layout, &seen.attributes, &seen.unknown) {
                panic!("{} {}: {misfits:?}", thing.kind, thing.key);
            }
        }
    }
}
