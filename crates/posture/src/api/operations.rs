//! The operations: a table, and the few lines behind each entry.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use octro_web::ui::Sheet;
use serde::Serialize;

use super::{Gives, Operation, ledger};
use crate::ask::Ask;
use crate::failure::Failure;
use crate::handlers::{Windows, json};
use crate::load;

type Answer = Result<Response, Failure>;

/// The most changes that are answered.
const CHANGES_MAX: u32 = 1_000;

/// Every operation, in the order of the document.
pub(super) const ALL: &[Operation] = &[
    one(
        "/overview",
        "Each part of the program, what changed, and what needs a person.",
        &[],
        "Overview",
        || get(overview),
    ),
    many(
        "/controls",
        "Controls with their status.",
        &["part", "layer", "owner", "status", "q"],
        "Control",
        || get(controls),
    ),
    one("/controls/{id}", "Everything about a control.", &[], "ControlDetail", || get(control)),
    many("/tests", "Tests with their status.", &["part", "severity", "status", "kind", "q"], "Test", || {
        get(tests)
    }),
    one("/tests/{id}", "Everything about a test.", &[], "TestDetail", || get(test)),
    many("/resources", "Resources.", &["kind", "status", "q", "gone"], "ResourceRow", || get(resources)),
    one("/resources/{kind}/{*key}", "Everything about a resource.", &[], "Resource", || get(resource)),
    many(
        "/results",
        "Results: the status of resources under tests.",
        &["test", "control", "kind", "key", "status", "severity", "q", "sort"],
        "Result",
        || get(results),
    ),
    one(
        "/data",
        "Which classes of data lie in which sorts of stores, and how each is protected.",
        &["class", "kind", "status", "q"],
        "DataMap",
        || get(data),
    ),
    one(
        "/exposure",
        "The paths by which the internet reaches resources, and of which it is not known whether it does.",
        &["via", "kind", "account", "status", "q"],
        "Exposure",
        || get(exposure),
    ),
    one(
        "/coverage",
        "What could not be seen, of which account, region, kind and attribute, and the permission that is missing.",
        &["why", "account", "kind", "permission", "q"],
        "CoverageMap",
        || get(coverage),
    ),
    many(
        "/certificates",
        "Certificates in use, those that end first first.",
        &["within", "status", "q"],
        "Certificate",
        || get(certificates),
    ),
    one("/why", "Why a result is what it is.", &["test!", "kind!", "key!"], "Why", || get(why)),
    many("/sources", "Sources, each with its last run.", &[], "Source", || get(sources)),
    one("/sources/{id}", "A source with its last runs.", &[], "Source", || get(source)),
    Operation {
        method: "post",
        path: "/sources/{id}/run",
        summary: "Asks for a run of a source now.",
        params: &[],
        gives: Gives::Taken,
        route: || post(run),
    },
    one("/period", "A control or test over a period.", &["subject", "id!", "from", "to"], "Period", || {
        get(period)
    }),
    many("/changes", "Changes of status, newest first.", &["subject", "id", "from", "to"], "Change", || {
        get(changes)
    }),
    one("/principles", "The principles of the program, measured.", &[], "Principles", || get(principles)),
    many("/frameworks", "External standards.", &[], "FrameworkRow", || get(frameworks)),
    one(
        "/frameworks/{id}",
        "A standard with its requirements.",
        &["status", "coverage", "q"],
        "Framework",
        || get(framework),
    ),
    many("/policies", "Policies.", &[], "Policy", || get(policies)),
    one("/policies/{id}", "A policy.", &[], "Policy", || get(policy)),
    many("/claims", "Public sentences and what is behind them.", &["status"], "Claim", || get(claims)),
    one("/program", "The program in force.", &[], "Program", || get(program)),
    one("/ledger", "How the ledger is doing.", &[], "Ledger", || get(ledger::home)),
    one(
        "/ledger/entries",
        "Entries of the ledger, the newest first.",
        &["type", "before", "per"],
        "LedgerEntries",
        || get(ledger::entries),
    ),
    one("/ledger/entries/{index}", "An entry of the ledger.", &[], "LedgerEntry", || get(ledger::entry)),
    one(
        "/proofs/control/{id}",
        "A proof of a control's statuses over a time, as its file has it; without times, of all that is sealed.",
        &["from", "to"],
        "Proof",
        || get(ledger::control_proof),
    ),
    one(
        "/proofs/resource/{kind}",
        "A proof that a resource was, or was not, in the population of the last seal up to a moment, as its file has it.",
        &["key!", "at"],
        "Proof",
        || get(ledger::resource_proof),
    ),
    many("/search", "What has a text in its name.", &["q!"], "Hit", || get(search)),
];

const fn one(
    path: &'static str,
    summary: &'static str,
    params: &'static [&'static str],
    schema: &'static str,
    route: fn() -> axum::routing::MethodRouter<crate::state::App>,
) -> Operation {
    Operation { method: "get", path, summary, params, gives: Gives::One(schema), route }
}

