//! A resource in memory: what its sources last said of it, and its results.

use std::sync::Arc;

use octro_cel::{Layout, Reading, Record};
use octro_model::{Span, Timestamp};

use crate::delta::NONE;

/// What one source last said of a resource.
#[derive(Debug)]
pub(crate) struct View {
    pub(crate) source: u32,
    pub(crate) observation: i64,
    pub(crate) effective_at: Timestamp,
    /// When it was last seen to be so.
    pub(crate) seen_at: Timestamp,
    /// The `seen_at` that stands in the database.
    pub(crate) kept_at: Timestamp,
    /// The collection that last mentioned it.
    pub(crate) collection: i64,
    pub(crate) hash: [u8; 16],
    pub(crate) scope: Box<str>,
    pub(crate) record: Record,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Resource {
    pub(crate) kind: u32,
    /// Shared with whoever copies a whole population out of the state.
    pub(crate) key: Arc<str>,
    /// Newest first.
    pub(crate) views: Vec<View>,
    /// What several sources say together; `None` while there is only one.
    merged: Option<Record>,
    /// A status code for each test of its kind, in the kind's order.
    pub(crate) statuses: Box<[u8]>,
    /// Places of tests whose version changed and whose result was not yet told under the new one.
    untold: Vec<u16>,
    /// What it ever named in an attribute that refers to others: kind and key.
    pub(crate) named: Vec<(u32, Box<str>)>,
    /// Sources that no longer see it, and since when.
    pub(crate) tombs: Vec<(u32, Timestamp)>,
    /// The latest moment that something said of it is about.
    pub(crate) said_at: Timestamp,
    /// The latest moment at which a result of it begins.
    pub(crate) changed_at: Timestamp,
    /// When it has to be looked at next; only the timer of this moment counts.
    pub(crate) timer_at: Timestamp,
    /// When its expressions next change by time alone.
    pub(crate) flips_at: Timestamp,
}

impl Resource {
    pub(crate) fn new(kind: u32, key: &str, tests: usize) -> Self {
        Self {
            kind,
            key: key.into(),
            views: Vec::new(),
            merged: None,
            statuses: vec![NONE; tests].into(),
            untold: Vec::new(),
            named: Vec::new(),
            tombs: Vec::new(),
            said_at: Timestamp::MIN,
            changed_at: Timestamp::MIN,
            timer_at: Timestamp::MAX,
            flips_at: Timestamp::MAX,
        }
    }

    /// Whether no source sees it.
    pub(crate) fn is_gone(&self) -> bool {
        self.views.is_empty()
    }

    /// What is known of it.
    pub(crate) fn record(&self) -> Option<&Record> {
        self.merged.as_ref().or_else(|| self.views.first().map(|view| &view.record))
    }

    /// The observation that its results rest on: the newest.
    pub(crate) fn evidence(&self) -> i64 {
        self.views.iter().map(|view| view.observation).max().unwrap_or(0)
    }

    /// How much later than `at` a source had already seen it, or had seen that it is gone.
    pub(crate) fn late_by(&self, source: u32, at: Timestamp) -> Span {
        let seen = self.views.iter().find(|view| view.source == source).map(|view| view.seen_at);
        let gone = self.tombs.iter().find(|(of, _)| *of == source).map(|(_, gone)| *gone);
        seen.or(gone).filter(|seen| *seen > at).map_or(Span::ZERO, |seen| seen.since(at))
    }

    /// Puts the views in order and merges them.
    pub(crate) fn merge(&mut self, layout: &Layout) {
        self.views.sort_by(|a, b| b.effective_at.cmp(&a.effective_at).then(a.source.cmp(&b.source)));
        self.merged = (self.views.len() > 1)
            .then(|| Record::merge(layout, &self.views.iter().map(|view| &view.record).collect::<Vec<_>>()));
    }

    /// When the attributes `reads` were last seen to be as they are: the oldest of them counts.
    pub(crate) fn seen_at(&self, layout: &Layout, reads: &[String]) -> Timestamp {
        match self.views.as_slice() {
            [] => Timestamp::MIN,
            [only] => only.seen_at,
            views => oldest_seen(views.iter().map(|view| (&view.record, view.seen_at)), layout, reads),
        }
    }

    /// Notes that the test in `place` has a new version.
    pub(crate) fn version_changed(&mut self, place: usize) {
        self.untold.extend(u16::try_from(place));
    }

    /// Whether the result in `place` was told under an older version.
    pub(crate) fn versions_differ(&self, place: usize) -> bool {
        !self.untold.is_empty() && u16::try_from(place).is_ok_and(|place| self.untold.contains(&place))
    }

    /// All results were told under the versions in force.
    pub(crate) fn versions_told(&mut self) {
        if !self.untold.is_empty() {
            self.untold = Vec::new();
        }
    }
}

/// Of several views (newest first), when the oldest of the attributes `reads` was last seen; each attribute counts for
/// the view that it comes from.
pub(crate) fn oldest_seen<'a>(
    views: impl Iterator<Item = (&'a Record, Timestamp)> + Clone,
    layout: &Layout,
    reads: &[String],
) -> Timestamp {
    let newest = || views.clone().map(|(_, seen)| seen).max().unwrap_or(Timestamp::MIN);
    reads
        .iter()
        .map(|name| {
            views
                .clone()
                .find(|(record, _)| !matches!(record.reading(layout, name), Reading::Unknown(_)))
                .map_or_else(newest, |(_, seen)| seen)
        })
        .min()
        .unwrap_or_else(newest)
}
