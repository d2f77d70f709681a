//! The client hello, written byte by byte, because a TLS library that cannot offer an old version or a weak suite would
//! report that a server refuses what it was never asked for.

use sha2::{Digest, Sha256};

use super::suites;
use super::version::Version;
use super::wire::{counted, put16};

/// Key exchange groups by number, with the names that IANA gave them; the most wanted first.
pub(crate) const GROUPS: [(u16, &str); 15] = [
    (0x11ec, "X25519MLKEM768"),
    (0x11eb, "SecP256r1MLKEM768"),
    (0x11ed, "SecP384r1MLKEM1024"),
    (0x001d, "x25519"),
    (0x0017, "secp256r1"),
    (0x0018, "secp384r1"),
    (0x0019, "secp521r1"),
    (0x001e, "x448"),
    (0x0100, "ffdhe2048"),
    (0x0101, "ffdhe3072"),
    (0x0102, "ffdhe4096"),
    (0x0103, "ffdhe6144"),
    (0x0104, "ffdhe8192"),
    (0x001a, "brainpoolP256r1"),
    (0x0016, "secp256k1"),
];

/// The groups that withstand a quantum computer.
pub(crate) const POST_QUANTUM: [u16; 3] = [0x11ec, 0x11eb, 0x11ed];

/// Signature algorithms by number; old ones too, so that no server is excused for not being asked.
pub(crate) const SIGNATURES: [(u16, &str); 23] = [
    (0x0403, "ecdsa_secp256r1_sha256"),
    (0x0503, "ecdsa_secp384r1_sha384"),
    (0x0603, "ecdsa_secp521r1_sha512"),
    (0x0804, "rsa_pss_rsae_sha256"),
    (0x0805, "rsa_pss_rsae_sha384"),
    (0x0806, "rsa_pss_rsae_sha512"),
    (0x0809, "rsa_pss_pss_sha256"),
    (0x080a, "rsa_pss_pss_sha384"),
    (0x080b, "rsa_pss_pss_sha512"),
    (0x0401, "rsa_pkcs1_sha256"),
    (0x0501, "rsa_pkcs1_sha384"),
    (0x0601, "rsa_pkcs1_sha512"),
    (0x0807, "ed25519"),
    (0x0808, "ed448"),
    (0x0904, "mldsa44"),
    (0x0905, "mldsa65"),
    (0x0906, "mldsa87"),
    (0x0303, "ecdsa_sha224"),
    (0x0301, "rsa_pkcs1_sha224"),
    (0x0203, "ecdsa_sha1"),
    (0x0201, "rsa_pkcs1_sha1"),
    (0x0202, "dsa_sha1"),
    (0x0402, "dsa_sha256"),
];

/// A group's or signature algorithm's name out of one of the tables above.
pub(crate) fn name(of: &[(u16, &str)], id: u16) -> String {
    of.iter()
        .find(|(known, _)| *known == id)
        .map_or_else(|| format!("0x{id:04x}"), |(_, name)| (*name).to_owned())
}

/// The numbers of a table.
pub(crate) fn numbers(of: &[(u16, &str)]) -> Vec<u16> {
    of.iter().map(|(id, _)| *id).collect()
}

/// Where the random bytes of hellos come from: one secret a run, and a count.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seed(pub [u8; 32]);

impl Seed {
    /// The bytes for the hello with this number.
    fn bytes(&self, hello: u64, what: u8) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.0);
        hash.update(hello.to_be_bytes());
        hash.update([what]);
        hash.finalize().into()
    }
}

/// One hello.
#[derive(Debug, Clone)]
pub(crate) struct Hello {
    /// The version that it asks for. The hello for TLS 1.3 offers no other.
    pub version: Version,
    /// The suites that it offers.
    pub suites: Vec<u16>,
    /// The groups that it offers.
    pub groups: Vec<u16>,
    /// The signature algorithms that it offers.
    pub signatures: Vec<u16>,
    /// The name that it asks for.
    pub name: Option<String>,
    /// Whether it offers to compress.
    pub compresses: bool,
    /// Whether it offers TLS 1.2 beside 1.3, as browsers do.
    pub is_mixed: bool,
    /// A key share of 32 bytes for X25519, for servers that refuse a hello with none.
    pub share: bool,
    /// The application protocols that it offers.
    pub protocols: Vec<&'static str>,
}

