//! Which entries of a proof of an interval go without an index. Each transition cites the hash of the one before it, so the
//! last one in the log binds all of them, to the byte, and no other needs hashes that lead from it to the root.

use std::collections::BTreeMap;

use crate::claim::Claim;
use crate::leaf::{Leaf, What};
use crate::proof::Entry;

impl Entry {
    /// The entries of a proof with this claim, of leaves by their index.
    pub fn all(claim: &Claim, leaves: BTreeMap<u64, Vec<u8>>) -> Vec<Self> {
        let linked = matches!(claim, Claim::Interval { .. });
        let is_transition =
            |leaf: &[u8]| Leaf::parse(leaf).is_ok_and(|leaf| matches!(leaf.what, What::Transition(_)));
        let mut last_seen = false;
        let mut entries: Vec<Self> = leaves
            .into_iter()
            .rev()
            .map(|(index, leaf)| {
                let is_before = linked && is_transition(&leaf) && std::mem::replace(&mut last_seen, true);
                Self {
                    index: (!is_before).then_some(index),
                    leaf: String::from_utf8_lossy(&leaf).into_owned(),
                }
            })
            .collect();
        entries.reverse();
        entries
    }
}
