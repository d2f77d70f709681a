//! Times are shown as they are in UTC, and beside it how long ago that was.

use maud::{Markup, html};
use octro_model::{Span, Timestamp};

/// A moment, absolute and relative to `now`. The two ends of time are words.
pub fn time(at: Timestamp, now: Timestamp) -> Markup {
    if at == Timestamp::MAX {
        return html! { span.muted { "still so" } };
    }
    if at == Timestamp::MIN {
        return html! { span.muted { "the beginning" } };
    }
    html! { time datetime=(at) { (at.minute()) } " " span.rel data-secs=(at.secs()) { (ago(at, now)) } }
}

/// How long ago a moment is.
pub fn ago(at: Timestamp, now: Timestamp) -> String {
    let between = now.since(at);
    if between < Span::ZERO {
        return format!("in {}", span(at.since(now)));
    }
    if between < Span::from_secs(1) { "just now".to_owned() } else { format!("{} ago", span(between)) }
}

/// A length of time by its largest unit, or two for few days.
pub fn span(length: Span) -> String {
    let human = length.human();
    if length < Span::from_secs(10 * 86_400) && length >= Span::DAY {
        return human;
    }
    human.split(' ').take(2).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_in_words() {
        let now: Timestamp = "2026-03-03T12:00:00Z".parse().unwrap();
        let ago = |secs| ago(now.minus(Span::from_secs(secs)), now);
        assert_eq!(ago(0), "just now");
        assert_eq!(ago(3_700), "1 h ago");
        assert_eq!(ago(100_000), "1 d 3 h ago");
        assert_eq!(ago(40 * 86_400 + 7_200), "40 d ago");
        assert_eq!(ago(-60), "in 1 min");
        assert!(time(Timestamp::MAX, now).into_string().contains("still so"));
        assert!(time(now, now).into_string().contains("datetime=\"2026-03-03T12:00:00Z\""));
    }
}
