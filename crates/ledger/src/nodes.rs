//! The hashes of subtrees, from what is stored: full tiles, and at the right edge entries and the roots of tiles. What
//! a question needs is gathered in a handful of queries, then computed in memory.

use std::collections::{BTreeMap, BTreeSet};

use octro_store::{Bulk, Db, Param, Row, StoreError, Tx};
use octro_verify::{EMPTY_ROOT, Hash, node_hash, root};

use crate::log::number;
use crate::tile::{LEVEL_MAX, WIDTH, hashes_at, split};
use crate::{LedgerError, Log};

/// The values come first, so that each is a look-up by the primary key.
const TILES: Bulk = Bulk {
    head: "SELECT t.level, t.place, t.hashes FROM (VALUES ",
    columns: 3,
    tail: ") AS v CROSS JOIN ledger_tiles AS t \
           WHERE t.log = v.column1 AND t.level = v.column2 AND t.place = v.column3",
    casts: true,
};
const ROOTS: &str = "SELECT place, root FROM ledger_tiles WHERE log = $1 AND level = $2 AND place >= $3 AND place < $4 \
     ORDER BY place";
const LEAF_HASHES: &str = "SELECT seq, hash FROM ledger_entries WHERE seq >= $1 AND seq < $2 ORDER BY seq";

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[ROOTS, LEAF_HASHES];
#[cfg(test)]
pub(crate) const BULKS: &[Bulk] = &[TILES];

/// Where is read: anywhere, or within a transaction, which sees what it has written itself.
pub(crate) enum From<'a> {
    Db(&'a Db),
    Tx(&'a mut Tx),
}

impl From<'_> {
    async fn fetch(&mut self, sql: &'static str, params: &[Param<'_>]) -> Result<Vec<Row>, StoreError> {
        match self {
            Self::Db(db) => db.fetch(sql, params).await,
            Self::Tx(tx) => tx.fetch(sql, params).await,
        }
    }

    async fn fetch_bulk(&mut self, bulk: &Bulk, params: &[Param<'_>]) -> Result<Vec<Row>, StoreError> {
        match self {
            Self::Db(db) => bulk.fetch(db, params).await,
            Self::Tx(tx) => bulk.fetch_within(tx, params).await,
        }
    }
}

/// A complete subtree within one tile: its level, its first hash there and how many.
#[derive(Clone, Copy)]
struct Node {
    level: u8,
    first: u64,
    width: u64,
}

impl Node {
    /// The complete subtree over the leaves `start..start + width`, `width` a power of two that divides `start`.
    fn over(start: u64, width: u64) -> Self {
        let height = width.trailing_zeros();
        let level = u8::try_from(height / 8).unwrap_or(LEVEL_MAX).min(LEVEL_MAX);
        let shift = 8 * u32::from(level);
        Self { level, first: start >> shift, width: width >> shift }
    }

    const fn tile(self) -> (u8, u64) {
        (self.level, self.first / WIDTH)
    }
}

/// The complete subtrees that make up the leaves `start..end`, in the order of RFC 6962.
fn complete(start: u64, end: u64, each: &mut impl FnMut(Node)) {
    let width = end.saturating_sub(start);
    if width == 0 {
        return;
    }
    if width.is_power_of_two() && start.is_multiple_of(width) {
        each(Node::over(start, width));
    } else {
        let left = larger_half(width);
        complete(start, start + left, each);
        complete(start + left, end, each);
    }
}

/// The largest power of two smaller than `width`, which is at least 2.
pub(crate) fn larger_half(width: u64) -> u64 {
    1 << (63 - width.saturating_sub(1).max(1).leading_zeros())
}

/// Tiles, as far as they exist, that answer for a set of subtrees.
#[derive(Debug, Default)]
pub(crate) struct Nodes(BTreeMap<(u8, u64), Vec<Hash>>);

impl Nodes {
    /// The tiles (level and place) that the subtrees, each the leaves `start..end`, need.
    pub fn wanted(subtrees: impl IntoIterator<Item = (u64, u64)>) -> BTreeSet<(u8, u64)> {
        let mut wanted = BTreeSet::new();
        for (start, end) in subtrees {
            complete(start, end, &mut |node| {
                wanted.insert(node.tile());
            });
        }
        wanted
    }

    /// From tiles that were fetched elsewhere.
    pub const fn from_tiles(tiles: BTreeMap<(u8, u64), Vec<Hash>>) -> Self {
        Self(tiles)
    }

    /// Gathers what the subtrees (each the leaves `start..end`, aligned as a proof has them) need.
    pub async fn gather(
        mut from: From<'_>,
        log: &Log,
        subtrees: impl IntoIterator<Item = (u64, u64)>,
    ) -> Result<Self, LedgerError> {
        let subtrees: Vec<(u64, u64)> = subtrees.into_iter().collect();
        if let Some((_, end)) = subtrees.iter().find(|(_, end)| *end > log.size) {
            return Err(LedgerError::Beyond { asked: format!("entry {}", end - 1), size: log.size });
        }
        let wanted = Self::wanted(subtrees);
        let mut this = Self::default();
        let mut full: Vec<Param<'_>> = Vec::new();
        for (level, place) in wanted {
            let stored = hashes_at(log.size, level);
            if stored >= (place + 1) * WIDTH {
                full.extend([log.ord.into(), i64::from(level).into(), Param::Int(number(place))]);
            } else {
                this.0.insert((level, place), edge(&mut from, log, level, place * WIDTH, stored).await?);
            }
        }
        let asked = full.len() / 3;
        let rows = from.fetch_bulk(&TILES, &full).await?;
        if rows.len() != asked {
            return Err(LedgerError::Damaged(format!("of {asked} tiles, {} are there", rows.len())));
        }
        for row in rows {
            let (level, place): (i64, u64) = (row.get(0)?, row.get(1)?);
            let hashes = split(&row.get::<Vec<u8>>(2)?).filter(|hashes| hashes.len() as u64 == WIDTH);
            let hashes = hashes.ok_or_else(|| {
                LedgerError::Damaged(format!("tile {place} of level {level} does not hold 256 hashes"))
            })?;
            this.0.insert((u8::try_from(level).unwrap_or(u8::MAX), place), hashes);
        }
        Ok(this)
    }

