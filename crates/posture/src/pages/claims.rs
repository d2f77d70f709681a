//! Claims: public sentences, and whether what is behind them is true at this moment.

use maud::{Markup, html};
use octro_web::ui::{self, Cell, Column, Filter, Sheet};

use super::policies::markdown;
use crate::ask::Spot;
use crate::links;
use crate::standards::ClaimView;

pub(crate) fn sheet<'a>(spot: Spot<'a>) -> Sheet<'a, ClaimView> {
    Sheet::new("Claims", spot.path, spot.params, spot.moment)
        .column(Column::new("status", "Status", |one: &ClaimView| one.status.into()))
        .column(Column::new("id", "Claim", |one: &ClaimView| Cell::text(&one.id)))
        .column(Column::new("title", "Title", |one: &ClaimView| Cell::text(&one.title)))
        .column(Column::new("body", "Text", |one: &ClaimView| Cell::text(&one.body)))
        .column(Column::new("controls", "Controls", |one: &ClaimView| {
            Cell::Text(one.controls.iter().map(|control| control.id.as_str()).collect::<Vec<_>>().join(" "))
        }))
}

pub(crate) fn page(spot: Spot<'_>, rows: &[ClaimView]) -> Markup {
    let export = |format: &str| spot.params.with("format", format).href(spot.path);
    html! {
        p { "What the company says in public. A claim has the heaviest status of the controls behind it." }
        (ui::filters(spot.path, spot.params, spot.moment, &[Filter::status()]))
        @if rows.is_empty() { (ui::empty("No claim.", &html! { "The program's folder `claims` holds them." })) }
        @for one in rows {
            section #(one.id) {
                div.row { (ui::badge(one.status)) h2 { (one.title) } }
                div.prose { (markdown(&one.body, &[])) }
                ul.counts {
                    @for control in &one.controls {
                        li { (ui::badge(control.status)) " " a href=(links::control(spot.moment, &control.id)) { (control.id) } " " (control.title) }
                    }
                }
            }
        }
        div.under { span.exports { (ui::icon(ui::Icon::Download)) a href=(export("csv")) { "CSV" } a href=(export("json")) { "JSON" } } }
    }
}
