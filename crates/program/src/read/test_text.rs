//! The expressions and parameters of a test: compiled, with every fault at its place in the file.

use std::collections::BTreeMap;

use octro_cel::{Environment, Expression, Fault, Layout, Params, Record, Template};
use octro_model::{Attribute, Kind, Sensitivity, Type};

use crate::read::doc::Said;
use crate::read::kind::flat;
use crate::read::table::{Table, json};
use crate::test::Param;

/// Compiles a condition.
pub(crate) fn condition(
    table: &Table<'_>,
    key: &str,
    said: &Said<&str>,
    environment: &Environment<'_>,
) -> Option<Expression> {
    let expression = match Expression::compile(said.value, environment) {
        Ok(expression) => expression,
        Err(faults) => {
            report(table, said, faults);
            return None;
        }
    };
    if *expression.type_of() != Type::Bool {
        table.doc.problem(said.at.clone(), format!("`{key}` is of type {}", expression.type_of()), "bool");
        return None;
    }
    for warning in expression.warnings() {
        let at = table.doc.within(said, warning.line, warning.column);
        table.doc.warn(at, warning.what.clone(), warning.expected.clone());
    }
    Some(expression)
}

/// Compiles a message.
pub(crate) fn message(
    table: &Table<'_>,
    said: &Said<&str>,
    environment: &Environment<'_>,
) -> Option<Template> {
    match Template::compile(said.value, environment) {
        Ok(template) => Some(template),
        Err(faults) => {
            report(table, said, faults);
            None
        }
    }
}

fn report(table: &Table<'_>, said: &Said<&str>, faults: Vec<Fault>) {
    for fault in faults {
        table.doc.problem_within(said, fault.line, fault.column, fault.what, fault.expected);
    }
}

/// `[params.<name>]`.
pub(crate) fn params(root: &Table<'_>) -> BTreeMap<String, Param> {
    let mut params = BTreeMap::new();
    let Some(table) = root.table("params") else { return params };
    for entry in table.entries() {
        let name = entry.key.value;
        let plain = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.len() <= 60
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !plain {
            let what = format!("`{name}` cannot name a parameter");
            table.doc.problem(entry.key.at.clone(), what, "letters, digits and `_`, no digit first");
        }
        let Some(inner) = table.entry_table(&entry) else { continue };
        if let Some(param) = param(inner, name) {
            params.insert(name.to_owned(), param);
        }
    }
    params
}

fn param(table: Table<'_>, name: &str) -> Option<Param> {
    let types = "bool, int, float, string, timestamp, duration, or a list of one of them";
    let said = table.need("type", &format!("`type = \"...\"`: {types}"), table.text("type"));
    let of = said.as_ref().and_then(|said| {
        let of = flat(said.value).filter(|of| match of {
            Type::List(of) => !matches!(**of, Type::List(_) | Type::Map(_)),
            Type::Map(_) | Type::Object(_) => false,
            Type::Bool | Type::Int | Type::Float | Type::String | Type::Timestamp | Type::Duration => true,
        });
        if of.is_none() {
            table.doc.problem(said.at.clone(), format!("`{}` is no type of a parameter", said.value), types);
        }
        of
    });
    let doc = table.text_or_empty("doc");
    let value = table.need("value", "`value = ...`", table.get("value"));
    let file = table.doc;
    table.finish();
    let (of, said) = (of?, value?);
    let Some(value) = json(said.get_ref()) else {
        file.problem(said.span(), format!("the value of `{name}` is out of bounds"), of.to_string());
        return None;
    };
    // A parameter is checked as if it were the attribute of a resource: the same rules for both.
    let layout = Layout::new(single(name, of.clone())?);
    let given = [(name.to_owned(), value.clone())].into_iter().collect();
    if let Err(misfits) = Record::encode(&layout, &given, &BTreeMap::new()) {
        for misfit in misfits {
            file.problem(said.span(), format!("`{}` is {}", misfit.path, misfit.what), misfit.expected);
        }
        return None;
    }
    Some(Param { of, value, doc })
}

fn single(name: &str, of: Type) -> Option<Kind> {
    let attribute = Attribute {
        of,
        doc: String::new(),
        unit: None,
        sensitivity: Sensitivity::Internal,
        references: None,
    };
    Some(Kind {
        id: "param".parse().ok()?,
        rev: 1,
        title: String::new(),
        doc: String::new(),
        part: String::new(),
        asset: None,
        retain: None,
        attributes: BTreeMap::from([(name.to_owned(), attribute)]),
    })
}

/// The parameters as expressions take them.
pub(crate) fn constants(params: &BTreeMap<String, Param>) -> Params {
    Params::new(
        params.iter().map(|(name, param)| (name.clone(), (param.of.clone(), param.value.clone()))).collect(),
    )
}
