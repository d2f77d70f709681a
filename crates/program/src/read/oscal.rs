//! `catalog.json`: the requirements of an OSCAL catalog. Withdrawn controls are left out; statements become plain text
//! with the names of their parameters in brackets.

use std::cell::Cell;
use std::collections::HashMap;

use serde::Deserialize;

use crate::framework::{Group, Requirement, comparable};
use crate::problem::{Problem, Problems};
use crate::read::framework::REQUIREMENTS_MAX;

/// Parameters refer to each other; a ring of them ends here.
const INSERTS_DEPTH_MAX: usize = 5;
/// How many parameters are replaced in a catalog, and how long each may become: a hostile one must not fill memory.
const INSERTS_MAX: usize = 100_000;
const INSERT_CHARS_MAX: usize = 2_000;

#[derive(Deserialize)]
struct Document {
    catalog: Catalog,
}

#[derive(Deserialize)]
struct Catalog {
    #[serde(default)]
    params: Vec<Parameter>,
    #[serde(default)]
    groups: Vec<OscalGroup>,
    #[serde(default)]
    controls: Vec<OscalControl>,
}

#[derive(Deserialize)]
struct OscalGroup {
    #[serde(default)]
    id: String,
    title: String,
    #[serde(default)]
    params: Vec<Parameter>,
    #[serde(default)]
    groups: Vec<OscalGroup>,
    #[serde(default)]
    controls: Vec<OscalControl>,
}

#[derive(Deserialize)]
struct OscalControl {
    id: String,
    title: String,
    #[serde(default)]
    params: Vec<Parameter>,
    #[serde(default)]
    props: Vec<Property>,
    #[serde(default)]
    parts: Vec<Part>,
    #[serde(default)]
    controls: Vec<OscalControl>,
}

#[derive(Deserialize)]
struct Parameter {
    id: String,
    #[serde(default)]
    label: String,
    select: Option<Selection>,
}

#[derive(Deserialize)]
struct Selection {
    #[serde(default)]
    choice: Vec<String>,
}

#[derive(Deserialize)]
struct Property {
    name: String,
    value: String,
    class: Option<String>,
}

#[derive(Deserialize)]
struct Part {
    #[serde(default)]
    name: String,
    #[serde(default)]
    props: Vec<Property>,
    #[serde(default)]
    prose: String,
    #[serde(default)]
    parts: Vec<Part>,
}

/// What a catalog holds.
pub(crate) struct Read {
    pub(crate) groups: Vec<Group>,
    pub(crate) requirements: Vec<Requirement>,
}

pub(crate) fn catalog(file: &str, text: &str, problems: &Problems) -> Option<Read> {
    let document: Document = match serde_json::from_str(text) {
        Ok(document) => document,
        Err(error) => {
            let message = error.to_string();
            let what = message.split(" at line ").next().unwrap_or(&message).to_owned();
            problems.add(Problem {
                file: file.to_owned(),
                line: u32::try_from(error.line()).unwrap_or(u32::MAX).max(1),
                column: u32::try_from(error.column()).unwrap_or(u32::MAX).max(1),
                what: format!("this is no OSCAL catalog: {what}"),
                expected: "an OSCAL catalog in JSON: {\"catalog\": {\"groups\": [...]}}".to_owned(),
            });
            return None;
        }
    };
    let mut walk =
        Walk { inserted: Cell::new(0), params: HashMap::new(), groups: Vec::new(), requirements: Vec::new() };
    let catalog = document.catalog;
    walk.learn(&catalog.params);
    catalog.groups.iter().for_each(|group| walk.learn_group(group));
    catalog.controls.iter().for_each(|control| walk.learn_control(control));
    for group in &catalog.groups {
        walk.group(group);
    }
    for control in &catalog.controls {
        walk.control(control, None, None);
    }
    if walk.requirements.len() > REQUIREMENTS_MAX {
        problems.file(file, "the catalog has too many controls", format!("at most {REQUIREMENTS_MAX}"));
        return None;
    }
    Some(Read { groups: walk.groups, requirements: walk.requirements })
}

struct Walk<'c> {
    inserted: Cell<usize>,
    params: HashMap<&'c str, &'c Parameter>,
    groups: Vec<Group>,
    requirements: Vec<Requirement>,
}

impl<'c> Walk<'c> {
    fn learn(&mut self, params: &'c [Parameter]) {
        self.params.extend(params.iter().map(|param| (param.id.as_str(), param)));
    }

    fn learn_group(&mut self, group: &'c OscalGroup) {
        self.learn(&group.params);
        group.groups.iter().for_each(|group| self.learn_group(group));
        group.controls.iter().for_each(|control| self.learn_control(control));
    }

    fn learn_control(&mut self, control: &'c OscalControl) {
        self.learn(&control.params);
        control.controls.iter().for_each(|control| self.learn_control(control));
    }

    fn group(&mut self, group: &OscalGroup) {
        let id = if group.id.is_empty() { &group.title } else { &group.id };
        self.groups.push(Group { id: id.clone(), title: group.title.clone() });
        for control in &group.controls {
            self.control(control, None, Some(id));
        }
        group.groups.iter().for_each(|group| self.group(group));
    }

