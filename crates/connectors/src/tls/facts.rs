//! What one address showed, as attributes; and what several addresses of one name show together, where the worst counts.

use std::collections::BTreeMap;

use octro_model::{Span, Timestamp, UnknownReason, Why};
use serde_json::{Value, json};

use super::assess::Assessment;
use super::certificate::{self, Certificate};
use super::chain::{Judgement, Trust};
use super::eliminate::{Found, Order};
use super::hello::{self, GROUPS, POST_QUANTUM, SIGNATURES};
use super::http::Remember;
use super::staple::{self, Staple};
use super::suites;
use super::verdict::Speaks;
use super::version::Version;

/// A value, `null` for what is not set, or why it is unknown.
pub(crate) type Fact = Result<Value, UnknownReason>;
/// Attributes by name.
pub(crate) type Facts = BTreeMap<&'static str, Fact>;

/// One chain of an address, judged.
pub(crate) struct Shown {
    /// The leaf, or why it cannot be read.
    pub leaf: Result<Certificate, String>,
    /// The chain.
    pub judgement: Judgement,
    /// Each certificate was issued by the next.
    pub is_ordered: bool,
    /// How many certificates were sent.
    pub length: usize,
    /// The issuer's certificate, if it was sent.
    pub issuer: Option<Vec<u8>>,
    /// What the staple says.
    pub staple: Option<Staple>,
}

/// The chains that an address showed, with different leaves, judged.
pub(crate) fn shown(seen: &Assessment, trust: &Trust, now: Timestamp) -> Vec<Shown> {
    chains(seen)
        .into_iter()
        .map(|(chain, stapled)| Shown {
            leaf: chain
                .first()
                .map_or_else(|| Err("no certificate was sent".to_owned()), |leaf| Certificate::read(leaf)),
            judgement: trust.judge(chain, now),
            is_ordered: certificate::is_ordered(chain),
            length: chain.len(),
            issuer: chain.get(1).cloned(),
            staple: stapled.map(|staple| staple::judge(staple, chain, now).unwrap_or(Staple::Invalid)),
        })
        .collect()
}

type Chain<'a> = (&'a [Vec<u8>], Option<&'a [u8]>);

/// The chains of an address: the one of the whole handshake first.
pub(crate) fn chains(seen: &Assessment) -> Vec<Chain<'_>> {
    let page = seen.page.iter().filter(|page| !page.chain.is_empty());
    let mut chains: Vec<Chain<'_>> =
        page.map(|page| (page.chain.as_slice(), page.staple.as_deref())).collect();
    for (chain, staple) in &seen.seen.chains {
        if chains.iter().all(|(known, _)| known.first() != chain.first()) {
            chains.push((chain, staple.as_deref()));
        }
    }
    chains
}

/// The attributes of one address.
pub(crate) fn of(seen: &Assessment, shown: &[Shown], name: &str, now: Timestamp) -> Facts {
    let mut facts = Facts::new();
    versions(&mut facts, seen);
    agreed(&mut facts, seen);
    hello_facts(&mut facts, seen);
    certificates(&mut facts, seen, shown, name);
    web(&mut facts, seen, shown, name, now);
    facts.insert("plaintext_accepted", seen.clear.clone().map(Value::from));
    let service = seen.service.clone().map(Value::from);
    facts.insert("service", service.ok_or_else(|| reason(seen)));
    facts
}

/// Why nothing is known that needs TLS.
fn reason(seen: &Assessment) -> UnknownReason {
    match &seen.verdict.speaks {
        Speaks::Unknown(reason) => reason.clone(),
        Speaks::Tls => UnknownReason::new(Why::NotCollected, "nobody asked"),
        Speaks::Clear(_) | Speaks::Declines(_) => UnknownReason::new(Why::Unsupported, "it speaks no TLS"),
    }
}

