//! Messages.

use serde_json::json;

use crate::sample::{kinds, now, record};
use crate::{Environment, NoWorld, Params, Subject, Template};

fn compile(text: &str) -> Result<Template, Vec<crate::Fault>> {
    let on = "thing".parse().unwrap();
    Template::compile(text, &Environment { kinds: &kinds(), on: &on, params: &Params::default() })
}

fn render(text: &str) -> String {
    let record = record(
        "thing",
        json!({"s": "web1", "i": 3, "b": true, "c": "?", "ss": ["a", "b"], "is": [], "j": null, "t": "2026-03-01", "tags": {"k": "}"}}),
    );
    compile(text).unwrap().render(&Subject { record: &record, key: "k" }, now(), &NoWorld)
}

#[test]
fn values_stand_in_messages() {
    assert_eq!(render("{resource.s} has {resource.i + 1} of {resource.ss}"), "web1 has 4 of a, b");
    assert_eq!(render("{resource.j} {resource.is} {resource.b}"), "(not set) (none) true");
    assert_eq!(render("{resource.c}"), "(unknown: denied: a:Read)");
    assert_eq!(render("{resource.f}"), "(unknown: not collected: `f`)");
    assert_eq!(render("{{x}} {resource.tags['k'] + '}'}"), "{x} }}");
    assert_eq!(render("since {age(resource.t)} at {string(now)}"), "since 2d at 2026-03-03T00:00:00Z");
    assert_eq!(render(""), "");
}

#[test]
fn faults_stand_at_their_place() {
    let places = |text: &str| {
        let faults = compile(text).unwrap_err();
        faults.iter().map(|fault| (fault.line, fault.column)).collect::<Vec<_>>()
    };
    assert_eq!(places("é {resource.q}\n{resource.i == }"), [(1, 13), (2, 16)]);
    assert_eq!(places("a } b"), [(1, 3)]);
    assert_eq!(places("a {b"), [(1, 3)]);
    assert_eq!(places("{}"), [(1, 2)]);
    assert_eq!(places(&"x".repeat(10_000)), [(1, 1)]);
}

#[test]
fn reads_are_those_of_its_expressions() {
    let template = compile("{resource.s} {resource.o.a} {resource.s}").unwrap();
    let paths: Vec<&str> = template.reads().iter().map(|read| read.path.as_str()).collect();
    assert_eq!(paths, ["o.a", "s"]);
}
