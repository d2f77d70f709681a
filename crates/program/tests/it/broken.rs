//! Broken files, and exactly what is said of each.

use std::collections::BTreeMap;

use octro_program::{Files, load, load_stored};

use crate::sample::{changed, problems, sample};

/// Each case: a file, what is replaced in it by what, and the one line that is expected.
fn expect(cases: &[(&str, &str, &str, &str)]) {
    for (path, from, to, line) in cases {
        let found = problems(changed(path, from, to));
        assert_eq!(found, [*line], "{path}: {from:?} -> {to:?}");
    }
}

const TEST: &str = "tests/host/host.filesystem.encrypted.toml";
const KIND: &str = "kinds/host/host.filesystem.toml";
const CONTROL: &str = "controls/endpoints/EP-01.toml";
const EXCEPTION: &str = "exceptions/build.toml";
const POLICY: &str = "policies/endpoints.md";

#[test]
fn keys_types_and_syntax() {
    expect(&[
        (
            "program.toml",
            "name = \"Sample\"",
            "",
            "program.toml:1:1: `name` is missing; expected `name = \"...\"`",
        ),
        (
            "program.toml",
            "\"Sample\"",
            "3",
            "program.toml:1:8: `name` is a whole number; expected a text in quotes",
        ),
        ("program.toml", "\"Sample\"", "\" \"", "program.toml:1:8: `name` is empty; expected a text"),
        (
            "program.toml",
            "device =",
            "de/vice =",
            "program.toml:3:3: this is no TOML: invalid unquoted key; expected letters, numbers, `-`, `_`",
        ),
        ("roles.toml", "doc =", "dco =", "roles.toml:3:1: unknown key `dco` in `it`; expected `doc`"),
    ]);
    let found = problems(changed(TEST, "severity = \"high\"", "serverity = \"high\""));
    assert_eq!(
        found,
        [
            format!("{TEST}:1:1: `severity` is missing; expected info, low, medium, high or critical"),
            format!("{TEST}:4:1: unknown key `serverity`; expected `severity`"),
        ]
    );
    expect(&[
        (
            TEST,
            "\"high\"",
            "\"huge\"",
            "tests/host/host.filesystem.encrypted.toml:4:12: `huge` is no severity; expected one of info, low, medium, high, critical",
        ),
        (
            TEST,
            "rev = 1",
            "rev = 0",
            "tests/host/host.filesystem.encrypted.toml:1:7: `rev` is 0; expected a whole number from 1 on",
        ),
        (
            TEST,
            "\"24h\"",
            "24",
            "tests/host/host.filesystem.encrypted.toml:9:11: `max_age` is a whole number; expected a text in quotes",
        ),
        (
            TEST,
            "\"24h\"",
            "\"1y\"",
            "tests/host/host.filesystem.encrypted.toml:9:11: `max_age` is `1y`, no length of time; expected 90d, 24h, 15m, 30s or 1h30m",
        ),
        (
            TEST,
            "rev = 1",
            "id = \"x\"\nrev = 1",
            "tests/host/host.filesystem.encrypted.toml:1:1: unknown key `id`; expected none: the name of the file says it",
        ),
        (
            TEST,
            "[fix]\ntext",
            "[fix]\ncommand",
            "tests/host/host.filesystem.encrypted.toml:14:1: `text` is missing in `[fix]`; expected `text = \"...\"`",
        ),
        (
            TEST,
            "[[maps]]",
            "[maps]",
            "tests/host/host.filesystem.encrypted.toml:16:1: `maps` is a table; expected a list of tables: `[[maps]]`",
        ),
    ]);
}

