//! From one changed observation to its new status, with many resources stored: the engine's durable commit, the
//! announcement to open pages, and the page's question to the database.

use anyhow::Context as _;
use octro_model::{Clock as _, Span, Status};

use super::buckets::Bucket;
use super::measure::{Figures, instant, median, percentile};
use super::random::Random;
use super::stored::Stored;

/// How many changes are measured.
const CHANGES: usize = 1_000;

pub async fn run(resources: u32) -> anyhow::Result<Figures> {
    let mut figures = Figures::new("latency", resources);
    let stored = Stored::new("latency").await?;
    stored.collect(resources, |number| Bucket::new(number, 0)).await?;
    let mut heard = stored.engine.subscribe();
    let collecting = stored.engine.begin(&stored.source).await?;
    let mut random = Random::new(7);
    let mut all = Vec::with_capacity(CHANGES);
    for _ in 0..CHANGES {
        stored.clock.set(stored.clock.now().plus(Span::from_secs(1)));
        let number = u32::try_from(random.below(u64::from(resources)))?;
        let mut bucket = Bucket::new(number, 0);
        // Whatever it was, its versioning is the other way round now.
        let enabled = bucket.versioning.status != "Enabled";
        bucket.versioning.status = if enabled { "Enabled" } else { "Suspended" };
        let observation = bucket.observation(&stored.kind, number, None)?;
        let key = observation.key.clone();
        let begun = instant();
        stored.engine.observe(&collecting, vec![observation]).await?;
        heard.recv().await.context("nothing was announced")?;
        let why =
            stored.query.why("bucket.versioning", stored.kind.as_str(), &key, stored.query.now()).await?;
        all.push(begun.elapsed().as_secs_f64() * 1e3);
        let expected = if enabled { Status::Pass } else { Status::Fail };
        anyhow::ensure!(why.status == Some(expected), "{key} is {:?}, expected {expected}", why.status);
        // And back, so that the next change of it is one.
        let back = Bucket::new(number, 0).observation(&stored.kind, number, None)?;
        stored.clock.set(stored.clock.now().plus(Span::from_secs(1)));
        stored.engine.observe(&collecting, vec![back]).await?;
        while heard.try_recv().is_ok() {}
    }
    figures.add("change to new status, median", median(all.clone()), "ms");
    figures.add("change to new status, p99", percentile(all, 0.99), "ms");
    stored.remove().await?;
    Ok(figures)
}
