//! What else there is: addresses with TLS and their certificates, secrets, penetration tests, privacy records.

use octro_model::{IdError, Span};
use serde_json::{Value, json};

use crate::people::Person;
use crate::random::Random;
use crate::thing::{DAYS, Thing, day, hour, moment};

/// What a server of today accepts.
const SUITES: [&str; 4] = [
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
];

/// Endpoints with TLS, and the certificates that they send.
pub fn tls(random: &mut Random, count: u32) -> Result<Vec<Thing>, IdError> {
    let mut things = Vec::new();
    for number in 0..count {
        let public = random.percent(60);
        let certificate = format!("{:064x}", u128::from(random.next()) << 32 | u128::from(number));
        let name = format!("s{number:03}.example.com");
        let old = number % 17 == 3;
        let first = json!({
            "name": name, "port": 443, "service": "https", "public": public, "addresses": [format!("192.0.2.{}", number % 250)],
            "accepts_ssl3": false, "accepts_tls10": old, "accepts_tls11": old, "accepts_tls12": true,
            "accepts_tls13": random.percent(85), "weak_suites": [], "forward_secrecy": true, "dh_bits": Value::Null,
            "groups": ["X25519"], "post_quantum": random.percent(30), "certificate": certificate, "name_matches": true,
            "chain_trusted": true, "chain_complete": random.percent(97), "staple": Value::Null,
            "hsts_max_age": if random.percent(80) { json!("365d") } else { Value::Null }, "plain_http": "redirects",
            "plaintext_accepted": false, "speaks": "tls", "suites": SUITES, "authenticated_encryption": true,
            "compression": false, "secure_renegotiation": true, "intolerant_of": [], "insecure_cookies": [],
        });
        let mut thing = Thing::new("tls.endpoint", format!("{name}:443"), first)?;
        if old {
            // The old load balancers are replaced in June.
            let at = day(random.between(240, 262));
            thing.set(at, "accepts_tls10", false).set(at, "accepts_tls11", false);
        }
        thing.mend(random, "hsts_max_age", "365d").mend(random, "chain_complete", true);
        things.push(thing);
        things.push(certificate_of(random, number, &name, &certificate)?);
    }
    Ok(things)
}

fn certificate_of(random: &mut Random, number: u32, name: &str, key: &str) -> Result<Thing, IdError> {
    let issued = random.between(-80, 0);
    let automatic = random.percent(92);
    let first = json!({
        "subject": name, "names": [name], "issuer": "Example CA", "not_before": moment(day(issued)),
        "not_after": moment(day(issued + 90)), "key_type": "ecdsa", "key_bits": 256, "signature_hash": "sha256",
        "self_signed": false, "must_staple": false, "revoked": false,
    });
    // A real renewal is another certificate; keeping its key makes the simulation simpler to follow.
    let mut thing = Thing::new("tls.certificate", key, first)?;
    let mut from = issued;
    while from < DAYS {
        from += if automatic || number.is_multiple_of(2) { 60 } else { random.between(74, 93) };
        thing.set(day(from), "not_before", moment(day(from))).set(
            day(from),
            "not_after",
            moment(day(from + 90)),
        );
    }
    Ok(thing)
}

/// Stored secrets.
pub fn secrets(random: &mut Random, count: u32, people: &[Person]) -> Result<Vec<Thing>, IdError> {
    let mut things = Vec::new();
    for number in 0..count {
        let owner = people.get(random.below(people.len().max(1) as u64) as usize);
        let made = random.between(-300, 0);
        let first = json!({
            "name": format!("service-{}/credential-{number}", number % 20), "store": "vault", "use": "database",
            "production": random.percent(70), "owner": owner.map(|owner| owner.id.clone()),
            "protection": if random.percent(96) { "kms" } else { "local" }, "kms_key_id": Value::Null,
            "created_at": moment(day(made)), "changed_at": moment(day(made)), "expires_at": Value::Null,
            "rotate_every": if random.percent(50) { json!("90d") } else { Value::Null }, "read_at": moment(day(0)), "readers": 3,
        });
        let mut thing =
            Thing::new("secret", format!("vault:service-{}/credential-{number}", number % 20), first)?;
        thing.mend(random, "protection", "kms");
        let forgetful = random.percent(4);
        let mut at = made;
        while at < DAYS {
            at += if forgetful { random.between(95, 420) } else { random.between(70, 88) };
            thing.set(day(at), "changed_at", moment(day(at)));
        }
        for at in (0..DAYS).step_by(15) {
            thing.set(day(at), "read_at", moment(day(at)));
        }
        things.push(thing);
    }
    Ok(things)
}