#[test]
fn data_classes() {
    let with = |text: &str| {
        let mut files = sample();
        files.insert("data-classes.toml".to_owned(), text.as_bytes().to_vec());
        problems(files)
    };
    const GOOD: &str = "[[classes]]\nid = \"customer\"\ntitle = \"Customer data\"\n\n[[stores]]\nclass = \"customer\"\nkeys = [\"web*\"]\n";
    for (from, to, expected) in [
        (
            "class = \"customer\"",
            "class = \"custom\"",
            "data-classes.toml:6:9: there is no class `custom`; expected `customer`",
        ),
        (
            "keys = [\"web*\"]",
            "kinds = [\"host.filesystem\"]",
            "data-classes.toml:7:10: `host.filesystem` is no kind whose resources hold data; expected a kind with `data_class`, or a pattern of some; there is none",
        ),
        (
            "keys = [\"web*\"]\n",
            "",
            "data-classes.toml:5:1: these would be all stores that there are; expected `kinds`, `keys` or `accounts`, each a list of patterns",
        ),
        ("keys =", "key =", "data-classes.toml:7:1: unknown key `key` in `[[stores]]`; expected `keys`"),
        (
            "title = \"Customer data\"\n",
            "title = \"Customer data\"\n\n[[classes]]\nid = \"customer\"\ntitle = \"x\"\n",
            "data-classes.toml:6:6: class `customer` stands twice; expected each once",
        ),
    ] {
        assert!(GOOD.contains(from), "{from}");
        let found = with(&GOOD.replacen(from, to, 1));
        assert!(found.iter().any(|problem| problem == expected), "{found:#?}");
    }
    assert!(with(GOOD).is_empty());
}

#[test]
fn kinds() {
    expect(&[
        (
            KIND,
            "\"list<object>\"",
            "\"list<objekt>\"",
            "kinds/host/host.filesystem.toml:17:8: `list<objekt>` is no type; expected bool, int, float, string, timestamp, duration, list<T>, map<T>, or object with fields, also as list<object>",
        ),
        (
            KIND,
            "type = \"bool\"",
            "type = \"object\"",
            "kinds/host/host.filesystem.toml:6:8: `object` without fields; expected a table `fields` with at least one field",
        ),
        (
            KIND,
            "\"list<object>\"",
            "\"list<string>\"",
            "kinds/host/host.filesystem.toml:17:8: `list<string>` has fields; expected object, list<object> or map<object>",
        ),
        (
            KIND,
            "ref = \"host\"",
            "ref = \"hots\"",
            "kinds/host/host.filesystem.toml:10:7: unknown kind `hots`; expected `host`",
        ),
        (
            KIND,
            "unit = \"bytes\"",
            "ref = \"host\"",
            "kinds/host/host.filesystem.toml:14:7: `ref` of something that is no key; expected string or list<string>",
        ),
        (
            KIND,
            "ref = \"host\"",
            "unit = \"m\"",
            "kinds/host/host.filesystem.toml:10:8: `unit` of a string; expected a unit for numbers only",
        ),
        (
            KIND,
            "part = \"endpoints\"",
            "part = \"endpoint\"",
            "kinds/host/host.filesystem.toml:4:8: unknown part `endpoint`; expected `endpoints`",
        ),
        (
            KIND,
            "doc = \"Its size.\"",
            "doc = \"\"",
            "kinds/host/host.filesystem.toml:15:7: `doc` is empty; expected a text",
        ),
        (
            KIND,
            "[attributes.encrypted]",
            "[attributes.\"en-crypted\"]",
            "kinds/host/host.filesystem.toml:5:13: `en-crypted` cannot name an attribute; expected letters, digits and `_`, no digit first, and no word of the expression language",
        ),
        (
            "kinds/host.toml",
            "asset = \"device\"",
            "asset = \"devise\"",
            "kinds/host.toml:5:9: unknown asset class `devise`; expected `device`",
        ),
    ]);
    let mut files = sample();
    files.insert("kinds/other/host.toml".into(), files["kinds/host.toml"].clone());
    assert_eq!(
        problems(files),
        [
            "kinds/other/host.toml:1:1: kind `host` is declared by kinds/host.toml too; expected one file for each id"
        ]
    );
    for (path, line) in [
        (
            "kinds/my kind.toml",
            "kinds/my kind.toml:1:1: `my kind` cannot be the id of a kind; expected 1-120 characters of a-z A-Z 0-9 . _ -, the first a letter or digit",
        ),
        (
            "policies/x.toml",
            "policies/x.toml:1:1: no policy is declared by a file of this path; expected policies/<id>.md",
        ),
        (
            "controls/EP-02.toml",
            "controls/EP-02.toml:1:1: no control is declared by a file of this path; expected controls/<part>/<id>.toml",
        ),
        (
            "frameworks/x/catalog.json",
            "frameworks/x/catalog.json:1:1: there is no framework.toml beside this file; expected frameworks/x/framework.toml",
        ),
    ] {
        let mut files = sample();
        files.insert(path.into(), b"".to_vec());
        assert_eq!(problems(files), [line]);
    }
}

