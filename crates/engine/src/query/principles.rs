//! The principles of the program, measured: defense in depth, consistency, continuous maturing.

use octro_model::{Id, Layer, Span, Status, Timestamp};
use octro_program::Program;
use serde::Serialize;

use super::overview::share_passing;
use super::period::{Mended, mean};
use super::{AsOf, ControlView, Query};
use crate::EngineError;
use crate::state::Population;

/// How many months are measured.
const MONTHS: usize = 12;

/// Defense in depth of one asset class.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Depth {
    /// The asset class.
    pub asset: Id,
    /// Its title.
    pub title: String,
    /// Every layer in order, with the number of controls in it that protect the class, and of those that pass.
    pub layers: Vec<(Layer, u64, u64)>,
    /// In how many layers there is a control.
    pub present: u64,
    /// In how many layers a control passes.
    pub passing: u64,
}

/// How much of the inventory a control really covers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Consistency {
    /// The control.
    pub control: Id,
    /// Its title.
    pub title: String,
    /// Resources known, counted once for each test of the control that judges their kind.
    pub known: u64,
    /// Of those, the ones that it could really judge: neither unknown nor stale.
    pub judged: u64,
    /// `judged / known`; `None` if nothing is known.
    pub share: Option<f64>,
    /// Whether the inventory itself is known completely.
    pub complete: bool,
    /// Kinds that its tests are about and that nothing yields.
    pub no_source: Vec<Id>,
}

/// One calendar month (UTC).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Month {
    /// `2026-03`.
    pub month: String,
    /// Its beginning.
    pub from: Timestamp,
    /// Its end, or the moment asked about.
    pub to: Timestamp,
    /// The share of time in which controls passed, as it was known; `None` if none was in force.
    pub share_passing: Option<f64>,
    /// How long the repairs that ended in it took on average.
    pub mean_time_to_repair: Option<Span>,
    /// How many repairs ended in it.
    pub repairs: u64,
    /// Exceptions in force at its end.
    pub exceptions: u64,
    /// Failures open at its end, as it was known then.
    pub failing: u64,
}

/// See the module.
#[derive(Clone, Debug, Serialize)]
pub struct Principles {
    /// Defense in depth, by asset class.
    pub depth: Vec<Depth>,
    /// Consistency, by control; the least covered first.
    pub consistency: Vec<Consistency>,
    /// The last twelve months, oldest first.
    pub months: Vec<Month>,
}

impl Query {
    /// The principles at a moment.
    ///
    /// # Errors
    /// If there is no program yet, or the database fails.
    pub async fn principles(&self, as_of: AsOf) -> Result<Principles, EngineError> {
        let program = self.program(as_of).await?.program;
        let controls = self.controls(as_of).await?;
        let mut consistency: Vec<Consistency> = controls.iter().map(consistency).collect();
        consistency.sort_by(|a, b| {
            a.share.unwrap_or(0.0).total_cmp(&b.share.unwrap_or(0.0)).then(a.control.cmp(&b.control))
        });
        Ok(Principles {
            depth: depth(&program, &controls),
            consistency,
            months: self.months(&program, as_of).await?,
        })
    }

