//! `host.time_sync`: which service keeps the clock right, and whether it does now.

use octro_model::{Id, UnknownReason, Why};

use super::Machine;
use super::commands::output;
use super::processes::Processes;
use super::resource::Resource;
use super::roots::Roots;
use super::services::{Service, active};
use crate::{Run, Stopped};

/// A time service, the programs that it is installed as, and the files of its settings.
struct Keeper {
    service: Service,
    programs: &'static [&'static str],
    settings: &'static [&'static str],
}

const KEEPERS: [Keeper; 5] = [
    Keeper {
        service: Service { name: "chrony", units: &["chrony", "chronyd"], processes: &["chronyd"] },
        programs: &["/usr/sbin/chronyd"],
        settings: &[
            "/etc/chrony/chrony.conf",
            "/etc/chrony.conf",
            "/etc/chrony/conf.d",
            "/etc/chrony/sources.d",
        ],
    },
    Keeper {
        service: Service {
            name: "systemd-timesyncd",
            units: &["systemd-timesyncd"],
            processes: &["systemd-timesyncd"],
        },
        programs: &["/usr/lib/systemd/systemd-timesyncd", "/lib/systemd/systemd-timesyncd"],
        settings: &["/etc/systemd/timesyncd.conf", "/etc/systemd/timesyncd.conf.d"],
    },
    Keeper {
        service: Service { name: "ntpsec", units: &["ntpsec"], processes: &[] },
        programs: &["/usr/sbin/ntpd-ntpsec"],
        settings: &["/etc/ntpsec/ntp.conf", "/etc/ntpsec/ntp.d"],
    },
    Keeper {
        service: Service { name: "ntpd", units: &["ntp", "ntpd"], processes: &["ntpd"] },
        programs: &["/usr/sbin/ntpd"],
        settings: &["/etc/ntp.conf"],
    },
    Keeper {
        service: Service { name: "openntpd", units: &["openntpd"], processes: &[] },
        programs: &["/usr/sbin/openntpd"],
        settings: &["/etc/openntpd/ntpd.conf"],
    },
];

/// Looks at the clock.
pub(crate) fn collect(machine: &Machine<'_>, kind: &Id, run: &mut Run<'_>) -> Result<(), Stopped> {
    let processes = Processes::read(machine.roots);
    let mut seen = Resource::new(kind, format!("{}:clock", machine.host), machine.now);
    seen.value("host", machine.host.clone());
    let running: Result<Vec<&Keeper>, UnknownReason> = KEEPERS
        .iter()
        .filter_map(|keeper| match active(machine, &processes, &keeper.service) {
            Ok(true) => Some(Ok(keeper)),
            Ok(false) => None,
            Err(reason) => Some(Err(reason)),
        })
        .collect();
    let installed: Result<Vec<&str>, UnknownReason> = KEEPERS
        .iter()
        .filter_map(|keeper| match machine.roots.any_exists(keeper.programs.iter().copied()) {
            Ok(true) => Some(Ok(keeper.service.name)),
            Ok(false) => None,
            Err(reason) => Some(Err(reason)),
        })
        .collect();
    seen.known("installed", installed);
    let names = |keepers: Vec<&Keeper>| keepers.iter().map(|keeper| keeper.service.name).collect::<Vec<_>>();
    seen.known("services", running.clone().map(names));
    seen.known("configured_servers", running.clone().and_then(|keepers| servers(machine.roots, &keepers)));
    seen.known("synchronized", synchronized(machine, running));
    run.observe(seen.into_observation())?;
    machine.enumerated(run, kind, 1, None);
    Ok(())
}

/// Asks the services that run, then the kernel by way of `timedatectl`.
fn synchronized(
    machine: &Machine<'_>,
    running: Result<Vec<&Keeper>, UnknownReason>,
) -> Result<bool, UnknownReason> {
    if machine.roots.any_exists(["/.dockerenv", "/run/.containerenv", "/run/systemd/container"])? {
        let what = "this is a container, whose clock the machine around it keeps";
        return Err(UnknownReason::new(Why::Unsupported, what));
    }
    if running.as_ref().is_ok_and(|keepers| keepers.iter().any(|keeper| keeper.service.name == "chrony"))
        && let Ok(text) = output(machine.commands, "chronyc", &["-c", "tracking"])
    {
        return leap_status(&text);
    }
    let text = output(machine.commands, "timedatectl", &["show", "--property=NTPSynchronized", "--value"])?;
    match text.trim() {
        "yes" => Ok(true),
        "no" => Ok(false),
        other => Err(UnknownReason::new(Why::Failed, format!("timedatectl answered `{}`", short(other)))),
    }
}

