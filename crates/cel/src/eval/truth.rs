//! Evaluates conditions. Every rule of three-valued logic stands here, once.

use super::compare::{Order, order};
use super::elements::Elements;
use super::trace::Trace;
use super::value::Val;
use super::{Outer, Run, Scope};
use crate::answer::Truth;
use crate::record::{Decode, Reading, Slot, entry, stored_json};
use crate::tree::{Affix, Compare, Loop, Node, Quantifier, Range};

impl<'a, T: Trace<'a>> Run<'a, T> {
    /// Whether a condition holds.
    pub(super) fn truth(&mut self, node: &'a Node, scope: Outer<'_, 'a>) -> Truth {
        match node {
            Node::All(parts) => {
                let mut all = Truth::True;
                for part in parts {
                    match self.truth(part, scope) {
                        Truth::True => {}
                        Truth::False => return Truth::False,
                        // A later part may still be false, and then the whole is.
                        Truth::Unknown => all = Truth::Unknown,
                    }
                }
                all
            }
            Node::Any(parts) => {
                let mut any = Truth::False;
                for part in parts {
                    match self.truth(part, scope) {
                        Truth::False => {}
                        Truth::True => return Truth::True,
                        Truth::Unknown => any = Truth::Unknown,
                    }
                }
                any
            }
            Node::Not(part) => !self.truth(part, scope),
            Node::Path(path) => match self.path_slot(path, scope) {
                Slot::Bool(value) => value.into(),
                Slot::NotCollected | Slot::Absent | Slot::At(_) | Slot::Reason(_) => Truth::Unknown,
            },
            Node::Has(what) => match &**what {
                Node::Path(path) => match self.path_slot(path, scope) {
                    Slot::Bool(_) | Slot::At(_) => Truth::True,
                    Slot::Absent => Truth::False,
                    Slot::NotCollected | Slot::Reason(_) => Truth::Unknown,
                },
                other => match self.val(other, scope) {
                    Val::Unknown => Truth::Unknown,
                    Val::Absent => Truth::False,
                    _ => Truth::True,
                },
            },
            Node::Is { what, text, negate } => match self.val(what, scope).bytes() {
                Some(found) => ((*found == **text) != *negate).into(),
                None => Truth::Unknown,
            },
            Node::OneOf { what, texts } => match self.val(what, scope).bytes() {
                Some(found) => texts.contains(found).into(),
                None => Truth::Unknown,
            },
            Node::Affix { how, what, affix } => {
                let what = self.val(what, scope);
                let affix = self.val(affix, scope);
                match (what.bytes(), affix.bytes()) {
                    (Some(text), Some(_)) if !self.spend(text.len() as u64 / 32) => Truth::Unknown,
                    (Some(text), Some(part)) => match how {
                        Affix::Starts => text.starts_with(part).into(),
                        Affix::Ends => text.ends_with(part).into(),
                        Affix::Contains => contains(text, part).into(),
                    },
                    _ => Truth::Unknown,
                }
            }
            Node::Matches { what, pattern } => match self.val(what, scope).bytes() {
                Some(text) if !self.spend(text.len() as u64 / 8) => Truth::Unknown,
                Some(text) => pattern.is_match(text).into(),
                None => Truth::Unknown,
            },
            Node::Compare { op, left, right, decode } => {
                let left = self.val(left, scope);
                let right = self.val(right, scope);
                self.compare(*op, left, right, *decode)
            }
            Node::In { what, list, decode } => self.within(what, list, *decode, scope),
            Node::InKeys { what, map, decode } => {
                let what = self.val(what, scope);
                let map = self.val(map, scope);
                let (Some(key), Val::Map(map, origin)) = (what.bytes(), map) else { return Truth::Unknown };
                if !self.spend(map.len() as u64 / 32) {
                    return Truth::Unknown;
                }
                let found = entry(map, key, *decode);
                let place = self.trace.inside(origin, |way| {
                    way.push_str(&format!("['{}']", String::from_utf8_lossy(key)));
                });
                let is_there = found.is_some();
                if !is_there {
                    self.trace.read(place, || Reading::Absent);
                }
                is_there.into()
            }
            Node::Quantify { how, turns } => self.quantify(*how, turns, scope),
            Node::Const(_)
            | Node::Now
            | Node::Variable(_)
            | Node::Entry { .. }
            | Node::Element { .. }
            | Node::Filter(_)
            | Node::Each(_)
            | Node::List(_)
            | Node::Size(_)
            | Node::Arithmetic { .. }
            | Node::Negate(_)
            | Node::If { .. }
            | Node::Convert { .. }
            | Node::Lower(_)
            | Node::Key { .. }
            | Node::Referring { .. } => match self.val(node, scope) {
                Val::Bool(value) => value.into(),
                _ => Truth::Unknown,
            },
        }
    }

    /// Compares two values of one type.
    pub(super) fn compare(&mut self, op: Compare, left: Val<'a>, right: Val<'a>, decode: Decode) -> Truth {
        match decode {
            Decode::List => self.same_lists(op, left, right),
            _ => match order(&left, &right) {
                Order::Fixed(order) => op.holds(order).into(),
                Order::Moving(difference, rate) => {
                    if let Some(after) = op.flips_after(difference, rate) {
                        self.flips_after(after);
                    }
                    op.holds(difference.cmp(&0)).into()
                }
                Order::Unknown => Truth::Unknown,
            },
        }
    }

    /// Whether two lists of single values are the same. The checker has both sides copied first, so that stored and
    /// calculated lists look alike here.
    fn same_lists(&mut self, op: Compare, left: Val<'a>, right: Val<'a>) -> Truth {
        let (Val::Items(left), Val::Items(right)) = (left, right) else { return Truth::Unknown };
        if !left.complete || !right.complete {
            return Truth::Unknown;
        }
        let mut same = Truth::from(left.all.len() == right.all.len());
        for (a, b) in left.all.iter().zip(&right.all) {
            if same == Truth::False {
                break;
            }
            match self.compare(Compare::Equal, a.clone(), b.clone(), Decode::Text) {
                Truth::True => {}
                other @ (Truth::False | Truth::Unknown) => same = other,
            }
        }
        if op == Compare::NotEqual { !same } else { same }
    }

    /// Whether a value is an element of a list.
    fn within(&mut self, what: &'a Node, list: &'a Node, decode: Decode, scope: Outer<'_, 'a>) -> Truth {
        let what = self.val(what, scope);
        let Some(elements) = Elements::over(self.val(list, scope), Range::List(decode)) else {
            return Truth::Unknown;
        };
        if !what.is_known() {
            return Truth::Unknown;
        }
        let mut found = if elements.complete() { Truth::False } else { Truth::Unknown };
        for element in elements {
            if !self.spend(1) {
                return Truth::Unknown;
            }
            match self.compare(Compare::Equal, what.clone(), element, decode) {
                Truth::True => return Truth::True,
                Truth::False => {}
                Truth::Unknown => found = Truth::Unknown,
            }
        }
        found
    }

    /// How many elements satisfy a condition: some, all, exactly one.
    fn quantify(&mut self, how: Quantifier, turns: &'a Loop, scope: Outer<'_, 'a>) -> Truth {
        let value = self.val(&turns.over, scope);
        let Some(elements) = Elements::over(value, turns.range) else { return Truth::Unknown };
        let origin = elements.origin();
        let mut unknown = !elements.complete();
        let mut found = 0_u32;
        for (index, element) in elements.enumerate() {
            if !self.spend(turns.weight) {
                return Truth::Unknown;
            }
            let element = self.numbered(element, origin, index);
            let truth = self.truth(&turns.body, Some(&Scope { value: element, outer: scope }));
            match (how, truth) {
                (Quantifier::Exists, Truth::True) => return Truth::True,
                (Quantifier::All, Truth::False) => return Truth::False,
                (_, Truth::Unknown) => unknown = true,
                (Quantifier::One, Truth::True) => {
                    found += 1;
                    if found > 1 {
                        return Truth::False;
                    }
                }
                (Quantifier::Exists | Quantifier::One, Truth::False) | (Quantifier::All, Truth::True) => {}
            }
        }
        match how {
            _ if unknown => Truth::Unknown,
            Quantifier::Exists => Truth::False,
            Quantifier::All => Truth::True,
            Quantifier::One => (found == 1).into(),
        }
    }

    /// An element with its own place, for explanations.
    #[inline]
    pub(super) fn numbered(&mut self, element: Val<'a>, origin: Option<u32>, index: usize) -> Val<'a> {
        let Some(origin) = origin else { return element };
        let place = self.trace.inside(origin, |way| way.push_str(&format!("[{index}]")));
        match element {
            Val::Object(object, _) => Val::Object(object, place),
            Val::List(list, _) => Val::List(list, place),
            Val::Map(map, _) => Val::Map(map, place),
            single => {
                self.trace.read(place, || match single_json(&single) {
                    Some(value) => Reading::Value(value),
                    None => Reading::Absent,
                });
                single
            }
        }
    }
}

fn single_json(value: &Val<'_>) -> Option<serde_json::Value> {
    use crate::layout::Shape;
    use crate::record::Stored;
    Some(match value {
        Val::Bool(value) => (*value).into(),
        Val::Int(value) => (*value).into(),
        Val::Float(value) => (*value).into(),
        Val::Time(micros, _) => stored_json(Stored::Time(*micros), &Shape::Time),
        Val::Span(micros, _) => stored_json(Stored::Span(*micros), &Shape::Span),
        other => other.text()?.into_owned().into(),
    })
}

/// Whether a text contains another; in linear time, whatever they hold.
fn contains(text: &[u8], part: &[u8]) -> bool {
    match (std::str::from_utf8(text), std::str::from_utf8(part)) {
        (Ok(text), Ok(part)) => text.contains(part),
        _ => false,
    }
}
