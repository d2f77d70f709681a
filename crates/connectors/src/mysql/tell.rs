//! Telling what a server said.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use octro_model::{Id, ScopeReport, Timestamp, UnknownReason, Why};
use serde_json::Value;

use super::account::{Account, Name, powers};
use super::ask::{Refused, Said, is_mariadb};
use super::lifetimes::end_of_life;
use super::server::Server;
use crate::host::{Resource, Roots, file_system_of};
use crate::{Run, Stopped};

/// What only the server itself can say, besides its greeting.
const ASKED: [&str; 17] = [
    "tls_required",
    "tls_min_version",
    "tls_ciphers",
    "loopback_only",
    "local_infile",
    "file_access",
    "general_log",
    "audit_log",
    "password_checks",
    "key_management",
    "tables_encrypted",
    "redo_log_encrypted",
    "binlog",
    "binlog_encrypted",
    "temporary_encrypted",
    "clear_tablespaces",
    "clear_tablespace_count",
];
/// How many tablespaces are told by name.
const NAMES_MAX: usize = 20;

/// Tells what `server` said, as one scope of each kind.
pub(super) fn tell(
    run: &mut Run<'_>,
    (server_kind, account_kind): (&Id, &Id),
    server: &Server,
    said: Result<Said, Refused>,
) -> Result<(), Stopped> {
    let now = run.now();
    let scope = |kind: &Id, resources: u64, reason: Option<UnknownReason>| ScopeReport {
        kind: kind.clone(),
        scope: server.key.clone(),
        complete: reason.is_none(),
        resources,
        pages: 1,
        reason,
    };
    let mut seen = Resource::new(server_kind, server.key.clone(), now).within(&server.key);
    seen.value("host", server.host.clone());
    let said = match said {
        Ok(said) => said,
        Err(refused) => {
            let (reason, greeting, mend) = match refused {
                Refused::Unreached(reason, greeting) => {
                    let mend = mend(&reason);
                    (reason, greeting, mend)
                }
                Refused::NoTls(greeting) => {
                    let what = "the server offers no TLS; nothing was asked in clear";
                    let mend = "give the server a certificate, or accept the clear with `?tls=off`";
                    (UnknownReason::new(Why::Failed, what), Some(greeting), mend)
                }
            };
            run.error(&server.key, reason.to_string(), mend);
            // Whoever is on the list is told, also if nobody answers.
            match &greeting {
                Some(greeting) => {
                    seen.value("tls", greeting.offers_tls);
                    called(&mut seen, unproven(server, &greeting.version, &reason));
                }
                None => {
                    for name in ["product", "version", "end_of_life_at", "tls"] {
                        seen.unknown(name, reason.clone());
                    }
                }
            }
            for name in ASKED {
                seen.unknown(name, reason.clone());
            }
            run.observe(seen.into_observation())?;
            run.scope(scope(server_kind, 1, None));
            run.scope(scope(account_kind, 0, Some(reason)));
            return Ok(());
        }
    };
    for (what, reason) in [
        ("settings", said.settings.as_ref().err()),
        ("plugins", said.plugins.as_ref().err()),
        ("tablespaces", said.tablespaces.as_ref().err()),
        ("accounts", said.accounts.as_ref().err()),
        ("how accounts prove themselves", said.proofs.as_ref().err()),
        ("roles", said.roles.as_ref().err()),
    ] {
        if let Some(reason) = reason {
            run.error(format!("{}: {what}", server.key), reason.to_string(), mend(reason));
        }
    }
    seen.value("tls", said.greeting.offers_tls);
    called(&mut seen, said.version());
    describe(&mut seen, server, &said);
    run.observe(seen.into_observation())?;
    run.scope(scope(server_kind, 1, None));
    let accounts = said.accounts.as_deref().unwrap_or_default();
    let powers = said.roles.as_ref().map(|roles| powers(accounts, roles)).map_err(Clone::clone);
    let mut told = 0;
    for one in accounts.iter().filter(|account| !account.is_role) {
        told += 1;
        run.observe(account(account_kind, server, one, &said, &powers, now).into_observation())?;
    }
    run.scope(scope(account_kind, told, said.accounts.as_ref().err().cloned()));
    Ok(())
}

/// The version of a greeting that no sign-in followed: whoever is in between may have written it, except on this machine.
fn unproven<'a>(server: &Server, greeted: &'a str, reason: &UnknownReason) -> Result<&'a str, UnknownReason> {
    if server.is_here { Ok(greeted) } else { Err(reason.clone()) }
}

/// What a server is.
fn called(seen: &mut Resource, version: Result<&str, UnknownReason>) {
    let is_mariadb = version.as_ref().is_ok_and(|version| is_mariadb(version));
    let product = version.clone().map(|_| if is_mariadb { "MariaDB" } else { "MySQL" });
    let version = version.map(|version| version.split('-').next().unwrap_or_default());
    let ends = version.clone().and_then(|version| end_of_life(is_mariadb, version));
    seen.known("product", product).known("version", version).known("end_of_life_at", ends);
}

