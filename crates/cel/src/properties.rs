//! What must hold of every expression over every record. The expressions are made at random from parts that fit.

use octro_model::{Span, Timestamp, UnknownReason, Why};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::record::tests::attributes;
use crate::sample::{Boxes, compile_on, now, record};
use crate::{NoWorld, Reading, Subject, Truth, World};

/// A condition over a thing.
fn condition() -> BoxedStrategy<String> {
    let leaf = prop_oneof![
        Just("resource.b".to_owned()),
        Just("resource.c".to_owned()),
        Just("has(resource.i)".to_owned()),
        Just("has(resource.o.in)".to_owned()),
        Just("has(resource.o.in.x)".to_owned()),
        Just("has(resource.tags.a)".to_owned()),
        Just("has(key(resource.box))".to_owned()),
        Just("key(resource.box).open".to_owned()),
        Just("resource.boxes.all(k, has(key(k).label))".to_owned()),
        Just("resource.i < resource.j".to_owned()),
        Just("resource.i / resource.j > 1".to_owned()),
        Just("resource.f >= resource.i".to_owned()),
        Just("resource.s == 'a'".to_owned()),
        Just("resource.s + 'x' in resource.ss".to_owned()),
        Just("resource.s in ['a', 'b', 'ab']".to_owned()),
        Just("resource.s.startsWith('a')".to_owned()),
        Just("resource.s.matches('^[ab]+$')".to_owned()),
        Just("'a' in resource.tags".to_owned()),
        Just("resource.is == [1, 2]".to_owned()),
        Just("resource.is.exists(x, x > resource.i)".to_owned()),
        Just("resource.os.all(x, x.n > 1)".to_owned()),
        Just("resource.os.exists(x, x.b && x.s == resource.s)".to_owned()),
        Just("resource.os.exists_one(x, has(x.n))".to_owned()),
        Just("size(resource.os.filter(x, x.n > 0)) > 1".to_owned()),
        Just("resource.os.map(x, x.n).all(n, n < 5)".to_owned()),
        Just("resource.os.filter(x, x.b)[0].n == 1".to_owned()),
        Just("resource.tags.exists(k, resource.tags[k] == 'a')".to_owned()),
        Just("(resource.b ? resource.i : resource.j) > 0".to_owned()),
        timed(),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} && {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} || {b})")),
            inner.clone().prop_map(|a| format!("!({a})")),
            (inner.clone(), inner.clone(), inner.clone()).prop_map(|(a, b, c)| format!("({a} ? {b} : {c})")),
            // The variable's name is longer the further out it is, so that no two are the same.
            inner.prop_map(|a| format!("resource.bs.exists(z{0}, z{0} == ({a}))", a.len())),
        ]
    })
    .boxed()
}

/// A comparison that time alone can change.
fn timed() -> BoxedStrategy<String> {
    let span = prop_oneof![
        Just("resource.d".to_owned()),
        (0_u32..300).prop_map(|hours| format!("duration('{hours}h')"))
    ];
    let moment = prop_oneof![
        Just("resource.t".to_owned()),
        Just("resource.u".to_owned()),
        Just("timestamp('2026-03-03')".to_owned()),
    ];
    let op = prop_oneof![Just("<"), Just("<="), Just(">"), Just(">="), Just("=="), Just("!=")];
    (span, moment, op, 0_u8..7)
        .prop_map(|(span, moment, op, form)| match form {
            0 => format!("age({moment}) {op} {span}"),
            1 => format!("now {op} {moment} + {span}"),
            2 => format!("{moment} - now {op} {span}"),
            3 => format!("age({moment}) + age(resource.t) {op} {span}"),
            4 => format!("resource.ts.exists(y, y {op} now)"),
            5 => format!("int(age({moment})) {op} resource.i"),
            _ => format!("-age({moment}) {op} (resource.b ? {span} : age(resource.u))"),
        })
        .boxed()
}

