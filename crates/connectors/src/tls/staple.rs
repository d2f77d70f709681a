//! The stapled revocation answer (OCSP, RFC 6960): what it says of the certificate, and whether its issuer signed it.

use octro_model::{Span, Timestamp};
use x509_parser::asn1_rs::{BitString, FromDer};
use x509_parser::certificate::X509Certificate;
use x509_parser::x509::AlgorithmIdentifier;

use super::certificate;
use super::wire::Bytes;

/// How far a server's clock may be from ours.
const SKEW: Span = Span::from_secs(300);

/// What a staple says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Staple {
    /// The certificate is good.
    Good,
    /// The certificate was revoked.
    Revoked,
    /// The answer is not of this time.
    Expired,
    /// The answer is not for this certificate, not signed by its issuer, or cannot be read.
    Invalid,
}

impl Staple {
    /// The word for it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
            Self::Invalid => "invalid",
        }
    }
}

/// Judges the staple that came with `chain`; `None` if the issuer is not there to check it with.
pub(crate) fn judge(staple: &[u8], chain: &[Vec<u8>], now: Timestamp) -> Option<Staple> {
    let (leaf, issuer) = match chain {
        [leaf, issuer, ..] => (certificate::parse(leaf).ok()?, certificate::parse(issuer).ok()?),
        _ => return None,
    };
    Some(read(staple, &leaf, &issuer, now).unwrap_or(Staple::Invalid))
}

fn read(
    staple: &[u8],
    leaf: &X509Certificate<'_>,
    issuer: &X509Certificate<'_>,
    now: Timestamp,
) -> Option<Staple> {
    // OCSPResponse: a status, and the bytes of a BasicOCSPResponse inside an octet string.
    let mut response = element(&mut Bytes(staple), 0x30)?;
    (element(&mut response, 0x0a)?.0 == [0]).then_some(())?;
    let mut wrapped = element(&mut response, 0xa0)?;
    let mut wrapped = element(&mut wrapped, 0x30)?;
    element(&mut wrapped, 0x06)?;
    let mut basic = element(&mut wrapped, 0x04)?;
    let mut basic = element(&mut basic, 0x30)?;
    // BasicOCSPResponse: what is signed, how, the signature, certificates of a delegate.
    let signed = whole(&mut basic, 0x30)?;
    let algorithm = whole(&mut basic, 0x30)?;
    let signature = whole(&mut basic, 0x03)?;
    is_signed(signed, algorithm, signature, basic, issuer).then_some(())?;
    // ResponseData: version, responder, when it was made, answers.
    let mut data = element(&mut Bytes(signed), 0x30)?;
    let mut answers = loop {
        let tag = *data.0.first()?;
        let content = element(&mut data, tag)?;
        if tag == 0x30 {
            break content;
        }
    };
    while !answers.is_empty() {
        let mut one = element(&mut answers, 0x30)?;
        let mut id = element(&mut one, 0x30)?;
        let (_, _, _) = (element(&mut id, 0x30)?, element(&mut id, 0x04)?, element(&mut id, 0x04)?);
        if element(&mut id, 0x02)?.0 != leaf.raw_serial() {
            continue;
        }
        let state = *one.0.first()?;
        element(&mut one, state)?;
        let from = time(element(&mut one, 0x18)?.0)?;
        let until = element(&mut one, 0xa0)
            .and_then(|mut next| element(&mut next, 0x18))
            .and_then(|next| time(next.0));
        let is_over = until.is_some_and(|until| until.plus(SKEW) < now);
        if from > now.plus(SKEW) || is_over {
            return Some(Staple::Expired);
        }
        return match state {
            0x80 | 0xa0 => Some(Staple::Good),
            0xa1 => Some(Staple::Revoked),
            _ => Some(Staple::Invalid),
        };
    }
    None
}

/// Whether the issuer, or a certificate that it issued for this purpose, signed the answer.
fn is_signed(
    signed: &[u8],
    algorithm: &[u8],
    signature: &[u8],
    mut rest: Bytes<'_>,
    issuer: &X509Certificate<'_>,
) -> bool {
    let (Ok((_, algorithm)), Ok((_, signature))) =
        (AlgorithmIdentifier::from_der(algorithm), BitString::from_der(signature))
    else {
        return false;
    };
    let signs = |key: &X509Certificate<'_>| {
        x509_parser::verify::verify_signature(key.public_key(), &algorithm, &signature, signed).is_ok()
    };
    if signs(issuer) {
        return true;
    }
    let Some(mut delegates) = element(&mut rest, 0xa0).and_then(|mut list| element(&mut list, 0x30)) else {
        return false;
    };
    while let Some(der) = whole(&mut delegates, 0x30) {
        if let Ok(delegate) = certificate::parse(der) {
            let may =
                delegate.extended_key_usage().ok().flatten().is_some_and(|usage| usage.value.ocsp_signing);
            if may && delegate.verify_signature(Some(issuer.public_key())).is_ok() && signs(&delegate) {
                return true;
            }
        }
    }
    false
}

/// The content of the next element of DER, which has to have this tag.
fn element<'a>(bytes: &mut Bytes<'a>, tag: u8) -> Option<Bytes<'a>> {
    (bytes.0.first() == Some(&tag)).then_some(())?;
    bytes.u8()?;
    let length = match bytes.u8()? {
        short @ 0..=0x7f => usize::from(short),
        0x81 => return bytes.counted8(),
        0x82 => return bytes.counted16(),
        0x83 => return bytes.counted24(),
        _ => return None,
    };
    bytes.take(length).map(Bytes)
}

/// The next element with its tag and length.
fn whole<'a>(bytes: &mut Bytes<'a>, tag: u8) -> Option<&'a [u8]> {
    let before = bytes.0;
    element(bytes, tag)?;
    before.get(..before.len() - bytes.0.len())
}

/// A time as `20260303090000Z`.
fn time(text: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(text).ok()?;
    let part =
        |from: usize, to: usize| text.get(from..to).filter(|part| part.bytes().all(|b| b.is_ascii_digit()));
    let (date, clock) =
        ((part(0, 4)?, part(4, 6)?, part(6, 8)?), (part(8, 10)?, part(10, 12)?, part(12, 14)?));
    (text.get(14..) == Some("Z")).then_some(())?;
    format!("{}-{}-{}T{}:{}:{}Z", date.0, date.1, date.2, clock.0, clock.1, clock.2).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_elements_are_read() {
        assert_eq!(time(b"20260303090000Z"), "2026-03-03T09:00:00Z".parse().ok());
        for wrong in [&b"20260303090000"[..], b"2026-303090000Z", b"", b"20261399090000Z", b"\xff"] {
            assert_eq!(time(wrong), None, "{wrong:?}");
        }
        assert_eq!(element(&mut Bytes(b"\x30\x02ab"), 0x30), Some(Bytes(b"ab")));
        assert_eq!(whole(&mut Bytes(b"\x30\x81\x02abc"), 0x30), Some(&b"\x30\x81\x02ab"[..]));
        for short in [&b""[..], b"\x30", b"\x30\x05a", b"\x30\x84\0\0\0\x01a", b"\x31\0"] {
            assert_eq!(element(&mut Bytes(short), 0x30), None);
        }
    }
}
