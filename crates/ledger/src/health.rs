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
    /// How many entries are published in the bucket; `None` before the first time, or without one.
    pub mirrored: Option<u64>,
    /// Why nothing is published in the bucket at present, if there is one. The log goes on.
    pub mirroring: Option<String>,
    /// How the log is witnessed, if it has witnesses. The log goes on.
    pub witnessed: Option<Witnessed>,
    /// Why the last seal's checkpoint is not stamped, if it should be. The log goes on.
    pub stamping: Option<String>,
}

impl Health {
    /// Whether all is well.
    pub fn is_well(&self) -> bool {
        let witnessed = self.witnessed.as_ref().is_none_or(Witnessed::is_well);
        let troubles = [&self.appending, &self.publishing, &self.mirroring, &self.stamping];
        troubles.iter().all(|trouble| trouble.is_none()) && witnessed
    }
}
