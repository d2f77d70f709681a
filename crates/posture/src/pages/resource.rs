//! One resource: what is known of it, from whom and since when; what is judged of it; what happened to it.

use maud::{Markup, html};
use octro_engine::{AttributeView, Happening, NeighbourView, ReadView, ResourceView, TimelineEntry};
use octro_web::Moment;
use octro_web::ui::{self, Icon};

use super::results::{Of, sheet};
use super::tls;
use crate::ask::Spot;
use crate::links;

pub(crate) fn page(spot: Spot<'_>, one: &ResourceView, proof: &Markup) -> Markup {
    let moment = spot.moment;
    html! {
        @if one.gone { (ui::note(&html! { "No source sees it any more. What is shown is what was last known." })) }
        (ui::section("results", "Results", &html! {
            @if one.results.is_empty() { p.muted { "No test judges it." } }
            @else { (sheet(spot, Of::Resource).inner().table(&one.results)) }
        }))
        @if one.kind.as_str() == tls::KIND { (tls::report(moment, one)) }
        div.two {
            (ui::section("attributes", "Attributes", &attributes(moment, &one.attributes)))
            div {
                (ui::section("about", "About", &ui::facts(&[
                    ("Kind", html! { a href=(links::kind(moment, &one.kind)) { (one.kind_title) } }),
                    ("Key", html! { code { (one.key) } }),
                    ("Sources", html! { @for source in &one.sources { a href=(links::source(moment, source)) { (source) } " " } }),
                    ("First seen", ui::time(one.first_seen_at, moment.now)),
                    ("Last seen", match one.seen_at { Some(at) => ui::time(at, moment.now), None => html! { "gone" } }),
                ])))
                (proof)
                (ui::section("neighbours", "Neighbours", &neighbours(moment, &one.neighbours)))
            }
        }
        (ui::section("timeline", "What happened", &timeline(moment, &one.timeline)))
    }
}

/// What is known of an attribute.
pub(super) fn reading(reading: &ReadView) -> Markup {
    match reading {
        ReadView::Value { value } => ui::json(value),
        ReadView::Absent => html! { span.muted { "absent: the system says that it is not set" } },
        ReadView::Unknown { reason } => {
            html! { span.badge.s-unknown { (ui::icon(Icon::Unknown)) "unknown" } " " (reason) }
        }
    }
}

fn attributes(moment: &Moment, all: &[AttributeView]) -> Markup {
    html! {
        div.wide tabindex="0" role="group" aria-label="Attributes" {
            table {
                caption.vh { "Attributes, with where they come from" }
                thead { tr { th scope="col" { "Attribute" } th scope="col" { "Value" } th scope="col" { "Source" } th scope="col" { "Since" } } }
                tbody {
                    @for one in all {
                        tr {
                            td data-label="Attribute" { span title=(one.doc) { code { (one.name) } } }
                            td data-label="Value" {
                                div {
                                    @match (&one.references, &one.reading) {
                                        (Some(kind), ReadView::Value { value: serde_json::Value::String(key) }) => {
                                            a.key href=(links::resource(moment, kind, key)) { (key) }
                                        }
                                        _ => (reading(&one.reading)),
                                    }
                                    @if let Some(unit) = &one.unit { " " span.muted { (unit) } }
                                    div.muted { (one.doc) }
                                }
                            }
                            td data-label="Source" { @match &one.source {
                                Some(source) => a href=(links::source(moment, source)) { (source) },
                                None => span.muted { "none" },
                            } }
                            td data-label="Since" { @if let Some(at) = one.effective_at { (ui::time(at, moment.now)) } }
                        }
                    }
                }
            }
        }
    }
}

fn neighbours(moment: &Moment, all: &[NeighbourView]) -> Markup {
    if all.is_empty() {
        return html! { p.muted { "It names no other resource, and none names it." } };
    }
    html! {
        ul.plain {
            @for one in all {
                li {
                    @if one.named { code { (one.attribute) } " names " } @else { "named by " code { (one.attribute) } " of " }
                    @if one.known { a.key href=(links::resource(moment, &one.kind, &one.key)) { (one.key) } }
                    @else { (one.key) " " span.muted { "(not known)" } }
                    " " span.muted { (one.kind) }
                }
            }
        }
    }
}

fn timeline(moment: &Moment, all: &[TimelineEntry]) -> Markup {
    html! {
        ol.plain {
            @for entry in all {
                li {
                    div.row { (what(moment, &entry.happening)) span.push { (ui::time(entry.at, moment.now)) } }
                    @if let Happening::Observed { changes, .. } = &entry.happening {
                        @for change in changes.iter().take(30) {
                            div {
                                code { (change.name) } ": "
                                @if let Some(from) = &change.from { (reading(from)) " → " }
                                (reading(&change.to))
                            }
                        }
                        @if changes.len() > 30 { div.muted { "and " (changes.len() - 30) " more" } }
                    }
                    @if entry.known_at.since(entry.at) > octro_model::Span::from_secs(600) {
                        div.muted { "learned later, " (ui::time(entry.known_at, moment.now)) }
                    }
                }
            }
        }
        @if all.is_empty() { p.muted { "Nothing is known to have happened." } }
    }
}

fn what(moment: &Moment, happening: &Happening) -> Markup {
    match happening {
        Happening::Observed { source, observation, .. } => html! {
            strong { "Observed" } span { "by " a href=(links::source(moment, source)) { (source) } }
            span.muted { "observation " (observation) }
        },
        Happening::Gone { source, observation } => html! {
            strong { "Gone" } span { "no longer seen by " a href=(links::source(moment, source)) { (source) } }
            span.muted { "observation " (observation) }
        },
        Happening::Result { test, from, to, rev } => html! {
            @match to { Some(to) => (ui::badge(*to)), None => span.tag { "no longer judged" } }
            a href=(links::test(moment, test)) { (test) }
            @if let Some(from) = from { span.muted { "was " (from.label()) } }
            span.muted { "revision " (rev) }
        },
    }
}
