//! The ledger: what it is, how it grows, what was sealed and when it was audited last.

use maud::{Markup, html};
use octro_engine::SealView;
use octro_model::Span;
use octro_web::Moment;
use octro_web::ui::{self, Bar, Icon};

use super::super::panel;
use super::super::views::{
    AuditView, CheckpointView, DayView, EntryView, HealthView, LedgerView, WaitingView,
};
use super::entries;
use crate::ask::Spot;

pub(crate) fn page(spot: Spot<'_>, view: Option<&LedgerView>, newest: &[EntryView]) -> Markup {
    let moment = spot.moment;
    let Some(view) = view else { return super::no_ledger() };
    html! {
        p.lead {
            "Everything that matters, in the order in which it was written. Nobody can change what stands here unnoticed. "
            a href=(moment.href("/ledger/verify")) { "How to verify it without us" }
        }
        (alarms(view))
        div.two {
            div {
                (ui::section("checkpoint", "Newest checkpoint", &checkpoint(moment, view)))
                (ui::section("growth", "The last 30 days", &growth(&view.growth)))
            }
            div {
                (ui::section("log", "Log", &log(moment, view)))
                (ui::section("audit", "Last audit", &audit(moment, view.audit.as_ref())))
            }
        }
        (ui::section("seals", "Last seals", &seals(moment, &view.seals)))
        (ui::section("entries", "Newest entries", &html! {
            @if newest.is_empty() { p.muted { "No entry was written by then." } }
            @else {
                (entries::sheet(spot).inner().table(newest))
                p.under { a href=(moment.href("/ledger/entries")) { "All entries, by type" } }
            }
        }))
    }
}

fn alarms(view: &LedgerView) -> Markup {
    let health = view.health.as_ref();
    html! {
        @for one in &view.conflicts {
            (ui::note(&html! {
                strong { "A witness saw another history of this log. " }
                "Somebody rewrote it or signs with its key elsewhere; find out before anything else. "
                code { (one.witness) } " since " (one.since.minute()) ": " (one.says)
            }))
        }
        @if let Some(until) = view.ahead {
            (ui::note(&html! {
                "The clock was ahead and was set right: what was told last is dated " (until.minute()) ". Until then everything \
                 is dated just after that, and verifiers refuse proofs that rest on a seal of that time. Nothing is lost."
            }))
        }
        @if let Some(why) = health.and_then(|health| health.appending.as_ref()) {
            (ui::note(&html! { "Nothing is appended at present. What changes waits in the outbox and is not lost. Why: " (why) }))
        }
        @if let Some(why) = health.and_then(|health| health.publishing.as_ref()) {
            (ui::note(&html! { "Nothing is published at present; the log goes on. Why: " (why) }))
        }
        @if let Some(why) = health.and_then(|health| health.mirroring.as_ref()) {
            (ui::note(&html! { "Nothing is published in the bucket at present; the log goes on. Why: " (why) }))
        }
        @if let Some(why) = health.and_then(|health| health.stamping.as_ref()) {
            (ui::note(&html! { "The last seal's checkpoint is not time-stamped; the log goes on. Why: " (why) }))
        }
        @if let Some(refused) = view.waiting.as_ref().map(|waiting| waiting.refused).filter(|refused| *refused > 0) {
            (ui::note(&html! {
                (refused) @if refused == 1 { " leaf was" } @else { " leaves were" }
                " refused and stay in the outbox; " code { "octro ledger status" } " tells of them, and Octro's makers want to know."
            }))
        }
    }
}

fn checkpoint(moment: &Moment, view: &LedgerView) -> Markup {
    let Some(one) = &view.checkpoint else {
        return html! { p.muted { "Nothing was signed by then." } };
    };
    html! {
        (ui::facts(&[
            ("Entries", html! {
                (one.size)
                @if one.size < view.size {
                    span.muted { "; the " (view.size - one.size) " after them " @if moment.is_past() { "were signed later" } @else { "are not signed yet" } }
                }
            }),
            ("Signed", ui::time(one.at, moment.now)),
            ("Root", html! { code { (one.root) } }),
            ("Witnesses", witnesses(moment, view, one)),
        ]))
        details {
            summary { "As a signed note" }
            (ui::code(&one.note))
        }
    }
}

/// Who cosigned, who is missing, and since when enough did.
fn witnesses(moment: &Moment, view: &LedgerView, one: &CheckpointView) -> Markup {
    html! {
        @if one.witnesses.is_empty() {
            span.muted {
                @if view.required > 0 { "None cosigned it yet." }
                @else { "None cosigned it. Without one, only those who compare checkpoints see whether everybody is shown the same log." }
            }
        }
        @for witness in &one.witnesses {
            div { (witness.name) @if let Some(at) = witness.at { " " (ui::time(at, moment.now)) } }
        }
        @if view.required > 0 {
            div.muted {
                (view.required) @if view.required == 1 { " has" } @else { " have" } " to."
                @if !moment.is_past() {
                    @match &view.cosigned {
                        Some(cosigned) => { " Enough did for " (cosigned.size) " entries, signed " (ui::time(cosigned.at, moment.now)) "." },
                        None => " No checkpoint has enough yet.",
                    }
                }
            }
        }
        @for trouble in view.health.iter().flat_map(|health| &health.trouble) {
            div { span.badge.s-stale { (ui::icon(Icon::Stale)) "missing" } " " (trouble.witness) ": " (trouble.says) }
        }
    }
}

