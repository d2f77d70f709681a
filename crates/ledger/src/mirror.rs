//! The log in a bucket of S3, or of anything that speaks like it: objects under the paths of the published folder, the
//! checkpoint last and only if nobody has published more meanwhile.

use std::sync::Arc;

use octro_model::Clock;
use octro_outbound::Client;
use octro_outbound::aws::{Bucket, BucketAt, Found, Provider, Put};
use octro_store::Db;
use octro_verify::{Checkpoint, NOTE_MAX, Note};
use tokio::task::JoinSet;

use crate::audit::Finding;
use crate::folder::{File, Piece};
use crate::outsiders::fresh;
use crate::publish::{belongs, blocking, contents};
use crate::read::Signed;
use crate::{Highest, LedgerError, Log, Reader};

const CHECKPOINT: &str = "checkpoint";
/// How many objects are written or read at a time, and how many are made from the database at a time.
const AT_ONCE: usize = 16;
const OBJECTS: usize = 64;
/// The largest object that the log can have: a bundle of 256 entries of 4 KiB, with their lengths.
const OBJECT_MAX: usize = 256 * (4_096 + 2);

/// See the module.
pub struct Mirror {
    db: Db,
    clock: Arc<dyn Clock>,
    highest: Highest,
    bucket: Bucket,
    /// The note that was published last, and of which log.
    published: Option<(i64, String)>,
    /// Of which log, and from which size on, partial tiles may lie beside their full ones: removing them failed.
    uncleared: Option<(i64, u64)>,
}

impl Mirror {
    /// Into this bucket.
    #[must_use]
    pub fn new(db: Db, clock: Arc<dyn Clock>, highest: Highest, bucket: Bucket) -> Self {
        Self { db, clock, highest, bucket, published: None, uncleared: None }
    }

    /// Publishes the newest checkpoint, with the cosignatures that it has, and what it covers; answers its size.
    ///
    /// # Errors
    /// If the database or the store fails, or the bucket holds another log or more of this one.
    pub async fn publish(&mut self) -> Result<u64, LedgerError> {
        let reader = Reader::newest(&self.db).await?;
        let signed = reader.checkpoint().await?;
        let (log, size) = (reader.log().clone(), signed.checkpoint.size);
        let note = fresh::note(&self.db, &log, &signed).await?;
        if self.published.as_ref().is_some_and(|(ord, published)| *ord == log.ord && *published == note) {
            return Ok(size);
        }
        // The second place first: nothing leaves the house that it does not know of.
        let (highest, checkpoint) = (self.highest.clone(), signed.checkpoint.clone());
        blocking(move || highest.raise(&checkpoint)).await?;
        let found = self.bucket.get(&key(&log, CHECKPOINT), NOTE_MAX, self.clock.now()).await?;
        let from = match &found {
            None => 0,
            Some(found) => self.continues(&reader, &signed, found).await?,
        };
        self.write(&log, Piece::between(from, size)).await?;
        let tag = found.map(|found| found.tag);
        let put =
            self.bucket.replace(&key(&log, CHECKPOINT), &note, tag.as_deref(), self.clock.now()).await?;
        // What could not be cleared before is cleared now.
        let left = self.uncleared.filter(|(ord, _)| *ord == log.ord).map_or(from, |(_, left)| left.min(from));
        match put {
            Put::Written => {
                self.uncleared = Some((log.ord, left));
                self.clear(&log, left, size).await?;
                self.uncleared = None;
            }
            // Another process of ours was faster: what it wrote is looked at the next time.
            Put::Changed => return Ok(size),
        }
        self.published = Some((log.ord, note));
        Ok(size)
    }

    /// How many entries the bucket's checkpoint has, if ours continues it.
    async fn continues(&self, reader: &Reader, ours: &Signed, found: &Found) -> Result<u64, LedgerError> {
        let wrong = |what: String| LedgerError::Outside {
            who: self.bucket.at().url.to_string(),
            what: format!("{what}; publish into an empty bucket or under another prefix"),
        };
        let text = String::from_utf8_lossy(&found.body);
        let theirs = Note::parse(&text)
            .and_then(|note| Checkpoint::parse(&note.text))
            .map_err(|fault| wrong(format!("its checkpoint is none: it {fault}")))?;
        let (ours, log) = (&ours.checkpoint, reader.log());
        if theirs.origin != ours.origin {
            return Err(wrong(format!("holds another log, `{}`", theirs.origin)));
        }
        if theirs.size > log.size {
            return Err(wrong(format!(
                "holds {} entries, more than the database's {}",
                theirs.size, log.size
            )));
        }
        if reader.root(theirs.size).await? != theirs.root {
            return Err(wrong("holds another history than the database".to_owned()));
        }
        Ok(theirs.size.min(ours.size))
    }

    async fn write(&self, log: &Log, pieces: impl Iterator<Item = Piece>) -> Result<u64, LedgerError> {
        let mut pieces = pieces;
        let mut written = 0;
        loop {
            let some: Vec<Piece> = pieces.by_ref().take(OBJECTS).collect();
            if some.is_empty() {
                return Ok(written);
            }
            let mut files = contents(&self.db, log, &some).await?.into_iter();
            written += files.len() as u64;
            let mut running = JoinSet::new();
            loop {
                while running.len() < AT_ONCE
                    && let Some((path, bytes)) = files.next()
                {
                    let (bucket, key, now) = (self.bucket.clone(), key(log, &path), self.clock.now());
                    running.spawn(async move { bucket.put(&key, bytes, now).await });
                }
                match running.join_next().await {
                    Some(done) => done.map_err(|_| LedgerError::Stopping)??,
                    None => break,
                }
            }
        }
    }

