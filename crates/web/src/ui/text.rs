//! Small pieces of text: facts, code, notes, what is said when there is nothing.

use maud::{Markup, html};

use super::{Icon, icon};

/// Names and what they are.
pub fn facts(all: &[(&str, Markup)]) -> Markup {
    html! { dl.facts { @for (name, what) in all { div { dt { (name) } dd { (what) } } } } }
}

/// A block of code.
pub fn code(text: &str) -> Markup {
    html! { pre tabindex="0" { code { (text) } } }
}

/// A text that others need exactly, with a button that copies it.
pub fn copied(text: &str) -> Markup {
    html! { code { (text) } " " button type="button" data-copy=(text) { "Copy" } }
}

/// A JSON value, on one line if it is short.
pub fn json(value: &serde_json::Value) -> Markup {
    match value {
        serde_json::Value::Null => html! { span.muted { "absent" } },
        serde_json::Value::String(text) => html! { (text) },
        serde_json::Value::Bool(_) | serde_json::Value::Number(_) => html! { code { (value.to_string()) } },
        serde_json::Value::Array(_) | serde_json::Value::Object(_) => {
            let short = value.to_string();
            if short.len() <= 80 {
                return html! { code { (short) } };
            }
            let long = serde_json::to_string_pretty(value).unwrap_or(short);
            if long.lines().count() <= 12 {
                return code(&long);
            }
            html! { details { summary { (long.lines().count()) " lines" } (code(&long)) } }
        }
    }
}

/// What is said when there is nothing: why, and what to do.
pub fn empty(what: &str, todo: &Markup) -> Markup {
    html! { div.empty { p { strong { (what) } } p { (todo) } } }
}

/// Something to know.
pub fn note(text: &Markup) -> Markup {
    html! { p.note { (icon(Icon::Alert)) span { (text) } } }
}

/// A part of a page under a heading that can be linked to.
pub fn section(id: &str, title: &str, content: &Markup) -> Markup {
    html! { section id=(id) aria-labelledby={ (id) "-h" } { h2 id={ (id) "-h" } { (title) } (content) } }
}

/// A share as a short bar with its number.
pub fn meter(share: Option<f64>, of: &str) -> Markup {
    let text = super::share(share);
    let Some(share) = share else { return html! { span.muted title=(of) { (text) } } };
    let width = (share.clamp(0.0, 1.0) * 100.0).floor();
    html! {
        span.meter {
            svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true" {
                rect.ground width="100" height="8" {}
                rect.done width=(width) height="8" {}
            }
            span { (text) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json as value;

    #[test]
    fn nothing_slips_through_unescaped() {
        let bad = "<script>\"&";
        let all = [
            code(bad),
            copied(bad),
            json(&value!(bad)),
            json(&value!([bad])),
            empty(bad, &html! { (bad) }),
            section(bad, bad, &html! {}),
        ];
        for markup in all {
            let text = markup.into_string();
            assert!(!text.contains("<script>") && text.contains("&lt;script&gt;"), "{text}");
        }
    }

    #[test]
    fn long_values_are_folded() {
        assert!(json(&value!(null)).into_string().contains("absent"));
        let long: Vec<u32> = (0..100).collect();
        assert!(json(&value!(long)).into_string().contains("102 lines"));
    }
}
