//! Policies: written rules for people.

use maud::{Markup, PreEscaped, html};
use octro_program::{Heading, Policy, Program};
use octro_web::Moment;
use octro_web::ui::{self, Cell, Column, Sheet};
use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, TagEnd};

use crate::ask::Spot;
use crate::links;

pub(crate) fn sheet<'a>(spot: Spot<'a>, program: &'a Program) -> Sheet<'a, Policy> {
    let moment = spot.moment;
    Sheet::new("Policies", spot.path, spot.params, moment)
        .column(Column::new("id", "Policy", |one: &Policy| Cell::text(&one.id)).show(move |one| {
            html! { a href=(links::policy(moment, &one.id, "")) { (one.title) } }
        }))
        .column(Column::new("title", "Title", |one: &Policy| Cell::text(&one.title)).export_only())
        .column(Column::new("owner", "Owner", move |one: &Policy| {
            Cell::text(program.roles.get(&one.owner).map_or(one.owner.as_str(), |role| &role.title))
        }))
        .column(Column::new("audience", "To be acknowledged by", |one: &Policy| {
            Cell::Text(one.audience.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(", "))
        }))
        .column(Column::new("review", "Looked at again", |one: &Policy| {
            Cell::Text(format!("every {}", one.review.human()))
        }))
        .column(Column::new("controls", "Controls", move |one: &Policy| {
            Cell::Count(behind(program, one).count() as u64)
        }))
        .column(Column::new("hash", "Hash", |one: &Policy| Cell::text(&one.hash)).export_only())
}

fn behind<'a>(program: &'a Program, policy: &'a Policy) -> impl Iterator<Item = &'a octro_program::Control> {
    program
        .controls
        .values()
        .filter(|control| control.policy.as_ref().is_some_and(|section| section.policy == policy.id))
}

pub(crate) fn page(spot: Spot<'_>, program: &Program) -> Markup {
    html! { div.card { (sheet(spot, program).page(program.policies.values().cloned().collect())) } }
}

pub(crate) fn detail(moment: &Moment, program: &Program, one: &Policy) -> Markup {
    html! {
        div.two {
            (ui::section("text", "Text", &html! { div.prose { (markdown(&one.body, &one.headings)) } }))
            (ui::section("about", "About", &html! {
                (ui::facts(&[
                    ("Owner", html! { (program.roles.get(&one.owner).map_or(one.owner.as_str(), |role| &role.title)) }),
                    ("Looked at again", html! { "every " (one.review.human()) }),
                    ("For", html! { @if one.audience.is_empty() { span.muted { "nobody in particular" } } @for role in &one.audience { span.tag { (role) } " " } }),
                    ("Version", html! { code { (one.hash.chars().take(16).collect::<String>()) } }),
                    ("File", html! { code { (one.file) } }),
                ]))
                h3 { "Controls that carry it out" }
                ul.plain {
                    @for control in behind(program, one) {
                        li { a href=(links::control(moment, &control.id)) { (control.id) } " " (control.title) }
                    }
                }
            }))
        }
    }
}

/// Markdown as markup. HTML in it is shown as text; links lead only to places that a browser can show safely.
pub(super) fn markdown(text: &str, headings: &[Heading]) -> Markup {
    let mut slugs = headings.iter();
    let events = Parser::new_ext(text, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH);
    let safe = events.map(|event| tame(event, &mut slugs));
    let mut markup = String::with_capacity(text.len() * 2);
    pulldown_cmark::html::push_html(&mut markup, safe);
    PreEscaped(markup)
}

/// What is made of a piece of Markdown. Only these are dangerous or need another form.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the library's pieces of text that need no change are many"
)]
fn tame<'a>(event: Event<'a>, slugs: &mut std::slice::Iter<'_, Heading>) -> Event<'a> {
    match event {
        Event::Html(html) | Event::InlineHtml(html) => Event::Text(html),
        Event::Start(Tag::Heading { level, classes, attrs, .. }) => {
            let id = slugs
                .next()
                .map(|heading| CowStr::from(heading.slug.clone()))
                .filter(|slug| !slug.is_empty());
            Event::Start(Tag::Heading { level: lower(level), id, classes, attrs })
        }
        Event::End(TagEnd::Heading(level)) => Event::End(TagEnd::Heading(lower(level))),
        Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
            let dest_url = if is_safe(&dest_url) { dest_url } else { CowStr::from("#") };
            Event::Start(Tag::Link { link_type, dest_url, title, id })
        }
        // Pictures would be fetched from elsewhere; their words are kept.
        Event::Start(Tag::Image { .. }) => Event::Start(Tag::Emphasis),
        Event::End(TagEnd::Image) => Event::End(TagEnd::Emphasis),
        other => other,
    }
}

/// The page has its own first heading; a text's headings stand below it.
fn lower(level: pulldown_cmark::HeadingLevel) -> pulldown_cmark::HeadingLevel {
    use pulldown_cmark::HeadingLevel::{H1, H2, H3, H4, H5, H6};
    match level {
        H1 => H2,
        H2 => H3,
        H3 => H4,
        H4 => H5,
        H5 | H6 => H6,
    }
}

fn is_safe(address: &str) -> bool {
    let scheme = address.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
    scheme.is_none_or(|scheme| {
        matches!(scheme.as_str(), "http" | "https" | "mailto") || scheme.contains(['/', '#', '?'])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_cannot_carry_script() {
        let bad = "# A\n<script>x</script>\n\n[a](javascript:alert(1)) [b](JaVaScRiPt:x) [c](data:text/html,x) \
                   ![d](https://elsewhere/x.png) <img src=x onerror=y> [e](#a) [f](https://ok.example/a:b)\n";
        let heading = Heading { level: 1, title: "A".to_owned(), slug: "a".to_owned() };
        let text = markdown(bad, &[heading]).into_string();
        for no in ["<script", "javascript:", "JaVa", "data:", "<img", "elsewhere"] {
            assert!(!text.contains(no), "{no} in {text}");
        }
        assert!(
            text.contains("<h2 id=\"a\">")
                && text.contains("href=\"#a\"")
                && text.contains("https://ok.example/a:b")
        );
        assert!(text.contains("&lt;script&gt;"));
    }
}
