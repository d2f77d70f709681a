//! S3 buckets. Twelve questions cover one; which of its doors stand open is judged from all of them together.

use octro_model::{UnknownReason, Why};
use serde_json::{Value, json};

use crate::aws::document::Document;
use crate::aws::facts::{Facts, Known, Look, at, flag, many};
use crate::aws::row::{Ask, Attribute, Detail, Form, List, Row, Said, item, made, of};
use crate::aws::services::{S3, S3_CONTROL};

const GONE: &[&str] = &["NoSuchBucket"];
/// AWS calls it so; others that speak like S3 name it after the call.
const VERSIONING: &str = "VersioningConfiguration|GetBucketVersioningResponse";
/// The names of the four settings of a public access block: ours, and the service's.
const BLOCK: [(&str, &str); 4] = [
    ("block_acls", "BlockPublicAcls"),
    ("ignore_acls", "IgnorePublicAcls"),
    ("block_policy", "BlockPublicPolicy"),
    ("restrict", "RestrictPublicBuckets"),
];

const fn ask(input: &'static [(&'static str, Said)], root: &'static str, permission: &'static str) -> Ask {
    Ask::get(&S3, "/{Name}", permission, input).root(root)
}

static BUCKETS: List = List::paged(
    Ask::get(&S3, "/", "s3:ListAllMyBuckets", &[("max-buckets", Said::Number(1_000))])
        .root("ListAllMyBucketsResult"),
    "Buckets.Bucket",
    "ContinuationToken",
    "continuation-token",
);

static ACCOUNT_BLOCK: List = List::whole(
    Ask::get(
        &S3_CONTROL,
        "/v20180820/configuration/publicAccessBlock",
        "s3:GetAccountPublicAccessBlock",
        &[],
    )
    .root("PublicAccessBlockConfiguration"),
    "",
)
.absent(&["NoSuchPublicAccessBlockConfiguration"]);

pub(crate) static BUCKET: Row = Row {
    region: "BucketRegion|@region",
    ..Row::of("aws.s3.bucket", &BUCKETS, "arn:{partition}:s3:::{Name}")
}
.global()
.beside(&[&ACCOUNT_BLOCK])
.asking(&[
    Detail::of(
        "location",
        ask(&[("location", Said::Text(""))], "LocationConstraint", "s3:GetBucketLocation"),
    )
    .gone(GONE)
    .when(|facts| facts.text("BucketRegion").is_none()),
    Detail::of(
        "encryption",
        ask(
            &[("encryption", Said::Text(""))],
            "ServerSideEncryptionConfiguration",
            "s3:GetEncryptionConfiguration",
        ),
    )
    .at("Rule")
    .absent(&["ServerSideEncryptionConfigurationNotFoundError"])
    .gone(GONE),
    Detail::of("versioning", ask(&[("versioning", Said::Text(""))], VERSIONING, "s3:GetBucketVersioning"))
        .gone(GONE),
    Detail::of(
        "block",
        ask(
            &[("publicAccessBlock", Said::Text(""))],
            "PublicAccessBlockConfiguration",
            "s3:GetBucketPublicAccessBlock",
        ),
    )
    .absent(&["NoSuchPublicAccessBlockConfiguration"])
    .gone(GONE),
    Detail::of("policy", ask(&[("policy", Said::Text(""))], "", "s3:GetBucketPolicy"))
        .absent(&["NoSuchBucketPolicy"])
        .gone(GONE),
    Detail::of(
        "status",
        ask(&[("policyStatus", Said::Text(""))], "PolicyStatus", "s3:GetBucketPolicyStatus"),
    )
    .absent(&["NoSuchBucketPolicy"])
    .gone(GONE)
    // Without a policy there is nothing to be said of it.
    .when(|facts| !matches!(facts.look("policy", ""), Look::Absent)),
    Detail::of("acl", ask(&[("acl", Said::Text(""))], "AccessControlPolicy", "s3:GetBucketAcl")).gone(GONE),
    Detail::of(
        "ownership",
        ask(&[("ownershipControls", Said::Text(""))], "OwnershipControls", "s3:GetBucketOwnershipControls"),
    )
    .at("Rule")
    .absent(&["OwnershipControlsNotFoundError"])
    .gone(GONE),
    Detail::of("logging", ask(&[("logging", Said::Text(""))], "BucketLoggingStatus", "s3:GetBucketLogging"))
        .gone(GONE),
    Detail::of(
        "lock",
        ask(
            &[("object-lock", Said::Text(""))],
            "ObjectLockConfiguration",
            "s3:GetBucketObjectLockConfiguration",
        ),
    )
    .absent(&["ObjectLockConfigurationNotFoundError"])
    .gone(GONE),
    Detail::of("tags", ask(&[("tagging", Said::Text(""))], "Tagging", "s3:GetBucketTagging"))
        .absent(&["NoSuchTagSet"])
        .gone(GONE),
])
.with(ATTRIBUTES);