fn versions(facts: &mut Facts, seen: &Assessment) {
    let of = |version: Version| {
        let accepts = seen.verdict.versions.get(&version).cloned();
        accepts.unwrap_or_else(|| Err(UnknownReason::new(Why::NotCollected, "nobody asked")))
    };
    let ssl = match (of(Version::Ssl3), of(Version::Ssl2)) {
        (Ok(true), _) | (_, Ok(true)) => Ok(true),
        (Err(reason), _) | (Ok(false), Err(reason)) => Err(reason),
        (Ok(false), Ok(false)) => Ok(false),
    };
    facts.insert("accepts_ssl3", ssl.map(Value::from));
    for (name, version) in [
        ("accepts_tls10", Version::Tls10),
        ("accepts_tls11", Version::Tls11),
        ("accepts_tls12", Version::Tls12),
        ("accepts_tls13", Version::Tls13),
    ] {
        facts.insert(name, of(version).map(Value::from));
    }
    let names = |versions: &[Version]| versions.iter().map(|version| version.name()).collect::<Vec<_>>();
    let known = seen.verdict.speaks == Speaks::Tls;
    let list = |versions: &[Version]| if known { Ok(json!(names(versions))) } else { Err(reason(seen)) };
    facts.insert("intolerant_of", list(&seen.verdict.intolerant));
    facts.insert("latent_versions", list(&seen.verdict.latent));
    let speaks = match &seen.verdict.speaks {
        Speaks::Tls => Ok(json!("tls")),
        Speaks::Clear(_) => {
            Ok(json!(if seen.service.as_deref() == Some("redirect") { "redirect" } else { "plaintext" }))
        }
        Speaks::Declines(_) => Ok(json!("plaintext")),
        Speaks::Unknown(reason) => Err(reason.clone()),
    };
    facts.insert("speaks", speaks);
    let answers: BTreeMap<&str, String> =
        seen.outcomes.iter().map(|(version, outcome)| (version.name(), outcome.words())).collect();
    facts.insert("answers", Ok(json!(answers)));
    let hellos: BTreeMap<&str, String> = seen
        .outcomes
        .iter()
        .filter_map(|(version, outcome)| Some((version.name(), outcome.answer()?)))
        .filter(|(_, answer)| !answer.evidence.is_empty())
        .map(|(name, answer)| (name, octro_model::hex(&answer.evidence)))
        .collect();
    facts.insert("server_hellos", Ok(json!(hellos)));
}

fn names(found: &Found, name: impl Fn(u16) -> String) -> Fact {
    match &found.cut {
        Some(reason) => Err(reason.clone()),
        None => Ok(found.accepted.iter().map(|id| Value::from(name(*id))).collect()),
    }
}

/// What client and server agree on.
fn agreed(facts: &mut Facts, seen: &Assessment) {
    let accepted = &seen.suites.accepted;
    let cut = seen.suites.cut.as_ref();
    facts.insert("suites", names(&seen.suites, suites::name));
    // What was found is proven, however the search ended: one weak suite is enough.
    let weak: Vec<String> =
        accepted.iter().filter(|id| suites::weakness(**id).is_some()).map(|id| suites::name(*id)).collect();
    let weak = match cut {
        Some(reason) if weak.is_empty() => Err(reason.clone()),
        Some(_) | None => Ok(json!(weak)),
    };
    facts.insert("weak_suites", weak);
    for (name, is_fine) in [
        ("forward_secrecy", suites::forward_secret as fn(u16) -> bool),
        ("authenticated_encryption", suites::authenticates_in_one),
    ] {
        let all = accepted.iter().all(|id| is_fine(*id));
        let fact = match cut {
            Some(reason) if all => Err(reason.clone()),
            Some(_) | None => Ok(Value::from(all)),
        };
        facts.insert(name, fact);
    }
    let order = seen.order.clone().map(|order| match order {
        None => Value::Null,
        Some(Order::Server) => json!("server"),
        Some(Order::Client) => json!("client"),
    });
    facts.insert("suite_order", order);
    let bits = match (seen.seen.field_bits, cut) {
        (None, Some(reason)) => Err(reason.clone()),
        (bits, _) => Ok(json!(bits)),
    };
    facts.insert("dh_bits", bits);
    facts.insert("groups", names(&seen.groups, |id| hello::name(&GROUPS, id)));
    let has_quantum = seen.groups.accepted.iter().any(|id| POST_QUANTUM.contains(id));
    let quantum = match (&seen.groups.cut, seen.verdict.versions.get(&Version::Tls13)) {
        _ if has_quantum => Ok(json!(true)),
        (Some(reason), _) | (None, Some(Err(reason))) => Err(reason.clone()),
        (None, _) => Ok(json!(false)),
    };
    facts.insert("post_quantum", quantum);
    facts.insert("signature_algorithms", names(&seen.signatures, |id| hello::name(&SIGNATURES, id)));
}

