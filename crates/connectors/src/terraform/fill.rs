//! Answers as AWS would give them after the plan is carried out, made from the plan's settings.

use std::collections::BTreeMap;
use std::sync::Arc;

use octro_model::{UnknownReason, Why};
use octro_outbound::aws::api::Place;
use serde_json::{Map, Value, json};

use super::buckets;
use super::joins::{Joins, Missing};
use super::keys::{OF_PLAN, key, target};
use super::plan::{Got, Plan, Resource};
use super::refer::targets;
use super::types::{How, Put, Type, Unset};
use crate::aws::class::Classes;
use crate::aws::facts::{ALONE, Beside, Facts, HIDDEN, Item, Known, Listed, Told};

/// What is known only when the plan was carried out.
const LATER: &str = "known after apply";

/// The answers about one resource.
#[derive(Debug, Default)]
pub(super) struct Answers {
    pub(super) item: Value,
    pub(super) details: BTreeMap<&'static str, Told>,
    pub(super) beside: Beside,
}

/// What stands in an answer where a value is not known.
pub(super) fn later(why: &str) -> Value {
    json!({ HIDDEN: why })
}

/// A reason for what a plan does not tell.
pub(super) fn untold(what: &str) -> UnknownReason {
    UnknownReason::new(Why::NotCollected, what)
}

/// All answers about a resource.
pub(super) fn answers(plan: &Plan, of: &Type, resource: &Resource, joins: &Joins<'_>) -> Answers {
    let mut answers = Answers { item: json!({}), ..Answers::default() };
    for put in of.puts {
        let told = value(plan, resource, put);
        let (detail, path) = put.into;
        let into = if detail.is_empty() {
            &mut answers.item
        } else {
            match answers.details.entry(detail).or_insert_with(|| Ok(json!({}))) {
                Ok(into) => into,
                Err(_) => continue,
            }
        };
        match told {
            Ok(Some(told)) => place(into, path, told),
            Ok(None) => {}
            Err(why) => place(into, path, later(&why)),
        }
    }
    match resource.kind.as_str() {
        "aws_s3_bucket" => buckets::join(plan, resource, joins, &mut answers),
        "aws_kms_key" => of_key(plan, resource, joins, &mut answers),
        "aws_db_instance" => of_database(plan, resource, &mut answers, "parameters", "parameter_group_name"),
        "aws_rds_cluster" | "aws_docdb_cluster" | "aws_neptune_cluster" => {
            of_database(
                plan,
                resource,
                &mut answers,
                "parameters_of_cluster",
                "db_cluster_parameter_group_name",
            );
        }
        "aws_sqs_queue" => policy(joins, resource, &mut answers, ("queue", "Policy"), "aws_sqs_queue_policy"),
        "aws_sns_topic" => {
            // Attributes of a topic come as a list of keys and values.
            policy(joins, resource, &mut answers, ("topic", "Policy"), "aws_sns_topic_policy");
            as_entries(&mut answers);
        }
        "aws_opensearch_domain" => {
            policy(
                joins,
                resource,
                &mut answers,
                ("domain", "AccessPolicies"),
                "aws_opensearch_domain_policy",
            );
        }
        "aws_elasticsearch_domain" => {
            policy(
                joins,
                resource,
                &mut answers,
                ("domain", "AccessPolicies"),
                "aws_elasticsearch_domain_policy",
            );
        }
        "aws_ebs_volume" => answers.beside.lists = vec![none_if_new(resource, "snapshots")],
        _ => {}
    }
    answers
}

/// What an answer says of a setting: a value, nothing, or why it cannot be said.
fn value(plan: &Plan, resource: &Resource, put: &Put) -> Result<Option<Value>, String> {
    let is_left_out = || resource.is_new && plan.expression(resource, put.from).is_none();
    match put.how {
        How::Text(text) => return Ok(Some(json!(text))),
        How::Key => return key(plan, resource, put),
        How::Tags => return Ok(Some(tags(resource))),
        How::Later => return Err(LATER.to_owned()),
        How::Without(text) => return Ok((resource.get(put.from) == Got::Absent).then(|| json!(text))),
        How::Same | How::Words(..) => {}
    }
    let value = match resource.get(put.from) {
        Got::There(value) => value.clone(),
        Got::Later if !is_left_out() => return Err(LATER.to_owned()),
        Got::Later | Got::Absent => match put.unset {
            Unset::Later if matches!(resource.get(put.from), Got::Later) => return Err(LATER.to_owned()),
            Unset::No => json!(false),
            Unset::Later | Unset::Absent | Unset::Alias(..) => return Ok(None),
        },
    };
    Ok(Some(match (put.how, &value) {
        (How::Words(yes, _), Value::Bool(true)) => json!(yes),
        (How::Words(_, no), Value::Bool(false)) => json!(no),
        _ => value,
    }))
}

