//! The connector `redis` against real servers that the test starts (`redis-server`, a Debian package), with and without
//! rights, in clear and over TLS, and against what is no Redis.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects")]

#[path = "support/fake.rs"]
mod fake;
mod support;

use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use octro_model::{Clock as _, Observation, Span, SystemClock, Why};
use serde_json::{Value, json};
use support::Seen;

fn look(settings: Value) -> Seen {
    let clock = SystemClock;
    support::run_until("redis", settings, &clock, clock.now().plus(Span::from_secs(60)))
}

fn only(seen: &Seen) -> &Observation {
    assert_eq!(seen.observations.len(), 1, "{:?}", seen.observations);
    assert!(seen.scope("redis.server", "").complete);
    seen.observations.first().unwrap()
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A server in a folder of its own; it stops when this is dropped.
struct Redis {
    server: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Redis {
    fn start(port: u16, more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("redis.conf");
        std::fs::write(&file, format!("dir {}\nlogfile /dev/null\n{more}\n", folder.path().display()))
            .unwrap();
        let server = Command::new("redis-server")
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        for _ in 0..200 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                break;
            }
            std::thread::sleep(Duration::from_millis(25));
        }
        Self { server, port, _folder: folder }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn secret(folder: &Path, text: &str) -> String {
    let path = folder.join("password");
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    path.display().to_string()
}

#[test]
fn an_open_server_is_told_as_it_is() {
    let port = free_port();
    let redis = Redis::start(port, &format!("port {port}\nprotected-mode no\nbind * -::*\nsave \"\""));
    let seen = look(json!({"servers": [format!("redis://127.0.0.1:{}", redis.port)]}));
    let server = seen.of(&only(&seen).key);
    assert_eq!(seen.errors(), "");
    for (name, value) in [
        ("plaintext", json!(true)),
        ("tls", json!(false)),
        ("tls_min_version", Value::Null),
        ("loopback_only", json!(false)),
        ("protected_mode", json!(false)),
        ("persistent", json!(false)),
    ] {
        assert_eq!(server.attributes.get(name), Some(&value), "{name}: {server:?}");
    }
    let everybody = json!([{"name": "default", "enabled": true, "no_password": true, "all_commands": true, "all_keys": true}]);
    assert_eq!(server.attributes.get("users"), Some(&everybody));
    assert!(
        server.attributes.get("version").and_then(Value::as_str).is_some_and(|version| version.contains('.'))
    );
}

#[test]
fn what_a_user_may_not_ask_is_unknown_until_it_may() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let rules = "user default off\nuser admin on >adminsesame ~* &* +@all\nuser octro on >sesame -@all +info";
    let conf = |rules: &str| format!("port {port}\nbind 127.0.0.1\nappendonly yes\n{rules}");
    let settings = json!({
        "servers": [format!("redis://octro@127.0.0.1:{port}")],
        "password_file": secret(folder.path(), "sesame\n"),
    });
    let redis = Redis::start(port, &conf(rules));
    let few = look(settings.clone());
    drop(redis);
    let server = only(&few);
    assert!(server.attributes.contains_key("version"), "{server:?}");
    for (name, right) in
        [("plaintext", "+config|get"), ("loopback_only", "+config|get"), ("users", "+acl|list")]
    {
        let reason = server.unknown.get(name).unwrap_or_else(|| panic!("{name}: {server:?}"));
        assert!(reason.why == Why::Denied && reason.detail.contains(right), "{name}: {reason}");
        assert!(few.errors().contains(right), "{}", few.errors());
    }
    let redis = Redis::start(port, &conf(&format!("{rules} +config|get +acl|list")));
    let all = look(settings);
    drop(redis);
    let server = only(&all);
    assert_eq!(all.errors(), "");
    assert_eq!(server.attributes.get("loopback_only"), Some(&json!(true)));
    assert_eq!(server.attributes.get("persistent"), Some(&json!(true)));
    let users = server.attributes.get("users").and_then(Value::as_array).unwrap();
    let admin = users.iter().find(|user| user.get("name") == Some(&json!("admin"))).unwrap();
    assert_eq!(admin.get("all_commands"), Some(&json!(true)));
    let octro = users.iter().find(|user| user.get("name") == Some(&json!("octro"))).unwrap();
    assert_eq!(
        (octro.get("all_commands"), octro.get("no_password")),
        (Some(&json!(false)), Some(&json!(false)))
    );
    assert!(!format!("{:?}", all.observations).contains('#'), "a hash was told");
}

#[test]
fn over_tls_the_certificate_has_to_hold() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("server.crt"), folder.path().join("server.key"));
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
        ])
        .args(["-subj", "/CN=cache", "-addext", "subjectAltName=IP:127.0.0.1"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE", "-out"])
        .arg(&certificate)
        .arg("-keyout")
        .arg(&key)
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(made.success());
    let port = free_port();
    let redis = Redis::start(
        port,
        &format!(
            "port 0\ntls-port {port}\ntls-cert-file {}\ntls-key-file {}\ntls-ca-cert-file {0}\ntls-auth-clients no\n\
             tls-protocols \"TLSv1.2 TLSv1.3\"",
            certificate.display(),
            key.display()
        ),
    );
    let servers = [format!("rediss://127.0.0.1:{port}")];
    let seen = look(json!({"servers": servers, "roots": certificate}));
    let server = only(&seen);
    assert_eq!(seen.errors(), "");
    for (name, value) in [
        ("plaintext", json!(false)),
        ("tls", json!(true)),
        ("tls_min_version", json!("TLSv1.2")),
        ("tls_client_certificates", json!("no")),
    ] {
        assert_eq!(server.attributes.get(name), Some(&value), "{name}: {server:?}");
    }
    let seen = look(json!({"servers": servers}));
    assert!(only(&seen).unknown.get("tls").unwrap().detail.contains("certificate"), "{}", seen.errors());
    // In clear, a port with TLS says nothing that counts.
    let clear = look(json!({"servers": [format!("redis://127.0.0.1:{port}")], "timeout_step": "1s"}));
    assert!(only(&clear).unknown.contains_key("users"));
    drop(redis);
}

#[test]
fn whoever_is_no_redis_is_unknown() {
    for answer in [b"".as_slice(), b"HTTP/1.1 400 Bad Request\r\n\r\n", b"*1000000000\r\n", b"\xff\xfe\r\n"] {
        let port = fake::fake(answer);
        let seen = look(json!({"servers": [format!("redis://127.0.0.1:{port}")], "timeout_step": "1s"}));
        let server = only(&seen);
        let reason = server.unknown.get("users").unwrap();
        let expected = if answer.is_empty() { Why::TimedOut } else { Why::Failed };
        assert_eq!(reason.why, expected, "{reason}");
    }
    let seen = look(json!({"servers": [format!("redis://127.0.0.1:{}", free_port())]}));
    assert_eq!(only(&seen).unknown.get("tls").unwrap().why, Why::Failed);
}

#[test]
fn a_password_that_others_may_read_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let file = secret(folder.path(), "sesame");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let seen = look(json!({"servers": ["redis://127.0.0.1:1"], "password_file": file}));
    assert!(seen.observations.is_empty());
    assert!(seen.why("redis.server", "").contains("mode 644"), "{}", seen.errors());
}

#[test]
fn settings_are_checked() {
    let folder = tempfile::tempdir().unwrap();
    let refusal = |settings| support::refusal("redis", settings);
    assert!(refusal(json!({"servers": ["redis://a:b@c"]})).contains("password_file"));
    let clear = json!({"servers": ["redis://cache1"], "password_file": secret(folder.path(), "sesame")});
    assert!(refusal(clear).contains("in clear"));
    assert!(refusal(json!({"servers": ["redis://localhost", "redis://127.0.0.1:6379"]})).contains("twice"));
}
