//! Publishing: what the database holds becomes files, once a second if it has grown. The files can always be made anew.

use std::path::{Path, PathBuf};

use octro_store::{Bulk, Db, Param};
use octro_verify::{Checkpoint, Note};

use crate::folder::{File, Folder, Piece};
use crate::ledger::Settings;
use crate::log::number;
use crate::nodes::{From, edge};
use crate::outsiders::fresh;
use crate::tile::{WIDTH, bundle, concatenated};
use crate::{Highest, LedgerError, Log, Reader, Steps};

const TILES: Bulk = Bulk {
    head: "SELECT t.level, t.place, t.hashes FROM (VALUES ",
    columns: 3,
    tail: ") AS v CROSS JOIN ledger_tiles AS t \
           WHERE t.log = v.column1 AND t.level = v.column2 AND t.place = v.column3",
    casts: true,
};
const LEAVES: &str = "SELECT leaf FROM ledger_entries WHERE seq >= $1 AND seq < $2 ORDER BY seq";

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[LEAVES];
#[cfg(test)]
pub(crate) const BULKS: &[Bulk] = &[TILES];

/// How many files are made at a time.
const FILES: usize = 64;

/// See the module.
pub(crate) struct Publisher {
    db: Db,
    highest: Highest,
    folder: Option<PathBuf>,
    steps: Steps,
    /// The note that was published last, and of which log.
    published: Option<(i64, String)>,
    /// Of which log, and from which size on, partial tiles may lie beside their full ones. Absent in a process that has not
    /// looked.
    uncleared: Option<(i64, u64)>,
}

impl Publisher {
    pub fn new(db: Db, settings: &Settings) -> Self {
        Self {
            db,
            highest: settings.highest.clone(),
            folder: settings.folder.clone(),
            steps: settings.steps.clone(),
            published: None,
            uncleared: None,
        }
    }

    /// Publishes the newest checkpoint and what it covers; answers its size.
    pub async fn publish(&mut self) -> Result<u64, LedgerError> {
        let reader = Reader::newest(&self.db).await?;
        let signed = reader.checkpoint().await?;
        let (ord, size) = (reader.log().ord, signed.checkpoint.size);
        let note = fresh::note(&self.db, reader.log(), &signed).await?;
        if self.published.as_ref().is_some_and(|(log, published)| *log == ord && *published == note) {
            return Ok(size);
        }
        // The second place first: nothing leaves the house that it does not know of.
        let (highest, checkpoint) = (self.highest.clone(), signed.checkpoint.clone());
        blocking(move || highest.raise(&checkpoint)).await?;
        self.steps.passed("publisher.highest");
        if let Some(root) = &self.folder {
            let folder = Folder::new(root.join(ord.to_string()), self.steps.clone());
            let from = {
                let folder = folder.clone();
                blocking(move || {
                    folder.tidy()?;
                    folder.checkpoint()
                })
                .await?
            };
            let from = match from {
                None => 0,
                Some(now) if now.origin != signed.checkpoint.origin => {
                    return Err(foreign(&folder, &format!("another log, `{}`", now.origin)));
                }
                Some(now) if now.size > size => {
                    return Err(foreign(
                        &folder,
                        &format!("{} entries, more than the database's {size}", now.size),
                    ));
                }
                Some(now) if reader.root(now.size).await? != now.root => {
                    return Err(foreign(&folder, "another history than the database"));
                }
                Some(now) => now.size,
            };
            write(&self.db, &reader, &folder, from, size).await?;
            let text = note.clone();
            // What could not be cleared before, or was not because the process ended, is cleared now.
            let left = self.uncleared.filter(|(log, _)| *log == ord).map_or(0, |(_, left)| left);
            self.uncleared = Some((ord, left.min(from)));
            blocking(move || {
                folder.publish(&text, &signed.checkpoint)?;
                folder.clear(left.min(from), size)
            })
            .await?;
            self.uncleared = Some((ord, size));
        }
        self.published = Some((ord, note));
        Ok(size)
    }
}

impl Publisher {
    /// Writes the note that was published last anew, with the cosignatures that have come meanwhile.
    pub async fn republish(&mut self) -> Result<(), LedgerError> {
        let (Some(root), Some((ord, note))) = (&self.folder, &self.published) else { return Ok(()) };
        let reader = Reader::of(&self.db, *ord).await?;
        let at = root.join(ord.to_string()).join("checkpoint");
        let of = Note::parse(note).and_then(|note| Checkpoint::parse(&note.text));
        let Ok(published) = of else { return Ok(()) };
        let Some(signed) = reader.checkpoint_from(published.size).await? else { return Ok(()) };
        let new = fresh::note(&self.db, reader.log(), &signed).await?;
        if signed.checkpoint != published || new == *note {
            return Ok(());
        }
        let (ord, text) = (*ord, new.clone());
        blocking(move || {
            // Another process may have published more meanwhile.
            let now = std::fs::read_to_string(&at).map_err(LedgerError::file(&at))?;
            if Note::parse(&now).is_ok_and(|now| now.text == published.to_text()) {
                crate::highest::replace(&at, text.as_bytes()).map_err(LedgerError::file(&at))?;
            }
            Ok(())
        })
        .await?;
        self.published = Some((ord, new));
        Ok(())
    }
}

