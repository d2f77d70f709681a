//! Running the few tools whose answer no file holds. A tool is found by an absolute path that only root can change, and
//! runs with an empty environment, a time limit and a limit on its output: what a user has in PATH decides nothing.

use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use octro_model::{UnknownReason, Why};

/// Where tools are looked for, in this order.
const FOLDERS: [&str; 4] = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"];
/// The most that a tool may print, in bytes.
const OUTPUT_MAX: u64 = 8 << 20;
/// How often is asked whether the run is over while a tool is waited for.
const TICK: Duration = Duration::from_millis(100);

/// What a tool answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// Its exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// What it printed.
    pub stdout: String,
    /// What it complained of.
    pub stderr: String,
}

/// Why a tool gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// The machine does not have it.
    #[error("{0} is not installed")]
    Missing(String),
    /// Somebody other than root could have changed it.
    #[error("{0} is not run: it can be changed by others than root")]
    NotTrusted(String),
    /// It took too long and was ended.
    #[error("{0} did not end in {1} s and was stopped")]
    TimedOut(String, u64),
    /// The run was over before it ended.
    #[error("{0} was stopped, and the run with it")]
    Stopped(String),
    /// It could not be started or read.
    #[error("{0}: {1}")]
    Failed(String, String),
}

impl From<CommandError> for UnknownReason {
    fn from(error: CommandError) -> Self {
        let why = match error {
            CommandError::Missing(_) => Why::Unsupported,
            CommandError::TimedOut(..) | CommandError::Stopped(_) => Why::TimedOut,
            CommandError::NotTrusted(_) | CommandError::Failed(..) => Why::Failed,
        };
        Self::new(why, error.to_string())
    }
}

