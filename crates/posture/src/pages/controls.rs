//! All controls.

use maud::{Markup, html};
use octro_engine::ControlView;
use octro_model::Layer;
use octro_program::Program;
use octro_web::ui::{self, Cell, Column, Filter, Sheet};

use crate::ask::Spot;
use crate::links;

pub(crate) fn sheet<'a>(spot: Spot<'a>, program: &'a Program) -> Sheet<'a, ControlView> {
    let moment = spot.moment;
    Sheet::new("Controls", spot.path, spot.params, moment)
        .column(Column::new("status", "Status", |one: &ControlView| one.status.into()))
        .column(Column::new("id", "Control", |one: &ControlView| Cell::text(&one.id)).show(move |one| {
            html! { a href=(links::control(moment, &one.id)) { (one.id) } " " (one.title) div.muted { (one.reason) } }
        }))
        .column(Column::new("title", "Title", |one: &ControlView| Cell::text(&one.title)).export_only())
        .column(Column::new("part", "Part", |one: &ControlView| Cell::text(&one.part)).show(|one| {
            html! { (program.part_title(&one.part).unwrap_or(&one.part)) }
        }))
        .column(Column::new("layer", "Layer", |one: &ControlView| Cell::text(one.layer)))
        .column(Column::new("owner", "Owner", |one: &ControlView| Cell::text(&one.owner)).show(|one| {
            html! { (program.roles.get(one.owner.as_str()).map_or(one.owner.as_str(), |role| &role.title)) }
        }))
        .column(Column::new("failing", "Resources", |one: &ControlView| Cell::Count(one.tally.fail)).show(move |one| {
            html! { (ui::tally(&one.tally, &one.id)) }
        }))
        .column(Column::new("judged", "Judged", |one: &ControlView| Cell::Count(one.tally.judged())).export_only())
        .column(Column::new("evidence_at", "Evidence", |one: &ControlView| Cell::Time(one.evidence_at)))
        .column(Column::new("reason", "Why", |one: &ControlView| Cell::text(&one.reason)).export_only())
}

pub(crate) fn page(spot: Spot<'_>, program: &Program, rows: Vec<ControlView>) -> Markup {
    let parts = program.parts.iter().map(|(id, title)| (id.to_string(), title.clone())).collect();
    let owners = program.roles.values().map(|role| (role.id.to_string(), role.title.clone())).collect();
    let layers = Layer::ALL.iter().map(|layer| (layer.to_string(), layer.to_string())).collect();
    let fields = [
        Filter::Text("q", "Search"),
        Filter::Choice("part", "Part", parts),
        Filter::status(),
        Filter::Choice("layer", "Layer", layers),
        Filter::Choice("owner", "Owner", owners),
    ];
    html! {
        (ui::filters(spot.path, spot.params, spot.moment, &fields))
        div.card { (sheet(spot, program).page(rows)) }
    }
}
