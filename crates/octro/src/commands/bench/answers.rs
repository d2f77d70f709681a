//! Something that answers like AWS, fast: it asks what really speaks like AWS once, keeps the answer, and gives it again
//! from memory. For buckets there are as many as are wanted: those beyond the recorded ones answer as the recorded one
//! whose number is the same but for the thousands. It also has one queue, and counts what it is asked.

use std::collections::{HashMap, VecDeque};
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use serde_json::{Value, json};

/// What the names of buckets begin with, and how many digits follow.
pub const BUCKET: &str = "bench-";
const DIGITS: usize = 7;
/// How many buckets are recorded.
pub const RECORDED: u32 = 1_000;
/// Buckets on one page.
const PAGE: u32 = 1_000;
/// The largest request and answer.
const SIZE_MAX: usize = 16 << 20;

struct Answers {
    upstream: String,
    buckets: AtomicU32,
    kept: Mutex<HashMap<String, Arc<Vec<u8>>>>,
    /// Buckets that answer as another one from now on.
    changed: Mutex<HashMap<u32, u32>>,
    queue: Mutex<VecDeque<String>>,
    came: Condvar,
    asked: AtomicU64,
}

fn locked<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Answers until the process ends; the address stands on the first line of standard output.
pub fn serve(upstream: &str) -> anyhow::Result<()> {
    let upstream =
        upstream.strip_prefix("http://").context("an address that begins with http://")?.to_owned();
    let listener = TcpListener::bind("127.0.0.1:0")?;
    crate::output::text(&format!("http://{}\n", listener.local_addr()?))?;
    let answers = Arc::new(Answers {
        upstream,
        buckets: AtomicU32::new(0),
        kept: Mutex::default(),
        changed: Mutex::default(),
        queue: Mutex::default(),
        came: Condvar::new(),
        asked: AtomicU64::new(0),
    });
    for stream in listener.incoming().flatten() {
        let answers = answers.clone();
        std::thread::spawn(move || {
            // Whoever asks may go away.
            let _ = answers.talk(&stream);
        });
    }
    Ok(())
}

/// A request, as far as it matters.
struct Asked {
    /// The first line and the head.
    head: Vec<String>,
    body: Vec<u8>,
}

impl Asked {
    fn read(from: &mut BufReader<&TcpStream>) -> anyhow::Result<Option<Self>> {
        let mut head = Vec::new();
        loop {
            let mut line = String::new();
            if from.by_ref().take(64 * 1_024).read_line(&mut line)? == 0 {
                return Ok(None);
            }
            let line = line.trim_end();
            if line.is_empty() {
                break;
            }
            head.push(line.to_owned());
        }
        let asked = Self { head, body: Vec::new() };
        let length: usize = asked.header("content-length").parse().unwrap_or(0);
        anyhow::ensure!(length <= SIZE_MAX, "a request of {length} bytes");
        let mut body = vec![0; length];
        from.read_exact(&mut body)?;
        Ok(Some(Self { body, ..asked }))
    }

    fn header(&self, name: &str) -> &str {
        let of = |line: &'_ String| {
            line.split_once(':').filter(|(found, _)| found.eq_ignore_ascii_case(name)).is_some()
        };
        let line = self.head.iter().skip(1).find(|line| of(line));
        line.and_then(|line| line.split_once(':')).map_or("", |(_, value)| value.trim())
    }

    /// The method and what is asked for.
    fn line(&self) -> (&str, &str) {
        let mut words = self.head.first().map_or("", String::as_str).split(' ');
        (words.next().unwrap_or_default(), words.next().unwrap_or_default())
    }

    /// What tells this request from others: not its date and signature.
    fn name(&self, target: &str) -> String {
        // `Credential=AKID/20260921/eu-central-1/rds/aws4_request`
        let scope: Vec<&str> = self.header("authorization").split('/').skip(2).take(2).collect();
        let body = String::from_utf8_lossy(&self.body);
        format!("{} {target} {} {} {body}", self.line().0, scope.join("/"), self.header("x-amz-target"))
    }
}