/// What the server hello of the newest version up to TLS 1.2 says. TLS 1.3 has these properties by itself.
fn hello_facts(facts: &mut Facts, seen: &Assessment) {
    let old = Version::ALL.into_iter().filter(|version| (Version::Ssl3..Version::Tls13).contains(version));
    let answer = old
        .filter_map(|version| {
            seen.outcomes.get(&version)?.answer().filter(|answer| answer.version() == Some(version))
        })
        .next();
    let is_tls = seen.verdict.speaks == Speaks::Tls;
    let mut put = |name, value: Option<Value>| {
        let fact = match value {
            Some(value) => Ok(value),
            None if is_tls => Ok(Value::Null),
            None => Err(reason(seen)),
        };
        facts.insert(name, fact);
    };
    put("secure_renegotiation", answer.map(|answer| json!(answer.hello.renegotiates_safely)));
    put("extended_master_secret", answer.map(|answer| json!(answer.hello.extended_master)));
    put("session_tickets", answer.map(|answer| json!(answer.hello.tickets)));
    put("compression", answer.map(|_| json!(seen.seen.compresses)));
    put("client_certificate", answer.map(|_| json!(seen.seen.asks_client)));
    put("protocol", seen.page.as_ref().and_then(|page| page.protocol.clone()).map(Value::from));
    let fallback = seen.notices_fallback.clone().map(|notices| json!(notices));
    facts.insert("fallback_noticed", fallback);
}

/// All of several must be fine; `null` where there is none.
fn all(facts: impl Iterator<Item = Fact>) -> Fact {
    super::merge::all(facts.collect())
}

fn certificates(facts: &mut Facts, seen: &Assessment, shown: &[Shown], name: &str) {
    let missing = match &seen.page {
        _ if seen.verdict.speaks != Speaks::Tls => reason(seen),
        Some(page) => {
            let why = page.fault.clone().unwrap_or_else(|| "the server sent none".to_owned());
            UnknownReason::new(Why::Failed, format!("no certificate: {why}"))
        }
        None => UnknownReason::new(Why::Failed, "the server sent no certificate"),
    };
    if shown.is_empty() {
        for name in [
            "certificate",
            "certificates",
            "name_matches",
            "chain_trusted",
            "chain_complete",
            "chain_ordered",
            "chain_fault",
            "certificate_timestamps",
            "staple",
        ] {
            facts.insert(name, Err(missing.clone()));
        }
        return;
    }
    let read = |one: &Shown| {
        one.leaf.as_ref().map_err(|error| UnknownReason::new(Why::Failed, error.clone())).cloned()
    };
    let prints: Vec<Result<String, UnknownReason>> =
        shown.iter().map(|one| read(one).map(|leaf| leaf.fingerprint)).collect();
    facts.insert(
        "certificate",
        prints.first().cloned().map_or(Ok(Value::Null), |print| print.map(Value::from)),
    );
    facts.insert("certificates", prints.into_iter().collect::<Result<Vec<_>, _>>().map(Value::from));
    facts.insert("name_matches", all(shown.iter().map(|one| read(one).map(|leaf| json!(leaf.covers(name))))));
    facts
        .insert("chain_trusted", all(shown.iter().map(|one| one.judgement.trusted.clone().map(Value::from))));
    facts.insert("chain_complete", all(shown.iter().map(|one| Ok(json!(one.judgement.complete)))));
    facts.insert("chain_ordered", all(shown.iter().map(|one| Ok(json!(one.is_ordered)))));
    facts.insert("chain_fault", Ok(json!(shown.iter().find_map(|one| one.judgement.fault.clone()))));
    let beside = seen
        .outcomes
        .values()
        .filter_map(|outcome| outcome.answer())
        .map(|answer| answer.hello.timestamps)
        .max();
    let inside = shown.iter().map(|one| read(one).map(|leaf| leaf.timestamps)).collect::<Result<Vec<_>, _>>();
    let count = inside.map(|inside| json!(inside.into_iter().min().unwrap_or(0).max(beside.unwrap_or(0))));
    facts.insert("certificate_timestamps", count);
    // A leaf that has to be stapled and is not.
    let owes =
        shown.iter().any(|one| one.staple.is_none() && one.leaf.as_ref().is_ok_and(|leaf| leaf.must_staple));
    let word = if owes {
        Some("missing")
    } else {
        shown.iter().filter_map(|one| one.staple).map(Staple::word).max_by_key(|word| *word != "good")
    };
    facts.insert("staple", Ok(json!(word)));
}

