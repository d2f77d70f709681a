//! Several addresses behind one name are one endpoint, and the worst of them counts: clients do not choose.

use octro_model::{Span, UnknownReason};
use serde_json::{Value, json};

use super::facts::{Fact, Facts};

/// How an attribute of several addresses becomes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// True is bad: one is enough.
    Any,
    /// False is bad: one is enough.
    All,
    /// Everything on any list.
    Union,
    /// The smallest number; what is not set is left out.
    Least,
    /// The shortest time; not set is the worst.
    Shortest,
    /// The first of these words that an address shows.
    Worst(&'static [&'static str]),
    /// That of the first address that has one.
    First,
}

/// Every attribute that a probe finds, with its rule.
pub(crate) const RULES: [(&str, Rule); 43] = [
    ("accepts_ssl3", Rule::Any),
    ("accepts_tls10", Rule::Any),
    ("accepts_tls11", Rule::Any),
    ("accepts_tls12", Rule::All),
    ("accepts_tls13", Rule::All),
    ("answers", Rule::First),
    ("authenticated_encryption", Rule::All),
    ("certificate", Rule::First),
    ("certificate_timestamps", Rule::Least),
    ("certificates", Rule::Union),
    ("chain_complete", Rule::All),
    ("chain_fault", Rule::First),
    ("chain_ordered", Rule::All),
    ("chain_trusted", Rule::All),
    ("client_certificate", Rule::All),
    ("compression", Rule::Any),
    ("dh_bits", Rule::Least),
    ("extended_master_secret", Rule::All),
    ("fallback_noticed", Rule::All),
    ("forward_secrecy", Rule::All),
    ("groups", Rule::Union),
    ("hsts_header", Rule::First),
    ("hsts_max_age", Rule::Shortest),
    ("hsts_preload", Rule::All),
    ("hsts_subdomains", Rule::All),
    ("insecure_cookies", Rule::Union),
    ("intolerant_of", Rule::Union),
    ("latent_versions", Rule::Union),
    ("name_matches", Rule::All),
    ("plain_http", Rule::Worst(&["serves", "redirects", "closed"])),
    ("plaintext_accepted", Rule::Any),
    ("post_quantum", Rule::All),
    ("protocol", Rule::First),
    ("secure_renegotiation", Rule::All),
    ("server_hellos", Rule::First),
    ("service", Rule::First),
    ("session_tickets", Rule::Any),
    ("signature_algorithms", Rule::Union),
    ("speaks", Rule::Worst(&["plaintext", "redirect", "tls"])),
    ("staple", Rule::Worst(&["revoked", "missing", "invalid", "expired", "good"])),
    ("suite_order", Rule::Worst(&["client", "server"])),
    ("suites", Rule::Union),
    ("weak_suites", Rule::Union),
];

/// What several addresses show together.
pub(crate) fn merge(addresses: Vec<Facts>) -> Facts {
    let mut merged = Facts::new();
    for (name, rule) in RULES {
        let facts: Vec<Fact> = addresses.iter().filter_map(|facts| facts.get(name).cloned()).collect();
        if let Some(fact) = one(rule, facts) {
            merged.insert(name, fact);
        }
    }
    modern(&addresses, &mut merged);
    merged
}

/// Where one address speaks only TLS 1.2 and another only TLS 1.3, neither is spoken by all; both are modern.
fn modern(addresses: &[Facts], merged: &mut Facts) {
    let is = |facts: &Facts, name: &str| facts.get(name) == Some(&Ok(Value::Bool(true)));
    let each = addresses.iter().all(|facts| is(facts, "accepts_tls12") || is(facts, "accepts_tls13"));
    if each && !is(merged, "accepts_tls12") && !is(merged, "accepts_tls13") && !addresses.is_empty() {
        merged.insert("accepts_tls12", Ok(json!(true)));
    }
}

fn one(rule: Rule, facts: Vec<Fact>) -> Option<Fact> {
    if facts.len() <= 1 {
        return facts.into_iter().next();
    }
    Some(match rule {
        Rule::Any => any(facts),
        Rule::All => all(facts),
        Rule::Union => union(facts),
        Rule::Least => least(facts, |value| value.as_i64()),
        Rule::Shortest => {
            if facts.contains(&Ok(Value::Null)) {
                Ok(Value::Null)
            } else {
                least(facts, |value| value.as_str()?.parse::<Span>().ok().map(Span::secs))
            }
        }
        Rule::Worst(words) => worst(words, facts),
        Rule::First => first(facts),
    })
}

/// The first reason, if something is unknown; otherwise the first value that is set.
fn first(facts: Vec<Fact>) -> Fact {
    let unknown = facts.iter().find_map(|fact| fact.as_ref().err().cloned());
    let set = facts.into_iter().filter_map(Result::ok).find(|value| !value.is_null());
    match (set, unknown) {
        (Some(value), _) => Ok(value),
        (None, Some(reason)) => Err(reason),
        (None, None) => Ok(Value::Null),
    }
}

