//! Which event means that which resource has to be read anew: as data. What an event says of a resource is never
//! believed; it says only where to look.

use octro_model::Glob;
use octro_outbound::aws::api::Place;
use serde_json::Value;

use super::event::Event;
use crate::aws::facts::many;

/// One sort of event, and whom it is about.
#[derive(Debug)]
pub(crate) struct Watch {
    /// The service as events name it, without `.amazonaws.com`.
    pub service: &'static str,
    /// The names of its events; `*` is any letters.
    pub events: &'static [&'static str],
    /// The kind of what has to be read anew, and the part of it; an empty kind for nothing.
    pub kind: &'static str,
    pub part: &'static str,
    /// Where the event names it: paths, alternatives with `|`; every name of the first path that has any counts.
    pub names: &'static str,
    /// What a name must hold, if it is an ARN.
    pub within: &'static str,
    /// Its key, with `{name}` for the name.
    pub key: &'static str,
    /// How it is found again.
    pub find: Find,
    /// The permissions of lists that are not true any more.
    pub forgets: &'static [&'static str],
}

/// How one resource is found again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Find {
    /// Everything that the row enumerates at the place is read anew.
    Whole,
    /// It is asked for its details by this field of an item; whether it is there shows then.
    Item(&'static str, &'static str),
    /// The list, narrowed by what is said besides.
    By(&'static [(&'static str, &'static str)]),
    /// A bucket: its name is one of the whole world, so that one that was never seen is looked for in the list.
    Bucket,
    /// In the whole list, by this field; details are asked of this one alone.
    Among(&'static str),
}

const fn on(
    service: &'static str,
    events: &'static [&'static str],
    kind: &'static str,
    names: &'static str,
    key: &'static str,
    find: Find,
) -> Watch {
    Watch { service, events, kind, part: "", names, within: "", key, find, forgets: &[] }
}

