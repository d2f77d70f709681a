//! The rows of `ledger_log`: which logs there are, and the lock that whoever appends holds.

use octro_store::dialect::Dialect;
use octro_store::{Db, Row, StoreError, Tx};

const NEWEST: &str = "SELECT ord, origin, first, size, signer FROM ledger_log ORDER BY ord DESC LIMIT 1";
const BY_ORD: &str = "SELECT ord, origin, first, size, signer FROM ledger_log WHERE ord = $1";
const ALL: &str = "SELECT ord, origin, first, size, signer FROM ledger_log ORDER BY ord";
/// SQLite has one writer, who has the lock from the start.
const LOCK_SQLITE: &str = "SELECT ord, origin, first, size, signer FROM ledger_log \
     WHERE ord = (SELECT MAX(ord) FROM ledger_log)";
const LOCK_POSTGRES: &str = "SELECT ord, origin, first, size, signer FROM ledger_log \
     WHERE ord = (SELECT MAX(ord) FROM ledger_log) FOR UPDATE SKIP LOCKED";
/// A process that is paused while it holds the lock loses it, and with it all that it had not committed.
const PATIENCE_POSTGRES: &str = "SET LOCAL idle_in_transaction_session_timeout = '2s'";
const BEGIN: &str = "INSERT INTO ledger_log (ord, origin, first, size, signer) VALUES ($1, $2, $3, 0, $4) \
     ON CONFLICT (ord) DO NOTHING";
const GROWN: &str = "UPDATE ledger_log SET size = $2, signer = $3 WHERE ord = $1";

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[NEWEST, BY_ORD, ALL, LOCK_SQLITE, BEGIN, GROWN];

/// A log. There is one, and after a restored backup another that follows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// Its number, from 1. The newest takes entries.
    pub ord: i64,
    /// Its origin.
    pub origin: String,
    /// Where its entries begin in the table.
    pub first: i64,
    /// How many entries it has.
    pub size: u64,
    /// The verifier key in force.
    pub signer: String,
}

impl Log {
    fn of(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            ord: row.get(0)?,
            origin: row.get(1)?,
            first: row.get(2)?,
            size: row.get(3)?,
            signer: row.get(4)?,
        })
    }

    /// The newest log.
    pub(crate) async fn newest(db: &Db) -> Result<Option<Self>, StoreError> {
        db.fetch_one(NEWEST, &[]).await?.as_ref().map(Self::of).transpose()
    }

    /// The newest log, as the transaction sees it.
    pub(crate) async fn newest_within(tx: &mut Tx) -> Result<Option<Self>, StoreError> {
        tx.fetch(NEWEST, &[]).await?.first().map(Self::of).transpose()
    }

    /// One log.
    pub(crate) async fn by_ord(db: &Db, ord: i64) -> Result<Option<Self>, StoreError> {
        db.fetch_one(BY_ORD, &[ord.into()]).await?.as_ref().map(Self::of).transpose()
    }

    /// All logs, the oldest first.
    pub(crate) async fn all(db: &Db) -> Result<Vec<Self>, StoreError> {
        db.fetch(ALL, &[]).await?.iter().map(Self::of).collect()
    }

    /// Locks the newest log until the transaction ends; `None` if another process holds it, or there is none.
    pub(crate) async fn lock(tx: &mut Tx) -> Result<Option<Self>, StoreError> {
        let sql = match tx.dialect() {
            Dialect::Sqlite => LOCK_SQLITE,
            Dialect::Postgres => LOCK_POSTGRES,
        };
        tx.fetch(sql, &[]).await?.first().map(Self::of).transpose()
    }

    /// Whoever is paused within this transaction does not keep the others waiting.
    pub(crate) async fn be_impatient(tx: &mut Tx) -> Result<(), StoreError> {
        if tx.dialect() == Dialect::Postgres {
            tx.execute(PATIENCE_POSTGRES, &[]).await?;
        }
        Ok(())
    }

    /// Writes down a log that begins; answers whether it was this transaction that did.
    pub(crate) async fn begin(&self, tx: &mut Tx) -> Result<bool, StoreError> {
        let values = [self.ord.into(), (&self.origin).into(), self.first.into(), (&self.signer).into()];
        Ok(tx.execute(BEGIN, &values).await? > 0)
    }

    /// Writes down how large it has become, and which key is in force.
    pub(crate) async fn save(&self, tx: &mut Tx) -> Result<(), StoreError> {
        let values = [self.ord.into(), number(self.size).into(), (&self.signer).into()];
        tx.execute(GROWN, &values).await?;
        Ok(())
    }

    /// The row of the entry at `index`.
    pub(crate) fn seq(&self, index: u64) -> i64 {
        self.first.saturating_add(number(index))
    }
}

/// A count as the database keeps it.
pub(crate) fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
