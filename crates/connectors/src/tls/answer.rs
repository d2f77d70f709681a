//! What a server's answer to one hello says. The answer is made of the messages that are in clear: all of the first
//! flight up to TLS 1.2, the server hello of TLS 1.3.

use super::record::Event;
use super::suites::{self, Exchange};
use super::version::Version;
use super::wire::Bytes;

/// The random bytes by which a server hello says that it asks for another hello (RFC 8446, 4.1.3).
const RETRY: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2,
    0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];
/// How many certificates of one chain are kept.
const CHAIN_MAX: usize = 16;
/// How many bytes of a server hello are kept as evidence.
const EVIDENCE_MAX: usize = 512;

/// A server hello.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ServerHello {
    /// The version that it chose, as a number.
    pub version: u16,
    /// The suite that it chose.
    pub suite: u16,
    /// It chose to compress.
    pub compresses: bool,
    /// The group that it chose, in TLS 1.3.
    pub group: Option<u16>,
    /// It marked its random bytes: it knows a newer version than the one chosen.
    pub is_downgrade: bool,
    /// It knows secure renegotiation.
    pub renegotiates_safely: bool,
    /// It ties the key to the whole handshake (RFC 7627).
    pub extended_master: bool,
    /// It hands out session tickets.
    pub tickets: bool,
    /// The application protocol that it chose.
    pub protocol: Option<String>,
    /// How many certificate time stamps it sent beside the certificate.
    pub timestamps: u64,
}

/// An answer that has a server hello.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The hello.
    pub hello: ServerHello,
    /// The suites of a server hello of SSL 2, as many as it named.
    pub ssl2_suites: Option<usize>,
    /// The certificates as they were sent.
    pub chain: Vec<Vec<u8>>,
    /// The stapled revocation answer.
    pub staple: Option<Vec<u8>>,
    /// The group of the key exchange, up to TLS 1.2.
    pub curve: Option<u16>,
    /// The bits of the Diffie-Hellman group.
    pub field_bits: Option<usize>,
    /// The algorithm that signed the key exchange, in TLS 1.2.
    pub signature: Option<u16>,
    /// It asks the client for a certificate.
    pub asks_client: bool,
    /// The first flight is whole.
    pub is_whole: bool,
    /// A message could not be read, and which.
    pub garbled: Option<&'static str>,
    /// The server hello as it was sent, but for what is random in it.
    pub evidence: Vec<u8>,
}

impl Answer {
    /// The version that was chosen.
    pub(crate) fn version(&self) -> Option<Version> {
        if self.ssl2_suites.is_some() {
            Some(Version::Ssl2)
        } else {
            Version::from_number(self.hello.version)
        }
    }
}

/// An answer while it comes in.
#[derive(Debug, Default)]
pub(crate) struct Building {
    answer: Option<Answer>,
    /// The last warning.
    pub warning: Option<u8>,
    /// The alert that ended the connection.
    pub fatal: Option<u8>,
    /// Why the server hello could not be read.
    pub fault: Option<&'static str>,
}

impl Building {
    /// Takes one more event. Answers whether the answer is whole.
    pub(crate) fn take(&mut self, event: Event) -> bool {
        match event {
            Event::Alert { is_fatal: true, code } => {
                self.fatal = Some(code);
                true
            }
            Event::Alert { is_fatal: false, code } => {
                // Closing is a warning in form, and the end in fact.
                self.warning = Some(code);
                code == 0
            }
            Event::Encrypted => true,
            Event::Ssl2(body) => {
                self.answer = ssl2(&body);
                self.fault = self.answer.is_none().then_some("a server hello of SSL 2 that is cut off");
                true
            }
            Event::Message { kind, body } => self.message(kind, &body),
        }
    }

    fn message(&mut self, kind: u8, body: &[u8]) -> bool {
        let Some(answer) = &mut self.answer else {
            if kind != 2 {
                self.fault = Some("the first message is no server hello");
                return true;
            }
            return match server_hello(body) {
                Some(hello) => {
                    let is_whole = hello.version >= 0x0304;
                    self.answer =
                        Some(Answer { hello, is_whole, evidence: blanked(body), ..Answer::default() });
                    is_whole
                }
                None => {
                    self.fault = Some("a server hello that is cut off");
                    true
                }
            };
        };
        match kind {
            11 => match chain(body) {
                Some(chain) => answer.chain = chain,
                None => answer.garbled = Some("its certificates"),
            },
            12 => match key_exchange(answer, body) {
                Some(()) => {}
                None => answer.garbled = Some("its key exchange"),
            },
            13 => answer.asks_client = true,
            14 => answer.is_whole = true,
            22 => answer.staple = staple(body),
            _ => {}
        }
        answer.is_whole
    }

    /// The answer, if there is a server hello.
    pub(crate) fn into_answer(self) -> Option<Answer> {
        self.answer
    }

