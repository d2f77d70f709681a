//! One entry: in words, as the exact text that is hashed, and its proofs.

use maud::{Markup, html};
use octro_verify::{Leaf, Status};
use octro_web::Moment;
use octro_web::ui::{self, Icon};

use super::super::views::EntryView;
use super::super::words::{self, Said};
use crate::links;

pub(crate) fn page(moment: &Moment, one: &EntryView, size: u64) -> Markup {
    let leaf = Leaf::parse(one.leaf.as_bytes()).ok();
    html! {
        p.lead { (one.says) }
        div.two {
            div {
                (ui::section("says", "What it says", &html! {
                    @match &leaf {
                        Some(leaf) => (ui::facts(&facts(moment, leaf))),
                        None => p { "Its text is no leaf of the format; " code { "octro ledger audit" } " tells more." },
                    }
                }))
                (ui::section("place", "Place", &ui::facts(&[
                    ("Index", html! { (one.index) ", of " (size) @if size == 1 { " entry" } @else { " entries" } }),
                    ("Leaf hash", html! { code { (one.hash) } }),
                ])))
            }
            (ui::section("proof", "Proof", &html! {
                p { "That this entry is in the log, at this place, is proved by either file." }
                p.row {
                    a.button href={ "/proofs/entry/" (one.index) } download { (ui::icon(Icon::Download)) "Octro proof" }
                    a.button href={ "/proofs/entry/" (one.index) "/tlog" } download { (ui::icon(Icon::Download)) ".tlog-proof" }
                }
                p.muted { "The first is checked by our verifiers, the second by any tool that reads C2SP tlog-proof." }
                p.under { a href=(moment.href("/ledger/verify")) { "How to verify this without us" } }
            }))
        }
        (ui::section("text", "Exact text", &html! {
            p.muted { "These bytes are hashed: SHA-256 of a zero byte and this text is the leaf hash." }
            (ui::code(&one.leaf))
            @if let Some(pretty) = pretty(&one.leaf) {
                details { summary { "Laid out" } (ui::code(&pretty)) }
            }
        }))
        nav.pager aria-label="Neighbours" {
            @if one.index > 0 { a rel="prev" href=(moment.href(&format!("/ledger/entries/{}", one.index - 1))) { "Entry " (one.index - 1) } }
            @if one.index + 1 < size { a rel="next" href=(moment.href(&format!("/ledger/entries/{}", one.index + 1))) { "Entry " (one.index + 1) } }
        }
    }
}

fn pretty(text: &str) -> Option<String> {
    serde_json::to_string_pretty(&serde_json::from_str::<serde_json::Value>(text).ok()?).ok()
}

fn facts(moment: &Moment, leaf: &Leaf) -> Vec<(&'static str, Markup)> {
    let shown = |said: &Said| match said {
        Said::Text(text) => html! { (text) },
        Said::Code(text) => html! { code { (text) } },
        Said::Time(at) => ui::time(*at, moment.now),
        Said::Control(id) => html! { a href=(links::control(moment, id)) { (id) } },
        Said::Kind(id) => html! { a href=(links::kind(moment, id)) { (id) } },
        Said::Source(id) => html! { a href=(links::source(moment, id)) { (id) } },
        Said::Status(status) => badge(*status),
    };
    words::details(leaf).iter().map(|(name, said)| (*name, shown(said))).collect()
}

fn badge(status: Status) -> Markup {
    match status.as_str().parse::<octro_model::Status>() {
        Ok(status) => ui::badge(status),
        Err(_) => html! { (words::status(status)) },
    }
}