    /// Removes partial tiles whose full ones are published.
    async fn clear(&self, log: &Log, from: u64, to: u64) -> Result<(), LedgerError> {
        for piece in Piece::between(from, to).filter(|piece| piece.is_full()) {
            let now = self.clock.now();
            for partial in self.bucket.list(&key(log, &format!("{}.p/", piece.path())), now).await? {
                self.bucket.remove(&partial, now).await?;
            }
        }
        Ok(())
    }

    /// Writes all objects of all logs anew, and removes what does not belong there; answers how many it wrote.
    ///
    /// # Errors
    /// If the database or the store fails.
    pub async fn rebuild(&self) -> Result<u64, LedgerError> {
        let mut written = 0;
        for log in Reader::logs(&self.db).await? {
            let reader = Reader::of(&self.db, log.ord).await?;
            let signed = reader.checkpoint().await?;
            let size = signed.checkpoint.size;
            written += self.write(&log, Piece::between(0, size)).await?;
            let (key_of_note, now) = (key(&log, CHECKPOINT), self.clock.now());
            // What is there may be of another log or size: it gives way.
            let was = self.bucket.get(&key_of_note, NOTE_MAX, now).await?.map(|found| found.tag);
            if self.bucket.replace(&key_of_note, &signed.note, was.as_deref(), now).await? == Put::Changed {
                return Err(LedgerError::Outside {
                    who: self.bucket.at().url.to_string(),
                    what: "another process publishes into it just now; stop it, and try again".to_owned(),
                });
            }
            for one in self.bucket.list(&key(&log, ""), now).await? {
                let path = one.strip_prefix(&key(&log, "")).unwrap_or(&one);
                let stays =
                    path == CHECKPOINT || Piece::parse(path).is_some_and(|piece| belongs(piece, size));
                if !stays {
                    self.bucket.remove(&one, now).await?;
                }
            }
        }
        Ok(written)
    }

    /// Reads every object that the bucket's checkpoints promise, and compares it with the database; answers how many
    /// objects were read, and what is wrong.
    ///
    /// # Errors
    /// If the database or the store fails. What is wrong with an object is no error but a finding.
    pub async fn audit(&self) -> Result<(u64, Vec<Finding>), LedgerError> {
        let (mut read, mut findings) = (0, Vec::new());
        for log in Reader::logs(&self.db).await? {
            let says = |near: u64, says: String| Finding {
                log: log.ord,
                near,
                says: format!("in the bucket: {says}"),
            };
            let Some(found) = self.bucket.get(&key(&log, CHECKPOINT), NOTE_MAX, self.clock.now()).await?
            else {
                findings.push(says(log.size, "there is no checkpoint".to_owned()));
                continue;
            };
            // After what is in the bucket: a ledger that goes on meanwhile is not behind it.
            let reader = Reader::of(&self.db, log.ord).await?;
            let log = reader.log().clone();
            let size = match self.continues(&reader, &reader.checkpoint().await?, &found).await {
                Ok(size) => size,
                Err(LedgerError::Outside { what, .. }) => {
                    findings.push(says(log.size, what));
                    continue;
                }
                Err(error) => return Err(error),
            };
            let mut pieces = Piece::between(0, size);
            loop {
                let some: Vec<Piece> = pieces.by_ref().take(OBJECTS).collect();
                if some.is_empty() {
                    break;
                }
                let files = contents(&self.db, &log, &some).await?;
                read += files.len() as u64;
                let mut differing = self.differing(&log, files).await?;
                if !differing.is_empty() {
                    // What is not full gives way to more, while a server publishes.
                    let now = self.bucket.get(&key(&log, CHECKPOINT), NOTE_MAX, self.clock.now()).await?;
                    let moved = now.is_none_or(|now| now.body != found.body);
                    differing.retain(|path| !moved || Piece::parse(path).is_none_or(Piece::is_full));
                }
                for path in differing {
                    let near = Piece::parse(&path).map_or(0, |piece| piece.place);
                    findings.push(says(near, format!("{path} is missing or differs from the database")));
                }
            }
        }
        Ok((read, findings))
    }

    async fn differing(&self, log: &Log, files: Vec<File>) -> Result<Vec<String>, LedgerError> {
        let mut files = files.into_iter();
        let mut running = JoinSet::new();
        let mut wrong = Vec::new();
        loop {
            while running.len() < AT_ONCE
                && let Some((path, bytes)) = files.next()
            {
                let (bucket, key, now) = (self.bucket.clone(), key(log, &path), self.clock.now());
                running.spawn(async move {
                    let found = bucket.get(&key, OBJECT_MAX, now).await?;
                    Ok::<_, LedgerError>(found.is_none_or(|found| found.body != bytes).then_some(path))
                });
            }
            match running.join_next().await {
                Some(done) => wrong.extend(done.map_err(|_| LedgerError::Stopping)??),
                None => break,
            }
        }
        wrong.sort();
        Ok(wrong)
    }
}

/// A bucket that is asked with the keys that this process finds.
#[must_use]
pub fn open_bucket(at: BucketAt) -> Bucket {
    let client = Client::shared();
    Bucket::new(at, client.clone(), Provider::new(client))
}

/// Each log has its number before its paths, as in the published folder.
fn key(log: &Log, path: &str) -> String {
    format!("{}/{path}", log.ord)
}
