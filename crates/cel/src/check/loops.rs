//! Loops: `exists`, `all`, `exists_one`, `filter`, `map`.

use std::sync::Arc;

use super::{Checker, LOOPS_MAX, Typed, Variable};
use crate::layout::Shape;
use crate::record::Decode;
use crate::syntax::{Form, Syntax};
use crate::tree::{Loop, Node, Quantifier, Range};

/// Names that no loop's variable may have.
const TAKEN: [&str; 5] = ["resource", "params", "now", "true", "false"];

impl Checker<'_> {
    /// `of.name(variable, body)`
    pub(super) fn looped(&mut self, of: &Syntax, name: &str, at: u32, args: &[Syntax]) -> Option<Typed> {
        let [variable, body] = args else {
            let what = format!("`{name}` with {} arguments", args.len());
            return self.fault(at, what, format!("two: xs.{name}(x, ...)"));
        };
        let Form::Name(variable_name) = &variable.form else {
            return self.fault(variable.at, "no name for the elements", format!("a name: xs.{name}(x, ...)"));
        };
        if TAKEN.contains(&variable_name.as_str()) || !self.is_free(variable_name) {
            return self.fault(
                variable.at,
                format!("`{variable_name}` means something else already"),
                "another name",
            );
        }
        if self.variables.len() >= LOOPS_MAX {
            return self.fault(at, "too many loops within one another", format!("at most {LOOPS_MAX}"));
        }
        let over = self.reached(of)?;
        self.notes.read(&over);
        let (range, element) = match &over.shape {
            Shape::List(of) => (Range::List(Decode::from(&**of)), (**of).clone()),
            Shape::Map(of) => (Range::Keys(Decode::from(&**of)), Shape::Text),
            other => return self.fault(of.at, format!("`{name}` over {other:#}"), "a list or a map"),
        };
        let keys = matches!(range, Range::Keys(_));
        // The elements of `refs(...)` are resources themselves, whose attributes begin a new path.
        let resources = matches!(&element, Shape::Object(fields) if fields.kind.is_some());
        let place = over.place.clone().filter(|_| !keys);
        self.variables.push(Variable {
            name: variable_name.clone(),
            shape: element.clone(),
            place: place
                .map(|(kind, path)| if resources { (kind, path) } else { (kind, format!("{path}[]")) }),
            names: over.names.clone().filter(|_| !keys),
            hops: over.hops,
            moves: over.moves,
        });
        // A longer condition takes more steps; eight letters make one, about.
        let weight = 1 + u64::from(body.end.saturating_sub(body.at)) / 8;
        let body = if name == "map" {
            self.part(body).map(Ok)
        } else {
            self.condition(body, &format!("`{name}`")).map(Err)
        };
        self.variables.pop();
        let body = body?;
        let (hops, moves) = (over.hops, over.moves);
        let how = match name {
            "exists" => {
                self.note_sized(of);
                Quantifier::Exists
            }
            "all" => {
                self.note_all(of, at);
                Quantifier::All
            }
            _ => Quantifier::One,
        };
        let turns = |body| Box::new(Loop { over: over.node, range, body, weight });
        match body {
            // `map`: a list of what is calculated.
            Ok(typed) => {
                let shape = Shape::List(Arc::new(typed.shape));
                let node = Node::Each(turns(typed.node));
                Some(Typed {
                    place: typed.place.filter(|_| typed.names.is_some()),
                    names: typed.names,
                    hops: typed.hops,
                    moves: typed.moves || moves,
                    ..Typed::new(node, shape)
                })
            }
            Err(body) if name == "filter" => {
                let node = Node::Filter(turns(body));
                let shape = Shape::List(Arc::new(element));
                let place = over.place.filter(|_| !keys);
                Some(Typed { node, shape, place, names: over.names.filter(|_| !keys), hops, moves })
            }
            Err(body) => {
                let node = Node::Quantify { how, turns: turns(body) };
                Some(Typed::new(node, Shape::Bool))
            }
        }
    }
}
