//! Each server of the lab, and what a correct look finds there.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::lab::Lab;
use super::{local, look, on, versions};

/// A server's number, its versions, and attributes that it must have.
type Server = (u16, &'static str, &'static [(&'static str, &'static str)]);

const FINE: &[(&str, &str)] = &[
    ("name_matches", "true"),
    ("chain_trusted", "true"),
    ("chain_complete", "true"),
    ("chain_ordered", "true"),
    ("staple", "null"),
    ("forward_secrecy", "true"),
    ("authenticated_encryption", "true"),
    ("weak_suites", "[]"),
    ("plaintext_accepted", "false"),
    ("post_quantum", "false"),
    ("hsts_max_age", "\"730d\""),
    ("hsts_subdomains", "true"),
    ("insecure_cookies", "[]"),
    ("speaks", "\"tls\""),
    ("service", "\"https\""),
    ("protocol", "\"http/1.1\""),
    ("intolerant_of", "[]"),
    ("latent_versions", "[]"),
    ("plain_http", "\"closed\""),
];

const SERVERS: &[Server] = &[
    (1, "----+", FINE),
    (2, "---++", FINE),
    (
        3,
        "-++++",
        &[
            ("forward_secrecy", "false"),
            ("chain_trusted", "true"),
            ("hsts_max_age", "null"),
            ("fallback_noticed", "true"),
        ],
    ),
    (
        4,
        "---++",
        &[
            ("chain_trusted", "true"),
            ("hsts_max_age", "?"),
            ("hsts_header", "\"max-age=63072000; includeSubDomains\""),
        ],
    ),
    (5, "---++", &[("chain_trusted", "false"), ("chain_complete", "true"), ("name_matches", "true")]),
    (
        6,
        "-----",
        &[
            ("speaks", "\"plaintext\""),
            ("service", "\"http\""),
            ("plaintext_accepted", "true"),
            ("certificate", "?"),
        ],
    ),
    (7, "---++", &[("chain_trusted", "true"), ("name_matches", "true")]),
    (9, "-+---", &[("forward_secrecy", "false"), ("chain_trusted", "true"), ("fallback_noticed", "null")]),
    (10, "--+--", &[("forward_secrecy", "false"), ("chain_trusted", "true")]),
    (11, "---++", &[("name_matches", "false"), ("chain_trusted", "true"), ("hsts_max_age", "?")]),
    (12, "---++", &[("chain_trusted", "true"), ("chain_complete", "false")]),
    (13, "---++", FINE),
    (13, "---++", &[("client_certificate", "true")]),
    (14, "---++", &[("chain_trusted", "true"), ("chain_complete", "true"), ("chain_ordered", "false")]),
    (15, "---++", FINE),
    (16, "---++", &[("chain_trusted", "false"), ("chain_fault", "\"it is not meant for servers\"")]),
    (17, "---++", FINE),
    (
        22,
        "---+-",
        &[("chain_trusted", "false"), ("chain_fault", "\"it is signed in a way that clients refuse\"")],
    ),
    (30, "---++", &[("hsts_max_age", "\"5m\""), ("hsts_subdomains", "false")]),
    (31, "---++", &[("staple", "\"good\""), ("chain_trusted", "true")]),
    (32, "---++", &[("staple", "\"revoked\"")]),
    (33, "---++", &[("staple", "\"missing\"")]),
    (
        34,
        "---+-",
        &[("authenticated_encryption", "false"), ("suite_order", "\"server\""), ("forward_secrecy", "false")],
    ),
    (35, "---+-", &[("dh_bits", "1024"), ("forward_secrecy", "true"), ("suite_order", "null")]),
    (
        36,
        "-----",
        &[("speaks", "\"redirect\""), ("service", "\"redirect\""), ("plaintext_accepted", "false")],
    ),
    (37, "---++", FINE),
    (38, "---+-", &[("latent_versions", "[\"TLS 1.1\",\"TLS 1.0\"]")]),
    (39, "----+", FINE),
    (39, "----+", &[("groups", "[\"secp384r1\"]"), ("session_tickets", "null"), ("compression", "null")]),
    (40, "---++", &[("insecure_cookies", "[\"open\"]"), ("hsts_max_age", "null")]),
    (
        41,
        "---++",
        &[("session_tickets", "false"), ("secure_renegotiation", "true"), ("compression", "false")],
    ),
    (42, "---+-", &[("chain_trusted", "true"), ("extended_master_secret", "true")]),
    (44, "---++", &[("chain_trusted", "true")]),
    (45, "---++", &[("chain_trusted", "true")]),
    (46, "---++", &[("chain_trusted", "true")]),
    (43, "---+-", &[("forward_secrecy", "false"), ("service", "\"tls\"")]),
];

