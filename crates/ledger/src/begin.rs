//! How a log begins: in an empty database, or after a restored backup as one that follows the log that was signed; and
//! how a database that is behind what was signed is recognised.

use octro_store::Tx;
use octro_verify::{After, Checkpoint, Leaf, Note, Value, What, hex};

use crate::append::{append, sign};
use crate::frontier::Frontier;
use crate::keys::{random, random_bytes, verifier_key};
use crate::nodes::{From, Nodes};
use crate::outbox::checked;
use crate::records::{Decision, decide_now};
use crate::sequencer::{Known, Sequencer, micros};
use crate::{LedgerError, Log};

const ENTRY: &str = "SELECT leaf FROM ledger_entries WHERE seq = $1";
const WAITING: &str = "SELECT id, leaf FROM ledger_outbox WHERE refused IS NULL ORDER BY id";
/// What is to blame if there are no random bytes.
const RANDOMNESS: &str = "the system's randomness";
const REFUSE: &str = "UPDATE ledger_outbox SET refused = $2 WHERE id = $1";

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[ENTRY, WAITING, REFUSE];

impl Sequencer {
    /// Sees to it that there is a log which may be appended to; `false` if another process is just appending.
    pub async fn begin(&mut self) -> Result<bool, LedgerError> {
        let mut tx = self.db.begin().await?;
        Log::be_impatient(&mut tx).await?;
        let Some(newest) = Log::newest_within(&mut tx).await? else {
            let signed = self.settings.highest.read()?;
            let Some(signed) = signed else {
                let origin = self.settings.origin.clone().map_or_else(random_origin, Ok)?;
                return self.first(tx, 1, 0, origin, None).await;
            };
            let behind = LedgerError::Behind {
                have: "no ledger at all".to_owned(),
                signed: Box::new(signed.clone()),
                path: self.settings.highest.path().to_owned(),
            };
            if !self.settings.follow {
                return Err(behind);
            }
            let origin = self.successor(&signed.origin, &[]);
            let ord = self.unpublished();
            return self.first(tx, ord, 0, origin, Some((signed, behind.to_string()))).await;
        };
        match self.lock(&mut tx).await {
            Ok(None) => Ok(false),
            Ok(Some(known)) => {
                self.known = Some(known);
                Ok(true)
            }
            Err(error) if error.refuses() && self.settings.follow => {
                tracing::warn!("a new log follows the one that was signed: {error}");
                let after = match self.settings.highest.read()? {
                    Some(signed) => signed,
                    None => match &self.last {
                        Some(last) => last.clone(),
                        None => return Err(error),
                    },
                };
                let taken: Vec<String> =
                    Log::all(&self.db).await?.into_iter().map(|log| log.origin).collect();
                let origin = self.successor(&after.origin, &taken);
                set_aside(&mut tx).await?;
                let first = newest.seq(newest.size);
                self.first(tx, newest.ord + 1, first, origin, Some((after, error.to_string()))).await
            }
            Err(error) => Err(error),
        }
    }

    /// Writes down a log and its first entry; and, if it follows a log for a reason that was answered so, that decision.
    async fn first(
        &mut self,
        mut tx: Tx,
        ord: i64,
        first: i64,
        origin: String,
        after: Option<(Checkpoint, String)>,
    ) -> Result<bool, LedgerError> {
        let signer = self.settings.keys.current()?;
        let key = verifier_key(&origin, signer.as_ref())?.to_string();
        let mut log = Log { ord, origin: origin.clone(), first, size: 0, signer: key };
        if !log.begin(&mut tx).await? {
            // Another process was faster: its log is ours.
            return Ok(false);
        }
        let now = self.clock.now();
        // What waits is appended after it, and in a log time does not go back.
        let written = earliest(&mut tx).await?.map_or(micros(now), |earliest| earliest.min(micros(now)));
        let decision = after.as_ref().map(|(left, why)| self.followed(ord, &origin, left, why));
        let after =
            after.map(|(after, _)| After { origin: after.origin, size: after.size, root: after.root });
        let mut leaves = vec![(now, checked(&Leaf { written, what: What::Open { origin, after } })?)];
        if let Some(decision) = decision {
            let secret = random_bytes().map_err(LedgerError::file(std::path::Path::new(RANDOMNESS)))?;
            leaves.push((now, decide_now(&mut tx, now, written, &decision, &secret).await?));
        }
        let mut frontier = Frontier::default();
        let steps = self.settings.steps.clone();
        append(&mut tx, &mut log, &mut frontier, &leaves, &steps).await?;
        let checkpoint = sign(&mut tx, &log, frontier.root(), now, &[signer.as_ref()], &steps).await?;
        tx.commit().await.map_err(LedgerError::Unsure)?;
        tracing::info!(origin = log.origin, key = log.signer, "a ledger begins");
        self.last = Some(checkpoint);
        self.known = Some(Known { log, frontier, signer });
        Ok(true)
    }

    /// What the operator decided who goes on with a new log: the log that is left, and what was found wrong with it.
    fn followed(&self, ord: i64, origin: &str, left: &Checkpoint, why: &str) -> Decision {
        let number = |n: u64| Value::Int(i64::try_from(n).unwrap_or(i64::MAX));
        let left = Value::object([
            ("origin", Value::text(&left.origin)),
            ("size", number(left.size)),
            ("root", Value::text(hex(&left.root))),
        ]);
        Decision {
            name: format!("restore-{ord}"),
            what: "restore.followed".to_owned(),
            subject: left.canonical(),
            by: self.settings.operator.clone(),
            body: format!("a new log, `{origin}`, follows the one that was signed; what was found: {why}"),
        }
    }

