//! The engine: from observations to results, and back from any result to the observation that it rests on.
//!
//! Facts come in as inputs in one order ([`Engine`]); the state in memory is a function of them; every change of it is
//! written with the input that caused it, in one transaction. Whoever asks ([`Query`]) reads the database, for any
//! moment of the past; [`replay`] rebuilds everything from the facts and compares.

mod delta;
mod error;
mod input;
mod intake;
mod journal;
mod late;
mod lease;
mod once;
mod persist;
mod prove;
mod query;
mod rejudge;
mod replay;
mod retention;
mod rule;
mod service;
mod sightings;
mod state;
#[cfg(test)]
mod statements;

pub use error::EngineError;
pub use input::SourceInfo;
pub use intake::Inbox;
pub use journal::{Erased, Journal, JournalAudit, Random, Wake, audit_journal, erase, record_export};
pub use lease::Lease;
pub use once::{Once, OnceResult};
pub use prove::{Provable, SealView};
pub use query::*;
pub use rejudge::{Rejudged, rejudge};
pub use replay::{Mismatch, ReplayReport, Window, replay};
pub use retention::{Compacted, Stage};
pub use service::{Change, Collecting, Engine, Received};
pub use state::Population;
