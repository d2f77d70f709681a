//! Whether the ledger and what is stored tell the same: every change of a control, every program version, and the facts
//! of every collection that is still kept.

use std::collections::{BTreeMap, HashMap};

use octro_ledger::Reader;
use octro_model::{Id, Span, Timestamp};
use octro_store::{Db, Row};
use octro_verify::{Hash, Leaf, Status, What, unhex};

use super::facts::stored;
use super::{hash, micros, status};
use crate::EngineError;
use crate::retention::baseline;

const VERDICTS: &str =
    "SELECT id, from_at, status FROM verdicts WHERE subject = 'control' ORDER BY id, from_at";
const PROGRAMS: &str = "SELECT ord, hash FROM program_versions ORDER BY ord";
const INPUTS: &str = "SELECT seq, body FROM inputs WHERE collection = $1 ORDER BY seq";
const HASHES: &str = "SELECT seq, input, hash FROM observations WHERE seq > $1 ORDER BY seq LIMIT 20000";
const COLLECTIONS: &str = "SELECT ord, finished_at FROM collections ORDER BY ord";
const TRANSITIONS: &str = "SELECT control, n, hash, log FROM journal_transitions ORDER BY log, control, n";
const SEALS: &str = "SELECT n, hash, log FROM journal_seals ORDER BY log, n";

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[VERDICTS, PROGRAMS, INPUTS, HASHES, COLLECTIONS, TRANSITIONS, SEALS];

/// How many leaves are read at once.
const PAGE: u64 = 5_000;
/// How many findings are told; the rest are counted.
const FINDINGS_MAX: usize = 50;

/// How the comparison went.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct JournalAudit {
    /// Changes of controls that were compared.
    pub transitions: u64,
    /// Collections whose facts were hashed anew.
    pub collections: u64,
    /// Collections whose facts are no longer kept.
    pub forgotten: u64,
    /// Seals that were compared.
    pub seals: u64,
    /// How much is wrong.
    pub wrong: u64,
    /// The first of it, in sentences.
    pub findings: Vec<String>,
}

impl JournalAudit {
    fn find(&mut self, what: String) {
        self.wrong += 1;
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(what);
        }
    }
}

/// What the ledger says.
#[derive(Default)]
struct Told {
    /// control -> (since when, status) in their order; of several at one moment, the last.
    controls: BTreeMap<String, Vec<(u64, Status)>>,
    /// When the chain of a control began in the ledger.
    begun: BTreeMap<String, u64>,
    programs: BTreeMap<u64, Hash>,
    collections: BTreeMap<u64, Hash>,
    /// Leaf hashes of transitions and seals.
    transitions: HashMap<(i64, String, u64), Hash>,
    seals: BTreeMap<(i64, u64), Hash>,
}

/// Compares.
///
/// # Errors
/// If there is no ledger, or the database fails; a difference is no error but a finding.
pub async fn audit_journal(db: &Db) -> Result<JournalAudit, EngineError> {
    let mut audit = JournalAudit::default();
    let told = told(db).await?;
    controls(db, &told, &mut audit).await?;
    for row in db.fetch(PROGRAMS, &[]).await? {
        let (ord, stored): (u64, String) = (row.get(0)?, row.get(1)?);
        if let Some(hash) = told.programs.get(&ord)
            && unhex(&stored) != Some(*hash)
        {
            audit.find(format!("program version {ord} is not the one that the ledger names"));
        }
    }
    for row in db.fetch(TRANSITIONS, &[]).await? {
        let (control, n): (String, u64) = (row.get(0)?, row.get(1)?);
        if told.transitions.get(&(row.get(3)?, control.clone(), n)) != Some(&hash(&row, 2)?) {
            audit.find(format!(
                "transition {n} of control {control} is not in the ledger as the journal has it"
            ));
        }
    }
    for row in db.fetch(SEALS, &[]).await? {
        let n: u64 = row.get(0)?;
        audit.seals += 1;
        if told.seals.get(&(row.get(2)?, n)) != Some(&hash(&row, 1)?) {
            audit.find(format!("seal {n} is not in the ledger as the journal has it"));
        }
    }
    collections(db, &told, &mut audit).await?;
    Ok(audit)
}

/// Reads all logs.
async fn told(db: &Db) -> Result<Told, EngineError> {
    let mut told = Told::default();
    for log in Reader::logs(db).await? {
        let reader = Reader::of(db, log.ord).await?;
        let mut index = 0;
        loop {
            let entries = reader.entries(index, PAGE).await?;
            let Some(last) = entries.last() else { break };
            index = last.index + 1;
            for entry in entries {
                // What is no leaf is found by the audit of the log itself.
                if let Ok(leaf) = Leaf::parse(&entry.leaf) {
                    told.take(log.ord, leaf, entry.hash);
                }
            }
        }
    }
    Ok(told)
}

