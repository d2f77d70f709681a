//! Accounts: who they are, from where they come, how they prove it, and what they may do anywhere, by themselves and by the
//! roles that they were given.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::ask::text;

/// The privileges over the whole server that are asked for: their columns in `mysql.user`, and their names (MySQL 8.4,
/// section 8.2.2; MariaDB, GRANT).
pub(super) const POWERS: [(&str, &str); 18] = [
    ("Select_priv", "SELECT"),
    ("Insert_priv", "INSERT"),
    ("Update_priv", "UPDATE"),
    ("Delete_priv", "DELETE"),
    ("Create_priv", "CREATE"),
    ("Drop_priv", "DROP"),
    ("Alter_priv", "ALTER"),
    ("Execute_priv", "EXECUTE"),
    ("Event_priv", "EVENT"),
    ("Trigger_priv", "TRIGGER"),
    ("Reload_priv", "RELOAD"),
    ("Shutdown_priv", "SHUTDOWN"),
    ("Process_priv", "PROCESS"),
    ("File_priv", "FILE"),
    ("Grant_priv", "GRANT OPTION"),
    ("Super_priv", "SUPER"),
    ("Repl_slave_priv", "REPLICATION SLAVE"),
    ("Create_user_priv", "CREATE USER"),
];
/// The role that everybody has.
const EVERYBODY: &str = "PUBLIC";

/// A user and the host from which it comes; a role has no host.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name(pub(super) String, pub(super) String);

/// How an account proves itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Proof {
    pub(super) is_locked: bool,
    /// Each way that is enough: its plugin, and whether nothing is kept that it could be compared with.
    pub(super) ways: Vec<(String, bool)>,
}

impl Proof {
    /// The plugins, each once; the server's own method has no name.
    pub(super) fn plugins(&self) -> Vec<String> {
        let named = self.ways.iter().map(|(plugin, _)| match plugin.as_str() {
            "" => "mysql_native_password".to_owned(),
            plugin => plugin.to_owned(),
        });
        named.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Whether a way asks for a password and none was set: whoever says the name is in.
    pub(super) fn needs_no_password(&self) -> bool {
        const PASSWORDS: [&str; 7] = [
            "",
            "mysql_native_password",
            "mysql_old_password",
            "caching_sha2_password",
            "sha256_password",
            "ed25519",
            "parsec",
        ];
        self.ways.iter().any(|(plugin, is_empty)| *is_empty && PASSWORDS.contains(&plugin.as_str()))
    }
}

/// An account, or a role of MariaDB.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) name: Name,
    pub(super) is_role: bool,
    /// What it has to show: `ANY` TLS, `X509`, `SPECIFIED`, or nothing.
    pub(super) tls: String,
    /// Its own privileges over the whole server.
    pub(super) powers: BTreeSet<&'static str>,
}

impl Account {
    /// From a row: user, host, TLS, whether it is a role, privileges.
    pub(super) fn read(row: &[Option<String>]) -> Option<Self> {
        let mut powers = BTreeSet::new();
        for (at, (_, name)) in (4..).zip(POWERS) {
            if text(row, at)? == "Y" {
                powers.insert(name);
            }
        }
        Some(Self {
            name: Name(text(row, 0)?, text(row, 1)?),
            tls: text(row, 2)?,
            is_role: text(row, 3)? == "Y",
            powers,
        })
    }

    /// Whether it may come from anywhere: the pattern of its host has no letter that has to be there.
    pub(super) fn is_from_anywhere(&self) -> bool {
        let host = self.name.1.as_str();
        !self.is_role
            && (host.chars().all(|letter| matches!(letter, '%' | '_' | '.' | ':'))
                || host.ends_with("/0.0.0.0")
                || host.ends_with("/0"))
    }

    /// Whether only this machine itself can match its host.
    pub(super) fn is_local(&self) -> bool {
        let host = self.name.1.as_str();
        host == "localhost"
            || host.starts_with("127.")
            || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

/// What each account may do, with its roles, and theirs.
pub(super) fn powers(
    accounts: &[Account],
    roles: &BTreeMap<Name, Vec<Name>>,
) -> BTreeMap<Name, BTreeSet<&'static str>> {
    let own: BTreeMap<&Name, &BTreeSet<&'static str>> =
        accounts.iter().map(|account| (&account.name, &account.powers)).collect();
    let everybody = Name(EVERYBODY.to_owned(), String::new());
    let all = |start: &Name| {
        let mut powers = BTreeSet::new();
        let mut seen = BTreeSet::new();
        let mut open = vec![start, &everybody];
        while let Some(name) = open.pop() {
            if seen.insert(name) {
                powers.extend(own.get(name).into_iter().copied().flatten());
                open.extend(roles.get(name).into_iter().flatten());
            }
        }
        powers
    };
    accounts.iter().map(|account| (account.name.clone(), all(&account.name))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(user: &str, host: &str, powers: &[&'static str]) -> Account {
        Account {
            name: Name(user.to_owned(), host.to_owned()),
            is_role: host.is_empty(),
            tls: String::new(),
            powers: powers.iter().copied().collect(),
        }
    }

    #[test]
    fn roles_count_through_roles() {
        let accounts = [
            account("app", "%", &["SELECT"]),
            account("one", "", &[]),
            account("two", "", &["FILE"]),
            account("PUBLIC", "", &["PROCESS"]),
        ];
        let name = |user: &str, host: &str| Name(user.to_owned(), host.to_owned());
        let roles = BTreeMap::from([
            (name("app", "%"), vec![name("one", "")]),
            (name("one", ""), vec![name("two", "")]),
            // Nothing forbids a circle in what a server says.
            (name("two", ""), vec![name("one", "")]),
        ]);
        let powers = powers(&accounts, &roles);
        assert_eq!(powers[&name("app", "%")], BTreeSet::from(["FILE", "PROCESS", "SELECT"]));
    }

    #[test]
    fn hosts_are_patterns() {
        for (host, anywhere, local) in [
            ("%", true, false),
            ("%.%", true, false),
            ("", true, false),
            ("0.0.0.0/0.0.0.0", true, false),
            ("10.%", false, false),
            ("%.example.com", false, false),
            ("localhost", false, true),
            ("::1", false, true),
            ("127.0.0.1", false, true),
        ] {
            let account = Account { is_role: false, ..account("a", host, &[]) };
            assert_eq!((account.is_from_anywhere(), account.is_local()), (anywhere, local), "{host}");
        }
    }

    #[test]
    fn one_way_without_a_password_is_enough() {
        let of = |ways: &[(&str, bool)]| Proof {
            is_locked: false,
            ways: ways.iter().map(|(plugin, empty)| ((*plugin).to_owned(), *empty)).collect(),
        };
        assert!(!of(&[("unix_socket", true)]).needs_no_password());
        assert!(of(&[("unix_socket", true), ("mysql_native_password", true)]).needs_no_password());
        assert!(of(&[("", true)]).needs_no_password());
        assert!(!of(&[("ed25519", false)]).needs_no_password());
        assert_eq!(
            of(&[("", false), ("unix_socket", true)]).plugins(),
            ["mysql_native_password", "unix_socket"]
        );
    }
}
