//! Charts as SVG, made here: places in percent, so that they fit any width; fills by class; and always a table beneath
//! or numbers beside, for those who do not see them.

use maud::{Markup, html};
use octro_model::{Status, Timestamp};

use super::status::class;

/// Stretches of time that a strip draws one by one; more are drawn as the heaviest status of each of so many columns.
const DRAWN_MAX: usize = 400;
/// Marks of time below a strip.
const MARKS_MAX: i64 = 6;

/// A stretch of time in one status; `None` where there was none.
#[derive(Clone, Debug, PartialEq)]
pub struct Stretch {
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub to: Timestamp,
    /// The status.
    pub status: Option<Status>,
}

/// A strip of statuses from `from` to `to`.
pub fn strip(title: &str, stretches: &[Stretch], from: Timestamp, to: Timestamp) -> Markup {
    let drawn = thin(stretches, from, to);
    let said = said(stretches, from, to);
    html! {
        svg.strip role="img" aria-label={ (title) ": " (said) } width="100%" height="46" {
            title { (title) }
            desc { (said) }
            rect.ground x="0" y="0" width="100%" height="26" {}
            @for one in &drawn {
                @if let Some(status) = one.status {
                    rect.(class(status)) x=(percent(one.from, from, to)) y="0" height="26"
                        width={ (width(one, from, to)) } {
                        title { (status.label()) ": " (one.from.minute()) " – " (one.to.min(to).minute()) }
                    }
                }
            }
            @for (place, at) in marks(from, to).into_iter().enumerate() {
                line.axis x1=(percent(at, from, to)) x2=(percent(at, from, to)) y1="26" y2="31" {}
                // The last date would run out of the picture.
                @let anchor = if share_of(at, from, to) > 0.85 { "end" } else { "start" };
                text.odd[place % 2 == 1] x=(percent(at, from, to)) y="43" dx="2" text-anchor=(anchor) { (at.date()) }
            }
        }
    }
}

fn share_of(at: Timestamp, from: Timestamp, to: Timestamp) -> f64 {
    let whole = to.since(from).micros().max(1);
    (at.since(from).micros() as f64 / whole as f64).clamp(0.0, 1.0)
}

fn percent(at: Timestamp, from: Timestamp, to: Timestamp) -> String {
    format!("{:.3}%", share_of(at, from, to) * 100.0)
}

/// A failure of a minute in a year is still seen.
fn width(one: &Stretch, from: Timestamp, to: Timestamp) -> String {
    let width = (share_of(one.to, from, to) - share_of(one.from, from, to)) * 100.0;
    format!("{:.3}%", width.max(0.25))
}

fn thin(stretches: &[Stretch], from: Timestamp, to: Timestamp) -> Vec<Stretch> {
    // The heavier a status, the later it is drawn: a short failure is not hidden by what comes after it.
    let mut drawn: Vec<Stretch> = if stretches.len() <= DRAWN_MAX {
        stretches.to_vec()
    } else {
        let step = (to.since(from).micros() / DRAWN_MAX as i64).max(1);
        let begin =
            |place: i64| Timestamp::from_micros(from.micros().saturating_add(step.saturating_mul(place)));
        let mut columns: Vec<Option<Status>> = vec![None; DRAWN_MAX];
        for one in stretches {
            let first = one.from.since(from).micros().max(0) / step;
            let last = (one.to.min(to).since(from).micros() - 1).max(0) / step;
            let span =
                usize::try_from(first).unwrap_or(0)..=usize::try_from(last).unwrap_or(0).min(DRAWN_MAX - 1);
            for column in columns.get_mut(span).into_iter().flatten() {
                *column = match (*column, one.status) {
                    (Some(a), Some(b)) => Some(a.worst(b)),
                    (a, b) => a.or(b),
                };
            }
        }
        let place = |(place, status): (i64, Option<Status>)| Stretch {
            from: begin(place),
            to: begin(place + 1),
            status,
        };
        (0..).zip(columns).map(place).collect()
    };
    drawn.sort_by_key(|one| one.status.map(Status::weight));
    drawn
}

/// The share of each status, in words.
fn said(stretches: &[Stretch], from: Timestamp, to: Timestamp) -> String {
    let length = |one: &Stretch| one.to.min(to).since(one.from.max(from)).micros().max(0) as f64;
    let whole = to.since(from).micros().max(1) as f64;
    let parts: Vec<String> = Status::ALL
        .iter()
        .filter_map(|status| {
            let mine: f64 = stretches.iter().filter(|one| one.status == Some(*status)).map(length).sum();
            (mine > 0.0).then(|| format!("{} {}", status.label(), super::share(Some(mine / whole))))
        })
        .collect();
    if parts.is_empty() { "no status in this time".to_owned() } else { parts.join(", ") }
}

/// Beginnings of months or of days, few enough to be read.
fn marks(from: Timestamp, to: Timestamp) -> Vec<Timestamp> {
    let days = (to.since(from).secs() / 86_400).max(1);
    if days > 62 {
        let year =
            |at: Timestamp| at.date().get(..4).and_then(|text| text.parse::<i64>().ok()).unwrap_or(1970);
        let step = (days / 30 / MARKS_MAX + 1).max(1);
        let months = (year(from)..=year(to)).flat_map(|year| (1..=12).map(move |month| (year, month)));
        let all = months
            .filter(|(_, month)| (month - 1) % step.min(12) == 0)
            .filter_map(|(year, month)| format!("{year:04}-{month:02}-01").parse::<Timestamp>().ok());
        return all.filter(|at| *at >= from && *at < to).take(24).collect();
    }
    let step = days / MARKS_MAX + 1;
    let first = from.date().parse::<Timestamp>().unwrap_or(from);
    (0..=days + 1)
        .step_by(usize::try_from(step).unwrap_or(1))
        .map(|day| Timestamp::from_secs(first.secs() + day * 86_400))
        .filter(|at| *at >= from && *at < to)
        .collect()
}

