//! The servers of the settings: how each is reached, and what it is called.

use crate::servers::Place;

/// Where a server listens by default.
const PORT: u16 = 6379;

/// One server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Server {
    pub(super) place: Place,
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
        let (user, place) = Place::read(rest, PORT)?;
        Ok(Self { place, user, has_tls })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        let far = Server::read("rediss://octro@cache.example.com:6380").unwrap();
        assert_eq!((far.place.key.as_str(), far.has_tls), ("cache.example.com:6380", true));
        assert_eq!((far.user.as_deref(), far.place.is_here), (Some("octro"), false));
        let near = Server::read("redis://[::1]").unwrap();
        assert_eq!((near.place.name.as_str(), near.place.port, near.place.is_here), ("::1", 6379, true));
        assert_eq!(Server::read("redis://10.0.0.5/").unwrap().place.port, 6379);
        for odd in ["redis://", "redis://a:0", "redis://a:x", "http://a", "redis://a/0", "redis://u:p@a"] {
            let error = Server::read(odd).unwrap_err();
            assert!(!error.contains("u:p"), "{error}");
        }
    }
}
