//! The seal of a day: the population of each kind that a test judges, and the state of every control.
#![expect(
    clippy::indexing_slicing,
    reason = "slots and tests are handed out by the state and index its own vectors"
)]

use std::collections::BTreeMap;

use octro_model::{Id, Sensitivity};
use octro_store::{Db, Tx};
use octro_verify::{
    Hash, Leaf, Salts, Seal, State as Sealing, Status, Tally, VerifierKey, What, commitment, hex, leaf_hash,
    member_leaf, own_salt, results_commitment, root, salt, sha256,
};

use super::{Hashed, Journal, Sealed, micros, program_hash, promised, store};
use crate::EngineError;
use crate::state::State;

/// A resource that is seen, with its results.
pub(crate) struct Seen<'a> {
    pub(crate) ord: i64,
    pub(crate) key: &'a str,
    pub(crate) results: BTreeMap<String, Status>,
}

/// The leaves of a population's tree, in their order, each with the place of its resource in `seen`. `own`: of a kind
/// with personal data, the random bytes of each resource; whoever has none any more was erased and stays as a leaf that
/// nobody can open.
pub(crate) fn members(
    kind: &Id,
    secret: &Hash,
    own: Option<&dyn Fn(i64) -> Hash>,
    seen: &[Seen<'_>],
) -> Vec<([u8; 64], usize)> {
    let mut members: Vec<([u8; 64], usize)> = seen
        .iter()
        .enumerate()
        .map(|(place, one)| {
            let salt = match own {
                Some(own) => own_salt(&own(one.ord), secret),
                None => salt(secret, kind, one.key),
            };
            (member(kind, one.key, &salt, &one.results), place)
        })
        .collect();
    members.sort_unstable();
    members
}

/// The leaf of one resource.
pub(super) fn member(kind: &Id, key: &str, salt: &Hash, results: &BTreeMap<String, Status>) -> [u8; 64] {
    member_leaf(&commitment(salt, kind, key), &results_commitment(salt, results))
}

/// Whether a kind has personal data.
pub(crate) fn is_personal(layout: &octro_cel::Layout) -> bool {
    layout.kind().attributes.values().any(|attribute| attribute.sensitivity == Sensitivity::Personal)
}

impl Journal {
    /// Puts a seal into the ledger, if there is a log. `hashed`: the populations as they are in `state`.
    pub(crate) async fn seal(
        &mut self,
        db: &Db,
        tx: &mut Tx,
        state: &State,
        hashed: &Hashed,
    ) -> Result<(), EngineError> {
        let Some(signer) = store::signer(tx).await? else { return Ok(()) };
        let signer = VerifierKey::parse(&signer)
            .map_err(|fault| EngineError::Stored(format!("the ledger's verifier key {fault}")))?;
        let ends = self.ends(db).await?;
        let written = ends.write_at(state.now);
        let (leaves, populations) = populations(state, hashed, written);
        store::keep_salts(tx, &hashed.new_salts()).await?;
        let hashes: BTreeMap<Id, Hash> = populations.iter().map(|one| (one.kind.clone(), one.hash)).collect();
        let log = ends.log;
        let mut states: Vec<(String, String)> = Vec::with_capacity(ends.chains.len());
        for (control, chain) in &mut ends.chains {
            let sealing = sealing(state, control, chain, written, &hashes);
            states.push((control.to_string(), String::from_utf8_lossy(&sealing.to_bytes()).into_owned()));
            store::chain(tx, log, control, chain).await?;
        }
        let tree: Vec<Hash> = states.iter().map(|(_, state)| leaf_hash(state.as_bytes())).collect();
        let n = ends.sealed.as_ref().map_or(1, |sealed| sealed.n + 1);
        let leaf = Leaf {
            written,
            what: What::Seal(Seal {
                n,
                prev: ends.sealed.as_ref().map(|sealed| sealed.hash),
                controls: tree.len() as u64,
                root: root(&tree),
                program: program_hash(state),
                signer: hex(&signer.id()),
            }),
        };
        let sealed = Sealed { n, written, hash: leaf_hash(&leaf.to_bytes()) };
        store::seal(tx, log, &sealed, &states, &populations).await?;
        ends.sealed = Some(sealed);
        let leaves: Vec<Leaf> = leaves.into_iter().chain([leaf]).collect();
        octro_ledger::outbox::put_all(tx, state.now, &leaves).await?;
        Ok(())
    }
}

/// The population of each kind that a test judges, as leaves and as what has to be kept of them.
fn populations(state: &State, hashed: &Hashed, written: u64) -> (Vec<Leaf>, Vec<store::Population>) {
    let mut leaves = Vec::new();
    let mut populations = Vec::new();
    for one in hashed.kinds() {
        let table = &state.kinds[one.kind() as usize];
        let fresh = table.tests.iter().map(|active| active.rule.max_age).min().unwrap_or_default();
        let population = state.population(one.kind(), fresh, state.now);
        let leaf = Leaf {
            written,
            what: What::Population(octro_verify::Population {
                kind: table.id.to_string(),
                count: one.count(),
                complete: matches!(population, crate::Population::Complete { .. }),
                enumerated: match population {
                    crate::Population::Complete { at } | crate::Population::Stale { at } => {
                        Some(micros(at).min(written))
                    }
                    crate::Population::NoSource | crate::Population::Incomplete { .. } => None,
                },
                root: one.root(),
                key: sha256(one.secret()),
                salts: if one.is_personal() { Salts::Own } else { Salts::Key },
            }),
        };
        let hash = leaf_hash(&leaf.to_bytes());
        populations.push(store::Population { kind: table.id.clone(), hash, secret: *one.secret() });
        leaves.push(leaf);
    }
    (leaves, populations)
}

/// A control's state.
fn sealing(
    state: &State,
    id: &Id,
    chain: &mut super::Chain,
    written: u64,
    populations: &BTreeMap<Id, Hash>,
) -> Sealing {
    let control = state.program().and_then(|program| program.controls.get(id));
    let mut tally = Tally::default();
    let mut rests_on = BTreeMap::new();
    let mut every = 0;
    if let Some((control, program)) = control.zip(state.program()) {
        every = promised(state, program, control);
        for test in control.tests.iter().filter_map(|test| program.tests.get(test)) {
            if let Some(known) = state.test_of.get(&test.id).map(|test| &state.tests[*test as usize].tally) {
                tally.pass += known.pass;
                tally.fail += known.fail;
                tally.unknown += known.unknown;
                tally.stale += known.stale;
                tally.excepted += known.excepted;
                tally.not_applicable += known.not_applicable;
            }
            if let Some(hash) = populations.get(&test.on) {
                rests_on.insert(test.on.to_string(), *hash);
            }
        }
    }
    chain.seal(id, written, every, tally, rests_on)
}
