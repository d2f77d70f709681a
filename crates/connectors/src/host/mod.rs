//! The Linux machine that Octro runs on: its disks, swap, firewall, listeners, updates, users, `sudo`, SSH, clock,
//! kernel and screen lock. Everything is read-only. What may not be read is unknown, never fine; run it as root to see all.

mod apt;
mod block;
mod commands;
mod dnf;
mod filesystem;
mod firewall;
#[cfg(test)]
mod fixture;
mod identity;
mod kernel;
mod lifetimes;
#[cfg(test)]
mod lineage_tests;
mod listener;
mod mounts;
mod packages;
mod processes;
mod resource;
mod roots;
mod screen_lock;
mod services;
mod ssh_server;
mod sudoers;
mod swap;
mod time_sync;
mod user;

use std::time::Duration;

use octro_model::{Id, Span, Timestamp, UnknownReason};
use serde_json::{Map, Value};

pub use commands::{Answer, CommandError, Commands, NoCommands, SystemCommands};
pub(crate) use filesystem::file_system_of;
pub(crate) use identity::key as machine_key;
pub(crate) use resource::Resource;
pub use roots::Roots;

use crate::{Connector, Run, Setting, SettingError, Source, Stopped};

/// The kinds that it yields, and who looks at each.
const KINDS: [(&str, Look); 12] = [
    ("host", identity::collect),
    ("host.filesystem", filesystem::collect),
    ("host.swap", swap::collect),
    ("host.firewall", firewall::collect),
    ("host.listener", listener::collect),
    ("host.package_updates", packages::collect),
    ("host.user", user::collect),
    ("host.sudo_rule", sudoers::collect),
    ("host.ssh_server", ssh_server::collect),
    ("host.time_sync", time_sync::collect),
    ("host.kernel", kernel::collect),
    ("host.screen_lock", screen_lock::collect),
];

/// Looks at all resources of one kind.
type Look = fn(&Machine<'_>, &Id, &mut Run<'_>) -> Result<(), Stopped>;

/// What every look gets: the machine, and as whom it is seen.
pub(crate) struct Machine<'a> {
    /// Its files.
    pub roots: &'a Roots,
    /// Its tools.
    pub commands: &'a dyn Commands,
    /// The key of the resource `host`, with which the others' keys begin.
    pub host: String,
    /// When it is looked at.
    pub now: Timestamp,
}

impl Machine<'_> {
    /// Says how the enumeration of `kind` went: whole, unless there is a reason why not.
    fn enumerated(&self, run: &mut Run<'_>, kind: &Id, resources: u64, missing: Option<UnknownReason>) {
        match missing {
            None => run.complete(kind.clone(), resources),
            Some(reason) => {
                run.error(kind.as_str(), reason.to_string(), mend(&reason));
                run.incomplete(kind.clone(), resources, reason);
            }
        }
    }
}

/// What an operator can do about something that is unknown.
fn mend(reason: &UnknownReason) -> &'static str {
    match reason.why {
        octro_model::Why::Denied => "run Octro's host source as root, or take the path out of `never_read`",
        octro_model::Why::TimedOut => "raise `command_timeout`, or see what keeps the tool waiting",
        octro_model::Why::Unsupported => {
            "install the tool that is named, or take this machine out of the tests' scope"
        }
        octro_model::Why::Failed => {
            "read the message; the file or tool that it names gave something unexpected"
        }
        octro_model::Why::Throttled | octro_model::Why::NotCollected | octro_model::Why::Unset => "",
    }
}

/// The connector.
#[derive(Debug, Clone, Copy)]
pub struct Host;

