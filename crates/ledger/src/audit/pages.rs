//! Entries read for the audit. What a database does for each row that it hands over costs more than hashing the row, so a
//! page of entries comes as one row that holds them all, or, from PostgreSQL, as a copy. Whatever does not come so is read
//! row by row.

use octro_store::{Copied, Db, Row};
use octro_verify::Hash;

use crate::log::number;
use crate::{LedgerError, Log};

/// The lengths of the leaves, in bytes, say where in the text of all of them each one ends.
pub(super) const TOGETHER: &str = "SELECT COUNT(*), MIN(seq), MAX(seq), string_agg(hash, ''), \
     string_agg(CAST(length(leaf) AS TEXT), ','), string_agg(leaf, '') \
     FROM (SELECT seq, hash, leaf FROM ledger_entries WHERE seq >= $1 AND seq < $2 ORDER BY seq) AS page";
pub(super) const ROWS: &str =
    "SELECT seq, hash, leaf FROM ledger_entries WHERE seq >= $1 AND seq < $2 ORDER BY seq";

/// How many entries come as one row: so few that what is read of them is still near when it is hashed, and so many that
/// asking for them costs little.
const ENTRIES: u64 = 512;
/// The largest copy of a page, in bytes. Leaves of four kilobytes have room in it; what is larger was forged.
const COPY_MAX: usize = 16 << 20;

/// What was found of a stretch of entries.
pub(super) struct Found(Vec<Page>);

enum Page {
    /// All its entries.
    Together(Together),
    /// Those that are there, as copied: place in the table, hash and leaf.
    Copied { first: i64, rows: Copied },
    /// Those that are there: index, hash and leaf.
    Rows(Vec<(u64, Vec<u8>, Vec<u8>)>),
}

/// Consecutive entries, one behind another.
struct Together {
    start: u64,
    hashes: Vec<u8>,
    lengths: Vec<usize>,
    leaves: Vec<u8>,
}

/// An entry as it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stored<'a> {
    pub index: u64,
    pub hash: &'a [u8],
    pub leaf: &'a [u8],
}

impl Found {
    /// The entries, by growing index.
    pub fn entries(&self) -> Vec<Stored<'_>> {
        let mut entries = Vec::new();
        for page in &self.0 {
            match page {
                Page::Together(Together { start, hashes, lengths, leaves }) => {
                    let mut rest = leaves.as_slice();
                    for ((index, hash), length) in (*start..).zip(hashes.chunks_exact(32)).zip(lengths) {
                        let (leaf, after) = rest.split_at_checked(*length).unwrap_or((rest, &[]));
                        rest = after;
                        entries.push(Stored { index, hash, leaf });
                    }
                }
                Page::Copied { first, rows } => {
                    for [seq, hash, leaf] in rows.rows().unwrap_or_default() {
                        let seq = seq.try_into().map_or(i64::MIN, i64::from_be_bytes);
                        entries.push(Stored { index: index_of(seq, *first), hash, leaf });
                    }
                }
                Page::Rows(rows) => {
                    entries.extend(rows.iter().map(|(index, hash, leaf)| Stored {
                        index: *index,
                        hash,
                        leaf,
                    }));
                }
            }
        }
        entries
    }
}

/// Reads the entries from `start` to below `end`.
pub(super) async fn found(db: &Db, log: &Log, start: u64, end: u64) -> Result<Found, LedgerError> {
    if let Some(page) = copied(db, log, start, end).await {
        return Ok(Found(vec![page]));
    }
    let mut pages = Vec::new();
    let mut at = start;
    while at < end {
        let until = at.saturating_add(ENTRIES).min(end);
        pages.push(page(db, log, at, until).await?);
        at = until;
    }
    Ok(Found(pages))
}

/// What a copy holds, if the database can make one. Why it cannot, or what is wrong with it, shows row by row.
async fn copied(db: &Db, log: &Log, start: u64, end: u64) -> Option<Page> {
    let rows = db.copied(ROWS, [log.seq(start), log.seq(end)], COPY_MAX).await.ok()??;
    rows.rows::<3>()?;
    Some(Page::Copied { first: log.first, rows })
}

fn index_of(seq: i64, first: i64) -> u64 {
    u64::try_from(seq.saturating_sub(first)).unwrap_or(u64::MAX)
}

async fn page(db: &Db, log: &Log, start: u64, end: u64) -> Result<Page, LedgerError> {
    let range = [log.seq(start).into(), log.seq(end).into()];
    // Whatever fails here, fails again below if it is not just that somebody made the entries too large.
    if let Ok(Some(row)) = db.fetch_one(TOGETHER, &range).await
        && let Some(together) = together(&row, log, start, end)
    {
        return Ok(Page::Together(together));
    }
    let mut rows = Vec::new();
    for row in db.fetch(ROWS, &range).await? {
        let seq: i64 = row.get(0)?;
        rows.push((index_of(seq, log.first), row.get(1)?, row.get(2)?));
    }
    Ok(Page::Rows(rows))
}

