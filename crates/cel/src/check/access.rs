//! `a.b`, `map['k']`, `list[0]`.

use std::sync::Arc;

use super::{Checker, Typed};
use crate::layout::Shape;
use crate::near::near;
use crate::record::Decode;
use crate::syntax::{Form, Syntax};
use crate::tree::{Base, Constant, Node, Path};

impl Checker<'_> {
    /// `of.field`
    pub(super) fn select(&mut self, of: &Syntax, field: &str, at: u32) -> Option<Typed> {
        if matches!(&of.form, Form::Name(name) if name == "params") && self.is_free("params") {
            return self.param(field, at);
        }
        let typed = self.reached(of)?;
        match typed.shape.clone() {
            Shape::Object(fields) => {
                let Some((number, found)) = fields.place(field).and_then(|n| Some((n, fields.all.get(n)?)))
                else {
                    let (owner, names) = match &fields.kind {
                        Some(kind) => (format!("the kind `{kind}`"), "attributes"),
                        None => ("the object".to_owned(), "fields"),
                    };
                    let what = format!("{owner} has no `{field}`");
                    return self.fault(at, what, near(field, fields.names(), names));
                };
                let place = typed.place.map(|(kind, path)| {
                    let path = if path.is_empty() { field.to_owned() } else { format!("{path}.{field}") };
                    (kind, path)
                });
                let decode = Decode::from(&found.shape);
                let step = (found.name.clone(), found.shape.clone());
                let node = Node::Path(step_on(typed.node, number as u16, decode, step));
                Some(Typed {
                    node,
                    shape: found.shape.clone(),
                    place,
                    names: found.references.clone(),
                    hops: typed.hops,
                    moves: false,
                })
            }
            Shape::Map(of) => {
                let key = Node::Const(Constant::Text(field.into()));
                Some(entry(typed, key, Some(field), of))
            }
            other => {
                let what = format!("{other:#} has no field `{field}`");
                self.fault(at, what, "a resource, an object or a map before the dot")
            }
        }
    }

    /// `of[by]`
    pub(super) fn index(&mut self, of: &Syntax, by: &Syntax) -> Option<Typed> {
        let typed = self.reached(of);
        let index = self.part(by);
        let (typed, index) = (typed?, index?);
        match (typed.shape.clone(), &index.shape) {
            (Shape::Map(of), Shape::Text) => {
                let literal = index.literal_text().map(str::to_owned);
                Some(entry(typed, index.node, literal.as_deref(), of))
            }
            (Shape::List(of), Shape::Int) => {
                let decode = Decode::from(&*of);
                let place = typed.place.map(|(kind, path)| (kind, format!("{path}[]")));
                let node = Node::Element { list: Box::new(typed.node), index: Box::new(index.node), decode };
                let names = typed.names;
                Some(Typed { node, shape: (*of).clone(), place, names, hops: typed.hops, moves: typed.moves })
            }
            (Shape::Map(_), other) => {
                self.fault(by.at, format!("a map's key cannot be {other:#}"), "a string")
            }
            (Shape::List(_), other) => {
                self.fault(by.at, format!("a list's index cannot be {other:#}"), "an int")
            }
            (Shape::Object(_), _) => {
                self.fault(by.at, "fields are not read with brackets", "a dot and the field's name")
            }
            (other, _) => {
                self.fault(of.at, format!("{other:#} has no elements"), "a list or map before the bracket")
            }
        }
    }

    /// `params.name`
    fn param(&mut self, name: &str, at: u32) -> Option<Typed> {
        let Some((of, value)) = self.env.params.get(name) else {
            let expected = near(name, self.env.params.names(), "params");
            return self.fault(at, format!("there is no param `{name}`"), expected);
        };
        let shape = Shape::of(of);
        match Constant::from_json(value, &shape) {
            Some(constant) => Some(Typed::new(Node::Const(constant), shape)),
            None => {
                self.fault(at, format!("the value of the param `{name}` is no {shape}"), format!("{shape:#}"))
            }
        }
    }

    /// Whether a name is not a loop's variable.
    pub(super) fn is_free(&self, name: &str) -> bool {
        self.variables.iter().all(|variable| variable.name != name)
    }
}

/// A path with one more step.
fn step_on(base: Node, number: u16, decode: Decode, named: (Box<str>, Shape)) -> Path {
    let one = |base| Path { base, steps: Box::new([number]), decode, named: Box::new([named.clone()]) };
    match base {
        Node::Path(path) => {
            let mut steps = path.steps.into_vec();
            let mut names = path.named.into_vec();
            steps.push(number);
            names.push(named);
            Path { base: path.base, steps: steps.into_boxed_slice(), decode, named: names.into_boxed_slice() }
        }
        Node::Variable(out) => one(Base::Variable(out)),
        other => one(Base::Node(Box::new(other))),
    }
}

/// A map's value.
fn entry(map: Typed, key: Node, literal: Option<&str>, of: Arc<Shape>) -> Typed {
    let place = map.place.map(|(kind, path)| match literal {
        Some(key) => (kind, format!("{path}['{key}']")),
        None => (kind, format!("{path}[]")),
    });
    let decode = Decode::from(&*of);
    let shape = (*of).clone();
    let node = Node::Entry { map: Box::new(map.node), key: Box::new(key), of, decode };
    Typed { node, shape, place, names: map.names, hops: map.hops, moves: false }
}
