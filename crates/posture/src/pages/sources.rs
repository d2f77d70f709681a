//! Sources: what they cover, how their runs went, what went wrong and how to mend it.

use maud::{Markup, html};
use octro_engine::{CollectionView, ScopeView, SourceView};
use octro_model::{Span, Status, Tally};
use octro_web::Moment;
use octro_web::ui::{self, Cell, Column, Icon, Sheet};

use crate::ask::Spot;
use crate::links;

/// What is said of a source in one word: it runs and covers all, or not.
fn state(one: &SourceView) -> Markup {
    let (class, icon, word) = if one.retired_at.is_some() {
        ("badge s-na", Icon::NotApplicable, "retired")
    } else if one.silent {
        ("badge s-stale", Icon::Stale, "silent")
    } else {
        match one.last() {
            None => ("badge s-unknown", Icon::Unknown, "not run yet"),
            Some(run) if run.complete && run.refused == 0 => ("badge s-pass", Icon::Pass, "complete"),
            Some(_) => ("badge s-unknown", Icon::Unknown, "incomplete"),
        }
    };
    html! { span class=(class) { (ui::icon(icon)) (word) } }
}

fn state_word(one: &SourceView) -> &'static str {
    match (one.retired_at, one.silent, one.last()) {
        (Some(_), _, _) => "retired",
        (None, true, _) => "silent",
        (None, false, None) => "not run yet",
        (None, false, Some(run)) if run.complete && run.refused == 0 => "complete",
        (None, false, Some(_)) => "incomplete",
    }
}

pub(crate) fn sheet<'a>(spot: Spot<'a>) -> Sheet<'a, SourceView> {
    let moment = spot.moment;
    Sheet::new("Sources", spot.path, spot.params, moment)
        .column(Column::new("state", "State", |one: &SourceView| Cell::text(state_word(one))).show(state))
        .column(Column::new("id", "Source", |one: &SourceView| Cell::text(&one.id)).show(move |one| {
            html! { div { a href=(links::source(moment, &one.id)) { (one.id) } div.muted { (one.connector) } } }
        }))
        .column(Column::new("connector", "Connector", |one: &SourceView| Cell::text(&one.connector)).export_only())
        .column(Column::new("every", "Runs", |one: &SourceView| Cell::text(every(one.every))).fixed())
        .column(Column::new("last_at", "Last run", |one: &SourceView| Cell::Time(one.last().map(|run| run.finished_at))))
        .column(Column::new("next_at", "Next run", |one: &SourceView| Cell::Time(one.next_at)).show(move |one| {
            html! { @match one.next_at { Some(at) => (ui::time(at, moment.now)), None => span.muted { "on demand" } } }
        }))
        .column(Column::new("complete", "Coverage", |one: &SourceView| Cell::Count(covered(&one.scopes).pass)).show(|one| {
            coverage(&one.scopes)
        }))
        .column(Column::new("errors", "Errors", |one: &SourceView| {
            Cell::Count(one.last().map_or(0, |run| run.errors.len() as u64 + run.refused))
        }))
}

/// How many scopes were enumerated completely (pass), and how many were not (unknown).
fn covered(scopes: &[ScopeView]) -> Tally {
    let mut counts = Tally::default();
    for scope in scopes {
        counts[if scope.complete == Some(true) { Status::Pass } else { Status::Unknown }] += 1;
    }
    counts
}

fn coverage(scopes: &[ScopeView]) -> Markup {
    let counts = covered(scopes);
    html! {
        div {
            (counts.pass) " of " (counts.all()) " scopes complete"
            (ui::tally(&counts, "Scopes enumerated completely (pass) or not (unknown)"))
        }
    }
}

fn every(every: Span) -> String {
    if every > Span::ZERO { format!("every {}", every.human()) } else { "on demand".to_owned() }
}

pub(crate) fn page(spot: Spot<'_>, all: Vec<SourceView>) -> Markup {
    if all.is_empty() {
        return ui::empty(
            "No source is set up.",
            &html! { "Name one in the settings; until then every control reads unknown: no source." },
        );
    }
    html! { div.card { (sheet(spot).page(all)) } }
}

pub(crate) fn note(one: &SourceView) -> Markup {
    state(one)
}

