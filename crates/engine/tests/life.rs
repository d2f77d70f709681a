//! The life of results: how each status comes and goes, told one case at a time.

mod support;

use octro_engine::AsOf;
use octro_model::{Span, Status};
use octro_testkit::observation;
use serde_json::json;
use support::{Bench, START, disk, hour, id, report, rules};

#[tokio::test]
async fn a_result_passes_fails_is_unknown_and_grows_stale() {
    for bench in Bench::all().await {
        bench.install(&rules::full().files()).await;
        bench.declare("a", &["disk"]).await;
        let unread = json!({"kind": "disk", "key": "u", "attributes": {}, "unknown": {"encrypted": {"why": "denied"}}});
        bench.collect("a", &[disk("p", true), disk("f", false), unread], &[("disk", true)]).await;
        assert_eq!(bench.status_now("encrypted", "p").await, Some(Status::Pass));
        assert_eq!(bench.status_now("encrypted", "f").await, Some(Status::Fail));
        assert_eq!(bench.status_now("encrypted", "u").await, Some(Status::Unknown));
        assert_eq!(bench.status_now("scoped", "p").await, Some(Status::Unknown), "its scope is not known");
        assert_eq!(bench.test_now("encrypted").await, (Status::Fail, "1 of 3 fail".to_owned()));
        // To the microsecond: evidence of the moment X is good until X + 24 h.
        let seen = bench.query.resource("disk", "p", bench.present().await).await.unwrap().seen_at.unwrap();
        let due = seen.plus(Span::DAY);
        bench.at(due.minus(Span::from_micros(1))).await;
        assert_eq!(bench.status_now("encrypted", "p").await, Some(Status::Pass));
        bench.at(due).await;
        assert_eq!(bench.status_now("encrypted", "p").await, Some(Status::Stale));
        let before = AsOf { at: due.minus(Span::from_micros(1)), known_at: due };
        assert_eq!(bench.status("encrypted", "p", before).await, Some(Status::Pass));
        // Seen again, it passes again.
        bench.at(due.plus(Span::HOUR)).await;
        bench.collect("a", &[disk("p", true)], &[]).await;
        assert_eq!(bench.status_now("encrypted", "p").await, Some(Status::Pass));
        bench.done().await;
    }
}

#[tokio::test]
async fn a_partial_or_denied_collection_never_passes() {
    for bench in Bench::all().await {
        bench.install(&rules::full().files()).await;
        assert_eq!(
            bench.test_now("encrypted").await,
            (Status::Unknown, "no source: nothing yields `disk`".to_owned())
        );
        bench.declare("a", &["disk"]).await;
        bench.collect("a", &[disk("p", true)], &[("disk", true)]).await;
        assert_eq!(bench.test_now("encrypted").await, (Status::Pass, "all 1 pass".to_owned()));
        bench.at(hour(1.0)).await;
        bench.collect("a", &[disk("p", true)], &[("disk", false)]).await;
        let (status, reason) = bench.test_now("encrypted").await;
        assert_eq!((status, reason.contains("a permission is missing")), (Status::Unknown, true), "{reason}");
        assert_eq!(
            bench.status_now("encrypted", "p").await,
            Some(Status::Pass),
            "the resource itself was seen"
        );
        // A second source of the kind that has not tried yet: nobody knows what it would find.
        bench.at(hour(2.0)).await;
        bench.collect("a", &[disk("p", true)], &[("disk", true)]).await;
        assert_eq!(bench.test_now("encrypted").await.0, Status::Pass);
        bench.declare("b", &["disk"]).await;
        assert_eq!(bench.test_now("encrypted").await.0, Status::Unknown);
        let control = bench.query.control("C-1", bench.present().await).await.unwrap();
        assert_eq!(control.status, Status::Unknown);
        bench.done().await;
    }
}

