//! What pages hand out as files goes into the ledger: nobody gets the end of a list before the ledger has it.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use axum::http::StatusCode;
use octro_engine::{EngineError, record_export};
use octro_model::{Span, Timestamp};
use octro_verify::Hash;
use octro_web::WebError;

use crate::state::{App, QueryClock};

/// Each file is an entry of the ledger, which is kept for ever: more than these within the time are refused.
const FILES_MAX: usize = 60;
const WITHIN: Span = Span::from_secs(60);

/// Who gets what pages hand out: they are served on loopback only, and nobody has to sign in.
const WHO: &str = "page on loopback";

/// When files were handed out lately.
#[derive(Default)]
pub(crate) struct Lately(Mutex<VecDeque<Timestamp>>);

impl Lately {
    /// Lets one more file pass at `now`, or says when to come again.
    pub(crate) fn pass(&self, now: Timestamp) -> Result<(), WebError> {
        let mut times = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A clock that was set back must not lock anybody out.
        times.retain(|at| *at <= now && now.since(*at) < WITHIN);
        if times.len() >= FILES_MAX {
            return Err(WebError::new(
                StatusCode::TOO_MANY_REQUESTS,
                format!(
                    "{FILES_MAX} files were handed out within {}, and each is an entry of the ledger; try again in a minute, \
                     or take the list with `octro export`.",
                    WITHIN.human()
                ),
            ));
        }
        times.push_back(now);
        Ok(())
    }
}

/// Puts a file into the ledger, if one is kept: its name without `octro-` and ending, and the SHA-256 of its bytes.
pub(crate) async fn tell(app: &App, what: &str, digest: Hash) -> Result<(), EngineError> {
    let query = app.query();
    if record_export(query.db(), &QueryClock(query.clone()), what, digest, WHO).await?
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
        let at = |secs: i64| Timestamp::from_secs(1_800_000_000 + secs);
        for _ in 0..FILES_MAX {
            lately.pass(at(0)).unwrap();
        }
        let refused = lately.pass(at(59)).unwrap_err();
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
        assert!(refused.detail().contains("octro export"), "{}", refused.detail());
        lately.pass(at(60)).unwrap();
        assert!((1..FILES_MAX).all(|_| lately.pass(at(60)).is_ok()));
        assert!(lately.pass(at(60)).is_err());
        // The clock goes back by a day.
        lately.pass(at(-86_400)).unwrap();
    }
}