fn log(moment: &Moment, view: &LedgerView) -> Markup {
    html! {
        (ui::facts(&[
            ("Origin", html! { code { (view.origin) } }),
            ("Verifier key", html! { (ui::copied(&view.key)) div.muted { "Give it to whoever verifies, by another way than the proofs." } }),
            ("Size", html! { (view.size) @if view.size == 1 { " entry" } @else { " entries" } }),
            ("Outbox", waiting(moment, view.waiting.as_ref())),
            ("Published", published(view.health.as_ref(), view.size)),
        ]))
        @if !view.earlier.is_empty() {
            h3 { "Earlier logs" }
            p.muted { "Each ended when an older backup was restored; the next one cites its last checkpoint." }
            ul.plain { @for one in &view.earlier { li { code { (one.origin) } " " (one.size) " entries" div.muted { code { (one.key) } } } } }
        }
    }
}

fn waiting(moment: &Moment, waiting: Option<&WaitingView>) -> Markup {
    html! {
        @match waiting {
            None => span.muted { "only known of the present" },
            Some(one) => {
                @if one.leaves == 0 { "nothing waits" }
                @else { (one.leaves) " waiting" @if let Some(oldest) = one.oldest { ", the oldest since " (ui::time(oldest, moment.now)) } }
                @if one.refused > 0 { ", " (one.refused) " refused" }
            }
        }
    }
}

fn published(health: Option<&HealthView>, size: u64) -> Markup {
    html! {
        @match health {
            None => span.muted { "only known of the present, to a process with a ledger" },
            Some(one) => {
                @match one.published {
                    Some(published) if published >= size => span.badge.s-pass { (ui::icon(Icon::Pass)) "everything" },
                    Some(published) => { (published) " of " (size) },
                    None => span.muted { "nothing yet by this process" },
                }
                @if one.publishing.is_some() { " " span.badge.s-fail { (ui::icon(Icon::Fail)) "failing" } }
                @match (one.mirrored, one.mirroring.is_some()) {
                    (_, true) => { ", in the bucket " span.badge.s-fail { (ui::icon(Icon::Fail)) "failing" } }
                    (Some(mirrored), false) if mirrored < size => { ", in the bucket " (mirrored) " of " (size) }
                    (Some(_), false) => ", in the bucket too",
                    (None, false) => {}
                }
            }
        }
    }
}

fn growth(days: &[DayView]) -> Markup {
    let all: u64 = days.iter().map(|day| day.entries).sum();
    let bars: Vec<Bar> = days
        .iter()
        .map(|day| Bar {
            label: day.day.get(5..).unwrap_or_default().to_owned(),
            value: (day.entries > 0).then_some(day.entries as f64),
            said: day.entries.to_string(),
        })
        .collect();
    html! {
        (ui::bars("Entries a day", &bars, None))
        p.muted { (all) @if all == 1 { " entry" } @else { " entries" } " in 30 days." }
        details {
            summary { "As numbers" }
            table {
                caption.vh { "Entries a day" }
                thead { tr { th scope="col" { "Day" } th.num scope="col" { "Entries" } } }
                tbody { @for day in days.iter().rev() { tr { td { (day.day) } td.num { (day.entries) } } } }
            }
        }
    }
}

fn audit(moment: &Moment, audit: Option<&AuditView>) -> Markup {
    html! {
        @match audit {
            None => p { "Never. " code { "octro ledger audit" } " computes everything anew from the database and the published files, and compares; run it now and then, and after every incident." },
            Some(one) => {
                p.row {
                    @if one.findings == 0 { span.badge.s-pass { (ui::icon(Icon::Pass)) "all agrees" } }
                    @else { span.badge.s-fail { (ui::icon(Icon::Fail)) (one.findings) " wrong" } }
                    (ui::time(one.at, moment.now))
                }
                p { (one.entries) " entries were computed anew and compared." }
                @if one.findings > 0 { p { "Run " code { "octro ledger audit" } " again: it names what is wrong. Keep the database as it is until that is understood." } }
            }
        }
    }
}

fn seals(moment: &Moment, seals: &[SealView]) -> Markup {
    html! {
        @if seals.is_empty() {
            (ui::empty("Nothing was sealed yet.", &html! { "A seal is written within a minute of the first start, and then at each midnight (UTC)." }))
        } @else {
            div.wide tabindex="0" role="group" aria-label="Seals" {
                table {
                    caption.vh { "Seals, the newest first" }
                    thead { tr {
                        th scope="col" { "Seal" } th scope="col" { "Written" } th scope="col" { "Controls" }
                        th scope="col" { "Silence since the seal before" } th scope="col" { "Largest gap" }
                    } }
                    tbody { @for one in seals { (seal(moment, one)) } }
                }
            }
            p.under.muted { "A control is silent while it is not evaluated for longer than its sources promise; that time counts as unknown in every proof." }
        }
        @if !moment.is_past() { (panel::seal_form("/ledger", seals.is_empty())) }
    }
}

fn seal(moment: &Moment, one: &SealView) -> Markup {
    html! {
        tr {
            td data-label="Seal" {
                @match one.entry {
                    Some(entry) => a href=(moment.href(&format!("/ledger/entries/{entry}"))) { (one.n) },
                    None => { (one.n) " " span.muted { "waits in the outbox" } },
                }
            }
            td data-label="Written" { (ui::time(one.written_at, moment.now)) }
            td data-label="Controls" {
                (one.controls)
                @if one.never_evaluated > 0 { span.muted { ", of which " (one.never_evaluated) " never evaluated" } }
            }
            td data-label="Silence" {
                @if one.silent_controls == 0 { "none" }
                @else { (one.silent_controls) @if one.silent_controls == 1 { " control" } @else { " controls" } ", up to " (ui::span(one.silent_longest)) }
            }
            td data-label="Largest gap" { @if one.gap == Span::ZERO { span.muted { "none" } } @else { (ui::span(one.gap)) } }
        }
    }
}
