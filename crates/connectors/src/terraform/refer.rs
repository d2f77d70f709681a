//! What a setting refers to that is not known before the plan is carried out: followed through the configuration, into and
//! out of modules. Where more than one thing could be meant, nothing is.

use std::collections::BTreeSet;

use serde_json::Value;

use super::address::{self, Step};
use super::plan::{Plan, Resource};

/// How many references are followed for one setting.
const FOLLOWED_MAX: usize = 500;

/// What a setting may refer to.
#[derive(Debug, Default)]
pub(super) struct Targets {
    /// Addresses of resources, those of the plan and others.
    pub(super) addresses: BTreeSet<String>,
    /// Something that cannot be followed: a local value, a data source.
    pub(super) opaque: Option<String>,
    /// Something that may choose between what is referred to and nothing.
    pub(super) choice: Option<String>,
}

impl Targets {
    /// The one resource of these types that is meant, if nothing else can be.
    pub(super) fn only<'p>(&self, plan: &'p Plan, kinds: &[&str]) -> Result<&'p Resource, String> {
        let named: Vec<&String> = self
            .addresses
            .iter()
            .filter(|address| {
                let mut steps = address::steps(address);
                steps.pop();
                steps.last().is_some_and(|step| kinds.contains(&step.name.as_str()))
            })
            .collect();
        match (named.as_slice(), &self.opaque) {
            ([one], None) => {
                plan.at(one).ok_or_else(|| format!("it refers to `{one}`, which is not in the plan"))
            }
            (_, Some(opaque)) => Err(format!("it comes from `{opaque}`, which a plan does not tell")),
            ([], None) => Err("nothing in the plan says where it comes from".to_owned()),
            (many, None) => Err(format!("it may be that of any of {}", many.len())),
        }
    }
}

/// What the setting at a path of a resource refers to.
pub(super) fn targets(plan: &Plan, resource: &Resource, path: &str) -> Targets {
    let mut search = Search { plan, left: FOLLOWED_MAX, found: Targets::default() };
    if let Some(expression) = plan.expression(resource, path) {
        let module = address::steps(&resource.module);
        let over = plan.configuration(resource).and_then(|of| of.get("for_each_expression"));
        search.expression(&module, expression, &resource.index, over);
    }
    search.found
}

struct Search<'p> {
    plan: &'p Plan,
    left: usize,
    found: Targets,
}

impl Search<'_> {
    /// Follows an expression in a module. `index`: which one of several it stands in; `over`: what those are made of.
    fn expression(&mut self, module: &[Step], expression: &Value, index: &Value, over: Option<&Value>) {
        let references: Vec<&str> = expression
            .get("references")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        for reference in &references {
            // `a.b.c` comes with `a.b` behind it: only the longest says something.
            let is_shorter = references.iter().any(|other| {
                other
                    .strip_prefix(reference)
                    .is_some_and(|rest| rest.starts_with('.') || rest.starts_with('['))
            });
            if !is_shorter {
                self.reference(module, reference, index, over);
            }
        }
    }

    fn reference(&mut self, module: &[Step], reference: &str, index: &Value, over: Option<&Value>) {
        let Some(left) = self.left.checked_sub(1) else { return self.hide(reference) };
        self.left = left;
        let steps = address::steps(reference);
        let word = |at: usize| steps.get(at).map_or("", |step| step.name.as_str());
        match word(0) {
            // These are always known, so that nothing unknown comes from them.
            "count" | "path" | "terraform" | "self" => {}
            "each" if word(1) == "key" => {}
            "each" => {
                self.choose(reference);
                match over {
                    Some(over) => self.expression(module, over, &Value::Null, None),
                    None => self.hide(reference),
                }
            }
            "var" => self.variable(module, word(1), reference),
            "module" => self.output(module, &steps, reference),
            "local" | "data" => self.hide(reference),
            _ => self.resource(module, &steps, index),
        }
    }

    fn hide(&mut self, reference: &str) {
        self.found.opaque.get_or_insert_with(|| reference.to_owned());
    }

    fn choose(&mut self, reference: &str) {
        self.found.choice.get_or_insert_with(|| reference.to_owned());
    }

    /// The variables of the root are known; those of another module are what its call says.
    fn variable(&mut self, module: &[Step], name: &str, reference: &str) {
        let Some((of, outer)) = module.split_last().and_then(|(of, outer)| Some((of, outer.split_last()?.1)))
        else {
            return self.choose(reference);
        };
        let call = self
            .plan
            .modules
            .get(&address::without_indices(&address::join(module)))
            .map(|module| &module.call);
        let Some(call) = call else { return self.hide(reference) };
        match call.get("expressions").and_then(|all| all.get(name)) {
            Some(expression) if expression.get("references").is_some() => {
                self.expression(outer, expression, &of.index, call.get("for_each_expression"));
            }
            Some(_) | None => self.choose(reference),
        }
    }

    /// What a module gives back.
    fn output(&mut self, module: &[Step], steps: &[Step], reference: &str) {
        let mut inner = module.to_vec();
        inner.extend(steps.iter().take(2).cloned());
        let path = address::without_indices(&address::join(&inner));
        let output = steps.get(2).map(|step| step.name.as_str()).unwrap_or_default();
        let of =
            self.plan.modules.get(&path).and_then(|module| module.outputs.get(output)?.get("expression"));
        match of {
            Some(expression) => self.expression(&inner, expression, &Value::Null, None),
            None => self.hide(reference),
        }
    }

    /// A resource of the same module: the one that is named, or, where several have no index there, the one that has the
    /// index of who refers to it.
    fn resource(&mut self, module: &[Step], steps: &[Step], index: &Value) {
        let mut named = module.to_vec();
        named.extend(steps.iter().take(2).cloned());
        let label: Vec<&str> = steps.iter().take(2).map(|step| step.name.as_str()).collect();
        let (module, label) = (address::join(module), label.join("."));
        let all: Vec<&Resource> = self
            .plan
            .resources
            .iter()
            .filter(|resource| resource.module == module && resource.label() == label)
            .collect();
        let is_indexed = steps.get(1).is_some_and(|step| !step.index.is_null());
        let same = all.iter().find(|resource| !index.is_null() && resource.index == *index);
        match (is_indexed, all.as_slice(), same) {
            (false, [], _) | (true, _, _) => {
                self.found.addresses.insert(address::join(&named));
            }
            (false, _, Some(same)) => {
                self.found.addresses.insert(same.address.clone());
            }
            (false, all, None) => self.found.addresses.extend(all.iter().map(|one| one.address.clone())),
        }
    }
}
