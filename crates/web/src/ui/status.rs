//! A status is a shape, a word and a colour; counts are a bar with its numbers in words beside it.

use maud::{Markup, html};
use octro_model::{Status, Tally};

use super::{Icon, icon};

/// The class of a status in the style sheet.
pub(super) const fn class(status: Status) -> &'static str {
    match status {
        Status::Pass => "s-pass",
        Status::Fail => "s-fail",
        Status::Unknown => "s-unknown",
        Status::Stale => "s-stale",
        Status::Excepted => "s-excepted",
        Status::NotApplicable => "s-na",
    }
}

const fn shape(status: Status) -> Icon {
    match status {
        Status::Pass => Icon::Pass,
        Status::Fail => Icon::Fail,
        Status::Unknown => Icon::Unknown,
        Status::Stale => Icon::Stale,
        Status::Excepted => Icon::Excepted,
        Status::NotApplicable => Icon::NotApplicable,
    }
}

/// A status.
pub fn badge(status: Status) -> Markup {
    html! { span class={ "badge " (class(status)) } { (icon(shape(status))) (status.label()) } }
}

/// A status that may not be there: it was not in the program.
pub fn word(status: Option<Status>) -> Markup {
    status.map_or_else(|| html! { span.muted { "not in the program" } }, badge)
}

/// Counts as a bar; what they are of is said in words, for those who do not see it.
pub fn tally(counts: &Tally, of: &str) -> Markup {
    let all = counts.all();
    if all == 0 {
        return html! { span.muted { "none" } };
    }
    let mut said: Vec<String> = Vec::new();
    let mut at = 0;
    let mut rects = Vec::new();
    // A part that is there is seen, however small it is.
    let least = 8;
    let shown = counts.parts().filter(|(_, count)| *count > 0).count() as u64;
    let room = 1_000 - shown * least;
    for (status, count) in counts.parts().filter(|(_, count)| *count > 0) {
        said.push(format!("{count} {}", status.label()));
        let width =
            least + u64::try_from(u128::from(count) * u128::from(room) / u128::from(all)).unwrap_or(0);
        rects.push((at, width, class(status)));
        at += width;
    }
    let label = format!("{of}: {}", said.join(", "));
    html! {
        svg.tally viewBox={ "0 0 " (at) " 10" } preserveAspectRatio="none" role="img" aria-label=(label) {
            title { (label) }
            @for (x, width, class) in rects { rect.(class) x=(x) y="0" width=(width) height="10" {} }
        }
    }
}

/// Counts in words, each a link to what it counts; `href` answers the address for a status.
pub fn tally_links(counts: &Tally, href: impl Fn(Status) -> String) -> Markup {
    html! {
        ul.counts {
            @for (status, count) in counts.parts().filter(|(_, count)| *count > 0) {
                li { a.(class(status)) href=(href(status)) { (icon(shape(status))) (count) " " (status.label()) } }
            }
            @if counts.all() == 0 { li.muted { "nothing to judge" } }
        }
    }
}

/// A share as a percentage. It is rounded down: 100 % is said only of the whole.
pub fn share(share: Option<f64>) -> String {
    match share {
        None => "–".to_owned(),
        Some(share) if share >= 1.0 => "100 %".to_owned(),
        Some(share) => format!("{:.1} %", (share.max(0.0) * 1_000.0).floor() / 10.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_part_is_seen_and_said() {
        let counts = Tally { pass: 1_000_000, fail: 1, ..Tally::default() };
        let text = tally(&counts, "<i>").into_string();
        assert!(text.contains("1000000 pass, 1 fail") && text.contains("&lt;i&gt;"));
        assert!(text.contains("class=\"s-fail\" x=\"991\" y=\"0\" width=\"8\""), "{text}");
        assert!(tally(&Tally::default(), "x").into_string().contains("none"));
        let huge = Tally { pass: u64::MAX / 2, ..Tally::default() };
        assert!(tally(&huge, "x").into_string().contains("width=\"1000\""));
    }

    #[test]
    fn every_status_has_a_word_and_a_shape() {
        for status in Status::ALL {
            let text = badge(*status).into_string();
            assert!(text.contains(status.label()) && text.contains("<svg") && text.contains(class(*status)));
        }
    }

    #[test]
    fn only_the_whole_is_100() {
        assert_eq!(share(Some(0.999_99)), "99.9 %");
        assert_eq!(share(Some(1.0)), "100 %");
        assert_eq!(share(None), "–");
    }
}
