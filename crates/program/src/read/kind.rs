//! `kinds/**/<id>.toml`: the shape of a kind of resource.

use std::collections::BTreeMap;

use octro_model::{Attribute, Id, Kind, Sensitivity, Span, Type};

use crate::read::doc::Said;
use crate::read::inventory::Noun;
use crate::read::known::Known;
use crate::read::table::Table;

/// How many attributes a kind, and how many fields an object may have.
const ATTRIBUTES_MAX: usize = 200;
/// How deep lists, maps and objects may lie in each other.
const DEPTH_MAX: usize = 4;

/// The shortest time for which facts can be kept.
const RETAIN_MIN: Span = Span::from_micros(90 * Span::DAY.micros());

const TYPES: &str = "bool, int, float, string, timestamp, duration, list<T>, map<T>, or object with fields, also as list<object>";

/// Names that an expression cannot read.
const RESERVED: &[&str] = &["false", "in", "null", "true"];

pub(crate) fn kind(root: Table<'_>, id: &Id, known: &Known<'_>) -> Option<Kind> {
    let rev = root.rev();
    let title = root.need_text("title");
    let doc = root.need_text("doc");
    let part = root.need_id("part", "a key of [parts] in program.toml").map(|part| known.part(&root, part));
    let asset = root.id("asset").map(|asset| known.asset(&root, asset));
    let retain = retain(&root);
    let table = root.need("attributes", "`[attributes.<name>]` for each attribute", root.table("attributes"));
    let attributes = table.map(|table| attributes(&table, known, 0)).unwrap_or_default();
    root.finish();
    Some(Kind {
        id: id.clone(),
        rev: rev?,
        title: title?.value.to_owned(),
        doc: doc?.value.to_owned(),
        part: part?.to_string(),
        asset: asset.map(|asset| asset.to_string()),
        retain,
        attributes,
    })
}

/// How long facts are kept; long enough that whoever asks about the last quarter finds them.
fn retain(root: &Table<'_>) -> Option<Span> {
    let retain = root.span("retain")?;
    if retain < RETAIN_MIN {
        let at = root.get("retain").map(|value| value.span()).unwrap_or_else(|| root.at.clone());
        let what = format!("`retain` is {}", retain.human());
        root.doc.problem(at, what, format!("at least {}", RETAIN_MIN.human()));
    }
    Some(retain)
}

fn attributes(table: &Table<'_>, known: &Known<'_>, depth: usize) -> BTreeMap<String, Attribute> {
    let mut attributes = BTreeMap::new();
    let entries = table.entries();
    if entries.is_empty() {
        table.doc.problem(
            table.at.clone(),
            "there is nothing in this table",
            "at least one attribute or field",
        );
    }
    if entries.len() > ATTRIBUTES_MAX {
        let what = format!("there are {} attributes or fields", entries.len());
        table.doc.problem(table.at.clone(), what, format!("at most {ATTRIBUTES_MAX}"));
        return attributes;
    }
    for entry in entries {
        let name = entry.key.value;
        let plain = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.len() <= 120
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !plain || RESERVED.contains(&name) {
            let expected = "letters, digits and `_`, no digit first, and no word of the expression language";
            table.doc.problem(entry.key.at.clone(), format!("`{name}` cannot name an attribute"), expected);
        }
        let Some(inner) = table.entry_table(&entry) else { continue };
        if let Some(attribute) = attribute(inner, known, depth) {
            attributes.insert(name.to_owned(), attribute);
        }
    }
    attributes
}

