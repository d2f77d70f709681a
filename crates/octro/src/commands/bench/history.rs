//! A year of history: a control as of a moment, and the replay of all of it.

use octro_engine::AsOf;
use octro_model::{Clock as _, Span};

use super::buckets::Bucket;
use super::measure::{Figures, TIMES, instant, median};
use super::stored::{BEGIN, Stored};

/// Rounds of the year, and the share of resources, in a hundred, that change from one to the next.
const ROUNDS: u64 = 12;
const CHANGING: u64 = 5;

pub async fn run(resources: u32) -> anyhow::Result<Figures> {
    let mut figures = Figures::new("history", resources);
    let stored = Stored::new("history").await?;
    let month = Span::from_secs(30 * 86_400);
    for round in 0..ROUNDS {
        // In round r, those change whose turn it is; the rest stay as they were when it was last their turn.
        stored.collect(resources, |number| Bucket::new(number, turns(u64::from(number), round))).await?;
        stored.clock.set(stored.clock.now().plus(month));
        stored.engine.tick().await?;
    }
    let mut took = Vec::new();
    for round in 0..TIMES as i64 {
        // The middle of a month, as an auditor asks; not the very second of a collection.
        let at = BEGIN.plus(Span::from_secs(86_400 * (60 * round + 45)));
        let begun = instant();
        let control = stored.query.control("BE-01", AsOf::known_now(at, stored.clock.now())).await?;
        took.push(begun.elapsed().as_secs_f64() * 1e3);
        let judged = control.tests.first().map_or(0, |test| test.tally.all());
        anyhow::ensure!(
            judged == u64::from(resources),
            "{judged} resources are judged, expected {resources}"
        );
    }
    figures.add("a control as of a moment, 12 months back", median(took), "ms");
    let begun = instant();
    let report = octro_engine::replay(stored.query.db(), octro_engine::Window::ALL, |_| ()).await?;
    let took = begun.elapsed().as_secs_f64();
    anyhow::ensure!(report.differences == 0, "the replay differs: {:?}", report.mismatches);
    let observations = report.changed + report.unchanged;
    figures.add(
        format!("replay of {} changed and {} unchanged observations", report.changed, report.unchanged),
        observations as f64 / took,
        "observations/s",
    );
    stored.remove().await?;
    Ok(figures)
}

/// How often a resource has changed by round `round`.
const fn turns(number: u64, round: u64) -> u64 {
    let turn = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    let period = 100 / CHANGING;
    // Its turn comes every `period` rounds, beginning at one of its own.
    (round + turn % period) / period
}
