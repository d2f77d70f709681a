//! `host`: which machine this is, what it runs, and until when its distribution gets security updates.

use std::collections::BTreeMap;

use octro_model::{Id, Timestamp, UnknownReason, Why};

use super::resource::{Resource, moment};
use super::roots::{Fact, Roots};
use super::{Machine, lifetimes, services};
use crate::{Run, Stopped};

/// Host names that installers give, so that they tell machines apart no better than none.
const GENERIC: [&str; 14] = [
    "",
    "(none)",
    "localhost",
    "localhost.localdomain",
    "localhost-live",
    "linux",
    "debian",
    "ubuntu",
    "fedora",
    "rocky",
    "alpine",
    "archlinux",
    "raspberrypi",
    "kali",
];

/// The key of the resource `host`.
pub(crate) fn key(roots: &Roots) -> String {
    let hostname = hostname(roots).ok().flatten().unwrap_or_default();
    if !GENERIC.contains(&hostname.to_ascii_lowercase().as_str()) {
        return hostname;
    }
    for path in ["/etc/machine-id", "/var/lib/dbus/machine-id"] {
        // The whole id is confidential by its own manual page; its beginning tells machines apart well enough.
        let id = roots.line(path).ok().flatten().unwrap_or_default();
        if let Some(start) = id.get(..12).filter(|start| start.chars().all(|c| c.is_ascii_hexdigit())) {
            return format!("machine-{start}");
        }
    }
    if hostname.is_empty() { "localhost".to_owned() } else { hostname }
}

/// Looks at the machine as a whole.
pub(crate) fn collect(machine: &Machine<'_>, kind: &Id, run: &mut Run<'_>) -> Result<(), Stopped> {
    let roots = machine.roots;
    let mut seen = Resource::new(kind, machine.host.clone(), machine.now);
    seen.fact("hostname", hostname(roots));
    release(roots, &mut seen);
    seen.fact("kernel", required(roots, "/proc/sys/kernel/osrelease"));
    seen.fact("architecture", required(roots, "/proc/sys/kernel/arch"));
    seen.known("virtualization", virtualization(roots).map(str::to_owned));
    seen.fact("container", container(roots));
    seen.known("init", init(roots));
    seen.known("booted_at", booted_at(roots).map(moment));
    run.observe(seen.into_observation())?;
    machine.enumerated(run, kind, 1, None);
    Ok(())
}

fn hostname(roots: &Roots) -> Fact<String> {
    for path in ["/proc/sys/kernel/hostname", "/etc/hostname"] {
        if let Some(name) = roots.line(path)? {
            // The file may hold comments.
            let name = name.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
            return Ok(name.map(str::to_owned));
        }
    }
    let what = "neither /proc/sys/kernel/hostname nor /etc/hostname exists";
    Err(UnknownReason::new(Why::Unsupported, what))
}

/// A file that every Linux has, so that its absence tells nothing.
fn required(roots: &Roots, path: &str) -> Fact<String> {
    roots
        .line(path)?
        .map(Some)
        .ok_or_else(|| UnknownReason::new(Why::Unsupported, format!("{path} does not exist")))
}

fn release(roots: &Roots, seen: &mut Resource) {
    let read = || -> Result<BTreeMap<String, String>, UnknownReason> {
        for path in ["/etc/os-release", "/usr/lib/os-release"] {
            if let Some(text) = roots.text(path)? {
                return Ok(variables(&text));
            }
        }
        Err(UnknownReason::new(Why::Unsupported, "neither /etc/os-release nor /usr/lib/os-release exists"))
    };
    let names = ["os", "os_like", "os_version", "os_name", "os_supported_until"];
    match read() {
        Ok(variables) => {
            let get = |name: &str| variables.get(name).filter(|value| !value.is_empty()).cloned();
            // The specification says what holds without an ID.
            let os = get("ID").unwrap_or_else(|| "linux".to_owned());
            let version = get("VERSION_ID");
            let until = lifetimes::supported_until(&os, version.as_deref().unwrap_or_default());
            let like: Vec<String> =
                get("ID_LIKE").unwrap_or_default().split_whitespace().map(str::to_owned).collect();
            seen.value("os", os).value("os_like", like).fact("os_version", Ok(version));
            seen.fact("os_name", Ok(get("PRETTY_NAME").or_else(|| get("NAME"))));
            seen.known("os_supported_until", until.map(moment));
        }
        Err(reason) => {
            for name in names {
                seen.unknown(name, reason.clone());
            }
        }
    }
    seen.known("os_support_as_of", lifetimes::as_of().map(moment));
}

