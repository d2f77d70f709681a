//! What sources deliver: a collection is opened, brings observations, and ends with its report.

use std::collections::BTreeMap;

use octro_model::{Collection, CollectionError, Id, Observation, Timestamp};

use super::{Engine, Inner};
use crate::EngineError;
use crate::delta::Delta;
use crate::input::Item;
use crate::state::{BatchOutcome, Counts, State, doubt_refused};

/// How many explained refusals a collection keeps.
const REFUSALS_MAX: usize = 50;
/// How often something is tried again after the database went away.
const TRIES: u32 = 20;

/// A collection that is open: the handle with which a source delivers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collecting {
    source: u32,
    ord: i64,
}

/// How observations were received. They are durable once this is answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Received {
    /// They said something new.
    pub changed: u64,
    /// They said what was known.
    pub unchanged: u64,
    /// They were not taken; the collection's errors say why.
    pub refused: u64,
}

/// What is kept of an open collection.
#[derive(Debug, Default)]
pub(super) struct Open {
    counts: Counts,
    refused: BTreeMap<Id, Refused>,
}

/// What was refused of a kind.
#[derive(Debug, Default)]
struct Refused {
    count: u64,
    /// The first of them, explained.
    explained: Vec<CollectionError>,
}

impl Engine {
    /// Begins a collection.
    ///
    /// # Errors
    /// If there is no such source.
    pub async fn begin(&self, source: &Id) -> Result<Collecting, EngineError> {
        let mut inner = self.ready().await?;
        let source = inner
            .state
            .source_of
            .get(source)
            .copied()
            .ok_or_else(|| EngineError::NoSource(source.clone()))?;
        let ord = inner.state.counters.collection;
        inner.state.counters.collection += 1;
        inner.open.insert(ord, Open::default());
        Ok(Collecting { source, ord })
    }

    /// Takes observations. When it answers, they are durable and judged.
    ///
    /// # Errors
    /// If the collection is not open or the database fails; then nothing of these observations was taken.
    pub async fn observe(
        &self,
        collecting: &Collecting,
        observations: Vec<Observation>,
    ) -> Result<Received, EngineError> {
        let mut refused: Vec<(Id, CollectionError)> = Vec::new();
        let mut items = Vec::with_capacity(observations.len());
        for observation in observations {
            let kind = observation.kind.clone();
            match Item::new(observation) {
                Ok(item) => items.push(item),
                Err(error) => refused.push((kind, error)),
            }
        }
        let mut tries = 0;
        let mut whole = BatchOutcome::default();
        let mut first = None;
        let mut inner = loop {
            let mut inner = match self.for_input().await {
                Ok(inner) => inner,
                Err(error) => {
                    wait(error, &mut tries).await?;
                    continue;
                }
            };
            if !inner.open.contains_key(&collecting.ord) {
                return Err(EngineError::NotCollecting);
            }
            let rest = items.get(whole.taken..).unwrap_or_default();
            match self.batch(&mut inner, collecting, rest, &mut first).await {
                Ok(outcome) => {
                    whole.add(outcome);
                    if whole.taken >= items.len() {
                        break inner;
                    }
                }
                Err(error) => {
                    drop(inner);
                    wait(error, &mut tries).await?;
                }
            }
        };
        let BatchOutcome { changed, unchanged, refused: unfit, .. } = whole;
        let mut received = Received { changed, unchanged, refused: 0 };
        let all = refused.into_iter().chain(
            unfit
                .into_iter()
                .flat_map(|(kind, errors)| errors.into_iter().map(move |error| (kind.clone(), error))),
        );
        let open = inner.open.entry(collecting.ord).or_default();
        for (kind, error) in all {
            received.refused += 1;
            open.counts.refused += 1;
            let of = open.refused.entry(kind).or_default();
            of.count += 1;
            if of.explained.len() < REFUSALS_MAX {
                of.explained.push(error);
            }
        }
        open.counts.changed += changed;
        open.counts.unchanged += unchanged;
        Ok(received)
    }

    async fn batch(
        &self,
        inner: &mut Inner,
        collecting: &Collecting,
        items: &[Item],
        first: &mut Option<Timestamp>,
    ) -> Result<BatchOutcome, EngineError> {
        let at = self.arrive(inner).await?;
        // What the parts of a batch say of the future is all clamped to the moment at which the batch came.
        let came = *first.get_or_insert(at);
        let (sorted, outcome) = inner.state.sort(collecting.source, items, came);
        if sorted.changed.is_empty() && sorted.sightings.is_empty() {
            return Ok(outcome);
        }
        let mut delta = Delta::default();
        inner.state.batch(collecting.source, collecting.ord, sorted, at, &mut delta);
        self.commit(inner, delta).await?;
        Ok(outcome)
    }

    /// Ends a collection with its report. A kind of which something was refused was not enumerated completely.
    ///
    /// # Errors
    /// If the collection is not open or the database fails.
    pub async fn finish(&self, collecting: &Collecting, report: Collection) -> Result<Received, EngineError> {
        let mut tries = 0;
        loop {
            let mut inner = match self.for_input().await {
                Ok(inner) => inner,
                Err(error) => {
                    wait(error, &mut tries).await?;
                    continue;
                }
            };
            let open = inner.open.get(&collecting.ord).ok_or(EngineError::NotCollecting)?;
            let mut report = report.clone();
            doubt_refused(&mut report, open.refused.iter().map(|(kind, refused)| (kind, refused.count)));
            report.refused += open.counts.refused;
            let explained = open.refused.values().flat_map(|refused| &refused.explained);
            report.errors.extend(explained.take(REFUSALS_MAX).cloned());
            let counts = Counts { refused: report.refused, ..open.counts };
            let (source, ord) = (collecting.source, collecting.ord);
            let change = |state: &mut State, at, delta: &mut Delta| {
                state.finish(source, ord, &report, counts, at, delta)
            };
            match self.step(&mut inner, change).await {
                Ok(()) => {
                    inner.open.remove(&collecting.ord);
                    let Counts { changed, unchanged, refused } = counts;
                    return Ok(Received { changed, unchanged, refused });
                }
                Err(error) => {
                    drop(inner);
                    wait(error, &mut tries).await?;
                }
            }
        }
    }
}

/// Waits before something is tried again after the database went away; any other failure comes back.
async fn wait(error: EngineError, tries: &mut u32) -> Result<(), EngineError> {
    if !matches!(&error, EngineError::Store(cause) if cause.is_transient()) || *tries >= TRIES {
        return Err(error);
    }
    *tries += 1;
    tracing::warn!(%error, tries = *tries, "the database went away; trying again");
    tokio::time::sleep(std::time::Duration::from_millis(100 * u64::from(*tries))).await;
    Ok(())
}
