//! What was told up to a moment, as one hash: of the results, of the counts, of the statuses. Made from what a replay
//! makes and from what is stored, it has to be the same.

use octro_model::{Id, Tally, Timestamp};
use octro_store::Db;
use sha2::{Digest as _, Sha256};

use crate::EngineError;
use crate::delta::ResultRow;
use crate::persist::past;
use crate::query::tally;

/// How many resources are read at once.
const PAGE: i64 = 2_000;

const RESULTS: &str = "SELECT test, resource, from_at, known_at, to_at, closed_at, superseded_at, version, observation, \
     status, prev FROM results WHERE resource > $1 AND resource <= $2 AND known_at <= $3";
const LAST: &str = "SELECT COALESCE(MAX(ord), 0) FROM resources";
const TALLIES: &str = "SELECT test, known_at, pass, fail, unknown, stale, excepted, not_applicable FROM tallies \
     WHERE test = $1 AND known_at > $2 AND known_at <= $3 ORDER BY known_at LIMIT 20000";
const TESTS: &str = "SELECT COALESCE(MAX(ord), 0) FROM tests";
const VERDICTS: &str =
    "SELECT subject, id, from_at, status FROM verdicts WHERE from_at <= $1 ORDER BY subject, id, from_at";

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[RESULTS, LAST, TALLIES, TESTS, VERDICTS];

/// A row of the results as it was known at `at`: what ended it later had not been heard of.
pub(crate) fn as_known(row: &ResultRow, at: Timestamp) -> ResultRow {
    let mut row = *row;
    if row.closed_at > at {
        row.closed_at = Timestamp::MAX;
        row.to_at = Timestamp::MAX;
    }
    if row.superseded_at > at {
        row.superseded_at = Timestamp::MAX;
    }
    row
}

/// The hash in the making.
#[derive(Default)]
pub(crate) struct Told(Sha256);

impl Told {
    /// Adds the results of one resource, in any order.
    pub(crate) fn results(&mut self, rows: &mut [ResultRow]) {
        rows.sort_by_key(|row| (row.test, row.from_at, row.known_at));
        for row in rows {
            let numbers = [
                row.resource,
                row.test,
                row.from_at.micros(),
                row.known_at.micros(),
                row.to_at.micros(),
                row.closed_at.micros(),
                row.superseded_at.micros(),
                row.version,
                row.observation,
            ];
            for number in numbers {
                self.0.update(number.to_le_bytes());
            }
            self.0.update([row.status, row.prev]);
        }
    }

    /// Adds a count, in the order of tests and moments.
    pub(crate) fn tally(&mut self, test: i64, at: Timestamp, tally: &Tally) {
        self.0.update(b"tally");
        for number in [test, at.micros()] {
            self.0.update(number.to_le_bytes());
        }
        for number in
            [tally.pass, tally.fail, tally.unknown, tally.stale, tally.excepted, tally.not_applicable]
        {
            self.0.update(number.to_le_bytes());
        }
    }

    /// Adds a status, in the order of subjects, ids and moments.
    pub(crate) fn verdict(&mut self, subject: &str, id: &Id, at: Timestamp, status: u8) {
        for text in [subject, id.as_str()] {
            self.0.update((text.len() as u64).to_le_bytes());
            self.0.update(text);
        }
        self.0.update(at.micros().to_le_bytes());
        self.0.update([status]);
    }

    /// The hash, in hexadecimal.
    pub(crate) fn finish(self) -> String {
        use std::fmt::Write as _;
        self.0.finalize().iter().fold(String::with_capacity(64), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }
}

/// Everything stored that was told by `at`, handed to `take`; answers the hash of it.
pub(crate) async fn stored(
    db: &Db,
    at: Timestamp,
    mut take: impl FnMut(Piece<'_>),
) -> Result<String, EngineError> {
    let mut told = Told::default();
    let last: i64 = db.fetch_one(LAST, &[]).await?.map_or(Ok(0), |row| row.get(0))?;
    for after in (0..last).step_by(PAGE as usize) {
        let rows = db.fetch(RESULTS, &[after.into(), (after + PAGE).into(), at.into()]).await?;
        let mut rows: Vec<ResultRow> = rows
            .iter()
            .map(|row| past::result(row).map(|row| as_known(&row, at)))
            .collect::<Result<_, _>>()?;
        rows.sort_by_key(|row| row.resource);
        for of_one in rows.chunk_by_mut(|a, b| a.resource == b.resource) {
            told.results(of_one);
            take(Piece::Results(of_one));
        }
    }
    let tests: i64 = db.fetch_one(TESTS, &[]).await?.map_or(Ok(0), |row| row.get(0))?;
    for test in 1..=tests {
        let mut after = Timestamp::MIN;
        loop {
            let rows = db.fetch(TALLIES, &[test.into(), after.into(), at.into()]).await?;
            let Some(last) = rows.last() else { break };
            after = last.get(1)?;
            for row in &rows {
                let (known_at, tally) = (row.get(1)?, tally(row, 2)?);
                told.tally(test, known_at, &tally);
                take(Piece::Tally(test, known_at, tally));
            }
        }
    }
    for row in db.fetch(VERDICTS, &[at.into()]).await? {
        let status = u8::try_from(row.get::<i64>(3)?).unwrap_or(u8::MAX);
        let (subject, id, from_at): (String, Id, Timestamp) = (row.get(0)?, row.get(1)?, row.get(2)?);
        told.verdict(&subject, &id, from_at, status);
        take(Piece::Verdict(subject, id, from_at, status));
    }
    Ok(told.finish())
}

/// Something that was told.
pub(crate) enum Piece<'a> {
    /// All results of one resource.
    Results(&'a [ResultRow]),
    /// A count: test, moment, count.
    Tally(i64, Timestamp, Tally),
    /// A status: subject, id, moment, code.
    Verdict(String, Id, Timestamp, u8),
}
