//! One test: the rule, what it reads, its examples, its results.

use maud::{Markup, html};
use octro_engine::Results;
use octro_model::Id;
use octro_web::Moment;
use octro_web::ui::{self, Filter};

use super::control::{mappings, population};
use super::results::{Of, sheet};
use crate::ask::Spot;
use crate::links;
use crate::views::TestDetail;

pub(crate) fn page(spot: Spot<'_>, one: &TestDetail, results: &Results) -> Markup {
    let moment = spot.moment;
    html! {
        p.lead { (one.why) }
        div.two {
            div {
                (ui::section("status", "Status", &html! {
                    p.row { (ui::badge(one.view.status)) span { (one.view.reason) } }
                    (ui::tally(&one.view.tally, "Resources"))
                    (ui::tally_links(&one.view.tally, |status| {
                        format!("{}#results", spot.params.without(&["page"]).with("status", status.as_str()).href(spot.path))
                    }))
                }))
                (super::history::section(moment, "test", &one.view.id, &one.changes, one.view.status))
            }
            (ui::section("about", "About", &about(moment, one)))
        }
        div.two {
            (ui::section("rule", "The rule", &rule(one)))
            (ui::section("fix", "How to mend a failure", &html! {
                p { (one.fix.text) }
                @if let Some(command) = &one.fix.command { h3 { "Command" } (ui::code(command)) }
                @if let Some(terraform) = &one.fix.terraform { h3 { "Terraform" } (ui::code(terraform)) }
            }))
        }
        (ui::section("results", "Results", &html! {
            (ui::filters(spot.path, spot.params, moment, &[Filter::Text("q", "Resource"), Filter::status()]))
            (sheet(spot, Of::Test).part(&results.rows, results.total))
        }))
        div.two {
            (ui::section("examples", "Examples", &examples(one)))
            (ui::section("reads", "What it reads", &reads(moment, one)))
        }
        (ui::section("maps", "Requirements that it supports", &mappings(moment, &one.maps)))
    }
}

fn about(moment: &Moment, one: &TestDetail) -> Markup {
    html! {
        (ui::facts(&[
            ("Kind", html! { a href=(links::kind(moment, &one.view.on)) { (one.kind_title) } " " code { (one.view.on) } }),
            ("Population", population(moment, &one.view.population)),
            ("Severity", html! { (one.view.severity) }),
            ("Controls", html! {
                @if one.view.controls.is_empty() { span.muted { "none" } }
                (links::controls(moment, one.view.controls.iter().map(Id::as_str)))
            }),
            ("Evidence is good for", html! { (one.max_age.human()) }),
            ("Does not see", html! { @if one.coverage_note.is_empty() { span.muted { "nothing is noted" } } @else { (one.coverage_note) } }),
            ("Revision", html! { (one.view.rev) }),
            ("Hash of its meaning", html! { code { (one.hash) } }),
            ("File", html! { code { (one.file) } }),
        ]))
    }
}

fn rule(one: &TestDetail) -> Markup {
    html! {
        h3 { "Which resources" }
        @if one.scope.is_empty() { p { "All of its kind." } } @else { (ui::code(&one.scope)) }
        h3 { "What must be true" }
        (ui::code(&one.pass))
        h3 { "What a failure says" }
        (ui::code(&one.message))
        @if !one.params.is_empty() {
            h3 { "Constants" }
            dl.facts {
                @for param in &one.params {
                    div { dt { code { "params." (param.name) } } dd { (ui::json(&param.value)) " " span.muted { (param.of) } " " (param.doc) } }
                }
            }
        }
    }
}

fn examples(one: &TestDetail) -> Markup {
    html! {
        p.muted { "Every example was run when the program was loaded; a test that disagrees with one is refused." }
        ul.plain {
            @for example in &one.examples {
                li {
                    div.row { (ui::badge(example.expect)) strong { (example.name) } }
                    @for (name, value) in &example.attributes { div { code { (name) } ": " (ui::json(value)) } }
                    @for (name, reason) in &example.unknown { div { code { (name) } ": " em { "unknown, " (reason) } } }
                    @if example.others > 0 { div.muted { "with " (example.others) " other resources" } }
                }
            }
        }
    }
}

fn reads(moment: &Moment, one: &TestDetail) -> Markup {
    html! {
        p.muted { "A verdict rests on these attributes and nothing else." }
        dl.facts {
            @for read in &one.reads {
                div {
                    dt { code { (read.path) } }
                    dd { (read.doc) @if read.kind != one.view.on { " " a href=(links::kind(moment, &read.kind)) { (read.kind) } } }
                }
            }
        }
    }
}
