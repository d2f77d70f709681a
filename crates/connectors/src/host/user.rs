//! `host.user`: the accounts of `/etc/passwd`, and what form their passwords have. A hash never leaves this file: only
//! the name of its algorithm does.

use std::collections::{BTreeMap, BTreeSet};

use octro_model::{Id, Timestamp, UnknownReason, Why};

use super::Machine;
use super::resource::{Resource, moment};
use super::roots::{Fact, Roots};
use crate::{Run, Stopped};

/// Shells that let nobody work.
const NO_SHELLS: [&str; 6] = ["nologin", "false", "true", "sync", "halt", "shutdown"];
/// From which user id on accounts are people's, unless `/etc/login.defs` says otherwise.
const UID_MIN: u32 = 1000;

/// One line of `/etc/passwd`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
    pub home: String,
    pub shell: String,
    field: String,
}

impl Account {
    /// Whether somebody can work with this shell. An empty field stands for the standard shell.
    pub(crate) fn has_login_shell(&self) -> bool {
        !NO_SHELLS.contains(&self.shell.rsplit('/').next().unwrap_or_default())
    }
}

/// The accounts, and why some may be missing.
pub(crate) fn accounts(roots: &Roots) -> Result<(Vec<Account>, Option<UnknownReason>), UnknownReason> {
    let path = "/etc/passwd";
    let text = roots
        .text(path)?
        .ok_or_else(|| UnknownReason::new(Why::Unsupported, format!("{path} does not exist")))?;
    let mut all = Vec::new();
    let mut missing = None;
    for (number, line) in text.lines().enumerate() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        match account(line) {
            Some(account) => all.push(account),
            // NIS's `+` lines stand for accounts that are kept elsewhere.
            None => {
                missing = Some(UnknownReason::new(Why::Failed, format!("{path}:{}: no account", number + 1)))
            }
        }
    }
    Ok((all, missing))
}

fn account(line: &str) -> Option<Account> {
    let mut fields = line.split(':');
    let (name, field, uid, gid) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let (_, home, shell) = (fields.next()?, fields.next()?, fields.next().unwrap_or_default());
    let plain = !name.is_empty() && !name.starts_with(['+', '-']);
    plain.then_some(())?;
    Some(Account {
        name: name.to_owned(),
        uid: uid.parse().ok()?,
        gid: gid.parse().ok()?,
        home: home.to_owned(),
        shell: shell.to_owned(),
        field: field.to_owned(),
    })
}

/// From which user id on accounts are people's.
pub(crate) fn first_person(roots: &Roots) -> Result<u32, UnknownReason> {
    let text = roots.text("/etc/login.defs")?.unwrap_or_default();
    let told = text.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        (words.next() == Some("UID_MIN")).then(|| words.next()?.parse().ok()).flatten()
    });
    Ok(told.unwrap_or(UID_MIN))
}

/// Lists the accounts.
pub(crate) fn collect(machine: &Machine<'_>, kind: &Id, run: &mut Run<'_>) -> Result<(), Stopped> {
    let (accounts, missing) = match accounts(machine.roots) {
        Ok(read) => read,
        Err(reason) => {
            machine.enumerated(run, kind, 0, Some(reason));
            return Ok(());
        }
    };
    let shadow = shadow(machine.roots);
    let groups = machine.roots.text("/etc/group").map(|text| text.unwrap_or_default());
    let first_person = first_person(machine.roots);
    let mut names = BTreeSet::new();
    let mut count = 0;
    for account in &accounts {
        // The first line of a name is the one that counts.
        if !names.insert(account.name.as_str()) {
            continue;
        }
        let mut seen = Resource::new(kind, format!("{}:{}", machine.host, account.name), machine.now);
        let others = accounts.iter().any(|other| other.uid == account.uid && other.name != account.name);
        seen.value("host", machine.host.clone())
            .value("name", account.name.clone())
            .value("uid", account.uid)
            .value("gid", account.gid)
            .value("home", account.home.clone())
            .value("shell", account.shell.clone())
            .value("login_shell", account.has_login_shell())
            .value("superuser", account.uid == 0)
            .value("uid_shared", others);
        // 65534 is nobody's, wherever people begin.
        seen.known("system", first_person.clone().map(|first| account.uid < first || account.uid == 65534));
        seen.known("groups", groups.clone().map(|text| groups_of(&text, account)));
        passwords(account, &shadow, &mut seen);
        run.observe(seen.into_observation())?;
        count += 1;
    }
    machine.enumerated(run, kind, count, missing);
    Ok(())
}

