//! Asking other systems over plain HTTP/1.1: one connection a question, with limits on time and size. There is no TLS:
//! what is asked here is signed by whoever answers.

use std::fmt;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::Builder;
use hyper::header::{CONNECTION, CONTENT_TYPE, HOST, USER_AGENT};
use hyper::{Method, Request, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::LedgerError;

/// The longest address that is read, in bytes.
const ADDRESS_MAX: usize = 2_048;
/// The most that an answer's head may have: lines, and bytes.
const HEADERS_MAX: usize = 64;
const HEAD_MAX: usize = 16 * 1_024;

/// An address that begins with `http://`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    /// A name or an address, an IPv6 one without brackets.
    host: String,
    port: u16,
    /// What stands between `http://` and the path.
    authority: String,
    /// Without a slash at its end.
    path: String,
}

impl Url {
    /// Reads an address.
    ///
    /// # Errors
    /// In words, what is wrong and what was expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = |what: &str| format!("`{text}` {what}");
        if text.len() > ADDRESS_MAX {
            return Err(format!("the address has {} bytes; expected at most {ADDRESS_MAX}", text.len()));
        }
        if text.starts_with("https://") {
            return Err(wrong(
                "needs TLS, which is not spoken here yet; expected http://, to a system in your own network or to a \
                 proxy of yours that speaks TLS onwards",
            ));
        }
        let uri: Uri = text.parse().map_err(|_| wrong("is no address; expected http://HOST:PORT/PATH"))?;
        let (Some("http"), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(wrong("is no address that begins with http://"));
        };
        if authority.as_str().contains('@') || uri.query().is_some() || authority.host().is_empty() {
            return Err(wrong("has a name, a password or a question in it; expected http://HOST:PORT/PATH"));
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        Ok(Self {
            host: host.to_owned(),
            port: authority.port_u16().unwrap_or(80),
            authority: authority.as_str().to_owned(),
            path: uri.path().trim_end_matches('/').to_owned(),
        })
    }

    /// The address of something below this one.
    #[must_use]
    pub fn join(&self, below: &str) -> Self {
        Self { path: format!("{}/{below}", self.path), ..self.clone() }
    }

    /// The address of what this one lies in, if its last part is `name`.
    pub(crate) fn above(&self, name: &str) -> Option<Self> {
        let path = self.path.strip_suffix(name)?.strip_suffix('/')?;
        Some(Self { path: path.to_owned(), ..self.clone() })
    }

    fn wrong(&self, what: impl fmt::Display) -> LedgerError {
        LedgerError::Outside { who: self.to_string(), what: what.to_string() }
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}{}", self.authority, self.path)
    }
}

/// What was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub status: u16,
    /// The content type, in small letters; empty if none was given.
    pub kind: String,
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as one line of at most 200 letters, for messages.
    pub fn words(&self) -> String {
        let text = String::from_utf8_lossy(&self.body);
        let line = text.lines().next().unwrap_or_default();
        line.chars().filter(|letter| !letter.is_control()).take(200).collect()
    }
}

/// The limits of a question.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub time: Duration,
    /// The largest answer, in bytes.
    pub size: usize,
}

/// Asks for what lies at `url`.
pub(crate) async fn get(url: &Url, limits: Limits) -> Result<Answer, LedgerError> {
    ask(url, Method::GET, None, limits).await
}

/// Sends a body of that type to `url`.
pub(crate) async fn post(
    url: &Url,
    kind: &'static str,
    body: Vec<u8>,
    limits: Limits,
) -> Result<Answer, LedgerError> {
    ask(url, Method::POST, Some((kind, body)), limits).await
}

async fn ask(
    url: &Url,
    method: Method,
    body: Option<(&'static str, Vec<u8>)>,
    limits: Limits,
) -> Result<Answer, LedgerError> {
    match tokio::time::timeout(limits.time, exchange(url, method, body, limits.size)).await {
        Ok(answer) => answer,
        Err(_) => Err(url.wrong(format!("did not answer within {:?}", limits.time))),
    }
}

async fn exchange(
    url: &Url,
    method: Method,
    body: Option<(&'static str, Vec<u8>)>,
    size: usize,
) -> Result<Answer, LedgerError> {
    let stream = TcpStream::connect((url.host.as_str(), url.port)).await.map_err(|error| url.wrong(error))?;
    let (mut sender, connection) = Builder::new()
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEAD_MAX)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| url.wrong(error))?;
    // Dropped with the question, and the connection with it.
    let mut driving = JoinSet::new();
    driving.spawn(async move { drop(connection.await) });
    let path = if url.path.is_empty() { "/" } else { url.path.as_str() };
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header(HOST, &url.authority)
        .header(CONNECTION, "close")
        .header(USER_AGENT, concat!("octro/", env!("CARGO_PKG_VERSION")));
    let bytes = body.map(|(kind, bytes)| {
        if let Some(headers) = request.headers_mut() {
            headers.insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static(kind));
        }
        bytes
    });
    let request =
        request.body(Full::new(Bytes::from(bytes.unwrap_or_default()))).map_err(|error| url.wrong(error))?;
    let response = sender.send_request(request).await.map_err(|error| url.wrong(error))?;
    let status = response.status().as_u16();
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.to_ascii_lowercase();
    let body = Limited::new(response.into_body(), size).collect().await.map_err(|error| {
        url.wrong(format!("the answer could not be read ({error}); at most {size} bytes are expected"))
    })?;
    Ok(Answer { status, kind, body: body.to_bytes().to_vec() })
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    const LIMITS: Limits = Limits { time: Duration::from_millis(800), size: 100 };

    #[test]
    fn addresses_are_read() {
        let url = Url::parse("http://w.example:8080/a/b/").unwrap();
        assert_eq!(url.to_string(), "http://w.example:8080/a/b");
        assert_eq!(url.join("add-checkpoint").to_string(), "http://w.example:8080/a/b/add-checkpoint");
        assert_eq!(url.above("b").unwrap().to_string(), "http://w.example:8080/a");
        assert_eq!(url.above("c"), None);
        assert_eq!(Url::parse("http://[::1]:7/").unwrap().host, "::1");
        for (wrong, words) in [
            ("https://w.example", "needs TLS"),
            ("w.example", "begins with http://"),
            ("http://a:b@w.example", "a password"),
            ("http://w.example/?a", "a question"),
            ("", "no address"),
        ] {
            assert!(Url::parse(wrong).unwrap_err().contains(words), "{wrong}");
        }
    }

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
        let good = saying(
            "HTTP/1.1 409 Conflict\r\nContent-Type: text/x.tlog.size\r\nContent-Length: 3\r\n\r\n42\n",
        );
        let answer = get(&good.await, LIMITS).await.unwrap();
        assert_eq!(
            (answer.status, answer.kind.as_str(), answer.body.as_slice()),
            (409, "text/x.tlog.size", b"42\n".as_slice())
        );
        assert_eq!(answer.words(), "42");
        let chunked = saying("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n");
        assert_eq!(get(&chunked.await, LIMITS).await.unwrap().body, b"ab");
        for (text, words) in [
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789abc",
                "100 bytes",
            ),
            ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", "within"),
            ("SSH-2.0-other\r\n\r\n", ""),
            ("", "within"),
        ] {
            let error = get(&saying(text).await, LIMITS).await.unwrap_err().to_string();
            assert!(error.starts_with("http://127.0.0.1:") && error.contains(words), "{text}: {error}");
        }
        let nobody = Url::parse("http://127.0.0.1:1").unwrap();
        assert!(get(&nobody, LIMITS).await.unwrap_err().to_string().contains("refused"));
    }
}
