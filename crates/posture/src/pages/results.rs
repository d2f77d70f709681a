//! Results: the status of resources under tests.

use maud::{Markup, html};
use octro_engine::{ResultView, Results};
use octro_model::Severity;
use octro_web::ui::{self, Cell, Column, Filter, Sheet};

use crate::ask::Spot;
use crate::links;

/// What a list of results leaves out, because the page around it says it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Of {
    /// Nothing.
    All,
    /// The test.
    Test,
    /// The resource.
    Resource,
}

pub(crate) fn sheet<'a>(spot: Spot<'a>, of: Of) -> Sheet<'a, ResultView> {
    let moment = spot.moment;
    let test = Column::new("test", "Test", |one: &ResultView| Cell::text(&one.test))
        .fixed()
        .show(move |one| html! { a href=(links::test(moment, &one.test)) { (one.title) } });
    let key = Column::new("key", "Resource", |one: &ResultView| Cell::text(&one.key)).fixed().show(move |one| {
        html! { a.key href=(links::resource(moment, &one.kind, &one.key)) { (one.key) } @if of == Of::All { div.muted { (one.kind) } } }
    });
    Sheet::new("Results", spot.path, spot.params, moment)
        .column(Column::new("status", "Status", |one: &ResultView| one.status.into()).fixed())
        .column(if of == Of::Test { test.export_only() } else { test })
        .column(Column::new("kind", "Kind", |one: &ResultView| Cell::text(&one.kind)).export_only())
        .column(if of == Of::Resource { key.export_only() } else { key })
        .column(Column::new("reason", "Reason", |one: &ResultView| Cell::text(&one.reason)).fixed())
        .column(severity(of))
        .column(Column::new("since", "Since", |one: &ResultView| Cell::Time(Some(one.since))))
        .column(
            Column::new("known_at", "Known at", |one: &ResultView| Cell::Time(Some(one.known_at)))
                .export_only(),
        )
        .column(Column::new("seen_at", "Last seen", |one: &ResultView| Cell::Time(Some(one.seen_at))).fixed())
        .column(Column::new("rev", "Revision", |one: &ResultView| Cell::Count(one.rev.into())).export_only())
        .column(
            Column::new("why", "", |_: &ResultView| Cell::text(""))
                .fixed()
                .show(move |one| links::why_link(moment, &one.test, &one.kind, &one.key)),
        )
}

fn severity<'a>(of: Of) -> Column<'a, ResultView> {
    let column = Column::new("severity", "Severity", |one: &ResultView| Cell::text(one.severity)).fixed();
    if of == Of::Test { column.export_only() } else { column }
}

pub(crate) fn page(spot: Spot<'_>, results: &Results) -> Markup {
    let severities = Severity::ALL.iter().map(|one| (one.to_string(), one.to_string())).collect();
    let sorts = [("", "what needs a person"), ("newest", "newest change"), ("oldest", "oldest change")];
    let sorts = sorts.into_iter().map(|(value, words)| (value.to_owned(), words.to_owned())).collect();
    let fields = [
        Filter::Text("q", "Resource"),
        Filter::status(),
        Filter::Choice("severity", "Severity", severities),
        Filter::Choice("sort", "First", sorts),
    ];
    let names = ["test", "control", "kind", "key"];
    let chosen: Vec<_> = names.iter().filter_map(|name| Some((*name, spot.params.get(name)?))).collect();
    html! {
        @if !chosen.is_empty() {
            p.row {
                "Of "
                @for (name, value) in &chosen {
                    span.tag { (name) " " (value) }
                }
                a href=(spot.params.without(&names).without(&["page"]).href(spot.path)) { "All results" }
            }
        }
        (ui::filters(spot.path, spot.params, spot.moment, &fields))
        div.card { (sheet(spot, Of::All).part(&results.rows, results.total)) }
    }
}
