//! From what was read to markup.

mod entries;
mod entry;
mod home;
mod verify;

pub(super) use entries::{page as entries, sheet};
pub(super) use entry::page as entry;
pub(super) use home::page as home;
pub(super) use verify::page as verify;

use maud::{Markup, html};
use octro_web::Moment;

/// Why there is no proof, instead of a file.
pub(super) fn nothing(moment: &Moment, why: &str) -> Markup {
    html! {
        div.card {
            p.lead { (why) }
            @if !moment.is_past() { (super::panel::seal_form("/ledger", false)) }
            p.under { a href=(moment.href("/ledger")) { "What the ledger holds" } }
        }
    }
}

/// What is said where there is no ledger.
fn no_ledger() -> Markup {
    octro_web::ui::empty(
        "This database has no ledger yet.",
        &html! { "A running Octro begins one: start it with " code { "octro up" } ". From then on every change is written into it." },
    )
}
