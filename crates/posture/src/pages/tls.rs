//! A TLS endpoint as a report: what it speaks, with which ciphers and whose order, and whom its certificate leads to. It says
//! what was seen; what is wrong with that say the results above it.

use maud::{Markup, html};
use octro_engine::{ReadView, ResourceView};
use octro_model::Status;
use octro_web::Moment;
use octro_web::ui::{self, Node};
use serde_json::Value;

use super::resource::reading;
use crate::links;

/// The kind that is told so.
pub(super) const KIND: &str = "tls.endpoint";
const CERTIFICATE: &str = "tls.certificate";
/// Versions: name, attribute, and whether an endpoint may speak it.
const VERSIONS: [(&str, &str, bool); 5] = [
    ("TLS 1.3", "accepts_tls13", true),
    ("TLS 1.2", "accepts_tls12", true),
    ("TLS 1.1", "accepts_tls11", false),
    ("TLS 1.0", "accepts_tls10", false),
    ("SSL 3.0 and older", "accepts_ssl3", false),
];
const HANDSHAKE: [(&str, &str); 11] = [
    ("Key exchange groups", "groups"),
    ("Post-quantum group", "post_quantum"),
    ("Smallest finite-field group", "dh_bits"),
    ("Signs with", "signature_algorithms"),
    ("Compression", "compression"),
    ("Secure renegotiation", "secure_renegotiation"),
    ("Extended master secret", "extended_master_secret"),
    ("Session tickets", "session_tickets"),
    ("Notices a fallback", "fallback_noticed"),
    ("Application protocol", "protocol"),
    ("Gives up at", "intolerant_of"),
];
const CHAIN: [(&str, &str); 7] = [
    ("Covers the name", "name_matches"),
    ("Leads to a trusted root", "chain_trusted"),
    ("If not, why", "chain_fault"),
    ("Complete as sent", "chain_complete"),
    ("In order", "chain_ordered"),
    ("Revocation answer beside it", "staple"),
    ("Stamps of public logs", "certificate_timestamps"),
];
const WEB: [(&str, &str); 6] = [
    ("HTTPS only, for", "hsts_max_age"),
    ("and for names below", "hsts_subdomains"),
    ("Built into browsers", "hsts_preload"),
    ("Port 80", "plain_http"),
    ("Cookies that go in clear, too", "insecure_cookies"),
    ("Serves without TLS on this port", "plaintext_accepted"),
];

/// What is known of an attribute.
fn read<'a>(one: &'a ResourceView, name: &str) -> Option<&'a ReadView> {
    one.attributes.iter().find(|attribute| attribute.name == name).map(|attribute| &attribute.reading)
}

fn value<'a>(one: &'a ResourceView, name: &str) -> Option<&'a Value> {
    match read(one, name) {
        Some(ReadView::Value { value }) => Some(value),
        Some(ReadView::Absent | ReadView::Unknown { .. }) | None => None,
    }
}

fn texts<'a>(one: &'a ResourceView, name: &str) -> Vec<&'a str> {
    value(one, name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

fn text<'a>(one: &'a ResourceView, name: &str) -> &'a str {
    value(one, name).and_then(Value::as_str).unwrap_or_default()
}

pub(super) fn report(moment: &Moment, one: &ResourceView) -> Markup {
    ui::section(
        "tls",
        "What it speaks",
        &html! {
            @if text(one, "speaks") == "plaintext" { (ui::note(&html! { "It serves in clear. What follows is what was seen beside that." })) }
            div.two {
                div { h3 { "Versions" } (versions(one)) }
                div { h3 { "Cipher suites" } (suites(one)) }
            }
            h3 { "Certificate" }
            (ui::flow("From the endpoint to whom its certificate leads", &[chain(moment, one)]))
            div.two {
                div { (told(one, &CHAIN)) h3 { "Web" } (told(one, &WEB)) }
                div { h3 { "Handshake" } (told(one, &HANDSHAKE)) }
            }
        },
    )
}

/// Whether a version is spoken and may be; `None` of either if that is not known.
fn verdict(accepted: Option<bool>, may: bool) -> Status {
    match (accepted, may) {
        (Some(true), true) => Status::Pass,
        (Some(true), false) => Status::Fail,
        (Some(false), _) => Status::NotApplicable,
        (None, _) => Status::Unknown,
    }
}

