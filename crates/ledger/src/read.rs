//! Reading the log for proofs: entries, checkpoints, and the hashes that lead from the ones to the others.

use octro_model::Timestamp;
use octro_store::{Bulk, Db, Param, Row};
use octro_verify::{Checkpoint, Hash, base64_encode, subtrees};

use crate::log::number;
use crate::nodes::{From, Nodes, consistency, inclusion};
use crate::{LedgerError, Log};

const ENTRIES: &str =
    "SELECT seq, at, hash, leaf FROM ledger_entries WHERE seq >= $1 AND seq < $2 ORDER BY seq LIMIT $3";
const PICKED: Bulk = Bulk {
    head: "SELECT e.seq, e.at, e.hash, e.leaf FROM (VALUES ",
    columns: 1,
    tail: ") AS v CROSS JOIN ledger_entries AS e WHERE e.seq = v.column1",
    casts: true,
};
const KEY_CHANGES: &str = "SELECT seq, at, hash, leaf FROM ledger_entries \
     WHERE seq > $1 AND seq < $2 AND leaf >= $3 AND leaf < $4 ORDER BY seq";
/// How the text of a change of keys begins, and no other: `by_new` is the first of its members.
const KEY_CHANGE: (&[u8], &[u8]) = (b"{\"by_new\":", b"{\"by_new\";");
const CHECKPOINT_FROM: &str = "SELECT size, root, at, note FROM ledger_checkpoints WHERE log = $1 AND size >= $2 \
     ORDER BY size LIMIT 1";
const CHECKPOINT_NEWEST: &str = "SELECT size, root, at, note FROM ledger_checkpoints WHERE log = $1 \
     ORDER BY size DESC LIMIT 1";
const CHECKPOINT_AT: &str = "SELECT size, root, at, note FROM ledger_checkpoints WHERE log = $1 AND at <= $2 \
     ORDER BY size DESC LIMIT 1";
const AFTER: &str =
    "SELECT seq FROM ledger_entries WHERE at > $1 AND seq >= $2 AND seq < $3 ORDER BY at, seq LIMIT 1";
const COSIGNATURES: &str =
    "SELECT line FROM ledger_cosignatures WHERE log = $1 AND size = $2 ORDER BY at, witness";
const COSIGNED_FROM: &str = "SELECT size FROM ledger_cosignatures WHERE log = $1 AND size >= $2 \
     GROUP BY size HAVING COUNT(*) >= $3 ORDER BY size LIMIT 1";
const COSIGNED_NEWEST: &str = "SELECT size FROM ledger_cosignatures WHERE log = $1 \
     GROUP BY size HAVING COUNT(*) >= $2 ORDER BY size DESC LIMIT 1";
const STAMPS: &str =
    "SELECT token FROM ledger_stamps WHERE log = $1 AND size = $2 ORDER BY at, authority LIMIT 16";

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[
    ENTRIES,
    CHECKPOINT_FROM,
    CHECKPOINT_NEWEST,
    CHECKPOINT_AT,
    AFTER,
    COSIGNATURES,
    COSIGNED_FROM,
    COSIGNED_NEWEST,
    STAMPS,
    KEY_CHANGES,
];
#[cfg(test)]
pub(crate) const BULKS: &[Bulk] = &[PICKED];

/// The most entries that one question answers.
const ENTRIES_MAX: u64 = 10_000;

/// An entry of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its place, from 0.
    pub index: u64,
    /// When its leaf was put.
    pub at: Timestamp,
    /// The leaf's hash.
    pub hash: Hash,
    /// The leaf's bytes.
    pub leaf: Vec<u8>,
}

/// A checkpoint that was signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// What it says.
    pub checkpoint: Checkpoint,
    /// When it was signed.
    pub at: Timestamp,
    /// The whole note, with the cosignatures that are known.
    pub note: String,
}

/// Reads one log of a database. What it answers of a size stays true, however the log grows.
#[derive(Clone, Debug)]
pub struct Reader {
    db: Db,
    log: Log,
}

