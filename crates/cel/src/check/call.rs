//! Functions and methods.

use octro_model::Id;
use regex::bytes::RegexBuilder;

use super::{Checker, HOPS_MAX, Typed};
use crate::expression::Link;
use crate::layout::Shape;
use crate::near::near;
use crate::record::{Decode, micros};
use crate::syntax::{Form, Syntax};
use crate::tree::{Affix, Arithmetic, Constant, Node};

/// The memory that a compiled pattern may take, in bytes.
const PATTERN_MAX: usize = 1 << 20;

const FUNCTIONS: [&str; 11] =
    ["has", "size", "count", "key", "refs", "age", "duration", "timestamp", "int", "double", "string"];
const METHODS: [&str; 12] = [
    "exists",
    "all",
    "exists_one",
    "filter",
    "map",
    "startsWith",
    "endsWith",
    "contains",
    "matches",
    "lowerAscii",
    "size",
    "count",
];

impl Checker<'_> {
    /// `name(args)`
    pub(super) fn call(&mut self, syntax: &Syntax, name: &str, at: u32, args: &[Syntax]) -> Option<Typed> {
        if !FUNCTIONS.contains(&name) {
            let expected = if METHODS.contains(&name) {
                format!("it after a value: x.{name}(...)")
            } else {
                near(name, FUNCTIONS.into_iter(), "functions")
            };
            return self.fault(at, format!("there is no function `{name}`"), expected);
        }
        if name == "refs" {
            return self.refs(at, args);
        }
        let [arg] = args else {
            let what = format!("`{name}` with {} arguments", args.len());
            return self.fault(at, what, format!("one: {name}(x)"));
        };
        match name {
            "has" => self.has(arg),
            "key" => self.key(syntax, arg),
            "size" | "count" => self.size(name, arg),
            "age" => {
                let typed = self.part(arg)?;
                if typed.shape != Shape::Time {
                    return self.fault(arg.at, format!("the age of {:#}", typed.shape), "a timestamp");
                }
                self.notes.reads_now = true;
                let node = Node::Arithmetic {
                    op: Arithmetic::Subtract,
                    left: Box::new(Node::Now),
                    right: Box::new(typed.node),
                };
                Some(Typed { moves: true, ..Typed::new(node, Shape::Span) })
            }
            "duration" => self.literal(arg, name, Shape::Span, "a literal like duration('90d')"),
            "timestamp" => {
                self.literal(arg, name, Shape::Time, "a literal like timestamp('2026-03-03T00:00:00Z')")
            }
            _ => self.convert(name, arg),
        }
    }

    fn literal(&mut self, arg: &Syntax, name: &str, shape: Shape, expected: &str) -> Option<Typed> {
        let typed = self.part(arg)?;
        let found = typed.literal_text().map(|text| micros(&shape, text));
        match (found, &shape) {
            (Some(Some(micros)), Shape::Span) => Some(Typed::new(Node::Const(Constant::Span(micros)), shape)),
            (Some(Some(micros)), _) => Some(Typed::new(Node::Const(Constant::Time(micros)), shape)),
            (Some(None), _) => self.fault(arg.at, format!("the text is no {name}"), expected),
            (None, _) => {
                self.fault(arg.at, format!("{name} of something that is not written here"), expected)
            }
        }
    }

    /// `has(a.b)`, `has(key(x))`
    fn has(&mut self, arg: &Syntax) -> Option<Typed> {
        let of_key = matches!(&arg.form, Form::Call { of: None, name, .. } if name == "key");
        let field = matches!(&arg.form, Form::Select { .. } | Form::Index { .. });
        if !of_key && !field {
            let expected = "an attribute, has(resource.a), or a resource, has(key(resource.a)); of lists ask size(x) > 0";
            return self.fault(arg.at, "has of something that is always there", expected);
        }
        let typed = self.part(arg)?;
        if matches!(typed.node, Node::Const(_)) {
            return self.fault(arg.at, "has of something that is always there", "an attribute");
        }
        if matches!(typed.node, Node::Element { .. }) {
            return self.fault(arg.at, "has of a list's element", "size(list) > n");
        }
        Some(Typed::new(Node::Has(Box::new(typed.node)), Shape::Bool))
    }

    fn size(&mut self, name: &str, arg: &Syntax) -> Option<Typed> {
        let typed = self.part(arg)?;
        match typed.shape {
            Shape::Text if name == "size" => {}
            Shape::List(_) | Shape::Map(_) => self.note_sized(arg),
            ref other => {
                let expected = if name == "size" { "a string, a list or a map" } else { "a list or a map" };
                return self.fault(arg.at, format!("the {name} of {other:#}"), expected);
            }
        }
        Some(Typed::new(Node::Size(Box::new(typed.node)), Shape::Int))
    }

    fn convert(&mut self, name: &str, arg: &Syntax) -> Option<Typed> {
        let typed = self.part(arg)?;
        let (shape, fits, expected) = match name {
            "int" => (
                Shape::Int,
                matches!(typed.shape, Shape::Int | Shape::Float | Shape::Text | Shape::Time | Shape::Span),
                "a number, a string, a timestamp or a duration",
            ),
            "double" => (
                Shape::Float,
                matches!(typed.shape, Shape::Int | Shape::Float | Shape::Text),
                "a number or a string",
            ),
            _ => (Shape::Text, typed.shape.is_single(), "a bool, number, string, timestamp or duration"),
        };
        if !fits {
            return self.fault(arg.at, format!("{name} of {:#}", typed.shape), expected);
        }
        if shape == Shape::Text && typed.moves && !self.message {
            let expected = "a comparison of times: the text is another one every microsecond";
            return self.fault(arg.at, "the text of a time that moves with `now`", expected);
        }
        let to = Decode::from(&shape);
        Some(Typed::new(Node::Convert { what: Box::new(typed.node), to }, shape))
    }

    /// `key(resource.a)`: the resource that an attribute names.
    fn key(&mut self, syntax: &Syntax, arg: &Syntax) -> Option<Typed> {
        let typed = self.part(arg)?;
        let (Some(to), Some((from_kind, attribute)), Shape::Text) =
            (&typed.names, &typed.place, &typed.shape)
        else {
            let what = "key of something that names no resource".to_owned();
            return self.fault(arg.at, what, "an attribute whose kind declares `ref` for it");
        };
        let Some(layout) = self.env.kinds.get(to) else {
            let names = self.env.kinds.iter().map(|layout| layout.kind().id.as_str());
            let expected = near(to, names, "kinds");
            return self.fault(arg.at, format!("it names a `{to}`, which is not a declared kind"), expected);
        };
        let hops = typed.hops + 1;
        if hops > HOPS_MAX {
            let expected = format!("at most {HOPS_MAX}, so that changes can be followed");
            return self.fault(syntax.at, "too long a chain of resources", expected);
        }
        let shape = Shape::Object(layout.fields().clone());
        let kind = layout.kind().id.clone();
        self.notes.link(Link::Key {
            from_kind: from_kind.clone(),
            attribute: attribute.clone(),
            to: kind.clone(),
        });
        let node = Node::Key { key: Box::new(typed.node), kind: kind.clone() };
        Some(Typed { place: Some((kind, String::new())), hops, ..Typed::new(node, shape) })
    }

    /// `refs('kind', 'attribute')`: the resources that name the subject.
    fn refs(&mut self, at: u32, args: &[Syntax]) -> Option<Typed> {
        let expected = "refs('kind', 'attribute')";
        let [kind_arg, attribute_arg] = args else {
            return self.fault(at, format!("`refs` with {} arguments", args.len()), expected);
        };
        let kind = self.part(kind_arg)?;
        let attribute = self.part(attribute_arg)?;
        let (Some(kind), Some(attribute)) = (kind.literal_text(), attribute.literal_text()) else {
            return self.fault(at, "`refs` of something that is not written here", expected);
        };
        let Some(layout) = self.env.kinds.get(kind) else {
            let names = self.env.kinds.iter().map(|layout| layout.kind().id.as_str());
            let expected = near(kind, names, "kinds");
            return self.fault(kind_arg.at, format!("the kind `{kind}` is not declared"), expected);
        };
        let fields = layout.fields();
        let on: &Id = self.env.on;
        let naming = |references: &Option<Id>| references.as_ref() == Some(on);
        match fields.place(attribute).and_then(|number| fields.all.get(number)) {
            None => {
                let what = format!("the kind `{kind}` has no `{attribute}`");
                self.fault(attribute_arg.at, what, near(attribute, fields.names(), "attributes"))
            }
            Some(field) if !naming(&field.references) => {
                let names: Vec<&str> = fields
                    .all
                    .iter()
                    .filter(|field| naming(&field.references))
                    .map(|field| &*field.name)
                    .collect();
                let expected = near(
                    attribute,
                    names.into_iter(),
                    &format!("attributes of `{kind}` with ref = \"{on}\""),
                );
                self.fault(
                    attribute_arg.at,
                    format!("`{attribute}` of `{kind}` does not name a `{on}`"),
                    expected,
                )
            }
            Some(field) => {
                let shape = Shape::List(std::sync::Arc::new(Shape::Object(fields.clone())));
                let kind = layout.kind().id.clone();
                let attribute = field.name.clone();
                self.notes.link(Link::Back { kind: kind.clone(), attribute: attribute.to_string() });
                let read = Typed {
                    place: Some((kind.clone(), attribute.to_string())),
                    ..Typed::new(Node::Now, Shape::Text)
                };
                self.notes.read(&read);
                let node = Node::Referring { kind: kind.clone(), attribute };
                Some(Typed { place: Some((kind, String::new())), hops: 1, ..Typed::new(node, shape) })
            }
        }
    }

    /// `of.name(args)`
    pub(super) fn method(
        &mut self,
        syntax: &Syntax,
        of: &Syntax,
        name: &str,
        at: u32,
        args: &[Syntax],
    ) -> Option<Typed> {
        match name {
            "exists" | "all" | "exists_one" | "existsOne" | "filter" | "map" => {
                self.looped(of, name, at, args)
            }
            "size" | "count" if args.is_empty() => self.size(name, of),
            "startsWith" => self.affix(Affix::Starts, of, name, at, args),
            "endsWith" => self.affix(Affix::Ends, of, name, at, args),
            "contains" => self.affix(Affix::Contains, of, name, at, args),
            "matches" => self.matches(of, at, args),
            "lowerAscii" if args.is_empty() => {
                let typed = self.text(of, name)?;
                Some(Typed::new(Node::Lower(Box::new(typed.node)), Shape::Text))
            }
            _ if FUNCTIONS.contains(&name) && args.is_empty() => {
                self.fault(at, format!("`{name}` is no method"), format!("{name}({})", self.source(of)))
            }
            _ => {
                let what = match syntax.form {
                    Form::Call { ref args, .. } if METHODS.contains(&name) => {
                        format!("`{name}` with {} arguments", args.len())
                    }
                    _ => format!("there is no method `{name}`"),
                };
                self.fault(at, what, near(name, METHODS.into_iter(), "methods"))
            }
        }
    }

    fn text(&mut self, of: &Syntax, name: &str) -> Option<Typed> {
        let typed = self.part(of)?;
        match typed.shape {
            Shape::Text => Some(typed),
            ref other => self.fault(of.at, format!("`{name}` of {other:#}"), "a string"),
        }
    }

    fn affix(&mut self, how: Affix, of: &Syntax, name: &str, at: u32, args: &[Syntax]) -> Option<Typed> {
        let [arg] = args else {
            let what = format!("`{name}` with {} arguments", args.len());
            return self.fault(at, what, format!("one: x.{name}('text')"));
        };
        let what = self.text(of, name);
        let affix = self.text(arg, name);
        let node = Node::Affix { how, what: Box::new(what?.node), affix: Box::new(affix?.node) };
        Some(Typed::new(node, Shape::Bool))
    }

    fn matches(&mut self, of: &Syntax, at: u32, args: &[Syntax]) -> Option<Typed> {
        let [arg] = args else {
            return self.fault(
                at,
                format!("`matches` with {} arguments", args.len()),
                "one: x.matches('^a.*')",
            );
        };
        let what = self.text(of, "matches");
        let pattern = self.text(arg, "matches")?;
        let Some(text) = pattern.literal_text() else {
            return self.fault(arg.at, "a pattern that is not written here", "a literal: x.matches('^a.*')");
        };
        match RegexBuilder::new(text).size_limit(PATTERN_MAX).dfa_size_limit(PATTERN_MAX).build() {
            Ok(pattern) => {
                let node = Node::Matches { what: Box::new(what?.node), pattern: Box::new(pattern) };
                Some(Typed::new(node, Shape::Bool))
            }
            Err(error) => {
                let error = error.to_string();
                let reason = error.lines().last().unwrap_or_default().trim_start_matches("error: ");
                self.fault(arg.at, format!("the pattern cannot be used: {reason}"), "a regular expression")
            }
        }
    }
}
