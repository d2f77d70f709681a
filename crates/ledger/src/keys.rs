//! The log's key. What signs is behind a trait, so that a key may live in a device; the key that is here lives in a file
//! that nobody else may read.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ed25519_dalek::{Signer as _, SigningKey};
use octro_verify::{VerifierKey, base64_decode, base64_encode, hex};
use rustix::rand::{GetRandomFlags, getrandom};

use crate::LedgerError;
use crate::highest::sync_folder;

/// What stands before the 32 secret bytes in a PKCS#8 structure of an Ed25519 key (RFC 8410).
const PKCS8: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const END: &str = "-----END PRIVATE KEY-----";
const EXPECTED: &str = "expected an Ed25519 private key as `openssl genpkey -algorithm ed25519` writes it; give the right file back";

/// An Ed25519 key that can sign.
pub trait Signer: Send + Sync {
    /// The public key.
    fn public(&self) -> [u8; 32];

    /// Signs a message.
    ///
    /// # Errors
    /// If the device or service that holds the key does not.
    fn sign(&self, message: &[u8]) -> Result<[u8; 64], LedgerError>;
}

/// Where a log's keys live: the one in force, and during a rotation the next.
pub trait Keys: Send + Sync {
    /// The key, made if there is none yet.
    ///
    /// # Errors
    /// If it cannot be had.
    fn current(&self) -> Result<Arc<dyn Signer>, LedgerError>;

    /// The key with this public half, if it is here.
    ///
    /// # Errors
    /// If a key is here that cannot be read.
    fn find(&self, public: &[u8; 32]) -> Result<Option<Arc<dyn Signer>>, LedgerError>;

    /// The key that is to follow, made if there is none yet.
    ///
    /// # Errors
    /// If it cannot be had.
    fn next(&self) -> Result<Arc<dyn Signer>, LedgerError>;

    /// Makes the next key the current one, if it is the one with this public half: the log has said so.
    ///
    /// # Errors
    /// If it cannot be done; a later [`Keys::find`] still finds it.
    fn promote(&self, public: &[u8; 32]) -> Result<(), LedgerError>;
}

/// The verifier key of a log: its key under the log's origin.
///
/// # Errors
/// If the origin cannot be a key's name.
pub fn verifier_key(origin: &str, signer: &dyn Signer) -> Result<VerifierKey, LedgerError> {
    VerifierKey::log(origin, signer.public())
        .map_err(|fault| LedgerError::Damaged(format!("the log's verifier key {fault}")))
}

/// An Ed25519 key from a file.
pub struct FileSigner(SigningKey);

impl FileSigner {
    /// Reads a key; a file that others may read is refused.
    ///
    /// # Errors
    /// If the file cannot be read, is open to others, or holds no key.
    pub fn read(path: &Path) -> Result<Self, LedgerError> {
        let wrong = |what: String| LedgerError::Key { path: path.to_owned(), what };
        let file = std::fs::File::open(path).map_err(|error| wrong(error.to_string()))?;
        let meta = file.metadata().map_err(|error| wrong(error.to_string()))?;
        if !meta.is_file() {
            return Err(wrong("is no file; expected one".to_owned()));
        }
        let mode = meta.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(wrong(format!(
                "has the mode {mode:04o}, so that others may read it; expected 0600: run `chmod 600` on it, and \
                 rotate the key if others could have read it"
            )));
        }
        let mut text = String::new();
        file.take(4_096).read_to_string(&mut text).map_err(|error| wrong(error.to_string()))?;
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let whole = (lines.next() == Some(BEGIN))
            .then(|| lines.next().and_then(base64_decode))
            .flatten()
            .filter(|_| lines.next() == Some(END) && lines.next().is_none());
        let seed = whole
            .as_deref()
            .and_then(|bytes| bytes.strip_prefix(&PKCS8))
            .and_then(|seed| <[u8; 32]>::try_from(seed).ok())
            .ok_or_else(|| wrong(format!("is not understood; {EXPECTED}")))?;
        Ok(Self(SigningKey::from_bytes(&seed)))
    }

    /// Makes a key with the system's randomness; a file that is there already is never touched.
    ///
    /// # Errors
    /// If the file is there or cannot be written.
    pub fn create(path: &Path) -> Result<Self, LedgerError> {
        let mut seed = [0; 32];
        random(&mut seed).map_err(LedgerError::file(path))?;
        let text = format!("{BEGIN}\n{}\n{END}\n", base64_encode(&[PKCS8.as_slice(), &seed].concat()));
        let made = path.with_added_extension("new");
        let write = || -> std::io::Result<()> {
            // What an earlier start left half-written is no key yet.
            let _ = std::fs::remove_file(&made);
            let mut file =
                std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&made)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            // A link, unlike a rename, does not replace a key that another process has made meanwhile.
            let linked = std::fs::hard_link(&made, path);
            std::fs::remove_file(&made)?;
            linked?;
            sync_folder(path)
        };
        write().map_err(LedgerError::file(path))?;
        Ok(Self(SigningKey::from_bytes(&seed)))
    }
}

impl Signer for FileSigner {
    fn public(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], LedgerError> {
        Ok(self.0.sign(message).to_bytes())
    }
}

