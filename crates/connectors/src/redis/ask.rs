//! The questions to one server. Passwords are never asked for, except where Redis gives their hashes with what else it says
//! of a user; those are dropped where they arrive.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use octro_model::{UnknownReason, Why};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, BufStream};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::reply::{Reply, receive, send};
use super::server::Server;

/// What settings are asked for: none of them is a secret.
const SETTINGS: [&str; 10] = [
    "bind",
    "port",
    "protected-mode",
    "tls-port",
    "tls-protocols",
    "tls-auth-clients",
    "dir",
    "appendonly",
    "save",
    "enable-debug-command",
];

/// What a server said.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) version: Result<String, UnknownReason>,
    /// By name; a server does not know all of them.
    pub(super) settings: Result<Vec<(String, String)>, UnknownReason>,
    pub(super) users: Result<Vec<User>, UnknownReason>,
}

/// A user of the access control list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct User {
    pub(super) name: String,
    pub(super) is_enabled: bool,
    /// Anybody may be this user.
    pub(super) needs_no_password: bool,
    /// It may give every command, also those that are dangerous.
    pub(super) has_all_commands: bool,
    /// It may touch every key.
    pub(super) has_all_keys: bool,
}

impl User {
    /// From a line of `ACL LIST`: `user NAME on nopass ~* &* +@all`.
    pub(super) fn read(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let name = words.next().filter(|word| *word == "user").and_then(|_| words.next())?.to_owned();
        let rules: Vec<&str> = words.collect();
        let has = |rule: &str| rules.contains(&rule);
        // Rules go from left to right: what was given can be taken away again.
        let last = rules.iter().rev().find(|rule| rule.ends_with("@all") || **rule == "allcommands");
        Some(Self {
            name,
            is_enabled: has("on"),
            needs_no_password: has("nopass"),
            has_all_commands: last.is_some_and(|rule| matches!(*rule, "+@all" | "allcommands")),
            has_all_keys: has("~*") || has("allkeys"),
        })
    }
}

/// How the answers come.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

type Talk = BufStream<Box<dyn Stream>>;

/// Asks one server; `patience` for each step.
pub(super) async fn ask(
    server: &Server,
    tls: &Arc<ClientConfig>,
    password: Option<&str>,
    patience: Duration,
) -> Result<Said, UnknownReason> {
    let mut talk = within(patience, connect(server, tls)).await?;
    if let Some(password) = password {
        let words = match &server.user {
            Some(user) => vec!["AUTH", user, password],
            None => vec!["AUTH", password],
        };
        question(&mut talk, patience, &words, "its password").await??;
    }
    let version = question(&mut talk, patience, &["INFO", "server"], "+info").await?.and_then(|reply| {
        let text = reply.text().unwrap_or_default();
        let found = text.lines().find_map(|line| line.strip_prefix("redis_version:"));
        found.map(|version| version.trim().to_owned()).ok_or_else(|| odd("INFO"))
    });
    let mut settings = Ok(Vec::new());
    for name in SETTINGS {
        // One by one, since old servers take only one.
        let answer = question(&mut talk, patience, &["CONFIG", "GET", name], "+config|get").await?;
        let pair = answer.and_then(|reply| match reply.texts().as_deref() {
            Some([]) => Ok(None),
            Some([name, value]) => Ok(Some(((*name).to_owned(), (*value).to_owned()))),
            _ => Err(odd("CONFIG GET")),
        });
        match (pair, &mut settings) {
            (Ok(pair), Ok(known)) => known.extend(pair),
            (Err(reason), _) => {
                settings = Err(reason);
                break;
            }
            (Ok(_), Err(_)) => {}
        }
    }
    let users = question(&mut talk, patience, &["ACL", "LIST"], "+acl|list").await?.and_then(|reply| {
        let lines = reply.texts().ok_or_else(|| odd("ACL LIST"))?;
        lines.into_iter().map(|line| User::read(line).ok_or_else(|| odd("ACL LIST"))).collect()
    });
    Ok(Said { version, settings, users })
}

async fn connect(server: &Server, tls: &Arc<ClientConfig>) -> io::Result<Talk> {
    let stream = TcpStream::connect((server.place.name.as_str(), server.place.port)).await?;
    if !server.has_tls {
        return Ok(BufStream::new(Box::new(stream)));
    }
    let name = ServerName::try_from(server.place.name.clone()).map_err(io::Error::other)?;
    let stream = TlsConnector::from(tls.clone()).connect(name, stream).await?;
    Ok(BufStream::new(Box::new(stream)))
}

/// The answer to a question, for which the user needs `right`, or why the server refuses it. The outer error is one after
/// which nothing that comes can be trusted to be an answer.
async fn question(
    talk: &mut Talk,
    patience: Duration,
    words: &[&str],
    right: &str,
) -> Result<Result<Reply, UnknownReason>, UnknownReason> {
    let asked = async {
        send(talk, words).await?;
        receive(talk).await
    };
    Ok(match within(patience, asked).await? {
        Reply::Refusal(why) => {
            let (code, _) = why.split_once(' ').unwrap_or((&why, ""));
            Err(match code {
                "NOPERM" => UnknownReason::new(Why::Denied, format!("the user needs {right}")),
                "NOAUTH" | "WRONGPASS" | "DENIED" => UnknownReason::new(Why::Denied, why),
                "BUSY" | "LOADING" | "MASTERDOWN" => UnknownReason::new(Why::Throttled, why),
                _ if why.contains("unknown command") || why.contains("unknown subcommand") => {
                    UnknownReason::new(Why::Unsupported, why)
                }
                _ => UnknownReason::new(Why::Failed, why),
            })
        }
        reply @ (Reply::Text(_) | Reply::Number(_) | Reply::List(_) | Reply::Nothing) => Ok(reply),
    })
}

async fn within<T>(
    patience: Duration,
    step: impl Future<Output = io::Result<T>>,
) -> Result<T, UnknownReason> {
    match timeout(patience, step).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(UnknownReason::new(Why::Failed, error.to_string())),
        Err(_) => {
            Err(UnknownReason::new(Why::TimedOut, format!("no answer within {} s", patience.as_secs())))
        }
    }
}

fn odd(command: &str) -> UnknownReason {
    UnknownReason::new(Why::Failed, format!("the answer to {command} is not what Redis gives"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_read_from_left_to_right() {
        let user = User::read("user default on nopass ~* &* +@all").unwrap();
        assert!(user.is_enabled && user.needs_no_password && user.has_all_commands && user.has_all_keys);
        let user = User::read("user app on #5e88 ~app:* resetchannels -@all +get +set").unwrap();
        assert!(!user.needs_no_password && !user.has_all_commands && !user.has_all_keys);
        let user = User::read("user old off nopass ~* &* +@all -@all +get").unwrap();
        assert!(!user.is_enabled && !user.has_all_commands);
        assert_eq!(User::read("something else"), None);
    }
}
