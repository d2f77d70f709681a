//! What was found.

use maud::{Markup, html};
use octro_engine::Hit;
use octro_web::Moment;
use octro_web::ui::{self, Cell, Column, Sheet};

use crate::ask::Spot;
use crate::links;

fn href(moment: &Moment, hit: &Hit) -> String {
    match hit.what {
        "control" => links::control(moment, &hit.id),
        "test" => links::test(moment, &hit.id),
        "policy" => links::policy(moment, &hit.id, ""),
        "kind" => links::kind(moment, &hit.id),
        "requirement" => links::requirement(moment, &hit.within, &hit.id),
        "resource" => links::resource(moment, &hit.within, &hit.id),
        _ => format!("{}#{}", moment.href("/claims"), octro_web::encode(&hit.id)),
    }
}

pub(crate) fn sheet<'a>(spot: Spot<'a>) -> Sheet<'a, Hit> {
    let moment = spot.moment;
    Sheet::new("Found", spot.path, spot.params, moment)
        .column(Column::new("what", "What", |hit: &Hit| Cell::text(hit.what)))
        .column(Column::new("id", "Name", |hit: &Hit| Cell::text(&hit.id)).show(move |hit| {
            html! { a href=(href(moment, hit)) { (hit.id) } }
        }))
        .column(Column::new("title", "Title", |hit: &Hit| Cell::text(&hit.title)))
        .column(Column::new("within", "In", |hit: &Hit| Cell::text(&hit.within)))
}

pub(crate) fn page(spot: Spot<'_>, hits: Vec<Hit>) -> Markup {
    let Some(text) = spot.params.get("q") else {
        return ui::empty(
            "Nothing was asked for.",
            &html! { "Type a part of a name, a title or a key into the field above." },
        );
    };
    if hits.is_empty() {
        return ui::empty(
            &format!("Nothing has “{text}” in its name."),
            &html! { "Controls, tests, policies, claims, kinds, requirements and resources were looked through." },
        );
    }
    html! { div.card { (sheet(spot).page(hits)) } }
}