#[test]
fn controls_policies_and_claims() {
    expect(&[
        (
            CONTROL,
            "owner = \"it\"",
            "",
            "controls/endpoints/EP-01.toml:1:1: `owner` is missing; expected `owner = \"...\"`, a role of roles.toml",
        ),
        (
            CONTROL,
            "layer = \"protect\"",
            "",
            "controls/endpoints/EP-01.toml:1:1: `layer` is missing; expected identify, protect, detect, respond or recover",
        ),
        (
            CONTROL,
            "owner = \"it\"",
            "owner = \"ti\"",
            "controls/endpoints/EP-01.toml:4:9: unknown role `ti`; expected `it`",
        ),
        (
            CONTROL,
            "#disk-encryption",
            "#disc-encryption",
            "controls/endpoints/EP-01.toml:6:10: policy `endpoints` has no heading `disc-encryption`; expected `disk-encryption`",
        ),
        (
            CONTROL,
            "\"endpoints#",
            "\"endpoint#",
            "controls/endpoints/EP-01.toml:6:10: unknown policy `endpoint`; expected `endpoints`",
        ),
        (
            CONTROL,
            "[\"device\"]",
            "[\"laptop\"]",
            "controls/endpoints/EP-01.toml:7:13: unknown asset class `laptop`; expected one of: device",
        ),
        (
            CONTROL,
            "[\"host.filesystem.encrypted\"]",
            "[\"host.filesystem.encryptet\"]",
            "controls/endpoints/EP-01.toml:8:10: unknown test `host.filesystem.encryptet`; expected `host.filesystem.encrypted`",
        ),
        (
            CONTROL,
            "framework = \"iso\"\nrequirement = \"A.8.1\"",
            "framework = \"csf\"\nrequirement = \"Pr.Ds-01\"",
            "controls/endpoints/EP-01.toml:15:15: `PR.DS-01` of csf is mapped twice; expected each once",
        ),
        (
            POLICY,
            "review = \"365d\"",
            "review = \"never\"",
            "policies/endpoints.md:4:10: `review` is `never`, no length of time; expected 90d, 24h, 15m, 30s or 1h30m",
        ),
        (
            POLICY,
            "[\"employee\"]",
            "[\"employees\"]",
            "policies/endpoints.md:5:13: unknown role `employees`; expected `employee`",
        ),
        (
            POLICY,
            "+++\n# End",
            "# End",
            "policies/endpoints.md:1:1: there is no front matter; expected `+++` alone on a line before and after the front matter",
        ),
        (
            "claims/at-rest.md",
            "EP-01",
            "EP-02",
            "claims/at-rest.md:3:13: unknown control `EP-02`; expected `EP-01`",
        ),
        (
            "claims/at-rest.md",
            "[\"EP-01\"]",
            "[]",
            "claims/at-rest.md:3:12: `controls` is empty; expected `controls = [\"...\"]`: what makes it true",
        ),
        (
            "training/phishing.md",
            "\"module\"",
            "\"video\"",
            "training/phishing.md:3:8: `form` is `video`; expected one of module, live, briefing",
        ),
        (
            "apps/wiki.toml",
            "approver = \"it\"",
            "approver = \"boss\"",
            "apps/wiki.toml:4:12: unknown role `boss`; expected one of: employee, it",
        ),
        (
            "apps/wiki.toml",
            "critical = false",
            "critical = \"no\"",
            "apps/wiki.toml:6:12: `critical` is a text; expected `true` or `false`",
        ),
    ]);
}

#[test]
fn exceptions() {
    let long = format!("approver = \"{}\"", "x".repeat(2_049));
    expect(&[
        (
            EXCEPTION,
            "approver = \"bob@example.com\"",
            &long,
            "exceptions/build.toml:5:12: `approver` has 2049 bytes; expected at most 2048",
        ),
        (
            EXCEPTION,
            "bob@example.com",
            "bob\\u0000",
            "exceptions/build.toml:5:12: `approver` has a NUL character; expected a text without one",
        ),
        (
            EXCEPTION,
            "bob@example.com",
            "Ann@Example.com",
            "exceptions/build.toml:5:12: `Ann@Example.com` approves an exception of their own; expected another person than the owner",
        ),
        (
            EXCEPTION,
            "expires = 2026-06-01",
            "",
            "exceptions/build.toml:1:1: `expires` is missing; expected `expires = \"2026-06-01\"`",
        ),
        (
            EXCEPTION,
            "2026-06-01",
            "2026-02-01",
            "exceptions/build.toml:7:11: the exception expires on 2026-02-01T00:00:00Z; expected a time after 2026-03-01T00:00:00Z, when it was approved",
        ),
        (
            EXCEPTION,
            "host.filesystem.encrypted",
            "host.swap.encrypted",
            "exceptions/build.toml:1:8: unknown test `host.swap.encrypted`; expected one of: host.filesystem.encrypted",
        ),
    ]);
}

