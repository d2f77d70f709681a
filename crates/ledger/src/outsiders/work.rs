//! The worker that asks outsiders: each checkpoint that is published is submitted, at most once a second, and once an hour
//! while nothing is added. It keeps nobody waiting, and leaves a witness that does not answer alone for a while.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use octro_model::{Clock, Timestamp};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::stamped::{Stamping, stamp};
use super::submit::{Submitted, submit};
use super::{Conflict, Outsiders, WitnessAt, Witnessed};
use crate::ledger::Inner;
use crate::{LedgerError, Reader};

/// How long a witness is left alone after it did not answer: at first, and at most.
const BACK_OFF: Duration = Duration::from_secs(1);
const BACK_OFF_MAX: Duration = Duration::from_secs(60);
/// After so many microseconds it is looked whether what all have cosigned is to be cosigned anew.
const LOOK_AGAIN: u64 = 60 * 1_000_000;

/// What is known of the witnesses between two rounds.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    /// By the witness's place: when it is asked again, how long it was left alone, and what it said.
    waits: BTreeMap<usize, (Instant, Duration, String)>,
    conflicts: BTreeMap<usize, String>,
    /// Those that cosigned since this process began: what was kept of a conflict with them is over.
    agree: BTreeSet<usize>,
    pub stamping: Stamping,
    /// The log and size that all witnesses have cosigned, and when this was so.
    done: Option<(i64, u64, Timestamp)>,
}

impl Asked {
    /// Leaves a witness that did not answer alone for a while, and for longer each time.
    fn leave_alone(&mut self, place: usize, to: &WitnessAt, now: Instant, why: String) {
        let before = self.waits.get(&place).map(|(_, wait, _)| *wait);
        let wait = before.map_or(BACK_OFF, |wait| (wait * 2).min(BACK_OFF_MAX));
        if before.is_none() {
            tracing::warn!("the witness {} did not cosign: {why}", to.key.name);
        }
        self.waits.insert(place, (now + wait, wait, why));
    }
}

impl Inner {
    /// Submits what is published to the witnesses that have not cosigned it.
    pub async fn witness(
        self: &Arc<Self>,
        clock: &Arc<dyn Clock>,
        outsiders: &Outsiders,
        asked: &mut Asked,
    ) -> Result<(), LedgerError> {
        if outsiders.witnesses.is_empty() {
            return Ok(());
        }
        let Some(published) = self.health.borrow().published else { return Ok(()) };
        let reader = Reader::newest(&self.db).await?;
        let ord = reader.log().ord;
        let present = clock.now();
        let lately = |at: Timestamp| present.micros().abs_diff(at.micros()) < LOOK_AGAIN;
        if asked.done.is_some_and(|(log, size, at)| log == ord && size == published && lately(at)) {
            return Ok(());
        }
        let Some(signed) = reader.checkpoint_from(published).await? else { return Ok(()) };
        let now = Instant::now();
        let mut asking = JoinSet::new();
        for (place, to) in outsiders.witnesses.iter().enumerate() {
            if asked.waits.get(&place).is_some_and(|(until, ..)| *until > now) {
                continue;
            }
            let (reader, db, signed, to) = (reader.clone(), self.db.clone(), signed.clone(), to.clone());
            asking.spawn(async move { (place, submit(&reader, &db, &signed, &to, present).await) });
        }
        let (mut by, mut new) = (0, false);
        let mut all = asking.len() == outsiders.witnesses.len();
        while let Some(answered) = asking.join_next().await {
            let Ok((place, result)) = answered else { continue };
            let Some(to) = outsiders.witnesses.get(place) else { continue };
            let failed = match &result {
                Ok(Submitted::Old(why)) => {
                    by += 1;
                    Some(why.clone())
                }
                Ok(Submitted::Cosigned { .. } | Submitted::Overtaken | Submitted::Conflict(_)) => None,
                Err(error) => Some(error.to_string()),
            };
            match failed {
                None => drop(asked.waits.remove(&place)),
                Some(why) => {
                    all = false;
                    asked.leave_alone(place, to, now, why);
                }
            }
            match result {
                Ok(Submitted::Cosigned { new: just }) => {
                    by += 1;
                    new |= just;
                    if asked.conflicts.remove(&place).is_some() | (just && asked.agree.insert(place)) {
                        Conflict::forget(&self.db, &to.key).await?;
                    }
                }
                Ok(Submitted::Overtaken) => all = false,
                Ok(Submitted::Conflict(says)) => {
                    all = false;
                    if !asked.conflicts.contains_key(&place) {
                        tracing::error!(
                            "the witness {} saw another history of the ledger than ours: {says}",
                            to.key.name
                        );
                    }
                    Conflict::keep(&self.db, &to.key, clock.now(), &says).await?;
                    asked.conflicts.insert(place, says);
                    // There is no hurry: it stays so until a person has looked.
                    asked.waits.insert(place, (now + BACK_OFF_MAX, BACK_OFF_MAX, String::new()));
                }
                Ok(Submitted::Old(_)) | Err(_) => {}
            }
        }
        if all {
            asked.done = Some((ord, published, present));
        }
        self.say_witnessed(outsiders, asked, published, by);
        if new {
            self.publisher.lock().await.republish().await?;
        }
        Ok(())
    }

    /// Has the daily checkpoint stamped, if there is an authority.
    pub async fn stamp(
        &self,
        clock: &Arc<dyn Clock>,
        outsiders: &Outsiders,
        asked: &mut Asked,
    ) -> Result<(), LedgerError> {
        let Some(authority) = &outsiders.stamps else { return Ok(()) };
        let witnessed = self.health.borrow().witnessed.clone();
        let stamping = &mut asked.stamping;
        stamp(&self.db, clock.as_ref(), authority, outsiders, witnessed.as_ref(), stamping).await?;
        let trouble = asked.stamping.trouble.clone();
        self.health.send_if_modified(|health| {
            let changed = health.stamping != trouble;
            health.stamping = trouble;
            changed
        });
        Ok(())
    }

    fn say_witnessed(&self, outsiders: &Outsiders, asked: &Asked, size: u64, by: usize) {
        let named = |place: &usize, says: &String| {
            outsiders.witnesses.get(*place).map(|one| (one.key.name.clone(), says.clone()))
        };
        let trouble = asked.waits.iter().filter(|(_, (.., says))| !says.is_empty());
        let witnessed = Witnessed {
            size,
            by,
            of: outsiders.witnesses.len(),
            wanted: outsiders.required,
            trouble: trouble.filter_map(|(place, (.., says))| named(place, says)).collect(),
            conflicts: asked.conflicts.iter().filter_map(|(place, says)| named(place, says)).collect(),
        };
        self.health.send_if_modified(|health| {
            let before = health.witnessed.as_ref().is_none_or(Witnessed::is_well);
            if before && !witnessed.is_well() && witnessed.conflicts.is_empty() {
                tracing::warn!("the ledger is {witnessed}, and goes on");
            }
            let changed = health.witnessed.as_ref() != Some(&witnessed);
            health.witnessed = Some(witnessed);
            changed
        });
    }
}
