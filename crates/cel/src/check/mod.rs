//! The static checker: gives every part of an expression its type against the declared kinds, refuses what cannot be
//! meant, and compiles the rest. All mistakes that do not follow from one another are told at once.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a part of any other type or form than the one asked for is refused"
)]

mod access;
mod call;
mod loops;
mod notes;
mod operate;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use octro_model::Id;

use self::notes::Notes;
use crate::expression::{Environment, Link, Read};
use crate::fault::Fault;
use crate::layout::{Layout, Shape};
use crate::near::near;
use crate::record::Decode;
use crate::syntax::{Form, Literal, Syntax};
use crate::tree::{Base, Constant, Node, Path};

/// How many resources an expression may go through, one naming the next.
const HOPS_MAX: u8 = 3;
/// How many loops may stand within one another.
const LOOPS_MAX: usize = 4;

/// A checked expression.
pub(crate) struct Checked {
    pub(crate) node: Node,
    pub(crate) shape: Shape,
    pub(crate) links: Vec<Link>,
    pub(crate) reads: Vec<Read>,
    pub(crate) reads_now: bool,
    pub(crate) warnings: Vec<Fault>,
}

/// A part with its type and where it comes from.
pub(crate) struct Typed {
    pub(crate) node: Node,
    pub(crate) shape: Shape,
    /// The attribute that this value was read from, `(kind, path)`.
    pub(crate) place: Option<(Id, String)>,
    /// The kind whose resource it names.
    pub(crate) names: Option<Id>,
    /// How many resources lie between the subject and it.
    pub(crate) hops: u8,
    /// It changes with time.
    pub(crate) moves: bool,
}

impl Typed {
    fn new(node: Node, shape: Shape) -> Self {
        Self { node, shape, place: None, names: None, hops: 0, moves: false }
    }

    fn decode(&self) -> Decode {
        Decode::from(&self.shape)
    }

    /// A literal text.
    fn literal_text(&self) -> Option<&str> {
        match &self.node {
            Node::Const(Constant::Text(text)) => Some(text),
            _ => None,
        }
    }
}

/// A loop's variable.
struct Variable {
    name: String,
    shape: Shape,
    place: Option<(Id, String)>,
    names: Option<Id>,
    hops: u8,
    moves: bool,
}

/// Checks and compiles. `whole` is the text that positions are counted in, `from` the byte at which the expression
/// begins in it. In a `message`, texts may change with time.
pub(crate) fn check(
    syntax: &Syntax,
    whole: &str,
    from: usize,
    message: bool,
    env: &Environment<'_>,
) -> Result<Checked, Vec<Fault>> {
    let Some(layout) = env.kinds.get(env.on) else {
        let names = env.kinds.iter().map(|layout| layout.kind().id.as_str());
        let what = format!("the kind `{}` is not declared", env.on);
        return Err(vec![Fault::at(whole, from, what, near(env.on, names, "kinds"))]);
    };
    let mut checker = Checker {
        env,
        layout,
        whole,
        from,
        message,
        faults: Vec::new(),
        variables: Vec::new(),
        notes: Notes::default(),
    };
    let typed = checker.part(syntax);
    checker.faults.sort();
    checker.faults.dedup();
    match typed {
        Some(typed) if checker.faults.is_empty() => {
            let warnings = checker.unguarded();
            let Notes { mut links, reads, reads_now, .. } = checker.notes;
            links.dedup();
            let reads = notes::innermost(reads);
            Ok(Checked { node: typed.node, shape: typed.shape, links, reads, reads_now, warnings })
        }
        _ => Err(checker.faults),
    }
}

struct Checker<'e> {
    env: &'e Environment<'e>,
    layout: &'e Arc<Layout>,
    whole: &'e str,
    from: usize,
    message: bool,
    faults: Vec<Fault>,
    variables: Vec<Variable>,
    notes: Notes,
}

