//! Packets of the MySQL protocol (MySQL Internals, "MySQL Packets"): three bytes of length, a number, what is said. Every
//! length that a server names is limited before room is made for it.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// The longest packet, in bytes.
const PACKET_MAX: usize = 1 << 20;

/// Packets over a stream, in both directions.
pub(super) struct Packets<S> {
    stream: S,
    /// The number that the next packet has.
    next: u8,
}

impl<S> Packets<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, next: 0 }
    }

    /// The stream below, and the number of the next packet: for whoever goes on over TLS.
    pub(super) fn into_parts(self) -> (S, u8) {
        (self.stream, self.next)
    }

    pub(super) fn from_parts(stream: S, next: u8) -> Self {
        Self { stream, next }
    }

    /// What comes next begins a new talk.
    pub(super) fn begin(&mut self) {
        self.next = 0;
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Packets<S> {
    pub(super) async fn receive(&mut self) -> io::Result<Vec<u8>> {
        let mut head = [0; 4];
        self.stream.read_exact(&mut head).await?;
        let [a, b, c, number] = head;
        let length = u32::from_le_bytes([a, b, c, 0]) as usize;
        if length > PACKET_MAX {
            return Err(odd("a packet that is too long"));
        }
        self.next = number.wrapping_add(1);
        let mut packet = vec![0; length];
        self.stream.read_exact(&mut packet).await?;
        Ok(packet)
    }

    pub(super) async fn send(&mut self, said: &[u8]) -> io::Result<()> {
        let length =
            u32::try_from(said.len()).ok().filter(|length| *length < 0xff_ffff).ok_or_else(|| {
                io::Error::new(io::ErrorKind::InvalidInput, "more is to be said than a packet holds")
            })?;
        let [a, b, c, _] = length.to_le_bytes();
        let mut packet = vec![a, b, c, self.next];
        packet.extend_from_slice(said);
        self.next = self.next.wrapping_add(1);
        self.stream.write_all(&packet).await?;
        self.stream.flush().await
    }
}

/// What is in a packet, from its beginning.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

impl<'a> Bytes<'a> {
    pub(super) fn take(&mut self, length: usize) -> io::Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or_else(|| odd("a packet that ends early"))?;
        self.0 = rest;
        Ok(taken)
    }

    pub(super) fn byte(&mut self) -> io::Result<u8> {
        Ok(self.take(1)?.first().copied().unwrap_or_default())
    }

    /// A number of at most eight bytes, the lowest first.
    pub(super) fn number(&mut self, length: usize) -> io::Result<u64> {
        Ok(self.take(length)?.iter().rev().fold(0, |number, byte| (number << 8) | u64::from(*byte)))
    }

    /// Up to a zero, which is taken too, or to the end.
    pub(super) fn until_zero(&mut self) -> &'a [u8] {
        let end = self.0.iter().position(|byte| *byte == 0).unwrap_or(self.0.len());
        let (taken, rest) = self.0.split_at_checked(end).unwrap_or_default();
        self.0 = rest.get(1..).unwrap_or_default();
        taken
    }

    /// A text with its length before it; `None` is NULL.
    pub(super) fn text(&mut self) -> io::Result<Option<String>> {
        let first = self.byte()?;
        let length = match first {
            0xfb => return Ok(None),
            0xfc => self.number(2)?,
            0xfd => self.number(3)?,
            0xfe => self.number(8)?,
            0xff => return Err(odd("a length that is none")),
            short => u64::from(short),
        };
        let length = usize::try_from(length).map_err(|_| odd("a text that is too long"))?;
        Ok(Some(String::from_utf8_lossy(self.take(length)?).into_owned()))
    }
}

pub(super) fn odd(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the server sent {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_carry_their_lengths() {
        let mut bytes = Bytes(b"\x02ab\xfb\xfc\x01\x00c\x00");
        let texts: Vec<Option<String>> = (0..4).map(|_| bytes.text().unwrap()).collect();
        assert_eq!(texts, [Some("ab".to_owned()), None, Some("c".to_owned()), Some(String::new())]);
        assert!(bytes.text().is_err());
        for lie in [b"\x05ab".as_slice(), b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff", b"\xff", b"\xfd\x01"] {
            assert!(Bytes(lie).text().is_err(), "{lie:?}");
        }
    }

    #[test]
    fn a_packet_that_is_too_long_is_not_waited_for() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (near, mut far) = tokio::io::duplex(64);
            far.write_all(b"\xff\xff\xff\x00").await.unwrap();
            assert!(Packets::new(near).receive().await.unwrap_err().to_string().contains("too long"));
            let (near, mut far) = tokio::io::duplex(64);
            far.write_all(b"\x02\x00\x00\x07ab").await.unwrap();
            let mut packets = Packets::new(near);
            assert_eq!(packets.receive().await.unwrap(), b"ab");
            packets.send(b"c").await.unwrap();
            let mut heard = [0; 5];
            far.read_exact(&mut heard).await.unwrap();
            assert_eq!(&heard, b"\x01\x00\x00\x08c", "the number goes on");
        });
    }
}
