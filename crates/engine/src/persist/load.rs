//! Reading the state back from the database at start. It must come out as the inputs would make it; `octro replay`
//! checks that it does.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use octro_cel::{Layout, Record};
use octro_model::{Id, Span, Status, Timestamp, UnknownReason};
use octro_program::Program;
use octro_store::{Db, Row, StoreError};
use serde::Deserialize;

use crate::delta::NONE;
use crate::persist::packed::Packed;
use crate::state::{Attempt, InForce, Reread, Resource, SourceState, State, TestState, View};
use crate::{EngineError, SourceInfo, sightings};

const NOW: &str = "SELECT value FROM settings WHERE name = 'now'";
const COUNTERS: &str = "SELECT \
     (SELECT COALESCE(MAX(seq), 0) FROM inputs), (SELECT COALESCE(MAX(seq), 0) FROM observations), \
     (SELECT COALESCE(MAX(n), 0) FROM (SELECT MAX(collection) AS n FROM inputs UNION SELECT MAX(ord) AS n FROM collections) AS known), (SELECT COALESCE(MAX(ord), 0) FROM test_versions)";
const PROGRAMS: &str = "SELECT ord, installed_at, files FROM program_versions ORDER BY ord";
const SOURCES: &str = "SELECT id, connector, every_us, registered_at, retired_at FROM sources ORDER BY ord";
const SOURCE_KINDS: &str =
    "SELECT source, kind FROM source_kinds WHERE to_at = 9223372036854775807 ORDER BY source, kind";
const TESTS: &str = "SELECT id FROM tests ORDER BY ord";
const VERSIONS: &str = "SELECT ord, test, hash FROM test_versions ORDER BY ord";
const RESOURCES: &str = "SELECT kind, key, ord FROM resources WHERE ord > $1 ORDER BY ord LIMIT 5000";
const VIEWS: &str = "SELECT v.resource, v.source, o.seq, o.effective_at, o.scope, o.hash, o.body, i.collection, v.seen_at, v.resumed_at \
     FROM views v JOIN observations o ON o.seq = v.observation JOIN inputs i ON i.seq = o.input \
     WHERE (v.resource, v.source) > ($1, $2) ORDER BY v.resource, v.source LIMIT 2000";
const GONE: &str = "SELECT resource, source, MAX(effective_at) FROM observations WHERE gone = 1 AND late_by = 0 \
     GROUP BY resource, source ORDER BY resource, source";
const LATE: &str = "SELECT o.resource, o.source, MAX(o.effective_at + o.late_by), MAX(i.collection) \
     FROM observations o JOIN inputs i ON i.seq = o.input WHERE o.late_by > 0 GROUP BY o.resource, o.source";
const LINKS: &str = "SELECT kind, key, resource FROM links ORDER BY resource, kind, key";
const BODIES: &str = "SELECT seq, resource, body FROM observations WHERE seq > $1 ORDER BY seq LIMIT 5000";
const SIGHTINGS: &str =
    "SELECT collection, body FROM inputs WHERE source = $1 AND form = 4 AND received_at > $2";
/// The open results of a test after a resource, packed into one text: there are many, and a row of its own costs more
/// than its numbers. Of a test and a resource one is open at most.
const OPEN: &str = "SELECT string_agg(concat_ws(',', resource, status, from_at), ';'), MAX(resource) \
     FROM (SELECT resource, status, from_at FROM results WHERE test = $1 AND resource > $2 \
         AND to_at = 9223372036854775807 AND superseded_at = 9223372036854775807 ORDER BY resource LIMIT 2000) AS page";
/// The join is an outer one so that SQLite goes from test to test instead of through all counts.
const TALLIES: &str = "SELECT s.ord, COALESCE(t.pass, 0), COALESCE(t.fail, 0), COALESCE(t.unknown, 0), \
     COALESCE(t.stale, 0), COALESCE(t.excepted, 0), COALESCE(t.not_applicable, 0) FROM tests s \
     LEFT JOIN tallies t ON t.test = s.ord AND t.known_at = (SELECT MAX(known_at) FROM tallies WHERE test = s.ord)";
