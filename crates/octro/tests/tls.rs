//! `octro check tls` on the lab of real servers: the default program's verdicts are the truth.

#![expect(clippy::unwrap_used, reason = "a test says what it expects")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The verdicts that are compared, in this order.
const TESTS: [&str; 7] = [
    "tls.endpoint.modern_versions",
    "tls.endpoint.strong_suites",
    "tls.endpoint.trusted",
    "tls.endpoint.no_plaintext",
    "tls.endpoint.hsts",
    "tls.endpoint.secure_cookies",
    "tls.endpoint.aead_only",
];

/// A server of the lab, and its verdicts: `+` pass, `x` fail, `?` unknown, `.` not applicable.
const SERVERS: [(u16, &str, &str); 28] = [
    (1, "+++++++", "TLS 1.3 only"),
    (2, "+++++++", "Mozilla Intermediate"),
    (3, "xx++x+x", "old versions and every suite"),
    (4, "++++?++", "expired: told of the certificate"),
    (5, "++x+x++", "self-signed"),
    (6, "x..x...", "a web site in clear"),
    (9, "xx++..x", "TLS 1.0 only"),
    (10, "xx++..x", "TLS 1.1 only"),
    (11, "++x+?++", "another name"),
    (12, "++x++++", "no intermediate"),
    (13, "+++++++", "client certificates"),
    (14, "+++++++", "a chain in disorder"),
    (16, "++x+?++", "not for servers"),
    (17, "+++++++", "a wildcard"),
    (22, "+xx+..x", "RSA with 1024 bits and SHA-1"),
    (30, "++++x++", "HSTS of five minutes"),
    (31, "+++++++", "a good staple"),
    (32, "++x++++", "a staple that says revoked"),
    (33, "++x++++", "a staple is due and missing"),
    (34, "+x++..x", "CBC only, most without fresh keys"),
    (35, "+x++..+", "a Diffie-Hellman group of 1024 bits"),
    (36, "...+...", "clear, and only leads to https"),
    (37, "+++++++", "two certificates"),
    (38, "+x++x+x", "old versions that cannot be used"),
    (40, "++++xx+", "a cookie in clear"),
    (43, "+x++..x", "anonymous and unencrypted"),
    (45, "++++x++", "revoked, says the list: told of the certificate"),
    (48, "???????", "nobody listens"),
];

struct Lab {
    folder: tempfile::TempDir,
    base: u16,
}

impl Lab {
    fn script() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/labs/tls/lab.sh")
    }

    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let free = |base: &u16| {
            (*base..base + 150).all(|port| std::net::TcpListener::bind(("127.0.0.1", port)).is_ok())
        };
        let base = (15_000..20_000).step_by(331).find(free).unwrap();
        let started = Command::new("bash")
            .arg(Self::script())
            .arg("start")
            .arg(folder.path())
            .arg(base.to_string())
            .output();
        let started = started.unwrap();
        assert!(started.status.success(), "the lab needs nginx and openssl: {started:?}");
        Self { folder, base }
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        Command::new("bash").arg(Self::script()).arg("stop").arg(self.folder.path()).status().ok();
    }
}

#[test]
fn the_default_program_judges_the_lab_as_it_is() {
    let lab = Lab::start();
    let mut settings = format!(
        "[[source]]\nid = 'tls'\ntype = 'tls'\nevery = '1h'\nplain_port = {}\nroots = ['{}']\nendpoints = [\n",
        lab.base + 36,
        lab.folder.path().join("pki/root.pem").display()
    );
    for (number, ..) in SERVERS {
        writeln!(settings, "  'app.lab.test:{} at=127.0.0.1 public',", lab.base + number).unwrap();
    }
    settings.push_str("]\n");
    let config = lab.folder.path().join("octro.toml");
    std::fs::write(&config, settings).unwrap();
    let ran = Command::new(env!("CARGO_BIN_EXE_octro"))
        .current_dir(lab.folder.path())
        .args(["check", "tls", "--format", "json", "--config"])
        .arg(&config)
        .output()
        .unwrap();
    assert_eq!(ran.status.code(), Some(1), "{}", String::from_utf8_lossy(&ran.stderr));
    let found: Value = serde_json::from_slice(&ran.stdout).unwrap();
    let results = found["results"].as_array().unwrap();
    let mut wrong = String::new();
    for (number, expected, what) in SERVERS {
        let key = format!("app.lab.test:{}", lab.base + number);
        let signs: String = TESTS
            .iter()
            .map(|test| {
                let result =
                    results.iter().find(|one| one["test"] == *test && one["resource"] == key.as_str());
                match result.and_then(|one| one["status"].as_str()) {
                    Some("pass") => '+',
                    Some("fail") => 'x',
                    Some("unknown") => '?',
                    Some("not_applicable") => '.',
                    _ => '!',
                }
            })
            .collect();
        if signs != expected {
            writeln!(wrong, "{number} ({what}): {signs}; expected {expected}").unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    // Of certificates: expired, weak, and twice revoked.
    let failing = |test: &str| {
        results
            .iter()
            .filter(|one| one["test"] == test && one["status"] == "fail" && one["resource"].is_string())
            .count()
    };
    assert_eq!((failing("tls.certificate.not_expiring"), failing("tls.certificate.strong")), (1, 3));
    // A closed port hides a certificate, so no control on certificates can pass.
    let whole =
        results.iter().find(|one| one["test"] == "tls.certificate.not_expiring" && one["resource"].is_null());
    assert_ne!(whole.unwrap()["status"], "pass");
}