/// `NAME=value` lines as a shell reads them, without expansions.
pub(crate) fn variables(text: &str) -> BTreeMap<String, String> {
    text.lines()
        .filter_map(|line| {
            let (name, value) = line.trim().split_once('=')?;
            let value = value.trim();
            let bare = value
                .strip_prefix('"')
                .and_then(|rest| rest.strip_suffix('"'))
                .or_else(|| value.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')))
                .unwrap_or(value);
            (!name.starts_with('#')).then(|| (name.trim().to_owned(), bare.to_owned()))
        })
        .collect()
}

fn virtualization(roots: &Roots) -> Result<&'static str, UnknownReason> {
    if roots.line("/sys/hypervisor/type")?.is_some_and(|kind| kind == "xen") {
        return Ok("xen");
    }
    let dmi = |name: &str| roots.line(&format!("/sys/class/dmi/id/{name}"));
    let vendor = dmi("sys_vendor")?;
    let product = dmi("product_name")?.unwrap_or_default();
    let firmware = dmi("bios_vendor")?.unwrap_or_default();
    let told = match vendor.as_deref().unwrap_or_default() {
        "QEMU" | "Red Hat" | "KubeVirt" | "OpenStack Foundation" => Some("kvm"),
        "Amazon EC2" if product.contains("metal") => Some("none"),
        "Amazon EC2" => Some("amazon"),
        "VMware, Inc." | "VMware" => Some("vmware"),
        "Microsoft Corporation" if product == "Virtual Machine" => Some("hyperv"),
        "Google" if product == "Google Compute Engine" => Some("google"),
        "Xen" => Some("xen"),
        "innotek GmbH" => Some("virtualbox"),
        _ if product == "VirtualBox" => Some("virtualbox"),
        _ if product.contains("KVM") || firmware == "SeaBIOS" => Some("kvm"),
        _ => None,
    };
    if let Some(told) = told {
        return Ok(told);
    }
    let processors = roots.text("/proc/cpuinfo")?.unwrap_or_default();
    let flagged = processors
        .lines()
        .filter(|line| line.starts_with("flags"))
        .any(|line| line.split_whitespace().any(|flag| flag == "hypervisor"));
    if flagged {
        Ok("other")
    } else if vendor.is_some() {
        Ok("none")
    } else {
        Err(UnknownReason::new(Why::Unsupported, "the firmware names no maker in /sys/class/dmi/id"))
    }
}

fn container(roots: &Roots) -> Fact<String> {
    let named = |name: &str| -> Option<String> {
        let known = match name.trim() {
            "" => return None,
            "docker" => "docker",
            "podman" | "oci" => "podman",
            "lxc" | "lxc-libvirt" => "lxc",
            _ => "other",
        };
        Some(known.to_owned())
    };
    if let Some(name) = roots.line("/run/systemd/container")?.as_deref().and_then(named) {
        return Ok(Some(name));
    }
    if roots.exists("/run/.containerenv")? {
        return Ok(Some("podman".to_owned()));
    }
    if roots.exists("/.dockerenv")? {
        return Ok(Some("docker".to_owned()));
    }
    let groups = roots.text("/proc/1/cgroup")?.unwrap_or_default();
    for (word, name) in
        [("/docker", "docker"), ("/libpod", "podman"), ("/lxc", "lxc"), ("/kubepods", "other")]
    {
        if groups.lines().any(|line| line.splitn(3, ':').nth(2).is_some_and(|path| path.starts_with(word))) {
            return Ok(Some(name.to_owned()));
        }
    }
    // systemd would have left its own note above.
    if services::systemd(roots)? {
        return Ok(None);
    }
    let environment = roots
        .bytes("/proc/1/environ")?
        .ok_or_else(|| UnknownReason::new(Why::Unsupported, "/proc/1/environ does not exist"))?;
    let told = environment.split(|byte| *byte == 0).find_map(|pair| pair.strip_prefix(b"container="));
    Ok(told.map(String::from_utf8_lossy).as_deref().and_then(named))
}

