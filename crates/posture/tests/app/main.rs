//! The whole application over a real engine on a temporary database.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that fails may panic"
)]

mod api;
mod lab;
mod ledger;
mod pages;
mod safety;
