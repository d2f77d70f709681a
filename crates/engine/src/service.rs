//! The engine as a service: one at a time, inputs change the state and the database together.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use octro_model::{Clock, Collection, CollectionError, Id, Observation, Span, Timestamp};
use octro_program::{Files, Program};
use octro_store::{Db, Tx};
use tokio::sync::{Mutex, broadcast};

use crate::delta::Delta;
use crate::input::Item;
use crate::journal::Journal;
use crate::late::{amend_all, needs};
use crate::persist::{load, past, write};
use crate::state::{BatchOutcome, Counts, State, doubt_refused};
use crate::{EngineError, Lease, SourceInfo};

/// How many explained refusals a collection keeps.
const REFUSALS_MAX: usize = 50;
/// How often something is tried again after the database went away.
const TRIES: u32 = 20;

/// Something changed, as pages that are open want to know it.
#[derive(Clone, Debug)]
pub struct Change {
    /// When it became known.
    pub at: Timestamp,
    /// Tests with at least one result that changed.
    pub tests: BTreeSet<Id>,
    /// Controls whose status changed.
    pub controls: BTreeSet<Id>,
    /// How many results changed.
    pub results: usize,
    /// Whether a source's collection ended, or sources or the program changed.
    pub sources: bool,
}

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
struct Open {
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

struct Inner {
    state: State,
    open: HashMap<i64, Open>,
    /// Writing failed: the state has to be read anew before anything else.
    broken: bool,
    journal: Option<Journal>,
    /// When it was last written down how long ago views were seen that are too old to be found among the inputs.
    kept_at: Option<Timestamp>,
}

/// See the module. It is the only writer of facts and results.
pub struct Engine {
    db: Db,
    clock: Arc<dyn Clock>,
    lease: Lease,
    inner: Mutex<Inner>,
    changes: broadcast::Sender<Change>,
}

impl Engine {
    /// Reads the state and goes on from it.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn open(db: Db, clock: Arc<dyn Clock>, lease: Lease) -> Result<Self, EngineError> {
        let state = load::state(&db).await?;
        let inner = Inner { state, open: HashMap::new(), broken: false, journal: None, kept_at: None };
        Ok(Self { db, clock, lease, inner: Mutex::new(inner), changes: broadcast::channel(256).0 })
    }

    /// Sends changes to whoever listens from here on, also after another engine took over.
    #[must_use]
    pub fn with_changes(mut self, changes: broadcast::Sender<Change>) -> Self {
        self.changes = changes;
        self
    }

    /// Keeps a journal in the ledger from here on.
    #[must_use]
    pub fn with_journal(mut self, journal: Journal) -> Self {
        self.inner.get_mut().journal = Some(journal);
        self
    }

