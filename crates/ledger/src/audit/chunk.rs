//! One stretch of the log, 65,536 entries: each leaf is hashed and read, the tiles of its lowest level are compared with
//! what is stored and published, and the roots of its checkpoints are prepared. Chunks are independent of each other.

use std::io::Read as _;

use octro_store::Db;
use octro_verify::{Hash, Leaf, What, leaf_hash, node_hash};

use super::Findings;
use super::chains::Stretches;
use super::pages::{Found, found};
use crate::folder::{Folder, Piece};
use crate::log::number;
use crate::publish::blocking;
use crate::tile::{WIDTH, bundle, concatenated};
use crate::{LedgerError, Log};

pub(super) const TILES: &str = "SELECT place, root, hashes FROM ledger_tiles \
     WHERE log = $1 AND level = 0 AND place >= $2 AND place < $3 ORDER BY place";
pub(super) const CHECKPOINTS: &str = "SELECT size, root, note FROM ledger_checkpoints \
     WHERE log = $1 AND size > $2 AND size <= $3 ORDER BY size";

/// Entries of a chunk: the leaves under one tile of level 1.
pub(super) const CHUNK: u64 = WIDTH * WIDTH;
/// Entries that are checked at once.
const PAGE: u64 = 8 * WIDTH;

/// The published folder, and the size of its checkpoint, which may be more than what is audited.
#[derive(Clone)]
pub(super) struct Published {
    pub folder: Folder,
    pub size: u64,
}

/// A stored checkpoint, and the root over the part of its tree that lies in the chunk.
pub(super) struct Sealed {
    pub size: u64,
    pub root: Vec<u8>,
    pub note: String,
    pub inside: Option<Hash>,
}

/// A leaf that begins the log, or belongs to the chain of seals or keys.
pub(super) struct Link {
    pub index: u64,
    pub hash: Hash,
    pub leaf: Leaf,
}

/// What a chunk came to.
#[derive(Default)]
pub(super) struct Chunk {
    pub start: u64,
    pub entries: u64,
    pub tiles: u64,
    pub files: u64,
    /// The roots of its full tiles.
    pub roots: Vec<Hash>,
    /// The complete subtrees that it consists of: height and hash, from the left.
    pub peaks: Vec<(u32, Hash)>,
    pub checkpoints: Vec<Sealed>,
    pub links: Vec<Link>,
    /// The controls' chains, as far as they lie in the chunk.
    pub stretches: Stretches,
    /// When its first and its last leaf were written.
    pub written: Option<(u64, u64)>,
    pub findings: Findings,
}

/// Adds a leaf to the peaks of a tree; answers the root of the tile that it completes.
fn push(peaks: &mut Vec<(u32, Hash)>, leaf: Hash) -> Option<Hash> {
    let (mut height, mut hash, mut tile) = (0, leaf, None);
    while let Some((_, left)) = peaks.pop_if(|(of, _)| *of == height) {
        hash = node_hash(&left, &hash);
        height += 1;
        if height == 8 {
            tile = Some(hash);
        }
    }
    peaks.push((height, hash));
    tile
}

/// The root over peaks, the rightmost of which may already be joined to `right`.
pub(super) fn fold(peaks: &[(u32, Hash)], right: Option<Hash>) -> Option<Hash> {
    peaks
        .iter()
        .rev()
        .fold(right, |right, (_, left)| Some(right.map_or(*left, |right| node_hash(left, &right))))
}

/// What was found of a page of entries, and what is compared with it.
struct Page {
    start: u64,
    end: u64,
    found: Found,
    tiles: Vec<(u64, Vec<u8>, Vec<u8>)>,
}

/// Reads and checks the chunk that begins at `start`.
pub(super) async fn read(
    db: &Db,
    log: &Log,
    start: u64,
    published: Option<Published>,
    leaves: bool,
) -> Result<Chunk, LedgerError> {
    let end = (start + CHUNK).min(log.size);
    let mut chunk = Chunk { start, ..Chunk::default() };
    let range = [log.ord.into(), number(start).into(), number(end).into()];
    for row in db.fetch(CHECKPOINTS, &range).await? {
        chunk.checkpoints.push(Sealed {
            size: row.get(0)?,
            root: row.get(1)?,
            note: row.get(2)?,
            inside: None,
        });
    }
    let mut at = start;
    while at < end {
        let until = (at + PAGE).min(end);
        let mut page =
            Page { start: at, end: until, found: found(db, log, at, until).await?, tiles: Vec::new() };
        let range = [log.ord.into(), number(at / WIDTH).into(), number(until / WIDTH).into()];
        for row in db.fetch(TILES, &range).await? {
            page.tiles.push((row.get(0)?, row.get(1)?, row.get(2)?));
        }
        let published = published.clone();
        chunk = blocking(move || {
            check(&mut chunk, &page, published.as_ref(), leaves);
            Ok(chunk)
        })
        .await?;
        at = until;
    }
    Ok(chunk)
}

