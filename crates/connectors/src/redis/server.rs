//! The servers of the settings: how each is reached, and what it is called.

use std::net::IpAddr;

use crate::host::{Roots, machine_key};

/// Where a server listens by default.
const PORT: u16 = 6379;

/// One server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Server {
    /// Its key: `<host>:<port>`.
    pub(super) key: String,
    /// The machine; for one on loopback, this one.
    pub(super) host: String,
    /// It runs on this machine.
    pub(super) is_here: bool,
    /// Where to connect.
    pub(super) name: String,
    pub(super) port: u16,
    pub(super) user: Option<String>,
    pub(super) has_tls: bool,
}

impl Server {
    /// From `redis://` or `rediss://` (with TLS) `[USER@]HOST[:PORT]`.
    pub(super) fn read(address: &str) -> Result<Self, String> {
        let (has_tls, rest) = match (address.strip_prefix("rediss://"), address.strip_prefix("redis://")) {
            (Some(rest), _) => (true, rest),
            (None, Some(rest)) => (false, rest),
            (None, None) => {
                return Err("an address begins with neither `redis://` nor `rediss://`".to_owned());
            }
        };
        let (user, place) = match rest.rsplit_once('@') {
            Some((user, _)) if user.contains(':') => {
                return Err("an address holds a password; put it into `password_file`".to_owned());
            }
            Some((user, place)) => (Some(user.to_owned()).filter(|user| !user.is_empty()), place),
            None => (None, rest),
        };
        let place = place.trim_end_matches('/');
        let odd = || format!("`{place}` is no host and port");
        let (name, port) = match place.rsplit_once(':') {
            Some((name, port)) if !name.contains(':') || name.ends_with(']') => {
                (name, port.parse().ok().filter(|port| *port > 0).ok_or_else(odd)?)
            }
            _ => (place, PORT),
        };
        let name = name.trim_start_matches('[').trim_end_matches(']');
        if name.is_empty() || name.contains(['/', '?', '#', ' ']) {
            return Err(odd());
        }
        let is_here =
            name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        let host = if is_here { machine_key(&Roots::at("/")) } else { name.to_owned() };
        Ok(Self { key: format!("{host}:{port}"), host, is_here, name: name.to_owned(), port, user, has_tls })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        let far = Server::read("rediss://octro@cache.example.com:6380").unwrap();
        assert_eq!((far.key.as_str(), far.has_tls, far.is_here), ("cache.example.com:6380", true, false));
        assert_eq!(far.user.as_deref(), Some("octro"));
        let near = Server::read("redis://[::1]").unwrap();
        assert_eq!((near.name.as_str(), near.port, near.is_here), ("::1", 6379, true));
        assert_eq!(Server::read("redis://10.0.0.5/").unwrap().port, 6379);
        for odd in ["redis://", "redis://a:0", "redis://a:x", "http://a", "redis://a/0", "redis://u:p@a"] {
            let error = Server::read(odd).unwrap_err();
            assert!(!error.contains("u:p"), "{error}");
        }
    }
}
