//! Cosignatures that are stored: each must be one of its checkpoint, or the proofs that rest on it are refuted.

use octro_store::Db;
use octro_verify::{Note, VerifierKey};

use super::Findings;
use crate::log::number;
use crate::{LedgerError, Log};

pub(super) const COSIGNATURES: &str = "SELECT s.size, s.witness, s.line, c.note FROM ledger_cosignatures AS s \
     LEFT JOIN ledger_checkpoints AS c ON c.log = s.log AND c.size = s.size \
     WHERE s.log = $1 AND (s.size > $2 OR (s.size = $2 AND s.witness > $3)) ORDER BY s.size, s.witness LIMIT 1000";

/// Checks all of a log; answers what is wrong.
pub(super) async fn cosignatures(db: &Db, log: &Log) -> Result<Findings, LedgerError> {
    let mut findings = Findings::new();
    let (mut size, mut witness) = (0_u64, String::new());
    loop {
        let values = [log.ord.into(), number(size).into(), (&witness).into()];
        let rows = db.fetch(COSIGNATURES, &values).await?;
        if rows.is_empty() {
            return Ok(findings);
        }
        for row in rows {
            (size, witness) = (row.get(0)?, row.get(1)?);
            if let Err(what) = one(&witness, &row.get::<String>(2)?, row.get(3)?) {
                findings.push((size, format!("checkpoint {size}: the cosignature by {witness} {what}")));
            }
        }
    }
}

fn one(witness: &str, line: &str, note: Option<String>) -> Result<(), String> {
    let note = note.ok_or("is of no checkpoint that is there")?;
    let key = VerifierKey::parse(witness).map_err(|fault| format!("names a key that {fault}"))?;
    let note =
        Note::parse(&format!("{note}{line}")).map_err(|fault| format!("leads to a note that {fault}"))?;
    match note.cosigned_by(&key) {
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err("is by another key".to_owned()),
        Err(fault) => Err(format!("does not hold: {fault}")),
    }
}
