//! The `octro` binary under test: folders, programs and scripts for it, and the running process. Everything that is
//! started is ended, and everything that is made is removed, when its value is dropped.

#![expect(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "every test file takes from here what it needs; a test says what it expects and waits in real time"
)]

pub mod answers;
pub mod postgres;

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use octro_testkit::ProgramBuilder;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// What ends too late is a failure.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A folder with settings and a program, in which `octro` is started.
pub struct Place {
    dir: TempDir,
    /// The embedded database's folder.
    pub data: PathBuf,
    /// `--database`, if it is not the embedded one.
    pub database: Option<String>,
}

/// What a command that ended said.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

/// The kind `thing`, two tests on it, and two controls.
pub fn program() -> ProgramBuilder {
    let examples = "[[examples]]\nname = \"good\"\ngiven = { good = true }\nexpect = \"pass\"\n\
        [[examples]]\nname = \"bad\"\ngiven = { good = false }\nexpect = \"fail\"\n\
        [[examples]]\nname = \"unseen\"\ngiven = {}\nexpect = \"unknown\"\n";
    let test = |of: &str| {
        format!(
            "rev = 1\nseverity = \"high\"\non = \"thing\"\npass = \"resource.{of}\"\nmessage = \"it is not {of}\"\n\
             max_age = \"1h\"\n{}",
            examples.replace("good =", &format!("{of} ="))
        )
    };
    ProgramBuilder::new()
        .kind("thing", 1, &[("good", "bool", ""), ("kept", "bool", ""), ("round", "int", "")])
        .test("thing.good", &test("good"))
        .test("thing.kept", &test("kept"))
        .control("T-01", &["thing.good"])
        .control("T-02", &["thing.kept"])
}

/// A script that prints `count` things, each run in another way; `seed` says in which. It is complete.
pub fn changing(count: u32, seed: u64) -> String {
    format!(
        "round=$(date +%s%N | cut -c6-15)\nawk -v n={count} -v r=\"$round\" -v s={seed} 'BEGIN {{\n srand(r + s);\n \
         for (i = 0; i < n; i++) printf \"{{\\\"kind\\\":\\\"thing\\\",\\\"key\\\":\\\"t%d\\\",\\\"attributes\\\":\
         {{\\\"good\\\":%s,\\\"kept\\\":true,\\\"round\\\":%d}}}}\\n\", i, rand() < 0.9 ? \"true\" : \"false\", \
         rand() < 0.5 ? 0 : r;\n \
         print \"{{\\\"scope\\\":{{\\\"kind\\\":\\\"thing\\\",\\\"complete\\\":true}}}}\" }}'\n"
    )
}

impl Place {
    /// With the program of [`program`] and no sources.
    pub fn new() -> Self {
        let dir = TempDir::with_prefix("octro-test-").unwrap();
        program().files().write(&dir.path().join("program")).unwrap();
        let data = dir.path().join("data");
        let place = Self { dir, data, database: None };
        place.settings("");
        place
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Writes `octro.toml`: the program's folder, and `more`.
    pub fn settings(&self, more: &str) {
        std::fs::write(self.dir.path().join("octro.toml"), format!("program = 'program'\n{more}")).unwrap();
    }

    /// Writes a script and answers the text of an `exec` source that runs it.
    pub fn source(&self, id: &str, every: &str, script: &str) -> String {
        let path = self.dir.path().join(format!("{id}.sh"));
        std::fs::write(&path, format!("#!/bin/sh\n{script}")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        format!(
            "[[source]]\nid = '{id}'\ntype = 'exec'\nevery = '{every}'\ncommand = ['{}']\nkinds = ['thing']\n",
            path.display()
        )
    }

    pub fn file(&self) -> PathBuf {
        self.data.join("octro.db")
    }

    /// The binary with these arguments, in this place and nothing of the caller's environment that it listens to.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_octro"));
        command.current_dir(self.dir.path()).args(args).arg("--data").arg(&self.data);
        for name in ["OCTRO_CONFIG", "OCTRO_DATA", "OCTRO_DATABASE", "OCTRO_PROGRAM", "OCTRO_LOG"] {
            command.env_remove(name);
        }
        if let Some(database) = &self.database {
            command.arg("--database").arg(database);
        }
        command.stdin(Stdio::null());
        command
    }

    /// Runs the binary to its end.
    pub fn run(&self, args: &[&str]) -> Ran {
        let mut child = self.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (out, err) = (gather(child.stdout.take().unwrap()), gather(child.stderr.take().unwrap()));
        let code = end(&mut child, &args.join(" "));
        let take = |text: Gathered| text.1.join().map(|()| text.0.lock().unwrap().clone()).unwrap();
        let ran = Ran { code, out: take(out), err: take(err) };
        assert!(ran.code != Some(101) && !ran.err.contains("panicked"), "{args:?}: {ran:?}");
        ran
    }

    /// Replays: everything that is stored has to follow from the facts.
    pub fn replay(&self) {
        let ran = self.run(&["replay"]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert!(ran.err.contains("all agree"), "{ran:?}");
    }

    /// Starts `octro up` and waits until it says where it is.
    pub fn up(&self) -> Up {
        self.up_with(&[])
    }

    /// The same, with more on the command line.
    pub fn up_with(&self, more: &[&str]) -> Up {
        let mut args = vec!["up", "--listen", "127.0.0.1:0"];
        args.extend(more);
        Up::start(self.command(&args))
    }
}

type Gathered = (Arc<Mutex<String>>, std::thread::JoinHandle<()>);

/// Reads a pipe to its end, on a thread of its own.
fn gather(pipe: impl std::io::Read + Send + 'static) -> Gathered {
    let text = Arc::new(Mutex::new(String::new()));
    let to = text.clone();
    let thread = std::thread::spawn(move || {
        for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
            let _ = writeln!(to.lock().unwrap(), "{}", String::from_utf8_lossy(&line));
        }
    });
    (text, thread)
}

/// Waits for the end of a process.
fn end(child: &mut Child, what: &str) -> Option<i32> {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let _ = child.kill();
    let _ = child.wait();
    panic!("`{what}` does not end")
}

/// Waits until `is` says so.
pub fn until(what: &str, mut is: impl FnMut() -> bool) -> Duration {
    let begun = Instant::now();
    while !is() {
        assert!(begun.elapsed() < PATIENCE, "{what}: it did not come to that");
        std::thread::sleep(Duration::from_millis(50));
    }
    begun.elapsed()
}

/// A running `octro up`.
pub struct Up {
    child: Child,
    pub address: SocketAddr,
    log: Arc<Mutex<String>>,
}

impl Up {
    pub fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (log, _) = gather(child.stderr.take().unwrap());
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port =
            line.trim().trim_end_matches('/').rsplit(':').next().and_then(|port| port.parse::<u16>().ok());
        let Some(port) = port else {
            let code = end(&mut child, "octro up");
            panic!("`octro up` ended with {code:?} and said {line:?}: {}", log.lock().unwrap())
        };
        Self { child, address: SocketAddr::from(([127, 0, 0, 1], port)), log }
    }

