//! All tests.

use maud::{Markup, html};
use octro_engine::TestView;
use octro_model::{Id, Severity};
use octro_program::Program;
use octro_web::ui::{self, Cell, Column, Filter, Sheet};

use crate::ask::Spot;
use crate::links;

pub(crate) fn sheet<'a>(spot: Spot<'a>) -> Sheet<'a, TestView> {
    let moment = spot.moment;
    Sheet::new("Tests", spot.path, spot.params, moment)
        .column(Column::new("status", "Status", |one: &TestView| one.status.into()))
        .column(Column::new("id", "Test", |one: &TestView| Cell::text(&one.id)).show(move |one| {
            html! { a href=(links::test(moment, &one.id)) { (one.title) } div.muted { (one.id) } div.muted { (one.reason) } }
        }))
        .column(Column::new("title", "Title", |one: &TestView| Cell::text(&one.title)).export_only())
        .column(Column::new("severity", "Severity", |one: &TestView| Cell::text(one.severity)))
        .column(Column::new("kind", "Kind", |one: &TestView| Cell::text(&one.on)).show(move |one| {
            html! { a href=(links::kind(moment, &one.on)) { (one.on) } }
        }))
        .column(Column::new("failing", "Resources", |one: &TestView| Cell::Count(one.tally.fail)).show(|one| {
            ui::tally(&one.tally, &one.title)
        }))
        .column(Column::new("judged", "Judged", |one: &TestView| Cell::Count(one.tally.judged())).export_only())
        .column(
            Column::new("controls", "Controls", |one: &TestView| {
                Cell::Text(one.controls.iter().map(Id::as_str).collect::<Vec<_>>().join(" "))
            })
            .show(move |one| links::controls(moment, one.controls.iter().map(Id::as_str))),
        )
        .column(Column::new("reason", "Why", |one: &TestView| Cell::text(&one.reason)).export_only())
}

pub(crate) fn page(spot: Spot<'_>, program: &Program, rows: Vec<TestView>) -> Markup {
    let parts = program.parts.iter().map(|(id, title)| (id.to_string(), title.clone())).collect();
    let severities = Severity::ALL.iter().map(|one| (one.to_string(), one.to_string())).collect();
    let fields = [
        Filter::Text("q", "Search"),
        Filter::Choice("part", "Part", parts),
        Filter::status(),
        Filter::Choice("severity", "Severity", severities),
    ];
    html! {
        (ui::filters(spot.path, spot.params, spot.moment, &fields))
        div.card { (sheet(spot).page(rows)) }
    }
}
