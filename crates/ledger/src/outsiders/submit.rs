//! One checkpoint submitted to one witness: what is sent, what may come back, and what that means.

use std::time::Duration;

use octro_model::Timestamp;
use octro_outbound::{Client, Limits};
use octro_store::Db;
use octro_verify::{CLOCK_SKEW, Checkpoint, Note, VerifierKey, signature_line};

use super::{WitnessAt, fresh};
use crate::log::number;
use crate::read::Signed;
use crate::witness::{Request, name_of};
use crate::{LedgerError, Reader};

/// How long a witness may take.
const TIME: Duration = Duration::from_secs(3);
/// The largest answer: a note with signatures.
const ANSWER_MAX: usize = octro_verify::NOTE_MAX;

const LAST: &str = "SELECT MAX(size) FROM ledger_cosignatures WHERE log = $1 AND witness = $2";
const HAVE: &str = "SELECT at FROM ledger_cosignatures WHERE log = $1 AND size = $2 AND witness = $3";
const ADD: &str = "INSERT INTO ledger_cosignatures (log, size, witness, line, at) VALUES ($1, $2, $3, $4, $5) \
     ON CONFLICT (log, size, witness) DO NOTHING";

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[LAST, HAVE, ADD];

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Submitted {
    /// It is cosigned, now or before.
    Cosigned { new: bool },
    /// It is cosigned, but not lately: the witness does not answer, for this reason.
    Old(String),
    /// Another process of ours has submitted a larger one.
    Overtaken,
    /// The witness saw another history.
    Conflict(String),
}

/// Submits a checkpoint, anew if it was cosigned long ago; what is cosigned is stored.
pub(super) async fn submit(
    reader: &Reader,
    db: &Db,
    signed: &Signed,
    to: &WitnessAt,
    now: Timestamp,
) -> Result<Submitted, LedgerError> {
    let (log, size) = (reader.log().ord, signed.checkpoint.size);
    let witness = to.key.to_string();
    let mine = [log.into(), number(size).into(), (&witness).into()];
    let Some(row) = db.fetch_one(HAVE, &mine).await? else {
        return ask(reader, db, signed, to, now, false).await;
    };
    if !fresh::is_due(db, (log, size), &to.key, row.get(0)?, now).await? {
        return Ok(Submitted::Cosigned { new: false });
    }
    ask(reader, db, signed, to, now, true).await.or_else(|error| Ok(Submitted::Old(error.to_string())))
}

/// Asks the witness, which has cosigned the checkpoint before if it is asked `anew`.
async fn ask(
    reader: &Reader,
    db: &Db,
    signed: &Signed,
    to: &WitnessAt,
    now: Timestamp,
    anew: bool,
) -> Result<Submitted, LedgerError> {
    let (log, size) = (reader.log().ord, signed.checkpoint.size);
    let witness = to.key.to_string();
    let last = db.fetch_one(LAST, &[log.into(), (&witness).into()]).await?;
    let last: Option<i64> = last.map(|row| row.get(0)).transpose()?.flatten();
    let mut old = u64::try_from(last.unwrap_or(0)).unwrap_or(0);
    if old > size {
        return Ok(Submitted::Overtaken);
    }
    let url = to.url.join("add-checkpoint");
    let wrong = |what: String| LedgerError::Outside { who: url.to_string(), what };
    for asked_again in [false, true] {
        let proof = reader.consistency(old, size).await?;
        let body = Request { old, proof, note: signed.note.clone() }.to_body();
        let limits = Limits { time: TIME, size: ANSWER_MAX };
        let answer = Client::shared().post(&url, "application/octet-stream", body, limits).await?;
        match answer.status {
            200 => {
                let line = cosignature(&signed.note, &answer.body, &to.key, now).map_err(wrong)?;
                if anew {
                    fresh::keep(db, (log, size), &to.key, &line, now).await?;
                } else {
                    store(db, (log, size), &witness, &line, now).await?;
                }
                return Ok(Submitted::Cosigned { new: true });
            }
            409 => {
                let text = String::from_utf8_lossy(&answer.body);
                let theirs: u64 = text
                    .trim_end()
                    .parse()
                    .map_err(|_| wrong(format!("answers 409 without a size: {}", answer.words())))?;
                if theirs > size {
                    return larger(reader, to, theirs).await;
                }
                if asked_again {
                    return Ok(Submitted::Conflict(if theirs == size {
                        shown(
                            to,
                            &signed.checkpoint,
                            format!("it cosigned another history of {size} entries"),
                        )
                        .await
                    } else {
                        return Err(wrong(format!("says {theirs}, and then that this is not so")));
                    }));
                }
                old = theirs;
            }
            422 => {
                let what =
                    format!("it does not find that the {size} entries continue the {old} that it cosigned");
                return Ok(Submitted::Conflict(shown(to, &signed.checkpoint, what).await));
            }
            404 => return Err(wrong("does not know this log; give it the log's key".to_owned())),
            403 => {
                return Err(wrong(
                    "does not know the key that signs this log now; give it the log's new key".to_owned(),
                ));
            }
            other => return Err(wrong(format!("answers with the status {other}: {}", answer.words()))),
        }
    }
    Err(wrong("answers 409 twice".to_owned()))
}