/// Runs tools.
pub trait Commands: Send + Sync {
    /// Runs `program` with `arguments`, and with `environment` beside `LC_ALL=C`. Any exit code is an answer.
    ///
    /// # Errors
    /// Why there is no answer.
    fn run(
        &self,
        program: &str,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> Result<Answer, CommandError>;

    /// The same tools for one run, which end when `stop` is set; `None` if they never take long.
    fn until(&self, _stop: Arc<AtomicBool>) -> Option<Box<dyn Commands>> {
        None
    }
}

/// What a tool printed when it ended well; otherwise why it is unknown. Being refused is told by the tools' own words.
pub(crate) fn output(
    commands: &dyn Commands,
    program: &str,
    arguments: &[&str],
) -> Result<String, UnknownReason> {
    let answer = commands.run(program, arguments, &[])?;
    if answer.code == Some(0) { Ok(answer.stdout) } else { Err(complaint(program, &answer)) }
}

/// Why a tool that ended badly leaves its question open.
pub(crate) fn complaint(program: &str, answer: &Answer) -> UnknownReason {
    let said = if answer.stderr.trim().is_empty() { &answer.stdout } else { &answer.stderr };
    let lower = said.to_ascii_lowercase();
    let refused =
        ["permission denied", "not permitted", "must be root", "you need to be root", "are you root"]
            .iter()
            .any(|words| lower.contains(words));
    let shown: String = said.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(200).collect();
    let code = answer.code.map_or_else(|| "a signal".to_owned(), |code| format!("code {code}"));
    UnknownReason::new(
        if refused { Why::Denied } else { Why::Failed },
        format!("{program} ended with {code}: {shown}"),
    )
}

/// The tools of this machine.
#[derive(Debug, Clone)]
pub struct SystemCommands {
    timeout: Duration,
    stop: Arc<AtomicBool>,
}

impl SystemCommands {
    /// Tools that may take `timeout` each.
    pub fn new(timeout: Duration) -> Self {
        Self { timeout, stop: Arc::default() }
    }
}

impl Commands for SystemCommands {
    fn run(
        &self,
        program: &str,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> Result<Answer, CommandError> {
        let failed = |error: std::io::Error| CommandError::Failed(program.to_owned(), error.to_string());
        let mut child = Command::new(find(program)?)
            .args(arguments)
            .env_clear()
            .env("LC_ALL", "C")
            .env("PATH", FOLDERS.join(":"))
            .envs(environment.iter().copied())
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A group of its own, so that what it starts ends with it.
            .process_group(0)
            .spawn()
            .map_err(failed)?;
        let answered = self.wait(program, &mut child);
        if answered.is_err() {
            end(&mut child);
        }
        answered
    }

    fn until(&self, stop: Arc<AtomicBool>) -> Option<Box<dyn Commands>> {
        Some(Box::new(Self { timeout: self.timeout, stop }))
    }
}

impl SystemCommands {
    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn wait(&self, program: &str, child: &mut Child) -> Result<Answer, CommandError> {
        let (send, receive) = mpsc::channel();
        if let Some(pipe) = child.stdout.take() {
            drain(pipe, true, send.clone());
        }
        if let Some(pipe) = child.stderr.take() {
            drain(pipe, false, send);
        }
        let ends = Deadline::after(self.timeout);
        let late = || CommandError::TimedOut(program.to_owned(), self.timeout.as_secs());
        let mut answer = Answer::default();
        let stopped = || CommandError::Stopped(program.to_owned());
        let mut open = 2;
        while open > 0 {
            let (is_stdout, bytes) = match receive.recv_timeout(ends.left().min(TICK)) {
                Ok(read) => read,
                Err(mpsc::RecvTimeoutError::Timeout) if self.is_stopped() => return Err(stopped()),
                Err(mpsc::RecvTimeoutError::Timeout) if ends.left().is_zero() => return Err(late()),
                Err(mpsc::RecvTimeoutError::Timeout) => continue,
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
            };
            open -= 1;
            if bytes.len() as u64 > OUTPUT_MAX {
                let what = format!("it printed more than {OUTPUT_MAX} bytes");
                return Err(CommandError::Failed(program.to_owned(), what));
            }
            let text = String::from_utf8_lossy(&bytes).into_owned();
            if is_stdout {
                answer.stdout = text;
            } else {
                answer.stderr = text;
            }
        }
        // Its output is closed, so its end is near; a tool that lingers is stopped like a slow one.
        loop {
            match child.try_wait() {
                Ok(Some(status)) => {
                    answer.code = status.code();
                    return Ok(answer);
                }
                Ok(None) if self.is_stopped() => return Err(stopped()),
                Ok(None) if ends.left().is_zero() => return Err(late()),
                Ok(None) => std::thread::sleep(Duration::from_millis(2)),
                Err(error) => return Err(CommandError::Failed(program.to_owned(), error.to_string())),
            }
        }
    }
}

/// A moment on the clock that never goes back.
struct Deadline(std::time::Instant);

#[expect(clippy::disallowed_methods, reason = "a time limit is measured, whatever the time of day is")]
impl Deadline {
    fn after(limit: Duration) -> Self {
        let now = std::time::Instant::now();
        Self(now.checked_add(limit).unwrap_or(now))
    }

    fn left(&self) -> Duration {
        self.0.saturating_duration_since(std::time::Instant::now())
    }
}

fn drain(pipe: impl Read + Send + 'static, is_stdout: bool, send: mpsc::Sender<(bool, Vec<u8>)>) {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // An error in the middle ends the text there; the exit code tells whether that matters.
        let _ = pipe.take(OUTPUT_MAX + 1).read_to_end(&mut bytes);
        // Nobody listens any more once the time is up.
        let _ = send.send((is_stdout, bytes));
    });
}

fn end(child: &mut Child) {
    if let Some(group) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
        // It may have ended by itself in between.
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    let _ = child.wait();
}

fn find(program: &str) -> Result<PathBuf, CommandError> {
    for folder in FOLDERS {
        let named = PathBuf::from(folder).join(program);
        let Ok(real) = named.canonicalize() else { continue };
        let trusted = real.ancestors().all(|part| {
            part.metadata().is_ok_and(|metadata| metadata.uid() == 0 && (metadata.mode() & 0o022) == 0)
        });
        return if trusted { Ok(named) } else { Err(CommandError::NotTrusted(named.display().to_string())) };
    }
    Err(CommandError::Missing(program.to_owned()))
}

/// No tools at all: for a copy of a machine's files, of which this machine's tools know nothing.
#[derive(Debug, Clone, Copy)]
pub struct NoCommands;

impl Commands for NoCommands {
    fn run(&self, program: &str, _: &[&str], _: &[(&str, &str)]) -> Result<Answer, CommandError> {
        Err(CommandError::Missing(format!("these are copied files, on which no tool is run: {program}")))
    }
}
