//! RDS: instances, the clusters of Aurora, Neptune and DocumentDB, and the snapshots of both.

use octro_model::{UnknownReason, Why};
use octro_outbound::aws::api::Paging;
use serde_json::{Value, json};

use crate::aws::exposure::{all, text};
use crate::aws::facts::{Facts, Item, Known, Look, at, flag, many, number};
use crate::aws::row::{Ask, Attribute, Detail, Form, List, Row, Said, item, made};
use crate::aws::rows::machines::{Store, reached};
use crate::aws::services::RDS;

const RECORDS: (&str, Said) = ("MaxRecords", Said::Number(100));
const SNAPSHOT_GONE: &[&str] = &["DBSnapshotNotFound", "DBSnapshotNotFoundFault"];
const CLUSTER_SNAPSHOT_GONE: &[&str] = &["DBClusterSnapshotNotFoundFault"];
/// Which parameter refuses clients without TLS, by the beginning of the engine's name.
const TLS_PARAMETERS: [(&str, &str); 8] = [
    ("aurora-postgresql", "rds.force_ssl"),
    ("postgres", "rds.force_ssl"),
    ("sqlserver", "rds.force_ssl"),
    ("aurora", "require_secure_transport"),
    ("mysql", "require_secure_transport"),
    ("mariadb", "require_secure_transport"),
    ("docdb", "tls"),
    ("neptune", "neptune_enforce_ssl"),
];

static INSTANCES: List = List::paged(
    Ask::of(&RDS, "DescribeDBInstances", "rds:DescribeDBInstances", &[RECORDS]),
    "DBInstances.DBInstance",
    "Marker",
    "Marker",
);
static CLUSTERS: List = List::paged(
    Ask::of(&RDS, "DescribeDBClusters", "rds:DescribeDBClusters", &[RECORDS]),
    "DBClusters.DBCluster",
    "Marker",
    "Marker",
);
static SNAPSHOTS: List = List::paged(
    Ask::of(&RDS, "DescribeDBSnapshots", "rds:DescribeDBSnapshots", &[RECORDS]),
    "DBSnapshots.DBSnapshot",
    "Marker",
    "Marker",
)
.asking(&[Detail::of(
    "shared",
    Ask::of(
        &RDS,
        "DescribeDBSnapshotAttributes",
        "rds:DescribeDBSnapshotAttributes",
        &[("DBSnapshotIdentifier", Said::Text("{DBSnapshotIdentifier}"))],
    ),
)
.at("DBSnapshotAttributesResult")
.gone(SNAPSHOT_GONE)
.when(is_manual)]);
static CLUSTER_SNAPSHOTS: List = List::paged(
    Ask::of(&RDS, "DescribeDBClusterSnapshots", "rds:DescribeDBClusterSnapshots", &[RECORDS]),
    "DBClusterSnapshots.DBClusterSnapshot",
    "Marker",
    "Marker",
)
.asking(&[Detail::of(
    "shared",
    Ask::of(
        &RDS,
        "DescribeDBClusterSnapshotAttributes",
        "rds:DescribeDBClusterSnapshotAttributes",
        &[("DBClusterSnapshotIdentifier", Said::Text("{DBClusterSnapshotIdentifier}"))],
    ),
)
.at("DBClusterSnapshotAttributesResult")
.gone(CLUSTER_SNAPSHOT_GONE)
.when(is_manual)]);
static VERSIONS: List = List::paged(
    Ask::of(&RDS, "DescribeDBMajorEngineVersions", "rds:DescribeDBMajorEngineVersions", &[RECORDS]),
    "DBMajorEngineVersions.DBMajorEngineVersion",
    "Marker",
    "Marker",
);

const PARAMETER: [(&str, Said); 2] = [
    ("Filters.Filter.1.Name", Said::Text("parameter-name")),
    ("Filters.Filter.1.Values.Value.1", Said::Made(tls_parameter)),
];
const PARAMETER_PAGES: Paging = Paging::Token { from: "Marker", into: "Marker" };