impl Hello {
    /// The hello that asks for one version with everything that this build knows of.
    pub(crate) fn for_version(version: Version, name: Option<&str>) -> Self {
        let suites = match version {
            Version::Tls13 => suites::TLS13.to_vec(),
            Version::Tls12 => suites::lists(true).into_iter().next().unwrap_or_default(),
            Version::Ssl2 | Version::Ssl3 | Version::Tls10 | Version::Tls11 => {
                suites::lists(false).into_iter().next().unwrap_or_default()
            }
        };
        Self {
            version,
            suites,
            groups: numbers(&GROUPS),
            signatures: numbers(&SIGNATURES),
            name: name.map(str::to_owned),
            compresses: false,
            is_mixed: false,
            share: false,
            protocols: Vec::new(),
        }
    }

    /// The same with other suites.
    #[must_use]
    pub(crate) fn with_suites(&self, suites: &[u16]) -> Self {
        Self { suites: suites.to_vec(), ..self.clone() }
    }

    /// Its bytes as they go over the wire, in one record.
    pub(crate) fn bytes(&self, seed: &Seed, number: u64) -> Vec<u8> {
        if self.version == Version::Ssl2 {
            return ssl2(seed, number);
        }
        let plain = self.message(seed, number, 0);
        // Some servers hang on hellos of 256 to 511 bytes (RFC 7685), some on lengths of 10 or 14 modulo 256.
        let padding = match plain.len() {
            256..=511 => 512_usize.saturating_sub(plain.len()),
            length if matches!(length % 256, 10 | 14) => 5,
            _ => return self.record(plain),
        };
        // A padding extension has four bytes beside its content.
        self.record(self.message(seed, number, padding.max(5)))
    }

    fn record(&self, message: Vec<u8>) -> Vec<u8> {
        let mut out = vec![22];
        put16(&mut out, if self.version == Version::Ssl3 { 0x0300 } else { 0x0301 });
        counted(&mut out, 2, |out| out.extend(message));
        out
    }

    fn message(&self, seed: &Seed, number: u64, padding: usize) -> Vec<u8> {
        let mut out = vec![1];
        counted(&mut out, 3, |out| {
            put16(out, self.version.number().min(0x0303));
            out.extend(seed.bytes(number, 0));
            counted(out, 1, |out| {
                if self.version == Version::Tls13 {
                    // As middleboxes expect it (RFC 8446, D.4).
                    out.extend(seed.bytes(number, 1));
                }
            });
            counted(out, 2, |out| {
                self.suites.iter().for_each(|suite| put16(out, *suite));
                if self.version != Version::Tls13 || self.is_mixed {
                    put16(out, suites::RENEGOTIATION_SCSV);
                }
            });
            counted(out, 1, |out| out.extend_from_slice(if self.compresses { &[1, 0] } else { &[0] }));
            // SSL 3 has no extensions, and its servers choke on them.
            if self.version != Version::Ssl3 {
                counted(out, 2, |out| self.extensions(out, seed, number, padding));
            }
        });
        out
    }

    fn extensions(&self, out: &mut Vec<u8>, seed: &Seed, number: u64, padding: usize) {
        let mut add = |kind: u16, fill: &dyn Fn(&mut Vec<u8>)| {
            put16(out, kind);
            counted(out, 2, fill);
        };
        if let Some(name) = &self.name {
            add(0, &|out| {
                counted(out, 2, |out| {
                    out.push(0);
                    counted(out, 2, |out| out.extend_from_slice(name.as_bytes()));
                });
            });
        }
        // status_request: a stapled OCSP answer, from any responder.
        add(5, &|out| out.extend_from_slice(&[1, 0, 0, 0, 0]));
        add(10, &|out| counted(out, 2, |out| self.groups.iter().for_each(|group| put16(out, *group))));
        add(11, &|out| out.extend_from_slice(&[1, 0]));
        if self.version >= Version::Tls12 {
            add(13, &|out| counted(out, 2, |out| self.signatures.iter().for_each(|one| put16(out, *one))));
        }
        if !self.protocols.is_empty() {
            add(16, &|out| {
                counted(out, 2, |out| {
                    for protocol in &self.protocols {
                        counted(out, 1, |out| out.extend_from_slice(protocol.as_bytes()));
                    }
                });
            });
        }
        add(18, &|_| {});
        if self.version != Version::Tls13 || self.is_mixed {
            add(23, &|_| {});
            add(35, &|_| {});
        }
        if self.version == Version::Tls13 {
            add(43, &|out| out.extend_from_slice(if self.is_mixed { &[4, 3, 4, 3, 3] } else { &[2, 3, 4] }));
            add(45, &|out| out.extend_from_slice(&[1, 1]));
            // No share at all makes the server name the group that it wants (RFC 8446, 4.2.8). A share for a group
            // that is not offered would be an error.
            add(51, &|out| {
                counted(out, 2, |out| {
                    if self.share && self.groups.contains(&0x001d) {
                        put16(out, 0x001d);
                        counted(out, 2, |out| out.extend(seed.bytes(number, 2)));
                    }
                });
            });
        }
        if padding > 0 {
            add(21, &|out| out.resize(padding.saturating_sub(4), 0));
        }
    }
}

