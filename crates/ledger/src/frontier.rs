//! The right edge of the tree, in memory: the tiles that are not full yet, level by level. It is all that appending
//! needs, and it is at most 8 KiB a level.

use octro_verify::{EMPTY_ROOT, Hash, node_hash, root};

use crate::tile::WIDTH;

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Frontier {
    size: u64,
    levels: Vec<Vec<Hash>>,
}

/// A tile that has just become full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FullTile {
    pub level: u8,
    pub place: u64,
    pub root: Hash,
    pub hashes: Vec<Hash>,
}

impl Frontier {
    /// From the hashes of each level's last tile, as far as it is not full.
    pub fn from_levels(size: u64, levels: Vec<Vec<Hash>>) -> Self {
        Self { size, levels }
    }

    /// How many leaves the tree has.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf; tiles that become full are added to `full`.
    pub fn push(&mut self, leaf: Hash, full: &mut Vec<FullTile>) {
        self.size += 1;
        let (mut hash, mut level) = (leaf, 0_u8);
        loop {
            while self.levels.len() <= usize::from(level) {
                self.levels.push(Vec::new());
            }
            let Some(tile) = self.levels.get_mut(usize::from(level)) else { return };
            tile.push(hash);
            if tile.len() as u64 != WIDTH {
                return;
            }
            let hashes = std::mem::take(tile);
            hash = root(&hashes);
            let place = (crate::tile::hashes_at(self.size, level) / WIDTH).saturating_sub(1);
            full.push(FullTile { level, place, root: hash, hashes });
            level += 1;
        }
    }

    /// The root over all leaves.
    pub fn root(&self) -> Hash {
        let mut right: Option<Hash> = None;
        for tile in &self.levels {
            // The complete subtrees of this tile, smallest and rightmost first.
            let mut rest = tile.as_slice();
            while !rest.is_empty() {
                let width = 1 << rest.len().trailing_zeros();
                let (before, subtree) = rest.split_at(rest.len() - width);
                let left = root(subtree);
                right = Some(right.map_or(left, |right| node_hash(&left, &right)));
                rest = before;
            }
        }
        right.unwrap_or(EMPTY_ROOT)
    }
}

#[cfg(test)]
mod tests {
    use octro_verify::leaf_hash;

    use super::*;

    #[test]
    fn the_root_is_that_of_all_leaves() {
        let leaves: Vec<Hash> = (0..66_000_u32).map(|n| leaf_hash(&n.to_be_bytes())).collect();
        let (mut frontier, mut full) = (Frontier::default(), Vec::new());
        assert_eq!(frontier.root(), EMPTY_ROOT);
        let odd = [1, 2, 3, 255, 256, 257, 511, 512, 513, 4_097, 65_535, 65_536, 65_537, 66_000];
        for (place, leaf) in leaves.iter().enumerate() {
            frontier.push(*leaf, &mut full);
            if odd.contains(&(place + 1)) {
                assert_eq!(frontier.root(), root(&leaves[..=place]), "{}", place + 1);
                assert_eq!(frontier.size(), place as u64 + 1);
            }
        }
        let of = |level| full.iter().filter(move |tile| tile.level == level).collect::<Vec<_>>();
        assert_eq!((of(0).len(), of(1).len(), of(2).len()), (257, 1, 0));
        assert!(of(0).iter().enumerate().all(|(place, tile)| tile.place == place as u64));
        assert_eq!(of(0)[3].hashes, leaves[768..1_024]);
        assert_eq!(of(1)[0].hashes[3], of(0)[3].root);
        assert_eq!(of(1)[0].root, root(&leaves[..65_536]));
    }
}
