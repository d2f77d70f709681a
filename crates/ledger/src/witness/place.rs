//! A published log as others see it: a folder or an address with a checkpoint and tiles (C2SP `tlog-tiles`). Its tiles
//! are never trusted: what is computed from them counts only if it leads to roots that the log has signed.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use octro_outbound::{Client, Limits};
use octro_verify::{Checkpoint, Hash, NOTE_MAX, Note, consistency_subtrees};

use crate::nodes::Nodes;
use crate::publish::blocking;
use crate::tile::{WIDTH, hashes_at, path, split};
use crate::{LedgerError, Url};

/// How long one file may take.
const TIME: Duration = Duration::from_secs(10);
/// The size of a full tile.
const TILE_MAX: usize = 256 * 32;
/// The name of the file with the newest note.
const CHECKPOINT: &str = "checkpoint";

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A folder with a log's files, or a file with a note, beside which a log's tiles may lie.
    Path(PathBuf),
    /// An address below which a log's files lie.
    Http(Url),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => write!(f, "{}", path.display()),
            Self::Http(url) => write!(f, "{url}"),
        }
    }
}

impl Place {
    /// Reads a path, or an address that begins with `https://` or `http://`; a `/checkpoint` at its end may be there or not.
    ///
    /// # Errors
    /// In words, if the address is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.contains("://") {
            let url = Url::parse(text)?;
            return Ok(Self::Http(url.above(CHECKPOINT).unwrap_or(url)));
        }
        Ok(Self::Path(PathBuf::from(text)))
    }

    fn wrong(&self, what: impl fmt::Display) -> LedgerError {
        LedgerError::Outside { who: self.to_string(), what: what.to_string() }
    }

    /// The bytes of a file below this place; `None` if there is none.
    async fn read(&self, name: &str, size: usize) -> Result<Option<Vec<u8>>, LedgerError> {
        let path = match self {
            Self::Http(url) => {
                let url = url.join(name);
                let answer = Client::shared().get(&url, Limits { time: TIME, size }).await?;
                return match answer.status {
                    200 => Ok(Some(answer.body.to_vec())),
                    404 | 410 => Ok(None),
                    other => {
                        let what = format!("answers with the status {other}: {}", answer.words());
                        Err(LedgerError::Outside { who: url.to_string(), what })
                    }
                };
            }
            Self::Path(path) => path.clone(),
        };
        let name = name.to_owned();
        blocking(move || {
            let path = if path.is_dir() {
                path.join(name)
            } else if name == CHECKPOINT {
                path
            } else {
                path.with_file_name(name)
            };
            read_file(&path, size)
        })
        .await
    }

    /// The newest note, and what it says. No signature is checked.
    ///
    /// # Errors
    /// If it cannot be had, or is no checkpoint.
    pub async fn note(&self) -> Result<(Checkpoint, Note, String), LedgerError> {
        let bytes = self.read(CHECKPOINT, NOTE_MAX).await?.ok_or_else(|| {
            self.wrong("holds no checkpoint; expected a log's own folder, with `checkpoint` and `tile` in it")
        })?;
        let text = String::from_utf8(bytes).map_err(|_| self.wrong("is no note: it is not UTF-8"))?;
        let note = Note::parse(&text).map_err(|fault| self.wrong(format!("the note {fault}")))?;
        let checkpoint =
            Checkpoint::parse(&note.text).map_err(|fault| self.wrong(format!("the checkpoint {fault}")))?;
        Ok((checkpoint, note, text))
    }

    /// The hashes of subtrees, by the tiles that are published of `published` entries.
    async fn hashes(&self, published: u64, subtrees: &[(u64, u64)]) -> Result<Vec<Hash>, LedgerError> {
        let mut tiles = BTreeMap::new();
        for (level, place) in Nodes::wanted(subtrees.iter().copied()) {
            let before = place.saturating_mul(WIDTH);
            let width = hashes_at(published, level).saturating_sub(before).min(WIDTH);
            let mut bytes = None;
            // A tile that has become full meanwhile is no longer there in part.
            for width in [width, WIDTH] {
                bytes = self.read(&path(level, place, width), TILE_MAX).await?;
                if bytes.is_some() {
                    break;
                }
            }
            let name = path(level, place, width);
            let bytes = bytes.ok_or_else(|| self.wrong(format!("holds no {name}")))?;
            let hashes = split(&bytes).filter(|hashes| hashes.len() as u64 >= width);
            let hashes = hashes.ok_or_else(|| self.wrong(format!("{name} does not hold {width} hashes")))?;
            tiles.insert((level, place), hashes);
        }
        let nodes = Nodes::from_tiles(tiles);
        let of = |(start, end): &(u64, u64)| {
            nodes
                .of(*start, *end)
                .map_err(|_| self.wrong("its tiles do not hold what its checkpoint promises"))
        };
        subtrees.iter().map(of).collect()
    }

    /// What its tiles say is the consistency proof from `old` to `new` entries.
    ///
    /// # Errors
    /// If a tile cannot be had.
    pub async fn consistency(&self, published: u64, old: u64, new: u64) -> Result<Vec<Hash>, LedgerError> {
        let subtrees = consistency_subtrees(old, new).filter(|_| new <= published);
        let subtrees =
            subtrees.ok_or_else(|| self.wrong(format!("does not lead from {old} to {new} entries")))?;
        self.hashes(published, &subtrees).await
    }

    /// What its tiles say is the root of `size` entries.
    ///
    /// # Errors
    /// If a tile cannot be had.
    pub async fn root(&self, published: u64, size: u64) -> Result<Hash, LedgerError> {
        let root = self.hashes(published, &[(0, size)]).await?;
        root.first().copied().ok_or_else(|| self.wrong("has no root"))
    }
}

/// Reads a file, if there is one, of at most `size` bytes.
fn read_file(path: &std::path::Path, size: usize) -> Result<Option<Vec<u8>>, LedgerError> {
    use std::io::Read as _;
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(LedgerError::file(path)(error)),
    };
    let mut bytes = Vec::new();
    file.take(size as u64 + 1).read_to_end(&mut bytes).map_err(LedgerError::file(path))?;
    if bytes.len() > size {
        let what = format!("has more than {size} bytes");
        return Err(LedgerError::Outside { who: path.display().to_string(), what });
    }
    Ok(Some(bytes))
}