    async fn months(&self, program: &Program, as_of: AsOf) -> Result<Vec<Month>, EngineError> {
        let bounds = months(as_of.at);
        let Some(since) = bounds.first().map(|(_, from, _)| *from) else { return Ok(Vec::new()) };
        let told = self.stretches("control", since, as_of.at).await?;
        let ords = self.test_ords().await?;
        let mut mended: Vec<Mended> = Vec::new();
        for ord in program.tests.keys().filter_map(|id| ords.get(id)) {
            mended.extend(self.mended(*ord, since, as_of.at, as_of.known_at).await?);
        }
        let mut all = Vec::with_capacity(bounds.len());
        for (month, from, to) in bounds {
            // What was known at the month's end, not what is known of it today.
            let end = AsOf { at: to, known_at: to };
            let rules = self.program(end).await?.program;
            let tallies = self.tallies(end).await?;
            let failing = rules.tests.keys().filter_map(|id| tallies.get(id)).map(|tally| tally.fail).sum();
            let exceptions = rules
                .exceptions
                .values()
                .filter(|exception| exception.approved <= to && to < exception.expires)
                .count();
            let repairs: Vec<&Mended> =
                mended.iter().filter(|one| one.repaired_at > from && one.repaired_at <= to).collect();
            all.push(Month {
                month,
                from,
                to,
                share_passing: share_passing(told.values().flatten(), from, to),
                mean_time_to_repair: mean(repairs.iter().copied()),
                repairs: repairs.len() as u64,
                exceptions: exceptions as u64,
                failing,
            });
        }
        Ok(all)
    }
}

fn depth(program: &Program, controls: &[ControlView]) -> Vec<Depth> {
    let protects = |id: &str, asset: &Id| {
        program.controls.get(id).is_some_and(|control| control.protects.contains(asset))
    };
    program
        .assets
        .iter()
        .map(|(asset, title)| {
            let mine: Vec<&ControlView> =
                controls.iter().filter(|control| protects(&control.id, asset)).collect();
            let layers: Vec<(Layer, u64, u64)> = Layer::ALL
                .iter()
                .map(|layer| {
                    let of = || mine.iter().filter(|control| control.layer == *layer);
                    let passing = of().filter(|control| control.status == Status::Pass).count();
                    (*layer, of().count() as u64, passing as u64)
                })
                .collect();
            Depth {
                asset: asset.clone(),
                title: title.clone(),
                present: layers.iter().filter(|(_, there, _)| *there > 0).count() as u64,
                passing: layers.iter().filter(|(.., passing)| *passing > 0).count() as u64,
                layers,
            }
        })
        .collect()
}

fn consistency(control: &ControlView) -> Consistency {
    let known: u64 = control.tests.iter().map(|test| test.tally.all()).sum();
    let unsure: u64 = control.tests.iter().map(|test| test.tally.unknown + test.tally.stale).sum();
    let judged = known.saturating_sub(unsure);
    let mut no_source: Vec<Id> = control
        .tests
        .iter()
        .filter(|test| test.population == Population::NoSource)
        .map(|test| test.on.clone())
        .collect();
    no_source.sort();
    no_source.dedup();
    Consistency {
        control: control.id.clone(),
        title: control.title.clone(),
        known,
        judged,
        share: (known > 0).then(|| judged as f64 / known as f64),
        complete: !control.tests.is_empty()
            && control.tests.iter().all(|test| matches!(test.population, Population::Complete { .. })),
        no_source,
    }
}

/// The calendar months (UTC) up to `at`, oldest first, the last one up to `at` itself: name, beginning, end.
fn months(at: Timestamp) -> Vec<(String, Timestamp, Timestamp)> {
    let mut all = Vec::with_capacity(MONTHS);
    let mut end = at;
    let mut name: String = at.date().chars().take(7).collect();
    for _ in 0..MONTHS {
        let Ok(from) = format!("{name}-01").parse::<Timestamp>() else { break };
        all.push((name, from, end));
        end = from;
        name = from.minus(Span::DAY).date().chars().take(7).collect();
    }
    all.reverse();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_those_of_the_calendar() {
        let at: Timestamp = "2026-03-31T12:00:00Z".parse().unwrap();
        let all = months(at);
        assert_eq!(all.len(), 12);
        assert_eq!(
            all.last().map(|(name, from, to)| (name.as_str(), from.date(), *to)),
            Some(("2026-03", "2026-03-01".to_owned(), at))
        );
        assert_eq!(all.first().map(|(name, ..)| name.as_str()), Some("2025-04"));
        assert!(all.windows(2).all(|pair| pair[0].2 == pair[1].1));
    }
}
