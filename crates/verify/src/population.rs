//! The leaves of a population's members: what a resource is and how its tests went, as commitments that say nothing to
//! whoever does not know the salt.

use std::collections::BTreeMap;

use crate::hash::{Hash, hex, hmac, sha256};
use crate::json::Value;
use crate::state::Status;

/// A resource's salt, derived from the population's key.
pub fn salt(population_key: &Hash, kind: &str, key: &str) -> Hash {
    hmac(population_key, &[b"salt/v1\n", kind.as_bytes(), b"\n", key.as_bytes()])
}

/// A resource's salt in a kind with personal data: derived from the resource's own random bytes, so that deleting these
/// makes all its commitments unopenable.
pub fn own_salt(own: &Hash, population_key: &Hash) -> Hash {
    hmac(own, &[b"salt/v1\n", hex(&sha256(population_key)).as_bytes()])
}

/// The commitment to a resource.
pub fn commitment(salt: &Hash, kind: &str, key: &str) -> Hash {
    hmac(salt, &[b"resource/v1\n", kind.as_bytes(), b"\n", key.as_bytes()])
}

/// The commitment to its tests' results.
pub fn results_commitment(salt: &Hash, results: &BTreeMap<String, Status>) -> Hash {
    let results = results.iter().map(|(test, status)| (test.as_str(), Value::text(status.as_str())));
    hmac(salt, &[b"results/v1\n", Value::object(results).canonical().as_bytes()])
}

/// The 64 bytes of a member's leaf; its hash in the members' tree is [`leaf_hash`](crate::leaf_hash) of them.
pub fn member_leaf(commitment: &Hash, results: &Hash) -> [u8; 64] {
    let mut leaf = [0; 64];
    for (to, from) in leaf.iter_mut().zip(commitment.iter().chain(results)) {
        *to = *from;
    }
    leaf
}
