//! `frameworks/<id>/`: an external standard, from an OSCAL catalog or from a list of ids.

use octro_model::Id;

use crate::framework::{Framework, Requirement, Wording, comparable};
use crate::problem::Problems;
use crate::read::inventory::{Declared, Inventory};
use crate::read::table::Table;
use crate::read::{oscal, toml};

/// More than the largest catalog in use has.
pub(crate) const REQUIREMENTS_MAX: usize = 20_000;

pub(crate) fn framework(
    declared: &Declared<'_>,
    inventory: &Inventory<'_>,
    problems: &Problems,
) -> Option<Framework> {
    let text = inventory.text(declared.file, problems)?;
    let mut framework = toml(declared.file, text, problems, |root| head(root, &declared.id, declared.file))?;
    let beside = |name: &str| format!("frameworks/{}/{name}", declared.folder);
    let (catalog, list) = (beside("catalog.json"), beside("requirements.toml"));
    let file = match (inventory.text(&catalog, problems), inventory.text(&list, problems)) {
        (Some(_), Some(_)) => {
            problems.file(&list, "there is a catalog.json beside this file", "one of the two");
            return None;
        }
        (None, None) => {
            // One that is there and unreadable has been reported already.
            problems.file(
                declared.file,
                "no requirements can be read beside this file",
                "catalog.json or requirements.toml",
            );
            return None;
        }
        (Some(text), None) => {
            let read = oscal::catalog(&catalog, text, problems)?;
            framework.groups = read.groups;
            let twice = framework.set_requirements(read.requirements);
            report_twice(&catalog, twice, problems)?;
            catalog
        }
        (None, Some(text)) => {
            if framework.text == Wording::Full {
                problems.file(declared.file, "`text` is `full`", "ids: requirements.toml holds no wording");
            }
            let read = toml(&list, text, problems, requirements)?;
            let twice = framework.set_requirements(read);
            report_twice(&list, twice, problems)?;
            list
        }
    };
    if framework.requirements.is_empty() {
        problems.file(&file, "there is no requirement", "at least one");
    }
    Some(framework)
}

fn report_twice(file: &str, twice: Option<String>, problems: &Problems) -> Option<()> {
    if let Some(id) = twice {
        problems.file(file, format!("requirement `{id}` stands twice"), "each id once");
        return None;
    }
    Some(())
}

fn head(root: Table<'_>, id: &Id, file: &str) -> Option<Framework> {
    let title = root.need_text("title");
    let version = root.need_text("version");
    let publisher = root.need_text("publisher");
    let url = root.need_text("url");
    let licence = root.need_text("licence");
    let words = [("full", Wording::Full), ("ids", Wording::Ids)];
    let text = root.need("text", "`text = \"full\"` or `\"ids\"`", root.choice("text", &words));
    root.finish();
    let mut framework = Framework::new(id.clone(), file.to_owned());
    framework.title = title?.value.to_owned();
    framework.version = version?.value.to_owned();
    framework.publisher = publisher?.value.to_owned();
    framework.url = url?.value.to_owned();
    framework.licence = licence?.value.to_owned();
    framework.text = text?;
    Some(framework)
}

/// `requirements.toml`.
fn requirements(root: Table<'_>) -> Option<Vec<Requirement>> {
    let tables = root.tables("requirement");
    root.need("requirement", "`[[requirement]]` for each", Some(()));
    if tables.len() > REQUIREMENTS_MAX {
        root.doc.problem(
            0..0,
            format!("there are {} requirements", tables.len()),
            format!("at most {REQUIREMENTS_MAX}"),
        );
        return None;
    }
    let mut requirements: Vec<Requirement> = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    let mut parents = Vec::new();
    for table in &tables {
        let id = table.need_text("id");
        let title = table.text_or_empty("title");
        let parent = table.text("parent");
        if let Some(id) = &id {
            if !seen.insert(comparable(id.value)) {
                table.doc.problem(
                    id.at.clone(),
                    format!("requirement `{}` stands twice", id.value),
                    "each id once",
                );
            } else {
                requirements.push(Requirement {
                    id: id.value.to_owned(),
                    oscal_id: id.value.to_owned(),
                    title,
                    text: String::new(),
                    parent: parent.as_ref().map(|parent| parent.value.to_owned()),
                    group: None,
                });
            }
        }
        parents.extend(parent);
    }
    for parent in parents.into_iter().filter(|parent| !seen.contains(&comparable(parent.value))) {
        root.doc.problem(
            parent.at,
            format!("there is no requirement `{}`", parent.value),
            "the id of another requirement",
        );
    }
    tables.into_iter().for_each(Table::finish);
    root.finish();
    Some(requirements)
}