    /// What it said on stderr.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_raw(self.child.id().cast_signed()).unwrap(), signal).unwrap();
    }

    /// `kill -9`.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Stops it as an operator would; it has to end well.
    pub fn stop(mut self) -> String {
        self.signal(Signal::TERM);
        let code = end(&mut self.child, "octro up");
        assert_eq!(code, Some(0), "{}", self.log());
        assert!(!self.log().contains("panicked"), "{}", self.log());
        self.log()
    }

    /// Waits until it ends by itself; answers its exit code.
    pub fn ended(mut self) -> (Option<i32>, String) {
        let code = end(&mut self.child, "octro up");
        (code, self.log())
    }

    /// Whether it still runs.
    pub fn runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Status and body of a page; `None` if it does not answer.
    pub fn get(&self, path: &str) -> Option<(u16, String)> {
        let mut stream = TcpStream::connect_timeout(&self.address, Duration::from_secs(5)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.address).ok()?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).ok()?;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let status = answer.split(' ').nth(1)?.parse().ok()?;
        Some((status, unchunked(answer.split_once("\r\n\r\n")?)))
    }

    /// What the API answers below `/api/v1`, if it answers well.
    pub fn api(&self, path: &str) -> Option<Value> {
        let (status, body) = self.get(&format!("/api/v1{path}"))?;
        (status == 200)
            .then(|| serde_json::from_str(&body).unwrap_or_else(|error| panic!("{path}: {error}: {body}")))
    }

    /// The status of each control, as `T-01 pass T-02 unknown`; empty if there is no answer.
    pub fn statuses(&self) -> String {
        let Some(answer) = self.api("/controls") else { return String::new() };
        let rows = answer["rows"].as_array().expect("rows").iter();
        rows.map(|row| format!("{} {}", row["id"].as_str().unwrap(), row["status"].as_str().unwrap()))
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// Waits until a complete run of a source is stored that was not before.
    pub fn goes_on(&self, source: &str) {
        let (begun, before) = (Instant::now(), self.last_run(source));
        loop {
            let now = self.last_run(source);
            if now > before && now.is_some_and(|(_, complete)| complete) {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "`{source}` does not go on: {}", self.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// When the last run of a source ended, and whether it is complete.
    pub fn last_run(&self, source: &str) -> Option<(String, bool)> {
        let run = self.api(&format!("/sources/{source}"))?["runs"].as_array()?.first()?.clone();
        Some((run["finished_at"].as_str()?.to_owned(), run["complete"].as_bool()?))
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn unchunked((head, body): (&str, &str)) -> String {
    if !head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
        return body.to_owned();
    }
    let (mut whole, mut rest) = (String::new(), body);
    while let Some((size, more)) = rest.split_once("\r\n") {
        let Some(size) = usize::from_str_radix(size.trim(), 16).ok().filter(|size| *size > 0) else { break };
        let Some((chunk, more)) = more.split_at_checked(size) else { break };
        whole.push_str(chunk);
        rest = more.trim_start_matches("\r\n");
    }
    whole
}
