//! Appending to a Merkle tree by the crate `ct-merkle`, in memory, beside hashing the same leaves and nodes and nothing
//! else, which is the limit for every such log. Both have to come to the root that Octro's verifier computes.

use anyhow::bail;
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use octro_verify::{Hash, leaf_hash, root};
use serde_json::Value;
use sha2::Sha256;

use crate::measure::{TIMES, cpu, figure, median, memory};
use crate::random::Random;

/// Bytes of a leaf, about those of a status change.
const LEAF: usize = 330;

fn leaves(entries: u32) -> Vec<Vec<u8>> {
    let mut random = Random::new(3);
    let mut leaf = || -> Vec<u8> {
        (0..LEAF.div_ceil(8)).flat_map(|_| random.below(u64::MAX).to_be_bytes()).take(LEAF).collect()
    };
    (0..entries).map(|_| leaf()).collect()
}

pub fn run(entries: u32) -> anyhow::Result<Value> {
    let leaves = leaves(entries);
    let (mut appended, mut hashed) = (Vec::new(), Vec::new());
    for _ in 0..TIMES {
        let begun = cpu();
        let hashes: Vec<Hash> = leaves.iter().map(|leaf| leaf_hash(leaf)).collect();
        let expected = root(&hashes);
        hashed.push(f64::from(entries) / (cpu() - begun).as_secs_f64());
        drop(hashes);
        let mut tree = MemoryBackedTree::<Sha256, &[u8]>::new();
        let begun = cpu();
        for leaf in &leaves {
            tree.push(leaf);
        }
        let found = tree.root();
        appended.push(f64::from(entries) / (cpu() - begun).as_secs_f64());
        if found.as_bytes().as_slice() != expected {
            bail!("ct-merkle comes to another root than Octro's verifier");
        }
    }
    let peak = memory("VmHWM:");
    Ok(Value::Array(vec![
        figure(entries, "ct-merkle 0.3.0, appended in memory, one core", median(appended), "entries/s", peak),
        figure(entries, "SHA-256 of leaves and nodes alone, one core", median(hashed), "entries/s", peak),
    ]))
}
