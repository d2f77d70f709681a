//! The rules of three-valued logic, one by one.

use std::collections::BTreeMap;

use octro_model::{Span, Timestamp, Why};
use serde_json::{Value, json};

use crate::Truth::{False, True, Unknown};
use crate::sample::{Boxes, answer, compile, compile_on, now, record, thing, truth};
use crate::{NoWorld, Reading, Subject};

/// Each expression over each record, with what must come out.
fn all(attributes: &Value, expected: &[(&str, crate::Truth)]) {
    for (text, expected) in expected {
        assert_eq!(truth(text, attributes.clone()), *expected, "{text} of {attributes}");
    }
}

#[test]
fn and_or_not_follow_kleene() {
    // c is denied, i is absent, j was never collected.
    let record = json!({"b": true, "c": "?", "i": null});
    all(
        &record,
        &[
            ("resource.b && resource.c", Unknown),
            ("resource.c && !resource.b", False),
            ("!resource.b && resource.c", False),
            ("resource.c && resource.c", Unknown),
            ("resource.c || resource.b", True),
            ("resource.b || resource.c", True),
            ("resource.c || !resource.b", Unknown),
            ("!resource.c", Unknown),
            ("!(resource.c && false)", True),
            ("resource.c == true", Unknown),
            ("resource.i == 1", Unknown),
            ("resource.j == 1", Unknown),
            ("resource.i == resource.i", Unknown),
        ],
    );
}

#[test]
fn has_tells_absent_from_unknown() {
    let record =
        json!({"b": true, "c": "?", "i": null, "o": {"a": false, "in": null}, "s": null, "tags": {"x": "1"}});
    all(
        &record,
        &[
            ("has(resource.b)", True),
            ("has(resource.i)", False),
            ("has(resource.c)", Unknown),
            ("has(resource.j)", Unknown),
            ("has(resource.o)", True),
            ("has(resource.o.a)", True),
            ("has(resource.o.n)", False),
            ("has(resource.o.in)", False),
            ("has(resource.o.in.x)", Unknown),
            ("has(resource.tags.x)", True),
            ("has(resource.tags['y'])", False),
            ("has(resource.flags.x)", Unknown),
            ("resource.i > 0", Unknown),
            ("has(resource.i) && resource.i > 0", False),
            ("'x' in resource.tags", True),
            ("'y' in resource.tags", False),
            ("'y' in resource.flags", Unknown),
        ],
    );
}

#[test]
fn quantifiers_are_three_valued() {
    let os = json!([{"n": 1}, {"n": null, "s": "x"}, {"n": 3, "b": true}]);
    let record = json!({"os": os, "is": [], "ss": null, "bs": [true, false]});
    all(
        &record,
        &[
            ("resource.os.exists(x, x.n == 3)", True),
            ("resource.os.exists(x, x.n == 4)", Unknown),
            ("resource.os.exists(x, has(x.n) && x.n == 4)", False),
            ("resource.os.all(x, x.n < 3)", False),
            ("resource.os.all(x, x.n < 9)", Unknown),
            ("resource.os.all(x, !has(x.n) || x.n < 9)", True),
            ("resource.os.exists_one(x, has(x.n) && x.n == 1)", True),
            ("resource.os.exists_one(x, has(x.n))", False),
            ("resource.os.exists_one(x, x.n == 1)", Unknown),
            ("resource.is.all(x, x > 5)", True),
            ("resource.is.exists(x, x > 5)", False),
            ("resource.is.exists_one(x, x > 5)", False),
            ("resource.ss.all(x, x == '')", Unknown),
            ("resource.ss.exists(x, true)", Unknown),
            ("resource.bs.exists(x, !x)", True),
            ("resource.os.filter(x, has(x.n)).size() == 2", True),
            ("resource.os.filter(x, x.n > 0).size() == 2", Unknown),
            ("resource.os.filter(x, x.n > 0).exists(x, x.n == 3)", True),
            ("resource.os.filter(x, x.n > 0).all(x, x.n > 3)", False),
            ("resource.os.map(x, x.n).exists(n, n == 3)", True),
            ("resource.os.map(x, x.n).all(n, n < 9)", Unknown),
            ("3 in resource.os.map(x, x.n)", True),
            ("4 in resource.os.map(x, x.n)", Unknown),
            ("resource.os[2].n == 3", True),
            ("resource.os[7].n == 3", Unknown),
            ("resource.os[-1].n == 3", Unknown),
            ("resource.os.exists(x, resource.bs.exists(y, y == x.b))", True),
        ],
    );
}

