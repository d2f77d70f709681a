//! Broken tests, examples and expressions, and exactly what is said of each.

use crate::sample::{changed, problems, sample};

const TEST: &str = "tests/host/host.filesystem.encrypted.toml";

#[test]
fn tests_and_their_examples() {
    let t = |rest: &str| format!("{TEST}:{rest}");
    for (from, to, line) in [
        (
            "on = \"host.filesystem\"",
            "on = \"host.filesystm\"",
            t("5:6: unknown kind `host.filesystm`; expected `host.filesystem`"),
        ),
        (
            "framework = \"csf\"",
            "framework = \"nist\"",
            t("17:13: unknown framework `nist`; expected one of: csf, iso"),
        ),
        ("pr.ds-01", "pr.ds-02", t("18:15: csf has no requirement `pr.ds-02`; expected `PR.DS-01`")),
        (
            "coverage = \"partial\"",
            "coverage = \"most\"",
            t("19:12: `most` is no coverage; expected one of full, partial"),
        ),
        (
            "type = \"int\"",
            "type = \"object\"",
            t(
                "11:8: `object` is no type of a parameter; expected bool, int, float, string, timestamp, duration, or a list of one of them",
            ),
        ),
        (
            "expect = \"pass\"",
            "expect = \"stale\"",
            t("23:10: `expect` is `stale`; expected one of pass, fail, unknown, not_applicable"),
        ),
        (
            "unknown = { encrypted = \"denied\" }",
            "unknown = { encrypted = \"secret\" }",
            t(
                "31:25: the reason for `encrypted` is none; expected one of denied, throttled, timed_out, failed, not_collected, unsupported",
            ),
        ),
        (
            "name = \"in clear\"",
            "name = \"encrypted\"",
            t("25:8: two examples are called `encrypted`; expected different names"),
        ),
        (
            "absent = [\"host\"]",
            "absent = [\"hosts\"]",
            t("36:11: `host.filesystem` has no attribute `hosts`; expected `host`"),
        ),
        (
            "absent = [\"host\"]",
            "absent = [\"size\"]",
            t("36:11: `size` stands twice in the example; expected each once"),
        ),
        (
            "absent = [\"host\"]",
            "now = \"noon\"",
            t("36:7: `now` is `noon`, no time; expected 2026-03-03 or 2026-03-03T09:00:00Z"),
        ),
        (
            "expect = \"not_applicable\"",
            "expect = \"pass\"",
            t("37:10: example `tiny` gives not_applicable; expected pass"),
        ),
        (
            "encrypted = false, size = 100 }\nexpect = \"fail\"",
            "encrypted = true, size = 100 }\nexpect = \"fail\"",
            t("27:10: example `in clear` gives pass; expected fail"),
        ),
        (
            "{ encrypted = true, size = 100 }",
            "{ encrypted = false, size = 100 }",
            t(
                "23:10: example `encrypted` gives fail (a file system of 100 bytes is not encrypted); expected pass",
            ),
        ),
        (
            "{ encrypted = true, size = 100 }",
            "{ encrypted = true }",
            t("23:10: example `encrypted` gives unknown (size: not collected); expected pass"),
        ),
    ] {
        assert_eq!(problems(changed(TEST, from, to)), [line], "{from:?} -> {to:?}");
    }
    let found = problems(changed(
        TEST,
        "expect = \"fail\"",
        "expect = \"fail\"\n[[examples]]\nname = \"typed\"\ngiven = { size = \"x\" }\nexpect = \"fail\"",
    ));
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with(&t("30:11: `size`: ")), "{}", found[0]);
    let text = String::from_utf8(sample()[TEST].clone()).unwrap();
    let (head, _) = text.split_once("[[examples]]").unwrap();
    let mut files = sample();
    files.insert(TEST.into(), head.into());
    assert_eq!(
        problems(files),
        [t(
            "1:1: `examples` is missing; expected `[[examples]]`: at least one each that passes, fails and is unknown"
        )]
    );
    let mut files = sample();
    files.insert(
        TEST.into(),
        format!("{head}[[examples]]\nname = \"x\"\ngiven = {{ size = 1 }}\nexpect = \"not_applicable\"\n")
            .into(),
    );
    assert_eq!(
        problems(files),
        ["fail", "pass", "unknown"].map(|word| t(&format!("20:1: no example expects `{word}`; expected at least one `[[examples]]` with `expect = \"{word}\"`")))
    );
}

#[test]
fn faults_in_expressions_are_at_their_place_in_the_file() {
    for (from, to, place) in [
        ("\"resource.encrypted\"", "\"resource.encrypte\"", ":7:"),
        ("\"resource.encrypted\"", "\"\"\"\nresource.encrypted\n  && resource.colour\n\"\"\"", ":9:"),
        ("\"resource.encrypted\"", "'resource.host == \"\\\\d\" && resource.nothing'", ":7:"),
        ("{resource.size} bytes", "{resource.sice} bytes", ":8:"),
        ("resource.size > params.least", "resource.size > params.leest", ":6:"),
        ("\"resource.encrypted\"", "\"resource.size\"", ":7:8: `pass` is of type int; expected bool"),
    ] {
        let found = problems(changed(TEST, from, to));
        assert_eq!(found.len(), 1, "{found:#?}");
        assert!(found[0].starts_with(&format!("{TEST}{place}")), "{}", found[0]);
    }
    // The quote stands at column 8, and after it `resource.`.
    let found = problems(changed(TEST, "\"resource.encrypted\"", "\"resource.encrypte\""));
    assert!(found[0].starts_with(&format!("{TEST}:7:18: ")), "{}", found[0]);
    let escaped = problems(changed(
        TEST,
        "\"resource.encrypted\"",
        "\"resource.host == \\\"\\\" && resource.nothing\"",
    ));
    assert!(escaped[0].starts_with(&format!("{TEST}:7:43: ")), "escapes count as written: {}", escaped[0]);
}

#[test]
fn a_broken_kind_is_one_problem_whatever_rests_on_it() {
    let mut files = changed("kinds/host.toml", "type = \"string\"", "type = \"text\"");
    let test = String::from_utf8(files[TEST].clone()).unwrap();
    let reach =
        test.replace("\"resource.encrypted\"", "\"resource.encrypted && key(resource.host).os != ''\"");
    files.insert("tests/reach.toml".into(), reach.into_bytes());
    files.insert("tests/direct.toml".into(), test.replace("host.filesystem", "host").into_bytes());
    let found = problems(files);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].starts_with("kinds/host.toml:7:8: `text` is no type"), "{}", found[0]);
}
