//! Keys of the plan: which of its keys a setting means, and those that AWS manages where nobody chose one.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::plan::{Got, Plan, Resource};
use super::refer::targets;
use super::types::{Put, Unset};
use crate::aws::facts::Known;

/// Types whose resources are keys.
const KEYS: [&str; 3] = ["aws_kms_key", "aws_kms_external_key", "aws_kms_replica_key"];
/// Types whose resources stand for keys.
const NAMES: [&str; 4] = ["aws_kms_key", "aws_kms_external_key", "aws_kms_replica_key", "aws_kms_alias"];

/// What names a key inside an answer: of one of the plan, its address behind this.
pub(super) const OF_PLAN: &str = "plan:";

/// The names under which the keys of a plan are known before it is carried out, each with the address.
#[derive(Debug, Default)]
pub(super) struct Keys(BTreeMap<String, String>);

impl Keys {
    /// Those of a plan: ARNs and ids of keys that are there already, and aliases.
    pub(super) fn of(plan: &Plan) -> Self {
        let mut names = BTreeMap::new();
        for key in KEYS.iter().flat_map(|kind| plan.of(kind)) {
            for name in ["arn", "key_id", "id"] {
                if let Some(name) = key.text(name) {
                    names.insert(name.to_owned(), key.address.clone());
                }
            }
        }
        for alias in plan.of("aws_kms_alias") {
            if let (Some(name), Ok(key)) = (alias.text("name"), target(plan, alias)) {
                names.insert(name.to_owned(), key.address.clone());
                if let Some(arn) = alias.text("arn") {
                    names.insert(arn.to_owned(), key.address.clone());
                }
            }
        }
        Self(names)
    }

    /// What is known of a key that is named somehow: the key of the resource that it is.
    pub(super) fn resolve(&self, name: &str, workspace: &str) -> Known {
        let of_plan = |address: &str| Known::text(format!("{workspace}{address}"));
        if let Some(address) = name.strip_prefix(OF_PLAN) {
            return of_plan(address);
        }
        match self.0.get(name) {
            Some(address) => of_plan(address),
            None if name.starts_with("alias/aws/") => of_plan(name),
            None if name.contains(":key/") => Known::text(name),
            None => Known::odd(format!("`{}` is no key of the plan", crate::plain::plain(name, 100))),
        }
    }
}

/// The key that an alias stands for.
pub(super) fn target<'p>(plan: &'p Plan, alias: &Resource) -> Result<&'p Resource, String> {
    if let Some(id) = alias.text("target_key_id") {
        let is = |key: &&Resource| ["key_id", "arn", "id"].iter().any(|name| key.text(name) == Some(id));
        return KEYS
            .iter()
            .flat_map(|kind| plan.of(kind))
            .find(is)
            .ok_or_else(|| format!("`{id}` is no key of the plan"));
    }
    targets(plan, alias, "target_key_id").only(plan, &KEYS)
}

/// What an answer says of a key: its name, nothing, or why it cannot be said.
pub(super) fn key(plan: &Plan, resource: &Resource, put: &Put) -> Result<Option<Value>, String> {
    let is_set = plan.expression(resource, put.from).is_some();
    if let Unset::Alias(_, encrypted) = put.unset
        && resource.get(encrypted) == Got::There(&Value::Bool(false))
    {
        return Ok(None);
    }
    match resource.get(put.from) {
        Got::There(name) => return Ok(Some(name.clone())),
        Got::Later if is_set => {
            let found = targets(plan, resource, put.from);
            // Where the provider fills in what is left out, "not known yet" may also mean that nothing was chosen.
            let may_be_left_out = matches!(put.unset, Unset::Alias(..));
            if may_be_left_out && let Some(choice) = &found.choice {
                return Err(format!("known after apply: `{choice}` says whether a key is chosen"));
            }
            if may_be_left_out && found.addresses.len() > 1 {
                return Err("known after apply: it may be any of several".to_owned());
            }
            let later = |what: String| format!("known after apply: {what}");
            let named = found.only(plan, &NAMES).map_err(later)?;
            let key = if named.kind == "aws_kms_alias" { target(plan, named).map_err(later)? } else { named };
            return Ok(Some(json!(format!("{OF_PLAN}{}", key.address))));
        }
        Got::Later if !resource.is_new => return Err("known after apply".to_owned()),
        Got::Later | Got::Absent => {}
    }
    let Unset::Alias(alias, encrypted) = put.unset else { return Ok(None) };
    let is_on = match resource.get(encrypted) {
        _ if encrypted.is_empty() => true,
        Got::Later if plan.expression(resource, encrypted).is_some() => {
            return Err("known after apply: whether it is encrypted at all".to_owned());
        }
        Got::There(Value::Bool(on)) => *on,
        Got::There(Value::String(word)) => matches!(word.as_str(), "KMS" | "KMS_DSSE" | "SecureString"),
        Got::There(_) | Got::Absent | Got::Later => false,
    };
    Ok(is_on.then(|| json!(alias)))
}
