//! The names that files may use: checking one against what is declared elsewhere.

use std::collections::BTreeMap;

use octro_model::Id;

use crate::framework::Framework;
use crate::near::instead;
use crate::program::{Mapping, Role};
use crate::read::doc::Said;
use crate::read::inventory::{Inventory, Noun};
use crate::read::table::Table;

/// What is declared. A list that could not be read is `None`, and names are then not checked against it: one broken
/// file is one problem.
pub(crate) struct Known<'a> {
    pub(crate) inventory: Inventory<'a>,
    pub(crate) parts: Option<Vec<(Id, String)>>,
    pub(crate) assets: Option<Vec<(Id, String)>>,
    pub(crate) roles: Option<BTreeMap<Id, Role>>,
    /// Those that were read without a problem.
    pub(crate) frameworks: BTreeMap<Id, Framework>,
}

impl Known<'_> {
    /// Passes a name on after checking that its noun is declared.
    pub(crate) fn check(&self, table: &Table<'_>, noun: Noun, id: Said<Id>) -> Id {
        if !self.inventory.has(noun, &id.value) {
            let names = self.inventory.all(noun).map(|declared| declared.id.as_str());
            unknown(table, noun.label(), &id, names);
        }
        id.value
    }

    pub(crate) fn check_all(&self, table: &Table<'_>, noun: Noun, ids: Vec<Said<Id>>) -> Vec<Id> {
        ids.into_iter().map(|id| self.check(table, noun, id)).collect()
    }

    pub(crate) fn role(&self, table: &Table<'_>, id: Said<Id>) -> Id {
        if let Some(roles) = &self.roles
            && !roles.contains_key(&id.value)
        {
            unknown(table, "role", &id, roles.keys().map(Id::as_str));
        }
        id.value
    }

    /// The role that a key must name.
    pub(crate) fn need_role(&self, table: &Table<'_>, key: &'static str) -> Option<Id> {
        table.need_id(key, "a role of roles.toml").map(|id| self.role(table, id))
    }

    /// A list of roles.
    pub(crate) fn roles(&self, table: &Table<'_>, key: &'static str) -> Vec<Id> {
        table.ids(key).into_iter().map(|id| self.role(table, id)).collect()
    }

    pub(crate) fn part(&self, table: &Table<'_>, id: Said<Id>) -> Id {
        if let Some(parts) = &self.parts
            && !parts.iter().any(|(part, _)| *part == id.value)
        {
            unknown(table, "part", &id, parts.iter().map(|(part, _)| part.as_str()));
        }
        id.value
    }

    pub(crate) fn asset(&self, table: &Table<'_>, id: Said<Id>) -> Id {
        if let Some(assets) = &self.assets
            && !assets.iter().any(|(asset, _)| *asset == id.value)
        {
            unknown(table, "asset class", &id, assets.iter().map(|(asset, _)| asset.as_str()));
        }
        id.value
    }

    /// `[[maps]]`.
    pub(crate) fn maps(&self, table: &Table<'_>) -> Vec<Mapping> {
        let mut maps: Vec<Mapping> = Vec::new();
        for map in table.tables("maps") {
            let framework = map.need_id("framework", "a framework of the program");
            let framework = framework.map(|id| self.check(&map, Noun::Framework, id));
            let said = map.need_text("requirement");
            let coverage =
                map.need("coverage", "`coverage = \"full\"` or `\"partial\"`", map.word("coverage"));
            let note = map.text_or_empty("note");
            let requirement = said.zip(framework.as_ref()).map(|(said, framework)| {
                let Some(read) = self.frameworks.get(framework) else { return said.value.to_owned() };
                let Some(requirement) = read.requirement(said.value) else {
                    let expected =
                        instead(said.value, "one of", read.requirements.iter().map(|one| one.id.as_str()));
                    map.doc.problem(
                        said.at,
                        format!("{framework} has no requirement `{}`", said.value),
                        expected,
                    );
                    return said.value.to_owned();
                };
                let id = requirement.id.clone();
                if maps.iter().any(|other| other.framework == *framework && other.requirement == id) {
                    map.doc.problem(said.at, format!("`{id}` of {framework} is mapped twice"), "each once");
                }
                id
            });
            if let (Some(framework), Some(requirement), Some(coverage)) = (framework, requirement, coverage) {
                maps.push(Mapping { framework, requirement, coverage, note });
            }
            map.finish();
        }
        maps
    }
}

fn unknown<'n>(table: &Table<'_>, what: &str, id: &Said<Id>, names: impl Iterator<Item = &'n str> + Clone) {
    let expected = instead(&id.value, "one of", names);
    table.doc.problem(id.at.clone(), format!("unknown {what} `{}`", id.value), expected);
}
