//! What a replay makes: the results of each test in the order in which they were told, with the way back from each to
//! the one before it of the same resource.

use std::collections::BTreeMap;

use octro_model::{Id, Tally, Timestamp};

use crate::delta::{Delta, ResultRow, Transition};

/// There is no row before.
const FIRST: u32 = u32::MAX;

/// The results of one test.
#[derive(Default)]
struct Rows {
    rows: Vec<ResultRow>,
    /// Of each row, the place of the row of the same resource that was told before it.
    before: Vec<u32>,
    /// By resource (its number less one), the place of the row that was told last.
    last: Vec<u32>,
}

impl Rows {
    fn last(&self, resource: i64) -> u32 {
        place(resource).and_then(|place| self.last.get(place)).copied().unwrap_or(FIRST)
    }

    /// The places of a resource's rows, the one that was told last first.
    fn places(&self, resource: i64) -> impl Iterator<Item = usize> + '_ {
        let row = |at: u32| (at != FIRST).then_some(at);
        let back = move |at: &u32| self.before.get(*at as usize).copied().and_then(row);
        std::iter::successors(row(self.last(resource)), back).map(|at| at as usize)
    }

    fn push(&mut self, row: ResultRow) {
        let Some(place) = place(row.resource) else { return };
        if self.last.len() <= place {
            self.last.resize((place + 1).max(self.last.len() * 2), FIRST);
        }
        let at = u32::try_from(self.rows.len()).unwrap_or(FIRST);
        if let Some(last) = self.last.get_mut(place) {
            self.before.push(std::mem::replace(last, at));
            self.rows.push(row);
        }
    }

    /// Ends the row of a resource that is open, if there is one.
    fn close(&mut self, resource: i64, to_at: Timestamp, closed_at: Timestamp) {
        let open = |at: &usize| {
            let row = self.rows.get(*at);
            row.is_some_and(|row| row.to_at == Timestamp::MAX && row.superseded_at == Timestamp::MAX)
        };
        let open = self.places(resource).find(open);
        if let Some(row) = open.and_then(|at| self.rows.get_mut(at)) {
            row.to_at = to_at;
            row.closed_at = closed_at;
        }
    }
}

fn place(resource: i64) -> Option<usize> {
    usize::try_from(resource - 1).ok()
}

/// Everything that a replay makes.
#[derive(Default)]
pub(super) struct Made {
    /// By test (its number less one).
    tests: Vec<Rows>,
    pub(super) tallies: BTreeMap<(i64, Timestamp), Tally>,
    pub(super) verdicts: BTreeMap<(String, Id, Timestamp), u8>,
}

impl Made {
    fn of(&mut self, test: i64) -> Option<&mut Rows> {
        let place = place(test)?;
        if self.tests.len() <= place {
            self.tests.resize_with(place + 1, Rows::default);
        }
        self.tests.get_mut(place)
    }

    /// What was told by a baseline. `results`: of each resource, in the order in which they became known.
    pub(super) fn begun(
        results: Vec<Vec<ResultRow>>,
        tallies: BTreeMap<(i64, Timestamp), Tally>,
        verdicts: BTreeMap<(String, Id, Timestamp), u8>,
    ) -> Self {
        let mut made = Self { tests: Vec::new(), tallies, verdicts };
        for row in results.into_iter().flatten() {
            if let Some(rows) = made.of(row.test) {
                rows.push(row);
            }
        }
        made
    }

    /// All of it as one hash.
    pub(super) fn digest(mut self) -> String {
        let mut told = crate::retention::Told::default();
        let mut rows: Vec<ResultRow> = self.results().into_iter().flatten().collect();
        rows.sort_by_key(|row| row.resource);
        for of_one in rows.chunk_by_mut(|a, b| a.resource == b.resource) {
            told.results(of_one);
        }
        for ((test, at), tally) in &self.tallies {
            told.tally(*test, *at, tally);
        }
        for ((subject, id, at), status) in &self.verdicts {
            told.verdict(subject, id, *at, *status);
        }
        told.finish()
    }

    /// Takes what an input changed.
    pub(super) fn take(&mut self, delta: &Delta) {
        self.take_transitions(delta);
        for row in &delta.rewritten {
            if let Some(rows) = self.of(row.test) {
                rows.push(*row);
            }
        }
        for (old, at) in &delta.superseded {
            let Some(rows) = self.of(old.test) else { continue };
            let places: Vec<usize> = rows.places(old.resource).collect();
            for at_place in places {
                if let Some(row) = rows.rows.get_mut(at_place)
                    && (row.from_at, row.known_at) == (old.from_at, old.known_at)
                {
                    row.superseded_at = *at;
                }
            }
        }
        self.tallies.extend(delta.tallies.iter().map(|(key, tally)| (*key, *tally)));
        for row in &delta.verdicts {
            self.verdicts.insert((row.subject.to_owned(), row.id.clone(), row.from_at), row.status);
        }
    }

