//! The overview and the lists.

use octro_web::ui::Sheet;

use super::export::{Windows, stream, whole, whole_json};
use super::{Answer, Format, show};
use crate::ask::Ask;
use crate::{load, pages};

pub(super) async fn overview(ask: Ask) -> Answer {
    let view = ask.query().overview(ask.as_of()).await?;
    if Format::of(&ask)?.is_some() {
        return super::json(&view);
    }
    let page = ask.page("Overview");
    show(&ask, &page, &pages::overview::page(&ask.moment, &view, ask.app.problems().len()))
}

pub(super) async fn controls(ask: Ask) -> Answer {
    let rows = load::controls(&ask).await?;
    let program = ask.query().program(ask.as_of()).await?.program;
    match Format::of(&ask)? {
        None => show(&ask, &ask.page("Controls"), &pages::controls::page(ask.spot(), &program, rows)),
        Some(format) => {
            let list = whole(format, "controls", &pages::controls::sheet(ask.spot(), &program), rows)?;
            list.hand_out(&ask).await
        }
    }
}

pub(super) async fn tests(ask: Ask) -> Answer {
    let rows = load::tests(&ask).await?;
    let program = ask.query().program(ask.as_of()).await?.program;
    match Format::of(&ask)? {
        None => show(&ask, &ask.page("Tests"), &pages::tests::page(ask.spot(), &program, rows)),
        Some(format) => {
            let list = whole(format, "tests", &pages::tests::sheet(ask.spot()), rows)?;
            list.hand_out(&ask).await
        }
    }
}

pub(super) async fn resources(ask: Ask) -> Answer {
    let filter = load::resource_filter(&ask.params)?;
    if let Some(format) = Format::of(&ask)? {
        return stream(ask, filter, format, "resources").await;
    }
    let (skip, per) = Sheet::<()>::window(&ask.params)?;
    let (rows, total) = filter.fetch(&ask, skip, per).await?;
    let program = ask.query().program(ask.as_of()).await?.program;
    show(&ask, &ask.page("Resources"), &pages::resources::page(ask.spot(), &program, &rows, total))
}

pub(super) async fn results(ask: Ask) -> Answer {
    let filter = load::result_filter(&ask.params)?;
    if let Some(format) = Format::of(&ask)? {
        return stream(ask, filter, format, "results").await;
    }
    let (skip, per) = Sheet::<()>::window(&ask.params)?;
    let (rows, total) = filter.fetch(&ask, skip, per).await?;
    let results = octro_engine::Results { rows, total };
    show(&ask, &ask.page("Results"), &pages::results::page(ask.spot(), &results))
}

pub(super) async fn data(ask: Ask) -> Answer {
    let map = load::data(&ask).await?;
    match Format::of(&ask)? {
        None => {
            let page =
                ask.page("Data").topics(map.questions.iter().map(|one| format!("control:{}", one.control)));
            show(&ask, &page, &pages::data::page(ask.spot(), &map))
        }
        Some(Format::Json) => whole_json("data", &map)?.hand_out(&ask).await,
        Some(Format::Csv) => {
            let list = whole(Format::Csv, "data", &pages::data::sheet(ask.spot(), &map.questions), map.rows)?;
            list.hand_out(&ask).await
        }
    }
}

pub(super) async fn exposure(ask: Ask) -> Answer {
    let found = load::exposure(&ask).await?;
    match Format::of(&ask)? {
        None => {
            let page = ask.page("Exposure").topics(["sources".to_owned()]);
            show(&ask, &page, &pages::exposure::page(ask.spot(), &found))
        }
        Some(Format::Json) => whole_json("exposure", &found)?.hand_out(&ask).await,
        Some(Format::Csv) => {
            let list = whole(Format::Csv, "exposure", &pages::exposure::sheet(ask.spot()), found.paths)?;
            list.hand_out(&ask).await
        }
    }
}

pub(super) async fn coverage(ask: Ask) -> Answer {
    let found = load::coverage(&ask).await?;
    match Format::of(&ask)? {
        None => {
            let page = ask.page("Coverage").topics(["sources".to_owned()]);
            show(&ask, &page, &pages::coverage::page(ask.spot(), &found))
        }
        Some(Format::Json) => whole_json("coverage", &found)?.hand_out(&ask).await,
        Some(Format::Csv) => {
            let list = whole(Format::Csv, "coverage", &pages::coverage::sheet(ask.spot()), found.gaps)?;
            list.hand_out(&ask).await
        }
    }
}

