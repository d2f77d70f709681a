//! What the checker refuses, derives and warns of.

use octro_model::Type;

use crate::sample::{compile, compile_on};
use crate::{Link, Read};

fn refused(text: &str) -> Vec<(u32, u32, String)> {
    match compile_on("thing", text) {
        Ok(_) => panic!("{text} was taken"),
        Err(faults) => {
            faults.into_iter().map(|fault| (fault.line, fault.column, fault.to_string())).collect()
        }
    }
}

#[test]
fn mistakes_are_told_with_place_and_remedy() {
    for (text, column, told) in [
        ("resource.tag", 10, "the kind `thing` has no `tag`; expected perhaps `tags`"),
        ("resource.o.q", 12, "the object has no `q`; expected one of `a`, `in`, `n`"),
        ("resource.i == 'x'", 12, "`==` between an int and a string; expected both of one type"),
        (
            "resource.d < '90d'",
            12,
            "`<` between a duration and a string; expected both of one type: write duration('90d')",
        ),
        ("resource.b < true", 12, "`<` between bools; expected `==` or `!=`"),
        ("resource.i && true", 1, "`&&` needs a condition, and this is an int; expected a bool"),
        ("!resource.s", 2, "`!` needs a condition, and this is a string; expected a bool"),
        ("sise(resource.s)", 1, "there is no function `sise`; expected perhaps `size`"),
        (
            "startsWith('a')",
            1,
            "there is no function `startsWith`; expected it after a value: x.startsWith(...)",
        ),
        ("resource.s.beginsWith('a')", 12, "there is no method `beginsWith`; expected"),
        ("resource.s.matches(resource.s)", 20, "a pattern that is not written here"),
        ("resource.s.matches('(')", 20, "the pattern cannot be used"),
        ("i == 1", 1, "`i` is not known here; expected `resource.i`"),
        ("params.grac", 8, "there is no param `grac`; expected perhaps `grace`"),
        ("params.wrong == 1", 8, "the value of the param `wrong` is no int"),
        ("has(resource)", 5, "has of something that is always there"),
        ("has(resource.is[0])", 5, "has of a list's element"),
        ("key(resource.s).open", 5, "key of something that names no resource"),
        ("refs('box', 'shelf').size() > 0", 13, "`shelf` of `box` does not name a `thing`"),
        ("refs('boxx', 'shelf').size() > 0", 6, "the kind `boxx` is not declared; expected perhaps `box`"),
        (
            "key(key(key(key(resource.box).shelf).shelf).shelf).open",
            1,
            "too long a chain of resources; expected at most 3",
        ),
        ("resource.is.exists(resource, true)", 20, "`resource` means something else already"),
        ("resource.is.exists(x, resource.is.all(x, true))", 39, "`x` means something else already"),
        ("resource.i.exists(x, true)", 1, "`exists` over an int; expected a list or a map"),
        ("resource.is.exists(1, true)", 20, "no name for the elements"),
        ("string(now) == ''", 8, "the text of a time that moves with `now`"),
        ("duration(resource.s) < duration('1d')", 10, "duration of something that is not written here"),
        ("timestamp('soon') < now", 11, "the text is no timestamp"),
        ("[1, 'a'].exists(x, true)", 5, "a string in a list of int"),
        (
            "1 + 1.0 == 2.0",
            3,
            "`+` between an int and a float; expected both of one type: write 2.0, double(x) or int(x)",
        ),
        ("resource.o == resource.o", 12, "`==` between two of type object"),
        ("resource.b ? 1 : 'a'", 18, "`?:` gives an int or a string"),
        ("1 in resource.ss", 3, "an int is looked for in a list of string"),
        ("resource.tags[1] == ''", 15, "a map's key cannot be an int"),
    ] {
        let faults = refused(text);
        assert!(
            faults.iter().any(|fault| fault.1 == column && fault.2.starts_with(told)),
            "{text}: {faults:?}"
        );
    }
}

#[test]
fn all_mistakes_are_told_at_once() {
    let faults = refused("resource.q == 1 &&\n  resource.i == 'é' &&\n  'é' == resource.z");
    let places: Vec<(u32, u32)> = faults.iter().map(|fault| (fault.0, fault.1)).collect();
    assert_eq!(places, [(1, 10), (2, 14), (3, 19)]);
}

#[test]
fn reads_and_links_are_derived() {
    let read = |kind: &str, path: &str| Read { kind: kind.parse().unwrap(), path: path.to_owned() };
    let expression = compile(
        "has(resource.o) && resource.o.a && resource.os.exists(x, x.n > 1) && key(resource.box).open \
         && resource.tags['team'] == 'a' && resource.boxes.all(k, has(key(k))) && size(resource.boxes) > 0",
    );
    assert_eq!(
        expression.reads(),
        [
            read("box", "open"),
            read("thing", "box"),
            read("thing", "boxes[]"),
            read("thing", "o.a"),
            read("thing", "os[].n"),
            read("thing", "tags['team']"),
        ]
    );
    let link = |attribute: &str| Link::Key {
        from_kind: "thing".parse().unwrap(),
        attribute: attribute.to_owned(),
        to: "box".parse().unwrap(),
    };
    assert_eq!(expression.links(), [link("box"), link("boxes[]")]);
    assert!(!expression.reads_now());
    let back =
        compile_on("box", "refs('thing', 'box').exists(x, x.b) && age(now) == duration('0s')").unwrap();
    assert_eq!(back.links(), [Link::Back { kind: "thing".parse().unwrap(), attribute: "box".to_owned() }]);
    assert_eq!(back.reads(), [read("thing", "b"), read("thing", "box")]);
    assert!(back.reads_now());
}

#[test]
fn types_come_out() {
    assert_eq!(*compile("resource.i + 1").type_of(), Type::Int);
    assert_eq!(*compile("resource.is.map(x, string(x))").type_of(), Type::List(Box::new(Type::String)));
    assert_eq!(compile("resource.os").type_of().to_string(), "list<object>");
    assert_eq!(*compile("now - resource.t").type_of(), Type::Duration);
}

#[test]
fn an_unguarded_all_is_warned_of() {
    let warned = |text: &str| compile(text).warnings().len();
    assert_eq!(warned("resource.is.all(x, x > 0)"), 1);
    assert_eq!(warned("size(resource.is) > 0 && resource.is.all(x, x > 0)"), 0);
    assert_eq!(warned("count( resource.is ) > 0 && resource.is.all(x, x > 0)"), 0);
    assert_eq!(warned("resource.is.size() > 0 && resource.is.all(x, x > 0)"), 0);
    assert_eq!(warned("resource.is.exists(x, true) && resource.is.all(x, x > 0)"), 0);
    assert_eq!(warned("size(resource.ss) > 0 && resource.is.all(x, x > 0)"), 1);
    let warning = compile("true || resource.is.all(x, x > 0)").warnings()[0].clone();
    assert_eq!((warning.line, warning.column), (1, 21));
}

#[test]
fn every_kind_must_be_declared() {
    let faults = compile_on("thong", "true").unwrap_err();
    assert_eq!(faults[0].to_string(), "the kind `thong` is not declared; expected perhaps `thing`");
}
