//! What a certificate says, read from its DER form, each property on its own: also of certificates that a TLS library
//! would not accept.

use std::net::IpAddr;

use octro_model::{Timestamp, hex};
use sha2::{Digest, Sha256};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;

use crate::plain::plain;

/// How many names of one certificate are kept.
const NAMES_MAX: usize = 500;
/// The longest certificate that is read, in bytes.
const DER_MAX: usize = 128 << 10;

/// A certificate's facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Certificate {
    /// The SHA-256 of its DER form, in hex.
    pub fingerprint: String,
    /// The subject's common name, or the first name.
    pub subject: String,
    /// The alternative names: DNS names in lower case, and addresses.
    pub names: Vec<String>,
    /// The issuer.
    pub issuer: String,
    /// The serial number in hex.
    pub serial: String,
    /// Valid from.
    pub not_before: Timestamp,
    /// Valid until.
    pub not_after: Timestamp,
    /// The sort of key.
    pub key_type: String,
    /// The key's size; `None` if the sort is not known.
    pub key_bits: Option<u64>,
    /// The hash of the issuer's signature, if the scheme has one of its own.
    pub signature_hash: Option<String>,
    /// It signed itself.
    pub self_signed: bool,
    /// It may issue others.
    pub is_authority: bool,
    /// It obliges its server to staple.
    pub must_staple: bool,
    /// How many time stamps of public logs are inside.
    pub timestamps: u64,
    /// Its issuer answers or publishes who is revoked.
    pub has_revocation: bool,
    /// Where its issuer publishes lists of who is revoked.
    pub lists: Vec<String>,
    /// The serial number as it stands in lists.
    pub raw_serial: Vec<u8>,
}

impl Certificate {
    /// Reads a certificate.
    ///
    /// # Errors
    /// What is wrong with it.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the list of extensions is the library's, and long")]
    pub(crate) fn read(der: &[u8]) -> Result<Self, String> {
        let parsed = parse(der)?;
        let mut names = Vec::new();
        let (mut lists, mut has_responder) = (Vec::new(), false);
        let (mut must_staple, mut timestamps) = (false, 0);
        for extension in parsed.extensions() {
            match extension.parsed_extension() {
                ParsedExtension::SubjectAlternativeName(list) => {
                    names.extend(list.general_names.iter().filter_map(name).take(NAMES_MAX));
                }
                ParsedExtension::SCT(list) => timestamps = list.len() as u64,
                ParsedExtension::AuthorityInfoAccess(list) => {
                    has_responder =
                        list.iter().any(|one| one.access_method.to_id_string() == "1.3.6.1.5.5.7.48.1");
                }
                ParsedExtension::CRLDistributionPoints(list) => {
                    for point in list.iter() {
                        if let Some(x509_parser::extensions::DistributionPointName::FullName(names)) =
                            &point.distribution_point
                        {
                            lists.extend(names.iter().filter_map(address));
                        }
                    }
                }
                _ => {}
            }
            // TLS feature (RFC 7633): a list of numbers, of which 5 is the staple.
            if extension.oid.to_id_string() == "1.3.6.1.5.5.7.1.24" {
                must_staple = extension.value.windows(3).any(|number| number == [2, 1, 5]);
            }
        }
        let common = parsed.subject().iter_common_name().next().and_then(|name| name.as_str().ok());
        let subject = common.map(|name| plain(name, 200)).or_else(|| names.first().cloned());
        let (key_type, key_bits) = key(&parsed);
        Ok(Self {
            fingerprint: hex(&Sha256::digest(der)),
            subject: subject.unwrap_or_else(|| plain(&parsed.subject().to_string(), 200)),
            names,
            issuer: plain(&parsed.issuer().to_string(), 300),
            serial: hex(parsed.raw_serial()),
            not_before: Timestamp::from_secs(parsed.validity().not_before.timestamp()),
            not_after: Timestamp::from_secs(parsed.validity().not_after.timestamp()),
            key_type,
            key_bits,
            signature_hash: signature_hash(&parsed),
            self_signed: parsed.subject().as_raw() == parsed.issuer().as_raw()
                && parsed.verify_signature(None).is_ok(),
            is_authority: parsed.is_ca(),
            must_staple,
            timestamps,
            has_revocation: has_responder || !lists.is_empty(),
            lists,
            raw_serial: parsed.raw_serial().to_vec(),
        })
    }

