//! The journal: what the engine tells the ledger. Every change of a control's status, every program version, every
//! collection and the seal of every day are put into the ledger's outbox by the very transaction of the change.

mod audit;
mod chain;
mod decisions;
mod erase;
mod export;
mod facts;
mod populations;
mod remade;
mod seal;
mod store;
mod told;
mod tree;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use octro_model::{Id, Timestamp};
use octro_program::{Control, Program};
use octro_store::{Db, Tx};
use octro_verify::{Collection, Hash, Leaf, Status, What, leaf_hash, unhex};

use crate::EngineError;
use crate::delta::{CoverageRow, Delta, ENDED};
use crate::state::State;

pub use audit::{JournalAudit, audit_journal};
pub(crate) use chain::Chain;
pub use erase::{Erased, erase};
pub use export::record_export;
pub(crate) use populations::{Copied, Hashed};
pub(crate) use remade::{Remade, Which, told_of};
pub(crate) use seal::{Seen, members};
pub(crate) use store::{Sealed, hash, nobody_is_erased, own_salts, own_salts_in};

#[cfg(test)]
pub(crate) fn statements() -> Vec<&'static str> {
    [
        store::STATEMENTS,
        facts::STATEMENTS,
        audit::STATEMENTS,
        erase::STATEMENTS,
        remade::STATEMENTS,
        told::STATEMENTS,
    ]
    .concat()
}
#[cfg(test)]
pub(crate) const BULKS: &[octro_store::Bulk] = store::BULKS;

/// Gives random bytes: keys and salts of commitments.
pub type Random = Arc<dyn Fn() -> std::io::Result<[u8; 32]> + Send + Sync>;
/// Tells the ledger that something is in its outbox.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// See the module. It is part of the engine that writes.
pub struct Journal {
    pub(crate) random: Random,
    wake: Wake,
    /// What is in the database, once it was read.
    ends: Option<Ends>,
    /// The chain over what an open collection stored.
    facts: HashMap<i64, Hash>,
}

/// What the journal goes on from.
#[derive(Default)]
pub(crate) struct Ends {
    /// The number of the log that takes entries.
    log: i64,
    chains: BTreeMap<Id, Chain>,
    sealed: Option<Sealed>,
    /// When the last entry was written. Entries never go back in time, however the clock is set.
    written: u64,
}

impl Ends {
    /// The moment at which something is written at `at`.
    fn write_at(&mut self, at: Timestamp) -> u64 {
        self.written = self.written.max(micros(at));
        self.written
    }
}

/// A moment as leaves have it.
pub(crate) fn micros(at: Timestamp) -> u64 {
    u64::try_from(at.micros()).unwrap_or(0)
}

/// A status as leaves have it.
pub(crate) fn status(code: u8) -> Status {
    match octro_model::Status::from_code(code) {
        Some(octro_model::Status::Pass) => Status::Pass,
        Some(octro_model::Status::Fail) => Status::Fail,
        Some(octro_model::Status::Unknown) => Status::Unknown,
        Some(octro_model::Status::Stale) => Status::Stale,
        Some(octro_model::Status::Excepted) => Status::Excepted,
        Some(octro_model::Status::NotApplicable) => Status::NotApplicable,
        None => Status::Ended,
    }
}

fn program_hash(state: &State) -> Hash {
    state.program().and_then(|program| unhex(&program.hash)).unwrap_or_default()
}

impl Journal {
    /// A journal into the ledger of the engine's database, which has to be open.
    pub fn new(random: Random, wake: Wake) -> Self {
        Self { random, wake, ends: None, facts: HashMap::new() }
    }

    /// Forgets what it knows: writing failed, and what is in the database counts.
    pub(crate) fn forget(&mut self) {
        self.ends = None;
        self.facts.clear();
    }

    /// Tells the ledger, after the commit.
    pub(crate) fn wake(&self) {
        (self.wake)();
    }

