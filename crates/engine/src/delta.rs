//! What one input changes, as the rows that have to be written. The state has already changed when a delta comes out
//! of it; if writing fails, the state is thrown away and read anew.

use std::collections::BTreeMap;

use octro_model::{Id, Tally, Timestamp};

/// Not judged any more: the resource is gone or the test is no longer in force. A code beside those of `Status`.
pub(crate) const ENDED: u8 = 6;
/// Never judged before. A code beside those of `Status`.
pub(crate) const NONE: u8 = 7;

/// One stored input.
#[derive(Debug)]
pub(crate) struct InputRow {
    pub(crate) seq: i64,
    pub(crate) received_at: Timestamp,
    pub(crate) form: i64,
    pub(crate) source: i64,
    pub(crate) collection: i64,
    pub(crate) body: Vec<u8>,
}

/// One stored observation.
#[derive(Debug)]
pub(crate) struct ObservationRow {
    pub(crate) seq: i64,
    pub(crate) resource: i64,
    pub(crate) source: i64,
    pub(crate) effective_at: Timestamp,
    pub(crate) gone: bool,
    /// How much later the source had already seen something else; zero if this is its newest word.
    pub(crate) late_by: octro_model::Span,
    pub(crate) scope: String,
    pub(crate) hash: [u8; 16],
    pub(crate) body: Vec<u8>,
}

/// A result changes: the row that is open ends, another begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Transition {
    pub(crate) test: i64,
    pub(crate) resource: i64,
    pub(crate) from_at: Timestamp,
    pub(crate) known_at: Timestamp,
    pub(crate) version: i64,
    pub(crate) observation: i64,
    pub(crate) status: u8,
    pub(crate) prev: u8,
}

/// One row of the results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ResultRow {
    pub(crate) test: i64,
    pub(crate) resource: i64,
    pub(crate) from_at: Timestamp,
    pub(crate) known_at: Timestamp,
    pub(crate) to_at: Timestamp,
    pub(crate) closed_at: Timestamp,
    pub(crate) superseded_at: Timestamp,
    pub(crate) version: i64,
    pub(crate) observation: i64,
    pub(crate) status: u8,
    pub(crate) prev: u8,
}

/// The status of a test or control changes, as known at that moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct VerdictRow {
    /// `test` or `control`.
    pub(crate) subject: &'static str,
    pub(crate) id: Id,
    pub(crate) from_at: Timestamp,
    pub(crate) status: u8,
    pub(crate) prev: u8,
    pub(crate) reason: String,
}

/// One scope of a finished collection.
#[derive(Debug)]
pub(crate) struct CoverageRow {
    pub(crate) source: i64,
    pub(crate) kind: Id,
    pub(crate) scope: String,
    pub(crate) finished_at: Timestamp,
    pub(crate) collection: i64,
    pub(crate) complete: bool,
    pub(crate) resources: u64,
    pub(crate) pages: u64,
    pub(crate) reason: String,
}

/// A finished collection.
#[derive(Debug)]
pub(crate) struct CollectionRow {
    pub(crate) ord: i64,
    pub(crate) source: i64,
    pub(crate) started_at: Timestamp,
    pub(crate) finished_at: Timestamp,
    pub(crate) complete: bool,
    pub(crate) changed: u64,
    pub(crate) unchanged: u64,
    pub(crate) gone: u64,
    pub(crate) refused: u64,
    pub(crate) errors: String,
}

/// A new program version.
#[derive(Debug)]
pub(crate) struct ProgramRow {
    pub(crate) ord: i64,
    pub(crate) hash: String,
    pub(crate) name: String,
    pub(crate) installed_at: Timestamp,
    pub(crate) files: Vec<u8>,
}

/// A source that is new or different.
#[derive(Debug)]
pub(crate) struct SourceRow {
    pub(crate) ord: i64,
    pub(crate) id: Id,
    pub(crate) connector: String,
    pub(crate) every_us: i64,
    pub(crate) registered_at: Timestamp,
    pub(crate) retired_at: Timestamp,
    /// Kinds that it yields from now on.
    pub(crate) begun: Vec<Id>,
    /// Kinds that it no longer yields.
    pub(crate) ended: Vec<Id>,
}

/// The rows of one change.
#[derive(Debug, Default)]
pub(crate) struct Delta {
    pub(crate) input: Option<InputRow>,
    pub(crate) program: Option<ProgramRow>,
    pub(crate) sources: Vec<SourceRow>,
    /// (number, kind, key, first seen)
    pub(crate) new_resources: Vec<(i64, Id, String, Timestamp)>,
    /// number -> (changed at, gone at)
    pub(crate) touched: BTreeMap<i64, (Timestamp, Timestamp)>,
    pub(crate) observations: Vec<ObservationRow>,
    /// (resource, source) -> observation and its moment; `None` removes the view.
    pub(crate) views: BTreeMap<(i64, i64), Option<(i64, Timestamp)>>,
    /// (resource, source, last seen): views that grow too old to be found among the inputs.
    pub(crate) seen: Vec<(i64, i64, Timestamp)>,
    /// (resource, source) -> when it was seen again after a gap.
    pub(crate) resumed: BTreeMap<(i64, i64), Timestamp>,
    /// (kind, key, resource): the resource names the other for the first time.
    pub(crate) links: Vec<(Id, String, i64)>,
    pub(crate) new_tests: Vec<(i64, Id)>,
    /// (number, test, hash, revision, program)
    pub(crate) new_versions: Vec<(i64, i64, String, i64, i64)>,
    pub(crate) transitions: Vec<Transition>,
    /// Rows that a late observation put aside, by key, with the moment at which it did.
    pub(crate) superseded: Vec<(ResultRow, Timestamp)>,
    /// Rows that a late observation put in their place.
    pub(crate) rewritten: Vec<ResultRow>,
    pub(crate) tallies: BTreeMap<(i64, Timestamp), Tally>,
    pub(crate) verdicts: Vec<VerdictRow>,
    pub(crate) collection: Option<CollectionRow>,
    pub(crate) coverage: Vec<CoverageRow>,
    /// The moment up to which the state is settled.
    pub(crate) now: Timestamp,
    /// Resources whose past has to be told anew, with the earliest moment in question.
    pub(crate) late: BTreeMap<u32, Timestamp>,
}

impl Delta {
    /// Whether there is anything to write.
    pub(crate) fn is_empty(&self) -> bool {
        self.input.is_none()
            && self.transitions.is_empty()
            && self.verdicts.is_empty()
            && self.tallies.is_empty()
            && self.superseded.is_empty()
            && self.rewritten.is_empty()
    }
}