fn foreign(folder: &Folder, what: &str) -> LedgerError {
    LedgerError::Folder { path: folder.at(""), what: what.to_owned() }
}

/// Writes all files anew from the database, and removes what does not belong there; answers how many it wrote.
///
/// # Errors
/// If the database or the folder fails.
pub async fn rebuild(db: &Db, folder: &Path) -> Result<u64, LedgerError> {
    let mut written = 0;
    for log in Reader::logs(db).await? {
        let reader = Reader::of(db, log.ord).await?;
        let signed = reader.checkpoint().await?;
        let size = signed.checkpoint.size;
        let folder = Folder::new(folder.join(log.ord.to_string()), Steps::default());
        written += write(db, &reader, &folder, 0, size).await?;
        blocking(move || {
            // What is there may be of another log or size: it gives way.
            crate::highest::replace(&folder.at("checkpoint"), signed.note.as_bytes())
                .map_err(LedgerError::file(&folder.at("checkpoint")))?;
            for path in folder.files()?.into_keys() {
                let belongs =
                    path == "checkpoint" || Piece::parse(&path).is_some_and(|piece| belongs(piece, size));
                if !belongs {
                    folder.remove(&path)?;
                }
            }
            Ok(())
        })
        .await?;
    }
    Ok(written)
}

/// Whether the log of `size` entries is published with this piece.
pub(crate) fn belongs(piece: Piece, size: u64) -> bool {
    let hashes = crate::tile::hashes_at(size, piece.level.unwrap_or(0));
    let before = piece.place.saturating_mul(WIDTH);
    before < hashes && piece.width == (hashes - before).min(WIDTH)
}

/// Writes what the log of `to` entries has beyond the one of `from`, and makes it durable; answers how many files.
async fn write(db: &Db, reader: &Reader, folder: &Folder, from: u64, to: u64) -> Result<u64, LedgerError> {
    let mut pieces = Piece::between(from, to);
    let mut paths = Vec::new();
    let mut written = 0;
    loop {
        let some: Vec<Piece> = pieces.by_ref().take(FILES).collect();
        if some.is_empty() {
            break;
        }
        let files = contents(db, reader.log(), &some).await?;
        written += files.len() as u64;
        paths.extend(files.iter().map(|(path, _)| path.clone()));
        let folder = folder.clone();
        blocking(move || folder.write(&files)).await?;
    }
    let folder = folder.clone();
    blocking(move || {
        std::fs::create_dir_all(folder.at("")).map_err(LedgerError::file(&folder.at("")))?;
        folder.sync(&paths)
    })
    .await?;
    Ok(written)
}

/// The files of pieces.
pub(crate) async fn contents(db: &Db, log: &Log, pieces: &[Piece]) -> Result<Vec<File>, LedgerError> {
    let mut values: Vec<Param<'_>> = Vec::new();
    let mut files = Vec::with_capacity(pieces.len());
    for piece in pieces {
        let first = piece.place.saturating_mul(WIDTH);
        match piece.level {
            Some(level) if piece.is_full() => {
                values.extend([log.ord.into(), i64::from(level).into(), Param::Int(number(piece.place))]);
            }
            Some(level) => {
                let end = first + piece.width;
                let hashes = edge(&mut From::Db(db), log, level, first, end).await?;
                files.push((piece.path(), concatenated(&hashes)));
            }
            None => {
                let range = [log.seq(first).into(), log.seq(first + piece.width).into()];
                let rows = db.fetch(LEAVES, &range).await?;
                let leaves = rows.iter().map(|row| row.get(0)).collect::<Result<Vec<Vec<u8>>, _>>()?;
                if leaves.len() as u64 != piece.width {
                    return Err(LedgerError::Damaged(format!("an entry near {first} is missing")));
                }
                files.push((piece.path(), bundle(leaves.iter().map(Vec::as_slice))));
            }
        }
    }
    let full = values.len() / 3;
    let rows = TILES.fetch(db, &values).await?;
    if rows.len() != full {
        return Err(LedgerError::Damaged(format!("of {full} tiles, {} are there", rows.len())));
    }
    for row in rows {
        let level: i64 = row.get(0)?;
        let piece = Piece { level: u8::try_from(level).ok(), place: row.get(1)?, width: WIDTH };
        files.push((piece.path(), row.get(2)?));
    }
    Ok(files)
}

/// Runs what waits for the disk where it keeps nobody waiting.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, LedgerError> + Send + 'static,
) -> Result<T, LedgerError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(_) => Err(LedgerError::Stopping),
    }
}