fn web(facts: &mut Facts, seen: &Assessment, shown: &[Shown], name: &str, now: Timestamp) {
    let head = seen.page.as_ref().and_then(|page| page.head.as_ref());
    let is_web = seen.service.as_deref() == Some("https");
    let missing = || match &seen.page {
        _ if seen.verdict.speaks != Speaks::Tls => reason(seen),
        _ if !is_web => UnknownReason::new(Why::Unsupported, "it is no web server"),
        Some(page) => UnknownReason::new(
            Why::Failed,
            page.fault.clone().unwrap_or_else(|| "it answered no HTTP".to_owned()),
        ),
        None => UnknownReason::new(Why::Unsupported, "the page can be read over TLS 1.2 or newer only"),
    };
    let header = head.map(|head| head.hsts.clone()).ok_or_else(missing);
    let value = header.as_ref().ok().and_then(|value| value.as_deref().and_then(Remember::read));
    facts.insert("hsts_header", header.clone().map(|value| json!(value)));
    let is_valid = shown.first().is_some_and(|one| {
        one.judgement.trusted == Ok(true)
            && one
                .leaf
                .as_ref()
                .is_ok_and(|leaf| leaf.covers(name) && leaf.not_before <= now && now < leaf.not_after)
    });
    // Browsers believe the header only if they believe the certificate.
    let believed = match header {
        Err(reason) => Err(reason),
        Ok(None) => Ok(None),
        Ok(Some(_)) if is_valid => Ok(value),
        Ok(Some(_)) => Err(UnknownReason::new(
            Why::Unsupported,
            "browsers ignore the header under a certificate that is not valid",
        )),
    };
    let of = |get: fn(Remember) -> Value| believed.clone().map(|value| value.map_or(Value::Null, get));
    facts.insert("hsts_max_age", of(|value| json!(Span::from_secs(value.seconds).to_string())));
    facts.insert("hsts_subdomains", of(|value| json!(value.with_names_below)));
    facts.insert("hsts_preload", of(|value| json!(value.preload)));
    facts.insert("insecure_cookies", head.map(|head| json!(head.open_cookies)).ok_or_else(missing));
    let plain = match &seen.plain_web {
        Some(plain) => plain.clone().map(|plain| json!(plain.word())),
        None if is_web => Err(missing()),
        None if seen.verdict.speaks == Speaks::Tls => Ok(Value::Null),
        None => Err(reason(seen)),
    };
    facts.insert("plain_http", plain);
}

/// The attributes of an endpoint that could not be looked at, for one reason.
pub(crate) fn unknown(reason: &UnknownReason) -> Facts {
    super::merge::RULES.iter().map(|(name, _)| (*name, Err(reason.clone()))).collect()
}
