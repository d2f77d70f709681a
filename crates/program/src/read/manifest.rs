//! `program.toml` and `roles.toml`.

use std::collections::BTreeMap;

use octro_model::Id;

use crate::program::Role;
use crate::read::table::{Entry, Table};

/// What `program.toml` says.
pub(crate) struct Manifest {
    pub(crate) name: String,
    pub(crate) parts: Vec<(Id, String)>,
    pub(crate) assets: Vec<(Id, String)>,
}

pub(crate) fn manifest(root: Table<'_>) -> Option<Manifest> {
    let name = root.need_text("name");
    let assets = titles(root.table("assets"));
    let parts = titles(root.need(
        "parts",
        "`[parts]` with a line `<id> = \"<title>\"` for each",
        root.table("parts"),
    ));
    root.finish();
    // A missing name is a problem, but the names of parts and assets are good nonetheless.
    Some(Manifest { name: name.map(|name| name.value.to_owned()).unwrap_or_default(), parts, assets })
}

fn titles(table: Option<Table<'_>>) -> Vec<(Id, String)> {
    let Some(table) = table else { return Vec::new() };
    let mut titles = Vec::new();
    for entry in table.entries() {
        let Some(id) = entry_id(&table, &entry) else { continue };
        match entry.value.get_ref().as_str().filter(|title| !title.trim().is_empty()) {
            Some(title) => titles.push((id, title.to_owned())),
            None => table.doc.problem(entry.value.span(), format!("`{id}` has no title"), "a text in quotes"),
        }
    }
    titles
}

/// The name that the author chose for an entry.
pub(crate) fn entry_id(table: &Table<'_>, entry: &Entry<'_>) -> Option<Id> {
    let id = entry.key.value.parse().ok();
    if id.is_none() {
        let what = format!("`{}` cannot be a name", entry.key.value);
        let expected = "1-120 characters of a-z A-Z 0-9 . _ -, the first a letter or digit";
        table.doc.problem(entry.key.at.clone(), what, expected);
    }
    id
}

pub(crate) fn roles(root: Table<'_>) -> Option<BTreeMap<Id, Role>> {
    let mut roles = BTreeMap::new();
    for entry in root.entries() {
        let id = entry_id(&root, &entry);
        let Some(table) = root.entry_table(&entry) else { continue };
        let title = table.need_text("title").map(|text| text.value.to_owned());
        let doc = table.text_or_empty("doc");
        table.finish();
        if let Some(id) = id {
            // A role with a broken title is known all the same, so that its users are not problems too.
            roles.insert(id.clone(), Role { id, title: title.unwrap_or_default(), doc });
        }
    }
    Some(roles)
}
