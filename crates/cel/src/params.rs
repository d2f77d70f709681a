//! Named constants of a test: `params.grace`.

use std::collections::BTreeMap;

use octro_model::Type;
use serde_json::Value;

use crate::layout::Shape;
use crate::record::micros;
use crate::tree::Constant;

/// The constants that an expression may use, with their types.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Params(BTreeMap<String, (Type, Value)>);

impl Params {
    /// Constants by name.
    pub fn new(all: BTreeMap<String, (Type, Value)>) -> Self {
        Self(all)
    }

    pub(crate) fn get(&self, name: &str) -> Option<&(Type, Value)> {
        self.0.get(name)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl Constant {
    /// JSON as a constant of a shape; none if it does not fit, or if the shape has no constants.
    pub(crate) fn from_json(value: &Value, shape: &Shape) -> Option<Self> {
        Some(match shape {
            Shape::Bool => Self::Bool(value.as_bool()?),
            Shape::Int => Self::Int(value.as_i64()?),
            Shape::Float => Self::Float(value.as_f64().filter(|float| float.is_finite())?),
            Shape::Text => Self::Text(value.as_str()?.into()),
            Shape::Time => Self::Time(micros(shape, value.as_str()?)?),
            Shape::Span => Self::Span(micros(shape, value.as_str()?)?),
            Shape::List(of) => Self::List(
                value.as_array()?.iter().map(|item| Self::from_json(item, of)).collect::<Option<_>>()?,
            ),
            Shape::Map(_) | Shape::Object(_) => return None,
        })
    }
}
