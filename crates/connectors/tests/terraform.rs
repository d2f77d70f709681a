//! The connector `terraform` on plans that Terraform 1.11 printed (`tests/labs/terraform`), and on those with a part changed
//! or broken.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects")]

mod support;

use octro_model::{Clock as _, Span, SystemClock, Why};
use serde_json::{Value, json};
use support::Seen;

const PLAN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/labs/terraform/plan.json");

fn plan() -> Value {
    serde_json::from_slice(&std::fs::read(PLAN).unwrap()).unwrap()
}

fn look_at(bytes: &[u8]) -> Seen {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plan.json");
    std::fs::write(&path, bytes).unwrap();
    let clock = SystemClock;
    support::run_until("terraform", json!({ "plan": path }), &clock, clock.now().plus(Span::from_secs(60)))
}

fn look(plan: &Value) -> Seen {
    look_at(&serde_json::to_vec(plan).unwrap())
}

/// The change of an address.
fn change<'p>(plan: &'p mut Value, address: &str) -> &'p mut Value {
    let changes = plan["resource_changes"].as_array_mut().unwrap();
    changes.iter_mut().find(|one| one["address"] == address).unwrap()
}

fn bucket(name: &str) -> String {
    format!("module.bucket[\"{name}\"].aws_s3_bucket.this")
}

#[test]
fn parts_are_joined_through_references_and_modules() {
    let seen = look(&plan());
    let good = seen.of(&bucket("acme-good"));
    assert_eq!(good.attributes["encryption"], "aws:kms");
    assert_eq!(
        good.attributes["kms_key_id"], "aws_kms_key.this[\"good\"]",
        "through a variable of the module"
    );
    assert_eq!(good.attributes["access_log"], "acme-logs", "the log's bucket has a count");
    assert_eq!(
        (&good.attributes["versioning"], &good.attributes["tls_only"]),
        (&json!("enabled"), &json!(true))
    );
    let alias = seen.of("module.alias.aws_s3_bucket.this");
    assert_eq!(
        alias.attributes["kms_key_id"], "aws_kms_key.this[\"good\"]",
        "an alias is the key that it stands for"
    );
    assert_eq!(seen.of(&bucket("acme-unversioned")).attributes["versioning"], "never");
    assert_eq!(seen.of("aws_sqs_queue.abroad").attributes["region"], "eu-west-1", "of another provider");
    assert_eq!(
        seen.of("aws_sqs_queue.open").attributes["policy_public"],
        true,
        "the policy stands by itself"
    );
    assert_eq!(seen.of("aws_db_instance.good").attributes["tls_required"], true, "by its parameter group");
    let volume = seen.of("aws_ebs_volume.good");
    assert_eq!(volume.attributes["kms_key_id"], "aws_kms_key.this[\"good\"]");
    assert!(volume.unknown["account"].detail.contains("`account`"));
    assert!(seen.errors().contains("not judged: aws_instance (1)"), "{}", seen.errors());
    assert!(seen.scope("aws.s3.bucket", "").complete);
}

#[test]
fn what_is_known_only_later_is_unknown() {
    let mut changed = plan();
    let address = "aws_sqs_queue.own";
    change(&mut changed, address)["change"]["after"]
        .as_object_mut()
        .unwrap()
        .remove("sqs_managed_sse_enabled");
    change(&mut changed, address)["change"]["after_unknown"]["sqs_managed_sse_enabled"] = json!(true);
    change(&mut changed, "aws_dynamodb_table.good")["change"]["after_unknown"]["tags_all"]["data-class"] =
        json!(true);
    // Which key is chosen depends on what is known only later.
    let resources = changed["configuration"]["root_module"]["resources"].as_array_mut().unwrap();
    let volume = resources.iter_mut().find(|one| one["address"] == "aws_ebs_volume.good").unwrap();
    let expression = &mut volume["expressions"]["kms_key_id"]["references"];
    expression.as_array_mut().unwrap().push(json!("var.region"));
    let seen = look(&changed);
    for (address, attribute) in [
        (address, "encrypted"),
        ("aws_dynamodb_table.good", "data_class"),
        ("aws_ebs_volume.good", "kms_key_id"),
    ] {
        let reason = &seen.of(address).unknown[attribute];
        assert!(reason.why == Why::NotCollected && reason.detail.contains("known after apply"), "{reason}");
    }
}

#[test]
fn a_part_that_cannot_be_joined_makes_nothing_better() {
    let mut changed = plan();
    // The block of one bucket might now belong to any.
    let calls = &mut changed["configuration"]["root_module"]["module_calls"]["bucket"]["module"]["resources"];
    let block = calls
        .as_array_mut()
        .unwrap()
        .iter_mut()
        .find(|one| one["type"] == "aws_s3_bucket_public_access_block")
        .unwrap();
    block["expressions"]["bucket"]["references"] = json!(["local.somewhere"]);
    let seen = look(&changed);
    for name in ["acme-good", "acme-unblocked"] {
        let reason = &seen.of(&bucket(name)).unknown["public_block"];
        assert!(reason.detail.contains("local.somewhere"), "{reason}");
    }
    // Whatever the policy says, the block might be in the way.
    assert!(seen.of(&bucket("acme-open-policy")).unknown.contains_key("policy_public"));
    assert!(seen.errors().contains("name what it belongs to directly"), "{}", seen.errors());
}

