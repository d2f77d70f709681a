//! The chains within the log: of each control's transitions, of the seals, and of the keys.

use std::collections::HashMap;

use octro_verify::{Hash, Leaf, Status, Transition, VerifierKey, What, hex, rotation_message};

use super::Findings;
use super::chunk::Link;

/// A control's last transition: its number, its leaf's hash and its status.
type End = (u64, Hash, Status);

/// A control's chain within a chunk: where it begins, which can be judged only with what lies before the chunk, and its end.
struct Stretch {
    index: u64,
    first: Transition,
    last: End,
}

/// The controls' chains within a chunk. They are followed where they lie, so that nobody carries all transitions about.
#[derive(Default)]
pub(super) struct Stretches(HashMap<String, Stretch>);

impl Stretches {
    /// Follows a transition; answers what is wrong with it.
    pub fn follow(&mut self, index: u64, hash: Hash, of: Transition, findings: &mut Findings) {
        let last = (of.n, hash, of.to);
        match self.0.get_mut(&of.control) {
            Some(stretch) => {
                tell(index, &of, Some(&stretch.last), findings);
                stretch.last = last;
            }
            None => drop(self.0.insert(of.control.clone(), Stretch { index, first: of, last })),
        }
    }
}

/// Says where a transition does not follow the one before it.
fn tell(index: u64, of: &Transition, before: Option<&End>, findings: &mut Findings) {
    for says in breaks(before, of) {
        findings
            .push((index, format!("entry {index}: transition {} of control `{}` {says}", of.n, of.control)));
    }
}

/// What is known of the chains so far.
pub(super) struct Chains {
    origin: String,
    controls: HashMap<String, End>,
    seal: Option<(u64, Hash)>,
    /// The key in force.
    pub key: VerifierKey,
}

impl Chains {
    pub fn new(origin: String, key: VerifierKey) -> Self {
        Self { origin, controls: HashMap::new(), seal: None, key }
    }

    /// Takes the controls' chains of the next chunk on; answers what is wrong where they join.
    pub fn join(&mut self, stretches: Stretches, findings: &mut Findings) {
        for (control, Stretch { index, first, last }) in stretches.0 {
            tell(index, &first, self.controls.get(&control), findings);
            self.controls.insert(control, last);
        }
    }

    /// Follows a link; answers what is wrong with it.
    pub fn follow(&mut self, link: Link, findings: &mut Findings) {
        let Link { index, hash, leaf: Leaf { what, .. } } = link;
        let mut wrong = |says: String| findings.push((index, format!("entry {index}: {says}")));
        match what {
            What::Open { origin, .. } => {
                if index != 0 {
                    wrong("a log opens with its first entry only".to_owned());
                } else if origin != self.origin {
                    wrong(format!("it opens the log `{origin}`, and this is `{}`", self.origin));
                }
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
            What::Transition(_)
            | What::Population(_)
            | What::Program { .. }
            | What::Collection(_)
            | What::Decision { .. }
            | What::Erasure { .. }
            | What::Export { .. } => {}
        }
    }
}

/// Where a transition does not follow the one before it.
fn breaks(before: Option<&End>, of: &Transition) -> Vec<String> {
    let mut breaks = Vec::new();
    match (before, of.before) {
        (None, None) if of.n == 1 => {}
        (None, _) => breaks.push("has none before it".to_owned()),
        (Some((n, ..)), _) if of.n != n + 1 => breaks.push(format!("follows number {n}")),
        (Some((_, last, status)), Some((prev, from))) => {
            if prev != *last {
                breaks.push("does not cite the one before".to_owned());
            }
            if from != *status {
                breaks.push(format!("is from `{from}`, and `{status}` was before"));
            }
        }
        (Some(_), None) => breaks.push("cites none before it".to_owned()),
    }
    breaks
}
