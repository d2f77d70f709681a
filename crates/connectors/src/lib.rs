//! Connectors: how Octro sees other systems. One folder is one connector; [`ALL`] has one line for each.
//!
//! A connector opens a [`Source`] from its settings; a source, when it is run, tells the [`Run`] what it saw
//! ([`Run::observe`]) and, just as important, what it covered ([`Run::scope`]).

pub mod aws;
mod coverage;
pub mod exec;
pub mod file;
pub mod host;
mod json_lines;
mod lines;
pub mod mysql;
mod password_file;
mod plain;
pub mod postgresql;
pub mod redis;
mod run;
mod servers;
mod settings;
pub mod terraform;
pub mod tls;
mod trust;

use octro_model::Id;

pub use run::{Deliver, Run, Stopped};

/// Every connector that this build knows.
pub const ALL: &[&dyn Connector] = &[
    &host::Host,
    &exec::Exec,
    &file::File,
    &tls::Tls,
    &aws::Aws,
    &postgresql::Postgresql,
    &mysql::Mysql,
    &redis::Redis,
    &terraform::Terraform,
];

/// A way to see one sort of system.
pub trait Connector: Sync {
    /// Its name in the settings: `type = "exec"`.
    fn name(&self) -> &'static str;

    /// One sentence on what it sees.
    fn summary(&self) -> &'static str;

    /// The settings it takes, for the generated reference.
    fn settings(&self) -> &'static [Setting];

    /// The setting that takes a file, if one that is named on the command line is all that a source needs:
    /// `octro check terraform plan.json`.
    fn file_setting(&self) -> Option<&'static str> {
        None
    }

    /// Opens a source. It checks the settings and touches nothing else.
    ///
    /// # Errors
    /// What is wrong with the settings, and what was expected.
    fn open(
        &self,
        settings: &serde_json::Map<String, serde_json::Value>,
    ) -> Result<Box<dyn Source>, SettingError>;
}

/// One setting of a connector.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Its key.
    pub name: &'static str,
    /// `string`, `list of strings`, `duration`, ...
    pub form: &'static str,
    /// Whether it has to be given.
    pub required: bool,
    /// What it does, and its default.
    pub doc: &'static str,
}

/// A setting that a connector cannot take.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{setting}: {what}; expected {expected}")]
pub struct SettingError {
    /// The setting's key.
    pub setting: String,
    /// What is wrong.
    pub what: String,
    /// What was expected.
    pub expected: String,
}

/// A system that can be asked.
pub trait Source: Send + Sync {
    /// The kinds of resources that it yields.
    fn kinds(&self) -> Vec<Id>;

    /// Looks once, on a thread that may block. Whatever goes wrong is told to `run`: as unknown attributes, as scopes
    /// that are not complete, as errors for people. It returns early once `run` says that it is stopped.
    fn collect(&self, run: &mut Run);

    /// A mark that is another one once there is something new to see; whoever runs the source asks for it every second
    /// or so, and runs the source when it differs. It has to be cheap. `None`: only the schedule says.
    fn mark(&self) -> Option<u64> {
        None
    }

    /// Whether it hears of changes between its looks; whoever runs it then calls [`Source::follow`] over and over while it
    /// does not look.
    fn follows(&self) -> bool {
        false
    }

    /// Waits for changes, looks at what changed and at nothing else, and returns after a while, or once `run` says that
    /// it is stopped. It tells no scopes: that everything was enumerated, only [`Source::collect`] says.
    fn follow(&self, _run: &mut Run) {}
}
