//! `host.screen_lock`: for each person and desktop, whether the screen locks by itself and after how long. Machines
//! without a desktop have no such resource. A person's settings are read as that person, never as root's own.

mod kde;

use std::collections::BTreeSet;

use octro_model::{Id, UnknownReason, Why};

use super::Machine;
use super::resource::Resource;
use super::roots::{Fact, Roots};
use super::user::{Account, accounts, first_person};
use crate::{Run, Stopped};

/// Where desktops say that they can be started.
const SESSIONS: [&str; 2] = ["/usr/share/xsessions", "/usr/share/wayland-sessions"];

/// What a desktop's settings say.
pub(crate) struct Lock {
    /// Seconds until it locks; `None` if it never does.
    pub after: Option<i64>,
    /// Whether the person cannot change that.
    pub enforced: Result<bool, UnknownReason>,
    /// Where it was found.
    pub evidence: Vec<String>,
}

/// Lists the screen locks.
pub(crate) fn collect(machine: &Machine<'_>, kind: &Id, run: &mut Run<'_>) -> Result<(), Stopped> {
    let found = desktops(machine.roots).and_then(|desktops| {
        if desktops.is_empty() {
            return Ok((desktops, Vec::new(), None));
        }
        let (accounts, missing) = accounts(machine.roots)?;
        let first = first_person(machine.roots)?;
        let people = accounts.into_iter().filter(|a| a.uid >= first && a.uid < 65_534 && a.has_login_shell());
        Ok((desktops, people.collect(), missing))
    });
    let (desktops, people, missing) = match found {
        Ok(found) => found,
        Err(reason) => {
            machine.enumerated(run, kind, 0, Some(reason));
            return Ok(());
        }
    };
    let autologin = autologin(machine.roots);
    let mut count = 0;
    for person in &people {
        for desktop in chosen(machine.roots, &desktops, &person.name) {
            let key = format!("{}:{}:{desktop}", machine.host, person.name);
            let mut seen = Resource::new(kind, key, machine.now);
            seen.value("host", machine.host.clone())
                .value("user", person.name.clone())
                .value("desktop", desktop.clone());
            match look(machine, person, &desktop) {
                Ok(mut lock) => {
                    lock.evidence.sort_unstable();
                    seen.value("locks", lock.after.is_some())
                        .fact("lock_after", Ok(lock.after))
                        .known("enforced", lock.enforced)
                        .value("evidence", lock.evidence);
                }
                Err(reason) => {
                    for name in ["locks", "lock_after", "enforced", "evidence"] {
                        seen.unknown(name, reason.clone());
                    }
                }
            }
            seen.known("autologin", autologin.clone().map(|names| names.contains(&person.name)));
            run.observe(seen.into_observation())?;
            count += 1;
        }
    }
    machine.enumerated(run, kind, count, missing);
    Ok(())
}

/// The desktops that are installed, by name.
fn desktops(roots: &Roots) -> Result<BTreeSet<String>, UnknownReason> {
    let mut all = BTreeSet::new();
    for folder in SESSIONS {
        for file in roots.list(folder)?.unwrap_or_default() {
            let Some(session) = file.strip_suffix(".desktop") else { continue };
            all.insert(desktop(session));
        }
    }
    Ok(all)
}

fn desktop(session: &str) -> String {
    let lower = session.to_ascii_lowercase();
    let known = [
        ("gnome", "gnome"),
        ("ubuntu", "gnome"),
        ("plasma", "kde"),
        ("kde", "kde"),
        ("xfce", "xfce"),
        ("xubuntu", "xfce"),
        ("cinnamon", "cinnamon"),
        ("mate", "mate"),
    ];
    known
        .iter()
        .find(|(word, _)| lower.starts_with(word))
        .map_or(lower.clone(), |(_, name)| (*name).to_owned())
}

/// The desktop that a person last chose at sign-in, otherwise all.
fn chosen(roots: &Roots, all: &BTreeSet<String>, user: &str) -> Vec<String> {
    let text =
        roots.text(&format!("/var/lib/AccountsService/users/{user}")).ok().flatten().unwrap_or_default();
    let named = text
        .lines()
        .filter_map(|line| line.strip_prefix("Session=").or_else(|| line.strip_prefix("XSession=")))
        .map(|session| desktop(session.trim()))
        .find(|name| all.contains(name));
    named.map_or_else(|| all.iter().cloned().collect(), |name| vec![name])
}

