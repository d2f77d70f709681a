//! The client: HTTP/1.1, TLS 1.2 or 1.3 with the trust store of this machine. Redirections are answers, not followed:
//! a question that carries a signature or a secret goes only where it was sent.

use std::fmt;
use std::sync::{Arc, LazyLock, OnceLock};
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use hyper::{Method, Request};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::{ClientConfig, RootCertStore};

use crate::error::causes;
use crate::{OutboundError, Url};

/// The most that an answer's head may have: lines, and bytes.
const HEADERS_MAX: usize = 128;
const HEAD_MAX: usize = 64 * 1_024;
/// How long a connection waits for the next question, and how many wait for one host.
const IDLE: Duration = Duration::from_secs(15);
const IDLE_MAX: usize = 32;

type Inner = Pool<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// Asks other systems. Clones share their connections and the trust store, which is read with the first question.
///
/// The trust store is the system's own; the environment variables `SSL_CERT_FILE` and `SSL_CERT_DIR` name another.
#[derive(Clone, Default)]
pub struct Client(Arc<OnceLock<Inner>>);

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Client")
    }
}

/// A question.
#[derive(Clone, Debug)]
pub struct Question {
    /// How it is asked.
    pub method: Method,
    /// Whom.
    pub url: Url,
    /// What stands in its head, besides what every question has.
    pub headers: HeaderMap,
    /// What is sent.
    pub body: Bytes,
}

impl Question {
    /// A question without a body.
    #[must_use]
    pub fn get(url: Url) -> Self {
        Self { method: Method::GET, url, headers: HeaderMap::new(), body: Bytes::new() }
    }

    /// A question that sends a body of a type.
    #[must_use]
    pub fn post(url: Url, kind: &'static str, body: impl Into<Bytes>) -> Self {
        Self { method: Method::POST, ..Self::get(url) }
            .with(CONTENT_TYPE, HeaderValue::from_static(kind))
            .sending(body)
    }

    /// The same with a line in its head.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// The same with a body.
    #[must_use]
    pub fn sending(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }
}

/// The limits of a question.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// From the first packet to the answer's last byte.
    pub time: Duration,
    /// The largest answer, in bytes.
    pub size: usize,
}

/// What was answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status (RFC 9110, section 15).
    pub status: u16,
    /// Its head.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

impl Answer {
    /// A line of the head; empty if there is none, or if it is not plain text.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The content type, in small letters; empty if none was given.
    #[must_use]
    pub fn kind(&self) -> String {
        self.header(CONTENT_TYPE.as_str()).to_ascii_lowercase()
    }

    /// The body's first line, at most 200 letters of it, for messages.
    #[must_use]
    pub fn words(&self) -> String {
        let text = String::from_utf8_lossy(&self.body);
        let line = text.lines().next().unwrap_or_default();
        line.chars().filter(|letter| !letter.is_control()).take(200).collect()
    }
}

impl Client {
    /// The client that the whole process shares.
    #[must_use]
    pub fn shared() -> Self {
        static SHARED: LazyLock<Client> = LazyLock::new(Client::default);
        SHARED.clone()
    }

    /// Asks, and waits for the whole answer.
    ///
    /// # Errors
    /// If nobody answers, the answer takes too long or is too large, or the other side cannot show that it is who it
    /// should be. Every status is an answer, not an error.
    pub async fn ask(&self, question: Question, limits: Limits) -> Result<Answer, OutboundError> {
        let who = question.url.clone();
        match tokio::time::timeout(limits.time, self.exchange(question, limits.size)).await {
            Ok(answer) => answer,
            Err(_) => Err(wrong(&who, format!("did not answer within {:?}", limits.time))),
        }
    }

