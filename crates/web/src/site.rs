//! The frame around every page: navigation, search, the moment that is shown, and banners that nobody can overlook.

use std::sync::Arc;

use maud::{DOCTYPE, Markup, html};
use octro_model::{Clock, Timestamp};

use crate::assets::ADDRESSES;
use crate::ui::{Icon, icon};
use crate::{Moment, Params};

/// A group of the navigation.
#[derive(Clone, Debug)]
pub struct Section {
    /// Its heading.
    pub title: &'static str,
    /// Its pages.
    pub tabs: Vec<Tab>,
}

/// A page in the navigation.
#[derive(Clone, Debug)]
pub struct Tab {
    /// Its path. It is the current one on every page below it.
    pub path: &'static str,
    /// Its name.
    pub title: &'static str,
    /// Its picture.
    pub icon: Icon,
}

/// What is the same on all pages. Cheap to clone.
#[derive(Clone)]
pub struct Site(Arc<Inner>);

struct Inner {
    version: String,
    simulated: bool,
    nav: Vec<Section>,
    clock: Arc<dyn Clock>,
}

/// A step on the way from the overview to a page: its name and address.
pub type Crumb = (String, String);

/// What is particular to one page.
#[derive(Clone, Debug)]
pub struct Page {
    title: String,
    note: Option<Markup>,
    path: String,
    params: Params,
    moment: Option<Moment>,
    crumbs: Vec<Crumb>,
    live: bool,
    topics: String,
}

impl Page {
    /// A page with this title at this path. Without a moment it is not about one.
    pub fn new(title: impl Into<String>, path: &str, moment: Option<Moment>) -> Self {
        let live = moment.as_ref().is_some_and(|moment| !moment.is_past());
        Self {
            title: title.into(),
            note: None,
            path: path.to_owned(),
            params: Params::default(),
            moment,
            crumbs: Vec::new(),
            live,
            topics: String::new(),
        }
    }

    /// With the parameters that choosing another moment keeps.
    #[must_use]
    pub fn params(mut self, params: &Params) -> Self {
        self.params = params.without(&["as_of", "known_at", "page", "format"]);
        self
    }

    /// With the pages above it.
    #[must_use]
    pub fn crumb(mut self, title: impl Into<String>, href: impl Into<String>) -> Self {
        self.crumbs.push((title.into(), href.into()));
        self
    }

    /// With something beside the title: a status, an id.
    #[must_use]
    pub fn note(mut self, note: Markup) -> Self {
        self.note = Some(note);
        self
    }

    /// It shows itself anew only when one of these changed: `test:ID`, `control:ID`, `sources`.
    #[must_use]
    pub fn topics(mut self, topics: impl IntoIterator<Item = String>) -> Self {
        self.topics = topics.into_iter().collect::<Vec<_>>().join(" ");
        self
    }

    /// It never shows itself anew.
    #[must_use]
    pub const fn still(mut self) -> Self {
        self.live = false;
        self
    }
}

impl Site {
    /// A site.
    pub fn new(
        version: impl Into<String>,
        simulated: bool,
        nav: Vec<Section>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self(Arc::new(Inner { version: version.into(), simulated, nav, clock }))
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// A whole page.
    pub fn frame(&self, page: &Page, content: &Markup) -> Markup {
        let now = page.moment.as_ref().map_or_else(|| self.now(), |moment| moment.now);
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (page.title) " · Octro" }
                    link rel="icon" type="image/svg+xml" href=(ADDRESSES.icon);
                    link rel="stylesheet" href=(ADDRESSES.css);
                    script src=(ADDRESSES.js) defer {}
                }
                body data-events=[page.live.then_some("/events")] {
                    a.skip href="#main" { "Skip to the content" }
                    @if self.0.simulated {
                        aside.banner.simulated aria-label="Simulated" { (icon(Icon::Flask)) span { strong { "Simulated." } " A made-up company with made-up data; nothing here is real." } }
                    }
                    header.top {
                        a.brand href=(kept(page, "/")) { (icon(Icon::Mark)) "Octro" }
                        form.search role="search" action="/search" method="get" {
                            (hidden(page.moment.as_ref().map(Moment::kept)))
                            label.vh for="q" { "Search" }
                            (icon(Icon::Search))
                            input #q type="search" name="q" placeholder="Search controls, tests, resources …" autocomplete="off" maxlength="200";
                        }
                        (self.moment(page, now))
                    }
                    (self.nav(page))
                    main #main tabindex="-1" data-topics=(page.topics) {
                        (past(page))
                        @if !page.crumbs.is_empty() {
                            nav.crumbs aria-label="Breadcrumb" {
                                @for (title, href) in &page.crumbs { a href=(href) { (title) } span aria-hidden="true" { "›" } }
                            }
                        }
                        div.title {
                            h1 { (page.title) }
                            @if let Some(note) = &page.note { (note) }
                        }
                        (content)
                    }
                    footer {
                        span { "Octro " (self.0.version) }
                        span { "Shown: " time datetime=(page_time(page, now)) { (page_time(page, now).minute()) } }
                        span { "All times are UTC." }
                    }
                    div #say .vh aria-live="polite" {}
                }
            }
        }
    }

    fn nav(&self, page: &Page) -> Markup {
        html! {
            nav.side aria-label="Main" {
                @for section in &self.0.nav {
                    div.group {
                        p { (section.title) }
                        ul {
                            @for tab in &section.tabs {
                                li { a href=(kept(page, tab.path)) aria-current=[current(tab.path, &page.path)] { (icon(tab.icon)) (tab.title) } }
                            }
                        }
                    }
                }
            }
        }
    }

    /// The choice of a moment: a plain form; the script adds a slider.
    fn moment(&self, page: &Page, now: Timestamp) -> Markup {
        let Some(moment) = &page.moment else { return html! {} };
        let chosen = if moment.is_past() { field(moment.at) } else { String::new() };
        html! {
            form.moment action=(page.path) method="get" data-now=(now.secs()) data-at=(moment.at.secs()) {
                (hidden(Some(&page.params)))
                @if let Some(known) = moment.kept().get("known_at") { input type="hidden" name="known_at" value=(known); }
                label for="as_of" { "As of" }
                input #as_of type="datetime-local" name="as_of" value=(chosen) max=(field(now)) aria-describedby="zone";
                span #zone .muted { "UTC" }
                button { "Show" }
                @if moment.is_past() { a.button href=(page.params.href(&page.path)) { "Now" } }
                @else if page.live { span.live { "live" } }
            }
        }
    }
}

