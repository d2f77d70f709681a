//! Resources that belong to others: the settings of a bucket, the policy of a queue. Whom they belong to is said by a name
//! that the plan knows, or by what the configuration refers to.

use std::collections::{BTreeMap, HashMap};

use super::plan::{Got, Plan, Resource};
use super::refer::targets;

/// Resources that belong to others, found once for a plan.
#[derive(Debug, Default)]
pub(super) struct Joins<'p> {
    /// By the address of the other, and the type.
    of: HashMap<(&'p str, &'p str), Vec<&'p Resource>>,
    /// Those of a type of which it cannot be told to whom they belong, and why.
    pub(super) lost: BTreeMap<&'p str, String>,
}

/// Why the plan does not say which part belongs to a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Missing {
    /// One of the plan's may belong to it: what else is said of the resource may be overruled.
    Lost(String),
    /// The plan has none; what is there already may have been set elsewhere.
    Elsewhere(String),
}

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Lost(why) | Self::Elsewhere(why) => f.write_str(why),
        }
    }
}

/// Types that belong to another: by which setting, and to which type, which the setting names by one of its own.
const BELONGS: [(&str, &str, &str, &[&str]); 13] = [
    ("aws_s3_bucket_acl", "bucket", "aws_s3_bucket", &["id", "bucket"]),
    ("aws_s3_bucket_logging", "bucket", "aws_s3_bucket", &["id", "bucket"]),
    ("aws_s3_bucket_object_lock_configuration", "bucket", "aws_s3_bucket", &["id", "bucket"]),
    ("aws_s3_bucket_ownership_controls", "bucket", "aws_s3_bucket", &["id", "bucket"]),
    ("aws_s3_bucket_policy", "bucket", "aws_s3_bucket", &["id", "bucket"]),
    ("aws_s3_bucket_public_access_block", "bucket", "aws_s3_bucket", &["id", "bucket"]),
    ("aws_s3_bucket_server_side_encryption_configuration", "bucket", "aws_s3_bucket", &["id", "bucket"]),
    ("aws_s3_bucket_versioning", "bucket", "aws_s3_bucket", &["id", "bucket"]),
    ("aws_kms_key_policy", "key_id", "aws_kms_key", &["id", "key_id", "arn"]),
    ("aws_sqs_queue_policy", "queue_url", "aws_sqs_queue", &["id", "url"]),
    ("aws_sns_topic_policy", "arn", "aws_sns_topic", &["id", "arn"]),
    ("aws_opensearch_domain_policy", "domain_name", "aws_opensearch_domain", &["domain_name"]),
    ("aws_elasticsearch_domain_policy", "domain_name", "aws_elasticsearch_domain", &["domain_name"]),
];

impl<'p> Joins<'p> {
    /// Those of a plan.
    pub(super) fn of(plan: &'p Plan) -> Self {
        let mut joins = Self::default();
        for (kind, setting, owner, names) in BELONGS {
            for part in plan.of(kind) {
                match belongs(plan, part, setting, owner, names) {
                    Ok(Some(owner)) => {
                        joins.of.entry((owner.address.as_str(), kind)).or_default().push(part);
                    }
                    // It belongs to something that is not of this plan.
                    Ok(None) => {}
                    Err(why) => {
                        joins
                            .lost
                            .entry(kind)
                            .or_insert_with(|| format!("{}: known after apply: {why}", part.address));
                    }
                }
            }
        }
        joins
    }

    /// The part of a type that belongs to a resource; `Err` if it cannot be told.
    pub(super) fn part(
        &self,
        resource: &'p Resource,
        kind: &'p str,
    ) -> Result<Option<&'p Resource>, Missing> {
        match (self.of.get(&(resource.address.as_str(), kind)).map(Vec::as_slice), self.lost.get(kind)) {
            (Some([one]), _) => Ok(Some(one)),
            (Some(many), _) => {
                Err(Missing::Lost(format!("{} of the plan's {kind} belong to it", many.len())))
            }
            (None, Some(why)) => Err(Missing::Lost(why.clone())),
            // What is there already may have been set elsewhere.
            (None, None) if !resource.is_new => {
                Err(Missing::Elsewhere(format!("the plan has no {kind} for it; it may be set elsewhere")))
            }
            (None, None) => Ok(None),
        }
    }
}

fn belongs<'p>(
    plan: &'p Plan,
    part: &Resource,
    setting: &str,
    owner: &'p str,
    names: &[&str],
) -> Result<Option<&'p Resource>, String> {
    match part.get(setting) {
        Got::There(value) => {
            let is = |one: &&Resource| names.iter().any(|name| one.text(name) == value.as_str());
            Ok(plan.of(owner).find(is))
        }
        Got::Absent => Err(format!("`{setting}` is not set")),
        Got::Later => targets(plan, part, setting).only(plan, &[owner]).map(Some),
    }
}