    /// Asks for what lies at an address.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub async fn get(&self, url: &Url, limits: Limits) -> Result<Answer, OutboundError> {
        self.ask(Question::get(url.clone()), limits).await
    }

    /// Sends a body of a type to an address.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub async fn post(
        &self,
        url: &Url,
        kind: &'static str,
        body: impl Into<Bytes>,
        limits: Limits,
    ) -> Result<Answer, OutboundError> {
        self.ask(Question::post(url.clone(), kind, body), limits).await
    }

    async fn exchange(&self, question: Question, size: usize) -> Result<Answer, OutboundError> {
        let Question { method, url, mut headers, body } = question;
        headers
            .entry(USER_AGENT)
            .or_insert(HeaderValue::from_static(concat!("octro/", env!("CARGO_PKG_VERSION"))));
        let mut request = Request::builder()
            .method(method)
            .uri(url.to_string())
            .body(Full::new(body))
            .map_err(|error| wrong(&url, error.to_string()))?;
        *request.headers_mut() = headers;
        let response =
            self.pool(&url)?.request(request).await.map_err(|error| wrong(&url, advice(causes(&error))))?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, size).collect().await.map_err(|error| {
            let what = causes(error.as_ref());
            wrong(&url, format!("the answer could not be read ({what}); at most {size} bytes are expected"))
        })?;
        Ok(Answer { status: head.status.as_u16(), headers: head.headers, body: body.to_bytes() })
    }

    fn pool(&self, url: &Url) -> Result<&Inner, OutboundError> {
        if let Some(pool) = self.0.get() {
            return Ok(pool);
        }
        let config = tls().map_err(|what| wrong(url, what))?;
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(config)
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let pool = Pool::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(IDLE_MAX)
            .http1_max_headers(HEADERS_MAX)
            .http1_max_buf_size(HEAD_MAX)
            .build(connector);
        Ok(self.0.get_or_init(|| pool))
    }
}

/// How TLS is spoken: versions 1.2 and 1.3, and the authorities that this machine trusts. A machine that trusts none can
/// still ask over plain HTTP; every question over TLS then fails and says why.
fn tls() -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("TLS cannot be spoken: {error}"))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

/// Says what to do where a failure has a usual cause.
fn advice(what: String) -> String {
    if what.contains("UnknownIssuer") {
        return format!(
            "{what}; no authority that this machine trusts signed its certificate: add that authority to the system's \
             trust store, or name a file with it in SSL_CERT_FILE"
        );
    }
    what
}

fn wrong(url: &Url, what: String) -> OutboundError {
    OutboundError { who: url.to_string(), what }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    const LIMITS: Limits = Limits { time: Duration::from_millis(800), size: 100 };

    /// A server that says this to whoever comes first, and then nothing more.
    async fn saying(text: &'static str) -> Url {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 4_096]).await;
            let _ = stream.write_all(text.as_bytes()).await;
            tokio::time::sleep(Duration::from_secs(5)).await;
        });
        url
    }

    #[tokio::test]
    async fn answers_have_limits() {
        let client = Client::default();
        let good = saying(
            "HTTP/1.1 409 Conflict\r\nContent-Type: text/x.tlog.size\r\nContent-Length: 3\r\n\r\n42\n",
        );
        let answer = client.get(&good.await, LIMITS).await.unwrap();
        assert_eq!(
            (answer.status, answer.kind().as_str(), answer.body.as_ref()),
            (409, "text/x.tlog.size", b"42\n".as_slice())
        );
        assert_eq!(answer.words(), "42");
        let chunked = saying("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n");
        assert_eq!(client.get(&chunked.await, LIMITS).await.unwrap().body.as_ref(), b"ab");
        for (text, words) in [
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789abc",
                "100 bytes",
            ),
            ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", "within"),
            ("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 5\r\n\r\nab", "within"),
            ("SSH-2.0-other\r\n\r\n", ""),
            ("", "within"),
        ] {
            let error = client.get(&saying(text).await, LIMITS).await.unwrap_err().to_string();
            assert!(error.starts_with("http://127.0.0.1:") && error.contains(words), "{text}: {error}");
        }
        let nobody = Url::parse("http://127.0.0.1:1").unwrap();
        assert!(client.get(&nobody, LIMITS).await.unwrap_err().to_string().contains("refused"));
        // A plain server, asked over TLS.
        let plain = saying("HTTP/1.1 200 OK\r\n\r\n").await.to_string().replace("http:", "https:");
        let error = client.get(&Url::parse(&plain).unwrap(), LIMITS).await.unwrap_err().to_string();
        assert!(error.starts_with("https://127.0.0.1:"), "{error}");
    }
}
