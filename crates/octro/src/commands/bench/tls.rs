//! TLS endpoints looked at: how long a list of them takes, as it is and behind a delay, and whether the same is seen each
//! time.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context as _, bail};
use octro_connectors::{Run, Stopped};
use octro_model::{Clock, Observation, Span, SystemClock};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use super::measure::{Figures, cpu_of_all, instant, median};

/// What to look at, and how.
pub struct Look<'a> {
    /// A file of endpoints, one a line, each with `at=127.0.0.1`.
    pub endpoints: &'a Path,
    /// A file with roots.
    pub roots: Option<&'a Path>,
    /// How often.
    pub times: u32,
    /// How many connections to one address at once.
    pub per_address: u32,
    /// Only versions, certificates and pages.
    pub quick: bool,
    /// The round trip that a proxy adds.
    pub delay: Option<Duration>,
}

pub fn run(look: &Look<'_>) -> anyhow::Result<Figures> {
    let text = std::fs::read_to_string(look.endpoints)
        .with_context(|| format!("{}: a file of endpoints, one a line", look.endpoints.display()))?;
    let mut lines: Vec<String> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(str::to_owned)
        .collect();
    let _proxies = match look.delay {
        Some(delay) => Some(Proxies::start(&mut lines, delay)?),
        None => None,
    };
    let settings = json!({
        "endpoints": lines, "roots": look.roots.iter().collect::<Vec<_>>(), "quick": look.quick,
        "connections_per_address": look.per_address, "connections": 512,
    });
    let connector =
        octro_connectors::ALL.iter().find(|one| one.name() == "tls").context("the connector `tls`")?;
    let source = connector.open(settings.as_object().context("settings")?)?;
    let mut figures = Figures::new("tls", u32::try_from(lines.len()).unwrap_or(u32::MAX));
    let (mut wall, mut cpu) = (Vec::new(), Vec::new());
    let mut first: Option<BTreeMap<String, String>> = None;
    let mut differing = 0_u32;
    for _ in 0..look.times {
        let (begun, before) = (instant(), cpu_of_all());
        let mut seen = Vec::new();
        let mut deliver = |batch: Vec<Observation>| -> Result<(), Stopped> {
            seen.extend(batch);
            Ok(())
        };
        let clock = SystemClock;
        let deadline = clock.now().plus(Span::HOUR);
        let mut run = Run::new("bench".parse()?, source.kinds(), &clock, deadline, &mut deliver);
        source.collect(&mut run);
        run.finish();
        wall.push(begun.elapsed().as_secs_f64() * 1e3);
        cpu.push((cpu_of_all() - before).as_secs_f64() * 1e3);
        let verdicts: BTreeMap<String, String> = seen
            .iter()
            .filter(|one| one.kind.as_str() == "tls.endpoint")
            .map(|one| (one.key.clone(), versions(one)))
            .collect();
        if verdicts.len() != lines.len() {
            bail!("{} endpoints were asked for, {} were told", lines.len(), verdicts.len());
        }
        match &first {
            None => first = Some(verdicts),
            Some(first) => {
                let differ =
                    verdicts.iter().filter(|(key, verdict)| first.get(*key) != Some(verdict)).count();
                differing += u32::try_from(differ).unwrap_or(u32::MAX);
            }
        }
    }
    let how = if look.quick { "quick" } else { "full" };
    figures.add(format!("{how} look at all, wall"), median(wall), "ms");
    // The proxies are threads of this process.
    if look.delay.is_none() {
        figures.add(format!("{how} look at all, CPU"), median(cpu), "ms");
    }
    figures.add(
        format!("endpoints told otherwise in {} further looks", look.times.saturating_sub(1)),
        f64::from(differing),
        "",
    );
    Ok(figures)
}

/// What was said of each version.
fn versions(seen: &Observation) -> String {
    ["accepts_ssl3", "accepts_tls10", "accepts_tls11", "accepts_tls12", "accepts_tls13"]
        .map(|name| {
            seen.attributes.get(name).map_or("?", |value| if *value == Value::Bool(true) { "+" } else { "-" })
        })
        .concat()
}

/// One proxy before each endpoint, each of which adds a round trip.
struct Proxies(Arc<AtomicU32>);

impl Proxies {
    fn start(lines: &mut [String], delay: Duration) -> anyhow::Result<Self> {
        let mut listeners = Vec::new();
        for line in lines {
            let (place, words) = line.split_once(' ').unwrap_or((line, ""));
            let (name, port) = place.rsplit_once(':').context("expected `name:port` in each line")?;
            let to: SocketAddr =
                format!("127.0.0.1:{port}").parse().with_context(|| format!("the port `{port}`"))?;
            let listener = TcpListener::bind("127.0.0.1:0")?;
            listener.set_nonblocking(true)?;
            *line = format!("{name}:{} {words}", listener.local_addr()?.port());
            listeners.push((listener, to));
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let passed = Arc::new(AtomicU32::new(0));
        let count = passed.clone();
        // It lives as long as the process: a benchmark ends soon.
        std::thread::spawn(move || {
            runtime.block_on(async {
                for (listener, to) in listeners {
                    if let Ok(listener) = tokio::net::TcpListener::from_std(listener) {
                        tokio::spawn(accept(listener, to, delay, count.clone()));
                    }
                }
                std::future::pending::<()>().await;
            });
        });
        Ok(Self(passed))
    }
}

impl Drop for Proxies {
    fn drop(&mut self) {
        tracing::debug!(connections = self.0.load(Ordering::Relaxed), "passed on with a delay");
    }
}

async fn accept(listener: tokio::net::TcpListener, to: SocketAddr, delay: Duration, count: Arc<AtomicU32>) {
    while let Ok((client, _)) = listener.accept().await {
        count.fetch_add(1, Ordering::Relaxed);
        tokio::spawn(async move {
            // The handshake of TCP takes one round trip, each way half of one.
            tokio::time::sleep(delay).await;
            let Ok(server) = TcpStream::connect(to).await else { return };
            client.set_nodelay(true).ok();
            server.set_nodelay(true).ok();
            let ((from, to), (back, forth)) = (client.into_split(), server.into_split());
            tokio::join!(pass(from, forth, delay / 2), pass(back, to, delay / 2));
        });
    }
}

async fn pass(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, delay: Duration) {
    let mut buffer = vec![0; 16 << 10];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        tokio::time::sleep(delay).await;
        if to.write_all(buffer.get(..count).unwrap_or_default()).await.is_err() {
            return;
        }
    }
    to.shutdown().await.ok();
}
