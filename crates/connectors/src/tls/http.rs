//! The head of an HTTP answer, and what it says of security: the redirect to TLS, the header that makes browsers
//! remember it, and cookies that would also go over a connection in clear.

use crate::plain::plain;

/// The longest head that is read, in bytes.
pub(crate) const HEAD_MAX: usize = 32 << 10;

/// The head of an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Head {
    /// The status code.
    pub status: u16,
    /// Where it sends the client.
    pub location: Option<String>,
    /// The Strict-Transport-Security header: the first one, which is the one that counts.
    pub hsts: Option<String>,
    /// The names of cookies that may travel in clear.
    pub open_cookies: Vec<String>,
}

impl Head {
    /// Reads a head; `None` if it is none.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(bytes.get(..HEAD_MAX).unwrap_or(bytes));
        let mut lines = text.split('\n').map(|line| line.trim_end_matches('\r'));
        let mut first = lines.next()?.split(' ');
        first.next().filter(|word| word.starts_with("HTTP/"))?;
        let status = first.next()?.parse().ok()?;
        let mut head = Self { status, ..Self::default() };
        for line in lines.take_while(|line| !line.is_empty()) {
            let Some((name, value)) = line.split_once(':') else { continue };
            let value = value.trim();
            match name.to_ascii_lowercase().as_str() {
                "location" => head.location = Some(plain(value, 500)),
                "strict-transport-security" if head.hsts.is_none() => head.hsts = Some(plain(value, 300)),
                "set-cookie" => {
                    let mut parts = value.split(';').map(str::trim);
                    let cookie = parts.next().and_then(|pair| pair.split('=').next()).unwrap_or_default();
                    if !parts.any(|part| part.eq_ignore_ascii_case("secure")) && head.open_cookies.len() < 50
                    {
                        head.open_cookies.push(plain(cookie, 100));
                    }
                }
                _ => {}
            }
        }
        head.open_cookies.sort();
        head.open_cookies.dedup();
        Some(head)
    }

    /// Whether it does nothing but send the client to TLS.
    pub(crate) fn leads_to_tls(&self) -> bool {
        (300..400).contains(&self.status)
            && self.location.as_ref().is_some_and(|to| to.to_ascii_lowercase().starts_with("https://"))
    }
}

/// What the header that makes browsers remember says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Remember {
    /// For how many seconds.
    pub seconds: i64,
    /// For names below, too.
    pub with_names_below: bool,
    /// The owner asks for it to be built into browsers.
    pub preload: bool,
}

impl Remember {
    /// Reads the header's value; `None` if browsers would ignore it.
    pub(crate) fn read(value: &str) -> Option<Self> {
        let mut seconds = None;
        let mut found = Self { seconds: 0, with_names_below: false, preload: false };
        for part in value.split(';').map(str::trim).filter(|part| !part.is_empty()) {
            let (name, value) =
                part.split_once('=').map_or((part, None), |(name, value)| (name.trim(), Some(value.trim())));
            match (name.to_ascii_lowercase().as_str(), value) {
                // A directive that stands twice makes the header void.
                ("max-age", Some(value)) if seconds.is_none() => {
                    seconds = Some(value.trim_matches('"').parse::<u32>().ok()?);
                }
                ("max-age", _) => return None,
                ("includesubdomains", _) => found.with_names_below = true,
                ("preload", _) => found.preload = true,
                _ => {}
            }
        }
        Some(Self { seconds: i64::from(seconds?), ..found })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_read() {
        let head = Head::read(
            b"HTTP/1.1 301 Moved\r\nLOCATION: https://a/\r\nStrict-Transport-Security: max-age=5\r\n\
              strict-transport-security: max-age=9\r\nSet-Cookie: a=1; Path=/; secure\r\nset-cookie: b=2; HttpOnly\r\n\r\nx: y",
        )
        .unwrap();
        assert!(head.leads_to_tls());
        assert_eq!((head.hsts.as_deref(), head.open_cookies), (Some("max-age=5"), vec!["b".to_owned()]));
        for no in [&b""[..], b"SSH-2.0", b"HTTP/1.1", b"HTTP/1.1 abc", b"\xff\xfe"] {
            assert_eq!(Head::read(no), None);
        }
        let inside = Head::read(b"HTTP/1.0 302 x\r\nLocation: /login\r\n\r\n").unwrap();
        assert!(!inside.leads_to_tls());
    }

    #[test]
    fn the_header_is_read_as_browsers_read_it() {
        let seconds = |value| Remember::read(value).map(|found| found.seconds);
        assert_eq!(seconds("max-age=63072000; includeSubDomains; preload"), Some(63_072_000));
        assert_eq!(seconds("  MAX-AGE=\"300\" "), Some(300));
        assert_eq!(seconds("max-age=0"), Some(0));
        for void in ["", "includeSubDomains", "max-age", "max-age=x", "max-age=-5", "max-age=1; max-age=2"] {
            assert_eq!(Remember::read(void), None, "{void}");
        }
        assert!(Remember::read("max-age=1;includesubdomains").unwrap().with_names_below);
    }
}
