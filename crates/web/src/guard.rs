//! What stands in front of every page: who may ask (as long as there is no sign-in, only this machine), what a page may
//! do (Content-Security-Policy), how large a request may be, and how a failure is shown.

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use maud::{Render as _, html};

use crate::site::{Page, Site};
use crate::{Moment, Params, WebError};

/// The longest address, in bytes.
const URI_MAX: usize = 8_192;
/// The largest body of a request, in bytes.
const BODY_MAX: usize = 65_536;
/// Nothing but our own files; no inline script or style, no frame, and no way to make script out of text.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'; trusted-types 'none'";
const HEADERS: [(HeaderName, &str); 5] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// What the guard needs to know.
#[derive(Clone)]
pub struct Guard {
    /// The site, for the pages of errors.
    pub site: Site,
}

/// Puts the guard in front of all routes. To be called last.
pub fn protect(routes: Router, guard: Guard) -> Router {
    routes
        .fallback(|| std::future::ready(WebError::not_found("There is no page at this address.")))
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(from_fn_with_state(guard, stand))
}

async fn stand(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let as_page = !uri.path().starts_with("/api/");
    let mut response = match check(&request) {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    };
    if let Some(error) = failure(&mut response) {
        error.log(method.as_str(), uri.path());
        response = show(&guard.site, &error, uri.path(), as_page);
        if error.status() == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            // Browsers load the page again, with or without a script.
            response.headers_mut().insert(header::REFRESH, HeaderValue::from_static("1"));
        }
    }
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// The error that a response stands for, also one that the router made itself.
fn failure(response: &mut Response) -> Option<WebError> {
    if let Some(error) = response.extensions_mut().remove::<WebError>() {
        return Some(error);
    }
    let status = response.status();
    let plain = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"));
    if !(status.is_client_error() || status.is_server_error()) || !plain {
        return None;
    }
    Some(WebError::new(
        status,
        match status {
            StatusCode::METHOD_NOT_ALLOWED => "This address does not take requests of this method.",
            StatusCode::PAYLOAD_TOO_LARGE => "The request is too large; expected at most 64 KiB.",
            StatusCode::UNSUPPORTED_MEDIA_TYPE => {
                "The request's content type is not one that this address takes."
            }
            _ => {
                "The request could not be read: a part of the address or its body has another form than expected."
            }
        },
    ))
}

fn show(site: &Site, error: &WebError, path: &str, as_page: bool) -> Response {
    if !as_page {
        let body = error.problem(path).to_string();
        return (error.status(), [(header::CONTENT_TYPE, "application/problem+json")], body).into_response();
    }
    let moment = Moment::read(&Params::default(), site.now()).ok();
    let page = Page::new(error.title(), path, moment).still();
    let body = site.frame(&page, &html! {
        p.lead { (error.detail()) }
        p { "Status " (error.status().as_u16()) ". " a href="/" { "Go to the overview" } " or search above." }
    });
    (
        error.status(),
        [(header::CONTENT_TYPE, "text/html; charset=utf-8")],
        Body::from(body.render().into_string()),
    )
        .into_response()
}

fn check(request: &Request) -> Result<(), WebError> {
    let uri = request.uri();
    if uri.path_and_query().is_some_and(|whole| whole.as_str().len() > URI_MAX) {
        return Err(WebError::new(
            StatusCode::URI_TOO_LONG,
            format!("The address is too long; expected at most {URI_MAX} bytes."),
        ));
    }
    let host = host(request);
    if !host.as_deref().is_some_and(is_loopback) {
        // A page of another site can make its own name point here; it cannot make the browser send ours.
        return Err(WebError::new(
            StatusCode::MISDIRECTED_REQUEST,
            "Octro has no sign-in yet and answers only requests to localhost, 127.0.0.1 or [::1].",
        ));
    }
    let safe = [Method::GET, Method::HEAD, Method::OPTIONS].contains(request.method());
    if !safe && !is_own(request.headers(), host.as_deref().unwrap_or_default()) {
        return Err(WebError::new(
            StatusCode::FORBIDDEN,
            "The request comes from a page of another site; expected one of Octro's own.",
        ));
    }
    let length =
        request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if length.is_some_and(|length: usize| length > BODY_MAX) {
        return Err(WebError::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "The request is too large; expected at most 64 KiB.",
        ));
    }
    Ok(())
}

/// The host and port that the request is for; `None` if it says so twice or in no readable way.
fn host(request: &Request) -> Option<String> {
    let mut all = request.headers().get_all(header::HOST).iter();
    match (all.next(), all.next(), request.uri().authority()) {
        (Some(host), None, None) => Some(host.to_str().ok()?.to_ascii_lowercase()),
        (None, None, Some(authority)) => Some(authority.as_str().to_ascii_lowercase()),
        (Some(host), None, Some(authority)) if host.as_bytes() == authority.as_str().as_bytes() => {
            Some(authority.as_str().to_ascii_lowercase())
        }
        _ => None,
    }
}

fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map_or("", |(name, _)| name),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    let port = host.rsplit_once(':').filter(|_| !host.ends_with(']')).map(|(_, port)| port);
    let port_fits = port.is_none_or(|port| port.parse::<u16>().is_ok());
    matches!((host.starts_with('['), name), (false, "localhost" | "127.0.0.1") | (true, "::1")) && port_fits
}

/// Whether a request that changes something comes from a page of ours, or from no page at all.
fn is_own(headers: &HeaderMap, host: &str) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let site = text("sec-fetch-site").is_none_or(|site| matches!(site, "same-origin" | "none"));
    let origin = text("origin").is_none_or(|origin| {
        origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://")) == Some(host)
    });
    site && origin
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::routing::{get, post};
    use octro_model::{ManualClock, Timestamp};
    use std::sync::Arc;
    use tower::ServiceExt as _;

    fn app() -> Router {
        let clock = Arc::new(ManualClock::at(Timestamp::from_secs(1_800_000_000)));
        let routes = Router::new()
            .route("/", get(|| std::future::ready("hello")))
            .route("/api/v1/broken", get(|| std::future::ready(WebError::internal(std::fmt::Error))))
            .route("/run", post(|body: String| std::future::ready(body)))
            .route(
                "/n/{n}",
                get(|axum::extract::Path(n): axum::extract::Path<u8>| std::future::ready(n.to_string())),
            )
            .merge(crate::asset_routes());
        protect(routes, Guard { site: Site::new("0", false, Vec::new(), clock) })
    }

    async fn ask(request: axum::http::request::Builder, body: &str) -> (StatusCode, HeaderMap, String) {
        let response = app().oneshot(request.body(Body::from(body.to_owned())).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
        (parts.status, parts.headers, String::from_utf8(body.to_vec()).unwrap())
    }

    fn request(method: &str, uri: &str) -> axum::http::request::Builder {
        Request::builder().method(method).uri(uri).header("host", "localhost:8080")
    }

    #[tokio::test]
    async fn every_answer_is_guarded() {
        for uri in ["/", "/nowhere", "/n/x"] {
            let (_, headers, _) = ask(request("GET", uri), "").await;
            assert!(headers["content-security-policy"].to_str().unwrap().contains("script-src 'self';"));
            assert_eq!(headers["x-content-type-options"], "nosniff");
            assert_eq!(headers["cache-control"], "no-store");
        }
        let (_, headers, _) = ask(request("GET", &crate::assets::ADDRESSES.css), "").await;
        assert!(headers["cache-control"].to_str().unwrap().contains("immutable"));
    }

    #[tokio::test]
    async fn only_loopback_names() {
        for host in ["localhost", "localhost:80", "127.0.0.1:8080", "[::1]:8080", "[::1]", "LOCALHOST"] {
            let (status, _, _) = ask(Request::builder().uri("/").header("host", host), "").await;
            assert_eq!(status, 200, "{host}");
        }
        for host in [
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil",
            "localhost:x",
            "::1",
            "[::1",
            "",
            "[localhost]",
        ] {
            let (status, _, body) = ask(Request::builder().uri("/").header("host", host), "").await;
            assert_eq!(status, 421, "{host}");
            assert!(body.contains("answers only requests to localhost"));
        }
        assert_eq!(ask(Request::builder().uri("/"), "").await.0, 421);
        let twice = Request::builder().uri("/").header("host", "localhost").header("host", "evil");
        assert_eq!(ask(twice, "").await.0, 421);
    }

    #[tokio::test]
    async fn changes_only_from_our_pages() {
        assert_eq!(ask(request("POST", "/run"), "a").await.0, 200);
        let own = request("POST", "/run")
            .header("origin", "http://localhost:8080")
            .header("sec-fetch-site", "same-origin");
        assert_eq!(ask(own, "").await.0, 200);
        for (name, value) in [
            ("origin", "http://localhost:9"),
            ("origin", "null"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
        ] {
            assert_eq!(ask(request("POST", "/run").header(name, value), "").await.0, 403, "{name} {value}");
        }
    }

    #[tokio::test]
    async fn limits_and_failures() {
        assert_eq!(ask(request("GET", &format!("/?q={}", "x".repeat(9_000))), "").await.0, 414);
        assert_eq!(ask(request("POST", "/run"), &"x".repeat(70_000)).await.0, 413);
        let (status, headers, body) = ask(request("GET", "/api/v1/broken"), "").await;
        assert_eq!(
            (status.as_u16(), headers["content-type"].to_str().unwrap()),
            (500, "application/problem+json")
        );
        assert!(body.contains("/api/v1/broken") && !body.contains("formatter"));
        let (status, headers, body) = ask(request("GET", "/nowhere"), "").await;
        assert_eq!(
            (status.as_u16(), headers["content-type"].to_str().unwrap()),
            (404, "text/html; charset=utf-8")
        );
        assert!(body.contains("There is no page at this address."));
        assert_eq!(ask(request("POST", "/"), "").await.0, 405);
        assert_eq!(ask(request("GET", "/n/x"), "").await.0, 400);
    }
}
