//! Why a result is what it is. The same page is opened beside others.

use maud::{Markup, html};
use octro_engine::{Evidence, ExceptionView, FactView, Interval, WhyView};
use octro_model::{Id, Span, Timestamp};
use octro_web::Moment;
use octro_web::ui::{self, Stretch};

use super::resource::reading;
use crate::links;

pub(crate) fn page(moment: &Moment, one: &WhyView) -> Markup {
    html! {
        div.card {
            p.lead { @match one.status { Some(status) => (ui::badge(status)), None => span.tag { "not judged" } } " " (one.sentence) }
            (ui::facts(&[
                ("Resource", html! { a.key href=(links::resource(moment, &one.kind, &one.key)) { (one.key) } " " span.muted { (one.kind) } }),
                ("Test", html! { a href=(links::test(moment, &one.test)) { (one.title) } }),
                ("Controls", html! {
                    @if one.controls.is_empty() { span.muted { "none" } }
                    (links::controls(moment, one.controls.iter().map(Id::as_str)))
                }),
                ("Since", match one.since { Some(at) => ui::time(at, moment.now), None => html! { "–" } }),
            ]))
        }
        @if needs_fix(one) {
            (ui::section("mend", "How to mend it", &html! {
                p { (one.fix.text) }
                @if let Some(command) = &one.fix.command { (ui::code(command)) }
                @if let Some(terraform) = &one.fix.terraform { (ui::code(terraform)) }
            }))
        }
        (ui::section("facts", "What the test read", &facts(moment, one)))
        (ui::section("the-rule", "The rule", &html! {
            p { (one.purpose) }
            @if !one.scope.is_empty() { h3 { "Which resources" } (ui::code(&one.scope)) }
            h3 { "What must be true" }
            (ui::code(&one.pass))
            p.muted { "Severity " (one.severity) ", revision " (one.rev) ", hash " code { (one.hash.chars().take(16).collect::<String>()) } }
        }))
        @if !one.exceptions.is_empty() { (ui::section("exceptions", "Exceptions", &exceptions(moment, &one.exceptions))) }
        (ui::section("evidence", "Evidence", &evidence(moment, &one.evidence)))
        (ui::section("past", "History", &history(moment, &one.history)))
    }
}

fn needs_fix(one: &WhyView) -> bool {
    use octro_model::Status::{Excepted, Fail, NotApplicable, Pass, Stale, Unknown};
    !one.fix.text.is_empty()
        && match one.status {
            Some(Fail | Unknown | Excepted) => true,
            Some(Pass | Stale | NotApplicable) | None => false,
        }
}

fn facts(moment: &Moment, one: &WhyView) -> Markup {
    if one.facts.is_empty() {
        return html! { p.muted { "It read nothing: no evidence, or the rule needs none." } };
    }
    let row = |fact: &FactView| {
        html! {
            tr {
                td data-label="Attribute" { div { code { (fact.path) } @if fact.scope { " " span.tag { "scope" } }
                    @if !fact.key.is_empty() { div { "of " a.key href=(links::resource(moment, &fact.kind, &fact.key)) { (fact.key) } } } } }
                td data-label="Reading" { div { (reading(&fact.reading)) } }
                td data-label="Source" { @match &fact.source { Some(source) => a href=(links::source(moment, source)) { (source) }, None => span.muted { "none" } } }
                td data-label="Since" { @if let Some(at) = fact.effective_at { (ui::time(at, moment.now)) } }
                td data-label="Last seen" { @if let Some(at) = fact.seen_at { (ui::time(at, moment.now)) } }
            }
        }
    };
    html! {
        div.wide tabindex="0" role="group" aria-label="Facts" {
            table {
                caption.vh { "What the test read" }
                thead { tr { th scope="col" { "Attribute" } th scope="col" { "Reading" } th scope="col" { "Source" } th scope="col" { "Since" } th scope="col" { "Last seen" } } }
                tbody { @for fact in &one.facts { (row(fact)) } }
            }
        }
    }
}

fn exceptions(moment: &Moment, all: &[ExceptionView]) -> Markup {
    html! {
        @for one in all {
            h3 { (one.id) " " @if one.active { span.tag { "in force" } } @else { span.tag { "not in force" } } }
            p { (one.reason) }
            (ui::facts(&[
                ("Covers", html! { code { (one.resource) } }),
                ("Owner", html! { (one.owner) }),
                ("Approved by", html! { (one.approver) ", " (ui::time(one.approved, moment.now)) }),
                ("Expires", ui::time(one.expires, moment.now)),
                ("Instead", html! { (one.compensating_control.as_deref().unwrap_or("nothing")) }),
            ]))
        }
    }
}

fn evidence(moment: &Moment, all: &[Evidence]) -> Markup {
    if all.is_empty() {
        return html! { p.muted { "No observation was received." } };
    }
    html! {
        @for one in all {
            details {
                summary { "Observation " (one.observation) " by " (one.source) ", true since " (one.effective_at.minute()) }
                (ui::facts(&[
                    ("Source", html! { a href=(links::source(moment, &one.source)) { (one.source) } ", collection " (one.collection) }),
                    ("True since", ui::time(one.effective_at, moment.now)),
                    ("Received", ui::time(one.received_at, moment.now)),
                    ("Last seen", ui::time(one.seen_at, moment.now)),
                    ("Found in", html! { @if one.scope.is_empty() { span.muted { "the whole" } } @else { (one.scope) } }),
                    ("Hash", html! { code { (one.hash) } }),
                ]))
                (ui::code(&serde_json::to_string_pretty(&one.body).unwrap_or_default()))
            }
        }
    }
}

fn history(moment: &Moment, all: &[Interval]) -> Markup {
    let held: Vec<&Interval> = all.iter().filter(|one| one.superseded_at.is_none()).collect();
    let from = held.iter().map(|one| one.from).min().unwrap_or(moment.at).max(moment.at.minus(YEAR));
    let stretch = |one: &&Interval| Stretch {
        from: one.from,
        to: one.to.unwrap_or(Timestamp::MAX),
        status: one.status,
    };
    let stretches: Vec<Stretch> = held.iter().map(stretch).collect();
    html! {
        @if moment.at > from { (ui::strip("History", &stretches, from, moment.at)) }
        div.wide tabindex="0" role="group" aria-label="History" {
            table {
                caption.vh { "History, newest first" }
                thead { tr { th scope="col" { "Status" } th scope="col" { "From" } th scope="col" { "To" } th scope="col" { "Learned" } th.num scope="col" { "Revision" } th.num scope="col" { "Observation" } } }
                tbody {
                    @for one in all {
                        tr {
                            td data-label="Status" { div { @match one.status { Some(status) => (ui::badge(status)), None => span.muted { "not judged" } }
                                @if one.superseded_at.is_some() { " " span.tag { "corrected" } } } }
                            td data-label="From" { (ui::time(one.from, moment.now)) }
                            td data-label="To" { (ui::time(one.to.unwrap_or(Timestamp::MAX), moment.now)) }
                            td data-label="Learned" { div { (ui::time(one.known_at, moment.now)) @if one.learned_later { " " span.tag { "later" } } } }
                            td.num data-label="Revision" { (one.rev) }
                            td.num data-label="Observation" { @if one.observation > 0 { (one.observation) } @else { "–" } }
                        }
                    }
                }
            }
        }
    }
}

/// How far back the strip goes at most.
const YEAR: Span = Span::from_secs(366 * 86_400);
