//! The published folder: files appear whole or not at all, and the checkpoint appears only when all that it promises is
//! durable.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use octro_verify::{Checkpoint, NOTE_MAX, Note, hex};

use crate::highest::{replace, sync_folder};
use crate::keys::random;
use crate::tile::{WIDTH, hashes_at, levels, path, tiles};
use crate::{LedgerError, Steps};

/// The name of the folder in which files are made before they are moved to where they belong.
const MAKING: &str = ".making-";

/// The deepest that files lie: `tile/0/x001/x001/x001/.../001.p/1`.
const DEPTH_MAX: usize = 12;

/// A log's folder.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    root: PathBuf,
    steps: Steps,
}

/// A file to write: its path within the folder, and its bytes.
pub(crate) type File = (String, Vec<u8>);

impl Folder {
    pub fn new(root: PathBuf, steps: Steps) -> Self {
        Self { root, steps }
    }

    /// Where a file is.
    pub fn at(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// The published note; `None` if nothing was published.
    pub fn note(&self) -> Result<Option<String>, LedgerError> {
        let path = self.at("checkpoint");
        let mut text = String::new();
        let read = std::fs::File::open(&path)
            .and_then(|file| file.take(NOTE_MAX as u64 + 1).read_to_string(&mut text));
        match read {
            Ok(_) => Ok(Some(text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(LedgerError::file(&path)(error)),
        }
    }

    /// What the published note says.
    pub fn checkpoint(&self) -> Result<Option<Checkpoint>, LedgerError> {
        let Some(text) = self.note()? else { return Ok(None) };
        let read = Note::parse(&text).and_then(|note| Checkpoint::parse(&note.text));
        read.map(Some).map_err(|fault| LedgerError::Folder {
            path: self.at("checkpoint"),
            what: format!("something that is no checkpoint: it {fault}"),
        })
    }

    /// Writes files, each whole. They are durable only after [`Folder::sync`].
    pub fn write(&self, files: &[File]) -> Result<(), LedgerError> {
        let making = self.making()?;
        std::fs::create_dir_all(&making).map_err(LedgerError::file(&making))?;
        let mut made = Vec::with_capacity(files.len());
        for (number, (path, bytes)) in files.iter().enumerate() {
            let new = making.join(number.to_string());
            std::fs::write(&new, bytes).map_err(LedgerError::file(&new))?;
            made.push((new, self.at(path)));
        }
        self.steps.passed("publisher.written");
        for (new, path) in made {
            if std::fs::rename(&new, &path).is_err() {
                // The first file in its folder.
                if let Some(parent) = path.parent() {
                    std::fs::create_dir_all(parent).map_err(LedgerError::file(parent))?;
                }
                std::fs::rename(&new, &path).map_err(LedgerError::file(&path))?;
            }
        }
        std::fs::remove_dir(&making).map_err(LedgerError::file(&making))?;
        self.steps.passed("publisher.renamed");
        Ok(())
    }

    /// A folder that nobody else makes files in, on whatever machine.
    fn making(&self) -> Result<PathBuf, LedgerError> {
        let mut number = [0; 8];
        random(&mut number).map_err(LedgerError::file(&self.root))?;
        Ok(self.root.join(format!("{MAKING}{}-{}", std::process::id(), hex(&number))))
    }

    /// Makes what was written durable: all at once where the system can, otherwise file by file.
    pub fn sync(&self, paths: &[String]) -> Result<(), LedgerError> {
        let root = std::fs::File::open(&self.root).map_err(LedgerError::file(&self.root))?;
        if rustix::fs::syncfs(&root).is_err() {
            for path in paths {
                let path = self.at(path);
                std::fs::File::open(&path)
                    .and_then(|file| file.sync_all())
                    .map_err(LedgerError::file(&path))?;
                // New folders have to be durable in theirs, up to the log's own.
                for above in path.ancestors().take_while(|above| *above != self.root) {
                    sync_folder(above).map_err(LedgerError::file(above))?;
                }
            }
        }
        self.steps.passed("publisher.synced");
        Ok(())
    }

    /// Publishes the checkpoint, unless another process has published a larger one meanwhile.
    pub fn publish(&self, note: &str, checkpoint: &Checkpoint) -> Result<(), LedgerError> {
        if self.checkpoint()?.is_some_and(|now| now.origin == checkpoint.origin && now.size > checkpoint.size)
        {
            return Ok(());
        }
        let path = self.at("checkpoint");
        replace(&path, note.as_bytes()).map_err(LedgerError::file(&path))?;
        self.steps.passed("publisher.checkpoint");
        Ok(())
    }

    /// Removes partial tiles whose full ones the log of `to` entries has beyond the one of `from`.
    pub fn clear(&self, from: u64, to: u64) -> Result<(), LedgerError> {
        for piece in Piece::between(from, to).filter(|piece| piece.is_full()) {
            let partial = self.at(&format!("{}.p", piece.path()));
            match std::fs::remove_dir_all(&partial) {
                Ok(()) => {}
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(LedgerError::file(&partial)(error)),
            }
        }
        self.steps.passed("publisher.cleared");
        Ok(())
    }

    /// Removes what publishing left half-done, by processes that are gone.
    pub fn tidy(&self) -> Result<(), LedgerError> {
        let Ok(entries) = std::fs::read_dir(&self.root) else { return Ok(()) };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let of = name.to_str().and_then(|name| name.strip_prefix(MAKING));
            let id = of.and_then(|of| of.split_once('-')).map(|(id, _)| id);
            let alive = id.is_some_and(|id| Path::new("/proc").join(id).exists());
            if of.is_some() && !alive {
                std::fs::remove_dir_all(entry.path()).map_err(LedgerError::file(&entry.path()))?;
            }
        }
        Ok(())
    }

    /// Every file of the folder, by its path, with its length.
    pub fn files(&self) -> Result<BTreeMap<String, u64>, LedgerError> {
        let mut found = BTreeMap::new();
        if self.root.exists() {
            self.walk("", DEPTH_MAX, &mut found)?;
        }
        Ok(found)
    }

    fn walk(&self, under: &str, depth: usize, found: &mut BTreeMap<String, u64>) -> Result<(), LedgerError> {
        let folder = self.at(under);
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !under.is_empty() => return Ok(()),
            Err(error) => return Err(LedgerError::file(&folder)(error)),
        };
        for entry in entries {
            let entry = entry.map_err(LedgerError::file(&folder))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = if under.is_empty() { name } else { format!("{under}/{name}") };
            if path.starts_with(MAKING) {
                continue;
            }
            let meta = match std::fs::symlink_metadata(entry.path()) {
                Ok(meta) => meta,
                // A partial tile has just given way to its full one.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => return Err(LedgerError::file(&entry.path())(error)),
            };
            if meta.is_dir() && depth > 0 {
                self.walk(&path, depth - 1, found)?;
            } else {
                found.insert(path, meta.len());
            }
        }
        Ok(())
    }

    /// Removes a file.
    pub fn remove(&self, path: &str) -> Result<(), LedgerError> {
        let path = self.at(path);
        std::fs::remove_file(&path).map_err(LedgerError::file(&path))
    }
}

/// Something that is published: a tile of a level, or a bundle of entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Piece {
    /// The level; `None` for entries.
    pub level: Option<u8>,
    pub place: u64,
    pub width: u64,
}