fn groups_of(text: &str, account: &Account) -> Vec<String> {
    let mut all = BTreeSet::new();
    for line in text.lines() {
        let fields: Vec<&str> = line.split(':').collect();
        let [name, _, gid, members, ..] = fields.as_slice() else { continue };
        let member = members.split(',').any(|member| member.trim() == account.name);
        if member || gid.parse() == Ok(account.gid) {
            all.insert((*name).to_owned());
        }
    }
    all.into_iter().collect()
}

/// The rest of a line of `/etc/shadow`, by name.
fn shadow(roots: &Roots) -> Fact<BTreeMap<String, Vec<String>>> {
    let Some(text) = roots.text("/etc/shadow")? else { return Ok(None) };
    let lines = text.lines().filter_map(|line| {
        let mut fields = line.split(':').map(str::to_owned);
        Some((fields.next()?, fields.collect()))
    });
    let mut all = BTreeMap::new();
    for (name, fields) in lines {
        all.entry(name).or_insert(fields);
    }
    Ok(Some(all))
}

/// What form a password has.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Form {
    state: &'static str,
    algorithm: Result<Option<&'static str>, UnknownReason>,
}

fn form(field: &str) -> Form {
    let locked = field.starts_with('!');
    let hash = field.trim_start_matches('!');
    let algorithm = algorithm(hash);
    let state = match (field, &algorithm) {
        ("", _) => "empty",
        (_, Ok(None)) => "none",
        _ if locked => "locked",
        _ => "set",
    };
    Form { state, algorithm }
}

fn algorithm(hash: &str) -> Result<Option<&'static str>, UnknownReason> {
    let name = match hash.strip_prefix('$').and_then(|rest| rest.split_once('$')).map(|(id, _)| id) {
        Some("y" | "gy") => "yescrypt",
        Some("6") => "sha512",
        Some("5") => "sha256",
        Some("2a" | "2b" | "2x" | "2y") => "bcrypt",
        Some("7") => "scrypt",
        Some("1") => "md5",
        Some(id) if id.starts_with("argon2") => "argon2",
        None if is_des(hash) => "des",
        // `*`, `!`, `x`, `!*`, `LK`: nothing that a password could match.
        None => return Ok(None),
        Some(_) => return Err(UnknownReason::new(Why::Unsupported, "the hash has a form that is not known")),
    };
    Ok(Some(name))
}

/// The oldest form, 13 characters, and BSD's with a leading underscore.
fn is_des(hash: &str) -> bool {
    let body = hash.strip_prefix('_').unwrap_or(hash);
    let long = if hash.starts_with('_') { body.len() == 19 } else { body.len() == 13 };
    long && body.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'/')
}

fn passwords(account: &Account, shadow: &Fact<BTreeMap<String, Vec<String>>>, seen: &mut Resource) {
    let in_shadow = account.field == "x";
    let fields: Fact<&[String]> = match shadow {
        Ok(all) => Ok(all.as_ref().and_then(|all| all.get(&account.name)).map(Vec::as_slice)),
        Err(reason) => Err(reason.clone()),
    };
    // What stands in /etc/passwd itself counts, unless it refers to /etc/shadow.
    let form = match &fields {
        _ if !in_shadow => Ok(form(&account.field)),
        Ok(Some([field, ..])) => Ok(form(field)),
        // No line there: nothing can match.
        Ok(_) => Ok(Form { state: "none", algorithm: Ok(None) }),
        Err(reason) => Err(reason.clone()),
    };
    seen.known("password_state", form.clone().map(|form| form.state));
    seen.known("password_empty", form.clone().map(|form| form.state == "empty"));
    seen.fact("password_algorithm", form.and_then(|form| form.algorithm));
    let number = |place: usize| -> Fact<i64> {
        let text = fields.clone()?.and_then(|fields| fields.get(place)).map_or("", String::as_str);
        if text.is_empty() {
            return Ok(None);
        }
        text.parse().map(Some).map_err(|_| {
            let what = format!("/etc/shadow holds no number in field {} of {}", place + 2, account.name);
            UnknownReason::new(Why::Failed, what)
        })
    };
    let day =
        |place: usize| number(place).map(|days| days.filter(|days| (0..=2_932_896).contains(days)).map(day));
    // Zero does not mean 1970, but that it has to be changed at the next sign-in.
    let changed = day(1).map(|at| at.filter(|at| *at != Timestamp::from_secs(0)));
    seen.fact("password_changed_at", changed.map(|at| at.map(moment)));
    seen.fact("password_max_age", number(3).map(|days| days.filter(|days| (0..99_999).contains(days))));
    seen.fact("expires_at", day(6).map(|at| at.map(moment)));
}

