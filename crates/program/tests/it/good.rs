//! What a loaded program says.

use octro_model::{Coverage, Severity, Span};
use octro_program::{Form, How, Wording, diff};

use crate::sample::{changed, loaded, sample};

#[test]
fn one_of_everything_is_read() {
    let loaded = loaded(sample());
    assert_eq!(loaded.warnings, []);
    let program = loaded.program;
    let parts: Vec<_> = program.parts.iter().map(|(id, title)| (id.as_str(), title.as_str())).collect();
    assert_eq!(parts, [("endpoints", "Endpoints"), ("access", "Access")], "in the order of the file");
    let test = &program.tests["host.filesystem.encrypted"];
    assert_eq!((test.severity, test.max_age), (Severity::High, Span::DAY));
    assert_eq!(test.params["least"].value, 10);
    assert_eq!(test.maps[0].requirement, "PR.DS-01", "as the catalog writes it");
    let reads: Vec<_> = test.reads().iter().map(|read| read.path.as_str()).collect();
    assert_eq!(reads.len(), 2);
    let control = &program.controls["EP-01"];
    assert_eq!(control.part, "endpoints");
    assert_eq!(control.policy.as_ref().map(|section| section.heading.as_str()), Some("disk-encryption"));
    assert_eq!((control.maps[0].coverage, control.maps[1].note.as_str()), (Coverage::Full, "Only disks."));
    assert_eq!(program.policies["endpoints"].headings.len(), 2);
    assert!(program.policies["endpoints"].body.starts_with("# Endpoint policy"));
    assert_eq!(program.claims["at-rest"].controls.first().map(|id| id.as_str()), Some("EP-01"));
    assert_eq!(program.frameworks["iso"].text, Wording::Ids);
    assert_eq!(program.requirement("csf", "pr.ds-01").unwrap().title, "Data at rest is protected");
    assert_eq!((program.training["phishing"].form, program.training["phishing"].minutes), (Form::Module, 20));
    assert!(program.apps["wiki"].entitlements[0].privileged);
    let id = "host.filesystem.encrypted".parse().unwrap();
    assert_eq!(program.exceptions_for(&id, "build-7:/tmp").count(), 1);
    assert_eq!(program.exceptions_for(&id, "build-7:/tmp/x").count(), 0);
    assert_eq!(program.controls_of(&id).count(), 1);
    assert_eq!(program.kinds.get("host").unwrap().kind().asset.as_deref(), Some("device"));
}

const TEST: &str = "tests/host/host.filesystem.encrypted.toml";

#[test]
fn only_a_change_of_meaning_changes_the_hash_of_a_test() {
    let hash = |files| loaded(files).program.tests["host.filesystem.encrypted"].hash.clone();
    let before = hash(sample());
    for (from, to) in [
        ("rev = 1", "# a comment\nrev = 2"),
        ("File systems are encrypted", "Encrypted file systems"),
        ("is not encrypted", "lies open"),
        ("\"resource.encrypted\"", "\"\"\"\n  resource.encrypted // all of it\n\"\"\""),
        ("Smaller ones", "Small ones"),
        ("max_age = \"24h\"", "max_age = \"1d\""),
    ] {
        assert_eq!(hash(changed(TEST, from, to)), before, "{to}");
    }
    for (from, to) in [
        ("\"resource.encrypted\"", "\"resource.encrypted == true\""),
        ("resource.size > params.least", "resource.size >= params.least"),
        ("value = 10", "value = 11"),
        ("24h", "25h"),
    ] {
        assert_ne!(hash(changed(TEST, from, to)), before, "{to}");
    }
    let kind = "kinds/host/host.filesystem.toml";
    let unread = changed(
        kind,
        "[attributes.legs.fields.name]\ntype = \"string\"",
        "[attributes.legs.fields.name]\ntype = \"int\"",
    );
    assert_eq!(hash(unread), before, "the test does not read it");
    let mut read = changed(kind, "type = \"int\"", "type = \"float\"");
    let text = String::from_utf8(read[TEST].clone()).unwrap().replace("type = \"int\"", "type = \"float\"");
    let text = text
        .replace("value = 10", "value = 10.0")
        .replace("size = 100", "size = 100.0")
        .replace("size = 1 ", "size = 1.0 ");
    read.insert(TEST.to_owned(), text.into_bytes());
    assert_ne!(hash(read), before, "the shape of what it reads");
}

#[test]
fn a_diff_tells_meaning_from_words() {
    let a = loaded(sample()).program;
    assert!(diff(&a, &a).is_empty());
    let mut files = changed(TEST, "\"resource.encrypted\"", "\"resource.encrypted == true\"");
    files.remove("exceptions/build.toml");
    let control = String::from_utf8(files["controls/endpoints/EP-01.toml"].clone()).unwrap();
    files.insert(
        "controls/endpoints/EP-01.toml".into(),
        control.replace("get lost", "are stolen").into_bytes(),
    );
    files.insert("controls/access/AC-01.toml".into(), control.into_bytes());
    let found = diff(&a, &loaded(files).program);
    let tests: Vec<_> =
        found.tests.iter().map(|one| (one.id.as_str(), one.how, one.revision_forgotten)).collect();
    assert_eq!(tests, [("host.filesystem.encrypted", How::Meaning, true)]);
    let controls: Vec<_> =
        found.controls.iter().map(|one| (one.id.as_str(), one.how, one.fields.clone())).collect();
    assert_eq!(controls, [("AC-01", How::Added, vec![]), ("EP-01", How::Words, vec!["why"])]);
    assert_eq!(found.exceptions[0].how, How::Removed);
    assert_eq!((found.kinds.len(), found.policies.len()), (0, 0));
    let raised = changed(TEST, "rev = 1", "rev = 2");
    let found = diff(&a, &loaded(raised).program);
    assert_eq!((found.tests[0].how, found.tests[0].fields.as_slice()), (How::Words, ["rev"].as_slice()));
}

#[test]
fn a_policy_is_known_by_its_text_not_by_its_owner() {
    let hash = |files| loaded(files).program.policies["endpoints"].hash.clone();
    let before = hash(sample());
    assert_eq!(hash(changed("policies/endpoints.md", "owner = \"it\"", "owner = \"employee\"")), before);
    assert_ne!(hash(changed("policies/endpoints.md", "All disks", "Most disks")), before);
}

#[test]
fn what_is_allowed_and_odd_is_a_warning() {
    let control = "controls/endpoints/EP-01.toml";
    let files = changed(control, "tests = [\"host.filesystem.encrypted\"]\n", "");
    let lines: Vec<String> = loaded(files).warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "controls/endpoints/EP-01.toml:1:1: neither a test nor evidence shows this control; expected `tests`, or \
             `evidence` that people bring",
            "tests/host/host.filesystem.encrypted.toml:1:1: no control rests on this test; expected a control that \
             names it in `tests`",
        ]
    );
    let mut files = sample();
    files.insert("notes/x.txt".into(), Vec::new());
    files.insert("README.md".into(), Vec::new());
    assert_eq!(loaded(files).warnings.len(), 1);
}

#[test]
fn programs_are_shared_between_threads() {
    fn shared<T: Send + Sync>(_: &T) {}
    shared(&loaded(sample()).program);
}
