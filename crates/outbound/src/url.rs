//! Addresses that are asked.

use std::fmt::{self, Write as _};

use hyper::Uri;

/// The longest address that is read, in bytes.
const ADDRESS_MAX: usize = 2_048;

/// An address that begins with `http://` or `https://`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    tls: bool,
    /// What stands between the scheme and the path: the host, and the port if one is given.
    authority: String,
    /// Without a slash at its end, percent-encoded.
    path: String,
    /// Without the question mark, percent-encoded; empty if there is none.
    query: String,
}

impl Url {
    /// Reads an address.
    ///
    /// # Errors
    /// In words, what is wrong and what was expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = |what: &str| format!("`{text}` {what}");
        if text.len() > ADDRESS_MAX {
            return Err(format!("the address has {} bytes; expected at most {ADDRESS_MAX}", text.len()));
        }
        let uri: Uri = text.parse().map_err(|_| wrong("is no address; expected https://HOST:PORT/PATH"))?;
        let (Some(scheme @ ("http" | "https")), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(wrong("is no address that begins with https:// or http://"));
        };
        if authority.as_str().contains('@') || uri.query().is_some() || authority.host().is_empty() {
            return Err(wrong("has a name, a password or a question in it; expected https://HOST:PORT/PATH"));
        }
        Ok(Self {
            tls: scheme == "https",
            authority: authority.as_str().to_owned(),
            path: uri.path().trim_end_matches('/').to_owned(),
            query: String::new(),
        })
    }

    /// The address of something below this one. What `below` holds besides slashes is percent-encoded where it must be.
    #[must_use]
    pub fn join(&self, below: &str) -> Self {
        let mut path = self.path.clone();
        for part in below.split('/') {
            path.push('/');
            encode(part, &mut path);
        }
        Self { path, query: String::new(), ..self.clone() }
    }

    /// The same address with a question, whose names and values are percent-encoded here.
    #[must_use]
    pub fn asking(&self, names: &[(&str, &str)]) -> Self {
        let mut query = String::new();
        for (name, value) in names {
            if !query.is_empty() {
                query.push('&');
            }
            encode(name, &mut query);
            query.push('=');
            encode(value, &mut query);
        }
        Self { query, ..self.clone() }
    }

    /// The address of what this one lies in, if its last part is `name`.
    #[must_use]
    pub fn above(&self, name: &str) -> Option<Self> {
        let path = self.path.strip_suffix(name)?.strip_suffix('/')?;
        Some(Self { path: path.to_owned(), query: String::new(), ..self.clone() })
    }

    /// Whether it is asked over TLS.
    #[must_use]
    pub const fn is_tls(&self) -> bool {
        self.tls
    }

    /// The host, and the port if one is given.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The path, percent-encoded; `/` if there is none.
    #[must_use]
    pub fn path(&self) -> &str {
        if self.path.is_empty() { "/" } else { &self.path }
    }

    /// The question, percent-encoded; empty if there is none.
    #[must_use]
    pub fn query(&self) -> &str {
        &self.query
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", self.authority, self.path)?;
        if self.query.is_empty() { Ok(()) } else { write!(f, "?{}", self.query) }
    }
}

/// Percent-encodes all but the unreserved characters (RFC 3986, section 2.3), in upper-case digits as AWS wants them.
pub(crate) fn encode(text: &str, into: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            into.push(char::from(byte));
        } else {
            let _ = write!(into, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        let url = Url::parse("http://w.example:8080/a/b/").unwrap();
        assert_eq!(url.to_string(), "http://w.example:8080/a/b");
        assert_eq!(url.join("add-checkpoint").to_string(), "http://w.example:8080/a/b/add-checkpoint");
        assert_eq!(url.join("c d/e").to_string(), "http://w.example:8080/a/b/c%20d/e");
        assert_eq!(url.above("b").unwrap().to_string(), "http://w.example:8080/a");
        assert_eq!(url.above("c"), None);
        let root = Url::parse("https://w.example").unwrap();
        assert!(root.is_tls() && !url.is_tls());
        assert_eq!((root.path(), root.query()), ("/", ""));
        assert_eq!(root.asking(&[("a b", "c&d"), ("e", "")]).to_string(), "https://w.example?a%20b=c%26d&e=");
        for (wrong, words) in [
            ("w.example", "begins with https://"),
            ("ftp://w.example", "begins with https://"),
            ("http://a:b@w.example", "a password"),
            ("http://w.example/?a", "a question"),
            ("", "no address"),
        ] {
            assert!(Url::parse(wrong).unwrap_err().contains(words), "{wrong}");
        }
    }
}