#[tokio::test]
async fn an_empty_population_is_empty_only_by_a_complete_and_fresh_enumeration() {
    for bench in Bench::all().await {
        bench.install(&rules::full().files()).await;
        bench.declare("a", &["disk"]).await;
        bench.collect("a", &[], &[]).await;
        assert_eq!(bench.test_now("encrypted").await.0, Status::Unknown);
        bench.collect("a", &[], &[("disk", true)]).await;
        assert_eq!(bench.test_now("encrypted").await.0, Status::NotApplicable);
        bench.at(hour(25.0)).await;
        assert_eq!(bench.test_now("encrypted").await.0, Status::Stale, "the enumeration itself grows old");
        bench.collect("a", &[], &[("disk", false)]).await;
        assert_eq!(bench.test_now("encrypted").await.0, Status::Unknown);
        bench.done().await;
    }
}

#[tokio::test]
async fn what_a_complete_enumeration_does_not_find_is_gone() {
    for bench in Bench::all().await {
        bench.install(&rules::full().files()).await;
        bench.declare("a", &["disk"]).await;
        bench.collect("a", &[disk("d1", true), disk("d2", false)], &[("disk", true)]).await;
        bench.at(hour(1.0)).await;
        bench.collect("a", &[disk("d1", true)], &[("disk", false)]).await;
        assert_eq!(
            bench.status_now("encrypted", "d2").await,
            Some(Status::Fail),
            "it was not enumerated completely"
        );
        bench.at(hour(2.0)).await;
        bench.collect("a", &[disk("d1", true)], &[("disk", true)]).await;
        assert_eq!(bench.status_now("encrypted", "d2").await, None);
        assert_eq!(bench.test_now("encrypted").await.0, Status::Pass);
        let then = AsOf { at: hour(1.5), known_at: hour(3.0) };
        assert_eq!(bench.status("encrypted", "d2", then).await, Some(Status::Fail));
        // It comes back.
        bench.at(hour(3.0)).await;
        bench.collect("a", &[disk("d1", true), disk("d2", true)], &[("disk", true)]).await;
        assert_eq!(bench.status_now("encrypted", "d2").await, Some(Status::Pass));
        bench.done().await;
    }
}

#[tokio::test]
async fn references_are_followed_both_ways() {
    for bench in Bench::all().await {
        bench.install(&rules::full().files()).await;
        bench.declare("a", &["disk", "person"]).await;
        bench.declare("k", &["kms"]).await;
        let owned = json!({"kind": "disk", "key": "d", "attributes": {"encrypted": true, "key_id": "k1", "owner": "ann"}});
        let ann = json!({"kind": "person", "key": "ann", "attributes": {"active": true}});
        bench.collect("a", &[owned, ann], &[("disk", true), ("person", true)]).await;
        assert_eq!(bench.status_now("keyed", "d").await, Some(Status::Unknown), "nobody told of the key");
        assert_eq!(bench.status_now("owned", "ann").await, Some(Status::Pass));
        let key = |on: bool| json!({"kind": "kms", "key": "k1", "attributes": {"enabled": on}});
        bench.collect("k", &[key(true)], &[("kms", true)]).await;
        assert_eq!(bench.status_now("keyed", "d").await, Some(Status::Pass));
        bench.at(hour(1.0)).await;
        bench.collect("k", &[key(false)], &[("kms", true)]).await;
        assert_eq!(bench.status_now("keyed", "d").await, Some(Status::Fail));
        let lost = json!({"kind": "disk", "key": "d", "attributes": {"encrypted": false, "key_id": "k1", "owner": "ann"}});
        bench.collect("a", &[lost], &[]).await;
        assert_eq!(bench.status_now("owned", "ann").await, Some(Status::Fail));
        let given = json!({"kind": "disk", "key": "d", "attributes": {"encrypted": true, "key_id": "k9", "owner": "bob"}});
        bench.collect("a", &[given], &[]).await;
        assert_eq!(bench.status_now("owned", "ann").await, Some(Status::Fail), "she has none now");
        assert_eq!(
            bench.status_now("keyed", "d").await,
            Some(Status::Unknown),
            "a complete enumeration knows no k9: absent"
        );
        // A fact of a neighbour grows old, too.
        bench.at(hour(40.0)).await;
        assert_eq!(bench.status_now("keyed", "d").await, Some(Status::Stale));
        bench.done().await;
    }
}