fn versions(one: &ResourceView) -> Markup {
    let answers = value(one, "answers").and_then(Value::as_object);
    html! {
        div.wide tabindex="0" role="group" aria-label="Versions" {
            table {
                caption.vh { "Versions of TLS, and what became of the hello of each" }
                thead { tr { th scope="col" { "Version" } th scope="col" { "Accepted" } th scope="col" { "Answer" } } }
                tbody {
                    @for (version, attribute, may) in VERSIONS {
                        @let accepted = value(one, attribute).and_then(Value::as_bool);
                        tr {
                            td data-label="Version" { (version) }
                            td data-label="Accepted" {
                                div {
                                    @match verdict(accepted, may) {
                                        Status::NotApplicable => span.muted { "no" },
                                        Status::Unknown => { @if let Some(unknown) = read(one, attribute) { (reading(unknown)) } @else { "not asked" } },
                                        Status::Fail => strong { "yes, and should not" },
                                        Status::Pass | Status::Stale | Status::Excepted => "yes",
                                    }
                                }
                            }
                            td data-label="Answer" { @if let Some(answer) = answers.and_then(|all| all.get(version)).and_then(Value::as_str) { (answer) } @else { span.muted { "not kept" } } }
                        }
                    }
                }
            }
        }
        @let latent = texts(one, "latent_versions");
        @if !latent.is_empty() { p { "Switched on, and unused only for want of a suite: " strong { (latent.join(", ")) } "." } }
    }
}

fn suites(one: &ResourceView) -> Markup {
    let (all, weak) = (texts(one, "suites"), texts(one, "weak_suites"));
    if all.is_empty() {
        return html! { p { @if let Some(unknown) = read(one, "suites") { (reading(unknown)) } @else { span.muted { "Not known." } } } };
    }
    html! {
        p.muted {
            @match text(one, "suite_order") {
                "server" => "The server chooses; in its order.",
                "client" => "The client chooses; in the order in which they were found.",
                _ => "In the order in which they were found.",
            }
        }
        ol.plain {
            @for suite in &all {
                li {
                    code { (suite) }
                    @if weak.contains(suite) { " " strong { "weak" } }
                    @else if !fresh(suite) { " " span.muted { "no fresh key" } }
                }
            }
        }
    }
}

/// Whether a suite agrees on a fresh key, by its name: suites of TLS 1.3 name no key exchange, since all do.
fn fresh(suite: &str) -> bool {
    !suite.contains("_WITH_") || suite.contains("DHE_")
}

/// The endpoint, its certificate, and where that leads.
fn chain(moment: &Moment, one: &ResourceView) -> Vec<Node> {
    let node = |id: &str, label: String, detail: String, status, href| Node {
        id: id.to_owned(),
        label,
        detail,
        status,
        href,
    };
    let held = |name: &str| value(one, name).and_then(Value::as_bool);
    let status = |held: Option<bool>| {
        Some(held.map_or(Status::Unknown, |held| if held { Status::Pass } else { Status::Fail }))
    };
    let mut nodes = vec![node("endpoint", one.key.clone(), text(one, "service").to_owned(), None, None)];
    let leaf = text(one, "certificate");
    if !leaf.is_empty() {
        let named = held("name_matches");
        let detail = match named {
            Some(true) => "covers the name",
            Some(false) => "is for another name",
            None => "unknown whether for this name",
        };
        let short: String = leaf.chars().take(16).collect();
        let href = links::resource(moment, &CERTIFICATE.parse().unwrap_or_else(|_| one.kind.clone()), leaf);
        nodes.push(node("leaf", format!("{short}…"), detail.to_owned(), status(named), Some(href)));
    }
    let trusted = held("chain_trusted");
    let (label, detail) = match trusted {
        Some(true) => ("Trusted root", ""),
        Some(false) => ("Not trusted", text(one, "chain_fault")),
        None => ("Unknown", "where it leads"),
    };
    nodes.push(node("root", label.to_owned(), detail.replace(',', ";"), status(trusted), None));
    nodes
}

/// Attributes by what they are called for people; those that the kind does not tell are left out.
fn told(one: &ResourceView, all: &[(&'static str, &str)]) -> Markup {
    let facts: Vec<(&str, Markup)> =
        all.iter().filter_map(|(title, name)| Some((*title, shown(read(one, name)?)))).collect();
    ui::facts(&facts)
}

fn shown(read: &ReadView) -> Markup {
    match read {
        ReadView::Value { value: Value::Bool(yes) } => html! { @if *yes { "yes" } @else { "no" } },
        ReadView::Value { value: Value::Array(all) } if all.is_empty() => html! { "none" },
        ReadView::Value { value: Value::Array(all) } => {
            html! { (all.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")) }
        }
        ReadView::Absent => html! { span.muted { "none" } },
        ReadView::Value { .. } | ReadView::Unknown { .. } => reading(read),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_that_nobody_asked_for_is_unknown() {
        assert_eq!(verdict(None, true), Status::Unknown);
        assert_eq!(verdict(None, false), Status::Unknown);
        assert_eq!(verdict(Some(true), false), Status::Fail);
        assert_eq!(verdict(Some(false), true), Status::NotApplicable);
    }

    #[test]
    fn a_suite_says_by_its_name_whether_its_key_is_fresh() {
        for (suite, is) in [
            ("TLS_AES_128_GCM_SHA256", true),
            ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", true),
            ("TLS_DHE_RSA_WITH_AES_128_CBC_SHA", true),
            ("TLS_RSA_WITH_AES_128_GCM_SHA256", false),
            ("TLS_ECDH_RSA_WITH_AES_128_CBC_SHA", false),
        ] {
            assert_eq!(fresh(suite), is, "{suite}");
        }
    }
}