const VERDICTS: &str = "SELECT subject, id, status, reason FROM verdicts WHERE to_at = 9223372036854775807";
/// Of each source and kind that it yields, the scopes of the last collection that spoke of it.
const COVERAGE: &str = "SELECT c.kind, c.source, c.scope, c.finished_at, c.complete, c.resources, c.reason \
     FROM (SELECT k.kind AS kind, k.source AS source, (SELECT MAX(finished_at) FROM coverage \
             WHERE kind = k.kind AND source = k.source AND finished_at >= k.from_at) AS finished_at \
           FROM source_kinds k WHERE k.to_at = 9223372036854775807) l \
     JOIN coverage c ON c.kind = l.kind AND c.source = l.source AND c.finished_at = l.finished_at";
const COVERAGE_LOG: &str = "SELECT kind, source, scope, finished_at, complete FROM coverage ORDER BY finished_at, kind, source, scope";
const SOURCE_KINDS_LOG: &str = "SELECT source, kind, from_at, to_at FROM source_kinds ORDER BY from_at";

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[
    NOW,
    COUNTERS,
    PROGRAMS,
    SOURCES,
    SOURCE_KINDS,
    TESTS,
    VERSIONS,
    RESOURCES,
    VIEWS,
    SIGHTINGS,
    OPEN,
    TALLIES,
    VERDICTS,
    COVERAGE,
    COVERAGE_LOG,
    SOURCE_KINDS_LOG,
    GONE,
    LATE,
    LINKS,
    BODIES,
];

/// The stored form of an observation, read leniently: its kind may have another shape by now.
#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    attributes: serde_json::Map<String, serde_json::Value>,
    #[serde(default)]
    unknown: BTreeMap<String, UnknownReason>,
}

/// Reads a stored observation by the shape that its kind has in `layout`.
pub(crate) fn record(layout: &octro_cel::Layout, body: &[u8]) -> octro_cel::Record {
    octro_cel::Record::parse(layout, body).unwrap_or_else(|_| {
        let body: Body = serde_json::from_slice(body)
            .unwrap_or_else(|_| Body { attributes: serde_json::Map::new(), unknown: BTreeMap::new() });
        crate::state::lenient(layout, body.attributes, body.unknown)
    })
}

/// The shape of a kind that is not declared.
pub(crate) fn undeclared(id: Id) -> octro_model::Kind {
    octro_model::Kind {
        id,
        rev: 0,
        title: String::new(),
        doc: String::new(),
        part: String::new(),
        asset: None,
        retain: None,
        attributes: BTreeMap::new(),
    }
}

/// Reads what is seen now of the kinds whose shape is another one in `program`, by that shape.
pub(crate) async fn reread(db: &Db, state: &State, program: &Program) -> Result<Reread, EngineError> {
    let mut all = Reread::new();
    let mut wanted: HashMap<i64, &Arc<Layout>> = HashMap::new();
    for kind in state.reshaped(program) {
        let Some(table) = state.kinds.get(kind as usize) else { continue };
        let Some(layout) = program.kinds.get(&table.id) else { continue };
        let slots = table.slots.iter().filter_map(|slot| state.resources.get(*slot as usize));
        wanted.extend(slots.flat_map(|resource| &resource.views).map(|view| (view.observation, layout)));
    }
    let mut after = wanted.keys().min().map_or(0, |first| first - 1);
    while all.len() < wanted.len() {
        let rows = db.fetch(BODIES, &[after.into()]).await?;
        let Some(last) = rows.last() else { break };
        after = last.get(0)?;
        for row in &rows {
            let seq: i64 = row.get(0)?;
            if let Some(layout) = wanted.get(&seq) {
                all.insert(seq, record(layout, &row.get::<Vec<u8>>(2)?));
            }
        }
    }
    Ok(all)
}

