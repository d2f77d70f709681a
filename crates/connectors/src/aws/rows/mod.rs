//! The table: one row for each part of each kind. `octro source aws policy`, the settings' kinds, and the collection all
//! come from it.

mod balancers;
pub(crate) mod databases;
pub(crate) mod ebs;
mod edge;
pub(crate) mod files;
mod iam;
mod kms;
mod machines;
mod network;
pub(crate) mod queues;
pub(crate) mod rds;
pub(crate) mod s3;
mod serverless;
pub(crate) mod streams;
mod usage;

use super::row::{List, Row};

pub(crate) use kms::{ALIASES, KEY};

/// Every row. Keys come last: by then it is known which keys of other accounts are used.
pub(crate) static ROWS: &[&Row] = &[
    &s3::BUCKET,
    &rds::INSTANCE,
    &rds::CLUSTER,
    &rds::SNAPSHOT,
    &rds::CLUSTER_SNAPSHOT,
    &databases::TABLE,
    &ebs::VOLUME,
    &ebs::SNAPSHOT,
    &ebs::DEFAULTS,
    &files::SHARE,
    &queues::QUEUE,
    &queues::TOPIC,
    &databases::CACHE,
    &databases::SINGLE_CACHE,
    &databases::DOMAIN,
    &databases::WAREHOUSE,
    &streams::STREAM,
    &streams::DELIVERY,
    &streams::LOG_GROUP,
    &files::SECRET,
    &files::PARAMETER,
    &files::REPOSITORY,
    &files::FILE_SYSTEM,
    &files::VAULT,
    &databases::MEMORY,
    &databases::DAX_CLUSTER,
    &streams::KAFKA_CLUSTER,
    &iam::USER,
    &iam::ROOT,
    &iam::ROLE,
    &network::GROUP,
    &files::RECOVERY_POINT,
    &serverless::NAMESPACE,
    &serverless::CACHE,
    &serverless::COLLECTION,
    &serverless::KEYSPACES_TABLE,
    &serverless::TIMESTREAM_DATABASE,
    &machines::INSTANCE,
    &machines::INTERFACE,
    &machines::ACL,
    &balancers::BALANCER,
    &balancers::CLASSIC,
    &edge::DISTRIBUTION,
    &edge::DOMAIN,
    &usage::SERVICE,
    &kms::KEY,
];

/// What the networks of a region and the ways into them are read from, in the order in which they are understood.
pub(crate) static GRAPH: &[&List] = &[
    &machines::SUBNETS,
    &machines::ACLS,
    &network::ROUTES,
    &machines::GATEWAYS,
    &network::GROUPS,
    &network::PREFIXES,
    &network::INTERFACES,
    &machines::INSTANCES,
    &balancers::BALANCERS,
    &balancers::TARGETS,
    &balancers::CLASSICS,
];

/// The kinds that there are, each once.
pub(crate) fn kinds() -> Vec<&'static str> {
    let mut kinds: Vec<&str> = ROWS.iter().map(|row| row.kind).collect();
    kinds.dedup();
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}