#[test]
fn operators_and_functions_calculate() {
    let record = json!({
        "i": 7, "j": -2, "f": 7.5, "s": "Prod-é", "is": [1, 2], "ss": ["a", "b"], "tags": {"k": "v"},
        "t": "2026-03-01T00:00:00Z", "d": "48h", "b": true
    });
    let held = [
        "resource.i + resource.j == 5 && resource.i * 2 == 14 && resource.i / resource.j == -3 && resource.i % 4 == 3",
        "resource.f > resource.i && resource.i < 7.1 && resource.i != 7.5 && 7.0 == resource.i",
        "resource.f + 0.5 == 8.0 && -resource.f < 0.0 && -resource.i == -7",
        "resource.s.startsWith('Prod') && resource.s.endsWith('é') && resource.s.contains('d-')",
        "resource.s.lowerAscii() == 'prod-é' && resource.s + '!' == 'Prod-é!'",
        "resource.s.matches('^[A-Z]rod-.$') && size(resource.s) == 6",
        "'a' in resource.ss && !('c' in resource.ss) && resource.i in [5, 6, 7] && resource.s != 'x'",
        "resource.is == [1, 2] && resource.is != [1] && resource.ss == params.names && resource.is != []",
        "resource.tags.k == 'v' && resource.tags['k'] in ['v'] && count(resource.tags) == 1",
        "resource.tags.exists(k, k == 'k') && resource.tags.all(k, resource.tags[k] == 'v')",
        "now - resource.t == resource.d && age(resource.t) <= duration('2d') && resource.t + resource.d == now",
        "resource.t < timestamp('2026-03-02') && int(resource.d) == 172800 && int(resource.t) == 1772323200",
        "int('12') == 12 && int(7.9) == 7 && double('1.5') == 1.5 && string(resource.i) == '7'",
        "string(resource.t) == '2026-03-01T00:00:00Z' && string(resource.d) == '2d'",
        "(resource.b ? resource.i : resource.j) == 7 && params.limit == 7 && params.grace > duration('13d')",
        "resource.i in resource.is.map(x, x + 5) && [resource.i, 1].exists(x, x == 7)",
        "resource.s in ['1','2','3','4','5','6','7','8','9','Prod-é'] && !(resource.s in ['1','2','3','4','5','6','7','8','9'])",
    ];
    for text in held {
        assert_eq!(truth(text, record.clone()), True, "{text}");
    }
    let unknown = [
        "resource.i / 0 == 1",
        "resource.i % 0 == 1",
        "9223372036854775807 + resource.i == 1",
        "-(-9223372036854775807 - 1) == resource.i",
        "resource.f / 0.0 == 1.0",
        "int(1e300) == resource.i",
        "int('x') == 1",
        "double('nan') == 1.0",
        "resource.tags.q == 'v'",
        "(resource.c ? 1 : 2) == 1",
    ];
    for text in unknown {
        assert_eq!(truth(text, record.clone()), Unknown, "{text}");
    }
    // An overflow decides nothing, and hides nothing that is decided.
    assert_eq!(truth("resource.i / 0 == 1 || resource.b", record), True);
}

