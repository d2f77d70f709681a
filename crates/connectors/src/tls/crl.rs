//! Revocation lists (RFC 5280): what an issuer publishes of certificates that it took back. Lists are fetched only for
//! certificates that lead to a trusted root, so that the address is the issuer's choice and not a stranger's.

use std::time::Duration;

use octro_model::{Timestamp, UnknownReason, Why};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use x509_parser::extensions::{DistributionPointName, GeneralName, ParsedExtension};
use x509_parser::prelude::FromDer;
use x509_parser::revocation_list::CertificateRevocationList;

use super::certificate;
use super::survey::is_special;

/// The largest list that is read, in bytes.
const LIST_MAX: usize = 16 << 20;
/// The longest head of an answer, in bytes.
const HEAD_MAX: usize = 16 << 10;

/// A certificate that a list may name.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    /// Its fingerprint.
    pub fingerprint: String,
    /// Its serial number.
    pub serial: Vec<u8>,
    /// Its issuer's certificate.
    pub issuer: Vec<u8>,
}

/// Fetches the list at `url`; the caller limits nothing but the number of lists.
pub(crate) async fn fetch(
    url: &str,
    patience: Duration,
    allows_special: bool,
) -> Result<Vec<u8>, UnknownReason> {
    let failed =
        |why: Why, what: String| UnknownReason::new(why, format!("the revocation list at {url}: {what}"));
    let (host, port, path) =
        parts(url).ok_or_else(|| failed(Why::Unsupported, "only http:// is fetched".to_owned()))?;
    let asked = async {
        let addresses: Vec<_> = tokio::net::lookup_host((host, port)).await?.collect();
        if let Some(special) = addresses.iter().find(|one| is_special(one.ip()) && !allows_special) {
            return Err(std::io::Error::other(format!("{} is a special address", special.ip())));
        }
        let mut stream = TcpStream::connect(addresses.as_slice()).await?;
        let request =
            format!("GET {path} HTTP/1.0\r\nHost: {host}\r\nUser-Agent: octro\r\nAccept: */*\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut bytes = Vec::new();
        stream.take((LIST_MAX + HEAD_MAX) as u64 + 1).read_to_end(&mut bytes).await?;
        Ok(bytes)
    };
    // A list may be large: it has ten steps' time.
    let bytes = match timeout(patience * 10, asked).await {
        Err(_) => return Err(failed(Why::TimedOut, "no whole answer in time".to_owned())),
        Ok(Err(error)) => return Err(failed(Why::Failed, error.to_string())),
        Ok(Ok(bytes)) => bytes,
    };
    body(&bytes).map_err(|what| failed(Why::Failed, what))
}

/// The host, port, and path of an address.
fn parts(url: &str) -> Option<(&str, u16, &str)> {
    let rest = url.strip_prefix("http://")?;
    let (place, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
    let is_plain = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    let (host, port) = match place.rsplit_once(':') {
        None => (place, 80),
        Some((host, port)) => (host, port.parse().ok()?),
    };
    (is_plain(host) && is_plain(path) && !host.contains('@')).then_some((host, port, path))
}

/// The body of an answer that says 200.
fn body(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let end = bytes.windows(4).take(HEAD_MAX).position(|end| end == b"\r\n\r\n").ok_or("it is no HTTP")?;
    let (head, body) = bytes.split_at(end);
    let head = String::from_utf8_lossy(head);
    let status = head.split(' ').nth(1).unwrap_or_default();
    if status != "200" {
        return Err(format!("status {}", crate::plain::plain(status, 20)));
    }
    let length = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, length)| length.trim().parse::<usize>().ok());
    let body = body.get(4..).unwrap_or_default();
    if body.len() > LIST_MAX {
        return Err(format!("it is longer than {LIST_MAX} bytes"));
    }
    // Cut off, it would name too few.
    if length.is_some_and(|length| length != body.len()) {
        return Err("it ends too early".to_owned());
    }
    Ok(body.to_vec())
}

/// Whether a list, signed by the certificate's issuer and of this time, names the certificate.
pub(crate) fn names(list: &[u8], url: &str, wanted: &Wanted, now: Timestamp) -> Result<bool, UnknownReason> {
    let failed = |what: &str| UnknownReason::new(Why::Failed, format!("the revocation list {what}"));
    let (rest, list) = CertificateRevocationList::from_der(list).map_err(|_| failed("cannot be read"))?;
    if !rest.is_empty() {
        return Err(failed("is followed by something"));
    }
    let issuer =
        certificate::parse(&wanted.issuer).map_err(|_| failed("has an issuer that cannot be read"))?;
    if list.verify_signature(issuer.public_key()).is_err() {
        return Err(failed("is not signed by the certificate's issuer"));
    }
    // Of an issuer that splits its list, another part must not stand for this one.
    if !is_for(&list, url) {
        return Err(failed("is another part of the issuer's list"));
    }
    let until = list.next_update().map(|at| Timestamp::from_secs(at.timestamp()));
    if until.is_some_and(|until| until < now) {
        return Err(failed("is out of date"));
    }
    Ok(list.iter_revoked_certificates().any(|one| one.raw_serial() == wanted.serial))
}

/// Whether a list that says where it belongs belongs to `url`.
#[expect(clippy::wildcard_enum_match_arm, reason = "the list of extensions is the library's, and long")]
fn is_for(list: &CertificateRevocationList<'_>, url: &str) -> bool {
    list.extensions().iter().all(|extension| match extension.parsed_extension() {
        ParsedExtension::IssuingDistributionPoint(point)
            if point.only_contains_ca_certs || point.only_some_reasons.is_some() =>
        {
            false
        }
        ParsedExtension::IssuingDistributionPoint(point) => match &point.distribution_point {
            Some(DistributionPointName::FullName(names)) => {
                names.iter().any(|name| matches!(name, GeneralName::URI(at) if *at == url))
            }
            Some(DistributionPointName::NameRelativeToCRLIssuer(_)) | None => true,
        },
        _ => true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_answers_are_taken_apart() {
        assert_eq!(parts("http://crl.example/a/b.crl"), Some(("crl.example", 80, "/a/b.crl")));
        assert_eq!(parts("http://crl.example:81"), Some(("crl.example", 81, "/")));
        for no in [
            "https://a/",
            "ldap://a/",
            "http://",
            "http://a:x/",
            "http://a b/",
            "http://u@h/",
            "http://a/\r\nX: y",
        ] {
            assert_eq!(parts(no), None, "{no}");
        }
        assert_eq!(body(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nab"), Ok(b"ab".to_vec()));
        assert!(body(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab").unwrap_err().contains("too early"));
        assert!(body(b"HTTP/1.1 404 No\r\n\r\n").unwrap_err().contains("404"));
        assert!(body(b"nothing").is_err());
    }

    #[test]
    fn what_is_no_list_names_nobody_and_clears_nobody() {
        let wanted = Wanted { fingerprint: String::new(), serial: vec![1], issuer: Vec::new() };
        for bytes in [&b""[..], b"\x30\x00", b"-----BEGIN X509 CRL-----"] {
            assert!(names(bytes, "http://a/", &wanted, Timestamp::from_secs(0)).is_err());
        }
    }
}
