//! Lists of servers: read from the settings, and asked some at once, so that one that never answers does not hold the
//! others up.

use std::net::IpAddr;

use tokio::runtime::Builder;
use tokio::task::JoinSet;

use crate::SettingError;
use crate::host::{Roots, machine_key};
use crate::settings::Settings;

/// How many servers one source may have.
const MOST: usize = 1_000;
/// How many are asked at once.
const AT_ONCE: usize = 16;

/// Where a server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// The server's key: `<host>:<port>`.
    pub(crate) key: String,
    /// The machine; for one on loopback, this one.
    pub(crate) host: String,
    /// It runs on this machine.
    pub(crate) is_here: bool,
    /// Where to connect.
    pub(crate) name: String,
    pub(crate) port: u16,
}

impl Place {
    /// From `[USER@]HOST[:PORT]`, with the user if one is named.
    pub(crate) fn read(text: &str, port: u16) -> Result<(Option<String>, Self), String> {
        let (user, place) = user(text)?;
        let place = place.trim_end_matches('/');
        let odd = || format!("`{place}` is no host and port");
        let (name, port) = match place.rsplit_once(':') {
            Some((name, port)) if !name.contains(':') || name.ends_with(']') => {
                (name, port.parse().ok().filter(|port| *port > 0).ok_or_else(odd)?)
            }
            _ => (place, port),
        };
        let name = name.trim_start_matches('[').trim_end_matches(']');
        if name.is_empty() || name.contains(['/', '?', '#', ' ']) {
            return Err(odd());
        }
        let is_here =
            name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        let host = if is_here { this_machine() } else { name.to_owned() };
        Ok((user, Self { key: format!("{host}:{port}"), host, is_here, name: name.to_owned(), port }))
    }
}

/// What this machine is called.
pub(crate) fn this_machine() -> String {
    machine_key(&Roots::at("/"))
}

/// The user before the `@` of an address, and what stands behind it. A password there is refused, and not repeated.
pub(crate) fn user(text: &str) -> Result<(Option<String>, &str), String> {
    match text.rsplit_once('@') {
        Some((user, _)) if user.contains(':') => {
            Err("an address holds a password; put it into `password_file`".to_owned())
        }
        Some((user, place)) => Ok((Some(user.to_owned()).filter(|user| !user.is_empty()), place)),
        None => Ok((None, text)),
    }
}

/// The servers of the setting `servers`: each is read by `read`, and has a key of its own. `expected`: the form of one.
pub(crate) fn read<S>(
    settings: &Settings<'_>,
    expected: &str,
    read: impl Fn(&str) -> Result<S, String>,
    key: impl Fn(&S) -> &str,
) -> Result<Vec<S>, SettingError> {
    let mut servers: Vec<S> = Vec::new();
    for address in settings.need_texts("servers", expected)? {
        let server = read(&address).map_err(|what| settings.refuse("servers", what, expected))?;
        if servers.iter().any(|other| key(other) == key(&server)) {
            let what = format!("`{}` stands there twice", key(&server));
            return Err(settings.refuse("servers", what, "each server once"));
        }
        servers.push(server);
    }
    if servers.len() > MOST {
        return Err(settings.refuse(
            "servers",
            format!("there are {}", servers.len()),
            format!("at most {MOST}"),
        ));
    }
    Ok(servers)
}

/// Asks all of `servers`, and gives each with its answer to `take`, in the order of the answers, until that says no.
/// Whoever asked and broke is not given.
///
/// # Errors
/// If the machine has no network for programs.
pub(crate) fn ask<S, A, F>(
    servers: impl IntoIterator<Item = S>,
    question: impl Fn(S) -> F,
    mut take: impl FnMut(&S, A) -> bool,
) -> std::io::Result<()>
where
    S: Clone + Send + 'static,
    A: Send + 'static,
    F: Future<Output = A> + Send + 'static,
{
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut servers = servers.into_iter();
        let mut asked = JoinSet::new();
        loop {
            while asked.len() < AT_ONCE
                && let Some(server) = servers.next()
            {
                let answer = question(server.clone());
                asked.spawn(async move { (server, answer.await) });
            }
            match asked.join_next().await {
                Some(Ok((server, answer))) => {
                    if !take(&server, answer) {
                        break;
                    }
                }
                Some(Err(_)) => {}
                None => break,
            }
        }
    });
    // A name server that never answers must not hold the run.
    runtime.shutdown_background();
    Ok(())
}