fn describe(seen: &mut Resource, server: &Server, said: &Said) {
    let mariadb = said.is_mariadb();
    let setting = |name: &str| -> Result<&str, UnknownReason> {
        let settings = said.settings.as_ref().map_err(Clone::clone)?;
        settings.get(name).map(String::as_str).ok_or_else(|| {
            UnknownReason::new(Why::Unsupported, format!("this version has no setting `{name}`"))
        })
    };
    let is_on = |name: &str| setting(name).map(|value| matches!(value, "ON" | "FORCE" | "1" | "YES"));
    // Whoever does not have the setting cannot be told to ask for TLS.
    let required = match is_on("require_secure_transport") {
        Err(reason) if reason.why == Why::Unsupported => Ok(false),
        known => known,
    };
    seen.known("tls_required", required);
    seen.fact("tls_min_version", setting("tls_version").map(lowest));
    seen.fact(
        "tls_ciphers",
        setting("ssl_cipher").map(|ciphers| Some(ciphers.to_owned()).filter(|ciphers| !ciphers.is_empty())),
    );
    let listens = is_on("skip_networking").and_then(|skips| {
        let others = said.settings.as_ref().map_err(Clone::clone)?;
        Ok(skips || is_loopback_only(setting("bind_address")?) && is_all_loopback_only(others))
    });
    seen.known("loopback_only", listens);
    seen.known("local_infile", is_on("local_infile"));
    seen.known("file_access", setting("secure_file_priv").map(|folder| file_access(folder, mariadb)));
    seen.known("general_log", is_on("general_log"));
    let plugins = |types: &[&str]| -> Result<Vec<String>, UnknownReason> {
        let plugins = said.plugins.as_ref().map_err(Clone::clone)?;
        let of = plugins.iter().filter(|(kind, _)| types.contains(&kind.as_str()));
        Ok(of.map(|(_, name)| name.to_lowercase()).collect())
    };
    seen.known("audit_log", plugins(&["AUDIT"]).and_then(|active| is_audited(&active, &setting)));
    seen.known("password_checks", plugins(&["PASSWORD VALIDATION"]));
    seen.known("key_management", plugins(&["ENCRYPTION", "KEYRING"]));
    let names = if mariadb {
        ["innodb_encrypt_tables", "innodb_encrypt_log", "encrypt_binlog"]
    } else {
        ["default_table_encryption", "innodb_redo_log_encrypt", "binlog_encryption"]
    };
    for (attribute, name) in ["tables_encrypted", "redo_log_encrypted", "binlog_encrypted"].iter().zip(names)
    {
        seen.known(attribute, is_on(name));
    }
    seen.known("binlog", is_on("log_bin"));
    seen.known(
        "temporary_encrypted",
        is_on("encrypt_tmp_files").and_then(|files| Ok(files && is_on("encrypt_tmp_disk_tables")?)),
    );
    let clear: Result<Vec<&str>, UnknownReason> =
        said.tablespaces.as_ref().map_err(Clone::clone).map(|all| {
            all.iter().filter(|(_, encrypted)| !encrypted).map(|(name, _)| name.as_str()).collect()
        });
    seen.known("clear_tablespace_count", clear.clone().map(|clear| clear.len() as u64));
    let named: Result<Vec<&str>, UnknownReason> =
        clear.map(|clear| clear.into_iter().take(NAMES_MAX).collect());
    seen.known("clear_tablespaces", named);
    if server.is_here {
        let at = setting("datadir").and_then(|path| file_system_of(&Roots::at("/"), &server.host, path));
        seen.known("data_filesystem", at);
    }
}

fn account(
    kind: &Id,
    server: &Server,
    account: &Account,
    said: &Said,
    powers: &Result<BTreeMap<Name, BTreeSet<&'static str>>, UnknownReason>,
    now: Timestamp,
) -> Resource {
    let Name(user, host) = &account.name;
    let mut seen = Resource::new(kind, format!("{}/{user}@{host}", server.key), now).within(&server.key);
    seen.value("server", server.key.clone())
        .value("name", user.clone())
        .value("from", host.clone())
        .value("anonymous", user.is_empty())
        .value("from_anywhere", account.is_from_anywhere())
        .value("local", account.is_local())
        .value("tls_required", !account.tls.is_empty())
        .value("certificate_required", matches!(account.tls.as_str(), "X509" | "SPECIFIED"));
    let powers = powers.as_ref().map_err(Clone::clone).map(|powers| {
        let of = powers.get(&account.name).into_iter().flatten();
        of.copied().map(Value::from).collect::<Vec<Value>>()
    });
    seen.known("privileges", powers);
    let proof = said.proofs.as_ref().map_err(Clone::clone).and_then(|proofs| {
        proofs.get(&account.name).ok_or_else(|| UnknownReason::new(Why::Failed, "the account came meanwhile"))
    });
    seen.known("locked", proof.clone().map(|proof| proof.is_locked))
        .known("plugins", proof.clone().map(super::account::Proof::plugins))
        .known("no_password", proof.map(super::account::Proof::needs_no_password));
    seen
}

