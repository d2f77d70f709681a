//! Exposure: the paths from the internet, as a picture and as a list; what only looks open; and what is not known.

use maud::{Markup, html};
use octro_engine::{Exposure, ExposurePath};
use octro_model::Status;
use octro_web::ui::{self, Cell, Column, Filter, Node, Sheet};

use crate::ask::Spot;
use crate::links;

/// Paths that are drawn; the rest is in the list.
const DRAWN_MAX: usize = 40;
/// Resources that only look open, or of which nothing is known, that are listed.
const LISTED_MAX: usize = 100;

pub(crate) fn via(word: &str) -> &'static str {
    match word {
        "direct" => "nothing between",
        "machine" => "one machine between",
        "balancer" => "a load balancer between",
        _ => "not said",
    }
}

/// The ports that are reached, in words.
fn ports(path: &ExposurePath) -> String {
    match (path.from_port, path.to_port) {
        (0, 65_535) => format!("every port ({})", path.protocol),
        (from, to) if from == to => format!("{from} ({})", path.protocol),
        (from, to) => format!("{from}-{to} ({})", path.protocol),
    }
}

pub(crate) fn sheet<'a>(spot: Spot<'a>) -> Sheet<'a, ExposurePath> {
    let moment = spot.moment;
    Sheet::new("Paths", spot.path, spot.params, moment)
        .column(Column::new("status", "Status", |path: &ExposurePath| Cell::Status(path.status)))
        .column(Column::new("path", "Path", |path: &ExposurePath| Cell::Text(path.hops.join(" -> "))).show(move |path| {
            html! { a.key href=(links::resource(moment, &path.kind, &path.key)) { (path.hops.join(" → ")) } }
        }))
        .column(Column::new("via", "Between", |path: &ExposurePath| Cell::text(via(&path.via))))
        .column(Column::new("ports", "Ports", |path: &ExposurePath| Cell::Text(ports(path))))
        .column(Column::new("sources", "From", |path: &ExposurePath| Cell::text(&path.sources)).show(|path| {
            html! { @if path.world { strong { "the world" } div.muted { (path.sources) } } @else { (path.sources) } }
        }))
        .column(Column::new("world", "World", |path: &ExposurePath| Cell::text(if path.world { "yes" } else { "no" })).export_only())
        .column(Column::new("kind", "What", |path: &ExposurePath| Cell::text(&path.kind_title)))
        .column(Column::new("place", "Where", |path: &ExposurePath| Cell::Text(format!("{} {}", path.account, path.region))))
        .column(Column::new("key", "Key", |path: &ExposurePath| Cell::text(&path.key)).export_only())
}

/// A hop's name, and its ports.
fn named(hop: &str) -> (&str, &str) {
    let is_port = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || b"-,/udp".contains(&byte));
    hop.rsplit_once(':').filter(|(_, ports)| !ports.is_empty() && is_port(ports)).unwrap_or((hop, ""))
}

/// The paths as chains of nodes; what a failing path leads to is marked.
fn chains(spot: Spot<'_>, paths: &[ExposurePath]) -> Vec<Vec<Node>> {
    let mut chains = Vec::new();
    // The interface of a machine is judged with its machine, which is drawn.
    let judged = paths.iter().filter(|path| path.status != Some(Status::NotApplicable));
    for path in judged.take(DRAWN_MAX) {
        let last = path.hops.len().saturating_sub(1);
        let node = |(place, hop): (usize, &String)| {
            let (name, ports) = named(hop);
            let status = path.status.filter(|_| place == last);
            Node {
                // Two accounts may use a name for different things.
                id: if place == 0 {
                    name.to_owned()
                } else {
                    format!("{} {} {name}", path.account, path.region)
                },
                label: name.to_owned(),
                detail: ports.to_owned(),
                status,
                href: (place == last).then(|| links::resource(spot.moment, &path.kind, &path.key)),
            }
        };
        chains.push(path.hops.iter().enumerate().map(node).collect());
    }
    chains
}

