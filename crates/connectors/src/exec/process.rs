//! One run of a command: started in a process group of its own with limits on time, memory and output; its output is
//! handed on as it comes. When the run is over, what the command started is ended, as far as Octro's user may; only if
//! Octro itself is killed in the middle (`kill -9`, out of memory) can something be left that goes on.

use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Resource, Rlimit, Signal, WaitId, WaitIdOptions};

use super::last_words::LastWords;
use super::strays;
use crate::Stopped;

/// How often the run is asked whether it is stopped.
const TICK: Duration = Duration::from_millis(100);
/// How long output is waited for when the command itself has ended: what is in the pipe is there at once.
const GRACE: Duration = Duration::from_secs(1);
/// How many files each process may have open.
const OPEN_FILES_MAX: u64 = 1_024;

/// What a command may use.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// How long it may take.
    pub timeout: Duration,
    /// How much it may print, in bytes.
    pub output_max: u64,
    /// The address space of each of its processes, in bytes.
    pub memory_max: u64,
}

/// Takes a command's output.
pub(crate) trait Listener {
    /// The next bytes that it printed.
    fn hear(&mut self, bytes: &[u8]) -> Result<(), Stopped>;
    /// Whether the run is over.
    fn is_stopped(&mut self) -> bool;
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// By itself, with this code.
    Exited(i32),
    /// By a signal that was not ours.
    Signalled(i32),
    /// It took too long and was ended.
    TimedOut,
    /// It printed too much and was ended.
    Flooded,
    /// The run was stopped, and the command ended.
    Stopped,
}

/// What is known of a command that is over.
#[derive(Debug)]
pub(crate) struct Ended {
    /// How it ended.
    pub end: End,
    /// The last that it printed on standard error.
    pub last_words: String,
    /// The limits that could not be set, and why.
    pub unlimited: Option<String>,
    /// Its processes that could not be ended.
    pub left: usize,
}

/// Runs a command to its end, whatever end that is.
pub(crate) fn run(mut command: Command, limits: Limits, listener: &mut dyn Listener) -> io::Result<Ended> {
    let mark = strays::Mark::new();
    let mut child = command
        .env(strays::NAME, mark.as_str())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()?;
    let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) else {
        let _ = child.kill();
        child.wait()?;
        return Err(io::Error::other("the command has no process id"));
    };
    let unlimited = limit(pid, limits);
    let mut words = LastWords::default();
    let early = listen(&mut child, pid, limits, listener, &mut words);
    // Its first process is not waited for yet, so that the group's number cannot be another's by now.
    // An error means that there is nobody left, or nobody whom we may end: `left` tells.
    let _ = rustix::process::kill_process_group(pid, Signal::KILL);
    let left = strays::end(&mark);
    let status = child.wait()?;
    let end = match early? {
        Some(end) => end,
        None => match (status.code(), status.signal()) {
            (Some(code), _) => End::Exited(code),
            (None, signal) => End::Signalled(signal.unwrap_or(0)),
        },
    };
    Ok(Ended { end, last_words: words.text(), unlimited, left })
}

/// Sets the limits of a process that has just been started. Between its start and this it runs without them: setting
/// them earlier takes code between `fork` and `exec`, which cannot be written safely.
fn limit(pid: Pid, limits: Limits) -> Option<String> {
    let cores = std::thread::available_parallelism().map_or(1, |n| n.get() as u64);
    let cpu = limits.timeout.as_secs().saturating_add(1).saturating_mul(cores);
    let wanted = [
        ("memory", Resource::As, limits.memory_max),
        ("processor time", Resource::Cpu, cpu),
        ("open files", Resource::Nofile, OPEN_FILES_MAX),
        ("core dumps", Resource::Core, 0),
    ];
    for (name, resource, most) in wanted {
        let rlimit = Rlimit { current: Some(most), maximum: Some(most) };
        match rustix::process::prlimit(Some(pid), resource, rlimit) {
            Ok(_) => {}
            // It is over already.
            Err(rustix::io::Errno::SRCH) => return None,
            Err(error) => return Some(format!("{name}: {}", io::Error::from(error))),
        }
    }
    None
}

/// Hands on what the command prints until it is over by itself (`None`), or has to be ended.
fn listen(
    child: &mut Child,
    pid: Pid,
    limits: Limits,
    listener: &mut dyn Listener,
    words: &mut LastWords,
) -> io::Result<Option<End>> {
    let (mut stdout, mut stderr) = (child.stdout.take(), child.stderr.take());
    let mut deadline = Deadline::after(limits.timeout);
    let mut has_ended = false;
    let mut printed = 0_u64;
    let mut buffer = vec![0; 64 << 10];
    loop {
        if listener.is_stopped() {
            return Ok(Some(End::Stopped));
        }
        if deadline.left().is_zero() {
            return Ok(if has_ended { None } else { Some(End::TimedOut) });
        }
        if !has_ended && is_over(pid)? {
            has_ended = true;
            // What it left in the background must not keep its output open.
            let _ = rustix::process::kill_process_group(pid, Signal::KILL);
            deadline = Deadline::after(GRACE.min(deadline.left()));
        }
        if stdout.is_none() && stderr.is_none() {
            if has_ended {
                return Ok(None);
            }
            std::thread::sleep(Duration::from_millis(2).min(deadline.left()));
            continue;
        }
        let (from_stdout, from_stderr) = ready(stdout.as_ref(), stderr.as_ref(), deadline.left().min(TICK))?;
        if from_stdout && let Some(pipe) = &mut stdout {
            let bytes = read(pipe, &mut buffer)?;
            printed = printed.saturating_add(bytes.len() as u64);
            if printed > limits.output_max {
                return Ok(Some(End::Flooded));
            }
            if bytes.is_empty() {
                stdout = None;
            } else if listener.hear(bytes).is_err() {
                return Ok(Some(End::Stopped));
            }
        }
        if from_stderr && let Some(pipe) = &mut stderr {
            let bytes = read(pipe, &mut buffer)?;
            words.hear(bytes);
            if bytes.is_empty() {
                stderr = None;
            }
        }
    }
}

/// Whether the command's first process is over; it is not waited for.
fn is_over(pid: Pid) -> io::Result<bool> {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    Ok(rustix::process::waitid(WaitId::Pid(pid), options)?.is_some())
}

/// Waits for either pipe, and answers which of them can be read without waiting.
fn ready(
    stdout: Option<&ChildStdout>,
    stderr: Option<&ChildStderr>,
    wait: Duration,
) -> io::Result<(bool, bool)> {
    let pipes = [stdout.map(AsFd::as_fd), stderr.map(AsFd::as_fd)];
    let mut fds: Vec<PollFd<'_>> =
        pipes.iter().flatten().map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN)).collect();
    let wait = Timespec::try_from(wait).map_err(|_| io::Error::other("the time limit is too long"))?;
    match poll(&mut fds, Some(&wait)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => {}
        Err(error) => return Err(error.into()),
    }
    let mut ready = fds.iter().map(|fd| !fd.revents().is_empty());
    let mut of = |is_open: bool| is_open && ready.next().unwrap_or(false);
    Ok((of(stdout.is_some()), of(stderr.is_some())))
}

fn read<'b>(pipe: &mut impl Read, buffer: &'b mut [u8]) -> io::Result<&'b [u8]> {
    loop {
        match pipe.read(buffer) {
            Ok(read) => return Ok(buffer.get(..read).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
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
