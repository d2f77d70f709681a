//! Takes a server's bytes apart into records, and those into handshake messages and alerts. It reads nothing that it was
//! not given and believes no length: everything has a limit, and what breaks the rules ends the reading.

use super::wire::Bytes;

/// The longest content of one record.
const RECORD_MAX: usize = (1 << 14) + 256;
/// The longest handshake message.
const MESSAGE_MAX: usize = 256 << 10;
/// How many bytes one answer may have in all.
const TOTAL_MAX: usize = 320 << 10;
/// How many messages, alerts and empty records one answer may have: real ones have fewer than ten.
const EVENTS_MAX: usize = 64;

/// Something that a server said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    /// A handshake message.
    Message {
        /// Its type.
        kind: u8,
        /// Its content.
        body: Vec<u8>,
    },
    /// An alert.
    Alert {
        /// Whether the connection is over.
        is_fatal: bool,
        /// Which.
        code: u8,
    },
    /// An answer in the form of SSL 2: a server hello with this body.
    Ssl2(Vec<u8>),
    /// What follows is encrypted, and no business of a probe.
    Encrypted,
}

/// Why the reading ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The first bytes are no TLS record.
    Foreign,
    /// It began as TLS and went on as something else, or broke a limit.
    Broken(&'static str),
}

/// The bytes of one connection so far.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    pending: Vec<u8>,
    messages: Vec<u8>,
    total: usize,
    events: usize,
    records: usize,
}

impl Reader {
    /// Takes more bytes, and adds to `events` what they complete.
    pub(crate) fn feed(&mut self, bytes: &[u8], events: &mut Vec<Event>) -> Result<(), Fault> {
        self.total = self.total.saturating_add(bytes.len());
        if self.total > TOTAL_MAX {
            return Err(Fault::Broken("the answer has no end"));
        }
        self.pending.extend_from_slice(bytes);
        let pending = std::mem::take(&mut self.pending);
        let mut rest = Bytes(&pending);
        let before = events.len();
        let read = self.records(&mut rest, events);
        self.pending = rest.0.to_vec();
        self.events = self.events.saturating_add(events.len() - before);
        read?;
        if self.events.max(self.records / 16) > EVENTS_MAX {
            return Err(Fault::Broken("the handshake has no end"));
        }
        Ok(())
    }

    fn records(&mut self, rest: &mut Bytes<'_>, events: &mut Vec<Event>) -> Result<(), Fault> {
        loop {
            let start = *rest;
            if self.records == 0
                && let Some(head) = start.0.first().copied()
                && head & 0x80 != 0
            {
                return ssl2(rest, events);
            }
            let (Some(kind), Some(version)) = (rest.u8(), rest.u16()) else {
                let is_tls = start.0.first().is_none_or(|kind| (20..=23).contains(kind));
                *rest = start;
                return if is_tls || self.records > 0 { Ok(()) } else { Err(Fault::Foreign) };
            };
            if !(20..=23).contains(&kind) || version >> 8 != 3 {
                *rest = start;
                return Err(if self.records == 0 {
                    Fault::Foreign
                } else {
                    Fault::Broken("a record is of no known type")
                });
            }
            let mut ahead = *rest;
            if ahead.u16().is_some_and(|length| usize::from(length) > RECORD_MAX) {
                return Err(Fault::Broken("a record is longer than TLS allows"));
            }
            let Some(content) = rest.counted16() else {
                *rest = start;
                return Ok(());
            };
            self.records += 1;
            match kind {
                21 => alert(content, events)?,
                22 => self.message(content, events)?,
                _ => events.push(Event::Encrypted),
            }
        }
    }

    /// Puts messages together, which may be spread over records.
    fn message(&mut self, content: Bytes<'_>, events: &mut Vec<Event>) -> Result<(), Fault> {
        self.messages.extend_from_slice(content.0);
        let messages = std::mem::take(&mut self.messages);
        let mut rest = Bytes(&messages);
        loop {
            let start = rest;
            let kind = rest.u8();
            let mut ahead = rest;
            if ahead.u24().is_some_and(|length| length > MESSAGE_MAX) {
                return Err(Fault::Broken("a message is longer than 256 KB"));
            }
            match (kind, rest.counted24()) {
                (Some(kind), Some(body)) => events.push(Event::Message { kind, body: body.0.to_vec() }),
                (Some(_) | None, Some(_) | None) => {
                    self.messages = start.0.to_vec();
                    return Ok(());
                }
            }
        }
    }
}

