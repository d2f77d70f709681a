//! How a failure of the engine is answered: one place that knows.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use octro_engine::EngineError;
use octro_ledger::LedgerError;
use octro_web::WebError;

/// A request that failed, here or in the engine.
#[derive(Debug)]
pub(crate) struct Failure(pub(crate) WebError);

impl From<WebError> for Failure {
    fn from(error: WebError) -> Self {
        Self(error)
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        Self(match &error {
            EngineError::NotFound { what: "program", .. } => WebError::starting(
                "Octro is starting: the program is not in force yet. This page tries again by itself.",
            ),
            EngineError::NotFound { .. } | EngineError::NoSource(_) => WebError::not_found(sentence(&error)),
            EngineError::NotCollecting => WebError::new(StatusCode::CONFLICT, sentence(&error)),
            EngineError::NotLeader => WebError::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "Another Octro process evaluates on this database; try again in a few seconds.",
            ),
            EngineError::Store(cause) if cause.is_transient() => WebError::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "The database does not answer at the moment; try again in a few seconds.",
            )
            .because(error),
            EngineError::NotProvable(_)
            | EngineError::Ledger(LedgerError::NoLog | LedgerError::Beyond { .. }) => {
                WebError::new(StatusCode::CONFLICT, sentence(&error))
            }
            EngineError::Store(_)
            | EngineError::Program(_)
            | EngineError::Stored(_)
            | EngineError::Random(_)
            | EngineError::Ledger(_) => WebError::internal(error),
        })
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}

fn sentence(error: &EngineError) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{}.", letters.as_str())
}
