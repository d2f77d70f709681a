//! Pending updates of Fedora, RHEL and their kin, from the lists that dnf holds (`-C`).

use octro_model::{Timestamp, UnknownReason, Why};

use super::Machine;
use super::commands::{complaint, output};
use super::identity::variables;
use super::packages::{Pending, Updates, later, sorted};
use super::roots::{Fact, Roots};
use super::services::enabled;

/// Where dnf 4 and dnf 5 keep their lists, one folder a repository.
const CACHES: [&str; 2] = ["/var/cache/dnf", "/var/cache/libdnf5"];

/// What dnf says; `None` without dnf.
pub(crate) fn look(machine: &Machine<'_>) -> Result<Option<Updates>, UnknownReason> {
    let roots = machine.roots;
    let program = if roots.exists("/usr/bin/dnf5")? {
        "dnf5"
    } else if roots.exists("/usr/bin/dnf")? {
        "dnf"
    } else {
        return Ok(None);
    };
    let lists = lists(roots);
    let pending = lists.clone().and_then(|lists| {
        lists.fetched.ok_or_else(never_fetched)?;
        pending(machine, program)
    });
    let security_archive =
        lists.clone().and_then(|lists| lists.fetched.map(|_| lists.advisories).ok_or_else(never_fetched));
    let security = security_archive.clone().and_then(|there| {
        let what = "the repositories publish no advisories, so security updates cannot be told apart";
        there.then_some(()).ok_or_else(|| UnknownReason::new(Why::Unsupported, what))
    });
    let install = |units: &[&str]| enabled(roots, units, "timer");
    Ok(Some(Updates {
        manager: "dnf",
        lists_updated_at: lists.and_then(|lists| lists.fetched.map(Some).ok_or_else(never_fetched)),
        pending,
        security,
        held: held(roots),
        security_archive,
        automatic_lists: install(&["dnf-makecache", "dnf5-makecache", "dnf-automatic", "dnf5-automatic"]),
        automatic_security: install(&["dnf-automatic-install"]).and_then(|always| {
            Ok(always || install(&["dnf-automatic", "dnf5-automatic"])? && applies(roots)?)
        }),
        reboot_required: reboot_required(machine, program),
    }))
}

fn never_fetched() -> UnknownReason {
    UnknownReason::new(Why::NotCollected, "dnf holds no lists of packages; run `dnf makecache`")
}

#[derive(Debug, Clone, Default)]
struct Lists {
    fetched: Option<Timestamp>,
    advisories: bool,
}

fn lists(roots: &Roots) -> Result<Lists, UnknownReason> {
    let mut lists = Lists::default();
    for cache in CACHES {
        for repository in roots.list(cache)?.unwrap_or_default() {
            let folder = format!("{cache}/{repository}/repodata");
            let names = roots.list(&folder)?.unwrap_or_default();
            lists.fetched = later(lists.fetched, roots.modified(&format!("{folder}/repomd.xml"))?);
            lists.advisories |= names.iter().any(|name| name.contains("updateinfo"));
        }
    }
    Ok(lists)
}

fn pending(machine: &Machine<'_>, program: &str) -> Result<Pending, UnknownReason> {
    let answer = machine.commands.run(program, &["-q", "-C", "check-update"], &[])?;
    let all = match answer.code {
        // 100 says that there are some.
        Some(0 | 100) => updates(&answer.stdout),
        _ => return Err(complaint(&format!("{program} check-update"), &answer)),
    };
    let arguments: &[&str] = if program == "dnf5" {
        &["-q", "-C", "advisory", "list", "--security", "--available"]
    } else {
        &["-q", "-C", "updateinfo", "list", "--security", "--available"]
    };
    Ok(Pending { all, security: advised(&output(machine.commands, program, arguments)?) })
}

/// `name.architecture version repository`, up to the list of replaced packages.
fn updates(text: &str) -> Vec<String> {
    let lines = text.lines().take_while(|line| !line.starts_with("Obsoleting"));
    let names = lines.filter_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [package, _, _] = words.as_slice() else { return None };
        package.rsplit_once('.').map(|(name, _)| name.to_owned())
    });
    sorted(names.collect())
}

/// Advisory, severity and `name-version-release.architecture`, in columns that differ between versions.
fn advised(text: &str) -> Vec<String> {
    let names = text.lines().filter_map(|line| {
        let package = line
            .split_whitespace()
            .skip(1)
            .find(|word| word.contains('.') && word.matches('-').count() >= 2)?;
        package.rsplitn(3, '-').nth(2).map(str::to_owned)
    });
    sorted(names.collect())
}

