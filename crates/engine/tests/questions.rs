//! The questions that pages and auditors ask, on a small history whose answers can be told by hand.

mod support;

use std::collections::BTreeSet;

use octro_engine::{AsOf, Happening, ResourceFilter, ResultFilter, ResultSort};
use octro_model::{Span, Status};
use serde_json::json;
use support::{Bench, disk, hour, id, rules};

/// Ten disks; `d3` and `d7` fail from hour 2 on, `d3` is repaired at 6, `d7` never. A run every two hours.
async fn history() -> Vec<Bench> {
    let all = Bench::all().await;
    for bench in &all {
        bench.install(&rules::full().files()).await;
        bench.declare("a", &["disk", "kms", "person"]).await;
        for run in 0..5 {
            bench.at(hour(f64::from(run) * 2.0)).await;
            let disks: Vec<_> = (0..10)
                .map(|n| {
                    disk(&format!("d{n}"), !((n == 3 && (run == 1 || run == 2)) || (n == 7 && run >= 1)))
                })
                .collect();
            bench.collect("a", &disks, &[("disk", true), ("kms", true), ("person", true)]).await;
        }
        bench.at(hour(9.0)).await;
    }
    all
}

#[tokio::test]
async fn failing_results_come_first_with_their_reasons() {
    for bench in history().await {
        let now = bench.present().await;
        let filter = ResultFilter { test: Some(id("encrypted")), limit: 3, ..ResultFilter::default() };
        let page = bench.query.results(&filter, now).await.unwrap();
        assert_eq!(page.total, 10);
        let shown: Vec<(&str, Status)> = page.rows.iter().map(|row| (row.key.as_str(), row.status)).collect();
        assert_eq!(shown, [("d7", Status::Fail), ("d0", Status::Pass), ("d1", Status::Pass)]);
        assert_eq!(page.rows[0].reason, "a disk is not encrypted");
        assert_eq!(
            page.rows[0].since,
            bench.query.why("encrypted", "disk", "d7", now).await.unwrap().since.unwrap()
        );
        assert!(page.rows[1].reason.contains("encrypted is true"), "{}", page.rows[1].reason);
        assert!(page.rows[1].age(now.at) <= Span::HOUR, "seen again in the last run: {:?}", page.rows[1]);
        let next = bench.query.results(&ResultFilter { offset: 9, ..filter.clone() }, now).await.unwrap();
        assert_eq!(next.rows.iter().map(|row| row.key.as_str()).collect::<Vec<_>>(), ["d9"]);
        let failing =
            ResultFilter { statuses: BTreeSet::from([Status::Fail]), limit: 10, ..ResultFilter::default() };
        assert_eq!(bench.query.results(&failing, now).await.unwrap().total, 1);
        let then = AsOf { at: hour(3.0), known_at: now.at };
        let rows = bench.query.results(&failing, then).await.unwrap().rows;
        assert_eq!(rows.iter().map(|row| row.key.as_str()).collect::<Vec<_>>(), ["d3", "d7"]);
        let text = ResultFilter {
            text: "D3".to_owned(),
            control: Some(id("C-1")),
            limit: 10,
            ..ResultFilter::default()
        };
        assert_eq!(bench.query.results(&text, now).await.unwrap().total, 4, "one of each test");
        let newest = ResultFilter { sort: ResultSort::Newest, limit: 1, ..filter };
        assert_eq!(bench.query.results(&newest, now).await.unwrap().rows[0].key, "d3");
        bench.done().await;
    }
}

