//! What holds the chunks together: upper tiles, roots of checkpoints and their signatures, chains, and that there is
//! nothing beyond the end.

use octro_store::Db;
use octro_verify::{Checkpoint, Hash, Leaf, Note, VerifierKey, What};
use tokio::task::JoinHandle;

use super::chains::Chains;
use super::chunk::{Chunk, Published, Sealed, backwards, compare, fold};
use super::{Audit, Findings, Parts};
use crate::folder::Piece;
use crate::frontier::{Frontier, FullTile};
use crate::log::number;
use crate::publish::blocking;
use crate::tile::{WIDTH, concatenated};
use crate::{LedgerError, Log, Reader};

pub(super) const TILE: &str =
    "SELECT root, hashes FROM ledger_tiles WHERE log = $1 AND level = $2 AND place = $3";
pub(super) const ENTRIES_BEYOND: &str = "SELECT COUNT(*) FROM ledger_entries e, ledger_log l \
     WHERE l.ord = $1 AND e.seq >= l.first + l.size AND e.seq < $2";
pub(super) const CHECKPOINTS_BEYOND: &str = "SELECT COUNT(*) FROM ledger_checkpoints c \
     JOIN ledger_log l ON l.ord = c.log WHERE c.log = $1 AND c.size > l.size";
pub(super) const TILES_BEYOND: &str = "SELECT COUNT(*) FROM ledger_tiles t JOIN ledger_log l ON l.ord = t.log \
     WHERE t.log = $1 AND t.level = $2 AND (t.place + 1) * $3 > l.size";
pub(super) const NOTE: &str = "SELECT note FROM ledger_checkpoints WHERE log = $1 AND size = $2";

/// See the module.
pub(super) struct Whole {
    db: Db,
    log: Log,
    parts: Parts,
    published: Option<Published>,
    /// Of all chunks before.
    peaks: Vec<(u32, Hash)>,
    /// The tree over the tiles' roots: its level 0 is the log's level 1.
    upper: Frontier,
    chains: Chains,
    /// When the last leaf of all chunks before was written.
    written: u64,
    newest: u64,
    signatures: Vec<JoinHandle<Result<Findings, LedgerError>>>,
}

impl Whole {
    pub async fn new(
        db: &Db,
        log: &Log,
        parts: Parts,
        published: Option<Published>,
    ) -> Result<Self, LedgerError> {
        let key = first_key(db, log).await?;
        Ok(Self {
            db: db.clone(),
            log: log.clone(),
            parts,
            published,
            peaks: Vec::new(),
            upper: Frontier::default(),
            chains: Chains::new(log.origin.clone(), key),
            written: 0,
            newest: 0,
            signatures: Vec::new(),
        })
    }

    /// Takes the next chunk; answers what is wrong.
    pub async fn take(&mut self, chunk: Chunk, audit: &mut Audit) -> Result<Findings, LedgerError> {
        let mut findings = chunk.findings;
        if let Some((first, last)) = chunk.written {
            if first < self.written {
                findings.push(backwards(chunk.start));
            }
            self.written = self.written.max(last);
        }
        let mut full = Vec::new();
        for root in chunk.roots {
            self.upper.push(root, &mut full);
        }
        for tile in full {
            self.compare(tile, audit, &mut findings).await?;
        }
        // Each checkpoint with the keys that were in force for it: two, at the size at which one gave way.
        let mut links = chunk.links.into_iter().peekable();
        let mut jobs = Vec::new();
        for one in chunk.checkpoints {
            let mut keys = vec![self.chains.key.clone()];
            while let Some(link) = links.next_if(|link| link.index < one.size) {
                let last = link.index + 1 == one.size;
                self.chains.follow(link, &mut findings);
                if keys.last() != Some(&self.chains.key) {
                    if !last {
                        keys.clear();
                    }
                    keys.push(self.chains.key.clone());
                }
            }
            self.newest = one.size;
            let root = fold(&self.peaks, one.inside);
            if root.is_none_or(|root| root.as_slice() != one.root) {
                let says =
                    format!("checkpoint {}: its entries do not have the root that was signed", one.size);
                findings.push((one.size, says));
            }
            jobs.push((one, keys));
        }
        for link in links {
            self.chains.follow(link, &mut findings);
        }
        self.chains.join(chunk.stretches, &mut findings);
        // Without the leaves, nobody knows which key was in force.
        let (origin, check) = (self.log.origin.clone(), self.parts.signatures && self.parts.leaves);
        // Nobody keeps a task for each of millions of checkpoints: what has ended is taken in.
        self.signatures.push(tokio::spawn(blocking(move || {
            Ok(jobs.iter().filter_map(|(one, keys)| note(one, keys, &origin, check)).collect())
        })));
        if self.signatures.len() > 2 {
            let ended = self.signatures.remove(0);
            findings.extend(ended.await.map_err(|_| LedgerError::Stopping)??);
        }
        for (height, hash) in chunk.peaks {
            self.join(height, hash);
        }
        Ok(findings)
    }

