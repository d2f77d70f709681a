//! The audit: everything is computed anew from the entries' bytes and compared with what is stored, signed and published.
//! It trusts no hash, no tile and no checkpoint, and it names the first thing that is wrong.

mod chains;
mod chunk;
mod cosigned;
mod folder;
mod opened;
mod pages;
mod whole;

use std::collections::VecDeque;
use std::path::Path;

use octro_store::Db;

use crate::folder::Folder;
use crate::{LedgerError, Log, Reader, Steps};
use chunk::{CHUNK, Published};
use whole::Whole;

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[
    folder::FOLLOWS,
    cosigned::COSIGNATURES,
    opened::RECORDS,
    pages::TOGETHER,
    pages::ROWS,
    chunk::TILES,
    chunk::CHECKPOINTS,
    whole::TILE,
    whole::ENTRIES_BEYOND,
    whole::CHECKPOINTS_BEYOND,
    whole::TILES_BEYOND,
    whole::NOTE,
];

/// What is wrong, each near which entry.
type Findings = Vec<(u64, String)>;

/// How many chunks are looked at at the same time.
const AT_ONCE: usize = 3;

/// How many findings are kept word for word; the rest is counted.
const FINDINGS_MAX: usize = 1_000;

/// What an audit looks at.
#[derive(Clone, Copy, Debug)]
pub struct Parts {
    /// Whether every leaf is read and the chains of controls, seals and keys are followed.
    pub leaves: bool,
    /// Whether the signature of every checkpoint is checked.
    pub signatures: bool,
}

impl Parts {
    /// Everything.
    pub const ALL: Self = Self { leaves: true, signatures: true };
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Which log, by its number.
    pub log: i64,
    /// Near which entry: findings are told in this order.
    pub near: u64,
    /// What is wrong, and where: `entry 17: ...`, `tile 3 of level 0: ...`, `checkpoint 512: ...`.
    pub says: String,
}

/// What an audit came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// How many entries were hashed.
    pub entries: u64,
    /// How many stored tiles were compared.
    pub tiles: u64,
    /// How many checkpoints were computed anew.
    pub checkpoints: u64,
    /// How many published files were compared.
    pub files: u64,
    /// What is wrong, the first first; at most 1,000.
    pub findings: Vec<Finding>,
    /// How much is wrong altogether.
    pub wrong: u64,
}

impl Audit {
    /// Whether nothing is wrong.
    pub const fn is_clean(&self) -> bool {
        self.wrong == 0
    }

    fn take(&mut self, log: i64, findings: Findings) {
        self.wrong += findings.len() as u64;
        self.findings.extend(findings.into_iter().map(|(near, says)| Finding { log, near, says }));
        self.findings.sort();
        self.findings.truncate(FINDINGS_MAX);
    }
}

/// Audits all logs of a database and, if it is named, the folder into which they are published. `progress` hears how
/// many entries were looked at.
///
/// # Errors
/// If the database cannot be read. What is wrong with the ledger is no error but a finding.
pub async fn audit(
    db: &Db,
    folder: Option<&Path>,
    parts: Parts,
    mut progress: impl FnMut(u64),
) -> Result<Audit, LedgerError> {
    let mut audit = Audit::default();
    let logs = Reader::logs(db).await?;
    if logs.is_empty() {
        return Err(LedgerError::NoLog);
    }
    let ends = logs.iter().skip(1).map(|next| next.first).chain([i64::MAX]);
    for (log, end) in logs.iter().zip(ends) {
        let folder = folder.map(|root| Folder::new(root.join(log.ord.to_string()), Steps::default()));
        match one(db, log, end, folder, parts, &mut audit, &mut progress).await {
            Err(LedgerError::Damaged(says)) => audit.take(log.ord, vec![(log.size, says)]),
            done => done?,
        }
    }
    if parts.leaves {
        opened::records(db, &logs, &mut audit).await?;
    }
    Ok(audit)
}

async fn one(
    db: &Db,
    log: &Log,
    end: i64,
    folder: Option<Folder>,
    parts: Parts,
    audit: &mut Audit,
    progress: &mut impl FnMut(u64),
) -> Result<(), LedgerError> {
    let (published, findings) = match &folder {
        None => (None, Vec::new()),
        Some(folder) => folder::checkpoint(db, log, folder).await?,
    };
    audit.take(log.ord, findings);
    let published = published.and_then(|size| Some(Published { folder: folder.clone()?, size }));
    let mut whole = Whole::new(db, log, parts, published.clone()).await?;
    let mut starts = (0..log.size).step_by(usize::try_from(CHUNK).unwrap_or(usize::MAX));
    let mut running = VecDeque::new();
    loop {
        while running.len() < AT_ONCE {
            let Some(start) = starts.next() else { break };
            let (db, log, published) = (db.clone(), log.clone(), published.clone());
            running.push_back(tokio::spawn(async move {
                chunk::read(&db, &log, start, published, parts.leaves).await
            }));
        }
        let Some(next) = running.pop_front() else { break };
        let chunk = next.await.map_err(|_| LedgerError::Stopping)??;
        audit.entries += chunk.entries;
        audit.tiles += chunk.tiles;
        audit.files += chunk.files;
        audit.checkpoints += chunk.checkpoints.len() as u64;
        let findings = whole.take(chunk, audit).await?;
        audit.take(log.ord, findings);
        progress(audit.entries);
    }
    let findings = whole.end(end).await?;
    audit.take(log.ord, findings);
    if parts.signatures {
        let findings = cosigned::cosignatures(db, log).await?;
        audit.take(log.ord, findings);
    }
    if let Some(published) = published {
        let (files, findings) = folder::rest(db, log, &published).await?;
        audit.files += files;
        audit.take(log.ord, findings);
    }
    Ok(())
}
