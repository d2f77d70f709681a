//! The connector `postgresql` against a real server, with and without each right, and against servers that are none.
//! Needs `OCTRO_TEST_POSTGRES`, which CI always sets, for the real one.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects")]

#[path = "support/fake.rs"]
mod fake;
mod support;

use std::net::TcpListener;

use octro_model::{Clock as _, Span, SystemClock, Why};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use support::Seen;

fn look(settings: Value) -> Seen {
    let clock = SystemClock;
    support::run_until("postgresql", settings, &clock, clock.now().plus(Span::from_secs(60)))
}

/// Does something on the server as its superuser.
fn done(at: &str, statements: &[String]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut server = PgConnection::connect(at).await.unwrap();
        for statement in statements {
            sqlx::raw_sql(AssertSqlSafe(statement.as_str())).execute(&mut server).await.unwrap();
        }
    });
}

/// The key of what is at 127.0.0.1, and its port.
fn key_of(seen: &Seen) -> String {
    let server = seen.observations.iter().find(|one| one.kind.as_str() == "postgresql.server").unwrap();
    server.key.clone()
}

#[test]
fn what_a_role_may_not_see_is_unknown_until_it_may() {
    let Ok(at) = std::env::var("OCTRO_TEST_POSTGRES") else { return };
    let name = |what: &str| format!("connector_{what}_{}", std::process::id());
    let (reader, old, new) = (name("reader"), name("old"), name("new"));
    done(
        &at,
        &[
            format!("CREATE ROLE {reader} LOGIN"),
            format!(
                "SET password_encryption = 'md5'; CREATE ROLE {old} LOGIN REPLICATION PASSWORD 'sesame' VALID UNTIL '2031-02-03 04:05:06Z'"
            ),
            format!(
                "SET password_encryption = 'scram-sha-256'; CREATE ROLE {new} PASSWORD 'sesame' IN ROLE pg_monitor VALID UNTIL 'infinity'"
            ),
        ],
    );
    let as_reader = at.replace("octro@", &format!("{reader}@"));
    let few = look(json!({"servers": [as_reader]}));
    done(
        &at,
        &[
            format!("GRANT pg_read_all_settings TO {reader}"),
            format!("GRANT SELECT ON pg_hba_file_rules TO {reader}"),
            format!("GRANT EXECUTE ON FUNCTION pg_hba_file_rules() TO {reader}"),
            format!("GRANT SELECT (rolname, rolpassword) ON pg_authid TO {reader}"),
        ],
    );
    let all = look(json!({"servers": [as_reader]}));
    done(
        &at,
        &[
            format!("DROP OWNED BY {reader}"),
            format!("DROP ROLE {reader}"),
            format!("DROP ROLE {old}"),
            format!("DROP ROLE {new}"),
        ],
    );
    let key = key_of(&few);
    let (server, role) = (few.of(&key), few.of(&format!("{key}/{old}")));
    for (seen, attribute, right) in [
        (server, "access_rules", "EXECUTE on pg_hba_file_rules()"),
        (server, "data_filesystem", "pg_read_all_settings"),
        (role, "password_hash", "pg_authid"),
    ] {
        let reason = &seen.unknown[attribute];
        assert!(reason.why == Why::Denied && reason.detail.contains(right), "{attribute}: {reason}");
        assert!(few.errors().contains(right) || right == "pg_read_all_settings", "{}", few.errors());
    }
    assert_eq!(server.attributes["tls"], true);
    assert!(few.scope("postgresql.server", &key).complete && few.scope("postgresql.role", &key).complete);

    let (server, old) = (all.of(&key), all.of(&format!("{key}/{old}")));
    let rules = server.attributes["access_rules"].as_array().unwrap();
    // What initdb writes: sockets and loopback, also for replication.
    assert_eq!(rules.len(), 6, "{rules:?}");
    assert!(rules.iter().all(|rule| rule["loopback"] == true && rule["method"] == "trust"), "{rules:?}");
    assert_eq!(rules[1]["address"], "127.0.0.1/32");
    assert_eq!(server.attributes["tls_min_version"], "TLSv1.2");
    assert_eq!(server.attributes["log_connections"], false);
    assert_eq!(server.attributes["password_hash"], "scram-sha-256");
    assert!(server.attributes["superusers"].as_array().unwrap().contains(&json!("octro")));
    assert!(server.attributes["end_of_life_at"].as_str().unwrap() > "2026", "{server:?}");
    let place = server.attributes.get("data_filesystem").map(ToString::to_string);
    let missing = server.unknown.get("data_filesystem").map(ToString::to_string);
    assert!(place.is_some() || missing.as_ref().is_some_and(|why| why.contains("lies on")), "{missing:?}");
    assert_eq!(old.attributes["password_hash"], "md5");
    assert_eq!(old.attributes["replication"], true);
    assert_eq!(old.attributes["valid_until"], "2031-02-03T04:05:06Z");
    let new = all.of(&format!("{key}/{new}"));
    assert_eq!(
        (&new.attributes["password_hash"], &new.attributes["login"]),
        (&json!("scram-sha-256"), &json!(false))
    );
    assert_eq!(
        (&new.attributes["member_of"], &new.attributes["valid_until"]),
        (&json!(["pg_monitor"]), &Value::Null)
    );
    assert_eq!(all.of(&format!("{key}/{reader}")).attributes["password_hash"], "none");
    assert_eq!(all.errors(), "");
    let told = format!("{:?}", all.observations);
    assert!(!told.contains("SCRAM-SHA-256$"), "a hash left the server");
}

