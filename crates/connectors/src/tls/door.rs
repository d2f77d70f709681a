//! One address and port, asked with one hello a connection. Refusal, reset, silence, and nonsense are different outcomes.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use octro_model::{UnknownReason, Why};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::answer::{Answer, Building};
use super::hello::{Hello, Seed};
use super::pace::{Pace, Slot};
use super::record::{Fault, Reader};
use super::starttls::{self, NoStart, Service, Told};
use crate::plain::plain;

/// A talk before TLS has this many steps' time: mail servers let strangers wait before they greet.
const TALK_STEPS: u32 = 4;

/// What became of one hello.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// A server hello came.
    Answer(Box<Answer>),
    /// A fatal alert came instead.
    Alert(u8),
    /// The connection was made, and ended without a word.
    Closed,
    /// The connection was made, and reset.
    Reset,
    /// The connection was made, and nothing came in time.
    Silent,
    /// Something came that is not TLS; its first bytes.
    Foreign(String),
    /// TLS began and then broke its rules.
    Broken(&'static str),
    /// Nobody listens.
    Refused,
    /// The connection was not made in time.
    NoConnection,
    /// There is no way to the address, or no means to go it.
    Unreachable(String),
    /// The service does not start TLS, in its words.
    Declined(String),
    /// The connections that one address may cost are spent.
    Spent,
}

impl Outcome {
    /// In a few words, the same for the same behaviour.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Answer(answer) => {
                let name = answer.version().map_or("an unknown version", super::version::Version::name);
                format!("server hello, {name}")
            }
            Self::Alert(code) => format!("alert {code}"),
            Self::Closed => "closed".to_owned(),
            Self::Reset => "reset".to_owned(),
            Self::Silent => "no answer".to_owned(),
            Self::Foreign(bytes) => format!("not TLS: {bytes}"),
            Self::Broken(what) => format!("broken: {what}"),
            Self::Refused => "connection refused".to_owned(),
            Self::NoConnection => "no connection in time".to_owned(),
            Self::Unreachable(what) => format!("unreachable: {what}"),
            Self::Declined(words) => format!("TLS declined: {words}"),
            Self::Spent => "not asked: the connections for one address are spent".to_owned(),
        }
    }

    /// The reason for what it leaves unknown.
    pub(crate) fn reason(&self) -> UnknownReason {
        let why = match self {
            Self::Silent | Self::NoConnection => Why::TimedOut,
            Self::Spent => Why::Throttled,
            Self::Answer(_)
            | Self::Alert(_)
            | Self::Closed
            | Self::Reset
            | Self::Foreign(_)
            | Self::Broken(_)
            | Self::Refused
            | Self::Unreachable(_)
            | Self::Declined(_) => Why::Failed,
        };
        UnknownReason::new(why, self.words())
    }

    /// The server hello's answer.
    pub(crate) fn answer(&self) -> Option<&Answer> {
        if let Self::Answer(answer) = self { Some(answer) } else { None }
    }
}

/// One address and port.
pub(crate) struct Door {
    /// Where it is.
    pub address: SocketAddr,
    /// The name to ask for, unless the endpoint has only an address.
    pub name: Option<String>,
    /// How TLS starts, if the service talks in clear first.
    pub service: Option<Service>,
    /// How long one step may take.
    pub patience: Duration,
    /// The limits of the run.
    pub pace: Arc<Pace>,
    /// Where random bytes come from.
    pub seed: Seed,
    /// How many connections it may cost.
    pub connections_max: u32,
    used: AtomicU32,
    hellos: AtomicU64,
    answered: AtomicBool,
    told: std::sync::OnceLock<Told>,
}

/// A connection at the point where TLS begins.
pub(crate) struct Connection {
    /// The connection.
    pub stream: TcpStream,
    _slot: Slot,
}

impl Door {
    /// A door that nobody knocked at.
    pub(crate) fn new(
        address: SocketAddr,
        name: Option<String>,
        service: Option<Service>,
        pace: Arc<Pace>,
        seed: Seed,
    ) -> Self {
        Self {
            address,
            name,
            service,
            patience: Duration::from_secs(3),
            pace,
            seed,
            connections_max: 60,
            used: AtomicU32::new(0),
            hellos: AtomicU64::new(0),
            answered: AtomicBool::new(false),
            told: std::sync::OnceLock::new(),
        }
    }

    /// How many connections were made to it, or tried.
    pub(crate) fn used(&self) -> u32 {
        self.used.load(Ordering::Relaxed)
    }

    /// How many are left.
    pub(crate) fn left(&self) -> u32 {
        self.connections_max.saturating_sub(self.used())
    }

    /// What the service told before TLS.
    pub(crate) fn told(&self) -> Option<&Told> {
        self.told.get()
    }

    /// A connection in clear.
    pub(crate) async fn connect(&self, port: u16) -> Result<Connection, Outcome> {
        let ip = self.address.ip();
        if self.used.fetch_add(1, Ordering::Relaxed) >= self.connections_max {
            self.used.fetch_sub(1, Ordering::Relaxed);
            return Err(Outcome::Spent);
        }
        let slot = self.pace.enter(ip).await.ok_or(Outcome::Spent)?;
        match timeout(self.patience, TcpStream::connect(SocketAddr::new(ip, port))).await {
            Err(_) => {
                self.pace.trouble(ip);
                Err(Outcome::NoConnection)
            }
            Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => Err(Outcome::Refused),
            Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionReset => Err(Outcome::Reset),
            Ok(Err(error)) => Err(Outcome::Unreachable(error.to_string())),
            Ok(Ok(stream)) => {
                // Small messages that wait for nobody.
                stream.set_nodelay(true).ok();
                Ok(Connection { stream, _slot: slot })
            }
        }
    }

