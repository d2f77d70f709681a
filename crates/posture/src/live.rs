//! Changes as server-sent events, for pages that are open.

use std::convert::Infallible;

use axum::extract::State;
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use octro_engine::Change;
use serde::Serialize;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::state::App;

/// A change, as pages are told.
#[derive(Serialize)]
struct Told<'a> {
    at: String,
    tests: Vec<&'a str>,
    controls: Vec<&'a str>,
    results: usize,
    sources: bool,
}

/// How often a silent stream shows that it is alive.
const ALIVE_EVERY: std::time::Duration = std::time::Duration::from_secs(20);

/// `change` with what changed; `missed` when a slow listener lost some and has to look anew.
pub(crate) async fn events(State(app): State<App>) -> impl IntoResponse {
    let mut changes = app.0.state.changes.subscribe();
    let mut stop = app.0.state.stop.clone();
    let (send, receive) = mpsc::channel::<Result<Event, Infallible>>(16);
    // Something is sent at once, so that the browser knows that the stream is open.
    let _ = send.send(Ok(Event::default().comment("open"))).await;
    tokio::spawn(async move {
        loop {
            let event = tokio::select! {
                change = changes.recv() => match change {
                    Ok(change) => told(&change),
                    Err(RecvError::Lagged(_)) => Event::default().event("missed").data("{}"),
                    Err(RecvError::Closed) => return,
                },
                _ = stop.wait_for(|stopped| *stopped) => return,
                () = send.closed() => return,
            };
            if send.send(Ok(event)).await.is_err() {
                return;
            }
        }
    });
    Sse::new(ReceiverStream::new(receive)).keep_alive(KeepAlive::new().interval(ALIVE_EVERY))
}

fn told(change: &Change) -> Event {
    let told = Told {
        at: change.at.to_string(),
        tests: change.tests.iter().map(octro_model::Id::as_str).collect(),
        controls: change.controls.iter().map(octro_model::Id::as_str).collect(),
        results: change.results,
        sources: change.sources,
    };
    let event = Event::default().event("change");
    // Text and numbers always have a JSON form.
    event.clone().json_data(told).unwrap_or(event)
}
