//! Values while an expression is evaluated. They borrow from records and from the expression itself; only what is
//! calculated (a joined text, a filtered list) is made anew.

use std::borrow::Cow;
use std::rc::Rc;

use crate::record::Stored;
use crate::tree::Constant;

/// Where something was read, for explanations: a number that the tracer gave out.
pub(crate) type Origin = u32;

/// A value, or why there is none.
#[derive(Clone, Debug)]
pub(crate) enum Val<'a> {
    /// It cannot be told.
    Unknown,
    /// The system says that it is not set.
    Absent,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(&'a [u8]),
    /// A text that was calculated.
    Made(Rc<str>),
    /// A moment, and by how much it moves for each microsecond that passes.
    Time(i64, i64),
    /// A length of time, and by how much it grows.
    Span(i64, i64),
    List(&'a [u8], Origin),
    Map(&'a [u8], Origin),
    Object(&'a [u8], Origin),
    /// A list of constants.
    Consts(&'a [Constant]),
    /// A list that was calculated.
    Items(Rc<Items<'a>>),
}

/// A calculated list.
#[derive(Debug)]
pub(crate) struct Items<'a> {
    pub(crate) all: Vec<Val<'a>>,
    /// Whether these are all its elements; if not, nobody knows how many more there are.
    pub(crate) complete: bool,
}

impl<'a> Val<'a> {
    #[inline]
    pub(crate) fn stored(stored: Stored<'a>, origin: Origin) -> Self {
        match stored {
            Stored::Bool(value) => Self::Bool(value),
            Stored::Int(value) => Self::Int(value),
            Stored::Float(value) => Self::Float(value),
            Stored::Text(text) => Self::Text(text),
            Stored::Time(micros) => Self::Time(micros, 0),
            Stored::Span(micros) => Self::Span(micros, 0),
            Stored::List(list) => Self::List(list, origin),
            Stored::Map(map) => Self::Map(map, origin),
            Stored::Object(object) => Self::Object(object, origin),
        }
    }

    #[inline]
    pub(crate) fn constant(constant: &'a Constant) -> Self {
        match constant {
            Constant::Bool(value) => Self::Bool(*value),
            Constant::Int(value) => Self::Int(*value),
            Constant::Float(value) => Self::Float(*value),
            Constant::Text(text) => Self::Text(text.as_bytes()),
            Constant::Time(micros) => Self::Time(*micros, 0),
            Constant::Span(micros) => Self::Span(*micros, 0),
            Constant::List(items) => Self::Consts(items),
        }
    }

    /// A text's bytes.
    #[inline]
    pub(crate) fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Text(text) => Some(text),
            Self::Made(text) => Some(text.as_bytes()),
            _ => None,
        }
    }

    /// A text.
    pub(crate) fn text(&self) -> Option<Cow<'_, str>> {
        self.bytes().map(String::from_utf8_lossy)
    }

    /// Whether it is neither absent nor unknown.
    pub(crate) fn is_known(&self) -> bool {
        !matches!(self, Self::Unknown | Self::Absent)
    }
}
