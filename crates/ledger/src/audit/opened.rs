//! What opens the commitments of decisions and exports, against the leaves that hold them: a text that was changed opens
//! nothing any more.

use octro_store::Db;
use octro_verify::{Leaf, What, hmac};

use crate::records::{COLUMNS, Part, read};
use crate::{LedgerError, Log};

use super::{Audit, Findings};

/// So many records after the one that was looked at last.
pub(super) const RECORDS: &str = "SELECT r.hash, r.name, r.what, r.written, r.secret, r.subject, r.decided_by, r.body, \
     e.seq, e.leaf FROM ledger_records r JOIN ledger_entries e ON e.at = r.written AND e.hash = r.hash \
     WHERE r.written > $1 OR (r.written = $1 AND r.hash > $2) ORDER BY r.written, r.hash LIMIT 1000";

/// Looks at every record whose leaf is in one of these logs. One that was deleted is a person's who was erased.
pub(super) async fn records(db: &Db, logs: &[Log], audit: &mut Audit) -> Result<(), LedgerError> {
    let (mut written, mut hash) = (i64::MIN, Vec::new());
    loop {
        let rows = db.fetch(RECORDS, &[written.into(), (&hash).into()]).await?;
        let Some(last) = rows.last() else { return Ok(()) };
        (written, hash) = (last.get(3)?, last.get(0)?);
        for row in &rows {
            let (seq, leaf): (i64, Vec<u8>) = (row.get(COLUMNS)?, row.get(COLUMNS + 1)?);
            let Some(log) = logs.iter().rev().find(|log| log.first <= seq) else { continue };
            let near = u64::try_from(seq - log.first).unwrap_or(0);
            let mut findings = Findings::new();
            for part in wrong(&read(row)?, &leaf) {
                let says = format!("entry {near}: what is kept of it does not open its commitment `{part}`");
                findings.push((near, says));
            }
            audit.take(log.ord, findings);
        }
    }
}

/// The members of a leaf that a record does not open.
fn wrong(record: &crate::records::Record, leaf: &[u8]) -> Vec<&'static str> {
    // What is no leaf is told of elsewhere.
    let Ok(leaf) = Leaf::parse(leaf) else { return Vec::new() };
    let commitments = match &leaf.what {
        What::Decision { subject, by, body, .. } => {
            vec![(Part::Subject, *subject), (Part::By, *by), (Part::Body, *body)]
        }
        What::Export { by: Some(by), .. } => vec![(Part::By, *by)],
        What::Export { by: None, .. }
        | What::Open { .. }
        | What::Transition(_)
        | What::Population(_)
        | What::Seal(_)
        | What::Program { .. }
        | What::Collection(_)
        | What::Key(_)
        | What::Erasure { .. } => Vec::new(),
    };
    let opens = |part: Part, commitment| {
        let (text, salt) = record.opening(part);
        hmac(&salt, &[text.as_bytes()]) == commitment
    };
    commitments.into_iter().filter(|(part, of)| !opens(*part, *of)).map(|(part, _)| part.name()).collect()
}
