//! From requests to pages: ask, then show. What a page says is in `pages`, what it is about in `load`.

mod details;
mod export;
mod lists;

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use maud::Markup;
use octro_web::{Page, WebError};

use crate::ask::Ask;
use crate::failure::Failure;
use crate::state::App;

pub(crate) use export::{Windows, json, stream};

pub(crate) type Answer = Result<Response, Failure>;

/// The form of an export.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Csv,
    Json,
}

impl Format {
    /// The form that is asked for; `None` for a page.
    pub(crate) fn of(ask: &Ask) -> Result<Option<Self>, WebError> {
        match ask.params.get("format") {
            None => Ok(None),
            Some("csv") => Ok(Some(Self::Csv)),
            Some("json") => Ok(Some(Self::Json)),
            Some(_) => Err(WebError::bad_request("`format` is neither `csv` nor `json`")),
        }
    }
}

pub(crate) fn show(ask: &Ask, page: &Page, content: &Markup) -> Answer {
    Ok(ask.frame(page, content).into_response())
}

/// All pages.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/", get(lists::overview))
        .route("/controls", get(lists::controls))
        .route("/controls/{id}", get(details::control))
        .route("/tests", get(lists::tests))
        .route("/tests/{id}", get(details::test))
        .route("/resources", get(lists::resources))
        .route("/resources/{kind}/{*key}", get(details::resource))
        .route("/results", get(lists::results))
        .route("/data", get(lists::data))
        .route("/exposure", get(lists::exposure))
        .route("/coverage", get(lists::coverage))
        .route("/certificates", get(lists::certificates))
        .route("/why", get(details::why))
        .route("/sources", get(lists::sources))
        .route("/sources/{id}", get(details::source))
        .route("/sources/{id}/run", post(details::run))
        .route("/period", get(details::period))
        .route("/principles", get(lists::principles))
        .route("/frameworks", get(lists::frameworks))
        .route("/frameworks/{id}", get(details::framework))
        .route("/policies", get(lists::policies))
        .route("/policies/{id}", get(details::policy))
        .route("/claims", get(lists::claims))
        .route("/program", get(lists::program))
        .route("/search", get(lists::search))
}