fn look(machine: &Machine<'_>, person: &Account, desktop: &str) -> Result<Lock, UnknownReason> {
    match desktop {
        "gnome" => schemas(machine, person, "org.gnome.desktop", "org.gnome.desktop", 1),
        "cinnamon" => schemas(machine, person, "org.cinnamon.desktop", "org.cinnamon.desktop", 1),
        "mate" => schemas(machine, person, "org.mate", "org.mate", 60),
        "kde" => kde::look(machine.roots, person),
        other => {
            let what = format!("where {other} keeps the settings of its screen lock is not known");
            Err(UnknownReason::new(Why::Unsupported, what))
        }
    }
}

/// The desktops that keep their settings in dconf under GNOME's names; MATE counts in minutes.
fn schemas(
    machine: &Machine<'_>,
    person: &Account,
    session: &str,
    saver: &str,
    unit: i64,
) -> Result<Lock, UnknownReason> {
    // Where a person's settings cannot be read, gsettings answers the defaults without a word.
    let database = format!("{}/.config/dconf/user", person.home.trim_end_matches('/'));
    machine.roots.bytes(&database)?;
    let config = format!("{}/.config", person.home.trim_end_matches('/'));
    // Folders that cannot be made, so that nothing is written anywhere.
    let environment = [
        ("HOME", person.home.as_str()),
        ("XDG_CONFIG_HOME", config.as_str()),
        ("XDG_RUNTIME_DIR", "/dev/null"),
        ("XDG_CACHE_HOME", "/dev/null"),
        ("GSETTINGS_BACKEND", "dconf"),
    ];
    let (session, saver) = (format!("{session}.session"), format!("{saver}.screensaver"));
    let ask = |verb: &str, schema: &str, key: &str| -> Result<String, UnknownReason> {
        let answer = machine.commands.run("gsettings", &[verb, schema, key], &environment)?;
        if answer.code == Some(0) {
            Ok(answer.stdout.trim().trim_start_matches("uint32 ").trim_start_matches("int32 ").to_owned())
        } else {
            Err(super::commands::complaint("gsettings", &answer))
        }
    };
    let number = |schema: &str, key: &str| {
        let text = ask("get", schema, key)?;
        text.parse::<i64>().map_err(|_| odd(schema, key, &text))
    };
    let switch = |verb: &str, schema: &str, key: &str| match ask(verb, schema, key)?.as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        other => Err(odd(schema, key, other)),
    };
    let idle = number(&session, "idle-delay")?;
    let delay = number(&saver, "lock-delay")?;
    let mut on = switch("get", &saver, "lock-enabled")? && idle > 0;
    if session == "org.gnome.desktop.session" {
        on &= !switch("get", "org.gnome.desktop.lockdown", "disable-lock-screen")?;
    }
    let enforced = switch("writable", &saver, "lock-enabled")
        .and_then(|lock| Ok(!lock && !switch("writable", &session, "idle-delay")?));
    let after = idle.saturating_add(delay.max(0)).saturating_mul(unit);
    Ok(Lock {
        after: on.then_some(after),
        enforced,
        evidence: vec![format!("gsettings {session}"), format!("gsettings {saver}")],
    })
}

fn odd(schema: &str, key: &str, text: &str) -> UnknownReason {
    let shown: String = text.chars().take(60).collect();
    UnknownReason::new(Why::Failed, format!("gsettings says that {schema} {key} is `{shown}`"))
}

