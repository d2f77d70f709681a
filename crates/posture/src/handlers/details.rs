//! The pages of single things.

use std::collections::BTreeMap;

use axum::extract::Path;
use axum::response::{IntoResponse, Redirect};
use maud::html;
use octro_engine::ResultFilter;
use octro_model::{Id, Status};
use octro_program::Fix;
use octro_web::ui::{self, Sheet};

use super::export::{Windows, stream, whole, whole_json};
use super::{Answer, Format, show};
use crate::ask::Ask;
use crate::{ledger, links, load, pages};

/// How many results that need a person a control's page shows.
const FAILING_MAX: u32 = 30;
/// How many runs a source's page shows.
const RUNS_MAX: u32 = 50;

pub(super) async fn control(ask: Ask, Path(id): Path<String>) -> Answer {
    let one = load::control(&ask, &id).await?;
    if Format::of(&ask)?.is_some() {
        return super::json(&one);
    }
    let filter = ResultFilter {
        control: Some(one.view.id.clone()),
        statuses: [Status::Fail, Status::Unknown, Status::Stale].into(),
        limit: FAILING_MAX,
        ..ResultFilter::default()
    };
    let failing = ask.query().results(&filter, ask.as_of()).await?;
    let program = ask.query().program(ask.as_of()).await?.program;
    let fixes: BTreeMap<Id, Fix> = one
        .view
        .tests
        .iter()
        .filter_map(|test| Some((test.id.clone(), program.tests.get(&test.id)?.fix.clone())))
        .collect();
    let topics = one.view.tests.iter().map(|test| format!("test:{}", test.id));
    let page = ask
        .page(&one.view.title)
        .crumb("Controls", ask.moment.href("/controls"))
        .crumb(&one.part_title, ask.moment.link("/controls", &[("part", &one.view.part)]))
        .note(html! { (ui::badge(one.view.status)) span.muted { (one.view.id) } })
        .topics(topics.chain([format!("control:{}", one.view.id), "sources".to_owned()]));
    let proof = ledger::of_control(&ask, &one.view.id).await?;
    show(&ask, &page, &pages::control::page(&ask.moment, &one, &failing, &fixes, &proof))
}

pub(super) async fn test(ask: Ask, Path(id): Path<String>) -> Answer {
    let one = load::test(&ask, &id).await?;
    let filter = ResultFilter { test: Some(one.view.id.clone()), ..load::result_filter(&ask.params)? };
    if let Some(format) = Format::of(&ask)? {
        return stream(ask, filter, format, "results").await;
    }
    let (skip, per) = Sheet::<()>::window(&ask.params)?;
    let (rows, total) = filter.fetch(&ask, skip, per).await?;
    let results = octro_engine::Results { rows, total };
    let page = ask
        .page(&one.view.title)
        .crumb("Tests", ask.moment.href("/tests"))
        .note(html! { (ui::badge(one.view.status)) span.muted { (one.view.id) } })
        .topics([format!("test:{}", one.view.id), "sources".to_owned()]);
    show(&ask, &page, &pages::test::page(ask.spot(), &one, &results))
}

pub(super) async fn resource(ask: Ask, Path((kind, key)): Path<(String, String)>) -> Answer {
    let one = ask.query().resource(&kind, &key, ask.as_of()).await?;
    if Format::of(&ask)?.is_some() {
        return super::json(&one);
    }
    let heaviest = one.results.iter().map(|result| result.status).reduce(Status::worst);
    let page = ask
        .page(&one.key)
        .crumb("Resources", ask.moment.href("/resources"))
        .crumb(&one.kind_title, links::kind(&ask.moment, &one.kind))
        .note(html! {
            @if let Some(status) = heaviest { (ui::badge(status)) }
            @if one.gone { span.tag { "gone" } }
            span.muted { (one.kind) }
        });
    let proof = ledger::of_resource(&ask, &one).await?;
    show(&ask, &page, &pages::resource::page(ask.spot(), &one, &proof))
}