pub(crate) fn page(spot: Spot<'_>, exposure: &Exposure) -> Markup {
    let (moment, paths) = (spot.moment, &exposure.paths);
    let mut kinds: Vec<(String, String)> =
        paths.iter().map(|path| (path.kind.to_string(), path.kind_title.clone())).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let mut accounts: Vec<(String, String)> =
        paths.iter().map(|path| (path.account.clone(), path.account.clone())).collect();
    accounts.sort_unstable();
    accounts.dedup();
    let between = ["direct", "machine", "balancer"].map(|word| (word.to_owned(), via(word).to_owned()));
    let filters = [
        Filter::Choice("via", "Between", between.to_vec()),
        Filter::Choice("kind", "What", kinds),
        Filter::Choice("account", "Account", accounts),
        Filter::status(),
        Filter::Text("q", "Hop or source"),
    ];
    html! {
        p {
            "What the internet reaches: a path passes the gateway, the route, the network ACL both ways and the security group of every hop. "
            strong { (paths.len()) } " paths, "
            strong { (exposure.unreached) } " resources without any"
            @if !exposure.unknown.is_empty() { ", and of " strong { (exposure.unknown.len()) } " it is not known, or not all" }
            "."
        }
        (ui::filters(spot.path, spot.params, moment, &filters))
        @if exposure.cut { p.banner { "There are more paths than one page shows." } }
        (gaps(spot, exposure))
        @if paths.is_empty() {
            (ui::empty("No path is known.", &html! { "A source with the connector " code { "aws" } " tells them: see " a href=(moment.href("/sources")) { "Sources" } "." }))
        } @else {
            (ui::section("picture", "The paths", &html! {
                (ui::flow("Paths from the internet", &chains(spot, paths)))
                @if paths.len() > DRAWN_MAX { p.muted { "The first " (DRAWN_MAX) " of " (paths.len()) " paths are drawn; narrow the list to see others." } }
            }))
            div.card { (sheet(spot).page(paths.clone())) }
        }
        @if !exposure.guarded.is_empty() {
            (ui::section("guarded", "Open by a rule, and not reached", &html! {
                p { "A security group lets the internet in, and something else stops it. Nothing of this is exposed today; it takes one change to be." }
                ul.plain { @for one in exposure.guarded.iter().take(LISTED_MAX) {
                    li { a.key href=(links::resource(moment, &one.kind, &one.key)) { (one.key) } div.muted { (one.shield) } }
                } }
                @if exposure.guarded.len() > LISTED_MAX { p.muted { (exposure.guarded.len() - LISTED_MAX) " more are not listed." } }
            }))
        }
        @if !exposure.unknown.is_empty() {
            (ui::section("unknown", "Not known", &html! {
                p { "What is listed here may be reached, or by more paths than are drawn." }
                ul.plain { @for one in exposure.unknown.iter().take(LISTED_MAX) {
                    li { (ui::badge(Status::Unknown)) " " a.key href=(links::resource(moment, &one.kind, &one.key)) { (one.key) } div.muted { (one.reason) } }
                } }
                @if exposure.unknown.len() > LISTED_MAX { p.muted { (exposure.unknown.len() - LISTED_MAX) " more are not listed: export them." } }
            }))
        }
    }
}

/// Kinds of which there may be more.
fn gaps(spot: Spot<'_>, exposure: &Exposure) -> Markup {
    html! {
        @if !exposure.gaps.is_empty() {
            (ui::note(&html! {
                span {
                    "Not every resource is known, so there may be more paths: "
                    @for (place, gap) in exposure.gaps.iter().enumerate() {
                        @if place > 0 { ", " }
                        span title=(gap.reason) { (gap.title) }
                    }
                    ". See " a href=(spot.moment.href("/coverage")) { "Coverage" } "."
                }
            }))
        }
    }
}
