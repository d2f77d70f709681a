//! Repairs a proof that was changed at random, so that it gets past the hashes and signatures and what lies behind them is
//! reached: as a dishonest owner could, who holds the log's key and its witness's.

use ed25519_dalek::{Signer as _, SigningKey};
use octro_verify::{
    Checkpoint, Hash, Leaf, Note, Policy, Proof, State, VerifierKey, What, commitment, cosigned_message,
    leaf_hash, member_leaf, results_commitment, root_of_entries, root_of_path, signature_line, subtrees,
};

/// The origin of the golden vectors' log.
const ORIGIN: &str = "octro.example/log";

/// Whom the golden vectors' reader trusts.
pub fn policy() -> Policy {
    let key = |seed: u8| SigningKey::from_bytes(&[seed; 32]).verifying_key().to_bytes();
    Policy {
        logs: vec![VerifierKey::log(ORIGIN, key(1)).expect("a key")],
        witnesses: vec![VerifierKey::witness("witness.example", key(9)).expect("a key")],
        required: 1,
        now: None,
    }
}

/// What an input asks to be repaired, by the bits of its first byte: 1 members, 2 populations' names in states, 4 the chain's
/// hashes, 8 states in their seals.
pub fn repaired(proof: &Proof, repairs: u8) -> Option<Proof> {
    let mut proof = proof.clone();
    if repairs & 1 != 0 {
        members(&mut proof);
    }
    let mut last: Option<Hash> = None;
    for i in 0..proof.entries.len() {
        let Ok(mut leaf) = Leaf::parse(proof.entries.get(i)?.leaf.as_bytes()) else { continue };
        match &mut leaf.what {
            What::Transition(of) if repairs & 4 != 0 => {
                if let (Some((prev, _)), Some(hash)) = (&mut of.before, last) {
                    *prev = hash;
                }
            }
            What::Seal(seal) if repairs & 8 != 0 => {
                let index = proof.entries.get(i)?.index;
                let (before, _) = proof.entries.split_at(i);
                let before: Vec<(String, Hash)> = before
                    .iter()
                    .filter_map(|entry| match Leaf::parse(entry.leaf.as_bytes()).ok()?.what {
                        What::Population(of) => Some((of.kind, leaf_hash(entry.leaf.as_bytes()))),
                        _ => None,
                    })
                    .collect();
                for sealed in proof.states.iter_mut().filter(|sealed| Some(sealed.seal) == index) {
                    if let Ok(mut state) = State::parse(&sealed.state) {
                        if let Some(hash) = last.filter(|_| repairs & 4 != 0) {
                            state.last = hash;
                        }
                        for (kind, hash) in before.iter().filter(|_| repairs & 2 != 0) {
                            state.populations.insert(kind.clone(), *hash);
                        }
                        sealed.state = String::from_utf8(state.to_bytes()).ok()?;
                    }
                    let hash = leaf_hash(sealed.state.as_bytes());
                    if let Some(root) = root_of_path(sealed.place, seal.controls, &hash, &sealed.path) {
                        seal.root = root;
                    }
                }
            }
            _ => {}
        }
        let text = String::from_utf8(leaf.to_bytes()).ok()?;
        if let What::Transition(_) = leaf.what {
            last = Some(leaf_hash(text.as_bytes()));
        }
        proof.entries.get_mut(i)?.leaf = text;
    }
    sign(&mut proof)?;
    Some(proof)
}

/// Members' commitments, and the roots of the populations that they are in.
fn members(proof: &mut Proof) {
    for member in &mut proof.members {
        let entry = proof.entries.iter_mut().find(|entry| entry.index == Some(member.population));
        let Some(entry) = entry else { continue };
        let Ok(mut leaf) = Leaf::parse(entry.leaf.as_bytes()) else { continue };
        let What::Population(of) = &mut leaf.what else { continue };
        if let Some(opened) = &member.opened {
            member.commitment = commitment(&opened.salt, &of.kind, &opened.key);
            member.results = results_commitment(&opened.salt, &opened.results);
        }
        let hash = leaf_hash(&member_leaf(&member.commitment, &member.results));
        if let Some(root) = root_of_path(member.place, of.count, &hash, &member.path) {
            of.root = root;
        }
        entry.leaf = String::from_utf8_lossy(&leaf.to_bytes()).into_owned();
    }
}

/// As many hashes as are needed, and a checkpoint of the root to which they lead.
fn sign(proof: &mut Proof) -> Option<()> {
    let note = Note::parse(&proof.checkpoint).ok();
    let old = note.as_ref().and_then(|note| Checkpoint::parse(&note.text).ok());
    let time = note.as_ref().and_then(|note| {
        let policy = policy();
        note.cosigned_by(policy.witnesses.first()?).ok()?.map(|one| one.time)
    });
    let size = old.as_ref().map_or(64, |old| old.size);
    let indexes: Vec<u64> = proof.entries.iter().filter_map(|entry| entry.index).collect();
    proof.hashes.resize(subtrees(size, &indexes)?.len(), [7; 32]);
    let hashed: Vec<(u64, Hash)> = proof
        .entries
        .iter()
        .filter_map(|entry| Some((entry.index?, leaf_hash(entry.leaf.as_bytes()))))
        .collect();
    let root = root_of_entries(size, &hashed, &proof.hashes).ok()?;
    let text = Checkpoint { origin: ORIGIN.to_owned(), size, root }.to_text();
    let (policy, time) = (policy(), time.unwrap_or(1_900_000_000));
    let by =
        |seed: u8, message: &str| SigningKey::from_bytes(&[seed; 32]).sign(message.as_bytes()).to_bytes();
    let cosigned = [time.to_be_bytes().as_slice(), &by(9, &cosigned_message(time, &text))].concat();
    let log = signature_line(policy.logs.first()?, &by(1, &text));
    let witness = signature_line(policy.witnesses.first()?, &cosigned);
    proof.checkpoint = format!("{text}\n{log}{witness}");
    Some(())
}
