//! What a service does for clients that never start TLS. No password is ever sent; what shows in a service's log as a
//! failed sign-in is tried only where the operator asks for it.

use octro_model::{UnknownReason, Why};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::assess::Wish;
use super::door::{Door, Outcome};
use super::page;
use super::starttls::{self, Service, Talk};

/// A user whom no service has.
const NOBODY: &str = "octro-tls-probe";

/// What a web server does without TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PlainWeb {
    /// Nobody listens there.
    Closed,
    /// It sends clients to TLS and does nothing else.
    Redirects,
    /// It serves pages.
    Serves,
}

impl PlainWeb {
    /// The word for it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Redirects => "redirects",
            Self::Serves => "serves",
        }
    }
}

/// Asks a web server without TLS.
pub(crate) async fn plain_web(door: &Door, port: u16) -> Result<PlainWeb, UnknownReason> {
    let mut connection = match door.connect(port).await {
        Ok(connection) => connection,
        Err(Outcome::Refused) => return Ok(PlainWeb::Closed),
        Err(outcome) => return Err(outcome.reason()),
    };
    let name = door.name.clone().unwrap_or_else(|| door.address.ip().to_string());
    match timeout(door.patience, page::ask(&mut connection.stream, &name)).await {
        Err(_) => Err(Outcome::Silent.reason()),
        Ok(Err(error)) => Err(UnknownReason::new(Why::Failed, format!("port {port}: {error}"))),
        Ok(Ok(None)) => Err(UnknownReason::new(
            Why::Failed,
            format!("port {port} answers with something other than HTTP"),
        )),
        Ok(Ok(Some(head))) => Ok(if head.leads_to_tls() { PlainWeb::Redirects } else { PlainWeb::Serves }),
    }
}

/// Whether a port that speaks TLS also serves clients that do not.
pub(crate) async fn beside_tls(door: &Door, wish: &Wish, is_web: bool) -> Result<bool, UnknownReason> {
    let Some(service) = door.service else {
        // A service that expects a client hello first has no clear form; a web server may have both on one port.
        return if is_web && !wish.is_quick { web_beside_tls(door).await } else { Ok(false) };
    };
    if let Some(told) = door.told().and_then(|told| told.clear_sign_in) {
        return Ok(told);
    }
    if !wish.tries_clear {
        let what = "trying it shows in the service's log; add `plaintext` to the endpoint to have it tried";
        return Err(UnknownReason::new(Why::NotCollected, what));
    }
    let mut connection = door.connect(door.address.port()).await.map_err(|outcome| outcome.reason())?;
    let stream = &mut connection.stream;
    let tried = async {
        match service {
            Service::Postgres => postgres(stream).await,
            Service::Mysql => mysql(stream).await,
            Service::Smtp => smtp(stream).await,
            Service::Ldap => ldap(stream).await,
            Service::Ftp => ftp(stream).await,
            Service::Lmtp
            | Service::Imap
            | Service::Pop3
            | Service::Nntp
            | Service::Sieve
            | Service::Xmpp
            | Service::XmppServer => Ok(None),
        }
    };
    match timeout(door.patience, tried).await {
        Err(_) => Err(Outcome::Silent.reason()),
        Ok(Ok(Some(serves))) => Ok(serves),
        Ok(Ok(None)) => {
            Err(UnknownReason::new(Why::Unsupported, "its answer does not say whether TLS is required"))
        }
        Ok(Err(error)) => Err(UnknownReason::new(Why::Failed, error.to_string())),
    }
}

async fn web_beside_tls(door: &Door) -> Result<bool, UnknownReason> {
    let mut connection = door.connect(door.address.port()).await.map_err(|outcome| outcome.reason())?;
    let name = door.name.clone().unwrap_or_else(|| door.address.ip().to_string());
    match timeout(door.patience, page::ask(&mut connection.stream, &name)).await {
        Err(_) => Err(Outcome::Silent.reason()),
        // An alert, the end, or a complaint that this is a port for TLS.
        Ok(Err(_) | Ok(None)) => Ok(false),
        Ok(Ok(Some(head))) => Ok(!head.leads_to_tls() && !matches!(head.status, 400 | 421 | 426 | 497)),
    }
}

