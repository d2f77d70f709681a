//! The addresses of things, at a moment.

use maud::{Markup, html};
use octro_web::{Moment, encode, key_path};

pub(crate) fn control(moment: &Moment, id: &str) -> String {
    moment.href(&format!("/controls/{}", encode(id)))
}

pub(crate) fn test(moment: &Moment, id: &str) -> String {
    moment.href(&format!("/tests/{}", encode(id)))
}

pub(crate) fn resource(moment: &Moment, kind: &str, key: &str) -> String {
    moment.href(&format!("/resources/{}/{}", encode(kind), key_path(key)))
}

pub(crate) fn kind(moment: &Moment, kind: &str) -> String {
    moment.link("/resources", &[("kind", kind)])
}

pub(crate) fn source(moment: &Moment, id: &str) -> String {
    moment.href(&format!("/sources/{}", encode(id)))
}

pub(crate) fn policy(moment: &Moment, id: &str, heading: &str) -> String {
    let address = moment.href(&format!("/policies/{}", encode(id)));
    if heading.is_empty() { address } else { format!("{address}#{}", encode(heading)) }
}

pub(crate) fn framework(moment: &Moment, id: &str) -> String {
    moment.href(&format!("/frameworks/{}", encode(id)))
}

pub(crate) fn requirement(moment: &Moment, framework_id: &str, id: &str) -> String {
    format!("{}#{}", framework(moment, framework_id), encode(id))
}

pub(crate) fn why(moment: &Moment, test: &str, kind: &str, key: &str) -> String {
    moment.link("/why", &[("test", test), ("kind", kind), ("key", key)])
}

/// A link that says why a result is what it is; it opens beside the page.
pub(crate) fn why_link(moment: &Moment, test: &str, kind: &str, key: &str) -> Markup {
    html! { a data-drawer href=(why(moment, test, kind, key)) { "Why" span.vh { " " (key) } } }
}

/// Links to controls, one behind another.
pub(crate) fn controls<'a>(moment: &Moment, ids: impl IntoIterator<Item = &'a str>) -> Markup {
    html! { span.tags { @for id in ids { a.tag href=(control(moment, id)) { (id) } } } }
}
