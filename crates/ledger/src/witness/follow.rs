//! A witness that pulls: it reads what a log has published, makes the proof from the log's tiles itself, and keeps the
//! cosigned checkpoint in its own folder, for whoever wants it.

use octro_verify::EMPTY_ROOT;

use super::{Place, Refusal, Request, Witness};
use crate::LedgerError;
use crate::publish::blocking;

/// What came of a look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Followed {
    /// A checkpoint was cosigned, of so many entries.
    Cosigned(u64),
    /// Nothing is new.
    Unchanged(u64),
}

impl Witness {
    /// Looks at what is published of the log `origin`, and cosigns it if it continues what was cosigned before.
    ///
    /// # Errors
    /// Why it is not cosigned. A checkpoint that its log signed and that does not continue is kept as evidence.
    pub async fn follow(
        self: &std::sync::Arc<Self>,
        origin: &str,
        place: &Place,
    ) -> Result<Followed, Refusal> {
        let (published, _, note) = place.note().await?;
        if published.origin != origin {
            return Err(LedgerError::Outside {
                who: place.to_string(),
                what: format!("holds the log `{}`; expected `{origin}`", published.origin),
            }
            .into());
        }
        let (old, root) = self.newest(origin).map_or((0, EMPTY_ROOT), |newest| (newest.size, newest.root));
        if published.size == old && published.root == root && old > 0 {
            return Ok(Followed::Unchanged(old));
        }
        if published.size < old {
            return Err(LedgerError::Outside {
                who: place.to_string(),
                what: format!(
                    "has gone back to {} entries; {old} were cosigned. It is an old copy, or the log was cut off",
                    published.size
                ),
            }
            .into());
        }
        // What a hostile log says of its tiles shows in the proof, which then does not hold.
        let proof = if published.size == old {
            Vec::new()
        } else {
            place.consistency(published.size, old, published.size).await?
        };
        let witness = self.clone();
        let request = Request { old, proof, note: note.clone() };
        let answered = tokio::task::spawn_blocking(move || witness.cosign(&request)).await;
        match answered {
            Ok(Ok(_)) => Ok(Followed::Cosigned(published.size)),
            Ok(Err(refusal @ Refusal::Proof { .. })) => {
                let witness = self.clone();
                blocking(move || witness.keep_refused(&published, &note)).await?;
                Err(refusal)
            }
            Ok(Err(refusal)) => Err(refusal),
            Err(_) => Err(LedgerError::Stopping.into()),
        }
    }
}
