//! Buckets, whose settings are resources of their own since version 4 of the provider: each is put where S3 would answer it.

use serde_json::{Value, json};

use super::fill::{Answers, later, untold};
use super::joins::{Joins, Missing};
use super::keys::key;
use super::plan::{Got, Plan, Resource};
use super::refer::targets;
use super::types::{How, Put, Unset};
use crate::aws::facts::Told;

/// Canned access control lists that let somebody in whom nobody named (S3, "Canned ACL").
const OPEN_ACLS: [(&str, &str); 3] = [
    ("public-read", "http://acs.amazonaws.com/groups/global/AllUsers"),
    ("public-read-write", "http://acs.amazonaws.com/groups/global/AllUsers"),
    ("authenticated-read", "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"),
];
const KEY: Put = Put {
    from: "rule.apply_server_side_encryption_by_default.kms_master_key_id",
    into: ("encryption", ""),
    how: How::Key,
    unset: Unset::Absent,
};

/// What one of a bucket's parts says.
type Part<'p> = Result<Option<&'p Resource>, Missing>;

/// Puts together what S3 would answer about a bucket.
pub(super) fn join<'p>(plan: &'p Plan, bucket: &'p Resource, joins: &Joins<'p>, answers: &mut Answers) {
    let part = |name: &'static str| joins.part(bucket, name);
    let told = |part: Part<'p>, read: &dyn Fn(&Resource) -> Value| -> Told {
        match part {
            Ok(Some(part)) => Ok(read(part)),
            Ok(None) => Ok(Value::Null),
            Err(why) => Err(untold(&why.to_string())),
        }
    };
    let encryption = told(part("aws_s3_bucket_server_side_encryption_configuration"), &|part| {
        let key = match key(plan, part, &KEY) {
            Ok(key) => key.unwrap_or_default(),
            Err(why) => later(&why),
        };
        json!({
            "ApplyServerSideEncryptionByDefault": {
                "SSEAlgorithm": get(part, "rule.apply_server_side_encryption_by_default.sse_algorithm"),
                "KMSMasterKeyID": key,
            },
            "BucketKeyEnabled": get(part, "rule.bucket_key_enabled"),
        })
    });
    let versioning = told(
        part("aws_s3_bucket_versioning"),
        &|part| json!({ "Status": get(part, "versioning_configuration.status") }),
    );
    let block = told(part("aws_s3_bucket_public_access_block"), &block);
    let part_policy = part("aws_s3_bucket_policy");
    let is_lost = matches!(part_policy, Err(Missing::Lost(_)));
    let policy = told(part_policy, &|part| get(part, "policy"));
    let ownership = told(
        part("aws_s3_bucket_ownership_controls"),
        &|part| json!({ "ObjectOwnership": get(part, "rule.object_ownership") }),
    );
    let logging = told(
        part("aws_s3_bucket_logging"),
        &|part| json!({ "LoggingEnabled": { "TargetBucket": target_bucket(plan, part) } }),
    );
    let lock = told(
        part("aws_s3_bucket_object_lock_configuration"),
        &|part| json!({ "ObjectLockEnabled": get(part, "object_lock_enabled") }),
    );
    let acl = match part("aws_s3_bucket_acl") {
        Ok(Some(part)) => Ok(acl(plan, part)),
        Ok(None) => Ok(acl(plan, bucket)),
        Err(why) => Err(untold(&why.to_string())),
    };
    let policy = match (policy, bucket.get("policy")) {
        // Before version 4, the policy stood in the bucket itself; it still may.
        // One of the plan's that may belong to it overrules it.
        (Ok(Value::Null) | Err(_), Got::There(own)) if !is_lost => Ok(own.clone()),
        (policy, _) => policy,
    };
    for (name, told) in [
        ("encryption", encryption),
        ("versioning", versioning),
        ("block", block),
        ("policy", policy),
        ("ownership", ownership),
        ("logging", logging),
        ("lock", lock),
        ("acl", acl),
        // S3's own opinion of the policy comes when there is one.
        ("status", Ok(Value::Null)),
    ] {
        answers.details.insert(name, told);
    }
    // What the account blocks is counted only if the plan says it: without it, less is blocked.
    let accounts = plan.of("aws_s3_account_public_access_block").map(|account| crate::aws::facts::Item {
        value: self::block(account),
        details: std::collections::BTreeMap::new(),
    });
    answers.beside.lists = vec![Ok(std::sync::Arc::new(accounts.collect()))];
}

/// A setting as an answer has it.
fn get(part: &Resource, path: &str) -> Value {
    match part.get(path) {
        Got::There(value) => value.clone(),
        Got::Absent => Value::Null,
        Got::Later => later("known after apply"),
    }
}

/// Which bucket the log goes to may be known only later; that it goes somewhere is known now.
fn target_bucket(plan: &Plan, part: &Resource) -> Value {
    match part.get("target_bucket") {
        Got::There(value) => value.clone(),
        Got::Absent | Got::Later => {
            let bucket = targets(plan, part, "target_bucket").only(plan, &["aws_s3_bucket"]).ok();
            json!(bucket.and_then(|bucket| bucket.text("bucket")).unwrap_or("(known after apply)"))
        }
    }
}

fn block(part: &Resource) -> Value {
    // A setting that is known only later is not counted as on.
    let is_on = |name: &str| part.get(name) == Got::There(&Value::Bool(true));
    json!({
        "BlockPublicAcls": is_on("block_public_acls"),
        "IgnorePublicAcls": is_on("ignore_public_acls"),
        "BlockPublicPolicy": is_on("block_public_policy"),
        "RestrictPublicBuckets": is_on("restrict_public_buckets"),
    })
}

/// The grants that let in whoever comes.
fn acl(plan: &Plan, part: &Resource) -> Value {
    let is_later = |name: &str| part.get(name) == Got::Later && plan.expression(part, name).is_some();
    if is_later("acl") || is_later("access_control_policy") {
        return later("known after apply");
    }
    let canned = match part.get("acl") {
        Got::There(Value::String(name)) => {
            OPEN_ACLS.iter().find(|(open, _)| open == name).map(|(_, uri)| json!(uri))
        }
        Got::There(_) | Got::Absent | Got::Later => None,
    };
    let named = match part.get("access_control_policy.grant") {
        Got::There(Value::Array(grants)) => grants
            .iter()
            .filter_map(|grant| {
                let grantee = grant.get("grantee")?;
                grantee.as_array().map_or(Some(grantee), |all| all.first())?.get("uri").cloned()
            })
            .collect(),
        Got::There(_) | Got::Absent | Got::Later => Vec::new(),
    };
    let grants: Vec<Value> =
        canned.into_iter().chain(named).map(|uri| json!({ "Grantee": { "URI": uri } })).collect();
    json!({ "AccessControlList": { "Grant": grants } })
}