    fn join(&mut self, mut height: u32, mut hash: Hash) {
        while let Some((_, left)) = self.peaks.pop_if(|(of, _)| *of == height) {
            hash = octro_verify::node_hash(&left, &hash);
            height += 1;
        }
        self.peaks.push((height, hash));
    }

    async fn compare(
        &self,
        tile: FullTile,
        audit: &mut Audit,
        findings: &mut Findings,
    ) -> Result<(), LedgerError> {
        let (level, place) = (tile.level + 1, tile.place);
        let near = (place * WIDTH) << (8 * u32::from(level)).min(63);
        let values = [self.log.ord.into(), i64::from(level).into(), number(place).into()];
        let Some(row) = self.db.fetch_one(TILE, &values).await? else {
            findings.push((near, format!("tile {place} of level {level} is missing")));
            return Ok(());
        };
        audit.tiles += 1;
        let bytes = concatenated(&tile.hashes);
        if row.get::<Vec<u8>>(0)? != tile.root || row.get::<Vec<u8>>(1)? != bytes {
            findings.push((near, format!("tile {place} of level {level} does not hold what lies below it")));
        }
        if let Some(published) = &self.published {
            let piece = Piece { level: Some(level), place, width: WIDTH };
            if crate::tile::hashes_at(published.size, level) >= (place + 1) * WIDTH {
                audit.files += 1;
                findings.extend(compare(published, &piece.path(), &bytes, near));
            }
        }
        Ok(())
    }

    /// After the last chunk: what is there beyond the end, and whether all was signed. `end` is where the next log begins.
    pub async fn end(self, end: i64) -> Result<Findings, LedgerError> {
        let mut findings = Vec::new();
        for one in self.signatures {
            findings.extend(one.await.map_err(|_| LedgerError::Stopping)??);
        }
        let size = self.log.size;
        if self.newest != size {
            findings.push((
                size,
                format!("the newest checkpoint is of {} entries, and there are {size}", self.newest),
            ));
        }
        if self.parts.leaves && self.chains.key.to_string() != self.log.signer {
            let says =
                format!("the key in force is {}, and the log's row has {}", self.chains.key, self.log.signer);
            findings.push((size, says));
        }
        let mut beyond = |count: u64, what: &str| {
            if count > 0 {
                findings.push((size, format!("{count} {what} lie beyond the end of the log")));
            }
        };
        let count = |row: Option<octro_store::Row>| match row {
            Some(row) => row.get::<u64>(0),
            None => Ok(0),
        };
        let ord = self.log.ord.into();
        beyond(count(self.db.fetch_one(ENTRIES_BEYOND, &[ord, end.into()]).await?)?, "entries");
        beyond(count(self.db.fetch_one(CHECKPOINTS_BEYOND, &[ord]).await?)?, "checkpoints");
        for level in 0..=5_u8 {
            let leaves = i64::from(1_u32) << (8 * (u32::from(level) + 1));
            let values = [ord, i64::from(level).into(), leaves.into()];
            beyond(
                count(self.db.fetch_one(TILES_BEYOND, &values).await?)?,
                &format!("tiles of level {level}"),
            );
        }
        Ok(findings)
    }
}

/// What is wrong with a checkpoint's note, if anything.
fn note(one: &Sealed, keys: &[VerifierKey], origin: &str, check: bool) -> Option<(u64, String)> {
    let wrong = |says: String| Some((one.size, format!("checkpoint {}: {says}", one.size)));
    let note = match Note::parse(&one.note) {
        Ok(note) => note,
        Err(fault) => return wrong(format!("its note {fault}")),
    };
    match Checkpoint::parse(&note.text) {
        Ok(said) if said.origin == origin && said.size == one.size && said.root.as_slice() == one.root => {}
        Ok(_) => return wrong("its note says something else than its row".to_owned()),
        Err(fault) => return wrong(format!("its note {fault}")),
    }
    for key in keys.iter().filter(|_| check) {
        match note.signed_by(key) {
            Ok(true) => {}
            Ok(false) => return wrong(format!("the key in force, {key}, did not sign it")),
            Err(fault) => return wrong(fault.to_string()),
        }
    }
    None
}

/// The key with which the log began: the one in force, unless keys have changed since.
async fn first_key(db: &Db, log: &Log) -> Result<VerifierKey, LedgerError> {
    let wrong = |fault: octro_verify::Fault| LedgerError::Damaged(format!("the log's verifier key {fault}"));
    let newest = VerifierKey::parse(&log.signer).map_err(wrong)?;
    let reader = Reader::of(db, log.ord).await?;
    let first = reader.checkpoint_from(0).await?.and_then(|signed| Note::parse(&signed.note).ok());
    if first.is_none_or(|note| note.signatures.iter().any(|one| one.id == newest.id())) {
        return Ok(newest);
    }
    let mut at = 0;
    while at < log.size {
        let entries = reader.entries(at, WIDTH * 16).await?;
        for entry in &entries {
            if entry.leaf.windows(9).any(|part| part == b"\"k\":\"key\"")
                && let Ok(Leaf { what: What::Key(change), .. }) = Leaf::parse(&entry.leaf)
            {
                return Ok(change.old);
            }
        }
        at += (entries.len() as u64).max(1);
    }
    Ok(newest)
}