fn past(page: &Page) -> Markup {
    let Some(moment) = page.moment.as_ref().filter(|moment| moment.is_past()) else { return html! {} };
    html! {
        div.banner.past role="note" {
            (icon(Icon::History))
            span {
                strong { "The past: " (moment.at.minute()) }
                @if moment.known_at < moment.now { ", as known on " (moment.known_at.minute()) }
                @else { ", as known now" }
                "."
            }
            a href=(page.params.href(&page.path)) { "Back to the present" }
        }
    }
}

fn page_time(page: &Page, now: Timestamp) -> Timestamp {
    page.moment.as_ref().map_or(now, |moment| moment.at)
}

fn kept(page: &Page, path: &str) -> String {
    page.moment.as_ref().map_or_else(|| path.to_owned(), |moment| moment.href(path))
}

fn hidden(params: Option<&Params>) -> Markup {
    html! { @for (name, value) in params.into_iter().flat_map(Params::iter) { input type="hidden" name=(name) value=(value); } }
}

/// The form of a date-and-time field.
fn field(at: Timestamp) -> String {
    at.to_string().chars().take(16).collect()
}

fn current(tab: &str, path: &str) -> Option<&'static str> {
    if tab == path {
        return Some("page");
    }
    let below = tab != "/" && path.strip_prefix(tab).is_some_and(|rest| rest.starts_with('/'));
    below.then_some("true")
}

#[cfg(test)]
mod tests {
    use super::*;
    use octro_model::ManualClock;

    fn site(simulated: bool) -> Site {
        let tab = Tab { path: "/controls", title: "Controls", icon: Icon::Shield };
        let nav = vec![Section { title: "Posture", tabs: vec![tab] }];
        Site::new("1", simulated, nav, Arc::new(ManualClock::at("2026-06-01".parse().unwrap())))
    }

    fn page(query: &str) -> Page {
        let params = Params::parse(query).unwrap();
        Page::new("<b>", "/controls/x", Moment::read(&params, "2026-06-01".parse().unwrap()).ok())
            .params(&params)
    }

    #[test]
    fn the_present() {
        let text = site(false).frame(&page("part=a"), &html! { "body" }).into_string();
        assert!(text.contains("<h1>&lt;b&gt;</h1>") && text.contains("data-events=\"/events\""));
        assert!(text.contains("href=\"/controls\" aria-current=\"true\""));
        assert!(!text.contains("The past") && !text.contains("Simulated") && !text.contains("style="));
    }

    #[test]
    fn the_past_is_marked_and_kept() {
        let text = site(true).frame(&page("part=a&as_of=2026-03-03"), &html! { "body" }).into_string();
        assert!(text.contains("The past: 2026-03-03 00:00 UTC") && text.contains("Simulated."));
        assert!(text.contains("href=\"/controls?as_of=2026-03-03\"") && !text.contains("data-events"));
        assert!(text.contains("<a href=\"/controls/x?part=a\">Back to the present</a>"));
    }
}
