//! Operators: which types they take, and what becomes of them.

use super::{Checker, Typed};
use crate::layout::Shape;
use crate::record::Decode;
use crate::syntax::{Binary, Syntax};
use crate::tree::{Arithmetic, Compare, Constant, Loop, Node, Range, Texts};

impl Checker<'_> {
    /// `left op right`
    pub(super) fn binary(&mut self, op: Binary, at: u32, left: &Syntax, right: &Syntax) -> Option<Typed> {
        let left = self.part(left);
        let right = self.part(right);
        let (left, right) = (left?, right?);
        match op {
            Binary::Equal => self.compare(Compare::Equal, op, at, left, right),
            Binary::NotEqual => self.compare(Compare::NotEqual, op, at, left, right),
            Binary::Less => self.compare(Compare::Less, op, at, left, right),
            Binary::LessEqual => self.compare(Compare::LessEqual, op, at, left, right),
            Binary::Greater => self.compare(Compare::Greater, op, at, left, right),
            Binary::GreaterEqual => self.compare(Compare::GreaterEqual, op, at, left, right),
            Binary::In => self.within(at, left, right),
            Binary::Add => self.calculate(Arithmetic::Add, op, at, left, right),
            Binary::Subtract => self.calculate(Arithmetic::Subtract, op, at, left, right),
            Binary::Multiply => self.calculate(Arithmetic::Multiply, op, at, left, right),
            Binary::Divide => self.calculate(Arithmetic::Divide, op, at, left, right),
            Binary::Remainder => self.calculate(Arithmetic::Remainder, op, at, left, right),
        }
    }

    fn compare(&mut self, op: Compare, sign: Binary, at: u32, left: Typed, right: Typed) -> Option<Typed> {
        let equality = matches!(op, Compare::Equal | Compare::NotEqual);
        let (left, right) = adapt_empty(left, right);
        let numbers =
            |a: &Shape, b: &Shape| matches!((a, b), (Shape::Int, Shape::Float) | (Shape::Float, Shape::Int));
        if left.shape != right.shape && !numbers(&left.shape, &right.shape) {
            let what = format!("`{}` between {:#} and {:#}", sign.sign(), left.shape, right.shape);
            return self.fault(at, what, mending(&left.shape, &right.shape));
        }
        let list = matches!(&left.shape, Shape::List(of) if of.is_single());
        if !(left.shape.is_single() || (list && equality)) {
            let what = format!("`{}` between two of type {}", sign.sign(), left.shape);
            return self.fault(
                at,
                what,
                "bools, numbers, strings, timestamps or durations; lists only with == and !=",
            );
        }
        if !equality && matches!(left.shape, Shape::Bool) {
            return self.fault(at, format!("`{}` between bools", sign.sign()), "`==` or `!=`");
        }
        let (what, text) = match (&left.node, &right.node) {
            (_, Node::Const(Constant::Text(text))) if equality => (left.node, text.as_bytes().into()),
            (Node::Const(Constant::Text(text)), _) if equality => {
                let text = text.as_bytes().into();
                (right.node, text)
            }
            _ => {
                let decode = left.decode();
                let (left, right) =
                    if list { (copied(left), copied(right)) } else { (left.node, right.node) };
                let node = Node::Compare { op, left: Box::new(left), right: Box::new(right), decode };
                return Some(Typed::new(node, Shape::Bool));
            }
        };
        let negate = op == Compare::NotEqual;
        Some(Typed::new(Node::Is { what: Box::new(what), text, negate }, Shape::Bool))
    }

    /// `left in right`
    fn within(&mut self, at: u32, left: Typed, right: Typed) -> Option<Typed> {
        let what = Box::new(left.node);
        match &right.shape {
            Shape::Map(of) if left.shape == Shape::Text => {
                let decode = Decode::from(&**of);
                Some(Typed::new(Node::InKeys { what, map: Box::new(right.node), decode }, Shape::Bool))
            }
            Shape::List(of) if **of == left.shape && of.is_single() => {
                if let Some(texts) = literal_texts(&right.node) {
                    return Some(Typed::new(Node::OneOf { what, texts: Texts::new(texts) }, Shape::Bool));
                }
                let decode = Decode::from(&**of);
                Some(Typed::new(Node::In { what, list: Box::new(right.node), decode }, Shape::Bool))
            }
            Shape::List(of) if of.is_single() => {
                let what = format!("{:#} is looked for in a list of {of}", left.shape);
                self.fault(at, what, format!("{of:#} before `in`"))
            }
            other => {
                let what = format!("{:#} is looked for in {other:#}", left.shape);
                self.fault(
                    at,
                    what,
                    "a list of bools, numbers, strings, timestamps or durations, or a map, after `in`",
                )
            }
        }
    }

    fn calculate(
        &mut self,
        op: Arithmetic,
        sign: Binary,
        at: u32,
        left: Typed,
        right: Typed,
    ) -> Option<Typed> {
        let sum = matches!(op, Arithmetic::Add | Arithmetic::Subtract);
        let shape = match (&left.shape, &right.shape) {
            (Shape::Int, Shape::Int) => Shape::Int,
            (Shape::Float, Shape::Float) if op != Arithmetic::Remainder => Shape::Float,
            (Shape::Text, Shape::Text) if op == Arithmetic::Add => Shape::Text,
            (Shape::Span, Shape::Span) if sum => Shape::Span,
            (Shape::Time, Shape::Span) if sum => Shape::Time,
            (Shape::Span, Shape::Time) if op == Arithmetic::Add => Shape::Time,
            (Shape::Time, Shape::Time) if op == Arithmetic::Subtract => Shape::Span,
            (a, b) => {
                let what = format!("`{}` between {a:#} and {b:#}", sign.sign());
                return self.fault(at, what, mending(a, b));
            }
        };
        let moves = left.moves || right.moves;
        let node = Node::Arithmetic { op, left: Box::new(left.node), right: Box::new(right.node) };
        Some(Typed { moves, ..Typed::new(node, shape) })
    }

    /// `-of`
    pub(super) fn negate(&mut self, syntax: &Syntax, of: &Syntax) -> Option<Typed> {
        let typed = self.part(of)?;
        match typed.shape {
            Shape::Float => {
                if let Node::Const(Constant::Float(value)) = typed.node {
                    return Some(Typed::new(Node::Const(Constant::Float(-value)), Shape::Float));
                }
            }
            Shape::Int | Shape::Span => {}
            ref other => {
                return self.fault(syntax.at, format!("`-` before {other:#}"), "a number or a duration");
            }
        }
        let moves = typed.moves;
        Some(Typed { moves, ..Typed::new(Node::Negate(Box::new(typed.node)), typed.shape) })
    }

    /// `test ? then : otherwise`
    pub(super) fn either(&mut self, test: &Syntax, then: &Syntax, otherwise: &Syntax) -> Option<Typed> {
        let condition = self.condition(test, "`?`");
        let first = self.part(then);
        let second = self.part(otherwise);
        let (first, second) = adapt_empty(first?, second?);
        if first.shape != second.shape {
            let what = format!("`?:` gives {:#} or {:#}", first.shape, second.shape);
            return self.fault(otherwise.at, what, format!("{:#} here too", first.shape));
        }
        let names = if first.names == second.names { first.names } else { None };
        let node = Node::If {
            test: Box::new(condition?),
            then: Box::new(first.node),
            otherwise: Box::new(second.node),
        };
        let place = first.place.filter(|place| names.is_some() && Some(place) == second.place.as_ref());
        let names = names.filter(|_| place.is_some());
        let hops = first.hops.max(second.hops);
        Some(Typed { node, shape: first.shape, place, names, hops, moves: first.moves || second.moves })
    }

    /// `[a, b]`
    pub(super) fn list(&mut self, syntax: &Syntax, items: &[Syntax]) -> Option<Typed> {
        let typed: Vec<Option<Typed>> = items.iter().map(|item| self.part(item)).collect();
        let typed: Vec<Typed> = typed.into_iter().collect::<Option<_>>()?;
        let Some(first) = typed.first() else {
            let node = Node::Const(Constant::List(Box::new([])));
            return Some(Typed::new(node, Shape::List(std::sync::Arc::new(Shape::Text))));
        };
        let of = first.shape.clone();
        if let Some((item, other)) = items.iter().zip(&typed).find(|(_, one)| one.shape != of) {
            let what = format!("{:#} in a list of {of}", other.shape);
            return self.fault(item.at, what, format!("only {of}"));
        }
        if !of.is_single() {
            return self.fault(
                syntax.at,
                format!("a list of {of}"),
                "bools, numbers, strings, timestamps or durations",
            );
        }
        let moves = typed.iter().any(|one| one.moves);
        let constants: Option<Vec<Constant>> = typed
            .iter()
            .map(|one| match &one.node {
                Node::Const(constant) => Some(constant.clone()),
                _ => None,
            })
            .collect();
        let node = match constants {
            Some(constants) => Node::Const(Constant::List(constants.into_boxed_slice())),
            None => Node::List(typed.into_iter().map(|one| one.node).collect()),
        };
        Some(Typed { moves, ..Typed::new(node, Shape::List(std::sync::Arc::new(of))) })
    }
}

