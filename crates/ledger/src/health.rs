//! How the ledger is doing, for pages, alarms and `octro doctor`.

use crate::Witnessed;

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// How many entries the log has, as far as this process knows.
    pub size: u64,
    /// How many of them are published; `None` before the first time.
    pub published: Option<u64>,
    /// Why nothing is appended or signed at present.
    pub appending: Option<String>,
    /// Why nothing is published at present. The log goes on.
    pub publishing: Option<String>,
    /// How the log is witnessed, if it has witnesses. The log goes on.
    pub witnessed: Option<Witnessed>,
    /// Why the last seal's checkpoint is not stamped, if it should be. The log goes on.
    pub stamping: Option<String>,
}

impl Health {
    /// Whether all is well.
    pub fn is_well(&self) -> bool {
        let witnessed = self.witnessed.as_ref().is_none_or(Witnessed::is_well);
        self.appending.is_none() && self.publishing.is_none() && witnessed && self.stamping.is_none()
    }
}
