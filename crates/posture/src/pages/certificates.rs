//! The calendar of certificates: which end when, and who shows them.

use maud::{Markup, html};
use octro_engine::CertificateRow;
use octro_model::{Span, Timestamp};
use octro_web::ui::{self, Bar, Cell, Column, Filter, Sheet};

use crate::ask::Spot;
use crate::links;

const KIND: &str = "tls.certificate";
/// The calendar's columns, each so many days.
const WEEKS: i64 = 26;
const WEEK: Span = Span::from_secs(7 * 86_400);

pub(crate) fn sheet<'a>(spot: Spot<'a>) -> Sheet<'a, CertificateRow> {
    let moment = spot.moment;
    Sheet::new("Certificates", spot.path, spot.params, moment)
        .column(Column::new("status", "Status", |row: &CertificateRow| Cell::Status(row.status)))
        .column(Column::new("subject", "Names", |row: &CertificateRow| Cell::text(&row.subject)).show(
            move |row| html! { a.key href=(links::resource(moment, KIND, &row.key)) { @if row.subject.is_empty() { (row.key) } @else { (row.subject) } } },
        ))
        .column(Column::new("not_after", "Ends", |row: &CertificateRow| Cell::Time(row.not_after)).show(
            move |row| match row.not_after {
                Some(at) => ui::time(at, moment.at),
                None => html! { span.muted { "not known" } },
            },
        ))
        .column(Column::new("issuer", "Issued by", |row: &CertificateRow| Cell::text(&row.issuer)))
        .column(Column::new("key_type", "Key", |row: &CertificateRow| {
            Cell::Text(match row.key_bits {
                Some(bits) => format!("{} {bits}", row.key_type),
                None => row.key_type.clone(),
            })
        }))
        .column(Column::new("endpoints", "Shown by", |row: &CertificateRow| Cell::Count(row.endpoints)))
        .column(Column::new("key", "SHA-256", |row: &CertificateRow| Cell::text(&row.key)).export_only())
}

/// How many end in each week from `now` on.
fn calendar(rows: &[CertificateRow], now: Timestamp) -> Vec<Bar> {
    (0..WEEKS)
        .map(|week| {
            let from = now.plus(Span::from_secs(week * WEEK.secs()));
            let to = from.plus(WEEK);
            let ending =
                rows.iter().filter(|row| row.not_after.is_some_and(|at| from <= at && at < to)).count();
            let date = from.date();
            Bar {
                label: date.get(5..).unwrap_or(&date).to_owned(),
                value: Some(ending as f64),
                said: format!("{ending} in the week from {date}"),
            }
        })
        .collect()
}

pub(crate) fn page(spot: Spot<'_>, rows: Vec<CertificateRow>) -> Markup {
    let now = spot.moment.at;
    let ended = rows.iter().filter(|row| row.not_after.is_some_and(|at| at <= now)).count();
    let soon = rows
        .iter()
        .filter(|row| row.not_after.is_some_and(|at| at > now && at < now.plus(Span::from_secs(21 * 86_400))))
        .count();
    let unknown = rows.iter().filter(|row| row.not_after.is_none()).count();
    let within = ["7", "21", "30", "90"].map(|days| (days.to_owned(), format!("{days} days")));
    let filters = [
        Filter::Choice("within", "Ends within", within.to_vec()),
        Filter::status(),
        Filter::Text("q", "Name or issuer"),
    ];
    html! {
        p {
            "Certificates that endpoints show, those that end first first. "
            strong { (ended) } " ended, " strong { (soon) } " end within 21 days"
            @if unknown > 0 { ", of " strong { (unknown) } " nobody knows when" }
            "."
        }
        (ui::filters(spot.path, spot.params, spot.moment, &filters))
        @if rows.is_empty() {
            (ui::empty("No certificate is known.", &html! { "A source with the connector " code { "tls" } " fills this page: see " a href=(spot.moment.href("/sources")) { "Sources" } "." }))
        } @else {
            (ui::section("calendar", "The next half year", &ui::bars("Certificates that end, by week", &calendar(&rows, now), None)))
            (sheet(spot).page(rows))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_in_the_week_in_which_it_ends() {
        let now: Timestamp = "2026-03-02T00:00:00Z".parse().unwrap();
        let ending = |at: &str| CertificateRow {
            key: at.to_owned(),
            subject: String::new(),
            issuer: String::new(),
            not_after: at.parse().ok(),
            key_type: String::new(),
            key_bits: None,
            endpoints: 1,
            status: None,
        };
        let rows = [
            "2026-03-01T23:59:59Z",
            "2026-03-02T00:00:00Z",
            "2026-03-08T23:59:59Z",
            "2026-03-09T00:00:00Z",
            "?",
        ]
        .map(ending);
        let values: Vec<f64> = calendar(&rows, now).iter().filter_map(|bar| bar.value).collect();
        assert_eq!(values.get(..3).unwrap(), [2.0, 1.0, 0.0]);
        assert_eq!(values.len(), 26);
        assert_eq!(calendar(&rows, now).get(1).unwrap().label, "03-09");
    }
}
