//! Redis servers, asked over their own protocol: where they listen, TLS, users, and where the data lies. What the user may
//! not ask is unknown, with the right that is missing.

mod ask;
mod reply;
mod server;
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

/// The kind that it yields.
const KIND: &str = "redis.server";

/// The settings that it takes.
const SETTINGS: &[Setting] = &[
    Setting {
        name: "servers",
        form: "list of strings",
        required: true,
        doc: "What to ask, as `rediss://octro@cache.example.com:6379` (with TLS) or `redis://127.0.0.1:6379`, without \
              passwords.",
    },
    Setting {
        name: "password_file",
        form: "string",
        required: false,
        doc: "An absolute path: the file holds the user's password, and only its owner may read it. It is sent over TLS or \
              to this machine only.",
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
pub struct Redis;

impl Connector for Redis {
    fn name(&self) -> &'static str {
        "redis"
    }

    fn summary(&self) -> &'static str {
        "Asks Redis servers how they are set: listeners, TLS, users and their rights, where the data lies."
    }

    fn settings(&self) -> &'static [Setting] {
        SETTINGS
    }

    fn open(&self, settings: &Map<String, Value>) -> Result<Box<dyn Source>, SettingError> {
        let known: Vec<&str> = SETTINGS.iter().map(|setting| setting.name).collect();
        let settings = Settings::new(settings, &known)?;
        let expected = "`rediss://USER@HOST:PORT`, without a password";
        let password_file = settings.absolute("password_file")?;
        let servers = servers::read(&settings, expected, Server::read, |server| &server.place.key)?;
        let is_heard = |server: &&Server| !server.has_tls && !server.place.is_here;
        if let Some(server) = servers.iter().find(is_heard).filter(|_| password_file.is_some()) {
            let what = format!("the password would go to `{}` in clear", server.place.key);
            return Err(settings.refuse("servers", what, "`rediss://`"));
        }
        let kind = KIND.parse().map_err(|_| settings.refuse("servers", "the kind's name", "a name"))?;
        let patience = settings.span("timeout_step", Span::from_secs(300))?.unwrap_or(Span::from_secs(10));
        let roots = settings.absolute("roots")?;
        Ok(Box::new(RedisSource { kind, servers, password_file, roots, patience: patience.to_std() }))
    }
}

struct RedisSource {
    kind: Id,
    servers: Vec<Server>,
    password_file: Option<PathBuf>,
    roots: Option<PathBuf>,
    patience: Duration,
}

impl Source for RedisSource {
    fn kinds(&self) -> Vec<Id> {
        vec![self.kind.clone()]
    }

    fn collect(&self, run: &mut Run<'_>) {
        let password = self.password_file.as_deref().map(password_file::read).transpose();
        let ready = password
            .map_err(|fault| (fault, password_file::MEND))
            .and_then(|password| Ok((password, trust(self.roots.as_deref()).map_err(|fault| (fault, ""))?)));
        let (password, tls) = match ready {
            Ok(ready) => ready,
            Err(((what, reason), mend)) => {
                run.error(what, reason.to_string(), mend);
                run.incomplete(self.kind.clone(), 0, reason);
                return;
            }
        };
        let patience = self.patience;
        let mut told = 0;
        let asked = servers::ask(
            self.servers.iter().cloned(),
            |server| {
                let (tls, password) = (tls.clone(), password.clone());
                async move { ask::ask(&server, &tls, password.as_deref(), patience).await }
            },
            |server, said| {
                told += 1;
                !run.is_stopped() && tell::tell(run, &self.kind, server, said).is_ok()
            },
        );
        if let Err(error) = asked {
            run.error("the network", error.to_string(), "");
        } else if told == self.servers.len() {
            run.complete(self.kind.clone(), told as u64);
        }
    }
}
