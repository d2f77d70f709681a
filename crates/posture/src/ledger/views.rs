//! What pages and API show of the ledger.

use octro_engine::SealView;
use octro_model::Timestamp;
use octro_verify::{Leaf, hex};
use serde::{Deserialize, Serialize};

use super::words;

/// How the ledger is doing.
#[derive(Serialize)]
pub(crate) struct LedgerView {
    /// The moment that this is about.
    pub(crate) at: Timestamp,
    /// The log's number: above 1 after a restored backup.
    pub(crate) log: i64,
    pub(crate) origin: String,
    /// The verifier key in force.
    pub(crate) key: String,
    pub(crate) size: u64,
    pub(crate) checkpoint: Option<CheckpointView>,
    /// How many witnesses must have cosigned a checkpoint; 0 if the log has none.
    pub(crate) required: usize,
    /// The newest checkpoint that as many cosigned, of the present only.
    pub(crate) cosigned: Option<CosignedView>,
    /// Witnesses that saw another history of this log than ours, of the present only. Each is an alarm.
    pub(crate) conflicts: Vec<ConflictView>,
    /// The last 30 days, the oldest first.
    pub(crate) growth: Vec<DayView>,
    /// Of the present only.
    pub(crate) waiting: Option<WaitingView>,
    /// Of the process that answers, and of the present only.
    pub(crate) health: Option<HealthView>,
    /// Of the present only: the moment of what was told last, if the clock was ahead and is not there yet.
    pub(crate) ahead: Option<Timestamp>,
    /// The newest first.
    pub(crate) seals: Vec<SealView>,
    pub(crate) audit: Option<AuditView>,
    /// Logs before this one, which ended when a backup was restored.
    pub(crate) earlier: Vec<EarlierView>,
}

/// A signed tree head.
#[derive(Serialize)]
pub(crate) struct CheckpointView {
    pub(crate) size: u64,
    pub(crate) root: String,
    pub(crate) at: Timestamp,
    pub(crate) witnesses: Vec<WitnessView>,
    /// The whole note, as verifiers read it.
    pub(crate) note: String,
}

/// A witness that cosigned.
#[derive(Serialize)]
pub(crate) struct WitnessView {
    pub(crate) name: String,
    /// When, by its own clock.
    pub(crate) at: Option<Timestamp>,
}

/// A checkpoint that enough witnesses cosigned.
#[derive(Serialize)]
pub(crate) struct CosignedView {
    pub(crate) size: u64,
    pub(crate) at: Timestamp,
}

/// A witness that saw another history.
#[derive(Serialize)]
pub(crate) struct ConflictView {
    /// Its verifier key.
    pub(crate) witness: String,
    pub(crate) since: Timestamp,
    pub(crate) says: String,
}

/// What keeps a witness from cosigning.
#[derive(Serialize)]
pub(crate) struct TroubleView {
    pub(crate) witness: String,
    pub(crate) says: String,
}

/// How many entries a day brought.
#[derive(Serialize)]
pub(crate) struct DayView {
    pub(crate) day: String,
    pub(crate) entries: u64,
}

/// What is in the outbox.
#[derive(Serialize)]
pub(crate) struct WaitingView {
    pub(crate) leaves: u64,
    pub(crate) oldest: Option<Timestamp>,
    pub(crate) refused: u64,
}

/// How appending and publishing go.
#[derive(Serialize)]
pub(crate) struct HealthView {
    /// How many entries are published.
    pub(crate) published: Option<u64>,
    /// Why nothing is appended.
    pub(crate) appending: Option<String>,
    /// Why nothing is published.
    pub(crate) publishing: Option<String>,
    /// How many entries are published in the bucket.
    pub(crate) mirrored: Option<u64>,
    /// Why nothing is published in the bucket.
    pub(crate) mirroring: Option<String>,
    /// Why the last seal's checkpoint is not stamped.
    pub(crate) stamping: Option<String>,
    /// Witnesses that do not cosign at present.
    pub(crate) trouble: Vec<TroubleView>,
}

/// The last audit, as `octro ledger audit` wrote it down.
#[derive(Serialize, Deserialize)]
pub(crate) struct AuditView {
    pub(crate) at: Timestamp,
    /// How many entries were looked at.
    pub(crate) entries: u64,
    /// How much was wrong.
    pub(crate) findings: u64,
}

/// A log that ended.
#[derive(Serialize)]
pub(crate) struct EarlierView {
    pub(crate) log: i64,
    pub(crate) origin: String,
    pub(crate) key: String,
    pub(crate) size: u64,
}

/// An entry.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct EntryView {
    pub(crate) index: u64,
    pub(crate) at: Timestamp,
    #[serde(rename = "type")]
    pub(crate) of: &'static str,
    /// What it says, in a sentence.
    pub(crate) says: String,
    pub(crate) hash: String,
    /// The leaf's exact text.
    pub(crate) leaf: String,
}

impl EntryView {
    pub(crate) fn new(entry: &octro_ledger::Entry) -> Self {
        let leaf = Leaf::parse(&entry.leaf);
        Self {
            index: entry.index,
            at: entry.at,
            of: leaf.as_ref().map_or(UNREADABLE, |leaf| leaf.what.kind()),
            says: leaf.as_ref().map_or_else(|fault| format!("It cannot be read: it {fault}."), words::says),
            hash: hex(&entry.hash),
            leaf: String::from_utf8_lossy(&entry.leaf).into_owned(),
        }
    }
}

/// Entries, the newest first.
#[derive(Serialize)]
pub(crate) struct EntriesView {
    /// How many entries the log has, of all types.
    pub(crate) size: u64,
    pub(crate) rows: Vec<EntryView>,
    /// The `before` of the next window; none after the last.
    pub(crate) next: Option<u64>,
}

/// The type of a leaf that cannot be read.
const UNREADABLE: &str = "unreadable";

/// The types of leaves, with their words.
pub(crate) const TYPES: &[(&str, &str)] = &[
    ("transition", "transition: a control's status changes"),
    ("seal", "seal: the states of all controls"),
    ("population", "population: what is known of a kind"),
    ("collection", "collection: a source's run ended"),
    ("program", "program: a version comes into force"),
    ("decision", "decision: people decided"),
    ("erasure", "erasure: a person was erased"),
    ("export", "export: a file was handed out"),
    ("key", "key: the log's key changes"),
    ("open", "open: the log begins"),
];
