//! Calculations. What overflows, or has no result, is unknown.

use octro_model::{Span, Timestamp};

use super::Run;
use super::trace::Trace;
use super::value::Val;
use crate::record::Decode;
use crate::tree::Arithmetic;

/// The longest text that is put together, in bytes.
const TEXT_MAX: usize = 64 * 1024;

/// Two values calculated.
pub(super) fn arithmetic<'a>(op: Arithmetic, left: &Val<'a>, right: &Val<'a>) -> Val<'a> {
    let result = match (left, right) {
        (Val::Int(a), Val::Int(b)) => match op {
            Arithmetic::Add => a.checked_add(*b),
            Arithmetic::Subtract => a.checked_sub(*b),
            Arithmetic::Multiply => a.checked_mul(*b),
            Arithmetic::Divide => a.checked_div(*b),
            Arithmetic::Remainder => a.checked_rem(*b),
        }
        .map(Val::Int),
        (Val::Float(a), Val::Float(b)) => {
            let value = match op {
                Arithmetic::Add => a + b,
                Arithmetic::Subtract => a - b,
                Arithmetic::Multiply => a * b,
                Arithmetic::Divide => a / b,
                Arithmetic::Remainder => a % b,
            };
            Some(Val::Float(value)).filter(|_| value.is_finite())
        }
        (Val::Time(a, by), Val::Span(b, of)) => {
            sum(op, (*a, *by), (*b, *of)).map(|(at, by)| Val::Time(at, by))
        }
        (Val::Span(a, by), Val::Time(b, of)) => {
            sum(op, (*a, *by), (*b, *of)).map(|(at, by)| Val::Time(at, by))
        }
        (Val::Time(a, by), Val::Time(b, of)) | (Val::Span(a, by), Val::Span(b, of)) => {
            sum(op, (*a, *by), (*b, *of)).map(|(span, by)| Val::Span(span, by))
        }
        _ => match (left.text(), right.text()) {
            (Some(a), Some(b)) if op == Arithmetic::Add && a.len() + b.len() <= TEXT_MAX => {
                Some(Val::Made(format!("{a}{b}").into()))
            }
            _ => None,
        },
    };
    result.unwrap_or(Val::Unknown)
}

/// Moments and lengths of time, each with its rate of change.
fn sum(op: Arithmetic, left: (i64, i64), right: (i64, i64)) -> Option<(i64, i64)> {
    match op {
        Arithmetic::Add => Some((left.0.checked_add(right.0)?, left.1.checked_add(right.1)?)),
        Arithmetic::Subtract => Some((left.0.checked_sub(right.0)?, left.1.checked_sub(right.1)?)),
        Arithmetic::Multiply | Arithmetic::Divide | Arithmetic::Remainder => None,
    }
}

/// The negative of a value.
pub(super) fn negate<'a>(value: &Val<'a>) -> Val<'a> {
    match value {
        Val::Int(value) => value.checked_neg().map_or(Val::Unknown, Val::Int),
        Val::Float(value) => Val::Float(-value),
        Val::Span(span, rate) => span.checked_neg().map_or(Val::Unknown, |span| Val::Span(span, -rate)),
        _ => Val::Unknown,
    }
}

impl<'a, T: Trace<'a>> Run<'a, T> {
    /// A value as another type's. Moments and lengths of time become whole seconds.
    pub(super) fn convert(&mut self, value: Val<'a>, to: Decode) -> Val<'a> {
        match to {
            Decode::Int => match value {
                Val::Int(_) => value,
                Val::Float(float) => whole(float).map_or(Val::Unknown, Val::Int),
                Val::Time(micros, rate) | Val::Span(micros, rate) => self.seconds(micros, rate),
                other => other.text().and_then(|text| text.parse().ok()).map_or(Val::Unknown, Val::Int),
            },
            Decode::Float => match value {
                Val::Float(_) => value,
                Val::Int(int) => Val::Float(int as f64),
                other => {
                    let parsed = other.text().and_then(|text| text.parse::<f64>().ok());
                    parsed.filter(|float| float.is_finite()).map_or(Val::Unknown, Val::Float)
                }
            },
            Decode::Text => {
                let text = match value {
                    Val::Text(_) | Val::Made(_) => return value,
                    Val::Bool(value) => value.to_string(),
                    Val::Int(value) => value.to_string(),
                    Val::Float(value) => value.to_string(),
                    Val::Time(micros, rate) => {
                        self.moves(rate);
                        Timestamp::from_micros(micros).to_string()
                    }
                    Val::Span(micros, rate) => {
                        self.moves(rate);
                        Span::from_micros(micros).to_string()
                    }
                    _ => return Val::Unknown,
                };
                Val::Made(text.into())
            }
            Decode::Bool | Decode::Time | Decode::Span | Decode::List | Decode::Map | Decode::Object => {
                Val::Unknown
            }
        }
    }

    /// The text of a moving time is another one in a microsecond.
    fn moves(&mut self, rate: i64) {
        if rate != 0 {
            self.flips_after(1);
        }
    }

    /// Whole seconds, rounded down, and when they become others.
    fn seconds(&mut self, micros: i64, rate: i64) -> Val<'a> {
        const SECOND: i64 = 1_000_000;
        let seconds = micros.div_euclid(SECOND);
        let within = i128::from(micros.rem_euclid(SECOND));
        let distance = if rate > 0 { i128::from(SECOND) - within } else { within + 1 };
        if rate != 0 {
            let rate = i128::from(rate.unsigned_abs());
            self.flips_after((distance + rate - 1) / rate);
        }
        Val::Int(seconds)
    }
}

/// The whole part of a float.
fn whole(float: f64) -> Option<i64> {
    let part = float.trunc();
    (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&part).then_some(part as i64)
}
