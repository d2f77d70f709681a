//! The overview: what needs a person first, then every part of the program in words.

use maud::{Markup, html};
use octro_engine::{ChangeView, ControlView, Overview, PartView};
use octro_model::Status;
use octro_web::Moment;
use octro_web::ui;

use crate::links;

/// How many controls the list of what needs a person holds.
const ATTENTION_MAX: usize = 8;
/// How many changes are shown.
const CHANGES_MAX: usize = 8;

pub(crate) fn page(moment: &Moment, view: &Overview, problems: usize) -> Markup {
    html! {
        @if problems > 0 {
            (ui::note(&html! {
                "The program folder has " (problems) @if problems == 1 { " problem" } @else { " problems" }
                " and was not installed; an earlier program is in force. " a href=(moment.href("/program")) { "See the problems" }
            }))
        }
        div.card {
            p.lead { (headline(view)) }
            (ui::tally(&view.controls, "Controls"))
            (ui::tally_links(&view.controls, |status| moment.link("/controls", &[("status", status.as_str())])))
        }
        div.two {
            (ui::section("attention", "Needs a person first", &attention(moment, &view.attention)))
            (ui::section("changes", "What changed", &changes(moment, &view.changes)))
        }
        h2 { "Parts of the program" }
        div.grid {
            @for part in view.parts.iter().filter(|part| part.controls.all() > 0) { (part_card(moment, part)) }
        }
        @let bare: Vec<&str> = view.parts.iter().filter(|part| part.controls.all() == 0).map(|part| part.title.as_str()).collect();
        @if !bare.is_empty() { p.muted { "Without controls of their own: " (bare.join(", ")) "." } }
    }
}

fn headline(view: &Overview) -> String {
    let counts = &view.controls;
    let all = counts.all();
    if all == 0 {
        return "The program has no controls yet.".to_owned();
    }
    let of = |count: u64, (one, many): (&str, &str)| {
        (count > 0).then(|| format!("{count} {}", if count == 1 { one } else { many }))
    };
    let said: Vec<String> = [
        of(counts.fail, ("fails", "fail")),
        of(counts.unknown, ("could not be determined", "could not be determined")),
        of(counts.stale, ("rests on old evidence", "rest on old evidence")),
        of(counts.excepted, ("is excepted", "are excepted")),
        of(counts.pass, ("passes", "pass")),
        of(counts.not_applicable, ("does not apply", "do not apply")),
    ]
    .into_iter()
    .flatten()
    .collect();
    format!("Of {all} {}, {}.", if all == 1 { "control" } else { "controls" }, said.join(", "))
}

fn attention(moment: &Moment, controls: &[ControlView]) -> Markup {
    if controls.is_empty() {
        return ui::empty(
            "Nothing fails, is unknown or stale.",
            &html! { "Every control passes on fresh evidence, is excepted or does not apply." },
        );
    }
    html! {
        ul.plain {
            @for one in controls.iter().take(ATTENTION_MAX) {
                li {
                    div.row {
                        (ui::badge(one.status))
                        a href=(links::control(moment, &one.id)) { strong { (one.id) } " " (one.title) }
                        span.muted.push { (one.owner) }
                    }
                    div.muted { (one.reason) }
                }
            }
        }
        @if controls.len() > ATTENTION_MAX {
            p { a href=(moment.link("/controls", &[("sort", "-status")])) { "All " (controls.len()) " that need a person" } }
        }
    }
}

fn changes(moment: &Moment, changes: &[ChangeView]) -> Markup {
    if changes.is_empty() {
        return ui::empty(
            "Nothing changed in the last 90 days.",
            &html! { "A control that changes its status is listed here." },
        );
    }
    html! {
        ul.plain {
            @for one in changes.iter().take(CHANGES_MAX) {
                li {
                    div.row {
                        a href=(links::control(moment, &one.id)) { strong { (one.id) } }
                        @if let Some(from) = one.from { span.muted { (from.label()) } span aria-hidden="true" { "→" } }
                        (ui::word(one.to))
                    }
                    div { (ui::time(one.at, moment.now)) }
                    @if one.to != Some(Status::Pass) { div.muted { (one.reason) } }
                }
            }
        }
    }
}

fn part_card(moment: &Moment, part: &PartView) -> Markup {
    let href = |status: Option<Status>| {
        moment.link("/controls", &[("part", &part.id), ("status", status.map_or("", Status::as_str))])
    };
    html! {
        article.card.part {
            h2 { a href=(href(None)) { (part.title) } (ui::badge(part.status)) }
            (ui::tally(&part.controls, &part.title))
            (ui::tally_links(&part.controls, |status| href(Some(status))))
            div.shares {
                span { "in compliance, 30 days " b { (ui::share(part.share_30)) } }
                span { "90 days " b { (ui::share(part.share_90)) } }
            }
        }
    }
}
