//! Redis's protocol (RESP 2): what is asked, and what is answered, with limits on all of it.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// The longest line, and all texts of one answer together, in bytes.
const LINE_MAX: u64 = 64 << 10;
const TEXTS_MAX: usize = 8 << 20;
/// The most items of all lists of one answer, and how deep lists stand in lists.
const ITEMS_MAX: usize = 100_000;
const DEPTH_MAX: usize = 8;

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reply {
    Text(String),
    Number(i64),
    List(Vec<Self>),
    Nothing,
    /// A refusal: `NOPERM ...`, `NOAUTH ...`, `ERR ...`.
    Refusal(String),
}

impl Reply {
    /// The text that it is.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Number(_) | Self::List(_) | Self::Nothing | Self::Refusal(_) => None,
        }
    }

    /// The texts of a list.
    pub(super) fn texts(&self) -> Option<Vec<&str>> {
        match self {
            Self::List(items) => items.iter().map(Self::text).collect(),
            Self::Text(_) | Self::Number(_) | Self::Nothing | Self::Refusal(_) => None,
        }
    }
}

/// Asks.
pub(super) async fn send(to: &mut (impl AsyncWrite + Unpin), words: &[&str]) -> io::Result<()> {
    let mut message = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        message.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        message.extend_from_slice(word.as_bytes());
        message.extend_from_slice(b"\r\n");
    }
    to.write_all(&message).await?;
    to.flush().await
}

/// Reads one answer.
pub(super) async fn receive(from: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Reply> {
    // Lists that are not complete yet, the innermost last: what they hold, and how much is to come.
    let mut open: Vec<(Vec<Reply>, usize)> = Vec::new();
    let mut items = 0_usize;
    let mut left = TEXTS_MAX;
    loop {
        let line = line(from).await?;
        left = left.checked_sub(line.len()).ok_or_else(|| odd("an answer that is too long"))?;
        let (sort, rest) = line.split_at_checked(1).unwrap_or_default();
        let mut reply = match sort {
            "+" => Reply::Text(rest.to_owned()),
            "-" => Reply::Refusal(rest.to_owned()),
            ":" => Reply::Number(rest.parse().map_err(|_| odd("a number that is none"))?),
            "$" => match length(rest)? {
                None => Reply::Nothing,
                Some(length) if length <= left => {
                    left -= length;
                    let mut bytes = vec![0; length + 2];
                    from.read_exact(&mut bytes).await?;
                    bytes.truncate(length);
                    Reply::Text(String::from_utf8_lossy(&bytes).into_owned())
                }
                Some(_) => return Err(odd("a text that is too long")),
            },
            "*" => match length(rest)? {
                None => Reply::Nothing,
                Some(0) => Reply::List(Vec::new()),
                Some(length) => {
                    items = items.saturating_add(length);
                    if items > ITEMS_MAX || open.len() >= DEPTH_MAX {
                        return Err(odd("a list that is too long or too deep"));
                    }
                    open.push((Vec::new(), length));
                    continue;
                }
            },
            _ => return Err(odd("something that is no answer of Redis")),
        };
        loop {
            let Some((held, more)) = open.last_mut() else { return Ok(reply) };
            held.push(reply);
            *more -= 1;
            if *more > 0 {
                break;
            }
            reply = Reply::List(open.pop().map(|(held, _)| held).unwrap_or_default());
        }
    }
}

fn length(text: &str) -> io::Result<Option<usize>> {
    if text == "-1" { Ok(None) } else { text.parse().map(Some).map_err(|_| odd("a length that is none")) }
}

async fn line(from: &mut (impl AsyncBufRead + Unpin)) -> io::Result<String> {
    let mut bytes = Vec::new();
    (&mut *from).take(LINE_MAX).read_until(b'\n', &mut bytes).await?;
    match bytes.strip_suffix(b"\r\n") {
        Some(line) => Ok(String::from_utf8_lossy(line).into_owned()),
        None if bytes.is_empty() => Err(io::ErrorKind::UnexpectedEof.into()),
        None => Err(odd("a line without an end")),
    }
}

fn odd(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the server sent {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> io::Result<Reply> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(receive(&mut &*bytes))
    }

    #[test]
    fn answers_are_read() {
        assert_eq!(read(b"+PONG\r\n").unwrap(), Reply::Text("PONG".to_owned()));
        assert_eq!(read(b"-NOPERM no\r\n").unwrap(), Reply::Refusal("NOPERM no".to_owned()));
        assert_eq!(read(b"$-1\r\n").unwrap(), Reply::Nothing);
        let nested = read(b"*2\r\n*2\r\n$1\r\na\r\n:5\r\n*0\r\n").unwrap();
        let inner = Reply::List(vec![Reply::Text("a".to_owned()), Reply::Number(5)]);
        assert_eq!(nested, Reply::List(vec![inner, Reply::List(Vec::new())]));
        assert_eq!(read(b"*2\r\n$1\r\na\r\n+b\r\n").unwrap().texts().unwrap(), ["a", "b"]);
    }

    #[test]
    fn hostile_answers_are_errors() {
        let deep = b"*1\r\n".repeat(100);
        // Each of the texts may come, all of them together may not.
        let text = [b"$4194304\r\n".to_vec(), vec![b'x'; 4 << 20], b"\r\n".to_vec()].concat();
        let many = [b"*3\r\n".to_vec(), text.repeat(3)].concat();
        let long = [b"+".to_vec(), vec![b'x'; 1 << 20]].concat();
        for bytes in [
            b"".as_slice(),
            b"HTTP/1.1 400\r\n",
            b"*99999999999\r\n",
            b"*-5\r\n",
            b"$999999999\r\n",
            b"$5\r\nab",
            b":x\r\n",
            b"\r\n",
            b"*3\r\n+a\r\n",
            &deep,
            &long,
            &many,
        ] {
            assert!(read(bytes).is_err(), "{:?}", String::from_utf8_lossy(bytes.get(..20).unwrap_or(bytes)));
        }
    }

    #[test]
    fn broken_answers_end_in_an_answer_or_an_error() {
        let whole = b"*3\r\n$4\r\nuser\r\n*2\r\n:12\r\n$-1\r\n+OK\r\n".to_vec();
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut next = |below: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            usize::try_from(state % below as u64).unwrap_or(0)
        };
        let mut read_whole = 0;
        for _ in 0..20_000 {
            let mut bytes = whole.clone();
            for _ in 0..=next(3) {
                let at = next(bytes.len());
                match next(3) {
                    0 => bytes.truncate(at.max(1)),
                    1 => bytes.insert(at, b"$*:+-0129\r\n\xff"[next(12)]),
                    _ => bytes[at] = b"$*:+-0129\r\n\xff"[next(12)],
                }
            }
            read_whole += usize::from(read(&bytes).is_ok());
        }
        assert!((1..20_000).contains(&read_whole), "{read_whole}");
    }
}
