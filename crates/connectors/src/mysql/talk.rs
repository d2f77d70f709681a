//! A talk with one server: greeting, TLS, proof of identity, questions. The server cannot make this side send a file: the
//! request for one is refused like everything else that nobody asked for.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use octro_model::{UnknownReason, Why};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, BufStream};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::packet::{Bytes, Packets, odd};
use super::proof;
use super::server::{Server, Way};
use crate::plain::plain;

/// What is kept of one list; a server with more is not enumerated whole.
const ROWS_MAX: usize = 10_000;
/// The most columns, and all texts of one answer together, in bytes.
const COLUMNS_MAX: u64 = 100;
const TEXTS_MAX: usize = 16 << 20;
/// The most steps of a proof.
const STEPS_MAX: usize = 10;
/// Capabilities (MySQL Internals, "Capability Flags"): long passwords, protocol 4.1, transactions, secure
/// authentication, authentication methods by name.
const SPOKEN: u32 = 0x1 | 0x200 | 0x2000 | 0x8000 | 0x8_0000;
/// The server speaks TLS.
const TLS: u32 = 0x800;
/// utf8mb4.
const LETTERS: u8 = 45;

/// How packets come.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// Why nothing more can be asked.
#[derive(Debug)]
pub(super) enum Broken {
    /// The server offers no TLS, and without it nothing is said to it.
    NoTls,
    /// It refused, with its code.
    Refused(u16, String),
    /// Anything else.
    Unreached(UnknownReason),
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Self::Unreached(UnknownReason::new(Why::Failed, error.to_string()))
    }
}

/// What a server says of itself before it knows who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Greeting {
    pub(super) version: String,
    pub(super) offers_tls: bool,
    method: String,
    random: Vec<u8>,
}

impl Greeting {
    fn read(packet: &[u8]) -> Result<Self, Broken> {
        let mut bytes = Bytes(packet);
        match bytes.byte()? {
            10 => {}
            0xff => return Err(refusal(bytes)?),
            _ => return Err(odd("something that is no greeting of MySQL").into()),
        }
        let version = plain(&String::from_utf8_lossy(bytes.until_zero()), 100);
        bytes.take(4)?;
        let mut random = bytes.take(8)?.to_vec();
        bytes.take(1)?;
        let low = bytes.number(2)?;
        bytes.take(3)?;
        let flags = u32::try_from(low | (bytes.number(2)? << 16)).unwrap_or_default();
        let length = usize::from(bytes.byte()?);
        bytes.take(10)?;
        random.extend_from_slice(bytes.take(length.saturating_sub(8).max(13).min(bytes.0.len()))?);
        // Ended by a zero that does not belong to it.
        if random.last() == Some(&0) {
            random.pop();
        }
        if flags & SPOKEN & !0x2000 & !0x1 != SPOKEN & !0x2000 & !0x1 {
            return Err(odd("the greeting of a version of MySQL that is too old").into());
        }
        let method = String::from_utf8_lossy(bytes.until_zero()).into_owned();
        // MariaDB from 10.0 on says first that it is 5.5.5, for old replicas.
        let version = version.strip_prefix("5.5.5-").map(str::to_owned).unwrap_or(version);
        Ok(Self { version, offers_tls: flags & TLS != 0, method, random })
    }
}

/// A talk that was begun.
pub(super) struct Talk {
    packets: Packets<Box<dyn Stream>>,
    greeting: Greeting,
    has_tls: bool,
    is_private: bool,
    patience: Duration,
}

impl Talk {
    /// Connects, and hears the greeting.
    pub(super) async fn begin(server: &Server, patience: Duration) -> Result<Self, Broken> {
        let connected = async {
            let stream: Box<dyn Stream> = match &server.way {
                Way::Socket(path) => Box::new(BufStream::new(UnixStream::connect(path).await?)),
                Way::Network { name, port, .. } => {
                    Box::new(BufStream::new(TcpStream::connect((name.as_str(), *port)).await?))
                }
            };
            let mut packets = Packets::new(stream);
            let greeting = packets.receive().await?;
            Ok((packets, greeting))
        };
        let (packets, greeting) = within(patience, connected).await?;
        let greeting = Greeting::read(&greeting)?;
        let is_private = matches!(server.way, Way::Socket(_));
        Ok(Self { packets, greeting, has_tls: false, is_private, patience })
    }

    pub(super) fn greeting(&self) -> &Greeting {
        &self.greeting
    }