const ATTRIBUTES: &[Attribute] = &[
    item("name", "Name", Form::Text),
    of("data_class", "tags", "TagSet.Tag", Form::Class),
    of("encryption", "encryption", "ApplyServerSideEncryptionByDefault.SSEAlgorithm", Form::Text),
    made("kms_key_id", key),
    of("bucket_key", "encryption", "BucketKeyEnabled", Form::FlagOrNo),
    made("versioning", versioning),
    of("object_lock", "lock", "ObjectLockEnabled", Form::Is("Enabled")),
    of("ownership", "ownership", "ObjectOwnership", Form::Text),
    made("public_block", |facts| {
        block(facts).map_or_else(Known::from, |block| block.map_or(Known::Absent, Known::Value))
    }),
    made("policy_public", policy_public),
    made("acl_public", acl_public),
    made("tls_only", tls_only),
    of("access_log", "logging", "LoggingEnabled.TargetBucket", Form::Text),
];

/// With `aws:kms` and no key, the key is the one that AWS manages for S3.
fn key(facts: &Facts<'_>) -> Known {
    let rule = "ApplyServerSideEncryptionByDefault";
    let algorithm = match facts.look("encryption", &format!("{rule}.SSEAlgorithm")) {
        Look::Unknown(reason) => return Known::Unknown(reason),
        Look::Absent => return Known::Absent,
        Look::There(value) => value.as_str().unwrap_or_default(),
    };
    if !algorithm.starts_with("aws:kms") {
        return Known::Absent;
    }
    match facts.look("encryption", &format!("{rule}.KMSMasterKeyID")) {
        Look::There(Value::String(key)) if !key.is_empty() => Known::Key(key.clone()),
        Look::There(_) | Look::Absent => Known::Key("alias/aws/s3".to_owned()),
        Look::Unknown(reason) => Known::Unknown(reason),
    }
}

fn versioning(facts: &Facts<'_>) -> Known {
    match facts.look("versioning", "Status") {
        Look::Unknown(reason) => Known::Unknown(reason),
        Look::Absent => Known::text("never"),
        Look::There(value) => match value.as_str() {
            Some("Enabled") => Known::text("enabled"),
            Some("Suspended") => Known::text("suspended"),
            Some(_) | None => Known::odd(format!("the versioning is {value}")),
        },
    }
}

/// The block in force: each setting of the account or of the bucket. If one of the two is unknown, a setting is known
/// only where the other has it on; so all of it is known only where the other has everything on.
fn block(facts: &Facts<'_>) -> Result<Option<Value>, UnknownReason> {
    let account = match facts.beside.first() {
        Some(Ok(items)) => Ok(items.first().map(|item| &item.value)),
        Some(Err(reason)) => Err(reason.clone()),
        None => Ok(None),
    };
    let bucket = match facts.look("block", "") {
        Look::There(value) => Ok(Some(value)),
        Look::Absent => Ok(None),
        Look::Unknown(reason) => Err(reason),
    };
    let read = |block: Option<&Value>| -> Option<[bool; 4]> {
        block.map(|block| BLOCK.map(|(_, name)| block.get(name).and_then(flag).unwrap_or(false)))
    };
    let both = match (account.map(read), bucket.map(read)) {
        (Ok(None), Ok(None)) => return Ok(None),
        (Ok(Some(one)), Ok(None)) | (Ok(None), Ok(Some(one))) => one,
        (Ok(Some(mut one)), Ok(Some(other))) => {
            one.iter_mut().zip(other).for_each(|(one, other)| *one |= other);
            one
        }
        (Err(_), Ok(Some(all))) | (Ok(Some(all)), Err(_)) if all == [true; 4] => all,
        (Err(reason), _) | (_, Err(reason)) => return Err(reason),
    };
    let fields = BLOCK.iter().zip(both).map(|((name, _), on)| ((*name).to_owned(), Value::Bool(on)));
    Ok(Some(Value::Object(fields.collect())))
}

