//! The chains within the log: of each control's transitions, of the seals, and of the keys.

use std::collections::HashMap;

use octro_verify::{Hash, Leaf, Status, VerifierKey, What, hex, rotation_message};

use super::Findings;
use super::chunk::Link;

/// What is known of the chains so far.
pub(super) struct Chains {
    origin: String,
    controls: HashMap<String, (u64, Hash, Status)>,
    seal: Option<(u64, Hash)>,
    /// The newest time of a seal or transition.
    written: u64,
    /// The key in force.
    pub key: VerifierKey,
}

impl Chains {
    pub fn new(origin: String, key: VerifierKey) -> Self {
        Self { origin, controls: HashMap::new(), seal: None, written: 0, key }
    }

    /// Follows a link; answers what is wrong with it.
    pub fn follow(&mut self, link: Link, findings: &mut Findings) {
        let Link { index, hash, leaf: Leaf { written, what } } = link;
        let mut wrong = |says: String| findings.push((index, format!("entry {index}: {says}")));
        match what {
            What::Open { origin, .. } => {
                if index != 0 {
                    wrong("a log opens with its first entry only".to_owned());
                } else if origin != self.origin {
                    wrong(format!("it opens the log `{origin}`, and this is `{}`", self.origin));
                }
            }
            What::Transition(of) => {
                let of_control = format!("transition {} of control `{}`", of.n, of.control);
                match (self.controls.get(&of.control), of.before) {
                    (None, None) if of.n == 1 => {}
                    (None, _) => wrong(format!("{of_control} has none before it")),
                    (Some((n, ..)), _) if of.n != n + 1 => wrong(format!("{of_control} follows number {n}")),
                    (Some((_, last, status)), Some((prev, from))) => {
                        if prev != *last {
                            wrong(format!("{of_control} does not cite the one before"));
                        }
                        if from != *status {
                            wrong(format!("{of_control} is from `{from}`, and `{status}` was before"));
                        }
                    }
                    (Some(_), None) => wrong(format!("{of_control} cites none before it")),
                }
                if written < self.written {
                    wrong(format!("{of_control} was written before an entry that stands before it"));
                }
                self.written = self.written.max(written);
                self.controls.insert(of.control, (of.n, hash, of.to));
            }
            What::Seal(seal) => {
                let expected = self.seal.map_or((1, None), |(n, hash)| (n + 1, Some(hash)));
                if seal.n != expected.0 {
                    wrong(format!("seal {} stands where {} is due", seal.n, expected.0));
                } else if seal.prev != expected.1 {
                    wrong(format!("seal {} does not cite the one before", seal.n));
                }
                if seal.signer != hex(&self.key.id()) {
                    wrong(format!(
                        "seal {} names the key {}, and {} is in force",
                        seal.n,
                        seal.signer,
                        hex(&self.key.id())
                    ));
                }
                if written < self.written {
                    wrong(format!("seal {} was written before an entry that stands before it", seal.n));
                }
                self.written = self.written.max(written);
                self.seal = Some((seal.n, hash));
            }
            What::Key(change) => {
                if change.old != self.key {
                    wrong(format!("the key {} gives way, and {} was in force", change.old, self.key));
                }
                let message = rotation_message(&change.old, &change.new);
                let signed = change.old.signed(message.as_bytes(), &change.by_old)
                    && change.new.signed(message.as_bytes(), &change.by_new);
                if !signed {
                    wrong("the two keys do not both sign their change".to_owned());
                }
                self.key = change.new;
            }
            What::Population(_)
            | What::Program { .. }
            | What::Collection(_)
            | What::Decision { .. }
            | What::Erasure { .. }
            | What::Export { .. } => {}
        }
    }
}
