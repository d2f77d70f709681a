//! `host.ssh_server`: the OpenSSH server's effective settings. The server itself tells them to root (`sshd -T`); otherwise
//! its files are read. `Match` blocks count where they allow more than the settings for all.

mod config;

use octro_model::{Id, UnknownReason, Why};
use serde_json::{Value, json};

use self::config::{Config, seconds};
use super::Machine;
use super::commands::output;
use super::processes::Processes;
use super::resource::Resource;
use super::roots::Fact;
use super::services::{Service, active};
use crate::{Run, Stopped};

const PROGRAMS: [&str; 4] = ["/usr/sbin/sshd", "/usr/bin/sshd", "/usr/lib/ssh/sshd", "/usr/local/sbin/sshd"];
const SERVICE: Service =
    Service { name: "sshd", units: &["ssh", "sshd", "ssh.socket", "sshd.socket"], processes: &["sshd"] };

/// Attributes that are true if a keyword's value is not `no`, and what OpenSSH takes without the keyword.
const SWITCHES: [(&str, &str, &str); 11] = [
    ("password_authentication", "passwordauthentication", "yes"),
    ("keyboard_interactive", "kbdinteractiveauthentication", "yes"),
    ("pubkey_authentication", "pubkeyauthentication", "yes"),
    ("permit_empty_passwords", "permitemptypasswords", "no"),
    ("host_based_authentication", "hostbasedauthentication", "no"),
    ("use_pam", "usepam", "no"),
    ("x11_forwarding", "x11forwarding", "no"),
    ("tcp_forwarding", "allowtcpforwarding", "yes"),
    ("agent_forwarding", "allowagentforwarding", "yes"),
    ("permit_user_environment", "permituserenvironment", "no"),
    ("strict_modes", "strictmodes", "yes"),
];
/// Attributes that are numbers.
const NUMBERS: [(&str, &str, &str); 4] = [
    ("max_auth_tries", "maxauthtries", "6"),
    ("login_grace_time", "logingracetime", "120"),
    ("client_alive_interval", "clientaliveinterval", "0"),
    ("client_alive_count", "clientalivecountmax", "3"),
];
/// Attributes that are lists with a default that depends on the server's version.
const ALGORITHMS: [(&str, &str); 4] = [
    ("ciphers", "ciphers"),
    ("macs", "macs"),
    ("key_exchanges", "kexalgorithms"),
    ("host_key_algorithms", "hostkeyalgorithms"),
];
/// What `PermitRootLogin` may say, the strictest first.
const ROOT_LOGIN: [&str; 4] = ["no", "forced-commands-only", "prohibit-password", "yes"];

/// Looks at the server, if there is one.
pub(crate) fn collect(machine: &Machine<'_>, kind: &Id, run: &mut Run<'_>) -> Result<(), Stopped> {
    match machine.roots.any_exists(PROGRAMS) {
        Ok(true) => {}
        Ok(false) => {
            machine.enumerated(run, kind, 0, None);
            return Ok(());
        }
        Err(reason) => {
            machine.enumerated(run, kind, 0, Some(reason));
            return Ok(());
        }
    }
    let mut seen = Resource::new(kind, format!("{}:sshd", machine.host), machine.now);
    seen.value("host", machine.host.clone());
    seen.known("active", active(machine, &Processes::read(machine.roots), &SERVICE));
    let files = config::read(machine.roots);
    let told = output(machine.commands, "sshd", &["-T"]).ok().map(|text| config::told(&text));
    seen.known(
        "config_source",
        match (&told, &files) {
            (Some(_), _) => Ok("sshd"),
            (None, Ok(_)) => Ok("files"),
            (None, Err(reason)) => Err(reason.clone()),
        },
    );
    match (told, files) {
        (Some(told), Ok(files)) => show(&Config { matches: files.matches, ..told }, true, &mut seen),
        (None, Ok(files)) => show(&files, false, &mut seen),
        // Without the files nobody knows whether Match blocks allow more.
        (_, Err(reason)) => nothing(&reason, &mut seen),
    }
    run.observe(seen.into_observation())?;
    machine.enumerated(run, kind, 1, None);
    Ok(())
}

fn nothing(reason: &UnknownReason, seen: &mut Resource) {
    let names = SWITCHES
        .iter()
        .chain(&NUMBERS)
        .map(|(name, ..)| *name)
        .chain(ALGORITHMS.iter().map(|(name, _)| *name));
    let others = [
        "ports",
        "listen_addresses",
        "permit_root_login",
        "log_level",
        "allow_users",
        "allow_groups",
        "match_blocks",
    ];
    for name in names.chain(others) {
        seen.unknown(name, reason.clone());
    }
}

