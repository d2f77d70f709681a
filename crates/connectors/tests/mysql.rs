//! The connector `mysql` against real servers of MariaDB that the tests start (`mariadb-server`, a Debian package), with
//! and without each right, in clear and over TLS, with every method of proof, and against what is no MySQL.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what it expects"
)]

#[path = "support/fake.rs"]
mod fake;
#[path = "mysql/mariadb.rs"]
mod mariadb;
mod support;

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use mariadb::Mariadb;
use octro_model::{Clock as _, Observation, Span, SystemClock, Why};
use serde_json::{Value, json};
use support::Seen;

/// The account's rights, one statement each, as docs/mysql.md has them.
const RIGHTS: [&str; 4] = [
    "GRANT PROCESS ON *.* TO octro@localhost",
    "GRANT SELECT (User, Host, ssl_type, is_role, Select_priv, Insert_priv, Update_priv, Delete_priv, Create_priv, \
     Drop_priv, Alter_priv, Execute_priv, Event_priv, Trigger_priv, Reload_priv, Shutdown_priv, Process_priv, File_priv, \
     Grant_priv, Super_priv, Repl_slave_priv, Create_user_priv) ON mysql.user TO octro@localhost",
    "GRANT SELECT ON mysql.roles_mapping TO octro@localhost",
    "GRANT SELECT (Host, User, Priv) ON mysql.global_priv TO octro@localhost",
];

fn look(settings: Value) -> Seen {
    let clock = SystemClock;
    support::run_until("mysql", settings, &clock, clock.now().plus(Span::from_secs(60)))
}

fn server(seen: &Seen) -> &Observation {
    seen.observations.iter().find(|one| one.kind.as_str() == "mysql.server").unwrap()
}

/// The account `user@host` of the only server.
fn account<'a>(seen: &'a Seen, name: &str) -> &'a Observation {
    seen.of(&format!("{}/{name}", server(seen).key))
}

fn secret(folder: &Path, text: &str) -> String {
    let path = folder.join("password");
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    path.display().to_string()
}

fn is_denied(seen: &Observation, attribute: &str, right: &str) {
    let reason = seen.unknown.get(attribute).unwrap_or_else(|| panic!("{attribute}: {seen:?}"));
    assert!(reason.why == Why::Denied && reason.detail.contains(right), "{attribute}: {reason}");
}