const AREAS: [(&str, &str); 8] = [
    ("console/web", "web"),
    ("console/api", "api"),
    ("billing/api", "api"),
    ("mobile/app", "mobile"),
    ("platform/cloud", "cloud"),
    ("office/network", "network"),
    ("build/pipeline", "pipeline"),
    ("staff/identity", "identity"),
];

/// Two engagements, what they reached and what they found.
pub fn pentests(random: &mut Random) -> Result<Vec<Thing>, IdError> {
    let mut things = Vec::new();
    for (place, (id, from)) in [("autumn-2025", 40), ("spring-2026", 215)].into_iter().enumerate() {
        let first = json!({
            "title": format!("Penetration test {id}"), "firm": "Independent testers", "independent": true,
            "methodology": "OWASP WSTG 4.2", "authenticated": true, "rules_hash": "4c1f9a", "started_at": moment(day(from)),
            "finished_at": Value::Null, "reported_at": Value::Null, "scope_items": 120, "tested_items": 0, "letter_at": Value::Null,
        });
        let mut thing = Thing::new("pentest.engagement", id, first)?.born(day(from - 10));
        thing.set(day(from + 14), "finished_at", moment(day(from + 14))).set(
            day(from + 14),
            "tested_items",
            117,
        );
        thing.set(day(from + 24), "reported_at", moment(day(from + 24))).set(
            day(from + 40),
            "letter_at",
            moment(day(from + 40)),
        );
        things.push(thing);
        for number in 0..14 {
            let severity =
                random.one(&["critical", "high", "high", "medium", "medium", "medium", "low", "low", "info"]);
            let reported = day(from + 24);
            let area = AREAS.get((number + place) % AREAS.len()).map_or("console/web", |area| area.0);
            let first = json!({
                "engagement": id, "area": area, "title": format!("Weakness {number}"), "severity": severity,
                "reported_at": moment(reported), "owner": format!("p{:04}", 20 + number), "fixed_by": Value::Null,
                "retest": Value::Null, "retested_at": Value::Null, "retested_by": Value::Null,
            });
            let mut thing = Thing::new("pentest.finding", format!("{id}/{number}"), first)?.born(reported);
            let fixed = reported.plus(Span::from_secs(86_400 * random.between(3, 110)));
            thing.set(fixed, "fixed_by", format!("p{:04}", 20 + number));
            thing.set(fixed, "retest", "fixed").set(fixed, "retested_at", moment(fixed));
            things.push(thing);
        }
    }
    for (place, (key, surface)) in AREAS.into_iter().enumerate() {
        let first = json!({
            "title": key, "surface": surface, "tested_at": moment(day(-330)), "engagement": Value::Null,
            "changed_at": Value::Null, "owner": format!("p{place:04}"),
        });
        let mut thing = Thing::new("pentest.area", key, first)?;
        // Two areas are left out in autumn and are overdue until spring.
        if place % 4 != 3 {
            thing.set(day(54), "tested_at", moment(day(54))).set(day(54), "engagement", "autumn-2025");
        }
        thing.set(day(229), "tested_at", moment(day(229))).set(day(229), "engagement", "spring-2026");
        if place == 1 {
            thing.set(hour(160, 9), "changed_at", moment(hour(160, 9)));
        }
        things.push(thing);
    }
    Ok(things)
}