fn decided(facts: Vec<Fact>, decides: bool) -> Fact {
    if facts.contains(&Ok(Value::Bool(decides))) {
        return Ok(json!(decides));
    }
    let is_set = facts.iter().any(|fact| fact.as_ref().is_ok_and(|value| !value.is_null()));
    match facts.into_iter().find_map(Result::err) {
        Some(reason) => Err(reason),
        None => Ok(if is_set { json!(!decides) } else { Value::Null }),
    }
}

/// True if one is; unknown if one may be.
pub(crate) fn any(facts: Vec<Fact>) -> Fact {
    decided(facts, true)
}

/// False if one is; unknown if one may be.
pub(crate) fn all(facts: Vec<Fact>) -> Fact {
    decided(facts, false)
}

fn unknown(facts: &[Fact]) -> Option<UnknownReason> {
    facts.iter().find_map(|fact| fact.as_ref().err().cloned())
}

fn union(facts: Vec<Fact>) -> Fact {
    if let Some(reason) = unknown(&facts) {
        return Err(reason);
    }
    let mut list: Vec<Value> = Vec::new();
    for value in facts.into_iter().flatten() {
        for item in value.as_array().into_iter().flatten() {
            if !list.contains(item) {
                list.push(item.clone());
            }
        }
    }
    Ok(Value::Array(list))
}

fn least(facts: Vec<Fact>, measure: impl Fn(&Value) -> Option<i64>) -> Fact {
    if let Some(reason) = unknown(&facts) {
        return Err(reason);
    }
    let set = facts.into_iter().flatten().filter(|value| !value.is_null());
    Ok(set.min_by_key(|value| measure(value).unwrap_or(i64::MIN)).unwrap_or(Value::Null))
}

fn worst(words: &[&str], facts: Vec<Fact>) -> Fact {
    // The worst word decides whatever is unknown; a better one does not.
    let has =
        |word: &str| facts.iter().any(|fact| fact.as_ref().is_ok_and(|value| value.as_str() == Some(word)));
    if let Some(word) = words.first().filter(|word| has(word)) {
        return Ok(json!(word));
    }
    match unknown(&facts) {
        Some(reason) => Err(reason),
        None => Ok(json!(words.iter().find(|word| has(word)))),
    }
}

#[cfg(test)]
mod tests {
    use octro_model::Why;

    use super::*;

    fn no() -> UnknownReason {
        UnknownReason::new(Why::TimedOut, "no answer")
    }

    #[test]
    fn the_worst_address_counts_and_what_is_unknown_stays_so() {
        let yes = || Ok(json!(true));
        let not = || Ok(json!(false));
        assert_eq!(any(vec![not(), Err(no()), yes()]), yes());
        assert_eq!(any(vec![not(), Err(no())]), Err(no()));
        assert_eq!(all(vec![yes(), Err(no()), not()]), not());
        assert_eq!(all(vec![yes(), Err(no())]), Err(no()));
        assert_eq!(all(vec![yes(), Ok(Value::Null)]), yes());
        assert_eq!(all(vec![Ok(Value::Null)]), Ok(Value::Null));
        assert_eq!(one(Rule::Shortest, vec![Ok(json!("1d")), Ok(json!("3h"))]), Some(Ok(json!("3h"))));
        assert_eq!(one(Rule::Shortest, vec![Ok(json!("1d")), Ok(Value::Null)]), Some(Ok(Value::Null)));
        assert_eq!(one(Rule::Least, vec![Ok(json!(2048)), Ok(Value::Null)]), Some(Ok(json!(2048))));
        let words = Rule::Worst(&["serves", "redirects", "closed"]);
        assert_eq!(
            one(words, vec![Ok(json!("closed")), Err(no()), Ok(json!("serves"))]),
            Some(Ok(json!("serves")))
        );
        assert_eq!(one(words, vec![Ok(json!("closed")), Err(no())]), Some(Err(no())));
        assert_eq!(
            one(words, vec![Ok(json!("closed")), Ok(json!("redirects"))]),
            Some(Ok(json!("redirects")))
        );
        assert_eq!(
            one(Rule::Union, vec![Ok(json!(["a"])), Ok(json!(["b", "a"]))]),
            Some(Ok(json!(["a", "b"])))
        );
    }

    #[test]
    fn addresses_that_are_modern_in_different_ways_are_modern() {
        let of =
            |old, new| Facts::from([("accepts_tls12", Ok(json!(old))), ("accepts_tls13", Ok(json!(new)))]);
        let merged = merge(vec![of(true, false), of(false, true)]);
        assert_eq!(merged.get("accepts_tls12"), Some(&Ok(json!(true))));
        let merged = merge(vec![of(true, true), of(false, false)]);
        assert_eq!(merged.get("accepts_tls12"), Some(&Ok(json!(false))));
        assert_eq!(merged.get("accepts_tls13"), Some(&Ok(json!(false))));
    }

    #[test]
    fn the_rules_name_each_attribute_once() {
        assert!(RULES.windows(2).all(|pair| pair[0].0 < pair[1].0), "in order, each once");
    }
}
