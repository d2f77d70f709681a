//! The ledger, shown: how the log is doing, its entries in words, and proofs as files that anyone checks without us.
//! Everything but the health of this process comes from the database.

mod entries;
mod handlers;
mod load;
mod pages;
mod panel;
mod proofs;
mod views;
mod words;

use axum::Router;
use axum::routing::{get, post};

use crate::state::App;

pub(crate) use entries::window;
pub(crate) use load::{entry, ledger};
pub(crate) use panel::{of_control, of_period, of_resource};
pub(crate) use proofs::{control as prove_control, resource as prove_resource};

/// All pages.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/ledger", get(handlers::home))
        .route("/ledger/seal", post(handlers::seal))
        .route("/ledger/verify", get(handlers::verify))
        .route("/ledger/verify.html", get(handlers::verifier))
        .route("/ledger/entries", get(handlers::entries))
        .route("/ledger/entries/{index}", get(handlers::entry))
        .route("/proofs/control/{id}", get(handlers::control_proof))
        .route("/proofs/resource/{kind}", get(handlers::resource_proof))
        .route("/proofs/entry/{index}", get(handlers::entry_proof))
        .route("/proofs/entry/{index}/tlog", get(handlers::entry_tlog))
}
