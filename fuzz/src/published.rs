//! Two logs with one key that begin alike and go on differently, as a dishonest owner would publish them: their files, and
//! which of their checkpoints are of one history.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use octro_ledger::{Ledger, Settings, outbox, rebuild};
use octro_model::{ManualClock, Timestamp};
use octro_store::Db;
use octro_verify::{Checkpoint, Leaf, Note, VerifierKey, What, base64_encode, sha256};
use tempfile::TempDir;

/// The files of a published log, by their paths.
pub type Files = BTreeMap<String, Vec<u8>>;

const START: Timestamp = Timestamp::from_secs(1_800_000_000);
/// What stands before the seed of an Ed25519 key in PKCS #8.
const KEY_BEGIN: &[u8] = &[0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
/// At how many entries each log is published; up to the first, both are the same.
const SIZES: [u64; 3] = [200, 450, 700];

/// A log at one of its sizes.
#[derive(Clone)]
pub struct At {
    /// Which of the two logs; at the smallest size they are one.
    pub log: usize,
    /// The checkpoint.
    pub checkpoint: Checkpoint,
    /// The note, signed.
    pub note: String,
    /// All files.
    pub files: Files,
}

/// See the module.
pub struct Published {
    /// The logs' key.
    pub key: VerifierKey,
    /// Every log at every size.
    pub all: Vec<At>,
    /// The database of the first log.
    pub db: Db,
    /// The first log's newest note and files.
    pub newest: At,
    /// Which of these files it cannot be without: all but partial tiles of older checkpoints.
    pub needed: Files,
    _folder: TempDir,
}

impl Published {
    /// Makes both logs.
    ///
    /// # Panics
    /// If that fails: nothing can be tried then.
    pub async fn make() -> Self {
        let folder = TempDir::with_prefix("octro-fuzz-tiles-").expect("a folder");
        let mut all = Vec::new();
        let (db, key) = log(folder.path(), 0, &mut all).await;
        log(folder.path(), 1, &mut all).await;
        assert!(all[0].checkpoint == all[SIZES.len()].checkpoint, "they begin alike");
        let newest = all.get(SIZES.len() - 1).expect("the first log").clone();
        let anew = folder.path().join("anew");
        rebuild(&db, &anew).await.expect("its files");
        let needed = files(&anew.join("1"));
        Self { key, all, db, newest, needed, _folder: folder }
    }

    /// A log's state, by a byte of the input.
    pub fn at(&self, byte: u8) -> &At {
        self.all.get(usize::from(byte) % self.all.len()).expect("within")
    }

    /// A log's files with one of them changed as `how` says: `@` and a byte: as one of the logs has it; `^` and any number
    /// of three bytes: bits are flipped at a place; `<` and two bytes: cut off; `-`: removed; anything else is its content.
    pub fn change(&self, files: &mut Files, name: &str, how: &[u8]) {
        let content = match how {
            [b'@', at] => self.at(*at).files.get(name).cloned(),
            [b'^', flips @ ..] => files.get(name).cloned().map(|mut bytes| {
                for [high, low, bits] in flips.as_chunks().0 {
                    let place = usize::from(*high) * 256 + usize::from(*low);
                    if let Some(byte) = place.checked_rem(bytes.len()).and_then(|place| bytes.get_mut(place))
                    {
                        *byte ^= bits;
                    }
                }
                bytes
            }),
            [b'<', high, low] => files.get(name).map(|bytes| {
                let end = usize::from(*high) * 256 + usize::from(*low);
                bytes.get(..end.min(bytes.len())).unwrap_or_default().to_vec()
            }),
            [b'-'] => None,
            content => Some(content.to_vec()),
        };
        match content {
            Some(content) => drop(files.insert(name.to_owned(), content)),
            None => drop(files.remove(name)),
        }
    }

    /// What a signed note of one of the logs says, whatever stands behind its own signature.
    pub fn known(&self, note: &[u8]) -> Option<&At> {
        let text = std::str::from_utf8(note).ok()?;
        let checkpoint = Checkpoint::parse(&Note::parse(text).ok()?.text).ok()?;
        self.all.iter().find(|at| at.checkpoint == checkpoint)
    }
}

/// Whether two checkpoints are of one history.
pub fn of_one_history(a: &At, b: &At) -> bool {
    a.log == b.log || a.checkpoint.size.min(b.checkpoint.size) <= SIZES[0]
}

/// Makes a log under `root`, and notes what it publishes.
async fn log(root: &Path, number: usize, all: &mut Vec<At>) -> (Db, VerifierKey) {
    let at = root.join(number.to_string());
    let key = at.join("ledger.key");
    std::fs::create_dir_all(&at).expect("a folder");
    // The same key each time, or nobody could try a finding again.
    let seed = [KEY_BEGIN, &[7; 32]].concat();
    let text = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", base64_encode(&seed));
    std::fs::write(&key, text).expect("a key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).expect("a key of ours alone");
    let settings = Settings {
        origin: Some("octro.example/log".to_owned()),
        folder: Some(at.join("published")),
        ..Settings::at(&key)
    };
    let db = Db::open(&format!("sqlite:{}", at.join("octro.db").display())).await.expect("a database");
    let clock = Arc::new(ManualClock::at(START));
    let ledger = Ledger::open(db.clone(), clock, settings).await.expect("a ledger");
    for size in SIZES {
        let have = ledger.reader().await.expect("a log").size();
        let leaves: Vec<Leaf> =
            (have..size).map(|n| leaf(n, if size == SIZES[0] { 0 } else { number })).collect();
        let mut tx = db.begin().await.expect("a transaction");
        outbox::put_all(&mut tx, START, &leaves).await.expect("leaves");
        tx.commit().await.expect("a commit");
        ledger.flush().await.expect("appended");
        ledger.publish().await.expect("published");
        let files = files(&at.join("published/1"));
        let note = String::from_utf8(files.get("checkpoint").expect("a note").clone()).expect("a text");
        let checkpoint = Checkpoint::parse(&Note::parse(&note).expect("a note").text).expect("a checkpoint");
        all.push(At { log: number, checkpoint, note, files });
    }
    let key = ledger.reader().await.expect("a log").log().signer.clone();
    (db, VerifierKey::parse(&key).expect("a key"))
}

fn leaf(n: u64, log: usize) -> Leaf {
    let digest = sha256(format!("{n} of {log}").as_bytes());
    Leaf {
        written: 1_800_000_000_000_000 + n,
        what: What::Export { what: "test".to_owned(), digest, by: None },
    }
}

/// All files below a folder.
pub fn files(root: &Path) -> Files {
    let (mut found, mut open) = (Files::new(), vec![root.to_owned()]);
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(root).expect("below").to_string_lossy().into_owned();
                found.insert(name, std::fs::read(&path).expect("a file"));
            }
        }
    }
    found
}

/// Writes files into an empty folder; what would lie outside of it is left out.
pub fn write(root: &Path, files: &Files) {
    for (name, bytes) in files {
        let path = PathBuf::from(name);
        let below = path.components().all(|part| matches!(part, Component::Normal(_)));
        if !below || name.is_empty() || name.len() > 100 || name.contains('\0') {
            continue;
        }
        let path = root.join(path);
        if let Some(parent) = path.parent()
            && std::fs::create_dir_all(parent).is_ok()
        {
            // Where a folder stands in the way, nothing is written.
            let _ = std::fs::write(path, bytes);
        }
    }
}