#[tokio::test]
async fn a_neighbour_is_as_old_as_what_is_read_of_it() {
    for mut bench in Bench::all().await {
        bench.install(&rules::full().files()).await;
        bench.declare("a", &["disk"]).await;
        bench.declare("k", &["kms"]).await;
        bench.declare("l", &["kms"]).await;
        let keyed = json!({"kind": "disk", "key": "d", "attributes": {"encrypted": true, "key_id": "k1"}});
        let enabled = json!({"kind": "kms", "key": "k1", "attributes": {"enabled": true}});
        let seen = json!({"kind": "kms", "key": "k1", "attributes": {}});
        bench.collect("k", std::slice::from_ref(&enabled), &[("kms", true)]).await;
        let since = bench.query.resource("kms", "k1", bench.present().await).await.unwrap().seen_at.unwrap();
        bench.at(hour(1.0)).await;
        bench.collect("l", std::slice::from_ref(&seen), &[("kms", true)]).await;
        bench.collect("a", std::slice::from_ref(&keyed), &[("disk", true)]).await;
        assert_eq!(bench.status_now("keyed", "d").await, Some(Status::Pass));
        // One source falls silent. The other goes on to see the key, but never said whether it is enabled.
        for hours in [10.0, 20.0, 29.0] {
            bench.at(hour(hours)).await;
            bench.collect("l", std::slice::from_ref(&seen), &[("kms", true)]).await;
            bench.collect("a", std::slice::from_ref(&keyed), &[("disk", true)]).await;
            assert_eq!(bench.status_now("keyed", "d").await, Some(Status::Pass), "{hours}");
        }
        bench.reopen().await;
        let due = since.plus(Span::from_secs(30 * 3_600));
        bench.at(due.minus(Span::from_micros(1))).await;
        assert_eq!(bench.status_now("keyed", "d").await, Some(Status::Pass));
        bench.at(due).await;
        assert_eq!(bench.status_now("keyed", "d").await, Some(Status::Stale));
        bench.collect("l", &[seen], &[("kms", true)]).await;
        bench.collect("a", &[keyed], &[("disk", true)]).await;
        assert_eq!(bench.status_now("keyed", "d").await, Some(Status::Stale));
        bench.at(hour(32.0)).await;
        bench.collect("k", &[enabled], &[("kms", true)]).await;
        assert_eq!(bench.status_now("keyed", "d").await, Some(Status::Pass));
        bench.done().await;
    }
}

#[tokio::test]
async fn what_rests_on_an_enumeration_grows_stale_with_it() {
    for mut bench in Bench::all().await {
        let orphan = "rev = 1\nseverity = \"low\"\non = \"person\"\nmax_age = \"30h\"\nmessage = \"she has a disk\"\n\
             pass = \"count(refs('disk', 'owner')) == 0 && resource.active\"\n\
             [[examples]]\nname = \"good\"\nkey = \"ann\"\ngiven = { active = true }\nexpect = \"pass\"\n\
             [[examples]]\nname = \"bad\"\nkey = \"ann\"\ngiven = { active = true }\nothers = [{ kind = \"disk\", key = \"d\", given = { owner = \"ann\" } }]\nexpect = \"fail\"\n\
             [[examples]]\nname = \"unsaid\"\nkey = \"ann\"\ngiven = { }\nexpect = \"unknown\"\n";
        bench.install(&rules::full().test("orphan", orphan).files()).await;
        bench.declare("a", &["disk"]).await;
        bench.declare("p", &["person"]).await;
        let ann = json!({"kind": "person", "key": "ann", "attributes": {"active": true}});
        bench.collect("a", &[], &[("disk", true)]).await;
        let source = bench.query.source("a", bench.present().await, 1).await.unwrap();
        let due = source.last().unwrap().finished_at.plus(Span::from_secs(30 * 3_600));
        for hours in [1.0, 20.0, 29.0] {
            bench.at(hour(hours)).await;
            bench.collect("p", std::slice::from_ref(&ann), &[("person", true)]).await;
            assert_eq!(bench.status_now("orphan", "ann").await, Some(Status::Pass), "{hours}");
        }
        // Nobody looked for disks for so long that she may have one.
        bench.at(due.minus(Span::from_micros(1))).await;
        assert_eq!(bench.status_now("orphan", "ann").await, Some(Status::Pass));
        bench.at(due).await;
        assert_eq!(bench.status_now("orphan", "ann").await, Some(Status::Stale));
        bench.reopen().await;
        bench.at(hour(33.0)).await;
        bench.collect("a", &[], &[("disk", true)]).await;
        assert_eq!(bench.status_now("orphan", "ann").await, Some(Status::Pass), "it was looked for again");
        // What is learned late of that time does not make it fresher.
        bench.at(hour(34.0)).await;
        let late = json!({"kind": "person", "key": "ann", "at": hour(28.0), "attributes": {"active": false}});
        bench.collect("p", &[late], &[]).await;
        let then = AsOf { at: hour(32.0), known_at: bench.present().await.known_at };
        assert_eq!(bench.status("orphan", "ann", then).await, Some(Status::Stale));
        assert_eq!(bench.status_now("orphan", "ann").await, Some(Status::Pass));
        bench.done().await;
    }
}