const OF_INSTANCE: Detail = Detail::of(
    "parameters",
    Ask::of(
        &RDS,
        "DescribeDBParameters",
        "rds:DescribeDBParameters",
        &[
            ("DBParameterGroupName", Said::Text("{DBParameterGroups.DBParameterGroup.DBParameterGroupName}")),
            PARAMETER[0],
            PARAMETER[1],
        ],
    ),
)
.at("Parameters.Parameter")
.paged(PARAMETER_PAGES)
.when(|facts| facts.text("DBClusterIdentifier").is_none());
const OF_CLUSTER: Detail = Detail::of(
    "parameters_of_cluster",
    Ask::of(
        &RDS,
        "DescribeDBClusterParameters",
        "rds:DescribeDBClusterParameters",
        &[("DBClusterParameterGroupName", Said::Made(cluster_group)), PARAMETER[0], PARAMETER[1]],
    ),
)
.at("Parameters.Parameter")
.paged(PARAMETER_PAGES)
.when(|facts| facts.text("DBClusterIdentifier").is_some());

const ATTRIBUTES: &[Attribute] = &[
    item("name", "DBInstanceIdentifier|DBClusterIdentifier", Form::Text),
    item("data_class", "TagList.Tag", Form::Class),
    item("engine", "Engine", Form::Text),
    item("engine_version", "EngineVersion", Form::Text),
    made("engine_end_of_life_at", end_of_life),
    item("storage_encrypted", "StorageEncrypted", Form::Flag),
    item("kms_key_id", "KmsKeyId", Form::KeyIf("StorageEncrypted")),
    made("snapshots_clear", |facts| count(facts, is_clear)),
    made("snapshots_public", |facts| count(facts, is_public)),
    made("public", public),
    made("tls_required", tls_required),
    item("backup_retention", "BackupRetentionPeriod", Form::Days),
    item("latest_restorable_at", "LatestRestorableTime", Form::Moment),
    item("deletion_protection", "DeletionProtection", Form::FlagOrNo),
    item("auto_minor_upgrade", "AutoMinorVersionUpgrade", Form::Flag),
    made("exposure", |facts| place(facts).0),
    made("exposure_complete", |facts| place(facts).1),
    made("shield", |facts| place(facts).2),
];

pub(crate) static INSTANCE: Row = Row::of("aws.rds.instance", &INSTANCES, "{DBInstanceArn}")
    .reached()
    .beside(&[&SNAPSHOTS, &VERSIONS, &CLUSTERS])
    .asking(&[OF_INSTANCE, OF_CLUSTER])
    .with(ATTRIBUTES);
pub(crate) static CLUSTER: Row = Row::of("aws.rds.instance", &CLUSTERS, "{DBClusterArn}")
    .part("/clusters")
    .beside(&[&CLUSTER_SNAPSHOTS, &VERSIONS, &INSTANCES])
    .asking(&[OF_CLUSTER])
    .with(ATTRIBUTES);

const SNAPSHOT_ATTRIBUTES: &[Attribute] = &[
    item("name", "DBSnapshotIdentifier|DBClusterSnapshotIdentifier", Form::Text),
    item("database", "DBInstanceIdentifier|DBClusterIdentifier", Form::Text),
    item("automatic", "SnapshotType", Form::Is("automated")),
    made("data_class", snapshot_class),
    item("encrypted", "Encrypted|StorageEncrypted", Form::Flag),
    item("kms_key_id", "KmsKeyId", Form::KeyIf("Encrypted|StorageEncrypted")),
    made("public", |facts| is_public_of(facts.details).map_or_else(Known::from, Known::flag)),
];

pub(crate) static SNAPSHOT: Row = Row::of("aws.rds.snapshot", &SNAPSHOTS, "{DBSnapshotArn}")
    .beside(&[&INSTANCES])
    .with(SNAPSHOT_ATTRIBUTES);
pub(crate) static CLUSTER_SNAPSHOT: Row =
    Row::of("aws.rds.snapshot", &CLUSTER_SNAPSHOTS, "{DBClusterSnapshotArn}")
        .part("/clusters")
        .beside(&[&CLUSTERS])
        .with(SNAPSHOT_ATTRIBUTES);

/// How the internet gets to an instance, and what stops it. Of a cluster, its instances say it.
fn place(facts: &Facts<'_>) -> (Known, Known, Known) {
    let Some(name) = facts.text("DBInstanceIdentifier") else {
        return (Known::Absent, Known::Absent, Known::Absent);
    };
    let public = match public(facts) {
        Known::Value(Value::Bool(public)) => Ok(public),
        Known::Unknown(reason) => Err(reason),
        Known::Value(_) | Known::Absent | Known::Key(_) => {
            Err(UnknownReason::new(Why::Failed, "the service does not say whether it has a public address"))
        }
    };
    let store = public.map(|public| Store {
        label: format!("rds {name}"),
        subnets: all(facts.item, "DBSubnetGroup.Subnets.Subnet")
            .map(|one| text(one, "SubnetIdentifier"))
            .collect(),
        groups: all(facts.item, "VpcSecurityGroups.VpcSecurityGroupMembership")
            .map(|one| text(one, "VpcSecurityGroupId"))
            .collect(),
        public,
        port: at(facts.item, "Endpoint.Port").or_else(|| at(facts.item, "DbInstancePort")).and_then(number),
    });
    reached(facts, store)
}

