//! Telling what a server said.

use std::net::IpAddr;

use octro_model::{Id, UnknownReason, Why};
use serde_json::{Value, json};

use super::ask::{Said, User};
use super::server::Server;
use crate::host::{Resource, Roots, file_system_of};
use crate::{Run, Stopped};

/// What only the server itself can say.
const ASKED: [&str; 9] = [
    "version",
    "tls",
    "tls_min_version",
    "tls_client_certificates",
    "plaintext",
    "loopback_only",
    "protected_mode",
    "users",
    "persistent",
];

/// Tells what `server` said; also that it said nothing.
pub(super) fn tell(
    run: &mut Run<'_>,
    kind: &Id,
    server: &Server,
    said: Result<Said, UnknownReason>,
) -> Result<(), Stopped> {
    let mut seen = Resource::new(kind, server.place.key.clone(), run.now());
    seen.value("host", server.place.host.clone());
    match said {
        Ok(said) => {
            let failed =
                [said.version.as_ref().err(), said.settings.as_ref().err(), said.users.as_ref().err()];
            for reason in failed.into_iter().flatten() {
                run.error(&server.place.key, reason.to_string(), mend(reason));
            }
            describe(&mut seen, server, said);
        }
        Err(reason) => {
            run.error(&server.place.key, reason.to_string(), mend(&reason));
            for name in ASKED {
                seen.unknown(name, reason.clone());
            }
        }
    }
    run.observe(seen.into_observation())
}

fn describe(seen: &mut Resource, server: &Server, said: Said) {
    seen.known("version", said.version);
    let settings = said.settings;
    // A setting that the server does not have is as in its default, which is off for all of these.
    let setting = |name: &str| -> Result<Option<&str>, UnknownReason> {
        let settings = settings.as_ref().map_err(Clone::clone)?;
        Ok(settings.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str()))
    };
    let is_port = |name: &str| setting(name).map(|port| port.is_some_and(|port| port != "0"));
    let has_tls = is_port("tls-port");
    seen.known("tls", has_tls.clone());
    seen.known("plaintext", is_port("port"));
    seen.fact(
        "tls_min_version",
        has_tls.clone().and_then(|has_tls| {
            Ok(if has_tls { lowest(setting("tls-protocols")?.unwrap_or_default()) } else { None })
        }),
    );
    seen.fact(
        "tls_client_certificates",
        has_tls.and_then(|has_tls| Ok(setting("tls-auth-clients")?.filter(|_| has_tls).map(str::to_owned))),
    );
    seen.known("loopback_only", setting("bind").map(|bind| bind.is_some_and(is_loopback_only)));
    seen.known("protected_mode", setting("protected-mode").map(|mode| mode == Some("yes")));
    seen.known(
        "persistent",
        setting("appendonly").and_then(|append| {
            Ok(append == Some("yes") || setting("save")?.is_some_and(|save| !save.is_empty()))
        }),
    );
    seen.known("users", said.users.map(|users| Value::Array(users.iter().map(user).collect())));
    if server.place.is_here {
        let folder = setting("dir").and_then(|dir| {
            dir.ok_or_else(|| {
                UnknownReason::new(Why::Unsupported, "the server does not say where its data lies")
            })
        });
        let place = folder.and_then(|dir| file_system_of(&Roots::at("/"), &server.place.host, dir));
        seen.known("data_filesystem", place);
    }
}

fn user(user: &User) -> Value {
    json!({
        "name": user.name,
        "enabled": user.is_enabled,
        "no_password": user.needs_no_password,
        "all_commands": user.has_all_commands,
        "all_keys": user.has_all_keys,
    })
}

/// The lowest of the versions that are named; nothing named means what Redis takes by default, 1.2 (since version 6).
fn lowest(protocols: &str) -> Option<String> {
    const VERSIONS: [&str; 4] = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"];
    let named: Vec<&str> = protocols.split([' ', '"', ',']).filter(|word| !word.is_empty()).collect();
    let found = VERSIONS.iter().find(|version| named.iter().any(|word| word.eq_ignore_ascii_case(version)));
    found.or_else(|| VERSIONS.get(2).filter(|_| named.is_empty())).map(|version| (*version).to_owned())
}

/// Whether all addresses that a server listens at are of this machine only. `-` before one says that it may be missing;
/// no address at all means every address.
fn is_loopback_only(bind: &str) -> bool {
    let mut addresses = bind.split_whitespace().map(|address| address.trim_start_matches('-')).peekable();
    addresses.peek().is_some()
        && addresses.all(|address| {
            address == "localhost" || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
        })
}

/// What an operator can do.
fn mend(reason: &UnknownReason) -> &'static str {
    match reason.why {
        Why::Denied => {
            "give the user the right: ACL SETUSER octro on +info +config|get +acl|list; see docs/redis.md"
        }
        Why::TimedOut => "see whether the server answers this machine, or raise `timeout_step`",
        Why::Failed | Why::Throttled | Why::Unsupported | Why::NotCollected | Why::Unset => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_version_counts() {
        assert_eq!(lowest("").as_deref(), Some("TLSv1.2"));
        assert_eq!(lowest("TLSv1.3 TLSv1.1").as_deref(), Some("TLSv1.1"));
        assert_eq!(lowest("\"TLSv1.2 TLSv1.3\"").as_deref(), Some("TLSv1.2"));
        assert_eq!(lowest("DTLS"), None);
    }

    #[test]
    fn every_address_counts() {
        assert!(is_loopback_only("127.0.0.1 -::1"));
        for open in ["", "*", "127.0.0.1 10.0.0.5", "* -::*", "0.0.0.0"] {
            assert!(!is_loopback_only(open), "{open}");
        }
    }
}
