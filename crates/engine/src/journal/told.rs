//! What the ledger tells: its logs, as long as they were at one moment, and what waited for it then.

use std::collections::{BTreeMap, HashMap};

use octro_ledger::Reader;
use octro_store::{Db, Tx};
use octro_verify::{Hash, Leaf, Status, What, leaf_hash};

use crate::EngineError;

const LOGS: &str = "SELECT ord, size FROM ledger_log ORDER BY ord";
const OUTBOX: &str =
    "SELECT leaf, CAST(CASE WHEN refused IS NULL THEN 0 ELSE 1 END AS BIGINT) FROM ledger_outbox ORDER BY id";

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[LOGS, OUTBOX];

/// How many leaves are read at once.
const PAGE: u64 = 5_000;

/// A log by its number, and how many entries it has.
pub(super) type LogSize = (i64, u64);

/// What is in the outbox.
pub(super) struct Waiting {
    leaves: Vec<(Hash, Leaf)>,
    /// Links of chains that will be in no log, because another one followed.
    set_aside: Vec<(Hash, Leaf)>,
}

impl Waiting {
    pub(super) fn set_aside(&self) -> u64 {
        self.set_aside.len() as u64
    }
}

/// See the module.
#[derive(Default)]
pub(super) struct Told {
    /// When the first log began.
    pub(super) begun_at: u64,
    /// control -> (since when, status) in their order; of several at one moment, the last.
    pub(super) controls: BTreeMap<String, Vec<(u64, Status)>>,
    /// When the chain of a control began in the ledger.
    pub(super) begun: BTreeMap<String, u64>,
    pub(super) programs: BTreeMap<u64, Hash>,
    pub(super) collections: BTreeMap<u64, Hash>,
    /// Leaf hashes of transitions and seals.
    pub(super) transitions: HashMap<(i64, String, u64), Hash>,
    pub(super) seals: BTreeMap<(i64, u64), Hash>,
}

impl Told {
    /// The logs, and how long they are.
    pub(super) async fn logs(tx: &mut Tx) -> Result<Vec<LogSize>, EngineError> {
        let rows = tx.fetch(LOGS, &[]).await?;
        rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
    }

    /// What waits.
    pub(super) async fn waiting(tx: &mut Tx) -> Result<Waiting, EngineError> {
        let mut waiting = Waiting { leaves: Vec::new(), set_aside: Vec::new() };
        for row in tx.fetch(OUTBOX, &[]).await? {
            let (bytes, refused): (Vec<u8>, i64) = (row.get(0)?, row.get(1)?);
            // What is no leaf is told of elsewhere.
            let Ok(leaf) = Leaf::parse(&bytes) else { continue };
            let to = if refused == 0 { &mut waiting.leaves } else { &mut waiting.set_aside };
            to.push((leaf_hash(&bytes), leaf));
        }
        Ok(waiting)
    }

    /// Reads all logs, and adds what waits to the newest. `log_of`: the log for which a link was meant.
    pub(super) async fn read(
        db: &Db,
        logs: &[LogSize],
        waiting: Waiting,
        log_of: impl Fn(&Hash) -> Option<i64>,
    ) -> Result<Self, EngineError> {
        let mut told = Self::default();
        let mut set_aside: BTreeMap<i64, Vec<(Hash, Leaf)>> = BTreeMap::new();
        for (hash, leaf) in waiting.set_aside {
            if let Some(log) = log_of(&hash) {
                set_aside.entry(log).or_default().push((hash, leaf));
            }
        }
        for (ord, size) in logs {
            let reader = Reader::of(db, *ord).await?;
            let mut index = 0;
            while index < *size {
                let entries = reader.entries(index, PAGE.min(size - index)).await?;
                let Some(last) = entries.last() else { break };
                index = last.index + 1;
                for entry in entries {
                    // What is no leaf is found by the audit of the log itself.
                    if let Ok(leaf) = Leaf::parse(&entry.leaf) {
                        told.take(*ord, leaf, entry.hash);
                    }
                }
            }
            for (hash, leaf) in set_aside.remove(ord).unwrap_or_default() {
                told.take(*ord, leaf, hash);
            }
        }
        if let Some((newest, _)) = logs.last() {
            for (hash, leaf) in waiting.leaves {
                told.take(*newest, leaf, hash);
            }
        }
        Ok(told)
    }

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
            What::Open { .. } => {
                if self.begun_at == 0 {
                    self.begun_at = leaf.written;
                }
            }
            What::Population(_)
            | What::Decision { .. }
            | What::Key(_)
            | What::Erasure { .. }
            | What::Export { .. } => {}
        }
    }
}