fn world(complete: bool) -> Boxes {
    let boxes = [("a", json!({"open": true, "label": "x"})), ("b", json!({"open": "?", "label": null}))];
    Boxes {
        boxes: boxes.into_iter().map(|(key, value)| (key.to_owned(), record("box", value))).collect(),
        things: Vec::new(),
        complete,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// Less knowledge never gives another verdict: the same, or none.
    #[test]
    fn losing_knowledge_only_loses_verdicts(text in condition(), attributes in attributes(), complete in any::<bool>()) {
        let expression = compile_on("thing", &text).unwrap_or_else(|faults| panic!("{text}: {faults:?}"));
        let full = record("thing", Value::Object(attributes.clone()));
        let world = world(complete);
        let before = expression.truth(&Subject { record: &full, key: "k" }, now(), &world).truth;
        for name in attributes.keys() {
            let mut fewer: Map<String, Value> = attributes.clone();
            fewer.insert(name.clone(), json!("?"));
            let fewer = record("thing", Value::Object(fewer));
            let after = expression.truth(&Subject { record: &fewer, key: "k" }, now(), &world).truth;
            prop_assert!(after == before || after == Truth::Unknown, "{}: {:?} became {:?} without {}", text, before, after, name);
        }
        let subject = Subject { record: &full, key: "k" };
        let alone = expression.truth(&subject, now(), &NoWorld).truth;
        prop_assert!(alone == before || alone == Truth::Unknown, "{}: {:?} became {:?}", text, before, alone);
    }

    /// Until `flips_at` nothing changes; the value and its explanation agree with the answer.
    #[test]
    fn answers_last_until_they_say(text in condition(), attributes in attributes(), steps in prop::collection::vec(0.0_f64..1.0, 4)) {
        let expression = compile_on("thing", &text).unwrap_or_else(|faults| panic!("{text}: {faults:?}"));
        let record = record("thing", Value::Object(attributes));
        let subject = Subject { record: &record, key: "k" };
        let world = world(true);
        let mut at = now();
        for step in steps {
            let answer = expression.truth(&subject, at, &world);
            prop_assert!(answer.flips_at > at, "{} at {}", text, at);
            let value = expression.value(&subject, at, &world);
            match answer.truth {
                Truth::True => prop_assert_eq!(value, Reading::Value(json!(true))),
                Truth::False => prop_assert_eq!(value, Reading::Value(json!(false))),
                // Alone, an attribute that is not set is absent; as a condition it decides nothing.
                Truth::Unknown => prop_assert!(matches!(value, Reading::Unknown(_) | Reading::Absent), "{}", text),
            }
            expression.explain(&subject, at, &world);
            let last = if answer.flips_at == Timestamp::MAX { at.plus(Span::from_secs(400 * 86_400)) } else { answer.flips_at };
            let length = last.since(at).micros();
            let within = (length as f64 * step) as i64;
            for later in [1.min(length - 1), within, length - 1] {
                let then = at.plus(Span::from_micros(later));
                prop_assert_eq!(expression.truth(&subject, then, &world).truth, answer.truth, "{} at {} and {}", text, at, then);
            }
            if !expression.reads_now() {
                prop_assert_eq!(answer.flips_at, Timestamp::MAX);
            }
            at = last;
        }
    }

    /// No text makes the compiler panic, and neither does what it compiled.
    #[test]
    fn no_text_panics(text in "\\PC{0,120}", tokens in prop::collection::vec(token(), 0..40)) {
        let subject_record = record("thing", json!({"i": 1}));
        let subject = Subject { record: &subject_record, key: "k" };
        for text in [text, tokens.join(" "), tokens.concat()] {
            if let Ok(expression) = compile_on("thing", &text) {
                expression.truth(&subject, now(), &NoWorld as &dyn World);
                expression.explain(&subject, now(), &NoWorld);
            }
        }
    }
}

fn token() -> BoxedStrategy<String> {
    let words = [
        "resource", ".", "i", "s", "os", "(", ")", "[", "]", "&&", "||", "!", "==", "<", "in", "+", "-", "1",
        "2.5", "'a'", "has", "size", "exists", "all", "x", ",", "?", ":", "now", "age", "t", "key", "box",
        "true", "'", "\\", "{", "//", "map", "filter", "params", "limit", "refs", "\n",
    ];
    prop::sample::select(words.to_vec()).prop_map(str::to_owned).boxed()
}

#[test]
fn a_reason_survives_the_way() {
    let denied = record("thing", json!({"b": "?"}));
    let value = compile_on("thing", "resource.b && true").unwrap().value(
        &Subject { record: &denied, key: "k" },
        now(),
        &NoWorld,
    );
    assert_eq!(value, Reading::Unknown(UnknownReason::new(Why::Denied, "a:Read")));
}
