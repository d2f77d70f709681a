//! The principles of the program, measured.

use maud::{Markup, html};
use octro_engine::{Consistency, Depth, Month, Principles};
use octro_model::{Id, Layer, Span};
use octro_web::Moment;
use octro_web::ui::{self, Bar, Cell, Column, Sheet};

use crate::ask::Spot;
use crate::links;

pub(crate) fn page(spot: Spot<'_>, view: &Principles) -> Markup {
    html! {
        p { "Not stated but measured, from the same facts as everything else. Least privilege is measured once Octro knows who has access to what." }
        (ui::section("depth", "Defense in depth", &depth(spot.moment, &view.depth)))
        (ui::section("maturing", "Continuous maturing", &months(&view.months)))
        (ui::section("consistency", "Consistency over the whole company", &html! {
            p { "The share of the known inventory that each control could really judge, the least covered first." }
            (sheet(spot).inner().table(&view.consistency))
        }))
    }
}

pub(crate) fn sheet<'a>(spot: Spot<'a>) -> Sheet<'a, Consistency> {
    let moment = spot.moment;
    Sheet::new("Consistency", spot.path, spot.params, moment)
        .column(Column::new("control", "Control", |one: &Consistency| Cell::text(&one.control)).show(move |one| {
            html! { div { a href=(links::control(moment, &one.control)) { (one.control) } " " (one.title) } }
        }))
        .column(Column::new("share", "Really judged", |one: &Consistency| Cell::Share(one.share)).show(|one| ui::meter(one.share, "Really judged")))
        .column(Column::new("judged", "Judged", |one: &Consistency| Cell::Count(one.judged)))
        .column(Column::new("known", "Known", |one: &Consistency| Cell::Count(one.known)))
        .column(Column::new("complete", "Inventory", |one: &Consistency| {
            Cell::text(if one.complete { "known completely" } else { "not known completely" })
        }))
        .column(
            Column::new("no_source", "Without a source", |one: &Consistency| {
                Cell::Text(one.no_source.iter().map(Id::as_str).collect::<Vec<_>>().join(" "))
            })
            .show(|one| html! { span.tags { @for kind in &one.no_source { span.tag { (kind) } } } }),
        )
}

fn depth(moment: &Moment, all: &[Depth]) -> Markup {
    if all.is_empty() {
        return html! { p.muted { "The program names no asset classes." } };
    }
    html! {
        p { "Controls that pass, out of those that protect the class, by the layer in which they work." }
        div.wide tabindex="0" role="group" aria-label="Defense in depth" {
            table.depth {
                caption.vh { "Layers of controls by asset class" }
                thead { tr { th scope="col" { "Asset class" } @for layer in Layer::ALL { th scope="col" { (layer) } } th scope="col" { "Layers passing" } } }
                tbody {
                    @for one in all {
                        tr {
                            td data-label="Asset class" { (one.title) }
                            @for (layer, controls, passing) in &one.layers {
                                td data-label=(layer) {
                                    @if *controls == 0 { span.muted { "none" } }
                                    @else { a href=(moment.link("/controls", &[("layer", layer.as_str())])) { (passing) " of " (controls) } }
                                }
                            }
                            td data-label="Layers passing" { strong { (one.passing) } " of " (Layer::ALL.len()) }
                        }
                    }
                }
            }
        }
    }
}

/// The month of `2026-03` in three letters.
fn short(month: &str) -> &str {
    const NAMES: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let number = month.get(5..7).and_then(|number| number.parse::<usize>().ok());
    number.and_then(|number| NAMES.get(number.checked_sub(1)?).copied()).unwrap_or(month)
}

fn months(all: &[Month]) -> Markup {
    let label = |month: &Month| short(&month.month).to_owned();
    let bars = |value: fn(&Month) -> Option<f64>, said: fn(&Month) -> String| -> Vec<Bar> {
        all.iter().map(|month| Bar { label: label(month), value: value(month), said: said(month) }).collect()
    };
    let days = |span: Option<Span>| span.map(|span| span.secs() as f64 / 86_400.0);
    let said = |span: Option<Span>| span.map_or("no repair".to_owned(), Span::human);
    html! {
        div.grid {
            div {
                h3 { "Share of time passing" }
                (ui::bars("Share of time passing by month", &bars(|one| one.share_passing, |one| ui::share(one.share_passing)), Some(1.0)))
            }
            div {
                h3 { "Mean time to repair" }
                (ui::bars(
                    "Mean time to repair by month",
                    &all.iter().map(|one| Bar { label: label(one), value: days(one.mean_time_to_repair), said: said(one.mean_time_to_repair) }).collect::<Vec<_>>(),
                    None,
                ))
            }
            div {
                h3 { "Friction: exceptions in force" }
                (ui::bars("Exceptions in force by month", &bars(|one| Some(one.exceptions as f64), |one| one.exceptions.to_string()), None))
            }
        }
        div.wide tabindex="0" role="group" aria-label="Months" {
            table {
                caption.vh { "By month" }
                thead { tr { th scope="col" { "Month" } th.num scope="col" { "Passing" } th.num scope="col" { "Repairs" } th.num scope="col" { "Mean time to repair" } th.num scope="col" { "Exceptions" } th.num scope="col" { "Failing at its end" } } }
                tbody {
                    @for one in all {
                        tr {
                            td data-label="Month" { (one.month) }
                            td.num data-label="Passing" { (ui::share(one.share_passing)) }
                            td.num data-label="Repairs" { (one.repairs) }
                            td.num data-label="Mean time to repair" { (one.mean_time_to_repair.map_or("–".to_owned(), Span::human)) }
                            td.num data-label="Exceptions" { (one.exceptions) }
                            td.num data-label="Failing at its end" { (one.failing) }
                        }
                    }
                }
            }
        }
    }
}