/// `run`: whether it can be asked to run now.
pub(crate) fn detail(moment: &Moment, one: &SourceView, run: bool) -> Markup {
    html! {
        @if one.silent { (ui::note(&html! { "Two runs are overdue. What rests on this source alone turns stale when its tests say so." })) }
        div.two {
            (ui::section("coverage", "Coverage", &html! {
                (coverage(&one.scopes))
                (scopes(moment, &one.scopes))
            }))
            (ui::section("about", "About", &html! {
                (ui::facts(&[
                    ("Connector", html! { (one.connector) }),
                    ("Runs", html! { (every(one.every)) }),
                    ("Next run", match one.next_at { Some(at) => ui::time(at, moment.now), None => html! { "on demand" } }),
                    ("Since", ui::time(one.registered_at, moment.now)),
                    ("Kinds", html! { span.tags { @for kind in &one.kinds { a.tag href=(links::kind(moment, kind)) { (kind) } } } }),
                ]))
                @if let Some(at) = one.retired_at { p { "Retired " (ui::time(at, moment.now)) "." } }
                @if run {
                    form method="post" action={ "/sources/" (octro_web::encode(&one.id)) "/run" } {
                        button.primary { (ui::icon(Icon::Play)) "Run now" }
                    }
                }
            }))
        }
        (ui::section("errors", "What went wrong in the last run", &errors(one.last())))
        (ui::section("runs", "Runs", &runs(moment, &one.runs)))
    }
}

fn scopes(moment: &Moment, all: &[ScopeView]) -> Markup {
    html! {
        div.wide tabindex="0" role="group" aria-label="Scopes" {
            table {
                caption.vh { "The last attempt to enumerate every kind and scope" }
                thead { tr { th scope="col" { "Enumerated" } th scope="col" { "Kind" } th scope="col" { "Scope" } th.num scope="col" { "Resources" } th.num scope="col" { "Pages" } th scope="col" { "When" } } }
                tbody {
                    @for one in all {
                        tr {
                            td data-label="Enumerated" {
                                div {
                                    @match one.complete {
                                        Some(true) => span.badge.s-pass { (ui::icon(Icon::Pass)) "completely" },
                                        Some(false) => span.badge.s-unknown { (ui::icon(Icon::Unknown)) "not completely" },
                                        None => span.badge.s-unknown { (ui::icon(Icon::Unknown)) "not yet" },
                                    }
                                    @if !one.reason.is_empty() { div.muted { (one.reason) } }
                                }
                            }
                            td data-label="Kind" { a href=(links::kind(moment, &one.kind)) { (one.kind) } }
                            td data-label="Scope" { @if one.scope.is_empty() { span.muted { "the whole" } } @else { (one.scope) } }
                            td.num data-label="Resources" { (one.resources) }
                            td.num data-label="Pages" { (one.pages) }
                            td data-label="When" { @match one.finished_at { Some(at) => (ui::time(at, moment.now)), None => span.muted { "never" } } }
                        }
                    }
                }
            }
        }
    }
}

fn errors(run: Option<&CollectionView>) -> Markup {
    let Some(run) = run else { return html! { p.muted { "It has not run yet." } } };
    html! {
        @if run.errors.is_empty() { p.muted { "Nothing." } }
        ul.plain {
            @for error in &run.errors {
                li {
                    strong { (error.what) }
                    div { (error.message) }
                    @if !error.mend.is_empty() { div { span.muted { "To mend it: " } (error.mend) } }
                }
            }
        }
        @if run.refused > 0 { p { (run.refused) " observations were refused; the first are explained above." } }
    }
}

fn runs(moment: &Moment, all: &[CollectionView]) -> Markup {
    if all.is_empty() {
        return html! { p.muted { "It has not run yet." } };
    }
    html! {
        div.wide tabindex="0" role="group" aria-label="Runs" {
            table {
                caption.vh { "Runs, newest first" }
                thead { tr {
                    th scope="col" { "Ended" } th scope="col" { "Took" } th scope="col" { "Complete" } th.num scope="col" { "Changed" }
                    th.num scope="col" { "Unchanged" } th.num scope="col" { "Gone" } th.num scope="col" { "Refused" } th.num scope="col" { "Errors" }
                } }
                tbody {
                    @for run in all {
                        tr {
                            td data-label="Ended" { (ui::time(run.finished_at, moment.now)) }
                            td data-label="Took" { (run.finished_at.since(run.started_at).human()) }
                            td data-label="Complete" { @if !run.whole { span.muted { "changes alone" } } @else if run.complete { "yes" } @else { "no" } }
                            td.num data-label="Changed" { (run.changed) }
                            td.num data-label="Unchanged" { (run.unchanged) }
                            td.num data-label="Gone" { (run.gone) }
                            td.num data-label="Refused" { (run.refused) }
                            td.num data-label="Errors" { (run.errors.len()) }
                        }
                    }
                }
            }
        }
    }
}
