//! When checkpoints are stamped: each day, after its seal is in the log, the first checkpoint that covers it (and that as
//! many witnesses cosigned as must) is shown to the authority.

use std::time::Duration;

use octro_model::{Clock, Timestamp};
use octro_outbound::{Client, Limits};
use octro_store::{Db, Param};
use tokio::time::Instant;

use super::stamp::{ANSWER_MAX, request, token};
use super::{Outsiders, Witnessed};
use crate::keys::random;
use crate::log::number;
use crate::read::Signed;
use crate::{LedgerError, Log, Reader, Url};

/// How long the authority may take, and how long it is left alone after it did not answer.
const TIME: Duration = Duration::from_secs(10);
const BACK_OFF: Duration = Duration::from_secs(60);
/// How long a stamp waits for cosignatures, so that proofs have both; then it does without.
const PATIENCE: Duration = Duration::from_secs(600);

/// How the text of a seal begins: `controls` is the first of its members, and no other leaf has it first.
const SEAL: (&[u8], &[u8]) = (b"{\"controls\":", b"{\"controls\";");

const LAST_SEAL: &str =
    "SELECT MAX(seq) FROM ledger_entries WHERE seq >= $1 AND seq < $2 AND leaf >= $3 AND leaf < $4";
const LAST_STAMP: &str = "SELECT MAX(size) FROM ledger_stamps WHERE log = $1 AND authority = $2";
const ADD: &str = "INSERT INTO ledger_stamps (log, size, authority, at, token) VALUES ($1, $2, $3, $4, $5) \
     ON CONFLICT (log, size, authority) DO NOTHING";

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[LAST_SEAL, LAST_STAMP, ADD];

/// What is known between two rounds.
#[derive(Debug, Default)]
pub(crate) struct Stamping {
    /// The log, how much of it was looked through for seals, and the newest seal's place.
    seen: Option<(i64, u64, Option<u64>)>,
    /// Since when the newest seal waits for its stamp.
    waits: Option<Instant>,
    /// When the authority is asked again.
    until: Option<Instant>,
    /// Why it has not stamped.
    pub trouble: Option<String>,
}

/// Has the checkpoint after the newest seal stamped, if it is not.
pub(super) async fn stamp(
    db: &Db,
    clock: &dyn Clock,
    authority: &Url,
    outsiders: &Outsiders,
    witnessed: Option<&Witnessed>,
    stamping: &mut Stamping,
) -> Result<(), LedgerError> {
    let now = Instant::now();
    let reader = Reader::newest(db).await?;
    let log = reader.log().clone();
    let Some(seal) = newest_seal(db, &log, stamping).await? else { return Ok(()) };
    let name = authority.to_string();
    let last = db.fetch_one(LAST_STAMP, &[log.ord.into(), (&name).into()]).await?;
    let last: Option<i64> = last.map(|row| row.get(0)).transpose()?.flatten();
    if last.is_some_and(|last| last > number(seal)) {
        (stamping.waits, stamping.trouble) = (None, None);
        return Ok(());
    }
    if stamping.until.is_some_and(|until| until > now) {
        return Ok(());
    }
    let waits = *stamping.waits.get_or_insert(now);
    let mut signed = reader.cosigned_from(seal + 1, outsiders.required).await?;
    if signed.is_none() {
        let hopeless =
            outsiders.witnesses.is_empty() || witnessed.is_some_and(|one| !one.conflicts.is_empty());
        if !hopeless && now.duration_since(waits) < PATIENCE {
            return Ok(());
        }
        signed = reader.checkpoint_from(seal + 1).await?;
    }
    let Some(signed) = signed else { return Ok(()) };
    match ask(authority, &signed).await {
        Ok(token) => {
            add(db, (&log, signed.checkpoint.size), &name, &token, clock.now()).await?;
            (stamping.waits, stamping.until, stamping.trouble) = (None, None, None);
        }
        Err(error) => {
            if stamping.trouble.is_none() {
                tracing::warn!("a checkpoint was not stamped: {error}");
            }
            (stamping.until, stamping.trouble) = (Some(now + BACK_OFF), Some(error.to_string()));
        }
    }
    Ok(())
}

/// The place of the newest seal. The log is looked through once.
async fn newest_seal(db: &Db, log: &Log, stamping: &mut Stamping) -> Result<Option<u64>, LedgerError> {
    let (from, before) = match stamping.seen {
        Some((ord, seen, seal)) if ord == log.ord => (seen, seal),
        Some(_) | None => (0, None),
    };
    if from == log.size {
        return Ok(before);
    }
    let (first, end) = SEAL;
    let values: [Param<'_>; 4] = [log.seq(from).into(), log.seq(log.size).into(), first.into(), end.into()];
    let row = db.fetch_one(LAST_SEAL, &values).await?;
    let found: Option<i64> = row.map(|row| row.get(0)).transpose()?.flatten();
    let found = found.and_then(|seq| u64::try_from(seq.saturating_sub(log.first)).ok());
    let newest = found.or(before);
    stamping.seen = Some((log.ord, log.size, newest));
    Ok(newest)
}

async fn ask(authority: &Url, signed: &Signed) -> Result<Vec<u8>, LedgerError> {
    let wrong = |what: String| LedgerError::Outside { who: authority.to_string(), what };
    let mut nonce = [0; 8];
    random(&mut nonce).map_err(|error| wrong(error.to_string()))?;
    let text = signed.checkpoint.to_text();
    let limits = Limits { time: TIME, size: ANSWER_MAX };
    let kind = "application/timestamp-query";
    let answer = Client::shared().post(authority, kind, request(&text, nonce), limits).await?;
    if answer.status != 200 {
        return Err(wrong(format!("answers with the status {}: {}", answer.status, answer.words())));
    }
    token(&answer.body, &text, nonce).map_err(wrong)
}

async fn add(
    db: &Db,
    (log, size): (&Log, u64),
    authority: &str,
    token: &[u8],
    now: Timestamp,
) -> Result<(), LedgerError> {
    let mut tx = db.begin().await?;
    let values: [Param<'_>; 5] =
        [log.ord.into(), number(size).into(), authority.into(), now.into(), token.into()];
    tx.execute(ADD, &values).await?;
    Ok(tx.commit().await?)
}