    /// Whether the alternative names cover `name`. A wildcard stands for one label, the first; the common name does not
    /// count, nor does a name for an address.
    pub(crate) fn covers(&self, name: &str) -> bool {
        if let Ok(ip) = name.parse::<IpAddr>() {
            return self.names.iter().any(|known| known.parse::<IpAddr>() == Ok(ip));
        }
        let name = name.trim_end_matches('.').to_lowercase();
        self.names.iter().any(|known| {
            known.parse::<IpAddr>().is_err()
                && match known.strip_prefix("*.") {
                    None => *known == name,
                    Some(rest) => {
                        rest.contains('.')
                            && name
                                .split_once('.')
                                .is_some_and(|(label, tail)| !label.is_empty() && tail == rest)
                    }
                }
        })
    }

    /// Whether a name of it is a wildcard.
    pub(crate) fn has_wildcard(&self) -> bool {
        self.names.iter().any(|name| name.starts_with("*."))
    }
}

/// Takes a certificate's DER form apart.
pub(crate) fn parse(der: &[u8]) -> Result<X509Certificate<'_>, String> {
    if der.len() > DER_MAX {
        return Err(format!("it has {} bytes; at most {DER_MAX} are read", der.len()));
    }
    match X509Certificate::from_der(der) {
        Ok(([], parsed)) => Ok(parsed),
        Ok(_) => Err("bytes follow the certificate".to_owned()),
        Err(error) => Err(plain(&error.to_string(), 120)),
    }
}

/// Whether each certificate was issued by the next, as far as their names say.
pub(crate) fn is_ordered(chain: &[Vec<u8>]) -> bool {
    let names: Option<Vec<(Vec<u8>, Vec<u8>)>> = chain
        .iter()
        .map(|der| {
            let parsed = parse(der).ok()?;
            Some((parsed.subject().as_raw().to_vec(), parsed.issuer().as_raw().to_vec()))
        })
        .collect();
    names.is_some_and(|names| {
        names.windows(2).all(|pair| matches!(pair, [lower, upper] if lower.1 == upper.0))
    })
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the other forms of names name no server")]
fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some(plain(&name.to_lowercase(), 260)),
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => <[u8; 4]>::try_from(*bytes).ok().map(|ip| IpAddr::from(ip).to_string()),
            16 => <[u8; 16]>::try_from(*bytes).ok().map(|ip| IpAddr::from(ip).to_string()),
            _ => None,
        },
        _ => None,
    }
}

fn address(name: &GeneralName<'_>) -> Option<String> {
    if let GeneralName::URI(address) = name { Some(plain(address, 300)) } else { None }
}

fn key(parsed: &X509Certificate<'_>) -> (String, Option<u64>) {
    let info = parsed.public_key();
    let algorithm = info.algorithm.algorithm.to_id_string();
    match algorithm.as_str() {
        "1.2.840.113549.1.1.1" | "1.2.840.113549.1.1.10" => {
            let bits = match info.parsed() {
                Ok(PublicKey::RSA(key)) => {
                    let modulus = key.modulus.iter().skip_while(|byte| **byte == 0);
                    let bytes: Vec<u8> = modulus.copied().collect();
                    let first = bytes.first().map_or(8, |first| first.leading_zeros());
                    Some((bytes.len() as u64 * 8).saturating_sub(u64::from(first)))
                }
                _ => None,
            };
            ("rsa".to_owned(), bits)
        }
        "1.2.840.10045.2.1" => {
            let curve = info.algorithm.parameters.as_ref().and_then(|any| any.as_oid().ok());
            let bits = match curve.map(|oid| oid.to_id_string()).as_deref() {
                Some("1.2.840.10045.3.1.7" | "1.3.132.0.10" | "1.3.36.3.3.2.8.1.1.7") => Some(256),
                Some("1.3.132.0.34" | "1.3.36.3.3.2.8.1.1.11") => Some(384),
                Some("1.3.132.0.35") => Some(521),
                Some("1.3.36.3.3.2.8.1.1.13") => Some(512),
                Some("1.3.132.0.33") => Some(224),
                Some("1.2.840.10045.3.1.1") => Some(192),
                Some(_) | None => None,
            };
            ("ecdsa".to_owned(), bits)
        }
        "1.3.101.112" => ("ed25519".to_owned(), Some(256)),
        "1.3.101.113" => ("ed448".to_owned(), Some(456)),
        "1.2.840.10040.4.1" => ("dsa".to_owned(), None),
        oid if oid.starts_with("2.16.840.1.101.3.4.3.") => ("ml-dsa".to_owned(), None),
        oid => (oid.to_owned(), None),
    }
}

