//! What a request asks for, asked: pages, exports and API take the same things from here, so that they never differ.

use std::collections::BTreeSet;

use octro_engine::{
    CertificateRow, ControlView, Coverage, DataMap, EngineError, Exposure, Hit, Period, ResourceFilter,
    ResultFilter, ResultSort, TestView,
};
use octro_model::{Id, Layer, Severity, Span, Status, Timestamp};
use octro_web::{Params, WebError};

use crate::ask::Ask;
use crate::failure::Failure;
use crate::pages;
use crate::standards::{self, ClaimView, FrameworkRow, FrameworkView};
use crate::views::{self, ControlDetail, ProgramView, TestDetail};

/// How far back the strips of controls and tests go.
pub(crate) const STRIP: Span = Span::from_secs(90 * 86_400);
/// The most changes that a strip is made of.
const CHANGES_MAX: u32 = 2_000;
/// The longest period that can be asked for.
const PERIOD_MAX: Span = Span::from_secs(5 * 366 * 86_400);

fn holds(text: &Option<String>, words: &[&str]) -> bool {
    text.as_ref().is_none_or(|text| words.iter().any(|word| word.to_lowercase().contains(text)))
}

fn text(params: &Params) -> Option<String> {
    params.get("q").map(|text| text.trim().to_lowercase())
}

/// Controls by `part`, `layer`, `owner`, `status` and `q`.
pub(crate) async fn controls(ask: &Ask) -> Result<Vec<ControlView>, Failure> {
    let (layer, status) = (ask.params.read::<Layer>("layer")?, ask.params.read::<Status>("status")?);
    let (part, owner, text) = (ask.params.get("part"), ask.params.get("owner"), text(&ask.params));
    let mut all = ask.query().controls(ask.as_of()).await?;
    all.retain(|one| {
        layer.is_none_or(|layer| one.layer == layer)
            && status.is_none_or(|status| one.status == status)
            && part.is_none_or(|part| one.part == part)
            && owner.is_none_or(|owner| one.owner == owner)
            && holds(&text, &[&one.id, &one.title])
    });
    Ok(all)
}

/// Tests by `part`, `severity`, `status`, `kind` and `q`.
pub(crate) async fn tests(ask: &Ask) -> Result<Vec<TestView>, Failure> {
    let (severity, status) = (ask.params.read::<Severity>("severity")?, ask.params.read::<Status>("status")?);
    let (part, kind, text) = (ask.params.get("part"), ask.params.get("kind"), text(&ask.params));
    let mut all = ask.query().tests(ask.as_of()).await?;
    all.retain(|one| {
        severity.is_none_or(|severity| one.severity == severity)
            && status.is_none_or(|status| one.status == status)
            && part.is_none_or(|part| one.part == part)
            && kind.is_none_or(|kind| one.on.as_str() == kind)
            && holds(&text, &[&one.id, &one.title])
    });
    Ok(all)
}

/// Everything about a control.
pub(crate) async fn control(ask: &Ask, id: &str) -> Result<ControlDetail, Failure> {
    let view = ask.query().control(id, ask.as_of()).await?;
    let program = ask.query().program(ask.as_of()).await?.program;
    let since = ask.moment.at.minus(STRIP);
    let changes = ask.query().changes("control", Some(id), since, ask.moment.at, CHANGES_MAX).await?;
    views::control(&program, view, changes).ok_or_else(|| missing("control", id))
}

/// Everything about a test.
pub(crate) async fn test(ask: &Ask, id: &str) -> Result<TestDetail, Failure> {
    let view = ask.query().test(id, ask.as_of()).await?;
    let program = ask.query().program(ask.as_of()).await?.program;
    let since = ask.moment.at.minus(STRIP);
    let changes = ask.query().changes("test", Some(id), since, ask.moment.at, CHANGES_MAX).await?;
    views::test(&program, view, changes).ok_or_else(|| missing("test", id))
}

pub(crate) fn missing(what: &str, id: &str) -> Failure {
    let shown: String = id.chars().take(200).collect();
    WebError::not_found(format!("There is no {what} `{shown}`.")).into()
}

