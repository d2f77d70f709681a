//! `host.sudo_rule`: the rights that the sudoers files give. A line that cannot be parsed leaves the list incomplete,
//! since nobody knows what it gives.

mod parse;

use octro_model::{Id, UnknownReason, Why};

use self::parse::{Aliases, Line, Right, Section};
use super::Machine;
use super::resource::Resource;
use super::roots::Roots;
use crate::{Run, Stopped};

/// How deep files may include each other; sudo's own limit.
const DEPTH_MAX: usize = 128;
/// How many files are read.
const FILES_MAX: usize = 1_000;
/// How many rules are read.
const RULES_MAX: usize = 20_000;

/// Where one right stands.
struct Rule {
    file: String,
    line: usize,
    nth: usize,
    right: Right,
}

/// All files together.
struct Sudoers<'a> {
    roots: &'a Roots,
    hostname: String,
    rules: Vec<Rule>,
    aliases: Aliases,
    /// `Defaults !authenticate` for all.
    no_password: bool,
    /// Settings that free some from the password.
    some_without: Option<String>,
    missing: Option<UnknownReason>,
    files: usize,
}

/// Lists the rights.
pub(crate) fn collect(machine: &Machine<'_>, kind: &Id, run: &mut Run<'_>) -> Result<(), Stopped> {
    let hostname = machine.roots.line("/proc/sys/kernel/hostname").ok().flatten().unwrap_or_default();
    let mut sudoers = Sudoers {
        roots: machine.roots,
        hostname,
        rules: Vec::new(),
        aliases: Aliases::default(),
        no_password: false,
        some_without: None,
        missing: elsewhere(machine.roots).err(),
        files: 0,
    };
    sudoers.file("/etc/sudoers", 0);
    for rule in &sudoers.rules {
        let mut key = format!("{}:{}:{}", machine.host, rule.file, rule.line);
        if rule.nth > 1 {
            key = format!("{key}:{}", rule.nth);
        }
        let mut seen = Resource::new(kind, key, machine.now);
        seen.value("host", machine.host.clone())
            .value("file", rule.file.clone())
            .value("line", rule.line)
            .value("text", rule.right.text.clone());
        sudoers.show(&rule.right, &mut seen);
        run.observe(seen.into_observation())?;
    }
    machine.enumerated(run, kind, sudoers.rules.len() as u64, sudoers.missing);
    Ok(())
}

/// Rights may also come from a directory, which is not asked here.
fn elsewhere(roots: &Roots) -> Result<(), UnknownReason> {
    let text = roots.text("/etc/nsswitch.conf")?.unwrap_or_default();
    let words = text.lines().find_map(|line| line.trim().strip_prefix("sudoers:")).unwrap_or_default();
    match words.split_whitespace().find(|word| matches!(*word, "ldap" | "sss")) {
        None => Ok(()),
        Some(word) => {
            let what = format!("/etc/nsswitch.conf takes rights from `{word}` too, which is not asked here");
            Err(UnknownReason::new(Why::Unsupported, what))
        }
    }
}