/// Whether a setting of the block is in force.
fn is_blocked(facts: &Facts<'_>, name: &str) -> Result<bool, UnknownReason> {
    Ok(block(facts)?.and_then(|block| block.get(name)?.as_bool()).unwrap_or(false))
}

/// The policy lets anyone in, by the service's word or by our own reading of it, and no block is in the way.
fn policy_public(facts: &Facts<'_>) -> Known {
    let status = match facts.look("status", "IsPublic") {
        Look::There(value) => match flag(value) {
            Some(public) => Ok(Some(public)),
            None => Err(UnknownReason::new(Why::Failed, format!("the policy's status is {value}"))),
        },
        Look::Absent => Ok(None),
        Look::Unknown(reason) => Err(reason),
    };
    let document = match facts.look("policy", "") {
        Look::There(value) => match Document::read(value) {
            Ok(document) => Ok(Some(document.is_open())),
            Err(what) => Err(UnknownReason::new(Why::Failed, what)),
        },
        Look::Absent => Ok(None),
        Look::Unknown(reason) => Err(reason),
    };
    let open = match (document, status) {
        (Ok(Some(true)), _) | (_, Ok(Some(true))) => true,
        (Err(reason), _) | (_, Err(reason)) => return Known::Unknown(reason),
        (Ok(None), Ok(_)) => return Known::Absent,
        (Ok(Some(false)), Ok(_)) => false,
    };
    if !open {
        return Known::flag(false);
    }
    is_blocked(facts, "restrict").map_or_else(Known::from, |blocked| Known::flag(!blocked))
}

/// A grant of the ACL lets anyone in, and neither the bucket's ownership nor a block takes its effect away.
fn acl_public(facts: &Facts<'_>) -> Known {
    let grants = match facts.look("acl", "AccessControlList.Grant") {
        Look::Unknown(reason) => return Known::Unknown(reason),
        // The owner has a grant, or the list is empty.
        Look::Absent => return Known::flag(false),
        Look::There(grants) => grants,
    };
    let is_open = many(grants).any(|grant| {
        let uri = at(grant, "Grantee.URI").and_then(Value::as_str).unwrap_or_default();
        uri.ends_with("/global/AllUsers") || uri.ends_with("/global/AuthenticatedUsers")
    });
    if !is_open {
        return Known::flag(false);
    }
    let owned = match facts.look("ownership", "ObjectOwnership") {
        Look::There(value) => Ok(value == &json!("BucketOwnerEnforced")),
        Look::Absent => Ok(false),
        Look::Unknown(reason) => Err(reason),
    };
    match (owned, is_blocked(facts, "ignore_acls")) {
        (Ok(true), _) | (_, Ok(true)) => Known::flag(false),
        (Err(reason), _) | (_, Err(reason)) => Known::Unknown(reason),
        (Ok(false), Ok(false)) => Known::flag(true),
    }
}