impl Answers {
    fn talk(&self, stream: &TcpStream) -> anyhow::Result<()> {
        stream.set_nodelay(true)?;
        let mut from = BufReader::new(stream);
        let mut to = stream;
        while let Some(asked) = Asked::read(&mut from)? {
            let target = asked.line().1;
            if let Some(rest) = target.strip_prefix("/-/") {
                to.write_all(&self.steered(rest, &asked.body))?;
                continue;
            }
            self.asked.fetch_add(1, Ordering::Relaxed);
            to.write_all(&self.answer(&asked)?)?;
        }
        Ok(())
    }

    fn answer(&self, asked: &Asked) -> anyhow::Result<Vec<u8>> {
        if let Some(answer) = self.of_queue(asked) {
            return Ok(answer);
        }
        let (method, target) = asked.line();
        let buckets = self.buckets.load(Ordering::Relaxed);
        if buckets > 0 && method == "GET" && target.starts_with("/?max-buckets=") {
            return Ok(respond("application/xml", &page(target, buckets)));
        }
        let Some((number, at)) = number(target).filter(|_| buckets > 0) else {
            return Ok(self.recorded(asked, target)?.to_vec());
        };
        let stands_for = locked(&self.changed).get(&number).copied().unwrap_or(number % RECORDED);
        let other = format!("{BUCKET}{stands_for:0DIGITS$}");
        let own = target.get(at..at + other.len()).unwrap_or_default().to_owned();
        let kept = self.recorded(asked, &target.replace(&own, &other))?;
        let mut answer = kept.to_vec();
        if own != other {
            replace(&mut answer, other.as_bytes(), own.as_bytes());
        }
        Ok(answer)
    }

    /// The answer that was given to such a request, asked for if there was none.
    fn recorded(&self, asked: &Asked, target: &str) -> anyhow::Result<Arc<Vec<u8>>> {
        let name = asked.name(target);
        if let Some(kept) = locked(&self.kept).get(&name) {
            return Ok(kept.clone());
        }
        let answer = Arc::new(self.ask(asked, target)?);
        locked(&self.kept).insert(name, answer.clone());
        Ok(answer)
    }

    fn ask(&self, asked: &Asked, target: &str) -> anyhow::Result<Vec<u8>> {
        let mut upstream = TcpStream::connect(&self.upstream).with_context(|| self.upstream.clone())?;
        let mut head = format!("{} {target} HTTP/1.1\r\n", asked.line().0);
        for line in
            asked.head.iter().skip(1).filter(|line| !line.to_ascii_lowercase().starts_with("connection:"))
        {
            write!(head, "{line}\r\n")?;
        }
        upstream.write_all(format!("{head}Connection: close\r\n\r\n").as_bytes())?;
        upstream.write_all(&asked.body)?;
        let mut text = Vec::new();
        upstream.take(SIZE_MAX as u64).read_to_end(&mut text)?;
        let end = text.windows(4).position(|four| four == b"\r\n\r\n").context("an answer without a head")?;
        let (head, body) = text.split_at(end + 4);
        let head = String::from_utf8_lossy(head);
        let mut answer = String::new();
        let hop = ["connection:", "content-length:", "transfer-encoding:", "date:", "server:"];
        for line in head.trim_end().split("\r\n") {
            if !hop.iter().any(|name| line.to_ascii_lowercase().starts_with(name)) {
                write!(answer, "{line}\r\n")?;
            }
        }
        let body = if head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
            whole(body).context("an answer in parts that do not fit")?
        } else {
            body.to_vec()
        };
        write!(answer, "Content-Length: {}\r\n\r\n", body.len())?;
        let mut answer = answer.into_bytes();
        answer.extend(body);
        Ok(answer)
    }

    /// What the queue answers.
    fn of_queue(&self, asked: &Asked) -> Option<Vec<u8>> {
        let (_, action) = asked.header("x-amz-target").split_once("AmazonSQS.")?;
        let answer = match action {
            "ReceiveMessage" => {
                let input: Value = serde_json::from_slice(&asked.body).unwrap_or_default();
                let wait = input.get("WaitTimeSeconds").and_then(Value::as_u64).unwrap_or(0).min(20);
                let queue = locked(&self.queue);
                let waited =
                    self.came.wait_timeout_while(queue, Duration::from_secs(wait), |queue| queue.is_empty());
                let (mut queue, _) = waited.unwrap_or_else(PoisonError::into_inner);
                let count = queue.len().min(10);
                let messages: Vec<Value> =
                    queue.drain(..count).map(|body| json!({"Body": body, "ReceiptHandle": "r"})).collect();
                json!({ "Messages": messages })
            }
            "DeleteMessageBatch" => json!({ "Successful": [], "Failed": [] }),
            _ => return None,
        };
        Some(respond("application/x-amz-json-1.0", &answer.to_string()))
    }

    /// What the benchmark itself asks for: how many requests there were, a bucket that changes, an event.
    fn steered(&self, what: &str, body: &[u8]) -> Vec<u8> {
        match what {
            "change" => {
                let change: Value = serde_json::from_slice(body).unwrap_or_default();
                let of =
                    |name: &str| change.get(name).and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok());
                if let (Some(bucket), Some(like)) = (of("bucket"), of("as")) {
                    locked(&self.changed).insert(bucket, like);
                }
            }
            "buckets" => {
                let count = String::from_utf8_lossy(body).parse().unwrap_or(0);
                self.buckets.store(count, Ordering::Relaxed);
            }
            "event" => {
                locked(&self.queue).push_back(String::from_utf8_lossy(body).into_owned());
                self.came.notify_all();
            }
            _ => {}
        }
        respond("text/plain", &self.asked.load(Ordering::Relaxed).to_string())
    }
}

