//! Ending what a command left behind. Killing its process group misses a process that has left the group (`setsid`, a
//! daemon), so every process of a run carries a mark in its environment and is found by it.

use std::fs;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// The variable that holds the mark.
pub(crate) const NAME: &str = "OCTRO_RUN";
/// How often is looked again, because a process can start another while it is being looked for.
const ROUNDS: usize = 5;

/// Where the kernel gives out ids that nobody can guess.
const RANDOM: &str = "/proc/sys/kernel/random/uuid";

static NEXT: AtomicU64 = AtomicU64::new(1);
/// What tells this process from all others, also from those that have its number in another container.
static OWN: LazyLock<String> =
    LazyLock::new(|| fs::read_to_string(RANDOM).map(|id| id.trim().to_owned()).unwrap_or_default());

/// What tells the processes of one run from all others.
#[derive(Debug)]
pub(crate) struct Mark(String);

impl Mark {
    /// A mark that no other run has, of this process or another.
    pub(crate) fn new() -> Self {
        Self(format!("{}.{}.{}", *OWN, std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)))
    }

    /// The variable's value.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Ends every process with this mark; answers how many are left because they may not be ended.
pub(crate) fn end(mark: &Mark) -> usize {
    let wanted = format!("{NAME}={}", mark.0).into_bytes();
    let mut left = 0;
    for _ in 0..ROUNDS {
        let found = marked(&wanted);
        left = found.iter().filter(|pid| !kill(**pid, &wanted)).count();
        if left == found.len() {
            break;
        }
    }
    left
}

fn marked(wanted: &[u8]) -> Vec<Pid> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok())
        .filter(|pid| has_mark(*pid, wanted))
        .filter_map(Pid::from_raw)
        .collect()
}

/// A process that is over has no environment any more; one of another user does not show it.
fn has_mark(pid: i32, wanted: &[u8]) -> bool {
    fs::read(format!("/proc/{pid}/environ"))
        .is_ok_and(|environment| environment.split(|byte| *byte == 0).any(|entry| entry == wanted))
}

/// The handle is taken before the mark is looked at again: the number may be another process's by now.
fn kill(pid: Pid, wanted: &[u8]) -> bool {
    let Ok(handle) = pidfd_open(pid, PidfdFlags::empty()) else { return true };
    if !has_mark(pid.as_raw_nonzero().get(), wanted) {
        return true;
    }
    pidfd_send_signal(handle, Signal::KILL).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_differ_and_cannot_be_guessed() {
        let (one, other) = (Mark::new(), Mark::new());
        assert_ne!(one.as_str(), other.as_str());
        let random = one.as_str().split('.').next().unwrap();
        assert_eq!(random.len(), 36, "a UUID: {random}");
        assert!(other.as_str().starts_with(random));
    }
}