    /// Whether a server hello came.
    pub(crate) const fn has_hello(&self) -> bool {
        self.answer.is_some()
    }
}

/// A server hello with zeros for its random bytes (but for the last eight, which may be a mark) and its session id, so
/// that the same behaviour leaves the same evidence.
fn blanked(body: &[u8]) -> Vec<u8> {
    let mut kept: Vec<u8> = body.iter().take(EVIDENCE_MAX).copied().collect();
    let is_retry = kept.get(2..34) == Some(RETRY.as_slice());
    let is_marked = kept.get(26..33) == Some(b"DOWNGRD");
    let session = kept.get(34).copied().map_or(0, usize::from);
    let random = if is_retry {
        0
    } else if is_marked {
        24
    } else {
        32
    };
    kept.iter_mut().skip(2).take(random).for_each(|byte| *byte = 0);
    kept.iter_mut().skip(35).take(session).for_each(|byte| *byte = 0);
    kept
}

fn server_hello(body: &[u8]) -> Option<ServerHello> {
    let mut bytes = Bytes(body);
    let mut hello = ServerHello { version: bytes.u16()?, ..ServerHello::default() };
    let random = bytes.take(32)?;
    bytes.counted8()?;
    hello.suite = bytes.u16()?;
    hello.compresses = bytes.u8()? != 0;
    hello.is_downgrade = random.get(24..31) == Some(b"DOWNGRD");
    if bytes.is_empty() {
        return Some(hello);
    }
    let mut block = bytes.counted16()?;
    while !block.is_empty() {
        let kind = block.u16()?;
        let mut body = block.counted16()?;
        match kind {
            16 => {
                let mut list = body.counted16()?;
                let name = list.counted8()?.0;
                hello.protocol = Some(crate::plain::plain(&String::from_utf8_lossy(name), 40));
            }
            18 => hello.timestamps = timestamps(body),
            23 => hello.extended_master = true,
            35 => hello.tickets = true,
            43 => hello.version = body.u16()?,
            // Only the group, in a hello that asks for another one; the group and a key otherwise.
            51 => hello.group = body.u16(),
            0xff01 => hello.renegotiates_safely = true,
            _ => {}
        }
    }
    if random == RETRY.as_slice() && hello.version < 0x0304 {
        return None;
    }
    Some(hello)
}

/// How many time stamps are in a list of them.
fn timestamps(mut body: Bytes<'_>) -> u64 {
    let Some(mut list) = body.counted16() else { return 0 };
    let mut count = 0;
    while list.counted16().is_some() {
        count += 1;
    }
    count
}

fn ssl2(body: &[u8]) -> Option<Answer> {
    let mut bytes = Bytes(body);
    // Type, whether the session is known, the certificate's type, the version.
    bytes.take(3)?;
    let version = bytes.u16()?;
    let (_, suites) = (bytes.u16()?, bytes.u16()?);
    (version == 2).then(|| Answer {
        hello: ServerHello { version, ..ServerHello::default() },
        ssl2_suites: Some(usize::from(suites) / 3),
        is_whole: true,
        ..Answer::default()
    })
}

fn chain(body: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut list = Bytes(body).counted24()?;
    let mut chain = Vec::new();
    while !list.is_empty() {
        let certificate = list.counted24()?;
        if chain.len() < CHAIN_MAX {
            chain.push(certificate.0.to_vec());
        }
    }
    Some(chain)
}

fn staple(body: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Bytes(body);
    (bytes.u8()? == 1).then(|| bytes.counted24().map(|staple| staple.0.to_vec()))?
}

/// What is in it says the suite: a field of 6,144 bits begins with the same byte as a named curve.
fn key_exchange(answer: &mut Answer, body: &[u8]) -> Option<()> {
    let mut bytes = Bytes(body);
    match suites::exchange(answer.hello.suite) {
        Exchange::Curve => {
            if bytes.u8()? != 3 {
                // A curve that is described instead of named.
                answer.curve = Some(0xff01);
                return Some(());
            }
            answer.curve = Some(bytes.u16()?);
            bytes.counted8()?;
        }
        Exchange::Field => {
            answer.field_bits = Some(bits(bytes.counted16()?.0));
            bytes.counted16()?;
            bytes.counted16()?;
        }
        Exchange::Other => return Some(()),
    }
    if answer.hello.version == 0x0303 && !bytes.is_empty() {
        answer.signature = Some(bytes.u16()?);
    }
    Some(())
}

/// How many bits a number has that is written with the most significant byte first.
fn bits(number: &[u8]) -> usize {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    match number.get(zeros) {
        None => 0,
        Some(first) => (number.len() - zeros) * 8 - first.leading_zeros() as usize,
    }
}

#[cfg(test)]
mod tests {
    use super::super::wire::{counted, put16};
    use super::*;