    async fn ends(&mut self, db: &Db) -> Result<&mut Ends, EngineError> {
        if self.ends.is_none() {
            self.ends = Some(store::read(db).await?);
        }
        Ok(self.ends.get_or_insert_default())
    }

    /// Whether another day began since the last seal. The first is due at once.
    pub(crate) async fn is_due(&mut self, db: &Db, now: Timestamp) -> Result<bool, EngineError> {
        let sealed = self.ends(db).await?.sealed.as_ref().map(|sealed| sealed.written);
        Ok(sealed.is_none_or(|written| day(micros(now)) > day(written)))
    }

    /// Puts what `delta` changes into the ledger, as written at `at`.
    pub(crate) async fn record(
        &mut self,
        db: &Db,
        tx: &mut Tx,
        state: &State,
        delta: &Delta,
        at: Timestamp,
    ) -> Result<(), EngineError> {
        let written = self.ends(db).await?.write_at(at);
        let program = program_hash(state);
        let mut leaves: Vec<Leaf> = Vec::new();
        if let Some(row) = &delta.program {
            let hash = unhex(&row.hash).unwrap_or_default();
            let name: String = row.name.chars().filter(|c| !c.is_control()).take(60).collect();
            leaves.push(Leaf { written, what: What::Program { hash, name, ord: row.ord as u64 } });
        }
        let ends = self.ends(db).await?;
        let mut touched: BTreeMap<Id, Vec<(u64, Hash)>> = BTreeMap::new();
        let told = delta.verdicts.iter().filter(|row| row.subject == "control");
        let mut turned: Vec<(Id, u8, Timestamp)> =
            told.map(|row| (row.id.clone(), row.status, row.from_at)).collect();
        // Controls that had a status before there was a ledger, or that changed while none was kept: what is said of a
        // control last is always what is so.
        for (id, code) in untold(state, &ends.chains) {
            if !turned.iter().any(|(turned, ..)| *turned == id) {
                let since = store::since(tx, &id).await?.unwrap_or(state.now);
                turned.push((id, code, since));
            }
        }
        for (id, code, at) in turned {
            if code == ENDED && !ends.chains.contains_key(&id) {
                continue;
            }
            let mut before = ends.chains.remove(&id);
            // What was silent before the change is silent, whatever comes: the end of a control too.
            if let Some(before) = &mut before {
                before.count(written, promised_before(state, &id));
            }
            let leaf = Chain::next(before.as_ref(), &id, status(code), micros(at), written, program);
            let hash = leaf_hash(&leaf.to_bytes());
            if let What::Transition(transition) = &leaf.what {
                touched.entry(id.clone()).or_default().push((transition.n, hash));
                ends.chains.insert(id, Chain::with(before, transition, written, hash));
            }
            leaves.push(leaf);
        }
        if let Some(row) = &delta.collection {
            for (id, promised) in evaluated(state, delta) {
                if let Some(chain) = ends.chains.get_mut(&id) {
                    chain.evaluate(written, promised);
                    touched.entry(id).or_default();
                }
            }
            let finished = micros(row.finished_at).min(written);
            let source = usize::try_from(row.source - 1).ok().and_then(|place| state.sources.get(place));
            let facts = facts::of(tx, row.ord, self.facts.remove(&row.ord), delta).await?;
            leaves.push(Leaf {
                written,
                what: What::Collection(Collection {
                    source: source.map_or_else(String::new, |source| source.info.id.to_string()),
                    ord: row.ord as u64,
                    started: micros(row.started_at).min(finished),
                    finished,
                    complete: row.complete,
                    changed: row.changed,
                    unchanged: row.unchanged,
                    gone: row.gone,
                    refused: row.refused,
                    facts,
                }),
            });
        } else if let Some(input) = delta.input.as_ref().filter(|input| input.collection > 0) {
            let facts = facts::of(tx, input.collection, self.facts.remove(&input.collection), delta).await?;
            self.facts.insert(input.collection, facts);
        }
        octro_ledger::outbox::put_all(tx, at, &leaves).await?;
        if delta.program.is_some() {
            self.decisions(tx, state, written).await?;
        }
        let ends = self.ends.get_or_insert_default();
        for (control, transitions) in touched {
            if let Some(chain) = ends.chains.get(&control) {
                store::chain(tx, ends.log, &control, chain).await?;
            }
            for (n, hash) in transitions {
                store::transition(tx, ends.log, &control, n, written, &hash).await?;
            }
        }
        Ok(())
    }
}

