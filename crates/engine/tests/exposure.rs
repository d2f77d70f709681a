//! What the internet reaches, and what could not be seen, told by hand.

mod support;

use octro_engine::{AsOf, Coverage, Exposure};
use octro_testkit::ProgramBuilder;
use serde_json::{Value, json};
use support::{Bench, hour};

const MACHINE: &str = r#"rev = 1
title = "Machines"
doc = "Of a test."
part = "all"
[attributes.account]
type = "string"
doc = "Of a test."
[attributes.shield]
type = "string"
doc = "Of a test."
[attributes.exposure_complete]
type = "bool"
doc = "Of a test."
[attributes.exposure]
type = "list<object>"
doc = "Of a test."
[attributes.exposure.fields.path]
type = "string"
doc = "Of a test."
[attributes.exposure.fields.via]
type = "string"
doc = "Of a test."
[attributes.exposure.fields.protocol]
type = "string"
doc = "Of a test."
[attributes.exposure.fields.from_port]
type = "int"
doc = "Of a test."
[attributes.exposure.fields.to_port]
type = "int"
doc = "Of a test."
[attributes.exposure.fields.sources]
type = "string"
doc = "Of a test."
[attributes.exposure.fields.world]
type = "bool"
doc = "Of a test."
"#;

const TEST: &str = r#"rev = 1
severity = "high"
on = "machine"
pass = "!resource.exposure.exists(e, e.via == 'direct')"
message = "it is open"
max_age = "90d"
[[examples]]
name = "none"
given = { exposure = [] }
expect = "pass"
[[examples]]
name = "open"
given = { exposure = [{ via = "direct" }] }
expect = "fail"
[[examples]]
name = "unknown"
given = {}
expect = "unknown"
"#;

fn program() -> octro_program::Files {
    ProgramBuilder::new()
        .file("program.toml", "name = \"Of a test\"\n[parts]\nall = \"Everything\"\n")
        .file("kinds/machine.toml", MACHINE)
        .test("machine.closed", TEST)
        .files()
}

fn path(hops: &str, via: &str) -> Value {
    json!({"path": hops, "via": via, "protocol": "tcp", "from_port": 22, "to_port": 22, "sources": "all", "world": true})
}

fn machine(key: &str, attributes: Value, unknown: Value) -> Value {
    json!({"kind": "machine", "key": key, "attributes": attributes, "unknown": unknown})
}

/// One line a path, an unknown, a guarded resource and a gap.
fn told(found: &Exposure) -> Vec<String> {
    let status = |status: Option<octro_model::Status>| status.map_or("none", |status| status.label());
    let paths =
        found.paths.iter().map(|one| format!("{} {} {}", one.via, one.hops.join(">"), status(one.status)));
    let unknown = found.unknown.iter().map(|one| format!("unknown {} {}", one.key, one.reason));
    let guarded = found.guarded.iter().map(|one| format!("guarded {} {}", one.key, one.shield));
    let gaps = found.gaps.iter().map(|one| format!("gap {} {}", one.kind, one.reason));
    paths.chain(unknown).chain(guarded).chain(gaps).collect()
}

fn gaps(found: &Coverage) -> Vec<String> {
    let line = |gap: &octro_engine::CoverageGap| {
        format!(
            "{} {}{} {} {} {}",
            gap.kind, gap.source, gap.attribute, gap.account, gap.permission, gap.resources
        )
    };
    found.gaps.iter().map(line).collect()
}

#[tokio::test]
async fn paths_are_told_as_they_were_and_what_is_not_known_is_no_absence() {
    for bench in Bench::all().await {
        bench.install(&program()).await;
        bench.at(hour(1.0)).await;
        let nobody = bench.query.exposure(bench.present().await).await.unwrap();
        assert_eq!(told(&nobody), ["gap machine no source"]);

        bench.declare("cloud", &["machine"]).await;
        let denied = json!({"exposure": {"why": "denied", "detail": "ec2:DescribeRouteTables (no)"}});
        let first = [
            machine(
                "m1",
                json!({"account": "one", "exposure": [path("internet -> igw -> m1:22", "direct")], "exposure_complete": true}),
                json!({}),
            ),
            machine(
                "m2",
                json!({"account": "one", "exposure": [path("internet -> igw -> lb:443 -> m2:22", "balancer")], "exposure_complete": true}),
                json!({}),
            ),
            machine(
                "m3",
                json!({"account": "one", "exposure": [], "exposure_complete": true, "shield": "its groups let the internet in, but no route does"}),
                json!({}),
            ),
            machine(
                "m6",
                json!({"account": "one", "exposure": [path("internet -> igw -> m6:443", "direct")]}),
                json!({"exposure_complete": {"why": "denied", "detail": "elasticloadbalancing:DescribeTargetHealth (no)"}}),
            ),
            machine("m4", json!({"account": "two"}), denied.clone()),
            machine("m5", json!({"account": "two"}), denied),
        ];
        bench.collect("cloud", &first, &[("machine", false)]).await;
        let before = bench.present().await;
        let found = bench.query.exposure(before).await.unwrap();
        let lines = told(&found);
        assert_eq!(
            lines.get(..7).unwrap(),
            [
                "direct internet>igw>m1:22 fail",
                "direct internet>igw>m6:443 fail",
                "balancer internet>igw>lb:443>m2:22 pass",
                "unknown m6 denied: elasticloadbalancing:DescribeTargetHealth (no)",
                "unknown m4 denied: ec2:DescribeRouteTables (no)",
                "unknown m5 denied: ec2:DescribeRouteTables (no)",
                "guarded m3 its groups let the internet in, but no route does",
            ]
        );
        assert!(lines.last().unwrap().starts_with("gap machine"), "{lines:?}");
        assert_eq!((found.unreached, found.cut), (1, false));
        let coverage = bench.query.coverage(before).await.unwrap();
        let missing = gaps(&coverage);
        assert!(missing.first().unwrap().starts_with("machine cloud"), "the list is a gap: {missing:?}");
        assert!(
            missing.contains(&"machine exposure two ec2:DescribeRouteTables 2".to_owned()),
            "two resources with one reason are one gap: {missing:?}"
        );

        // m1 is closed; then is still as it was.
        bench.at(hour(5.0)).await;
        let second: Vec<Value> = ["m1", "m2", "m3", "m4", "m5", "m6"]
            .map(|key| {
                machine(
                    key,
                    json!({"account": "one", "exposure": [], "exposure_complete": true, "shield": null}),
                    json!({}),
                )
            })
            .into();
        bench.collect("cloud", &second, &[("machine", true)]).await;
        let after = bench.present().await;
        assert!(told(&bench.query.exposure(after).await.unwrap()).is_empty());
        let now = bench.query.coverage(after).await.unwrap();
        assert_eq!((gaps(&now), now.complete), (Vec::<String>::new(), 1));
        let then = AsOf { at: before.at, known_at: after.known_at };
        assert_eq!(told(&bench.query.exposure(then).await.unwrap()).len(), 8);
        bench.done().await;
    }
}
