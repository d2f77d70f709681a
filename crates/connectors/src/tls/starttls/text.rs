//! The services that talk in lines or in XML.

use tokio::io::{AsyncRead, AsyncWrite};

use super::NoStart;
use super::talk::{Talk, declined, foreign};

/// How many lines one answer may have.
const LINES_MAX: usize = 200;

/// A reply of a three-digit code, over all of its lines: `250-first`, `250 last`.
pub(crate) async fn reply<S: AsyncRead + AsyncWrite + Unpin>(
    talk: &mut Talk<'_, S>,
) -> Result<(u16, Vec<String>), NoStart> {
    let mut lines = Vec::new();
    loop {
        let line = talk.line().await?;
        let code: Option<u16> = line.get(..3).and_then(|code| code.parse().ok());
        let rest = line.get(3..).unwrap_or_default();
        // FTP lets lines between the first and the last begin with anything.
        let goes_on = rest.starts_with('-') || (code.is_none() && !lines.is_empty());
        let Some(code) = code.or(goes_on.then_some(0)) else { return Err(foreign(&line)) };
        lines.push(rest.get(1..).unwrap_or_default().to_owned());
        if !goes_on {
            return Ok((code, lines));
        }
        if lines.len() > LINES_MAX {
            return Err(foreign("a reply without an end"));
        }
    }
}

fn told(code: u16, lines: &[String]) -> String {
    format!("{code} {}", lines.last().map_or("", String::as_str))
}

/// The words of the lines, in capitals.
fn words(lines: &[String]) -> Vec<String> {
    lines.iter().map(|line| line.to_uppercase()).collect()
}

/// SMTP and LMTP: whether sign-in is offered before TLS.
pub(super) async fn smtp<S: AsyncRead + AsyncWrite + Unpin>(
    talk: &mut Talk<'_, S>,
    greeting: &str,
) -> Result<Option<bool>, NoStart> {
    let (code, lines) = reply(talk).await?;
    match code {
        220 => {}
        421 | 450..=554 => return Err(declined(&told(code, &lines))),
        _ => return Err(foreign(&told(code, &lines))),
    }
    talk.say_line(greeting).await?;
    let (code, lines) = reply(talk).await?;
    if code != 250 {
        return Err(declined(&told(code, &lines)));
    }
    let words = words(&lines);
    let offers = |word: &str| words.iter().any(|line| line.split(' ').next() == Some(word));
    if !offers("STARTTLS") {
        return Err(declined("STARTTLS is not offered"));
    }
    let signs_in = words.iter().any(|line| line.starts_with("AUTH ") || line.starts_with("AUTH="));
    talk.say_line("STARTTLS").await?;
    let (code, lines) = reply(talk).await?;
    if code == 220 { Ok(signs_in.then_some(true)) } else { Err(declined(&told(code, &lines))) }
}

/// IMAP: whether sign-in is possible before TLS.
pub(super) async fn imap<S: AsyncRead + AsyncWrite + Unpin>(
    talk: &mut Talk<'_, S>,
) -> Result<Option<bool>, NoStart> {
    let greeting = talk.line().await?.to_uppercase();
    if !greeting.starts_with("* OK") {
        return Err(if greeting.starts_with("* ") { declined(&greeting) } else { foreign(&greeting) });
    }
    let mut capabilities = greeting;
    if !capabilities.contains("[CAPABILITY") {
        talk.say_line("a0 CAPABILITY").await?;
        capabilities = tagged(talk, "A0").await?.1;
    }
    talk.say_line("a1 STARTTLS").await?;
    let (line, _) = tagged(talk, "A1").await?;
    if line.starts_with("A1 OK") {
        Ok(Some(!capabilities.contains("LOGINDISABLED")))
    } else {
        Err(declined(&line))
    }
}

/// The line with this tag, and all that came before it.
async fn tagged<S: AsyncRead + AsyncWrite + Unpin>(
    talk: &mut Talk<'_, S>,
    tag: &str,
) -> Result<(String, String), NoStart> {
    let mut before = String::new();
    for _ in 0..LINES_MAX {
        let line = talk.line().await?.to_uppercase();
        if line.split(' ').next() == Some(tag) {
            return Ok((line, before));
        }
        if !line.starts_with("* ") && !line.starts_with('+') {
            return Err(foreign(&line));
        }
        before.push_str(&line);
        before.push('\n');
    }
    Err(foreign("an answer without an end"))
}