    fn node(&self, node: Node) -> Option<Hash> {
        let first = usize::try_from(node.first % WIDTH).ok()?;
        let width = usize::try_from(node.width).ok()?;
        self.0.get(&node.tile())?.get(first..first + width).map(root)
    }

    /// The hash of a subtree that was gathered.
    pub fn of(&self, start: u64, end: u64) -> Result<Hash, LedgerError> {
        let width = end.saturating_sub(start);
        if width == 0 {
            return Ok(EMPTY_ROOT);
        }
        if width.is_power_of_two() && start.is_multiple_of(width) {
            return self.node(Node::over(start, width)).ok_or_else(|| {
                LedgerError::Damaged(format!("the hash over the entries {start} to {end} cannot be computed"))
            });
        }
        let left = larger_half(width);
        Ok(node_hash(&self.of(start, start + left)?, &self.of(start + left, end)?))
    }
}

/// The hashes `first..end` of a level's last tile, which is not full: those of entries, or roots of tiles below.
pub(crate) async fn edge(
    from: &mut From<'_>,
    log: &Log,
    level: u8,
    first: u64,
    end: u64,
) -> Result<Vec<Hash>, LedgerError> {
    let (rows, origin) = match level.checked_sub(1) {
        None => {
            let values = [log.seq(first).into(), log.seq(end).into()];
            (from.fetch(LEAF_HASHES, &values).await?, log.seq(first))
        }
        Some(below) => {
            let (first, end) = (number(first), number(end));
            let values = [log.ord.into(), i64::from(below).into(), first.into(), end.into()];
            (from.fetch(ROOTS, &values).await?, first)
        }
    };
    let mut hashes = Vec::with_capacity(rows.len());
    for (row, place) in rows.iter().zip(origin..) {
        let hash: Vec<u8> = row.get(1)?;
        match <Hash>::try_from(hash) {
            Ok(hash) if row.get::<i64>(0)? == place => hashes.push(hash),
            _ => break,
        }
    }
    if hashes.len() as u64 == end.saturating_sub(first) {
        return Ok(hashes);
    }
    let at = first + hashes.len() as u64;
    Err(LedgerError::Damaged(match level {
        0 => format!("entry {at} is missing or has no hash"),
        _ => format!("tile {at} of level {} is missing or has no root", level - 1),
    }))
}

/// The subtrees of a consistency proof (RFC 6962, 2.1.2) from the tree of `old` leaves to the one of `new`, in its order.
pub(crate) fn consistency(old: u64, new: u64) -> Vec<(u64, u64)> {
    let mut proof = Vec::new();
    if old == 0 || old >= new {
        return proof;
    }
    // From the top down; the proof has them from the bottom up.
    let (mut start, mut end, mut whole) = (0, new, true);
    while old != end {
        let middle = start + larger_half(end - start);
        if old <= middle {
            proof.push((middle, end));
            end = middle;
        } else {
            proof.push((start, middle));
            (start, whole) = (middle, false);
        }
    }
    if !whole {
        proof.push((start, end));
    }
    proof.reverse();
    proof
}

/// The subtrees of the inclusion path of the leaf at `index` in the tree of `size` leaves, from the leaf up.
pub(crate) fn inclusion(index: u64, size: u64) -> Vec<(u64, u64)> {
    let mut path = Vec::new();
    let (mut start, mut end) = (0, size);
    while end.saturating_sub(start) > 1 && index < size {
        let middle = start + larger_half(end - start);
        if index < middle {
            path.push((middle, end));
            end = middle;
        } else {
            path.push((start, middle));
            start = middle;
        }
    }
    path.reverse();
    path
}

#[cfg(test)]
mod tests {
    use octro_verify::{consistent, included, leaf_hash};

    use super::*;

    #[test]
    fn proofs_of_all_small_trees_hold() {
        let leaves: Vec<Hash> = (0..40_u8).map(|n| leaf_hash(&[n])).collect();
        let of = |ranges: Vec<(u64, u64)>| -> Vec<Hash> {
            ranges.iter().map(|(start, end)| root(&leaves[*start as usize..*end as usize])).collect()
        };
        for new in 0..=leaves.len() {
            let whole = root(&leaves[..new]);
            for old in 0..=new {
                let proof = of(consistency(old as u64, new as u64));
                assert!(
                    consistent(old as u64, &root(&leaves[..old]), new as u64, &whole, &proof),
                    "{old} {new}"
                );
            }
            for (index, leaf) in leaves.iter().enumerate().take(new) {
                let path = of(inclusion(index as u64, new as u64));
                assert!(included(index as u64, new as u64, leaf, &path, &whole), "{index} {new}");
            }
        }
    }

    #[test]
    fn subtrees_of_any_size_end() {
        let mut count = 0;
        complete(0, i64::MAX as u64, &mut |_| count += 1);
        assert_eq!(count, 63);
        complete(1, 4, &mut |_| count += 1);
        assert!(consistency(i64::MAX as u64 - 1, i64::MAX as u64).len() < 130);
        assert!(inclusion(i64::MAX as u64 - 1, i64::MAX as u64).len() < 64);
        assert!(inclusion(5, 5).is_empty());
    }
}