#[tokio::test]
async fn a_period_counts_time_repairs_and_population() {
    for bench in history().await {
        let (from, to) = (hour(1.0), hour(9.0));
        let period = bench.query.period("test", "encrypted", from, to, to).await.unwrap();
        let strip = period.strip().unwrap();
        let statuses: Vec<_> = strip.segments.iter().map(|segment| segment.status.unwrap()).collect();
        assert_eq!(statuses, [Status::Pass, Status::Fail]);
        let share = strip.shares.iter().find(|(status, _)| *status == Status::Fail).unwrap().1;
        assert!((share - 7.0 / 8.0).abs() < 1e-6, "{share}");
        assert_eq!(strip.segments.last().unwrap().to, to);
        assert_eq!(strip.transitions, 1);
        let repairs: Vec<_> = period
            .repairs
            .iter()
            .map(|one| (one.key.as_str(), one.repaired_at.since(one.failed_at)))
            .collect();
        assert_eq!(repairs, [("d3", Span::from_secs(4 * 3_600))]);
        assert_eq!(period.mean_time_to_repair, Some(Span::from_secs(4 * 3_600)));
        assert_eq!((period.open_failures, period.tally_from.pass, period.tally_to.pass), (1, 10, 9));
        assert_eq!(period.population_to.count, 10);
        // sha256 of the lines "disk\td0\n" ... "disk\td9\n"
        assert_eq!(
            period.population_to.hash,
            "8064a7cf0f660dd4160e08e9b82a1dedb9692f369cc520acdf3a6e62d88225a3"
        );
        let gap = period.largest_gap.unwrap();
        assert!(gap.length() <= Span::from_secs(2 * 3_600 + 1), "{gap:?}");
        let control = bench.query.period("control", "C-1", from, to, to).await.unwrap();
        assert_eq!(control.strips.len(), 5);
        assert_eq!(control.strip().unwrap().subject, "control");
        bench.done().await;
    }
}

#[tokio::test]
async fn a_resource_tells_its_attributes_neighbours_and_timeline() {
    for bench in history().await {
        let named = json!({"kind": "disk", "key": "d3", "attributes": {"encrypted": true, "owner": "ann", "key_id": "k"}});
        let ann = json!({"kind": "person", "key": "ann", "attributes": {"active": true}});
        bench.collect("a", &[named, ann], &[]).await;
        let view = bench.query.resource("disk", "d3", bench.present().await).await.unwrap();
        assert!(!view.gone);
        assert_eq!(view.sources, [id("a")]);
        let neighbours: Vec<_> =
            view.neighbours.iter().map(|one| (one.named, one.key.as_str(), one.known)).collect();
        assert_eq!(neighbours, [(true, "k", false), (true, "ann", true)]);
        let person = bench.query.resource("person", "ann", bench.present().await).await.unwrap();
        assert_eq!(
            person.neighbours.iter().map(|one| (one.named, one.key.as_str())).collect::<Vec<_>>(),
            [(false, "d3")]
        );
        let changes = |what: &Happening| match what {
            Happening::Observed { changes, .. } => {
                Some(changes.iter().map(|one| one.name.clone()).collect::<Vec<_>>())
            }
            Happening::Gone { .. } | Happening::Result { .. } => None,
        };
        let said: Vec<_> = view.timeline.iter().filter_map(|entry| changes(&entry.happening)).collect();
        assert_eq!(said[0], ["key_id", "owner"]);
        assert_eq!(said[1], ["encrypted"]);
        assert_eq!(said.len(), 4, "{said:?}");
        assert_eq!(view.results[0].test, id("keyed"), "{:#?}", view.results);
        let then =
            bench.query.resource("disk", "d3", AsOf { at: hour(3.0), known_at: hour(9.5) }).await.unwrap();
        assert!(then.neighbours.is_empty());
        assert_eq!(then.results.iter().find(|one| one.test == id("encrypted")).unwrap().status, Status::Fail);
        let missing = bench.query.resource("disk", "nothing", bench.present().await).await;
        assert!(matches!(missing, Err(octro_engine::EngineError::NotFound { .. })));
        bench.done().await;
    }
}