/// Every program version, oldest first.
pub(crate) async fn programs(db: &Db) -> Result<Vec<InForce>, EngineError> {
    let mut programs: Vec<InForce> = Vec::new();
    let mut same: HashMap<String, Arc<Program>> = HashMap::new();
    for row in db.fetch(PROGRAMS, &[]).await? {
        let files = octro_program::Files::from_blob(&row.get::<Vec<u8>>(2)?)
            .map_err(|error| EngineError::Stored(format!("a program version cannot be read: {error}")))?;
        let program = match same.get(&files.hash()) {
            Some(program) => program.clone(),
            None => {
                let program = Arc::new(octro_program::load_stored(&files).map_err(EngineError::Program)?);
                same.insert(files.hash(), program.clone());
                program
            }
        };
        programs.push(InForce { ord: row.get(0)?, from_at: row.get(1)?, program });
    }
    Ok(programs)
}

fn index(ord: i64) -> u32 {
    u32::try_from(ord - 1).unwrap_or(u32::MAX)
}

/// The whole state.
pub(crate) async fn state(db: &Db) -> Result<State, EngineError> {
    let mut state = State::new();
    if let Some(row) = db.fetch_one(NOW, &[]).await? {
        let text: String = row.get(0)?;
        let micros = text.parse().map_err(|_| EngineError::Stored(format!("setting `now` is `{text}`")))?;
        state.now = Timestamp::from_micros(micros);
    }
    sources(db, &mut state).await?;
    for row in db.fetch(TESTS, &[]).await? {
        let id: Id = row.get(0)?;
        state.test_of.insert(id.clone(), state.tests.len() as u32);
        state.tests.push(TestState {
            id,
            tally: octro_model::Tally::default(),
            verdict: (NONE, String::new()),
            kind: None,
        });
    }
    for row in db.fetch(VERSIONS, &[]).await? {
        state.versions.insert((index(row.get(1)?), row.get(2)?), row.get(0)?);
    }
    if let Some(row) = db.fetch_one(COUNTERS, &[]).await? {
        state.counters.input = row.get::<i64>(0)? + 1;
        state.counters.observation = row.get::<i64>(1)? + 1;
        state.counters.collection = row.get::<i64>(2)? + 1;
        state.counters.version = row.get::<i64>(3)? + 1;
    }
    state.horizon = crate::retention::Removed::read(db).await?.horizon();
    state.programs = programs(db).await?;
    state.check_versions()?;
    if let Some(program) = state.program().cloned() {
        for earlier in state.programs.clone() {
            state.adopt_plans(&earlier.program);
        }
        state.adopt(&program, None);
    }
    resources(db, &mut state).await?;
    results(db, &mut state).await?;
    coverage(db, &mut state).await?;
    state.wind();
    Ok(state)
}

async fn sources(db: &Db, state: &mut State) -> Result<(), StoreError> {
    for row in db.fetch(SOURCES, &[]).await? {
        let info = SourceInfo {
            id: row.get(0)?,
            connector: row.get(1)?,
            every: Span::from_micros(row.get(2)?),
            kinds: Vec::new(),
        };
        let retired = row.get::<Timestamp>(4)? < Timestamp::MAX;
        state.source_of.insert(info.id.clone(), state.sources.len() as u32);
        state.sources.push(SourceState { info, registered_at: row.get(3)?, retired });
    }
    for row in db.fetch(SOURCE_KINDS, &[]).await? {
        if let Some(source) = state.sources.get_mut(index(row.get(0)?) as usize) {
            source.info.kinds.push(row.get(1)?);
        }
    }
    Ok(())
}

