//! The baseline: the state as the removed facts made it, in parts of JSON. It holds no descriptions of resources; those
//! that it rests on stay among the observations.

use std::collections::{BTreeMap, HashMap};

use octro_cel::{Layout, Record};
use octro_model::{Id, Status, Tally, Timestamp};
use octro_store::{Bulk, Db, Param, StoreError, Tx};
use serde::{Deserialize, Serialize};

use super::digest::{Piece, stored};
use crate::delta::ResultRow;
use crate::persist::load;
use crate::state::{Attempt, InForce, Resource, SourceState, State, TestState, View};
use crate::{EngineError, SourceInfo};

/// Resources a part.
const PART: usize = 2_000;

const CLEAR: &str = "DELETE FROM baseline";
const PARTS: &str = "SELECT body FROM baseline WHERE part > $1 ORDER BY part LIMIT 20";
const HEAD: &str = "SELECT body FROM baseline WHERE part = 0";
const BODIES: &str =
    "SELECT seq, scope, hash, body FROM observations WHERE seq > $1 AND seq <= $2 ORDER BY seq LIMIT 5000";
const INSERT: Bulk =
    Bulk { head: "INSERT INTO baseline (part, body) VALUES ", columns: 2, tail: "", casts: false };

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[CLEAR, PARTS, HEAD, BODIES];

/// Everything but the resources. All moments are in microseconds.
#[derive(Serialize, Deserialize)]
struct Head {
    /// The form of this document.
    version: u32,
    at: i64,
    /// The last input and observation that are part of it.
    input: i64,
    observation: i64,
    collection: i64,
    test_version: i64,
    /// How many program versions were known.
    programs: usize,
    sources: Vec<(SourceInfo, i64, bool)>,
    tests: Vec<(Id, Tally, u8, String)>,
    versions: Vec<(u32, String, i64)>,
    controls: Vec<(Id, u8, String)>,
    kinds: Vec<KindPart>,
    resources: usize,
    /// The hash of all that was told by then.
    told: String,
}

#[derive(Serialize, Deserialize)]
struct KindPart {
    id: Id,
    /// source -> scope -> its last attempt
    enumeration: BTreeMap<u32, BTreeMap<String, AttemptPart>>,
    enumerated: Vec<(i64, Option<i64>)>,
    turned_at: i64,
}

/// (ended at, complete, resources, reason)
type AttemptPart = (i64, bool, u64, String);

#[derive(Serialize, Deserialize)]
struct ResourcePart {
    kind: Id,
    key: String,
    /// (source, observation, effective, seen, kept, collection)
    views: Vec<(u32, i64, i64, i64, i64, i64)>,
    /// (test, status)
    statuses: Vec<(u32, u8)>,
    named: Vec<(Id, String)>,
    tombs: Vec<(u32, i64)>,
    said_at: i64,
    changed_at: i64,
}

/// Where a replay begins.
pub(crate) struct Begun {
    pub(crate) state: State,
    /// The last input and observation that the state rests on.
    pub(crate) input: i64,
    pub(crate) observation: i64,
    /// The moment of the baseline; `None` if nothing was removed yet.
    pub(crate) at: Option<Timestamp>,
    /// What was told by then, as known then.
    pub(crate) results: Vec<Vec<ResultRow>>,
    pub(crate) tallies: BTreeMap<(i64, Timestamp), Tally>,
    pub(crate) verdicts: BTreeMap<(String, Id, Timestamp), u8>,
    /// Whether what is stored of that time is what was recorded then: (recorded, found) if not.
    pub(crate) tampered: Option<(String, String)>,
}