/// An empty list literal takes the type of the other side.
fn adapt_empty(mut left: Typed, mut right: Typed) -> (Typed, Typed) {
    let empty = |typed: &Typed| matches!(&typed.node, Node::Const(Constant::List(items)) if items.is_empty());
    if matches!(left.shape, Shape::List(_)) && matches!(right.shape, Shape::List(_)) {
        if empty(&left) {
            left.shape = right.shape.clone();
        } else if empty(&right) {
            right.shape = left.shape.clone();
        }
    }
    (left, right)
}

/// A list, copied when it is evaluated.
fn copied(list: Typed) -> Node {
    let decode = match &list.shape {
        Shape::List(of) => Decode::from(&**of),
        other => Decode::from(other),
    };
    let range = Range::List(decode);
    Node::Each(Box::new(Loop { over: list.node, range, body: Node::Variable(0), weight: 1 }))
}

fn literal_texts(node: &Node) -> Option<Vec<Box<[u8]>>> {
    let Node::Const(Constant::List(items)) = node else { return None };
    items
        .iter()
        .map(|item| match item {
            Constant::Text(text) => Some(text.as_bytes().into()),
            _ => None,
        })
        .collect()
}

/// How two types could be brought together.
fn mending(left: &Shape, right: &Shape) -> String {
    let has = |shape: &Shape| left == shape || right == shape;
    if has(&Shape::Int) && has(&Shape::Float) {
        "both of one type: write 2.0, double(x) or int(x)".to_owned()
    } else if has(&Shape::Text) && has(&Shape::Span) {
        "both of one type: write duration('90d')".to_owned()
    } else if has(&Shape::Text) && has(&Shape::Time) {
        "both of one type: write timestamp('2026-03-03')".to_owned()
    } else if has(&Shape::Int) && (has(&Shape::Span) || has(&Shape::Time)) {
        "both of one type: write duration('30s')".to_owned()
    } else if left == right {
        format!("other types: {left:#} cannot be calculated with so")
    } else {
        "both of one type".to_owned()
    }
}
