//! A picture of ways through named places, from left to right. Whoever does not see it has the same ways as a list.

use std::collections::BTreeMap;

use maud::{Markup, html};
use octro_model::Status;

use super::status::class;

/// The size of a place and the room around it, in pixels.
const WIDE: usize = 184;
const HIGH: usize = 40;
const ACROSS: usize = 226;
const DOWN: usize = 54;
/// Letters of a name that have room.
const LETTERS_MAX: usize = 23;

/// A place on a way. Those with the same id are one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// What tells it from others.
    pub id: String,
    /// Its name.
    pub label: String,
    /// What more is said of it on this way, words with commas between them; those of all ways are shown, each once.
    pub detail: String,
    /// Its status; the heaviest of all ways counts.
    pub status: Option<Status>,
    /// Where it leads.
    pub href: Option<String>,
}

/// A place in the picture.
struct Drawn<'a> {
    label: &'a str,
    details: Vec<&'a str>,
    status: Option<Status>,
    href: Option<&'a str>,
    column: usize,
    row: usize,
}

impl Drawn<'_> {
    const fn left(&self) -> usize {
        self.column * ACROSS + 1
    }

    const fn top(&self) -> usize {
        self.row * DOWN + 1
    }
}

/// Ways, each from its first place to its last.
pub fn flow(title: &str, ways: &[Vec<Node>]) -> Markup {
    let (places, edges) = laid_out(ways);
    let columns = places.values().map(|place| place.column + 1).max().unwrap_or(1);
    let rows = places.values().map(|place| place.row + 1).max().unwrap_or(1);
    let (width, height) = ((columns - 1) * ACROSS + WIDE + 2, (rows - 1) * DOWN + HIGH + 2);
    html! {
        div.pan tabindex="0" role="group" aria-label=(title) {
            svg.flow width=(width) height=(height) viewBox={ "0 0 " (width) " " (height) } role="group" aria-label={ (title) ", " (ways.len()) " in all; the list below says the same" } {
                @for (from, to) in &edges {
                    @if let (Some(from), Some(to)) = (places.get(from), places.get(to)) {
                        path.(to.status.map_or("edge", class)) d=(curve(from, to)) {}
                    }
                }
                @for place in places.values() {
                    @match place.href {
                        Some(href) => a href=(href) { (drawn(place)) },
                        None => (drawn(place)),
                    }
                }
            }
        }
    }
}

/// Each place once, as far to the right as its longest way, below those that came before it; and the edges between.
fn laid_out(ways: &[Vec<Node>]) -> (BTreeMap<&str, Drawn<'_>>, Vec<(&str, &str)>) {
    let mut places: BTreeMap<&str, Drawn<'_>> = BTreeMap::new();
    let mut order: Vec<&str> = Vec::new();
    let mut edges: Vec<(&str, &str)> = Vec::new();
    for way in ways {
        for (column, node) in way.iter().enumerate() {
            let place = places.entry(&node.id).or_insert_with(|| {
                order.push(&node.id);
                Drawn { label: &node.label, details: Vec::new(), status: None, href: None, column, row: 0 }
            });
            place.column = place.column.max(column);
            place.href = place.href.or(node.href.as_deref());
            for word in node.detail.split(',').filter(|word| !word.is_empty()) {
                if !place.details.contains(&word) {
                    place.details.push(word);
                }
            }
            place.status = match (place.status, node.status) {
                (Some(a), Some(b)) => Some(a.worst(b)),
                (a, b) => a.or(b),
            };
        }
        for (from, to) in way.iter().zip(way.iter().skip(1)) {
            if from.id != to.id && !edges.contains(&(from.id.as_str(), to.id.as_str())) {
                edges.push((&from.id, &to.id));
            }
        }
    }
    let mut rows: BTreeMap<usize, usize> = BTreeMap::new();
    for id in order {
        if let Some(place) = places.get_mut(id) {
            let next = rows.entry(place.column).or_default();
            place.row = *next;
            *next += 1;
        }
    }
    (places, edges)
}

fn curve(from: &Drawn<'_>, to: &Drawn<'_>) -> String {
    let (x1, y1) = (from.left() + WIDE, from.top() + HIGH / 2);
    let (x2, y2) = (to.left(), to.top() + HIGH / 2);
    let half = x1.midpoint(x2);
    format!("M{x1} {y1} C{half} {y1} {half} {y2} {x2} {y2}")
}

fn drawn(place: &Drawn<'_>) -> Markup {
    let (left, top) = (place.left(), place.top());
    let details = place.details.join(", ");
    let middle = if details.is_empty() { top + HIGH / 2 + 5 } else { top + 17 };
    html! {
        g.(place.status.map_or("node", class)) {
            title { (place.label) @if !details.is_empty() { ": " (details) } @if let Some(status) = place.status { " (" (status.label()) ")" } }
            rect x=(left) y=(top) width=(WIDE) height=(HIGH) rx="6" {}
            text x={ (left + 10) } y=(middle) { (short(place.label)) }
            @if !details.is_empty() { text.detail x={ (left + 10) } y={ (top + 32) } { (short(&details)) } }
        }
    }
}

/// A name that has room: its beginning and its end.
fn short(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    if letters.len() <= LETTERS_MAX {
        return text.to_owned();
    }
    let half = LETTERS_MAX / 2;
    let end = letters.len().saturating_sub(half);
    letters.iter().take(half).chain(&['…']).chain(letters.iter().skip(end)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(id: &str, detail: &str, status: Option<Status>) -> Node {
        Node { id: id.to_owned(), label: id.to_owned(), detail: detail.to_owned(), status, href: None }
    }

    #[test]
    fn a_place_is_drawn_once_as_far_right_as_its_longest_way() {
        let ways = [
            vec![node("internet", "", None), node("igw", "", None), node("i-1", "22", Some(Status::Pass))],
            vec![
                node("internet", "", None),
                node("igw", "", None),
                node("alb", "443", None),
                node("i-1", "8080", Some(Status::Fail)),
            ],
        ];
        let (places, edges) = laid_out(&ways);
        assert_eq!(places.len(), 4);
        let machine = &places["i-1"];
        assert_eq!((machine.column, machine.row, machine.status), (3, 0, Some(Status::Fail)));
        assert_eq!(machine.details, ["22", "8080"]);
        assert_eq!(edges, [("internet", "igw"), ("igw", "i-1"), ("igw", "alb"), ("alb", "i-1")]);
        let picture = flow("Paths", &ways).into_string();
        assert_eq!(picture.matches("<rect").count(), 4);
        assert_eq!(picture.matches("<path").count(), 4);
    }

    #[test]
    fn long_names_keep_both_ends() {
        assert_eq!(short("alb web"), "alb web");
        let long = short("a-load-balancer-with-a-very-long-name-1");
        assert_eq!(
            (long.chars().count(), long.starts_with("a-load-"), long.ends_with("name-1")),
            (23, true, true)
        );
    }
}