async fn resources(db: &Db, state: &mut State) -> Result<(), StoreError> {
    // Page by page: all at once, the rows would weigh several times what is kept of them.
    let mut after = 0_i64;
    loop {
        let rows = db.fetch(RESOURCES, &[after.into()]).await?;
        let Some(last) = rows.last() else { break };
        after = last.get(2)?;
        for row in &rows {
            let (id, key): (Id, String) = (row.get(0)?, row.get(1)?);
            let kind = state.kind(&id);
            let slot = state.resources.len() as u32;
            if let Some(table) = state.kinds.get_mut(kind as usize) {
                table.keys.insert(key.as_str().into(), slot);
                table.slots.push(slot);
                state.resources.push(Resource::new(kind, &key, table.tests.len()));
            }
        }
    }
    let mut after: (i64, i64) = (0, 0);
    loop {
        let rows = db.fetch(VIEWS, &[after.0.into(), after.1.into()]).await?;
        let Some(last) = rows.last() else { break };
        after = (last.get(0)?, last.get(1)?);
        for row in &rows {
            view(state, row)?;
        }
    }
    let slots = 0..state.resources.len();
    for slot in slots {
        if let Some(resource) = state.resources.get_mut(slot)
            && resource.views.len() > 1
            && let Some(layout) =
                state.kinds.get(resource.kind as usize).and_then(|table| table.layout.clone())
        {
            resource.merge(&layout);
        }
    }
    for row in db.fetch(GONE, &[]).await? {
        let (source, at): (u32, Timestamp) = (index(row.get(1)?), row.get(2)?);
        let Some(resource) = state.resources.get_mut(index(row.get(0)?) as usize) else { continue };
        resource.said_at = resource.said_at.max(at);
        if !resource.views.iter().any(|view| view.source == source) {
            resource.tombs.push((source, at));
        }
    }
    for row in db.fetch(LATE, &[]).await? {
        let Some(resource) = state.resources.get_mut(index(row.get(0)?) as usize) else { continue };
        resource.said_at = resource.said_at.max(row.get(2)?);
        // Whoever was spoken of is there, however old the word: the end of its collection does not find it gone.
        let source = index(row.get(1)?);
        if let Some(view) = resource.views.iter_mut().find(|view| view.source == source) {
            view.collection = view.collection.max(row.get(3)?);
        }
    }
    for row in db.fetch(LINKS, &[]).await? {
        let target = state.kind(&row.get(0)?);
        if let Some(slot) = state.slot(row.get(2)?) {
            state.link_known(slot, target, &row.get::<String>(1)?);
        }
    }
    // What was seen before this stands in the views: it was written there when it grew too old, once a day.
    let since = state.now.minus(state.max_age_most()).minus(Span::DAY).minus(Span::DAY);
    for source in 0..state.sources.len() as u32 {
        for row in db.fetch(SIGHTINGS, &[(i64::from(source) + 1).into(), since.into()]).await? {
            let collection: i64 = row.get(0)?;
            sightings::decode(&row.get::<Vec<u8>>(1)?, |at, ord| {
                let Some(slot) = state.slot(ord) else { return };
                let views = state.resources.get_mut(slot as usize).map(|resource| &mut resource.views);
                let mut views = views.into_iter().flatten();
                let Some(view) = views.find(|view| view.source == source) else { return };
                view.collection = view.collection.max(collection);
                if at >= view.effective_at {
                    view.seen_at = view.seen_at.max(at);
                }
            });
        }
    }
    Ok(())
}