#[tokio::test]
async fn a_scope_that_is_no_longer_reported_is_not_enumerated() {
    for mut bench in Bench::all().await {
        bench.install(&rules::full().files()).await;
        bench.declare("s", &["disk"]).await;
        let seen = [json!({"kind": "disk", "key": "d", "scope": "a", "attributes": {"encrypted": true}})];
        bench.collect_disks("s", &seen, &[("a", true, 1), ("b", false, 0)]).await;
        assert_eq!(bench.test_now("encrypted").await.0, Status::Unknown);
        for hours in [1.0, 2.0] {
            bench.at(hour(hours)).await;
            bench.collect_disks("s", &seen, &[("a", true, 1)]).await;
            let (status, reason) = bench.test_now("encrypted").await;
            assert_eq!(status, Status::Unknown);
            assert!(reason.contains("scope `b` was not reported by the last run"), "{reason}");
            let source = bench.query.source("s", bench.present().await, 1).await.unwrap();
            assert_eq!((source.scopes.len(), source.runs[0].complete), (2, false), "{source:#?}");
            bench.reopen().await;
        }
        // It is said for the last time, complete and empty: it need not be mentioned again.
        bench.at(hour(3.0)).await;
        bench.collect_disks("s", &seen, &[("a", true, 1), ("b", true, 0)]).await;
        assert_eq!(bench.test_now("encrypted").await.0, Status::Pass);
        bench.reopen().await;
        bench.at(hour(4.0)).await;
        bench.collect_disks("s", &seen, &[("a", true, 1)]).await;
        assert_eq!(bench.test_now("encrypted").await, (Status::Pass, "all 1 pass".to_owned()));
        // A run that fails as a whole names no scope; the next one takes its place.
        bench.collect_disks("s", &[], &[("", false, 0)]).await;
        assert_eq!(bench.test_now("encrypted").await.0, Status::Unknown);
        bench.collect_disks("s", &seen, &[("a", true, 1)]).await;
        assert_eq!(bench.test_now("encrypted").await.0, Status::Pass);
        // A scope in which something stands has not ended, whatever its report counts.
        let more = json!({"kind": "disk", "key": "e", "scope": "c", "attributes": {"encrypted": true}});
        bench.at(hour(5.0)).await;
        bench.collect_disks("s", &[seen[0].clone(), more], &[("a", true, 0), ("c", true, 0)]).await;
        assert_eq!(bench.test_now("encrypted").await.0, Status::Pass);
        bench.collect_disks("s", &seen, &[("a", true, 0)]).await;
        assert_eq!(bench.test_now("encrypted").await.0, Status::Unknown);
        // One complete run over the whole kind, not divided, leaves no question.
        bench.collect_disks("s", &seen, &[("", true, 1)]).await;
        assert_eq!(bench.test_now("encrypted").await.0, Status::Pass);
        bench.done().await;
    }
}