fn signature_hash(parsed: &X509Certificate<'_>) -> Option<String> {
    let algorithm = &parsed.signature_algorithm;
    let oid = algorithm.algorithm.to_id_string();
    let hash = match oid.as_str() {
        "1.2.840.113549.1.1.4" => "md5",
        "1.2.840.113549.1.1.2" => "md2",
        "1.2.840.113549.1.1.5" | "1.2.840.10045.4.1" | "1.2.840.10040.4.3" => "sha1",
        "1.2.840.113549.1.1.14" | "1.2.840.10045.4.3.1" => "sha224",
        "1.2.840.113549.1.1.11" | "1.2.840.10045.4.3.2" | "2.16.840.1.101.3.4.3.2" => "sha256",
        "1.2.840.113549.1.1.12" | "1.2.840.10045.4.3.3" => "sha384",
        "1.2.840.113549.1.1.13" | "1.2.840.10045.4.3.4" => "sha512",
        // RSA-PSS names its hash in the parameters: SHA-1 if it names none.
        "1.2.840.113549.1.1.10" => {
            let parameters = algorithm.parameters.as_ref().map(|any| any.data).unwrap_or_default();
            let names =
                |end: u8| parameters.windows(9).any(|oid| oid == [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, end]);
            match (names(1), names(2), names(3)) {
                (true, _, _) => "sha256",
                (_, true, _) => "sha384",
                (_, _, true) => "sha512",
                (false, false, false) => "sha1",
            }
        }
        // Ed25519, Ed448 and ML-DSA have no hash to choose.
        "1.3.101.112" | "1.3.101.113" => return None,
        other if other.starts_with("2.16.840.1.101.3.4.3.") => return None,
        other => other,
    };
    Some(hash.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_names(names: &[&str]) -> Certificate {
        Certificate {
            fingerprint: String::new(),
            subject: "www.example.com".to_owned(),
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            issuer: String::new(),
            serial: String::new(),
            not_before: Timestamp::from_secs(0),
            not_after: Timestamp::from_secs(1),
            key_type: "ecdsa".to_owned(),
            key_bits: Some(256),
            signature_hash: None,
            self_signed: false,
            is_authority: false,
            must_staple: false,
            timestamps: 0,
            has_revocation: false,
            lists: Vec::new(),
            raw_serial: Vec::new(),
        }
    }

    #[test]
    fn names_are_covered_as_clients_see_it() {
        for (names, asked, expected) in [
            (&["www.example.com"][..], "www.example.com", true),
            (&["www.example.com"], "WWW.example.com.", true),
            (&["www.example.com"], "example.com", false),
            (&["*.example.com"], "www.example.com", true),
            (&["*.example.com"], "a.www.example.com", false),
            (&["*.example.com"], "example.com", false),
            (&["*.com"], "example.com", false),
            (&["w*.example.com"], "www.example.com", false),
            (&["192.0.2.1"], "192.0.2.1", true),
            (&["2001:db8::1"], "2001:db8:0::1", true),
            (&["*.0.2.1"], "192.0.2.1", false),
            // The common name does not count.
            (&[], "www.example.com", false),
        ] {
            assert_eq!(with_names(names).covers(asked), expected, "{names:?} {asked}");
        }
    }

    #[test]
    fn what_is_no_certificate_is_told() {
        for der in [&b""[..], b"\x30\x00", b"\x30\x82\xff\xff\x30", &[0x30; 400]] {
            assert!(Certificate::read(der).is_err());
        }
        assert!(Certificate::read(&vec![0; DER_MAX + 1]).unwrap_err().contains("at most"));
        assert!(!is_ordered(&[b"\x30".to_vec()]));
    }
}
