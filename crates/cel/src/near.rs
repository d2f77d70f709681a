//! Names that somebody may have meant.

/// The most names that are listed when none is near.
const LISTED_MAX: usize = 12;

/// `did you mean ...` of names near to `name`, or the list of all.
pub(crate) fn near<'a>(name: &str, names: impl Iterator<Item = &'a str>, of: &str) -> String {
    let names: Vec<&str> = names.collect();
    if names.is_empty() {
        return format!("nothing: there are no {of}");
    }
    let mut close: Vec<(usize, &str)> = names
        .iter()
        .map(|candidate| (distance(name, candidate), *candidate))
        .filter(|(far, candidate)| {
            let enough = name.len().min(candidate.len()) >= 3;
            (*far <= name.len().div_ceil(3) && *far < name.len())
                || (enough && (candidate.contains(name) || name.contains(candidate)))
        })
        .collect();
    close.sort();
    let quoted = |names: &mut dyn Iterator<Item = &str>| {
        names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
    };
    if close.is_empty() {
        let more = if names.len() > LISTED_MAX { ", ..." } else { "" };
        return format!("one of {}{more}", quoted(&mut names.iter().copied().take(LISTED_MAX)));
    }
    format!("perhaps {}", quoted(&mut close.iter().map(|(_, name)| *name).take(3)))
}

/// How many letters differ between two names (Levenshtein), as far as their first 40 letters go.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(40).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().take(40).enumerate() {
        let mut next = vec![i + 1];
        let mut left = i + 1;
        for (y, pair) in b.iter().zip(row.windows(2)) {
            let (diagonal, above) = match pair {
                [diagonal, above] => (*diagonal, *above),
                _ => (0, 0),
            };
            left = (diagonal + usize::from(x != *y)).min(above + 1).min(left + 1);
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_come_first() {
        let names = ["public", "encrypted", "name"];
        assert_eq!(near("publik", names.into_iter(), "attributes"), "perhaps `public`");
        assert_eq!(near("zzz", names.into_iter(), "attributes"), "one of `public`, `encrypted`, `name`");
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
