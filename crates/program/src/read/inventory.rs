//! Which file is what: the path of a file says its noun and its id.

use std::collections::BTreeMap;

use octro_model::Id;

use crate::files::Files;
use crate::problem::Problems;

/// The largest text file.
const TEXT_MAX: usize = 1024 * 1024;
/// The largest catalog.
const CATALOG_MAX: usize = 32 * 1024 * 1024;

/// What a file can declare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Noun {
    Kind,
    Test,
    Control,
    Policy,
    Claim,
    Framework,
    Training,
    App,
    Exception,
}

impl Noun {
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Kind => "kind",
            Self::Test => "test",
            Self::Control => "control",
            Self::Policy => "policy",
            Self::Claim => "claim",
            Self::Framework => "framework",
            Self::Training => "training",
            Self::App => "app",
            Self::Exception => "exception",
        }
    }

    fn of_folder(folder: &str) -> Option<(Self, &'static str, &'static str)> {
        Some(match folder {
            "kinds" => (Self::Kind, ".toml", "kinds/**/<id>.toml"),
            "tests" => (Self::Test, ".toml", "tests/**/<id>.toml"),
            "controls" => (Self::Control, ".toml", "controls/<part>/<id>.toml"),
            "policies" => (Self::Policy, ".md", "policies/<id>.md"),
            "claims" => (Self::Claim, ".md", "claims/<id>.md"),
            "frameworks" => (Self::Framework, ".toml", "frameworks/<id>/framework.toml"),
            "training" => (Self::Training, ".md", "training/<id>.md"),
            "apps" => (Self::App, ".toml", "apps/<id>.toml"),
            "exceptions" => (Self::Exception, ".toml", "exceptions/<id>.toml"),
            _ => return None,
        })
    }
}

/// A file that declares something.
#[derive(Clone, Debug)]
pub(crate) struct Declared<'a> {
    pub(crate) id: Id,
    pub(crate) file: &'a str,
    /// The folder between that of the noun and the file.
    pub(crate) folder: &'a str,
}

/// All files by what they declare.
pub(crate) struct Inventory<'a> {
    files: &'a Files,
    declared: BTreeMap<Noun, BTreeMap<Id, Declared<'a>>>,
}

impl<'a> Inventory<'a> {
    pub(crate) fn new(files: &'a Files, problems: &Problems) -> Self {
        let mut inventory = Self { files, declared: BTreeMap::new() };
        for (path, _) in files.iter() {
            inventory.take(path, problems);
        }
        inventory
    }

    fn take(&mut self, path: &'a str, problems: &Problems) {
        let (folder, rest) = path.split_once('/').unwrap_or(("", path));
        let name = path.rsplit('/').next().unwrap_or(path);
        let stem = name.split('.').next().unwrap_or(name);
        if ["README", "LICENSE", "LICENCE", "CHANGELOG", "NOTICE"].contains(&stem) {
            return;
        }
        if folder.is_empty() {
            if !matches!(path, "program.toml" | "roles.toml" | "data-classes.toml") {
                problems.warn_file(
                    path,
                    "this file is not read",
                    "program.toml, roles.toml, data-classes.toml, or a file in a folder",
                );
            }
            return;
        }
        let Some((noun, ending, form)) = Noun::of_folder(folder) else {
            problems.warn_file(
                path,
                format!("the folder `{folder}` is not read"),
                "one of those of a program",
            );
            return;
        };
        let (between, name) = rest.rsplit_once('/').unwrap_or(("", rest));
        if noun == Noun::Framework {
            return self.framework(path, between, name, problems);
        }
        let depth = if between.is_empty() { 0 } else { between.split('/').count() };
        let fits = match noun {
            Noun::Kind | Noun::Test => true,
            Noun::Control => depth == 1,
            Noun::Policy | Noun::Claim | Noun::Framework | Noun::Training | Noun::App | Noun::Exception => {
                depth == 0
            }
        };
        let Some(stem) = name.strip_suffix(ending).filter(|_| fits) else {
            problems.file(path, format!("no {} is declared by a file of this path", noun.label()), form);
            return;
        };
        self.declare(noun, stem, path, between, problems);
    }

    fn framework(&mut self, path: &'a str, between: &'a str, name: &str, problems: &Problems) {
        let fits = !between.is_empty() && !between.contains('/');
        match name {
            "framework.toml" if fits => self.declare(Noun::Framework, between, path, between, problems),
            "catalog.json" | "requirements.toml" if fits => {
                if self.files.get(&format!("frameworks/{between}/framework.toml")).is_none() {
                    let expected = format!("frameworks/{between}/framework.toml");
                    problems.file(path, "there is no framework.toml beside this file", expected);
                }
            }
            _ => problems.file(
                path,
                "no framework has a file of this path",
                "frameworks/<id>/framework.toml, catalog.json or requirements.toml",
            ),
        }
    }

    fn declare(&mut self, noun: Noun, stem: &str, file: &'a str, folder: &'a str, problems: &Problems) {
        let Ok(id) = stem.parse::<Id>() else {
            let what = format!("`{stem}` cannot be the id of a {}", noun.label());
            problems.file(file, what, "1-120 characters of a-z A-Z 0-9 . _ -, the first a letter or digit");
            return;
        };
        let declared = Declared { id: id.clone(), file, folder };
        match self.declared.entry(noun).or_default().entry(id) {
            std::collections::btree_map::Entry::Vacant(place) => {
                place.insert(declared);
            }
            std::collections::btree_map::Entry::Occupied(first) => {
                let what =
                    format!("{} `{}` is declared by {} too", noun.label(), first.key(), first.get().file);
                problems.file(file, what, "one file for each id");
            }
        }
    }

    /// Everything of a noun, by id, whether its file can be read or not.
    pub(crate) fn all(&self, noun: Noun) -> impl Iterator<Item = &Declared<'a>> + Clone {
        self.declared.get(&noun).into_iter().flat_map(BTreeMap::values)
    }

    pub(crate) fn has(&self, noun: Noun, id: &str) -> bool {
        self.declared.get(&noun).is_some_and(|all| all.contains_key(id))
    }

    /// The text of a file; a problem if it is too large or no text.
    pub(crate) fn text(&self, path: &str, problems: &Problems) -> Option<&'a str> {
        let bytes = self.files.get(path)?;
        let max = if path.ends_with(".json") { CATALOG_MAX } else { TEXT_MAX };
        if bytes.len() > max {
            problems.file(path, format!("the file has {} bytes", bytes.len()), format!("at most {max}"));
            return None;
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => Some(text),
            Err(error) => {
                problems.file(
                    path,
                    format!("the file is no UTF-8 text: see byte {}", error.valid_up_to() + 1),
                    "UTF-8",
                );
                None
            }
        }
    }
}
