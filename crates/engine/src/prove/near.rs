//! Keys that are written nearly like one that is not there: it may have been mistyped.

use octro_model::Id;

use crate::{EngineError, Query};

const KEYS: &str = "SELECT key FROM resources WHERE kind = $1 ORDER BY gone_at DESC, key LIMIT 50000";

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[KEYS];

/// How many are told.
const TOLD: usize = 3;
/// Longer keys are not compared.
const LENGTH_MAX: usize = 128;

impl Query {
    /// The keys of resources of a kind that are written nearly like `key`, the nearest first; at most three.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn near_keys(&self, kind: &Id, key: &str) -> Result<Vec<String>, EngineError> {
        let mut near: Vec<(usize, String)> = Vec::new();
        for row in self.db().fetch(KEYS, &[kind.as_str().into()]).await? {
            let other: String = row.get(0)?;
            if let Some(distance) = distance(key, &other).filter(|distance| *distance > 0 || other != key) {
                near.push((distance, other));
            }
        }
        near.sort();
        near.truncate(TOLD);
        Ok(near.into_iter().map(|(_, key)| key).collect())
    }
}

/// How many letters of one text have to be changed, added or left out to make the other, whatever their case; `None` if
/// these are too many for a slip.
fn distance(one: &str, other: &str) -> Option<usize> {
    let letters = |text: &str| text.chars().flat_map(char::to_lowercase).take(LENGTH_MAX + 1).collect();
    let (one, other): (Vec<char>, Vec<char>) = (letters(one), letters(other));
    let most = (one.len() / 4).clamp(1, 3);
    if one.len() > LENGTH_MAX || other.len() > LENGTH_MAX || one.len().abs_diff(other.len()) > most {
        return None;
    }
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (above, letter) in one.iter().enumerate() {
        let mut next = Vec::with_capacity(row.len());
        let mut left = above + 1;
        next.push(left);
        for ((diagonal, up), of) in row.iter().zip(row.iter().skip(1)).zip(&other) {
            left = (diagonal + usize::from(letter != of)).min(up + 1).min(left + 1);
            next.push(left);
        }
        if next.iter().min().is_none_or(|least| *least > most) {
            return None;
        }
        row = next;
    }
    row.last().copied().filter(|distance| *distance <= most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_near() {
        assert_eq!(distance("C02XJ0", "c02xj0"), Some(0));
        assert_eq!(distance("C02XJ0", "C02XJO"), Some(1));
        assert_eq!(distance("backup-bucket", "bakup-buckets"), Some(2));
        assert_eq!(distance("ann", "bob"), None);
        assert_eq!(distance("a", "b"), Some(1));
        assert_eq!(distance("ann", "ann@example.com"), None);
        assert_eq!(distance("", ""), Some(0));
        assert_eq!(distance(&"x".repeat(500), &"x".repeat(500)), None);
    }
}
