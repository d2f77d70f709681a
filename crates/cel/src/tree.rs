//! The compiled form of an expression: every name is a number, every type is settled.

use std::sync::Arc;

use octro_model::Id;
use regex::bytes::Regex;

use crate::layout::Shape;
use crate::record::Decode;

/// A part of a compiled expression.
#[derive(Debug)]
pub(crate) enum Node {
    /// A value that is always the same.
    Const(Constant),
    /// `now`
    Now,
    /// Attributes and fields of something.
    Path(Path),
    /// A loop's variable: how many loops further out.
    Variable(usize),
    /// A map's value.
    Entry { map: Box<Node>, key: Box<Node>, of: Arc<Shape>, decode: Decode },
    /// A list's element.
    Element { list: Box<Node>, index: Box<Node>, decode: Decode },
    /// `has(...)` of one of the above.
    Has(Box<Node>),
    /// All hold.
    All(Box<[Node]>),
    /// Any holds.
    Any(Box<[Node]>),
    /// It does not hold.
    Not(Box<Node>),
    /// Both sides compared.
    Compare { op: Compare, left: Box<Node>, right: Box<Node>, decode: Decode },
    /// A text that equals a literal; `negate` for `!=`.
    Is { what: Box<Node>, text: Box<[u8]>, negate: bool },
    /// A text in a list of literals.
    OneOf { what: Box<Node>, texts: Texts },
    /// An element of a list.
    In { what: Box<Node>, list: Box<Node>, decode: Decode },
    /// A key of a map.
    InKeys { what: Box<Node>, map: Box<Node>, decode: Decode },
    /// A question about a text and another.
    Affix { how: Affix, what: Box<Node>, affix: Box<Node> },
    /// A text that a pattern matches.
    Matches { what: Box<Node>, pattern: Box<Regex> },
    /// `exists`, `all`, `exists_one`
    Quantify { how: Quantifier, turns: Box<Loop> },
    /// `filter`
    Filter(Box<Loop>),
    /// `map`
    Each(Box<Loop>),
    /// `[a, b]`
    List(Box<[Node]>),
    /// `size` of a text, list or map.
    Size(Box<Node>),
    /// Two values calculated.
    Arithmetic { op: Arithmetic, left: Box<Node>, right: Box<Node> },
    /// `-x`
    Negate(Box<Node>),
    /// `test ? then : otherwise`
    If { test: Box<Node>, then: Box<Node>, otherwise: Box<Node> },
    /// Another type's value.
    Convert { what: Box<Node>, to: Decode },
    /// `lowerAscii`
    Lower(Box<Node>),
    /// The resource that a key names.
    Key { key: Box<Node>, kind: Id },
    /// The resources that name the subject.
    Referring { kind: Id, attribute: Box<str> },
}

/// A loop.
#[derive(Debug)]
pub(crate) struct Loop {
    /// What it goes over.
    pub(crate) over: Node,
    /// How that is kept.
    pub(crate) range: Range,
    /// What is evaluated for each element.
    pub(crate) body: Node,
    /// About how many steps each turn takes.
    pub(crate) weight: u64,
}

/// A way from a resource or object to one of its fields.
#[derive(Debug)]
pub(crate) struct Path {
    /// Where it begins.
    pub(crate) base: Base,
    /// The numbers of the fields on the way; none for the beginning itself.
    pub(crate) steps: Box<[u16]>,
    /// How the last one is kept.
    pub(crate) decode: Decode,
    /// The same for people: each step's name and shape.
    pub(crate) named: Box<[(Box<str>, Shape)]>,
}

/// Where a path begins.
#[derive(Debug)]
pub(crate) enum Base {
    /// The resource that is judged.
    Subject,
    /// A loop's variable.
    Variable(usize),
    /// Another part's value.
    Node(Box<Node>),
}

/// A constant.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Constant {
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Box<str>),
    Time(i64),
    Span(i64),
    List(Box<[Constant]>),
}

/// Comparisons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compare {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
}

/// Questions about two texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Affix {
    Starts,
    Ends,
    Contains,
}

/// How many elements must satisfy a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quantifier {
    Exists,
    All,
    One,
}

/// What a loop goes over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Range {
    /// A list whose elements are kept so.
    List(Decode),
    /// A map's keys; its values are kept so.
    Keys(Decode),
}

/// Calculations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

/// Literal texts to look one up in.
#[derive(Debug)]
pub(crate) enum Texts {
    /// Few: one after the other.
    Few(Box<[Box<[u8]>]>),
    /// Many: sorted.
    Many(Box<[Box<[u8]>]>),
}

impl Texts {
    /// Up to so many are compared one by one.
    const FEW_MAX: usize = 8;

    pub(crate) fn new(mut texts: Vec<Box<[u8]>>) -> Self {
        if texts.len() <= Self::FEW_MAX {
            return Self::Few(texts.into_boxed_slice());
        }
        texts.sort();
        texts.dedup();
        Self::Many(texts.into_boxed_slice())
    }

    #[inline]
    pub(crate) fn contains(&self, text: &[u8]) -> bool {
        match self {
            Self::Few(texts) => texts.iter().any(|one| **one == *text),
            Self::Many(texts) => texts.binary_search_by(|one| (**one).cmp(text)).is_ok(),
        }
    }
}
