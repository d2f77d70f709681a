//! RFC 6962 trees: roots, paths, consistency, and the walk that leads from many leaves at once to the root. Sizes are at
//! most [`SIZE_MAX`]; nothing here is ever as large as the tree.

use crate::hash::{EMPTY_ROOT, Hash, node_hash};

/// The largest size of a tree: 2^63 - 1.
pub const SIZE_MAX: u64 = i64::MAX as u64;

/// The largest power of two smaller than `n`, for `n` of at least 2.
fn split(n: u64) -> u64 {
    1 << (63 - n.saturating_sub(1).max(1).leading_zeros())
}

/// The root of the tree over these leaf hashes.
pub fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => EMPTY_ROOT,
        [one] => *one,
        more => match more.split_at_checked(split_len(more.len())) {
            Some((left, right)) => node_hash(&root(left), &root(right)),
            None => EMPTY_ROOT,
        },
    }
}

fn split_len(n: usize) -> usize {
    usize::try_from(split(n as u64)).unwrap_or(0)
}

/// The inclusion path of the leaf at `index`, from the leaf's sibling up; `None` if there is no such leaf.
pub fn path(leaves: &[Hash], index: usize) -> Option<Vec<Hash>> {
    if leaves.len() <= 1 {
        return (index < leaves.len()).then(Vec::new);
    }
    let at = split_len(leaves.len());
    let (left, right) = leaves.split_at_checked(at)?;
    let (mut inner, sibling) = match index.checked_sub(at) {
        None => (path(left, index)?, root(right)),
        Some(index) => (path(right, index)?, root(left)),
    };
    inner.push(sibling);
    Some(inner)
}