/// Tags with those that the provider puts everywhere; where these are not known, its own.
fn tags(resource: &Resource) -> Value {
    let all = ["tags_all", "tags"].into_iter().find_map(|name| match resource.get(name) {
        Got::There(Value::Object(tags)) => Some((name, tags)),
        Got::There(_) | Got::Absent | Got::Later => None,
    });
    let Some((name, tags)) = all else {
        return if resource.get("tags_all") == Got::Later { later(LATER) } else { json!({}) };
    };
    // Which of them a provider adds is not known: one of those may be what is looked for.
    if name == "tags" && resource.get("tags_all") == Got::Later && tags.is_empty() {
        return later(LATER);
    }
    let hidden =
        |tag: &String| resource.later(name).and_then(|later| later.get(tag)) == Some(&Value::Bool(true));
    if resource.later(name).and_then(Value::as_object).is_some_and(|later| later.keys().any(hidden)) {
        return later(LATER);
    }
    Value::Object(tags.clone())
}

/// Puts a value at a path.
pub(super) fn place(into: &mut Value, path: &str, value: Value) {
    let mut at = into;
    for name in path.split('.').filter(|name| !name.is_empty()) {
        if !at.is_object() {
            *at = Value::Object(Map::new());
        }
        let Value::Object(object) = at else { return };
        at = object.entry(name.to_owned()).or_insert(Value::Null);
    }
    *at = value;
}

/// A policy that stands by itself, or in the resource.
fn policy<'p>(
    joins: &Joins<'p>,
    resource: &'p Resource,
    answers: &mut Answers,
    (detail, path): (&'static str, &str),
    kind: &'static str,
) {
    let own = resource.text("policy").or_else(|| resource.text("access_policies")).is_some();
    let told = match joins.part(resource, kind) {
        Ok(Some(part)) => match part.get("policy").max_known(part.get("access_policies")) {
            Got::There(policy) => policy.clone(),
            Got::Absent => return,
            Got::Later => later(LATER),
        },
        Ok(None) => return,
        // What the plan does not touch stays as the resource itself says.
        Err(Missing::Elsewhere(_)) if own || !resource.is_new => return,
        Err(why) => later(&why.to_string()),
    };
    if let Ok(into) = answers.details.entry(detail).or_insert_with(|| Ok(json!({}))) {
        place(into, path, told);
    }
}

impl<'a> Got<'a> {
    /// This, or the other if this is not set.
    fn max_known(self, other: Got<'a>) -> Got<'a> {
        if self == Got::Absent { other } else { self }
    }
}

fn as_entries(answers: &mut Answers) {
    let Some(Ok(topic)) = answers.details.get_mut("topic") else { return };
    let Value::Object(object) = topic.take() else { return };
    let entries: Vec<Value> =
        object.into_iter().map(|(key, value)| json!({ "key": key, "value": value })).collect();
    *topic = json!({ "entry": entries });
}

fn none_if_new(resource: &Resource, what: &str) -> Listed {
    if resource.is_new { Ok(Arc::default()) } else { Err(untold(&format!("a plan does not tell of {what}"))) }
}

/// A key: its aliases, and its policy; where none is set, AWS lets the account decide.
fn of_key<'p>(plan: &'p Plan, resource: &'p Resource, joins: &Joins<'p>, answers: &mut Answers) {
    let account = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"}, "Action": "kms:*", "Resource": "*",
    }]});
    let own = match joins.part(resource, "aws_kms_key_policy") {
        Ok(Some(part)) => part.get("policy"),
        Ok(None) => resource.get("policy"),
        Err(Missing::Elsewhere(_)) if !resource.is_new => resource.get("policy"),
        Err(why) => {
            answers.details.insert("policy", Err(untold(&why.to_string())));
            Got::Absent
        }
    };
    let is_set = plan.expression(resource, "policy").is_some();
    let told = match own {
        Got::There(policy) => Ok(policy.clone()),
        Got::Absent => Ok(account),
        Got::Later if resource.is_new && !is_set => Ok(account),
        Got::Later => Err(untold(LATER)),
    };
    answers.details.entry("policy").or_insert(told);
    place(&mut answers.item, "KeyArn", json!(resource.address));
    let mut aliases = Vec::new();
    let mut lost = None;
    for alias in plan.of("aws_kms_alias") {
        match target(plan, alias) {
            Ok(key) if key.address == resource.address => {
                let value = json!({"AliasName": alias.text("name"), "TargetKeyId": resource.address});
                aliases.push(Item { value, details: BTreeMap::new() });
            }
            Ok(_) => {}
            Err(why) => lost = Some(untold(&format!("{}: {why}", alias.address))),
        }
    }
    answers.beside.lists = vec![lost.map_or_else(|| Ok(Arc::new(aliases)), Err)];
}

