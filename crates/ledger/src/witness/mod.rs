//! A witness (C2SP `tlog-witness`): cosigns a log's checkpoints as long as each continues the one before, so that a log
//! which shows different people different histories is found out. It trusts no log, and knows nothing of what is in it.

mod compare;
mod follow;
mod place;
mod request;
mod serve;
mod state;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use octro_model::Clock;
use octro_verify::{
    Algorithm, Checkpoint, EMPTY_ROOT, Note, VerifierKey, consistent, cosigned_message, signature_line,
};

use crate::{LedgerError, Signer};

pub use compare::{Compared, compare};
pub use follow::Followed;
pub use place::Place;
pub(crate) use request::{BODY_MAX, Request};
use state::State;
pub(crate) use state::name_of;

/// Why a checkpoint is not cosigned.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// It is no request (400).
    #[error("{0}")]
    Malformed(String),
    /// The log is not one of this witness's (404).
    #[error("the log `{0}` is not one that this witness cosigns")]
    Unknown(String),
    /// The log has not signed it (403).
    #[error("{0}")]
    Unsigned(String),
    /// Another size was cosigned last than whoever asks believes (409).
    #[error("{size} entries of this log were cosigned last")]
    Size {
        /// How many.
        size: u64,
    },
    /// The log has signed two histories of one size (409).
    #[error(
        "{size} entries of this log were cosigned with another root: the log shows two histories. The other note is kept in {kept}",
        kept = .kept.display()
    )]
    Split {
        /// How many entries.
        size: u64,
        /// Where the note that was refused is kept.
        kept: PathBuf,
    },
    /// It is not shown to continue what was cosigned (422).
    #[error("the proof does not show that the {new} entries continue the {old} that were cosigned")]
    Proof {
        /// How many were cosigned.
        old: u64,
        /// How many there are to be.
        new: u64,
    },
    /// The witness itself fails (500).
    #[error(transparent)]
    Broken(#[from] LedgerError),
}

/// See the module.
pub struct Witness {
    key: VerifierKey,
    signer: Arc<dyn Signer>,
    clock: Arc<dyn Clock>,
    logs: BTreeMap<String, Known>,
    /// Held as long as the witness lives: two processes with one memory would race.
    _lock: std::fs::File,
}

/// A log whose checkpoints are cosigned.
struct Known {
    keys: Vec<VerifierKey>,
    /// Held from the check until what was cosigned is durable.
    state: Mutex<State>,
}

impl Witness {
    /// A witness by this name and key, that remembers in `dir` what it cosigned of these logs. A log that has several
    /// keys, during a rotation, is named by each of them.
    ///
    /// # Errors
    /// If a key is not of its kind, the folder cannot be used, or another process uses it.
    pub fn open(
        name: &str,
        signer: Arc<dyn Signer>,
        clock: Arc<dyn Clock>,
        dir: &Path,
        logs: &[VerifierKey],
    ) -> Result<Self, LedgerError> {
        let key = witness_key(name, signer.as_ref())?;
        std::fs::create_dir_all(dir).map_err(LedgerError::file(dir))?;
        let lock = std::fs::File::open(dir).map_err(LedgerError::file(dir))?;
        lock.try_lock().map_err(|_| LedgerError::Folder {
            path: dir.to_owned(),
            what: "the memory of a witness that runs; stop it first, or name another folder. It".to_owned(),
        })?;
        let mut known: BTreeMap<String, Known> = BTreeMap::new();
        for log in logs {
            if log.algorithm != Algorithm::Ed25519 || log.key == key.key {
                return Err(LedgerError::Outside {
                    who: log.to_string(),
                    what: "is a witness's key; expected a log's, and another than this witness's own"
                        .to_owned(),
                });
            }
            if let Some(known) = known.get_mut(&log.name) {
                known.keys.push(log.clone());
                continue;
            }
            let state = Mutex::new(State::open(dir, &log.name, &key)?);
            known.insert(log.name.clone(), Known { keys: vec![log.clone()], state });
        }
        Ok(Self { key, signer, clock, logs: known, _lock: lock })
    }

    /// The witness's verifier key.
    pub const fn key(&self) -> &VerifierKey {
        &self.key
    }

