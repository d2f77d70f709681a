//! The programs that tests install.

use octro_model::{Span, Timestamp};
use octro_program::Files;
use octro_testkit::ProgramBuilder;

use super::{START, hour};

/// Kinds: disks that name a key and a person, keys, and people.
pub fn base() -> ProgramBuilder {
    ProgramBuilder::new()
        .kind(
            "disk",
            1,
            &[
                ("encrypted", "bool", ""),
                ("size", "int", ""),
                ("owner", "string", "person"),
                ("key_id", "string", "kms"),
                ("checked", "timestamp", ""),
            ],
        )
        .kind("kms", 1, &[("enabled", "bool", "")])
        .kind("person", 1, &[("active", "bool", "")])
}

/// Examples of a test that reads one bool of the subject.
fn examples(attribute: &str) -> String {
    format!(
        "[[examples]]\nname = \"good\"\ngiven = {{ {attribute} = true }}\nexpect = \"pass\"\n\
         [[examples]]\nname = \"bad\"\ngiven = {{ {attribute} = false }}\nexpect = \"fail\"\n\
         [[examples]]\nname = \"unsaid\"\ngiven = {{ }}\nexpect = \"unknown\"\n"
    )
}

/// `encrypted`: of disks, true; evidence lasts a day.
pub fn encrypted() -> String {
    format!(
        "rev = 1\nseverity = \"high\"\non = \"disk\"\npass = \"resource.encrypted\"\nmax_age = \"24h\"\n\
         message = \"a disk is not encrypted\"\n{}",
        examples("encrypted")
    )
}

/// `encrypted` in another sense: small disks do not pass.
pub fn encrypted_large() -> String {
    "rev = 2\nseverity = \"high\"\non = \"disk\"\npass = \"resource.encrypted && resource.size > 5\"\nmax_age = \"20h\"\n\
     message = \"a disk is not encrypted, or is small\"\n\
     [[examples]]\nname = \"good\"\ngiven = { encrypted = true, size = 10 }\nexpect = \"pass\"\n\
     [[examples]]\nname = \"bad\"\ngiven = { encrypted = false }\nexpect = \"fail\"\n\
     [[examples]]\nname = \"unsaid\"\ngiven = { }\nexpect = \"unknown\"\n"
        .to_owned()
}

/// `scoped`: of disks above ten, encrypted; evidence lasts ten hours.
pub fn scoped() -> String {
    "rev = 1\nseverity = \"low\"\non = \"disk\"\nscope = \"resource.size > 10\"\npass = \"resource.encrypted\"\n\
     max_age = \"10h\"\nmessage = \"a large disk is not encrypted\"\n\
     [[examples]]\nname = \"good\"\ngiven = { encrypted = true, size = 20 }\nexpect = \"pass\"\n\
     [[examples]]\nname = \"bad\"\ngiven = { encrypted = false, size = 20 }\nexpect = \"fail\"\n\
     [[examples]]\nname = \"small\"\ngiven = { encrypted = false, size = 1 }\nexpect = \"not_applicable\"\n\
     [[examples]]\nname = \"unsaid\"\ngiven = { }\nexpect = \"unknown\"\n"
        .to_owned()
}

/// `keyed`: of disks, their key is enabled; evidence lasts thirty hours.
pub fn keyed() -> String {
    "rev = 1\nseverity = \"critical\"\non = \"disk\"\npass = \"key(resource.key_id).enabled\"\nmax_age = \"30h\"\n\
     message = \"the key is off\"\n\
     [[examples]]\nname = \"good\"\ngiven = { key_id = \"k\" }\nothers = [{ kind = \"kms\", key = \"k\", given = { enabled = true } }]\nexpect = \"pass\"\n\
     [[examples]]\nname = \"bad\"\ngiven = { key_id = \"k\" }\nothers = [{ kind = \"kms\", key = \"k\", given = { enabled = false } }]\nexpect = \"fail\"\n\
     [[examples]]\nname = \"unsaid\"\ngiven = { }\nexpect = \"unknown\"\n"
        .to_owned()
}

