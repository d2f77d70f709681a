//! `octro erase KIND KEY`: the ledger's commitments to a person can no longer be opened.

use octro_engine::Erased;
use octro_model::SystemClock;

use crate::cli::{Erase, Global};
use crate::database;
use crate::exit::{Exit, UsageError};
use crate::output;

/// A shorter key may stand in any text.
const KEY_MIN: usize = 3;

pub async fn run(global: &Global, erase: Erase) -> anyhow::Result<Exit> {
    if let Some(part) = looks_personal(&erase.basis, &erase.key).filter(|_| !erase.yes) {
        return Err(UsageError(format!(
            "--basis: `{part}` looks like a name or an address. The ledger keeps this text for ever, and nobody can erase \
             it: give a ground without personal data, a ticket's number for example, or add --yes if it is none"
        ))
        .into());
    }
    let query = database::query(global).await?;
    let kind = erase.kind.parse()?;
    let erased = octro_engine::erase(query.db(), &SystemClock, &kind, &erase.key, &erase.basis).await?;
    if global.format != crate::output::Format::Table {
        output::text(&format!("{}\n", serde_json::to_string_pretty(&erased)?))?;
    }
    if !global.quiet {
        output::say(&said(&erased, &erase.key));
    }
    Ok(Exit::Done)
}

fn said(erased: &Erased, key: &str) -> String {
    let kinds =
        if erased.kinds.is_empty() { String::new() } else { format!(" ({})", erased.kinds.join(", ")) };
    let mut said = format!(
        "{} commitments in the ledger to `{key}`{kinds} can no longer be opened by anyone; all proofs of others stay valid. \
         What sources observed is not part of the ledger: it goes when its kind's `retain` ends. Backups hold the \
         deleted bytes until they expire.",
        erased.commitments
    );
    if erased.records > 0 {
        said.push_str(&format!(
            "\nAmong them are those of {} decisions and exports that named `{key}`; their texts are deleted too.",
            erased.records
        ));
    }
    if erased.left > 0 {
        said.push_str(&format!(
            "\n{} older commitments stay: when they were made, the kind had no personal data, and they open with the \
             key of their whole population.",
            erased.left
        ));
    }
    if erased.lost > 0 {
        said.push_str(&format!(
            "\nOf {} populations, the members can no longer be made anew from what is stored; `octro ledger audit` tells more.",
            erased.lost
        ));
    }
    said
}

/// The first part of a text that looks like a name or an address, or is the key of whoever is erased.
fn looks_personal<'a>(basis: &'a str, key: &'a str) -> Option<&'a str> {
    let lower = basis.to_lowercase();
    if key.len() >= KEY_MIN && lower.contains(&key.to_lowercase()) {
        return Some(key);
    }
    let words: Vec<&str> = basis.split_whitespace().collect();
    if let Some(address) = words.iter().find(|word| word.contains('@')) {
        return Some(address);
    }
    let telephone =
        |word: &&&str| word.starts_with('+') && word.chars().filter(char::is_ascii_digit).count() > 5;
    if let Some(number) = words.iter().find(telephone) {
        return Some(number);
    }
    // Two capitalised words side by side, unless they begin the text.
    let is_name = |word: &str| {
        let mut letters = word.chars();
        letters.next().is_some_and(char::is_uppercase) && letters.next().is_some_and(char::is_lowercase)
    };
    let mut before: Option<&str> = None;
    for word in words {
        if before.is_some_and(is_name) && is_name(word) {
            let start = basis.find(before?)?;
            let end = start + basis.get(start..)?.find(word)? + word.len();
            return basis.get(start..end);
        }
        before = Some(word);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_named_if_there_are_any() {
        let erased = Erased { commitments: 3, records: 1, ..Erased::default() };
        assert!(said(&erased, "ann").starts_with("3 commitments in the ledger to `ann` can no longer"));
        let erased = Erased { kinds: vec!["person".to_owned(), "account".to_owned()], ..erased };
        assert!(said(&erased, "ann").contains(" to `ann` (person, account) can "));
    }

    #[test]
    fn a_ground_that_looks_like_a_person_is_seen() {
        for (basis, part) in [
            ("request of ann@example.com", Some("ann@example.com")),
            ("request of Ann Smith, ticket 7", Some("Ann Smith,")),
            ("she called from +41 or +41791234567", Some("+41791234567")),
            ("request of 2026-04-01", None),
            ("request of the person", None),
            ("Ticket 4711, Art. 17 GDPR", None),
        ] {
            assert_eq!(looks_personal(basis, "u-1"), part, "{basis}");
        }
        assert_eq!(looks_personal("request of ann", "ann"), Some("ann"));
        assert_eq!(looks_personal("request of ANN.", "ann"), Some("ann"));
        assert_eq!(looks_personal("request of C-17", "c-17"), Some("c-17"));
        assert_eq!(looks_personal("a plan", "an"), None);
    }
}
