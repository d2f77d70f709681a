//! The files of a program: a folder read into memory whole, or the default program that the binary carries.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// How many files a program may have.
pub(crate) const FILES_MAX: usize = 20_000;
/// How many bytes all of them may have together.
pub(crate) const BYTES_MAX: u64 = 64 * 1024 * 1024;
/// How deep folders may lie in each other.
const DEPTH_MAX: usize = 16;

mod list {
    include!(concat!(env!("OUT_DIR"), "/embedded.rs"));
}

/// The files of a program folder by their path, which is written with `/` and relative to the folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files(BTreeMap<String, Vec<u8>>);

impl Files {
    /// Files that are already in memory.
    pub const fn new(files: BTreeMap<String, Vec<u8>>) -> Self {
        Self(files)
    }

    /// The default program.
    pub fn embedded() -> Self {
        Self(list::EMBEDDED.iter().map(|(path, bytes)| ((*path).to_owned(), bytes.to_vec())).collect())
    }

    /// Reads a folder. Names that begin with a dot are left out.
    ///
    /// # Errors
    /// If something cannot be read, a symbolic link leads out of the folder or to a folder, a name is not UTF-8, or
    /// there are more than 20,000 files or 64 MiB.
    pub fn read(dir: &Path) -> io::Result<Self> {
        let root = dir.canonicalize().map_err(|error| named(dir, &error))?;
        if !root.is_dir() {
            return Err(refused(dir, "is no folder; expected the folder of a program"));
        }
        let mut reading = Reading { root: root.clone(), files: BTreeMap::new(), bytes: 0 };
        reading.folder(&root, "", 0)?;
        Ok(Self(reading.files))
    }

    /// All of them, by path.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice()))
    }

    /// One of them.
    pub fn get(&self, path: &str) -> Option<&[u8]> {
        self.0.get(path).map(Vec::as_slice)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Writes them into a folder, which is made if there is none.
    ///
    /// # Errors
    /// If one of them exists already (then nothing is written), a path would lead out of the folder, or the system
    /// refuses.
    pub fn write(&self, dir: &Path) -> io::Result<()> {
        for path in self.0.keys() {
            if let Err(why) = check_path(path) {
                return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{path}: {why}")));
            }
            let target = dir.join(path);
            if target.symlink_metadata().is_ok() {
                let what = format!("{} exists already; nothing was written", target.display());
                return Err(io::Error::new(io::ErrorKind::AlreadyExists, what));
            }
        }
        std::fs::create_dir_all(dir).map_err(|error| named(dir, &error))?;
        for (path, bytes) in &self.0 {
            let target = dir.join(path);
            if let Some(parent) = target.parent() {
                std::fs::create_dir_all(parent).map_err(|error| named(parent, &error))?;
            }
            std::fs::write(&target, bytes).map_err(|error| named(&target, &error))?;
        }
        Ok(())
    }
}

/// Whether a path stays in its folder and reads the same everywhere.
pub(crate) fn check_path(path: &str) -> Result<(), &'static str> {
    if path.is_empty() || path.len() > 1_000 {
        return Err("a path has 1-1000 bytes");
    }
    if path.contains(['\\', '\0', ':']) {
        return Err("a path has no `\\`, no `:` and no NUL");
    }
    if path.split('/').any(|name| matches!(name, "" | "." | "..")) {
        return Err("a path is relative, and has no empty name, no `.` and no `..`");
    }
    Ok(())
}

struct Reading {
    root: PathBuf,
    files: BTreeMap<String, Vec<u8>>,
    bytes: u64,
}

impl Reading {
    fn folder(&mut self, dir: &Path, prefix: &str, depth: usize) -> io::Result<()> {
        if depth > DEPTH_MAX {
            return Err(refused(dir, "lies too deep; expected at most 16 folders in each other"));
        }
        for entry in std::fs::read_dir(dir).map_err(|error| named(dir, &error))? {
            let entry = entry.map_err(|error| named(dir, &error))?;
            let path = entry.path();
            let name = entry.file_name();
            let Some(name) = name.to_str() else {
                return Err(refused(&path, "has a name that is not UTF-8; rename it"));
            };
            if name.starts_with('.') {
                continue;
            }
            let inner = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}/{name}") };
            let kind = entry.file_type().map_err(|error| named(&path, &error))?;
            if kind.is_dir() {
                self.folder(&path, &inner, depth + 1)?;
            } else if kind.is_symlink() {
                let target = path.canonicalize().map_err(|error| named(&path, &error))?;
                if !target.starts_with(&self.root) {
                    return Err(refused(&path, "is a symbolic link that leads out of the program's folder"));
                }
                if !target.is_file() {
                    return Err(refused(&path, "is a symbolic link to something that is no file"));
                }
                self.file(&target, inner)?;
            } else if kind.is_file() {
                self.file(&path, inner)?;
            } else {
                return Err(refused(&path, "is neither a file nor a folder"));
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &Path, inner: String) -> io::Result<()> {
        let size = path.metadata().map_err(|error| named(path, &error))?.len();
        if self.files.len() >= FILES_MAX {
            return Err(refused(path, "is one file too many; a program has at most 20,000"));
        }
        if self.bytes.saturating_add(size) > BYTES_MAX {
            return Err(refused(path, "makes the program too large; expected at most 64 MiB in all"));
        }
        let bytes = std::fs::read(path).map_err(|error| named(path, &error))?;
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
        self.files.insert(inner, bytes);
        Ok(())
    }
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

fn refused(path: &Path, why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{} {why}", path.display()))
}
