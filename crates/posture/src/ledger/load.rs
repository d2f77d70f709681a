//! The ledger's state and its entries, read.

use octro_engine::EngineError;
use octro_ledger::{Conflict, Health, LedgerError, Reader, Signed, outbox};
use octro_model::{Span, Timestamp};
use octro_verify::{Note, hex};
use octro_web::WebError;

use super::views::{
    AuditView, CheckpointView, ConflictView, CosignedView, DayView, EarlierView, EntryView, HealthView,
    LedgerView, TroubleView, WaitingView, WitnessView,
};
use crate::ask::Ask;
use crate::failure::Failure;

/// How many days the growth goes back.
const DAYS: i64 = 30;
/// How many seals are shown.
const SEALS_MAX: u32 = 10;
/// Where `octro ledger audit` writes down how it ended.
const AUDIT: &str = "ledger.audit";

/// How the ledger is doing, or was at the moment that is asked about; `None` if there is none.
pub(crate) async fn ledger(ask: &Ask) -> Result<Option<LedgerView>, Failure> {
    let db = ask.query().db();
    let reader = match Reader::newest(db).await {
        Ok(reader) => reader,
        Err(LedgerError::NoLog) => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let at = ask.moment.at;
    let log = reader.log();
    let size = size(ask, &reader).await?;
    let checkpoint = reader.checkpoint_at(at).await.map_err(failed)?;
    let waiting = if ask.moment.is_past() { None } else { Some(outbox::waiting(db).await.map_err(failed)?) };
    let (cosigned, conflicts) =
        if ask.moment.is_past() { (None, Vec::new()) } else { outside(ask, &reader).await? };
    let health = ask.app.0.state.ledger.as_ref().filter(|_| !ask.moment.is_past());
    let audit = ask.query().setting(AUDIT).await?;
    let logs = Reader::logs(db).await.map_err(failed)?;
    Ok(Some(LedgerView {
        at,
        log: log.ord,
        origin: log.origin.clone(),
        key: log.signer.clone(),
        size,
        checkpoint: checkpoint.map(|signed| shown(&log.origin, signed)),
        required: reader.required().await.map_err(failed)?,
        cosigned,
        conflicts,
        growth: growth(&reader, at, size).await?,
        waiting: waiting.map(|all| WaitingView {
            leaves: all.leaves,
            oldest: all.oldest,
            refused: all.refused,
        }),
        health: health.map(|ledger| shown_health(&ledger.health().borrow())),
        ahead: if ask.moment.is_past() { None } else { ask.query().ahead().await? },
        seals: ask.query().seals(at, SEALS_MAX).await?,
        audit: audit
            .and_then(|text| serde_json::from_str::<AuditView>(&text).ok())
            .filter(|audit| !ask.moment.is_past() || audit.at <= at),
        earlier: logs
            .into_iter()
            .filter(|one| one.ord < log.ord)
            .map(|one| EarlierView { log: one.ord, origin: one.origin, key: one.signer, size: one.size })
            .collect(),
    }))
}

/// What witnesses say at present.
async fn outside(ask: &Ask, reader: &Reader) -> Result<(Option<CosignedView>, Vec<ConflictView>), Failure> {
    let required = reader.required().await.map_err(failed)?;
    let cosigned = reader.cosigned(required).await.map_err(failed)?;
    let conflicts = Conflict::all(ask.query().db()).await.map_err(failed)?.into_iter();
    Ok((
        cosigned.map(|signed| CosignedView { size: signed.checkpoint.size, at: signed.at }),
        conflicts
            .map(|one| ConflictView { witness: one.witness, since: one.since, says: one.says })
            .collect(),
    ))
}

fn shown_health(health: &Health) -> HealthView {
    let trouble = health.witnessed.iter().flat_map(|witnessed| &witnessed.trouble);
    HealthView {
        published: health.published,
        appending: health.appending.clone(),
        publishing: health.publishing.clone(),
        mirrored: health.mirrored,
        mirroring: health.mirroring.clone(),
        stamping: health.stamping.clone(),
        trouble: trouble
            .map(|(witness, says)| TroubleView { witness: witness.clone(), says: says.clone() })
            .collect(),
    }
}

/// How many entries the log has, or had at the moment that is asked about.
pub(super) async fn size(ask: &Ask, reader: &Reader) -> Result<u64, Failure> {
    if ask.moment.is_past() { reader.size_at(ask.moment.at).await.map_err(failed) } else { Ok(reader.size()) }
}

pub(super) fn failed(error: LedgerError) -> Failure {
    EngineError::Ledger(error).into()
}

/// Entries a day, of the days up to the one of `at`.
async fn growth(reader: &Reader, at: Timestamp, size: u64) -> Result<Vec<DayView>, Failure> {
    let today = at.date().parse::<Timestamp>().unwrap_or(at);
    let day = |back: i64| today.minus(Span::from_secs(back * 86_400));
    // An entry of midnight belongs to the day that begins.
    let begins = |day: Timestamp| day.minus(Span::from_micros(1));
    let mut before = reader.size_at(begins(day(DAYS - 1))).await.map_err(failed)?;
    let mut days = Vec::new();
    for back in (0..DAYS).rev() {
        let end =
            if back == 0 { size } else { reader.size_at(begins(day(back - 1))).await.map_err(failed)? };
        days.push(DayView { day: day(back).date(), entries: end.saturating_sub(before) });
        before = end.max(before);
    }
    Ok(days)
}

/// A checkpoint with the witnesses whose lines it has. Whether their signatures are good is for those to say who know
/// their keys.
fn shown(origin: &str, signed: Signed) -> CheckpointView {
    let note = Note::parse(&signed.note);
    let lines = note.iter().flat_map(|note| &note.signatures).filter(|line| line.name != origin);
    let witnesses = lines
        .map(|line| WitnessView {
            name: line.name.clone(),
            at: line.blob.first_chunk().and_then(|time| {
                let secs = i64::try_from(u64::from_be_bytes(*time)).ok()?;
                Some(Timestamp::from_secs(secs)).filter(|_| line.blob.len() == 72)
            }),
        })
        .collect();
    CheckpointView {
        size: signed.checkpoint.size,
        root: hex(&signed.checkpoint.root),
        at: signed.at,
        witnesses,
        note: signed.note,
    }
}

/// One entry, with the log that it is in.
pub(crate) async fn entry(ask: &Ask, index: &str) -> Result<(Reader, EntryView), Failure> {
    let reader = Reader::newest(ask.query().db()).await.map_err(failed)?;
    let size = size(ask, &reader).await?;
    let place: Option<u64> = index.parse().ok();
    let place = place.filter(|place| *place < size).ok_or_else(|| {
        let shown: String = index.chars().take(30).collect();
        WebError::not_found(match size {
            0 => format!("The ledger has no entries by then, and so no entry `{shown}`."),
            _ => format!("There is no entry `{shown}`; the ledger has entries 0 to {}.", size - 1),
        })
    })?;
    let entry = EntryView::new(&reader.entry(place).await.map_err(failed)?);
    Ok((reader, entry))
}