    /// An origin for the log that follows `before`: the configured one if it is new, or the next number behind the old.
    fn successor(&self, before: &str, taken: &[String]) -> String {
        let is_new = |origin: &str| origin != before && taken.iter().all(|one| one != origin);
        // If the one before was named after it, it is the name of a still older log.
        let is_older = |origin: &str| before.strip_prefix(origin).is_some_and(|rest| rest.starts_with('/'));
        let configured = self.settings.origin.as_deref();
        if let Some(origin) = configured.filter(|origin| is_new(origin) && !is_older(origin)) {
            return origin.to_owned();
        }
        let numbered = before.rsplit_once('/').and_then(|(base, n)| Some((base, n.parse::<u32>().ok()?)));
        let (base, mut number) = numbered.unwrap_or((before, 1));
        loop {
            number = number.saturating_add(1);
            let origin = format!("{base}/{number}");
            if is_new(&origin) || number == u32::MAX {
                return origin;
            }
        }
    }

    /// The number of a log in an empty database: one under which nothing is published yet.
    fn unpublished(&self) -> i64 {
        let folders =
            self.settings.folder.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten();
        let numbers = folders.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<i64>().ok());
        numbers.max().unwrap_or(0).max(0).saturating_add(1)
    }

    /// Refuses a log that is behind what left the house, or differs from it.
    pub async fn not_behind(&self, tx: &mut Tx, log: &Log) -> Result<(), LedgerError> {
        let settings = &self.settings;
        if let Some(signed) = settings.highest.read()? {
            not_behind(tx, log, &signed, settings.highest.path()).await?;
        }
        if let Some(folder) = &settings.folder {
            let path = folder.join(log.ord.to_string()).join("checkpoint");
            let published = std::fs::read_to_string(&path).ok();
            let note = published.and_then(|text| Note::parse(&text).ok());
            // Anything else in that place is for the publisher to complain of.
            if let Some(signed) = note.and_then(|note| Checkpoint::parse(&note.text).ok())
                && signed.origin == log.origin
            {
                not_behind(tx, log, &signed, &path).await?;
            }
        }
        if let Some(last) = &self.last {
            not_behind(tx, log, last, std::path::Path::new("this process's memory")).await?;
        }
        Ok(())
    }
}

async fn not_behind(
    tx: &mut Tx,
    log: &Log,
    signed: &Checkpoint,
    path: &std::path::Path,
) -> Result<(), LedgerError> {
    if signed.origin != log.origin {
        return follows(tx, log, signed, path).await;
    }
    if signed.size > log.size {
        return Err(LedgerError::Behind {
            have: format!("{} entries", log.size),
            signed: Box::new(signed.clone()),
            path: path.to_owned(),
        });
    }
    let nodes = Nodes::gather(From::Tx(tx), log, [(0, signed.size)]).await?;
    if nodes.of(0, signed.size)? == signed.root {
        return Ok(());
    }
    Err(LedgerError::Differs(format!(
        "its first {} entries do not have the root that {} says was signed",
        signed.size,
        path.display()
    )))
}

/// What was signed last is of another log: fine if this one says that it follows it.
async fn follows(
    tx: &mut Tx,
    log: &Log,
    signed: &Checkpoint,
    path: &std::path::Path,
) -> Result<(), LedgerError> {
    let rows = tx.fetch(ENTRY, &[log.seq(0).into()]).await?;
    let leaf: Vec<u8> = rows.first().map(|row| row.get(0)).transpose()?.unwrap_or_default();
    if let Ok(Leaf { what: What::Open { after: Some(after), .. }, .. }) = Leaf::parse(&leaf) {
        let same = after.size > signed.size || (after.size == signed.size && after.root == signed.root);
        if after.origin == signed.origin && same {
            return Ok(());
        }
    }
    Err(LedgerError::Differs(format!(
        "it is `{}`, and {} says that the key has signed {} entries of `{}`",
        log.origin,
        path.display(),
        signed.size,
        signed.origin
    )))
}

/// Links of the old log's chains that were not appended to it have no place in the new one, where chains begin anew.
async fn set_aside(tx: &mut Tx) -> Result<(), LedgerError> {
    for row in tx.fetch(WAITING, &[]).await? {
        let (id, leaf): (i64, Vec<u8>) = (row.get(0)?, row.get(1)?);
        let Ok(leaf) = Leaf::parse(&leaf) else { continue };
        if matches!(leaf.what, What::Transition(_) | What::Seal(_) | What::Population(_)) {
            let why =
                "it is a link of a chain in the log before; a restored backup was followed by a new log";
            tx.execute(REFUSE, &[id.into(), why.into()]).await?;
        }
    }
    Ok(())
}

/// When the first of what waits was told.
async fn earliest(tx: &mut Tx) -> Result<Option<u64>, LedgerError> {
    let mut earliest = None;
    for row in tx.fetch(WAITING, &[]).await? {
        let leaf: Vec<u8> = row.get(1)?;
        if let Ok(leaf) = Leaf::parse(&leaf) {
            earliest = Some(earliest.map_or(leaf.written, |earliest: u64| earliest.min(leaf.written)));
        }
    }
    Ok(earliest)
}

fn random_origin() -> Result<String, LedgerError> {
    let mut bytes = [0; 8];
    random(&mut bytes).map_err(LedgerError::file(std::path::Path::new(RANDOMNESS)))?;
    Ok(format!("octro/{}", hex(&bytes)))
}