/// An automatic snapshot cannot be shared.
fn is_manual(facts: &Facts<'_>) -> bool {
    facts.text("SnapshotType").is_none_or(|of| of != "automated")
}

fn tls_parameter(facts: &Facts<'_>) -> Option<String> {
    let engine = facts.text("Engine")?;
    TLS_PARAMETERS.iter().find(|(begin, _)| engine.starts_with(begin)).map(|(_, name)| (*name).to_owned())
}

/// The parameter group of a cluster; of an instance that belongs to one, that of its cluster.
fn cluster_group(facts: &Facts<'_>) -> Option<String> {
    if let Some(group) = facts.text("DBClusterParameterGroup") {
        return Some(group.to_owned());
    }
    let cluster = facts.text("DBClusterIdentifier")?;
    let Some(Ok(clusters)) = facts.beside.get(2) else { return None };
    let of = clusters
        .iter()
        .find(|item| item.value.get("DBClusterIdentifier").and_then(Value::as_str) == Some(cluster));
    of?.value.get("DBClusterParameterGroup").and_then(Value::as_str).map(str::to_owned)
}

fn tls_required(facts: &Facts<'_>) -> Known {
    let Some(wanted) = tls_parameter(facts) else {
        let engine = facts.text("Engine").unwrap_or("?");
        let what = format!("`{engine}` has no parameter for it");
        return Known::Unknown(UnknownReason::new(Why::Unsupported, what));
    };
    let from =
        if facts.text("DBClusterIdentifier").is_some() { "parameters_of_cluster" } else { "parameters" };
    let parameters = match facts.look(from, "") {
        Look::Unknown(reason) => return Known::Unknown(reason),
        Look::Absent => return Known::odd("the parameter group is not known"),
        Look::There(parameters) => parameters,
    };
    let found =
        many(parameters).find(|one| one.get("ParameterName").and_then(Value::as_str) == Some(&wanted));
    match found.and_then(|one| one.get("ParameterValue")).and_then(Value::as_str) {
        Some("1" | "ON" | "on" | "true" | "enabled") => Known::flag(true),
        Some("0" | "OFF" | "off" | "false" | "disabled") => Known::flag(false),
        // Versions of the protocol, from which a client has to choose.
        Some(versions) if versions.to_lowercase().starts_with("tls") => Known::flag(true),
        Some(other) => Known::odd(format!("`{wanted}` is `{other}`")),
        None => Known::odd(format!("the parameter group gives no value for `{wanted}`")),
    }
}

/// Of a cluster, its instances say whether they have public addresses.
fn public(facts: &Facts<'_>) -> Known {
    if let Look::There(value) = facts.look("", "PubliclyAccessible") {
        return flag(value)
            .map_or_else(|| Known::odd("`PubliclyAccessible` is neither yes nor no"), Known::flag);
    }
    let (Some(cluster), None) = (facts.text("DBClusterIdentifier"), facts.text("DBInstanceIdentifier"))
    else {
        return Known::Absent;
    };
    match facts.beside.get(2) {
        Some(Ok(instances)) => Known::flag(instances.iter().any(|item| {
            item.value.get("DBClusterIdentifier").and_then(Value::as_str) == Some(cluster)
                && item.value.get("PubliclyAccessible").and_then(flag) == Some(true)
        })),
        Some(Err(reason)) => Known::Unknown(reason.clone()),
        None => Known::Absent,
    }
}