/// A database: its parameters, and that a new one has no snapshots.
fn of_database(plan: &Plan, resource: &Resource, answers: &mut Answers, detail: &'static str, setting: &str) {
    let group_kind =
        if detail == "parameters" { "aws_db_parameter_group" } else { "aws_rds_cluster_parameter_group" };
    let group = match resource.get(setting) {
        Got::There(name) => plan
            .of(group_kind)
            .find(|group| group.text("name") == name.as_str())
            .ok_or_else(|| format!("its parameter group {name} is not in the plan")),
        Got::Later if plan.expression(resource, setting).is_some() => {
            targets(plan, resource, setting).only(plan, &[group_kind])
        }
        Got::Later | Got::Absent => Err("its parameter group is not in the plan".to_owned()),
    };
    let parameters = group.map_err(|why| untold(&why)).map(|group| match group.get("parameter") {
        Got::There(Value::Array(all)) => Value::Array(
            all.iter()
                .map(|one| json!({"ParameterName": one.get("name"), "ParameterValue": one.get("value")}))
                .collect(),
        ),
        Got::There(_) | Got::Absent => json!([]),
        Got::Later => later(LATER),
    });
    answers.details.insert(detail, parameters);
    let versions = Err(untold("a plan does not tell until when a version is supported"));
    let others = plan.of("aws_rds_cluster_instance").next().is_some();
    let third = if others || !resource.is_new {
        Err(untold("the instances of clusters are not read from plans"))
    } else {
        Ok(Arc::default())
    };
    answers.beside.lists = vec![none_if_new(resource, "snapshots"), versions, third];
}

/// Where a resource will be, as far as the plan tells it.
pub(super) fn region<'p>(plan: &'p Plan, resource: &'p Resource) -> Option<&'p str> {
    let of_arn = || resource.text("arn")?.split(':').nth(3).filter(|region| !region.is_empty());
    // Since version 6 of the provider, a resource says its region itself.
    resource.text("region").or_else(of_arn).or_else(|| plan.provider(resource, "region"))
}

/// In which account, as far as the plan tells it.
pub(super) fn account<'p>(plan: &'p Plan, resource: &'p Resource) -> Option<&'p str> {
    let of = |arn: &'p str| arn.split(':').nth(4).filter(|account| !account.is_empty());
    resource.text("arn").and_then(of).or_else(|| of(plan.provider(resource, "assume_role.role_arn")?))
}

/// What the table of the connector `aws` reads from the answers, by attribute.
pub(super) fn read(
    of: &Type,
    answers: &Answers,
    place: &Place,
    classes: &Classes,
) -> Vec<(&'static str, Known)> {
    let none = BTreeMap::new();
    let item = Facts { place, key: "", item: &answers.item, details: &none, beside: &ALONE, classes };
    let arn = item.fill(of.arn).unwrap_or_default();
    let facts = Facts {
        place,
        key: &arn,
        item: &answers.item,
        details: &answers.details,
        beside: &answers.beside,
        classes,
    };
    of.row.attributes.iter().map(|attribute| (attribute.name, facts.read(attribute))).collect()
}

/// The key that AWS manages under an alias: whose it is, is known; its state is AWS's affair.
pub(super) fn is_managed(name: &str) -> bool {
    name.starts_with("alias/aws/") && !name.starts_with(OF_PLAN)
}