/// The page's entries, if it is all of them, each with a hash and a leaf.
fn together(row: &Row, log: &Log, start: u64, end: u64) -> Option<Together> {
    let count = end.checked_sub(start).filter(|count| *count > 0)?;
    let ends = [number(count), log.seq(start), log.seq(end - 1)];
    for (column, expected) in ends.into_iter().enumerate() {
        if row.get::<i64>(column).ok()? != expected {
            return None;
        }
    }
    let hashes: Vec<u8> = row.get(3).ok()?;
    let lengths: String = row.get(4).ok()?;
    let leaves: Vec<u8> = row.get(5).ok()?;
    let lengths: Vec<usize> = lengths.split(',').map(|length| length.parse().ok()).collect::<Option<_>>()?;
    let total = lengths.iter().try_fold(0_usize, |total, length| total.checked_add(*length))?;
    let all = lengths.len() as u64 == count
        && total == leaves.len()
        && hashes.len() == lengths.len() * size_of::<Hash>();
    all.then_some(Together { start, hashes, lengths, leaves })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use octro_model::{ManualClock, Timestamp};
    use octro_store::dialect::Dialect;
    use octro_testkit::TestDb;
    use octro_verify::{Leaf, What, leaf_hash};

    use super::*;
    use crate::{Ledger, Reader, Settings};

    /// A log with so many entries.
    async fn log(db: &Db, entries: u64) -> Log {
        let folder = tempfile::TempDir::new().unwrap();
        let clock = Arc::new(ManualClock::at(Timestamp::from_micros(1_800_000_000_000_000)));
        let settings = Settings {
            origin: Some("octro.test/log".to_owned()),
            ..Settings::at(&folder.path().join("key"))
        };
        let ledger = Ledger::open(db.clone(), clock, settings).await.unwrap();
        let leaves: Vec<Leaf> = (1..entries)
            .map(|ord| Leaf {
                written: 1_800_000_000_000_000 + ord,
                what: What::Program {
                    hash: leaf_hash(&ord.to_be_bytes()),
                    name: "p".repeat(1 + ord as usize % 90),
                    ord,
                },
            })
            .collect();
        ledger.append(Timestamp::from_micros(0), &leaves).await.unwrap();
        Reader::newest(db).await.unwrap().log().clone()
    }

    #[tokio::test]
    async fn entries_come_together_and_the_same_as_row_by_row() {
        for of in TestDb::all().await.unwrap() {
            let db = of.db();
            let log = log(&db, 1_300).await;
            let found = found(&db, &log, 0, 1_300).await.unwrap();
            match of.db().dialect() {
                Dialect::Sqlite => {
                    assert!(found.0.iter().all(|page| matches!(page, Page::Together(_))));
                    assert_eq!(found.0.len(), 3);
                }
                Dialect::Postgres => assert!(matches!(found.0.as_slice(), [Page::Copied { .. }])),
            }
            let entries = found.entries();
            assert_eq!(entries.len(), 1_300);
            let rows = db.fetch(ROWS, &[log.seq(0).into(), log.seq(1_300).into()]).await.unwrap();
            for (row, entry) in rows.iter().zip(&entries) {
                assert_eq!(row.get::<i64>(0).unwrap(), log.seq(entry.index));
                assert_eq!(row.get::<Vec<u8>>(1).unwrap(), entry.hash);
                assert_eq!(row.get::<Vec<u8>>(2).unwrap(), entry.leaf);
                assert_eq!(leaf_hash(entry.leaf).as_slice(), entry.hash);
            }
            of.remove().await.unwrap();
        }
    }

    #[tokio::test]
    async fn what_is_not_whole_is_read_row_by_row() {
        for of in TestDb::all().await.unwrap() {
            let db = of.db();
            let log = log(&db, 1_300).await;
            // More than there are.
            let beyond = found(&db, &log, 1_024, 1_400).await.unwrap();
            assert!(!beyond.0.iter().any(|page| matches!(page, Page::Together(_))), "{}", of.name());
            assert_eq!(beyond.entries().len(), 276);
            assert_eq!(beyond.entries().last().unwrap().index, 1_299);
            let none = found(&db, &log, 2_000, 2_001).await.unwrap();
            assert!(none.entries().is_empty());
            of.remove().await.unwrap();
        }
    }
}
