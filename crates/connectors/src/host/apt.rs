//! Pending updates of Debian and Ubuntu: a simulated upgrade, and what `apt-config` says of updates that come by
//! themselves.

use octro_model::{Timestamp, UnknownReason, Why};

use super::Machine;
use super::commands::output;
use super::packages::{Pending, Updates, later, sorted};
use super::processes::Processes;
use super::roots::{Fact, Roots};
use super::services::{enabled, systemd};

const LISTS: &str = "/var/lib/apt/lists";
/// Nothing is locked, and neither caches nor logs are written.
const SIMULATE: [&str; 13] = [
    "-s",
    "-q",
    "-o",
    "Debug::NoLocking=1",
    "-o",
    "Dir::Cache::pkgcache=",
    "-o",
    "Dir::Cache::srcpkgcache=",
    "-o",
    "Dir::Log::Planner=",
    "-o",
    "Dir::Log::Solver=",
    "dist-upgrade",
];

/// What apt says; `None` without apt.
pub(crate) fn look(machine: &Machine<'_>) -> Result<Option<Updates>, UnknownReason> {
    let roots = machine.roots;
    if !roots.exists("/usr/bin/apt-get")? {
        return Ok(None);
    }
    let security_archive = security_archive(roots);
    let lists = lists(roots);
    let pending = lists
        .clone()
        .and_then(|lists| lists.map(|_| ()).ok_or_else(never_fetched))
        .and_then(|()| output(machine.commands, "apt-get", &SIMULATE))
        .map(|text| pending(&text));
    let security = security_archive.clone().and_then(|configured| {
        let security_lists = lists.clone()?.is_some_and(|lists| lists.security);
        match (configured, security_lists) {
            (_, true) => Ok(()),
            (true, false) => Err(UnknownReason::new(
                Why::NotCollected,
                "the lists of the security archive were never fetched; run `apt-get update`",
            )),
            (false, false) => {
                Err(UnknownReason::new(Why::Unsupported, "no archive of security updates is configured"))
            }
        }
    });
    let config = output(machine.commands, "apt-config", &["dump"]);
    Ok(Some(Updates {
        manager: "apt",
        lists_updated_at: lists
            .and_then(|lists| lists.map(|lists| Some(lists.fetched)).ok_or_else(never_fetched)),
        pending,
        security,
        held: output(machine.commands, "apt-mark", &["showhold"]).map(|text| {
            sorted(text.lines().map(|line| line.trim().to_owned()).filter(|n| !n.is_empty()).collect())
        }),
        security_archive,
        automatic_lists: config.clone().and_then(|config| {
            Ok(periodic(&config, "APT::Periodic::Update-Package-Lists") && scheduled(machine, "apt-daily")?)
        }),
        automatic_security: config.and_then(|config| {
            Ok(periodic(&config, "APT::Periodic::Unattended-Upgrade")
                && takes_security(&config)
                && roots.any_exists(["/usr/bin/unattended-upgrade", "/usr/bin/unattended-upgrades"])?
                && scheduled(machine, "apt-daily-upgrade")?)
        }),
        reboot_required: reboot_required(roots),
    }))
}

fn never_fetched() -> UnknownReason {
    UnknownReason::new(Why::NotCollected, format!("{LISTS} holds no package lists; run `apt-get update`"))
}

#[derive(Debug, Clone)]
struct Lists {
    fetched: Timestamp,
    security: bool,
}

/// When the lists were fetched. A list's own time is the archive's, so it is only the least that the fetch can be; the
/// folder changes with every list that is new, and two stamps are written after a fetch that went well.
fn lists(roots: &Roots) -> Fact<Lists> {
    let names = roots.list(LISTS)?.unwrap_or_default();
    let mut newest = None;
    let mut security = false;
    for name in names.iter().filter(|name| name.ends_with("_InRelease") || name.ends_with("_Release")) {
        let path = format!("{LISTS}/{name}");
        newest = later(newest, roots.modified(&path)?);
        security |= roots.text(&path)?.is_some_and(|text| is_security_release(&text));
    }
    if newest.is_none() {
        return Ok(None);
    }
    for path in [LISTS, "/var/lib/apt/periodic/update-success-stamp", "/var/lib/apt/periodic/update-stamp"] {
        newest = later(newest, roots.modified(path)?);
    }
    Ok(newest.map(|fetched| Lists { fetched, security }))
}

fn is_security_release(text: &str) -> bool {
    text.lines().take(40).any(|line| match line.split_once(':') {
        Some(("Suite" | "Codename", value)) => value.trim().ends_with("-security"),
        Some(("Label", value)) => value.trim() == "Debian-Security",
        _ => false,
    })
}

