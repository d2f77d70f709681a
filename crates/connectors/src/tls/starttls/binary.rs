//! The services that talk in numbers.

use tokio::io::{AsyncRead, AsyncWrite};

use super::super::wire::Bytes;
use super::NoStart;
use super::talk::{Talk, declined, foreign};

/// LDAP: an extended request for StartTLS.
pub(super) async fn ldap<S: AsyncRead + AsyncWrite + Unpin>(
    talk: &mut Talk<'_, S>,
) -> Result<Option<bool>, NoStart> {
    match ldap_ask(talk, b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037").await? {
        Some(0) => Ok(None),
        Some(code) => Err(declined(&format!("LDAP result {code}"))),
        None => Err(foreign("an LDAP message without a result")),
    }
}

/// Sends an LDAP message and reads the result code of the answer, which is in BER.
pub(crate) async fn ldap_ask<S: AsyncRead + AsyncWrite + Unpin>(
    talk: &mut Talk<'_, S>,
    message: &[u8],
) -> Result<Option<usize>, NoStart> {
    talk.say(message).await?;
    let head = talk.bytes(2).await?;
    let length = match head.as_slice() {
        [0x30, short @ 0..=0x7f] => usize::from(*short),
        [0x30, long @ 0x81..=0x84] => {
            let bytes = talk.bytes(usize::from(long & 0x7f)).await?;
            bytes.iter().fold(0, |sum, byte| (sum << 8) | usize::from(*byte))
        }
        other => return Err(foreign(&String::from_utf8_lossy(other))),
    };
    let message = talk.bytes(length).await?;
    Ok(ldap_result(&message))
}

/// The result code of an answer: a message id, then an operation that begins with the result.
pub(super) fn ldap_result(message: &[u8]) -> Option<usize> {
    let mut bytes = Bytes(message);
    ber(&mut bytes, 0x02)?;
    let tag = *bytes.0.first()?;
    let mut operation = ber(&mut bytes, tag)?;
    (tag & 0xe0 == 0x60).then_some(())?;
    let result = ber(&mut operation, 0x0a)?;
    (result.0.len() <= 4).then(|| result.0.iter().fold(0, |sum, byte| (sum << 8) | usize::from(*byte)))
}

/// The content of the next element, which has to have this tag. Lengths may be long, as Active Directory writes them.
fn ber<'a>(bytes: &mut Bytes<'a>, tag: u8) -> Option<Bytes<'a>> {
    (bytes.u8()? == tag).then_some(())?;
    let length = match bytes.u8()? {
        short @ 0..=0x7f => usize::from(short),
        long @ 0x81..=0x84 => {
            bytes.take(usize::from(long & 0x7f))?.iter().fold(0, |sum, byte| (sum << 8) | usize::from(*byte))
        }
        _ => return None,
    };
    bytes.take(length).map(Bytes)
}

/// PostgreSQL: one letter says yes or no.
pub(super) async fn postgres<S: AsyncRead + AsyncWrite + Unpin>(
    talk: &mut Talk<'_, S>,
) -> Result<Option<bool>, NoStart> {
    talk.say(b"\0\0\0\x08\x04\xd2\x16\x2f").await?;
    match talk.bytes(1).await?.first() {
        Some(b'S') => Ok(None),
        Some(b'N') => Err(declined("the server answers that it has no TLS")),
        Some(b'E') => Err(declined("the server answers with an error")),
        Some(_) | None => Err(foreign("an answer that PostgreSQL does not have")),
    }
}

/// MySQL: the greeting says whether there is TLS.
pub(super) async fn mysql<S: AsyncRead + AsyncWrite + Unpin>(
    talk: &mut Talk<'_, S>,
) -> Result<Option<bool>, NoStart> {
    let packet = mysql_packet(talk).await?;
    match mysql_has_tls(&packet) {
        Some(true) => {}
        Some(false) => return Err(declined("the greeting offers no TLS")),
        None if packet.first() == Some(&0xff) => {
            return Err(declined(&String::from_utf8_lossy(packet.get(3..).unwrap_or_default())));
        }
        None => return Err(foreign("a greeting that MySQL does not have")),
    }
    let mut request = vec![0x20, 0, 0, 1, 0x85, 0xae, 0xff, 0, 0, 0, 0, 1, 0x21];
    request.resize(36, 0);
    talk.say(&request).await?;
    Ok(None)
}

/// One packet: a length, the least significant byte first, a number, the content.
pub(super) async fn mysql_packet<S: AsyncRead + AsyncWrite + Unpin>(
    talk: &mut Talk<'_, S>,
) -> Result<Vec<u8>, NoStart> {
    let head = talk.bytes(4).await?;
    let length = head.iter().take(3).rev().fold(0, |sum, byte| (sum << 8) | usize::from(*byte));
    talk.bytes(length).await
}

/// Whether a greeting offers TLS: protocol 10, the version's text, an id, eight bytes, a zero, the capabilities.
pub(super) fn mysql_has_tls(greeting: &[u8]) -> Option<bool> {
    let mut bytes = Bytes(greeting);
    (bytes.u8()? == 10).then_some(())?;
    let end = bytes.0.iter().position(|byte| *byte == 0)?;
    bytes.take(end + 1 + 4 + 8 + 1)?;
    Some(bytes.u16()?.swap_bytes() & 0x0800 != 0)
}
