//! The table: one row for each part of each kind. `octro source aws policy`, the settings' kinds, and the collection all
//! come from it.

pub(crate) mod databases;
pub(crate) mod ebs;
pub(crate) mod files;
mod iam;
mod kms;
mod network;
pub(crate) mod queues;
pub(crate) mod rds;
pub(crate) mod s3;
pub(crate) mod streams;
mod usage;

use super::row::Row;

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
    &usage::SERVICE,
    &kms::KEY,
];

/// The kinds that there are, each once.
pub(crate) fn kinds() -> Vec<&'static str> {
    let mut kinds: Vec<&str> = ROWS.iter().map(|row| row.kind).collect();
    kinds.dedup();
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}