/// Results by `test`, `control`, `kind`, `key`, `status` (several, with commas), `severity` and `q`.
pub(crate) fn result_filter(params: &Params) -> Result<ResultFilter, WebError> {
    let mut statuses = BTreeSet::new();
    for word in params.get("status").into_iter().flat_map(|text| text.split(',')) {
        statuses.insert(
            word.parse::<Status>().map_err(|error| WebError::bad_request(format!("`status`: {error}")))?,
        );
    }
    let sort = match params.get("sort") {
        None | Some("attention") => ResultSort::Attention,
        Some("newest" | "-since") => ResultSort::Newest,
        Some("oldest" | "since") => ResultSort::Oldest,
        Some(_) => return Err(WebError::bad_request("`sort` is none of `attention`, `newest`, `oldest`")),
    };
    Ok(ResultFilter {
        test: params.read::<Id>("test")?,
        control: params.read::<Id>("control")?,
        kind: params.read::<Id>("kind")?,
        resource: params.get("key").map(str::to_owned),
        statuses,
        severity: params.read("severity")?,
        text: params.get("q").unwrap_or_default().to_owned(),
        sort,
        offset: 0,
        limit: 1,
    })
}

/// Resources by `kind`, `status`, `q` and `gone=yes`.
pub(crate) fn resource_filter(params: &Params) -> Result<ResourceFilter, WebError> {
    Ok(ResourceFilter {
        kind: params.read::<Id>("kind")?,
        text: params.get("q").unwrap_or_default().to_owned(),
        status: params.read("status")?,
        gone: params.get("gone") == Some("yes"),
        offset: 0,
        limit: 1,
    })
}

/// All standards, in short.
pub(crate) async fn frameworks(ask: &Ask) -> Result<Vec<FrameworkRow>, Failure> {
    let program = ask.query().program(ask.as_of()).await?.program;
    let controls = ask.query().controls(ask.as_of()).await?;
    Ok(program.frameworks.values().map(|one| standards::framework(&program, one, &controls).row).collect())
}

/// A standard with its requirements, by `status`, `coverage` (`full`, `partial`, `none`) and `q`.
pub(crate) async fn framework(ask: &Ask, id: &str) -> Result<FrameworkView, Failure> {
    let program = ask.query().program(ask.as_of()).await?.program;
    let framework = program.frameworks.get(id).ok_or_else(|| missing("framework", id))?;
    let status = ask.params.read::<Status>("status")?;
    let coverage = ask.params.get("coverage");
    let text = text(&ask.params);
    let controls = ask.query().controls(ask.as_of()).await?;
    let mut view = standards::framework(&program, framework, &controls);
    view.rows.retain(|row| {
        status.is_none_or(|status| row.status == Some(status))
            && coverage
                .is_none_or(|coverage| row.coverage.map_or("none", octro_model::Coverage::as_str) == coverage)
            && holds(&text, &[&row.id, &row.title])
    });
    Ok(view)
}

/// The claims with the status of what is behind them.
pub(crate) async fn claims(ask: &Ask) -> Result<Vec<ClaimView>, Failure> {
    let program = ask.query().program(ask.as_of()).await?.program;
    let status = ask.params.read::<Status>("status")?;
    let controls = ask.query().controls(ask.as_of()).await?;
    let mut all = standards::claims(&program, &controls);
    all.retain(|claim| status.is_none_or(|status| claim.status == status));
    Ok(all)
}

/// The data map, by `class` (a class, `unclassified` or `unknown`), `kind`, `status` (the heaviest of any answer) and
/// `q` (in the place).
pub(crate) async fn data(ask: &Ask) -> Result<DataMap, Failure> {
    let mut map = ask.query().data_map(ask.as_of()).await?;
    let kind = ask.params.read::<Id>("kind")?;
    let status = ask.params.read::<Status>("status")?;
    let class = ask.params.get("class");
    let text = text(&ask.params);
    map.rows.retain(|row| {
        class.is_none_or(|class| class == pages::data::class(&row.class))
            && kind.as_ref().is_none_or(|kind| row.kind == *kind)
            && status.is_none_or(|status| row.answers.iter().flatten().any(|counts| counts[status] > 0))
            && holds(&text, &[&row.place])
    });
    Ok(map)
}

/// The paths from the internet, by `via`, `kind`, `account`, `status` and `q` (in hops and sources).
pub(crate) async fn exposure(ask: &Ask) -> Result<Exposure, Failure> {
    let mut found = ask.query().exposure(ask.as_of()).await?;
    let kind = ask.params.read::<Id>("kind")?;
    let status = ask.params.read::<Status>("status")?;
    let (via, account) = (ask.params.get("via"), ask.params.get("account"));
    let text = text(&ask.params);
    found.paths.retain(|path| {
        via.is_none_or(|via| path.via == via)
            && kind.as_ref().is_none_or(|kind| path.kind == *kind)
            && account.is_none_or(|account| path.account == account)
            && status.is_none_or(|status| path.status == Some(status))
            && holds(&text, &[&path.hops.join(" -> "), &path.sources, &path.key])
    });
    Ok(found)
}