fn held(roots: &Roots) -> Result<Vec<String>, UnknownReason> {
    let text = roots.text("/etc/dnf/plugins/versionlock.list")?.unwrap_or_default();
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    Ok(sorted(lines.map(str::to_owned).collect()))
}

/// Whether dnf-automatic installs what it finds.
fn applies(roots: &Roots) -> Result<bool, UnknownReason> {
    // The administrator's file comes before the package's.
    for path in ["/etc/dnf/automatic.conf", "/usr/share/dnf5/dnf5-plugins/automatic.conf"] {
        let fact: Fact<String> = roots.text(path);
        let settings = variables(&fact?.unwrap_or_default());
        if let Some(value) = settings.get("apply_updates") {
            return Ok(matches!(value.to_ascii_lowercase().as_str(), "yes" | "true" | "1" | "on"));
        }
    }
    Ok(false)
}

fn reboot_required(machine: &Machine<'_>, program: &str) -> Result<bool, UnknownReason> {
    let answer = machine.commands.run(program, &["-q", "-C", "needs-restarting", "-r"], &[])?;
    match answer.code {
        Some(0) => Ok(false),
        Some(1) if answer.stdout.contains("Reboot is required") => Ok(true),
        _ => Err(complaint(&format!("{program} needs-restarting"), &answer)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Fixture, mangled, shown};
    use super::super::packages::collect;
    use super::*;

    const UPDATES: &str = "\nkernel.x86_64   5.14.0-503.el9   baseos\nopenssl-libs.x86_64  1:3.2.2-6.el9  baseos\n\
        Obsoleting Packages\nold.x86_64 1 baseos\n";
    const ADVISED: &str = "RHSA-2024:9000 Important/Sec. openssl-libs-1:3.2.2-6.el9.x86_64\n";
    const ASK: &str = "dnf -q -C check-update";
    const ADVISE: &str = "dnf -q -C updateinfo list --security --available";
    const RESTART: &str = "dnf -q -C needs-restarting -r";

    fn machine() -> Fixture {
        Fixture::new(&[
            ("/usr/bin/dnf", ""),
            ("/var/cache/dnf/baseos-1/repodata/repomd.xml", ""),
            ("/var/cache/dnf/baseos-1/repodata/9-updateinfo.xml.gz", ""),
            ("/etc/dnf/automatic.conf", "[commands]\nupgrade_type = security\napply_updates = yes\n"),
        ])
        .link("/etc/systemd/system/timers.target.wants/dnf-automatic.timer", "x")
        .tool(ADVISE, 0, ADVISED, "")
        .tool(
            RESTART,
            1,
            "Core libraries ...\nReboot is required to fully utilize these updates.\n",
            "",
        )
    }

    #[test]
    fn updates_are_counted() {
        let seen = machine().tool(ASK, 100, UPDATES, "").look("host.package_updates", collect);
        let dnf = seen.key("web1:dnf");
        for (name, value) in [
            ("pending_names", "[\"kernel\",\"openssl-libs\"]"),
            ("security_names", "[\"openssl-libs\"]"),
            ("automatic_security", "true"),
            ("automatic_lists", "true"),
            ("reboot_required", "true"),
            ("held", "[]"),
        ] {
            assert_eq!(shown(dnf, name), value, "{name}");
        }
    }

    #[test]
    fn what_dnf_cannot_tell_is_unknown() {
        let seen = machine()
            .tool(ASK, 1, "", "Error: Cache-only enabled but no cache for 'baseos'")
            .look("host.package_updates", collect);
        assert_eq!(shown(seen.one(), "pending"), "unknown: failed");
        let seen = Fixture::new(&[("/usr/bin/dnf5", "")]).look("host.package_updates", collect);
        assert_eq!(shown(seen.one(), "pending"), "unknown: not collected");
        assert_eq!(shown(seen.one(), "reboot_required"), "unknown: unsupported");
        let seen =
            machine().deny("/var/cache/dnf").tool(ASK, 0, "", "").look("host.package_updates", collect);
        assert_eq!(shown(seen.one(), "pending_security"), "unknown: denied");
        let plain = Fixture::new(&[("/usr/bin/dnf", ""), ("/var/cache/dnf/a/repodata/repomd.xml", "")]);
        let seen = plain.tool(ASK, 0, "", "").tool(ADVISE, 0, "", "").look("host.package_updates", collect);
        assert_eq!(shown(seen.one(), "pending"), "0");
        assert_eq!(shown(seen.one(), "pending_security"), "unknown: unsupported");
        for text in mangled(UPDATES) {
            updates(&text);
            advised(&text);
        }
    }
}