impl Sudoers<'_> {
    fn miss(&mut self, reason: UnknownReason) {
        self.missing.get_or_insert(reason);
    }

    fn file(&mut self, path: &str, depth: usize) {
        let failed = |what: String| UnknownReason::new(Why::Failed, what);
        self.files += 1;
        if depth > DEPTH_MAX || self.files > FILES_MAX {
            return self.miss(failed(format!("{path} is included too deeply or too often")));
        }
        let text = match self.roots.text(path) {
            Ok(text) => text.unwrap_or_default(),
            Err(reason) => return self.miss(reason),
        };
        for (line, joined) in parse::lines(&text) {
            if self.rules.len() >= RULES_MAX {
                return self.miss(failed(format!("{path}:{line}: there are more than {RULES_MAX} rules")));
            }
            match parse::line(&joined) {
                Some(Line::Nothing) => {}
                Some(Line::Include(target)) => self.file(&self.place(path, &target), depth + 1),
                Some(Line::IncludeFolder(target)) => self.folder(&self.place(path, &target), depth),
                Some(Line::Aliases(section, defined)) => self.aliases.add(section, defined),
                Some(Line::Defaults { for_all, settings }) => self.defaults(for_all, &settings),
                Some(Line::Rights(rights)) => {
                    for (nth, right) in rights.into_iter().enumerate() {
                        self.rules.push(Rule { file: path.to_owned(), line, nth: nth + 1, right });
                    }
                }
                None => {
                    let shown: String = joined.chars().take(80).collect();
                    self.miss(failed(format!("{path}:{line}: `{shown}` is not understood")));
                }
            }
        }
    }

    fn folder(&mut self, path: &str, depth: usize) {
        match self.roots.list(path) {
            Ok(names) => {
                for name in names.unwrap_or_default() {
                    // sudo leaves out what packages and editors leave behind.
                    if !name.contains('.') && !name.ends_with('~') {
                        self.file(&format!("{path}/{name}"), depth + 1);
                    }
                }
            }
            Err(reason) => self.miss(reason),
        }
    }

    fn place(&self, from: &str, target: &str) -> String {
        let short = self.hostname.split('.').next().unwrap_or_default();
        let target = target.replace("%h", short);
        let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
        let whole = if target.starts_with('/') { target } else { format!("{folder}/{target}") };
        whole.trim_end_matches('/').to_owned()
    }

    fn defaults(&mut self, for_all: bool, settings: &[String]) {
        for setting in settings {
            let bare: String = setting.chars().filter(|c| !c.is_whitespace()).collect();
            let frees = match bare.as_str() {
                "!authenticate" => true,
                // A later line may take it back.
                "authenticate" if for_all => {
                    self.no_password = false;
                    false
                }
                other => other.starts_with("exempt_group="),
            };
            if frees && for_all && bare == "!authenticate" {
                self.no_password = true;
            } else if frees {
                self.some_without = Some(bare);
            }
        }
    }

    fn show(&self, right: &Right, seen: &mut Resource) {
        let members = self.aliases.expand(Section::User, &right.users);
        let commands = self.aliases.expand(Section::Command, &right.commands);
        let runas = match &right.runas {
            None => vec!["root".to_owned()],
            // `(:group)` keeps the user and changes the group.
            Some(list) if list.is_empty() => Vec::new(),
            Some(list) => self.aliases.expand(Section::Runas, list),
        };
        let kind = match right.users.as_slice() {
            [one] if one == "ALL" => "all",
            [one] if one.starts_with("%") => "group",
            [one] if one.starts_with('+') => "netgroup",
            [one] if !self.aliases.defines(Section::User, one) && !one.starts_with('!') => "user",
            _ => "list",
        };
        let excluded = |word: &String| word == "!root" || word == "!#0";
        let as_root = runas.iter().any(|word| matches!(word.as_str(), "root" | "ALL" | "#0"))
            && !runas.iter().any(excluded);
        let password = match (&self.some_without, right.no_password || self.no_password) {
            (_, true) => Ok(false),
            (None, false) => Ok(true),
            (Some(setting), false) => {
                let what =
                    format!("`Defaults {setting}` frees some from the password; for whom is not followed");
                Err(UnknownReason::new(Why::Unsupported, what))
            }
        };
        seen.value("who", right.users.join(", "))
            .value("who_kind", kind)
            .value("members", members)
            .value("hosts", self.aliases.expand(Section::Host, &right.hosts))
            .value("runas", runas)
            .value("all_commands", commands.iter().any(|command| command == "ALL"))
            .value("commands", commands)
            .value("as_root", as_root)
            .known("password_required", password);
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Fixture, mangled, shown};
    use super::*;

    const MAIN: &str = "# sudoers\nDefaults env_reset, secure_path=\"/usr/sbin:/usr/bin\"\n\
        User_Alias ADMINS = ann, %wheel : OPS = bob, ADMINS\nCmnd_Alias SHELLS = /bin/sh, \\\n  /bin/bash\n\
        root ALL=(ALL:ALL) ALL\nOPS ALL = NOPASSWD: /usr/bin/systemctl restart app, (www) PASSWD: /bin/ls : web2 = SHELLS\n\
        %sudo\tALL=(ALL:ALL) ALL, !SHELLS\n@includedir /etc/sudoers.d\n";

    fn machine(main: &str, extra: &str) -> Fixture {
        Fixture::new(&[
            ("/etc/sudoers", main),
            ("/etc/sudoers.d/app", extra),
            ("/etc/sudoers.d/app.bak", "x ALL=ALL\n"),
        ])
    }

    #[test]
    fn rights_are_listed_one_by_one() {
        let seen = machine(MAIN, "#1001 ALL=(root) NOPASSWD:ALL\n").look("host.sudo_rule", collect);
        assert!(seen.complete(), "{:?}", seen.collection);
        assert_eq!(seen.observations.len(), 6);
        for (place, name, value) in [
            ("/etc/sudoers:6", "as_root", "true"),
            ("/etc/sudoers:6", "password_required", "true"),
            ("/etc/sudoers:7", "members", "[\"bob\",\"ann\",\"%wheel\"]"),
            ("/etc/sudoers:7", "commands", "[\"/usr/bin/systemctl restart app\"]"),
            ("/etc/sudoers:7", "password_required", "false"),
            ("/etc/sudoers:7", "runas", "[\"root\"]"),
            ("/etc/sudoers:7:2", "runas", "[\"www\"]"),
            ("/etc/sudoers:7:2", "as_root", "false"),
            ("/etc/sudoers:7:2", "password_required", "true"),
            ("/etc/sudoers:7:3", "hosts", "[\"web2\"]"),
            ("/etc/sudoers:7:3", "commands", "[\"/bin/sh\",\"/bin/bash\"]"),
            ("/etc/sudoers:8", "all_commands", "true"),
            ("/etc/sudoers:8", "who_kind", "\"group\""),
            ("/etc/sudoers:8", "commands", "[\"ALL\",\"!/bin/sh\",\"!/bin/bash\"]"),
            ("/etc/sudoers.d/app:1", "who", "\"#1001\""),
            ("/etc/sudoers.d/app:1", "password_required", "false"),
        ] {
            assert_eq!(shown(seen.key(&format!("web1:{place}")), name), value, "{place} {name}");
        }
    }

    #[test]
    fn defaults_can_free_from_the_password() {
        let seen = machine("Defaults !authenticate\nann ALL=ALL\n", "").look("host.sudo_rule", collect);
        assert_eq!(shown(seen.one(), "password_required"), "false");
        let seen = machine("Defaults:bob !authenticate\nann ALL=ALL\n", "").look("host.sudo_rule", collect);
        assert_eq!(shown(seen.one(), "password_required"), "unknown: unsupported");
    }

    #[test]
    fn what_is_not_understood_or_readable_leaves_the_list_incomplete() {
        let seen = machine("ann ALL=ALL\nbob what is this\n", "").look("host.sudo_rule", collect);
        assert_eq!((seen.observations.len(), seen.complete()), (1, false));
        assert!(!machine(MAIN, "").deny("/etc/sudoers.d/app").look("host.sudo_rule", collect).complete());
        assert!(!machine(MAIN, "").deny("/etc/sudoers").look("host.sudo_rule", collect).complete());
        assert!(Fixture::new(&[]).look("host.sudo_rule", collect).complete());
        let fixture = machine(MAIN, "");
        fixture.write("/etc/nsswitch.conf", b"sudoers: files sss\n");
        assert!(!fixture.look("host.sudo_rule", collect).complete());
        let fixture = machine("@include sudoers\n", "");
        assert!(!fixture.look("host.sudo_rule", collect).complete());
    }

    #[test]
    fn garbage_does_no_harm() {
        for text in mangled(MAIN) {
            machine(&text, &text).look("host.sudo_rule", collect);
        }
    }
}
