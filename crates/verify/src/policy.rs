//! Whom the caller trusts: keys of the log, keys of witnesses, and how many of these must have cosigned.

use crate::fault::quoted;
use crate::hash::hex;
use crate::note::{Algorithm, Checkpoint, Cosigned, Note, VerifierKey};
use crate::report::Reason;

/// Clocks of a log, its witnesses and the caller may differ by this much, in microseconds: ten minutes.
pub const CLOCK_SKEW: u64 = 600_000_000;

/// Whom the caller trusts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// The log's keys; the checkpoint must be signed with one of them. None at all makes every proof unusable.
    pub logs: Vec<VerifierKey>,
    /// Witnesses' keys.
    pub witnesses: Vec<VerifierKey>,
    /// How many of the witnesses must have cosigned.
    pub required: usize,
    /// The present, in microseconds since 1970, if the caller has a clock: what lies after it is refused.
    pub now: Option<u64>,
}

impl Policy {
    /// What makes every proof unusable under this policy.
    pub(crate) fn unusable(&self) -> Option<String> {
        if self.logs.is_empty() {
            return Some("no key of the log was given; expected one as `name+hexid+base64`".to_owned());
        }
        if let Some(key) = self.logs.iter().find(|key| key.algorithm != Algorithm::Ed25519) {
            return Some(format!(
                "the key {} is a witness's; expected the log's key",
                quoted(&key.to_string())
            ));
        }
        if let Some(key) = self.witnesses.iter().find(|key| key.algorithm != Algorithm::Cosignature) {
            return Some(format!(
                "the key {} is a log's; expected a witness's key",
                quoted(&key.to_string())
            ));
        }
        let given = self.witnesses().len();
        (self.required > given)
            .then(|| format!("{} cosignatures are required of {given} different witnesses", self.required))
    }

    /// The witnesses, each key once.
    fn witnesses(&self) -> Vec<&VerifierKey> {
        let mut once: Vec<&VerifierKey> = Vec::new();
        for key in &self.witnesses {
            if once.iter().all(|other| other.key != key.key) {
                once.push(key);
            }
        }
        once
    }

    /// The keys of the log that signed the checkpoint.
    pub(crate) fn signers(&self, note: &Note, checkpoint: &Checkpoint) -> Result<Vec<&VerifierKey>, Reason> {
        let wrong = |what: String| Reason::new("checkpoint", what);
        let ours: Vec<_> = self.logs.iter().filter(|key| key.name == checkpoint.origin).collect();
        if ours.is_empty() {
            let names: Vec<String> = self.logs.iter().map(|key| quoted(&key.name)).collect();
            let found = quoted(&checkpoint.origin);
            return Err(wrong(format!("has the origin {found}; the key given is of {}", names.join(", "))));
        }
        let mut signers = Vec::new();
        for key in ours {
            if note.signed_by(key).map_err(|fault| wrong(fault.to_string()))? {
                signers.push(key);
            }
        }
        Ok(signers)
    }

    /// The witnesses that cosigned.
    pub(crate) fn cosigned(&self, note: &Note) -> Result<Vec<Cosigned>, Reason> {
        let mut cosigned = Vec::new();
        let witnesses = self.witnesses();
        for key in &witnesses {
            let found = note.cosigned_by(key).map_err(|fault| Reason::new("checkpoint", fault))?;
            cosigned.extend(found);
        }
        if let (Some(now), Some(late)) = (self.now, cosigned.iter().map(|one| one.time).max())
            && late > now.saturating_add(CLOCK_SKEW) / 1_000_000
        {
            return Err(Reason::new("checkpoint", "has a cosignature from the future"));
        }
        if cosigned.len() < self.required {
            let (found, given) = (cosigned.len(), witnesses.len());
            let wrong = format!(
                "is cosigned by {found} of the witnesses given, {given}; expected at least {}",
                self.required
            );
            return Err(Reason::new("checkpoint", wrong));
        }
        Ok(cosigned)
    }

    /// Who signed, for whoever gave another key.
    pub(crate) fn unsigned(&self, note: &Note) -> String {
        let given: Vec<String> = self.logs.iter().map(|key| hex(&key.id())).collect();
        let found: Vec<String> = note
            .signatures
            .iter()
            .map(|one| format!("{} (key {})", quoted(&one.name), hex(&one.id)))
            .collect();
        format!(
            "is not signed with the key given ({}); it has signatures by {}",
            given.join(", "),
            found.join(", ")
        )
    }
}
