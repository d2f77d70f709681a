//! The guard in front, running sources, live changes, and the first moments before there is a program.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use octro_model::Span;
use octro_program::Problem;
use tokio_stream::StreamExt as _;
use tower::ServiceExt as _;

use crate::lab::Lab;

#[tokio::test]
async fn answers_are_guarded() {
    let lab = Lab::new().await;
    for uri in ["/", "/controls/none", "/api/v1/controls"] {
        let answer = lab.get(uri).await;
        assert!(
            answer.headers["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'")
        );
        assert_eq!(answer.headers["cache-control"], "no-store");
    }
    let request =
        Request::builder().uri("/").header("host", "octro.evil.example").body(Body::empty()).unwrap();
    assert_eq!(lab.app.clone().oneshot(request).await.unwrap().status(), 421);
}

#[tokio::test]
async fn a_source_is_run_only_from_our_pages() {
    let lab = Lab::new().await;
    let request = Request::builder()
        .method("POST")
        .uri("/sources/lab/run")
        .header("host", "localhost")
        .header("sec-fetch-site", "cross-site")
        .body(Body::empty())
        .unwrap();
    assert_eq!(lab.app.clone().oneshot(request).await.unwrap().status(), 403);
    assert!(lab.asked.lock().unwrap().is_empty());
    let answer = lab.ask("POST", "/sources/lab/run").await;
    assert_eq!((answer.status.as_u16(), answer.headers["location"].to_str().unwrap()), (303, "/sources/lab"));
    assert_eq!(lab.ask("POST", "/api/v1/sources/lab/run").await.status, 202);
    assert_eq!(*lab.asked.lock().unwrap(), ["lab", "lab"]);
    assert_eq!(lab.ask("POST", "/sources/none/run").await.status, 404);
    assert_eq!(lab.get("/sources/lab/run").await.status, 405);
}

#[tokio::test]
async fn before_the_first_program() {
    let lab = Lab::bare().await;
    let answer = lab.get("/controls").await;
    assert_eq!((answer.status.as_u16(), answer.headers["retry-after"].to_str().unwrap()), (503, "1"));
    assert_eq!(answer.headers["refresh"], "1");
    assert!(answer.body.contains("Octro is starting"));
    assert!(lab.page("/program").await.contains("No program is in force yet."));
    lab.problems.write().unwrap().push(Problem {
        file: "tests/x.toml".to_owned(),
        line: 3,
        column: 7,
        what: "<unknown> key".to_owned(),
        expected: "one that is known".to_owned(),
    });
    let body = lab.page("/program").await;
    assert!(body.contains("tests/x.toml:3:7") && body.contains("&lt;unknown&gt; key"));
}

#[tokio::test]
async fn changes_reach_open_pages_and_streams_end() {
    let lab = Lab::new().await;
    let request = Request::builder().uri("/events").header("host", "localhost").body(Body::empty()).unwrap();
    let response = lab.app.clone().oneshot(request).await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut stream = response.into_body().into_data_stream();
    let mut next = async || {
        let bytes =
            tokio::time::timeout(Duration::from_secs(10), stream.next()).await.expect("an event in time");
        bytes.map(|bytes| String::from_utf8(bytes.unwrap().to_vec()).unwrap())
    };
    assert_eq!(next().await.unwrap(), ": open\n\n");
    lab.clock.advance(Span::from_secs(5));
    lab.look(false).await;
    let event = next().await.unwrap();
    assert!(event.starts_with("event: change\ndata: {") && event.contains("\"disk.encrypted\""), "{event}");
    lab.stop.send(true).unwrap();
    let mut rest = 0;
    while next().await.is_some() {
        rest += 1;
        assert!(rest < 10, "the stream goes on");
    }
}
