//! The passing of time: whatever is due flips at its own moment, and in portions, so that many flips at once need no
//! more memory than few.
#![expect(clippy::indexing_slicing, reason = "slots are handed out by the state and index its own vectors")]

use octro_model::Timestamp;

use super::{Due, State};
use crate::delta::Delta;

/// A moment of which a part is still to be looked at. Only within one transaction does a state hold any.
#[derive(Debug)]
pub(crate) struct Rest {
    at: Timestamp,
    dues: std::vec::IntoIter<Due>,
}

/// How far time has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passed {
    /// To where it should.
    Whole,
    /// To the end of a moment; later ones are due, too.
    Moment,
    /// Into a moment of which more is due: what was told of it so far must not be seen without the rest.
    Within,
}

impl State {
    /// Lets time pass up to `to`: whatever flips by then flips at its own moment.
    pub(crate) fn advance(&mut self, to: Timestamp, delta: &mut Delta) {
        self.advance_portion(to, usize::MAX, delta);
    }

    /// The same until about `most` results have changed. Whoever is not answered [`Passed::Whole`] goes on with the same
    /// `to` before anything else; all portions together tell what one would.
    pub(crate) fn advance_portion(&mut self, to: Timestamp, most: usize, delta: &mut Delta) -> Passed {
        // A moment that was divided ends its portion: it is large enough.
        let divided = self.rest.is_some();
        while let Some(Rest { at, mut dues }) = self.next_moment(to) {
            self.now = self.now.max(at);
            // No result changes twice in a moment, so it does not matter where it is divided.
            while let Some(due) = dues.next() {
                match due {
                    Due::Resource(slot) => self.timer(slot, at, delta),
                    Due::Population(kind) => self.population_due(kind, at),
                }
                if delta.transitions.len() >= most && dues.len() > 0 {
                    self.rest = Some(Rest { at, dues });
                    delta.now = self.now;
                    return Passed::Within;
                }
            }
            self.tell(at, delta);
            if (divided || delta.transitions.len() >= most)
                && self.wheel.next().is_some_and(|next| next <= to)
            {
                delta.now = self.now;
                return Passed::Moment;
            }
        }
        self.now = self.now.max(to);
        delta.now = self.now;
        Passed::Whole
    }

    fn next_moment(&mut self, to: Timestamp) -> Option<Rest> {
        let begun = self.rest.take();
        begun.or_else(|| self.wheel.pop(to).map(|(at, dues)| Rest { at, dues: dues.into_iter() }))
    }

    fn timer(&mut self, slot: u32, at: Timestamp, delta: &mut Delta) {
        let resource = &self.resources[slot as usize];
        if resource.timer_at != at {
            return; // another one was set since
        }
        let kind = &self.kinds[resource.kind as usize];
        let fresh = resource.views.iter().map(|view| view.seen_at).min().unwrap_or(Timestamp::MIN);
        let linked = kind.tests.iter().any(|active| active.linked);
        if !linked && resource.flips_at > at && fresh.plus(kind.own_max_age) > at {
            // It was seen again since, and nothing else depends on the time: look again when that sighting is old.
            let next = resource.flips_at.min(fresh.plus(kind.own_max_age));
            self.set_timer(slot, next);
            return;
        }
        self.settle(slot, at, at, false, delta);
    }
}
