//! Expressions: compiled once, evaluated many times.

use octro_model::{Id, Timestamp, Type};

use crate::answer::{Answer, Fact};
use crate::check::{Checked, check};
use crate::eval::{Run, Silent, Watching, to_reading};
use crate::fault::Fault;
use crate::layout::{Kinds, Shape};
use crate::params::Params;
use crate::record::Reading;
use crate::syntax::parse;
use crate::tree::Node;
use crate::world::{Subject, World};

/// What an expression is compiled against.
#[derive(Clone, Copy, Debug)]
pub struct Environment<'a> {
    /// All kinds.
    pub kinds: &'a Kinds,
    /// The kind of `resource`.
    pub on: &'a Id,
    /// The constants.
    pub params: &'a Params,
}

/// A way from one resource to others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Link {
    /// To the resource that an attribute names: `key(resource.attribute)`.
    Key {
        /// The kind that has the attribute: the subject's, or one reached before.
        from_kind: Id,
        /// The attribute, or the way to a field inside: `rules[].key_id` (see [`crate::Record::reading`]).
        attribute: String,
        /// The kind that it names.
        to: Id,
    },
    /// To the resources that name the subject: `refs('kind', 'attribute')`.
    Back {
        /// The kind that has the attribute.
        kind: Id,
        /// The attribute that names the subject.
        attribute: String,
    },
}

/// An attribute or field that an expression reads.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Read {
    /// The kind.
    pub kind: Id,
    /// `a.b`, `rules[].sse`, `tags['team']`.
    pub path: String,
}

/// A compiled expression.
#[derive(Debug)]
pub struct Expression {
    text: Box<str>,
    on: Id,
    node: Node,
    shape: Shape,
    of: Type,
    warnings: Vec<Fault>,
    links: Vec<Link>,
    reads: Vec<Read>,
    reads_now: bool,
}

impl Expression {
    /// Parses, checks and compiles. All mistakes are told at once.
    pub fn compile(text: &str, env: &Environment<'_>) -> Result<Self, Vec<Fault>> {
        Self::within(text, text, 0, false, env)
    }

    /// Compiles a part of a larger text, `from` bytes after its beginning.
    pub(crate) fn within(
        text: &str,
        whole: &str,
        from: usize,
        message: bool,
        env: &Environment<'_>,
    ) -> Result<Self, Vec<Fault>> {
        let syntax = parse(text).map_err(|refusal| vec![Fault::refusal(whole, from, refusal)])?;
        let Checked { node, shape, links, reads, reads_now, warnings } =
            check(&syntax, whole, from, message, env)?;
        let of = shape.to_type();
        Ok(Self { text: text.into(), on: env.on.clone(), node, shape, of, warnings, links, reads, reads_now })
    }

    /// Its type.
    pub fn type_of(&self) -> &Type {
        &self.of
    }

    /// What it probably does not mean: an `all` that an empty list satisfies.
    pub fn warnings(&self) -> &[Fault] {
        &self.warnings
    }

    /// The ways to other resources.
    pub fn links(&self) -> &[Link] {
        &self.links
    }

    /// What it reads, of the subject and of others, as far inside as it goes.
    pub fn reads(&self) -> &[Read] {
        &self.reads
    }

    /// Whether time alone can change what it gives.
    pub fn reads_now(&self) -> bool {
        self.reads_now
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it holds. An expression that is not a condition is unknown.
    pub fn truth(&self, subject: &Subject<'_>, now: Timestamp, world: &dyn World) -> Answer {
        let mut run = Run::new(subject, now, world, Silent);
        let truth = run.answer(&self.node);
        Answer { truth, flips_at: run.flips_at() }
    }

    /// What it gives: for messages.
    pub fn value(&self, subject: &Subject<'_>, now: Timestamp, world: &dyn World) -> Reading {
        let mut run = Run::new(subject, now, world, Watching::new(&self.on));
        let value = run.evaluate(&self.node);
        to_reading(&value, &self.shape, &run.trace)
    }

    /// What it reads on the way to its answer.
    pub fn explain(&self, subject: &Subject<'_>, now: Timestamp, world: &dyn World) -> Vec<Fact> {
        let mut run = Run::new(subject, now, world, Watching::new(&self.on));
        run.evaluate(&self.node);
        run.trace.facts()
    }
}
