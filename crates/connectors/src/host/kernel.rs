//! `host.kernel`: the running kernel's own protections, as its switches below `/proc/sys` and `/sys` stand.

use octro_model::{Id, UnknownReason, Why};
use serde_json::{Value, json};

use super::Machine;
use super::resource::Resource;
use super::roots::{Fact, Roots};
use crate::{Run, Stopped};

/// Attributes, and the switches behind them.
const SWITCHES: [(&str, &str); 20] = [
    ("kptr_restrict", "kernel/kptr_restrict"),
    ("dmesg_restrict", "kernel/dmesg_restrict"),
    ("ptrace_scope", "kernel/yama/ptrace_scope"),
    ("randomize_va_space", "kernel/randomize_va_space"),
    ("unprivileged_bpf_disabled", "kernel/unprivileged_bpf_disabled"),
    ("bpf_jit_harden", "net/core/bpf_jit_harden"),
    ("perf_event_paranoid", "kernel/perf_event_paranoid"),
    ("kexec_load_disabled", "kernel/kexec_load_disabled"),
    ("modules_disabled", "kernel/modules_disabled"),
    ("sysrq", "kernel/sysrq"),
    ("suid_dumpable", "fs/suid_dumpable"),
    ("protected_hardlinks", "fs/protected_hardlinks"),
    ("protected_symlinks", "fs/protected_symlinks"),
    ("protected_fifos", "fs/protected_fifos"),
    ("protected_regular", "fs/protected_regular"),
    ("unprivileged_userns_clone", "kernel/unprivileged_userns_clone"),
    ("ip_forward", "net/ipv4/ip_forward"),
    ("ipv6_forward", "net/ipv6/conf/all/forwarding"),
    ("tcp_syncookies", "net/ipv4/tcp_syncookies"),
    ("icmp_ignore_broadcasts", "net/ipv4/icmp_echo_ignore_broadcasts"),
];

const WEAKNESSES: &str = "/sys/devices/system/cpu/vulnerabilities";
/// The firmware's variables: four bytes of attributes, then the value.
const SECURE_BOOT: &str = "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";

/// Looks at the kernel.
pub(crate) fn collect(machine: &Machine<'_>, kind: &Id, run: &mut Run<'_>) -> Result<(), Stopped> {
    let roots = machine.roots;
    let mut seen = Resource::new(kind, format!("{}:kernel", machine.host), machine.now);
    seen.value("host", machine.host.clone());
    // Without /proc a missing switch is not an absent one.
    let there = roots.exists("/proc/sys/kernel").and_then(|there| {
        let what = "/proc/sys/kernel does not exist; is /proc mounted?";
        there.then_some(()).ok_or_else(|| UnknownReason::new(Why::Unsupported, what))
    });
    seen.fact("release", there.clone().and_then(|()| roots.line("/proc/sys/kernel/osrelease")));
    for (name, path) in SWITCHES {
        seen.fact(name, there.clone().and_then(|()| roots.number(&format!("/proc/sys/{path}"))));
    }
    let net = there.clone().and_then(|()| Interfaces::read(roots));
    let of = |rule: &dyn Fn(&Interfaces<'_>) -> Fact<bool>| match &net {
        Ok(net) => rule(net),
        Err(reason) => Err(reason.clone()),
    };
    seen.fact("rp_filter", net.as_ref().map_err(Clone::clone).and_then(Interfaces::source_check));
    seen.fact("accept_redirects", of(&|net| net.takes_redirects()));
    seen.fact("accept_redirects_ipv6", there.clone().and_then(|()| takes_redirects_ipv6(roots)));
    // The sum of `all` and the interface's own switch counts.
    seen.fact("send_redirects", of(&|net| net.any(|all, own| all != 0 || own != 0, "send_redirects")));
    seen.fact(
        "accept_source_route",
        of(&|net| net.any(|all, own| all != 0 && own != 0, "accept_source_route")),
    );
    seen.fact(
        "tainted",
        there.and_then(|()| roots.number("/proc/sys/kernel/tainted")).map(|n| n.map(|n| n != 0)),
    );
    seen.fact("lockdown", lockdown(roots));
    seen.fact("secure_boot", secure_boot(roots));
    seen.known("security_modules", security_modules(roots));
    weaknesses(roots, &mut seen);
    run.observe(seen.into_observation())?;
    machine.enumerated(run, kind, 1, None);
    Ok(())
}

/// The switches of the IPv4 interfaces.
struct Interfaces<'a> {
    roots: &'a Roots,
    names: Vec<String>,
}

const IPV4: &str = "/proc/sys/net/ipv4/conf";
const IPV6: &str = "/proc/sys/net/ipv6/conf";

fn interfaces(roots: &Roots, folder: &str) -> Fact<Vec<String>> {
    let names = roots.list(folder)?;
    // `default` is what interfaces that come later start with, so it counts; loopback takes no packets from outside.
    Ok(names.map(|names| names.into_iter().filter(|name| name != "all" && name != "lo").collect()))
}

