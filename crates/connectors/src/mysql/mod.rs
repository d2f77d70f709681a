//! MySQL and MariaDB servers, asked over their own protocol by an account that only reads: TLS, accounts and their rights,
//! encryption of what is stored, logs. What the account may not see is unknown, with the right that is missing; no hash of
//! a password leaves the server. The client is our own: little of the protocol is needed, and all of it is limited.

mod account;
mod ask;
mod lifetimes;
mod packet;
mod proof;
mod server;
mod talk;
mod tell;

use std::path::PathBuf;
use std::time::Duration;

use octro_model::{Id, Span};
use serde_json::{Map, Value};

use crate::password_file;
use crate::servers;
use crate::settings::Settings;
use crate::trust::trust;
use crate::{Connector, Run, Setting, SettingError, Source};
use server::Server;

/// The kinds that it yields.
const KINDS: [&str; 2] = ["mysql.server", "mysql.account"];

/// The settings that it takes.
const SETTINGS: &[Setting] = &[
    Setting {
        name: "servers",
        form: "list of strings",
        required: true,
        doc: "What to ask, as `mysql://octro@db1.example.com:3306` or `mysql://octro@/run/mysqld/mysqld.sock`, without \
              passwords. Over a network the server has to speak TLS and show a certificate that holds for its name; \
              `?tls=off` at the end does without, `?tls=on` asks for it on this machine too.",
    },
    Setting {
        name: "password_file",
        form: "string",
        required: false,
        doc: "An absolute path: the file holds the account's password, and only its owner may read it.",
    },
    Setting {
        name: "roots",
        form: "string",
        required: false,
        doc: "A PEM file with the roots of the company's own authorities; absolute. The public authorities by default.",
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
pub struct Mysql;

impl Connector for Mysql {
    fn name(&self) -> &'static str {
        "mysql"
    }

    fn summary(&self) -> &'static str {
        "Asks MySQL and MariaDB servers how they are set: TLS, accounts and their rights, encryption at rest, logs."
    }

    fn settings(&self) -> &'static [Setting] {
        SETTINGS
    }

    fn open(&self, settings: &Map<String, Value>) -> Result<Box<dyn Source>, SettingError> {
        let known: Vec<&str> = SETTINGS.iter().map(|setting| setting.name).collect();
        let settings = Settings::new(settings, &known)?;
        let expected = "`mysql://USER@HOST:PORT`, without a password";
        let servers = servers::read(&settings, expected, Server::read, |server| &server.key)?;
        let password_file = settings.absolute("password_file")?;
        if let Some(server) = servers.iter().find(|server| server.is_heard() && password_file.is_some()) {
            let what =
                format!("whoever listens could guess the password from what is said to `{}`", server.key);
            return Err(settings.refuse("servers", what, "TLS where a password is used"));
        }
        let patience = settings.span("timeout_step", Span::from_secs(300))?.unwrap_or(Span::from_secs(10));
        Ok(Box::new(MysqlSource {
            kinds: KINDS.iter().filter_map(|kind| kind.parse().ok()).collect(),
            servers,
            password_file,
            roots: settings.absolute("roots")?,
            patience: patience.to_std(),
        }))
    }
}

struct MysqlSource {
    kinds: Vec<Id>,
    servers: Vec<Server>,
    password_file: Option<PathBuf>,
    roots: Option<PathBuf>,
    patience: Duration,
}

impl Source for MysqlSource {
    fn kinds(&self) -> Vec<Id> {
        self.kinds.clone()
    }

    fn collect(&self, run: &mut Run<'_>) {
        let [server_kind, account_kind] = self.kinds.as_slice() else { return };
        let ready = self
            .password_file
            .as_deref()
            .map(password_file::read)
            .transpose()
            .map_err(|fault| (fault, password_file::MEND))
            .and_then(|password| Ok((password, trust(self.roots.as_deref()).map_err(|fault| (fault, ""))?)));
        let (password, tls) = match ready {
            Ok(ready) => ready,
            Err(((what, reason), mend)) => {
                run.error(what, reason.to_string(), mend);
                for kind in &self.kinds {
                    run.incomplete(kind.clone(), 0, reason.clone());
                }
                return;
            }
        };
        let patience = self.patience;
        let asked = servers::ask(
            self.servers.iter().cloned(),
            |server| {
                let (tls, password) = (tls.clone(), password.clone());
                async move { ask::ask(&server, &tls, password.as_deref(), patience).await }
            },
            |server, said| {
                !run.is_stopped() && tell::tell(run, (server_kind, account_kind), server, said).is_ok()
            },
        );
        if let Err(error) = asked {
            run.error("the network", error.to_string(), "");
        }
    }
}
