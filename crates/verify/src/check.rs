//! What holds for every proof, whatever it claims: the checkpoint is signed, the entries lead to its root, leaves are what
//! the format has, times do not go back, and the log's key is the one in force.

use std::collections::BTreeMap;

use crate::claim::Claim;
use crate::claims::{entry, interval, resource};
use crate::fault::{Fault, quoted};
use crate::hash::{Hash, hex, leaf_hash};
use crate::leaf::{Leaf, Seal, What};
use crate::merkle::{WalkError, root_of_entries, root_of_path};
use crate::note::{Checkpoint, Cosigned, Note, VerifierKey, rotation_message};
use crate::policy::{CLOCK_SKEW, Policy};
use crate::proof::Proof;
use crate::report::{Outcome, Reason, Report, SealSeen, Shown};
use crate::say::moment;
use crate::state::State;

/// Checks a proof file.
pub fn verify(file: &[u8], policy: &Policy) -> Outcome {
    let proof = match Proof::parse(file) {
        Ok(proof) => proof,
        Err(fault) => return Outcome::Unusable(fault.to_string()),
    };
    if let Some(why) = policy.unusable() {
        return Outcome::Unusable(why);
    }
    match check(&proof, policy) {
        Ok(report) => Outcome::Proved(Box::new(report)),
        Err(reason) => Outcome::Refuted(reason),
    }
}

/// An entry of the proof that was found to be in the log, or that is linked: what cites it is for the claim to check.
pub(crate) struct Seen {
    /// `None` if it is linked; then it is a transition, in a proof of an interval.
    pub(crate) index: Option<u64>,
    pub(crate) hash: Hash,
    pub(crate) leaf: Leaf,
}

/// A state that was found to be in its seal.
pub(crate) struct StateSeen {
    /// Index of the seal's entry.
    pub(crate) seal: u64,
    pub(crate) state: State,
}

/// A proof of which everything that does not depend on the claim was checked.
pub(crate) struct Checked<'a> {
    pub(crate) proof: &'a Proof,
    pub(crate) entries: Vec<Seen>,
    pub(crate) states: Vec<StateSeen>,
}

fn check(proof: &Proof, policy: &Policy) -> Result<Report, Reason> {
    let in_checkpoint = |fault| Reason::new("checkpoint", fault);
    let note = Note::parse(&proof.checkpoint).map_err(in_checkpoint)?;
    let checkpoint = Checkpoint::parse(&note.text).map_err(in_checkpoint)?;
    let signers = policy.signers(&note, &checkpoint)?;
    if signers.is_empty() {
        return Err(in_checkpoint(Fault::new(policy.unsigned(&note) + &rotated(proof, policy))));
    }
    let witnesses = policy.cosigned(&note)?;
    let entries = entries(proof, &checkpoint)?;
    times(&entries, &witnesses, policy)?;
    seals(&entries)?;
    let signer = signer(&entries, &signers, &checkpoint)?;
    let states = states(proof, &entries)?;
    let checked = Checked { proof, entries, states };
    idle(proof)?;
    let mut proved = vec![format!(
        "The log `{}` of {} leaves with the root {} is signed with its key {}.",
        checkpoint.origin,
        checkpoint.size,
        hex(&checkpoint.root),
        hex(&signer.id())
    )];
    for one in &witnesses {
        let (name, at) = (&one.witness.name, moment(one.time.saturating_mul(1_000_000)));
        proved.push(format!(
            "The witness `{name}` cosigned it at {at}: all that is said here stood in it by then."
        ));
    }
    let mut not_proved = Vec::new();
    let shown = match &proof.claim {
        Claim::Interval { control, from, to } => {
            let interval = interval::check(&checked, control, *from, *to)?;
            interval::say(&interval, control, *from, *to, &mut proved, &mut not_proved);
            Shown::Interval(Box::new(interval))
        }
        Claim::Member { kind, key, at } => {
            resource::member(&checked, kind, key, *at, &mut proved, &mut not_proved)?
        }
        Claim::Absent { kind, key, at } => {
            resource::absent(&checked, kind, key, *at, &mut proved, &mut not_proved)?
        }
        Claim::Entry { index, opened } => {
            entry::check(&checked, *index, opened.as_ref(), &mut proved, &mut not_proved)?
        }
    };
    limits(proof, &witnesses, &mut not_proved);
    let Checkpoint { origin, size, root } = checkpoint;
    let (claim, signer) = (proof.claim.clone(), signer.clone());
    Ok(Report { claim, origin, size, root, signer, witnesses, shown, proved, not_proved })
}

