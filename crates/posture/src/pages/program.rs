//! The program in force, and what is wrong with one that is not.

use maud::{Markup, html};
use octro_program::{Exception, Problem};
use octro_web::Moment;
use octro_web::ui;

use crate::links;
use crate::views::ProgramView;

/// `view`: `None` before the first program is in force.
pub(crate) fn page(moment: &Moment, view: Option<&ProgramView>, problems: &[Problem]) -> Markup {
    html! {
        @if !problems.is_empty() {
            (ui::section("problems", "Problems", &html! {
                (ui::note(&html! {
                    "The program folder has " (problems.len()) @if problems.len() == 1 { " problem" } @else { " problems" } " and was not installed. "
                    @if view.is_some() { "The program below is still in force." } @else { "No program is in force." }
                }))
                (list("Problems", problems))
            }))
        }
        @match view {
            None => (ui::empty("No program is in force yet.", &html! { "It will be, as soon as a program without problems is loaded." })),
            Some(view) => (in_force(moment, view)),
        }
    }
}

fn in_force(moment: &Moment, view: &ProgramView) -> Markup {
    html! {
        (ui::section("in-force", "In force", &ui::facts(&[
            ("Name", html! { (view.name) }),
            ("Version", html! { (view.version) ", since " (ui::time(view.installed_at, moment.now)) }),
            ("Hash of its files", html! { code { (view.hash) } }),
            ("Holds", html! { @for (place, (what, count)) in view.counts.iter().enumerate() { @if place > 0 { ", " } (count) " " (what) } }),
        ])))
        (ui::section("warnings", "Warnings", &html! {
            @if view.warnings.is_empty() { p.muted { "None." } } @else { (list("Warnings", &view.warnings)) }
        }))
        (ui::section("exceptions", "Exceptions", &exceptions(moment, &view.exceptions)))
        (ui::section("roles", "Roles", &html! {
            dl.facts { @for role in &view.roles { div { dt { (role.title) } dd { (role.doc) } } } }
        }))
    }
}

fn list(caption: &str, problems: &[Problem]) -> Markup {
    html! {
        div.wide tabindex="0" role="group" aria-label=(caption) {
            table {
                caption.vh { (caption) }
                thead { tr { th scope="col" { "Where" } th scope="col" { "What" } th scope="col" { "Expected" } } }
                tbody {
                    @for one in problems {
                        tr {
                            td data-label="Where" { code { (one.file) ":" (one.line) ":" (one.column) } }
                            td data-label="What" { (one.what) }
                            td data-label="Expected" { (one.expected) }
                        }
                    }
                }
            }
        }
    }
}

fn exceptions(moment: &Moment, all: &[Exception]) -> Markup {
    if all.is_empty() {
        return html! { p.muted { "No failure is accepted." } };
    }
    html! {
        div.wide tabindex="0" role="group" aria-label="Exceptions" {
            table {
                caption.vh { "Approved, time-bound acceptances of failures" }
                thead { tr { th scope="col" { "Exception" } th scope="col" { "Test" } th scope="col" { "Resources" } th scope="col" { "Reason" } th scope="col" { "Approved by" } th scope="col" { "Expires" } } }
                tbody {
                    @for one in all {
                        tr {
                            td data-label="Exception" { (one.id) }
                            td data-label="Test" { a href=(links::test(moment, &one.test)) { (one.test) } }
                            td data-label="Resources" { code { (one.resource.to_string()) } }
                            td data-label="Reason" { (one.reason) }
                            td data-label="Approved by" { (one.approver) }
                            td data-label="Expires" { (ui::time(one.expires, moment.now)) }
                        }
                    }
                }
            }
        }
    }
}
