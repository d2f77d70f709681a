//! A server that answers AWS's questions as a test wrote down, and what `octro check aws` makes of it.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

/// Who asks, and which regions are on.
pub const WHO: &str = "<GetCallerIdentityResponse><GetCallerIdentityResult><Account>111122223333</Account></GetCallerIdentityResult></GetCallerIdentityResponse>";
pub const REGIONS: &str = "<DescribeRegionsResponse><regionInfo><item><regionName>eu-central-1</regionName></item><item><regionName>eu-west-1</regionName></item></regionInfo></DescribeRegionsResponse>";

/// Answers each request by its text: a status and a body. With status 0 it says nothing for a long time; with 1 it
/// hangs up.
pub type Answer = fn(&str) -> (u16, String);

pub fn serve(answer: Answer) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || respond(stream, answer));
        }
    });
    url
}

fn respond(mut stream: TcpStream, answer: Answer) {
    stream.set_read_timeout(Some(Duration::from_millis(60))).unwrap();
    let mut text = String::new();
    let mut buffer = [0; 8_192];
    while let Ok(read) = stream.read(&mut buffer) {
        text.push_str(&String::from_utf8_lossy(&buffer[..read]));
        let body = text.split_once("\r\n\r\n").map_or(0, |(_, body)| body.len());
        let wanted = text
            .lines()
            .find_map(|line| line.to_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
        if read == 0 || text.contains("\r\n\r\n") && body >= wanted.unwrap_or(0_usize) {
            break;
        }
    }
    let (status, body) = answer(&text);
    if status == 1 {
        return;
    }
    if status == 0 {
        std::thread::sleep(Duration::from_secs(60));
    }
    let head = format!("HTTP/1.1 {status} x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
    let _ = stream.write_all(head.as_bytes());
    let _ = stream.write_all(body.as_bytes());
}

/// What a check finds, with these settings.
pub fn check(answer: Answer, settings: &str) -> Value {
    check_of(answer, settings, 3)
}

/// The same, which ends with this code.
pub fn check_of(answer: Answer, settings: &str, code: i32) -> Value {
    let (ended, found) = run(answer, settings);
    assert_eq!(ended, Some(code), "{found:#}");
    found
}

/// The same, whether something fails or is unknown.
pub fn check_any(answer: Answer, settings: &str) -> Value {
    let (ended, found) = run(answer, settings);
    assert!(matches!(ended, Some(0 | 1 | 3)), "{ended:?}: {found:#}");
    found
}

fn run(answer: Answer, settings: &str) -> (Option<i32>, Value) {
    let url = serve(answer);
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("octro.toml");
    let text = format!(
        "[[source]]\nid = 'aws'\ntype = 'aws'\nevery = '1h'\ntimeout = '8s'\nregion = 'eu-central-1'\nattempts = 2\nendpoint = '{url}'\n{settings}\n"
    );
    std::fs::write(&config, text).unwrap();
    let ran = Command::new(env!("CARGO_BIN_EXE_octro"))
        .current_dir(folder.path())
        .env("AWS_ACCESS_KEY_ID", "testing")
        .env("AWS_SECRET_ACCESS_KEY", "testing")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .args(["check", "aws", "--format", "json", "--config"])
        .arg(&config)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(!said.contains("panicked"), "{said}");
    (ran.status.code(), serde_json::from_slice(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {said}")))
}

pub fn scope<'a>(found: &'a Value, kind: &str, name: &str) -> &'a Value {
    let scopes = found["scopes"].as_array().unwrap();
    scopes
        .iter()
        .find(|scope| scope["kind"] == kind && scope["scope"] == name)
        .unwrap_or_else(|| panic!("{name}: {scopes:#?}"))
}

/// No test of the kind is better than unknown.
pub fn nothing_is_good(found: &Value, kind: &str) {
    let results = found["results"].as_array().unwrap();
    let of_kind: Vec<&Value> = results.iter().filter(|result| result["kind"] == kind).collect();
    assert!(!of_kind.is_empty());
    assert!(of_kind.iter().all(|result| result["status"] == "unknown"), "{of_kind:#?}");
}