/// A proof has no parts that its claim does not need.
fn idle(proof: &Proof) -> Result<(), Reason> {
    let (states, members, secret) = match &proof.claim {
        Claim::Interval { .. } => (true, false, false),
        Claim::Member { .. } => (true, true, false),
        Claim::Absent { .. } => (true, true, true),
        Claim::Entry { .. } => (false, false, false),
    };
    for (name, idle) in [
        ("states", !states && !proof.states.is_empty()),
        ("members", !members && !proof.members.is_empty()),
        ("secret", !secret && proof.secret.is_some()),
    ] {
        if idle {
            return Err(Reason::new(name, "has no place in a proof of this claim"));
        }
    }
    Ok(())
}

/// What no proof shows, and what this one does not for want of witnesses.
fn limits(proof: &Proof, witnesses: &[Cosigned], not_proved: &mut Vec<String>) {
    not_proved.push(if witnesses.is_empty() {
        "That the log's owner shows everybody the same log, and when it was written: no witness that you named cosigned it, so its times are the owner's word.".to_owned()
    } else {
        "When exactly things were written: times are the owner's word, except that all of it stood in the log when the witnesses cosigned.".to_owned()
    });
    if !proof.stamps.is_empty() {
        not_proved.push("The time stamps in the file: they were not checked here; openssl can.".to_owned());
    }
}

/// If a key that was given was replaced: the key to give instead.
fn rotated(proof: &Proof, policy: &Policy) -> String {
    for (i, entry) in proof.entries.iter().enumerate() {
        let Ok(Leaf { what: What::Key(change), .. }) = Leaf::parse(entry.leaf.as_bytes()) else { continue };
        let message = rotation_message(&change.old, &change.new);
        if policy.logs.contains(&change.old) && change.old.signed(message.as_bytes(), &change.by_old) {
            let new = &change.new;
            return format!("; by entries[{i}], which the key given signed, the log's key is now `{new}`");
        }
    }
    String::new()
}

/// The entries, once it is known that they lead to the checkpoint's root.
fn entries(proof: &Proof, checkpoint: &Checkpoint) -> Result<Vec<Seen>, Reason> {
    let place = |i: usize| format!("entries[{i}]");
    let mut last = None;
    let mut hashed = Vec::with_capacity(proof.entries.len());
    for (i, entry) in proof.entries.iter().enumerate() {
        let Some(index) = entry.index else { continue };
        if last.is_some_and(|last| index <= last) {
            return Err(Reason::new(
                place(i),
                format!("has the index {index}, which does not grow: entries are in the log's order"),
            ));
        }
        if index >= checkpoint.size {
            let size = checkpoint.size;
            return Err(Reason::new(
                place(i),
                format!("has the index {index}; the checkpoint has {size} leaves"),
            ));
        }
        last = Some(index);
        hashed.push((index, leaf_hash(entry.leaf.as_bytes())));
    }
    if hashed.is_empty() {
        return Err(Reason::new("entries", "there are none; a proof shows at least one leaf"));
    }
    match root_of_entries(checkpoint.size, &hashed, &proof.hashes) {
        Ok(root) if root == checkpoint.root => {}
        Ok(root) => {
            let (found, expected) = (hex(&root), hex(&checkpoint.root));
            let wrong = format!(
                "entries and hashes lead to the root {found}; the checkpoint has {expected}: one of them was changed, left out or added"
            );
            return Err(Reason::new("hashes", wrong));
        }
        Err(WalkError::TooMany) => {
            return Err(Reason::new(
                "hashes",
                "there are more than lead from the entries to the root: an entry or a hash is one too many",
            ));
        }
        Err(WalkError::TooFew | WalkError::Order) => {
            return Err(Reason::new(
                "hashes",
                "there are too few to lead from the entries to the root: an entry or a hash was left out",
            ));
        }
    }
    let mut seen = Vec::with_capacity(proof.entries.len());
    for (i, entry) in proof.entries.iter().enumerate() {
        let leaf = Leaf::parse(entry.leaf.as_bytes()).map_err(|fault| Reason::new(place(i), fault))?;
        match entry.index {
            Some(index) => opening(index, &leaf, checkpoint),
            None => linked(&proof.claim, &leaf),
        }
        .map_err(|wrong| Reason::new(place(i), wrong))?;
        seen.push(Seen { index: entry.index, hash: leaf_hash(entry.leaf.as_bytes()), leaf });
    }
    Ok(seen)
}