pub(crate) fn hash_of(row: &Row, column: usize, what: &str) -> Result<Hash, LedgerError> {
    row.get::<Vec<u8>>(column)?
        .try_into()
        .map_err(|_| LedgerError::Damaged(format!("{what} has no hash of 32 bytes")))
}

impl Reader {
    /// Of the newest log, as large as it is now.
    ///
    /// # Errors
    /// [`LedgerError::NoLog`] if there is none; if the database fails.
    pub async fn newest(db: &Db) -> Result<Self, LedgerError> {
        let log = Log::newest(db).await?.ok_or(LedgerError::NoLog)?;
        Ok(Self { db: db.clone(), log })
    }

    /// Of one log.
    ///
    /// # Errors
    /// [`LedgerError::NoLog`] if there is no such log; if the database fails.
    pub async fn of(db: &Db, ord: i64) -> Result<Self, LedgerError> {
        let log = Log::by_ord(db, ord).await?.ok_or(LedgerError::NoLog)?;
        Ok(Self { db: db.clone(), log })
    }

    /// All logs of a database, the oldest first.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn logs(db: &Db) -> Result<Vec<Log>, LedgerError> {
        Ok(Log::all(db).await?)
    }

    /// The log.
    pub const fn log(&self) -> &Log {
        &self.log
    }

    /// How many entries it has.
    pub const fn size(&self) -> u64 {
        self.log.size
    }

    fn beyond(&self, asked: impl Into<String>) -> LedgerError {
        LedgerError::Beyond { asked: asked.into(), size: self.log.size }
    }

    fn entry_of(&self, row: &Row) -> Result<Entry, LedgerError> {
        let seq: i64 = row.get(0)?;
        let index = u64::try_from(seq.saturating_sub(self.log.first)).unwrap_or(u64::MAX);
        let hash = hash_of(row, 2, &format!("entry {index}"))?;
        Ok(Entry { index, at: row.get(1)?, hash, leaf: row.get(3)? })
    }

    /// The entry at `index`.
    ///
    /// # Errors
    /// [`LedgerError::Beyond`] if there is none; if the database fails.
    pub async fn entry(&self, index: u64) -> Result<Entry, LedgerError> {
        let one = self.entries(index, 1).await?.into_iter().next();
        one.ok_or_else(|| self.beyond(format!("entry {index}")))
    }

    /// At most `limit` (and 10,000) entries from `index` on.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn entries(&self, index: u64, limit: u64) -> Result<Vec<Entry>, LedgerError> {
        if index >= self.log.size {
            return Ok(Vec::new());
        }
        let values = [
            self.log.seq(index).into(),
            self.log.seq(self.log.size).into(),
            number(limit.min(ENTRIES_MAX)).into(),
        ];
        self.db.fetch(ENTRIES, &values).await?.iter().map(|row| self.entry_of(row)).collect()
    }

    /// The entries at these places, in their order.
    ///
    /// # Errors
    /// [`LedgerError::Beyond`] if one is not there; if the database fails.
    pub async fn entries_at(&self, indexes: &[u64]) -> Result<Vec<Entry>, LedgerError> {
        if let Some(index) = indexes.iter().find(|index| **index >= self.log.size) {
            return Err(self.beyond(format!("entry {index}")));
        }
        let values: Vec<Param<'_>> = indexes.iter().map(|index| self.log.seq(*index).into()).collect();
        let rows = PICKED.fetch(&self.db, &values).await?;
        let mut found = rows.iter().map(|row| self.entry_of(row)).collect::<Result<Vec<_>, _>>()?;
        found.sort_by_key(|entry| entry.index);
        let mut ordered = Vec::with_capacity(indexes.len());
        for index in indexes {
            let at = found.binary_search_by_key(index, |entry| entry.index).ok();
            match at.and_then(|at| found.get(at)) {
                Some(entry) => ordered.push(entry.clone()),
                None => return Err(LedgerError::Damaged(format!("entry {index} is missing"))),
            }
        }
        Ok(ordered)
    }

    /// The changes of the log's key after the entry at `index`. The log is looked through from there on.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn key_changes(&self, index: u64) -> Result<Vec<Entry>, LedgerError> {
        let (first, end) = KEY_CHANGE;
        let values: [Param<'_>; 4] =
            [self.log.seq(index).into(), self.log.seq(self.log.size).into(), first.into(), end.into()];
        self.db.fetch(KEY_CHANGES, &values).await?.iter().map(|row| self.entry_of(row)).collect()
    }

    /// The root of the first `size` entries.
    ///
    /// # Errors
    /// [`LedgerError::Beyond`] if there are not so many; if the database fails or is damaged.
    pub async fn root(&self, size: u64) -> Result<Hash, LedgerError> {
        Nodes::gather(From::Db(&self.db), &self.log, [(0, size)]).await?.of(0, size)
    }

    async fn hashes(&self, ranges: &[(u64, u64)]) -> Result<Vec<Hash>, LedgerError> {
        let nodes = Nodes::gather(From::Db(&self.db), &self.log, ranges.iter().copied()).await?;
        ranges.iter().map(|(start, end)| nodes.of(*start, *end)).collect()
    }

    /// What a proof file's `hashes` hold: those that lead from the entries at `indexes` to the root of `size` entries.
    ///
    /// # Errors
    /// [`LedgerError::Beyond`] unless the indexes grow strictly and are below `size`, and `size` entries are there.
    pub async fn hashes_for(&self, size: u64, indexes: &[u64]) -> Result<Vec<Hash>, LedgerError> {
        let ranges = subtrees(size, indexes).filter(|_| size <= self.log.size);
        let ranges = ranges.ok_or_else(|| {
            self.beyond(format!(
                "a proof of {} entries, by growing index, in the tree of {size}",
                indexes.len()
            ))
        })?;
        self.hashes(&ranges).await
    }

    /// A consistency proof (RFC 6962, 2.1.2) from the tree of `old` entries to the one of `new`.
    ///
    /// # Errors
    /// [`LedgerError::Beyond`] unless `old` is at most `new`, and `new` entries are there.
    pub async fn consistency(&self, old: u64, new: u64) -> Result<Vec<Hash>, LedgerError> {
        if old > new || new > self.log.size {
            return Err(self.beyond(format!("the growth from {old} to {new} entries")));
        }
        self.hashes(&consistency(old, new)).await
    }

    /// The inclusion path of the entry at `index` in the tree of `size` entries, from the leaf up.
    ///
    /// # Errors
    /// [`LedgerError::Beyond`] unless `index` is below `size`, and `size` entries are there.
    pub async fn path(&self, index: u64, size: u64) -> Result<Vec<Hash>, LedgerError> {
        if index >= size || size > self.log.size {
            return Err(self.beyond(format!("entry {index} in the tree of {size}")));
        }
        self.hashes(&inclusion(index, size)).await
    }

    async fn signed(&self, row: Option<Row>) -> Result<Option<Signed>, LedgerError> {
        let Some(row) = row else { return Ok(None) };
        let size: u64 = row.get(0)?;
        let root = hash_of(&row, 1, &format!("the checkpoint of size {size}"))?;
        let mut note: String = row.get(3)?;
        for row in self.db.fetch(COSIGNATURES, &[self.log.ord.into(), number(size).into()]).await? {
            note.push_str(row.get::<String>(0)?.trim_end_matches('\n'));
            note.push('\n');
        }
        let checkpoint = Checkpoint { origin: self.log.origin.clone(), size, root };
        Ok(Some(Signed { checkpoint, at: row.get(2)?, note }))
    }

    /// The smallest checkpoint with at least `size` entries; `None` if none is so large.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn checkpoint_from(&self, size: u64) -> Result<Option<Signed>, LedgerError> {
        let row = self.db.fetch_one(CHECKPOINT_FROM, &[self.log.ord.into(), number(size).into()]).await?;
        self.signed(row).await
    }

    /// The smallest checkpoint with at least `size` entries that at least `required` witnesses (and one) cosigned; `None`
    /// if there is none.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn cosigned_from(&self, size: u64, required: usize) -> Result<Option<Signed>, LedgerError> {
        let required = i64::try_from(required.max(1)).unwrap_or(i64::MAX);
        let values = [self.log.ord.into(), number(size).into(), required.into()];
        match self.db.fetch_one(COSIGNED_FROM, &values).await? {
            Some(row) => self.checkpoint_from(row.get(0)?).await,
            None => Ok(None),
        }
    }

    /// The newest checkpoint that at least `required` witnesses (and one) cosigned; `None` if there is none.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn cosigned(&self, required: usize) -> Result<Option<Signed>, LedgerError> {
        let required = i64::try_from(required.max(1)).unwrap_or(i64::MAX);
        match self.db.fetch_one(COSIGNED_NEWEST, &[self.log.ord.into(), required.into()]).await? {
            Some(row) => self.checkpoint_from(row.get(0)?).await,
            None => Ok(None),
        }
    }

    /// How many witnesses must have cosigned, as the process says that keeps the log; 0 if it has none.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn required(&self) -> Result<usize, LedgerError> {
        crate::outsiders::required(&self.db).await
    }

    /// The time-stamp tokens of the checkpoint of `size` entries.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn stamps(&self, size: u64) -> Result<Vec<Vec<u8>>, LedgerError> {
        let rows = self.db.fetch(STAMPS, &[self.log.ord.into(), number(size).into()]).await?;
        rows.iter().map(|row| Ok(row.get(0)?)).collect()
    }

    /// The newest checkpoint, which may be of more entries than [`Reader::size`] says.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn checkpoint(&self) -> Result<Signed, LedgerError> {
        let row = self.db.fetch_one(CHECKPOINT_NEWEST, &[self.log.ord.into()]).await?;
        self.signed(row).await?.ok_or_else(|| LedgerError::Damaged("it has no checkpoint".to_owned()))
    }

    /// The newest checkpoint that was signed by `at`; `None` if there was none yet.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn checkpoint_at(&self, at: Timestamp) -> Result<Option<Signed>, LedgerError> {
        let row = self.db.fetch_one(CHECKPOINT_AT, &[self.log.ord.into(), at.into()]).await?;
        self.signed(row).await
    }

    /// How many entries it had at a moment: those whose leaves were put by then.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn size_at(&self, at: Timestamp) -> Result<u64, LedgerError> {
        let values = [at.into(), self.log.first.into(), self.log.seq(self.log.size).into()];
        match self.db.fetch_one(AFTER, &values).await? {
            Some(row) => {
                let seq: i64 = row.get(0)?;
                Ok(u64::try_from(seq.saturating_sub(self.log.first)).unwrap_or(0))
            }
            None => Ok(self.log.size),
        }
    }

    /// A proof of one entry in the form of C2SP (`tlog-proof@v1`), against the smallest checkpoint that holds it
    /// and is signed with the key in force.
    ///
    /// # Errors
    /// [`LedgerError::Beyond`] if there is no such entry; if the database fails.
    pub async fn tlog_proof(&self, index: u64) -> Result<String, LedgerError> {
        if index >= self.log.size {
            return Err(self.beyond(format!("entry {index}")));
        }
        let last = self.key_changes(index).await?.last().map_or(index, |change| change.index);
        let signed = self.checkpoint_from(last + 1).await?;
        let signed =
            signed.ok_or_else(|| LedgerError::Damaged(format!("no checkpoint holds entry {index}")))?;
        let mut text = format!("c2sp.org/tlog-proof@v1\nindex {index}\n");
        for hash in self.path(index, signed.checkpoint.size).await? {
            text.push_str(&base64_encode(&hash));
            text.push('\n');
        }
        text.push('\n');
        text.push_str(&signed.note);
        Ok(text)
    }
}
