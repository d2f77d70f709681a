//! Puts the parts together: settings, database, engine, sources and pages as one running Octro.

mod ask;
pub mod config;
mod folder;
mod following;
mod ledger;
mod retention;
mod rules;
mod runs;
mod seat;
mod start;

pub use config::{Config, ConfigError, OpenSource};
pub use folder::{Folder, FolderError};
pub use ledger::{LedgerConfig, journal, ledger_mirror, open_ledger};
pub use retention::compact;
pub use rules::Rules;
pub use start::{Company, StartError, Started, open, serve, start};
