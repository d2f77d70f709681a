//! What datastores hold, as the program declares it: no interface of a provider knows what is customer data.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::{Glob, Id};

/// The classes of data, how stores tell theirs, and which stores have one declared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DataClasses {
    /// The classes, in the order of the file: the strictest first.
    pub classes: Vec<DataClass>,
    /// The tags whose value is a class, wherever a provider has tags.
    pub tags: Vec<String>,
    /// Stores of which somebody said what they hold. The first that matches counts.
    pub stores: Vec<DeclaredStores>,
    /// The kinds whose resources have a class.
    pub kinds: BTreeSet<Id>,
}

/// A class of data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DataClass {
    /// Its name: the value of `data_class`, and of tags.
    pub id: Id,
    /// For people.
    pub title: String,
    /// What belongs to it.
    pub doc: String,
}

/// Stores that hold data of one class: those of these kinds, with these keys, in these accounts. What is empty leaves
/// the choice open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeclaredStores {
    /// The class.
    pub class: Id,
    /// Patterns of kinds.
    pub kinds: Vec<Glob>,
    /// Patterns of keys.
    pub keys: Vec<Glob>,
    /// Patterns of accounts.
    pub accounts: Vec<Glob>,
    /// Who knows it, and from where.
    pub why: String,
}

impl Default for DataClasses {
    /// What counts where nobody declares anything: the usual tag is read.
    fn default() -> Self {
        Self {
            classes: Vec::new(),
            tags: vec!["data-class".to_owned()],
            stores: Vec::new(),
            kinds: BTreeSet::new(),
        }
    }
}

impl DataClasses {
    /// What a store is declared to hold.
    pub fn declared(&self, kind: &str, key: &str, account: Option<&str>) -> Option<&str> {
        let one_of = |patterns: &[Glob], text: Option<&str>| {
            patterns.is_empty()
                || text.is_some_and(|text| patterns.iter().any(|pattern| pattern.matches(text)))
        };
        let found = self.stores.iter().find(|stores| {
            one_of(&stores.kinds, Some(kind))
                && one_of(&stores.keys, Some(key))
                && one_of(&stores.accounts, account)
        });
        found.map(|stores| stores.class.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stores(class: &str, kinds: &[&str], keys: &[&str], accounts: &[&str]) -> DeclaredStores {
        let globs = |all: &[&str]| all.iter().map(|one| Glob::new(*one)).collect();
        DeclaredStores {
            class: class.parse().unwrap(),
            kinds: globs(kinds),
            keys: globs(keys),
            accounts: globs(accounts),
            why: String::new(),
        }
    }

    #[test]
    fn the_first_that_matches_in_all_respects_counts() {
        let classes = DataClasses {
            stores: vec![
                stores("internal", &["aws.s3.*"], &["*-logs"], &[]),
                stores("customer", &["aws.s3.*"], &[], &["111122223333"]),
                stores("personal", &[], &["hr-*"], &[]),
            ],
            ..DataClasses::default()
        };
        let of = |kind, key, account| classes.declared(kind, key, account);
        assert_eq!(of("aws.s3.bucket", "orders-logs", Some("111122223333")), Some("internal"));
        assert_eq!(of("aws.s3.bucket", "orders", Some("111122223333")), Some("customer"));
        assert_eq!(of("aws.s3.bucket", "orders", None), None, "whose it is, is not known");
        assert_eq!(of("mysql.server", "hr-db:3306", None), Some("personal"));
        assert_eq!(of("mysql.server", "a-hr-db:3306", None), None, "the whole key counts");
    }
}
