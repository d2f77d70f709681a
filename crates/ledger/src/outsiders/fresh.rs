//! Fresh cosignatures of a log that does not grow. Whoever looks at it sees by them that it is alive, and that the witness
//! has seen no more of it. Proofs keep the first cosignature, which says the most about when things were written; the newest
//! stands in the published checkpoint only.

use octro_model::Timestamp;
use octro_store::{Db, Row};
use octro_verify::VerifierKey;

use super::set;
use crate::log::number;
use crate::read::Signed;
use crate::{LedgerError, Log};

/// How old a cosignature of the newest checkpoint may get. A log is expected to show itself once an hour.
const OLD: u64 = 3_600 * 1_000_000;

const FRESH: &str = "SELECT value FROM settings WHERE name LIKE 'ledger.fresh.%' ORDER BY name";
const FRESH_OF: &str = "SELECT value FROM settings WHERE name = $1";
const FIRST: &str = "SELECT line FROM ledger_cosignatures WHERE log = $1 AND size = $2 AND witness = $3";

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[FRESH, FRESH_OF, FIRST];

/// A witness's newest cosignature of a checkpoint that it had cosigned before.
struct Fresh {
    log: i64,
    size: i64,
    at: Timestamp,
    witness: String,
    line: String,
}

impl Fresh {
    fn read(row: &Row) -> Result<Option<Self>, LedgerError> {
        let value: String = row.get(0)?;
        let parts: Vec<&str> = value.splitn(5, '\n').collect();
        let [log, size, at, witness, line] = parts.as_slice() else { return Ok(None) };
        let (Ok(log), Ok(size), Ok(at)) = (log.parse(), size.parse(), at.parse()) else { return Ok(None) };
        let at = Timestamp::from_micros(at);
        Ok(Some(Self { log, size, at, witness: (*witness).to_owned(), line: line.trim_end().to_owned() }))
    }
}

fn name_of(witness: &VerifierKey) -> String {
    format!("ledger.fresh.{}", octro_verify::hex(&witness.id()))
}

/// Whether it is time to ask the witness anew, which cosigned this checkpoint `first`.
pub(super) async fn is_due(
    db: &Db,
    (log, size): (i64, u64),
    witness: &VerifierKey,
    first: Timestamp,
    now: Timestamp,
) -> Result<bool, LedgerError> {
    let row = db.fetch_one(FRESH_OF, &[(&name_of(witness)).into()]).await?;
    let fresh = row.as_ref().map(Fresh::read).transpose()?.flatten();
    let fresh = fresh.filter(|one| one.log == log && one.size == number(size));
    let last = fresh.map_or(first, |one| one.at);
    // A clock that was set back is no reason to wait for a day.
    Ok(now.micros().abs_diff(last.micros()) >= OLD)
}

/// Keeps a fresh cosignature.
pub(super) async fn keep(
    db: &Db,
    (log, size): (i64, u64),
    witness: &VerifierKey,
    line: &str,
    now: Timestamp,
) -> Result<(), LedgerError> {
    let value = format!("{log}\n{size}\n{}\n{witness}\n{line}", now.micros());
    set(db, &name_of(witness), &value).await
}

/// The note to publish: with the newest cosignature of each witness in the place of its first.
pub(crate) async fn note(db: &Db, log: &Log, signed: &Signed) -> Result<String, LedgerError> {
    let mut note = signed.note.clone();
    for row in db.fetch(FRESH, &[]).await? {
        let size = number(signed.checkpoint.size);
        let fresh = Fresh::read(&row)?.filter(|one| one.log == log.ord && one.size == size);
        let Some(Fresh { witness, line, .. }) = fresh else { continue };
        if let Some(row) = db.fetch_one(FIRST, &[log.ord.into(), size.into(), (&witness).into()]).await? {
            let first: String = row.get(0)?;
            note = note.replace(first.trim_end(), &line);
        }
    }
    Ok(note)
}
