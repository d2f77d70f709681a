//! What stands behind the question mark of an address, read and written with limits.

use std::str::FromStr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use octro_model::Timestamp;

use crate::WebError;

/// The most parameters.
const PARAMS_MAX: usize = 50;
/// The longest parameter, in bytes.
const LENGTH_MAX: usize = 2_000;

/// The parameters of an address, in their order. A parameter that is empty counts as not given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params(Vec<(String, String)>);

impl Params {
    /// Reads the part of an address behind the question mark.
    ///
    /// # Errors
    /// If there are too many, one is too long, or one is no UTF-8.
    pub fn parse(query: &str) -> Result<Self, WebError> {
        let mut all = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            if pair.len() > LENGTH_MAX || all.len() >= PARAMS_MAX {
                return Err(WebError::bad_request(format!(
                    "the address has too many or too long parameters; expected at most {PARAMS_MAX}, each of at most {LENGTH_MAX} bytes"
                )));
            }
            let (name, value) = (decode(name)?, decode(value)?);
            if !value.is_empty() {
                all.push((name, value));
            }
        }
        Ok(Self(all))
    }

    /// The first value with this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// The value with this name, or what to answer when it is missing.
    ///
    /// # Errors
    /// If it is not given.
    pub fn required(&self, name: &str, what: &str) -> Result<&str, WebError> {
        self.get(name).ok_or_else(|| WebError::bad_request(format!("`{name}` is missing; expected {what}")))
    }

    /// A value that is read as one of our words, an id or a number.
    ///
    /// # Errors
    /// If it is given but is none.
    pub fn read<T: FromStr>(&self, name: &str) -> Result<Option<T>, WebError>
    where
        T::Err: std::fmt::Display,
    {
        self.get(name)
            .map(|text| text.parse().map_err(|error| WebError::bad_request(format!("`{name}`: {error}"))))
            .transpose()
    }

    /// A moment: RFC 3339, a date, or the form of a date-and-time field, which is taken as UTC.
    ///
    /// # Errors
    /// If it is given but is none.
    pub fn time(&self, name: &str) -> Result<Option<Timestamp>, WebError> {
        let Some(text) = self.get(name).map(str::trim) else { return Ok(None) };
        let whole = match text.len() {
            16 => format!("{text}:00Z"),
            19 => format!("{text}Z"),
            // A plus sign in an address stands for a blank; an offset is meant here.
            _ => text.replace(' ', "+"),
        };
        whole.parse().map(Some).map_err(|_| {
            let shown: String = text.chars().take(60).collect();
            WebError::bad_request(format!(
                "`{name}={shown}` is no time; expected a date like 2026-03-03 or a time like 2026-03-03T09:00:00Z"
            ))
        })
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The same with one set to another value; an empty value takes it out.
    #[must_use]
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut all: Vec<_> = self.0.iter().filter(|(own, _)| own != name).cloned().collect();
        if !value.is_empty() {
            all.push((name.to_owned(), value.to_owned()));
        }
        Self(all)
    }

    /// The same without these.
    #[must_use]
    pub fn without(&self, names: &[&str]) -> Self {
        Self(self.0.iter().filter(|(own, _)| !names.contains(&own.as_str())).cloned().collect())
    }

    /// The address of `path` with these parameters.
    pub fn href(&self, path: &str) -> String {
        let mut address = path.to_owned();
        for (place, (name, value)) in self.0.iter().enumerate() {
            address.push(if place == 0 && !path.contains('?') { '?' } else { '&' });
            address.push_str(&encode(name));
            address.push('=');
            address.push_str(&encode(value));
        }
        address
    }
}

impl<'a> FromIterator<(&'a str, &'a str)> for Params {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a str)>>(pairs: I) -> Self {
        Self(
            pairs
                .into_iter()
                .filter(|(_, value)| !value.is_empty())
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        )
    }
}

impl<S: Sync> FromRequestParts<S> for Params {
    type Rejection = WebError;
    fn from_request_parts(parts: &mut Parts, _: &S) -> impl Future<Output = Result<Self, WebError>> + Send {
        std::future::ready(Self::parse(parts.uri.query().unwrap_or_default()))
    }
}

/// A text as part of an address: everything but letters, digits and `- . _ ~ :` is escaped.
pub fn encode(text: &str) -> String {
    escaped(text, false)
}

/// A resource's key as the end of a path. Slashes stay readable unless a browser would tidy them away.
pub fn key_path(key: &str) -> String {
    let tidied = key.split('/').any(|part| matches!(part, "" | "." | ".."));
    escaped(key, !tidied)
}

fn escaped(text: &str, slashes: bool) -> String {
    let mut all = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b':' => {
                all.push(char::from(byte))
            }
            b'/' if slashes => all.push('/'),
            _ => all.push_str(&format!("%{byte:02X}")),
        }
    }
    all
}

fn decode(text: &str) -> Result<String, WebError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
                match (digit(rest.next()), digit(rest.next())) {
                    (Some(high), Some(low)) => bytes.push(u8::try_from(high * 16 + low).unwrap_or_default()),
                    _ => {
                        return Err(WebError::bad_request(
                            "the address holds a `%` that no two hex digits follow",
                        ));
                    }
                }
            }
            _ => bytes.push(byte),
        }
    }
    String::from_utf8(bytes)
        .ok()
        .filter(|text| !text.contains('\0'))
        .ok_or_else(|| WebError::bad_request("the address holds bytes that are no UTF-8 text, or a NUL"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_come_back() {
        let params = Params::parse("q=a+b%26c&status=fail&empty=").unwrap();
        assert_eq!(params.get("q"), Some("a b&c"));
        assert_eq!(params.get("empty"), None);
        assert_eq!(params.href("/x"), "/x?q=a%20b%26c&status=fail");
        assert_eq!(params.with("status", "").href("/x?y=1"), "/x?y=1&q=a%20b%26c");
        assert_eq!(Params::parse(params.href("").trim_start_matches('?')).unwrap(), params);
        for bad in ["a=%zz", "a=%f", "a=%ff", "a=%00"] {
            assert!(Params::parse(bad).is_err(), "{bad}");
        }
        assert!(Params::parse(&"a=b&".repeat(51)).is_err());
    }

    #[test]
    fn times_in_all_forms() {
        let read = |text: &str| Params::parse(text).unwrap().time("t");
        let at = read("t=2026-03-03T09:30:00Z").unwrap();
        assert_eq!(read("t=2026-03-03T09:30").unwrap(), at);
        assert_eq!(read("t=2026-03-03T09:30:00").unwrap(), at);
        assert_eq!(read("t=2026-03-03T10:30:00+01:00").unwrap(), at);
        assert_eq!(read("t=2026-03-03").unwrap().unwrap().minute(), "2026-03-03 00:00 UTC");
        assert_eq!(read("").unwrap(), None);
        assert!(read("t=soon").unwrap_err().to_string().contains("`t=soon` is no time; expected"));
    }

    #[test]
    fn keys_survive_browsers() {
        assert_eq!(key_path("web1:/home"), "web1:/home");
        assert_eq!(key_path("web1:/"), "web1:%2F");
        assert_eq!(key_path("a/../b c?"), "a%2F..%2Fb%20c%3F");
    }
}
