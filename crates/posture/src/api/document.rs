//! The OpenAPI document, made from the table of operations.

use serde_json::{Map, Value, json};

use super::{Gives, Operation, schemas};

/// The parameters behind the question mark: name, form, what it does.
const PARAMS: &[(&str, &str, &str)] = &[
    ("as_of", "time", "The moment that is asked about; the present without it. RFC 3339, or a date."),
    ("known_at", "time", "As known at this moment; as known now without it."),
    ("page", "integer", "Which window of the list, from 1."),
    ("per", "integer", "How many rows a window has, 1 to 1,000; 50 without it."),
    ("part", "string", "Only of this part of the program."),
    ("layer", "Layer", "Only in this layer."),
    ("owner", "string", "Only those of this role."),
    ("status", "string", "Only in this status; of results, in one of these, with commas between them."),
    ("severity", "Severity", "Only of this severity."),
    ("coverage", "string", "Only those answered like this: full, partial or none."),
    ("kind", "string", "Only of this kind of resource."),
    ("key", "string", "Of the resource with this key."),
    ("test", "string", "Only of this test."),
    ("control", "string", "Only of the tests of this control."),
    ("q", "string", "Only what has this text in its name."),
    ("within", "integer", "Only those that end within so many days."),
    ("gone", "string", "`yes`: those that are gone, too."),
    (
        "class",
        "string",
        "Only stores that hold this class of data: a class, `unclassified`, or `unknown` for what could not be read.",
    ),
    ("via", "string", "Only paths with this between: `direct` (nothing), `machine` or `balancer`."),
    ("account", "string", "Only of this account."),
    ("why", "string", "Only for this reason: `denied`, `throttled`, `timed out`, `failed`, ..."),
    ("permission", "string", "Only where this permission is missing."),
    ("sort", "string", "`attention` (what needs a person first), `newest` or `oldest`."),
    ("subject", "string", "`control` or `test`; `control` without it."),
    ("id", "string", "The id of the control or test."),
    ("from", "time", "The beginning; 90 days before the end without it."),
    ("to", "time", "The end; the moment that is asked about without it."),
    ("at", "time", "The moment for which something is proved; the moment that is asked about without it."),
    ("type", "string", "Only entries of this type: `transition`, `seal`, ..."),
    ("before", "integer", "Only entries below this index: the `next` of the window before."),
];

/// The document.
pub(super) fn make(operations: &[Operation]) -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for operation in operations {
        let path = format!("/api/v1{}", operation.path.replace("{*", "{"));
        let entry = paths.entry(path).or_insert_with(|| json!({}));
        if let Some(methods) = entry.as_object_mut() {
            methods.insert(operation.method.to_owned(), describe(operation));
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Octro",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "What Octro knows, at any moment. Errors are problem+json (RFC 9457). Times are RFC 3339 in UTC; `infinity` stands for an end that is open.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "paths": paths,
        "components": { "schemas": schemas::all() },
    })
}

fn describe(operation: &Operation) -> Value {
    let mut parameters: Vec<Value> = operation
        .path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| {
            let name = name.trim_start_matches('*');
            json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } })
        })
        .collect();
    for wanted in operation.query() {
        let name = wanted.trim_end_matches('!');
        if let Some((_, form, doc)) = PARAMS.iter().find(|(own, _, _)| *own == name) {
            parameters.push(json!({
                "name": name,
                "in": "query",
                "required": wanted.ends_with('!'),
                "description": doc,
                "schema": schemas::form(form),
            }));
        }
    }
    let mut responses = Map::new();
    match operation.gives {
        Gives::Taken => {
            responses.insert("202".to_owned(), json!({ "description": "It was asked for." }));
        }
        Gives::One(schema) => {
            responses.insert("200".to_owned(), ok(&schemas::form(schema)));
        }
        Gives::Many(schema) => {
            responses.insert(
                "200".to_owned(),
                ok(&json!({
                    "type": "object",
                    "required": ["as_of", "total", "rows"],
                    "properties": {
                        "as_of": schemas::form("AsOf"),
                        "total": schemas::form("integer"),
                        "rows": schemas::form(&format!("{schema}[]")),
                    },
                })),
            );
        }
    }
    responses.insert(
        "default".to_owned(),
        json!({
            "description": "It failed.",
            "content": { "application/problem+json": { "schema": schemas::form("Problem") } },
        }),
    );
    json!({
        "operationId": id(operation),
        "summary": operation.summary,
        "parameters": parameters,
        "responses": responses,
    })
}

fn ok(schema: &Value) -> Value {
    json!({ "description": "The answer.", "content": { "application/json": { "schema": schema } } })
}

/// `get_controls_id`, `post_sources_id_run`.
fn id(operation: &Operation) -> String {
    let words = operation.path.split(['/', '{', '}', '*']).filter(|word| !word.is_empty());
    std::iter::once(operation.method).chain(words).collect::<Vec<_>>().join("_")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::operations::ALL;
    use std::collections::BTreeSet;

    #[test]
    fn everything_that_is_named_is_described() {
        for operation in ALL {
            for name in operation.params {
                let name = name.trim_end_matches('!');
                assert!(PARAMS.iter().any(|(own, _, _)| *own == name), "{name} of {}", operation.path);
            }
        }
        let document = make(ALL);
        let ids: BTreeSet<String> = ALL.iter().map(id).collect();
        assert_eq!(ids.len(), ALL.len());
        let schemas = document["components"]["schemas"].as_object().unwrap();
        let text = document.to_string();
        for part in text.split("#/components/schemas/").skip(1) {
            let name = part.split('"').next().unwrap();
            assert!(schemas.contains_key(name), "{name}");
        }
        assert!(document["paths"]["/api/v1/resources/{kind}/{key}"]["get"].is_object());
    }
}
