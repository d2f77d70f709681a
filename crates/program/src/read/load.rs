//! Loads a program: every file is read, in the order in which they build on each other.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use octro_cel::Kinds;
use octro_model::{DataClasses, Id};

use crate::files::{BYTES_MAX, FILES_MAX, Files};
use crate::framework::Framework;
use crate::problem::{Problem, Problems};
use crate::program::{Policy, Program, Role};
use crate::read::inventory::{Declared, Inventory, Noun};
use crate::read::known::Known;
use crate::read::table::Table;
use crate::read::test::Typed;
use crate::read::{
    app, classes, control, exception, framework, kind, manifest, page, policy, test, toml, training,
};
use crate::test::Test;

/// A program without problems.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The program.
    pub program: Program,
    /// What is allowed, and yet perhaps not meant.
    pub warnings: Vec<Problem>,
}

/// Reads all files of a program and checks them against each other.
///
/// # Errors
/// Everything that is wrong with it, in the order of files and lines.
pub fn load(files: &Files) -> Result<Loaded, Vec<Problem>> {
    let problems = Problems::default();
    let program = Loading { files, problems: &problems }.program();
    let (found, warnings) = problems.finish();
    match program {
        Some(program) if found.is_empty() => Ok(Loaded { program, warnings }),
        Some(_) | None => Err(found),
    }
}

/// Reads a program that was in force and is stored. It had no problems then; whatever was forbidden since does not make
/// the past unreadable. So keys that nobody knows are passed over, and files may have problems as long as each is read,
/// except those from which something could be missing unseen: kinds, controls and exceptions. Of tests, the caller
/// has to check that their hashes are those of the time.
///
/// # Errors
/// What keeps it from being read.
pub fn load_stored(files: &Files) -> Result<Program, Vec<Problem>> {
    let problems = Problems::lenient();
    let loading = Loading { files, problems: &problems };
    let program = loading.program().filter(|program| loading.is_whole(program));
    let (found, _) = problems.finish();
    let inventory = Inventory::new(files, &Problems::lenient());
    let strict = [Noun::Kind, Noun::Control, Noun::Exception];
    let strict: BTreeSet<&str> =
        strict.iter().flat_map(|noun| inventory.all(*noun)).map(|declared| declared.file).collect();
    match program {
        Some(program) if !found.iter().any(|problem| strict.contains(problem.file.as_str())) => Ok(program),
        Some(_) | None => Err(found),
    }
}

struct Loading<'a> {
    files: &'a Files,
    problems: &'a Problems,
}

impl<'a> Loading<'a> {
    fn program(&self) -> Option<Program> {
        let bytes: u64 = self.files.iter().map(|(_, bytes)| bytes.len() as u64).sum();
        if self.files.len() > FILES_MAX || bytes > BYTES_MAX {
            let what = format!("the program has {} files with {bytes} bytes", self.files.len());
            self.problems.file("program.toml", what, "at most 20,000 files and 64 MiB");
            return None;
        }
        let inventory = Inventory::new(self.files, self.problems);
        let manifest = self.manifest(&inventory);
        let roles = self.roles(&inventory);
        let frameworks = self.frameworks(&inventory);
        let mut known = Known {
            inventory,
            parts: manifest.as_ref().map(|manifest| manifest.parts.clone()),
            assets: manifest.as_ref().map(|manifest| manifest.assets.clone()),
            roles,
            frameworks,
        };
        let (kinds, broken) = self.kinds(&known);
        let typed = Typed { kinds: &kinds, broken: &broken };
        let tests: BTreeMap<Id, Arc<Test>> = self
            .each(&known, Noun::Test, |root, declared| test::test(root, declared, &known, &typed))
            .into_iter()
            .map(|(id, test)| (id, Arc::new(test)))
            .collect();
        let policies = self.policies(&known);
        let controls = self.each(&known, Noun::Control, |root, declared| {
            control::control(root, declared, &known, &policies)
        });
        let claims = self.each_page(&known, Noun::Claim, |root, body, declared| {
            policy::claim(root, body, declared, &known)
        });
        let training = self.each_page(&known, Noun::Training, |root, body, declared| {
            training::training(root, body, declared, &known)
        });
        let apps = self.each(&known, Noun::App, |root, declared| app::app(root, declared, &known));
        let exceptions =
            self.each(&known, Noun::Exception, |root, declared| exception::exception(root, declared, &known));
        for (id, test) in &tests {
            if !controls.values().any(|control| control.tests.contains(id)) {
                self.problems.warn_file(
                    &test.file,
                    "no control rests on this test",
                    "a control that names it in `tests`",
                );
            }
        }
        let classes = Arc::new(self.classes(&known, &kinds)?);
        let manifest = manifest?;
        Some(Program {
            hash: self.files.hash(),
            name: manifest.name,
            parts: manifest.parts,
            assets: manifest.assets,
            roles: known.roles.take()?,
            kinds: kinds.clone(),
            classes,
            tests,
            controls,
            policies,
            claims,
            frameworks: std::mem::take(&mut known.frameworks),
            training,
            apps,
            exceptions,
        })
    }