/// PostgreSQL says in its first message whether it would let somebody in without TLS.
async fn postgres<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) -> std::io::Result<Option<bool>> {
    let mut body = vec![0, 3, 0, 0];
    for word in ["user", NOBODY, "database", NOBODY] {
        body.extend_from_slice(word.as_bytes());
        body.push(0);
    }
    body.push(0);
    let mut message = (body.len() as u32 + 4).to_be_bytes().to_vec();
    message.append(&mut body);
    stream.write_all(&message).await?;
    let answer = some(stream).await?;
    let text = String::from_utf8_lossy(&answer);
    Ok(match answer.first() {
        // It goes on to ask who this is.
        Some(b'R') => Some(true),
        // 28000: no line of pg_hba.conf lets this in; its words say for which kind of connection.
        Some(b'E') if text.contains("C28000") => {
            Some(!text.contains("no encryption") && !text.contains("SSL off"))
        }
        // Nobody has this database or name: it came as far as looking.
        Some(b'E') if text.contains("C3D000") || text.contains("C28P01") => Some(true),
        Some(_) | None => None,
    })
}

/// MySQL is asked to sign somebody in without TLS and without a password.
async fn mysql<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) -> std::io::Result<Option<bool>> {
    some(stream).await?;
    // Protocol 4.1, secure connection, plugin authentication.
    let mut body = vec![0x00, 0x82, 0x08, 0x00, 0, 0, 0, 1, 0x21];
    body.resize(32, 0);
    body.extend_from_slice(NOBODY.as_bytes());
    body.extend_from_slice(b"\0\0mysql_native_password\0");
    let mut message = (body.len() as u32).to_le_bytes().iter().take(3).copied().collect::<Vec<u8>>();
    message.push(1);
    message.append(&mut body);
    stream.write_all(&message).await?;
    let answer = some(stream).await?;
    Ok(match (answer.get(4), answer.get(5).zip(answer.get(6))) {
        // 3159: connections using insecure transport are prohibited.
        (Some(0xff), Some((low, high))) => Some(u16::from_le_bytes([*low, *high]) != 3159),
        (Some(0x00 | 0xfe), _) => Some(true),
        _ => None,
    })
}

/// SMTP is offered a letter from nobody, which is taken back at once.
async fn smtp<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) -> std::io::Result<Option<bool>> {
    let mut talk = Talk::new(stream);
    let mut code = 0;
    for line in ["EHLO octro.invalid", "MAIL FROM:<>", "QUIT"] {
        code = starttls::reply(&mut talk).await.map_err(|_| std::io::ErrorKind::InvalidData)?.0;
        if !(200..400).contains(&code) {
            break;
        }
        talk.say_line(line).await.map_err(|_| std::io::ErrorKind::BrokenPipe)?;
    }
    Ok(match code {
        250 => Some(true),
        530 | 538 | 554 => Some(false),
        _ => None,
    })
}

/// LDAP is asked for a simple bind as nobody, without a password.
async fn ldap<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) -> std::io::Result<Option<bool>> {
    let mut talk = Talk::new(stream);
    let bind = b"\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\x00\x80\x00";
    let code = starttls::ldap_ask(&mut talk, bind).await.map_err(|_| std::io::ErrorKind::InvalidData)?;
    // 13: confidentialityRequired.
    Ok(code.map(|code| code != 13))
}

/// FTP is told a name.
async fn ftp<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) -> std::io::Result<Option<bool>> {
    let mut talk = Talk::new(stream);
    starttls::reply(&mut talk).await.map_err(|_| std::io::ErrorKind::InvalidData)?;
    talk.say_line(&format!("USER {NOBODY}")).await.map_err(|_| std::io::ErrorKind::BrokenPipe)?;
    let (code, _) = starttls::reply(&mut talk).await.map_err(|_| std::io::ErrorKind::InvalidData)?;
    talk.say_line("QUIT").await.ok();
    Ok(match code {
        230 | 331 | 332 => Some(true),
        421 | 530 | 534 | 550 => Some(false),
        _ => None,
    })
}

/// What comes next, up to a limit.
async fn some<S: AsyncRead + Unpin>(stream: &mut S) -> std::io::Result<Vec<u8>> {
    let mut buffer = vec![0; 4096];
    let count = stream.read(&mut buffer).await?;
    if count == 0 {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    buffer.truncate(count);
    Ok(buffer)
}
