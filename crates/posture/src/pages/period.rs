//! A period of a control or test: what an auditor asks for.

use maud::{Markup, html};
use octro_engine::{Period, PopulationView, Repair, Segment, Strip};
use octro_model::{Status, Tally, Timestamp};
use octro_program::Program;
use octro_web::Moment;
use octro_web::ui::{self, Cell, Column, Sheet, Stretch};

use crate::ask::Spot;
use crate::links;

/// The stretches of a period as exports have them: the strip's subject and id beside each.
#[derive(serde::Serialize)]
pub(crate) struct Row<'a> {
    pub(crate) subject: &'static str,
    pub(crate) id: &'a str,
    #[serde(flatten)]
    pub(crate) segment: &'a Segment,
}

pub(crate) fn rows(period: &Period) -> Vec<Row<'_>> {
    period
        .strips
        .iter()
        .flat_map(|strip| {
            strip.segments.iter().map(move |segment| Row { subject: strip.subject, id: &strip.id, segment })
        })
        .collect()
}

pub(crate) fn sheet<'a>(spot: Spot<'a>) -> Sheet<'a, Row<'a>> {
    Sheet::new("Stretches", spot.path, spot.params, spot.moment)
        .column(Column::new("subject", "Of", |row: &Row<'_>| Cell::text(row.subject)))
        .column(Column::new("id", "Id", |row: &Row<'_>| Cell::text(row.id)))
        .column(Column::new("status", "Status", |row: &Row<'_>| Cell::Status(row.segment.status)))
        .column(Column::new("from", "From", |row: &Row<'_>| Cell::Time(Some(row.segment.from))))
        .column(Column::new("to", "To", |row: &Row<'_>| Cell::Time(Some(row.segment.to))))
        .column(Column::new("reason", "Why", |row: &Row<'_>| Cell::text(&row.segment.reason)))
}

/// The choice of a period; without an id, the choice of a control.
pub(crate) fn chooser(spot: Spot<'_>, program: &Program, from: Timestamp, to: Timestamp) -> Markup {
    let (params, moment) = (spot.params, spot.moment);
    let id = params.get("id").unwrap_or_default();
    let is_test = params.get("subject") == Some("test");
    html! {
        form.filters action=(spot.path) method="get" {
            @if let Some(as_of) = params.get("as_of") { input type="hidden" name="as_of" value=(as_of); }
            @if is_test { input type="hidden" name="subject" value="test"; }
            label { span { @if is_test { "Test" } @else { "Control" } } select name="id" {
                @if is_test {
                    @for test in program.tests.values() { option value=(test.id) selected[test.id.as_str() == id] { (test.title) } }
                } @else {
                    @for control in program.controls.values() { option value=(control.id) selected[control.id.as_str() == id] { (control.id) " " (control.title) } }
                }
            } }
            label { span { "From" } input type="date" name="from" value=(from.date()) max=(moment.now.date()); }
            label { span { "Until the start of" } input type="date" name="to" value=(params.get("to").map(|_| to.date()).unwrap_or_default()); }
            label { span { "As known on" } input type="date" name="known_at" value=(params.get("known_at").map(|_| moment.known_at.date()).unwrap_or_default()) max=(moment.now.date()); }
            button { "Show" }
        }
        @if !id.is_empty() {
            p.row {
                @for (words, from, to) in presets(moment.now) {
                    a.button href=(params.with("from", &from).with("to", &to).without(&["page"]).href(spot.path)) { (words) }
                }
            }
        }
    }
}

/// This quarter, the last one, twelve months: the words, and `from` and `to` as dates.
fn presets(now: Timestamp) -> Vec<(&'static str, String, String)> {
    let date = now.date();
    let mut parts = date.split('-').filter_map(|part| part.parse::<i32>().ok());
    let (Some(year), Some(month)) = (parts.next(), parts.next()) else { return Vec::new() };
    let quarter = |back: i32| {
        let months = year * 12 + (month - 1) / 3 * 3 - back * 3;
        format!("{:04}-{:02}-01", months.div_euclid(12), months.rem_euclid(12) + 1)
    };
    let day = date.get(8..).filter(|day| *day != "29" || month != 2).unwrap_or("28");
    vec![
        ("This quarter", quarter(0), String::new()),
        ("Last quarter", quarter(1), quarter(0)),
        ("12 months", format!("{:04}-{month:02}-{day}", year - 1), String::new()),
    ]
}

pub(crate) fn page(spot: Spot<'_>, view: &Period, proof: &Markup) -> Markup {
    let moment = spot.moment;
    html! {
        p.muted {
            (view.from.minute()) " – " (view.to.minute()) ", as known at " (view.known_at.minute()) "."
        }
        @if let Some(strip) = view.strip() { (ui::section("strip", "Status over the period", &one_strip(strip, view, true))) }
        div.two {
            div { (ui::section("figures", "Figures", &figures(moment, view))) (proof) }
            (ui::section("population", "Population", &html! {
                (population("At the beginning", &view.tally_from, &view.population_from))
                (population("At the end", &view.tally_to, &view.population_to))
                p.muted { "The hash is SHA-256 over the sorted kinds and keys: two lists are the same if their hashes are." }
            }))
        }
        @let tests: Vec<&Strip> = view.strips.iter().skip(1).collect();
        @if !tests.is_empty() {
            (ui::section("tests", "Its tests", &html! {
                @for strip in tests {
                    h3 { a href=(links::test(moment, &strip.id)) { (strip.title) } }
                    (one_strip(strip, view, false))
                }
            }))
        }
        (ui::section("repairs", "Repairs", &repairs(moment, &view.repairs)))
        (ui::section("stretches", "Every stretch", &sheet(spot).page(rows(view))))
    }
}

fn one_strip(strip: &Strip, view: &Period, large: bool) -> Markup {
    let stretch = |one: &Segment| Stretch { from: one.from, to: one.to, status: one.status };
    let stretches: Vec<Stretch> = strip.segments.iter().map(stretch).collect();
    html! {
        (ui::strip(&strip.title, &stretches, view.from, view.to))
        ul.counts {
            @for (status, share) in strip.shares.iter().filter(|(_, share)| *share > 0.0) {
                li { (ui::badge(*status)) " " (ui::share(Some(*share))) }
            }
            @if strip.shares.iter().all(|(_, share)| *share <= 0.0) { li.muted { "not in force in this period" } }
            @if large { li.muted { (strip.transitions) @if strip.transitions == 1 { " change" } @else { " changes" } } }
        }
    }
}

fn figures(moment: &Moment, view: &Period) -> Markup {
    let passing = view.strip().and_then(|strip| {
        strip.shares.iter().find(|(status, _)| *status == Status::Pass).map(|(_, share)| *share)
    });
    ui::facts(&[
        ("Share of time passing", html! { (ui::meter(passing, "Share of time passing")) }),
        ("Repairs", html! { (view.repairs.len()) @if view.repairs.len() >= 10_000 { " or more" } }),
        (
            "Mean time to repair",
            html! { (view.mean_time_to_repair.map_or("–".to_owned(), octro_model::Span::human)) },
        ),
        ("Open failures at the end", html! { (view.open_failures) }),
        (
            "Longest gap of evidence",
            match &view.largest_gap {
                None => html! { "no source yields its kinds" },
                Some(gap) => html! {
                    (gap.length().human()) " of " (gap.kind) " from " a href=(links::source(moment, &gap.source)) { (gap.source) }
                    div.muted { (gap.from.minute()) " – " (gap.to.minute()) }
                },
            },
        ),
    ])
}

fn population(title: &str, counts: &Tally, view: &PopulationView) -> Markup {
    html! {
        h3 { (title) }
        (ui::tally(counts, title))
        p { (view.count) " resources judged" br; code { (view.hash) } }
    }
}

fn repairs(moment: &Moment, all: &[Repair]) -> Markup {
    if all.is_empty() {
        return html! { p.muted { "No failure ended in this period." } };
    }
    html! {
        div.wide tabindex="0" role="group" aria-label="Repairs" {
            table {
                caption.vh { "Failures that ended, the latest first" }
                thead { tr { th scope="col" { "Resource" } th scope="col" { "Test" } th scope="col" { "Failed" } th scope="col" { "Repaired" } th scope="col" { "Took" } } }
                tbody {
                    @for one in all.iter().take(200) {
                        tr {
                            td data-label="Resource" { a.key href=(links::resource(moment, &one.kind, &one.key)) { (one.key) } }
                            td data-label="Test" { a href=(links::test(moment, &one.test)) { (one.test) } }
                            td data-label="Failed" { (ui::time(one.failed_at, moment.now)) }
                            td data-label="Repaired" { (ui::time(one.repaired_at, moment.now)) }
                            td data-label="Took" { (one.repaired_at.since(one.failed_at).human()) }
                        }
                    }
                }
            }
        }
        @if all.len() > 200 { p.muted { "The latest 200 of " (all.len()) "; the API answers all." } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quarters_begin_where_they_should() {
        let of = |now: &str| presets(now.parse().unwrap());
        let january = of("2026-01-15");
        assert_eq!(
            (january[0].1.as_str(), january[1].1.as_str(), january[1].2.as_str()),
            ("2026-01-01", "2025-10-01", "2026-01-01")
        );
        assert_eq!(of("2026-12-31")[0].1, "2026-10-01");
        assert_eq!(of("2028-02-29")[2].1, "2027-02-28");
    }
}
