//! The sequencer: takes leaves out of the outbox and appends them, many in one transaction. Any process may run one; the
//! lock on the log's row lets one append at a time, and whoever finds the log grown by another looks at it anew.

use std::sync::Arc;

use octro_model::{Clock, Timestamp};
use octro_store::{Db, Tx};
use octro_verify::{Checkpoint, KeyChange, Leaf, VerifierKey, What, rotation_message};
use tokio::sync::oneshot;

use crate::append::{Put, append, sign, signed};
use crate::frontier::Frontier;
use crate::keys::{Signer, verifier_key};
use crate::ledger::Settings;
use crate::moment::moment;
use crate::nodes::{From, edge};
use crate::outbox::checked;
use crate::tile::{WIDTH, hashes_at, levels};
use crate::{LedgerError, Log};

/// The most leaves that one transaction appends.
pub(crate) const BATCH: usize = 4_096;

const PENDING: &str = "SELECT id, at, leaf FROM ledger_outbox WHERE refused IS NULL ORDER BY id LIMIT 4096";
const TAKE: &str = "DELETE FROM ledger_outbox WHERE id >= $1 AND id <= $2 AND refused IS NULL RETURNING id";
const REFUSE: &str = "UPDATE ledger_outbox SET refused = $2 WHERE id = $1";

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[PENDING, TAKE, REFUSE];

/// Leaves of a caller who waits for their places.
#[derive(Debug)]
pub(crate) struct Append {
    pub leaves: Vec<Put>,
    pub done: oneshot::Sender<Result<Vec<u64>, Arc<LedgerError>>>,
}

/// What a round came to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Round {
    /// There was nothing to append.
    Idle,
    /// Another process is appending.
    Busy,
    /// So many entries were appended.
    Appended(usize),
}

/// The log as this process knows it.
pub(crate) struct Known {
    pub log: Log,
    pub frontier: Frontier,
    pub signer: Arc<dyn Signer>,
}

/// See the module.
pub(crate) struct Sequencer {
    pub db: Db,
    pub clock: Arc<dyn Clock>,
    pub settings: Settings,
    /// Absent at first, and after whatever went wrong: the next round looks at the database anew.
    pub known: Option<Known>,
    /// The newest checkpoint that this process has seen. The database must never be behind it.
    pub last: Option<Checkpoint>,
}

/// What the outbox held: the leaves, their rows' ids, and rows that are no leaves.
struct Pending {
    leaves: Vec<Put>,
    ids: Vec<i64>,
    refused: Vec<(i64, String)>,
}

async fn pending(tx: &mut Tx) -> Result<Pending, LedgerError> {
    let mut found = Pending { leaves: Vec::new(), ids: Vec::new(), refused: Vec::new() };
    for row in tx.fetch(PENDING, &[]).await? {
        let (id, at, leaf): (i64, Timestamp, Vec<u8>) = (row.get(0)?, row.get(1)?, row.get(2)?);
        match Leaf::parse(&leaf) {
            Ok(_) => {
                found.ids.push(id);
                found.leaves.push((at, leaf));
            }
            Err(fault) => found.refused.push((id, fault.to_string())),
        }
    }
    Ok(found)
}

/// Takes rows out of the outbox; answers whether it were those that were read, all of them and no others. Several writers'
/// ids are interleaved, and become visible in any order: a range, or a count, would not say so.
async fn take(tx: &mut Tx, ids: &[i64]) -> Result<bool, LedgerError> {
    let (Some(first), Some(last)) = (ids.first(), ids.last()) else { return Ok(true) };
    let mut taken = Vec::with_capacity(ids.len());
    for row in tx.fetch(TAKE, &[(*first).into(), (*last).into()]).await? {
        taken.push(row.get::<i64>(0)?);
    }
    taken.sort_unstable();
    Ok(taken == ids)
}

/// Marks what is no leaf, so that it is told of and keeps nothing waiting.
async fn refuse(tx: &mut Tx, pending: &Pending) -> Result<(), LedgerError> {
    for (id, why) in &pending.refused {
        tracing::error!(row = id, "what is in the outbox is no leaf, and stays there: {why}");
        tx.execute(REFUSE, &[(*id).into(), why.into()]).await?;
    }
    Ok(())
}

impl Sequencer {
    /// Appends what is in the outbox, then what callers bring, who learn their places. On an error nothing was
    /// appended and they know nothing yet; after [`LedgerError::Unsure`] it may have been.
    pub async fn round(&mut self, appends: &mut Vec<Append>) -> Result<Round, LedgerError> {
        let steps = self.settings.steps.clone();
        let mut tx = self.db.begin().await?;
        Log::be_impatient(&mut tx).await?;
        // Before the lock: whoever is paused while it reads these many bytes keeps nobody waiting.
        let pending = pending(&mut tx).await?;
        if pending.leaves.is_empty() && pending.refused.is_empty() && appends.is_empty() {
            return Ok(Round::Idle);
        }
        steps.passed("sequencer.read");
        let Some(Known { mut log, mut frontier, signer }) = self.lock(&mut tx).await? else {
            return Ok(Round::Busy);
        };
        steps.passed("sequencer.locked");
        refuse(&mut tx, &pending).await?;
        let mut leaves = pending.leaves;
        let mut places = Vec::with_capacity(appends.len());
        for one in appends.iter() {
            let first = log.size + leaves.len() as u64;
            places.push((first..first + one.leaves.len() as u64).collect::<Vec<u64>>());
            leaves.extend(one.leaves.iter().cloned());
        }
        if leaves.is_empty() {
            tx.commit().await?;
            return Ok(Round::Idle);
        }
        append(&mut tx, &mut log, &mut frontier, &leaves, &steps).await?;
        if !take(&mut tx, &pending.ids).await? {
            // Another process took some of them before we had the lock, or some came in between: look again.
            return Ok(Round::Busy);
        }
        steps.passed("sequencer.taken");
        let now = self.clock.now();
        let checkpoint = sign(&mut tx, &log, frontier.root(), now, &[signer.as_ref()], &steps).await?;
        tx.commit().await.map_err(LedgerError::Unsure)?;
        steps.passed("sequencer.committed");
        self.last = Some(checkpoint);
        self.known = Some(Known { log, frontier, signer });
        for (one, places) in appends.drain(..).zip(places) {
            // Whoever no longer waits does not want to know.
            let _ = one.done.send(Ok(places));
        }
        Ok(Round::Appended(leaves.len()))
    }

