//! The year, lived: every source runs when it is due and says what it sees, through the ordinary intake.

use std::collections::{BTreeMap, BTreeSet};

use octro_engine::{Engine, EngineError, SourceInfo};
use octro_model::{
    Collection, CollectionError, Id, IdError, ManualClock, Observation, ScopeReport, Span, Timestamp,
    UnknownReason, Why,
};

use crate::devices::Late;
use crate::thing::{BEGIN, DAYS, Thing, day, hour};

/// What is delivered at once.
const BATCH: usize = 2_000;

/// A source and what it sees.
pub struct Seen {
    /// What the engine knows of it.
    pub info: SourceInfo,
    pub(crate) things: Vec<Thing>,
    /// Reports that come in late.
    pub(crate) late: Vec<Late>,
    /// When it does not run at all.
    pub(crate) silent: Vec<(Timestamp, Timestamp)>,
    /// When it cannot enumerate one scope, and why.
    pub(crate) partial: Vec<(Timestamp, Timestamp, String, UnknownReason)>,
}

impl Seen {
    /// A source of this name that runs every `hours`.
    pub(crate) fn new(
        id: &str,
        connector: &str,
        hours: i64,
        mut things: Vec<Thing>,
    ) -> Result<Self, IdError> {
        for thing in &mut things {
            thing.settle();
        }
        let kinds: BTreeSet<Id> = things.iter().map(|thing| thing.kind.clone()).collect();
        let info = SourceInfo {
            id: id.parse()?,
            connector: connector.to_owned(),
            every: Span::from_secs(hours * 3_600),
            kinds: kinds.into_iter().collect(),
        };
        Ok(Self { info, things, late: Vec::new(), silent: Vec::new(), partial: Vec::new() })
    }

    /// The same, which also looks for kinds that the company has none of.
    pub(crate) fn without(mut self, kinds: &[&str]) -> Result<Self, IdError> {
        for kind in kinds {
            self.info.kinds.push(kind.parse()?);
        }
        Ok(self)
    }
}

/// The trouble of the year that is the sources' own.
pub fn trouble(sources: &mut [Seen]) {
    for source in sources {
        match source.info.id.as_str() {
            // Device management moved to another tenant and was dark for a week in July.
            "device-management" => source.silent.push((hour(283, 6), hour(289, 20))),
            "cloud" => {
                let why = UnknownReason::new(Why::Denied, "ec2:DescribeVolumes is not allowed for the role");
                source.partial.push((hour(75, 4), hour(79, 12), "333333333333/eu-west-1".to_owned(), why));
            }
            "learning" => source.silent.push((hour(101, 0), hour(103, 12))),
            _ => {}
        }
    }
}

/// Lives the year. `progress` is told how far it is.
pub async fn live(
    engine: &Engine,
    clock: &ManualClock,
    sources: &[Seen],
    mut programs: Vec<(Timestamp, octro_program::Files)>,
    progress: &mut (dyn FnMut(u64, u64) + Send),
) -> Result<(), EngineError> {
    programs.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    clock.set(BEGIN);
    if let Some((_, first)) = programs.pop() {
        engine.install(&first).await?;
    }
    for source in sources {
        engine.declare(source.info.clone()).await?;
    }
    let runs = runs(sources);
    let all = runs.len() as u64;
    for (done, (at, place)) in runs.into_iter().enumerate() {
        while programs.last().is_some_and(|(from, _)| *from <= at) {
            if let Some((from, files)) = programs.pop() {
                clock.set(from);
                engine.install(&files).await?;
            }
        }
        clock.set(at);
        if let Some(source) = sources.get(place) {
            run(engine, source, at).await?;
        }
        if done % 50 == 0 {
            progress(done as u64, all);
        }
    }
    clock.set(day(DAYS));
    engine.tick().await?;
    Ok(())
}

/// When which source runs, in the order of time.
fn runs(sources: &[Seen]) -> Vec<(Timestamp, usize)> {
    let mut runs = Vec::new();
    for (place, source) in sources.iter().enumerate() {
        let mut at = BEGIN.plus(Span::from_secs(60 * (place as i64 + 1)));
        while at < day(DAYS) {
            if !source.silent.iter().any(|(from, to)| *from <= at && at < *to) {
                runs.push((at, place));
            }
            at = at.plus(source.info.every);
        }
        // The last run is close to the end, so that the company is as fresh as a living one.
        runs.push((day(DAYS).minus(Span::from_secs(60 * (place as i64 + 1))), place));
    }
    runs.sort_unstable();
    runs
}

async fn run(engine: &Engine, source: &Seen, at: Timestamp) -> Result<(), EngineError> {
    let collecting = engine.begin(&source.info.id).await?;
    let blocked = |scope: &str| {
        source
            .partial
            .iter()
            .find(|(from, to, of, _)| *from <= at && at < *to && of == scope)
            .map(|(.., why)| why)
    };
    let mut counts: BTreeMap<(Id, String), u64> = BTreeMap::new();
    for thing in &source.things {
        let count = counts.entry((thing.kind.clone(), thing.scope.clone())).or_default();
        *count += u64::from(thing.is_there(at));
    }
    // An empty list is an answer, too.
    let none = source.info.kinds.iter().filter(|kind| !counts.keys().any(|(of, _)| of == *kind));
    let none: Vec<Id> = none.cloned().collect();
    counts.extend(none.into_iter().map(|kind| ((kind, String::new()), 0)));
    let mut batch: Vec<Observation> = Vec::with_capacity(BATCH);
    let since = at.minus(source.info.every);
    for late in source.late.iter().filter(|late| since < late.received && late.received <= at) {
        batch.push(late.observation.clone());
    }
    for thing in source.things.iter().filter(|thing| thing.is_there(at) && blocked(&thing.scope).is_none()) {
        batch.push(thing.seen(at, at));
        if batch.len() == BATCH {
            engine.observe(&collecting, std::mem::take(&mut batch)).await?;
        }
    }
    engine.observe(&collecting, batch).await?;
    let scopes: Vec<ScopeReport> = counts
        .into_iter()
        .map(|((kind, scope), resources)| {
            let reason = blocked(&scope).cloned();
            let complete = reason.is_none();
            ScopeReport {
                kind,
                scope,
                complete,
                resources: if complete { resources } else { 0 },
                pages: 1,
                reason,
            }
        })
        .collect();
    let errors = scopes
        .iter()
        .filter_map(|scope| {
            Some(CollectionError {
                what: format!("{} in {}", scope.kind, scope.scope),
                message: scope.reason.as_ref()?.to_string(),
                mend: "give the role the permission that is named".to_owned(),
            })
        })
        .collect();
    let report = Collection {
        source: source.info.id.clone(),
        started_at: at,
        finished_at: at,
        scopes,
        errors,
        refused: 0,
    };
    engine.finish(&collecting, report).await?;
    Ok(())
}