#[test]
fn frameworks() {
    let iso = "frameworks/iso/requirements.toml";
    expect(&[
        (
            "frameworks/csf/framework.toml",
            "text = \"full\"",
            "",
            "frameworks/csf/framework.toml:1:1: `text` is missing; expected `text = \"full\"` or `\"ids\"`",
        ),
        (
            iso,
            "parent = \"A.8\"",
            "parent = \"A.9\"",
            "frameworks/iso/requirements.toml:6:10: there is no requirement `A.9`; expected the id of another requirement",
        ),
        (
            iso,
            "[[requirement]]\nid = \"A.8\"\n",
            "[[requirement]]\nid = \"A.8\"\n[[requirement]]\nid = \"a.8\"\n",
            "frameworks/iso/requirements.toml:4:6: requirement `a.8` stands twice; expected each id once",
        ),
    ]);
    let found = problems(changed("frameworks/csf/catalog.json", "\"title\": \"Data Security\",", ""));
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("frameworks/csf/catalog.json:2:"), "{}", found[0]);
    assert!(found[0].contains("missing field `title`"), "{}", found[0]);
    let mut files = sample();
    files.remove(iso);
    assert_eq!(
        problems(files),
        [
            "frameworks/iso/framework.toml:1:1: no requirements can be read beside this file; expected catalog.json or requirements.toml"
        ]
    );
}

#[test]
fn a_stored_exception_is_read_however_long_it_is() {
    let approver = "x".repeat(2_049);
    let files = Files::new(changed(EXCEPTION, "bob@example.com", &approver));
    assert!(load(&files).is_err());
    assert_eq!(load_stored(&files).unwrap().exceptions["build"].approver, approver);
}

#[test]
fn ten_mistakes_are_ten_problems() {
    let mut files: BTreeMap<String, Vec<u8>> = sample();
    let mut mend = |path: &str, from: &str, to: &str| {
        let text = String::from_utf8(files[path].clone()).unwrap();
        assert!(text.contains(from), "{path}: {from}");
        files.insert(path.to_owned(), text.replacen(from, to, 1).into_bytes());
    };
    mend("roles.toml", "title = \"IT\"", "titel = \"IT\"");
    mend("kinds/host.toml", "asset = \"device\"", "asset = \"desk\"");
    mend(TEST, "severity = \"high\"", "severity = \"dire\"");
    mend(TEST, "max_age = \"24h\"", "max_age = \"soon\"");
    mend(CONTROL, "layer = \"protect\"", "layer = \"prevent\"");
    mend(CONTROL, "owner = \"it\"", "owner = \"ceo\"");
    mend(POLICY, "review = \"365d\"", "review = 365");
    mend("claims/at-rest.md", "EP-01", "EP-9");
    mend(EXCEPTION, "bob@", "ann@");
    let found = problems(files);
    // The misspelt title of the role is two: one key is missing, another unknown.
    assert_eq!(found.len(), 10, "{found:#?}");
    let lines: Vec<&str> = found.iter().map(|line| line.split(": ").next().unwrap()).collect();
    assert_eq!(
        lines,
        [
            "claims/at-rest.md:3:13",
            "controls/endpoints/EP-01.toml:4:9",
            "controls/endpoints/EP-01.toml:5:9",
            "exceptions/build.toml:5:12",
            "kinds/host.toml:5:9",
            "policies/endpoints.md:4:10",
            "roles.toml:1:1",
            "roles.toml:2:1",
            "tests/host/host.filesystem.encrypted.toml:4:12",
            "tests/host/host.filesystem.encrypted.toml:9:11",
        ]
    );
}