    fn control(&mut self, control: &OscalControl, parent: Option<&str>, group: Option<&str>) {
        let withdrawn = |one: &Property| one.name == "status" && one.value.eq_ignore_ascii_case("withdrawn");
        if control.props.iter().any(withdrawn) || self.requirements.len() > REQUIREMENTS_MAX {
            return;
        }
        // The label is how people write the id (`AC-2(1)`) only if it is the same id; some labels are sentences, and
        // there may be several.
        let label =
            |one: &&Property| one.name == "label" && comparable(&one.value) == comparable(&control.id);
        let plain = control.props.iter().filter(label).min_by_key(|one| one.class.is_some());
        let id = plain.map_or(&control.id, |one| &one.value).trim().to_owned();
        let mut text = String::new();
        for part in control.parts.iter().filter(|part| part.name == "statement") {
            self.prose(part, 0, &mut text);
        }
        let text = text.trim().to_owned();
        // A clause without a name of its own goes by what it says.
        let nameless = comparable(&control.title) == comparable(&control.id) && !text.is_empty();
        let title = if nameless { text.clone() } else { control.title.clone() };
        self.requirements.push(Requirement {
            id: id.clone(),
            oscal_id: control.id.clone(),
            title,
            text,
            parent: parent.map(str::to_owned),
            group: group.map(str::to_owned),
        });
        for inner in &control.controls {
            self.control(inner, Some(&id), group);
        }
    }

    /// A statement and the items below it, a line each.
    fn prose(&self, part: &Part, depth: usize, text: &mut String) {
        let label = part.props.iter().find(|one| one.name == "label").map(|one| one.value.trim());
        let prose = self.insert(part.prose.trim(), 0);
        if !prose.is_empty() {
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(&"  ".repeat(depth.saturating_sub(1)));
            if let Some(label) = label {
                text.push_str(label);
                text.push(' ');
            }
            text.push_str(&prose);
        }
        for inner in part.parts.iter().filter(|inner| inner.name == "item" || inner.name.is_empty()) {
            self.prose(inner, depth + 1, text);
        }
    }

    /// Replaces `{{ insert: param, ID }}` by the parameter's name in brackets.
    fn insert(&self, prose: &str, depth: usize) -> String {
        let mut out = String::with_capacity(prose.len());
        let mut rest = prose;
        while let Some((before, tail)) = rest.split_once("{{") {
            out.push_str(before);
            let Some((inside, after)) = tail.split_once("}}") else {
                out.push_str("{{");
                rest = tail;
                continue;
            };
            let id = inside.rsplit(',').next().unwrap_or(inside).trim();
            out.extend(self.parameter(id, depth + 1).chars().take(INSERT_CHARS_MAX));
            rest = after;
        }
        out.push_str(rest);
        out
    }

    fn parameter(&self, id: &str, depth: usize) -> String {
        self.inserted.set(self.inserted.get().saturating_add(1));
        let goes_on = depth <= INSERTS_DEPTH_MAX && self.inserted.get() <= INSERTS_MAX;
        let Some(param) = self.params.get(id).filter(|_| goes_on) else { return format!("[{id}]") };
        match &param.select {
            Some(select) if !select.choice.is_empty() => {
                let choices: Vec<String> =
                    select.choice.iter().map(|choice| self.insert(choice, depth)).collect();
                format!("[selection: {}]", choices.join("; "))
            }
            Some(_) | None if param.label.trim().is_empty() => format!("[{id}]"),
            Some(_) | None => format!("[{}]", self.insert(param.label.trim(), depth)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_catalog_becomes_requirements() {
        let text = r#"{"catalog": {"uuid": "x", "groups": [{"id": "ac", "title": "Access Control", "controls": [
            {"id": "ac-2", "title": "Accounts", "props": [{"name": "label", "value": "AC-2"}],
             "params": [{"id": "p1", "label": "time"}, {"id": "p2", "select": {"choice": ["daily", "each {{ insert: param, p1 }}"]}}],
             "parts": [{"name": "statement", "prose": "Do:", "parts": [
                {"name": "item", "props": [{"name": "label", "value": "a."}], "prose": "review {{ insert: param, p2 }}"}]},
                {"name": "guidance", "prose": "no"}],
             "controls": [{"id": "ac-2.1", "title": "Automated", "props": [{"name": "label", "value": "AC-2(1)"}]},
                {"id": "ac-2.10", "title": "Gone", "props": [{"name": "status", "value": "withdrawn"}]}]}]}]}}"#;
        let problems = Problems::default();
        let read = catalog("c.json", text, &problems).unwrap();
        assert_eq!(read.groups, [Group { id: "ac".into(), title: "Access Control".into() }]);
        let [first, second] = read.requirements.as_slice() else { panic!("two are not withdrawn") };
        assert_eq!((first.id.as_str(), first.oscal_id.as_str()), ("AC-2", "ac-2"));
        assert_eq!(first.text, "Do:\na. review [selection: daily; each [time]]");
        assert_eq!((second.id.as_str(), second.parent.as_deref()), ("AC-2(1)", Some("AC-2")));
        assert!(problems.finish().0.is_empty());
    }

    #[test]
    fn a_parameter_that_names_itself_ends() {
        let text = r#"{"catalog": {"controls": [{"id": "a", "title": "A", "params": [{"id": "p", "label": "{{ insert: param, p }}{{ insert: param, p }}"}],
            "parts": [{"name": "statement", "prose": "{{ insert: param, p }} {{"}]}]}}"#;
        let read = catalog("c.json", text, &Problems::default()).unwrap();
        assert!(read.requirements[0].text.ends_with("{{"));
    }

    #[test]
    fn no_catalog_is_a_problem_with_its_place() {
        for (text, start) in [("{\n \"catalog\": 3}", "c.json:2:"), ("[", "c.json:1:"), ("{}", "c.json:1:")] {
            let problems = Problems::default();
            assert!(catalog("c.json", text, &problems).is_none());
            let found = problems.finish().0;
            assert!(found[0].to_string().starts_with(start), "{}", found[0]);
        }
    }
}
