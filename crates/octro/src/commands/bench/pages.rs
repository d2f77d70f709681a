//! Pages over many resources, and a resource that changes when a line comes: what `tests/browser/latency.cjs` looks at to
//! measure from an observation to the pixels of an open page.

use std::pin::Pin;
use std::sync::Arc;

use octro_engine::EngineError;
use octro_model::{Clock as _, Span, SystemClock};
use octro_posture::{PostureState, RunSource, SealNow};
use tokio::sync::{broadcast, mpsc, watch};

use super::buckets::Bucket;
use super::stored::Stored;
use crate::output;

/// The resource that changes.
const NUMBER: u32 = 7;

/// There are no sources to run and no ledger to seal in.
struct Nothing;

impl RunSource for Nothing {
    fn run(&self, _source: String) -> Pin<Box<dyn Future<Output = Result<(), EngineError>> + Send>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

impl SealNow for Nothing {
    fn seal(&self) -> Pin<Box<dyn Future<Output = Result<(), EngineError>> + Send>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

/// Prints the pages' address and the path of the resource's page; then, for each line that comes, changes the resource and
/// prints the moment at which the observation was handed in (milliseconds since 1970) and the new status. Ends with its
/// input.
pub async fn serve(resources: u32) -> anyhow::Result<()> {
    let stored = Stored::new("pages").await?;
    stored.collect(resources, |number| Bucket::new(number, 0)).await?;
    let (stop, stopped) = watch::channel(false);
    let changes = broadcast::channel(256).0;
    let app = octro_posture::app(PostureState {
        query: stored.query.clone(),
        changes: changes.clone(),
        run: Arc::new(Nothing),
        seal: Arc::new(Nothing),
        ledger: None,
        problems: Arc::default(),
        simulated: true,
        stop: stopped.clone(),
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let key = Bucket::new(NUMBER, 0).observation(&stored.kind, NUMBER, None)?.key;
    output::text(&format!("http://{}/\n/resources/{}/{key}\n", listener.local_addr()?, stored.kind))?;
    let serving = tokio::spawn(octro_server::serve(listener, app, stopped));
    let mut heard = stored.engine.subscribe();
    let forwarding = tokio::spawn(async move {
        while let Ok(change) = heard.recv().await {
            // Nobody looking is no failure.
            let _ = changes.send(change);
        }
    });
    let collecting = stored.engine.begin(&stored.source).await?;
    let (line, mut lines) = mpsc::channel(1);
    let reading = tokio::task::spawn_blocking(move || {
        // A line that cannot be read ends it like the end of the input.
        for _ in std::io::stdin().lines().map_while(Result::ok) {
            if line.blocking_send(()).is_err() {
                return;
            }
        }
    });
    let mut enabled = Bucket::new(NUMBER, 0).versioning.status == "Enabled";
    while lines.recv().await.is_some() {
        enabled = !enabled;
        stored.clock.set(stored.clock.now().plus(Span::from_secs(1)));
        let mut bucket = Bucket::new(NUMBER, 0);
        bucket.versioning.status = if enabled { "Enabled" } else { "Suspended" };
        let observation = bucket.observation(&stored.kind, NUMBER, None)?;
        let at = SystemClock.now().micros() as f64 / 1e3;
        stored.engine.observe(&collecting, vec![observation]).await?;
        output::text(&format!("{at:.3} {}\n", if enabled { "pass" } else { "fail" }))?;
    }
    // Whoever served is gone with the process if it is not now.
    let _ = stop.send(true);
    let _ = serving.await;
    reading.await?;
    forwarding.abort();
    stored.remove().await
}
