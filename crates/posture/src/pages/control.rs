//! One control: what is promised, how it is shown, what fails and how to mend it.

use std::collections::BTreeMap;

use maud::{Markup, html};
use octro_engine::{Population, ResultView, Results, TestView};
use octro_model::Id;
use octro_program::Fix;
use octro_web::Moment;
use octro_web::ui;

use crate::links;
use crate::views::{ControlDetail, MappingView};

/// `failing`: the results that need a person; `fixes`: how the tests' failures are mended; `proof`: what can be proved.
pub(crate) fn page(
    moment: &Moment,
    one: &ControlDetail,
    failing: &Results,
    fixes: &BTreeMap<Id, Fix>,
    proof: &Markup,
) -> Markup {
    html! {
        p.lead { (one.statement) }
        div.two {
            div {
                (ui::section("status", "Status", &html! {
                    p.row { (ui::badge(one.view.status)) span { (one.view.reason) } }
                    (ui::tally(&one.view.tally, "Resources"))
                    (ui::tally_links(&one.view.tally, |status| {
                        moment.link("/results", &[("control", &one.view.id), ("status", status.as_str())])
                    }))
                }))
                (super::history::section(moment, "control", &one.view.id, &one.changes, one.view.status))
                (proof)
            }
            (ui::section("about", "About", &about(moment, one)))
        }
        (ui::section("tests", "Tests", &tests(moment, &one.view.tests)))
        (ui::section("failing", "What needs a person", &failures(moment, one, failing, fixes)))
        (ui::section("maps", "Requirements that it answers", &mappings(moment, &one.maps)))
    }
}

fn about(moment: &Moment, one: &ControlDetail) -> Markup {
    html! {
        p { (one.why) }
        (ui::facts(&[
            ("Part", html! { a href=(moment.link("/controls", &[("part", &one.view.part)])) { (one.part_title) } }),
            ("Owner", html! { (one.owner_title) }),
            ("Layer", html! { (one.view.layer) }),
            ("Policy", match &one.policy {
                Some(section) => html! {
                    a href=(links::policy(moment, &section.policy, &section.heading)) {
                        (section.policy) @if !section.heading.is_empty() { " § " (section.heading) }
                    }
                },
                None => html! { span.muted { "none names it" } },
            }),
            ("Protects", html! { @if one.protects.is_empty() { span.muted { "no asset class" } } @else { (one.protects.join(", ")) } }),
            ("Claims", html! {
                @if one.claims.is_empty() { span.muted { "none rests on it" } }
                @for claim in &one.claims { a href={ (moment.href("/claims")) "#" (claim.id) } { (claim.title) } br; }
            }),
            ("Oldest evidence", match one.view.evidence_at {
                Some(at) => ui::time(at, moment.now),
                None => html! { "something was never enumerated" },
            }),
            ("File", html! { code { (one.file) } }),
        ]))
        @if !one.evidence.is_empty() {
            h3 { "What people bring" }
            ul { @for what in &one.evidence { li { (what) } } }
        }
    }
}

fn tests(moment: &Moment, tests: &[TestView]) -> Markup {
    if tests.is_empty() {
        return ui::empty(
            "No test shows this control.",
            &html! { "It is unknown until a test does: name one in its file." },
        );
    }
    html! {
        div.wide tabindex="0" role="group" aria-label="Tests" {
            table {
                caption.vh { "Tests of this control" }
                thead { tr { th scope="col" { "Status" } th scope="col" { "Test" } th scope="col" { "Severity" } th scope="col" { "Population" } th scope="col" { "Resources" } } }
                tbody {
                    @for test in tests {
                        tr {
                            td data-label="Status" { (ui::badge(test.status)) }
                            td data-label="Test" { div { a href=(links::test(moment, &test.id)) { (test.title) } div.muted { (test.reason) } } }
                            td data-label="Severity" { (test.severity) }
                            td data-label="Population" { div { a href=(links::kind(moment, &test.on)) { (test.on) } div.muted { (population(moment, &test.population)) } } }
                            td data-label="Resources" { (ui::tally(&test.tally, &test.title)) }
                        }
                    }
                }
            }
        }
    }
}

/// Whether a population is known, in words.
pub(super) fn population(moment: &Moment, population: &Population) -> Markup {
    match population {
        Population::Complete { at } => html! { "enumerated completely " (ui::time(*at, moment.now)) },
        Population::NoSource => html! { "no source yields it" },
        Population::Incomplete { reason } => html! { "not known completely: " (reason) },
        Population::Stale { at } => html! { "enumerated too long ago: " (ui::time(*at, moment.now)) },
    }
}

fn failures(moment: &Moment, one: &ControlDetail, failing: &Results, fixes: &BTreeMap<Id, Fix>) -> Markup {
    if failing.rows.is_empty() {
        return html! { p.muted { "No resource fails, is unknown or stale under its tests." } };
    }
    let mut by_test: BTreeMap<&Id, Vec<&ResultView>> = BTreeMap::new();
    for row in &failing.rows {
        by_test.entry(&row.test).or_default().push(row);
    }
    html! {
        @for (test, rows) in by_test {
            @if let Some(first) = rows.first() { h3 { a href=(links::test(moment, test)) { (first.title) } } }
            div.wide tabindex="0" role="group" aria-label=(test) {
                table {
                    caption.vh { "Resources that need a person under " (test) }
                    thead { tr { th scope="col" { "Status" } th scope="col" { "Resource" } th scope="col" { "Reason" } th scope="col" { "Since" } th scope="col" { span.vh { "Why" } } } }
                    tbody {
                        @for row in &rows {
                            tr {
                                td data-label="Status" { (ui::badge(row.status)) }
                                td data-label="Resource" { a.key href=(links::resource(moment, &row.kind, &row.key)) { (row.key) } }
                                td data-label="Reason" { (row.reason) }
                                td data-label="Since" { (ui::time(row.since, moment.now)) }
                                td data-label="" { (links::why_link(moment, &row.test, &row.kind, &row.key)) }
                            }
                        }
                    }
                }
            }
            @if let Some(fix) = fixes.get(test) { (fix_words(fix)) }
        }
        @if failing.total > failing.rows.len() as u64 {
            p { a href=(moment.link("/results", &[("control", &one.view.id), ("status", "fail,unknown,stale")])) { "All " (failing.total) } }
        }
    }
}

/// How to mend a failure, folded.
pub(super) fn fix_words(fix: &Fix) -> Markup {
    html! {
        details {
            summary { "How to mend it" }
            p { (fix.text) }
            @if let Some(command) = &fix.command { (ui::code(command)) }
            @if let Some(terraform) = &fix.terraform { (ui::code(terraform)) }
        }
    }
}

pub(super) fn mappings(moment: &Moment, maps: &[MappingView]) -> Markup {
    if maps.is_empty() {
        return html! { p.muted { "It is mapped to no requirement." } };
    }
    html! {
        div.wide tabindex="0" role="group" aria-label="Requirements" {
            table {
                caption.vh { "Requirements" }
                thead { tr { th scope="col" { "Framework" } th scope="col" { "Requirement" } th scope="col" { "Coverage" } th scope="col" { "Note" } } }
                tbody {
                    @for map in maps {
                        tr {
                            td data-label="Framework" { a href=(links::framework(moment, &map.framework)) { (map.framework_title) } }
                            td data-label="Requirement" { div { a href=(links::requirement(moment, &map.framework, &map.requirement)) { (map.requirement) } " " (map.title) } }
                            td data-label="Coverage" { (map.coverage) }
                            td data-label="Note" { (map.note) }
                        }
                    }
                }
            }
        }
    }
}