/// The root to which an inclusion path leads from a leaf; `None` if the path is too short or too long for its place.
pub fn root_of_path(index: u64, size: u64, leaf: &Hash, path: &[Hash]) -> Option<Hash> {
    if index >= size || size > SIZE_MAX {
        return None;
    }
    let (mut place, mut last, mut hash) = (index, size - 1, *leaf);
    for sibling in path {
        if last == 0 {
            return None;
        }
        if place & 1 == 1 || place == last {
            hash = node_hash(sibling, &hash);
            while place & 1 == 0 && place != 0 {
                place >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        place >>= 1;
        last >>= 1;
    }
    (last == 0).then_some(hash)
}

/// Whether `path` shows that the leaf is at `index` in the tree of `size` leaves with this root.
pub fn included(index: u64, size: u64, leaf: &Hash, path: &[Hash], root: &Hash) -> bool {
    root_of_path(index, size, leaf, path).as_ref() == Some(root)
}

/// Whether `proof` (RFC 9162, 2.1.4) shows that the tree of `new_size` leaves begins with the one of `old_size`.
pub fn consistent(old_size: u64, old: &Hash, new_size: u64, new: &Hash, proof: &[Hash]) -> bool {
    if old_size > new_size || new_size > SIZE_MAX {
        return false;
    }
    if old_size == new_size {
        return proof.is_empty() && old == new;
    }
    if old_size == 0 {
        return proof.is_empty() && *old == EMPTY_ROOT;
    }
    let (mut place, mut last) = (old_size - 1, new_size - 1);
    while place & 1 == 1 {
        place >>= 1;
        last >>= 1;
    }
    // A whole left subtree is the old root itself and is not repeated in the proof.
    let (seed, rest) = if old_size.is_power_of_two() {
        (*old, proof)
    } else {
        match proof.split_first() {
            Some((first, rest)) => (*first, rest),
            None => return false,
        }
    };
    let (mut of_old, mut of_new) = (seed, seed);
    for hash in rest {
        if last == 0 {
            return false;
        }
        if place & 1 == 1 || place == last {
            of_old = node_hash(hash, &of_old);
            of_new = node_hash(hash, &of_new);
            while place & 1 == 0 && place != 0 {
                place >>= 1;
                last >>= 1;
            }
        } else {
            of_new = node_hash(&of_new, hash);
        }
        place >>= 1;
        last >>= 1;
    }
    last == 0 && of_old == *old && of_new == *new
}

/// One step of the walk from a proof's entries to the root, in the order in which a stack machine takes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// The next hash of the proof: that of the leaves `start..end`.
    Given(u64, u64),
    /// The hash of the next entry.
    Entry,
    /// The node over the two hashes before.
    Join,
}

/// Walks the tree of `size` leaves over `indexes`, which grow strictly and are below `size`.
fn walk(size: u64, indexes: &[u64], step: &mut impl FnMut(Step) -> Option<()>) -> Option<()> {
    let mut open = vec![(0, size, indexes, false)];
    while let Some((start, n, inside, join)) = open.pop() {
        if join {
            step(Step::Join)?;
        } else if inside.is_empty() {
            step(Step::Given(start, start + n))?;
        } else if n == 1 {
            step(Step::Entry)?;
        } else {
            let left = split(n);
            let at = inside.partition_point(|index| *index < start + left);
            let (in_left, in_right) = inside.split_at_checked(at)?;
            open.push((start, n, inside, true));
            open.push((start + left, n - left, in_right, false));
            open.push((start, left, in_left, false));
        }
    }
    Some(())
}

fn orderly(size: u64, indexes: &[u64]) -> bool {
    let grows = indexes.windows(2).all(|pair| matches!(pair, [a, b] if a < b));
    size > 0 && size <= SIZE_MAX && grows && indexes.last().is_none_or(|last| *last < size)
}

/// The subtrees (each the leaves `start..end`) whose hashes lead from the leaves at `indexes` to the root, in the order in
/// which a proof holds them. `None` if the indexes do not grow strictly or are not below `size`.
pub fn subtrees(size: u64, indexes: &[u64]) -> Option<Vec<(u64, u64)>> {
    if !orderly(size, indexes) {
        return None;
    }
    let mut given = Vec::new();
    walk(size, indexes, &mut |step| {
        if let Step::Given(start, end) = step {
            given.push((start, end));
        }
        Some(())
    })?;
    Some(given)
}

/// The root of the tree of `size` leaves to which `hashes` lead from these leaves (index and hash, by growing index);
/// the error says why there is none.
pub fn root_of_entries(size: u64, entries: &[(u64, Hash)], hashes: &[Hash]) -> Result<Hash, WalkError> {
    let indexes: Vec<u64> = entries.iter().map(|(index, _)| *index).collect();
    if !orderly(size, &indexes) {
        return Err(WalkError::Order);
    }
    let (mut stack, mut next, mut given) = (Vec::with_capacity(64), entries.iter(), hashes.iter());
    let walked = walk(size, &indexes, &mut |step| {
        let hash = match step {
            Step::Given(..) => *given.next()?,
            Step::Entry => next.next()?.1,
            Step::Join => {
                let (right, left) = (stack.pop()?, stack.pop()?);
                node_hash(&left, &right)
            }
        };
        stack.push(hash);
        Some(())
    });
    match (walked, stack.pop()) {
        (Some(()), Some(root)) if given.len() == 0 => Ok(root),
        (Some(()), _) => Err(WalkError::TooMany),
        (None, _) => Err(WalkError::TooFew),
    }
}

/// The subtrees whose hashes are the inclusion path of the leaf at `index`, from the leaf's sibling up; `None` if there is no
/// such leaf.
pub fn path_subtrees(index: u64, size: u64) -> Option<Vec<(u64, u64)>> {
    if index >= size || size > SIZE_MAX {
        return None;
    }
    let (mut start, mut n, mut path) = (0, size, Vec::new());
    while n > 1 {
        let left = split(n);
        if index < start + left {
            path.push((start + left, start + n));
            n = left;
        } else {
            path.push((start, start + left));
            (start, n) = (start + left, n - left);
        }
    }
    path.reverse();
    Some(path)
}

/// The subtrees whose hashes are the proof that [`consistent`] takes; `None` if the tree does not grow.
pub fn consistency_subtrees(old_size: u64, new_size: u64) -> Option<Vec<(u64, u64)>> {
    if old_size > new_size || new_size > SIZE_MAX {
        return None;
    }
    let (mut start, mut n, mut old, mut proof) = (0, new_size, old_size, Vec::new());
    if old == 0 {
        return Some(proof);
    }
    while old < n {
        let left = split(n);
        if old <= left {
            proof.push((start + left, start + n));
            n = left;
        } else {
            proof.push((start, start + left));
            (start, n, old) = (start + left, n - left, old - left);
        }
    }
    // The old tree itself is known to whoever checks, if it is a whole left subtree.
    if start > 0 {
        proof.push((start, start + n));
    }
    proof.reverse();
    Some(proof)
}

/// Why there is no way from entries to a root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WalkError {
    /// The indexes do not grow, or are beyond the tree.
    Order,
    /// There are fewer hashes than the walk takes.
    TooFew,
    /// Hashes are left over.
    TooMany,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hash::leaf_hash;

    fn leaves(n: usize) -> Vec<Hash> {
        (0..n).map(|i| leaf_hash(&i.to_be_bytes())).collect()
    }

    fn hashes(leaves: &[Hash], subtrees: &[(u64, u64)]) -> Vec<Hash> {
        subtrees.iter().map(|(start, end)| root(&leaves[*start as usize..*end as usize])).collect()
    }

    #[test]
    fn known_roots() {
        // The test vectors of Certificate Transparency.
        let inputs: [&[u8]; 4] = [b"", &[0], &[0x10], &[0x20, 0x21]];
        let leaves: Vec<Hash> = inputs.iter().map(|input| leaf_hash(input)).collect();
        let of = |n: usize| crate::hash::hex(&root(&leaves[..n]));
        assert_eq!(of(2), "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125");
        assert_eq!(of(4), "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7");
    }

    #[test]
    fn paths_of_all_small_trees() {
        for n in 1..34 {
            let leaves = leaves(n);
            let root = root(&leaves);
            for i in 0..n {
                let mut path = path(&leaves, i).expect("a leaf");
                let (index, size) = (i as u64, n as u64);
                assert_eq!(hashes(&leaves, &path_subtrees(index, size).expect("a leaf")), path);
                assert!(included(index, size, &leaves[i], &path, &root));
                assert!(!included(index + size, size, &leaves[i], &path, &root));
                assert!(i == 0 || !included(index - 1, size, &leaves[i], &path, &root));
                path.push(leaves[0]);
                assert_eq!(root_of_path(index, size, &leaves[i], &path), None, "too long");
                path.truncate(path.len().saturating_sub(2));
                assert!(n == 1 || !included(index, size, &leaves[i], &path, &root), "too short");
            }
            assert_eq!(path(&leaves, n), None);
        }
    }

    #[test]
    fn consistency_of_all_small_trees() {
        for n in 1..20 {
            let all = leaves(n);
            for old in 1..=n {
                let subtrees = consistency_subtrees(old as u64, n as u64).expect("it grows");
                let proof = hashes(&all, &subtrees);
                let (a, b) = (root(&all[..old]), root(&all));
                assert!(consistent(old as u64, &a, n as u64, &b, &proof), "{old} {n}");
                assert!(!consistent(old as u64, &b, n as u64, &b, &proof) || a == b);
                for i in 0..proof.len() {
                    let mut forged = proof.clone();
                    forged[i][7] ^= 1;
                    assert!(!consistent(old as u64, &a, n as u64, &b, &forged));
                    forged.truncate(i);
                    assert!(!consistent(old as u64, &a, n as u64, &b, &forged));
                }
            }
        }
        assert!(consistent(0, &EMPTY_ROOT, 5, &root(&leaves(5)), &[]));
        assert!(!consistent(6, &EMPTY_ROOT, 5, &EMPTY_ROOT, &[]));
        assert!(!consistent(1, &EMPTY_ROOT, u64::MAX, &EMPTY_ROOT, &[EMPTY_ROOT; 64]));
    }

    #[test]
    fn sizes_at_the_end_of_what_is_counted() {
        for size in [SIZE_MAX, SIZE_MAX - 1, (1 << 62) + 1, 1 << 62] {
            let indexes = [0, 1, 77, size / 2, size - 2, size - 1];
            let given = subtrees(size, &indexes).expect("in order");
            assert!(given.len() < 64 * indexes.len());
            let hashes: Vec<Hash> = given.iter().map(|(start, _)| leaf_hash(&start.to_be_bytes())).collect();
            let entries: Vec<(u64, Hash)> =
                indexes.iter().map(|i| (*i, leaf_hash(&i.to_be_bytes()))).collect();
            let first = root_of_entries(size, &entries, &hashes).expect("a root");
            // The leaves at both ends lead to the same root alone.
            let path: Vec<Hash> =
                (0..if size.is_power_of_two() { 62 } else { 63 }).map(|_| EMPTY_ROOT).collect();
            assert!(root_of_path(0, size, &entries[0].1, &path).is_some());
            assert_ne!(root_of_path(0, size, &entries[0].1, &path), Some(first));
            assert_eq!(root_of_path(size, size, &entries[0].1, &path), None);
        }
        assert_eq!(path_subtrees(SIZE_MAX - 1, SIZE_MAX).map(|path| path.len()), Some(62));
        assert_eq!(path_subtrees(SIZE_MAX, SIZE_MAX), None);
        assert_eq!(consistency_subtrees(5, SIZE_MAX + 1), None);
        assert_eq!(consistency_subtrees(5, 4), None);
        assert_eq!(subtrees(SIZE_MAX + 1, &[0]), None);
        assert_eq!(subtrees(u64::MAX, &[u64::MAX - 1]), None);
        assert_eq!(root_of_entries(0, &[], &[]), Err(WalkError::Order));
    }

    proptest! {
        #[test]
        fn entries_lead_to_the_root(n in 1usize..200, picks in proptest::collection::btree_set(0usize..200, 0..12)) {
            let all = leaves(n);
            let entries: Vec<(u64, Hash)> =
                picks.iter().filter(|i| **i < n).map(|i| (*i as u64, all[*i])).collect();
            let indexes: Vec<u64> = entries.iter().map(|(index, _)| *index).collect();
            let given = subtrees(n as u64, &indexes).expect("in order");
            let mut hashes = hashes(&all, &given);
            prop_assert_eq!(root_of_entries(n as u64, &entries, &hashes), Ok(root(&all)));
            hashes.push(EMPTY_ROOT);
            prop_assert_eq!(root_of_entries(n as u64, &entries, &hashes), Err(WalkError::TooMany));
            hashes.truncate(hashes.len() - 2.min(hashes.len()));
            if !given.is_empty() {
                prop_assert_eq!(root_of_entries(n as u64, &entries, &hashes), Err(WalkError::TooFew));
            }
            prop_assert_eq!(subtrees(n as u64, &[3, 3]), None);
        }
    }
}
