//! A small program with one of everything, and ways to change it.

use std::collections::BTreeMap;

use octro_program::{Files, Loaded, load};

const SAMPLE: &[(&str, &str)] = &[
    (
        "program.toml",
        r#"name = "Sample"
[assets]
device = "Devices"
[parts]
endpoints = "Endpoints"
access = "Access"
"#,
    ),
    (
        "roles.toml",
        r#"[it]
title = "IT"
doc = "Runs the machines."
[employee]
title = "Everyone"
"#,
    ),
    (
        "kinds/host.toml",
        r#"rev = 1
title = "Hosts"
doc = "A machine. Key: its name."
part = "endpoints"
asset = "device"
[attributes.os]
type = "string"
doc = "The operating system."
[attributes.seen_at]
type = "timestamp"
doc = "When it last answered."
"#,
    ),
    (
        "kinds/host/host.filesystem.toml",
        r#"rev = 1
title = "File systems"
doc = "A persistent mount. Key: `<host>:<mount point>`."
part = "endpoints"
[attributes.encrypted]
type = "bool"
doc = "Every leg is encrypted."
[attributes.host]
type = "string"
ref = "host"
doc = "The machine."
[attributes.size]
type = "int"
unit = "bytes"
doc = "Its size."
[attributes.legs]
type = "list<object>"
doc = "The devices below."
[attributes.legs.fields.name]
type = "string"
doc = "The kernel's name."
"#,
    ),
    (
        "tests/host/host.filesystem.encrypted.toml",
        r#"rev = 1
title = "File systems are encrypted"
why = "A stolen disk must not give away data."
severity = "high"
on = "host.filesystem"
scope = "resource.size > params.least"
pass = "resource.encrypted"
message = "a file system of {resource.size} bytes is not encrypted"
max_age = "24h"
[params.least]
type = "int"
value = 10
doc = "Smaller ones hold nothing."
[fix]
text = "Encrypt it."
[[maps]]
framework = "csf"
requirement = "pr.ds-01"
coverage = "partial"
[[examples]]
name = "encrypted"
given = { encrypted = true, size = 100 }
expect = "pass"
[[examples]]
name = "in clear"
given = { encrypted = false, size = 100 }
expect = "fail"
[[examples]]
name = "denied"
given = { size = 100 }
unknown = { encrypted = "denied" }
expect = "unknown"
[[examples]]
name = "tiny"
given = { size = 1 }
absent = ["host"]
expect = "not_applicable"
"#,
    ),
    (
        "controls/endpoints/EP-01.toml",
        r#"title = "Disks are encrypted"
statement = "Every machine encrypts its storage."
why = "Machines get lost."
owner = "it"
layer = "protect"
policy = "endpoints#disk-encryption"
protects = ["device"]
tests = ["host.filesystem.encrypted"]
[[maps]]
framework = "csf"
requirement = "PR.DS-01"
coverage = "full"
[[maps]]
framework = "iso"
requirement = "A.8.1"
coverage = "partial"
note = "Only disks."
"#,
    ),
    (
        "policies/endpoints.md",
        "+++\ntitle = \"Endpoint policy\"\nowner = \"it\"\nreview = \"365d\"\naudience = [\"employee\"]\n+++\n\
         # Endpoint policy\n## Disk encryption\nAll disks are encrypted.\n",
    ),
    (
        "claims/at-rest.md",
        "+++\ntitle = \"At rest\"\ncontrols = [\"EP-01\"]\n+++\nData is encrypted at rest.\n",
    ),
    (
        "frameworks/csf/framework.toml",
        r#"title = "CSF"
version = "2.0"
publisher = "NIST"
url = "https://www.nist.gov/cyberframework"
licence = "public domain"
text = "full"
"#,
    ),
    (
        "frameworks/csf/catalog.json",
        r#"{"catalog": {"groups": [{"id": "PR", "title": "PROTECT", "controls": [{"id": "PR.DS", "title": "Data Security",
 "controls": [{"id": "PR.DS-01", "title": "PR.DS-01", "parts": [{"name": "statement", "prose": "Data at rest is protected"}]}]}]}]}}
"#,
    ),
    (
        "frameworks/iso/framework.toml",
        r#"title = "ISO"
version = "2022"
publisher = "ISO"
url = "https://www.iso.org"
licence = "ids only"
text = "ids"
"#,
    ),
    (
        "frameworks/iso/requirements.toml",
        "[[requirement]]\nid = \"A.8\"\n[[requirement]]\nid = \"A.8.1\"\ntitle = \"Machines of people\"\nparent = \"A.8\"\n",
    ),
    (
        "training/phishing.md",
        "+++\ntitle = \"Phishing\"\nform = \"module\"\naudience = [\"employee\"]\nevery = \"365d\"\nwithin = \"30d\"\n\
         minutes = 20\n+++\n# Phishing\nLook twice.\n",
    ),
    (
        "apps/wiki.toml",
        r#"title = "Wiki"
doc = "What we know."
owner = "it"
approver = "it"
data = ["internal documents"]
critical = false
sign_in = "sso"
entitlements = [{ id = "admin", title = "Administrator", privileged = true }]
"#,
    ),
    (
        "exceptions/build.toml",
        r#"test = "host.filesystem.encrypted"
resource = "build-*:/tmp"
reason = "Wiped every night."
owner = "ann@example.com"
approver = "bob@example.com"
approved = "2026-03-01"
expires = 2026-06-01
"#,
    ),
];

/// The sample as it is.
pub fn sample() -> BTreeMap<String, Vec<u8>> {
    SAMPLE.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect()
}

/// The sample with `from` replaced by `to` in one file, which is made if there is none.
pub fn changed(path: &str, from: &str, to: &str) -> BTreeMap<String, Vec<u8>> {
    let mut files = sample();
    let text = String::from_utf8(files.remove(path).unwrap_or_default()).unwrap();
    assert!(text.contains(from), "{path} has no {from}");
    files.insert(path.to_owned(), text.replacen(from, to, 1).into_bytes());
    files
}

/// What is wrong with these files, a line each.
pub fn problems(files: BTreeMap<String, Vec<u8>>) -> Vec<String> {
    match load(&Files::new(files)) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().map(ToString::to_string).collect(),
    }
}

/// The loaded files; they must have no problem.
pub fn loaded(files: BTreeMap<String, Vec<u8>>) -> Loaded {
    load(&Files::new(files)).unwrap_or_else(|problems| panic!("{problems:#?}"))
}
