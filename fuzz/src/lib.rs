//! What the fuzz targets share: a schema with an attribute of every shape, and how an input is cut into parts.

pub mod published;
pub mod repair;

use std::collections::BTreeMap;

use octro_cel::{Kinds, Lookup, Params, Record, Referring, World};
use octro_model::{Attribute, Id, Kind, Sensitivity, Timestamp, Type};
use serde_json::{Value, json};

/// What stands before each part of an input: `#== name`, then the line's end.
pub const MARK: &str = "#== ";

/// A program with a file of each sort, in parts.
pub const COMPANY: &[u8] = include_bytes!("../seeds/company.txt");

/// The moment at which everything is judged.
pub const NOW: Timestamp = Timestamp::from_secs(1_772_496_000);

/// A thing with a value of every attribute.
pub const FULL: &str = r#"{"attributes":{"b":true,"c":false,"i":3,"j":-4,"f":1.5,"g":0,"s":"abc","t":"2026-03-01T00:00:00Z","u":"2026-04-01","d":"14d","is":[1,2,3],"bs":[true,false],"fs":[0.5,1],"ss":["a","b"],"ts":["2026-03-03"],"ds":["1h30m","-5m"],"iss":[[1],[],[2,3]],"tags":{"a":"b","c":"d"},"flags":{"on":true},"lists":{"a":["a"],"b":[]},"objects":{"k":{"n":1,"s":"x","b":true,"in":{"x":"y","at":"2026-01-01","tags":{"a":"b"}}}},"o":{"a":true,"n":7,"in":{"x":"a","at":null,"tags":{}}},"os":[{"n":1,"s":"abc","b":true,"in":null},{"n":2}],"box":"a","friend":"f","boxes":["a","b","c"]}}"#;

/// The parts of an input by their names; what stands before the first mark has the name ``.
pub fn parts(input: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut parts = vec![(String::new(), Vec::new())];
    for line in input.split_inclusive(|byte| *byte == b'\n') {
        match line.strip_prefix(MARK.as_bytes()) {
            Some(name) => {
                let name = String::from_utf8_lossy(name.trim_ascii()).into_owned();
                parts.push((name, Vec::new()));
            }
            None => parts.last_mut().expect("there is one").1.extend_from_slice(line),
        }
    }
    parts
}

/// An id that is one.
pub fn id(text: &str) -> Id {
    text.parse().expect("an id")
}

fn attribute(of: Type, references: Option<&str>) -> Attribute {
    Attribute {
        of,
        doc: String::new(),
        unit: None,
        sensitivity: Sensitivity::default(),
        references: references.map(id),
    }
}

fn object(fields: &[(&str, Type)]) -> Type {
    Type::Object(fields.iter().map(|(name, of)| ((*name).to_owned(), attribute(of.clone(), None))).collect())
}

fn list(of: Type) -> Type {
    Type::List(Box::new(of))
}

fn map(of: Type) -> Type {
    Type::Map(Box::new(of))
}

fn kind(name: &str, attributes: &[(&str, Type, Option<&str>)]) -> Kind {
    let attributes = attributes
        .iter()
        .map(|(name, of, references)| ((*name).to_owned(), attribute(of.clone(), *references)));
    Kind {
        id: id(name),
        rev: 1,
        title: String::new(),
        doc: String::new(),
        part: String::new(),
        asset: None,
        retain: None,
        attributes: attributes.collect(),
    }
}

/// `thing` has attributes of all shapes and names boxes, `box` names itself, `wild` is a list of numbers that stand for
/// any bytes.
pub fn kinds() -> Kinds {
    let deep = object(&[("x", Type::String), ("at", Type::Timestamp), ("tags", map(Type::String))]);
    let element = object(&[("n", Type::Int), ("s", Type::String), ("b", Type::Bool), ("in", deep.clone())]);
    let thing = kind(
        "thing",
        &[
            ("b", Type::Bool, None),
            ("c", Type::Bool, None),
            ("i", Type::Int, None),
            ("j", Type::Int, None),
            ("f", Type::Float, None),
            ("g", Type::Float, None),
            ("s", Type::String, None),
            ("t", Type::Timestamp, None),
            ("u", Type::Timestamp, None),
            ("d", Type::Duration, None),
            ("is", list(Type::Int), None),
            ("bs", list(Type::Bool), None),
            ("fs", list(Type::Float), None),
            ("ss", list(Type::String), None),
            ("ts", list(Type::Timestamp), None),
            ("ds", list(Type::Duration), None),
            ("iss", list(list(Type::Int)), None),
            ("tags", map(Type::String), None),
            ("flags", map(Type::Bool), None),
            ("lists", map(list(Type::String)), None),
            ("objects", map(element.clone()), None),
            ("o", object(&[("a", Type::Bool), ("n", Type::Int), ("in", deep)]), None),
            ("os", list(element), None),
            ("box", Type::String, Some("box")),
            ("boxes", list(Type::String), Some("box")),
            ("friend", Type::String, Some("thing")),
        ],
    );
    let boxed = kind(
        "box",
        &[
            ("open", Type::Bool, None),
            ("label", Type::String, None),
            ("shelf", Type::String, Some("box")),
            ("holds", Type::String, Some("thing")),
            ("since", Type::Timestamp, None),
            ("n", Type::Int, None),
        ],
    );
    Kinds::new([thing, boxed, kind("wild", &[("words", list(Type::Float), None)])])
}

/// A constant of each type that has constants.
pub fn params() -> Params {
    let of = |name: &str, of: Type, value: Value| (name.to_owned(), (of, value));
    Params::new(BTreeMap::from([
        of("grace", Type::Duration, json!("14d")),
        of("names", list(Type::String), json!(["a", "b"])),
        of("limit", Type::Int, json!(7)),
        of("share", Type::Float, json!(0.5)),
        of("since", Type::Timestamp, json!("2026-01-01")),
        of("strict", Type::Bool, json!(true)),
    ]))
}

/// A record of `kind` out of bytes that mean nothing: what it would be like if one were read with another kind's
/// layout.
pub fn wild(kinds: &Kinds, bytes: &[u8]) -> Option<Record> {
    let words = bytes.chunks_exact(8).filter_map(|word| {
        let float = f64::from_le_bytes(word.try_into().ok()?);
        serde_json::Number::from_f64(float).map(Value::Number)
    });
    let attributes = [("words".to_owned(), Value::Array(words.collect()))].into_iter().collect();
    Record::encode(kinds.get("wild")?, &attributes, &BTreeMap::new()).ok()
}

/// A few other resources: boxes `a` and `b`, and things that name whatever is asked for.
#[derive(Debug)]
pub struct Others {
    /// The box `a`.
    pub a: Record,
    /// The box `b`.
    pub b: Record,
    /// The things.
    pub things: Vec<Record>,
    /// Whether there are no more.
    pub complete: bool,
}

impl World for Others {
    fn by_key(&self, kind: &Id, key: &str) -> Lookup<'_> {
        match key {
            "a" if *kind == "box" => Lookup::Found(&self.a),
            "b" if *kind == "box" => Lookup::Found(&self.b),
            _ if self.complete => Lookup::Absent,
            _ => Lookup::Unknown,
        }
    }

    fn referring(&self, kind: &Id, _attribute: &str, _key: &str) -> Referring<'_> {
        let records = match kind.as_str() {
            "thing" => self.things.iter().collect(),
            "box" => vec![&self.a, &self.b],
            _ => Vec::new(),
        };
        Referring { records, complete: self.complete }
    }
}