#[tokio::test]
async fn resources_are_listed_by_kind_text_and_status() {
    for bench in history().await {
        bench.collect("a", &[disk("d1", true)], &[("disk", true)]).await;
        let now = bench.present().await;
        let all = ResourceFilter { kind: Some(id("disk")), limit: 100, ..ResourceFilter::default() };
        assert_eq!(bench.query.resources(&all, now).await.unwrap().1, 1);
        let (rows, total) =
            bench.query.resources(&ResourceFilter { gone: true, ..all.clone() }, now).await.unwrap();
        assert_eq!((rows.len(), total, rows[0].gone, rows[1].gone), (10, 10, true, false));
        let then = AsOf { at: hour(3.0), known_at: now.at };
        let failing = ResourceFilter { status: Some(Status::Fail), ..all.clone() };
        let (rows, total) = bench.query.resources(&failing, then).await.unwrap();
        assert_eq!(
            (rows.iter().map(|row| row.key.as_str()).collect::<Vec<_>>(), total),
            (vec!["d3", "d7"], 2)
        );
        let text = ResourceFilter { text: "%".to_owned(), ..all.clone() };
        assert_eq!(
            bench.query.resources(&text, then).await.unwrap().1,
            0,
            "a sign of a pattern is a letter like any"
        );
        let page = ResourceFilter { offset: 8, limit: 5, ..all };
        assert_eq!(bench.query.resources(&page, then).await.unwrap().0.len(), 2);
        bench.done().await;
    }
}

#[tokio::test]
async fn why_names_the_rule_the_facts_and_the_evidence() {
    for bench in history().await {
        let why = bench.query.why("encrypted", "disk", "d7", bench.present().await).await.unwrap();
        assert_eq!(why.status, Some(Status::Fail));
        assert_eq!(
            (why.pass.as_str(), why.rev, why.message.as_str()),
            ("resource.encrypted", 1, "a disk is not encrypted")
        );
        assert_eq!(why.facts.len(), 1);
        assert_eq!((why.facts[0].path.as_str(), why.facts[0].source.clone()), ("encrypted", Some(id("a"))));
        assert_eq!(why.evidence[0].body, json!({"attributes": {"encrypted": false}}));
        assert_eq!(why.evidence[0].collection, 2);
        assert!(why.evidence[0].seen_at > why.evidence[0].effective_at);
        assert_eq!(
            why.history.iter().map(|row| row.status.unwrap()).collect::<Vec<_>>(),
            [Status::Fail, Status::Pass]
        );
        assert_eq!(why.controls, [id("C-1")]);
        assert!(bench.query.why("encrypted", "kms", "d7", bench.present().await).await.is_err());
        bench.done().await;
    }
}

#[tokio::test]
async fn the_overview_the_principles_and_the_search_answer() {
    for bench in history().await {
        let now = bench.present().await;
        let overview = bench.query.overview(now).await.unwrap();
        assert_eq!(overview.parts.len(), 1);
        assert_eq!(overview.parts[0].status, Status::Fail);
        assert!(!overview.changes.is_empty());
        let principles = bench.query.principles(now).await.unwrap();
        assert_eq!(principles.months.len(), 12);
        assert_eq!(principles.months[11].repairs, 1);
        assert_eq!(principles.months[11].failing, 1);
        assert_eq!((principles.depth[0].present, principles.depth[0].passing), (1, 0));
        let c1 = principles.consistency.iter().find(|one| one.control == id("C-1")).unwrap();
        assert_eq!(
            (c1.known, c1.judged, c1.complete),
            (40, 10, true),
            "three of four tests know nothing of the disks"
        );
        let what = |hits: Vec<octro_engine::Hit>| {
            hits.into_iter().map(|hit| format!("{} {}", hit.what, hit.id)).collect::<Vec<_>>()
        };
        assert_eq!(what(bench.query.search("D3", now, 5).await.unwrap()), ["resource d3"]);
        assert_eq!(what(bench.query.search("c-1", now, 5).await.unwrap()), ["control C-1"]);
        assert_eq!(what(bench.query.search("disk", now, 5).await.unwrap()), ["kind disk"]);
        assert!(bench.query.search(" ", now, 5).await.unwrap().is_empty());
        let source = bench.query.source("a", now, 3).await.unwrap();
        assert_eq!((source.runs.len(), source.silent, source.kinds.len()), (3, false, 3));
        let later = AsOf { at: hour(40.0), known_at: hour(40.0) };
        assert!(bench.query.sources(later).await.unwrap()[0].silent);
        bench.done().await;
    }
}
