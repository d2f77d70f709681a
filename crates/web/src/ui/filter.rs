//! The form that narrows a list. It works without a script.

use maud::{Markup, html};
use octro_model::Status;

use crate::{Moment, Params};

/// A choice of a filter: its value and its words.
pub type Choice = (String, String);

/// A field by which a list can be narrowed.
pub enum Filter<'a> {
    /// One of several; any of them, too, unless the first has no value and its own words.
    Choice(&'static str, &'a str, Vec<Choice>),
    /// Any text.
    Text(&'static str, &'a str),
    /// A date.
    Date(&'static str, &'a str),
}

impl Filter<'_> {
    /// A choice of statuses.
    pub fn status() -> Self {
        let all = Status::ALL.iter().map(|status| (status.as_str().to_owned(), status.label().to_owned()));
        Filter::Choice("status", "Status", all.collect())
    }
}

/// The form that narrows a list. It works without a script.
pub fn filters(path: &str, params: &Params, moment: &Moment, fields: &[Filter<'_>]) -> Markup {
    let names: Vec<&str> = fields
        .iter()
        .map(|field| match field {
            Filter::Choice(name, ..) | Filter::Text(name, _) | Filter::Date(name, _) => *name,
        })
        .collect();
    let used = params.iter().any(|(name, _)| names.contains(&name));
    let kept = params.without(&names).without(&["page", "format"]);
    html! {
        form.filters action=(path) method="get" {
            @for (name, value) in kept.iter() { input type="hidden" name=(name) value=(value); }
            @for field in fields {
                @match field {
                    Filter::Choice(name, label, choices) => {
                        label { span { (label) } select name=(name) {
                            @if choices.first().is_none_or(|(value, _)| !value.is_empty()) { option value="" { "any" } }
                            @for (value, words) in choices { option value=(value) selected[params.get(name) == Some(value)] { (words) } }
                        } }
                    }
                    Filter::Text(name, label) => {
                        label { span { (label) } input type="search" name=(name) value=(params.get(name).unwrap_or_default()) maxlength="200"; }
                    }
                    Filter::Date(name, label) => {
                        label { span { (label) } input type="date" name=(name) value=(day(params.get(name))) max=(moment.now.date()); }
                    }
                }
            }
            button { "Show" }
            @if used { a.button href=(kept.href(path)) { "Clear" } }
        }
    }
}

fn day(value: Option<&str>) -> String {
    value.unwrap_or_default().chars().take(10).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment() -> Moment {
        Moment::read(&Params::default(), "2026-03-03".parse().unwrap()).unwrap()
    }

    #[test]
    fn filters_keep_the_rest() {
        let params = Params::parse("status=fail&sort=x&page=3&as_of=2026-01-01").unwrap();
        let text = filters("/rows", &params, &moment(), &[Filter::status(), Filter::Text("q", "Text")])
            .into_string();
        assert!(text.contains("<option value=\"fail\" selected>") && text.contains("name=\"as_of\""));
        assert!(
            !text.contains("name=\"page\"") && text.contains("href=\"/rows?sort=x&amp;as_of=2026-01-01\"")
        );
    }
}
