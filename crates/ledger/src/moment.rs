//! The moment of an entry that the engine does not tell. In a log, time does not go back: it lies between what was told
//! before and what is told next.

use octro_model::Timestamp;
use octro_store::Tx;
use octro_verify::Leaf;

use crate::LedgerError;

/// Up to when something was told: whatever is told from now on is dated later.
const TOLD: &str = "SELECT value FROM settings WHERE name = 'now'";
const LAST_WAITING: &str = "SELECT leaf FROM ledger_outbox WHERE refused IS NULL ORDER BY id DESC LIMIT 1";
const LAST_ENTRY: &str = "SELECT leaf FROM ledger_entries ORDER BY seq DESC LIMIT 1";

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[TOLD, LAST_WAITING, LAST_ENTRY];

/// The present by `clock`, but neither before what was told last, in the log or waiting for it, nor after what is told
/// next. The caller keeps others from telling until the transaction ends.
///
/// # Errors
/// If the database fails, or what was told last is no leaf.
pub async fn moment(tx: &mut Tx, clock: Timestamp) -> Result<Timestamp, LedgerError> {
    let told = tx.fetch(TOLD, &[]).await?.first().map(|row| row.get::<String>(0)).transpose()?;
    let told = told.and_then(|text| text.parse().ok()).map(Timestamp::from_micros);
    let mut moment = told.map_or(clock, |told| clock.min(told));
    for sql in [LAST_WAITING, LAST_ENTRY] {
        let leaf: Option<Vec<u8>> = tx.fetch(sql, &[]).await?.first().map(|row| row.get(0)).transpose()?;
        let Some(leaf) = leaf else { continue };
        let leaf =
            Leaf::parse(&leaf).map_err(|fault| LedgerError::Damaged(format!("its last entry {fault}")))?;
        moment = moment.max(Timestamp::from_micros(i64::try_from(leaf.written).unwrap_or(i64::MAX)));
    }
    Ok(moment)
}

#[cfg(test)]
mod tests {
    use octro_testkit::TestDb;
    use octro_verify::What;

    use super::*;
    use crate::outbox;

    #[tokio::test]
    async fn it_lies_between_what_was_told_and_what_is_told_next() {
        for of in TestDb::all().await.unwrap() {
            let mut tx = of.db().begin().await.unwrap();
            let at = Timestamp::from_micros;
            // Nothing was told: the clock alone says.
            assert_eq!(moment(&mut tx, at(50)).await.unwrap(), at(50));
            let told = "INSERT INTO settings (name, value) VALUES ('now', '70')";
            tx.execute(told, &[]).await.unwrap();
            assert_eq!(moment(&mut tx, at(50)).await.unwrap(), at(50));
            assert_eq!(moment(&mut tx, at(90)).await.unwrap(), at(70), "not after what is told next");
            let what = What::Program { hash: [1; 32], name: "p".to_owned(), ord: 1 };
            outbox::put(&mut tx, at(60), &Leaf { written: 60, what }).await.unwrap();
            assert_eq!(moment(&mut tx, at(50)).await.unwrap(), at(60), "not before what waits");
            assert_eq!(moment(&mut tx, at(90)).await.unwrap(), at(70));
            drop(tx);
            of.remove().await.unwrap();
        }
    }
}
