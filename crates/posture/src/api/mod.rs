//! The same as JSON, below `/api/v1`. One table of operations makes the routes and the OpenAPI document.

mod document;
mod ledger;
mod operations;
mod schemas;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodRouter, get};

use octro_web::{Params, WebError};

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

impl Operation {
    /// All parameters that it takes behind the question mark; a `!` at the end says that one is needed.
    fn query(&self) -> impl Iterator<Item = &'static str> {
        let window: &[&str] = if matches!(self.gives, Gives::Many(_)) { &["page", "per"] } else { &[] };
        let moment: &[&str] = if self.method == "get" { &["as_of", "known_at"] } else { &[] };
        self.params.iter().chain(window).chain(moment).copied()
    }

    /// A parameter that is misspelt must not be an answer to another question.
    fn check(&self, query: &str) -> Result<(), WebError> {
        let known: Vec<&str> = self.query().map(|name| name.trim_end_matches('!')).collect();
        let params = Params::parse(query)?;
        match params.iter().find(|(name, _)| !known.contains(name)) {
            None => Ok(()),
            Some((other, _)) => {
                let other: String = other.chars().take(60).collect();
                let expected =
                    if known.is_empty() { "none".to_owned() } else { format!("only {}", known.join(", ")) };
                Err(WebError::bad_request(format!(
                    "`{other}` is no parameter of this address; expected {expected}"
                )))
            }
        }
    }
}

/// Answers a request whose parameters the operation knows.
async fn known(operation: &'static Operation, request: Request, next: Next) -> Response {
    match operation.check(request.uri().query().unwrap_or_default()) {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

/// All routes.
pub(crate) fn routes() -> Router<App> {
    let all = operations::ALL.iter().fold(Router::new(), |routes, operation| {
        let check = from_fn(move |request: Request, next: Next| known(operation, request, next));
        routes.route(&format!("/api/v1{}", operation.path), (operation.route)().route_layer(check))
    });
    all.route("/api/v1/openapi.json", get(|| std::future::ready(handlers::json(&openapi()))))
}

/// The OpenAPI document.
pub fn openapi() -> serde_json::Value {
    document::make(operations::ALL)
}
