//! Kinds and records for the tests of this crate.

use std::collections::BTreeMap;

use octro_model::{Attribute, Id, Kind, Sensitivity, Timestamp, Type, UnknownReason, Why};
use serde_json::{Value, json};

use crate::{
    Answer, Environment, Expression, Fault, Kinds, Lookup, NoWorld, Params, Record, Referring, Subject,
    Truth, World,
};

pub(crate) fn attribute(of: Type, references: Option<&str>) -> Attribute {
    Attribute {
        of,
        doc: String::new(),
        unit: None,
        sensitivity: Sensitivity::default(),
        references: references.map(|id| id.parse().unwrap()),
    }
}

pub(crate) fn object(fields: &[(&str, Type)]) -> Type {
    Type::Object(fields.iter().map(|(name, of)| ((*name).to_owned(), attribute(of.clone(), None))).collect())
}

pub(crate) fn list(of: Type) -> Type {
    Type::List(Box::new(of))
}

pub(crate) fn map(of: Type) -> Type {
    Type::Map(Box::new(of))
}

pub(crate) fn kind(id: &str, attributes: &[(&str, Type, Option<&str>)]) -> Kind {
    Kind {
        id: id.parse().unwrap(),
        rev: 1,
        title: String::new(),
        doc: String::new(),
        part: String::new(),
        asset: None,
        retain: None,
        attributes: attributes
            .iter()
            .map(|(name, of, references)| ((*name).to_owned(), attribute(of.clone(), *references)))
            .collect(),
    }
}

/// `thing` has one attribute of each type; `box` holds things; `bucket` is the benchmark's shape.
pub(crate) fn kinds() -> Kinds {
    let text = || Type::String;
    let thing = kind(
        "thing",
        &[
            ("b", Type::Bool, None),
            ("c", Type::Bool, None),
            ("i", Type::Int, None),
            ("j", Type::Int, None),
            ("f", Type::Float, None),
            ("s", text(), None),
            ("t", Type::Timestamp, None),
            ("u", Type::Timestamp, None),
            ("d", Type::Duration, None),
            ("is", list(Type::Int), None),
            ("bs", list(Type::Bool), None),
            ("ss", list(text()), None),
            ("ts", list(Type::Timestamp), None),
            ("tags", map(text()), None),
            ("flags", map(Type::Bool), None),
            ("o", object(&[("a", Type::Bool), ("n", Type::Int), ("in", object(&[("x", text())]))]), None),
            ("os", list(object(&[("n", Type::Int), ("s", text()), ("b", Type::Bool)])), None),
            ("box", text(), Some("box")),
            ("boxes", list(text()), Some("box")),
        ],
    );
    let boxed = kind(
        "box",
        &[
            ("open", Type::Bool, None),
            ("label", text(), None),
            ("shelf", text(), Some("box")),
            ("n", Type::Int, None),
        ],
    );
    Kinds::new([thing, boxed, bucket()])
}

fn bucket() -> Kind {
    let text = || Type::String;
    let rule = object(&[("sse", text()), ("kms_key_id", text())]);
    let statement = object(&[
        ("Effect", text()),
        ("Principal", text()),
        ("Action", text()),
        ("Condition", object(&[("Bool", map(text()))])),
    ]);
    let block = object(&[
        ("block_public_acls", Type::Bool),
        ("ignore_public_acls", Type::Bool),
        ("block_public_policy", Type::Bool),
        ("restrict_public_buckets", Type::Bool),
    ]);
    kind(
        "bucket",
        &[
            ("name", text(), None),
            ("account", text(), None),
            ("region", text(), None),
            ("public", Type::Bool, None),
            ("encryption", object(&[("rules", list(rule))]), None),
            ("public_access_block", block, None),
            ("versioning", object(&[("status", text()), ("mfa_delete", Type::Bool)]), None),
            ("logging", object(&[("target_bucket", text()), ("prefix", text())]), None),
            ("tags", map(text()), None),
            ("policy", object(&[("Statement", list(statement))]), None),
            (
                "lifecycle",
                object(&[("rules", list(object(&[("enabled", Type::Bool), ("days", Type::Int)])))]),
                None,
            ),
        ],
    )
}

pub(crate) fn now() -> Timestamp {
    "2026-03-03T00:00:00Z".parse().unwrap()
}

pub(crate) fn compile_on(on: &str, text: &str) -> Result<Expression, Vec<Fault>> {
    let of = |of: Type, value: Value| (of, value);
    let params = Params::new(BTreeMap::from([
        ("grace".to_owned(), of(Type::Duration, json!("14d"))),
        ("names".to_owned(), of(list(Type::String), json!(["a", "b"]))),
        ("limit".to_owned(), of(Type::Int, json!(7))),
        ("wrong".to_owned(), of(Type::Int, json!("x"))),
    ]));
    let on: Id = on.parse().unwrap();
    Expression::compile(text, &Environment { kinds: &kinds(), on: &on, params: &params })
}

pub(crate) fn compile(text: &str) -> Expression {
    compile_on("thing", text).unwrap_or_else(|faults| panic!("{text}: {faults:?}"))
}

/// A thing; `"?"` as a value makes an attribute unknown (denied).
pub(crate) fn thing(attributes: Value) -> Record {
    record("thing", attributes)
}

pub(crate) fn record(kind: &str, attributes: Value) -> Record {
    let Value::Object(mut attributes) = attributes else { panic!("no object") };
    let mut unknown = BTreeMap::new();
    attributes.retain(|name, value| {
        let denied = value == "?";
        if denied {
            unknown.insert(name.clone(), UnknownReason::new(Why::Denied, "a:Read"));
        }
        !denied
    });
    Record::encode(kinds().get(kind).unwrap(), &attributes, &unknown).unwrap()
}

pub(crate) fn answer(text: &str, record: &Record, world: &dyn World) -> Answer {
    compile(text).truth(&Subject { record, key: "me" }, now(), world)
}

pub(crate) fn truth(text: &str, attributes: Value) -> Truth {
    answer(text, &thing(attributes), &NoWorld).truth
}

/// A world of a few boxes.
pub(crate) struct Boxes {
    pub(crate) boxes: BTreeMap<String, Record>,
    pub(crate) things: Vec<Record>,
    pub(crate) complete: bool,
}

impl World for Boxes {
    fn by_key(&self, kind: &Id, key: &str) -> Lookup<'_> {
        match self.boxes.get(key).filter(|_| *kind == "box") {
            Some(record) => Lookup::Found(record),
            None if self.complete => Lookup::Absent,
            None => Lookup::Unknown,
        }
    }

    fn referring(&self, kind: &Id, attribute: &str, _key: &str) -> Referring<'_> {
        let records =
            if *kind == "thing" && attribute == "box" { self.things.iter().collect() } else { Vec::new() };
        Referring { records, complete: self.complete }
    }
}