fn show(config: &Config, by_server: bool, seen: &mut Resource) {
    for (name, keyword, default) in SWITCHES {
        let most =
            config.all(keyword, default).map(|value| switch(keyword, value)).reduce(|one, other| {
                match (one, other) {
                    (Ok(true), _) | (_, Ok(true)) => Ok(true),
                    (Err(reason), _) | (_, Err(reason)) => Err(reason),
                    (Ok(false), Ok(false)) => Ok(false),
                }
            });
        seen.known(name, most.unwrap_or(Ok(false)));
    }
    for (name, keyword, default) in NUMBERS {
        let values: Vec<Result<i64, UnknownReason>> =
            config.all(keyword, default).map(|v| number(keyword, v)).collect();
        seen.known(
            name,
            match values.as_slice() {
                [one] => one.clone(),
                // More attempts are more; of the other numbers neither end is.
                _ if keyword == "maxauthtries" => {
                    values.into_iter().try_fold(0, |most, value| value.map(|value| most.max(value)))
                }
                _ => Err(differs(keyword)),
            },
        );
    }
    for (name, keyword) in ALGORITHMS {
        seen.known(name, algorithms(config, keyword, by_server));
    }
    let root: Result<usize, UnknownReason> = config
        .all("permitrootlogin", "prohibit-password")
        .try_fold(0, |most, value| root_login(value).map(|place| most.max(place)));
    seen.known("permit_root_login", root.map(|place| ROOT_LOGIN.get(place).copied().unwrap_or("yes")));
    let ports =
        config.many("port").into_iter().map(|text| number("port", &text)).collect::<Result<Vec<i64>, _>>();
    seen.known("ports", ports.map(|ports| if ports.is_empty() { vec![22] } else { ports }));
    // The server tells every address as two wildcards.
    let mut addresses = config.many("listenaddress");
    if ["0.0.0.0:", "[::]:"].iter().all(|all| addresses.iter().any(|address| address.starts_with(all))) {
        addresses.clear();
    }
    seen.value("listen_addresses", addresses);
    let level: Vec<&str> = config.all("loglevel", "INFO").collect();
    seen.known(
        "log_level",
        match level.as_slice() {
            [one] => Ok((*one).to_owned()),
            _ => Err(differs("loglevel")),
        },
    );
    for (name, keyword) in [("allow_users", "allowusers"), ("allow_groups", "allowgroups")] {
        let list: Fact<Vec<String>> =
            if config.set_by_match(keyword) { Err(differs(keyword)) } else { Ok(Some(config.many(keyword))) };
        seen.fact(name, list);
    }
    let blocks: Vec<Value> = config
        .matches
        .iter()
        .map(|block| {
            let settings: Vec<String> =
                block.settings.iter().map(|(keyword, value)| format!("{keyword} {value}")).collect();
            json!({"criteria": block.criteria, "settings": settings, "file": block.file, "line": block.line})
        })
        .collect();
    seen.value("match_blocks", blocks);
}

fn differs(keyword: &str) -> UnknownReason {
    UnknownReason::new(
        Why::Unsupported,
        format!("a Match block sets {keyword} for some connections; see match_blocks"),
    )
}

fn odd(keyword: &str, value: &str) -> UnknownReason {
    let shown: String = value.chars().take(60).collect();
    UnknownReason::new(Why::Failed, format!("{keyword} is `{shown}`, which is not understood"))
}

fn switch(keyword: &str, value: &str) -> Result<bool, UnknownReason> {
    match (keyword, value.to_ascii_lowercase().as_str()) {
        (_, "yes" | "true") => Ok(true),
        (_, "no" | "false") => Ok(false),
        ("allowtcpforwarding", "all" | "local" | "remote")
        | ("pubkeyauthentication", "unbound" | "host-bound") => Ok(true),
        // A pattern of the variables that may be set.
        ("permituserenvironment", pattern) if !pattern.is_empty() => Ok(true),
        _ => Err(odd(keyword, value)),
    }
}

fn root_login(value: &str) -> Result<usize, UnknownReason> {
    let lower = value.to_ascii_lowercase();
    let word = if lower == "without-password" { "prohibit-password" } else { lower.as_str() };
    ROOT_LOGIN.iter().position(|known| *known == word).ok_or_else(|| odd("permitrootlogin", value))
}