const fn many(
    path: &'static str,
    summary: &'static str,
    params: &'static [&'static str],
    schema: &'static str,
    route: fn() -> axum::routing::MethodRouter<crate::state::App>,
) -> Operation {
    Operation { method: "get", path, summary, params, gives: Gives::Many(schema), route }
}

/// A window of a list.
#[derive(Serialize)]
struct Window<'a, T> {
    as_of: octro_engine::AsOf,
    total: u64,
    rows: &'a [T],
}

/// The window that is asked for, of a list that is at hand whole.
fn cut<T: Serialize>(ask: &Ask, all: &[T]) -> Answer {
    let (skip, per) = Sheet::<()>::window(&ask.params)?;
    let from = usize::try_from(skip).unwrap_or(usize::MAX).min(all.len());
    let to = from.saturating_add(per as usize).min(all.len());
    json(&Window { as_of: ask.as_of(), total: all.len() as u64, rows: all.get(from..to).unwrap_or_default() })
}

async fn window<W: Windows>(ask: &Ask, list: W) -> Answer {
    let (skip, per) = Sheet::<()>::window(&ask.params)?;
    let (rows, total) = list.fetch(ask, skip, per).await?;
    json(&Window { as_of: ask.as_of(), total, rows: &rows })
}

async fn overview(ask: Ask) -> Answer {
    json(&ask.query().overview(ask.as_of()).await?)
}

async fn controls(ask: Ask) -> Answer {
    cut(&ask, &load::controls(&ask).await?)
}

async fn control(ask: Ask, Path(id): Path<String>) -> Answer {
    json(&load::control(&ask, &id).await?)
}

async fn tests(ask: Ask) -> Answer {
    cut(&ask, &load::tests(&ask).await?)
}

async fn test(ask: Ask, Path(id): Path<String>) -> Answer {
    json(&load::test(&ask, &id).await?)
}

async fn resources(ask: Ask) -> Answer {
    window(&ask, load::resource_filter(&ask.params)?).await
}

async fn resource(ask: Ask, Path((kind, key)): Path<(String, String)>) -> Answer {
    json(&ask.query().resource(&kind, &key, ask.as_of()).await?)
}

async fn results(ask: Ask) -> Answer {
    window(&ask, load::result_filter(&ask.params)?).await
}

async fn why(ask: Ask) -> Answer {
    let test = ask.params.required("test", "the id of a test")?;
    let kind = ask.params.required("kind", "the kind of a resource")?;
    let key = ask.params.required("key", "the key of a resource")?;
    json(&ask.query().why(test, kind, key, ask.as_of()).await?)
}

async fn sources(ask: Ask) -> Answer {
    cut(&ask, &ask.query().sources(ask.as_of()).await?)
}

async fn source(ask: Ask, Path(id): Path<String>) -> Answer {
    json(&ask.query().source(&id, ask.as_of(), 100).await?)
}

async fn run(ask: Ask, Path(id): Path<String>) -> Answer {
    ask.app.0.state.run.run(id).await?;
    Ok(StatusCode::ACCEPTED.into_response())
}

async fn period(ask: Ask) -> Answer {
    json(&load::period(&ask).await?)
}

async fn changes(ask: Ask) -> Answer {
    let (from, to) = load::range(&ask)?;
    let subject = if ask.params.get("subject") == Some("test") { "test" } else { "control" };
    cut(&ask, &ask.query().changes(subject, ask.params.get("id"), from, to, CHANGES_MAX).await?)
}

async fn data(ask: Ask) -> Answer {
    json(&load::data(&ask).await?)
}

async fn exposure(ask: Ask) -> Answer {
    json(&load::exposure(&ask).await?)
}

async fn coverage(ask: Ask) -> Answer {
    json(&load::coverage(&ask).await?)
}

async fn certificates(ask: Ask) -> Answer {
    cut(&ask, &load::certificates(&ask).await?)
}

async fn principles(ask: Ask) -> Answer {
    json(&ask.query().principles(ask.as_of()).await?)
}

async fn frameworks(ask: Ask) -> Answer {
    cut(&ask, &load::frameworks(&ask).await?)
}

async fn framework(ask: Ask, Path(id): Path<String>) -> Answer {
    json(&load::framework(&ask, &id).await?)
}

async fn policies(ask: Ask) -> Answer {
    let program = ask.query().program(ask.as_of()).await?.program;
    cut(&ask, &program.policies.values().collect::<Vec<_>>())
}

async fn policy(ask: Ask, Path(id): Path<String>) -> Answer {
    let program = ask.query().program(ask.as_of()).await?.program;
    json(program.policies.get(id.as_str()).ok_or_else(|| load::missing("policy", &id))?)
}

async fn claims(ask: Ask) -> Answer {
    cut(&ask, &load::claims(&ask).await?)
}

async fn program(ask: Ask) -> Answer {
    json(&load::program(&ask).await?)
}

async fn search(ask: Ask) -> Answer {
    ask.params.required("q", "a part of a name")?;
    cut(&ask, &load::search(&ask).await?)
}