#[test]
fn the_certificate_has_to_hold() {
    let (Ok(at), Ok(certificate)) =
        (std::env::var("OCTRO_TEST_POSTGRES"), std::env::var("OCTRO_TEST_POSTGRES_CERTIFICATE"))
    else {
        return;
    };
    let strict = format!("{at}?sslmode=verify-full");
    let seen = look(json!({"servers": [strict], "roots": certificate}));
    assert_eq!(seen.of(&key_of(&seen)).attributes["tls"], true);
    let seen = look(json!({"servers": [strict]}));
    let server = seen.of(&key_of(&seen));
    assert!(server.unknown["tls"].detail.contains("certificate"), "{server:?}");
    assert!(seen.why("postgresql.role", &server.key).contains("certificate"));
}

/// The address of a server that answers the first message with `answer`, then nothing.
fn fake(answer: &'static [u8]) -> String {
    format!("postgres://octro@127.0.0.1:{}/x?sslmode=verify-full", fake::fake(answer))
}

#[test]
fn a_server_without_tls_is_told_and_asked_nothing() {
    let seen = look(json!({"servers": [fake(b"N")]}));
    let server = seen.of(&key_of(&seen));
    assert_eq!(server.attributes["tls"], false);
    assert_eq!(server.unknown["access_rules"].why, Why::Failed);
    assert!(seen.errors().contains("turn `ssl` on"), "{}", seen.errors());
    assert!(seen.why("postgresql.role", &server.key).contains("no TLS"));
}

#[test]
fn whoever_does_not_answer_is_unknown() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let closed = format!("postgres://octro@127.0.0.1:{closed}/x");
    for (address, why) in [
        (closed, Why::Failed),
        (fake(b""), Why::TimedOut),
        (fake(b"HTTP/1.1 400 Bad Request\r\n\r\n"), Why::Failed),
        (fake(&[0xff; 4096]), Why::Failed),
    ] {
        let seen = look(json!({"servers": [address], "timeout_step": "1s"}));
        let server = seen.of(&key_of(&seen));
        assert_eq!(server.unknown["tls"].why, why, "{address}: {}", seen.errors());
        assert!(!seen.scope("postgresql.role", &server.key).complete);
    }
}

#[test]
fn settings_are_checked() {
    let refusal = |settings| support::refusal("postgresql", settings);
    assert!(refusal(json!({})).contains("servers: it is missing"));
    let twice = json!({"servers": ["postgres://a@127.0.0.1/x", "postgres://b@localhost/y"]});
    assert!(refusal(twice).contains("stands there twice"));
    let secret = refusal(json!({"servers": ["postgres://octro:sesame@db1/x"]}));
    assert!(secret.contains("password_file") && !secret.contains("sesame"), "{secret}");
    let relative = json!({"servers": ["postgres://a@db1/x"], "password_file": "secret"});
    assert!(refusal(relative).contains("an absolute path"));
}