impl<'a> Interfaces<'a> {
    fn read(roots: &'a Roots) -> Result<Self, UnknownReason> {
        let names = interfaces(roots, IPV4)?
            .ok_or_else(|| UnknownReason::new(Why::Unsupported, format!("{IPV4} does not exist")))?;
        Ok(Self { roots, names })
    }

    fn value(&self, interface: &str, switch: &str) -> Fact<i64> {
        self.roots.number(&format!("{IPV4}/{interface}/{switch}"))
    }

    /// Whether the rule holds for some interface, given the switch of `all` and its own.
    fn any(&self, rule: impl Fn(i64, i64) -> bool, switch: &str) -> Fact<bool> {
        let Some(all) = self.value("all", switch)? else { return Ok(None) };
        for name in &self.names {
            if self.value(name, switch)?.is_some_and(|own| rule(all, own)) {
                return Ok(Some(true));
            }
        }
        Ok(Some(false))
    }

    /// The higher of `all` and its own counts for an interface; the weakest interface counts for the machine.
    fn source_check(&self) -> Fact<i64> {
        let Some(all) = self.value("all", "rp_filter")? else { return Ok(None) };
        let mut weakest: Option<i64> = None;
        for name in self.names.iter().filter(|name| *name != "default") {
            let Some(own) = self.value(name, "rp_filter")? else { continue };
            // 2 is the looser check, yet the kernel takes the higher number.
            let effective = all.max(own);
            let rank = |n: i64| if n == 1 { 3 } else { n };
            if weakest.is_none_or(|other| rank(effective) < rank(other)) {
                weakest = Some(effective);
            }
        }
        Ok(Some(weakest.unwrap_or(all)))
    }

    /// A router needs both switches for redirects, anything else one of them.
    fn takes_redirects(&self) -> Fact<bool> {
        let mut some = false;
        let Some(all) = self.value("all", "accept_redirects")? else { return Ok(None) };
        for name in &self.names {
            let Some(own) = self.value(name, "accept_redirects")? else { continue };
            let router = self.value(name, "forwarding")?.unwrap_or(0) != 0;
            some |= if router { all != 0 && own != 0 } else { all != 0 || own != 0 };
        }
        Ok(Some(some))
    }
}

/// For IPv6 each interface's own switch counts, and routers take none unless told to (2).
fn takes_redirects_ipv6(roots: &Roots) -> Fact<bool> {
    let Some(names) = interfaces(roots, IPV6)? else { return Ok(None) };
    for name in names {
        let switch = |switch: &str| roots.number(&format!("{IPV6}/{name}/{switch}"));
        if switch("disable_ipv6")?.unwrap_or(0) == 1 {
            continue;
        }
        if switch("accept_redirects")?.is_some_and(|own| own != 0) {
            return Ok(Some(true));
        }
    }
    Ok(Some(false))
}

fn lockdown(roots: &Roots) -> Fact<String> {
    let path = "/sys/kernel/security/lockdown";
    let Some(line) = roots.line(path)? else { return security_absent(roots, "lockdown").map(|()| None) };
    line.split_whitespace()
        .find_map(|word| word.strip_prefix('[')?.strip_suffix(']'))
        .map(|mode| Some(mode.to_owned()))
        .ok_or_else(|| UnknownReason::new(Why::Failed, format!("{path} marks no mode")))
}

/// A file of securityfs is absent for certain only if that is mounted.
fn security_absent(roots: &Roots, what: &str) -> Result<(), UnknownReason> {
    match roots.list("/sys/kernel/security")? {
        Some(entries) if !entries.is_empty() => Ok(()),
        _ => {
            let detail = format!("/sys/kernel/security is not mounted, so {what} cannot be seen");
            Err(UnknownReason::new(Why::Unsupported, detail))
        }
    }
}

fn security_modules(roots: &Roots) -> Result<Vec<String>, UnknownReason> {
    match roots.line("/sys/kernel/security/lsm")? {
        Some(line) => Ok(line.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect()),
        None => security_absent(roots, "which security modules are active").map(|()| Vec::new()),
    }
}

fn secure_boot(roots: &Roots) -> Fact<bool> {
    if !roots.exists("/sys/firmware")? {
        return Err(UnknownReason::new(
            Why::Unsupported,
            "/sys/firmware does not exist; inside a container?",
        ));
    }
    if !roots.exists("/sys/firmware/efi")? {
        return Ok(None);
    }
    match roots.bytes(SECURE_BOOT)?.as_deref() {
        Some([_, _, _, _, value]) => Ok(Some(*value == 1)),
        Some(_) => Err(UnknownReason::new(Why::Failed, format!("{SECURE_BOOT} is not five bytes long"))),
        None if roots.list("/sys/firmware/efi/efivars")?.is_some_and(|entries| !entries.is_empty()) => {
            Ok(Some(false))
        }
        None => {
            Err(UnknownReason::new(Why::Unsupported, "the firmware's variables are not mounted (efivarfs)"))
        }
    }
}