/// The accounts that display managers sign in by themselves.
fn autologin(roots: &Roots) -> Result<Vec<String>, UnknownReason> {
    let mut files: Vec<String> = [
        "/etc/gdm3/daemon.conf",
        "/etc/gdm3/custom.conf",
        "/etc/gdm/custom.conf",
        "/etc/sddm.conf",
        "/etc/lightdm/lightdm.conf",
    ]
    .map(str::to_owned)
    .to_vec();
    for folder in [
        "/usr/lib/sddm/sddm.conf.d",
        "/etc/sddm.conf.d",
        "/usr/share/lightdm/lightdm.conf.d",
        "/etc/lightdm/lightdm.conf.d",
    ] {
        files.extend(
            roots.list(folder)?.unwrap_or_default().into_iter().map(|name| format!("{folder}/{name}")),
        );
    }
    let mut names = Vec::new();
    for path in files {
        let text: Fact<String> = roots.text(&path);
        let text = text?.unwrap_or_default();
        let ini = kde::ini(&text);
        let get = |group: &str, key: &str| {
            ini.get(&(group.to_owned(), key.to_ascii_lowercase())).map(|v| v.value.clone())
        };
        if get("daemon", "AutomaticLoginEnable")
            .is_some_and(|on| matches!(on.to_ascii_lowercase().as_str(), "true" | "1"))
        {
            names.extend(get("daemon", "AutomaticLogin"));
        }
        names.extend(get("Autologin", "User").filter(|_| path.contains("sddm")));
        names.extend(get("Seat:*", "autologin-user").or_else(|| get("SeatDefaults", "autologin-user")));
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Fixture, shown};
    use super::*;

    const PASSWD: &str = "root:x:0:0::/root:/bin/bash\nann:x:1000:1000::/home/ann:/bin/bash\nsvc:x:1001:1::/:/usr/sbin/nologin\n";

    fn gnome(idle: &str, enabled: &str, writable: &str) -> Fixture {
        Fixture::new(&[
            ("/etc/passwd", PASSWD),
            ("/usr/share/wayland-sessions/ubuntu.desktop", ""),
            ("/usr/share/xsessions/gnome-xorg.desktop", ""),
            ("/etc/gdm3/custom.conf", "[daemon]\nAutomaticLoginEnable = true\nAutomaticLogin = ann\n"),
        ])
        .tool("gsettings get org.gnome.desktop.session idle-delay", 0, &format!("uint32 {idle}\n"), "")
        .tool("gsettings get org.gnome.desktop.screensaver lock-delay", 0, "uint32 30\n", "")
        .tool("gsettings get org.gnome.desktop.screensaver lock-enabled", 0, enabled, "")
        .tool("gsettings get org.gnome.desktop.lockdown disable-lock-screen", 0, "false\n", "")
        .tool("gsettings writable org.gnome.desktop.screensaver lock-enabled", 0, writable, "")
        .tool("gsettings writable org.gnome.desktop.session idle-delay", 0, writable, "")
    }

    #[test]
    fn gnome_locks_after_both_delays() {
        let seen = gnome("300", "true\n", "false\n").look("host.screen_lock", collect);
        let lock = seen.key("web1:ann:gnome");
        assert_eq!(seen.observations.len(), 1);
        for (name, value) in
            [("locks", "true"), ("lock_after", "330"), ("enforced", "true"), ("autologin", "true")]
        {
            assert_eq!(shown(lock, name), value, "{name}");
        }
        for (idle, enabled) in [("0", "true\n"), ("300", "false\n")] {
            let seen = gnome(idle, enabled, "true\n").look("host.screen_lock", collect);
            assert_eq!(shown(seen.one(), "locks"), "false");
            assert_eq!(shown(seen.one(), "lock_after"), "null");
            assert_eq!(shown(seen.one(), "enforced"), "false");
        }
    }

    #[test]
    fn settings_that_cannot_be_read_are_unknown() {
        let seen = gnome("300", "true\n", "false\n").deny("/home/ann").look("host.screen_lock", collect);
        assert_eq!(shown(seen.one(), "locks"), "unknown: denied");
        let seen = gnome("lots", "true\n", "false\n").look("host.screen_lock", collect);
        assert_eq!(shown(seen.one(), "locks"), "unknown: failed");
        let sway = Fixture::new(&[("/etc/passwd", PASSWD), ("/usr/share/wayland-sessions/sway.desktop", "")]);
        assert_eq!(
            shown(sway.look("host.screen_lock", collect).key("web1:ann:sway"), "locks"),
            "unknown: unsupported"
        );
    }

    #[test]
    fn without_a_desktop_there_is_nothing_to_lock() {
        let seen = Fixture::new(&[("/etc/passwd", PASSWD)]).look("host.screen_lock", collect);
        assert!(seen.observations.is_empty() && seen.complete());
        let blind = Fixture::new(&[]).deny("/usr/share/xsessions").look("host.screen_lock", collect);
        assert!(!blind.complete());
        let chosen = gnome("300", "true\n", "true\n");
        chosen.write("/usr/share/xsessions/plasma.desktop", b"");
        assert_eq!(chosen.look("host.screen_lock", collect).observations.len(), 2);
        chosen.write("/var/lib/AccountsService/users/ann", b"[User]\nSession=plasma\n");
        assert_eq!(chosen.look("host.screen_lock", collect).one().key, "web1:ann:kde");
    }
}