fn end_of_life(facts: &Facts<'_>) -> Known {
    let versions = match facts.beside.get(1) {
        Some(Ok(versions)) => versions,
        Some(Err(reason)) => return Known::Unknown(reason.clone()),
        None => return Known::Absent,
    };
    let (Some(engine), Some(version)) = (facts.text("Engine"), facts.text("EngineVersion")) else {
        return Known::odd("the engine is not told");
    };
    let of = |item: &&Item| {
        let text = |name: &str| item.value.get(name).and_then(Value::as_str).unwrap_or_default();
        let major = text("MajorEngineVersion");
        text("Engine") == engine
            && !major.is_empty()
            && version.strip_prefix(major).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let Some(found) = versions.iter().find(of) else {
        return Known::odd(format!("the service tells nothing of {engine} {version}"));
    };
    let Some(cycles) = at(&found.value, "SupportedEngineLifecycles.SupportedEngineLifecycle") else {
        return Known::Absent;
    };
    let standard = many(cycles).find(|one| {
        let name = one.get("LifecycleSupportName").and_then(Value::as_str).unwrap_or_default();
        name.ends_with("standard-support")
    });
    match standard.and_then(|one| one.get("LifecycleSupportEndDate")) {
        None => Known::Absent,
        Some(end) => crate::aws::facts::moment(end)
            .map_or_else(|| Known::odd("the end of support is no date"), |end| Known::text(end.to_string())),
    }
}

/// How many snapshots of this database are so. One that could not be read makes the number unknown.
fn count(facts: &Facts<'_>, is: fn(&Item) -> Result<bool, UnknownReason>) -> Known {
    let name = facts.text("DBInstanceIdentifier|DBClusterIdentifier");
    let field = if facts.text("DBInstanceIdentifier").is_some() {
        "DBInstanceIdentifier"
    } else {
        "DBClusterIdentifier"
    };
    let snapshots = match facts.beside.first() {
        Some(Ok(snapshots)) => snapshots,
        Some(Err(reason)) => return Known::Unknown(reason.clone()),
        None => return Known::Absent,
    };
    let mut count = 0;
    for snapshot in snapshots.iter().filter(|item| item.value.get(field).and_then(Value::as_str) == name) {
        match is(snapshot) {
            Ok(so) => count += u32::from(so),
            Err(reason) => return Known::Unknown(reason),
        }
    }
    Known::Value(json!(count))
}

fn is_clear(snapshot: &Item) -> Result<bool, UnknownReason> {
    let encrypted = snapshot.value.get("Encrypted").or_else(|| snapshot.value.get("StorageEncrypted"));
    let unknown = || UnknownReason::new(Why::Failed, "a snapshot does not say whether it is encrypted");
    encrypted.and_then(flag).map(|encrypted| !encrypted).ok_or_else(unknown)
}

fn is_public(snapshot: &Item) -> Result<bool, UnknownReason> {
    is_public_of(&snapshot.details)
}

fn is_public_of(
    details: &std::collections::BTreeMap<&'static str, crate::aws::facts::Told>,
) -> Result<bool, UnknownReason> {
    let shared = match details.get("shared") {
        Some(Ok(shared)) => shared,
        Some(Err(reason)) => return Err(reason.clone()),
        None => return Ok(false),
    };
    let lists = [
        "DBSnapshotAttributes.DBSnapshotAttribute",
        "DBClusterSnapshotAttributes.DBClusterSnapshotAttribute",
    ];
    let attributes = lists.iter().find_map(|list| at(shared, list)).into_iter().flat_map(many);
    Ok(attributes
        .filter(|one| one.get("AttributeName").and_then(Value::as_str) == Some("restore"))
        .filter_map(|one| at(one, "AttributeValues.AttributeValue"))
        .flat_map(many)
        .any(|account| account.as_str() == Some("all")))
}

/// A snapshot holds what its database holds, unless it says something else.
fn snapshot_class(facts: &Facts<'_>) -> Known {
    let own = facts.class("", "TagList.Tag");
    if own != Known::Absent {
        return own;
    }
    let field = if facts.text("DBSnapshotIdentifier").is_some() {
        "DBInstanceIdentifier"
    } else {
        "DBClusterIdentifier"
    };
    let source = facts.text(field);
    match facts.beside.first() {
        Some(Ok(databases)) => {
            let of = databases.iter().find(|item| item.value.get(field).and_then(Value::as_str) == source);
            let arn = |item: &Item| {
                let arn = item.value.get("DBInstanceArn").or_else(|| item.value.get("DBClusterArn"));
                arn.and_then(Value::as_str).unwrap_or_default().to_owned()
            };
            of.map_or(Known::Absent, |item| {
                facts.classes.of_origin("aws.rds.instance", &arn(item), at(&item.value, "TagList.Tag"))
            })
        }
        Some(Err(reason)) => Known::Unknown(reason.clone()),
        None => Known::Absent,
    }
}
