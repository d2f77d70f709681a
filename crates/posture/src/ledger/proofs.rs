//! Proofs, made for whoever asks, as files.

use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use octro_engine::Provable;
use octro_model::{Id, Timestamp};
use octro_web::WebError;

use crate::ask::Ask;
use crate::failure::Failure;
use crate::load;

/// A control's statuses from `from` to `to`: without them, from its beginning in the ledger to the moment that is asked
/// about. It answers the proof's text.
pub(crate) async fn control(ask: &Ask, id: &str) -> Result<String, Failure> {
    let id: Id = id.parse().map_err(|_| load::missing("control", id))?;
    let to = ask.params.time("to")?.unwrap_or(ask.moment.at).min(ask.moment.now);
    let from = match ask.params.time("from")? {
        Some(from) => from,
        None => match ask.query().provable_control(&id, to).await? {
            Provable::Between { since, .. } => since,
            // The proof's maker says why there is none.
            Provable::NotInSeal { sealed_at } => sealed_at.min(to),
            Provable::NoLedger | Provable::NothingSealed | Provable::Younger { .. } => to,
        },
    };
    if from > to {
        return Err(WebError::bad_request(
            "the time has no length; expected `from` before `to`, and before now",
        )
        .into());
    }
    Ok(ask.query().prove_interval(&id, from, to).await?.to_text())
}

/// The resource with `key` in, or not in, the population that the last seal up to `at` rests on: up to the moment that is
/// asked about, without it. It answers the proof's text.
pub(crate) async fn resource(ask: &Ask, kind: &str) -> Result<String, Failure> {
    let id: Id = kind.parse().map_err(|_| load::missing("kind", kind))?;
    let key = ask.params.required("key", "the key of a resource")?;
    let at: Timestamp = ask.params.time("at")?.unwrap_or(ask.moment.at).min(ask.moment.now);
    Ok(ask.query().prove_resource(&id, key, at).await?.to_text())
}

/// A text as a file that is saved and not shown.
pub(super) fn file(name: &str, kind: &'static str, text: String) -> Response {
    let name = format!("attachment; filename=\"{name}\"");
    ([(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, name)], text).into_response()
}

/// A failure that only says that there is nothing to prove, in a sentence; others stay failures.
pub(super) fn calm(failure: Failure) -> Result<String, Failure> {
    let no_proof = failure.0.status() == axum::http::StatusCode::CONFLICT
        || failure.0.status() == axum::http::StatusCode::NOT_FOUND;
    if no_proof { Ok(failure.0.detail().to_owned()) } else { Err(failure) }
}