fn number(keyword: &str, value: &str) -> Result<i64, UnknownReason> {
    seconds(value).ok_or_else(|| odd(keyword, value))
}

fn algorithms(config: &Config, keyword: &str, by_server: bool) -> Result<Vec<String>, UnknownReason> {
    let default = UnknownReason::new(
        Why::Unsupported,
        format!("{keyword} is left to the server's version, and only root may ask it (sshd -T)"),
    );
    let Some(value) = config.first(keyword) else { return Err(default) };
    if !by_server && value.starts_with(['+', '-', '^']) {
        return Err(default);
    }
    Ok(value.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Fixture, mangled, shown};
    use super::*;

    const CONFIG: &str = "Include /etc/ssh/sshd_config.d/*.conf\nPort 22\nPort=2222\nPermitRootLogin yes\n\
        PasswordAuthentication yes # late\nMaxAuthTries 4\nLoginGraceTime 1m30s\nKexAlgorithms +a\nCiphers x,y\n\
        Match User deploy\n  PasswordAuthentication yes\n  AllowTcpForwarding no\n  MaxAuthTries 9\n";

    fn machine(config: &str) -> Fixture {
        Fixture::new(&[
            ("/usr/sbin/sshd", ""),
            ("/proc/1/comm", "init"),
            ("/proc/7/comm", "sshd"),
            ("/etc/ssh/sshd_config", config),
            ("/etc/ssh/sshd_config.d/10.conf", "PermitRootLogin no\nPasswordAuthentication no\n"),
        ])
    }

    #[test]
    fn files_are_read_as_the_server_does() {
        let seen = machine(CONFIG).look("host.ssh_server", collect);
        let server = seen.key("web1:sshd");
        for (name, value) in [
            ("active", "true"),
            ("config_source", "\"files\""),
            ("ports", "[22,2222]"),
            // The included file comes first, so it counts.
            ("permit_root_login", "\"no\""),
            // Off for all, on for deploy.
            ("password_authentication", "true"),
            ("tcp_forwarding", "true"),
            ("max_auth_tries", "9"),
            ("login_grace_time", "90"),
            ("ciphers", "[\"x\",\"y\"]"),
            ("key_exchanges", "unknown: unsupported"),
            ("macs", "unknown: unsupported"),
            ("allow_users", "[]"),
            ("log_level", "\"INFO\""),
        ] {
            assert_eq!(shown(server, name), value, "{name}");
        }
        assert_eq!(server.attributes["match_blocks"][0]["criteria"], "User deploy");
        assert_eq!(server.attributes["match_blocks"][0]["line"], 10);
    }

    #[test]
    fn the_servers_word_counts_more() {
        let told =
            "port 22\npermitrootlogin without-password\npasswordauthentication no\nkexalgorithms a,b\n";
        let seen = machine("Port 1\n").tool("sshd -T", 0, told, "").look("host.ssh_server", collect);
        let server = seen.one();
        assert_eq!(shown(server, "permit_root_login"), "\"prohibit-password\"");
        assert_eq!(shown(server, "password_authentication"), "false");
        assert_eq!(shown(server, "key_exchanges"), "[\"a\",\"b\"]");
        assert_eq!(shown(server, "config_source"), "\"sshd\"");
        assert_eq!(shown(server, "listen_addresses"), "[]");
    }

    #[test]
    fn denied_files_and_no_server() {
        let seen = machine(CONFIG).deny("/etc/ssh/sshd_config.d").look("host.ssh_server", collect);
        assert_eq!(shown(seen.one(), "password_authentication"), "unknown: denied");
        assert_eq!(shown(seen.one(), "ports"), "unknown: denied");
        let none = Fixture::new(&[]).look("host.ssh_server", collect);
        assert!(none.observations.is_empty() && none.complete());
        let blind = Fixture::new(&[]).deny("/usr/sbin/sshd").look("host.ssh_server", collect);
        assert!(!blind.complete());
    }

    #[test]
    fn garbage_does_no_harm() {
        let seen = machine("PermitRootLogin maybe\nMaxAuthTries x\n")
            .deny("/etc/ssh/no")
            .look("host.ssh_server", collect);
        assert_eq!(shown(seen.one(), "max_auth_tries"), "unknown: failed");
        for text in mangled(CONFIG) {
            machine(&text).look("host.ssh_server", collect);
        }
    }
}
