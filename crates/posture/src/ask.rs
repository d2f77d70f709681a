//! A request, read: its path, its parameters, the moment that it asks about.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method};
use maud::Markup;
use octro_engine::{AsOf, Query};
use octro_web::ui::Sheet;
use octro_web::{Moment, Page, Params, WebError};

use crate::failure::Failure;
use crate::state::App;

/// See the module.
pub(crate) struct Ask {
    pub(crate) app: App,
    pub(crate) path: String,
    pub(crate) params: Params,
    pub(crate) moment: Moment,
    /// Whether a page of another site asks, as far as the browser says.
    pub(crate) foreign: bool,
    /// Whether only the headers are asked for.
    pub(crate) head: bool,
}

impl FromRequestParts<App> for Ask {
    type Rejection = WebError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, WebError> {
        Self::read(parts, app).await
    }
}

impl Ask {
    async fn read(parts: &Parts, app: &App) -> Result<Self, WebError> {
        let params = Params::parse(parts.uri.query().unwrap_or_default())?;
        let moment =
            Moment::read(&params, app.query().present().await.map_err(|error| Failure::from(error).0)?.at)?;
        Sheet::<()>::window(&params)?;
        let site = parts.headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
        let foreign = site.is_some_and(|site| ![b"same-origin".as_slice(), b"none"].contains(&site));
        let head = parts.method == Method::HEAD;
        Ok(Self { app: app.clone(), path: parts.uri.path().to_owned(), params, moment, foreign, head })
    }

    pub(crate) fn query(&self) -> &Query {
        self.app.query()
    }

    pub(crate) const fn as_of(&self) -> AsOf {
        AsOf { at: self.moment.at, known_at: self.moment.known_at }
    }

    /// A page about this moment.
    pub(crate) fn page(&self, title: impl Into<String>) -> Page {
        Page::new(title, &self.path, Some(self.moment.clone())).params(&self.params)
    }

    pub(crate) fn frame(&self, page: &Page, content: &Markup) -> Markup {
        self.app.0.site.frame(page, content)
    }
}

/// What a page needs to know of the request: where it is, so that its links lead back to it.
#[derive(Clone, Copy)]
pub(crate) struct Spot<'a> {
    pub(crate) path: &'a str,
    pub(crate) params: &'a Params,
    pub(crate) moment: &'a Moment,
}

impl Ask {
    pub(crate) fn spot(&self) -> Spot<'_> {
        Spot { path: &self.path, params: &self.params, moment: &self.moment }
    }
}