/// A column of a bar chart.
#[derive(Clone, Debug, PartialEq)]
pub struct Bar {
    /// What stands below it.
    pub label: String,
    /// Its height; `None` where nothing is known.
    pub value: Option<f64>,
    /// Its value in words.
    pub said: String,
}

/// Names that stand below the columns of a chart at most; of more, some are left out.
const NAMES_MAX: usize = 12;

/// Columns, each as high as its share of `top` (of the highest, without one).
pub fn bars(title: &str, bars: &[Bar], top: Option<f64>) -> Markup {
    let top = top
        .unwrap_or_else(|| bars.iter().filter_map(|bar| bar.value).fold(0.0, f64::max))
        .max(f64::MIN_POSITIVE);
    let step = 100.0 / bars.len().max(1) as f64;
    let every = bars.len().div_ceil(NAMES_MAX).max(1);
    let said: Vec<String> = bars.iter().map(|bar| format!("{} {}", bar.label, bar.said)).collect();
    html! {
        svg.bars role="img" aria-label={ (title) ": " (said.join(", ")) } width="100%" height="92" {
            title { (title) }
            line.axis x1="0" x2="100%" y1="70" y2="70" {}
            @for (place, bar) in bars.iter().enumerate() {
                @let x = place as f64 * step;
                @let height = bar.value.map_or(0.0, |value| (value / top).clamp(0.0, 1.0) * 66.0).max(1.5);
                rect.none[bar.value.is_none()] x={ (format!("{:.2}%", x + step * 0.14)) } width={ (format!("{:.2}%", step * 0.72)) }
                    y={ (format!("{:.1}", 70.0 - height)) } height={ (format!("{height:.1}")) } { title { (bar.label) ": " (bar.said) } }
                @if place % every == 0 {
                    // Below many narrow columns, a name in the middle of the first would be cut off.
                    @let (at, anchor) = if every > 1 { (x, "start") } else { (x + step / 2.0, "middle") };
                    text.odd[place / every % 2 == 1] x={ (format!("{at:.2}%")) } y="86" text-anchor=(anchor) { (bar.label) }
                }
            }
        }
    }
}

/// A line without axes, from 0 to 1, for use beside a number.
pub fn sparkline(values: &[Option<f64>], label: &str) -> Markup {
    let step = 100.0 / values.len().saturating_sub(1).max(1) as f64;
    let point = |(place, value): (usize, &Option<f64>)| {
        value.map(|value| format!("{:.1},{:.1}", place as f64 * step, 22.0 - value.clamp(0.0, 1.0) * 20.0))
    };
    let points: Vec<String> = values.iter().enumerate().filter_map(point).collect();
    html! {
        svg.spark viewBox="0 0 100 24" preserveAspectRatio="none" role="img" aria-label=(label) {
            title { (label) }
            polyline points=(points.join(" ")) {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use octro_model::Span;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_strip_says_and_draws() {
        let (from, to) = (at("2026-01-01"), at("2026-04-11"));
        let one = |from: &str, to: &str, status| Stretch { from: at(from), to: at(to), status };
        let all = [
            one("2026-01-01", "2026-01-11", Some(Status::Fail)),
            one("2026-01-11", "2026-04-11", Some(Status::Pass)),
        ];
        let text = strip("<x>", &all, from, to).into_string();
        assert!(text.contains("&lt;x&gt;: pass 90.0 %, fail 10.0 %"), "{text}");
        assert!(text.contains("class=\"s-pass\" x=\"10.000%\" y=\"0\" height=\"26\" width=\"90.000%\""));
        assert!(text.contains("2026-02-01") && !text.contains("style="));
    }

    #[test]
    fn a_short_failure_survives_thinning() {
        let from = at("2026-01-01");
        let hour = |n: i64| from.plus(Span::from_secs(3_600 * n));
        let mut all: Vec<Stretch> = (0..8_000)
            .map(|n| Stretch { from: hour(n), to: hour(n + 1), status: Some(Status::Pass) })
            .collect();
        all[4_000].status = Some(Status::Fail);
        let drawn = thin(&all, from, hour(8_000));
        assert_eq!(drawn.len(), DRAWN_MAX);
        assert_eq!(drawn.iter().filter(|one| one.status == Some(Status::Fail)).count(), 1);
        assert_eq!(drawn.last().unwrap().status, Some(Status::Fail));
    }

    #[test]
    fn marks_are_few_and_odd_spans_are_fine() {
        for days in [0, 1, 2, 7, 31, 62, 63, 90, 365, 3_650, 36_500] {
            let from = at("2026-01-15T12:00:00Z");
            let marks = marks(from, from.plus(Span::from_secs(days * 86_400)));
            assert!(marks.len() <= 24, "{days}: {}", marks.len());
        }
        let empty = strip("x", &[], at("2026-01-02"), at("2026-01-01")).into_string();
        assert!(empty.contains("no status in this time"));
        assert!(sparkline(&[], "x").into_string().contains("polyline"));
        assert!(bars("x", &[], None).into_string().contains("svg"));
        let many = |count: usize| {
            let bar = Bar { label: "09-01".to_owned(), value: Some(1.0), said: "1".to_owned() };
            bars("x", &vec![bar; count], None).into_string().matches("<text").count()
        };
        assert_eq!((many(12), many(13), many(30)), (12, 7, 10));
    }
}
