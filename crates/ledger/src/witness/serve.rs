//! A witness over HTTP: `POST /add-checkpoint` and `GET /<sha256 of the origin>/checkpoint`. Nobody signs in: it answers
//! only to checkpoints that a log it knows has signed.

use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::{BODY_MAX, Refusal, Witness};

/// The most connections at once; more wait until one ends.
const CONNECTIONS_MAX: usize = 128;
/// How long a connection may take to say what it wants, and how long it may stay.
const HEAD_TIME: Duration = Duration::from_secs(10);
const BODY_TIME: Duration = Duration::from_secs(10);
const STAY_MAX: Duration = Duration::from_secs(300);
/// After an accept that failed: too many open files pass.
const PAUSE: Duration = Duration::from_millis(100);

const TEXT: &str = "text/plain; charset=utf-8";
const SIZE: &str = "text/x.tlog.size";

impl Witness {
    /// Answers until `stop` ends; what is being answered then is answered still.
    pub async fn serve(self: Arc<Self>, listener: TcpListener, stop: impl Future<Output = ()>) {
        let mut stop = pin!(stop);
        let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let mut open = JoinSet::new();
        loop {
            let accepted = async {
                let permit = room.clone().acquire_owned().await.ok();
                (permit, listener.accept().await)
            };
            let (permit, stream) = tokio::select! {
                () = &mut stop => break,
                (permit, accepted) = accepted => match accepted {
                    Ok((stream, _)) => (permit, stream),
                    Err(error) => {
                        tracing::warn!("a connection could not be taken: {error}");
                        tokio::time::sleep(PAUSE).await;
                        continue;
                    }
                },
            };
            let witness = self.clone();
            open.spawn(async move {
                let _permit = permit;
                let service = service_fn(move |request| respond(witness.clone(), request));
                let connection = Builder::new()
                    .timer(TokioTimer::new())
                    .header_read_timeout(HEAD_TIME)
                    .max_headers(64)
                    .max_buf_size(16 * 1_024)
                    .serve_connection(TokioIo::new(stream), service);
                // Whoever hung up or stayed too long is no error of ours.
                let _ = tokio::time::timeout(STAY_MAX, connection).await;
            });
            while open.try_join_next().is_some() {}
        }
        let ended = async { while open.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(Duration::from_secs(1), ended).await;
    }
}

async fn respond(
    witness: Arc<Witness>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path().trim_start_matches('/').to_owned();
    let answer = match (request.method(), path.as_str()) {
        (&Method::POST, "add-checkpoint") => add(witness, request.into_body()).await,
        (_, "add-checkpoint") => plain(StatusCode::METHOD_NOT_ALLOWED, "expected a POST\n"),
        (&Method::GET, path) => match path.strip_suffix("/checkpoint").and_then(|name| witness.note(name)) {
            Some(note) => plain(StatusCode::OK, note),
            None => plain(
                StatusCode::NOT_FOUND,
                "expected /add-checkpoint, or /HASH/checkpoint with the SHA-256 of the origin of a log that was cosigned\n",
            ),
        },
        _ => plain(StatusCode::METHOD_NOT_ALLOWED, "expected a GET\n"),
    };
    Ok(answer)
}

async fn add(witness: Arc<Witness>, body: Incoming) -> Response<Full<Bytes>> {
    let body = match tokio::time::timeout(BODY_TIME, Limited::new(body, BODY_MAX).collect()).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) => {
            let (status, what) = if error.is::<http_body_util::LengthLimitError>() {
                (StatusCode::PAYLOAD_TOO_LARGE, format!("expected at most {BODY_MAX} bytes\n"))
            } else {
                (StatusCode::BAD_REQUEST, format!("{error}\n"))
            };
            return plain(status, what);
        }
        Err(_) => return plain(StatusCode::REQUEST_TIMEOUT, "the body did not come\n"),
    };
    // It waits for the disk.
    let answer = tokio::task::spawn_blocking(move || witness.answer(&body)).await;
    match answer {
        Ok(Ok(line)) => plain(StatusCode::OK, line),
        Ok(Err(refusal)) => refused(&refusal),
        Err(_) => plain(StatusCode::INTERNAL_SERVER_ERROR, "the witness is stopping\n"),
    }
}

fn refused(refusal: &Refusal) -> Response<Full<Bytes>> {
    let status = match refusal {
        Refusal::Malformed(_) => StatusCode::BAD_REQUEST,
        Refusal::Unknown(_) => StatusCode::NOT_FOUND,
        Refusal::Unsigned(_) => StatusCode::FORBIDDEN,
        Refusal::Size { .. } => StatusCode::CONFLICT,
        Refusal::Split { .. } => {
            tracing::error!("{refusal}");
            StatusCode::CONFLICT
        }
        Refusal::Proof { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        Refusal::Broken(_) => {
            tracing::error!("nothing was cosigned: {refusal}");
            return plain(
                StatusCode::INTERNAL_SERVER_ERROR,
                "the witness cannot write down what it cosigns\n",
            );
        }
    };
    match refusal {
        Refusal::Size { size } | Refusal::Split { size, .. } => response(status, SIZE, format!("{size}\n")),
        Refusal::Malformed(_)
        | Refusal::Unknown(_)
        | Refusal::Unsigned(_)
        | Refusal::Proof { .. }
        | Refusal::Broken(_) => plain(status, format!("{refusal}\n")),
    }
}

fn plain(status: StatusCode, text: impl Into<Bytes>) -> Response<Full<Bytes>> {
    response(status, TEXT, text)
}

fn response(status: StatusCode, kind: &'static str, text: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(text.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