#[test]
fn a_policy_that_may_belong_to_what_is_there_already_overrules_what_that_says_itself() {
    let mut changed = plan();
    let resources = changed["configuration"]["root_module"]["resources"].as_array_mut().unwrap();
    for policy in resources.iter_mut().filter(|one| one["type"] == "aws_sqs_queue_policy") {
        policy["expressions"]["queue_url"]["references"] = json!(["local.somewhere"]);
    }
    change(&mut changed, "aws_sqs_queue.own")["change"]["actions"] = json!(["no-op"]);
    let seen = look(&changed);
    let reason = &seen.of("aws_sqs_queue.own").unknown["policy_public"];
    assert!(reason.detail.contains("local.somewhere"), "{reason}");
}

#[test]
fn of_what_is_there_already_the_plan_tells_only_a_part() {
    let mut changed = plan();
    change(&mut changed, &bucket("acme-unversioned"))["change"]["actions"] = json!(["no-op"]);
    change(&mut changed, "aws_ebs_volume.good")["change"]["actions"] = json!(["update"]);
    change(&mut changed, "aws_sns_topic.default")["change"]["actions"] = json!(["delete"]);
    let seen = look(&changed);
    let old = seen.of(&bucket("acme-unversioned"));
    assert!(old.unknown["versioning"].detail.contains("it may be set elsewhere"), "{old:?}");
    assert_eq!(old.attributes["encryption"], "aws:kms");
    assert!(seen.of("aws_ebs_volume.good").unknown["snapshots_clear"].detail.contains("snapshots"));
    assert!(seen.observations.iter().all(|one| one.key != "aws_sns_topic.default"), "it goes");
}

#[test]
fn a_plan_that_is_a_part_enumerates_nothing_whole() {
    for (name, value) in [("complete", json!(false)), ("errored", json!(true))] {
        let mut changed = plan();
        changed[name] = value;
        let seen = look(&changed);
        assert!(!seen.scope("aws.s3.bucket", "").complete);
        assert!(seen.why("aws.kms.key", "").contains("the plan"), "{name}");
    }
}

#[test]
fn what_is_no_plan_is_told() {
    for (bytes, what) in [
        (b"".as_slice(), "it is no JSON"),
        (b"PK\x03\x04", "it is no JSON"),
        (b"[]", "format_version"),
        (br#"{"format_version": "2.0"}"#, "format_version is `2.0`"),
        (br#"{"format_version": "1.0", "values": {}}"#, "not of a state"),
        (br#"{"format_version": "1.2", "resource_changes": [{"mode": "managed"}]}"#, "resource_changes[0]"),
    ] {
        let seen = look_at(bytes);
        assert!(seen.observations.is_empty());
        assert!(seen.why("aws.s3.bucket", "").contains(what), "{}", seen.errors());
    }
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(look_at(deep.as_bytes()).why("aws.kms.key", "").contains("no JSON"));
}

#[test]
fn broken_plans_end_in_an_answer() {
    let whole = std::fs::read(PLAN).unwrap();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap_or(0)
    };
    let mut read = 0;
    for _ in 0..60 {
        let mut bytes = whole.clone();
        for _ in 0..40 {
            let at = next(bytes.len());
            bytes[at] = b"\"[]{}:,.0azAZ_"[next(14)];
        }
        read += usize::from(!look_at(&bytes).observations.is_empty());
    }
    // Words of the plan itself in other places: still JSON.
    let text = String::from_utf8(whole).unwrap();
    for (word, other) in [
        ("\"references\":[", "\"references\":[3,\"module.bucket.arn\",\"each.value\","),
        ("\"change\":{", "\"change\":{\"actions\":3,"),
        ("\"index\":", "\"index\":[],\"was\":"),
        ("\"after_unknown\":{", "\"after_unknown\":true,\"was\":{"),
        ("\"expressions\":{", "\"expressions\":[{}],\"was\":{"),
        ("aws_kms_key.this", "module.a[0].module"),
    ] {
        let seen = look_at(text.replace(word, other).as_bytes());
        read += usize::from(!seen.observations.is_empty());
    }
    assert!(read > 0);
}

#[test]
fn settings_are_checked() {
    let refusal = |settings| support::refusal("terraform", settings);
    assert!(refusal(json!({})).contains("plan: it is missing"));
    assert!(refusal(json!({"plan": "plan.json", "account": "12"})).contains("twelve digits"));
}
