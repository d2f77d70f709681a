//! The steps of the sequencer and the publisher, by name, so that tests can kill or pause a process between any two.

use std::fmt;
use std::sync::Arc;

/// What is called between two steps; nothing, outside of tests.
#[derive(Clone, Default)]
pub struct Steps(Option<Arc<dyn Fn(&'static str) + Send + Sync>>);

impl Steps {
    /// Between appending and publishing, in their order: every name that is ever passed.
    pub const NAMES: [&'static str; 14] = [
        "sequencer.read",
        "sequencer.locked",
        "sequencer.entries",
        "sequencer.tiles",
        "sequencer.taken",
        "sequencer.proved",
        "sequencer.signed",
        "sequencer.committed",
        "publisher.highest",
        "publisher.written",
        "publisher.renamed",
        "publisher.synced",
        "publisher.checkpoint",
        "publisher.cleared",
    ];

    /// Calls `hook` with the name of each step that was just taken.
    pub fn calling(hook: impl Fn(&'static str) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(hook)))
    }

    pub(crate) fn passed(&self, name: &'static str) {
        if let Some(hook) = &self.0 {
            hook(name);
        }
    }
}

impl fmt::Debug for Steps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Steps(watched)" } else { "Steps" })
    }
}