/// POP3: whether sign-in is possible before TLS.
pub(super) async fn pop3<S: AsyncRead + AsyncWrite + Unpin>(
    talk: &mut Talk<'_, S>,
) -> Result<Option<bool>, NoStart> {
    let ok = |line: &str| line.starts_with("+OK");
    let greeting = talk.line().await?;
    if !ok(&greeting) {
        return Err(if greeting.starts_with("-ERR") { declined(&greeting) } else { foreign(&greeting) });
    }
    talk.say_line("CAPA").await?;
    let mut signs_in = None;
    if ok(&talk.line().await?) {
        signs_in = Some(false);
        for count in 0.. {
            let line = talk.line().await?.to_uppercase();
            if line == "." {
                break;
            }
            if line == "USER" || line.starts_with("SASL ") {
                signs_in = Some(true);
            }
            if count > LINES_MAX {
                return Err(foreign("a list without an end"));
            }
        }
    }
    talk.say_line("STLS").await?;
    let line = talk.line().await?;
    if ok(&line) { Ok(signs_in) } else { Err(declined(&line)) }
}

/// FTP.
pub(super) async fn ftp<S: AsyncRead + AsyncWrite + Unpin>(
    talk: &mut Talk<'_, S>,
) -> Result<Option<bool>, NoStart> {
    let (code, lines) = reply(talk).await?;
    match code {
        220 => {}
        120 | 421 | 500..=599 => return Err(declined(&told(code, &lines))),
        _ => return Err(foreign(&told(code, &lines))),
    }
    talk.say_line("AUTH TLS").await?;
    let (code, lines) = reply(talk).await?;
    if code == 234 { Ok(None) } else { Err(declined(&told(code, &lines))) }
}

/// NNTP.
pub(super) async fn nntp<S: AsyncRead + AsyncWrite + Unpin>(
    talk: &mut Talk<'_, S>,
) -> Result<Option<bool>, NoStart> {
    let (code, lines) = reply(talk).await?;
    match code {
        200 | 201 => {}
        400 | 500..=599 => return Err(declined(&told(code, &lines))),
        _ => return Err(foreign(&told(code, &lines))),
    }
    talk.say_line("STARTTLS").await?;
    let (code, lines) = reply(talk).await?;
    if code == 382 { Ok(None) } else { Err(declined(&told(code, &lines))) }
}

/// ManageSieve: whether sign-in is possible before TLS.
pub(super) async fn sieve<S: AsyncRead + AsyncWrite + Unpin>(
    talk: &mut Talk<'_, S>,
) -> Result<Option<bool>, NoStart> {
    let (mut offers, mut signs_in) = (false, false);
    for _ in 0..LINES_MAX {
        let line = talk.line().await?.to_uppercase();
        if line.starts_with("OK") {
            if !offers {
                return Err(declined("STARTTLS is not offered"));
            }
            talk.say_line("STARTTLS").await?;
            let line = talk.line().await?;
            return if line.to_uppercase().starts_with("OK") {
                Ok(Some(signs_in))
            } else {
                Err(declined(&line))
            };
        }
        if !line.starts_with('"') {
            return Err(if line.starts_with("NO") || line.starts_with("BYE") {
                declined(&line)
            } else {
                foreign(&line)
            });
        }
        offers |= line.starts_with("\"STARTTLS\"");
        signs_in |= line.starts_with("\"SASL\"") && !line.trim_end().ends_with("\"\"");
    }
    Err(foreign("a greeting without an end"))
}

/// XMPP: whether sign-in is possible before TLS.
pub(super) async fn xmpp<S: AsyncRead + AsyncWrite + Unpin>(
    talk: &mut Talk<'_, S>,
    space: &str,
    name: &str,
) -> Result<Option<bool>, NoStart> {
    let to: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || ".-_".contains(*c)).collect();
    talk.say(
        format!(
            "<?xml version='1.0'?><stream:stream xmlns='{space}' xmlns:stream='http://etherx.jabber.org/streams' \
             to='{to}' version='1.0'>"
        )
        .as_bytes(),
    )
    .await?;
    let features = talk
        .until(&["</stream:features>", "<stream:features/>", "</stream:error>", "</stream:stream>"])
        .await?;
    if !features.contains("<stream:stream") && !features.contains("<?xml") {
        return Err(foreign(&features));
    }
    if !features.contains("<starttls") {
        return Err(declined("STARTTLS is not offered"));
    }
    talk.say(b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>").await?;
    let answer = talk.until(&["/>", "</proceed>", "</failure>", "</stream:error>"]).await?;
    if !answer.contains("<proceed") {
        return Err(declined(&answer));
    }
    Ok(Some(!features.contains("<required") && features.contains("<mechanism>")))
}