/// The last of `chronyc`'s 14 columns: `Normal`, `Insert second`, `Delete second` or `Not synchronised`.
fn leap_status(text: &str) -> Result<bool, UnknownReason> {
    let columns: Vec<&str> = text.trim().split(',').collect();
    match columns.as_slice() {
        [_, _, _, _, _, _, _, _, _, _, _, _, _, "Normal" | "Insert second" | "Delete second"] => Ok(true),
        [_, _, _, _, _, _, _, _, _, _, _, _, _, "Not synchronised"] => Ok(false),
        _ => Err(UnknownReason::new(Why::Failed, format!("chronyc answered `{}`", short(text)))),
    }
}

fn short(text: &str) -> String {
    text.trim().chars().take(120).collect()
}

fn servers(roots: &Roots, keepers: &[&Keeper]) -> Result<Vec<String>, UnknownReason> {
    let mut all = Vec::new();
    for path in keepers.iter().flat_map(|keeper| keeper.settings) {
        if path.ends_with(".d") {
            for name in roots.list(path)?.unwrap_or_default() {
                all.extend(named(&roots.text(&format!("{path}/{name}"))?.unwrap_or_default()));
            }
        } else {
            all.extend(named(&roots.text(path)?.unwrap_or_default()));
        }
    }
    all.sort_unstable();
    all.dedup();
    Ok(all)
}

/// `server name options`, `pool name`, `peer name`; timesyncd's `NTP=name name`.
fn named(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    for line in text.lines().map(str::trim) {
        let mut words = line.split_whitespace();
        if let Some("server" | "servers" | "pool" | "peer") = words.next() {
            all.extend(words.next().map(str::to_owned));
        } else if let Some(list) = line.strip_prefix("NTP=") {
            all.extend(list.split_whitespace().map(str::to_owned));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Fixture, mangled, shown};
    use super::*;

    const TRACKING: &str = "C0248F97,192.36.143.151,2,1772528400.1,0.000011,0.000005,0.0001,-7.5,0.001,0.02,0.01,0.001,64.2,Normal\n";
    const ASK: &str = "timedatectl show --property=NTPSynchronized --value";

    fn machine(files: &[(&str, &str)]) -> Fixture {
        let fixture = Fixture::new(&[("/proc/1/comm", "init\n")]);
        for (path, text) in files {
            fixture.write(path, text.as_bytes());
        }
        fixture
    }

    #[test]
    fn chrony_is_asked_itself() {
        let files = [
            ("/proc/9/comm", "chronyd\n"),
            ("/usr/sbin/chronyd", ""),
            ("/etc/chrony/chrony.conf", "pool ntp.example iburst\n# server no.example\nserver b.example\n"),
        ];
        let seen =
            machine(&files).tool("chronyc -c tracking", 0, TRACKING, "").look("host.time_sync", collect);
        let clock = seen.key("web1:clock");
        assert_eq!(shown(clock, "synchronized"), "true");
        assert_eq!(shown(clock, "services"), "[\"chrony\"]");
        assert_eq!(shown(clock, "installed"), "[\"chrony\"]");
        assert_eq!(shown(clock, "configured_servers"), "[\"b.example\",\"ntp.example\"]");
        let lost = TRACKING.replace("Normal", "Not synchronised");
        let seen = machine(&files).tool("chronyc -c tracking", 0, &lost, "").look("host.time_sync", collect);
        assert_eq!(shown(seen.one(), "synchronized"), "false");
    }

    #[test]
    fn others_are_known_by_the_kernels_word() {
        let unit =
            |fixture: Fixture| fixture.tool("systemctl is-active systemd-timesyncd", 0, "active\n", "");
        let files = [
            ("/run/systemd/system/x", ""),
            ("/etc/systemd/timesyncd.conf", "[Time]\n#NTP=\nNTP=a.example b.example\n"),
        ];
        let seen = unit(machine(&files)).tool(ASK, 0, "yes\n", "").look("host.time_sync", collect);
        assert_eq!(shown(seen.one(), "synchronized"), "true");
        assert_eq!(shown(seen.one(), "services"), "[\"systemd-timesyncd\"]");
        assert_eq!(shown(seen.one(), "configured_servers"), "[\"a.example\",\"b.example\"]");
        let seen = unit(machine(&files))
            .tool(ASK, 1, "", "Failed to connect to bus")
            .look("host.time_sync", collect);
        assert_eq!(shown(seen.one(), "synchronized"), "unknown: failed");
    }

    #[test]
    fn containers_and_machines_that_cannot_be_seen_are_unknown() {
        let seen = machine(&[("/.dockerenv", "")]).tool(ASK, 0, "yes\n", "").look("host.time_sync", collect);
        assert_eq!(shown(seen.one(), "synchronized"), "unknown: unsupported");
        assert_eq!(shown(seen.one(), "services"), "[]");
        let seen = Fixture::new(&[]).look("host.time_sync", collect);
        assert_eq!(shown(seen.one(), "services"), "unknown: unsupported");
        assert_eq!(shown(seen.one(), "synchronized"), "unknown: unsupported");
        for text in mangled(TRACKING) {
            // Only the whole of it may say so.
            assert!(leap_status(&text).is_err() || text.contains(','));
            named(&text);
        }
    }
}
