//! What goes into a record comes out again; what does not fit is told.

use std::collections::BTreeMap;

use octro_model::{Attribute, Type, UnknownReason, Why};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::sample::{kinds, record};
use crate::{Layout, Misfit, Reading, Record};

fn layout() -> std::sync::Arc<Layout> {
    kinds().get("thing").unwrap().clone()
}

fn misfits(body: &str) -> Vec<String> {
    let misfits: Vec<Misfit> = Record::parse(&layout(), body.as_bytes()).unwrap_err();
    misfits.iter().map(ToString::to_string).collect()
}

#[test]
fn bodies_are_read_in_any_order() {
    let layout = layout();
    let body = br#" {"unknown": {"c": {"why": "denied", "detail": "x"}}, "attributes": {"tags": {"z": "1", "a": "2", "n": null},
        "os": [{"s": "x", "n": 5}, {}], "b": true, "i": null, "f": 3, "t": "2026-03-03T01:00:00+01:00", "d": "1h30m"}} "#;
    let record = Record::parse(&layout, body).unwrap();
    let reading = |name: &str| record.reading(&layout, name);
    assert_eq!(reading("tags"), Reading::Value(json!({"a": "2", "z": "1"})));
    assert_eq!(reading("os"), Reading::Value(json!([{"n": 5, "s": "x"}, {}])));
    assert_eq!(reading("b"), Reading::Value(json!(true)));
    assert_eq!(reading("i"), Reading::Absent);
    assert_eq!(reading("f"), Reading::Value(json!(3.0)));
    assert_eq!(reading("t"), Reading::Value(json!("2026-03-03T00:00:00Z")));
    assert_eq!(reading("d"), Reading::Value(json!("90m")));
    assert_eq!(reading("c"), Reading::Unknown(UnknownReason::new(Why::Denied, "x")));
    assert_eq!(reading("j"), Reading::Unknown(UnknownReason::new(Why::NotCollected, "")));
    assert_eq!(reading("os[].n"), Reading::Value(json!([5])));
    assert_eq!(reading("tags.a"), Reading::Value(json!("2")));
    assert_eq!(reading("no.such"), Reading::Unknown(UnknownReason::new(Why::NotCollected, "")));
    assert_eq!(Record::parse(&layout, b"{}").unwrap(), Record::empty(&layout));
}

#[test]
fn all_misfits_are_told() {
    let told = misfits(
        r#"{"attributes": {"i": "x", "b": 1, "s": false, "os": [{"n": 1.5, "q": 1}, 7, null], "tags": {"k": 1}, "is": {},
            "o": {"in": {"x": []}}, "t": "soon", "d": "-", "f": "1", "zzz": 1, "j": 9223372036854775808, "c": true},
            "unknown": {"c": {"why": "denied"}, "yyy": {"why": "denied"}, "u": {"why": "lazy"}}, "more": 1}"#,
    );
    for expected in [
        "attributes.i: text `x`; expected int: a whole number of 64 bits",
        "attributes.b: number 1; expected bool",
        "attributes.s: false; expected string",
        "attributes.os[0].n: number 1.5; expected int: a whole number of 64 bits",
        "attributes.os[0].q: `q` is not declared; expected one of `b`, `n`, `s`",
        "attributes.os[1]: number 7; expected object",
        "attributes.os[2]: null in a list; expected object",
        "attributes.tags['k']: number 1; expected string",
        "attributes.is: an object; expected list<int>",
        "attributes.o.in.x: a list; expected string",
        "attributes.t: text `soon`; expected timestamp: a text like 2026-03-03T09:00:00Z",
        "attributes.d: text `-`; expected duration: a text like 90d or 1h30m",
        "attributes.f: text `1`; expected float",
        "attributes.j: number 9223372036854775808; expected int: a whole number of 64 bits",
        "unknown.c: it is both read and unknown; expected one of the two",
        "more: `more` is no part of it; expected `attributes` and `unknown`",
    ] {
        let expected = expected.replace("more: `more`", "body: `more`");
        assert!(told.contains(&expected), "{expected} is not in {told:#?}");
    }
    assert!(told.iter().any(|one| one.starts_with("attributes.zzz: `zzz` is not declared")));
    assert!(told.iter().any(|one| one.starts_with("unknown.yyy: `yyy` is not declared")));
    assert!(told.iter().any(|one| one.starts_with("unknown.u: unknown variant `lazy`")));
}

