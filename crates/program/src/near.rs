//! "Did you mean": the known name that is nearest to a mistyped one.

/// The nearest of `known`, if it is near enough to be meant.
fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    if word.len() > 120 {
        return None;
    }
    let limit = (word.chars().count() / 3).clamp(1, 4);
    known
        .filter(|name| name.len().abs_diff(word.len()) <= 8)
        .map(|name| (distance(&word.to_lowercase(), &name.to_lowercase()), name))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, name)| name)
}

/// What to expect instead of `word`: the nearest name, or else a few of those that there are.
pub(crate) fn instead<'a>(word: &str, what: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    if let Some(name) = nearest(word, known.clone()) {
        return format!("`{name}`");
    }
    let count = known.clone().count();
    if count == 0 {
        return format!("{what}; there is none");
    }
    let some: Vec<&str> = known.take(12).collect();
    let more = if count > some.len() { format!(" and {} more", count - some.len()) } else { String::new() };
    format!("{what}: {}{more}", some.join(", "))
}

/// How many letters have to be changed, added, dropped or swapped with their neighbour.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let at = |row: &[usize], j: usize| row.get(j).copied().unwrap_or(usize::MAX / 2);
            let mut best =
                (at(&last, j) + usize::from(x != y)).min(at(&last, j + 1) + 1).min(at(&row, j) + 1);
            let swapped = i > 0 && j > 0 && a.get(i - 1) == Some(y) && b.get(j - 1) == Some(x);
            if swapped {
                best = best.min(at(&before, j - 1) + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_found() {
        let known = ["severity", "message", "max_age"];
        assert_eq!(instead("serverity", "a key", known.into_iter()), "`severity`");
        assert_eq!(instead("mesasge", "a key", known.into_iter()), "`message`");
        assert_eq!(instead("colour", "a key", known.into_iter()), "a key: severity, message, max_age");
        assert_eq!(instead("colour", "a key", [].into_iter()), "a key; there is none");
    }
}