pub(super) async fn certificates(ask: Ask) -> Answer {
    let rows = load::certificates(&ask).await?;
    match Format::of(&ask)? {
        None => {
            let page = ask.page("Certificates").topics(["sources".to_owned()]);
            show(&ask, &page, &pages::certificates::page(ask.spot(), rows))
        }
        Some(format) => {
            let list = whole(format, "certificates", &pages::certificates::sheet(ask.spot()), rows)?;
            list.hand_out(&ask).await
        }
    }
}

pub(super) async fn sources(ask: Ask) -> Answer {
    let rows = ask.query().sources(ask.as_of()).await?;
    match Format::of(&ask)? {
        None => {
            let page = ask.page("Sources").topics(["sources".to_owned()]);
            show(&ask, &page, &pages::sources::page(ask.spot(), rows))
        }
        Some(format) => {
            let list = whole(format, "sources", &pages::sources::sheet(ask.spot()), rows)?;
            list.hand_out(&ask).await
        }
    }
}

pub(super) async fn principles(ask: Ask) -> Answer {
    let view = ask.query().principles(ask.as_of()).await?;
    match Format::of(&ask)? {
        None => {
            let page = ask.page("Principles").still();
            show(&ask, &page, &pages::principles::page(ask.spot(), &view))
        }
        Some(Format::Json) => whole_json("principles", &view)?.hand_out(&ask).await,
        Some(Format::Csv) => {
            let list =
                whole(Format::Csv, "consistency", &pages::principles::sheet(ask.spot()), view.consistency)?;
            list.hand_out(&ask).await
        }
    }
}

pub(super) async fn frameworks(ask: Ask) -> Answer {
    let rows = load::frameworks(&ask).await?;
    match Format::of(&ask)? {
        None => show(&ask, &ask.page("Frameworks"), &pages::frameworks::page(ask.spot(), rows)),
        Some(format) => {
            let list = whole(format, "frameworks", &pages::frameworks::sheet(ask.spot()), rows)?;
            list.hand_out(&ask).await
        }
    }
}

pub(super) async fn policies(ask: Ask) -> Answer {
    let program = ask.query().program(ask.as_of()).await?.program;
    match Format::of(&ask)? {
        None => {
            let page = ask.page("Policies").topics(["sources".to_owned()]);
            show(&ask, &page, &pages::policies::page(ask.spot(), &program))
        }
        Some(format) => {
            let rows = program.policies.values().cloned().collect();
            let list = whole(format, "policies", &pages::policies::sheet(ask.spot(), &program), rows)?;
            list.hand_out(&ask).await
        }
    }
}

pub(super) async fn claims(ask: Ask) -> Answer {
    let rows = load::claims(&ask).await?;
    match Format::of(&ask)? {
        None => show(&ask, &ask.page("Claims"), &pages::claims::page(ask.spot(), &rows)),
        Some(format) => {
            let list = whole(format, "claims", &pages::claims::sheet(ask.spot()), rows)?;
            list.hand_out(&ask).await
        }
    }
}

pub(super) async fn program(ask: Ask) -> Answer {
    let problems = ask.app.problems();
    let view = load::program(&ask).await?;
    match (Format::of(&ask)?, view) {
        (Some(_), Some(view)) => super::json(&view),
        (_, view) => {
            let page = ask.page("Program").topics(["sources".to_owned()]);
            show(&ask, &page, &pages::program::page(&ask.moment, view.as_ref(), &problems))
        }
    }
}

pub(super) async fn search(ask: Ask) -> Answer {
    let hits = load::search(&ask).await?;
    match Format::of(&ask)? {
        None => {
            let title = ask.params.get("q").map_or("Search".to_owned(), |text| format!("Search: {text}"));
            let page = ask.page(title).still();
            show(&ask, &page, &pages::search::page(ask.spot(), hits))
        }
        Some(format) => {
            let list = whole(format, "search", &pages::search::sheet(ask.spot()), hits)?;
            list.hand_out(&ask).await
        }
    }
}
