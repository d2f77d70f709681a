//! Servers that nginx cannot play: old and broken stacks, middleboxes, talks before TLS, and hostile ones.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

/// Serves every connection on a thread; answers the port and how many connections came.
pub fn serve(answer: impl Fn(TcpStream) + Send + Sync + 'static) -> (u16, Arc<AtomicU32>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (count, answer) = (Arc::new(AtomicU32::new(0)), Arc::new(answer));
    let seen = count.clone();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            seen.fetch_add(1, Ordering::Relaxed);
            let answer = answer.clone();
            thread::spawn(move || answer(stream));
        }
    });
    (port, count)
}

/// A client hello, as far as a fake needs it.
pub struct Heard {
    pub version: u16,
    pub suites: Vec<u16>,
    pub groups: Vec<u16>,
    pub is_tls13: bool,
    pub has_share: bool,
    pub bytes: Vec<u8>,
}

/// Reads the hello of a connection.
pub fn hear(stream: &mut TcpStream) -> Option<Heard> {
    let mut head = [0; 5];
    stream.read_exact(&mut head).ok()?;
    if head[0] != 22 {
        return None;
    }
    let mut body = vec![0; usize::from(u16::from_be_bytes([head[3], head[4]]))];
    stream.read_exact(&mut body).ok()?;
    let word = |at: usize| u16::from_be_bytes([body[at], body[at + 1]]);
    let mut at = 38;
    at += 1 + usize::from(body[at]);
    let count = usize::from(word(at));
    let suites = (0..count / 2).map(|n| word(at + 2 + 2 * n)).collect();
    at += 2 + count;
    at += 1 + usize::from(body[at]);
    let (mut groups, mut is_tls13, mut has_share) = (Vec::new(), false, false);
    at += 2;
    while at + 4 <= body.len() {
        let (kind, length) = (word(at), usize::from(word(at + 2)));
        match kind {
            10 => groups = (0..(length - 2) / 2).map(|n| word(at + 6 + 2 * n)).collect(),
            43 => is_tls13 = true,
            51 => has_share = length > 2,
            _ => {}
        }
        at += 4 + length;
    }
    let version = word(4);
    Some(Heard { version, suites, groups, is_tls13, has_share, bytes: [head.to_vec(), body].concat() })
}

fn record(kind: u8, version: u16, body: &[u8]) -> Vec<u8> {
    [&[kind], &version.to_be_bytes()[..], &(body.len() as u16).to_be_bytes()[..], body].concat()
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind], &(body.len() as u32).to_be_bytes()[1..], body].concat()
}

/// A server hello.
pub fn server_hello(version: u16, suite: u16, compression: u8, extensions: &[u8]) -> Vec<u8> {
    let mut body = version.to_be_bytes().to_vec();
    body.extend([9; 32]);
    body.push(0);
    body.extend(suite.to_be_bytes());
    body.push(compression);
    body.extend((extensions.len() as u16).to_be_bytes());
    body.extend(extensions);
    record(22, version.min(0x0303), &message(2, &body))
}

/// A request for another hello, for TLS 1.3 with this group.
pub fn retry(suite: u16, group: u16) -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend([
        0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2,
        0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
    ]);
    body.push(0);
    body.extend(suite.to_be_bytes());
    body.push(0);
    body.extend([0, 12, 0, 43, 0, 2, 3, 4, 0, 51, 0, 2]);
    body.extend(group.to_be_bytes());
    record(22, 0x0303, &message(2, &body))
}

/// The end of a flight.
pub fn done(version: u16) -> Vec<u8> {
    record(22, version, &message(14, &[]))
}

/// A fatal alert.
pub fn alert(code: u8) -> Vec<u8> {
    record(21, 0x0303, &[2, code])
}

/// Says something and waits until the other side ends.
pub fn say(stream: &mut TcpStream, bytes: &[u8]) {
    stream.write_all(bytes).ok();
    stream.shutdown(Shutdown::Write).ok();
    stream.set_read_timeout(Some(Duration::from_secs(2))).ok();
    stream.read_to_end(&mut Vec::new()).ok();
}

/// Ends a connection with a reset: what came is not read.
pub fn reset(stream: TcpStream) {
    thread::sleep(Duration::from_millis(20));
    drop(stream);
}

/// Passes what was heard, and all that follows, to another port.
pub fn pass_on(mut stream: TcpStream, port: u16, heard: &[u8]) {
    let Ok(mut other) = TcpStream::connect(("127.0.0.1", port)) else { return };
    other.write_all(heard).ok();
    let (mut from, mut to) = (stream.try_clone().unwrap(), other.try_clone().unwrap());
    thread::spawn(move || {
        std::io::copy(&mut from, &mut to).ok();
        to.shutdown(Shutdown::Write).ok();
    });
    std::io::copy(&mut other, &mut stream).ok();
    stream.shutdown(Shutdown::Both).ok();
}

/// A service that talks until TLS starts, unless what it hears is of somebody who wants none: then it says `clear`.
pub fn either(
    talk: &'static [&'static [u8]],
    port: u16,
    wants: fn(&[u8]) -> bool,
    clear: &'static [u8],
) -> u16 {
    let answer = move |mut stream: TcpStream| {
        let mut buffer = [0; 2048];
        for (number, line) in talk.iter().enumerate() {
            if number > 0 {
                // MySQL's request for TLS has 36 bytes, and the hello follows at once.
                let count = match stream.read(&mut buffer[..36]) {
                    Ok(count @ 1..) => count,
                    _ => return,
                };
                if wants(&buffer[..count]) {
                    stream.write_all(clear).ok();
                    std::io::copy(&mut stream, &mut std::io::sink()).ok();
                    return;
                }
            }
            stream.write_all(line).ok();
        }
        pass_on(stream, port, b"");
    };
    serve(answer).0
}

/// A service that says each of `lines` after it heard something (the first at once), and then passes on to `port`.
pub fn talk(lines: &'static [&'static [u8]], port: u16) -> u16 {
    let answer = move |mut stream: TcpStream| {
        let mut buffer = [0; 2048];
        for (number, line) in lines.iter().enumerate() {
            // MySQL's request has 36 bytes, and the hello follows without a word in between.
            let has_heard = match (number, line.is_empty()) {
                (0, _) => true,
                (_, true) => stream.read_exact(&mut buffer[..36]).is_ok(),
                (_, false) => matches!(stream.read(&mut buffer), Ok(1..)),
            };
            if !has_heard {
                return;
            }
            stream.write_all(line).ok();
        }
        pass_on(stream, port, b"");
    };
    serve(answer).0
}
