//! The panel on other pages that says what can be proved of what they show, and hands out the proof.

use maud::{Markup, html};
use octro_engine::{Period, Provable, ResourceView};
use octro_model::{Id, Timestamp};
use octro_program::Program;
use octro_web::ui::{self, Icon};
use octro_web::{Moment, encode};

use crate::ask::Ask;
use crate::failure::Failure;
use crate::links;

/// Of a control: everything up to the moment that the page shows.
pub(crate) async fn of_control(ask: &Ask, id: &Id) -> Result<Markup, Failure> {
    let provable = ask.query().provable_control(id, ask.moment.at).await?;
    let period = ask.moment.link("/period", &[("id", id)]);
    Ok(section(
        ask,
        &html! {
            @if let Provable::Between { since, until } = provable {
                p { "Which status it had, at every moment, can be proved from " (ui::time(since, ask.moment.now)) " to " (ui::time(until, ask.moment.now)) "." }
                (download(&control_href(id, since, until)))
                p.under { a href=(period) { "Prove another period" } (how(&ask.moment)) }
            } @else { (cannot(&ask.moment, provable, "this control")) }
        },
        matches!(provable, Provable::Between { .. }),
    ))
}

/// Of a period: as much of it as is sealed.
pub(crate) async fn of_period(ask: &Ask, view: &Period, program: &Program) -> Result<Markup, Failure> {
    if view.subject != "control" {
        let of: Vec<&str> = program
            .controls
            .values()
            .filter(|one| one.tests.iter().any(|test| *test == *view.id))
            .map(|one| one.id.as_str())
            .collect();
        return Ok(ui::section(
            "proof",
            "Proof",
            &html! {
                p { "What the ledger proves is the status of controls; this test is judged for: " (links::controls(&ask.moment, of)) }
            },
        ));
    }
    let id: Id = match view.id.parse() {
        Ok(id) => id,
        Err(_) => return Ok(html! {}),
    };
    let provable = ask.query().provable_control(&id, view.to).await?;
    Ok(section(
        ask,
        &html! {
            @match provable {
                Provable::Between { since, until } if since < until && view.from < until => {
                    p {
                        @if view.to > until { "The last seal was written " (ui::time(until, ask.moment.now)) "; the proof ends there. " }
                        @else { "The whole period is sealed. " }
                        @if view.from < since { "The ledger knows the control since " (ui::time(since, ask.moment.now)) "; of the time before, the proof says only that." }
                    }
                    (download(&control_href(&id, view.from, until)))
                    p.muted { "A proof tells what was known at the time. What was learned later about this period stands above, and not in the proof." }
                    p.under { (how(&ask.moment)) }
                }
                Provable::Between { until, .. } => {
                    p { "Nothing of this period can be proved: the last seal was written " (ui::time(until, ask.moment.now)) "." }
                    p.under { (how(&ask.moment)) }
                }
                Provable::NoLedger | Provable::NothingSealed | Provable::NotInSeal { .. } | Provable::Younger { .. } => (cannot(&ask.moment, provable, "this control")),
            }
        },
        matches!(provable, Provable::Between { .. }),
    ))
}

/// Of a resource: its results at the last seal up to the moment that the page shows.
pub(crate) async fn of_resource(ask: &Ask, one: &ResourceView) -> Result<Markup, Failure> {
    let provable = ask.query().provable_kind(&one.kind, ask.moment.at).await?;
    Ok(section(
        ask,
        &html! {
            @match provable {
                Provable::Between { until, .. } => {
                    p {
                        @if one.first_seen_at > until {
                            "At the last seal, of " (ui::time(until, ask.moment.now)) ", it was not known yet. The proof of that time says so."
                        } @else {
                            "That it was in the population of its kind, with the results that it had, can be proved for the last seal, of "
                            (ui::time(until, ask.moment.now)) "."
                        }
                    }
                    (download(&resource_href(&one.kind, &one.key, until)))
                    @if one.first_seen_at > until || one.gone {
                        p.muted { "Where it was not there, the proof discloses the key of that population: with it, whoever guesses another resource's key sees whether that one was there." }
                    } @else {
                        p.muted { "The proof discloses this resource's key and results, and nothing of the others." }
                    }
                    p.under { (how(&ask.moment)) }
                }
                Provable::NotInSeal { sealed_at } if one.results.is_empty() => {
                    p { "No test judges it, so that the last seal, of " (ui::time(sealed_at, ask.moment.now)) ", says nothing of it." }
                }
                Provable::NoLedger | Provable::NothingSealed | Provable::NotInSeal { .. } | Provable::Younger { .. } => (cannot(&ask.moment, provable, "its kind")),
            }
        },
        true,
    ))
}

fn control_href(id: &str, from: Timestamp, to: Timestamp) -> String {
    let params: octro_web::Params =
        [("from", from.to_string().as_str()), ("to", to.to_string().as_str())].into_iter().collect();
    params.href(&format!("/proofs/control/{}", encode(id)))
}

fn resource_href(kind: &str, key: &str, at: Timestamp) -> String {
    let params: octro_web::Params = [("key", key), ("at", at.to_string().as_str())].into_iter().collect();
    params.href(&format!("/proofs/resource/{}", encode(kind)))
}

fn section(ask: &Ask, content: &Markup, sealed: bool) -> Markup {
    // What is sealed is offered to everyone; a seal can be asked for only in the present.
    let seals = !ask.moment.is_past();
    ui::section(
        "proof",
        "Proof",
        &html! {
            (content)
            @if seals { (seal_form(&ask.params.without(&["format"]).href(&ask.path), !sealed)) }
        },
    )
}

fn download(href: &str) -> Markup {
    html! { p { a.button href=(href) download { (ui::icon(Icon::Download)) "Download proof" } } }
}

fn how(moment: &Moment) -> Markup {
    html! { a href=(moment.href("/ledger/verify")) { "How to verify this without us" } }
}

/// "Seal now", a plain form; afterwards the page at `back` is shown again.
pub(super) fn seal_form(back: &str, primary: bool) -> Markup {
    html! {
        form method="post" action="/ledger/seal" {
            input type="hidden" name="back" value=(back);
            button.primary[primary] { (ui::icon(Icon::Seal)) "Seal now" }
            " " span.muted { "so that the time until now can be proved" }
        }
    }
}

/// Why there is nothing to prove, and what to do.
pub(super) fn cannot(moment: &Moment, provable: Provable, what: &str) -> Markup {
    html! {
        @match provable {
            Provable::NoLedger => p { "This database has no ledger yet, so that nothing can be proved; " code { "octro up" } " begins one." },
            Provable::NothingSealed => p { "Nothing was sealed " @if moment.is_past() { "by then" } @else { "yet" } ". A seal is written within a minute of the first start, and then at each midnight (UTC)." },
            Provable::NotInSeal { sealed_at } => p { "The last seal, of " (ui::time(sealed_at, moment.now)) ", does not hold " (what) ". A seal is written at each midnight (UTC)." },
            Provable::Younger { since } => p { "The ledger knows " (what) " only since " (ui::time(since, moment.now)) "." },
            Provable::Between { .. } => {},
        }
    }
}