#[test]
fn other_resources_are_found_missing_or_unknown() {
    let boxes = |complete| Boxes {
        boxes: BTreeMap::from([
            ("b1".to_owned(), record("box", json!({"open": true, "shelf": "b2"}))),
            ("b2".to_owned(), record("box", json!({"open": false, "shelf": null, "label": "?"}))),
        ]),
        things: vec![thing(json!({"i": 1, "b": true})), thing(json!({"i": 2, "b": "?"}))],
        complete,
    };
    let mine = thing(json!({"box": "b1", "boxes": ["b1", "b9"]}));
    let lost = thing(json!({"box": "b9"}));
    let none = thing(json!({"box": null}));
    for (text, record, complete, expected) in [
        ("key(resource.box).open", &mine, true, True),
        ("key(key(resource.box).shelf).open", &mine, true, False),
        ("has(key(resource.box))", &mine, true, True),
        ("has(key(resource.box).shelf)", &mine, true, True),
        ("has(key(resource.box))", &lost, true, False),
        ("has(key(resource.box))", &lost, false, Unknown),
        ("has(key(resource.box))", &none, true, Unknown),
        ("key(resource.box).open", &lost, true, Unknown),
        ("has(key(resource.box).open)", &lost, true, Unknown),
        ("has(key(key(resource.box).shelf).label)", &mine, true, Unknown),
        ("resource.boxes.exists(k, has(key(k)) && key(k).open)", &mine, true, True),
        ("resource.boxes.all(k, has(key(k)))", &mine, true, False),
        ("resource.boxes.all(k, has(key(k)))", &mine, false, Unknown),
    ] {
        assert_eq!(answer(text, record, &boxes(complete)).truth, expected, "{text}");
    }
    let shelf = record("box", json!({}));
    for (text, complete, expected) in [
        ("count(refs('thing', 'box')) == 2", true, True),
        ("count(refs('thing', 'box')) == 2", false, Unknown),
        ("refs('thing', 'box').exists(x, x.i == 2)", false, True),
        ("refs('thing', 'box').exists(x, x.i == 3)", true, False),
        ("refs('thing', 'box').exists(x, x.i == 3)", false, Unknown),
        ("refs('thing', 'box').all(x, x.i == 1)", false, False),
        ("refs('thing', 'box').all(x, x.i > 0)", true, True),
        ("refs('thing', 'box').all(x, x.i > 0)", false, Unknown),
        ("refs('thing', 'box').all(x, x.b)", true, Unknown),
        ("refs('thing', 'boxes').all(x, x.b)", true, True),
        ("2 in refs('thing', 'box').map(x, x.i)", false, True),
    ] {
        let expression = compile_on("box", text).unwrap();
        let got = expression.truth(&Subject { record: &shelf, key: "b1" }, now(), &boxes(complete));
        assert_eq!(got.truth, expected, "{text} {complete}");
    }
}

#[test]
fn answers_say_when_they_change() {
    let day = |days: i64| now().plus(Span::from_micros(Span::DAY.micros() * days));
    let past = |micros: i64| now().plus(Span::from_micros(micros));
    let record =
        thing(json!({"t": "2026-03-01", "u": "2026-04-01", "b": true, "ts": ["2026-03-10", "2026-03-05"]}));
    for (text, truth, flips_at) in [
        ("age(resource.t) < duration('90d')", True, day(88)),
        ("age(resource.t) <= duration('90d')", True, day(88).plus(Span::from_micros(1))),
        ("age(resource.t) > duration('1d')", True, Timestamp::MAX),
        ("age(resource.t) > duration('2d')", False, past(1)),
        ("now < resource.u", True, day(29)),
        ("resource.u > now", True, day(29)),
        ("resource.u - now >= duration('7d')", True, day(22).plus(Span::from_micros(1))),
        ("now - duration('1h') > resource.u", False, day(29).plus(Span::from_micros(3_600_000_001))),
        ("now == resource.u", False, day(29)),
        ("resource.b && now < resource.u", True, day(29)),
        ("!resource.b && now < resource.u", False, Timestamp::MAX),
        ("resource.ts.exists(t, t <= now)", False, day(2)),
        ("resource.ts.exists(t, t < now)", False, day(2).plus(Span::from_micros(1))),
        ("int(age(resource.t)) < 5", False, past(1_000_000)),
    ] {
        let got = answer(text, &record, &NoWorld);
        assert_eq!((got.truth, got.flips_at), (truth, flips_at), "{text}");
    }
    let unknown = thing(json!({"t": "?"}));
    assert_eq!(answer("age(resource.t) < duration('1d')", &unknown, &NoWorld).flips_at, Timestamp::MAX);
}