/// What may stand without an index: of nothing else would it be known whether it is in the log.
fn linked(claim: &Claim, leaf: &Leaf) -> Result<(), String> {
    match (claim, &leaf.what) {
        (Claim::Interval { .. }, What::Transition(_)) => Ok(()),
        _ => Err(format!(
            "is a {} without an index; only a transition in a proof of an interval may have none",
            leaf.what.kind()
        )),
    }
}

/// A log's first leaf, and no other, opens it.
fn opening(index: u64, leaf: &Leaf, checkpoint: &Checkpoint) -> Result<(), String> {
    match (&leaf.what, index) {
        (What::Open { origin, .. }, 0) if *origin != checkpoint.origin => Err(format!(
            "opens the log {}; the checkpoint is of {}",
            quoted(origin),
            quoted(&checkpoint.origin)
        )),
        (What::Open { .. }, 1..) => Err("opens a log, but is not its first leaf".to_owned()),
        (What::Open { .. }, 0) => Ok(()),
        (what, 0) => Err(format!("is the first leaf, but a {} and does not open the log", what.kind())),
        (_, 1..) => Ok(()),
    }
}

/// Times do not go back, and nothing was written after a witness saw it or after the present.
fn times(entries: &[Seen], witnesses: &[Cosigned], policy: &Policy) -> Result<(), Reason> {
    let mut before = 0;
    for (i, entry) in entries.iter().enumerate() {
        let written = entry.leaf.written;
        let wrong = |what: String| Err(Reason::new(format!("entries[{i}]"), what));
        if written < before {
            let (at, before) = (moment(written), moment(before));
            return wrong(format!(
                "was written at {at}, before the entry before it, {before}: the log is not in order"
            ));
        }
        before = written;
        let early = witnesses
            .iter()
            .find(|one| written > one.time.saturating_mul(1_000_000).saturating_add(CLOCK_SKEW));
        if let Some(one) = early {
            let (at, seen) = (moment(written), moment(one.time.saturating_mul(1_000_000)));
            return wrong(format!(
                "says that it was written at {at}, after the witness `{}` saw it at {seen}",
                one.witness.name
            ));
        }
        if policy.now.is_some_and(|now| written > now.saturating_add(CLOCK_SKEW)) {
            return wrong(format!("says that it was written at {}, in the future", moment(written)));
        }
    }
    Ok(())
}

/// Seals' numbers grow, and each cites the one before it.
fn seals(entries: &[Seen]) -> Result<(), Reason> {
    let mut before: Option<(u64, Hash)> = None;
    for (i, entry) in entries.iter().enumerate() {
        let What::Seal(Seal { n, prev, .. }) = &entry.leaf.what else { continue };
        let place = || format!("entries[{i}]");
        if let Some((last, hash)) = before {
            if *n <= last {
                return Err(Reason::new(place(), format!("is seal {n} and stands after seal {last}")));
            }
            if *n == last + 1 && *prev != Some(hash) {
                return Err(Reason::new(
                    place(),
                    format!("`prev` of seal {n} is not the hash of seal {last}"),
                ));
            }
        }
        before = Some((*n, entry.hash));
    }
    Ok(())
}