/// 32 bytes of the system's randomness.
///
/// # Errors
/// If the system gives none.
pub fn random_bytes() -> std::io::Result<[u8; 32]> {
    let mut bytes = [0; 32];
    random(&mut bytes).map(|()| bytes)
}

/// Fills `bytes` with the system's randomness.
pub(crate) fn random(bytes: &mut [u8]) -> std::io::Result<()> {
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match getrandom(rest, GetRandomFlags::empty()) {
            Ok(more) => filled += more,
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Keys in files: `PATH`, during a rotation `PATH.next`, and afterwards the old one as `PATH.retired-ID`.
#[derive(Clone, Debug)]
pub struct FileKeys(PathBuf);

impl FileKeys {
    /// Keys at `path`.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    fn next_path(&self) -> PathBuf {
        self.0.with_added_extension("next")
    }

    fn read_or_create(path: &Path) -> Result<Arc<dyn Signer>, LedgerError> {
        let key = if path.try_exists().map_err(LedgerError::file(path))? {
            FileSigner::read(path)?
        } else {
            FileSigner::create(path).or_else(|error| {
                // Another process may have been faster.
                if path.exists() { FileSigner::read(path) } else { Err(error) }
            })?
        };
        Ok(Arc::new(key))
    }
}

impl Keys for FileKeys {
    fn current(&self) -> Result<Arc<dyn Signer>, LedgerError> {
        Self::read_or_create(&self.0)
    }

    fn find(&self, public: &[u8; 32]) -> Result<Option<Arc<dyn Signer>>, LedgerError> {
        for path in [self.0.clone(), self.next_path()] {
            if path.try_exists().map_err(LedgerError::file(&path))? {
                let key = FileSigner::read(&path)?;
                if key.public() == *public {
                    return Ok(Some(Arc::new(key)));
                }
            }
        }
        Ok(None)
    }

    fn next(&self) -> Result<Arc<dyn Signer>, LedgerError> {
        Self::read_or_create(&self.next_path())
    }

    fn promote(&self, public: &[u8; 32]) -> Result<(), LedgerError> {
        let next = self.next_path();
        if !next.try_exists().map_err(LedgerError::file(&next))?
            || FileSigner::read(&next)?.public() != *public
        {
            return Ok(());
        }
        if self.0.exists() {
            let old = FileSigner::read(&self.0)?;
            let id = old.public().first_chunk::<4>().map(|id| hex(id)).unwrap_or_default();
            let retired = self.0.with_added_extension(format!("retired-{id}"));
            std::fs::rename(&self.0, &retired).map_err(LedgerError::file(&retired))?;
        }
        std::fs::rename(&next, &self.0).map_err(LedgerError::file(&self.0))?;
        sync_folder(&self.0).map_err(LedgerError::file(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let keys = FileKeys::at(folder.path().join("ledger.key"));
        let made = keys.current().unwrap();
        let again = keys.current().unwrap();
        assert_eq!(made.public(), again.public());
        let mode = std::fs::metadata(folder.path().join("ledger.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let key = verifier_key("octro/x", made.as_ref()).unwrap();
        assert!(key.signed(b"m", &made.sign(b"m").unwrap()));
        assert!(FileSigner::create(&folder.path().join("ledger.key")).is_err(), "never overwritten");
        assert_eq!(keys.current().unwrap().public(), made.public());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left over");
    }

    #[test]
    fn a_key_that_others_may_read_is_refused_and_so_is_what_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.key");
        FileSigner::create(&path).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let refused = FileSigner::read(&path).err().unwrap().to_string();
        assert!(refused.contains("0640") && refused.contains("chmod 600"), "{refused}");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        for wrong in ["", &text[..40], &text.replace("MC4", "MC5"), &format!("{text}x")] {
            std::fs::write(&path, wrong).unwrap();
            let refused = FileSigner::read(&path).err().unwrap().to_string();
            assert!(refused.contains("openssl genpkey"), "{refused}");
        }
    }

    #[test]
    fn the_next_key_takes_over_and_the_old_one_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let keys = FileKeys::at(folder.path().join("ledger.key"));
        let (old, next) = (keys.current().unwrap().public(), keys.next().unwrap().public());
        assert_ne!(old, next);
        assert!(keys.find(&old).unwrap().is_some() && keys.find(&next).unwrap().is_some());
        keys.promote(&old).unwrap();
        assert_eq!(keys.current().unwrap().public(), old, "only the one that was named");
        keys.promote(&next).unwrap();
        keys.promote(&next).unwrap();
        assert_eq!(keys.current().unwrap().public(), next);
        assert!(keys.find(&old).unwrap().is_none());
        let retired = format!("ledger.key.retired-{}", hex(&old[..4]));
        assert_eq!(FileSigner::read(&folder.path().join(retired)).unwrap().public(), old);
    }

    #[test]
    fn a_key_of_openssl_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        let made = std::process::Command::new("openssl")
            .args(["genpkey", "-algorithm", "ed25519", "-out"])
            .arg(&path)
            .output();
        if !made.is_ok_and(|made| made.status.success()) {
            return;
        }
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        let shown = std::process::Command::new("openssl")
            .args(["pkey", "-pubout", "-outform", "DER", "-in"])
            .arg(&path)
            .output()
            .unwrap();
        assert!(shown.stdout.ends_with(&FileSigner::read(&path).unwrap().public()));
    }
}