#[test]
fn explanations_tell_what_was_read() {
    let record = thing(json!({"b": true, "c": "?", "i": null, "os": [{"n": 1}, {"n": 5}], "box": "b1"}));
    let world = Boxes {
        boxes: BTreeMap::from([("b1".to_owned(), record_box())]),
        things: Vec::new(),
        complete: true,
    };
    let subject = Subject { record: &record, key: "me" };
    let text = "resource.b && (resource.c || has(resource.i)) && resource.os.exists(x, x.n == 5) || key(resource.box).open";
    let facts = compile(text).explain(&subject, now(), &world);
    let told: Vec<String> =
        facts.iter().map(|fact| format!("{}/{}/{}", fact.kind, fact.key, fact.path)).collect();
    assert_eq!(
        told,
        ["thing//b", "thing//c", "thing//i", "thing//os[0].n", "thing//os[1].n", "thing//box", "box/b1/open"]
    );
    assert!(matches!(&facts[1].reading, Reading::Unknown(reason) if reason.why == Why::Denied));
    assert_eq!(facts[2].reading, Reading::Absent);
    assert_eq!(facts[4].reading, Reading::Value(json!(5)));
    let empty = thing(json!({"os": []}));
    let facts = compile("resource.os.exists(x, x.n == 5)").explain(
        &Subject { record: &empty, key: "" },
        now(),
        &world,
    );
    assert_eq!(facts[0].reading, Reading::Value(json!([])));
}

fn record_box() -> crate::Record {
    record("box", json!({"open": true}))
}

#[test]
fn values_come_out_as_json_or_say_why_not() {
    let record = thing(
        json!({"i": 7, "c": "?", "s": null, "os": [{"n": 1}], "d": "90d", "t": "2026-03-01", "box": "b9"}),
    );
    let subject = Subject { record: &record, key: "me" };
    let value = |text: &str| compile(text).value(&subject, now(), &NoWorld);
    assert_eq!(value("resource.i + 1"), Reading::Value(json!(8)));
    assert_eq!(value("resource.os"), Reading::Value(json!([{"n": 1}])));
    assert_eq!(value("resource.os.map(x, x.n)"), Reading::Value(json!([1])));
    assert_eq!(value("resource.d"), Reading::Value(json!("90d")));
    assert_eq!(value("age(resource.t)"), Reading::Value(json!("2d")));
    assert_eq!(value("params.names"), Reading::Value(json!(["a", "b"])));
    assert_eq!(value("resource.s"), Reading::Absent);
    assert!(matches!(value("resource.c"), Reading::Unknown(reason) if reason.detail == "a:Read"));
    assert!(matches!(value("resource.j"), Reading::Unknown(reason) if reason.why == Why::NotCollected));
    assert!(
        matches!(value("resource.s + 'x'"), Reading::Unknown(reason) if reason.detail == "`s` is not set")
    );
    assert!(
        matches!(value("key(resource.box).open"), Reading::Unknown(reason) if reason.why == Why::NotCollected)
    );
}

#[test]
fn endless_work_is_cut_off() {
    let numbers: Vec<i64> = (0..200_000).collect();
    let many = thing(json!({"is": numbers, "s": "x".repeat(1 << 20), "ss": vec!["y"; 1_000]}));
    for text in [
        "resource.is.all(x, resource.is.exists(y, y == -x - 1))",
        "resource.is.exists(x, -1 - x in resource.is)",
        "resource.is.all(x, resource.is[x] == x)",
        "resource.ss.all(y, resource.s.contains('z') || resource.ss.all(z, !resource.s.contains(z)))",
        "resource.ss.all(y, resource.ss.all(z, resource.s.matches('x+z') || true))",
        "resource.is.map(x, resource.is.filter(y, y > x)).all(xs, size(xs) > 5)",
    ] {
        let got = answer(text, &many, &NoWorld).truth;
        assert!(matches!(got, Unknown | False), "{text}: {got:?}");
    }
    let facts =
        compile("resource.is.all(x, x >= 0)").explain(&Subject { record: &many, key: "k" }, now(), &NoWorld);
    assert!(facts.len() <= 400);
}
