//! Compares two values of one type: exactly for whole numbers and floats, by code points for texts, and for moments
//! with the time at which the answer changes.

use std::cmp::Ordering;

use super::value::Val;
use crate::tree::Compare;

/// How two values compare, and how their difference moves with time.
pub(crate) enum Order {
    /// So, for good.
    Fixed(Ordering),
    /// By this much now (microseconds), changing by so much for each microsecond that passes.
    Moving(i128, i64),
    /// One of them is not known.
    Unknown,
}

/// Compares two single values.
#[inline]
pub(crate) fn order(left: &Val<'_>, right: &Val<'_>) -> Order {
    match (left, right) {
        (Val::Int(a), Val::Int(b)) => Order::Fixed(a.cmp(b)),
        (Val::Bool(a), Val::Bool(b)) => Order::Fixed(a.cmp(b)),
        (Val::Float(a), Val::Float(b)) => a.partial_cmp(b).map_or(Order::Unknown, Order::Fixed),
        (Val::Int(a), Val::Float(b)) => mixed(*a, *b).map_or(Order::Unknown, Order::Fixed),
        (Val::Float(a), Val::Int(b)) => {
            mixed(*b, *a).map_or(Order::Unknown, |found| Order::Fixed(found.reverse()))
        }
        (Val::Time(a, by), Val::Time(b, of)) | (Val::Span(a, by), Val::Span(b, of)) => match by - of {
            0 => Order::Fixed(a.cmp(b)),
            rate => Order::Moving(i128::from(*a) - i128::from(*b), rate),
        },
        _ => match (left.bytes(), right.bytes()) {
            (Some(a), Some(b)) => Order::Fixed(a.cmp(b)),
            _ => Order::Unknown,
        },
    }
}

/// A whole number against a float, without rounding either.
fn mixed(int: i64, float: f64) -> Option<Ordering> {
    if float.is_nan() {
        return None;
    }
    // 2^63 and -2^63 are floats exactly; everything between has a whole part that fits.
    if float >= 9_223_372_036_854_775_808.0 {
        return Some(Ordering::Less);
    }
    if float < -9_223_372_036_854_775_808.0 {
        return Some(Ordering::Greater);
    }
    let whole = float.trunc();
    let fraction = float - whole;
    Some(int.cmp(&(whole as i64)).then_with(|| 0.0_f64.partial_cmp(&fraction).unwrap_or(Ordering::Equal)))
}

impl Compare {
    /// Whether the comparison holds for that order.
    #[inline]
    pub(crate) fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::NotEqual => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::LessEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterEqual => order.is_ge(),
        }
    }

    /// After how many microseconds the comparison first answers differently, for a difference that moves by `rate`;
    /// none if never.
    pub(crate) fn flips_after(self, difference: i128, rate: i64) -> Option<i128> {
        // Seen from the side on which the difference only grows.
        let (op, difference, rate) = if rate < 0 {
            (mirrored(self), -difference, -i128::from(rate))
        } else {
            (self, difference, i128::from(rate))
        };
        let before_zero = difference < 0;
        // The first moments at which the difference is no longer below zero, and above zero.
        let reaches = (-difference + rate - 1).div_euclid(rate);
        let passes = (-difference).div_euclid(rate) + 1;
        let strict_side = match op {
            Self::Equal | Self::NotEqual => {
                return if before_zero {
                    // It may also step over zero; then nothing changes, but that costs one look only.
                    Some(reaches)
                } else if difference == 0 {
                    Some(1)
                } else {
                    None
                };
            }
            Self::Less | Self::GreaterEqual => true,
            Self::LessEqual | Self::Greater => false,
        };
        (if strict_side { before_zero.then_some(reaches) } else { (difference <= 0).then_some(passes) })
            .filter(|after| *after > 0)
    }
}

/// The comparison that says the same of exchanged sides.
fn mirrored(op: Compare) -> Compare {
    match op {
        Compare::Equal => Compare::Equal,
        Compare::NotEqual => Compare::NotEqual,
        Compare::Less => Compare::Greater,
        Compare::LessEqual => Compare::GreaterEqual,
        Compare::Greater => Compare::Less,
        Compare::GreaterEqual => Compare::LessEqual,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_and_floats_compare_exactly() {
        assert_eq!(mixed(9_007_199_254_740_993, 9_007_199_254_740_992.0), Some(Ordering::Greater));
        assert_eq!(mixed(i64::MAX, 9_223_372_036_854_775_807.0), Some(Ordering::Less));
        assert_eq!(mixed(i64::MIN, -9_223_372_036_854_775_808.0), Some(Ordering::Equal));
        assert_eq!(mixed(-2, -2.5), Some(Ordering::Greater));
        assert_eq!(mixed(2, 2.5), Some(Ordering::Less));
        assert_eq!(mixed(0, f64::NAN), None);
    }

    #[test]
    fn flips_are_the_first_different_moment() {
        for op in [
            Compare::Equal,
            Compare::NotEqual,
            Compare::Less,
            Compare::LessEqual,
            Compare::Greater,
            Compare::GreaterEqual,
        ] {
            for difference in -7_i128..=7 {
                for rate in [-3_i64, -2, -1, 1, 2, 3] {
                    let at = |after: i128| op.holds((difference + after * i128::from(rate)).cmp(&0));
                    let truly = (1..=20).find(|after| at(*after) != at(0));
                    match op.flips_after(difference, rate) {
                        Some(after) => {
                            assert!(
                                truly.is_none_or(|truly| after <= truly),
                                "{op:?} {difference} {rate}: {after}"
                            );
                            if !matches!(op, Compare::Equal | Compare::NotEqual) {
                                assert_eq!(truly, Some(after), "{op:?} {difference} {rate}");
                            }
                        }
                        None => assert_eq!(truly, None, "{op:?} {difference} {rate}"),
                    }
                }
            }
        }
    }
}
