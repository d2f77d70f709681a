//! What pages hand out as files goes into the ledger: nobody gets the end of a list before the ledger has it.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use octro_engine::{EngineError, record_export};
use octro_ledger::records::PAGE;
use octro_ledger::{LedgerError, Reader};
use octro_verify::Hash;
use octro_web::WebError;
use tokio::time::Instant;

use crate::ask::Ask;
use crate::failure::Failure;
use crate::state::{App, QueryClock};

/// Each file is an entry of the ledger, which is kept for ever: more than these within the time are refused.
const FILES_MAX: usize = 60;
const WITHIN: Duration = Duration::from_secs(60);

/// When files were handed out lately, by a clock that nobody sets.
#[derive(Default)]
pub(crate) struct Lately(Mutex<VecDeque<Instant>>);

impl Lately {
    /// Lets one more file pass at `now`, or says when to come again.
    fn pass(&self, now: Instant) -> Result<(), WebError> {
        let mut times = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        times.retain(|at| now.duration_since(*at) < WITHIN);
        if times.len() >= FILES_MAX {
            return Err(WebError::new(
                StatusCode::TOO_MANY_REQUESTS,
                format!(
                    "{FILES_MAX} files were handed out within a minute, and each is an entry of the ledger; try again in a \
                     minute, or take the list with `octro export`."
                ),
            ));
        }
        times.push_back(now);
        Ok(())
    }
}

/// Refuses a file to a page of another site: it cannot read the answer, but it could fill the ledger, and use up what is
/// handed out within a minute.
pub(crate) fn refuse_foreign(ask: &Ask) -> Result<(), WebError> {
    if !ask.foreign {
        return Ok(());
    }
    Err(WebError::new(
        StatusCode::FORBIDDEN,
        "A page of another site asks for a file; expected one of Octro's own, or the address itself.",
    ))
}

/// Counts a file that is about to be handed out, if it will be an entry of a ledger; or says when to come again.
pub(crate) async fn pass(ask: &Ask) -> Result<(), Failure> {
    match Reader::newest(ask.query().db()).await {
        Ok(_) => Ok(ask.app.0.handed.pass(Instant::now())?),
        Err(LedgerError::NoLog) => Ok(()),
        Err(error) => Err(EngineError::Ledger(error).into()),
    }
}

/// Puts a file into the ledger, if one is kept: its name without `octro-` and ending, and the SHA-256 of its bytes.
pub(crate) async fn tell(app: &App, what: &str, digest: Hash) -> Result<(), EngineError> {
    let query = app.query();
    if record_export(query.db(), &QueryClock(query.clone()), what, digest, PAGE).await?
        && let Some(ledger) = &app.0.state.ledger
    {
        ledger.wake();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_within_a_minute() {
        let lately = Lately::default();
        let start = Instant::now();
        let at = |secs: u64| start + Duration::from_secs(secs);
        for _ in 0..FILES_MAX {
            lately.pass(at(0)).unwrap();
        }
        let refused = lately.pass(at(59)).unwrap_err();
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
        assert!(refused.detail().contains("octro export"), "{}", refused.detail());
        lately.pass(at(60)).unwrap();
        assert!((1..FILES_MAX).all(|_| lately.pass(at(60)).is_ok()));
        assert!(lately.pass(at(60)).is_err());
    }
}