    /// Whether everything that the files declare was read.
    fn is_whole(&self, program: &Program) -> bool {
        let inventory = Inventory::new(self.files, &Problems::lenient());
        let read = [
            (Noun::Kind, program.kinds.iter().count()),
            (Noun::Test, program.tests.len()),
            (Noun::Control, program.controls.len()),
            (Noun::Policy, program.policies.len()),
            (Noun::Claim, program.claims.len()),
            (Noun::Framework, program.frameworks.len()),
            (Noun::Training, program.training.len()),
            (Noun::App, program.apps.len()),
            (Noun::Exception, program.exceptions.len()),
        ];
        read.into_iter().all(|(noun, count)| inventory.all(noun).count() == count)
    }

    fn manifest(&self, inventory: &Inventory<'_>) -> Option<manifest::Manifest> {
        if self.files.get("program.toml").is_none() {
            self.problems.file(
                "program.toml",
                "the file is missing",
                "the name, `[parts]` and `[assets]` of the program",
            );
            return None;
        }
        let text = inventory.text("program.toml", self.problems)?;
        toml("program.toml", text, self.problems, manifest::manifest)
    }

    /// A program without the file has no roles.
    fn roles(&self, inventory: &Inventory<'_>) -> Option<BTreeMap<Id, Role>> {
        if self.files.get("roles.toml").is_none() {
            return Some(BTreeMap::new());
        }
        let text = inventory.text("roles.toml", self.problems)?;
        toml("roles.toml", text, self.problems, manifest::roles)
    }

    fn classes(&self, known: &Known<'_>, kinds: &Kinds) -> Option<DataClasses> {
        if self.files.get("data-classes.toml").is_none() {
            return Some(classes::none(kinds));
        }
        let text = known.inventory.text("data-classes.toml", self.problems)?;
        toml("data-classes.toml", text, self.problems, |root| classes::classes(root, kinds))
    }

    fn frameworks(&self, inventory: &Inventory<'_>) -> BTreeMap<Id, Framework> {
        let read = |declared: &Declared<'_>| framework::framework(declared, inventory, self.problems);
        let all = inventory
            .all(Noun::Framework)
            .filter_map(|declared| Some((declared.id.clone(), read(declared)?)));
        all.collect()
    }

    /// All kinds, and the ids of those that are not whole.
    fn kinds(&self, known: &Known<'_>) -> (Kinds, BTreeSet<Id>) {
        let mut broken = BTreeSet::new();
        let mut kinds = Vec::new();
        for declared in known.inventory.all(Noun::Kind) {
            let before = self.problems.count();
            let read = known.inventory.text(declared.file, self.problems).and_then(|text| {
                toml(declared.file, text, self.problems, |root| kind::kind(root, &declared.id, known))
            });
            if self.problems.count() > before || read.is_none() {
                broken.insert(declared.id.clone());
            } else {
                kinds.extend(read);
            }
        }
        (Kinds::new(kinds), broken)
    }

    fn policies(&self, known: &Known<'_>) -> BTreeMap<Id, Policy> {
        self.each_page(known, Noun::Policy, |root, body, declared| {
            policy::policy(root, body, declared, known)
        })
    }

    /// Reads every TOML file of a noun.
    fn each<T>(
        &self,
        known: &Known<'_>,
        noun: Noun,
        read: impl Fn(Table<'_>, &Declared<'_>) -> Option<T>,
    ) -> BTreeMap<Id, T> {
        let one = |declared: &Declared<'_>| {
            let text = known.inventory.text(declared.file, self.problems)?;
            toml(declared.file, text, self.problems, |root| read(root, declared))
        };
        known.inventory.all(noun).filter_map(|declared| Some((declared.id.clone(), one(declared)?))).collect()
    }

    /// Reads every Markdown file of a noun.
    fn each_page<T>(
        &self,
        known: &Known<'_>,
        noun: Noun,
        read: impl Fn(Table<'_>, &str, &Declared<'_>) -> Option<T>,
    ) -> BTreeMap<Id, T> {
        let one = |declared: &Declared<'_>| {
            let text = known.inventory.text(declared.file, self.problems)?;
            page(declared.file, text, self.problems, |root, body| read(root, body, declared))
        };
        known.inventory.all(noun).filter_map(|declared| Some((declared.id.clone(), one(declared)?))).collect()
    }
}
