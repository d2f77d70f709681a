//! The journal's tables.

use octro_model::{Id, Timestamp};
use octro_store::dialect::Dialect;
use octro_store::{Bulk, Db, Param, Row, StoreError, Tx};
use octro_verify::{Hash, Status};

use super::{Chain, Ends};
use crate::EngineError;

const CHAINS: &str = "SELECT control, begun_at, n, last, status, at, evaluations, evaluated, gap, silent, counted \
     FROM journal_chains WHERE log = $1 ORDER BY control";
const LOG: &str = "SELECT COALESCE(MAX(ord), 0) FROM ledger_log";
const SEALED: &str = "SELECT n, written, hash FROM journal_seals WHERE log = $1 ORDER BY n DESC LIMIT 1";
const SINCE: &str = "SELECT from_at FROM verdicts WHERE subject = 'control' AND id = $1 \
     AND to_at = 9223372036854775807";
const CHAIN: &str = "INSERT INTO journal_chains (control, begun_at, n, last, status, at, evaluations, evaluated, gap, \
     silent, counted, log) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (control) \
     DO UPDATE SET log = excluded.log, begun_at = excluded.begun_at, n = excluded.n, last = excluded.last, status = excluded.status, at = excluded.at, \
     evaluations = excluded.evaluations, evaluated = excluded.evaluated, gap = excluded.gap, \
     silent = excluded.silent, counted = excluded.counted";
const TRANSITION: &str =
    "INSERT INTO journal_transitions (log, control, n, written, hash) VALUES ($1, $2, $3, $4, $5)";
const SEAL: &str = "INSERT INTO journal_seals (log, n, written, hash) VALUES ($1, $2, $3, $4)";
const SALTS: &str = "SELECT s.resource, s.salt FROM journal_salts s JOIN resources r ON r.ord = s.resource \
     WHERE r.kind = $1";
const SIGNER_SQLITE: &str = "SELECT signer FROM ledger_log ORDER BY ord DESC LIMIT 1";
/// A seal names the key that is in force: until it is in the outbox, nobody changes the key. SQLite has one writer anyway.
const SIGNER_POSTGRES: &str =
    "SELECT signer FROM ledger_log WHERE ord = (SELECT MAX(ord) FROM ledger_log) FOR SHARE";
/// Nobody seals or appends until the transaction ends.
const ALONE_POSTGRES: &str =
    "SELECT ord FROM ledger_log WHERE ord = (SELECT MAX(ord) FROM ledger_log) FOR UPDATE";
/// Nor is anything told: whoever tells writes this row before the outbox.
const TOLD_POSTGRES: &str = "SELECT value FROM settings WHERE name = 'now' FOR UPDATE";
const STATES: Bulk = Bulk {
    head: "INSERT INTO journal_states (log, seal, place, control, state) VALUES ",
    columns: 5,
    tail: "",
    casts: false,
};
const POPULATIONS: Bulk = Bulk {
    head: "INSERT INTO journal_populations (log, seal, kind, hash, secret) VALUES ",
    columns: 5,
    tail: "",
    casts: false,
};
const SALTS_NEW: Bulk =
    Bulk { head: "INSERT INTO journal_salts (resource, salt) VALUES ", columns: 2, tail: "", casts: false };

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] =
    &[CHAINS, LOG, SEALED, SINCE, CHAIN, TRANSITION, SEAL, SALTS, SIGNER_SQLITE];
#[cfg(test)]
pub(super) const BULKS: &[Bulk] = &[STATES, POPULATIONS, SALTS_NEW];

/// The last seal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sealed {
    pub(crate) n: u64,
    pub(crate) written: u64,
    pub(crate) hash: Hash,
}

/// A population that was put into the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Population {
    pub(crate) kind: Id,
    pub(crate) hash: Hash,
    pub(crate) secret: Hash,
}

/// A hash from its stored bytes.
pub(crate) fn hash(row: &Row, column: usize) -> Result<Hash, EngineError> {
    let bytes: Vec<u8> = row.get(column)?;
    bytes.try_into().map_err(|_| EngineError::Stored("a hash in the journal has not 32 bytes".to_owned()))
}

fn int(value: u64) -> Param<'static> {
    Param::Int(i64::try_from(value).unwrap_or(i64::MAX))
}

pub(super) async fn read(db: &Db) -> Result<Ends, EngineError> {
    let log: i64 = db.fetch_one(LOG, &[]).await?.map_or(Ok(0), |row| row.get(0))?;
    let mut ends = Ends { log, ..Ends::default() };
    for row in db.fetch(CHAINS, &[log.into()]).await? {
        let code: i64 = row.get(4)?;
        let evaluated: u64 = row.get(7)?;
        let chain = Chain {
            begun_at: row.get(1)?,
            n: row.get(2)?,
            last: hash(&row, 3)?,
            status: usize::try_from(code)
                .ok()
                .and_then(|code| Status::ALL.get(code).copied())
                .unwrap_or(Status::Ended),
            at: row.get(5)?,
            evaluations: row.get(6)?,
            evaluated: (evaluated > 0).then_some(evaluated),
            gap: row.get(8)?,
            silent: row.get(9)?,
            counted: row.get(10)?,
        };
        ends.chains.insert(row.get(0)?, chain);
    }
    if let Some(row) = db.fetch_one(SEALED, &[log.into()]).await? {
        ends.sealed = Some(Sealed { n: row.get(0)?, written: row.get(1)?, hash: hash(&row, 2)? });
    }
    let sealed = ends.sealed.as_ref().map_or(0, |sealed| sealed.written);
    ends.written = ends.chains.values().map(|chain| chain.counted).max().unwrap_or(0).max(sealed);
    Ok(ends)
}