fn check(chunk: &mut Chunk, page: &Page, published: Option<&Published>, leaves: bool) {
    let entries = page.found.entries();
    let mut rows = entries.iter().peekable();
    let mut hashes: Vec<Hash> = Vec::with_capacity(entries.len());
    let mut next_checkpoint = chunk.checkpoints.partition_point(|one| one.size <= page.start);
    for index in page.start..page.end {
        let hash = match rows.next_if(|row| row.index == index) {
            None => {
                chunk.findings.push((index, format!("entry {index} is missing")));
                [0; 32]
            }
            Some(row) => {
                chunk.entries += 1;
                let hash = leaf_hash(row.leaf);
                if row.hash != hash {
                    let says = "its bytes do not have the hash that is stored with them";
                    chunk.findings.push((index, format!("entry {index}: {says}")));
                }
                if leaves {
                    read_leaf(chunk, index, hash, row.leaf);
                }
                hash
            }
        };
        hashes.push(hash);
        let root = push(&mut chunk.peaks, hash);
        chunk.roots.extend(root);
        while let Some(one) = chunk.checkpoints.get_mut(next_checkpoint).filter(|one| one.size == index + 1) {
            one.inside = fold(&chunk.peaks, None);
            next_checkpoint += 1;
        }
    }
    compare_tiles(chunk, page, &hashes);
    if let Some(published) = published {
        let leaves: Vec<&[u8]> = entries.iter().map(|row| row.leaf).collect();
        compare_files(chunk, page.start, &leaves, &hashes, published);
    }
}

/// What is wrong with an entry that was written before the one that it follows.
pub(super) fn backwards(index: u64) -> (u64, String) {
    (index, format!("entry {index}: it was written before the entry that stands before it"))
}

fn read_leaf(chunk: &mut Chunk, index: u64, hash: Hash, bytes: &[u8]) {
    let leaf = match Leaf::parse(bytes) {
        Ok(leaf) => leaf,
        Err(fault) => {
            chunk.findings.push((index, format!("entry {index} is no leaf: it {fault}")));
            return;
        }
    };
    let (first, last) = chunk.written.unwrap_or((leaf.written, leaf.written));
    if leaf.written < last {
        chunk.findings.push(backwards(index));
    }
    chunk.written = Some((first, last.max(leaf.written)));
    match leaf.what {
        What::Transition(of) => chunk.stretches.follow(index, hash, of, &mut chunk.findings),
        What::Open { .. } | What::Seal(_) | What::Key(_) => {
            chunk.links.push(Link { index, hash, leaf });
        }
        What::Population(_)
        | What::Program { .. }
        | What::Collection(_)
        | What::Decision { .. }
        | What::Erasure { .. }
        | What::Export { .. } => {}
    }
}

fn compare_tiles(chunk: &mut Chunk, page: &Page, hashes: &[Hash]) {
    let mut stored = page.tiles.iter().peekable();
    for (place, tile) in (page.start / WIDTH..).zip(hashes.chunks_exact(256)) {
        let near = place * WIDTH;
        let Some((_, root, bytes)) = stored.next_if(|(of, ..)| *of == place) else {
            chunk.findings.push((near, format!("tile {place} of level 0 is missing")));
            continue;
        };
        chunk.tiles += 1;
        if *bytes != concatenated(tile) {
            chunk.findings.push((near, format!("tile {place} of level 0 does not hold its entries' hashes")));
        }
        let of_chunk = usize::try_from(place - chunk.start / WIDTH).unwrap_or(usize::MAX);
        if chunk.roots.get(of_chunk).is_none_or(|computed| computed.as_slice() != root) {
            chunk
                .findings
                .push((near, format!("tile {place} of level 0 is stored with another root than its own")));
        }
    }
}

fn compare_files(chunk: &mut Chunk, start: u64, leaves: &[&[u8]], hashes: &[Hash], published: &Published) {
    if leaves.len() != hashes.len() {
        // Something is missing, which was said already.
        return;
    }
    let tiles = hashes.chunks_exact(256).zip(leaves.chunks_exact(256));
    for (place, (hashes, leaves)) in (start / WIDTH..published.size / WIDTH).zip(tiles) {
        for (level, bytes) in [(Some(0), concatenated(hashes)), (None, bundle(leaves.iter().copied()))] {
            let path = Piece { level, place, width: WIDTH }.path();
            chunk.files += 1;
            chunk.findings.extend(compare(published, &path, &bytes, place * WIDTH));
        }
    }
}

/// What is wrong with a published file, if anything.
pub(super) fn compare(published: &Published, path: &str, bytes: &[u8], near: u64) -> Option<(u64, String)> {
    // One byte more than there may be, and no more, however large somebody made it.
    let mut found = Vec::with_capacity(bytes.len() + 1);
    let read = std::fs::File::open(published.folder.at(path))
        .and_then(|file| file.take(bytes.len() as u64 + 1).read_to_end(&mut found));
    match read {
        Ok(_) if found == bytes => None,
        Ok(_) => Some((near, format!("published file {path} differs from the database"))),
        Err(error) => Some((near, format!("published file {path}: {error}"))),
    }
}
