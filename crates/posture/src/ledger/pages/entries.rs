//! The entries of the log, the newest first.

use maud::{Markup, html};
use octro_web::ui::{self, Cell, Column, Filter, Icon, Sheet};

use super::super::views::{EntriesView, EntryView, TYPES};
use crate::ask::Spot;

pub(crate) fn sheet<'a>(spot: Spot<'a>) -> Sheet<'a, EntryView> {
    let moment = spot.moment;
    Sheet::new("Entries", spot.path, spot.params, moment)
        .column(Column::new("index", "Entry", |one: &EntryView| Cell::Count(one.index)).fixed().show(
            move |one| {
                html! { a href=(moment.href(&format!("/ledger/entries/{}", one.index))) { (one.index) } }
            },
        ))
        .column(Column::new("type", "Type", |one: &EntryView| Cell::text(one.of)).fixed().show(|one| {
            html! { span.tag { (one.of) } }
        }))
        .column(Column::new("says", "What it says", |one: &EntryView| Cell::text(&one.says)).fixed())
        .column(Column::new("at", "Written", |one: &EntryView| Cell::Time(Some(one.at))).fixed())
        .column(Column::new("hash", "Hash", |one: &EntryView| Cell::text(&one.hash)).export_only())
        .column(Column::new("leaf", "Leaf", |one: &EntryView| Cell::text(&one.leaf)).export_only())
}

pub(crate) fn page(spot: Spot<'_>, view: &EntriesView) -> Markup {
    if view.size == 0 {
        return super::no_ledger();
    }
    let choices = TYPES.iter().map(|(name, words)| ((*name).to_owned(), (*words).to_owned())).collect();
    let params = spot.params.without(&["before", "page"]);
    let rows = sheet(spot).inner();
    html! {
        (ui::filters(spot.path, &params, spot.moment, &[Filter::Choice("type", "Type", choices)]))
        div.card {
            @if view.rows.is_empty() { p.muted { (none(view)) } }
            @else { (rows.table(&view.rows)) }
            (under(spot, view))
        }
    }
}

fn none(view: &EntriesView) -> String {
    match view.next {
        None => "No entry is of this type.".to_owned(),
        Some(next) => format!("None of this type from entry {next} on; older ones may be."),
    }
}

/// Where to go on, and the exports.
fn under(spot: Spot<'_>, view: &EntriesView) -> Markup {
    let params = spot.params.without(&["format", "page"]);
    let whole = params.without(&["before", "per"]);
    html! {
        div.under {
            @if let (Some(first), Some(last)) = (view.rows.first(), view.rows.last()) {
                span.muted { "entries " (first.index) " to " (last.index) "; the log has " (view.size) }
            }
            nav.pager aria-label="Pages" {
                @if spot.params.get("before").is_some() { a href=(params.without(&["before"]).href(spot.path)) { "Newest" } }
                @if let Some(next) = view.next { a rel="next" href=(params.with("before", &next.to_string()).href(spot.path)) { "Older" } }
            }
            span.exports {
                (ui::icon(Icon::Download))
                a href=(whole.with("format", "csv").href(spot.path)) { "CSV" }
                a href=(whole.with("format", "json").href(spot.path)) { "JSON" }
                @if view.size > ui::ROWS_MAX as u64 { span.muted { "the newest " (ui::ROWS_MAX) } }
            }
        }
    }
}