#[test]
fn every_server_of_the_lab_is_seen_as_it_is() {
    let lab = Lab::start();
    let mut numbers: Vec<u16> = SERVERS.iter().map(|(number, ..)| *number).collect();
    numbers.dedup();
    let mut endpoints: Vec<String> = numbers.iter().map(|number| local(lab.port(*number))).collect();
    endpoints.push(format!("127.0.0.1:{}", lab.port(48)));
    let seen = look(&endpoints, json!({ "roots": [lab.file("pki/root.pem")] }));
    let mut wrong = Vec::new();
    for (number, expected, attributes) in SERVERS {
        let one = on(&seen, lab.port(*number));
        if versions(one) != *expected {
            wrong.push(format!(
                "{number}: versions {}; expected {expected}: {:?}",
                versions(one),
                one.attributes.get("answers")
            ));
        }
        for (name, value) in *attributes {
            let found = one.attributes.get(*name).map_or("?".to_owned(), Value::to_string);
            if found != *value {
                wrong.push(format!(
                    "{number}: {name} is {found} {:?}; expected {value}",
                    one.unknown.get(*name)
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // Two certificates, one for each sort of key.
    assert_eq!(on(&seen, lab.port(37)).attributes["certificates"].as_array().map(Vec::len), Some(2));
    assert_eq!(on(&seen, lab.port(43)).attributes["weak_suites"].as_array().map(Vec::len), Some(7));
    assert_eq!(on(&seen, lab.port(22)).attributes["suites"].as_array().map(Vec::len), Some(27));
    // Nobody listens there: unknown, and a gap among the certificates.
    let closed = on(&seen, lab.port(48));
    assert_eq!(versions(closed), "?????");
    assert!(seen.scope("tls.endpoint", "").complete);
    assert!(seen.why("tls.certificate", "").contains("refused"));
    certificates(&seen, &lab);
}

/// The certificates, by what they are for.
fn certificates(seen: &super::Seen, lab: &Lab) {
    let leaf = |number: u16| {
        let print = on(seen, lab.port(number)).attributes["certificate"].as_str().unwrap();
        seen.of(print)
            .attributes
            .iter()
            .map(|(name, value)| (name.clone(), value.to_string()))
            .collect::<BTreeMap<_, _>>()
    };
    let is = |number: u16, name: &str, value: &str| assert_eq!(leaf(number)[name], value, "{number} {name}");
    is(1, "key_type", "\"ecdsa\"");
    is(1, "key_bits", "256");
    is(1, "signature_hash", "\"sha256\"");
    is(1, "self_signed", "false");
    is(1, "names", "[\"app.lab.test\",\"localhost\",\"127.0.0.1\"]");
    is(1, "revoked", "null");
    is(2, "key_bits", "2048");
    is(5, "self_signed", "true");
    is(17, "wildcard", "true");
    is(22, "key_bits", "1024");
    is(22, "signature_hash", "\"sha1\"");
    is(31, "revoked", "false");
    is(32, "revoked", "true");
    is(33, "must_staple", "true");
    is(39, "key_bits", "384");
    // Said by the issuer's list: not on it, on it, and no list to be had.
    is(44, "revoked", "false");
    is(45, "revoked", "true");
    let lost = seen.of(on(seen, lab.port(46)).attributes["certificate"].as_str().unwrap());
    assert!(lost.unknown["revoked"].detail.contains("status 404"), "{:?}", lost.unknown);
}

#[test]
fn a_name_that_is_not_served_is_told_as_such() {
    let lab = Lab::start();
    let seen = look(&[format!("127.0.0.1:{}", lab.port(42))], json!({}));
    let one = on(&seen, lab.port(42));
    assert_eq!(versions(one), "?????");
    assert!(one.unknown["speaks"].detail.contains("under this name"), "{:?}", one.unknown["speaks"]);
}

#[test]
fn the_farm_costs_few_connections_and_no_verdict_is_wrong() {
    let lab = Lab::start();
    // Every connection goes through a counter.
    let mut counters = Vec::new();
    for number in 100..150 {
        let port = lab.port(number);
        counters.push((number, super::fakes::serve(move |stream| super::fakes::pass_on(stream, port, b""))));
    }
    let expected = ["----+", "---++", "-++++", "---++", "---++"];
    for (is_quick, most) in [(false, 60), (true, 8)] {
        let before: Vec<u32> =
            counters.iter().map(|(_, (_, count))| count.load(std::sync::atomic::Ordering::Relaxed)).collect();
        let endpoints: Vec<String> = counters.iter().map(|(_, (port, _))| local(*port)).collect();
        let seen = look(
            &endpoints,
            json!({ "roots": [lab.file("pki/root.pem")], "quick": is_quick, "connections_per_address": 40 }),
        );
        for ((number, (port, count)), before) in counters.iter().zip(before) {
            let one = on(&seen, *port);
            assert_eq!(
                versions(one),
                expected[usize::from(*number) % 5],
                "{number}: {:?}",
                one.attributes["answers"]
            );
            let used = count.load(std::sync::atomic::Ordering::Relaxed) - before;
            assert!(used <= most, "{number}: {used} connections, at most {most}");
            if !is_quick {
                assert!(
                    one.attributes.contains_key("weak_suites")
                        && one.attributes.contains_key("signature_algorithms")
                        || number % 5 == 0,
                    "{number}: {:?}",
                    one.unknown
                );
            }
        }
    }
}

#[test]
fn from_afar_the_same_is_seen() {
    let lab = Lab::start();
    let settings = json!({ "roots": [lab.file("pki/root.pem")], "connections_per_address": 40 });
    let numbers = [3, 22, 34, 37, 38];
    let direct: Vec<String> = numbers.iter().map(|number| local(lab.port(*number))).collect();
    let near = look(&direct, settings.clone());
    let far: Vec<u16> = numbers
        .iter()
        .map(|number| {
            let port = lab.port(*number);
            super::fakes::serve(move |stream| {
                std::thread::sleep(std::time::Duration::from_millis(40));
                super::fakes::pass_on(stream, port, b"");
            })
            .0
        })
        .collect();
    let behind: Vec<String> = far.iter().map(|port| local(*port)).collect();
    let distant = look(&behind, settings);
    for (number, port) in numbers.iter().zip(far) {
        let (one, other) = (on(&near, lab.port(*number)), on(&distant, port));
        assert_eq!(versions(one), versions(other));
        // The order is another one, since the search goes in parts.
        let set = |name: &str, of: &octro_model::Observation| {
            let list = of.attributes.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
            let mut names: Vec<String> = list.iter().map(Value::to_string).collect();
            names.sort();
            assert!(!names.is_empty(), "{number} {name}: {:?}", of.unknown.get(name));
            names
        };
        for name in ["suites", "signature_algorithms", "groups", "certificates"] {
            assert_eq!(set(name, one), set(name, other), "{number} {name}");
        }
        assert_eq!(one.attributes["suite_order"], other.attributes["suite_order"], "{number}");
    }
}
