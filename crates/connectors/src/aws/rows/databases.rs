//! Other databases, caches and warehouses: DynamoDB, DAX, ElastiCache, MemoryDB, OpenSearch, Redshift.

use serde_json::Value;

use crate::aws::exposure::{Told, all, text};
use crate::aws::facts::{Facts, Item, at, flag, number};
use crate::aws::row::{Ask, Detail, Form, List, Row, Said, item, made, of};
use crate::aws::rows::machines::{Store, reached};
use crate::aws::rows::queues::policy_public;
use crate::aws::services::{DAX, DYNAMODB, ELASTICACHE, MEMORYDB, OPENSEARCH, REDSHIFT};

const GONE: &[&str] = &["ResourceNotFoundException", "TableNotFoundException"];
const HUNDRED: (&str, Said) = ("MaxRecords", Said::Number(100));

static TABLES: List = List::paged(
    Ask::of(&DYNAMODB, "ListTables", "dynamodb:ListTables", &[("Limit", Said::Number(100))]),
    "TableNames",
    "LastEvaluatedTableName",
    "ExclusiveStartTableName",
);
static DAXES: List = List::paged(
    Ask::of(&DAX, "DescribeClusters", "dax:DescribeClusters", &[]),
    "Clusters",
    "NextToken",
    "NextToken",
);
static GROUPS: List = List::paged(
    Ask::of(&ELASTICACHE, "DescribeReplicationGroups", "elasticache:DescribeReplicationGroups", &[HUNDRED]),
    "ReplicationGroups.ReplicationGroup",
    "Marker",
    "Marker",
);
static SINGLES: List = List::paged(
    Ask::of(
        &ELASTICACHE,
        "DescribeCacheClusters",
        "elasticache:DescribeCacheClusters",
        &[HUNDRED, ("ShowCacheClustersNotInReplicationGroups", Said::Text("true"))],
    ),
    "CacheClusters.CacheCluster",
    "Marker",
    "Marker",
)
.only(|facts| facts.text("ReplicationGroupId").is_none_or(str::is_empty));
static MEMORIES: List = List::paged(
    Ask::of(&MEMORYDB, "DescribeClusters", "memorydb:DescribeClusters", &[]),
    "Clusters",
    "NextToken",
    "NextToken",
);
static DOMAINS: List =
    List::whole(Ask::get(&OPENSEARCH, "/2021-01-01/domain", "es:ListDomainNames", &[]), "DomainNames");
static WAREHOUSES: List = List::paged(
    Ask::of(&REDSHIFT, "DescribeClusters", "redshift:DescribeClusters", &[HUNDRED]),
    "Clusters.Cluster",
    "Marker",
    "Marker",
);

static SUBNET_GROUPS: List = List::paged(
    Ask::of(&REDSHIFT, "DescribeClusterSubnetGroups", "redshift:DescribeClusterSubnetGroups", &[HUNDRED]),
    "ClusterSubnetGroups.ClusterSubnetGroup",
    "Marker",
    "Marker",
);

pub(crate) static TABLE: Row =
    Row::of("aws.dynamodb.table", &TABLES, "arn:{partition}:dynamodb:{region}:{account}:table/{@}")
        .asking(&[
            Detail::of(
                "table",
                Ask::of(
                    &DYNAMODB,
                    "DescribeTable",
                    "dynamodb:DescribeTable",
                    &[("TableName", Said::Text("{@}"))],
                ),
            )
            .at("Table")
            .gone(GONE),
            Detail::of(
                "backups",
                Ask::of(
                    &DYNAMODB,
                    "DescribeContinuousBackups",
                    "dynamodb:DescribeContinuousBackups",
                    &[("TableName", Said::Text("{@}"))],
                ),
            )
            .at("ContinuousBackupsDescription.PointInTimeRecoveryDescription")
            .gone(GONE),
            Detail::of(
                "tags",
                Ask::of(
                    &DYNAMODB,
                    "ListTagsOfResource",
                    "dynamodb:ListTagsOfResource",
                    &[("ResourceArn", Said::Text("{key}"))],
                ),
            )
            .gone(GONE),
        ])
        .with(&[
            item("name", "@", Form::Text),
            of("data_class", "tags", "Tags", Form::Class),
            of("kms_key_id", "table", "SSEDescription.KMSMasterKeyArn", Form::Key),
            of("point_in_time_recovery", "backups", "PointInTimeRecoveryStatus", Form::Is("ENABLED")),
            of("deletion_protection", "table", "DeletionProtectionEnabled", Form::FlagOrNo),
        ]);

pub(crate) static DAX_CLUSTER: Row = Row::of("aws.dax.cluster", &DAXES, "{ClusterArn}")
    .asking(&[Detail::of(
        "tags",
        Ask::of(&DAX, "ListTags", "dax:ListTags", &[("ResourceName", Said::Text("{key}"))]),
    )
    .gone(&["ClusterNotFoundFault"])])
    .with(&[
        item("name", "ClusterName", Form::Text),
        of("data_class", "tags", "Tags", Form::Class),
        item("encrypted", "SSEDescription.Status", Form::Is("ENABLED")),
    ]);

