//! A plan as `terraform show -json` writes it (JSON output format, major version 1): every resource with what is known of
//! it after the plan is carried out, what is known only then, and where its settings come from.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value};

use super::address;

/// A plan.
#[derive(Debug)]
pub(super) struct Plan {
    /// What will be there; what goes is left out.
    pub(super) resources: Vec<Resource>,
    by_address: HashMap<String, usize>,
    /// What the configuration says of modules, by their path without indices; the empty one is the root.
    pub(super) modules: BTreeMap<String, Module>,
    /// The values of the root's variables.
    pub(super) variables: Map<String, Value>,
    /// The settings of providers, by their key.
    pub(super) providers: Map<String, Value>,
    /// Why the plan does not tell everything.
    pub(super) gap: Option<String>,
}

/// What the configuration says of a module.
#[derive(Debug, Default)]
pub(super) struct Module {
    /// Its resources, by type and name.
    pub(super) resources: HashMap<String, Value>,
    /// How it is called: what its variables are set to, and what it is repeated over.
    pub(super) call: Value,
    /// What it gives back.
    pub(super) outputs: Value,
}

/// A resource of a plan.
#[derive(Debug)]
pub(super) struct Resource {
    pub(super) address: String,
    /// The address of its module, with indices; empty for the root.
    pub(super) module: String,
    pub(super) kind: String,
    pub(super) name: String,
    /// Which of several it is.
    pub(super) index: Value,
    /// It is made by this plan.
    pub(super) is_new: bool,
    after: Value,
    unknown: Value,
}

/// What a plan says of a setting.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Got<'a> {
    There(&'a Value),
    Absent,
    /// It is known only after the plan is carried out.
    Later,
}

impl Resource {
    /// What stands at a path: names with dots between them; of blocks, the first counts.
    pub(super) fn get(&self, path: &str) -> Got<'_> {
        fn first(value: &Value) -> Option<&Value> {
            value.as_array().map_or(Some(value), |all| all.first())
        }
        let (mut after, mut unknown) = (Some(&self.after), Some(&self.unknown));
        for name in path.split('.') {
            if unknown == Some(&Value::Bool(true)) {
                return Got::Later;
            }
            after = after.and_then(first).and_then(|value| value.get(name));
            unknown = unknown.and_then(first).and_then(|value| value.get(name));
        }
        if unknown == Some(&Value::Bool(true)) {
            return Got::Later;
        }
        match after {
            None | Some(Value::Null) => Got::Absent,
            Some(value) => Got::There(value),
        }
    }

    /// The text at a path, if it is known.
    pub(super) fn text(&self, path: &str) -> Option<&str> {
        match self.get(path) {
            Got::There(value) => value.as_str(),
            Got::Absent | Got::Later => None,
        }
    }

    /// What is known only later of what lies at a path, in the same form as the value: `true` where something is not known.
    pub(super) fn later(&self, path: &str) -> Option<&Value> {
        self.unknown.get(path)
    }

    /// Its type and name, as the configuration calls it.
    pub(super) fn label(&self) -> String {
        format!("{}.{}", self.kind, self.name)
    }
}