/// Whether the sources name an archive of security updates.
fn security_archive(roots: &Roots) -> Result<bool, UnknownReason> {
    let mut files = vec!["/etc/apt/sources.list".to_owned()];
    for name in roots.list("/etc/apt/sources.list.d")?.unwrap_or_default() {
        if name.ends_with(".list") || name.ends_with(".sources") {
            files.push(format!("/etc/apt/sources.list.d/{name}"));
        }
    }
    for path in files {
        let text = roots.text(&path)?.unwrap_or_default();
        // Of the newer form, a paragraph may be switched off.
        let live = text
            .split("\n\n")
            .filter(|part| !part.lines().any(|line| line.trim().eq_ignore_ascii_case("enabled: no")));
        for line in live.flat_map(str::lines).map(str::trim) {
            let names = if let Some(suites) = line.strip_prefix("Suites:") {
                suites
            } else if line.starts_with("deb ") || line.starts_with("deb\t") || line.starts_with("deb[") {
                line
            } else {
                continue;
            };
            if names.split_whitespace().any(|word| word.ends_with("-security") || word.ends_with("/updates"))
            {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// `Inst name [old] (new origin:version/suite, ... [architecture])`; without an old version it is no update.
fn pending(text: &str) -> Pending {
    let mut pending = Pending::default();
    for line in text.lines() {
        let Some((name, rest)) = line.strip_prefix("Inst ").and_then(|rest| rest.split_once(' ')) else {
            continue;
        };
        let Some((_, rest)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) else { continue };
        let Some((_, origins)) = rest.trim_start().strip_prefix('(').and_then(|rest| rest.split_once(' '))
        else {
            continue;
        };
        pending.all.push(name.to_owned());
        let lower = origins.to_ascii_lowercase();
        if lower.contains("-security")
            || lower.contains("debian-security")
            || lower.contains("esmapps")
            || lower.contains("esminfra")
        {
            pending.security.push(name.to_owned());
        }
    }
    Pending { all: sorted(pending.all), security: sorted(pending.security) }
}

/// The last value of a key of `apt-config dump`: `Key "value";`.
fn last<'a>(config: &'a str, key: &str) -> Option<&'a str> {
    config.lines().rev().find_map(|line| value(line.strip_prefix(key)?.strip_prefix(' ')?))
}

fn value(text: &str) -> Option<&str> {
    text.strip_prefix('"')?.strip_suffix("\";")
}

fn periodic(config: &str, key: &str) -> bool {
    // The script behind it takes `0` for never, and everything is off with `Enable "0"`.
    let never = |value: &str| matches!(value, "" | "0");
    last(config, "APT::Periodic::Enable").is_none_or(|value| value != "0")
        && last(config, key).is_some_and(|value| !never(value))
}

fn takes_security(config: &str) -> bool {
    config
        .lines()
        .filter(|line| {
            line.starts_with("Unattended-Upgrade::Origins-Pattern::")
                || line.starts_with("Unattended-Upgrade::Allowed-Origins::")
        })
        .any(|line| line.to_ascii_lowercase().contains("security"))
}

/// Whether something starts the daily work: a timer of systemd, or cron.
fn scheduled(machine: &Machine<'_>, timer: &str) -> Result<bool, UnknownReason> {
    if systemd(machine.roots)?
        || !machine.roots.is_this_machine() && machine.roots.exists("/etc/systemd/system")?
    {
        return enabled(machine.roots, &[timer], "timer");
    }
    Ok(machine.roots.exists("/etc/cron.daily/apt-compat")?
        && Processes::read(machine.roots).running(&["cron", "crond", "anacron"])?)
}

fn reboot_required(roots: &Roots) -> Result<bool, UnknownReason> {
    if roots.any_exists(["/run/reboot-required", "/var/run/reboot-required"])? {
        return Ok(true);
    }
    if let Some(running) = roots.line("/proc/sys/kernel/osrelease")? {
        let kernels = roots.list("/boot")?.unwrap_or_default();
        let flavour = |release: &str| release.rsplit('-').next().unwrap_or_default().to_owned();
        let newer = kernels
            .iter()
            .filter_map(|name| name.strip_prefix("vmlinuz-"))
            .any(|release| flavour(release) == flavour(&running) && parts(release) > parts(&running));
        if newer {
            return Ok(true);
        }
    }
    if roots.any_exists([
        "/usr/share/update-notifier/notify-reboot-required",
        "/etc/kernel/postinst.d/unattended-upgrades",
    ])? {
        return Ok(false);
    }
    let what = "nothing on this machine notes that a restart is needed (update-notifier-common, unattended-upgrades)";
    Err(UnknownReason::new(Why::Unsupported, what))
}

/// The numbers of a release, for comparing.
fn parts(release: &str) -> Vec<u64> {
    release.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Fixture, mangled, shown};
    use super::super::packages::collect;
    use super::*;

    const UPGRADE: &str = "Reading package lists...\nInst libc6 [2.36-9+deb12u8] (2.36-9+deb12u9 Debian:12.8/stable, \
        Debian-Security:12/stable-security [amd64])\nInst vim [2:9.0-1] (2:9.0-2 Debian:12.8/stable [amd64]) []\n\
        Inst linux-image-6.1.0-27-amd64 (6.1.115-1 Debian-Security:12/stable-security [amd64])\nConf libc6 (x)\n";
    const CONFIG: &str = "APT::Periodic \"\";\nAPT::Periodic::Update-Package-Lists \"0\";\nAPT::Periodic::Update-Package-Lists \"1\";\n\
        APT::Periodic::Unattended-Upgrade \"1\";\nUnattended-Upgrade::Origins-Pattern:: \"origin=Debian,codename=${distro_codename}-security,label=Debian-Security\";\n";

    fn machine() -> Fixture {
        let wants = "/etc/systemd/system/timers.target.wants";
        let files = [
            ("/usr/bin/apt-get", ""),
            ("/usr/bin/unattended-upgrade", ""),
            ("/run/systemd/system/x", ""),
            ("/etc/apt/sources.list", "deb http://a bookworm main\n# deb http://a bookworm-security main\n"),
            ("/etc/apt/sources.list.d/s.sources", "Types: deb\nSuites: bookworm-security\n"),
            ("/var/lib/apt/lists/a_bookworm-security_InRelease", "Hash: SHA256\nLabel: Debian-Security\n"),
            ("/etc/kernel/postinst.d/unattended-upgrades", ""),
        ];
        Fixture::new(&files)
            .link(&format!("{wants}/apt-daily.timer"), "x")
            .link(&format!("{wants}/apt-daily-upgrade.timer"), "x")
            .tool(&format!("apt-get {}", SIMULATE.join(" ")), 0, UPGRADE, "")
            .tool("apt-config dump", 0, CONFIG, "")
            .tool("apt-mark showhold", 0, "vim\n", "")
    }

    #[test]
    fn updates_are_counted() {
        let seen = machine().look("host.package_updates", collect);
        let apt = seen.key("web1:apt");
        for (name, value) in [
            ("pending", "2"),
            ("pending_security", "1"),
            ("security_names", "[\"libc6\"]"),
            ("held", "[\"vim\"]"),
            ("security_archive", "true"),
            ("automatic_lists", "true"),
            ("automatic_security", "true"),
            ("reboot_required", "false"),
        ] {
            assert_eq!(shown(apt, name), value, "{name}");
        }
        assert!(seen.complete() && apt.attributes.contains_key("lists_updated_at"));
    }

    #[test]
    fn without_lists_nothing_is_zero() {
        let fixture = machine();
        std::fs::remove_file(fixture.path("/var/lib/apt/lists/a_bookworm-security_InRelease")).unwrap();
        let seen = fixture.look("host.package_updates", collect);
        for name in ["pending", "pending_security", "pending_names", "lists_updated_at"] {
            assert_eq!(shown(seen.one(), name), "unknown: not collected", "{name}");
        }
        // Lists, but none of the security archive.
        fixture.write("/var/lib/apt/lists/a_bookworm_InRelease", b"Suite: stable\n");
        let seen = fixture.look("host.package_updates", collect);
        assert_eq!(shown(seen.one(), "pending"), "2");
        assert_eq!(shown(seen.one(), "pending_security"), "unknown: not collected");
        fixture.write("/etc/apt/sources.list.d/s.sources", b"Enabled: no\nSuites: bookworm-security\n");
        let seen = fixture.look("host.package_updates", collect);
        assert_eq!(shown(seen.one(), "security_archive"), "false");
        assert_eq!(shown(seen.one(), "pending_security"), "unknown: unsupported");
    }

    #[test]
    fn denied_lists_and_failing_tools_are_unknown() {
        let seen = machine().deny(LISTS).look("host.package_updates", collect);
        assert_eq!(shown(seen.one(), "pending"), "unknown: denied");
        let failing = machine().tool(&format!("apt-get {}", SIMULATE.join(" ")), 100, "", "E: broken").tool(
            "apt-config dump",
            1,
            "",
            "",
        );
        let seen = failing.look("host.package_updates", collect);
        assert_eq!(shown(seen.one(), "pending_security"), "unknown: failed");
        assert_eq!(shown(seen.one(), "automatic_lists"), "unknown: failed");
    }

    #[test]
    fn a_newer_kernel_or_a_note_asks_for_a_restart() {
        let fixture = machine();
        fixture.write("/proc/sys/kernel/osrelease", b"6.1.0-9-amd64\n");
        fixture.write("/boot/vmlinuz-6.1.0-9-amd64", b"");
        fixture.write("/boot/vmlinuz-6.1.0-20-cloud-amd64", b"");
        assert_eq!(reboot_required(&fixture.roots()), Ok(true));
        assert!(reboot_required(&Fixture::new(&[("/proc/sys/kernel/osrelease", "6.1.0")]).roots()).is_err());
        for text in mangled(UPGRADE) {
            pending(&text);
            last(&text, "Inst");
        }
    }
}