/// The lowest of the versions that are named.
fn lowest(versions: &str) -> Option<String> {
    const VERSIONS: [&str; 4] = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"];
    let named: Vec<&str> = versions.split(',').map(str::trim).collect();
    VERSIONS
        .iter()
        .find(|version| {
            let same = |named: &&str| {
                // TLSv1.0 is what MariaDB calls the first.
                named.eq_ignore_ascii_case(version)
                    || (**version == "TLSv1" && named.eq_ignore_ascii_case("TLSv1.0"))
            };
            named.iter().any(same)
        })
        .map(|version| (*version).to_owned())
}

/// Whether all addresses that a server listens at are of this machine only. None, or `*`, means every address.
fn is_loopback_only(bind: &str) -> bool {
    !bind.trim().is_empty()
        && bind.split(',').map(str::trim).all(|address| {
            address == "localhost" || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
        })
}

/// The same of the addresses for the X protocol and for administration. A server without one of them does not have the
/// setting, and an empty one for administration is none.
fn is_all_loopback_only(settings: &BTreeMap<String, String>) -> bool {
    settings.get("mysqlx_bind_address").is_none_or(|bind| is_loopback_only(bind))
        && settings.get("admin_address").is_none_or(|bind| bind.trim().is_empty() || is_loopback_only(bind))
}

/// From where files may be read and to where written by statements: `none`, `anywhere`, or a folder. That nothing is set
/// means no files at all to MySQL, and every file to MariaDB.
fn file_access(folder: &str, mariadb: bool) -> String {
    match folder {
        "NULL" if !mariadb => "none".to_owned(),
        "" | "NULL" => "anywhere".to_owned(),
        folder => folder.to_owned(),
    }
}

/// Whether a plugin that audits is active and writes connections down.
fn is_audited<'a>(
    active: &[String],
    setting: &impl Fn(&str) -> Result<&'a str, UnknownReason>,
) -> Result<bool, UnknownReason> {
    if active.iter().any(|name| name == "server_audit") {
        let events = setting("server_audit_events")?.to_lowercase();
        return Ok(
            setting("server_audit_logging")? == "ON" && (events.is_empty() || events.contains("connect"))
        );
    }
    Ok(active.iter().any(|name| matches!(name.as_str(), "audit_log" | "audit_log_filter")))
}

/// What an operator can do.
fn mend(reason: &UnknownReason) -> &'static str {
    match reason.why {
        Why::Denied => "give the account the right; docs/mysql.md has the statements",
        Why::TimedOut => "see whether the server answers this machine, or raise `timeout_step`",
        Why::Failed | Why::Throttled | Why::Unsupported | Why::NotCollected | Why::Unset => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_as_the_server_means_them() {
        assert_eq!(lowest("TLSv1.2,TLSv1.3").as_deref(), Some("TLSv1.2"));
        assert_eq!(lowest("TLSv1.3, TLSv1.0").as_deref(), Some("TLSv1"));
        assert_eq!(lowest(""), None);
        for open in ["", "*", "0.0.0.0", "127.0.0.1,10.0.0.5", "::"] {
            assert!(!is_loopback_only(open), "{open}");
        }
        assert!(is_loopback_only("127.0.0.1,::1") && is_loopback_only("localhost"));
        let others = |settings: &[(&str, &str)]| {
            let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            is_all_loopback_only(&settings.iter().map(own).collect())
        };
        assert!(others(&[]) && others(&[("mysqlx_bind_address", "127.0.0.1"), ("admin_address", "")]));
        assert!(!others(&[("mysqlx_bind_address", "*")]) && !others(&[("admin_address", "10.0.0.5")]));
        assert_eq!(file_access("", true), "anywhere");
        assert_eq!((file_access("", false), file_access("NULL", false)), ("anywhere".into(), "none".into()));
        assert_eq!(file_access("/srv/files/", true), "/srv/files/");
    }

    #[test]
    fn a_greeting_from_afar_is_not_believed_before_the_sign_in() {
        let denied = UnknownReason::new(Why::Denied, "1045");
        let of = |address: &str| unproven(&Server::read(address).unwrap(), "11.8.3-MariaDB", &denied);
        assert_eq!(of("mysql://octro@db.example.com"), Err(denied.clone()));
        assert_eq!(of("mysql://octro@127.0.0.1"), Ok("11.8.3-MariaDB"));
    }
}