fn init(roots: &Roots) -> Result<String, UnknownReason> {
    if services::systemd(roots)? {
        return Ok("systemd".to_owned());
    }
    if roots.exists("/run/openrc")? {
        return Ok("openrc".to_owned());
    }
    let name = required(roots, "/proc/1/comm")?.unwrap_or_default();
    Ok(if name == "init" && roots.exists("/etc/inittab")? { "sysvinit".to_owned() } else { name })
}

fn booted_at(roots: &Roots) -> Result<Timestamp, UnknownReason> {
    let text = required(roots, "/proc/stat")?.unwrap_or_default();
    let secs: Option<i64> = text.lines().find_map(|line| line.strip_prefix("btime ")?.trim().parse().ok());
    match secs {
        // The kernel computes it from the clock, so that it moves by a second now and then.
        Some(secs) if (0..=253_402_300_799).contains(&secs) => {
            Ok(Timestamp::from_secs((secs + 30) / 60 * 60))
        }
        _ => Err(UnknownReason::new(Why::Failed, "/proc/stat has no good `btime` line")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Fixture, mangled, shown};
    use super::*;

    const OS: &str =
        "PRETTY_NAME=\"Ubuntu 24.04.1 LTS\"\nID=ubuntu\nID_LIKE='debian'\nVERSION_ID=\"24.04\"\n";

    #[test]
    fn a_machine_is_described() {
        let fixture = Fixture::new(&[
            ("/etc/os-release", OS),
            ("/proc/sys/kernel/hostname", "web1\n"),
            ("/proc/sys/kernel/osrelease", "6.8.0-45-generic\n"),
            ("/proc/sys/kernel/arch", "x86_64\n"),
            ("/proc/stat", "cpu 1 2\nbtime 1767225611\n"),
            ("/proc/1/comm", "systemd\n"),
            ("/run/systemd/system/x", ""),
            ("/sys/class/dmi/id/sys_vendor", "QEMU\n"),
        ]);
        let seen = fixture.look("host", collect);
        let host = seen.one();
        for (name, value) in [
            ("hostname", "\"web1\""),
            ("os", "\"ubuntu\""),
            ("os_like", "[\"debian\"]"),
            ("os_supported_until", "\"2029-06-01T00:00:00Z\""),
            ("virtualization", "\"kvm\""),
            ("container", "null"),
            ("init", "\"systemd\""),
            ("booted_at", "\"2026-01-01T00:00:00Z\""),
        ] {
            assert_eq!(shown(host, name), value, "{name}");
        }
        assert!(seen.complete());
        assert_eq!(key(&fixture.roots()), "web1");
    }

    #[test]
    fn what_is_not_there_or_not_readable_is_unknown() {
        let fixture = Fixture::new(&[("/proc/1/environ", "A=b\0container=lxc\0")]).deny("/etc/os-release");
        let seen = fixture.look("host", collect);
        let host = seen.one();
        assert_eq!(shown(host, "os"), "unknown: denied");
        assert_eq!(shown(host, "os_supported_until"), "unknown: denied");
        assert_eq!(shown(host, "kernel"), "unknown: unsupported");
        assert_eq!(shown(host, "virtualization"), "unknown: unsupported");
        assert_eq!(shown(host, "hostname"), "unknown: unsupported");
        assert_eq!(shown(host, "container"), "\"lxc\"");
        let denied = Fixture::new(&[("/etc/os-release", "ID=arch\n")]).deny("/proc/1/environ");
        let seen = denied.look("host", collect);
        assert_eq!(shown(seen.one(), "container"), "unknown: denied");
        assert_eq!(shown(seen.one(), "os_version"), "null");
        assert_eq!(shown(seen.one(), "os_supported_until"), "unknown: unsupported");
    }

    #[test]
    fn generic_names_are_no_keys() {
        let id = "0123456789abcdef0123456789abcdef\n";
        let key_of =
            |name, id| key(&Fixture::new(&[("/etc/hostname", name), ("/etc/machine-id", id)]).roots());
        assert_eq!(key_of("Localhost\n", id), "machine-0123456789ab");
        assert_eq!(key_of("db1\n", id), "db1");
        assert_eq!(key_of("debian\n", "uninitialized\n"), "debian");
        assert_eq!(key(&Fixture::new(&[]).roots()), "localhost");
    }

    #[test]
    fn garbage_does_no_harm() {
        for text in mangled(OS) {
            variables(&text);
            Fixture::new(&[("/etc/os-release", &text), ("/proc/stat", &text)]).look("host", collect);
        }
    }
}
