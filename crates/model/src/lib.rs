//! The words that every other crate shares: times, statuses, kinds of resources, observations, collections.
//! It does no I/O and knows neither the database nor the test language.

mod classes;
mod collection;
mod glob;
mod hex;
mod id;
mod observation;
mod schema;
mod status;
mod time;

pub use classes::{DataClass, DataClasses, DeclaredStores};
pub use collection::{Collection, CollectionError, ScopeReport};
pub use glob::Glob;
pub use hex::hex;
pub use id::{Id, IdError};
pub use observation::{Observation, UnknownReason, Why, permission};
pub use schema::{Attribute, Kind, Sensitivity, Type};
pub use status::{Coverage, Layer, ParseWordError, Severity, Status, Tally};
pub use time::{Clock, ManualClock, ParseTimeError, Span, SystemClock, Timestamp};
