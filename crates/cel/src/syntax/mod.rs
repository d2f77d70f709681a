//! The syntax of an expression: a tree of forms that know where they stand in the text, without types.
//!
//! The parser is our own, of the subset of CEL that the language has: the reference crates keep no positions of what
//! they parsed, expand macros before we see them, refuse `has(key(x))`, and recurse without a limit in places.
#![expect(clippy::wildcard_enum_match_arm, reason = "any other token than those asked for is refused")]

mod parse;
mod token;

pub(crate) use parse::parse;

/// A place in the text and what is wrong there.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refusal {
    /// Bytes from the start of the text.
    pub(crate) at: usize,
    /// What stands there.
    pub(crate) what: String,
    /// What could stand there.
    pub(crate) expected: String,
}

impl Refusal {
    pub(crate) fn new(at: usize, what: impl Into<String>, expected: impl Into<String>) -> Self {
        Self { at, what: what.into(), expected: expected.into() }
    }
}

/// A part of an expression.
#[derive(Clone, Debug)]
pub(crate) struct Syntax {
    /// Its first byte.
    pub(crate) at: u32,
    /// The byte after its last.
    pub(crate) end: u32,
    /// The longest way down to a leaf.
    pub(crate) depth: u32,
    /// What it is.
    pub(crate) form: Form,
}

/// The forms of expressions.
#[derive(Clone, Debug)]
pub(crate) enum Form {
    /// A literal.
    Literal(Literal),
    /// `name`
    Name(String),
    /// `of.field`; the field's name stands at `at`.
    Select { of: Box<Syntax>, field: String, at: u32 },
    /// `of[by]`
    Index { of: Box<Syntax>, by: Box<Syntax> },
    /// `name(args)` or `of.name(args)`; the name stands at `at`.
    Call { of: Option<Box<Syntax>>, name: String, at: u32, args: Vec<Syntax> },
    /// `!x`
    Not(Box<Syntax>),
    /// `-x`
    Negate(Box<Syntax>),
    /// `a && b && ...`
    All(Vec<Syntax>),
    /// `a || b || ...`
    Any(Vec<Syntax>),
    /// `left op right`; the operator stands at `at`.
    Binary { op: Binary, at: u32, left: Box<Syntax>, right: Box<Syntax> },
    /// `test ? then : otherwise`
    If { test: Box<Syntax>, then: Box<Syntax>, otherwise: Box<Syntax> },
    /// `[a, b]`
    List(Vec<Syntax>),
}

/// A literal.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Literal {
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
}

/// The operators between two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Binary {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    In,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

impl Binary {
    /// As it is written.
    pub(crate) const fn sign(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
            Self::In => "in",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
        }
    }
}
