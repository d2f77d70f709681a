//! What the engine knows, shown: pages for people, and the same as JSON for programs. Every page answers for any moment
//! of the past; every list can be narrowed, ordered and exported.

mod api;
mod ask;
mod failure;
mod handed;
mod handlers;
mod ledger;
mod links;
mod live;
mod load;
mod pages;
mod standards;
mod state;
mod views;

pub use api::openapi;
pub use state::{App, PostureState, RunSource, SealNow, app};