#[test]
fn what_an_account_may_not_see_is_unknown_until_it_may() {
    let mariadb = Mariadb::start("", false);
    mariadb.run(&[
        "CREATE USER octro@localhost IDENTIFIED BY 'sesame'",
        "CREATE USER shop@'10.%' IDENTIFIED BY 'x' REQUIRE SSL",
        "CREATE USER lazy@'%'",
        "CREATE USER ''@localhost",
        "CREATE USER gone@'%' ACCOUNT LOCK",
        "CREATE USER twice@localhost IDENTIFIED VIA unix_socket OR mysql_native_password",
        "CREATE USER cert@'%' IDENTIFIED BY 'x' REQUIRE X509",
        "CREATE ROLE inner_role",
        "CREATE ROLE outer_role",
        "GRANT FILE ON *.* TO inner_role",
        "GRANT inner_role TO outer_role",
        "GRANT outer_role TO shop@'10.%'",
        "GRANT SUPER ON *.* TO lazy@'%' WITH GRANT OPTION",
    ]);
    let folder = tempfile::tempdir().unwrap();
    let settings = json!({
        "servers": [format!("mysql://octro@127.0.0.1:{}", mariadb.port())],
        "password_file": secret(folder.path(), "sesame\n"),
    });
    let none = look(settings.clone());
    let seen = server(&none);
    for (attribute, value) in [
        ("product", json!("MariaDB")),
        ("tls", json!(false)),
        ("tls_required", json!(false)),
        ("loopback_only", json!(true)),
        ("local_infile", json!(true)),
        ("file_access", json!("anywhere")),
        ("audit_log", json!(false)),
        ("general_log", json!(false)),
        ("key_management", json!([])),
        ("tables_encrypted", json!(false)),
        ("binlog", json!(false)),
    ] {
        assert_eq!(seen.attributes.get(attribute), Some(&value), "{attribute}: {seen:?}");
    }
    assert!(seen.attributes["end_of_life_at"].as_str().unwrap() > "2026");
    is_denied(seen, "clear_tablespace_count", "PROCESS");
    assert!(none.why("mysql.account", &seen.key).contains("mysql.user"), "{}", none.errors());

    mariadb.run(&RIGHTS[..1]);
    let more = look(settings.clone());
    assert!(server(&more).attributes["clear_tablespace_count"].as_u64().unwrap() > 3);
    assert!(server(&more).attributes["clear_tablespaces"].as_array().unwrap().len() > 3);

    mariadb.run(&RIGHTS[1..2]);
    let more = look(settings.clone());
    assert!(more.scope("mysql.account", &server(&more).key).complete);
    let shop = account(&more, "shop@10.%");
    assert_eq!((&shop.attributes["tls_required"], &shop.attributes["from"]), (&json!(true), &json!("10.%")));
    is_denied(shop, "privileges", "mysql.roles_mapping");
    for attribute in ["locked", "plugins", "no_password"] {
        is_denied(shop, attribute, "mysql.global_priv");
    }

    mariadb.run(&RIGHTS[2..]);
    let all = look(settings);
    assert_eq!(all.errors(), "");
    let of = |name: &str, attribute: &str| account(&all, name).attributes[attribute].clone();
    assert_eq!(of("shop@10.%", "privileges"), json!(["FILE"]), "a role of a role");
    assert_eq!(of("lazy@%", "privileges"), json!(["GRANT OPTION", "SUPER"]));
    assert_eq!((of("lazy@%", "no_password"), of("lazy@%", "from_anywhere")), (json!(true), json!(true)));
    assert_eq!((of("@localhost", "anonymous"), of("@localhost", "local")), (json!(true), json!(true)));
    assert_eq!((of("gone@%", "locked"), of("shop@10.%", "locked")), (json!(true), json!(false)));
    assert_eq!(of("twice@localhost", "plugins"), json!(["mysql_native_password", "unix_socket"]));
    assert_eq!(of("twice@localhost", "no_password"), json!(true), "the second way is open");
    assert_eq!(of("cert@%", "certificate_required"), json!(true));
    assert_eq!(
        (of("octro@localhost", "no_password"), of("octro@localhost", "locked")),
        (json!(false), json!(false))
    );
    assert!(all.observations.iter().all(|one| !one.key.contains("inner_role")), "a role is no account");
    assert!(!format!("{:?}", all.observations).contains('*'), "a hash left the server");
}

#[test]
fn over_tls_the_certificate_has_to_hold_and_encryption_is_seen() {
    let mariadb = Mariadb::start(
        "require_secure_transport = ON\nbind_address = 127.0.0.1\nlocal_infile = OFF\nlog_bin = on\nserver_id = 1\n\
         plugin_load_add = file_key_management\nplugin_load_add = server_audit\nserver_audit_logging = ON\n\
         innodb_encrypt_tables = FORCE\ninnodb_encrypt_log = ON\nencrypt_binlog = ON\nencrypt_tmp_files = ON\n\
         encrypt_tmp_disk_tables = ON\ninnodb_encryption_threads = 2\ninnodb_encryption_rotate_key_age = 1\n",
        true,
    );
    mariadb.run(&[
        "CREATE USER octro@localhost IDENTIFIED BY 'sesame'",
        RIGHTS[0],
        RIGHTS[1],
        RIGHTS[2],
        RIGHTS[3],
    ]);
    let folder = tempfile::tempdir().unwrap();
    let password_file = secret(folder.path(), "sesame");
    let servers = [format!("mysql://octro@127.0.0.1:{}?tls=on", mariadb.port())];
    let settings =
        json!({"servers": servers, "password_file": password_file, "roots": mariadb.certificate()});
    // Threads of the server go over its tablespaces.
    let mut seen = look(settings.clone());
    for _ in 0..100 {
        if server(&seen).attributes["clear_tablespace_count"] == 0 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(200));
        seen = look(settings.clone());
    }
    assert_eq!(seen.errors(), "");
    for (attribute, value) in [
        ("tls", json!(true)),
        ("tls_required", json!(true)),
        ("tls_min_version", json!("TLSv1.2")),
        ("local_infile", json!(false)),
        ("audit_log", json!(true)),
        ("key_management", json!(["file_key_management"])),
        ("tables_encrypted", json!(true)),
        ("redo_log_encrypted", json!(true)),
        ("binlog", json!(true)),
        ("binlog_encrypted", json!(true)),
        ("temporary_encrypted", json!(true)),
        ("clear_tablespace_count", json!(0)),
    ] {
        assert_eq!(server(&seen).attributes.get(attribute), Some(&value), "{attribute}: {seen:?}");
    }
    let stranger = look(json!({"servers": servers, "password_file": password_file}));
    assert!(
        server(&stranger).unknown["tls_required"].detail.contains("certificate"),
        "{}",
        stranger.errors()
    );
    assert_eq!(server(&stranger).attributes["tls"], true, "it said so before");
    let clear = look(json!({
        "servers": [format!("mysql://octro@127.0.0.1:{}", mariadb.port())], "password_file": password_file,
    }));
    assert_eq!(server(&clear).unknown["local_infile"].why, Why::Denied, "{}", clear.errors());
}