fn attribute(table: Table<'_>, known: &Known<'_>, depth: usize) -> Option<Attribute> {
    let said = table.need("type", &format!("`type = \"...\"`: {TYPES}"), table.text("type"));
    let doc = table.need_text("doc");
    let unit = table.text("unit");
    let words = [
        ("public", Sensitivity::Public),
        ("internal", Sensitivity::Internal),
        ("confidential", Sensitivity::Confidential),
        ("personal", Sensitivity::Personal),
    ];
    let sensitivity = table.choice("sensitivity", &words).unwrap_or_default();
    let reference = table.id("ref");
    let fields = table.table("fields").map(|fields| {
        if depth >= DEPTH_MAX {
            table.doc.problem(
                fields.at.clone(),
                "objects lie too deep in each other",
                format!("at most {DEPTH_MAX}"),
            );
            return BTreeMap::new();
        }
        attributes(&fields, known, depth + 1)
    });
    let of = said.and_then(|said| read_type(&table, said, fields));
    if let (Some(of), Some(unit)) = (&of, &unit)
        && !matches!(innermost(of), Type::Int | Type::Float)
    {
        table.doc.problem(unit.at.clone(), format!("`unit` of a {of}"), "a unit for numbers only");
    }
    let references = reference.map(|reference| {
        let fits = match &of {
            Some(Type::String) | None => true,
            Some(Type::List(of)) => **of == Type::String,
            Some(_) => false,
        };
        if !fits {
            table.doc.problem(
                reference.at.clone(),
                "`ref` of something that is no key",
                "string or list<string>",
            );
        }
        known.check(&table, Noun::Kind, reference)
    });
    table.finish();
    Some(Attribute {
        of: of?,
        doc: doc?.value.to_owned(),
        unit: unit.map(|unit| unit.value.to_owned()),
        sensitivity,
        references,
    })
}

fn innermost(of: &Type) -> &Type {
    match of {
        Type::List(of) | Type::Map(of) => innermost(of),
        Type::Bool
        | Type::Int
        | Type::Float
        | Type::String
        | Type::Timestamp
        | Type::Duration
        | Type::Object(_) => of,
    }
}

fn read_type(
    table: &Table<'_>,
    said: Said<&str>,
    fields: Option<BTreeMap<String, Attribute>>,
) -> Option<Type> {
    let mut fields = fields;
    let had_fields = fields.is_some();
    let Some(of) = parse(said.value, &mut fields, 0) else {
        if said.value.contains("object") && !had_fields {
            let what = format!("`{}` without fields", said.value);
            table.doc.problem(said.at, what, "a table `fields` with at least one field");
        } else {
            table.doc.problem(said.at, format!("`{}` is no type", said.value), TYPES);
        }
        return None;
    };
    if had_fields && fields.is_some() {
        table.doc.problem(
            said.at,
            format!("`{}` has fields", said.value),
            "object, list<object> or map<object>",
        );
        return None;
    }
    Some(of)
}

/// A type by its words; `object` takes the fields.
fn parse(text: &str, fields: &mut Option<BTreeMap<String, Attribute>>, depth: usize) -> Option<Type> {
    let inside = |word: &str| {
        text.strip_prefix(word)?.trim_start().strip_prefix('<')?.strip_suffix('>').map(str::trim)
    };
    let text = text.trim();
    if let Some(inner) = inside("list").filter(|_| depth < DEPTH_MAX) {
        return Some(Type::List(Box::new(parse(inner, fields, depth + 1)?)));
    }
    if let Some(inner) = inside("map").filter(|_| depth < DEPTH_MAX) {
        return Some(Type::Map(Box::new(parse(inner, fields, depth + 1)?)));
    }
    if text == "object" { fields.take().map(Type::Object) } else { scalar(text) }
}

/// A type without parts.
pub(crate) fn scalar(text: &str) -> Option<Type> {
    Some(match text {
        "bool" => Type::Bool,
        "int" => Type::Int,
        "float" => Type::Float,
        "string" => Type::String,
        "timestamp" => Type::Timestamp,
        "duration" => Type::Duration,
        _ => return None,
    })
}

/// A type whose innermost is no object.
pub(crate) fn flat(text: &str) -> Option<Type> {
    parse(text, &mut None, 0)
}
