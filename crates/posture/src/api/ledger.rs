//! The ledger and its proofs as JSON.

use axum::extract::Path;
use axum::http::header;
use axum::response::IntoResponse as _;
use octro_engine::EngineError;
use octro_ledger::LedgerError;

use crate::ask::Ask;
use crate::failure::Failure;
use crate::handlers::{Answer, json};
use crate::ledger::{self, prove_control, prove_resource};

fn no_ledger() -> Failure {
    EngineError::Ledger(LedgerError::NoLog).into()
}

pub(super) async fn home(ask: Ask) -> Answer {
    json(&ledger::ledger(&ask).await?.ok_or_else(no_ledger)?)
}

pub(super) async fn entries(ask: Ask) -> Answer {
    json(&ledger::window(&ask).await?.ok_or_else(no_ledger)?)
}

pub(super) async fn entry(ask: Ask, Path(index): Path<String>) -> Answer {
    json(&ledger::entry(&ask, &index).await?.1)
}

pub(super) async fn control_proof(ask: Ask, Path(id): Path<String>) -> Answer {
    Ok(exactly(prove_control(&ask, &id).await?))
}

pub(super) async fn resource_proof(ask: Ask, Path(kind): Path<String>) -> Answer {
    Ok(exactly(prove_resource(&ask, &kind).await?))
}

/// A proof, byte by byte as its file has it.
fn exactly(proof: String) -> axum::response::Response {
    ([(header::CONTENT_TYPE, "application/json")], proof).into_response()
}
