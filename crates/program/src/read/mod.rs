//! Reading program files: one file of this folder for each kind of program file, and what all of them need.

mod app;
mod classes;
mod control;
mod doc;
mod exception;
mod framework;
mod inventory;
mod kind;
mod known;
mod load;
mod manifest;
mod oscal;
mod policy;
mod table;
mod test;
mod test_example;
mod test_text;
mod training;

pub use load::{Loaded, load, load_stored};

use crate::markdown;
use crate::problem::Problems;
use doc::Doc;
use table::Table;

/// Reads a TOML file.
fn toml<T>(
    file: &str,
    text: &str,
    problems: &Problems,
    read: impl FnOnce(Table<'_>) -> Option<T>,
) -> Option<T> {
    let doc = Doc::new(file, text, problems);
    let entries = doc.parse()?;
    read(doc.root(&entries))
}

/// Reads a Markdown file with front matter; `read` gets the text below it.
fn page<T>(
    file: &str,
    text: &str,
    problems: &Problems,
    read: impl FnOnce(Table<'_>, &str) -> Option<T>,
) -> Option<T> {
    let split = match markdown::split(text) {
        Ok(split) => split,
        Err(expected) => {
            problems.file(file, "there is no front matter", expected);
            return None;
        }
    };
    let doc = Doc::part(file, text, split.front, problems);
    let entries = doc.parse()?;
    let body = text.get(split.body..).unwrap_or_default().trim();
    if body.is_empty() {
        problems.file(file, "there is no text below the front matter", "Markdown");
    }
    read(doc.root(&entries), body)
}
