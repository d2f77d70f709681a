//! AWS looked at and judged: against what speaks like AWS, and against the same answers from memory, for as many buckets
//! as are wanted; and one bucket that changes among them, from the event to the new status.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;
use octro_connectors::{Run, Source, Stopped};
use octro_engine::{Engine, Lease, Once, Query, SourceInfo};
use octro_model::{Clock, Id, Observation, Span, Status, SystemClock};
use octro_program::Program;
use octro_server::{Folder, Rules};
use octro_store::Db;
use serde_json::{Value, json};

use super::answers::{BUCKET, RECORDED};
use super::measure::{Figures, cpu_of_all, instant, median, memory};
use crate::commands::program;

/// How many calls at once, and the queue's address.
const CONNECTIONS: u32 = 32;
const QUEUE: &str = "https://sqs.us-east-1.amazonaws.com/123456789012/changes";
/// The account that the answers are about, and the test that a change turns.
const ACCOUNT: &str = "123456789012";
const TEST: &str = "aws.s3.bucket.public_access_blocked";
/// How many changes are measured.
const CHANGES: u32 = 20;
/// How long one look may take.
const LONG: Span = Span::from_secs(2 * 3_600);

/// What is measured.
#[derive(Debug)]
pub struct Look {
    /// What speaks like AWS.
    pub upstream: String,
    /// How many buckets there are; 0 for those that it has.
    pub buckets: u32,
    /// Only these kinds.
    pub kinds: Vec<String>,
    /// One bucket changes.
    pub change: bool,
}

/// The answers from memory, in a process of their own: their CPU time and memory are not ours.
struct Answers {
    child: Child,
    url: String,
}

impl Answers {
    fn start(look: &Look) -> anyhow::Result<Self> {
        let mut child = Command::new(std::env::current_exe().context("this program's own path")?)
            .args(["bench", "aws-answers", "--upstream", &look.upstream])
            .stdout(Stdio::piped())
            .spawn()
            .context("the answers")?;
        let mut url = String::new();
        if let Some(out) = child.stdout.take() {
            BufReader::new(out).read_line(&mut url)?;
        }
        let url = url.trim().to_owned();
        anyhow::ensure!(!url.is_empty(), "the answers did not begin");
        Ok(Self { child, url })
    }

    /// Tells the answers something; they say how many requests they had so far.
    fn tell(&self, what: &str, body: &str) -> anyhow::Result<u64> {
        let mut stream = TcpStream::connect(self.url.trim_start_matches("http://"))?;
        let head = format!("POST /-/{what} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", body.len());
        stream.write_all(format!("{head}{body}").as_bytes())?;
        stream.shutdown(std::net::Shutdown::Write)?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        text.rsplit("\r\n").next().and_then(|count| count.parse().ok()).context("the number of requests")
    }

    fn asked(&self) -> anyhow::Result<u64> {
        self.tell("count", "")
    }
}

