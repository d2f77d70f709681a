//! All resources, or those of one kind.

use maud::{Markup, html};
use octro_engine::ResourceRow;
use octro_program::Program;
use octro_web::ui::{self, Cell, Column, Filter, Sheet};

use crate::ask::Spot;
use crate::links;

pub(crate) fn sheet<'a>(spot: Spot<'a>) -> Sheet<'a, ResourceRow> {
    let moment = spot.moment;
    Sheet::new("Resources", spot.path, spot.params, moment)
        .column(Column::new("status", "Heaviest", |one: &ResourceRow| Cell::Status(one.status)).fixed().show(|one| {
            html! { @match one.status { Some(status) => (ui::badge(status)), None => span.muted { "not judged" } } }
        }))
        .column(Column::new("key", "Resource", |one: &ResourceRow| Cell::text(&one.key)).fixed().show(move |one| {
            html! { div { a.key href=(links::resource(moment, &one.kind, &one.key)) { (one.key) } @if one.gone { " " span.tag { "gone" } } } }
        }))
        .column(Column::new("kind", "Kind", |one: &ResourceRow| Cell::text(&one.kind)).fixed())
        .column(Column::new("failing", "Results", |one: &ResourceRow| Cell::Count(one.tally.fail)).fixed().show(|one| {
            ui::tally(&one.tally, "Results")
        }))
        .column(Column::new("changed_at", "Changed", |one: &ResourceRow| Cell::Time(Some(one.changed_at))).fixed())
        .column(Column::new("first_seen_at", "First seen", |one: &ResourceRow| Cell::Time(Some(one.first_seen_at))).fixed())
        .column(Column::new("gone", "Gone", |one: &ResourceRow| Cell::text(one.gone)).export_only())
}

pub(crate) fn page(spot: Spot<'_>, program: &Program, rows: &[ResourceRow], total: u64) -> Markup {
    let kinds = program.kinds.iter().map(|layout| layout.kind());
    let kinds = kinds.map(|kind| (kind.id.to_string(), format!("{} ({})", kind.title, kind.id))).collect();
    let fields = [
        Filter::Text("q", "Key"),
        Filter::Choice("kind", "Kind", kinds),
        Filter::status(),
        Filter::Choice("gone", "Gone ones, too", vec![("yes".to_owned(), "yes".to_owned())]),
    ];
    let chosen = spot.params.get("kind").and_then(|id| program.kinds.get(id));
    html! {
        (ui::filters(spot.path, spot.params, spot.moment, &fields))
        @if let Some(layout) = chosen {
            @let kind = layout.kind();
            p { strong { (kind.title) ". " } (kind.doc) " " a href=(spot.moment.link("/tests", &[("kind", &kind.id)])) { "Its tests" } }
        }
        div.card { (sheet(spot).part(rows, total)) }
    }
}