/// `checked`: of disks, they were looked at within two days; the evidence lasts three.
pub fn checked() -> String {
    "rev = 1\nseverity = \"medium\"\non = \"disk\"\npass = \"age(resource.checked) < duration('48h')\"\nmax_age = \"72h\"\n\
     message = \"a disk was not checked\"\n\
     [[examples]]\nname = \"good\"\ngiven = { checked = \"2026-01-01T00:00:00Z\" }\nnow = \"2026-01-02T00:00:00Z\"\nexpect = \"pass\"\n\
     [[examples]]\nname = \"bad\"\ngiven = { checked = \"2026-01-01T00:00:00Z\" }\nnow = \"2026-01-04T00:00:00Z\"\nexpect = \"fail\"\n\
     [[examples]]\nname = \"unsaid\"\ngiven = { }\nexpect = \"unknown\"\n"
        .to_owned()
}

/// `owned`: of people, their disks are encrypted, and they have one; evidence lasts thirty hours.
pub fn owned() -> String {
    "rev = 1\nseverity = \"medium\"\non = \"person\"\n\
     pass = \"count(refs('disk', 'owner')) > 0 && refs('disk', 'owner').all(d, d.encrypted)\"\nmax_age = \"30h\"\n\
     message = \"a person has no disk, or one that is not encrypted\"\n\
     [[examples]]\nname = \"good\"\nkey = \"ann\"\ngiven = { active = true }\nothers = [{ kind = \"disk\", key = \"d\", given = { owner = \"ann\", encrypted = true } }]\nexpect = \"pass\"\n\
     [[examples]]\nname = \"bad\"\nkey = \"ann\"\ngiven = { active = true }\nothers = [{ kind = \"disk\", key = \"d\", given = { owner = \"ann\", encrypted = false } }]\nexpect = \"fail\"\n\
     [[examples]]\nname = \"unsaid\"\nkey = \"ann\"\ngiven = { }\nothers = [{ kind = \"disk\", key = \"d\", given = { owner = \"ann\" } }]\nexpect = \"unknown\"\n"
        .to_owned()
}

/// All tests, one control over those on disks and one over that on people.
pub fn full() -> ProgramBuilder {
    base()
        .test("encrypted", &encrypted())
        .test("scoped", &scoped())
        .test("keyed", &keyed())
        .test("checked", &checked())
        .test("owned", &owned())
        .control("C-1", &["encrypted", "scoped", "keyed", "checked"])
        .control("C-2", &["owned"])
}

/// Programs that differ in what they ask, in the shapes of kinds, and in exceptions.
pub fn variants() -> Vec<Files> {
    let days = |days: i64| START.plus(Span::from_micros(days * Span::DAY.micros()));
    let reshaped = [
        ("encrypted", "bool", ""),
        ("size", "string", ""),
        ("owner", "string", "person"),
        ("key_id", "string", "kms"),
        ("checked", "timestamp", ""),
        ("note", "string", ""),
    ];
    let narrow = [("encrypted", "bool", ""), ("key_id", "string", "kms"), ("checked", "timestamp", "")];
    vec![
        full().files(),
        full()
            .test("encrypted", &encrypted_large())
            .without("tests/scoped.toml")
            .control("C-1", &["encrypted"])
            .files(),
        full()
            .exception("x-1", "encrypted", "d1", hour(20.0), hour(60.0))
            .exception("x-2", "keyed", "d*", days(1), days(3))
            .files(),
        full()
            .kind("disk", 2, &reshaped)
            .without("tests/scoped.toml")
            .control("C-1", &["encrypted", "keyed"])
            .files(),
        base()
            .kind("disk", 3, &narrow)
            .test("encrypted", &encrypted())
            .test("keyed", &keyed())
            .control("C-1", &["keyed"])
            .files(),
        base()
            .without("kinds/person.toml")
            .kind("disk", 4, &narrow)
            .test("checked", &checked())
            .control("C-3", &["checked"])
            .files(),
    ]
}

/// A moment in a text for `checked`.
pub fn moment(at: Timestamp) -> String {
    at.to_string()
}