const CACHE_TAGS: &[Detail] = &[Detail::of(
    "tags",
    Ask::of(
        &ELASTICACHE,
        "ListTagsForResource",
        "elasticache:ListTagsForResource",
        &[("ResourceName", Said::Text("{key}"))],
    ),
)
.gone(&["ReplicationGroupNotFoundFault", "CacheClusterNotFound"])];

pub(crate) static CACHE: Row = Row::of("aws.elasticache.group", &GROUPS, "{ARN}").asking(CACHE_TAGS).with(&[
    item("name", "ReplicationGroupId", Form::Text),
    of("data_class", "tags", "TagList.Tag", Form::Class),
    item("encrypted", "AtRestEncryptionEnabled", Form::Flag),
    item("encrypted_in_transit", "TransitEncryptionEnabled", Form::Flag),
    item("kms_key_id", "KmsKeyId", Form::Key),
]);
pub(crate) static SINGLE_CACHE: Row =
    Row::of("aws.elasticache.group", &SINGLES, "{ARN}").part("/single").asking(CACHE_TAGS).with(&[
        item("name", "CacheClusterId", Form::Text),
        of("data_class", "tags", "TagList.Tag", Form::Class),
        item("encrypted", "AtRestEncryptionEnabled", Form::FlagOrNo),
        item("encrypted_in_transit", "TransitEncryptionEnabled", Form::FlagOrNo),
        item("kms_key_id", "KmsKeyId", Form::Key),
    ]);

pub(crate) static MEMORY: Row = Row::of("aws.memorydb.cluster", &MEMORIES, "{ARN}")
    .asking(&[Detail::of(
        "tags",
        Ask::of(&MEMORYDB, "ListTags", "memorydb:ListTags", &[("ResourceArn", Said::Text("{key}"))]),
    )
    .gone(&["ClusterNotFoundFault"])])
    .with(&[
        item("name", "Name", Form::Text),
        of("data_class", "tags", "TagList", Form::Class),
        item("encrypted_in_transit", "TLSEnabled", Form::Flag),
        item("kms_key_id", "KmsKeyId", Form::Key),
    ]);

pub(crate) static DOMAIN: Row =
    Row::of("aws.opensearch.domain", &DOMAINS, "arn:{partition}:es:{region}:{account}:domain/{DomainName}")
        .asking(&[
            Detail::of(
                "domain",
                Ask::get(&OPENSEARCH, "/2021-01-01/opensearch/domain/{DomainName}", "es:DescribeDomain", &[]),
            )
            .at("DomainStatus")
            .gone(GONE),
            Detail::of(
                "tags",
                Ask::get(&OPENSEARCH, "/2021-01-01/tags/", "es:ListTags", &[("arn", Said::Text("{key}"))]),
            )
            .gone(GONE),
        ])
        .with(&[
            item("name", "DomainName", Form::Text),
            of("data_class", "tags", "TagList", Form::Class),
            of("encrypted", "domain", "EncryptionAtRestOptions.Enabled", Form::FlagOrNo),
            of("encrypted_between_nodes", "domain", "NodeToNodeEncryptionOptions.Enabled", Form::FlagOrNo),
            of("https_only", "domain", "DomainEndpointOptions.EnforceHTTPS", Form::FlagOrNo),
            of("kms_key_id", "domain", "EncryptionAtRestOptions.KmsKeyId", Form::Key),
            made("policy_public", |facts| policy_public(facts, "domain", "AccessPolicies")),
        ]);

pub(crate) static WAREHOUSE: Row = Row::of(
    "aws.redshift.cluster",
    &WAREHOUSES,
    "arn:{partition}:redshift:{region}:{account}:cluster:{ClusterIdentifier}",
)
.beside(&[&SUBNET_GROUPS])
.reached()
.with(&[
    item("name", "ClusterIdentifier", Form::Text),
    item("data_class", "Tags.Tag", Form::Class),
    item("encrypted", "Encrypted", Form::Flag),
    item("kms_key_id", "KmsKeyId", Form::Key),
    item("public", "PubliclyAccessible", Form::Flag),
    made("exposure", |facts| reached(facts, warehouse(facts)).0),
    made("exposure_complete", |facts| reached(facts, warehouse(facts)).1),
    made("shield", |facts| reached(facts, warehouse(facts)).2),
]);

/// Where a warehouse is: its subnets are told by the name of their group.
fn warehouse<'a>(facts: &Facts<'a>) -> Told<Store<'a>> {
    let groups: &'a [Item] = match facts.beside.first() {
        Some(Ok(groups)) => groups,
        Some(Err(reason)) => return Err(reason.clone()),
        None => &[],
    };
    let item: &'a Value = facts.item;
    let wanted = text(item, "ClusterSubnetGroupName");
    let group = groups.iter().find(|group| text(&group.value, "ClusterSubnetGroupName") == wanted);
    let subnets = group.into_iter().flat_map(|group| all(&group.value, "Subnets.Subnet"));
    Ok(Store {
        label: format!("redshift {}", text(item, "ClusterIdentifier")),
        subnets: subnets.map(|subnet| text(subnet, "SubnetIdentifier")).collect(),
        groups: all(item, "VpcSecurityGroups.VpcSecurityGroup")
            .map(|one| text(one, "VpcSecurityGroupId"))
            .collect(),
        public: item.get("PubliclyAccessible").and_then(flag) == Some(true),
        port: at(item, "Endpoint.Port").and_then(number),
    })
}