impl Drop for Answers {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn open(look: &Look, url: &str) -> anyhow::Result<Box<dyn Source>> {
    let mut settings = json!({
        "endpoint": url, "regions": ["us-east-1"], "other_regions": "unused", "connections": CONNECTIONS,
        "kinds": look.kinds,
    });
    if let (true, Some(settings)) = (look.change, settings.as_object_mut()) {
        settings.insert("changes".to_owned(), QUEUE.into());
    }
    let connector =
        octro_connectors::ALL.iter().find(|one| one.name() == "aws").context("the connector `aws`")?;
    Ok(connector.open(settings.as_object().context("settings")?)?)
}

pub fn run(look: &Look) -> anyhow::Result<Figures> {
    let mut figures = Figures::new("aws", look.buckets);
    let answers = Answers::start(look)?;
    let program = Arc::new(program::load(&Rules::new(None).files()?)?);
    // The first look asks the upstream; what it says is kept.
    answers.tell("buckets", &look.buckets.min(RECORDED).to_string())?;
    once(&mut figures, "from upstream", look, &answers, &program)?;
    answers.tell("buckets", &look.buckets.to_string())?;
    once(&mut figures, "from memory", look, &answers, &program)?;
    if look.change {
        super::super::block_on(change(&mut figures, look, &answers))?;
    }
    Ok(figures)
}

/// Looks and judges once.
fn once(
    figures: &mut Figures,
    what: &str,
    look: &Look,
    answers: &Answers,
    program: &Arc<Program>,
) -> anyhow::Result<()> {
    let source = open(look, &answers.url)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let mut once = Once::new(program.clone(), clock.clone());
    let id: Id = "bench".parse()?;
    once.declare(SourceInfo {
        id: id.clone(),
        connector: "aws".to_owned(),
        every: Span::HOUR,
        kinds: source.kinds(),
    });
    let (begun, cpu, asked) = (instant(), cpu_of_all(), answers.asked()?);
    let mut resources = 0_u64;
    let mut failed = None;
    let mut deliver = |batch: Vec<Observation>| -> Result<(), Stopped> {
        resources += batch.len() as u64;
        once.observe(&id, batch).map_err(|error| {
            failed = Some(error);
            Stopped
        })
    };
    let deadline = clock.now().plus(LONG);
    let mut run = Run::new(id.clone(), source.kinds(), clock.as_ref(), deadline, &mut deliver);
    source.collect(&mut run);
    let report = run.finish();
    if let Some(error) = failed {
        return Err(error.into());
    }
    let gaps = report.scopes.iter().filter(|scope| !scope.complete).count();
    once.finish(report)?;
    let (wall, cpu) = (begun.elapsed(), cpu_of_all() - cpu);
    let asked = answers.asked()? - asked;
    let passes = once.count(Status::Pass);
    figures.add(format!("{what}: resources"), resources as f64, "");
    figures.add(format!("{what}: passing verdicts"), passes as f64, "");
    figures.add(format!("{what}: scopes not complete"), gaps as f64, "");
    figures.add(format!("{what}: wall"), wall.as_secs_f64(), "s");
    figures.add(format!("{what}: CPU"), cpu.as_secs_f64(), "s");
    figures.add(format!("{what}: requests"), asked as f64, "");
    figures.add(format!("{what}: requests a resource"), asked as f64 / resources as f64, "");
    Ok(())
}

/// An engine with everything stored, whose source is followed while buckets change.
async fn change(figures: &mut Figures, look: &Look, answers: &Answers) -> anyhow::Result<()> {
    let path = std::env::temp_dir().join(format!("octro-bench-aws-{}", std::process::id()));
    let folder = Folder::open(&path)?;
    let db = Db::open(&Folder::database(folder.path())).await?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let engine = Arc::new(Engine::open(db.clone(), clock.clone(), Lease::alone()).await?);
    engine.install(&Rules::new(None).files()?).await?;
    let source: Arc<dyn Source> = open(look, &answers.url)?.into();
    let id: Id = "bench".parse()?;
    let info =
        SourceInfo { id: id.clone(), connector: "aws".to_owned(), every: Span::HOUR, kinds: source.kinds() };
    engine.declare(info).await?;
    let stop: Arc<AtomicBool> = Arc::default();
    let begun = instant();
    pass(&engine, &source, &clock, &id, false, &stop).await?;
    figures.add("stored and judged durably: wall", begun.elapsed().as_secs_f64(), "s");
    let following = {
        let (engine, source, clock, id, stop) =
            (engine.clone(), source.clone(), clock.clone(), id.clone(), stop.clone());
        tokio::spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                pass(&engine, &source, &clock, &id, true, &stop).await?;
            }
            anyhow::Ok(())
        })
    };
    let query = Query::new(db.clone(), clock.clone());
    let (mut waits, mut requests) = (Vec::new(), Vec::new());
    for number in 0..CHANGES {
        // Of the recorded ones, bucket 3k has no public access block, and bucket 3k + 1 has one.
        let bucket = look.buckets / 2 / RECORDED * RECORDED + number * 3;
        let like = number * 3 + 1;
        let key = format!("arn:aws:s3:::{BUCKET}{bucket:07}");
        let before = answers.tell("change", &json!({ "bucket": bucket, "as": like }).to_string())?;
        anyhow::ensure!(
            status(&query, &key).await? == Some(Status::Fail),
            "{key} does not fail before it changes"
        );
        let begun = instant();
        answers.tell("event", &event(bucket, clock.as_ref()).to_string())?;
        while status(&query, &key).await? != Some(Status::Pass) {
            anyhow::ensure!(begun.elapsed().as_secs() < 30, "{key} did not change");
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
        waits.push(begun.elapsed().as_secs_f64() * 1e3);
        // The message is taken out, and the next question waits.
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        requests.push((answers.asked()? - before) as f64);
    }
    stop.store(true, Ordering::Relaxed);
    following.await??;
    figures.add("event to new status, longest", waits.iter().copied().fold(0.0, f64::max), "ms");
    figures.add("event to new status, median", median(waits), "ms");
    figures.add("requests a change, most", requests.iter().copied().fold(0.0, f64::max), "");
    figures.add("memory with everything stored", memory("VmRSS:") / 1e6, "MB");
    db.close().await;
    std::fs::remove_dir_all(path)?;
    Ok(())
}

/// The verdict on a bucket.
async fn status(query: &Query, key: &str) -> anyhow::Result<Option<Status>> {
    Ok(query.why(TEST, "aws.s3.bucket", key, query.now()).await?.status)
}

fn event(bucket: u32, clock: &dyn Clock) -> Value {
    json!({"detail-type": "AWS API Call via CloudTrail", "source": "aws.s3", "account": ACCOUNT, "detail": {
        "eventSource": "s3.amazonaws.com", "eventName": "PutBucketPublicAccessBlock", "readOnly": false,
        "eventID": format!("bench-{bucket}"), "eventTime": clock.now().to_string(), "awsRegion": "us-east-1",
        "recipientAccountId": ACCOUNT, "requestParameters": {"bucketName": format!("{BUCKET}{bucket:07}")},
    }})
}

/// One run of the source into the engine: of everything, or of what changed.
async fn pass(
    engine: &Arc<Engine>,
    source: &Arc<dyn Source>,
    clock: &Arc<dyn Clock>,
    id: &Id,
    follow: bool,
    stop: &Arc<AtomicBool>,
) -> anyhow::Result<()> {
    let collecting = engine.begin(id).await?;
    let (to, into, source, clock, id) =
        (engine.clone(), collecting.clone(), source.clone(), clock.clone(), id.clone());
    let (handle, stop) = (tokio::runtime::Handle::current(), stop.clone());
    let report = tokio::task::spawn_blocking(move || {
        let mut deliver = |batch: Vec<Observation>| {
            // The connector calls this from inside of a runtime of its own.
            let (to, into, (done, stored)) = (to.clone(), into.clone(), std::sync::mpsc::sync_channel(1));
            handle.spawn(async move { done.send(to.observe(&into, batch).await.is_ok()) });
            if stored.recv().unwrap_or(false) { Ok(()) } else { Err(Stopped) }
        };
        let kinds = if follow { Vec::new() } else { source.kinds() };
        let mut run =
            Run::new(id, kinds, clock.as_ref(), clock.now().plus(LONG), &mut deliver).stopped_by(stop);
        if follow {
            source.follow(&mut run)
        } else {
            source.collect(&mut run)
        }
        run.finish()
    })
    .await?;
    engine.finish(&collecting, report).await?;
    Ok(())
}