/// The parts of a baseline. `told`: the hash of what was told; `last`: the last input and observation that are part of it.
pub(super) fn parts(
    state: &State,
    told: String,
    last: (i64, i64),
) -> Result<Vec<Vec<u8>>, serde_json::Error> {
    let id = |kind: u32| state.kinds.get(kind as usize).map(|table| table.id.clone());
    let head = Head {
        version: 1,
        at: state.now.micros(),
        input: last.0,
        observation: last.1,
        collection: state.counters.collection,
        test_version: state.counters.version,
        programs: state.programs.len(),
        sources: state
            .sources
            .iter()
            .map(|source| (source.info.clone(), source.registered_at.micros(), source.retired))
            .collect(),
        tests: state
            .tests
            .iter()
            .map(|test| (test.id.clone(), test.tally, test.verdict.0, test.verdict.1.clone()))
            .collect(),
        versions: state
            .versions
            .iter()
            .map(|((test, hash), version)| (*test, hash.clone(), *version))
            .collect(),
        controls: state
            .controls
            .iter()
            .map(|(id, (status, reason))| (id.clone(), *status, reason.clone()))
            .collect(),
        kinds: state.kinds.iter().map(KindPart::of).collect(),
        resources: state.resources.len(),
        told,
    };
    let mut parts = vec![serde_json::to_vec(&head)?];
    for some in state.resources.chunks(PART) {
        let some: Vec<ResourcePart> = some
            .iter()
            .filter_map(|resource| {
                let tests = state.kinds.get(resource.kind as usize).map(|table| &table.tests)?;
                Some(ResourcePart {
                    kind: id(resource.kind)?,
                    key: resource.key.to_string(),
                    views: resource
                        .views
                        .iter()
                        .map(|view| {
                            let [effective, seen, kept] =
                                [view.effective_at, view.seen_at, view.kept_at].map(Timestamp::micros);
                            (view.source, view.observation, effective, seen, kept, view.collection)
                        })
                        .collect(),
                    statuses: tests
                        .iter()
                        .map(|active| active.test)
                        .zip(resource.statuses.iter().copied())
                        .collect(),
                    named: resource
                        .named
                        .iter()
                        .filter_map(|(kind, key)| Some((id(*kind)?, key.to_string())))
                        .collect(),
                    tombs: resource.tombs.iter().map(|(source, at)| (*source, at.micros())).collect(),
                    said_at: resource.said_at.micros(),
                    changed_at: resource.changed_at.micros(),
                })
            })
            .collect();
        parts.push(serde_json::to_vec(&some)?);
    }
    Ok(parts)
}

impl KindPart {
    fn of(table: &crate::state::KindTable) -> Self {
        let attempt = |attempt: &Attempt| {
            (attempt.at.micros(), attempt.complete, attempt.resources, attempt.reason.clone())
        };
        Self {
            id: table.id.clone(),
            enumeration: table
                .enumeration
                .iter()
                .map(|(source, scopes)| {
                    (*source, scopes.iter().map(|(scope, last)| (scope.clone(), attempt(last))).collect())
                })
                .collect(),
            enumerated: table
                .enumerated
                .iter()
                .map(|(at, oldest)| (at.micros(), oldest.map(Timestamp::micros)))
                .collect(),
            turned_at: table.turned_at.micros(),
        }
    }
}