    /// What [`crate::persist::write::fold`] makes of the transitions, row by row.
    fn take_transitions(&mut self, delta: &Delta) {
        // Rows from these places on were told by this very delta.
        let begun: Vec<usize> = self.tests.iter().map(|rows| rows.rows.len()).collect();
        for transition in &delta.transitions {
            let begun = place(transition.test).and_then(|place| begun.get(place)).copied().unwrap_or(0);
            let Some(rows) = self.of(transition.test) else { continue };
            let row = opened(transition);
            let last = rows.last(row.resource) as usize;
            match rows.rows.get_mut(last).filter(|_| last >= begun) {
                // Within one moment only the last word counts: nobody could have known the others.
                Some(before) if before.from_at == row.from_at && before.known_at == row.known_at => {
                    *before = ResultRow { prev: before.prev, ..row };
                    continue;
                }
                Some(before) => {
                    before.to_at = row.from_at;
                    before.closed_at = row.known_at;
                }
                None => rows.close(row.resource, row.from_at, row.known_at),
            }
            rows.push(row);
        }
    }

    /// The results of a resource as they are known at this point, by test and moment.
    pub(super) fn told(&self, resource: i64) -> Vec<ResultRow> {
        let rows = self.tests.iter().flat_map(|of| of.places(resource).filter_map(|at| of.rows.get(at)));
        let mut rows: Vec<ResultRow> =
            rows.filter(|row| row.superseded_at == Timestamp::MAX).copied().collect();
        rows.sort_by_key(|row| (row.test, row.from_at, row.known_at));
        rows
    }

    /// All results, by test (its number less one), each in the order in which they were told.
    pub(super) fn results(&mut self) -> Vec<Vec<ResultRow>> {
        std::mem::take(&mut self.tests).into_iter().map(|rows| rows.rows).collect()
    }
}

/// The row that a transition opens.
fn opened(transition: &Transition) -> ResultRow {
    ResultRow {
        test: transition.test,
        resource: transition.resource,
        from_at: transition.from_at,
        known_at: transition.known_at,
        to_at: Timestamp::MAX,
        closed_at: Timestamp::MAX,
        superseded_at: Timestamp::MAX,
        version: transition.version,
        observation: transition.observation,
        status: transition.status,
        prev: transition.prev,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::persist::write;

    fn transition(test: i64, resource: i64, at: i64, status: u8) -> Transition {
        let at = Timestamp::from_secs(at);
        Transition {
            test,
            resource,
            from_at: at,
            known_at: at,
            version: 1,
            observation: at.micros(),
            status,
            prev: status ^ 1,
        }
    }

    /// The rows that the database would hold, by what is written to it.
    fn stored(deltas: &[Delta]) -> Vec<ResultRow> {
        let mut all: Vec<ResultRow> = Vec::new();
        for delta in deltas {
            let (closed, opened) = write::fold(delta);
            for (test, resource, to_at, closed_at) in closed {
                let mut open = all
                    .iter_mut()
                    .filter(|row| row.to_at == Timestamp::MAX && row.superseded_at == Timestamp::MAX);
                if let Some(row) = open.find(|row| row.test == test && row.resource == resource) {
                    row.to_at = to_at;
                    row.closed_at = closed_at;
                }
            }
            all.extend(opened.iter().chain(&delta.rewritten));
            for (old, at) in &delta.superseded {
                let key = |row: &ResultRow| (row.test, row.resource, row.from_at, row.known_at);
                all.iter_mut().filter(|row| key(row) == key(old)).for_each(|row| row.superseded_at = *at);
            }
        }
        all.sort_by_key(|row| (row.test, row.resource, row.from_at, row.known_at));
        all
    }

    #[test]
    fn it_holds_what_the_database_would() {
        let told = |transitions: Vec<Transition>| Delta { transitions, ..Delta::default() };
        let mut deltas = vec![
            told(vec![transition(1, 1, 10, 0), transition(2, 1, 10, 1), transition(1, 7, 10, 0)]),
            // Twice within one input, and twice within one moment.
            told(vec![transition(1, 1, 20, 1), transition(1, 1, 30, 0), transition(2, 1, 20, 0)]),
            told(vec![transition(1, 1, 40, 1), transition(1, 1, 40, 0), transition(3, 2, 40, 0)]),
            told(vec![transition(1, 7, 50, 1)]),
        ];
        let at = Timestamp::from_secs(60);
        let old: Vec<ResultRow> = stored(&deltas).into_iter().filter(|row| row.resource == 7).collect();
        let rewritten = old.iter().map(|row| ResultRow { known_at: at, status: 2, ..*row }).collect();
        let superseded = old.iter().map(|row| (*row, at)).collect();
        deltas.push(Delta { rewritten, superseded, ..Delta::default() });
        deltas.push(told(vec![transition(1, 7, 70, 1)]));
        let mut made = Made::default();
        deltas.iter().for_each(|delta| made.take(delta));
        let expected = stored(&deltas);
        assert_eq!(expected.len(), 12, "{expected:#?}");
        let seventh: Vec<ResultRow> = expected
            .iter()
            .filter(|row| row.resource == 7 && row.superseded_at == Timestamp::MAX)
            .copied()
            .collect();
        assert_eq!(made.told(7), seventh);
        let mut results: Vec<ResultRow> = made.results().into_iter().flatten().collect();
        results.sort_by_key(|row| (row.test, row.resource, row.from_at, row.known_at));
        assert_eq!(results, expected);
    }
}