fn view(state: &mut State, row: &Row) -> Result<(), StoreError> {
    let slot = index(row.get(0)?) as usize;
    let Some(resource) = state.resources.get_mut(slot) else { return Ok(()) };
    let Some(table) = state.kinds.get(resource.kind as usize) else { return Ok(()) };
    let (layout, id) = (table.layout.as_ref(), table.id.clone());
    let body: Vec<u8> = row.get(6)?;
    let mut hash = [0; 16];
    for (to, from) in hash.iter_mut().zip(row.get::<Vec<u8>>(5)?) {
        *to = from;
    }
    let effective_at: Timestamp = row.get(3)?;
    resource.views.push(View {
        source: index(row.get(1)?),
        observation: row.get(2)?,
        effective_at,
        seen_at: row.get(8)?,
        kept_at: row.get(8)?,
        collection: row.get(7)?,
        hash,
        scope: row.get::<String>(4)?.into_boxed_str(),
        // Of a kind that is not declared at present nothing is read; if it is declared again, it is read anew.
        record: layout
            .map_or_else(|| Record::empty(&Layout::new(undeclared(id))), |layout| record(layout, &body)),
    });
    resource.said_at = resource.said_at.max(effective_at).max(row.get(9)?);
    Ok(())
}

/// Takes a page of the open results of the test in `place` among those of its kind; `None` if it is not in force.
fn open_results(state: &mut State, place: Option<usize>, text: &str) -> Result<(), EngineError> {
    for packed in text.split(';') {
        let mut numbers = Packed(packed.as_bytes());
        let mut number = || {
            numbers.number().ok_or_else(|| EngineError::Stored(format!("an open result reads `{packed}`")))
        };
        let (resource, status, from_at) = (number()?, number()?, Timestamp::from_micros(number()?));
        let Some(resource) = state.resources.get_mut(index(resource) as usize) else { continue };
        resource.changed_at = resource.changed_at.max(from_at);
        if let Some(known) = place.and_then(|place| resource.statuses.get_mut(place)) {
            *known = u8::try_from(status).unwrap_or(NONE);
        }
    }
    Ok(())
}

async fn results(db: &Db, state: &mut State) -> Result<(), EngineError> {
    let places: HashMap<u32, usize> = state
        .kinds
        .iter()
        .flat_map(|kind| kind.tests.iter().enumerate().map(|(place, active)| (active.test, place)))
        .collect();
    for test in 0..state.tests.len() as u32 {
        let mut after = 0_i64;
        loop {
            let row = db.fetch_one(OPEN, &[(i64::from(test) + 1).into(), after.into()]).await?;
            let Some(row) = row else { break };
            let Some(last) = row.get::<Option<i64>>(1)? else { break };
            after = last;
            open_results(state, places.get(&test).copied(), &row.get::<String>(0)?)?;
        }
    }
    for row in db.fetch(TALLIES, &[]).await? {
        let Some(test) = state.tests.get_mut(index(row.get(0)?) as usize) else { continue };
        for (column, status) in Status::ALL.iter().enumerate() {
            test.tally[*status] = row.get(column + 1)?;
        }
    }
    for row in db.fetch(VERDICTS, &[]).await? {
        let (subject, id): (String, Id) = (row.get(0)?, row.get(1)?);
        let verdict = (u8::try_from(row.get::<i64>(2)?).unwrap_or(NONE), row.get(3)?);
        if subject == "control" {
            if verdict.0 < crate::delta::ENDED {
                state.controls.insert(id, verdict);
            }
        } else if let Some(test) = state.test_of.get(&id).and_then(|test| state.tests.get_mut(*test as usize))
        {
            test.verdict = verdict;
        }
    }
    Ok(())
}

async fn coverage(db: &Db, state: &mut State) -> Result<(), StoreError> {
    for (source, info) in state.sources.clone().into_iter().enumerate() {
        for kind in info.info.kinds.iter().filter(|_| !info.retired) {
            let kind = state.kind(kind);
            if let Some(table) = state.kinds.get_mut(kind as usize) {
                table.enumeration.entry(source as u32).or_default();
            }
        }
    }
    for row in db.fetch(COVERAGE, &[]).await? {
        let kind = state.kind(&row.get(0)?);
        let source = index(row.get(1)?);
        if let Some(scopes) =
            state.kinds.get_mut(kind as usize).and_then(|table| table.enumeration.get_mut(&source))
        {
            let (at, complete) = (row.get(3)?, row.get(4)?);
            let attempt = Attempt { at, complete, resources: row.get(5)?, reason: row.get(6)? };
            scopes.insert(row.get(2)?, attempt);
        }
    }
    enumerated_log(db, state).await
}

