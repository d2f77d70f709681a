//! External standards: which of their requirements are answered, by what, and whether it passes.

use maud::{Markup, html};
use octro_program::Wording;
use octro_web::Moment;
use octro_web::ui::{self, Cell, Column, Filter, Sheet};

use crate::ask::Spot;
use crate::links;
use crate::standards::{FrameworkRow, FrameworkView, RequirementView};

pub(crate) fn sheet<'a>(spot: Spot<'a>) -> Sheet<'a, FrameworkRow> {
    let moment = spot.moment;
    Sheet::new("Frameworks", spot.path, spot.params, moment)
        .column(Column::new("id", "Framework", |one: &FrameworkRow| Cell::text(&one.id)).show(move |one| {
            html! { div { a href=(links::framework(moment, &one.id)) { (one.title) } div.muted { (one.publisher) ", " (one.version) } } }
        }))
        .column(Column::new("requirements", "Requirements", |one: &FrameworkRow| Cell::Count(one.requirements)))
        .column(Column::new("answered", "Answered", |one: &FrameworkRow| Cell::Count(one.answered)))
        .column(Column::new("full", "In full", |one: &FrameworkRow| Cell::Count(one.full)))
        .column(Column::new("passing", "Answered ones by status", |one: &FrameworkRow| Cell::Count(one.tally.pass)).show(|one| {
            ui::tally(&one.tally, &one.title)
        }))
}

pub(crate) fn page(spot: Spot<'_>, rows: Vec<FrameworkRow>) -> Markup {
    html! {
        p { "A requirement has the heaviest status of the controls that answer it. What none answers has no status: it is neither passing nor failing." }
        div.card { (sheet(spot).page(rows)) }
    }
}

pub(crate) fn requirements<'a>(spot: Spot<'a>) -> Sheet<'a, RequirementView> {
    let moment = spot.moment;
    Sheet::new("Requirements", spot.path, spot.params, moment)
        .column(Column::new("id", "Requirement", |one: &RequirementView| Cell::text(&one.id)).show(|one| {
            html! {
                div #(one.id) {
                    strong { (one.id) } " " (one.title)
                    @if !one.text.is_empty() && one.text.trim_end_matches('.') != one.title.trim_end_matches('.') { details { summary { "Text" } p { (one.text) } } }
                }
            }
        }))
        .column(Column::new("title", "Title", |one: &RequirementView| Cell::text(&one.title)).export_only())
        .column(Column::new("status", "Status", |one: &RequirementView| Cell::Status(one.status)).show(|one| {
            html! { @match one.status { Some(status) => (ui::badge(status)), None => span.muted { "not answered" } } }
        }))
        .column(Column::new("coverage", "Coverage", |one: &RequirementView| {
            Cell::text(one.coverage.map_or("none", octro_model::Coverage::as_str))
        }))
        .column(
            Column::new("controls", "Controls", |one: &RequirementView| {
                Cell::Text(one.controls.iter().map(|control| control.id.as_str()).collect::<Vec<_>>().join(" "))
            })
            .show(move |one| answers(moment, one)),
        )
}

fn answers(moment: &Moment, one: &RequirementView) -> Markup {
    html! {
        div {
            @for control in &one.controls {
                div {
                    (ui::badge(control.status)) " "
                    a href=(links::control(moment, &control.id)) { (control.id) } " "
                    (control.title) " "
                    span.tag { (control.coverage) }
                    @if !control.note.is_empty() { " " span.muted { (control.note) } }
                }
            }
        }
    }
}

pub(crate) fn detail(spot: Spot<'_>, one: FrameworkView) -> Markup {
    let coverages = [("full", "full"), ("partial", "partial"), ("none", "not answered")];
    let coverages =
        coverages.into_iter().map(|(value, words)| (value.to_owned(), words.to_owned())).collect();
    let fields =
        [Filter::Text("q", "Search"), Filter::status(), Filter::Choice("coverage", "Coverage", coverages)];
    html! {
        div.card {
            (ui::facts(&[
                ("Publisher", html! { (one.row.publisher) ", " (one.row.version) }),
                ("Published at", html! { (one.url) }),
                ("Terms", html! { (one.licence) }),
                ("Wording", html! { @match one.text { Wording::Full => "the publisher's", Wording::Ids => "ids only, with titles in our own words" } }),
                ("Requirements", html! { (one.row.requirements) ", of which " (one.row.answered) " are answered, " (one.row.full) " in full" }),
            ]))
            (ui::tally(&one.row.tally, "Answered requirements"))
            (ui::tally_links(&one.row.tally, |status| spot.params.without(&["page"]).with("status", status.as_str()).href(spot.path)))
        }
        (ui::filters(spot.path, spot.params, spot.moment, &fields))
        div.card { (requirements(spot).page(one.rows)) }
    }
}
