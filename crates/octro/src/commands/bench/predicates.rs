//! The ten rules by hand, over a typed struct: the limit that a language can only approach.

use super::buckets::Bucket;

/// The rules, in the alphabetical order of their names.
pub const ALL: [fn(&Bucket) -> bool; 10] =
    [bpa, composite, customer_kms, encrypted, lifecycle, logging, naming, region, tls_only, versioning];

fn bpa(b: &Bucket) -> bool {
    b.public_access_block.is_some_and(|block| {
        block.block_public_acls
            && block.ignore_public_acls
            && block.block_public_policy
            && block.restrict_public_buckets
    })
}

fn composite(b: &Bucket) -> bool {
    encrypted(b) && !b.public && versioning(b)
}

fn customer_kms(b: &Bucket) -> bool {
    b.tags.data_class != Some("customer")
        || b.encryption.as_ref().is_some_and(|encryption| {
            encryption.rules.iter().any(|rule| rule.sse.starts_with("aws:kms") && rule.kms_key_id.is_some())
        })
}

fn encrypted(b: &Bucket) -> bool {
    b.encryption.as_ref().is_some_and(|encryption| {
        encryption.rules.iter().any(|rule| matches!(rule.sse, "AES256" | "aws:kms" | "aws:kms:dsse"))
    })
}

fn lifecycle(b: &Bucket) -> bool {
    b.lifecycle
        .as_ref()
        .is_some_and(|lifecycle| lifecycle.rules.iter().all(|rule| rule.enabled && rule.days <= 365))
}

fn logging(b: &Bucket) -> bool {
    b.logging.as_ref().is_some_and(|logging| !logging.target_bucket.is_empty())
}

fn naming(b: &Bucket) -> bool {
    b.name.starts_with("prod-") || b.name.starts_with("dev-") || b.name.starts_with("stg-")
}

fn region(b: &Bucket) -> bool {
    matches!(b.region, "eu-west-1" | "eu-central-1" | "us-east-1")
}

fn tls_only(b: &Bucket) -> bool {
    b.policy.as_ref().is_some_and(|policy| {
        policy.statements.iter().any(|statement| {
            statement.effect == "Deny"
                && statement
                    .condition
                    .as_ref()
                    .is_some_and(|c| c.bool.get("aws:SecureTransport") == Some(&"false"))
        })
    })
}

fn versioning(b: &Bucket) -> bool {
    b.versioning.status == "Enabled"
}