/// The key that signed the checkpoint and is the one in force by the last seal and the changes of keys.
fn signer<'a>(
    entries: &[Seen],
    signers: &[&'a VerifierKey],
    checkpoint: &Checkpoint,
) -> Result<&'a VerifierKey, Reason> {
    let mut in_force: Option<(String, usize)> = None;
    for (i, entry) in entries.iter().enumerate() {
        let wrong = |what: String| Err(Reason::new(format!("entries[{i}]"), what));
        if let What::Seal(seal) = &entry.leaf.what {
            if let Some((key, changed)) = &in_force
                && matches!(entries.get(*changed).map(|entry| &entry.leaf.what), Some(What::Key(_)))
                && *key != seal.signer
            {
                return wrong(format!(
                    "`signer` is {}; since entries[{changed}] the log's key is {key}",
                    seal.signer
                ));
            }
            in_force = Some((seal.signer.clone(), i));
        } else if let What::Key(change) = &entry.leaf.what {
            let message = rotation_message(&change.old, &change.new);
            for (key, signature, name) in
                [(&change.old, &change.by_old, "old"), (&change.new, &change.by_new, "new")]
            {
                if key.name != checkpoint.origin {
                    return wrong(format!(
                        "`{name}` is a key of {}; the log is {}",
                        quoted(&key.name),
                        quoted(&checkpoint.origin)
                    ));
                }
                if !key.signed(message.as_bytes(), signature) {
                    return wrong(format!("`by_{name}` is not the {name} key's signature of this change"));
                }
            }
            let old = hex(&change.old.id());
            if let Some((key, at)) = &in_force
                && *key != old
            {
                return wrong(format!("`old` is the key {old}; by entries[{at}] the log's key was {key}"));
            }
            in_force = Some((hex(&change.new.id()), i));
        }
    }
    let Some((key, at)) = in_force else {
        return signers.first().copied().ok_or_else(|| Reason::new("checkpoint", "is not signed"));
    };
    signers.iter().copied().find(|signer| hex(&signer.id()) == key).ok_or_else(|| {
        let by: Vec<String> = signers.iter().map(|signer| hex(&signer.id())).collect();
        let by = by.join(", ");
        Reason::new("checkpoint", format!("is signed with the key {by}; by entries[{at}] the log's key is {key}, and no later entry changes it"))
    })
}

/// The states, once it is known that each is in its seal.
fn states(proof: &Proof, entries: &[Seen]) -> Result<Vec<StateSeen>, Reason> {
    let mut seen: Vec<StateSeen> = Vec::with_capacity(proof.states.len());
    let by_index: BTreeMap<u64, &Seen> =
        entries.iter().filter_map(|entry| Some((entry.index?, entry))).collect();
    for (i, of) in proof.states.iter().enumerate() {
        let wrong = |what: String| Reason::new(format!("states[{i}]"), what);
        let Some(Seen { leaf: Leaf { what: What::Seal(seal), written }, .. }) = by_index.get(&of.seal) else {
            return Err(wrong(format!("`seal` is {}, which is no seal among the entries", of.seal)));
        };
        if of.place >= seal.controls {
            return Err(wrong(format!("`place` is {}; the seal has {} states", of.place, seal.controls)));
        }
        let leaf = leaf_hash(of.state.as_bytes());
        if root_of_path(of.place, seal.controls, &leaf, &of.path) != Some(seal.root) {
            return Err(wrong(format!(
                "is not in seal {}: state, place and path do not lead to the seal's root",
                seal.n
            )));
        }
        let state = State::parse(&of.state).map_err(|fault| wrong(fault.to_string()))?;
        for (name, at) in [("at", Some(state.at)), ("evaluated", state.evaluated)] {
            if at.is_some_and(|at| at > *written) {
                return Err(wrong(format!("`{name}` lies after its seal, {}", moment(*written))));
            }
        }
        seen.push(StateSeen { seal: of.seal, state });
    }
    Ok(seen)
}

impl Seen {
    /// What is shown of a seal, which has an index always.
    pub(crate) fn seal(&self, seal: &Seal) -> SealSeen {
        SealSeen { index: self.index.unwrap_or(0), n: seal.n, at: self.leaf.written }
    }
}
