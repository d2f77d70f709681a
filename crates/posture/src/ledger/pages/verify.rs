//! How to verify a proof without trusting whoever gave it.

use maud::{Markup, html};
use octro_web::ui::{self, Icon};

pub(crate) fn page(key: Option<&str>, digest: &str) -> Markup {
    let shown = key.unwrap_or("KEY");
    html! {
        p.lead { "A proof is checked offline, by whoever receives it. Neither this Octro nor its operator has to be trusted or asked." }
        (ui::section("key", "1. Get the log's key by another way", &html! {
            p { "A proof says nothing to those who take the key from where they got the proof. Ask for it in another way: a contract, a call, a published page, an earlier year's report." }
            @match key {
                Some(key) => p { (ui::copied(key)) },
                None => p.muted { "This database has no ledger yet, and so no key." },
            }
        }))
        (ui::section("command", "2. With the command line", &html! {
            p { "One program without a database and without a network:" }
            (ui::code(&format!("octro verify FILE --key '{shown}'")))
            p { "It says in sentences what is proved and what is not. It ends with 0 if the claim is proved, 1 if the file refutes it, 2 if there is nothing to judge." }
            p { "Who knows witnesses of the log names them, so that the log's owner cannot show different logs to different people:" }
            (ui::code(&format!("octro verify FILE --key '{shown}' --witness WITNESS-KEY")))
        }))
        (ui::section("browser", "2. Or in a browser", &html! {
            p { "One page without a server: save it, open it from disk, and give it the proof and the key. It loads nothing and sends nothing." }
            p { a.button href="/ledger/verify.html" download { (ui::icon(Icon::Download)) "verify.html" } }
            p { "Take it from an Octro release if you can, and not from the party whose proof you check. The one of this version has SHA-256" br; code { (digest) } }
        }))
        (ui::section("other", "2. Or with software that is not ours", &html! {
            p { "Checkpoints are signed notes, the log is laid out as tlog-tiles, and each entry has a .tlog-proof: formats of C2SP (c2sp.org), which other tools read." }
            p { "What an Octro proof adds is described in " code { "docs/proof-format.md" } ", precisely enough to write a verifier from, with test vectors beside. "
                code { "docs/verify-independently.md" } " walks through a check without our software." }
        }))
        (ui::section("not", "What a proof does not show", &html! {
            ul {
                li { "That the source told the truth." }
                li { "That a resource exists which no source enumerates." }
                li { "Anything after its last seal." }
                li { "Without a witness: that everybody is shown the same log." }
            }
            p { "Every verifier says so each time." }
        }))
    }
}