    /// Goes over to TLS if that is the way, and proves who asks.
    pub(super) async fn sign_in(
        mut self,
        server: &Server,
        tls: &Arc<ClientConfig>,
        password: &str,
    ) -> Result<Self, Broken> {
        if let Way::Network { name, has_tls: true, .. } = &server.way {
            if !self.greeting.offers_tls {
                return Err(Broken::NoTls);
            }
            self = self.over_tls(name, tls).await?;
        }
        let flags = SPOKEN | if self.has_tls { TLS } else { 0 };
        let mut said = hello(flags);
        said.extend_from_slice(server.user.as_bytes());
        said.push(0);
        // The server says which method the account has; that it has the server's own is only a guess.
        let guessed = proof::answer(&self.greeting.method, password, &self.greeting.random, false);
        let (method, answer) = match guessed {
            Ok(answer) => (self.greeting.method.clone(), answer),
            Err(_) => ("mysql_native_password".to_owned(), Vec::new()),
        };
        said.push(u8::try_from(answer.len()).unwrap_or(0));
        said.extend_from_slice(&answer);
        said.extend_from_slice(method.as_bytes());
        said.push(0);
        let patience = self.patience;
        let proved = self.prove(&said, &method, password);
        match timeout(patience, proved).await {
            Ok(proved) => proved?,
            Err(_) => return Err(Broken::Unreached(late(patience))),
        }
        Ok(self)
    }

    async fn over_tls(mut self, name: &str, tls: &Arc<ClientConfig>) -> Result<Self, Broken> {
        let name = ServerName::try_from(name.to_owned()).map_err(io::Error::other)?;
        let patience = self.patience;
        let upgraded = async {
            self.packets.send(&hello(SPOKEN | TLS)).await?;
            let (stream, next) = self.packets.into_parts();
            let stream = TlsConnector::from(tls.clone()).connect(name, stream).await?;
            let stream: Box<dyn Stream> = Box::new(BufStream::new(stream));
            Ok(Packets::from_parts(stream, next))
        };
        let packets = within(patience, upgraded).await?;
        Ok(Self { packets, greeting: self.greeting, has_tls: true, is_private: true, patience })
    }

    async fn prove(&mut self, said: &[u8], method: &str, password: &str) -> Result<(), Broken> {
        let mut method = method.to_owned();
        self.packets.send(said).await?;
        for _ in 0..STEPS_MAX {
            let packet = self.packets.receive().await?;
            let mut bytes = Bytes(&packet);
            match bytes.byte()? {
                0 => return Ok(()),
                0xff => return Err(refusal(bytes)?),
                0xfe if bytes.0.is_empty() => {
                    return Err(odd("the wish for a proof that is no longer given").into());
                }
                0xfe => {
                    method = String::from_utf8_lossy(bytes.until_zero()).into_owned();
                    let random = bytes.0.strip_suffix(b"\0").unwrap_or(bytes.0);
                    let answer = proof::answer(&method, password, random, self.is_private)
                        .map_err(|what| UnknownReason::new(Why::Unsupported, what))
                        .map_err(Broken::Unreached)?;
                    self.packets.send(&answer).await?;
                }
                1 if method == "caching_sha2_password" => match bytes.byte()? {
                    3 => {}
                    // The server does not remember the password, and asks for it.
                    4 if self.is_private => self.packets.send(&proof::clear(password)).await?,
                    4 => {
                        let what = "the server wants the password itself, which is told over TLS only";
                        return Err(Broken::Unreached(UnknownReason::new(Why::Unsupported, what)));
                    }
                    _ => return Err(odd("a step of a proof that is none").into()),
                },
                _ => return Err(odd("a step of a proof that is none").into()),
            }
        }
        Err(odd("too many steps of a proof").into())
    }

    /// The rows of a question. The outer error is one after which nothing that comes can be trusted to be an answer.
    pub(super) async fn ask(
        &mut self,
        sql: &str,
    ) -> Result<Result<Vec<Vec<Option<String>>>, UnknownReason>, UnknownReason> {
        let patience = self.patience;
        match timeout(patience, self.rows(sql)).await {
            Ok(Ok(rows)) if rows.len() > ROWS_MAX => {
                Ok(Err(UnknownReason::new(Why::Failed, format!("there are more than {ROWS_MAX}"))))
            }
            Ok(Ok(rows)) => Ok(Ok(rows)),
            Ok(Err(Broken::Refused(code, what))) => Ok(Err(reason(code, &what))),
            Ok(Err(Broken::Unreached(reason))) => Err(reason),
            Ok(Err(Broken::NoTls)) => Err(UnknownReason::new(Why::Failed, "the server offers no TLS")),
            Err(_) => Err(late(patience)),
        }
    }

