//! The same estate as a Terraform plan (`tests/labs/terraform`), judged beside the estate itself. The plan was printed by
//! Terraform 1.11 of the description that lies beside it; in place of the provider of AWS, which is too large for a test,
//! stood one that has its settings for these types and plans them alike.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::Command;

use serde_json::Value;

use super::Verdicts;

const PLAN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/labs/terraform/plan.json");

/// Where a plan and moto say something else, and why: test, name, what the plan gives, what the estate gives.
const DIFFERENCES: &[(&str, &str, &str, &str)] = &[
    // A plan has no snapshots; the estate made some of what was there.
    ("ebs.volume.snapshots", "volume-clear", "pass", "fail"),
    ("rds.instance.snapshots", "cluster-clear", "pass", "fail"),
    ("rds.instance.snapshots", "db-brief", "pass", "fail"),
    ("rds.instance.snapshots", "db-clear", "pass", "fail"),
    // To when something can be restored is known only once it is there.
    ("rds.instance.backups", "db-clear", "unknown", "pass"),
    ("rds.instance.backups", "db-good", "unknown", "pass"),
    ("rds.instance.backups", "db-open", "unknown", "pass"),
];

/// What a plan does not tell: the whole networks around a store, and grants, which are made later.
const NOT_PLANNED: &[&str] = &[
    "aws.kms.key.grants_inside",
    "aws.rds.instance.not_behind_public_machine",
    "aws.rds.instance.unreachable",
    "aws.redshift.cluster.not_behind_public_machine",
    "aws.redshift.cluster.unreachable",
];

/// Judges the plan.
fn judge(plan: &str) -> Verdicts {
    let folder = tempfile::tempdir().unwrap();
    let ran = Command::new(env!("CARGO_BIN_EXE_octro"))
        .current_dir(folder.path())
        .args(["check", "terraform", plan, "--format", "json"])
        .output()
        .unwrap();
    assert!(matches!(ran.status.code(), Some(1 | 3)), "{}", String::from_utf8_lossy(&ran.stderr));
    let found: Value = serde_json::from_slice(&ran.stdout).unwrap();
    let mut verdicts = Verdicts::new();
    for result in found["results"].as_array().unwrap() {
        let text = |name: &str| result[name].as_str().unwrap_or_default().to_owned();
        verdicts.insert((text("test"), text("resource")), (text("status"), text("reason")));
    }
    verdicts
}

/// What each resource of the plan is called in the estate, by its address.
fn names() -> BTreeMap<String, String> {
    let plan: Value = serde_json::from_slice(&std::fs::read(PLAN).unwrap()).unwrap();
    let mut names = BTreeMap::new();
    for change in plan["resource_changes"].as_array().unwrap() {
        let (after, kind) = (&change["change"]["after"], change["type"].as_str().unwrap());
        let fields = [
            "bucket",
            "identifier",
            "cluster_identifier",
            "replication_group_id",
            "domain_name",
            "cluster_name",
            "creation_token",
            "name",
        ];
        let name = match kind {
            "aws_msk_serverless_cluster" => None,
            "aws_kms_key" => after["description"].as_str().map(|name| format!("key-{name}")),
            "aws_ebs_volume" => after["tags"]["Name"].as_str().map(str::to_owned),
            "aws_ebs_encryption_by_default" => Some("123456789012/us-east-1".to_owned()),
            "aws_fsx_lustre_file_system" => Some("fsx".to_owned()),
            _ => fields.iter().find_map(|field| after[*field].as_str()).map(str::to_owned),
        };
        if let Some(name) = name {
            names.insert(change["address"].as_str().unwrap().to_owned(), name);
        }
    }
    names
}

/// Every verdict on the plan is that on the estate.
pub fn the_plan_is_judged_like_the_estate(estate: &Verdicts) {
    let plan = judge(PLAN);
    let names = names();
    let mut wrong = String::new();
    let mut same = 0;
    let mut met = Vec::new();
    for ((test, address), (status, reason)) in plan.iter().filter(|((_, address), _)| !address.is_empty()) {
        let Some(name) = names.get(address) else {
            // Keys that AWS manages are made anew by moto; its clusters of Kafka are called by a number alone.
            assert!(address.starts_with("alias/aws/") || address.starts_with("aws_msk_"), "{address}");
            continue;
        };
        let is_it = |resource: &str| {
            let last = resource.rsplit([':', '/']).next().unwrap_or_default();
            resource == name
                || resource.ends_with(&format!("/{}", name.trim_start_matches('/')))
                || resource.ends_with(&format!(":{name}"))
                || last
                    .strip_prefix(name.as_str())
                    .is_some_and(|rest| rest.starts_with('-') && rest.len() == 7)
                || resource.split('/').any(|part| part == name)
        };
        let live = estate.iter().find(|((of, resource), _)| of == test && is_it(resource));
        let now = live.map_or("-", |(_, (status, _))| status.as_str());
        if now == status {
            same += 1;
            continue;
        }
        if status == "unknown" && NOT_PLANNED.contains(&test.as_str()) {
            continue;
        }
        let known = DIFFERENCES.iter().position(|(of, one, plan, live)| {
            test.strip_prefix("aws.") == Some(of) && one == name && plan == status && *live == now
        });
        match known {
            Some(at) => met.push(at),
            None => writeln!(wrong, "{test} {name}: {status} by the plan ({reason}), {now} by the estate")
                .unwrap(),
        }
    }
    for (at, difference) in DIFFERENCES.iter().enumerate().filter(|(at, _)| !met.contains(at)) {
        writeln!(wrong, "{at}: no such difference: {difference:?}").unwrap();
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(same > 200, "{same} verdicts are the same");
}
