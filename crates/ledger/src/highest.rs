//! The second place: beside the key stands which checkpoint was the last to leave the house. A database that is older
//! is a restored backup, and appending to it would fork the log.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use octro_verify::Checkpoint;

use crate::LedgerError;

/// The file with the newest signed checkpoint.
#[derive(Clone, Debug)]
pub struct Highest {
    path: PathBuf,
}

impl Highest {
    /// Kept at `path`; by custom the key's path with `.highest` behind it.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Beside a key: its path with `.highest` behind it.
    pub fn beside(key: &Path) -> Self {
        Self { path: key.with_added_extension("highest") }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it says; `None` if nothing was signed yet.
    ///
    /// # Errors
    /// If the file cannot be read or makes no sense: nothing may be signed then.
    pub fn read(&self) -> Result<Option<Checkpoint>, LedgerError> {
        let text = match std::fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(LedgerError::file(&self.path)(error)),
        };
        Checkpoint::parse(&text).map(Some).map_err(|fault| LedgerError::Key {
            path: self.path.clone(),
            what: format!(
                "{fault}; it must hold the origin, size and root of the newest signed checkpoint, which stand in the \
                 published folder's `checkpoint` too"
            ),
        })
    }

    /// Raises it, durably, unless it is as high already. The same log never sinks.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn raise(&self, to: &Checkpoint) -> Result<(), LedgerError> {
        let lock = folder_of(&self.path).map_err(LedgerError::file(&self.path))?;
        lock.lock().map_err(LedgerError::file(&self.path))?;
        if self.read()?.is_some_and(|now| now.origin == to.origin && now.size >= to.size) {
            return Ok(());
        }
        replace(&self.path, to.to_text().as_bytes()).map_err(LedgerError::file(&self.path))
    }
}

fn folder_of(path: &Path) -> std::io::Result<std::fs::File> {
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::File::open(folder)
}

/// Makes what was done in a file's folder durable.
pub(crate) fn sync_folder(path: &Path) -> std::io::Result<()> {
    folder_of(path)?.sync_all()
}

/// Replaces a file at once and durably: whoever reads sees the old one or the new one, whole.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let new = path.with_added_extension("new");
    let mut file = std::fs::File::create(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    drop(file);
    std::fs::rename(&new, path)?;
    sync_folder(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_only_rises() {
        let folder = tempfile::tempdir().unwrap();
        let highest = Highest::beside(&folder.path().join("ledger.key"));
        assert_eq!(highest.read().unwrap(), None);
        let at = |origin: &str, size| Checkpoint { origin: origin.to_owned(), size, root: [7; 32] };
        highest.raise(&at("octro/a", 10)).unwrap();
        highest.raise(&at("octro/a", 9)).unwrap();
        assert_eq!(highest.read().unwrap(), Some(at("octro/a", 10)));
        highest.raise(&at("octro/a", 11)).unwrap();
        assert_eq!(highest.read().unwrap(), Some(at("octro/a", 11)));
        highest.raise(&at("octro/a/2", 1)).unwrap();
        assert_eq!(highest.read().unwrap(), Some(at("octro/a/2", 1)));
        std::fs::write(highest.path(), "octro/a\n").unwrap();
        assert!(highest.read().unwrap_err().to_string().contains("origin, size and root"));
    }
}
