//! `host.package_updates`: what the package managers could update, from lists that are on the machine already. Nothing
//! is fetched: without lists the counts are unknown, and old lists show by their age.

use octro_model::{Id, Timestamp, UnknownReason, Why};

use super::Machine;
use super::resource::{Resource, moment};
use super::roots::Fact;
use super::{apt, dnf};
use crate::{Run, Stopped};

/// Managers whose updates are not looked at, by their programs.
const OTHERS: [(&str, &str); 5] = [
    ("apk", "/sbin/apk"),
    ("pacman", "/usr/bin/pacman"),
    ("zypper", "/usr/bin/zypper"),
    ("rpm-ostree", "/usr/bin/rpm-ostree"),
    ("emerge", "/usr/bin/emerge"),
];

/// What one manager says.
pub(crate) struct Updates {
    pub manager: &'static str,
    pub lists_updated_at: Fact<Timestamp>,
    pub pending: Result<Pending, UnknownReason>,
    /// Why the security updates among them cannot be told, if they cannot.
    pub security: Result<(), UnknownReason>,
    pub held: Result<Vec<String>, UnknownReason>,
    pub security_archive: Result<bool, UnknownReason>,
    pub automatic_lists: Result<bool, UnknownReason>,
    pub automatic_security: Result<bool, UnknownReason>,
    pub reboot_required: Result<bool, UnknownReason>,
}

/// The packages that could be updated.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Pending {
    pub all: Vec<String>,
    pub security: Vec<String>,
}

/// Looks at the package managers.
pub(crate) fn collect(machine: &Machine<'_>, kind: &Id, run: &mut Run<'_>) -> Result<(), Stopped> {
    let mut count = 0;
    let mut missing = None;
    for look in [apt::look, dnf::look] {
        match look(machine) {
            Ok(Some(updates)) => {
                run.observe(show(machine, kind, updates).into_observation())?;
                count += 1;
            }
            Ok(None) => {}
            Err(reason) => missing = Some(reason),
        }
    }
    for (name, program) in OTHERS {
        if machine.roots.exists(program).unwrap_or(false) {
            let what = format!("the updates of {name} are not looked at");
            missing = Some(UnknownReason::new(Why::Unsupported, what));
        }
    }
    if count == 0 && missing.is_none() {
        missing = Some(UnknownReason::new(Why::Unsupported, "no package manager that is known was found"));
    }
    machine.enumerated(run, kind, count, missing);
    Ok(())
}

fn show(machine: &Machine<'_>, kind: &Id, updates: Updates) -> Resource {
    let mut seen = Resource::new(kind, format!("{}:{}", machine.host, updates.manager), machine.now);
    seen.value("host", machine.host.clone()).value("manager", updates.manager);
    seen.fact("lists_updated_at", updates.lists_updated_at.map(|at| at.map(moment)));
    let security = updates.security.and_then(|()| updates.pending.clone().map(|pending| pending.security));
    let all = updates.pending.map(|pending| pending.all);
    seen.known("pending", all.clone().map(|names| names.len()));
    seen.known("pending_names", all);
    seen.known("pending_security", security.clone().map(|names| names.len()));
    seen.known("security_names", security);
    seen.known("held", updates.held);
    seen.known("security_archive", updates.security_archive);
    seen.known("automatic_lists", updates.automatic_lists);
    seen.known("automatic_security", updates.automatic_security);
    seen.known("reboot_required", updates.reboot_required);
    seen
}

/// The later of two moments that may be absent.
pub(crate) fn later(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    one.max(other)
}

/// Names in their order, each once.
pub(crate) fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.sort_unstable();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Fixture;
    use super::*;

    #[test]
    fn a_machine_without_a_known_manager_is_incomplete() {
        for files in [&[][..], &[("/sbin/apk", "")]] {
            let seen = Fixture::new(files).look("host.package_updates", collect);
            assert!(seen.observations.is_empty() && !seen.complete());
        }
    }
}