impl Plan {
    /// Reads a plan.
    ///
    /// # Errors
    /// What is wrong, and what was expected.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, String> {
        let expected = "expected what `terraform show -json PLAN` prints";
        let mut plan: Value =
            serde_json::from_slice(bytes).map_err(|error| format!("it is no JSON: {error}; {expected}"))?;
        let version = plan.get("format_version").and_then(Value::as_str).unwrap_or_default().to_owned();
        if version.split('.').next() != Some("1") {
            return Err(format!(
                "its format_version is `{}`; {expected}, version 1",
                crate::plain::plain(&version, 20)
            ));
        }
        let Some(Value::Array(changes)) = plan.get_mut("resource_changes").map(Value::take) else {
            return Err(format!("it has no resource_changes; {expected} of a plan, not of a state"));
        };
        let mut this = Self {
            resources: Vec::with_capacity(changes.len()),
            by_address: HashMap::new(),
            modules: BTreeMap::new(),
            variables: Map::new(),
            providers: Map::new(),
            gap: gap(&plan),
        };
        for (at, mut change) in changes.into_iter().enumerate() {
            let resource = resource(&mut change).map_err(|what| format!("resource_changes[{at}]: {what}"))?;
            if let Some(resource) = resource {
                this.by_address.insert(resource.address.clone(), this.resources.len());
                this.resources.push(resource);
            }
        }
        if let Some(Value::Object(variables)) = plan.get_mut("variables").map(Value::take) {
            this.variables = variables
                .into_iter()
                .map(|(name, mut of)| (name, of.get_mut("value").map(Value::take).unwrap_or_default()))
                .collect();
        }
        if let Some(mut configuration) = plan.get_mut("configuration").map(Value::take) {
            if let Some(Value::Object(providers)) = configuration.get_mut("provider_config").map(Value::take)
            {
                this.providers = providers;
            }
            if let Some(root) = configuration.get_mut("root_module").map(Value::take) {
                this.module(String::new(), Value::Null, root);
            }
        }
        Ok(this)
    }

    fn module(&mut self, path: String, call: Value, mut module: Value) {
        let mut of = Module { call, ..Module::default() };
        for resource in module.get("resources").and_then(Value::as_array).into_iter().flatten() {
            if let Some(address) = resource.get("address").and_then(Value::as_str) {
                of.resources.insert(address.to_owned(), resource.clone());
            }
        }
        of.outputs = module.get_mut("outputs").map(Value::take).unwrap_or_default();
        if let Some(Value::Object(calls)) = module.get_mut("module_calls").map(Value::take) {
            for (name, mut call) in calls {
                let inner = call.get_mut("module").map(Value::take).unwrap_or_default();
                let dot = if path.is_empty() { "" } else { "." };
                self.module(format!("{path}{dot}module.{name}"), call, inner);
            }
        }
        self.modules.insert(path, of);
    }

    /// The resource of an address.
    pub(super) fn at(&self, address: &str) -> Option<&Resource> {
        self.by_address.get(address).and_then(|at| self.resources.get(*at))
    }

    /// What the configuration says of a resource.
    pub(super) fn configuration(&self, resource: &Resource) -> Option<&Value> {
        self.modules.get(&address::without_indices(&resource.module))?.resources.get(&resource.label())
    }

    /// What the configuration says of a setting at a path; `None` if it does not name it.
    pub(super) fn expression(&self, resource: &Resource, path: &str) -> Option<&Value> {
        let mut expression = self.configuration(resource)?.get("expressions")?;
        for name in path.split('.') {
            expression = expression.as_array().map_or(Some(expression), |all| all.first())?.get(name)?;
        }
        Some(expression)
    }

    /// The resources of a type.
    pub(super) fn of<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Resource> {
        self.resources.iter().filter(move |resource| resource.kind == kind)
    }

    /// A setting of the provider that a resource is made with, if the plan tells it.
    pub(super) fn provider(&self, resource: &Resource, setting: &str) -> Option<&str> {
        let key = self.configuration(resource)?.get("provider_config_key")?.as_str()?;
        let mut expression = self.providers.get(key)?.get("expressions")?;
        for name in setting.split('.') {
            expression = expression.as_array().map_or(Some(expression), |all| all.first())?.get(name)?;
        }
        if let Some(constant) = expression.get("constant_value") {
            return constant.as_str();
        }
        let [variable] = expression.get("references")?.as_array()?.as_slice() else { return None };
        self.variables.get(variable.as_str()?.strip_prefix("var.")?)?.as_str()
    }
}

/// Why a plan does not tell everything.
fn gap(plan: &Value) -> Option<String> {
    let is = |name: &str, said: bool| plan.get(name).and_then(Value::as_bool) == Some(said);
    let some = |name: &str| plan.get(name).and_then(Value::as_array).is_some_and(|all| !all.is_empty());
    if is("errored", true) {
        Some("the plan broke off with an error".to_owned())
    } else if is("complete", false) || some("deferred_changes") {
        Some("the plan is a part: it was made with targets, or leaves changes for later".to_owned())
    } else {
        None
    }
}

fn resource(change: &mut Value) -> Result<Option<Resource>, String> {
    let text = |name: &str| change.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    if text("mode") != "managed" || change.get("deposed").is_some() {
        return Ok(None);
    }
    let (address, module, kind, name) = (text("address"), text("module_address"), text("type"), text("name"));
    if address.is_empty() || kind.is_empty() || name.is_empty() {
        return Err("it lacks an address, a type or a name".to_owned());
    }
    let index = change.get("index").cloned().unwrap_or_default();
    let Some(of) = change.get_mut("change") else { return Err("it lacks its change".to_owned()) };
    let actions: Vec<&str> =
        of.get("actions").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    if matches!(actions.as_slice(), ["delete"] | ["forget"]) {
        return Ok(None);
    }
    let is_new = actions.contains(&"create");
    let mut take = |name: &str| of.get_mut(name).map(Value::take).unwrap_or_default();
    let (after, unknown) = (take("after"), take("after_unknown"));
    Ok(Some(Resource { address, module, kind, name, index, is_new, after, unknown }))
}
