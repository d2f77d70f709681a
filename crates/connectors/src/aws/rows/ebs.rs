//! EBS: volumes, their snapshots, and whether a region encrypts new volumes by itself.

use octro_model::{UnknownReason, Why};
use serde_json::{Value, json};

use crate::aws::facts::{Facts, Item, Known, Told, at, flag, many};
use crate::aws::row::{Ask, Detail, Form, List, Row, Said, item, made, of};
use crate::aws::services::EC2;

static VOLUMES: List = List::paged(
    Ask::of(&EC2, "DescribeVolumes", "ec2:DescribeVolumes", &[("MaxResults", Said::Number(500))]),
    "volumeSet.item",
    "nextToken",
    "NextToken",
);
/// Those of this account alone: a service may list those of its own images besides.
static SNAPSHOTS: List = List::paged(
    Ask::of(
        &EC2,
        "DescribeSnapshots",
        "ec2:DescribeSnapshots",
        &[("Owner.1", Said::Text("self")), ("MaxResults", Said::Number(1_000))],
    ),
    "snapshotSet.item",
    "nextToken",
    "NextToken",
)
.only(|facts| facts.text("ownerId") == Some(&facts.place.account))
.asking(&[Detail::of(
    "shared",
    Ask::of(
        &EC2,
        "DescribeSnapshotAttribute",
        "ec2:DescribeSnapshotAttribute",
        &[("Attribute", Said::Text("createVolumePermission")), ("SnapshotId", Said::Text("{snapshotId}"))],
    ),
)
.gone(&["InvalidSnapshot.NotFound"])]);
static DEFAULT: List =
    List::whole(Ask::of(&EC2, "GetEbsEncryptionByDefault", "ec2:GetEbsEncryptionByDefault", &[]), "");

pub(crate) static VOLUME: Row =
    Row::of("aws.ebs.volume", &VOLUMES, "arn:{partition}:ec2:{region}:{account}:volume/{volumeId}")
        .beside(&[&SNAPSHOTS])
        .with(&[
            item("data_class", "tagSet.item", Form::Class),
            item("encrypted", "encrypted", Form::Flag),
            item("kms_key_id", "kmsKeyId", Form::KeyIf("encrypted")),
            made("attached_to", attached_to),
            item("size", "size", Form::Number),
            made("snapshots_clear", |facts| count(facts, is_clear)),
            made("snapshots_public", |facts| count(facts, |item| is_public(&item.details))),
        ]);

pub(crate) static SNAPSHOT: Row =
    Row::of("aws.ebs.snapshot", &SNAPSHOTS, "arn:{partition}:ec2:{region}::snapshot/{snapshotId}")
        .beside(&[&VOLUMES])
        .with(&[
            item("name", "snapshotId", Form::Text),
            item("volume", "volumeId", Form::Text),
            made("data_class", class),
            item("encrypted", "encrypted", Form::Flag),
            item("kms_key_id", "kmsKeyId", Form::KeyIf("encrypted")),
            made("public", |facts| is_public(facts.details).map_or_else(Known::from, Known::flag)),
        ]);

pub(crate) static DEFAULTS: Row = Row::of("aws.ebs.defaults", &DEFAULT, "{account}/{region}")
    .asking(&[Detail::of("key", Ask::of(&EC2, "GetEbsDefaultKmsKeyId", "ec2:GetEbsDefaultKmsKeyId", &[]))])
    .with(&[
        item("encrypted", "ebsEncryptionByDefault", Form::Flag),
        of("kms_key_id", "key", "kmsKeyId", Form::Key),
    ]);

fn attached_to(facts: &Facts<'_>) -> Known {
    let Some(attachments) = at(facts.item, "attachmentSet.item") else { return Known::Absent };
    let first = many(attachments).find_map(|one| one.get("instanceId").and_then(Value::as_str));
    first.map_or(Known::Absent, Known::text)
}

fn count(facts: &Facts<'_>, is: fn(&Item) -> Result<bool, UnknownReason>) -> Known {
    let snapshots = match facts.beside.first() {
        Some(Ok(snapshots)) => snapshots,
        Some(Err(reason)) => return Known::Unknown(reason.clone()),
        None => return Known::Absent,
    };
    let volume = facts.text("volumeId");
    let mut count = 0;
    for snapshot in
        snapshots.iter().filter(|item| item.value.get("volumeId").and_then(Value::as_str) == volume)
    {
        match is(snapshot) {
            Ok(so) => count += u32::from(so),
            Err(reason) => return Known::Unknown(reason),
        }
    }
    Known::Value(json!(count))
}

fn is_clear(snapshot: &Item) -> Result<bool, UnknownReason> {
    let unknown = || UnknownReason::new(Why::Failed, "a snapshot does not say whether it is encrypted");
    snapshot.value.get("encrypted").and_then(flag).map(|encrypted| !encrypted).ok_or_else(unknown)
}

fn is_public(details: &std::collections::BTreeMap<&'static str, Told>) -> Result<bool, UnknownReason> {
    match details.get("shared") {
        Some(Ok(shared)) => Ok(at(shared, "createVolumePermission.item")
            .into_iter()
            .flat_map(many)
            .any(|one| one.get("group").and_then(Value::as_str) == Some("all"))),
        Some(Err(reason)) => Err(reason.clone()),
        None => {
            Err(UnknownReason::new(Why::NotCollected, "it was not asked with whom the snapshot is shared"))
        }
    }
}

/// A snapshot holds what its volume holds, unless it says something else.
fn class(facts: &Facts<'_>) -> Known {
    let own = facts.class("", "tagSet.item");
    if own != Known::Absent {
        return own;
    }
    match facts.beside.first() {
        Some(Ok(volumes)) => {
            let volume = facts.text("volumeId");
            let of = volumes.iter().find(|item| item.value.get("volumeId").and_then(Value::as_str) == volume);
            of.map_or(Known::Absent, |item| {
                let key = facts
                    .fill("arn:{partition}:ec2:{region}:{account}:volume/{volumeId}")
                    .unwrap_or_default();
                facts.classes.of_origin("aws.ebs.volume", &key, at(&item.value, "tagSet.item"))
            })
        }
        Some(Err(reason)) => Known::Unknown(reason.clone()),
        None => Known::Absent,
    }
}
