//! Foreign text made fit to be shown: what other programs print may hold terminal codes, and has no end.

/// The text without control characters, its white space folded, and at most `most` characters long.
pub(crate) fn plain(text: &str, most: usize) -> String {
    let spaced: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let folded = spaced.split_whitespace().collect::<Vec<_>>().join(" ");
    if folded.chars().nth(most).is_none() {
        return folded;
    }
    folded.chars().take(most.saturating_sub(3)).chain("...".chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_terminals_obey_is_taken_out() {
        assert_eq!(plain("a\u{1b}[31mred\u{7}\n\tb", 100), "a [31mred b");
        assert_eq!(plain("0123456789", 10), "0123456789");
        assert_eq!(plain("0123456789x", 10), "0123456...");
    }
}
