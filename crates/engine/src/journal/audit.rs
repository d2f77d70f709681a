//! Whether the ledger and what is stored tell the same: every change of a control, every program version, and the facts
//! of every collection that is still kept. All is compared as it was when the audit began, with what waited for the ledger
//! then, whatever is written meanwhile.

use std::collections::BTreeMap;

use octro_model::{Id, Timestamp};
use octro_store::{Db, Row, Tx};
use octro_verify::{Hash, Status, unhex};

use super::facts::collections;
use super::told::Told;
use super::{hash, micros, status};
use crate::EngineError;

const VERDICTS: &str =
    "SELECT id, from_at, status FROM verdicts WHERE subject = 'control' ORDER BY id, from_at";
const PROGRAMS: &str = "SELECT ord, hash FROM program_versions ORDER BY ord";
const COLLECTIONS: &str = "SELECT ord, finished_at FROM collections ORDER BY ord";
const TRANSITIONS: &str = "SELECT control, n, hash, log FROM journal_transitions ORDER BY log, control, n";
const SEALS: &str = "SELECT n, hash, log FROM journal_seals ORDER BY log, n";

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[VERDICTS, PROGRAMS, COLLECTIONS, TRANSITIONS, SEALS];

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
    /// Links of chains that were told and are in no log: a new log followed before the old one had taken them.
    pub set_aside: u64,
    /// How much is wrong.
    pub wrong: u64,
    /// The first of it, in sentences.
    pub findings: Vec<String>,
}

impl JournalAudit {
    pub(super) fn find(&mut self, what: String) {
        self.wrong += 1;
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(what);
        }
    }
}

/// What is stored, as it was at one moment.
struct Stored {
    verdicts: BTreeMap<String, Vec<(u64, Status)>>,
    programs: Vec<(u64, String)>,
    /// Log, control, number and hash.
    transitions: Vec<(i64, String, u64, Hash)>,
    /// Log, number and hash.
    seals: Vec<(i64, u64, Hash)>,
    collections: Vec<Row>,
}

impl Stored {
    async fn read(tx: &mut Tx) -> Result<Self, EngineError> {
        let mut verdicts: BTreeMap<String, Vec<(u64, Status)>> = BTreeMap::new();
        for row in tx.fetch(VERDICTS, &[]).await? {
            let code: i64 = row.get(2)?;
            let one = (micros(row.get::<Timestamp>(1)?), status(u8::try_from(code).unwrap_or(u8::MAX)));
            verdicts.entry(row.get::<Id>(0)?.to_string()).or_default().push(one);
        }
        let mut programs = Vec::new();
        for row in tx.fetch(PROGRAMS, &[]).await? {
            programs.push((row.get(0)?, row.get(1)?));
        }
        let mut transitions = Vec::new();
        for row in tx.fetch(TRANSITIONS, &[]).await? {
            transitions.push((row.get(3)?, row.get(0)?, row.get(1)?, hash(&row, 2)?));
        }
        let mut seals = Vec::new();
        for row in tx.fetch(SEALS, &[]).await? {
            seals.push((row.get(2)?, row.get(0)?, hash(&row, 1)?));
        }
        Ok(Self { verdicts, programs, transitions, seals, collections: tx.fetch(COLLECTIONS, &[]).await? })
    }

    /// Of which log a link is, by its hash.
    fn log_of(&self, hash: &Hash) -> Option<i64> {
        let transition = self.transitions.iter().find(|(.., of)| of == hash).map(|(log, ..)| *log);
        transition.or_else(|| self.seals.iter().find(|(.., of)| of == hash).map(|(log, ..)| *log))
    }
}

/// Compares.
///
/// # Errors
/// If there is no ledger, or the database fails; a difference is no error but a finding.
pub async fn audit_journal(db: &Db) -> Result<JournalAudit, EngineError> {
    let mut audit = JournalAudit::default();
    let mut snapshot = db.snapshot().await?;
    let stored = Stored::read(&mut snapshot).await?;
    let waiting = Told::waiting(&mut snapshot).await?;
    let logs = Told::logs(&mut snapshot).await?;
    // What is in the logs stays as it is: nobody has to keep a snapshot while all of it is read.
    drop(snapshot);
    audit.set_aside = waiting.set_aside();
    let told = Told::read(db, &logs, waiting, |hash| stored.log_of(hash)).await?;
    controls(&stored.verdicts, &told, &mut audit);
    for (ord, hash) in &stored.programs {
        if let Some(told) = told.programs.get(ord)
            && unhex(hash) != Some(*told)
        {
            audit.find(format!("program version {ord} is not the one that the ledger names"));
        }
    }
    for (log, control, n, hash) in &stored.transitions {
        if told.transitions.get(&(*log, control.clone(), *n)) != Some(hash) {
            audit.find(format!(
                "transition {n} of control {control} is not in the ledger as the journal has it"
            ));
        }
    }
    for (log, n, hash) in &stored.seals {
        audit.seals += 1;
        if told.seals.get(&(*log, *n)) != Some(hash) {
            audit.find(format!("seal {n} is not in the ledger as the journal has it"));
        }
    }
    collections(db, &stored.collections, &told, &mut audit).await?;
    Ok(audit)
}

/// The statuses of controls, since they are in the ledger.
fn controls(all: &BTreeMap<String, Vec<(u64, Status)>>, told: &Told, audit: &mut JournalAudit) {
    for (control, told_of) in &told.controls {
        let begun = told.begun.get(control).copied().unwrap_or(0);
        let stored = all.get(control).map(Vec::as_slice).unwrap_or_default();
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
    for (control, stored) in all.iter().filter(|(control, _)| !told.controls.contains_key(*control)) {
        // A control that had ended when the first log began is none that the ledger could speak of.
        let ended = stored.last().filter(|(at, status)| *status == Status::Ended && *at <= told.begun_at);
        if ended.is_none() {
            audit.find(format!("control {control} has statuses in the database and none in the ledger"));
        }
    }
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
