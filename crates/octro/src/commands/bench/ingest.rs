//! Observations a second through the whole intake, each batch durable before it is acknowledged.

use octro_model::{Clock as _, Span};

use super::buckets::Bucket;
use super::measure::{Figures, memory};
use super::stored::Stored;

pub async fn run(resources: u32) -> anyhow::Result<Figures> {
    let mut figures = Figures::new("ingest", resources);
    let before = memory("VmRSS:");
    let stored = Stored::new("ingest").await?;
    let rate = |took: std::time::Duration, count: u32| f64::from(count) / took.as_secs_f64();
    let took = stored.collect(resources, |number| Bucket::new(number, 0)).await?;
    figures.add("new resources, durably", rate(took.wall, resources), "observations/s");
    figures.add(
        "engine with 10 tests, in memory",
        (memory("VmRSS:") - before) / f64::from(resources),
        "bytes/resource",
    );
    next_day(&stored).await?;
    let took = stored.collect(resources, |number| Bucket::new(number, 0)).await?;
    figures.add("unchanged observations, durably", rate(took.wall, resources), "observations/s");
    next_day(&stored).await?;
    for what in ["one attribute changed", "every attribute drawn anew"] {
        let redrawn = what.starts_with("every");
        let bucket = |number| {
            if redrawn { Bucket::new(number, 1) } else { Bucket::new(number, 0).changed(number) }
        };
        let before = results(&stored).await?;
        let taken = stored.collect(resources, bucket).await?;
        figures.add(format!("{what}, durably"), rate(taken.wall, resources), "observations/s");
        let cpu = taken.cpu.as_secs_f64() * 1e6 / f64::from(resources);
        figures.add(format!("{what}, CPU of both threads"), cpu, "us/observation");
        let changed = (results(&stored).await? - before) as f64 / f64::from(resources);
        figures.add(format!("{what}: results that change"), changed, "of 10");
        next_day(&stored).await?;
    }
    let size = std::fs::metadata(stored.path().join("octro.db"))?.len();
    figures.add("database", size as f64 / f64::from(resources), "bytes/resource");
    stored.remove().await?;
    Ok(figures)
}

/// How many results there are and were.
async fn results(stored: &Stored) -> anyhow::Result<i64> {
    let row = stored.query.db().fetch_one("SELECT COUNT(*) FROM results", &[]).await?;
    Ok(row.map_or(Ok(0), |row| row.get(0))?)
}

/// A day passes, and with it what it changes by itself.
pub async fn next_day(stored: &Stored) -> anyhow::Result<()> {
    stored.clock.set(stored.clock.now().plus(Span::DAY));
    stored.engine.tick().await?;
    Ok(())
}
