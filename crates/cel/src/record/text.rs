//! Times and lengths of time as JSON has them: texts.

use octro_model::{Span, Timestamp};

use crate::layout::Shape;

/// A text that stands for a moment or a length of time, in microseconds.
pub(crate) fn micros(shape: &Shape, text: &str) -> Option<i64> {
    if text.len() > 64 {
        return None;
    }
    match shape {
        Shape::Time => text.parse::<Timestamp>().ok().map(Timestamp::micros),
        Shape::Span => match text.strip_prefix('-') {
            Some(positive) => positive.parse::<Span>().ok().and_then(|span| span.micros().checked_neg()),
            None => text.parse::<Span>().ok().map(Span::micros),
        },
        Shape::Bool
        | Shape::Int
        | Shape::Float
        | Shape::Text
        | Shape::List(_)
        | Shape::Map(_)
        | Shape::Object(_) => None,
    }
}

/// What JSON must hold for a shape, in words.
pub(crate) fn expected(shape: &Shape) -> String {
    match shape {
        Shape::Time => "timestamp: a text like 2026-03-03T09:00:00Z".to_owned(),
        Shape::Span => "duration: a text like 90d or 1h30m".to_owned(),
        Shape::Int => "int: a whole number of 64 bits".to_owned(),
        Shape::Bool | Shape::Float | Shape::Text | Shape::List(_) | Shape::Map(_) | Shape::Object(_) => {
            shape.to_string()
        }
    }
}