#[tokio::test]
async fn time_flips_at_the_right_microsecond() {
    for bench in Bench::all().await {
        bench.install(&rules::full().files()).await;
        bench.declare("a", &["disk"]).await;
        let checked = json!({"kind": "disk", "key": "d", "attributes": {"checked": hour(-1.0)}});
        bench.collect("a", &[checked], &[("disk", true)]).await;
        let due = hour(47.0);
        bench.at(due.minus(Span::from_micros(1))).await;
        assert_eq!(bench.status_now("checked", "d").await, Some(Status::Pass));
        bench.at(due).await;
        assert_eq!(bench.status_now("checked", "d").await, Some(Status::Fail));
        let why = bench.query.why("checked", "disk", "d", bench.present().await).await.unwrap();
        assert_eq!(why.since, Some(due));
        // Long after, when nobody ticked meanwhile, each change still has its own moment.
        bench.at(hour(200.0)).await;
        let stale = bench.query.why("checked", "disk", "d", bench.present().await).await.unwrap();
        assert_eq!(stale.status, Some(Status::Stale));
        assert_eq!(stale.since, Some(stale.evidence[0].effective_at.plus(Span::from_secs(72 * 3_600))));
        bench.done().await;
    }
}

#[tokio::test]
async fn late_observations_rewrite_history_and_as_known_then_stays() {
    for bench in Bench::all().await {
        bench.install(&rules::full().files()).await;
        bench.declare("a", &["disk"]).await;
        bench.at(hour(1.0)).await;
        bench.collect("a", &[disk("d", true)], &[("disk", true)]).await;
        bench.at(hour(10.0)).await;
        bench.collect("a", &[disk("d", true)], &[("disk", true)]).await;
        let three = |known| AsOf { at: hour(3.0), known_at: hour(known) };
        assert_eq!(bench.status("encrypted", "d", three(10.5)).await, Some(Status::Pass));
        // At 12 it is learned that from 2 to 4 it was not encrypted.
        bench.at(hour(12.0)).await;
        let late = |encrypted, at: f64| json!({"kind": "disk", "key": "d", "at": hour(at), "attributes": {"encrypted": encrypted}});
        bench.collect("a", &[late(false, 2.0)], &[]).await;
        bench.at(hour(12.5)).await;
        bench.collect("a", &[late(true, 4.0)], &[]).await;
        bench.at(hour(13.0)).await;
        assert_eq!(bench.status("encrypted", "d", three(10.5)).await, Some(Status::Pass), "as known then");
        assert_eq!(bench.status("encrypted", "d", three(12.2)).await, Some(Status::Fail));
        assert_eq!(bench.status("encrypted", "d", three(13.0)).await, Some(Status::Fail));
        let five = |known| AsOf { at: hour(5.0), known_at: hour(known) };
        assert_eq!(
            bench.status("encrypted", "d", five(12.2)).await,
            Some(Status::Fail),
            "until it was seen again at 10"
        );
        assert_eq!(bench.status("encrypted", "d", five(13.0)).await, Some(Status::Pass));
        assert_eq!(bench.status_now("encrypted", "d").await, Some(Status::Pass));
        let why = bench.query.why("encrypted", "disk", "d", bench.present().await).await.unwrap();
        assert!(why.history.iter().any(|row| row.superseded_at.is_some()), "{:#?}", why.history);
        assert!(why.history.iter().any(|row| row.learned_later && row.status == Some(Status::Fail)));
        bench.done().await;
    }
}

#[tokio::test]
async fn a_clock_that_steps_back_or_runs_ahead_changes_no_order() {
    for bench in Bench::all().await {
        bench.install(&rules::full().files()).await;
        bench.declare("a", &["disk"]).await;
        bench.at(hour(5.0)).await;
        bench.collect("a", &[disk("d", false)], &[("disk", true)]).await;
        bench.clock.set(hour(1.0));
        bench.collect("a", &[disk("d", true)], &[("disk", true)]).await;
        bench.clock.set(hour(6.0));
        assert_eq!(bench.status_now("encrypted", "d").await, Some(Status::Pass), "what was told last counts");
        let ahead =
            json!({"kind": "disk", "key": "d", "at": hour(500.0), "attributes": {"encrypted": false}});
        bench.collect("a", &[ahead], &[]).await;
        assert_eq!(bench.status_now("encrypted", "d").await, Some(Status::Fail), "it counts as now");
        bench.done().await;
    }
}

