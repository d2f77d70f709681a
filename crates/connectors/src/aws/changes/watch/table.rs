//! The table of watches.

use super::{Find, Watch, nothing, on, whole};

const ALL: &[&str] = &["*"];
const VOLUME: &str =
    "requestParameters.volumeId|responseElements.volumeId|requestParameters.resourcesSet.items.resourceId";
const SNAPSHOT: &str = "requestParameters.snapshotId|responseElements.snapshotId|requestParameters.resourcesSet.items.resourceId";
const GROUP: &str = "requestParameters.groupId|responseElements.groupId|\
    requestParameters.ModifySecurityGroupRulesRequest.GroupId|requestParameters.resourcesSet.items.resourceId";
const EC2_KEY: &str = "arn:{partition}:ec2:{region}:{account}:volume/{name}";
/// What changes where something of a network is used or leads to.
const NETWORK: &[&str] = &[
    "*NetworkAcl*",
    "*Route*",
    "*InternetGateway*",
    "*NetworkInterface*",
    "*Address*",
    "*Subnet*",
    "*Vpc",
    "*ManagedPrefixList*",
    "*Instance*",
];
/// What opens or closes a way from the internet: to whatever has such ways.
const WAYS: &[&str] = &[
    "*SecurityGroup*",
    "*NetworkAcl*",
    "*Route*",
    "*InternetGateway*",
    "*NetworkInterface*",
    "*Address*",
    "*Subnet*",
    "*Vpc",
    "*ManagedPrefixList*",
    "*Instance*",
];
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
    whole("ec2", NETWORK, "aws.security_group"),
    whole("ec2", &["*NetworkAcl*", "*Subnet*", "*Vpc"], "aws.network_acl"),
    whole("ec2", WAYS, "aws.ec2.instance"),
    whole("ec2", WAYS, "aws.ec2.interface"),
    whole("ec2", WAYS, "aws.rds.instance"),
    whole("ec2", WAYS, "aws.redshift.cluster"),
    whole("ec2", WAYS, "aws.elb.load_balancer"),
    whole("ec2", WAYS, "aws.elb.load_balancer").part("/classic"),
    whole("ec2", &["*EbsEncryptionByDefault", "*EbsDefaultKmsKeyId"], "aws.ebs.defaults"),
    // Much of what EC2 does besides changes nothing that is read.
    nothing("ec2", ALL),
    // A balancer is a way to what stands behind it.
    whole("elasticloadbalancing", ALL, "aws.elb.load_balancer"),
    whole("elasticloadbalancing", ALL, "aws.elb.load_balancer").part("/classic"),
    whole("elasticloadbalancing", ALL, "aws.ec2.instance"),
    whole("elasticloadbalancing", ALL, "aws.ec2.interface"),
    whole("elasticloadbalancing", ALL, "aws.rds.instance"),
    whole("elasticloadbalancing", ALL, "aws.redshift.cluster"),
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
    nothing("kms", &["*Encrypt*", "*Decrypt*", "Generate*", "Sign"]),
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
    // What begins makes no recovery point yet; its end is told, too.
    nothing("backup", &["Start*Job", "StopBackupJob", "*JobStarted", "*Restore*"]),
];
