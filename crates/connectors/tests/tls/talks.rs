//! TLS that starts inside a talk, and stacks and middleboxes that only a fake can play.

use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use serde_json::json;

use super::fakes::{alert, done, either, hear, pass_on, reset, retry, say, serve, server_hello, talk};
use super::lab::Lab;
use super::{local, look, on, versions, why};

#[test]
fn tls_is_started_in_every_talk() {
    let lab = Lab::start();
    let port = lab.port(2);
    let talks: [(&str, u16); 10] = [
        ("smtp", talk(&[b"220 hi\r\n", b"250-me\r\n250-AUTH PLAIN\r\n250 STARTTLS\r\n", b"220 go\r\n"], port)),
        ("imap", talk(&[b"* OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED] hi\r\n", b"a1 OK go\r\n"], port)),
        ("pop3", talk(&[b"+OK hi\r\n", b"+OK\r\nSTLS\r\nSASL\r\n.\r\n", b"+OK go\r\n"], port)),
        ("ftp", talk(&[b"220-hi\r\n220 there\r\n", b"234 go\r\n"], port)),
        ("nntp", talk(&[b"200 hi\r\n", b"382 go\r\n"], port)),
        ("ldap", talk(&[b"", b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\0\x04\0\x04\0"], port)),
        ("postgres", talk(&[b"", b"S"], port)),
        ("mysql", talk(&[b"\x1f\0\0\0\x0a8.0\0abcd12345678\0\xff\xff...........", b""], port)),
        ("sieve", talk(&[b"\"STARTTLS\"\r\nOK\r\n", b"OK go\r\n"], port)),
        (
            "xmpp",
            talk(
                &[
                    b"",
                    b"<?xml version='1.0'?><stream:stream><stream:features><starttls><required/></starttls></stream:features>",
                    b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
                ],
                port,
            ),
        ),
    ];
    let endpoints: Vec<String> =
        talks.iter().map(|(name, port)| format!("{} starttls={name}", local(*port))).collect();
    let seen = look(&endpoints, json!({ "roots": [lab.file("pki/root.pem")] }));
    for (name, port) in talks {
        let one = on(&seen, port);
        assert_eq!(versions(one), "---++", "{name}: {:?}", one.attributes["answers"]);
        assert_eq!(
            (&one.attributes["chain_trusted"], &one.attributes["service"]),
            (&json!(true), &json!(name))
        );
    }
    let clear = |at: usize| on(&seen, talks[at].1).attributes.get("plaintext_accepted").cloned();
    assert_eq!((clear(0), clear(1), clear(2)), (Some(json!(true)), Some(json!(false)), Some(json!(false))));
    assert_eq!(why(on(&seen, talks[6].1), "plaintext_accepted"), "not collected", "nobody asked to try");
}

#[test]
fn a_service_that_declines_tls_speaks_in_clear() {
    let (port, _) = serve(|mut stream| {
        let mut buffer = [0; 8];
        std::io::Read::read_exact(&mut stream, &mut buffer).ok();
        say(&mut stream, b"N");
    });
    let seen = look(&[format!("{} starttls=postgres", local(port))], json!({}));
    let one = on(&seen, port);
    assert_eq!(versions(one), "-----");
    assert_eq!(
        (&one.attributes["speaks"], &one.attributes["plaintext_accepted"]),
        (&json!("plaintext"), &json!(true))
    );
}

#[test]
fn old_stacks_are_recognized() {
    // SSL 3, whatever is asked; with a weak suite, and compression if it is offered.
    let (ssl3, _) = serve(|mut stream| match hear(&mut stream) {
        Some(heard) if heard.suites.contains(&0x0005) => {
            say(&mut stream, &[server_hello(0x0300, 5, 1, &[]), done(0x0300)].concat());
        }
        _ => say(&mut stream, &alert(40)),
    });
    // SSL 2 and nothing else.
    let (ssl2, _) = serve(|mut stream| {
        let mut head = [0; 2];
        if std::io::Read::read_exact(&mut stream, &mut head).is_ok() && head[0] == 0x80 {
            say(&mut stream, b"\x80\x0e\x04\0\x01\0\x02\0\0\0\x03\0\0\x01\0\x80");
        }
    });
    let seen = look(&[local(ssl3), local(ssl2)], json!({ "timeout_step": "1s" }));
    let one = on(&seen, ssl3);
    assert_eq!(versions(one), "+----", "{:?}", one.attributes["answers"]);
    assert_eq!(one.attributes["weak_suites"], json!(["TLS_RSA_WITH_RC4_128_SHA"]));
    assert_eq!(one.attributes["compression"], json!(true));
    assert_eq!(one.attributes["secure_renegotiation"], json!(false));
    assert!(on(&seen, ssl2).attributes["accepts_ssl3"] == json!(true), "{:?}", on(&seen, ssl2));
}

#[test]
fn groups_after_the_quantum_computer_are_found_without_their_mathematics() {
    let wants = [0x11ec_u16, 0x001d];
    let (port, _) = serve(move |mut stream| match hear(&mut stream) {
        Some(heard) if heard.is_tls13 => match wants.iter().find(|group| heard.groups.contains(group)) {
            Some(group) if heard.suites.contains(&0x1302) => say(&mut stream, &retry(0x1302, *group)),
            _ => say(&mut stream, &alert(40)),
        },
        _ => say(&mut stream, &alert(70)),
    });
    let seen = look(&[local(port)], json!({}));
    let one = on(&seen, port);
    assert_eq!(versions(one), "----+");
    assert_eq!(one.attributes["groups"], json!(["X25519MLKEM768", "x25519"]));
    assert_eq!(one.attributes["post_quantum"], json!(true));
    assert_eq!(one.attributes["suites"], json!(["TLS_AES_256_GCM_SHA384"]));
}

/// A box in between that does something to hellos of some versions, and passes the others on.
fn between(port: u16, stops: fn(u16) -> bool, how: fn(TcpStream)) -> u16 {
    let answer = move |mut stream: TcpStream| match hear(&mut stream) {
        Some(heard) if !stops(heard.version) => pass_on(stream, port, &heard.bytes),
        _ => how(stream),
    };
    serve(answer).0
}

#[test]
fn middleboxes_and_intolerant_servers_are_told_apart() {
    let lab = Lab::start();
    let silent = |stream: TcpStream| {
        thread::sleep(Duration::from_secs(4));
        drop(stream);
    };
    let resets = between(lab.port(2), |version| version < 0x0303, reset);
    let swallows = between(lab.port(2), |version| version < 0x0303, silent);
    let intolerant = between(lab.port(3), |version| version > 0x0302, reset);
    let settings = json!({ "timeout_step": "1s", "roots": [lab.file("pki/root.pem")] });
    let seen = look(&[local(resets), local(swallows), local(intolerant)], settings);
    assert_eq!(versions(on(&seen, resets)), "---++", "a reset twice is a refusal");
    let one = on(&seen, swallows);
    assert_eq!(versions(one), "???++", "silence is unknown: {:?}", one.attributes["answers"]);
    assert_eq!(why(one, "accepts_tls10"), "timed out");
    let one = on(&seen, intolerant);
    assert_eq!(versions(one), "-++--");
    assert_eq!(one.attributes["intolerant_of"], json!(["TLS 1.2", "TLS 1.3"]));
}

#[test]
fn a_server_that_tires_has_refused_nothing() {
    let lab = Lab::start();
    let port = lab.port(1);
    let count = std::sync::atomic::AtomicU32::new(0);
    let (tired, _) = serve(move |mut stream| {
        if count.fetch_add(1, std::sync::atomic::Ordering::Relaxed) < 8 {
            match hear(&mut stream) {
                Some(heard) => pass_on(stream, port, &heard.bytes),
                None => reset(stream),
            }
        } else {
            thread::sleep(Duration::from_secs(4));
        }
    });
    let seen = look(&[local(tired)], json!({ "timeout_step": "1s" }));
    assert_eq!(versions(on(&seen, tired)), "????+");
    assert_eq!(why(on(&seen, tired), "accepts_tls10"), "throttled");
}

#[test]
fn what_happens_to_clients_without_tls_is_tried_where_it_may_be() {
    let lab = Lab::start();
    let port = lab.port(2);
    // A request for TLS has 8 bytes, a start without it more.
    let starts: fn(&[u8]) -> bool = |heard| heard.len() > 8;
    let signs_in: fn(&[u8]) -> bool = |heard| heard.get(4..6) != Some(&[0x85, 0xae]);
    let greeting: &[u8] = b"\x1f\0\0\0\x0a8.0\0abcd12345678\0\xff\xff...........";
    let mysql: &'static [&'static [u8]] = Box::leak(Box::new([greeting, b""]));
    let services = [
        (
            "postgres",
            false,
            either(
                &[b"", b"S"],
                port,
                starts,
                b"E\0\0\0\x50SFATAL\0C28000\0Mno pg_hba.conf entry, no encryption\0\0",
            ),
        ),
        ("postgres", true, either(&[b"", b"S"], port, starts, b"R\0\0\0\x08\0\0\0\0")),
        (
            "mysql",
            false,
            either(mysql, port, signs_in, b"\x20\0\0\x02\xff\x57\x0c#HY000Connections using insecure"),
        ),
        (
            "mysql",
            true,
            either(mysql, port, signs_in, b"\x20\0\0\x02\xff\x15\x04#28000Access denied for user"),
        ),
    ];
    let endpoints: Vec<String> = services
        .iter()
        .map(|(name, _, port)| format!("{} starttls={name} plaintext quick", local(*port)))
        .collect();
    let seen = look(&endpoints, json!({ "roots": [lab.file("pki/root.pem")] }));
    for (name, expected, port) in services {
        let one = on(&seen, port);
        assert_eq!(versions(one), "---++", "{name}: {:?}", one.attributes["answers"]);
        let found = one.attributes.get("plaintext_accepted");
        assert_eq!(found, Some(&json!(expected)), "{name}: {:?}", one.unknown.get("plaintext_accepted"));
    }
}

#[test]
fn a_server_that_wants_a_key_share_gets_one() {
    let (port, _) = serve(|mut stream| match hear(&mut stream) {
        Some(heard) if heard.is_tls13 && heard.has_share && heard.suites.contains(&0x1301) => {
            let mut extensions = vec![0, 43, 0, 2, 3, 4, 0, 51, 0, 36, 0, 0x1d, 0, 32];
            extensions.extend([7; 32]);
            say(&mut stream, &server_hello(0x0303, 0x1301, 0, &extensions));
        }
        Some(heard) if heard.is_tls13 => say(&mut stream, &alert(109)),
        _ => say(&mut stream, &alert(70)),
    });
    let seen = look(&[local(port)], json!({}));
    let one = on(&seen, port);
    assert_eq!(versions(one), "----+", "{:?}", one.attributes["answers"]);
    assert_eq!(one.attributes["suites"], json!(["TLS_AES_128_GCM_SHA256"]));
    assert_eq!(one.attributes["groups"], json!(["x25519"]));
}
