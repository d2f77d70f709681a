//! Coverage: what could not be seen, of which account, region, kind and attribute, and the permissions that were refused.

use std::collections::BTreeSet;

use maud::{Markup, html};
use octro_engine::{Coverage, CoverageGap};
use octro_web::ui::{self, Cell, Column, Filter, Sheet};

use crate::ask::Spot;
use crate::links;

pub(crate) fn sheet<'a>(spot: Spot<'a>) -> Sheet<'a, CoverageGap> {
    let moment = spot.moment;
    Sheet::new("Gaps", spot.path, spot.params, moment)
        .column(Column::new("why", "Why", |gap: &CoverageGap| Cell::text(&gap.why)).show(|gap| {
            html! { div { span.badge.s-unknown { (ui::icon(ui::Icon::Unknown)) (gap.why) } @if !gap.detail.is_empty() { div.muted { (gap.detail) } } } }
        }))
        .column(Column::new("detail", "Answer", |gap: &CoverageGap| Cell::text(&gap.detail)).export_only())
        .column(Column::new("kind", "Kind", |gap: &CoverageGap| Cell::text(&gap.kind_title)).show(move |gap| {
            html! { a href=(links::kind(moment, &gap.kind)) { (gap.kind_title) } }
        }))
        .column(Column::new("attribute", "Attribute", |gap: &CoverageGap| Cell::text(&gap.attribute)).show(move |gap| {
            html! { @if gap.attribute.is_empty() { "the list: " a href=(links::source(moment, &gap.source)) { (gap.source) } } @else { code { (gap.attribute) } } }
        }))
        .column(Column::new("account", "Account", |gap: &CoverageGap| Cell::text(&gap.account)).show(
            |gap| html! { @if gap.account.is_empty() { span.muted { "not said" } } @else { (gap.account) } },
        ))
        .column(Column::new("region", "Region", |gap: &CoverageGap| Cell::text(&gap.region)).show(
            |gap| html! { @if gap.region.is_empty() { span.muted { "everywhere" } } @else { (gap.region) } },
        ))
        .column(Column::new("permission", "Missing permission", |gap: &CoverageGap| Cell::text(&gap.permission)).show(
            |gap| html! { @if gap.permission.is_empty() { span.muted { "none is named" } } @else { code { (gap.permission) } } },
        ))
        .column(Column::new("resources", "Resources", |gap: &CoverageGap| Cell::Count(gap.resources)).show(move |gap| {
            html! { @if gap.resources > 0 { a href=(links::resource(moment, &gap.kind, &gap.example)) { (gap.resources) span.vh { " with " (gap.attribute) " not known" } } } @else { span.muted { "not counted" } } }
        }))
        .column(Column::new("example", "One of them", |gap: &CoverageGap| Cell::text(&gap.example)).export_only())
}

/// The permissions that were refused. Some would allow more than is read if they were given for everything, so that no
/// statement is made of them here: the source knows to what each is limited.
fn permissions(gaps: &[CoverageGap]) -> Markup {
    let denied = gaps.iter().filter(|gap| gap.why == "denied" && !gap.permission.is_empty());
    let refused: BTreeSet<&str> = denied.map(|gap| gap.permission.as_str()).collect();
    html! {
        @if !refused.is_empty() {
            (ui::section("permissions", "Permissions that were refused", &html! {
                p { "For AWS, " code { "octro source aws policy" } " prints the policy that allows what is read, with each permission limited that would allow more: do not allow these for every resource." }
                ul.plain { @for permission in refused { li { code { (permission) } } } }
            }))
        }
    }
}

fn choices(gaps: &[CoverageGap], of: fn(&CoverageGap) -> &str) -> Vec<(String, String)> {
    let all: BTreeSet<&str> = gaps.iter().map(of).filter(|text| !text.is_empty()).collect();
    all.into_iter().map(|one| (one.to_owned(), one.to_owned())).collect()
}

pub(crate) fn page(spot: Spot<'_>, coverage: &Coverage) -> Markup {
    let gaps = &coverage.gaps;
    let filters = [
        Filter::Choice("why", "Why", choices(gaps, |gap| &gap.why)),
        Filter::Choice("account", "Account", choices(gaps, |gap| &gap.account)),
        Filter::Choice("kind", "Kind", choices(gaps, |gap| gap.kind.as_str())),
        Filter::Text("q", "Region, attribute or answer"),
    ];
    html! {
        p {
            "What no verdict rests on, because nobody could look: each is the reason why something reads unknown. "
            strong { (coverage.complete) } " lists are complete, "
            strong { (gaps.iter().filter(|gap| gap.attribute.is_empty()).count()) } " are not; "
            strong { (gaps.iter().filter(|gap| !gap.attribute.is_empty()).count()) } " sorts of attributes could not be read."
        }
        (ui::filters(spot.path, spot.params, spot.moment, &filters))
        @if coverage.cut { p.banner { "There are more resources than one page looks through: there may be more gaps." } }
        @if gaps.is_empty() {
            (ui::empty("Nothing is missing here.", &html! { "Every list that a source reads came to its end, and every attribute that it can read was read. What no source reads is not listed: see " a href=(spot.moment.href("/data")) { "Data" } "." }))
        } @else {
            (permissions(gaps))
            div.card { (sheet(spot).page(gaps.clone())) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refused_permissions_are_named_and_never_allowed_for_everything() {
        let gap = |permission: &str, why: &str| CoverageGap {
            kind: "aws.keyspaces.table".parse().unwrap(),
            kind_title: "Tables".to_owned(),
            source: "aws".to_owned(),
            account: String::new(),
            region: String::new(),
            attribute: "encrypted".to_owned(),
            why: why.to_owned(),
            detail: String::new(),
            permission: permission.to_owned(),
            resources: 1,
            example: String::new(),
        };
        let page = permissions(&[gap("cassandra:Select", "denied"), gap("", "throttled")]).into_string();
        assert!(page.contains("cassandra:Select") && page.contains("octro source aws policy"), "{page}");
        assert!(!page.contains("Allow&quot;") && !page.contains("Resource"), "{page}");
        assert!(permissions(&[gap("", "denied")]).into_string().is_empty());
    }
}