fn weaknesses(roots: &Roots, seen: &mut Resource) {
    let read = || -> Result<Vec<Value>, UnknownReason> {
        let names = roots
            .list(WEAKNESSES)?
            .ok_or_else(|| UnknownReason::new(Why::Unsupported, format!("{WEAKNESSES} does not exist")))?;
        let mut all = Vec::new();
        for name in names {
            let Some(status) = roots.line(&format!("{WEAKNESSES}/{name}"))? else { continue };
            all.push(json!({"name": name, "vulnerable": is_vulnerable(&status), "status": status}));
        }
        Ok(all)
    };
    match read() {
        Ok(all) => {
            let names: Vec<Value> = all
                .iter()
                .filter(|weakness| weakness["vulnerable"] == true)
                .map(|w| w["name"].clone())
                .collect();
            seen.value("vulnerable", names).value("weaknesses", all);
        }
        Err(reason) => {
            seen.unknown("vulnerable", reason.clone()).unknown("weaknesses", reason);
        }
    }
}

/// `Mitigation: ...; SMT vulnerable` and `KVM: Vulnerable` say it in the middle, `Vulnerable: ...` at the start.
fn is_vulnerable(status: &str) -> bool {
    status.to_ascii_lowercase().split(|c: char| !c.is_ascii_alphabetic()).any(|word| word == "vulnerable")
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Fixture, mangled, shown};
    use super::*;

    fn hardened() -> Fixture {
        let fixture = Fixture::new(&[
            ("/proc/sys/kernel/osrelease", "6.1.0\n"),
            ("/proc/sys/kernel/kptr_restrict", "2\n"),
            ("/proc/sys/kernel/tainted", "0\n"),
            ("/proc/sys/kernel/yama/ptrace_scope", "1\n"),
            ("/sys/kernel/security/lockdown", "none [integrity] confidentiality\n"),
            ("/sys/kernel/security/lsm", "lockdown,capability,yama,apparmor\n"),
            ("/sys/devices/system/cpu/vulnerabilities/meltdown", "Not affected\n"),
            (
                "/sys/devices/system/cpu/vulnerabilities/mds",
                "Mitigation: Clear CPU buffers; SMT vulnerable\n",
            ),
            ("/sys/firmware/acpi/x", ""),
        ]);
        for (interface, own) in [("all", "0"), ("default", "0"), ("lo", "1"), ("eth0", "0")] {
            for switch in ["accept_redirects", "send_redirects", "accept_source_route"] {
                fixture.write(&format!("{IPV4}/{interface}/{switch}"), own.as_bytes());
            }
            fixture.write(
                &format!("{IPV4}/{interface}/rp_filter"),
                if interface == "eth0" { b"2" } else { b"1" },
            );
        }
        fixture
    }

    #[test]
    fn switches_are_read_and_combined() {
        let seen = hardened().look("host.kernel", collect);
        let kernel = seen.key("web1:kernel");
        for (name, value) in [
            ("kptr_restrict", "2"),
            ("ptrace_scope", "1"),
            ("dmesg_restrict", "null"),
            ("rp_filter", "2"),
            ("accept_redirects", "false"),
            ("accept_redirects_ipv6", "null"),
            ("send_redirects", "false"),
            ("tainted", "false"),
            ("lockdown", "\"integrity\""),
            ("secure_boot", "null"),
            ("vulnerable", "[\"mds\"]"),
        ] {
            assert_eq!(shown(kernel, name), value, "{name}");
        }
        let open = hardened();
        open.write(&format!("{IPV4}/all/accept_redirects"), b"1");
        open.write("/proc/sys/net/ipv6/conf/eth0/accept_redirects", b"1");
        open.write(SECURE_BOOT, &[6, 0, 0, 0, 1]);
        let seen = open.look("host.kernel", collect);
        assert_eq!(shown(seen.one(), "accept_redirects"), "true");
        assert_eq!(shown(seen.one(), "accept_redirects_ipv6"), "true");
        assert_eq!(shown(seen.one(), "secure_boot"), "true");
    }

    #[test]
    fn denied_and_missing_are_told_apart() {
        let seen =
            hardened().deny("/proc/sys/kernel/kptr_restrict").deny(WEAKNESSES).look("host.kernel", collect);
        assert_eq!(shown(seen.one(), "kptr_restrict"), "unknown: denied");
        assert_eq!(shown(seen.one(), "vulnerable"), "unknown: denied");
        let nothing = Fixture::new(&[]).look("host.kernel", collect);
        for name in
            ["kptr_restrict", "rp_filter", "lockdown", "security_modules", "vulnerable", "secure_boot"]
        {
            assert_eq!(shown(nothing.one(), name), "unknown: unsupported", "{name}");
        }
    }

    #[test]
    fn garbage_does_no_harm() {
        for text in mangled("none [integrity] 1\nVulnerable: x") {
            let fixture = hardened();
            for path in [
                "/proc/sys/kernel/sysrq",
                "/sys/kernel/security/lockdown",
                "/proc/sys/net/ipv4/conf/all/rp_filter",
            ] {
                fixture.write(path, text.as_bytes());
            }
            fixture.write(SECURE_BOOT, text.as_bytes());
            fixture.look("host.kernel", collect);
        }
    }
}