    async fn rows(&mut self, sql: &str) -> Result<Vec<Vec<Option<String>>>, Broken> {
        self.packets.begin();
        let mut said = vec![3];
        said.extend_from_slice(sql.as_bytes());
        self.packets.send(&said).await?;
        let head = self.packets.receive().await?;
        let mut bytes = Bytes(&head);
        let columns = match bytes.byte()? {
            0xff => return Err(refusal(bytes)?),
            0xfb => return Err(odd("a request for a file of this machine").into()),
            columns if (1..=COLUMNS_MAX).contains(&u64::from(columns)) => columns,
            _ => return Err(odd("an answer that is no table").into()),
        };
        // What the columns are called, and the end of that.
        for _ in 0..=columns {
            self.packets.receive().await?;
        }
        let mut rows = Vec::new();
        let mut left = TEXTS_MAX;
        loop {
            let packet = self.packets.receive().await?;
            match packet.first() {
                Some(0xff) => return Err(refusal(Bytes(packet.get(1..).unwrap_or_default()))?),
                Some(0xfe) if packet.len() < 9 => return Ok(rows),
                _ => {}
            }
            left = left.checked_sub(packet.len()).ok_or_else(|| odd("an answer that is too long"))?;
            let mut bytes = Bytes(&packet);
            let row = (0..columns).map(|_| bytes.text()).collect::<io::Result<Vec<_>>>()?;
            if rows.len() > ROWS_MAX {
                return Err(odd("more rows than it was asked for").into());
            }
            rows.push(row);
        }
    }

    /// Says good-bye. The server has answered; how it takes that does not matter.
    pub(super) async fn end(mut self) {
        self.packets.begin();
        let _ = timeout(self.patience, self.packets.send(&[1])).await;
    }
}

/// The beginning of what a client says first.
fn hello(flags: u32) -> Vec<u8> {
    let mut said = flags.to_le_bytes().to_vec();
    said.extend_from_slice(&(1_u32 << 24).to_le_bytes());
    said.push(LETTERS);
    said.extend_from_slice(&[0; 23]);
    said
}

/// A refusal, behind its first byte: a code, a state, a text.
fn refusal(mut bytes: Bytes<'_>) -> io::Result<Broken> {
    let code = bytes.number(2)?;
    let text = String::from_utf8_lossy(bytes.0);
    let text = match text.strip_prefix('#') {
        Some(rest) => rest.get(5..).unwrap_or_default(),
        None => &text,
    };
    Ok(Broken::Refused(u16::try_from(code).unwrap_or_default(), plain(text, 300)))
}

/// Why a question was not answered (MySQL 8.4 and MariaDB 10.11, lists of error codes).
pub(super) fn reason(code: u16, what: &str) -> UnknownReason {
    let why = match code {
        1044 | 1045 | 1129 | 1130 | 1142 | 1143 | 1227 | 1698 | 1820 | 1862 | 3118 | 4151 => Why::Denied,
        1040 | 1203 | 1226 => Why::Throttled,
        1969 | 3024 => Why::TimedOut,
        1054 | 1109 | 1146 | 1193 | 1251 => Why::Unsupported,
        _ => Why::Failed,
    };
    UnknownReason::new(why, format!("{what} ({code})"))
}

async fn within<T>(patience: Duration, step: impl Future<Output = io::Result<T>>) -> Result<T, Broken> {
    match timeout(patience, step).await {
        Ok(done) => Ok(done?),
        Err(_) => Err(Broken::Unreached(late(patience))),
    }
}

fn late(patience: Duration) -> UnknownReason {
    UnknownReason::new(Why::TimedOut, format!("no answer within {} s", patience.as_secs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A greeting as a server sends it.
    fn greeting() -> Vec<u8> {
        let mut packet = b"\x0a5.5.5-10.11.14-MariaDB\0\x01\0\0\0abcdefgh\0".to_vec();
        let [a, b, c, d] = (SPOKEN | TLS).to_le_bytes();
        packet.extend_from_slice(&[a, b, 45, 2, 0, c, d, 21]);
        packet.extend_from_slice(&[0; 10]);
        packet.extend_from_slice(b"ijklmnopqrst\0mysql_native_password\0");
        packet
    }

    #[test]
    fn a_greeting_is_read() {
        let read = Greeting::read(&greeting()).unwrap();
        assert_eq!((read.version.as_str(), read.offers_tls), ("10.11.14-MariaDB", true));
        assert_eq!(read.random, b"abcdefghijklmnopqrst");
        assert_eq!(read.method, "mysql_native_password");
        let refused = Greeting::read(b"\xff\x6a\x04Host 'x' is not allowed").unwrap_err();
        assert!(matches!(refused, Broken::Refused(1130, what) if what.contains("not allowed")));
    }

    #[test]
    fn broken_greetings_end_in_an_answer_or_an_error() {
        let whole = greeting();
        for end in 0..whole.len() {
            let _ = Greeting::read(&whole[..end]);
            for byte in [0, 1, 0x7f, 0xff] {
                let mut bytes = whole.clone();
                bytes[end] = byte;
                let _ = Greeting::read(&bytes);
            }
        }
        assert!(Greeting::read(b"").is_err() && Greeting::read(b"HTTP/1.1 400").is_err());
    }
}
