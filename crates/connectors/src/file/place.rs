//! Where files are found, and how they are opened: regular files only, up to a size, and noticed if they change while
//! they are read.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use octro_model::{Timestamp, UnknownReason, Why};

/// The most files of a folder that are read.
const FILES_MAX: usize = 10_000;
/// The most entries of a folder that are looked at.
const ENTRIES_MAX: usize = 100_000;

/// A file, or a folder of files.
#[derive(Debug)]
pub(crate) struct Place {
    /// Its absolute path.
    pub path: PathBuf,
    /// Of a folder, only the file that was written last is read.
    pub is_newest_only: bool,
    /// How many bytes all files together may have.
    pub size_max: u64,
}

impl Place {
    /// The files to read: the file itself, or those in the folder whose names end right, by name.
    pub(crate) fn files(&self, endings: &[&str]) -> Result<Vec<PathBuf>, UnknownReason> {
        let metadata = fs::metadata(&self.path).map_err(|error| reason(&self.path, &error))?;
        if !metadata.is_dir() {
            return Ok(vec![self.path.clone()]);
        }
        let found = self.inside(endings).map_err(|error| reason(&self.path, &error))?;
        if found.is_empty() {
            let what = format!("{} has no file that ends with {}", self.path.display(), endings.join(" or "));
            return Err(UnknownReason::new(Why::NotCollected, what));
        }
        if !self.is_newest_only {
            return Ok(found.into_iter().map(|(path, _)| path).collect());
        }
        Ok(found
            .into_iter()
            .max_by_key(|(_, modified)| *modified)
            .map(|(path, _)| path)
            .into_iter()
            .collect())
    }

    /// Another number once a file, or the list of files, is another one: by size and time of the last change.
    pub(crate) fn mark(&self, endings: &[&str]) -> u64 {
        use std::hash::{DefaultHasher, Hash as _, Hasher as _};
        let mut hash = DefaultHasher::new();
        for path in self.files(endings).unwrap_or_default() {
            let seen = fs::metadata(&path).ok().map(|metadata| (metadata.len(), metadata.modified().ok()));
            (path, seen).hash(&mut hash);
        }
        hash.finish()
    }

    fn inside(&self, endings: &[&str]) -> io::Result<Vec<(PathBuf, SystemTime)>> {
        let mut found = Vec::new();
        for (looked, entry) in fs::read_dir(&self.path)?.enumerate() {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if looked >= ENTRIES_MAX || found.len() >= FILES_MAX {
                return Err(io::Error::other(format!(
                    "it holds more than {FILES_MAX} files or {ENTRIES_MAX} entries"
                )));
            }
            if name.starts_with('.') || !endings.iter().any(|ending| name.ends_with(ending)) {
                continue;
            }
            let path = entry.path();
            // Through a link, too. What is no file is not meant; what cannot be looked at must not be overlooked.
            let metadata = fs::metadata(&path)?;
            if metadata.is_file() {
                found.push((path, metadata.modified()?));
            }
        }
        found.sort();
        Ok(found)
    }
}

/// A file that is being read.
pub(crate) struct Opened {
    /// Its path, for people.
    pub name: String,
    /// Its name without folder and ending.
    pub stem: String,
    /// When it was written, but never later than now.
    pub modified: Timestamp,
    /// How long it is.
    pub bytes: u64,
    file: File,
    written: SystemTime,
}

impl Opened {
    /// Opens a file of which at most `most` bytes may be read.
    pub(crate) fn open(path: &Path, most: u64, now: Timestamp) -> Result<Self, UnknownReason> {
        let open = || {
            // A pipe or a device must not be waited for.
            if !fs::metadata(path)?.is_file() {
                return Err(io::Error::other("it is no regular file"));
            }
            let file = File::open(path)?;
            let metadata = file.metadata()?;
            Ok((metadata.len(), metadata.modified()?, file))
        };
        let (bytes, written, file) = open().map_err(|error| reason(path, &error))?;
        if bytes > most {
            let what =
                format!("{}: it has {bytes} bytes; expected at most {most} (`size_max`)", path.display());
            return Err(UnknownReason::new(Why::Failed, what));
        }
        let name = path.display().to_string();
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        Ok(Self { name, stem, modified: timestamp(written).min(now), bytes, file, written })
    }

    /// Its bytes: those that it had when it was opened.
    pub(crate) fn reader(&self) -> impl Read + '_ {
        (&self.file).take(self.bytes)
    }

    /// Whether somebody wrote to it since it was opened, so that what was read may be of two minds.
    pub(crate) fn has_changed(&self) -> bool {
        !self.file.metadata().is_ok_and(|metadata| {
            metadata.len() == self.bytes && metadata.modified().is_ok_and(|modified| modified == self.written)
        })
    }
}

fn timestamp(time: SystemTime) -> Timestamp {
    let micros = match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_micros()).unwrap_or(i64::MAX),
        Err(before) => -i64::try_from(before.duration().as_micros()).unwrap_or(i64::MAX),
    };
    Timestamp::from_micros(micros)
}

/// Why a path gives nothing.
pub(crate) fn reason(path: &Path, error: &io::Error) -> UnknownReason {
    let why = if error.kind() == io::ErrorKind::PermissionDenied { Why::Denied } else { Why::Failed };
    UnknownReason::new(why, format!("{}: {error}", path.display()))
}
