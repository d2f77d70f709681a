//! The data folder: the embedded database and a lock, so that only one process at a time works on it.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

/// A data folder that this process holds alone until it is dropped.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    _lock: File,
}

/// Why a data folder cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Another process works on it.
    #[error("another Octro works on {0}; stop it, or name another folder with --data")]
    Taken(PathBuf),
    /// It cannot be made or opened.
    #[error("{path}: {source}")]
    Io {
        /// The folder.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
}

impl Folder {
    /// Opens the folder, made if it is not there: readable by its owner alone.
    ///
    /// # Errors
    /// If another process holds it, or it cannot be made.
    pub fn open(path: &Path) -> Result<Self, FolderError> {
        use std::os::unix::fs::DirBuilderExt as _;
        let io = |source| FolderError::Io { path: path.to_owned(), source };
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(io)?;
        let lock = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(path.join("lock"))
            .map_err(io)?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive).map_err(|error| {
            if error == rustix::io::Errno::WOULDBLOCK {
                FolderError::Taken(path.to_owned())
            } else {
                io(error.into())
            }
        })?;
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// The address of the embedded database in a data folder.
    pub fn database(path: &Path) -> String {
        format!("sqlite:{}", path.join("octro.db").display())
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_held_by_one_at_a_time() {
        let at = std::env::temp_dir().join(format!("octro-folder-{}", std::process::id()));
        let first = Folder::open(&at).unwrap();
        assert!(matches!(Folder::open(&at), Err(FolderError::Taken(_))));
        drop(first);
        assert!(Folder::open(&at).is_ok());
        std::fs::remove_dir_all(&at).unwrap();
    }
}
