//! The data map: classes of data by sorts of stores, and how each is protected.

use maud::{Markup, html};
use octro_engine::{DataClass, DataMap, DataQuestion, DataRow};
use octro_model::{Status, Tally};
use octro_web::ui::{self, Cell, Column, Filter, Sheet};

use crate::ask::Spot;
use crate::links;

/// A class as filters and exports name it.
pub(crate) fn class(of: &DataClass) -> &str {
    match of {
        DataClass::Class(class) => class,
        DataClass::Unclassified => "unclassified",
        DataClass::Unknown => "unknown",
    }
}

/// The status that counts of some results.
fn heaviest(counts: &Tally) -> Option<Status> {
    counts.parts().filter(|(_, count)| *count > 0).map(|(status, _)| status).max_by_key(|one| one.weight())
}

pub(crate) fn sheet<'a>(spot: Spot<'a>, questions: &'a [DataQuestion]) -> Sheet<'a, DataRow> {
    let moment = spot.moment;
    let mut sheet = Sheet::new("Data", spot.path, spot.params, moment)
        .column(Column::new("class", "Data", |row: &DataRow| Cell::text(class(&row.class))).show(|row| {
            html! {
                @match &row.class {
                    DataClass::Class(class) => strong { (class) },
                    DataClass::Unclassified => { (ui::badge(Status::Unknown)) " unclassified" },
                    DataClass::Unknown => { (ui::badge(Status::Unknown)) " not readable" },
                }
            }
        }))
        .column(
            Column::new("kind", "Stores", |row: &DataRow| Cell::text(&row.kind_title)).show(move |row| {
                html! {
                    a href=(links::kind(moment, &row.kind)) { (row.kind_title) }
                    @if !row.complete { " " span.tag { "not all known" } }
                }
            }),
        )
        .column(
            Column::new("place", "Where", |row: &DataRow| Cell::text(&row.place))
                .show(|row| html! { @if row.place.is_empty() { span.muted { "not said" } } @else { span.key { (row.place) } } }),
        )
        .column(Column::new("stores", "How many", |row: &DataRow| Cell::Count(row.stores)));
    for (number, question) in questions.iter().enumerate() {
        let answer = move |row: &DataRow| row.answers.get(number).copied().flatten();
        sheet = sheet.column(
            Column::new(question.control.as_str(), question.control.as_str(), move |row: &DataRow| {
                Cell::Status(answer(row).as_ref().and_then(heaviest))
            })
            .show(move |row| {
                let href = moment
                    .link("/results", &[("control", question.control.as_str()), ("kind", row.kind.as_str())]);
                cell(answer(row).as_ref(), &href, &question.title)
            }),
        );
    }
    sheet
}

/// What the results of a row under a question come to.
fn cell(counts: Option<&Tally>, href: &str, title: &str) -> Markup {
    let Some(counts) = counts else { return html! { span.muted { "not asked" } } };
    let Some(status) = heaviest(counts) else { return html! { span.muted { "not judged" } } };
    html! {
        a href=(href) title=(title) { (ui::badge(status)) }
        @if counts.all() != counts[status] {
            span.muted { " " (counts[status]) " of " (counts.all()) }
            (ui::tally(counts, title))
        }
    }
}

pub(crate) fn page(spot: Spot<'_>, map: &DataMap) -> Markup {
    let mut classes: Vec<(String, String)> =
        map.rows.iter().map(|row| (class(&row.class).to_owned(), class(&row.class).to_owned())).collect();
    classes.sort_unstable();
    classes.dedup();
    let mut kinds: Vec<(String, String)> =
        map.rows.iter().map(|row| (row.kind.to_string(), row.kind_title.clone())).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let filters = [
        Filter::Choice("class", "Data", classes),
        Filter::Choice("kind", "Stores", kinds),
        Filter::status(),
        Filter::Text("q", "Where"),
    ];
    html! {
        p { "What is kept where, and what the program's controls say of it. The heaviest result counts; where they differ, the bar shows all of them. A store that nobody classified is a task for its owner: the tag " code { "data-class" } ", or a scope that is declared." }
        (ui::filters(spot.path, spot.params, spot.moment, &filters))
        @if map.cut { p.banner { "There are more stores than one map shows. Export the resources for the rest." } }
        @if map.rows.is_empty() {
            (ui::empty("No datastore is known.", &html! { "A source that tells of databases, buckets or volumes fills this page: see " a href=(spot.moment.href("/sources")) { "Sources" } "." }))
        } @else {
            ul.counts.legend { @for question in &map.questions { li { a href=(links::control(spot.moment, &question.control)) { (question.control) } " " (question.title) } } }
            (sheet(spot, &map.questions).page(map.rows.clone()))
        }
        @if !map.unseen.is_empty() {
            (ui::section("unseen", "Sorts of stores that no source tells of", &html! {
                p { "If the company has any of these, nothing here speaks of them." }
                p.tags { @for (kind, title) in &map.unseen { span.tag title=(kind) { (title) } " " } }
            }))
        }
    }
}
