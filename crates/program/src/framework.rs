//! External standards: their requirements, which controls and tests map to.

use std::collections::BTreeMap;

use octro_model::Id;
use serde::Serialize;

/// How much of a standard's wording is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Wording {
    /// The publisher's own text.
    Full,
    /// Ids, and words of our own: the text may not be given away.
    Ids,
}

/// An external standard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Framework {
    /// Its name.
    pub id: Id,
    /// For people.
    pub title: String,
    /// The edition.
    pub version: String,
    /// Who publishes it.
    pub publisher: String,
    /// Where it is found.
    pub url: String,
    /// On which terms it is used here.
    pub licence: String,
    /// How much of its wording is here.
    pub text: Wording,
    /// Its chapters, in their order.
    pub groups: Vec<Group>,
    /// Its clauses, in their order; a clause before those below it.
    pub requirements: Vec<Requirement>,
    /// The file that declares it.
    pub file: String,
    #[serde(skip)]
    index: BTreeMap<String, usize>,
}

/// A chapter of a standard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Group {
    /// Its id.
    pub id: String,
    /// For people.
    pub title: String,
}

/// One clause of a standard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Requirement {
    /// Its id as people write it: `PR.DS-01`, `AC-2(1)`.
    pub id: String,
    /// Its id in the OSCAL catalog: `PR.DS-01`, `ac-2.1`.
    pub oscal_id: String,
    /// For people.
    pub title: String,
    /// What it asks for; empty if its wording is not here.
    pub text: String,
    /// The clause above it.
    pub parent: Option<String>,
    /// The chapter it stands in.
    pub group: Option<String>,
}

impl Framework {
    /// Takes the clauses in and makes them findable; answers the second of two that go by the same id.
    pub(crate) fn set_requirements(&mut self, requirements: Vec<Requirement>) -> Option<String> {
        let mut twice = None;
        for (place, requirement) in requirements.iter().enumerate() {
            for id in [&requirement.id, &requirement.oscal_id] {
                let before = self.index.insert(comparable(id), place);
                if before.is_some_and(|before| before != place) {
                    twice = Some(requirement.id.clone());
                }
            }
        }
        self.requirements = requirements;
        twice
    }

    /// A framework without its clauses.
    pub(crate) fn new(id: Id, file: String) -> Self {
        Self {
            id,
            title: String::new(),
            version: String::new(),
            publisher: String::new(),
            url: String::new(),
            licence: String::new(),
            text: Wording::Ids,
            groups: Vec::new(),
            requirements: Vec::new(),
            file,
            index: BTreeMap::new(),
        }
    }

    /// A clause by either of its ids; upper and lower case are the same, and so are `AC-2(1)` and `ac-2.1`.
    pub fn requirement(&self, id: &str) -> Option<&Requirement> {
        self.requirements.get(*self.index.get(&comparable(id))?)
    }
}

/// The form in which ids are compared.
pub(crate) fn comparable(id: &str) -> String {
    let mut form = String::with_capacity(id.len());
    for c in id.chars() {
        match c {
            '(' => form.push('.'),
            ')' | ' ' => {}
            c => form.extend(c.to_lowercase()),
        }
    }
    form
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_compare_as_people_write_them() {
        assert_eq!(comparable("AC-2(1)"), comparable("ac-2.1"));
        assert_eq!(comparable("AC-2 (1)"), "ac-2.1");
        assert_eq!(comparable("PR.DS-01"), "pr.ds-01");
        assert_ne!(comparable("PR.DS-1"), comparable("PR.DS-01"), "editions differ by this");
    }
}