#[test]
fn what_is_no_body_is_refused() {
    for body in [
        "",
        "[]",
        "null",
        "{",
        r#"{"attributes": []}"#,
        r#"{"attributes": {}} x"#,
        r#"{"attributes": {"b": tru}}"#,
    ] {
        assert!(misfits(body)[0].starts_with("body: "), "{body}");
    }
    assert!(misfits(r#"{"attributes": {}, "attributes": {}}"#)[0].contains("twice"));
    assert!(misfits(r#"{"attributes": {"b": true, "b": false}}"#)[0].contains("named twice"));
    assert!(
        misfits(r#"{"attributes": {"tags": {"b": "1", "a": "2", "b": "3"}}}"#)[0].contains("named twice")
    );
    let deep = format!(r#"{{"attributes": {{"o": {}1{}}}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    assert!(!misfits(&deep).is_empty());
    let deep = format!(r#"{{"attributes": {{"zzz": {}}}}}"#, r#"{"a":"#.repeat(100_000));
    assert!(!misfits(&deep).is_empty());
}

#[test]
fn large_values_are_kept_and_huge_ones_refused() {
    let layout = layout();
    let text = "x".repeat(1 << 20);
    let body = json!({"attributes": {"s": text, "is": vec![1; 100_000]}}).to_string();
    let record = Record::parse(&layout, body.as_bytes()).unwrap();
    assert_eq!(record.reading(&layout, "s"), Reading::Value(json!(text)));
    let huge = json!({"attributes": {"ss": vec![text; 5]}}).to_string();
    assert!(Record::parse(&layout, huge.as_bytes()).is_err());
    // A list of empty objects weighs more in a record than in JSON.
    let grows = format!(r#"{{"attributes": {{"os": [{}{{}}]}}}}"#, "{},".repeat(1_000_000));
    assert!(Record::parse(&layout, grows.as_bytes()).is_err());
    let long = UnknownReason::new(Why::Failed, "é".repeat(900));
    let reason = BTreeMap::from([("s".to_owned(), long)]);
    match Record::encode(&layout, &Map::new(), &reason).unwrap().reading(&layout, "s") {
        Reading::Unknown(reason) => assert_eq!(reason.detail.chars().count(), 500),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_too_much_for_one_record_is_unknown() {
    let attribute = |_| Attribute {
        of: Type::String,
        doc: String::new(),
        unit: None,
        sensitivity: octro_model::Sensitivity::Internal,
        references: None,
    };
    let names: Vec<String> = (0..18).map(|number| format!("a{number:02}")).collect();
    let kind = octro_model::Kind {
        id: "many".parse().unwrap(),
        rev: 1,
        title: String::new(),
        doc: String::new(),
        part: String::new(),
        asset: None,
        retain: None,
        attributes: names.iter().map(|name| (name.clone(), attribute(name))).collect(),
    };
    let layout = Layout::new(kind);
    let text = "x".repeat((4 << 20) - 1_000);
    let said = |name: &String| {
        let attributes = Map::from_iter([(name.clone(), json!(text))]);
        Record::encode(&layout, &attributes, &BTreeMap::new()).unwrap()
    };
    let records: Vec<Record> = names.iter().map(said).collect();
    let merged = Record::merge(&layout, &records.iter().collect::<Vec<_>>());
    let known: Vec<bool> =
        names.iter().map(|name| merged.reading(&layout, name) == Reading::Value(json!(text))).collect();
    assert_eq!(known.iter().filter(|known| **known).count(), 16);
    let last = merged.reading(&layout, "a17");
    assert!(matches!(last, Reading::Unknown(reason) if reason.why == Why::NotCollected));
}

#[test]
fn sources_are_merged_by_attribute() {
    let layout = layout();
    let newest = record("thing", json!({"b": "?", "i": 1, "s": null, "ss": ["n"]}));
    let older = record("thing", json!({"b": true, "i": 2, "s": "old", "os": [{"n": 3}], "c": "?"}));
    let merged = Record::merge(&layout, &[&newest, &older]);
    assert_eq!(merged.reading(&layout, "b"), Reading::Value(json!(true)));
    assert_eq!(merged.reading(&layout, "i"), Reading::Value(json!(1)));
    assert_eq!(merged.reading(&layout, "s"), Reading::Absent);
    assert_eq!(merged.reading(&layout, "ss"), Reading::Value(json!(["n"])));
    assert_eq!(merged.reading(&layout, "os"), Reading::Value(json!([{"n": 3}])));
    assert!(
        matches!(merged.reading(&layout, "c"), Reading::Unknown(reason) if reason.why == Why::NotCollected)
    );
    let denied = Record::merge(&layout, &[&older, &newest]);
    assert!(matches!(denied.reading(&layout, "c"), Reading::Unknown(reason) if reason.detail == "a:Read"));
    assert_eq!(Record::merge(&layout, &[]), Record::empty(&layout));
    assert_eq!(Record::merge(&layout, &[&older]), older);
}

/// JSON that fits a type.
pub(crate) fn fitting(of: &Type) -> BoxedStrategy<Value> {
    match of {
        Type::Bool => any::<bool>().prop_map(Value::from).boxed(),
        Type::Int => prop_oneof![-3_i64..10, any::<i64>()].prop_map(Value::from).boxed(),
        Type::Float => prop_oneof![Just(1.5), -1e9_f64..1e9].prop_map(Value::from).boxed(),
        Type::String => prop_oneof!["[abx]{0,2}", ".{0,12}"].prop_map(Value::from).boxed(),
        Type::Timestamp => (-100_i64..100, 0_i64..3)
            .prop_map(|(days, micros)| {
                let at = crate::sample::now().micros() + days * 86_400_000_000 + micros;
                octro_model::Timestamp::from_micros(at).to_string().into()
            })
            .boxed(),
        Type::Duration => (0_i64..200)
            .prop_map(|hours| octro_model::Span::from_secs(hours * 3_600).to_string().into())
            .boxed(),
        Type::List(of) => prop::collection::vec(fitting(of), 0..4).prop_map(Value::from).boxed(),
        Type::Map(of) => prop::collection::btree_map("[a-z]{0,3}", fitting(of), 0..4)
            .prop_map(|entries| Value::Object(entries.into_iter().collect()))
            .boxed(),
        Type::Object(fields) => {
            let fields: Vec<_> = fields
                .iter()
                .map(|(name, field)| {
                    let name = name.clone();
                    prop::option::of(fitting(&field.of))
                        .prop_map(move |value| value.map(|value| (name.clone(), value)))
                })
                .collect();
            fields.prop_map(|fields| Value::Object(fields.into_iter().flatten().collect())).boxed()
        }
    }
}

/// Attributes of a thing: each with a value, absent, denied, or not collected.
pub(crate) fn attributes() -> BoxedStrategy<Map<String, Value>> {
    let each: Vec<_> = layout()
        .kind()
        .attributes
        .iter()
        .map(|(name, attribute)| {
            let name = name.clone();
            prop_oneof![
                6 => fitting(&attribute.of).prop_map(Some),
                1 => Just(Some(Value::Null)),
                1 => Just(Some(json!("?"))),
                1 => Just(None),
            ]
            .prop_map(move |value| value.map(|value| (name.clone(), value)))
        })
        .collect();
    each.prop_map(|all| all.into_iter().flatten().collect()).boxed()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn records_come_back(attributes in attributes()) {
        let layout = layout();
        let first = record("thing", Value::Object(attributes.clone()));
        let mut again = Map::new();
        for (name, value) in &attributes {
            match first.reading(&layout, name) {
                Reading::Value(read) => {
                    prop_assert_eq!(&read, value, "{}", name);
                    again.insert(name.clone(), read);
                }
                Reading::Absent => prop_assert!(value.is_null()),
                Reading::Unknown(reason) => {
                    prop_assert!(value == "?");
                    prop_assert_eq!(reason.why, Why::Denied);
                }
            }
        }
        // The same through text, and alone or merged with nothing.
        let mut known = attributes.clone();
        known.retain(|_, value| value != "?");
        let body = json!({"attributes": known}).to_string();
        let parsed = Record::parse(&layout, body.as_bytes()).unwrap();
        let merged = Record::merge(&layout, &[&Record::empty(&layout), &parsed]);
        for (name, value) in &again {
            let value = Reading::Value(value.clone());
            prop_assert_eq!(&parsed.reading(&layout, name), &value);
            prop_assert_eq!(&merged.reading(&layout, name), &value);
        }
    }

    #[test]
    fn no_bytes_make_it_panic(body in prop::collection::vec(any::<u8>(), 0..300), text in "\\PC{0,200}") {
        let layout = layout();
        Record::parse(&layout, &body).ok();
        Record::parse(&layout, text.as_bytes()).ok();
        // Even a buffer that no layout of ours has made is only misread.
        let wild = Record(body.into_boxed_slice());
        for name in layout.kind().attributes.keys() {
            wild.reading(&layout, name);
        }
        Record::merge(&layout, &[&wild, &Record::empty(&layout), &wild]);
    }
}