/// The hello of SSL 2, which is of another form.
fn ssl2(seed: &Seed, number: u64) -> Vec<u8> {
    let mut body = vec![1, 0, 2];
    put16(&mut body, 3 * suites::SSL2.len() as u16);
    put16(&mut body, 0);
    put16(&mut body, 16);
    for suite in suites::SSL2 {
        body.extend(suite.to_be_bytes().iter().skip(1));
    }
    body.extend(seed.bytes(number, 0).iter().take(16));
    let mut out = Vec::new();
    put16(&mut out, 0x8000 | body.len() as u16);
    out.append(&mut body);
    out
}

#[cfg(test)]
mod tests {
    use super::super::wire::Bytes;
    use super::*;

    const SEED: Seed = Seed([7; 32]);

    /// The extensions of a hello, after everything before them was checked.
    fn extensions(bytes: &[u8], version: u16) -> Option<Vec<(u16, Vec<u8>)>> {
        let mut record = Bytes(bytes);
        assert_eq!(record.u8(), Some(22));
        record.u16().unwrap();
        let mut message = record.counted16().unwrap();
        assert!(record.is_empty());
        assert_eq!(message.u8(), Some(1));
        let mut body = message.counted24().unwrap();
        assert!(message.is_empty());
        assert_eq!(body.u16(), Some(version));
        body.take(32).unwrap();
        body.counted8().unwrap();
        assert!(body.counted16().unwrap().0.len() <= 256, "at most 128 suites");
        body.counted8().unwrap();
        if body.is_empty() {
            return None;
        }
        let mut block = body.counted16().unwrap();
        assert!(body.is_empty());
        let mut found = Vec::new();
        while !block.is_empty() {
            let kind = block.u16().unwrap();
            found.push((kind, block.counted16().unwrap().0.to_vec()));
        }
        Some(found)
    }

    #[test]
    fn each_version_has_the_fields_that_belong_to_it() {
        for (version, number) in
            [(Version::Tls10, 0x0301), (Version::Tls11, 0x0302), (Version::Tls12, 0x0303)]
        {
            let bytes = Hello::for_version(version, Some("www.example.com")).bytes(&SEED, 1);
            let found = extensions(&bytes, number).unwrap();
            let kinds: Vec<u16> = found.iter().map(|(kind, _)| *kind).collect();
            assert_eq!(
                kinds.contains(&13),
                version == Version::Tls12,
                "signature algorithms came with TLS 1.2"
            );
            assert!(!kinds.contains(&43) && kinds.contains(&23));
            assert_eq!(found[0], (0, b"\0\x12\0\0\x0fwww.example.com".to_vec()));
        }
        let bytes = Hello::for_version(Version::Ssl3, Some("www.example.com")).bytes(&SEED, 1);
        assert_eq!((extensions(&bytes, 0x0300), &bytes[1..3]), (None, &[3, 0][..]));
        let bytes = Hello::for_version(Version::Tls13, None).bytes(&SEED, 1);
        let found = extensions(&bytes, 0x0303).unwrap();
        assert!(found.contains(&(43, vec![2, 3, 4])) && found.contains(&(51, vec![0, 0])));
        assert!(found.iter().all(|(kind, _)| ![0, 23, 35].contains(kind)));
        let bytes = Hello::for_version(Version::Ssl2, None).bytes(&SEED, 1);
        assert_eq!((&bytes[..5], bytes.len()), (&[0x80, 46, 1, 0, 2][..], 48));
    }

    #[test]
    fn no_hello_has_a_length_that_servers_are_known_to_hang_on() {
        let full = Hello::for_version(Version::Tls12, Some("a.example"));
        for count in 0..full.suites.len() {
            let hello = full.with_suites(&full.suites[..count]);
            for name in 0..24 {
                let hello = Hello { name: Some("n".repeat(name)), ..hello.clone() };
                let length = hello.bytes(&SEED, 1).len() - 5;
                assert!(!(256..512).contains(&length) && ![10, 14].contains(&(length % 256)), "{length}");
            }
        }
    }

    #[test]
    fn a_share_is_only_for_a_group_that_is_offered() {
        let hello = Hello { share: true, ..Hello::for_version(Version::Tls13, None) };
        let share = |hello: &Hello| {
            let found = extensions(&hello.bytes(&SEED, 3), 0x0303).unwrap();
            found.into_iter().find(|(kind, _)| *kind == 51).unwrap().1.len()
        };
        assert_eq!(share(&hello), 2 + 4 + 32);
        assert_eq!(share(&Hello { groups: vec![0x0017], ..hello }), 2);
    }
}
