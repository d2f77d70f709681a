//! The same as JSON, below `/api/v1`. One table of operations makes the routes and the OpenAPI document.

mod document;
mod operations;
mod schemas;

use axum::Router;
use axum::routing::{MethodRouter, get};

use crate::handlers;
use crate::state::App;

/// What an operation answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gives {
    /// One thing of a schema.
    One(&'static str),
    /// A window of a list of things of a schema.
    Many(&'static str),
    /// Nothing but that it was taken.
    Taken,
}

/// One operation.
struct Operation {
    method: &'static str,
    /// Below `/api/v1`.
    path: &'static str,
    summary: &'static str,
    /// Names of parameters behind the question mark; see `document`.
    params: &'static [&'static str],
    gives: Gives,
    route: fn() -> MethodRouter<App>,
}

/// All routes.
pub(crate) fn routes() -> Router<App> {
    let all = operations::ALL.iter().fold(Router::new(), |routes, operation| {
        routes.route(&format!("/api/v1{}", operation.path), (operation.route)())
    });
    all.route("/api/v1/openapi.json", get(|| std::future::ready(handlers::json(&openapi()))))
}

/// The OpenAPI document.
pub fn openapi() -> serde_json::Value {
    document::make(operations::ALL)
}