#[tokio::test]
async fn two_sources_are_merged_attribute_by_attribute() {
    for bench in Bench::all().await {
        bench.install(&rules::full().files()).await;
        bench.declare("a", &["disk"]).await;
        bench.declare("b", &["disk"]).await;
        let size = json!({"kind": "disk", "key": "d", "attributes": {"size": 50}});
        bench.collect("a", &[disk("d", true)], &[("disk", true)]).await;
        assert_eq!(bench.status_now("scoped", "d").await, Some(Status::Unknown));
        bench.at(hour(5.0)).await;
        bench.collect("b", std::slice::from_ref(&size), &[("disk", true)]).await;
        assert_eq!(bench.status_now("scoped", "d").await, Some(Status::Pass));
        // Each attribute is as fresh as the source that it comes from.
        bench.at(hour(12.0)).await;
        bench.collect("b", &[size], &[("disk", true)]).await;
        assert_eq!(bench.status_now("scoped", "d").await, Some(Status::Stale));
        let view = bench.query.resource("disk", "d", bench.present().await).await.unwrap();
        let from = |name: &str| view.attributes.iter().find(|one| one.name == name).unwrap().source.clone();
        assert_eq!((from("encrypted"), from("size")), (Some(id("a")), Some(id("b"))));
        // One no longer finds it, the other does.
        bench.collect("a", &[], &[("disk", true)]).await;
        assert_eq!(bench.status_now("encrypted", "d").await, Some(Status::Unknown));
        bench.done().await;
    }
}

#[tokio::test]
async fn exceptions_begin_and_end_by_themselves() {
    for bench in Bench::all().await {
        let program = rules::full().exception("x", "encrypted", "d*", hour(2.0), hour(4.0));
        bench.install(&program.files()).await;
        bench.declare("a", &["disk"]).await;
        bench.collect("a", &[disk("d1", false), disk("e1", true)], &[("disk", true)]).await;
        for (at, status, whole) in [
            (hour(1.9), Status::Fail, Status::Fail),
            (hour(2.0), Status::Excepted, Status::Excepted),
            (hour(3.9), Status::Excepted, Status::Excepted),
            (hour(4.0), Status::Fail, Status::Fail),
        ] {
            bench.at(at).await;
            assert_eq!(bench.status_now("encrypted", "d1").await, Some(status), "{at}");
            assert_eq!(bench.test_now("encrypted").await.0, whole, "{at}");
        }
        let then = AsOf { at: hour(3.0), known_at: hour(4.0) };
        let why = bench.query.why("encrypted", "disk", "d1", then).await.unwrap();
        assert!(why.exceptions[0].active);
        assert_eq!(why.sentence, "excepted: a disk is not encrypted");
        bench.done().await;
    }
}

#[tokio::test]
async fn a_program_changes_the_present_and_leaves_the_past() {
    for mut bench in Bench::all().await {
        let first = rules::full();
        assert!(bench.install(&first.files()).await);
        assert!(!bench.install(&first.files()).await, "it is in force already");
        bench.declare("a", &["disk"]).await;
        let small = json!({"kind": "disk", "key": "d", "attributes": {"encrypted": true, "size": 3}});
        bench.collect("a", &[small], &[("disk", true)]).await;
        bench.at(hour(1.0)).await;
        let second = first
            .clone()
            .test("encrypted", &rules::encrypted_large())
            .without("tests/scoped.toml")
            .control("C-1", &["encrypted"]);
        bench.install(&second.files()).await;
        assert_eq!(bench.status_now("encrypted", "d").await, Some(Status::Fail));
        assert_eq!(bench.status_now("scoped", "d").await, None);
        let before = AsOf { at: hour(0.5), known_at: hour(1.0) };
        assert_eq!(bench.status("encrypted", "d", before).await, Some(Status::Pass));
        assert_eq!(bench.status("scoped", "d", before).await, Some(Status::NotApplicable));
        assert_eq!(bench.query.test("encrypted", before).await.unwrap().rev, 1);
        assert_eq!(bench.query.why("encrypted", "disk", "d", bench.present().await).await.unwrap().rev, 2);
        // The kind's shape changes: what no longer fits is unknown, and back it is what it was.
        bench.at(hour(2.0)).await;
        let shape = [("encrypted", "string", ""), ("size", "int", ""), ("note", "string", "")];
        let third = rules::base().without("kinds/person.toml").kind("disk", 2, &shape).control("C-1", &[]);
        bench.install(&third.files()).await;
        let read = |view: &octro_engine::ResourceView, name: &str| {
            view.attributes.iter().find(|one| one.name == name).map(|one| one.reading.clone())
        };
        let view = bench.query.resource("disk", "d", bench.present().await).await.unwrap();
        assert!(
            matches!(read(&view, "encrypted"), Some(octro_engine::ReadView::Unknown { .. })),
            "{view:#?}"
        );
        assert_eq!(read(&view, "size"), Some(octro_engine::ReadView::Value { value: json!(3) }));
        bench.reopen().await;
        bench.at(hour(3.0)).await;
        bench.install(&first.files()).await;
        assert_eq!(bench.status_now("encrypted", "d").await, Some(Status::Pass));
        assert_eq!(bench.status_now("scoped", "d").await, Some(Status::NotApplicable));
        bench.done().await;
    }
}

