//! The published folder beside the database: its checkpoint, the tiles at the right edge, and what does not belong there.
//! Full tiles were compared with the entries, chunk by chunk.

use octro_store::Db;
use octro_verify::{Checkpoint, Leaf, What};

use super::Findings;
use super::chunk::{Published, compare};
use super::whole::NOTE;
use crate::folder::{Folder, Piece};
use crate::log::number;
use crate::publish::contents;
use crate::tile::{WIDTH, hashes_at};
use crate::{LedgerError, Log};

pub(crate) const FOLLOWS: &str =
    "SELECT e.leaf FROM ledger_log l JOIN ledger_entries e ON e.seq = l.first WHERE l.ord = $1";

/// The size that is published, if it is one of this log; and what is wrong with the published checkpoint.
pub(super) async fn checkpoint(
    db: &Db,
    log: &Log,
    folder: &Folder,
) -> Result<(Option<u64>, Findings), LedgerError> {
    let wrong = |says: String| Ok((None, vec![(0, format!("the published checkpoint: {says}"))]));
    let (note, said) = match folder.note().and_then(|note| Ok((note, folder.checkpoint()?))) {
        Ok((Some(note), Some(said))) => (note, said),
        Ok(_) => return wrong("there is none".to_owned()),
        Err(error) => return wrong(error.to_string()),
    };
    if said.origin != log.origin {
        return wrong(format!("it is of `{}`, and the log is `{}`", said.origin, log.origin));
    }
    // A log that goes on has grown since its row was read.
    let now = Log::by_ord(db, log.ord).await?.map_or(log.size, |now| now.size);
    if said.size > now && given_up(db, log, &said).await? {
        // A backup was restored, and the log that follows says openly what was lost.
        return Ok((None, Vec::new()));
    }
    if said.size > now {
        return wrong(format!("it has {} entries, and the database {now}", said.size));
    }
    match db.fetch_one(NOTE, &[log.ord.into(), number(said.size).into()]).await? {
        // Cosignatures may stand behind what the log signed.
        Some(row) if note.starts_with(&row.get::<String>(0)?) => Ok((Some(said.size), Vec::new())),
        Some(_) => wrong(format!("it is not the one of {} entries that the database has", said.size)),
        None => wrong(format!("the database has none of {} entries", said.size)),
    }
}

/// Compares what is not full, and names what does not belong there; answers how many files were compared.
pub(super) async fn rest(db: &Db, log: &Log, published: &Published) -> Result<(u64, Findings), LedgerError> {
    let mut findings = Vec::new();
    // Of a log that goes on, more is published meanwhile, and what was not full gives way to it.
    let log = &Log::by_ord(db, log.ord).await?.unwrap_or_else(|| log.clone());
    let files = match published.folder.files() {
        Ok(files) => files,
        Err(error) => return Ok((0, vec![(0, format!("the published folder: {error}"))])),
    };
    // The partial tiles that the checkpoint needs, and older ones, which hold a part of the same.
    let mut partial: Vec<Piece> =
        Piece::between(0, published.size).filter(|piece| !piece.is_full()).collect();
    // The second is the first while a publisher writes it.
    for path in files.keys().filter(|path| !matches!(path.as_str(), "checkpoint" | "checkpoint.new")) {
        let piece = Piece::parse(path);
        let Some(piece) = piece.filter(|piece| is_within(*piece, log.size)) else {
            findings.push((0, format!("published file {path} does not belong there")));
            continue;
        };
        if !piece.is_full() && !partial.contains(&piece) {
            partial.push(piece);
        }
    }
    let mut compared = 0;
    let contents = match contents(db, log, &partial).await {
        // What is missing from the database was said already, or is now.
        Err(LedgerError::Damaged(says)) => {
            findings.push((log.size, format!("the published folder cannot be compared: {says}")));
            return Ok((0, findings));
        }
        contents => contents?,
    };
    for (path, bytes) in contents {
        compared += 1;
        let near = Piece::parse(&path)
            .map_or(0, |piece| (piece.place * WIDTH) << (8 * u32::from(piece.level.unwrap_or(0))).min(63));
        if let Some(finding) = compare(published, &path, &bytes, near) {
            let now = published.folder.checkpoint().ok().flatten().map(|now| now.size);
            let gave_way =
                now.is_some_and(|now| now > published.size) && !published.folder.at(&path).exists();
            findings.extend((!gave_way).then_some(finding));
        }
    }
    Ok((compared, findings))
}

/// Whether all of a piece lies within the log.
fn is_within(piece: Piece, size: u64) -> bool {
    let end = piece.place.saturating_mul(WIDTH).saturating_add(piece.width);
    end <= hashes_at(size, piece.level.unwrap_or(0))
}

/// Whether the log that follows cites this checkpoint as the last one of the log before it.
async fn given_up(db: &Db, log: &Log, said: &Checkpoint) -> Result<bool, LedgerError> {
    let Some(row) = db.fetch_one(FOLLOWS, &[(log.ord + 1).into()]).await? else { return Ok(false) };
    let leaf: Vec<u8> = row.get(0)?;
    let Ok(What::Open { after: Some(after), .. }) = Leaf::parse(&leaf).map(|leaf| leaf.what) else {
        return Ok(false);
    };
    Ok((after.origin.as_str(), after.size, after.root) == (said.origin.as_str(), said.size, said.root))
}