impl Checker<'_> {
    /// Notes a mistake. Gives nothing, so that callers can return it.
    fn fault<R>(&mut self, at: u32, what: impl Into<String>, expected: impl Into<String>) -> Option<R> {
        if self.faults.len() < 50 {
            self.faults.push(Fault::at(self.whole, self.from + at as usize, what, expected));
        }
        None
    }

    /// The text of a part.
    fn source(&self, part: &Syntax) -> &str {
        let range = self.from + part.at as usize..self.from + part.end as usize;
        self.whole.get(range).unwrap_or_default()
    }

    /// Checks a part that is used as a value: what it reads is noted.
    fn part(&mut self, syntax: &Syntax) -> Option<Typed> {
        let typed = self.reached(syntax)?;
        self.notes.read(&typed);
        Some(typed)
    }

    /// Checks a part that must be a condition.
    fn condition(&mut self, syntax: &Syntax, of: &str) -> Option<Node> {
        let typed = self.part(syntax)?;
        match typed.shape {
            Shape::Bool => Some(typed.node),
            ref other => {
                let what = format!("{of} needs a condition, and this is {other:#}");
                self.fault(syntax.at, what, "a bool")
            }
        }
    }

    /// Checks a part without noting that it is read: perhaps only something inside is.
    fn reached(&mut self, syntax: &Syntax) -> Option<Typed> {
        match &syntax.form {
            Form::Literal(literal) => Some(constant(literal)),
            Form::Name(name) => self.name(syntax, name),
            Form::Select { of, field, at } => self.select(of, field, *at),
            Form::Index { of, by } => self.index(of, by),
            Form::Call { of: None, name, at, args } => self.call(syntax, name, *at, args),
            Form::Call { of: Some(of), name, at, args } => self.method(syntax, of, name, *at, args),
            Form::Not(of) => {
                let node = self.condition(of, "`!`")?;
                Some(Typed::new(Node::Not(Box::new(node)), Shape::Bool))
            }
            Form::Negate(of) => self.negate(syntax, of),
            Form::All(parts) => {
                let nodes = self.conditions(parts, "`&&`")?;
                Some(Typed::new(Node::All(nodes), Shape::Bool))
            }
            Form::Any(parts) => {
                let nodes = self.conditions(parts, "`||`")?;
                Some(Typed::new(Node::Any(nodes), Shape::Bool))
            }
            Form::Binary { op, at, left, right } => self.binary(*op, *at, left, right),
            Form::If { test, then, otherwise } => self.either(test, then, otherwise),
            Form::List(items) => self.list(syntax, items),
        }
    }

    fn conditions(&mut self, parts: &[Syntax], of: &str) -> Option<Box<[Node]>> {
        // All parts are checked before any is given up, so that each tells its own mistakes.
        let nodes: Vec<Option<Node>> = parts.iter().map(|part| self.condition(part, of)).collect();
        nodes.into_iter().collect()
    }

    fn name(&mut self, syntax: &Syntax, name: &str) -> Option<Typed> {
        if let Some((out, variable)) =
            self.variables.iter().rev().enumerate().find(|(_, one)| one.name == name)
        {
            return Some(Typed {
                node: Node::Variable(out),
                shape: variable.shape.clone(),
                place: variable.place.clone(),
                names: variable.names.clone(),
                hops: variable.hops,
                moves: variable.moves,
            });
        }
        match name {
            "resource" => {
                let path = Path {
                    base: Base::Subject,
                    steps: Box::new([]),
                    decode: Decode::Object,
                    named: Box::new([]),
                };
                let shape = Shape::Object(self.layout.fields().clone());
                let place = Some((self.env.on.clone(), String::new()));
                Some(Typed { place, ..Typed::new(Node::Path(path), shape) })
            }
            "now" => {
                self.notes.reads_now = true;
                Some(Typed { moves: true, ..Typed::new(Node::Now, Shape::Time) })
            }
            "params" => self.fault(syntax.at, "`params` alone is no value", "params.name"),
            _ => {
                let known: Vec<&str> = self.variables.iter().map(|one| one.name.as_str()).collect();
                let mut expected =
                    near(name, known.into_iter().chain(["resource", "params", "now"]), "names");
                if self.layout.fields().place(name).is_some() {
                    expected = format!("`resource.{name}`");
                }
                self.fault(syntax.at, format!("`{name}` is not known here"), expected)
            }
        }
    }
}

fn constant(literal: &Literal) -> Typed {
    match literal {
        Literal::Bool(value) => Typed::new(Node::Const(Constant::Bool(*value)), Shape::Bool),
        Literal::Int(value) => Typed::new(Node::Const(Constant::Int(*value)), Shape::Int),
        Literal::Float(value) => Typed::new(Node::Const(Constant::Float(*value)), Shape::Float),
        Literal::Text(text) => Typed::new(Node::Const(Constant::Text(text.as_str().into())), Shape::Text),
    }
}