/// The witness has cosigned more than we submit: another process of ours was faster, or there is another history.
async fn larger(reader: &Reader, to: &WitnessAt, theirs: u64) -> Result<Submitted, LedgerError> {
    let newest = reader.checkpoint().await?.checkpoint;
    if theirs <= newest.size {
        return Ok(Submitted::Overtaken);
    }
    let what = format!("it cosigned {theirs} entries of this log, which has {}", newest.size);
    Ok(Submitted::Conflict(shown(to, &newest, what).await))
}

/// Adds to `what` the note that the witness shows, if this log's key signed it: that proves it.
async fn shown(to: &WitnessAt, ours: &Checkpoint, what: String) -> String {
    let url = to.url.join(&format!("{}/checkpoint", name_of(&ours.origin)));
    let Ok(answer) = Client::shared().get(&url, Limits { time: TIME, size: ANSWER_MAX }).await else {
        return what;
    };
    let note = String::from_utf8(answer.body.to_vec()).unwrap_or_default();
    let read =
        Note::parse(&note).and_then(|note| Ok((Checkpoint::parse(&note.text)?, note.cosigned_by(&to.key)?)));
    match read {
        Ok((theirs, Some(_))) if answer.status == 200 && theirs.origin == ours.origin => {
            format!("{what}. The witness shows:\n{note}")
        }
        Ok(_) | Err(_) => what,
    }
}

/// The witness's line, if it is a good cosignature of this note, of about now.
fn cosignature(note: &str, answer: &[u8], key: &VerifierKey, now: Timestamp) -> Result<String, String> {
    let lines = std::str::from_utf8(answer).map_err(|_| "answers with what is not UTF-8".to_owned())?;
    let parsed = Note::parse(&format!("{note}{lines}"))
        .map_err(|fault| format!("answers with a note that {fault}"))?;
    let cosigned = parsed
        .cosigned_by(key)
        .map_err(|fault| fault.to_string())?
        .ok_or_else(|| format!("answers without a cosignature by {key}"))?;
    // A verifier refuses what was cosigned before it was written, or after now.
    let skew = cosigned.time.abs_diff(u64::try_from(now.secs()).unwrap_or(0));
    if skew > CLOCK_SKEW / 1_000_000 {
        return Err(format!("its clock and ours differ by {skew} s; expected ten minutes at most"));
    }
    let newest = parsed.signatures.iter().rev().find(|one| {
        one.id == key.id() && one.name == key.name && one.blob.starts_with(&cosigned.time.to_be_bytes())
    });
    newest
        .map(|one| signature_line(key, &one.blob))
        .ok_or_else(|| "answers without its cosignature".to_owned())
}

async fn store(
    db: &Db,
    (log, size): (i64, u64),
    witness: &str,
    line: &str,
    now: Timestamp,
) -> Result<(), LedgerError> {
    let mut tx = db.begin().await?;
    // SQLite's guard of the table refuses a row that is there already, whatever the statement says of conflicts.
    if !tx.fetch(HAVE, &[log.into(), number(size).into(), witness.into()]).await?.is_empty() {
        return Ok(());
    }
    let values = [log.into(), number(size).into(), witness.into(), line.into(), now.into()];
    tx.execute(ADD, &values).await?;
    Ok(tx.commit().await?)
}