#[tokio::test]
async fn a_retired_source_leaves_what_it_said_until_that_is_too_old() {
    for mut bench in Bench::all().await {
        bench.install(&rules::full().files()).await;
        bench.declare("a", &["disk"]).await;
        bench.collect("a", &[disk("d", true)], &[("disk", true)]).await;
        bench.engine.retire(&id("a")).await.unwrap();
        assert_eq!(bench.test_now("encrypted").await.0, Status::Unknown);
        assert_eq!(bench.status_now("encrypted", "d").await, Some(Status::Pass));
        bench.at(hour(30.0)).await;
        assert_eq!(bench.status_now("encrypted", "d").await, Some(Status::Stale));
        // Declared again, it has not enumerated anything yet: also after a restart.
        bench.declare("a", &["disk"]).await;
        bench.reopen().await;
        assert_eq!(bench.test_now("encrypted").await.1, "source `a` has not enumerated it yet");
        bench.collect("a", &[], &[("disk", true)]).await;
        assert_eq!(bench.test_now("encrypted").await.0, Status::NotApplicable);
        bench.done().await;
    }
}

#[tokio::test]
async fn what_does_not_fit_is_refused_with_a_reason_and_counted() {
    for bench in Bench::all().await {
        bench.install(&rules::full().files()).await;
        bench.declare("a", &["disk"]).await;
        let collecting = bench.engine.begin(&id("a")).await.unwrap();
        let wrong = [
            json!({"kind": "disk", "key": "x", "attributes": {"encrypted": "yes"}}),
            json!({"kind": "disk", "key": "", "attributes": {}}),
            json!({"kind": "kms", "key": "k", "attributes": {}}),
            json!({"kind": "nothing", "key": "k", "attributes": {}}),
            disk("d", true),
        ];
        let received =
            bench.engine.observe(&collecting, wrong.iter().map(observation).collect()).await.unwrap();
        assert_eq!((received.changed, received.refused), (1, 4));
        bench.engine.finish(&collecting, report("a", START, &[("disk", true)])).await.unwrap();
        let source = bench.query.source("a", bench.present().await, 5).await.unwrap();
        let run = source.last().unwrap();
        assert_eq!((run.refused, run.complete, run.errors.len()), (4, false, 4), "{run:#?}");
        assert!(run.errors.iter().any(|error| error.message.contains("encrypted")), "{:?}", run.errors);
        assert_eq!(source.scopes[0].complete, Some(false));
        assert_eq!(bench.test_now("encrypted").await.0, Status::Unknown);
        // All are counted, however few of them are explained.
        let many = bench.engine.begin(&id("a")).await.unwrap();
        let unfit = observation(&wrong[0]);
        bench.engine.observe(&many, vec![unfit; 70]).await.unwrap();
        bench.engine.finish(&many, report("a", START, &[("disk", true)])).await.unwrap();
        let (_, reason) = bench.test_now("encrypted").await;
        assert!(reason.contains("70 observations did not fit"), "{reason}");
        let over = bench.engine.observe(&collecting, vec![observation(&disk("d", true))]).await;
        assert!(matches!(over, Err(octro_engine::EngineError::NotCollecting)), "{over:?}");
        bench.done().await;
    }
}