fn day(days: i64) -> Timestamp {
    Timestamp::from_secs(days.saturating_mul(86_400))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Fixture, mangled, shown};
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\ntoor:x:0:0::/root:/bin/sh\n\
        daemon:x:1:1::/usr/sbin:/usr/sbin/nologin\nann:x:1000:1000:Ann:/home/ann:/bin/zsh\n\
        old:abJnggxhB/yWI:1001:100::/home/old:\nopen::1002:100::/:/bin/sh\nnobody:x:65534:65534::/:/usr/sbin/nologin\n";
    const SHADOW: &str = "root:$y$j9T$salt$secretsecret:19800:0:99999:7:::\ntoor:!$6$salt$secretsecret:0:0:90:7::20500:\n\
        daemon:*:19000::::::\nann:$1$salt$secretsecret:20000:0:365:7:::\n";
    const GROUP: &str = "root:x:0:\nsudo:x:27:bob,ann\nann:x:1000:\n";

    fn machine() -> Fixture {
        Fixture::new(&[("/etc/passwd", PASSWD), ("/etc/shadow", SHADOW), ("/etc/group", GROUP)])
    }

    #[test]
    fn accounts_are_told_without_their_hashes() {
        let seen = machine().look("host.user", collect);
        assert!(seen.complete());
        assert_eq!(seen.observations.len(), 7);
        for (user, name, value) in [
            ("root", "password_state", "\"set\""),
            ("root", "password_algorithm", "\"yescrypt\""),
            ("root", "uid_shared", "true"),
            ("root", "password_max_age", "null"),
            ("root", "password_changed_at", "\"2024-03-18T00:00:00Z\""),
            ("toor", "password_state", "\"locked\""),
            ("toor", "password_algorithm", "\"sha512\""),
            ("toor", "password_changed_at", "null"),
            ("toor", "password_max_age", "90"),
            ("toor", "expires_at", "\"2026-02-16T00:00:00Z\""),
            ("daemon", "password_state", "\"none\""),
            ("daemon", "system", "true"),
            ("daemon", "login_shell", "false"),
            ("ann", "password_algorithm", "\"md5\""),
            ("ann", "groups", "[\"ann\",\"sudo\"]"),
            ("ann", "system", "false"),
            ("old", "password_algorithm", "\"des\""),
            ("old", "login_shell", "true"),
            ("open", "password_empty", "true"),
            ("nobody", "system", "true"),
        ] {
            assert_eq!(shown(seen.key(&format!("web1:{user}")), name), value, "{user} {name}");
        }
        let all = format!("{:?}", seen.observations);
        assert!(!all.contains("secret") && !all.contains("abJnggxhB"));
    }

    #[test]
    fn without_the_right_to_see_passwords_they_are_unknown() {
        let seen = machine().deny("/etc/shadow").look("host.user", collect);
        assert_eq!(shown(seen.key("web1:root"), "password_state"), "unknown: denied");
        assert_eq!(shown(seen.key("web1:root"), "password_empty"), "unknown: denied");
        assert_eq!(shown(seen.key("web1:open"), "password_empty"), "true");
        assert!(seen.complete());
        assert!(!machine().deny("/etc/passwd").look("host.user", collect).complete());
    }

    #[test]
    fn lines_that_are_no_accounts_leave_the_list_incomplete() {
        let fixture = machine();
        fixture.write("/etc/passwd", b"root:x:0:0:root:/root:/bin/bash\n+::::::\n");
        let seen = fixture.look("host.user", collect);
        assert_eq!((seen.observations.len(), seen.complete()), (1, false));
        for (passwd, shadow) in mangled(PASSWD).into_iter().zip(mangled(SHADOW)) {
            let fixture =
                Fixture::new(&[("/etc/passwd", &passwd), ("/etc/shadow", &shadow), ("/etc/group", &passwd)]);
            let seen = fixture.look("host.user", collect);
            assert!(!format!("{:?}", seen.observations).contains("$secretsecret"));
        }
    }
}