/// What could not be seen, by `why`, `account`, `kind`, `permission` and `q` (in region, attribute and answer).
pub(crate) async fn coverage(ask: &Ask) -> Result<Coverage, Failure> {
    let mut found = ask.query().coverage(ask.as_of()).await?;
    let kind = ask.params.read::<Id>("kind")?;
    let (why, account) = (ask.params.get("why"), ask.params.get("account"));
    let permission = ask.params.get("permission");
    let text = text(&ask.params);
    found.gaps.retain(|gap| {
        why.is_none_or(|why| gap.why == why)
            && kind.as_ref().is_none_or(|kind| gap.kind == *kind)
            && account.is_none_or(|account| gap.account == account)
            && permission.is_none_or(|permission| gap.permission == permission)
            && holds(&text, &[&gap.region, &gap.attribute, &gap.detail])
    });
    Ok(found)
}

/// The certificates in use, by `within` (they end within so many days), `status` and `q`.
pub(crate) async fn certificates(ask: &Ask) -> Result<Vec<CertificateRow>, Failure> {
    let status = ask.params.read::<Status>("status")?;
    let within = ask.params.read::<u32>("within")?;
    let until = within.map(|days| ask.moment.at.plus(Span::from_secs(i64::from(days) * 86_400)));
    let text = text(&ask.params);
    let mut rows = ask.query().certificates(ask.as_of()).await?;
    rows.retain(|row| {
        status.is_none_or(|status| row.status == Some(status))
            // Of what nobody knows when it ends, it may be within.
            && until.is_none_or(|until| row.not_after.is_none_or(|at| at <= until))
            && holds(&text, &[&row.subject, &row.issuer, &row.key])
    });
    Ok(rows)
}

/// What is found for `q`; nothing without one.
pub(crate) async fn search(ask: &Ask) -> Result<Vec<Hit>, Failure> {
    Ok(ask.query().search(ask.params.get("q").unwrap_or_default(), ask.as_of(), 200).await?)
}

/// The beginning and end of the period that is asked for; the last 90 days without any.
pub(crate) fn range(ask: &Ask) -> Result<(Timestamp, Timestamp), WebError> {
    let to = ask.params.time("to")?.unwrap_or(ask.moment.at).min(ask.moment.now);
    let from = ask.params.time("from")?.unwrap_or_else(|| to.minus(STRIP));
    if from >= to {
        return Err(WebError::bad_request(
            "the period has no length; expected `from` before `to`, and `from` before now",
        ));
    }
    if to.since(from) > PERIOD_MAX {
        return Err(WebError::bad_request("the period is too long; expected at most five years"));
    }
    Ok((from, to))
}

/// The subject of a period: `control` or `test`, and its id.
pub(crate) fn subject(params: &Params) -> Result<(&'static str, &str), WebError> {
    let subject = match params.get("subject").unwrap_or("control") {
        "control" => "control",
        "test" => "test",
        _ => return Err(WebError::bad_request("`subject` is neither `control` nor `test`")),
    };
    Ok((subject, params.required("id", "the id of a control or test")?))
}

/// The period that is asked for.
pub(crate) async fn period(ask: &Ask) -> Result<Period, Failure> {
    let (subject, id) = subject(&ask.params)?;
    let (from, to) = range(ask)?;
    Ok(ask.query().period(subject, id, from, to, ask.moment.known_at).await?)
}

/// The program in force, with the warnings that loading it gave; `None` before the first is in force.
pub(crate) async fn program(ask: &Ask) -> Result<Option<ProgramView>, Failure> {
    let in_force = match ask.query().program(ask.as_of()).await {
        Ok(in_force) => in_force,
        // Before the first program is in force, its problems are what everyone wants to see.
        Err(EngineError::NotFound { what: "program", .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let files = ask.query().program_files(in_force.ord).await?;
    let warnings =
        tokio::task::spawn_blocking(move || octro_program::load(&files).map(|loaded| loaded.warnings))
            .await
            .map_err(WebError::internal)?
            .map_err(EngineError::Program)?;
    Ok(Some(views::program(&in_force, warnings, ask.app.problems())))
}
