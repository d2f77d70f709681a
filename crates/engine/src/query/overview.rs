//! The overview: each part of the program in words, how long it was in compliance, what changed, what needs a person.

use std::collections::BTreeMap;

use octro_model::{Span, Status, Tally, Timestamp};
use serde::Serialize;

use super::{AsOf, ChangeView, ControlView, Query};
use crate::EngineError;

const VERDICTS: &str = "SELECT id, from_at, to_at, status FROM verdicts WHERE subject = $1 AND to_at > $2 AND from_at <= $3 \
     ORDER BY id, from_at";

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[VERDICTS];

/// One part of the program.
#[derive(Clone, Debug, Serialize)]
pub struct PartView {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// The heaviest status of its controls.
    pub status: Status,
    /// In words.
    pub reason: String,
    /// How many of its controls are in each status.
    pub controls: Tally,
    /// The share of time in which its controls passed, over the last 30 days; `None` if none was in force.
    pub share_30: Option<f64>,
    /// The same over 90 days.
    pub share_90: Option<f64>,
}

/// See the module.
#[derive(Clone, Debug, Serialize)]
pub struct Overview {
    /// The moment.
    pub as_of: AsOf,
    /// The parts in the program's order.
    pub parts: Vec<PartView>,
    /// How many controls are in each status.
    pub controls: Tally,
    /// The latest changes of controls.
    pub changes: Vec<ChangeView>,
    /// Controls that fail, are unknown or stale, the heaviest first.
    pub attention: Vec<ControlView>,
}

/// A stretch of a control's or test's status, as it was known.
pub(super) type Stretch = (Timestamp, Timestamp, Option<Status>);

impl Query {
    /// The overview at a moment.
    ///
    /// # Errors
    /// If there is no program yet, or the database fails.
    pub async fn overview(&self, as_of: AsOf) -> Result<Overview, EngineError> {
        let program = self.program(as_of).await?.program;
        let controls = self.controls(as_of).await?;
        let since = as_of.at.minus(Span::from_micros(90 * Span::DAY.micros()));
        let told = self.stretches("control", since, as_of.at).await?;
        let month = as_of.at.minus(Span::from_micros(30 * Span::DAY.micros()));
        let mut all = Tally::default();
        let mut parts = Vec::new();
        for (id, title) in &program.parts {
            let mine: Vec<&ControlView> =
                controls.iter().filter(|control| control.part == id.as_str()).collect();
            let mut tally = Tally::default();
            for control in &mine {
                tally[control.status] += 1;
                all[control.status] += 1;
            }
            let share = |since| {
                let stretches = mine.iter().filter_map(|control| told.get(control.id.as_str())).flatten();
                share_passing(stretches, since, as_of.at)
            };
            let status = mine.iter().map(|control| control.status).reduce(Status::worst);
            parts.push(PartView {
                id: id.to_string(),
                title: title.clone(),
                status: status.unwrap_or(Status::Unknown),
                reason: in_words(&tally),
                controls: tally,
                share_30: share(month),
                share_90: share(since),
            });
        }
        let changes = self.changes("control", None, since, as_of.at, 20).await?;
        let mut attention: Vec<ControlView> = controls
            .into_iter()
            .filter(|control| matches!(control.status, Status::Fail | Status::Unknown | Status::Stale))
            .collect();
        attention.sort_by_key(|control| {
            (std::cmp::Reverse(control.status.weight()), std::cmp::Reverse(control.tally.fail))
        });
        Ok(Overview { as_of, parts, controls: all, changes, attention })
    }

    /// The statuses of all controls or tests over a period, as they were known, by id.
    pub(super) async fn stretches(
        &self,
        subject: &str,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<BTreeMap<String, Vec<Stretch>>, EngineError> {
        let mut all: BTreeMap<String, Vec<Stretch>> = BTreeMap::new();
        for row in self.db.fetch(VERDICTS, &[subject.into(), from.into(), to.into()]).await? {
            let begin: Timestamp = row.get(1)?;
            let end: Timestamp = row.get(2)?;
            let status = u8::try_from(row.get::<i64>(3)?).ok().and_then(Status::from_code);
            all.entry(row.get(0)?).or_default().push((begin.max(from), end.min(to), status));
        }
        Ok(all)
    }
}

/// The share of time passing among the time in which anything applied.
pub(super) fn share_passing<'a>(
    stretches: impl Iterator<Item = &'a Stretch>,
    since: Timestamp,
    until: Timestamp,
) -> Option<f64> {
    let (mut passing, mut all) = (0_i64, 0_i64);
    for (from, to, status) in stretches {
        let length = to.min(&until).since(*from.max(&since)).micros().max(0);
        match status {
            Some(Status::Pass) => {
                passing += length;
                all += length;
            }
            Some(Status::NotApplicable) | None => {}
            Some(Status::Fail | Status::Unknown | Status::Stale | Status::Excepted) => all += length,
        }
    }
    (all > 0).then(|| passing as f64 / all as f64)
}

fn in_words(tally: &Tally) -> String {
    let said: Vec<String> = tally
        .parts()
        .filter(|(_, count)| *count > 0)
        .map(|(status, count)| format!("{count} {}", status.label()))
        .collect();
    if said.is_empty() { "no controls".to_owned() } else { said.join(", ") }
}
