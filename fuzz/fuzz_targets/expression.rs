//! An expression: the text before the first mark is compiled over a schema with everything; `#== record` and
//! `#== other` are JSON bodies (a thing with everything if the first is none), `#== wild` is any bytes. What compiles is
//! evaluated on all of them: it never panics, answer and value agree, an answer lasts until it says, and knowing less
//! changes no verdict into another one.
#![no_main]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use octro_cel::{
    Environment, Expression, Kinds, NoWorld, Params, Reading, Record, Subject, Template, Truth, World,
};
use octro_fuzz::{FULL, NOW, Others, id, kinds, params, parts, wild};
use octro_model::{Id, Span, Timestamp, Type, UnknownReason, Why};
use serde_json::{Map, Value};

static KINDS: LazyLock<Kinds> = LazyLock::new(kinds);
static PARAMS: LazyLock<Params> = LazyLock::new(params);
static WHOLE: LazyLock<Record> = LazyLock::new(|| {
    let thing = KINDS.get("thing").expect("a kind");
    Record::parse(thing, FULL.as_bytes()).expect("a thing with everything")
});
static ON: LazyLock<Id> = LazyLock::new(|| id("thing"));

fuzz_target!(|input: &[u8]| {
    let parts = parts(input);
    let part = |name: &str| {
        parts.iter().find(|(found, _)| found == name).map_or(&b""[..], |(_, bytes)| bytes.as_slice())
    };
    let Ok(text) = std::str::from_utf8(part("")) else { return };
    let text = text.trim_end_matches('\n');
    let env = Environment { kinds: &KINDS, on: &ON, params: &PARAMS };
    let thing = KINDS.get("thing").expect("a kind");
    let boxed = KINDS.get("box").expect("a kind");
    let record = Record::parse(thing, part("record")).unwrap_or_else(|_| WHOLE.clone());
    let other = Record::parse(boxed, part("other")).unwrap_or_else(|_| Record::empty(boxed));
    let world = |complete| Others {
        a: other.clone(),
        b: Record::empty(boxed),
        things: vec![record.clone(), Record::empty(thing)],
        complete,
    };
    let subject = Subject { record: &record, key: "a" };
    if let Ok(template) = Template::compile(text, &env) {
        template.render(&subject, NOW, &world(true));
    }
    let expression = match Expression::compile(text, &env) {
        Ok(expression) => expression,
        Err(faults) => {
            assert!(!faults.is_empty(), "refused without a reason");
            let lines = text.matches('\n').count() as u32 + 1;
            for fault in faults {
                assert!(fault.line >= 1 && fault.line <= lines && fault.column >= 1, "{fault:?}");
            }
            return;
        }
    };
    for complete in [true, false] {
        let world = world(complete);
        agrees(&expression, &subject, NOW, &world);
        lasts(&expression, &subject, &world);
    }
    loses_only_verdicts(&expression, &record, &world(true));
    if let Some(wild) = wild(&KINDS, part("wild")) {
        let world = Others {
            a: wild.clone(),
            b: wild.clone(),
            things: vec![wild.clone(), record.clone()],
            complete: true,
        };
        let subject = Subject { record: &wild, key: "a" };
        expression.truth(&subject, NOW, &world);
        expression.value(&subject, NOW, &world);
        expression.explain(&subject, NOW, &world);
    }
});

/// The answer, the value and the explanation say the same.
fn agrees(expression: &Expression, subject: &Subject<'_>, now: Timestamp, world: &dyn World) -> Truth {
    let answer = expression.truth(subject, now, world);
    assert!(answer.flips_at > now, "it flips at {} already", answer.flips_at);
    if !expression.reads_now() {
        assert_eq!(answer.flips_at, Timestamp::MAX);
    }
    let value = expression.value(subject, now, world);
    expression.explain(subject, now, world);
    if *expression.type_of() == Type::Bool {
        match answer.truth {
            Truth::True => assert_eq!(value, Reading::Value(Value::Bool(true))),
            Truth::False => assert_eq!(value, Reading::Value(Value::Bool(false))),
            Truth::Unknown => assert!(!matches!(value, Reading::Value(_)), "{value:?}"),
        }
    } else {
        assert_eq!(answer.truth, Truth::Unknown);
    }
    answer.truth
}

/// Until it flips, nothing changes.
fn lasts(expression: &Expression, subject: &Subject<'_>, world: &dyn World) {
    let mut at = NOW;
    for _ in 0..3 {
        let answer = expression.truth(subject, at, world);
        let last = if answer.flips_at == Timestamp::MAX {
            at.plus(Span::from_secs(86_400 * 4_000))
        } else {
            answer.flips_at
        };
        let length = last.since(at).micros();
        for later in [1.min(length - 1), length / 3, length - 1] {
            let then = at.plus(Span::from_micros(later));
            let truth = expression.truth(subject, then, world).truth;
            assert_eq!(truth, answer.truth, "it says {at} to {last}, and changes by {then}");
        }
        if answer.flips_at == Timestamp::MAX {
            break;
        }
        at = last;
    }
}

/// Less knowledge gives the same verdict or none.
fn loses_only_verdicts(expression: &Expression, record: &Record, world: &Others) {
    let thing = KINDS.get("thing").expect("a kind");
    let mut attributes = Map::new();
    let mut unknown: BTreeMap<String, UnknownReason> = BTreeMap::new();
    for name in thing.kind().attributes.keys() {
        match record.reading(thing, name) {
            Reading::Value(value) => {
                attributes.insert(name.clone(), value);
            }
            Reading::Absent => {
                attributes.insert(name.clone(), Value::Null);
            }
            Reading::Unknown(reason) => {
                unknown.insert(name.clone(), reason);
            }
        }
    }
    let truth = |record: &Record, world: &dyn World| {
        expression.truth(&Subject { record, key: "a" }, NOW, world).truth
    };
    let whole = Record::encode(thing, &attributes, &unknown).expect("what was read can be written");
    let before = truth(&whole, world);
    assert_eq!(before, truth(record, world), "the record is another one after reading and writing");
    for name in attributes.keys() {
        let mut fewer = attributes.clone();
        fewer.remove(name);
        let mut more = unknown.clone();
        more.insert(name.clone(), UnknownReason::new(Why::Denied, "x"));
        let fewer = Record::encode(thing, &fewer, &more).expect("less can be written");
        let after = truth(&fewer, world);
        assert!(after == before || after == Truth::Unknown, "{before:?} became {after:?} without `{name}`");
    }
    let alone = truth(&whole, &NoWorld);
    assert!(alone == before || alone == Truth::Unknown, "{before:?} became {alone:?} alone");
}