    /// A connection at the point where TLS begins.
    pub(crate) async fn open(&self) -> Result<Connection, Outcome> {
        let mut connection = self.connect(self.address.port()).await?;
        let Some(service) = self.service else { return Ok(connection) };
        let name = self.name.clone().unwrap_or_else(|| self.address.ip().to_string());
        match timeout(self.patience * TALK_STEPS, starttls::start(&mut connection.stream, service, &name))
            .await
        {
            Err(_) => Err(Outcome::Silent),
            Ok(Err(NoStart::Closed)) => Err(Outcome::Closed),
            Ok(Err(NoStart::Declined(words))) => Err(Outcome::Declined(words)),
            Ok(Err(NoStart::Foreign(words))) => Err(Outcome::Foreign(words)),
            Ok(Ok(told)) => {
                self.told.set(told).ok();
                Ok(connection)
            }
        }
    }

    /// Asks with one hello.
    pub(crate) async fn ask(&self, hello: &Hello) -> Outcome {
        let outcome = match self.open().await {
            Ok(connection) => self.exchange(connection, hello).await,
            Err(outcome) => outcome,
        };
        match outcome {
            Outcome::Answer(_) | Outcome::Alert(_) => {
                self.answered.store(true, Ordering::Relaxed);
                self.pace.fine(self.address.ip());
            }
            Outcome::Closed | Outcome::Reset | Outcome::Silent => self.pace.trouble(self.address.ip()),
            Outcome::Foreign(_)
            | Outcome::Broken(_)
            | Outcome::Refused
            | Outcome::NoConnection
            | Outcome::Unreachable(_)
            | Outcome::Declined(_)
            | Outcome::Spent => {}
        }
        outcome
    }

    /// Asks, and once more if the connection was reset or closed, which may be chance.
    pub(crate) async fn ask_again(&self, hello: &Hello) -> Outcome {
        let outcome = self.ask(hello).await;
        if matches!(outcome, Outcome::Reset | Outcome::Closed) { self.ask(hello).await } else { outcome }
    }

    async fn exchange(&self, mut connection: Connection, hello: &Hello) -> Outcome {
        let bytes = hello.bytes(&self.seed, self.hellos.fetch_add(1, Ordering::Relaxed));
        let mut heard = Heard::default();
        let talk = async {
            // A server that resets may have said why before.
            let sent = connection.stream.write_all(&bytes).await;
            heard.listen(&mut connection.stream).await.or(sent.err())
        };
        let ended = timeout(self.patience, talk).await;
        heard.outcome(match ended {
            Err(_) => Ended::InTime,
            Ok(None) => Ended::Whole,
            Ok(Some(error)) if error.kind() == io::ErrorKind::UnexpectedEof => Ended::Closed,
            Ok(Some(_)) => Ended::Reset,
        })
    }
}

/// How listening ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    Whole,
    Closed,
    Reset,
    InTime,
}

/// What was heard on one connection.
#[derive(Default)]
struct Heard {
    reader: Reader,
    building: Building,
    first: Vec<u8>,
    fault: Option<Fault>,
}

impl Heard {
    /// Listens until the answer is whole or broken; `Some` if the connection ended before.
    async fn listen(&mut self, stream: &mut TcpStream) -> Option<io::Error> {
        let mut buffer = vec![0; 8 << 10];
        let mut events = Vec::new();
        loop {
            let count = match stream.read(&mut buffer).await {
                Ok(0) => return Some(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => count,
                Err(error) => return Some(error),
            };
            let bytes = buffer.get(..count).unwrap_or_default();
            self.first.extend(bytes.iter().take(64_usize.saturating_sub(self.first.len())));
            let fed = self.reader.feed(bytes, &mut events);
            for event in events.drain(..) {
                if self.building.take(event) {
                    return None;
                }
            }
            if let Err(fault) = fed {
                self.fault = Some(fault);
                return None;
            }
        }
    }

    fn outcome(self, ended: Ended) -> Outcome {
        let Self { building, first, fault, .. } = self;
        if building.has_hello() {
            return match building.into_answer() {
                Some(answer) => Outcome::Answer(Box::new(answer)),
                None => Outcome::Broken("a server hello that is cut off"),
            };
        }
        if let Some(code) = building.fatal {
            return Outcome::Alert(code);
        }
        if let Some(what) = building.fault {
            return Outcome::Broken(what);
        }
        match fault {
            Some(Fault::Foreign) => {
                // The first line alone: later ones tell the time, and would be news at each look.
                let line = first.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
                return Outcome::Foreign(plain(&String::from_utf8_lossy(line), 40));
            }
            Some(Fault::Broken(what)) => return Outcome::Broken(what),
            None => {}
        }
        // A warning and an end is a refusal in other words, as of a name that the server does not have.
        if let (Some(code), Ended::Closed | Ended::Reset) = (building.warning, ended) {
            return Outcome::Alert(code);
        }
        match ended {
            Ended::Closed | Ended::Whole => Outcome::Closed,
            Ended::Reset => Outcome::Reset,
            Ended::InTime => Outcome::Silent,
        }
    }
}