/// When each kind was completely enumerated: the same steps as when it happened.
async fn enumerated_log(db: &Db, state: &mut State) -> Result<(), StoreError> {
    enum Step {
        Yields(u32, bool),
        Finished(u32, BTreeMap<String, bool>),
    }
    let mut steps: BTreeMap<Id, BTreeMap<Timestamp, Vec<Step>>> = BTreeMap::new();
    for row in db.fetch(SOURCE_KINDS_LOG, &[]).await? {
        let (source, kind): (i64, Id) = (row.get(0)?, row.get(1)?);
        let (from, to): (Timestamp, Timestamp) = (row.get(2)?, row.get(3)?);
        let kind = steps.entry(kind).or_default();
        kind.entry(from).or_default().push(Step::Yields(index(source), true));
        if to < Timestamp::MAX {
            kind.entry(to).or_default().push(Step::Yields(index(source), false));
        }
    }
    for row in db.fetch(COVERAGE_LOG, &[]).await? {
        let (kind, source): (Id, i64) = (row.get(0)?, row.get(1)?);
        let (scope, at, complete): (String, Timestamp, bool) = (row.get(2)?, row.get(3)?, row.get(4)?);
        let at = steps.entry(kind).or_default().entry(at).or_default();
        match at.last_mut() {
            Some(Step::Finished(last, scopes)) if *last == index(source) => {
                scopes.insert(scope, complete);
            }
            _ => at.push(Step::Finished(index(source), BTreeMap::from([(scope, complete)]))),
        }
    }
    for (id, moments) in steps {
        let kind = state.kind(&id);
        let Some(table) = state.kinds.get_mut(kind as usize) else { continue };
        // When the last run of each source that spoke of the kind ended, and whether it was complete.
        let mut sources: BTreeMap<u32, Option<(Timestamp, bool)>> = BTreeMap::new();
        for (at, steps) in moments {
            for step in steps {
                match step {
                    Step::Yields(source, true) => {
                        sources.entry(source).or_default();
                    }
                    Step::Yields(source, false) => {
                        sources.remove(&source);
                    }
                    Step::Finished(source, scopes) => {
                        if let Some(known) = sources.get_mut(&source) {
                            *known = Some((at, scopes.values().all(|complete| *complete)));
                        }
                    }
                }
                let whole = sources.values().all(|run| matches!(run, Some((_, true))));
                let oldest = sources.values().flatten().map(|(at, _)| *at).min();
                table.enumerated_from(at, oldest.filter(|_| whole));
            }
        }
    }
    Ok(())
}

impl State {
    /// Whether every test of a stored program still means what it meant when it was put in force.
    fn check_versions(&self) -> Result<(), EngineError> {
        for in_force in &self.programs {
            for test in in_force.program.tests.values() {
                let number = self.test_of.get(&test.id).copied();
                if !number.is_some_and(|number| self.versions.contains_key(&(number, test.hash.clone()))) {
                    return Err(EngineError::Stored(format!(
                        "test `{}` of the program of {} reads otherwise than when it was put in force",
                        test.id, in_force.from_at
                    )));
                }
            }
        }
        Ok(())
    }

    /// Sets every timer anew.
    pub(crate) fn wind(&mut self) {
        let now = self.now;
        let mut statuses = Vec::new();
        for slot in 0..self.resources.len() as u32 {
            if self.resources.get(slot as usize).is_none_or(Resource::is_gone) {
                continue;
            }
            let dues = self.judge_at(slot, now, &mut statuses);
            self.wind_resource(slot, dues.flips_at, dues.flips_at.min(dues.stale_at), now);
        }
        for kind in 0..self.kinds.len() as u32 {
            self.set_population_timer(kind, now);
        }
    }
}