impl Connector for Host {
    fn name(&self) -> &'static str {
        "host"
    }

    fn summary(&self) -> &'static str {
        "Looks at the Linux machine that Octro runs on: disks, firewall, listeners, updates, users, sudo, SSH, kernel."
    }

    fn settings(&self) -> &'static [Setting] {
        &[
            Setting {
                name: "root",
                form: "string",
                required: false,
                doc: "The folder that holds the machine's files; `/` by default. Tools are run only for `/`.",
            },
            Setting {
                name: "name",
                form: "string",
                required: false,
                doc: "The key of the resource `host`; by default the host name, or the machine id where that is generic.",
            },
            Setting {
                name: "command_timeout",
                form: "duration",
                required: false,
                doc: "How long one tool may take; 30s by default, at most 10m.",
            },
            Setting {
                name: "never_read",
                form: "list of strings",
                required: false,
                doc: "Absolute paths that are never opened, nor what is below them; what they would tell is unknown.",
            },
        ]
    }

    fn open(&self, settings: &Map<String, Value>) -> Result<Box<dyn Source>, SettingError> {
        let known = self.settings();
        if let Some(other) =
            settings.keys().find(|key| known.iter().all(|setting| setting.name != key.as_str()))
        {
            let names: Vec<&str> = known.iter().map(|setting| setting.name).collect();
            return Err(setting_error(other, "there is no such setting", &names.join(", ")));
        }
        let root = text(settings, "root")?.unwrap_or_else(|| "/".to_owned());
        if !root.starts_with('/') {
            return Err(setting_error("root", &format!("`{root}` is not absolute"), "an absolute path"));
        }
        let expected = "a length of time from 1s to 10m";
        let timeout = match text(settings, "command_timeout")? {
            None => Span::from_secs(30),
            Some(text) => match text.parse::<Span>() {
                Ok(span) if (1..=600).contains(&span.secs()) => span,
                _ => return Err(setting_error("command_timeout", &format!("`{text}`"), expected)),
            },
        };
        let mut banned = Vec::new();
        match settings.get("never_read") {
            None => {}
            Some(Value::Array(paths)) => {
                for path in paths {
                    match path.as_str() {
                        Some(path) if path.starts_with('/') => banned.push(path.to_owned()),
                        _ => return Err(setting_error("never_read", &format!("{path}"), "absolute paths")),
                    }
                }
            }
            Some(other) => {
                return Err(setting_error("never_read", &format!("{other}"), "a list of absolute paths"));
            }
        }
        let roots = Roots::at(root).never_read(banned);
        let commands: Box<dyn Commands> = if roots.is_this_machine() {
            Box::new(SystemCommands::new(timeout.to_std().max(Duration::from_secs(1))))
        } else {
            Box::new(NoCommands)
        };
        Ok(Box::new(HostSource::new(roots, commands, text(settings, "name")?)))
    }
}

fn text(settings: &Map<String, Value>, name: &str) -> Result<Option<String>, SettingError> {
    match settings.get(name) {
        None => Ok(None),
        Some(Value::String(text)) if !text.trim().is_empty() => Ok(Some(text.clone())),
        Some(other) => Err(setting_error(name, &format!("it is {other}"), "a text")),
    }
}

fn setting_error(setting: &str, what: &str, expected: &str) -> SettingError {
    SettingError { setting: setting.to_owned(), what: what.to_owned(), expected: expected.to_owned() }
}

/// One machine that can be looked at.
pub struct HostSource {
    roots: Roots,
    commands: Box<dyn Commands>,
    name: Option<String>,
}

impl HostSource {
    /// The machine whose files are `roots` and whose tools are `commands`; `name` overrides its key.
    pub fn new(roots: Roots, commands: Box<dyn Commands>, name: Option<String>) -> Self {
        Self { roots, commands, name }
    }

    /// A folder without `/etc` is no machine on which nothing is installed, but a mistake.
    fn is_a_machine(&self) -> Result<(), UnknownReason> {
        let what = "there is no /etc here, so these are not a machine's files";
        let there = self.roots.exists("/etc")?;
        there.then_some(()).ok_or_else(|| UnknownReason::new(octro_model::Why::Unsupported, what))
    }
}

impl Source for HostSource {
    fn kinds(&self) -> Vec<Id> {
        KINDS.iter().filter_map(|(name, _)| name.parse().ok()).collect()
    }