impl Told {
    fn take(&mut self, log: i64, leaf: Leaf, hash: Hash) {
        match leaf.what {
            What::Transition(one) => {
                self.begun.entry(one.control.clone()).or_insert(leaf.written);
                self.transitions.insert((log, one.control.clone(), one.n), hash);
                let all = self.controls.entry(one.control).or_default();
                // A log that follows another begins with what is so since some time in the other.
                let at = all.last().map_or(one.at, |(last, _)| one.at.max(*last));
                match all.last_mut().filter(|(last, _)| *last == at) {
                    Some(last) => last.1 = one.to,
                    None => all.push((at, one.to)),
                }
            }
            What::Seal(seal) => drop(self.seals.insert((log, seal.n), hash)),
            What::Program { hash, ord, .. } => drop(self.programs.insert(ord, hash)),
            What::Collection(one) => drop(self.collections.insert(one.ord, one.facts)),
            What::Open { .. }
            | What::Population(_)
            | What::Decision { .. }
            | What::Key(_)
            | What::Erasure { .. }
            | What::Export { .. } => {}
        }
    }
}

/// The statuses of controls, since they are in the ledger.
async fn controls(db: &Db, told: &Told, audit: &mut JournalAudit) -> Result<(), EngineError> {
    let mut stored: BTreeMap<String, Vec<(u64, Status)>> = BTreeMap::new();
    for row in db.fetch(VERDICTS, &[]).await? {
        let code: i64 = row.get(2)?;
        let one = (micros(row.get::<Timestamp>(1)?), status(u8::try_from(code).unwrap_or(u8::MAX)));
        stored.entry(row.get::<Id>(0)?.to_string()).or_default().push(one);
    }
    for (control, told_of) in &told.controls {
        let begun = told.begun.get(control).copied().unwrap_or(0);
        let stored = stored.get(control).map(Vec::as_slice).unwrap_or_default();
        // What was so before the ledger began stands in it as one transition, with the moment since when.
        let first = told_of.first().map_or(begun, |(at, _)| *at);
        let stored: Vec<_> = without_repeats(stored.iter().copied().filter(|(at, _)| *at >= first));
        let told_of: Vec<_> = without_repeats(told_of.iter().copied());
        audit.transitions += told_of.len() as u64;
        if stored != told_of {
            let place = stored.iter().zip(&told_of).take_while(|(a, b)| a == b).count();
            let say = |one: Option<&(u64, Status)>| match one {
                Some((at, status)) => format!("{status} since {}", octro_verify::moment(*at)),
                None => "nothing more".to_owned(),
            };
            audit.find(format!(
                "control {control}: the database says {}, the ledger {}",
                say(stored.get(place)),
                say(told_of.get(place))
            ));
        }
    }
    for control in stored.keys().filter(|control| !told.controls.contains_key(*control)) {
        audit.find(format!("control {control} has statuses in the database and none in the ledger"));
    }
    Ok(())
}

/// A status that is told twice in a row is one.
fn without_repeats(all: impl Iterator<Item = (u64, Status)>) -> Vec<(u64, Status)> {
    let mut once: Vec<(u64, Status)> = Vec::new();
    for (at, status) in all {
        if once.last().is_none_or(|(_, last)| *last != status) {
            once.push((at, status));
        }
    }
    once
}

/// The facts of collections.
async fn collections(db: &Db, told: &Told, audit: &mut JournalAudit) -> Result<(), EngineError> {
    // Of what was received before the baseline, something may have been removed; a collection may have begun before it.
    let kept_since = baseline(db).await?.map_or(Timestamp::MIN, |at| at.plus(Span::DAY));
    let mut ahead = Hashes { db, after: 0, rows: std::collections::VecDeque::new(), end: false };
    let mut of_input: BTreeMap<i64, Vec<Row>> = BTreeMap::new();
    for row in db.fetch(COLLECTIONS, &[]).await? {
        let (ord, finished_at): (i64, Timestamp) = (row.get(0)?, row.get(1)?);
        let Some(facts) = u64::try_from(ord).ok().and_then(|ord| told.collections.get(&ord)) else {
            continue;
        };
        if finished_at <= kept_since {
            audit.forgotten += 1;
            continue;
        }
        audit.collections += 1;
        let inputs = db.fetch(INPUTS, &[ord.into()]).await?;
        let last: i64 = inputs.last().map_or(Ok(0), |row| row.get(0))?;
        ahead.until(last, &mut of_input).await?;
        let mut hashes = Vec::new();
        for input in &inputs {
            hashes.extend(of_input.remove(&input.get::<i64>(0)?).unwrap_or_default());
        }
        if stored(&inputs, &hashes, 1)? != *facts {
            audit.find(format!(
                "the facts of collection {ord}, which ended at {finished_at}, are not those of the ledger"
            ));
        }
    }
    Ok(())
}

/// The hashes of observations, read in their order as far as is needed.
struct Hashes<'a> {
    db: &'a Db,
    after: i64,
    rows: std::collections::VecDeque<Row>,
    end: bool,
}

impl Hashes<'_> {
    /// Adds those of all inputs up to `last` to `of_input`.
    async fn until(&mut self, last: i64, of_input: &mut BTreeMap<i64, Vec<Row>>) -> Result<(), EngineError> {
        loop {
            if self.rows.is_empty() && !self.end {
                self.rows = self.db.fetch(HASHES, &[self.after.into()]).await?.into();
                self.end = self.rows.is_empty();
                if let Some(row) = self.rows.back() {
                    self.after = row.get(0)?;
                }
            }
            let Some(row) = self.rows.front() else { return Ok(()) };
            let input: i64 = row.get(1)?;
            if input > last {
                return Ok(());
            }
            of_input.entry(input).or_default().extend(self.rows.pop_front());
        }
    }
}
