//! The pages of the ledger: ask, then show.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::html;
use octro_engine::EngineError;
use octro_model::Span;
use octro_web::{Params, WebError};

use super::entries::EntryList;
use super::views::{EntriesView, EntryView};
use super::{entries, load, pages, proofs};
use crate::ask::Ask;
use crate::failure::Failure;
use crate::handlers::{Answer, Format, json, show, stream};
use crate::state::App;

/// How many entries the first page shows.
const NEWEST: usize = 10;
/// A seal holds the state of every control: one in so much time is enough.
const SEAL_EVERY: Span = Span::from_secs(10);
/// The largest address to which "Seal now" leads back.
const BACK_MAX: usize = 2_000;
/// The page that verifies proofs on its own.
const VERIFIER: &str = include_str!("../../../verify/verify.html");

pub(super) async fn home(ask: Ask) -> Answer {
    let view = load::ledger(&ask).await?;
    if Format::of(&ask)?.is_some() {
        return json(&view);
    }
    let newest = match EntryList::read(&ask).await? {
        Some(list) => list.below(list.size, NEWEST, u64::MAX).await.map_err(load::failed)?.0,
        None => Vec::new(),
    };
    show(&ask, &ask.page("Ledger"), &pages::home(ask.spot(), view.as_ref(), &newest))
}

pub(super) async fn entries(ask: Ask) -> Answer {
    if let Some(format) = Format::of(&ask)? {
        let list = EntryList::read(&ask).await?.ok_or_else(no_ledger)?;
        return stream(ask, list, format, "ledger").await;
    }
    let view = entries::window(&ask).await?;
    let view = view.unwrap_or(EntriesView { size: 0, rows: Vec::new(), next: None });
    let page = ask.page("Entries").crumb("Ledger", ask.moment.href("/ledger")).still();
    show(&ask, &page, &pages::entries(ask.spot(), &view))
}

fn no_ledger() -> Failure {
    load::failed(octro_ledger::LedgerError::NoLog)
}

pub(super) async fn entry(ask: Ask, Path(index): Path<String>) -> Answer {
    let (reader, one) = load::entry(&ask, &index).await?;
    if Format::of(&ask)?.is_some() {
        return json(&one);
    }
    let page = ask
        .page(format!("Entry {}", one.index))
        .crumb("Ledger", ask.moment.href("/ledger"))
        .crumb("Entries", ask.moment.href("/ledger/entries"))
        .note(html! { span.tag { (one.of) } })
        .still();
    let size = load::size(&ask, &reader).await?;
    show(&ask, &page, &pages::entry(&ask.moment, &one, size))
}

pub(super) async fn verify(ask: Ask) -> Answer {
    let key = match octro_ledger::Reader::newest(ask.query().db()).await {
        Ok(reader) => Some(reader.log().signer.clone()),
        Err(octro_ledger::LedgerError::NoLog) => None,
        Err(error) => return Err(load::failed(error)),
    };
    let page = ask.page("Verify without us").crumb("Ledger", ask.moment.href("/ledger")).still();
    let digest = octro_verify::hex(&octro_verify::sha256(VERIFIER.as_bytes()));
    show(&ask, &page, &pages::verify(key.as_deref(), &digest))
}

/// The verifier's page, to be saved and opened from disk: our own pages may not run its script.
pub(super) async fn verifier() -> Response {
    std::future::ready(proofs::file("verify.html", "text/html; charset=utf-8", VERIFIER.to_owned())).await
}

pub(super) async fn control_proof(ask: Ask, Path(id): Path<String>) -> Answer {
    let proof = proofs::control(&ask, &id).await;
    given(&ask, proof, &format!("control-{}.octro-proof", plain(&id)), "application/json")
}

pub(super) async fn resource_proof(ask: Ask, Path(kind): Path<String>) -> Answer {
    let proof = proofs::resource(&ask, &kind).await;
    given(&ask, proof, &format!("resource-{}.octro-proof", plain(&kind)), "application/json")
}

pub(super) async fn entry_proof(ask: Ask, Path(index): Path<String>) -> Answer {
    let (_, one) = load::entry(&ask, &index).await?;
    let proof = ask.query().prove_entry(one.index).await.map(|proof| proof.to_text()).map_err(Failure::from);
    given(&ask, proof, &format!("entry-{}.octro-proof", one.index), "application/json")
}

pub(super) async fn entry_tlog(ask: Ask, Path(index): Path<String>) -> Answer {
    let (reader, EntryView { index, .. }) = load::entry(&ask, &index).await?;
    let proof = reader.tlog_proof(index).await.map_err(load::failed);
    given(&ask, proof, &format!("entry-{index}.tlog-proof"), "text/plain; charset=utf-8")
}

/// The proof as a file, or a page that says why there is none.
fn given(ask: &Ask, proof: Result<String, Failure>, name: &str, kind: &'static str) -> Answer {
    let failure = match proof {
        Ok(text) => return Ok(proofs::file(name, kind, text)),
        Err(failure) => failure,
    };
    let status = failure.0.status();
    let why = proofs::calm(failure)?;
    let page = ask.page("Nothing to prove").crumb("Ledger", ask.moment.href("/ledger")).still();
    Ok((status, ask.frame(&page, &pages::nothing(&ask.moment, &why))).into_response())
}

/// What names in headers hold of an id.
fn plain(id: &str) -> String {
    id.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')).take(120).collect()
}

/// Seals, then shows the page that asked.
pub(super) async fn seal(State(app): State<App>, body: String) -> Result<Response, Failure> {
    let back = Params::parse(&body)?.get("back").filter(|back| is_own(back)).unwrap_or("/ledger").to_owned();
    let now = app.query().present().await?.at;
    if let Some((_, last)) = app.query().sealed().await?
        && now.since(last) < SEAL_EVERY
    {
        return Err(WebError::new(
            StatusCode::CONFLICT,
            format!(
                "The last seal was written only {} ago and holds everything until then; one in {} is enough.",
                now.since(last).human(),
                SEAL_EVERY.human()
            ),
        )
        .into());
    }
    match app.0.state.seal.seal().await {
        Ok(()) => Ok(Redirect::to(&back).into_response()),
        Err(EngineError::NotLeader) => Err(WebError::new(
            StatusCode::CONFLICT,
            "Another Octro process evaluates on this database, or none does yet; ask for the seal on its pages, or wait for midnight (UTC).",
        )
        .into()),
        Err(error) => Err(error.into()),
    }
}

/// Whether an address leads to one of our own pages.
fn is_own(back: &str) -> bool {
    let pages = ["/ledger", "/controls/", "/resources/", "/period?"];
    back.len() <= BACK_MAX
        && back.chars().all(|c| c.is_ascii_graphic())
        && pages.iter().any(|page| back.starts_with(page))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_leads_back_to_our_pages_only() {
        for own in ["/ledger", "/controls/EP-01", "/period?id=EP-01&from=2026-01-01"] {
            assert!(is_own(own), "{own}");
        }
        for other in [
            "//evil.example/ledger",
            "https://evil.example",
            "/\\evil",
            "",
            "/controls/a\nb",
            "/controls/\u{e9}",
        ] {
            assert!(!is_own(other), "{other}");
        }
    }

    #[test]
    fn names_of_files_hold_nothing_odd() {
        assert_eq!(plain("EP-01\"\r\n/../x"), "EP-01..x");
    }
}
