//! The ledger: an append-only Merkle log of everything that matters, in the database. Leaves come through an outbox, in
//! the transaction of the change that they tell of; one sequencer appends them, signs checkpoints, and a publisher
//! writes the log into a folder as tiles (C2SP `tlog-tiles`). The formats are those of docs/proof-format.md.

mod append;
mod audit;
mod begin;
mod device;
mod error;
mod folder;
mod frontier;
mod health;
mod highest;
mod keys;
mod ledger;
mod log;
mod mirror;
mod moment;
mod nodes;
pub mod outbox;
mod outsiders;
mod publish;
mod read;
pub mod records;
mod run;
mod sequencer;
#[cfg(test)]
mod statements;
mod step;
pub mod tile;
pub mod witness;

pub use audit::{Audit, Finding, Parts, audit};
pub use device::{Device, DeviceKeys};
pub use error::LedgerError;
pub use health::Health;
pub use highest::Highest;
pub use keys::{FileKeys, FileSigner, Keys, Signer, random_bytes, verifier_key};
pub use ledger::{Ledger, Settings};
pub use log::Log;
pub use mirror::{Mirror, open_bucket};
pub use moment::moment;
pub use octro_outbound::Url;
pub use octro_outbound::aws::{Bucket, BucketAt};
pub use outsiders::{Conflict, Outsiders, WitnessAt, Witnessed};
pub use publish::rebuild;
pub use read::{Entry, Reader, Signed};
pub use step::Steps;