    /// What changes from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<Change> {
        self.changes.subscribe()
    }

    /// The database.
    pub const fn db(&self) -> &Db {
        &self.db
    }

    /// Puts a program in force, unless it is the one that is in force already; answers whether it did.
    ///
    /// # Errors
    /// If the program has problems (all of them), or the database fails.
    pub async fn install(&self, files: &Files) -> Result<bool, EngineError> {
        let loaded = octro_program::load(files).map_err(EngineError::Program)?;
        let program = Arc::new(loaded.program);
        let blob = files.to_blob();
        let mut inner = self.ready().await?;
        if inner.state.program().is_some_and(|current| current.hash == program.hash) {
            return Ok(false);
        }
        let reread = load::reread(&self.db, &inner.state, &program).await?;
        self.step(&mut inner, |state, at, delta| state.install(program, blob, reread, at, delta)).await?;
        Ok(true)
    }

    /// Says that there is this source; nothing happens if it is known to be so.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn declare(&self, info: SourceInfo) -> Result<(), EngineError> {
        let mut inner = self.ready().await?;
        let known =
            inner.state.source_of.get(&info.id).and_then(|source| inner.state.sources.get(*source as usize));
        if known.is_some_and(|state| !state.retired && state.info == info) {
            return Ok(());
        }
        self.step(&mut inner, |state, at, delta| state.declare(info, at, delta)).await
    }

    /// Says that there is no such source any more.
    ///
    /// # Errors
    /// If there never was, or the database fails.
    pub async fn retire(&self, id: &Id) -> Result<(), EngineError> {
        let mut inner = self.ready().await?;
        let source =
            inner.state.source_of.get(id).copied().ok_or_else(|| EngineError::NoSource(id.clone()))?;
        if inner.state.sources.get(source as usize).is_some_and(|state| state.retired) {
            return Ok(());
        }
        self.step(&mut inner, |state, at, delta| state.retire(source, at, delta)).await
    }

    /// The sources in force.
    pub async fn sources(&self) -> Result<Vec<SourceInfo>, EngineError> {
        let inner = self.ready().await?;
        Ok(inner
            .state
            .sources
            .iter()
            .filter(|state| !state.retired)
            .map(|state| state.info.clone())
            .collect())
    }

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
            let mut inner = match self.ready().await {
                Ok(inner) => inner,
                Err(error) => {
                    wait(error, &mut tries).await?;
                    continue;
                }
            };
            if !inner.open.contains_key(&collecting.ord) {
                return Err(EngineError::NotCollecting);
            }
            match self.batch(&mut inner, collecting, items.clone(), &mut first).await {
                Ok(outcome) => {
                    items = whole.add(outcome);
                    if items.is_empty() {
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
        items: Vec<Item>,
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
            let mut inner = match self.ready().await {
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

    /// Lets time pass: whatever is due flips. Answers when something is due next.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn tick(&self) -> Result<Option<Timestamp>, EngineError> {
        let mut inner = self.ready().await?;
        let now = self.clock.now();
        if now > inner.state.now && inner.state.wheel.next().is_some_and(|next| next <= now) {
            let mut delta = Delta::default();
            inner.state.advance(now, &mut delta);
            self.commit(&mut inner, delta).await?;
        }
        self.seal_if_due(&mut inner, now).await?;
        Ok(inner.state.wheel.next())
    }

    /// The present.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The program in force, and the longest time for which any test so far accepts evidence.
    pub(crate) async fn in_force(&self) -> Result<Option<(Arc<Program>, Span)>, EngineError> {
        let inner = self.ready().await?;
        Ok(inner.state.program().cloned().map(|program| (program, inner.state.max_age_most())))
    }

    /// Begins a transaction in which this process may write.
    pub(crate) async fn writing(&self) -> Result<Tx, EngineError> {
        let mut tx = self.db.begin().await?;
        self.lease.hold(&mut tx, self.clock.now()).await?;
        Ok(tx)
    }

    /// Does something in one transaction while nothing else changes the state; it is kept if `change` answers so.
    pub(crate) async fn alone(
        &self,
        change: impl AsyncFnOnce(&mut Tx, &mut State) -> Result<bool, EngineError>,
    ) -> Result<bool, EngineError> {
        let mut inner = self.ready().await?;
        inner.broken = true;
        let mut tx = self.writing().await?;
        let kept = change(&mut tx, &mut inner.state).await?;
        if kept {
            tx.commit().await?;
        }
        inner.broken = false;
        Ok(kept)
    }

    /// The moment of arrival of an input; what is due before it flips first, in a transaction of its own.
    async fn arrive(&self, inner: &mut Inner) -> Result<Timestamp, EngineError> {
        let at = inner.state.receive(self.clock.now());
        let before = at.minus(Span::from_micros(1));
        if inner.state.wheel.next().is_some_and(|next| next <= before) {
            let mut delta = Delta::default();
            inner.state.advance(before, &mut delta);
            self.commit(inner, delta).await?;
        }
        self.seal_if_due(inner, before).await?;
        Ok(at)
    }

    /// Puts the seal of a day that has ended into the ledger.
    async fn seal_if_due(&self, inner: &mut Inner, now: Timestamp) -> Result<(), EngineError> {
        let Some(journal) = &mut inner.journal else { return Ok(()) };
        if inner.state.program().is_none() || !journal.is_due(&self.db, now).await? {
            return Ok(());
        }
        self.seal_now(inner, now).await
    }

    async fn seal_now(&self, inner: &mut Inner, now: Timestamp) -> Result<(), EngineError> {
        inner.broken = true;
        let mut delta = Delta::default();
        inner.state.advance(now, &mut delta);
        let mut tx = self.writing().await?;
        write::write(&mut tx, &delta).await?;
        if let Some(journal) = &mut inner.journal {
            journal.record(&self.db, &mut tx, &inner.state, &delta).await?;
            journal.seal(&self.db, &mut tx, &inner.state).await?;
        }
        tx.commit().await?;
        inner.broken = false;
        if let Some(journal) = &inner.journal {
            journal.wake();
        }
        self.announce(inner, &delta);
        Ok(())
    }

    /// Puts a seal into the ledger now, so that what is true until now can be proved.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn seal(&self) -> Result<(), EngineError> {
        let mut inner = self.ready().await?;
        let now = inner.state.receive(self.clock.now());
        self.seal_now(&mut inner, now).await
    }

    async fn step(
        &self,
        inner: &mut Inner,
        change: impl FnOnce(&mut State, Timestamp, &mut Delta),
    ) -> Result<(), EngineError> {
        let at = self.arrive(inner).await?;
        let mut delta = Delta::default();
        change(&mut inner.state, at, &mut delta);
        self.commit(inner, delta).await
    }

    /// The state, read anew if writing failed before.
    async fn ready(&self) -> Result<tokio::sync::MutexGuard<'_, Inner>, EngineError> {
        let mut inner = self.inner.lock().await;
        if inner.broken {
            let collection = inner.state.counters.collection;
            inner.state = load::state(&self.db).await?;
            // Collections that are open keep their numbers.
            inner.state.counters.collection = inner.state.counters.collection.max(collection);
            inner.broken = false;
            inner.kept_at = None;
            if let Some(journal) = &mut inner.journal {
                journal.forget();
            }
        }
        Ok(inner)
    }

    /// Writes a delta, and whatever late observations in it rewrite, in one transaction.
    async fn commit(&self, inner: &mut Inner, mut delta: Delta) -> Result<(), EngineError> {
        if delta.is_empty() {
            return Ok(());
        }
        // Until it is known that all is written, the state in memory cannot be trusted.
        inner.broken = true;
        let keep = inner.kept_at.is_none_or(|kept| inner.state.now >= kept.plus(Span::DAY));
        if keep {
            let limit = inner.state.now.minus(inner.state.max_age_most());
            delta.seen = inner.state.forgotten(limit);
        }
        let mut tx = self.db.begin().await?;
        self.lease.hold(&mut tx, self.clock.now()).await?;
        write::write(&mut tx, &delta).await?;
        let late = std::mem::take(&mut delta.late);
        if !late.is_empty() {
            let (slots, since) = needs(&inner.state, &late);
            let mut reader = past::Reader::Tx(&mut tx);
            let pasts = past::pasts(&mut reader, &inner.state, &slots, since).await?;
            let mut rows = HashMap::with_capacity(late.len());
            for slot in late.keys() {
                rows.insert(*slot, past::results(&mut reader, *slot).await?);
            }
            let mut rewritten = amend_all(&mut inner.state, &late, &pasts, &rows);
            write::write(&mut tx, &rewritten).await?;
            delta.verdicts.append(&mut rewritten.verdicts);
            delta.tallies.append(&mut rewritten.tallies);
        }
        if let Some(journal) = &mut inner.journal {
            journal.record(&self.db, &mut tx, &inner.state, &delta).await?;
        }
        tx.commit().await?;
        inner.broken = false;
        if keep {
            inner.kept_at = Some(inner.state.now);
        }
        if let Some(journal) = &inner.journal {
            journal.wake();
        }
        self.announce(inner, &delta);
        Ok(())
    }

    fn announce(&self, inner: &Inner, delta: &Delta) {
        let test =
            |ord: i64| inner.state.tests.get(usize::try_from(ord - 1).ok()?).map(|test| test.id.clone());
        let tests = delta.tallies.keys().filter_map(|(ord, _)| test(*ord));
        let named = |subject: &'static str| {
            delta.verdicts.iter().filter(move |row| row.subject == subject).map(|row| row.id.clone())
        };
        let change = Change {
            at: inner.state.now,
            tests: tests.chain(named("test")).collect(),
            controls: named("control").collect(),
            results: delta.transitions.len(),
            sources: delta.collection.is_some() || !delta.sources.is_empty() || delta.program.is_some(),
        };
        if change.sources || !change.tests.is_empty() || !change.controls.is_empty() {
            // Nobody listening is no failure.
            let _ = self.changes.send(change);
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