/// One page of the list of buckets.
fn page(target: &str, buckets: u32) -> String {
    let first: u32 = target
        .split("continuation-token=")
        .nth(1)
        .and_then(|rest| rest.split('&').next()?.parse().ok())
        .unwrap_or(0);
    let (first, last) = match target.split("prefix=").nth(1).and_then(|rest| number(rest.split('&').next()?))
    {
        Some((number, _)) => (number.min(buckets), (number + 1).min(buckets)),
        None => (first, (first + PAGE).min(buckets)),
    };
    let mut text = "<ListAllMyBucketsResult><Buckets>".to_owned();
    for number in first..last {
        // A text grows without failing.
        let _ = write!(
            text,
            "<Bucket><Name>{BUCKET}{number:0DIGITS$}</Name><CreationDate>2026-03-03T01:02:03.000Z</CreationDate>\
             <BucketRegion>us-east-1</BucketRegion></Bucket>"
        );
    }
    text.push_str("</Buckets>");
    if last < buckets && !target.contains("prefix=") {
        let _ = write!(text, "<ContinuationToken>{last}</ContinuationToken>");
    }
    text + "</ListAllMyBucketsResult>"
}

/// The number of the bucket that a text names, and where.
fn number(text: &str) -> Option<(u32, usize)> {
    let at = text.find(BUCKET)?;
    let digits = text.get(at + BUCKET.len()..at + BUCKET.len() + DIGITS)?;
    Some((digits.parse().ok()?, at))
}

fn respond(kind: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
        .into_bytes()
}

/// A body that came in parts, put together.
fn whole(mut parts: &[u8]) -> Option<Vec<u8>> {
    let mut all = Vec::new();
    loop {
        let end = parts.windows(2).position(|two| two == b"\r\n")?;
        let length = std::str::from_utf8(parts.get(..end)?).ok()?.split(';').next()?;
        let length = usize::from_str_radix(length.trim(), 16).ok()?;
        if length == 0 {
            return Some(all);
        }
        all.extend_from_slice(parts.get(end + 2..end + 2 + length)?);
        parts = parts.get(end + 4 + length..)?;
    }
}

/// Writes one name for another of the same length.
fn replace(text: &mut [u8], from: &[u8], to: &[u8]) {
    let mut at = 0;
    while let Some(rest) = text.get_mut(at..) {
        let Some(found) = rest.windows(from.len()).position(|part| part == from) else { return };
        if let Some(part) = rest.get_mut(found..found + from.len()) {
            part.copy_from_slice(to);
        }
        at += found + from.len();
    }
}