    fn collect(&self, run: &mut Run<'_>) {
        if let Err(reason) = self.is_a_machine() {
            run.error(
                "root",
                reason.to_string(),
                "check the setting `root`; it is the folder that holds `/etc`",
            );
            for kind in self.kinds() {
                run.incomplete(kind, 0, reason.clone());
            }
            return;
        }
        let stoppable = self.commands.until(run.stop());
        let machine = Machine {
            roots: &self.roots,
            commands: stoppable.as_deref().unwrap_or(self.commands.as_ref()),
            host: self.name.clone().unwrap_or_else(|| identity::key(&self.roots)),
            now: run.now(),
        };
        for (kind, (_, look)) in self.kinds().iter().zip(KINDS) {
            if run.is_stopped() || look(&machine, kind, run).is_err() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_name_that_can_be_one() {
        let source = HostSource::new(Roots::at("/nowhere"), Box::new(NoCommands), None);
        assert_eq!(source.kinds().len(), KINDS.len());
    }

    fn collected(folder: &std::path::Path) -> (Vec<octro_model::Observation>, octro_model::Collection) {
        let source = HostSource::new(Roots::at(folder), Box::new(NoCommands), Some("web1".to_owned()));
        let clock = octro_model::ManualClock::at(Timestamp::from_secs(0));
        let mut seen = Vec::new();
        let mut deliver = |batch: Vec<octro_model::Observation>| {
            seen.extend(batch);
            Ok(())
        };
        let mut run = Run::new("host".parse().unwrap(), source.kinds(), &clock, Timestamp::MAX, &mut deliver);
        source.collect(&mut run);
        let collection = run.finish();
        (seen, collection)
    }

    #[test]
    fn an_empty_machine_answers_for_every_kind_and_passes_nothing_by_silence() {
        let folder = tempfile::tempdir().unwrap();
        let (seen, collection) = collected(folder.path());
        assert!(seen.is_empty() && collection.scopes.iter().all(|scope| !scope.complete));
        assert_eq!(collection.scopes.len(), KINDS.len());

        std::fs::create_dir(folder.path().join("etc")).unwrap();
        let (seen, collection) = collected(folder.path());
        let incomplete: Vec<&str> = collection
            .scopes
            .iter()
            .filter(|scope| !scope.complete)
            .map(|scope| scope.kind.as_str())
            .collect();
        let expected = ["host.filesystem", "host.swap", "host.listener", "host.package_updates", "host.user"];
        assert_eq!(incomplete, expected);
        assert_eq!(collection.scopes.len(), KINDS.len());
        for kind in ["host", "host.firewall", "host.kernel", "host.time_sync"] {
            let unknown =
                seen.iter().filter(|seen| seen.kind.as_str() == kind).map(|seen| seen.unknown.len());
            assert!(unknown.min().is_some_and(|unknown| unknown > 0), "{kind}");
        }
        assert!(seen.iter().all(|seen| seen.key.starts_with("web1")));
    }

    #[test]
    fn settings_are_checked() {
        let open = |json: &str| {
            Host.open(&serde_json::from_str(json).unwrap()).map(|_| ()).map_err(|e| e.to_string())
        };
        assert_eq!(open("{}"), Ok(()));
        assert_eq!(open(r#"{"root": "/srv/copy", "name": "web1", "command_timeout": "5s"}"#), Ok(()));
        for (json, word) in [
            (r#"{"rot": "/"}"#, "no such setting"),
            (r#"{"root": "copy"}"#, "not absolute"),
            (r#"{"command_timeout": "2h"}"#, "1s to 10m"),
            (r#"{"never_read": ["etc/shadow"]}"#, "absolute paths"),
            (r#"{"never_read": "/etc/shadow"}"#, "list"),
        ] {
            let error = open(json).unwrap_err();
            assert!(error.contains(word), "{json}: {error}");
        }
    }
}