fn alert(mut content: Bytes<'_>, events: &mut Vec<Event>) -> Result<(), Fault> {
    match (content.u8(), content.u8()) {
        (Some(level), Some(code)) => {
            events.push(Event::Alert { is_fatal: level != 1, code });
            Ok(())
        }
        _ => Err(Fault::Broken("an alert has fewer than two bytes")),
    }
}

/// An answer with a length of two bytes whose first bit is set, of which only a server hello is understood.
fn ssl2(rest: &mut Bytes<'_>, events: &mut Vec<Event>) -> Result<(), Fault> {
    let start = *rest;
    let Some(length) = rest.u16() else {
        *rest = start;
        return Ok(());
    };
    let Some(body) = rest.take(usize::from(length & 0x7fff)) else {
        *rest = start;
        // What cannot become a server hello is not waited for.
        return match start.0.get(2) {
            None | Some(4) => Ok(()),
            Some(_) => Err(Fault::Foreign),
        };
    };
    if body.first() != Some(&4) {
        *rest = start;
        return Err(Fault::Foreign);
    }
    events.push(Event::Ssl2(body.to_vec()));
    *rest = Bytes(&[]);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(chunks: &[&[u8]]) -> (Vec<Event>, Result<(), Fault>) {
        let (mut reader, mut events) = (Reader::default(), Vec::new());
        for chunk in chunks {
            if let Err(fault) = reader.feed(chunk, &mut events) {
                return (events, Err(fault));
            }
        }
        (events, Ok(()))
    }

    #[test]
    fn messages_are_put_together_over_records_and_reads() {
        let bytes =
            b"\x15\x03\x01\0\x02\x01\x70\x16\x03\x03\0\x05\x02\0\0\x03a\x16\x03\x03\0\x06bc\x0e\0\0\0";
        let expected = vec![
            Event::Alert { is_fatal: false, code: 112 },
            Event::Message { kind: 2, body: b"abc".to_vec() },
            Event::Message { kind: 14, body: Vec::new() },
        ];
        assert_eq!(read(&[bytes]), (expected.clone(), Ok(())));
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(read(&single), (expected, Ok(())));
    }

    #[test]
    fn what_is_not_tls_is_told_at_once() {
        for bytes in
            [&b"HTTP/1.1 400 Bad Request"[..], b"220 mail ESMTP", b"\x16\x47abc", b"\xff\x03abc", b"E"]
        {
            assert_eq!(read(&[bytes]), (vec![], Err(Fault::Foreign)), "{bytes:?}");
        }
        assert_eq!(read(&[b"\x16", b"\x03"]), (vec![], Ok(())));
        let late = b"\x15\x03\x01\0\x02\x01\x70HTTP/1.1";
        assert!(matches!(read(&[late]).1, Err(Fault::Broken(_))));
    }

    #[test]
    fn nothing_is_endless() {
        let alerts = b"\x15\x03\x01\0\x02\x01\x70".repeat(100);
        assert!(matches!(read(&[&alerts]).1, Err(Fault::Broken(_))));
        let empty = b"\x16\x03\x01\0\0".repeat(2000);
        assert!(matches!(read(&[&empty]).1, Err(Fault::Broken(_))));
        assert!(matches!(read(&[b"\x16\x03\x01\xff\xff"]).1, Err(Fault::Broken(_))));
        assert!(matches!(read(&[b"\x16\x03\x01\0\x04\x0b\xff\xff\xff"]).1, Err(Fault::Broken(_))));
        let mut message = vec![0x16, 3, 3, 0x40, 0];
        message.extend([11, 0x03, 0xff, 0xff]);
        message.resize(5 + 0x4000, 0);
        let more = vec![message.as_slice(); 30];
        assert!(matches!(read(&more).1, Err(Fault::Broken(_))));
    }

    #[test]
    fn a_server_of_ssl_2_is_recognized() {
        let (events, read) = read(&[b"\x80\x0b\x04\0\x01", b"\0\x02\0\0\0\x03\0\x10"]);
        assert_eq!((events.len(), read), (1, Ok(())));
    }
}