const fn whole(service: &'static str, events: &'static [&'static str], kind: &'static str) -> Watch {
    on(service, events, kind, "", "", Find::Whole)
}

/// Events that change nothing that is read, though they write.
const fn nothing(service: &'static str, events: &'static [&'static str]) -> Watch {
    on(service, events, "", "", "", Find::Whole)
}

impl Watch {
    const fn part(mut self, part: &'static str) -> Self {
        self.part = part;
        self
    }

    const fn within(mut self, within: &'static str) -> Self {
        self.within = within;
        self
    }

    const fn forgetting(mut self, permissions: &'static [&'static str]) -> Self {
        self.forgets = permissions;
        self
    }
}

const ALL: &[&str] = &["*"];
const VOLUME: &str =
    "requestParameters.volumeId|responseElements.volumeId|requestParameters.resourcesSet.items.resourceId";
const SNAPSHOT: &str = "requestParameters.snapshotId|responseElements.snapshotId|requestParameters.resourcesSet.items.resourceId";
const GROUP: &str = "requestParameters.groupId|responseElements.groupId|\
    requestParameters.ModifySecurityGroupRulesRequest.GroupId|requestParameters.resourcesSet.items.resourceId";
const EC2_KEY: &str = "arn:{partition}:ec2:{region}:{account}:volume/{name}";
const IAM_SHARED: &[&str] =
    &["*GroupPolicy", "DeleteGroup", "UpdateGroup", "*PolicyVersion*", "CreatePolicy", "DeletePolicy"];
const IAM_LISTS: &[&str] = &["iam:GetAccountAuthorizationDetails"];

/// The table. Of one service, all that fit count; if none does, all rows of the service are read anew at the place.
pub(crate) const WATCHES: &[Watch] = &[
    whole("s3", &["*AccountPublicAccessBlock"], "aws.s3.bucket")
        .forgetting(&["s3:GetAccountPublicAccessBlock"]),
    nothing("s3", &["*Job*", "*StorageLens*", "*AccessPoint*", "*AccessGrant*"]),
    on(
        "s3",
        ALL,
        "aws.s3.bucket",
        "requestParameters.bucketName",
        "arn:{partition}:s3:::{name}",
        Find::Bucket,
    ),
    on(
        "rds",
        ALL,
        "aws.rds.instance",
        "requestParameters.dBInstanceIdentifier|requestParameters.resourceName",
        "arn:{partition}:rds:{region}:{account}:db:{name}",
        Find::By(&[("DBInstanceIdentifier", "{name}")]),
    )
    .within(":db:"),
    on(
        "rds",
        ALL,
        "aws.rds.instance",
        "requestParameters.dBClusterIdentifier|requestParameters.resourceName",
        "arn:{partition}:rds:{region}:{account}:cluster:{name}",
        Find::By(&[("DBClusterIdentifier", "{name}")]),
    )
    .part("/clusters")
    .within(":cluster:"),
    on(
        "rds",
        ALL,
        "aws.rds.snapshot",
        "requestParameters.dBSnapshotIdentifier|requestParameters.resourceName",
        "arn:{partition}:rds:{region}:{account}:snapshot:{name}",
        Find::By(&[("DBSnapshotIdentifier", "{name}")]),
    )
    .within(":snapshot:"),
    on(
        "rds",
        ALL,
        "aws.rds.snapshot",
        "requestParameters.dBClusterSnapshotIdentifier|requestParameters.resourceName",
        "arn:{partition}:rds:{region}:{account}:cluster-snapshot:{name}",
        Find::By(&[("DBClusterSnapshotIdentifier", "{name}")]),
    )
    .part("/clusters")
    .within(":cluster-snapshot:"),
    on(
        "dynamodb",
        ALL,
        "aws.dynamodb.table",
        "requestParameters.tableName|requestParameters.resourceArn",
        "arn:{partition}:dynamodb:{region}:{account}:table/{name}",
        Find::Item("@", "{name}"),
    )
    .within(":table/"),
    on(
        "ec2",
        &["*Volume*", "CreateTags", "DeleteTags"],
        "aws.ebs.volume",
        VOLUME,
        EC2_KEY,
        Find::By(&[("Filter.1.Name", "volume-id"), ("Filter.1.Value.1", "{name}")]),
    )
    .within("vol-"),
    on(
        "ec2",
        &["*Snapshot*", "CreateTags", "DeleteTags"],
        "aws.ebs.snapshot",
        SNAPSHOT,
        "arn:{partition}:ec2:{region}::snapshot/{name}",
        Find::By(&[("Filter.1.Name", "snapshot-id"), ("Filter.1.Value.1", "{name}")]),
    )
    .within("snap-"),
    on(
        "ec2",
        &["*SecurityGroup*", "CreateTags", "DeleteTags"],
        "aws.security_group",
        GROUP,
        "arn:{partition}:ec2:{region}:{account}:security-group/{name}",
        Find::By(&[("Filter.1.Name", "group-id"), ("Filter.1.Value.1", "{name}")]),
    )
    .within("sg-"),
    whole(
        "ec2",
        &[
            "*Route*",
            "*InternetGateway*",
            "*NetworkInterface*",
            "*Address",
            "*ManagedPrefixList*",
            "RunInstances",
            "TerminateInstances",
            "ModifyInstanceAttribute",
        ],
        "aws.security_group",
    ),
    whole("ec2", &["*EbsEncryptionByDefault", "*EbsDefaultKmsKeyId"], "aws.ebs.defaults"),
    // Most of what EC2 does changes nothing that is read.
    nothing("ec2", ALL),
    on(
        "sqs",
        ALL,
        "aws.sqs.queue",
        "requestParameters.queueUrl|responseElements.queueUrl|requestParameters.queueName",
        "arn:{partition}:sqs:{region}:{account}:{name}",
        Find::By(&[("QueueNamePrefix", "{name}")]),
    ),
    on(
        "sns",
        ALL,
        "aws.sns.topic",
        "requestParameters.topicArn|responseElements.topicArn|requestParameters.resourceArn",
        "arn:{partition}:sns:{region}:{account}:{name}",
        Find::Item("TopicArn", "{key}"),
    ),
    nothing(
        "kms",
        &["CreateGrant", "RetireGrant", "RevokeGrant", "*Encrypt*", "*Decrypt*", "Generate*", "Sign"],
    ),
    on(
        "kms",
        ALL,
        "aws.kms.key",
        "resources.ARN|requestParameters.keyId|responseElements.keyId|requestParameters.targetKeyId",
        "arn:{partition}:kms:{region}:{account}:key/{name}",
        Find::Item("KeyArn", "{key}"),
    )
    .within(":key/")
    .forgetting(&["kms:ListAliases"]),
    on(
        "iam",
        &["*User*", "*AccessKey*", "*LoginProfile*", "*MFADevice*"],
        "aws.iam.user",
        "requestParameters.userName",
        "arn:{partition}:iam::{account}:user/{name}",
        Find::Among("UserName"),
    ),
    on(
        "iam",
        &["*Role*"],
        "aws.iam.role",
        "requestParameters.roleName",
        "arn:{partition}:iam::{account}:role/{name}",
        Find::Among("RoleName"),
    ),
    whole("iam", IAM_SHARED, "aws.iam.user").forgetting(IAM_LISTS),
    whole("iam", IAM_SHARED, "aws.iam.role").forgetting(IAM_LISTS),
    on(
        "elasticfilesystem",
        ALL,
        "aws.efs.filesystem",
        "requestParameters.fileSystemId|responseElements.fileSystemId|requestParameters.resourceId",
        "arn:{partition}:elasticfilesystem:{region}:{account}:file-system/{name}",
        Find::By(&[("FileSystemId", "{name}")]),
    )
    .within(":file-system/"),
    on(
        "kinesis",
        ALL,
        "aws.kinesis.stream",
        "requestParameters.streamName|requestParameters.streamARN",
        "arn:{partition}:kinesis:{region}:{account}:stream/{name}",
        Find::Item("@", "{name}"),
    ),
    on(
        "firehose",
        ALL,
        "aws.firehose.stream",
        "requestParameters.deliveryStreamName",
        "arn:{partition}:firehose:{region}:{account}:deliverystream/{name}",
        Find::Item("@", "{name}"),
    ),
    nothing(
        "logs",
        &["*LogStream", "PutLogEvents", "*Query*", "*Export*", "*MetricFilter", "*SubscriptionFilter"],
    ),
    on(
        "logs",
        ALL,
        "aws.logs.group",
        "requestParameters.logGroupName",
        "arn:{partition}:logs:{region}:{account}:log-group:{name}",
        Find::By(&[("logGroupNamePrefix", "{name}")]),
    ),
    on("ssm", &["*Parameter*"], "aws.ssm.parameter", "requestParameters.name", "", Find::Among("Name")),
    nothing("ssm", ALL),
    nothing("ecr", &["PutImage", "*LayerUpload", "UploadLayerPart", "BatchDeleteImage", "*Scan*"]),
    on(
        "ecr",
        ALL,
        "aws.ecr.repository",
        "requestParameters.repositoryName",
        "arn:{partition}:ecr:{region}:{account}:repository/{name}",
        Find::Among("repositoryName"),
    ),
    nothing("secretsmanager", &["PutSecretValue", "UpdateSecretVersionStage", "Rotation*"]),
    on(
        "es",
        ALL,
        "aws.opensearch.domain",
        "requestParameters.domainName",
        "arn:{partition}:es:{region}:{account}:domain/{name}",
        Find::Item("DomainName", "{name}"),
    ),
    on(
        "redshift",
        ALL,
        "aws.redshift.cluster",
        "requestParameters.clusterIdentifier",
        "arn:{partition}:redshift:{region}:{account}:cluster:{name}",
        Find::By(&[("ClusterIdentifier", "{name}")]),
    ),
    nothing("backup", &["*Job*", "*RecoveryPoint*"]),
];

/// What an event is about, as the table says; `None` if the table says nothing of it.
pub(crate) fn watches(event: &Event) -> Option<Vec<(usize, &'static Watch)>> {
    let fits = |(_, watch): &(usize, &Watch)| {
        watch.service == event.service
            && watch.events.iter().any(|name| Glob::new(*name).matches(&event.name))
    };
    let all: Vec<(usize, &Watch)> = (0..).zip(WATCHES).filter(fits).collect();
    if all.is_empty() {
        return None;
    }
    // That an event changes nothing counts only where nothing says more.
    let first_nothing = all.iter().position(|(_, watch)| watch.kind.is_empty()).unwrap_or(all.len());
    Some(all.into_iter().take(first_nothing).collect())
}

impl Watch {
    /// The row of the table with this number.
    pub(crate) fn at(number: usize) -> Option<&'static Self> {
        WATCHES.get(number)
    }

    /// The names of those that an event is about: of the first path that has any. `None`: no path has one.
    pub(crate) fn named(&self, event: &Event) -> Option<Vec<String>> {
        let mut any = false;
        for path in self.names.split('|').filter(|path| !path.is_empty()) {
            let mut found = Vec::new();
            gather(&event.record, path, &mut found);
            any |= !found.is_empty();
            let fits = |raw: &&&str| {
                let is_arn = raw.starts_with("arn:") || self.within.ends_with('-');
                self.within.is_empty() || !is_arn || raw.contains(self.within)
            };
            let names: Vec<String> = found.iter().filter(fits).map(|raw| short(raw)).collect();
            if !names.is_empty() {
                return Some(names);
            }
        }
        // It names something that is of another row.
        any.then(Vec::new)
    }

    /// The key of what is named so.
    pub(crate) fn key(&self, name: &str, place: &Place) -> String {
        fill(self.key, name, "", place)
    }
}

/// A template with what is known put in.
pub(crate) fn fill(template: &str, name: &str, key: &str, place: &Place) -> String {
    template
        .replace("{partition}", place.partition())
        .replace("{region}", &place.region)
        .replace("{account}", &place.account)
        .replace("{key}", key)
        .replace("{name}", name)
}

/// The texts that lie at a path, through lists.
fn gather<'a>(value: &'a Value, path: &str, into: &mut Vec<&'a str>) {
    if path.is_empty() {
        into.extend(many(value).filter_map(Value::as_str).filter(|text| !text.is_empty()));
        return;
    }
    let (name, rest) = path.split_once('.').unwrap_or((path, ""));
    for one in many(value) {
        if let Some(inner) = one.get(name) {
            gather(inner, rest, into);
        }
    }
}

/// The name in an ARN or an address; a name is itself.
fn short(raw: &str) -> String {
    if raw.starts_with("arn:") {
        let resource = raw.splitn(6, ':').nth(5).unwrap_or_default();
        return resource.split_once(['/', ':']).map_or(resource, |(_, name)| name).to_owned();
    }
    if raw.contains("://") {
        return raw.rsplit('/').next().unwrap_or_default().to_owned();
    }
    raw.to_owned()
}