/// Puts `parts` in the place of the baseline that was.
pub(super) async fn write(tx: &mut Tx, parts: &[Vec<u8>]) -> Result<(), StoreError> {
    tx.execute(CLEAR, &[]).await?;
    for (number, body) in parts.iter().enumerate() {
        let values: [Param<'_>; 2] = [(number as i64).into(), body.into()];
        INSERT.run(tx, &values).await?;
    }
    Ok(())
}

/// The moment of the baseline that there is.
pub(crate) async fn at(db: &Db) -> Result<Option<Timestamp>, EngineError> {
    let Some(row) = db.fetch_one(HEAD, &[]).await? else { return Ok(None) };
    read::<Head>(&row.get::<Vec<u8>>(0)?).map(|head| Some(Timestamp::from_micros(head.at)))
}

/// Where a replay begins: at the baseline if there is one, and otherwise before the first input.
pub(crate) async fn begin(db: &Db, programs: &[InForce]) -> Result<Begun, EngineError> {
    let mut begun = Begun {
        state: State::new(),
        input: 0,
        observation: 0,
        at: None,
        results: Vec::new(),
        tallies: BTreeMap::new(),
        verdicts: BTreeMap::new(),
        tampered: None,
    };
    let Some(row) = db.fetch_one(HEAD, &[]).await? else { return Ok(begun) };
    let head: Head = read(&row.get::<Vec<u8>>(0)?)?;
    if head.version != 1 {
        return Err(EngineError::Stored(format!(
            "the baseline has form {}; this Octro knows 1",
            head.version
        )));
    }
    let at = Timestamp::from_micros(head.at);
    rules(&mut begun.state, &head, programs);
    resources(db, &mut begun.state, &head).await?;
    for part in &head.kinds {
        part.restore(&mut begun.state);
    }
    begun.state.wind();
    (begun.input, begun.observation, begun.at) = (head.input, head.observation, Some(at));
    let found = stored(db, at, |piece| match piece {
        Piece::Results(rows) => {
            let place = rows.first().and_then(|row| usize::try_from(row.resource - 1).ok()).unwrap_or(0);
            if begun.results.len() <= place {
                begun.results.resize_with(place + 1, Vec::new);
            }
            if let Some(known) = begun.results.get_mut(place) {
                // A replay finds the row that is open from behind, in the order in which rows became known.
                known.extend_from_slice(rows);
                known.sort_by_key(|row| (row.known_at, row.from_at));
            }
        }
        Piece::Tally(test, at, tally) => {
            begun.tallies.insert((test, at), tally);
        }
        Piece::Verdict(subject, id, at, status) => {
            begun.verdicts.insert((subject, id, at), status);
        }
    })
    .await?;
    begun.tampered = (found != head.told).then_some((head.told, found));
    Ok(begun)
}

fn read<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, EngineError> {
    serde_json::from_slice(body).map_err(|error| {
        EngineError::Stored(format!("the baseline of the retention cannot be read: {error}"))
    })
}

fn rules(state: &mut State, head: &Head, programs: &[InForce]) {
    state.now = Timestamp::from_micros(head.at);
    state.counters.input = head.input + 1;
    state.counters.observation = head.observation + 1;
    state.counters.collection = head.collection;
    state.counters.version = head.test_version;
    for (info, registered_at, retired) in &head.sources {
        state.source_of.insert(info.id.clone(), state.sources.len() as u32);
        state.sources.push(SourceState {
            info: info.clone(),
            registered_at: Timestamp::from_micros(*registered_at),
            retired: *retired,
        });
    }
    for (id, tally, status, reason) in &head.tests {
        state.test_of.insert(id.clone(), state.tests.len() as u32);
        state.tests.push(TestState {
            id: id.clone(),
            tally: *tally,
            verdict: (*status, reason.clone()),
            kind: None,
        });
    }
    state.versions =
        head.versions.iter().map(|(test, hash, version)| ((*test, hash.clone()), *version)).collect();
    state.controls =
        head.controls.iter().map(|(id, status, reason)| (id.clone(), (*status, reason.clone()))).collect();
    // Kinds have the numbers that they had, whatever a program declares.
    for part in &head.kinds {
        state.kind(&part.id);
    }
    state.programs = programs.iter().take(head.programs).cloned().collect();
    if let Some(program) = state.program().cloned() {
        for earlier in state.programs.clone() {
            state.adopt_plans(&earlier.program);
        }
        state.adopt(&program, None);
    }
}

impl KindPart {
    fn restore(&self, state: &mut State) {
        let kind = state.kind(&self.id);
        let Some(table) = state.kinds.get_mut(kind as usize) else { return };
        table.enumeration = self
            .enumeration
            .iter()
            .map(|(source, scopes)| {
                let scopes = scopes.iter().map(|(scope, (at, complete, resources, reason))| {
                    let at = Timestamp::from_micros(*at);
                    (
                        scope.clone(),
                        Attempt { at, complete: *complete, resources: *resources, reason: reason.clone() },
                    )
                });
                (*source, scopes.collect())
            })
            .collect();
        table.enumerated = self
            .enumerated
            .iter()
            .map(|(at, oldest)| (Timestamp::from_micros(*at), oldest.map(Timestamp::from_micros)))
            .collect();
        table.turned_at = Timestamp::from_micros(self.turned_at);
    }
}

async fn resources(db: &Db, state: &mut State, head: &Head) -> Result<(), EngineError> {
    let mut wanted: HashMap<i64, (u32, usize)> = HashMap::new();
    let mut part = 0_i64;
    loop {
        let rows = db.fetch(PARTS, &[part.into()]).await?;
        if rows.is_empty() {
            break;
        }
        part += rows.len() as i64;
        for row in rows {
            for resource in read::<Vec<ResourcePart>>(&row.get::<Vec<u8>>(0)?)? {
                resource.restore(state, &mut wanted);
            }
        }
    }
    if state.resources.len() != head.resources {
        let (found, expected) = (state.resources.len(), head.resources);
        return Err(EngineError::Stored(format!(
            "the baseline has {found} resources; {expected} were recorded"
        )));
    }
    let first = wanted.keys().min().map_or(0, |first| first - 1);
    let mut after = first;
    let mut missing = wanted.len();
    while missing > 0 {
        let rows = db.fetch(BODIES, &[after.into(), head.observation.into()]).await?;
        let Some(last) = rows.last() else { break };
        after = last.get(0)?;
        for row in &rows {
            let Some((slot, place)) = wanted.get(&row.get::<i64>(0)?) else { continue };
            missing -= 1;
            let Some(resource) = state.resources.get_mut(*slot as usize) else { continue };
            let layout = state.kinds.get(resource.kind as usize).and_then(|table| table.layout.clone());
            let Some(view) = resource.views.get_mut(*place) else { continue };
            view.scope = row.get::<String>(1)?.into_boxed_str();
            for (to, from) in view.hash.iter_mut().zip(row.get::<Vec<u8>>(2)?) {
                *to = from;
            }
            if let Some(layout) = layout {
                view.record = load::record(&layout, &row.get::<Vec<u8>>(3)?);
            }
        }
    }
    if missing > 0 {
        return Err(EngineError::Stored(format!(
            "{missing} observations that the baseline rests on are gone"
        )));
    }
    for resource in &mut state.resources {
        let layout = state.kinds.get(resource.kind as usize).and_then(|table| table.layout.clone());
        if let Some(layout) = layout.filter(|_| resource.views.len() > 1) {
            resource.merge(&layout);
        }
    }
    Ok(())
}

impl ResourcePart {
    /// Adds the resource; what its views say is filled in later, from the observations in `wanted`.
    fn restore(self, state: &mut State, wanted: &mut HashMap<i64, (u32, usize)>) {
        let kind = state.kind(&self.kind);
        let slot = state.resources.len() as u32;
        let Some(table) = state.kinds.get_mut(kind as usize) else { return };
        table.keys.insert(self.key.as_str().into(), slot);
        table.slots.push(slot);
        let empty = Record::empty(&Layout::new(load::undeclared(self.kind)));
        let mut resource = Resource::new(kind, &self.key, table.tests.len());
        for (place, active) in table.tests.iter().enumerate() {
            let told = self.statuses.iter().find(|(test, _)| *test == active.test);
            if let Some((status, (_, told))) = resource.statuses.get_mut(place).zip(told) {
                debug_assert!(Status::from_code(*told).is_some() || *told >= crate::delta::ENDED);
                *status = *told;
            }
        }
        for (place, (source, observation, effective, seen, kept, collection)) in
            self.views.into_iter().enumerate()
        {
            wanted.insert(observation, (slot, place));
            resource.views.push(View {
                source,
                observation,
                effective_at: Timestamp::from_micros(effective),
                seen_at: Timestamp::from_micros(seen),
                kept_at: Timestamp::from_micros(kept),
                collection,
                hash: [0; 16],
                scope: "".into(),
                record: empty.clone(),
            });
        }
        resource.tombs =
            self.tombs.into_iter().map(|(source, at)| (source, Timestamp::from_micros(at))).collect();
        resource.said_at = Timestamp::from_micros(self.said_at);
        resource.changed_at = Timestamp::from_micros(self.changed_at);
        state.resources.push(resource);
        for (target, key) in self.named {
            let target = state.kind(&target);
            state.link_known(slot, target, &key);
        }
    }
}
