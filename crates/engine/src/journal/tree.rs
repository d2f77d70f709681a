//! A Merkle tree that is kept whole, so that one leaf can be replaced without hashing the others again.

use octro_verify::{EMPTY_ROOT, Hash, node_hash};

/// See the module. It has the root of [`octro_verify::root`].
#[derive(Debug, Default)]
pub(super) struct Tree {
    /// The leaves, then the nodes above them, and so on to the root. A last node without a neighbour stands above
    /// itself.
    levels: Vec<Vec<Hash>>,
}

impl Tree {
    pub(super) fn of(leaves: Vec<Hash>) -> Self {
        let mut levels = vec![leaves];
        while let Some(below) = levels.last().filter(|below| below.len() > 1) {
            let above = below.chunks(2).map(above).collect();
            levels.push(above);
        }
        Self { levels }
    }

    /// Puts another leaf in its place.
    pub(super) fn replace(&mut self, place: usize, leaf: Hash) {
        let mut place = place;
        let mut hash = leaf;
        for level in &mut self.levels {
            let Some(known) = level.get_mut(place) else { return };
            *known = hash;
            let first = place & !1;
            hash = above(level.get(first..(first + 2).min(level.len())).unwrap_or_default());
            place /= 2;
        }
    }

    pub(super) fn root(&self) -> Hash {
        self.levels.last().and_then(|level| level.first()).copied().unwrap_or(EMPTY_ROOT)
    }
}

/// The node above one or two.
fn above(below: &[Hash]) -> Hash {
    match below {
        [left, right] => node_hash(left, right),
        [only] => *only,
        _ => EMPTY_ROOT,
    }
}

#[cfg(test)]
mod tests {
    use octro_verify::{leaf_hash, root};

    use super::*;

    #[test]
    fn it_has_the_root_that_a_verifier_computes() {
        for size in 0..70_u64 {
            let mut leaves: Vec<Hash> = (0..size).map(|n| leaf_hash(&n.to_le_bytes())).collect();
            let mut tree = Tree::of(leaves.clone());
            assert_eq!(tree.root(), root(&leaves), "{size} leaves");
            for place in 0..leaves.len() {
                leaves[place] = leaf_hash(&[place as u8, 1, 2]);
                tree.replace(place, leaves[place]);
                assert_eq!(tree.root(), root(&leaves), "leaf {place} of {size}");
            }
            tree.replace(leaves.len(), [9; 32]);
            assert_eq!(tree.root(), root(&leaves), "there is no such leaf");
        }
    }
}
