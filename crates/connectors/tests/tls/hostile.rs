//! Servers that mean harm. Whatever they do, a look ends in time, and nothing passes.

use std::io::Write;
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use octro_model::{Clock, Span, SystemClock};
use serde_json::json;

use super::fakes::{hear, reset, serve, server_hello};
use super::{local, look, on, support, versions};

/// What a server does with a connection.
type Does = fn(TcpStream);

const SERVERS: &[(&str, Does)] = &[
    ("drips", |mut stream| {
        hear(&mut stream);
        for byte in server_hello(0x0303, 0xc02f, 0, &[]).iter().cycle() {
            if stream.write_all(&[*byte]).is_err() {
                return;
            }
            thread::sleep(Duration::from_millis(60));
        }
    }),
    ("garbage", |mut stream| {
        let garbage: Vec<u8> = (0..50_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        stream.write_all(&garbage).ok();
        reset(stream);
    }),
    ("a chain without an end", |mut stream| {
        hear(&mut stream);
        stream.write_all(&server_hello(0x0303, 0xc02f, 0, &[])).ok();
        // A message of 16 MB, in records of 16 KB.
        stream.write_all(b"\x16\x03\x03\x40\x00\x0b\xff\xff\xff").ok();
        while stream.write_all(&[0; 16_384]).is_ok() {}
    }),
    ("warnings without an end", |mut stream| {
        hear(&mut stream);
        while stream.write_all(b"\x15\x03\x03\0\x02\x01\x70").is_ok() {}
    }),
    ("messages without an end", |mut stream| {
        hear(&mut stream);
        stream.write_all(&server_hello(0x0303, 0xc02f, 0, &[])).ok();
        while stream.write_all(b"\x16\x03\x03\0\x04\0\0\0\0").is_ok() {}
    }),
    ("empty records without an end", |mut stream| {
        hear(&mut stream);
        while stream.write_all(b"\x16\x03\x03\0\0").is_ok() {}
    }),
    ("closes at once", drop),
    ("resets", reset),
    ("lengths that lie", |mut stream| {
        hear(&mut stream);
        stream.write_all(b"\x16\x03\x03\0\x2e\x02\0\0\x2a\x03\x03\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xff\0\0\0\0\0\0").ok();
        reset(stream);
    }),
    ("keeps silent", |stream| {
        thread::sleep(Duration::from_secs(8));
        drop(stream);
    }),
    ("an endless page", |mut stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\n").ok();
        while stream.write_all(b"X-More: more of the same\r\n").is_ok() {
            thread::sleep(Duration::from_millis(1));
        }
    }),
    ("every suite there is", |mut stream| {
        // It chooses suites that nobody offered.
        hear(&mut stream);
        stream.write_all(&server_hello(0x0303, 0x5a5a, 0, &[])).ok();
        reset(stream);
    }),
];

#[test]
fn hostile_servers_neither_hang_nor_pass() {
    let ports: Vec<(&str, u16)> = SERVERS.iter().map(|(name, does)| (*name, serve(does).0)).collect();
    let endpoints: Vec<String> = ports.iter().map(|(_, port)| local(*port)).collect();
    let begun = Instant::now();
    let seen = look(&endpoints, json!({ "timeout_step": "1s", "connections_per_address": 100 }));
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(40), "{took:?}");
    for (name, port) in &ports {
        let one = on(&seen, *port);
        let passes = matches!(versions(one).as_str(), "---++" | "---+-" | "----+");
        let is_fine = one.attributes.get("chain_trusted") == Some(&json!(true));
        assert!(!is_fine, "{name}");
        // A hello proves a version even of a liar; but no liar has a certificate that anybody trusts, and its suites are
        // not fine.
        let weak = one
            .attributes
            .get("weak_suites")
            .and_then(|weak| weak.as_array())
            .is_none_or(|weak| !weak.is_empty());
        assert!(!passes || weak || one.unknown.contains_key("certificate"), "{name}: {one:?}");
    }
    assert!(!seen.scope("tls.certificate", "").complete);
}

#[test]
fn hostile_talks_neither_hang_nor_pass() {
    let mut endpoints = Vec::new();
    let mut ports = Vec::new();
    for does in [
        (|mut stream: TcpStream| while stream.write_all(b"250-more\r\n").is_ok() {}) as Does,
        |mut stream| {
            while stream.write_all(b"x").is_ok() {
                thread::sleep(Duration::from_millis(50))
            }
        },
        |mut stream| while stream.write_all(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]).is_ok() {},
        drop,
    ] {
        for service in ["smtp", "imap", "pop3", "ftp", "nntp", "sieve", "xmpp", "ldap", "postgres", "mysql"] {
            let (port, _) = serve(does);
            ports.push((service, port));
            endpoints.push(format!("{} starttls={service}", local(port)));
        }
    }
    let begun = Instant::now();
    let seen = look(&endpoints, json!({ "timeout_step": "1s", "connections_per_address": 200 }));
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    for (service, port) in ports {
        assert!(!versions(on(&seen, port)).contains('+'), "{service}");
    }
}

#[test]
fn what_the_time_does_not_suffice_for_is_unknown_and_told() {
    let (port, _) = serve(|stream| {
        thread::sleep(Duration::from_secs(8));
        drop(stream);
    });
    let endpoints: Vec<String> =
        (0..40).map(|number| format!("s{number}.lab.test:{port} at=127.0.0.1")).collect();
    let clock = SystemClock;
    let settings = json!({ "endpoints": endpoints, "connections": 4 });
    let seen = support::run_until("tls", settings, &clock, clock.now().plus(Span::from_secs(3)));
    assert_eq!(seen.observations.len(), 40, "no endpoint is left out");
    assert!(seen.observations.iter().all(|one| versions(one) == "?????"));
    let late =
        seen.observations.iter().filter(|one| one.unknown["speaks"].detail.contains("time was up")).count();
    assert!(late > 20, "{late}");
    assert!(!seen.scope("tls.certificate", "").complete);
}

#[test]
fn ranges_tell_what_is_there_and_what_is_silent() {
    let (port, _) = serve(drop);
    let seen = look(&[format!("127.0.0.1-127.0.0.4:{port},{}", port.wrapping_add(1).max(1024))], json!({}));
    assert!(seen.observations.len() == 1 || seen.observations.len() == 2, "{}", seen.observations.len());
    assert!(seen.scope("tls.endpoint", "").complete, "a refusal is an answer");
    let special = look(&["169.254.169.254:80".to_owned()], json!({}));
    assert_eq!(super::why(on(&special, 80), "speaks"), "denied");
}
