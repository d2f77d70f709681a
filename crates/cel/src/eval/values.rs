//! Evaluates everything that is not a condition.

use std::rc::Rc;

use super::elements::Elements;
use super::trace::Trace;
use super::value::{Items, Val};
use super::{KEEPING, Outer, Run, Scope, variable};
use crate::answer::Truth;
use crate::record::{Reading, not_collected};
use crate::tree::{Loop, Node, Range};
use crate::world::Lookup;

impl<'a, T: Trace<'a>> Run<'a, T> {
    /// The value of a part.
    pub(super) fn val(&mut self, node: &'a Node, scope: Outer<'_, 'a>) -> Val<'a> {
        match node {
            Node::Path(path) => self.path(path, scope),
            Node::Const(constant) => Val::constant(constant),
            Node::Variable(out) => variable(scope, *out).cloned().unwrap_or(Val::Unknown),
            Node::Now => Val::Time(self.now, 1),
            Node::Entry { map, key, of, decode } => self.entry(map, key, of, *decode, scope),
            Node::Element { list, index, decode } => self.element(list, index, *decode, scope),
            Node::If { test, then, otherwise } => match self.truth(test, scope) {
                Truth::True => self.val(then, scope),
                Truth::False => self.val(otherwise, scope),
                Truth::Unknown => Val::Unknown,
            },
            Node::Size(what) => {
                let value = self.val(what, scope);
                self.size(value)
            }
            Node::Arithmetic { op, left, right } => {
                let left = self.val(left, scope);
                let right = self.val(right, scope);
                let result = super::calculate::arithmetic(*op, &left, &right);
                match &result {
                    Val::Made(text) if !self.spend(text.len() as u64 / KEEPING) => Val::Unknown,
                    _ => result,
                }
            }
            Node::Negate(what) => super::calculate::negate(&self.val(what, scope)),
            Node::Convert { what, to } => {
                let value = self.val(what, scope);
                self.convert(value, *to)
            }
            Node::Lower(what) => match self.val(what, scope).text() {
                Some(text) if !self.spend(text.len() as u64 / KEEPING) => Val::Unknown,
                Some(text) => Val::Made(text.to_ascii_lowercase().into()),
                None => Val::Unknown,
            },
            Node::List(items) => {
                let all = items.iter().map(|item| definite(self.val(item, scope))).collect();
                Val::Items(Rc::new(Items { all, complete: true }))
            }
            Node::Filter(turns) => self.filter(turns, scope),
            Node::Each(turns) => self.each(turns, scope),
            Node::Key { key, kind } => {
                let key = self.val(key, scope);
                let Some(key) = key.text() else { return Val::Unknown };
                let found = self.world.by_key(kind, &key);
                let place = self.trace.resource(kind, || key.to_string());
                match found {
                    Lookup::Found(record) => Val::Object(&record.0, place),
                    Lookup::Absent => {
                        self.trace.read(place, || Reading::Absent);
                        Val::Absent
                    }
                    Lookup::Unknown => {
                        self.trace.read(place, || Reading::Unknown(not_collected()));
                        Val::Unknown
                    }
                }
            }
            Node::Referring { kind, attribute } => {
                let found = self.world.referring(kind, attribute, self.key);
                let mut all = Vec::with_capacity(found.records.len());
                for (index, record) in found.records.iter().enumerate() {
                    let place = self.trace.resource(kind, || format!("#{}", index + 1));
                    all.push(Val::Object(&record.0, place));
                }
                if !found.complete {
                    let place = self.trace.resource(kind, || "*".to_owned());
                    self.trace.read(place, || Reading::Unknown(not_collected()));
                }
                Val::Items(Rc::new(Items { all, complete: found.complete }))
            }
            Node::Has(_)
            | Node::All(_)
            | Node::Any(_)
            | Node::Not(_)
            | Node::Compare { .. }
            | Node::Is { .. }
            | Node::OneOf { .. }
            | Node::In { .. }
            | Node::InKeys { .. }
            | Node::Affix { .. }
            | Node::Matches { .. }
            | Node::Quantify { .. } => match self.truth(node, scope) {
                Truth::True => Val::Bool(true),
                Truth::False => Val::Bool(false),
                Truth::Unknown => Val::Unknown,
            },
        }
    }

    /// The characters of a text, or the elements of a list or map.
    fn size(&mut self, value: Val<'a>) -> Val<'a> {
        if let Some(text) = value.text() {
            if !self.spend(text.len() as u64 / 32) {
                return Val::Unknown;
            }
            return Val::Int(text.chars().count() as i64);
        }
        let range = match &value {
            Val::Map(..) => Range::Keys(crate::record::Decode::Bool),
            _ => Range::List(crate::record::Decode::Bool),
        };
        match Elements::over(value, range) {
            Some(elements) if elements.complete() => Val::Int(elements.left() as i64),
            _ => Val::Unknown,
        }
    }

    /// The elements that satisfy a condition. Where that cannot be told of one, the list is not complete.
    fn filter(&mut self, turns: &'a Loop, scope: Outer<'_, 'a>) -> Val<'a> {
        let value = self.val(&turns.over, scope);
        let Some(elements) = Elements::over(value, turns.range) else { return Val::Unknown };
        let origin = elements.origin();
        let mut complete = elements.complete();
        let mut all = Vec::new();
        for (index, element) in elements.enumerate() {
            if !self.spend(turns.weight + KEEPING) {
                return Val::Unknown;
            }
            let element = self.numbered(element, origin, index);
            match self.truth(&turns.body, Some(&Scope { value: element.clone(), outer: scope })) {
                Truth::True => all.push(element),
                Truth::False => {}
                Truth::Unknown => complete = false,
            }
        }
        Val::Items(Rc::new(Items { all, complete }))
    }

    /// Something of every element.
    fn each(&mut self, turns: &'a Loop, scope: Outer<'_, 'a>) -> Val<'a> {
        let value = self.val(&turns.over, scope);
        let Some(elements) = Elements::over(value, turns.range) else { return Val::Unknown };
        let origin = elements.origin();
        let complete = elements.complete();
        let mut all = Vec::new();
        for (index, element) in elements.enumerate() {
            if !self.spend(turns.weight + KEEPING) {
                return Val::Unknown;
            }
            let element = self.numbered(element, origin, index);
            all.push(definite(self.val(&turns.body, Some(&Scope { value: element, outer: scope }))));
        }
        Val::Items(Rc::new(Items { all, complete }))
    }
}

/// An element of a calculated list: what is not set cannot be told.
fn definite(value: Val<'_>) -> Val<'_> {
    match value {
        Val::Absent => Val::Unknown,
        other => other,
    }
}