impl Journal {
    /// What was decided with the program that has just come into force.
    async fn decisions(&self, tx: &mut Tx, state: &State, written: u64) -> Result<(), EngineError> {
        let Some(now) = state.program() else { return Ok(()) };
        let before = state.programs.iter().rev().nth(1).map(|in_force| &*in_force.program);
        let at = Timestamp::from_micros(i64::try_from(written).unwrap_or(i64::MAX));
        for decision in decisions::approved(before, now) {
            let secret = (self.random)().map_err(EngineError::Random)?;
            octro_ledger::records::decide(tx, at, &decision, &secret).await?;
        }
        Ok(())
    }
}

/// The days since 1970 of a moment.
const fn day(micros: u64) -> u64 {
    micros / 86_400_000_000
}

/// The controls whose chains do not end with what is so.
fn untold(state: &State, chains: &BTreeMap<Id, Chain>) -> Vec<(Id, u8)> {
    let has = |id: &Id, code: u8| chains.get(id).is_some_and(|chain| chain.status == status(code));
    let of_state = state.controls.iter().filter(|(id, (code, _))| !has(id, *code));
    let ended = chains
        .iter()
        .filter(|(id, chain)| chain.status != Status::Ended && !state.controls.contains_key(*id));
    of_state
        .map(|(id, (code, _))| (id.clone(), *code))
        .chain(ended.map(|(id, _)| (id.clone(), ENDED)))
        .collect()
}

/// The controls that the end of a collection evaluates, and what is promised of each: those about a kind that its source
/// is declared for, and of which it enumerated at least one scope completely. A run that failed evaluates nothing.
fn evaluated(state: &State, delta: &Delta) -> Vec<(Id, u64)> {
    let Some(program) = state.program() else { return Vec::new() };
    let source = |row: &CoverageRow| state.sources.get(usize::try_from(row.source - 1).ok()?);
    let covered: BTreeSet<&Id> = delta
        .coverage
        .iter()
        .filter(|row| row.complete && source(row).is_some_and(|source| source.info.kinds.contains(&row.kind)))
        .map(|row| &row.kind)
        .collect();
    let covers = |control: &&Control| {
        let mut kinds = control.tests.iter().filter_map(|test| program.tests.get(test)).map(|test| &test.on);
        kinds.any(|kind| covered.contains(kind))
    };
    let all = program.controls.values().filter(covers);
    all.map(|control| (control.id.clone(), promised(state, program, control))).collect()
}

/// The same by the last program that had the control; it may be about to end.
fn promised_before(state: &State, id: &Id) -> u64 {
    let programs = state.programs.iter().rev().map(|in_force| &in_force.program);
    let of = programs.filter_map(|program| Some((program, program.controls.get(id)?))).next();
    of.map_or(0, |(program, control)| promised(state, program, control))
}

/// The longest span between two evaluations of a control that is no silence: twice the shortest interval of the sources
/// that yield what its tests judge.
fn promised(state: &State, program: &Program, control: &Control) -> u64 {
    let kinds: Vec<&Id> =
        control.tests.iter().filter_map(|test| program.tests.get(test)).map(|test| &test.on).collect();
    let sources = state.sources.iter().filter(|source| !source.retired);
    let every = sources
        .filter(|source| source.info.kinds.iter().any(|kind| kinds.contains(&kind)))
        .map(|source| u64::try_from(source.info.every.micros()).unwrap_or(0))
        .min();
    every.map_or(0, |every| every.saturating_mul(2))
}
