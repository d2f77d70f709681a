//! Which services run, and which start with the machine: systemd's word where it rules, otherwise processes and the
//! folders of the other init systems.

use octro_model::{UnknownReason, Why};

use super::Machine;
use super::commands::complaint;
use super::processes::Processes;
use super::roots::Roots;

/// One service, by the names that it goes by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Service {
    /// For people.
    pub name: &'static str,
    /// Its systemd units, without `.service`; other init systems use the same names.
    pub units: &'static [&'static str],
    /// Its processes.
    pub processes: &'static [&'static str],
}

/// Whether systemd rules the machine.
pub(crate) fn systemd(roots: &Roots) -> Result<bool, UnknownReason> {
    roots.exists("/run/systemd/system")
}

/// Whether a service runs now.
pub(crate) fn active(
    machine: &Machine<'_>,
    processes: &Processes,
    service: &Service,
) -> Result<bool, UnknownReason> {
    if !systemd(machine.roots)? {
        return processes.running(service.processes);
    }
    let mut unknown = None;
    for unit in service.units {
        match unit_active(machine, unit) {
            Ok(true) => return Ok(true),
            Ok(false) => {}
            Err(reason) => unknown = Some(reason),
        }
    }
    // A daemon may also have been started by hand, or systemd did not answer.
    match (unknown, processes.running(service.processes)) {
        (_, Ok(true)) => Ok(true),
        (None, _) => Ok(false),
        (Some(_), other) => other,
    }
}

fn unit_active(machine: &Machine<'_>, unit: &str) -> Result<bool, UnknownReason> {
    let answer = machine.commands.run("systemctl", &["is-active", unit], &[])?;
    match answer.stdout.lines().next().unwrap_or_default().trim() {
        "active" | "reloading" => Ok(true),
        "inactive" | "failed" | "activating" | "deactivating" | "unknown" => Ok(false),
        _ => Err(complaint("systemctl is-active", &answer)),
    }
}

/// Whether a service is started with the machine.
pub(crate) fn enabled(roots: &Roots, units: &[&str], suffix: &str) -> Result<bool, UnknownReason> {
    let mut known = false;
    for base in
        ["/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"]
    {
        let Some(entries) = roots.list(base)? else { continue };
        known = true;
        for folder in entries.iter().filter(|name| name.ends_with(".wants") || name.ends_with(".requires")) {
            for unit in units {
                let file = format!("{unit}.{suffix}");
                let masked =
                    roots.link(&format!("/etc/systemd/system/{file}"))?.is_some_and(|to| to == "/dev/null");
                let listed = roots.list(&format!("{base}/{folder}"))?.unwrap_or_default().contains(&file);
                if listed && !masked {
                    return Ok(true);
                }
            }
        }
    }
    // OpenRC, and System V's run levels with their `S20name`.
    for folder in ["/etc/runlevels/boot", "/etc/runlevels/default", "/etc/runlevels/sysinit"] {
        let Some(entries) = roots.list(folder)? else { continue };
        known = true;
        if units.iter().any(|unit| entries.iter().any(|entry| entry == unit)) {
            return Ok(true);
        }
    }
    for folder in ["/etc/rcS.d", "/etc/rc2.d", "/etc/rc3.d", "/etc/rc5.d"] {
        let Some(entries) = roots.list(folder)? else { continue };
        known = true;
        let starts =
            |entry: &String| units.iter().any(|unit| entry.starts_with('S') && entry.get(3..) == Some(*unit));
        // Debian keeps these folders beside systemd, which then does not use them for units of its own.
        if !systemd(roots)? && entries.iter().any(starts) {
            return Ok(true);
        }
    }
    if known {
        Ok(false)
    } else {
        Err(UnknownReason::new(Why::Unsupported, "how services are started at boot is not known here"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Fixture;
    use super::*;

    #[test]
    fn units_are_enabled_by_links_unless_masked() {
        let wants = "/etc/systemd/system/multi-user.target.wants";
        let fixture = Fixture::new(&[("/etc/systemd/system/x", "")])
            .link(&format!("{wants}/ufw.service"), "/lib/systemd/system/ufw.service")
            .link(&format!("{wants}/nftables.service"), "/lib/systemd/system/nftables.service")
            .link("/etc/systemd/system/nftables.service", "/dev/null");
        assert_eq!(enabled(&fixture.roots(), &["ufw"], "service"), Ok(true));
        assert_eq!(enabled(&fixture.roots(), &["nftables"], "service"), Ok(false));
        assert_eq!(enabled(&fixture.roots(), &["ufw"], "timer"), Ok(false));
        let openrc = Fixture::new(&[("/etc/runlevels/default/chronyd", "")]);
        assert_eq!(enabled(&openrc.roots(), &["chrony", "chronyd"], "service"), Ok(true));
        let sysv = Fixture::new(&[("/etc/rc2.d/S01ntp", "")]);
        assert_eq!(enabled(&sysv.roots(), &["ntp"], "service"), Ok(true));
        assert_eq!(
            enabled(&Fixture::new(&[]).roots(), &["ufw"], "service").unwrap_err().why,
            Why::Unsupported
        );
    }
}