    /// Locks the log and takes what is known of it, fresh if another process has appended or something went wrong.
    /// `None` if another process holds the lock.
    pub async fn lock(&mut self, tx: &mut Tx) -> Result<Option<Known>, LedgerError> {
        let Some(log) = Log::lock(tx).await? else { return Ok(None) };
        match self.known.take() {
            Some(known) if known.log == log => Ok(Some(known)),
            _ => self.load(tx, log).await.map(Some),
        }
    }

    /// Reads the right edge of the log, and checks that it is what was signed, by us or by another process.
    async fn load(&mut self, tx: &mut Tx, log: Log) -> Result<Known, LedgerError> {
        let mut edges = Vec::new();
        for level in levels(log.size) {
            let stored = hashes_at(log.size, level);
            let first = stored - stored % WIDTH;
            edges.push(edge(&mut From::Tx(tx), &log, level, first, stored).await?);
        }
        let frontier = Frontier::from_levels(log.size, edges);
        match signed(tx, &log).await? {
            Some((size, root)) if size == log.size && root == frontier.root() => {}
            Some((size, _)) if size == log.size => {
                return Err(LedgerError::Damaged(format!(
                    "its {size} entries do not have the root that was signed"
                )));
            }
            Some((size, _)) => {
                return Err(LedgerError::Damaged(format!(
                    "it has {} entries, and {size} were signed",
                    log.size
                )));
            }
            None => return Err(LedgerError::Damaged("it has no checkpoint".to_owned())),
        }
        self.not_behind(tx, &log).await?;
        let key = VerifierKey::parse(&log.signer)
            .map_err(|fault| LedgerError::Damaged(format!("the log's verifier key {fault}")))?;
        let Some(signer) = self.settings.keys.find(&key.key)? else {
            let have = self.settings.keys.current()?;
            return Err(LedgerError::OtherKey {
                want: log.signer,
                have: verifier_key(&log.origin, have.as_ref())?.to_string(),
            });
        };
        self.settings.keys.promote(&key.key)?;
        self.last = Some(Checkpoint { origin: log.origin.clone(), size: log.size, root: frontier.root() });
        Ok(Known { log, frontier, signer })
    }

    /// Appends a leaf in which the old and the new key vouch for each other; from then on the new one signs. `None` if
    /// another process holds the lock.
    pub async fn rotate(&mut self) -> Result<Option<VerifierKey>, LedgerError> {
        let steps = self.settings.steps.clone();
        let mut tx = self.db.begin().await?;
        Log::be_impatient(&mut tx).await?;
        let Some(Known { mut log, mut frontier, signer }) = self.lock(&mut tx).await? else {
            return Ok(None);
        };
        // What waits was told under the old key, and comes before the change.
        loop {
            let pending = pending(&mut tx).await?;
            refuse(&mut tx, &pending).await?;
            if pending.leaves.is_empty() {
                break;
            }
            append(&mut tx, &mut log, &mut frontier, &pending.leaves, &steps).await?;
            if !take(&mut tx, &pending.ids).await? {
                return Ok(None);
            }
        }
        let next = self.settings.keys.next()?;
        let (old, new) =
            (verifier_key(&log.origin, signer.as_ref())?, verifier_key(&log.origin, next.as_ref())?);
        let message = rotation_message(&old, &new);
        let change = KeyChange {
            by_old: signer.sign(message.as_bytes())?,
            by_new: next.sign(message.as_bytes())?,
            old,
            new: new.clone(),
        };
        let now = self.clock.now();
        let at = moment(&mut tx, now).await?;
        let leaf = checked(&Leaf { written: micros(at), what: What::Key(Box::new(change)) })?;
        append(&mut tx, &mut log, &mut frontier, &[(at, leaf)], &steps).await?;
        log.signer = new.to_string();
        // Whoever knows only the old key can still check the checkpoint in which the new one appears.
        let both = [signer.as_ref(), next.as_ref()];
        let checkpoint = sign(&mut tx, &log, frontier.root(), now, &both, &steps).await?;
        tx.commit().await.map_err(LedgerError::Unsure)?;
        steps.passed("sequencer.committed");
        self.last = Some(checkpoint);
        self.known = Some(Known { log, frontier, signer: next });
        self.settings.keys.promote(&new.key)?;
        Ok(Some(new))
    }
}

/// Microseconds since 1970, as leaves have them.
pub(crate) fn micros(at: Timestamp) -> u64 {
    u64::try_from(at.micros()).unwrap_or(0)
}