#[test]
fn every_method_of_proof_is_spoken() {
    let mariadb = Mariadb::start("plugin_load_add = auth_ed25519\n", false);
    mariadb.run(&[
        "CREATE USER modern@localhost IDENTIFIED VIA ed25519 USING PASSWORD('a long secret of any length')",
        "CREATE USER old@localhost IDENTIFIED BY 'a long secret of any length'",
        "CREATE USER empty@localhost",
        &format!("CREATE OR REPLACE USER {}@localhost IDENTIFIED VIA unix_socket", mariadb::me()),
    ]);
    let folder = tempfile::tempdir().unwrap();
    let good = secret(folder.path(), "a long secret of any length");
    for user in ["modern", "old"] {
        let servers = [format!("mysql://{user}@127.0.0.1:{}", mariadb.port())];
        let seen = look(json!({"servers": servers, "password_file": good}));
        assert!(server(&seen).attributes.contains_key("local_infile"), "{user}: {}", seen.errors());
        let wrong = tempfile::tempdir().unwrap();
        let seen = look(json!({"servers": servers, "password_file": secret(wrong.path(), "another")}));
        assert_eq!(server(&seen).unknown["local_infile"].why, Why::Denied, "{user}: {}", seen.errors());
        assert!(!seen.scope("mysql.account", &server(&seen).key).complete);
    }
    let seen = look(json!({"servers": [format!("mysql://empty@127.0.0.1:{}", mariadb.port())]}));
    assert!(server(&seen).attributes.contains_key("local_infile"), "{}", seen.errors());
    let seen = look(json!({"servers": [format!("mysql://{}@{}", mariadb::me(), mariadb.socket())]}));
    assert!(server(&seen).attributes.contains_key("local_infile"), "{}", seen.errors());
    assert!(server(&seen).key.ends_with("server.sock"));
}

#[test]
fn a_server_without_tls_is_told_and_asked_nothing() {
    let mariadb = Mariadb::start("", false);
    let seen = look(json!({"servers": [format!("mysql://octro@127.0.0.1:{}?tls=on", mariadb.port())]}));
    assert_eq!(server(&seen).attributes["tls"], false);
    assert!(seen.errors().contains("give the server a certificate"), "{}", seen.errors());
    assert!(seen.why("mysql.account", &server(&seen).key).contains("no TLS"));
}

#[test]
fn whoever_is_no_mysql_is_unknown() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for (port, why) in [
        (closed, Why::Failed),
        (fake::greeter(b""), Why::TimedOut),
        (fake::greeter(b"HTTP/1.1 400 Bad Request\r\n\r\n"), Why::Failed),
        (fake::greeter(&[0xff; 4096]), Why::Failed),
        (fake::greeter(b"\x03\x00\x00\x00\x0aab"), Why::Failed),
        (fake::greeter(b"\x17\x00\x00\x00\xff\x10\x04Too many connections"), Why::Throttled),
    ] {
        let seen = look(json!({"servers": [format!("mysql://a@127.0.0.1:{port}")], "timeout_step": "1s"}));
        assert_eq!(server(&seen).unknown["tls"].why, why, "{}", seen.errors());
        assert!(!seen.scope("mysql.account", &server(&seen).key).complete);
    }
}

#[test]
fn settings_are_checked() {
    let folder = tempfile::tempdir().unwrap();
    let refusal = |settings| support::refusal("mysql", settings);
    assert!(refusal(json!({"servers": ["mysql://a:b@c"]})).contains("password_file"));
    let clear =
        json!({"servers": ["mysql://a@db1?tls=off"], "password_file": secret(folder.path(), "sesame")});
    assert!(refusal(clear).contains("whoever listens"));
    assert!(
        refusal(json!({"servers": ["mysql://a@localhost", "mysql://b@127.0.0.1:3306"]})).contains("twice")
    );
    assert!(refusal(json!({"servers": ["postgres://a@db1"]})).contains("mysql://"));
}
