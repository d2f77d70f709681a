//! The running processes, and which of them hold which sockets.

use std::collections::BTreeMap;

use octro_model::{UnknownReason, Why};

use super::roots::Roots;

/// One process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Process {
    /// Its number.
    pub pid: u32,
    /// The kernel's name for it, at most 15 bytes.
    pub name: String,
}

/// The processes that can be seen.
#[derive(Debug, Clone)]
pub(crate) struct Processes {
    /// By number.
    pub list: Vec<Process>,
    /// Why some may not be seen.
    pub hidden: Option<UnknownReason>,
}

impl Processes {
    /// All processes below `/proc`.
    pub(crate) fn read(roots: &Roots) -> Self {
        let entries = match roots.list("/proc") {
            Ok(Some(entries)) => entries,
            Ok(None) => {
                let reason = UnknownReason::new(Why::Unsupported, "/proc does not exist; is it mounted?");
                return Self { list: Vec::new(), hidden: Some(reason) };
            }
            Err(reason) => return Self { list: Vec::new(), hidden: Some(reason) },
        };
        let mut list: Vec<Process> = entries
            .iter()
            .filter_map(|entry| entry.parse::<u32>().ok())
            // One that ended in between is no process any more.
            .filter_map(|pid| {
                let name = roots.line(&format!("/proc/{pid}/comm")).ok().flatten()?;
                Some(Process { pid, name })
            })
            .collect();
        list.sort_unstable_by_key(|process| process.pid);
        // `/proc` can be mounted so that a user sees only what is his; process 1 is root's.
        let hidden = (!list.iter().any(|process| process.pid == 1)).then(|| {
            UnknownReason::new(
                Why::Denied,
                "/proc does not show process 1, so others may be hidden too (hidepid?)",
            )
        });
        Self { list, hidden }
    }

    /// Whether a process with one of these names runs.
    pub(crate) fn running(&self, names: &[&str]) -> Result<bool, UnknownReason> {
        let found = self
            .list
            .iter()
            .any(|process| names.iter().any(|name| process.name == name.get(..15).unwrap_or(name)));
        match (&self.hidden, found) {
            (_, true) => Ok(true),
            (None, false) => Ok(false),
            (Some(reason), false) => Err(reason.clone()),
        }
    }

    /// The names of the processes that hold sockets, by the socket's number; and why some may be missing.
    pub(crate) fn sockets(&self, roots: &Roots) -> (BTreeMap<u64, String>, Option<UnknownReason>) {
        let mut holders = BTreeMap::new();
        let mut missing = self.hidden.clone();
        for process in &self.list {
            let folder = format!("/proc/{}/fd", process.pid);
            let files = match roots.list(&folder) {
                Ok(files) => files.unwrap_or_default(),
                Err(reason) => {
                    missing.get_or_insert(reason);
                    continue;
                }
            };
            for file in files {
                let target = match roots.link(&format!("{folder}/{file}")) {
                    Ok(target) => target.unwrap_or_default(),
                    // A folder that may be listed, but not followed.
                    Err(reason) => {
                        missing.get_or_insert(reason);
                        continue;
                    }
                };
                let inode =
                    target.strip_prefix("socket:[").and_then(|rest| rest.strip_suffix(']')?.parse().ok());
                if let Some(inode) = inode {
                    // The parent, which started first, names the service.
                    holders.entry(inode).or_insert_with(|| process.name.clone());
                }
            }
        }
        (holders, missing)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Fixture;
    use super::*;

    #[test]
    fn sockets_are_found_and_hidden_processes_leave_doubt() {
        let fixture = Fixture::new(&[
            ("/proc/1/comm", "systemd\n"),
            ("/proc/70/comm", "systemd-timesyncd\n"),
            ("/proc/x", ""),
        ])
        .link("/proc/70/fd/3", "socket:[4711]")
        .link("/proc/70/fd/4", "socket:[x]")
        .link("/proc/1/fd/0", "/dev/null");
        let seen = Processes::read(&fixture.roots());
        assert_eq!(seen.running(&["systemd"]), Ok(true));
        assert_eq!(seen.running(&["sshd"]), Ok(false));
        let (holders, missing) = seen.sockets(&fixture.roots());
        assert_eq!(holders.into_iter().collect::<Vec<_>>(), [(4711, "systemd-timesyncd".to_owned())]);
        assert_eq!(missing, None);

        let denied = fixture.deny("/proc/1/fd");
        assert_eq!(Processes::read(&denied.roots()).sockets(&denied.roots()).1.unwrap().why, Why::Denied);
        let hidden = Fixture::new(&[("/proc/70/comm", "bash\n")]);
        assert_eq!(Processes::read(&hidden.roots()).running(&["sshd"]).unwrap_err().why, Why::Denied);
        assert_eq!(Processes::read(&hidden.roots()).running(&["bash"]), Ok(true));
    }
}
