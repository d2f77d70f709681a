//! `data-classes.toml`: what classes of data there are, and what stores hold.

use std::collections::BTreeSet;

use octro_cel::Kinds;
use octro_model::{DataClass, DataClasses, DeclaredStores, Glob, Id};

use crate::near::instead;
use crate::read::doc::Said;
use crate::read::table::Table;

/// The attribute that says what a store holds.
const ATTRIBUTE: &str = "data_class";

/// What counts in a program without the file: no store is declared to hold anything, and the usual tag is read.
pub(crate) fn none(kinds: &Kinds) -> DataClasses {
    let has = kinds.iter().map(|kind| kind.kind()).filter(|kind| kind.attributes.contains_key(ATTRIBUTE));
    let kinds: BTreeSet<Id> = has.map(|kind| kind.id.clone()).collect();
    DataClasses { kinds, ..DataClasses::default() }
}

pub(crate) fn classes(root: Table<'_>, kinds: &Kinds) -> Option<DataClasses> {
    let mut read = none(kinds);
    if root.has("tags") {
        read.tags = root.texts("tags").into_iter().map(|tag| tag.value.trim().to_owned()).collect();
    }
    for table in root.tables("classes") {
        let id = table.need_id("id", "the value of `data_class` and of tags");
        let title = table.need_text("title").map(|title| title.value.to_owned()).unwrap_or_default();
        let doc = table.text_or_empty("doc");
        if let Some(id) = id {
            if read.classes.iter().any(|other| other.id == id.value) {
                table.doc.problem(id.at, format!("class `{}` stands twice", id.value), "each once");
            } else {
                read.classes.push(DataClass { id: id.value, title, doc });
            }
        }
        table.finish();
    }
    for table in root.tables("stores") {
        let stores = stores(&table, &read);
        read.stores.extend(stores);
        table.finish();
    }
    root.finish();
    Some(read)
}

fn stores(table: &Table<'_>, read: &DataClasses) -> Option<DeclaredStores> {
    let class = table.need_id("class", "one of the classes of this file");
    if let Some(class) = &class
        && !read.classes.iter().any(|known| known.id == class.value)
    {
        let known = read.classes.iter().map(|class| class.id.as_str());
        let expected = instead(class.value.as_str(), "a class of this file", known);
        table.doc.problem(class.at.clone(), format!("there is no class `{}`", class.value), expected);
    }
    let kinds = table.texts("kinds");
    for kind in &kinds {
        let pattern = Glob::new(kind.value);
        if !read.kinds.iter().any(|known| pattern.matches(known.as_str())) {
            let known = read.kinds.iter().map(Id::as_str);
            let expected = instead(kind.value, "a kind with `data_class`, or a pattern of some", known);
            let what = format!("`{}` is no kind whose resources hold data", kind.value);
            table.doc.problem(kind.at.clone(), what, expected);
        }
    }
    let (keys, accounts) = (table.texts("keys"), table.texts("accounts"));
    if kinds.is_empty() && keys.is_empty() && accounts.is_empty() {
        let expected = "`kinds`, `keys` or `accounts`, each a list of patterns";
        table.doc.problem(table.at.clone(), "these would be all stores that there are".to_owned(), expected);
    }
    let why = table.text_or_empty("why");
    let globs = |all: Vec<Said<&str>>| all.into_iter().map(|one| Glob::new(one.value)).collect();
    Some(DeclaredStores {
        class: class?.value,
        kinds: globs(kinds),
        keys: globs(keys),
        accounts: globs(accounts),
        why,
    })
}
