//! The servers of the settings: how each is reached, and what it is called.

use std::path::PathBuf;

use crate::servers::{Place, this_machine, user};

/// Where a server listens by default.
const PORT: u16 = 3306;

/// One server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Server {
    /// Its key: `<host>:<port>`, or `<host>:<path>` for a socket.
    pub(super) key: String,
    /// The machine.
    pub(super) host: String,
    /// It runs on this machine.
    pub(super) is_here: bool,
    pub(super) user: String,
    pub(super) way: Way,
}

/// How a server is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Way {
    Socket(PathBuf),
    /// Over the network, with TLS or, where that was said, without.
    Network {
        name: String,
        port: u16,
        has_tls: bool,
    },
}

impl Server {
    /// From `mysql://USER@HOST[:PORT]` or `mysql://USER@/path/of/a.sock`, with `?tls=on` or `?tls=off` at its end. By
    /// default TLS is used, except to this machine.
    pub(super) fn read(address: &str) -> Result<Self, String> {
        let rest = address
            .strip_prefix("mysql://")
            .or_else(|| address.strip_prefix("mariadb://"))
            .ok_or("an address does not begin with `mysql://`")?;
        let (rest, tls) = match rest.split_once('?') {
            None => (rest, None),
            Some((rest, "tls=on")) => (rest, Some(true)),
            Some((rest, "tls=off")) => (rest, Some(false)),
            Some(_) => return Err("behind `?` stands neither `tls=on` nor `tls=off`".to_owned()),
        };
        let (named, place) = user(rest)?;
        let user = named.ok_or("an address names no user")?;
        if place.starts_with('/') {
            let host = this_machine();
            if tls == Some(true) {
                return Err("a socket needs no TLS".to_owned());
            }
            let key = format!("{host}:{place}");
            return Ok(Self { key, host, is_here: true, user, way: Way::Socket(PathBuf::from(place)) });
        }
        let (_, Place { key, host, is_here, name, port }) = Place::read(place, PORT)?;
        let has_tls = tls.unwrap_or(!is_here);
        Ok(Self { key, host, is_here, user, way: Way::Network { name, port, has_tls } })
    }

    /// Whether somebody may listen on the way.
    pub(super) fn is_heard(&self) -> bool {
        !self.is_here && matches!(self.way, Way::Network { has_tls: false, .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tls(address: &str) -> bool {
        matches!(Server::read(address).unwrap().way, Way::Network { has_tls: true, .. })
    }

    #[test]
    fn over_a_network_tls_is_used_unless_somebody_says_otherwise() {
        let far = Server::read("mysql://octro@db1.example.com").unwrap();
        assert_eq!((far.key.as_str(), far.is_here, far.is_heard()), ("db1.example.com:3306", false, false));
        assert!(tls("mysql://octro@db1") && tls("mysql://octro@127.0.0.1?tls=on"));
        assert!(!tls("mysql://octro@localhost") && !tls("mariadb://octro@db1?tls=off"));
        assert!(Server::read("mysql://octro@db1?tls=off").unwrap().is_heard());
        let near = Server::read("mysql://octro@/run/mysqld/mysqld.sock").unwrap();
        assert!(near.is_here && near.key.ends_with(":/run/mysqld/mysqld.sock"), "{near:?}");
        for odd in ["db1", "mysql://db1", "mysql://octro@", "mysql://octro@db1?ssl=1", "mysql://o:sesame@db1"]
        {
            let error = Server::read(odd).unwrap_err();
            assert!(!error.contains("sesame"), "{error}");
        }
    }
}
