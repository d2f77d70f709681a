//! The data folder: the embedded database and a lock, so that only one process at a time works on it.

use std::fs::{File, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

/// The files of a data folder; the database keeps the last two beside itself.
const FILES: [&str; 4] = ["lock", "octro.db", "octro.db-wal", "octro.db-shm"];

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
    /// Opens the folder, made if it is not there: readable by its owner alone, and so are its files even if the folder
    /// was made by somebody else.
    ///
    /// # Errors
    /// If another process holds it, or it cannot be made.
    pub fn open(path: &Path) -> Result<Self, FolderError> {
        let io = |source| FolderError::Io { path: path.to_owned(), source };
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(io)?;
        let lock = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .mode(0o600)
            .open(path.join("lock"))
            .map_err(io)?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive).map_err(|error| {
            if error == rustix::io::Errno::WOULDBLOCK {
                FolderError::Taken(path.to_owned())
            } else {
                io(error.into())
            }
        })?;
        for name in FILES {
            tighten(&path.join(name));
        }
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

/// Takes the rights of others to a file away, if it is there.
fn tighten(file: &Path) {
    let Ok(metadata) = file.metadata() else { return };
    if metadata.permissions().mode() & 0o077 == 0 {
        return;
    }
    if let Err(error) = std::fs::set_permissions(file, Permissions::from_mode(0o600)) {
        tracing::warn!(file = %file.display(), %error, "other users may read the file; take their rights away");
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

    #[test]
    fn files_are_their_owners_alone() {
        let at = std::env::temp_dir().join(format!("octro-folder-modes-{}", std::process::id()));
        std::fs::create_dir(&at).unwrap();
        std::fs::set_permissions(&at, Permissions::from_mode(0o755)).unwrap();
        for name in ["octro.db", "octro.db-wal"] {
            std::fs::write(at.join(name), "").unwrap();
            std::fs::set_permissions(at.join(name), Permissions::from_mode(0o644)).unwrap();
        }
        let _folder = Folder::open(&at).unwrap();
        for name in ["lock", "octro.db", "octro.db-wal"] {
            let mode = at.join(name).metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
        std::fs::remove_dir_all(&at).unwrap();
    }
}
