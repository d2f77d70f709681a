//! What a request can be answered with when it fails: one type, with the text for everyone apart from the cause, which
//! only the log sees. [`crate::protect`] shows it as a page, or as problem+json (RFC 9457) below `/api`.

use std::fmt;
use std::sync::Arc;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// A request that failed.
#[derive(Clone)]
pub struct WebError {
    status: StatusCode,
    detail: String,
    cause: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl WebError {
    /// A failure with a text for everyone: what is wrong, and what was expected.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), cause: None }
    }

    /// The request is wrong.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// There is no such thing.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    /// Something of ours failed. The text says so; the cause goes to the log.
    pub fn internal(cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "Octro could not answer because of a failure of its own; its log says what failed.",
        )
        .because(cause)
    }

    /// It will be there in a moment: the page loads itself again.
    pub fn starting(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, detail)
    }

    /// The same with a cause for the log.
    #[must_use]
    pub fn because(mut self, cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.cause = Some(Arc::new(cause));
        self
    }

    /// The status of the answer.
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// The text for everyone.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The title of its kind.
    pub fn title(&self) -> &'static str {
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            return "One moment";
        }
        self.status.canonical_reason().unwrap_or("Failed")
    }

    /// As problem+json.
    pub fn problem(&self, instance: &str) -> serde_json::Value {
        serde_json::json!({
            "type": "about:blank",
            "title": self.title(),
            "status": self.status.as_u16(),
            "detail": self.detail,
            "instance": instance,
        })
    }

    /// Writes the cause to the log.
    pub(crate) fn log(&self, method: &str, path: &str) {
        if let Some(cause) = &self.cause {
            let mut chain = cause.to_string();
            let mut next = cause.source();
            while let Some(error) = next {
                chain.push_str(&format!(": {error}"));
                next = error.source();
            }
            tracing::error!(method, path, status = self.status.as_u16(), "{method} {path} failed: {chain}");
        }
    }
}

impl fmt::Display for WebError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl fmt::Debug for WebError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({:?})", self.status, self.detail, self.cause)
    }
}

impl std::error::Error for WebError {}

impl IntoResponse for WebError {
    /// As problem+json, and with itself attached, so that the guard can show it in another form.
    fn into_response(self) -> Response {
        let body = self.problem("").to_string();
        let mut response =
            (self.status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response();
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response.extensions_mut().insert(self);
        response
    }
}