/// Since when a control has the status that it has.
pub(super) async fn since(tx: &mut Tx, control: &Id) -> Result<Option<Timestamp>, StoreError> {
    match tx.fetch(SINCE, &[control.as_str().into()]).await?.first() {
        Some(row) => Ok(Some(row.get(0)?)),
        None => Ok(None),
    }
}

/// Keeps the end of a chain.
pub(super) async fn chain(tx: &mut Tx, log: i64, control: &Id, chain: &Chain) -> Result<(), StoreError> {
    let last = chain.last.to_vec();
    let code = Status::ALL.iter().position(|status| *status == chain.status).unwrap_or(0) as u64;
    let values = [
        control.as_str().into(),
        int(chain.begun_at),
        int(chain.n),
        Param::from(&last),
        int(code),
        int(chain.at),
        int(chain.evaluations),
        int(chain.evaluated.unwrap_or(0)),
        int(chain.gap),
        int(chain.silent),
        int(chain.counted),
        log.into(),
    ];
    tx.execute(CHAIN, &values).await.map(|_| ())
}

pub(super) async fn transition(
    tx: &mut Tx,
    log: i64,
    control: &Id,
    n: u64,
    written: u64,
    hash: &Hash,
) -> Result<(), StoreError> {
    let hash = hash.to_vec();
    tx.execute(TRANSITION, &[log.into(), control.as_str().into(), int(n), int(written), Param::from(&hash)])
        .await
        .map(|_| ())
}

/// The verifier key of the log that is in force; `None` if there is no log.
pub(super) async fn signer(tx: &mut Tx) -> Result<Option<String>, StoreError> {
    let sql = match tx.dialect() {
        Dialect::Sqlite => SIGNER_SQLITE,
        Dialect::Postgres => SIGNER_POSTGRES,
    };
    match tx.fetch(sql, &[]).await?.first() {
        Some(row) => Ok(Some(row.get(0)?)),
        None => Ok(None),
    }
}

/// Keeps others from sealing and telling until the transaction ends; answers the moment at which something can be told
/// that the engine does not tell.
pub(super) async fn alone(tx: &mut Tx, clock: Timestamp) -> Result<Timestamp, EngineError> {
    match tx.dialect() {
        // There is one writer anyway.
        Dialect::Sqlite => {}
        Dialect::Postgres => {
            // In the order in which a seal takes them.
            tx.fetch(ALONE_POSTGRES, &[]).await?;
            tx.fetch(TOLD_POSTGRES, &[]).await?;
        }
    }
    Ok(octro_ledger::moment(tx, clock).await?)
}

/// Keeps anybody from being erased until the transaction ends.
pub(crate) async fn nobody_is_erased(tx: &mut Tx) -> Result<(), StoreError> {
    signer(tx).await.map(drop)
}

/// The random bytes of a kind's resources, by number.
pub(crate) async fn own_salts(db: &Db, kind: &Id) -> Result<Vec<(i64, Hash)>, EngineError> {
    read_salts(&db.fetch(SALTS, &[kind.as_str().into()]).await?)
}

/// The same, in a transaction.
pub(crate) async fn own_salts_in(tx: &mut Tx, kind: &Id) -> Result<Vec<(i64, Hash)>, EngineError> {
    read_salts(&tx.fetch(SALTS, &[kind.as_str().into()]).await?)
}

fn read_salts(rows: &[Row]) -> Result<Vec<(i64, Hash)>, EngineError> {
    rows.iter().map(|row| Ok((row.get(0)?, hash(row, 1)?))).collect()
}

/// Keeps the random bytes of resources that had none.
pub(super) async fn keep_salts(tx: &mut Tx, new: &[(i64, Hash)]) -> Result<(), StoreError> {
    let bytes: Vec<(i64, Vec<u8>)> = new.iter().map(|(resource, salt)| (*resource, salt.to_vec())).collect();
    let mut values: Vec<Param<'_>> = Vec::with_capacity(bytes.len() * 2);
    for (resource, salt) in &bytes {
        values.extend([(*resource).into(), Param::from(salt)]);
    }
    SALTS_NEW.run(tx, &values).await
}

/// Keeps a seal with its states, which are in their order, and its populations.
pub(super) async fn seal(
    tx: &mut Tx,
    log: i64,
    sealed: &Sealed,
    states: &[(String, String)],
    populations: &[Population],
) -> Result<(), StoreError> {
    let hash = sealed.hash.to_vec();
    tx.execute(SEAL, &[log.into(), int(sealed.n), int(sealed.written), Param::from(&hash)]).await?;
    let mut values: Vec<Param<'_>> = Vec::with_capacity(states.len() * 5);
    for (place, (control, state)) in states.iter().enumerate() {
        values.extend([
            log.into(),
            int(sealed.n),
            int(place as u64),
            control.as_str().into(),
            state.as_str().into(),
        ]);
    }
    STATES.run(tx, &values).await?;
    let bytes: Vec<(Vec<u8>, Vec<u8>)> =
        populations.iter().map(|one| (one.hash.to_vec(), one.secret.to_vec())).collect();
    let mut values: Vec<Param<'_>> = Vec::with_capacity(populations.len() * 5);
    for (one, (hash, secret)) in populations.iter().zip(&bytes) {
        values.extend([
            log.into(),
            int(sealed.n),
            one.kind.as_str().into(),
            Param::from(hash),
            Param::from(secret),
        ]);
    }
    POPULATIONS.run(tx, &values).await
}