pub(super) async fn why(ask: Ask) -> Answer {
    let test = ask.params.required("test", "the id of a test")?;
    let kind = ask.params.required("kind", "the kind of a resource")?;
    let key = ask.params.required("key", "the key of a resource")?;
    let one = ask.query().why(test, kind, key, ask.as_of()).await?;
    if Format::of(&ask)?.is_some() {
        return super::json(&one);
    }
    let page = ask
        .page(format!("Why: {}", one.title))
        .crumb("Tests", ask.moment.href("/tests"))
        .crumb(&one.title, links::test(&ask.moment, &one.test))
        .topics([format!("test:{}", one.test)]);
    show(&ask, &page, &pages::why::page(&ask.moment, &one))
}

pub(super) async fn source(ask: Ask, Path(id): Path<String>) -> Answer {
    let one = ask.query().source(&id, ask.as_of(), RUNS_MAX).await?;
    if Format::of(&ask)?.is_some() {
        return super::json(&one);
    }
    let page = ask
        .page(one.id.as_str())
        .crumb("Sources", ask.moment.href("/sources"))
        .note(pages::sources::note(&one))
        .topics(["sources".to_owned()]);
    let run = !ask.moment.is_past() && one.retired_at.is_none();
    show(&ask, &page, &pages::sources::detail(&ask.moment, &one, run))
}

/// Asks for a run, then shows the source; the page shows the run's end by itself.
pub(super) async fn run(ask: Ask, Path(id): Path<String>) -> Answer {
    ask.app.0.state.run.run(id.clone()).await?;
    Ok(Redirect::to(&format!("/sources/{}", octro_web::encode(&id))).into_response())
}

pub(super) async fn period(ask: Ask) -> Answer {
    let program = ask.query().program(ask.as_of()).await?.program;
    let (from, to) = load::range(&ask)?;
    let chooser = |ask: &Ask| pages::period::chooser(ask.spot(), &program, from, to);
    if ask.params.get("id").is_none() && Format::of(&ask)?.is_none() {
        let page = ask.page("Period").still();
        let content = html! {
            p { "How a control or test fared over a period: its status at every moment, repairs, population." }
            (chooser(&ask))
        };
        return show(&ask, &page, &content);
    }
    let view = load::period(&ask).await?;
    match Format::of(&ask)? {
        Some(Format::Json) => whole_json("period", &view)?.hand_out(&ask).await,
        Some(Format::Csv) => {
            let list =
                whole(Format::Csv, "period", &pages::period::sheet(ask.spot()), pages::period::rows(&view))?;
            list.hand_out(&ask).await
        }
        None => {
            let href = if view.subject == "test" { links::test } else { links::control };
            let page = ask
                .page(&view.title)
                .crumb("Period", ask.moment.href("/period"))
                .crumb(view.id.as_str(), href(&ask.moment, &view.id))
                .still();
            let proof = ledger::of_period(&ask, &view, &program).await?;
            let content = html! { (chooser(&ask)) (pages::period::page(ask.spot(), &view, &proof)) };
            show(&ask, &page, &content)
        }
    }
}

pub(super) async fn framework(ask: Ask, Path(id): Path<String>) -> Answer {
    let one = load::framework(&ask, &id).await?;
    match Format::of(&ask)? {
        Some(Format::Json) => whole_json("framework", &one)?.hand_out(&ask).await,
        Some(Format::Csv) => {
            let list =
                whole(Format::Csv, "requirements", &pages::frameworks::requirements(ask.spot()), one.rows)?;
            list.hand_out(&ask).await
        }
        None => {
            let page = ask.page(&one.row.title).crumb("Frameworks", ask.moment.href("/frameworks"));
            show(&ask, &page, &pages::frameworks::detail(ask.spot(), one))
        }
    }
}

pub(super) async fn policy(ask: Ask, Path(id): Path<String>) -> Answer {
    let program = ask.query().program(ask.as_of()).await?.program;
    let one = program.policies.get(id.as_str()).ok_or_else(|| load::missing("policy", &id))?;
    if Format::of(&ask)?.is_some() {
        return super::json(one);
    }
    let page =
        ask.page(&one.title).crumb("Policies", ask.moment.href("/policies")).topics(["sources".to_owned()]);
    show(&ask, &page, &pages::policies::detail(&ask.moment, &program, one))
}