impl Piece {
    /// Its path.
    pub fn path(self) -> String {
        match self.level {
            Some(level) => path(level, self.place, self.width),
            None => crate::tile::bundle_path(self.place, self.width),
        }
    }

    pub const fn is_full(self) -> bool {
        self.width == WIDTH
    }

    /// What the log of `to` entries has beyond the one of `from` entries.
    pub fn between(from: u64, to: u64) -> impl Iterator<Item = Self> {
        let of_level = move |level: Option<u8>| {
            let at = level.unwrap_or(0);
            let (before, now) = (hashes_at(from, at), hashes_at(to, at));
            // A partial tile that has not grown is there already.
            let begin = if before == now { u64::MAX } else { before / WIDTH };
            tiles(to, at, begin).map(move |(place, width)| Self { level, place, width })
        };
        levels(to).flat_map(move |level| of_level(Some(level))).chain(of_level(None))
    }

    /// The piece that a path names; `None` if it names none.
    pub fn parse(path: &str) -> Option<Self> {
        let rest = path.strip_prefix("tile/")?;
        let (level, rest) = rest.split_once('/')?;
        let level = if level == "entries" { None } else { Some(level.parse().ok()?) };
        let (digits, width) = match rest.split_once(".p/") {
            Some((digits, width)) => (digits, width.parse().ok()?),
            None => (rest, WIDTH),
        };
        let mut place: u64 = 0;
        for group in digits.split('/') {
            let number: u64 = group.strip_prefix('x').unwrap_or(group).parse().ok()?;
            place = place.checked_mul(1000)?.checked_add(number)?;
        }
        let piece = Self { level, place, width };
        // Each piece has one path.
        (piece.path() == path && width > 0 && width <= WIDTH).then_some(piece)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_those_that_grew() {
        let paths = |from, to| Piece::between(from, to).map(Piece::path).collect::<Vec<_>>();
        assert_eq!(paths(0, 1), ["tile/0/000.p/1", "tile/entries/000.p/1"]);
        assert_eq!(paths(1, 1), [""; 0]);
        assert_eq!(
            paths(255, 257),
            ["tile/0/000", "tile/0/001.p/1", "tile/1/000.p/1", "tile/entries/000", "tile/entries/001.p/1"]
        );
        assert_eq!(paths(256, 256 + 1), ["tile/0/001.p/1", "tile/entries/001.p/1"]);
        assert_eq!(paths(0, 65_536).len(), 256 + 1 + 1 + 256);
        assert!(paths(65_535, 65_536).contains(&"tile/2/000.p/1".to_owned()));
    }

    #[test]
    fn a_path_names_one_piece() {
        for piece in Piece::between(0, 300_000) {
            assert_eq!(Piece::parse(&piece.path()), Some(piece));
        }
        for wrong in [
            "",
            "tile/0/0",
            "tile/0/000.p/256",
            "tile/0/000.p/0",
            "tile/x/000",
            "tile/0/x000/001",
            "tile/0/../000",
        ] {
            assert_eq!(Piece::parse(wrong), None, "{wrong}");
        }
    }
}
