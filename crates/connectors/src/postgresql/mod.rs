//! PostgreSQL servers, asked over their own protocol as a role that only reads: settings, client authentication rules and
//! roles. What the role may not see is unknown, with the right that is missing; no hash of a password leaves the server.

mod ask;
mod rules;
mod server;
mod tell;

use std::path::PathBuf;
use std::time::Duration;

use octro_model::{Id, Span};
use serde_json::{Map, Value};

use crate::password_file;
use crate::servers;
use crate::settings::Settings;
use crate::{Connector, Run, Setting, SettingError, Source};
use server::Server;

/// The kinds that it yields.
const KINDS: [&str; 2] = ["postgresql.server", "postgresql.role"];

/// The settings that it takes.
const SETTINGS: &[Setting] = &[
    Setting {
        name: "servers",
        form: "list of strings",
        required: true,
        doc: "What to ask, as `postgres://octro@db1.example.com:5432/postgres`, without passwords. Over a network the \
              server has to show a certificate that holds for its name, unless `?sslmode=` says otherwise.",
    },
    Setting {
        name: "password_file",
        form: "string",
        required: false,
        doc: "An absolute path: the file holds the role's password, and only its owner may read it. Without it, \
              `.pgpass` counts, or what the server asks of this user.",
    },
    Setting {
        name: "roots",
        form: "string",
        required: false,
        doc: "A PEM file with the roots of the company's own authorities; absolute. The system's roots by default.",
    },
    Setting {
        name: "timeout_step",
        form: "duration",
        required: false,
        doc: "How long connecting, and each question, may take; 10s by default, at most 5m.",
    },
];

/// The connector.
#[derive(Debug, Clone, Copy)]
pub struct Postgresql;

impl Connector for Postgresql {
    fn name(&self) -> &'static str {
        "postgresql"
    }

    fn summary(&self) -> &'static str {
        "Asks PostgreSQL servers how they are set: TLS, client authentication rules, logging, superusers, roles."
    }

    fn settings(&self) -> &'static [Setting] {
        SETTINGS
    }

    fn open(&self, settings: &Map<String, Value>) -> Result<Box<dyn Source>, SettingError> {
        let known: Vec<&str> = SETTINGS.iter().map(|setting| setting.name).collect();
        let settings = Settings::new(settings, &known)?;
        let expected = "`postgres://ROLE@HOST:PORT/DATABASE`, without a password";
        let servers = servers::read(&settings, expected, Server::read, |server| &server.key)?;
        let patience = settings.span("timeout_step", Span::from_secs(300))?.unwrap_or(Span::from_secs(10));
        Ok(Box::new(PostgresqlSource {
            kinds: KINDS.iter().filter_map(|kind| kind.parse().ok()).collect(),
            servers,
            password_file: settings.absolute("password_file")?,
            roots: settings.absolute("roots")?,
            patience: patience.to_std(),
        }))
    }
}

struct PostgresqlSource {
    kinds: Vec<Id>,
    servers: Vec<Server>,
    password_file: Option<PathBuf>,
    roots: Option<PathBuf>,
    patience: Duration,
}

impl Source for PostgresqlSource {
    fn kinds(&self) -> Vec<Id> {
        self.kinds.clone()
    }

    fn collect(&self, run: &mut Run<'_>) {
        let [server_kind, role_kind] = self.kinds.as_slice() else { return };
        let password = match self.password_file.as_deref().map(password_file::read).transpose() {
            Ok(password) => password,
            Err((what, reason)) => {
                run.error(what, reason.to_string(), password_file::MEND);
                for kind in &self.kinds {
                    run.incomplete(kind.clone(), 0, reason.clone());
                }
                return;
            }
        };
        let patience = self.patience;
        let asked = servers::ask(
            self.servers.iter().cloned(),
            |server| ask::ask(server.options(password.as_deref(), self.roots.as_deref()), patience),
            |server, said| {
                !run.is_stopped() && tell::tell(run, (server_kind, role_kind), server, said).is_ok()
            },
        );
        if let Err(error) = asked {
            run.error("the network", error.to_string(), "");
        }
    }
}
