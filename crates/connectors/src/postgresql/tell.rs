//! Telling what a server said.

use octro_model::{Id, ScopeReport, Timestamp, UnknownReason, Why};
use serde_json::Value;

use super::ask::{Refused, Role, Said};
use super::server::Server;
use crate::host::{Resource, Roots, file_system_of};
use crate::{Run, Stopped};

/// The last day with fixes of each major version, as the PostgreSQL project announces it (versioning policy, as of
/// 2025-11-01).
const LIFETIMES: [(u32, &str); 10] = [
    (9, "2021-11-11"),
    (10, "2022-11-10"),
    (11, "2023-11-09"),
    (12, "2024-11-21"),
    (13, "2025-11-13"),
    (14, "2026-11-12"),
    (15, "2027-11-11"),
    (16, "2028-11-09"),
    (17, "2029-11-08"),
    (18, "2030-11-14"),
];

/// What only the server itself can say.
const ASKED: [&str; 7] = [
    "version",
    "end_of_life_at",
    "tls_min_version",
    "password_hash",
    "access_rules",
    "log_connections",
    "superusers",
];

/// Tells what `server` said, as one scope of each kind.
pub(super) fn tell(
    run: &mut Run<'_>,
    (server_kind, role_kind): (&Id, &Id),
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
    let said = match said {
        Ok(said) => said,
        Err(refused) => {
            let (reason, tls, mend) = match refused {
                Refused::Unreached(reason) => {
                    let (tls, mend) = (Err(reason.clone()), mend(&reason));
                    (reason, tls, mend)
                }
                Refused::NoTls => {
                    let what = "the server offers no TLS; nothing was asked in clear";
                    let mend = "turn `ssl` on, or accept the clear with `?sslmode=disable`";
                    (UnknownReason::new(Why::Failed, what), Ok(false), mend)
                }
            };
            run.error(&server.key, reason.to_string(), mend);
            // Whoever is on the list is told, also if nobody answers.
            let mut seen = Resource::new(server_kind, server.key.clone(), now).within(&server.key);
            seen.value("host", server.host.clone()).known("tls", tls);
            for name in ASKED {
                seen.unknown(name, reason.clone());
            }
            run.observe(seen.into_observation())?;
            run.scope(scope(server_kind, 1, None));
            run.scope(scope(role_kind, 0, Some(reason)));
            return Ok(());
        }
    };
    for (what, reason) in [
        ("settings", said.settings.as_ref().err()),
        ("client authentication rules", said.rules.as_ref().err()),
        ("roles", said.roles.as_ref().err()),
        ("passwords", said.passwords.as_ref().err()),
    ] {
        if let Some(reason) = reason {
            run.error(format!("{}: {what}", server.key), reason.to_string(), mend(reason));
        }
    }
    run.observe(observed(server_kind, server, &said, now).into_observation())?;
    run.scope(scope(server_kind, 1, None));
    let roles = said.roles.as_deref().unwrap_or_default();
    for one in roles {
        run.observe(role(role_kind, server, one, &said, now).into_observation())?;
    }
    run.scope(scope(role_kind, roles.len() as u64, said.roles.as_ref().err().cloned()));
    Ok(())
}

fn observed(kind: &Id, server: &Server, said: &Said, now: Timestamp) -> Resource {
    let mut seen = Resource::new(kind, server.key.clone(), now).within(&server.key);
    seen.value("host", server.host.clone());
    let setting = |name: &str| -> Result<String, UnknownReason> {
        let settings = said.settings.as_ref().map_err(Clone::clone)?;
        settings.get(name).cloned().ok_or_else(|| {
            UnknownReason::new(
                Why::Denied,
                format!("`{name}` is hidden: the role needs membership in pg_read_all_settings"),
            )
        })
    };
    let version = setting("server_version");
    seen.known(
        "version",
        version
            .as_ref()
            .map_err(Clone::clone)
            .map(|text| text.split(' ').next().unwrap_or_default().to_owned()),
    );
    seen.known("end_of_life_at", setting("server_version_num").and_then(|number| end_of_life(&number)));
    seen.known("tls", setting("ssl").map(|on| on == "on"));
    // Versions before 12 have no such setting, and accept whatever OpenSSL does; an empty one says the same.
    let lowest = setting("ssl_min_protocol_version")
        .or_else(|reason| if version.is_ok() { Ok(String::new()) } else { Err(reason) });
    seen.known(
        "tls_min_version",
        lowest.map(|lowest| if lowest.is_empty() { "TLSv1".to_owned() } else { lowest }),
    );
    // `on` is what old versions call md5.
    seen.known(
        "password_hash",
        setting("password_encryption").map(|hash| if hash == "on" { "md5".to_owned() } else { hash }),
    );
    // Since version 18 it names what is logged.
    seen.known(
        "log_connections",
        setting("log_connections").map(|logged| !matches!(logged.as_str(), "off" | "")),
    );
    seen.known(
        "access_rules",
        said.rules
            .as_ref()
            .map_err(Clone::clone)
            .map(|rules| Value::Array(rules.iter().map(super::rules::Rule::to_json).collect())),
    );
    seen.known(
        "superusers",
        said.roles.as_ref().map_err(Clone::clone).map(|roles| {
            let names = roles.iter().filter(|role| role.is_superuser && role.can_login);
            Value::Array(names.map(|role| role.name.clone().into()).collect())
        }),
    );
    if server.is_here {
        let at =
            setting("data_directory").and_then(|path| file_system_of(&Roots::at("/"), &server.host, &path));
        seen.known("data_filesystem", at);
    }
    seen
}

fn role(kind: &Id, server: &Server, role: &Role, said: &Said, now: Timestamp) -> Resource {
    let mut seen = Resource::new(kind, format!("{}/{}", server.key, role.name), now).within(&server.key);
    seen.value("server", server.key.clone())
        .value("name", role.name.clone())
        .value("login", role.can_login)
        .value("superuser", role.is_superuser)
        .value("create_role", role.creates_roles)
        .value("create_database", role.creates_databases)
        .value("replication", role.replicates)
        .value("bypass_row_security", role.bypasses_row_security)
        .value("member_of", role.member_of.clone());
    seen.fact("valid_until", Ok(role.valid_until.clone()));
    let kept = said.passwords.as_ref().map_err(Clone::clone).and_then(|passwords| {
        passwords
            .get(&role.name)
            .cloned()
            .ok_or_else(|| UnknownReason::new(Why::Failed, "the role came meanwhile"))
    });
    seen.known("password_hash", kept);
    seen
}

fn end_of_life(number: &str) -> Result<String, UnknownReason> {
    let major = number.parse::<u32>().ok().map(|number| number / 10_000);
    let found = LIFETIMES.iter().find(|(version, _)| Some(*version) == major);
    found.map(|(_, until)| format!("{until}T00:00:00Z")).ok_or_else(|| {
        UnknownReason::new(Why::Unsupported, format!("version {number} is not in the table of 2025-11-01"))
    })
}

/// What an operator can do.
fn mend(reason: &UnknownReason) -> &'static str {
    match reason.why {
        Why::Denied => "give the role the right; docs/postgresql.md has the statements",
        Why::TimedOut => "see whether the server answers this machine, or raise `timeout_step`",
        Why::Failed | Why::Throttled | Why::Unsupported | Why::NotCollected | Why::Unset => "",
    }
}