fn tls_only(facts: &Facts<'_>) -> Known {
    match facts.look("policy", "") {
        Look::Unknown(reason) => Known::Unknown(reason),
        Look::Absent => Known::Absent,
        Look::There(value) => match Document::read(value) {
            Ok(document) => Known::flag(document.is_tls_only(facts.key)),
            Err(what) => Known::odd(what),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use octro_outbound::aws::api::Place;

    use super::*;
    use crate::aws::class::Classes;
    use crate::aws::facts::{Beside, Item, Listed, Told};

    fn attributes(details: &BTreeMap<&'static str, Told>, account: &Listed) -> BTreeMap<&'static str, Known> {
        let place = Place::new("111122223333", "eu-central-1");
        let item = json!({ "Name": "b" });
        let beside = Beside { lists: vec![account.clone()], ..Beside::default() };
        let classes = Classes::default();
        let facts = Facts {
            place: &place,
            key: "arn:aws:s3:::b",
            item: &item,
            details,
            beside: &beside,
            classes: &classes,
        };
        ATTRIBUTES.iter().map(|attribute| (attribute.name, facts.read(attribute))).collect()
    }

    fn block(on: bool) -> Value {
        BLOCK
            .iter()
            .map(|(_, name)| ((*name).to_owned(), json!(on.to_string())))
            .collect::<serde_json::Map<_, _>>()
            .into()
    }

    /// What each question may be answered with.
    fn answers() -> Vec<(&'static str, Vec<Value>)> {
        let open =
            json!({"Statement": {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*"}});
        let closed = json!({"Statement": {
            "Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*",
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }});
        let grant = json!({"AccessControlList": {"Grant": {"Grantee": {"URI": "http://acs.amazonaws.com/groups/global/AllUsers"}}}});
        vec![
            ("policy", vec![Value::Null, open, closed, json!({"Version": "broken"})]),
            (
                "status",
                vec![
                    Value::Null,
                    json!({"IsPublic": "true"}),
                    json!({"IsPublic": "false"}),
                    json!({"IsPublic": "?"}),
                ],
            ),
            ("block", vec![Value::Null, block(true), block(false)]),
            ("acl", vec![grant, json!({"AccessControlList": ""})]),
            ("ownership", vec![Value::Null, json!({"ObjectOwnership": "BucketOwnerEnforced"})]),
        ]
    }

    fn every(
        answers: &[(&'static str, Vec<Value>)],
        so_far: BTreeMap<&'static str, Told>,
        to: &mut dyn FnMut(BTreeMap<&'static str, Told>),
    ) {
        let Some(((name, values), rest)) = answers.split_first() else { return to(so_far) };
        for value in values {
            let mut next = so_far.clone();
            next.insert(name, Ok(value.clone()));
            every(rest, next, to);
        }
    }

    #[test]
    fn a_question_that_is_not_answered_makes_nothing_better_and_nothing_worse() {
        let denied = || UnknownReason::new(Why::Denied, "s3:X");
        let items = |value: Option<Value>| -> Listed {
            Ok(Arc::new(value.map(|value| Item { value, details: BTreeMap::new() }).into_iter().collect()))
        };
        let accounts = [items(None), items(Some(block(true))), items(Some(block(false)))];
        let mut compared = 0;
        every(&answers(), BTreeMap::new(), &mut |details| {
            for account in &accounts {
                let known = attributes(&details, account);
                let mut compare = |details: &BTreeMap<&'static str, Told>, account: &Listed| {
                    for (name, less) in attributes(details, account) {
                        let same = less == known[name] || matches!(less, Known::Unknown(_));
                        assert!(same, "{name}: {:?} became {less:?} with {details:?}", known[name]);
                        compared += 1;
                    }
                };
                for name in details.keys() {
                    let mut less = details.clone();
                    less.insert(name, Err(denied()));
                    compare(&less, account);
                }
                compare(&details, &Err(denied()));
            }
        });
        assert!(compared > 10_000);
    }

    #[test]
    fn what_is_in_the_way_of_the_public_counts() {
        let of = |pairs: &[(&'static str, Value)], account: Option<Value>| {
            let details = pairs.iter().map(|(name, value)| (*name, Ok(value.clone()))).collect();
            let items = account.map(|value| Item { value, details: BTreeMap::new() }).into_iter().collect();
            attributes(&details, &Ok(Arc::new(items)))
        };
        let all = answers();
        let (open, grant) = (all[0].1[1].clone(), all[3].1[0].clone());
        let base = [
            ("policy", open.clone()),
            ("status", json!({"IsPublic": "false"})),
            ("acl", grant),
            ("ownership", Value::Null),
            ("block", Value::Null),
        ];
        let bare = of(&base, None);
        assert_eq!((&bare["policy_public"], &bare["acl_public"]), (&Known::flag(true), &Known::flag(true)));
        assert_eq!((&bare["tls_only"], &bare["public_block"]), (&Known::flag(false), &Known::Absent));
        let blocked = of(&base, Some(block(true)));
        assert_eq!(
            (&blocked["policy_public"], &blocked["acl_public"]),
            (&Known::flag(false), &Known::flag(false))
        );
        let mut owned = base.clone();
        owned[3].1 = json!({"ObjectOwnership": "BucketOwnerEnforced"});
        assert_eq!(of(&owned, None)["acl_public"], Known::flag(false));
    }
}
