//! What a witness remembers of a log: the newest checkpoint that it cosigned, in one file, replaced whole and durable
//! before anybody gets the cosignature.

use std::path::{Path, PathBuf};

use octro_verify::{Checkpoint, NOTE_MAX, Note, VerifierKey, hex, sha256};

use crate::LedgerError;
use crate::highest::{replace, sync_folder};

/// See the module.
#[derive(Debug)]
pub(crate) struct State {
    folder: PathBuf,
    newest: Option<(Checkpoint, String)>,
}

/// The folder of a log within a witness's, and its address: the SHA-256 of the origin.
pub(crate) fn name_of(origin: &str) -> String {
    hex(&sha256(origin.as_bytes()))
}

impl State {
    /// Reads what is remembered of a log; what this witness has not cosigned is refused.
    pub fn open(dir: &Path, origin: &str, witness: &VerifierKey) -> Result<Self, LedgerError> {
        let folder = dir.join(name_of(origin));
        std::fs::create_dir_all(&folder).map_err(LedgerError::file(&folder))?;
        sync_folder(&folder).map_err(LedgerError::file(&folder))?;
        let path = folder.join("checkpoint");
        let note = match std::fs::read_to_string(&path) {
            Ok(note) => note,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self { folder, newest: None });
            }
            Err(error) => return Err(LedgerError::file(&path)(error)),
        };
        let read = Note::parse(&note)
            .and_then(|note| Ok((Checkpoint::parse(&note.text)?, note.cosigned_by(witness)?)));
        match read {
            Ok((checkpoint, Some(_))) if checkpoint.origin == origin => {
                Ok(Self { folder, newest: Some((checkpoint, note)) })
            }
            Ok(_) | Err(_) => Err(LedgerError::Folder {
                path,
                what: format!(
                    "no checkpoint of `{origin}` that {witness} cosigned. A witness that has forgotten what it \
                     cosigned vouches for nothing, so nothing is cosigned: give the right file or key back, or let \
                     a new key begin in an empty folder"
                ),
            }),
        }
    }

    /// What was cosigned last.
    pub fn newest(&self) -> Option<&Checkpoint> {
        self.newest.as_ref().map(|(checkpoint, _)| checkpoint)
    }

    /// The note that was cosigned last.
    pub fn note(&self) -> Option<&str> {
        self.newest.as_ref().map(|(_, note)| note.as_str())
    }

    /// Remembers a checkpoint, durably.
    pub fn store(&mut self, checkpoint: Checkpoint, note: String) -> Result<(), LedgerError> {
        let path = self.folder.join("checkpoint");
        replace(&path, note.as_bytes()).map_err(LedgerError::file(&path))?;
        self.newest = Some((checkpoint, note));
        Ok(())
    }

    /// Keeps a note that its log signed and that does not continue what was cosigned: evidence, one for each size.
    pub fn keep_refused(&self, size: u64, note: &str) -> Result<PathBuf, LedgerError> {
        let path = self.folder.join(format!("refused-{size}"));
        if note.len() <= NOTE_MAX && !path.exists() {
            replace(&path, note.as_bytes()).map_err(LedgerError::file(&path))?;
        }
        Ok(path)
    }
}