    fn hello(version: u16, random: [u8; 32], suite: u16, extensions: &[(u16, &[u8])]) -> Event {
        let mut body = Vec::new();
        put16(&mut body, version);
        body.extend(random);
        body.push(0);
        put16(&mut body, suite);
        body.push(0);
        counted(&mut body, 2, |out| {
            for (kind, content) in extensions {
                put16(out, *kind);
                counted(out, 2, |out| out.extend_from_slice(content));
            }
        });
        Event::Message { kind: 2, body }
    }

    fn build(events: Vec<Event>) -> Building {
        let mut building = Building::default();
        for event in events {
            if building.take(event) {
                break;
            }
        }
        building
    }

    #[test]
    fn a_retry_names_the_group_and_the_real_version() {
        let event = hello(0x0303, RETRY, 0x1302, &[(43, &[3, 4]), (51, &[0, 0x1d])]);
        let answer = build(vec![event]).into_answer().unwrap();
        assert_eq!(
            server_hello(&answer.evidence).unwrap(),
            answer.hello,
            "the evidence reads as the answer did"
        );
        assert_eq!((answer.version(), answer.hello.group), (Some(Version::Tls13), Some(0x1d)));
        assert!(answer.is_whole);
    }

    #[test]
    fn a_flight_of_tls_1_2_is_read_to_its_end() {
        let mut random = [0; 32];
        random[24..].copy_from_slice(b"DOWNGRD\x01");
        let extensions: &[(u16, &[u8])] =
            &[(0xff01, &[0]), (23, &[]), (35, &[]), (16, b"\0\x03\x02h2"), (18, b"\0\x06\0\x01a\0\x01b")];
        let mut events = vec![hello(0x0303, random, 0xc02f, extensions)];
        events.push(Event::Message { kind: 11, body: b"\0\0\x09\0\0\x02ab\0\0\x01c".to_vec() });
        events.push(Event::Message { kind: 22, body: b"\x01\0\0\x02xy".to_vec() });
        events.push(Event::Message { kind: 12, body: b"\x03\0\x1d\x01p\x04\x01\0\x01s".to_vec() });
        events.push(Event::Message { kind: 13, body: Vec::new() });
        events.push(Event::Message { kind: 14, body: Vec::new() });
        let answer = build(events).into_answer().unwrap();
        assert_eq!(answer.chain, [b"ab".to_vec(), b"c".to_vec()]);
        assert_eq!((answer.staple.as_deref(), answer.curve), (Some(&b"xy"[..]), Some(0x1d)));
        assert_eq!((answer.signature, answer.asks_client, answer.is_whole), (Some(0x0401), true, true));
        assert_eq!(server_hello(&answer.evidence).unwrap(), answer.hello);
        let hello = &answer.hello;
        assert!(hello.is_downgrade && hello.renegotiates_safely && hello.extended_master && hello.tickets);
        assert_eq!((hello.protocol.as_deref(), hello.timestamps), (Some("h2"), 2));
    }

    #[test]
    fn a_prime_of_6144_bits_is_no_curve() {
        let mut body = Vec::new();
        counted(&mut body, 2, |out| out.extend([0xff; 768]));
        counted(&mut body, 2, |out| out.push(2));
        counted(&mut body, 2, |out| out.push(5));
        assert_eq!(body[0], 3);
        let events = vec![hello(0x0302, [0; 32], 0x0033, &[]), Event::Message { kind: 12, body }];
        let answer = build(events).into_answer().unwrap();
        assert_eq!((answer.curve, answer.field_bits, answer.is_whole), (None, Some(6144), false));
        assert_eq!((bits(&[0, 0, 1, 0]), bits(&[0]), bits(&[])), (9, 0, 0));
    }

    #[test]
    fn warnings_are_read_past_and_fatal_alerts_end() {
        let warning = Event::Alert { is_fatal: false, code: 112 };
        let building = build(vec![warning.clone(), hello(0x0301, [0; 32], 0x2f, &[])]);
        assert!(building.has_hello() && building.warning == Some(112));
        let building = build(vec![warning, Event::Alert { is_fatal: true, code: 40 }]);
        assert_eq!((building.fatal, building.has_hello()), (Some(40), false));
    }

    #[test]
    fn lengths_that_lie_give_no_answer_and_no_panic() {
        for cut in 0..60 {
            let Event::Message { body, .. } =
                hello(0x0303, [1; 32], 0xc02f, &[(16, b"\0\x03\x02h2"), (43, &[3, 4])])
            else {
                return;
            };
            let body = body.get(..cut).unwrap_or(&body).to_vec();
            build(vec![Event::Message { kind: 2, body }]);
        }
        assert_eq!(chain(b"\0\0\x05\0\0\x09a"), None);
        assert_eq!(ssl2(b"\x04\0\x01\0\x02\0"), None);
        assert_eq!(server_hello(b"\x03\x03"), None);
    }
}
