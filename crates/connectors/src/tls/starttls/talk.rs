//! A talk in clear, line by line or by count, with limits on both.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::NoStart;
use crate::plain::plain;

/// The longest line, in bytes.
const LINE_MAX: usize = 4096;
/// How many bytes a service may say before TLS starts.
const TALK_MAX: usize = 64 << 10;

/// A talk over a stream.
pub(crate) struct Talk<'a, S> {
    stream: &'a mut S,
    pending: Vec<u8>,
    heard: usize,
}

impl<'a, S: AsyncRead + AsyncWrite + Unpin> Talk<'a, S> {
    /// A talk that nothing was said in.
    pub(crate) fn new(stream: &'a mut S) -> Self {
        Self { stream, pending: Vec::new(), heard: 0 }
    }

    /// Says something.
    pub(crate) async fn say(&mut self, bytes: &[u8]) -> Result<(), NoStart> {
        self.stream.write_all(bytes).await.map_err(|_| NoStart::Closed)
    }

    /// Says a line.
    pub(crate) async fn say_line(&mut self, line: &str) -> Result<(), NoStart> {
        self.say(format!("{line}\r\n").as_bytes()).await
    }

    async fn more(&mut self) -> Result<(), NoStart> {
        let mut buffer = [0; 4096];
        let count = self.stream.read(&mut buffer).await.map_err(|_| NoStart::Closed)?;
        self.heard = self.heard.saturating_add(count);
        if count == 0 {
            return Err(NoStart::Closed);
        }
        if self.heard > TALK_MAX {
            return Err(NoStart::Foreign("it talks without an end".to_owned()));
        }
        self.pending.extend(buffer.iter().take(count));
        Ok(())
    }

    /// The next line, without its end.
    pub(crate) async fn line(&mut self) -> Result<String, NoStart> {
        loop {
            if let Some(at) = self.pending.iter().position(|byte| *byte == b'\n') {
                let rest = self.pending.split_off(at + 1);
                let line = std::mem::replace(&mut self.pending, rest);
                return Ok(String::from_utf8_lossy(&line).trim_end().to_owned());
            }
            if self.pending.len() > LINE_MAX {
                return Err(NoStart::Foreign(format!("a line is longer than {LINE_MAX} bytes")));
            }
            self.more().await?;
        }
    }

    /// The next `count` bytes.
    pub(crate) async fn bytes(&mut self, count: usize) -> Result<Vec<u8>, NoStart> {
        if count > TALK_MAX {
            return Err(NoStart::Foreign(format!("it announces {count} bytes")));
        }
        while self.pending.len() < count {
            self.more().await?;
        }
        let rest = self.pending.split_off(count);
        Ok(std::mem::replace(&mut self.pending, rest))
    }

    /// What comes up to the first of these texts, and that.
    pub(crate) async fn until(&mut self, ends: &[&str]) -> Result<String, NoStart> {
        loop {
            let text = String::from_utf8_lossy(&self.pending).into_owned();
            let found = ends.iter().filter_map(|end| text.find(end).map(|at| at + end.len())).min();
            if let Some(at) = found {
                let heard = text.get(..at).unwrap_or_default().to_owned();
                self.pending = text.get(at..).unwrap_or_default().trim_start().as_bytes().to_vec();
                return Ok(heard);
            }
            self.more().await?;
        }
    }

    /// Whether more was said than was asked for.
    pub(crate) const fn has_more(&self) -> bool {
        !self.pending.is_empty()
    }
}

/// A service said no.
pub(super) fn declined(words: &str) -> NoStart {
    NoStart::Declined(plain(words, 120))
}

/// A service said what its protocol does not allow.
pub(super) fn foreign(words: &str) -> NoStart {
    NoStart::Foreign(plain(words, 120))
}