    fn state(known: &Known) -> MutexGuard<'_, State> {
        known.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The newest checkpoint of a log that was cosigned; `None` if none was, or the log is unknown.
    pub fn newest(&self, origin: &str) -> Option<Checkpoint> {
        self.logs.get(origin).and_then(|known| Self::state(known).newest().cloned())
    }

    /// The note of a log, by the SHA-256 of its origin in hexadecimal.
    pub(crate) fn note(&self, name: &str) -> Option<String> {
        let known = self.logs.iter().find(|(origin, _)| name_of(origin) == name)?.1;
        Self::state(known).note().map(str::to_owned)
    }

    /// Answers a request as posted: the line of the cosignature, once it is durable that it was given.
    ///
    /// # Errors
    /// Why it is not cosigned.
    pub fn answer(&self, body: &[u8]) -> Result<String, Refusal> {
        let request = Request::parse(body).map_err(Refusal::Malformed)?;
        self.cosign(&request)
    }

    pub(crate) fn cosign(&self, request: &Request) -> Result<String, Refusal> {
        let malformed = |fault| Refusal::Malformed(format!("the checkpoint {fault}"));
        let note = Note::parse(&request.note).map_err(malformed)?;
        let new = Checkpoint::parse(&note.text).map_err(malformed)?;
        let known = self.logs.get(&new.origin).ok_or_else(|| Refusal::Unknown(new.origin.clone()))?;
        if !is_signed(&note, &known.keys)? {
            return Err(Refusal::Unsigned(format!(
                "the checkpoint is not signed with a key of `{}` that this witness knows",
                new.origin
            )));
        }
        if request.old > new.size {
            return Err(Refusal::Malformed(format!(
                "the old size {} is larger than the checkpoint's, {}",
                request.old, new.size
            )));
        }
        let mut state = Self::state(known);
        let (size, root) = state.newest().map_or((0, EMPTY_ROOT), |newest| (newest.size, newest.root));
        if new.size == size && new.root != root {
            // Whatever the proof says: both are signed. The one that was cosigned is in the state.
            return Err(Refusal::Split { size, kept: state.keep_refused(size, &request.note)? });
        }
        if request.old != size {
            return Err(Refusal::Size { size });
        }
        if !consistent(size, &root, new.size, &new.root, &request.proof) {
            return Err(Refusal::Proof { old: size, new: new.size });
        }
        let time = u64::try_from(self.clock.now().secs()).unwrap_or(0);
        let message = cosigned_message(time, &note.text);
        let signature = self.signer.sign(message.as_bytes())?;
        if !self.key.signed(message.as_bytes(), &signature) {
            let have = "a signer whose signatures are not of it".to_owned();
            return Err(LedgerError::OtherKey { want: self.key.to_string(), have }.into());
        }
        let line = signature_line(&self.key, &[time.to_be_bytes().as_slice(), &signature].concat());
        let mut kept = format!("{}\n", note.text);
        for key in &known.keys {
            for one in note.signatures.iter().filter(|one| one.id == key.id() && one.name == key.name) {
                kept.push_str(&signature_line(key, &one.blob));
            }
        }
        kept.push_str(&line);
        state.store(new, kept)?;
        Ok(line)
    }

    /// Keeps a note that a log signed and that does not continue what was cosigned.
    pub(crate) fn keep_refused(
        &self,
        checkpoint: &Checkpoint,
        note: &str,
    ) -> Result<Option<PathBuf>, LedgerError> {
        let Some(known) = self.logs.get(&checkpoint.origin) else { return Ok(None) };
        Self::state(known).keep_refused(checkpoint.size, note).map(Some)
    }
}

/// Whether one of a log's keys signed the note; a bad signature under one of them is refused.
fn is_signed(note: &Note, keys: &[VerifierKey]) -> Result<bool, Refusal> {
    let mut signed = false;
    for key in keys {
        signed |= note.signed_by(key).map_err(|fault| Refusal::Unsigned(fault.to_string()))?;
    }
    Ok(signed)
}

/// The verifier key of a witness.
///
/// # Errors
/// If the name cannot be a key's.
pub fn witness_key(name: &str, signer: &dyn Signer) -> Result<VerifierKey, LedgerError> {
    VerifierKey::witness(name, signer.public()).map_err(|fault| LedgerError::Outside {
        who: "the witness's key".to_owned(),
        what: fault.to_string(),
    })
}
