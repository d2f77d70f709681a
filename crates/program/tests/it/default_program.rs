//! The program that the binary carries.

use octro_model::Status;
use octro_program::{Files, load, run_examples};

#[test]
fn the_default_program_loads() {
    let files = Files::embedded();
    let loaded = load(&files).unwrap_or_else(|problems| {
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        panic!("{} problems\n{}", lines.len(), lines.join("\n"))
    });
    let program = loaded.program;
    assert_eq!(program.hash, files.hash());
    let runs: Vec<_> = program.tests.values().flat_map(|test| run_examples(test, &program.kinds)).collect();
    assert!(runs.iter().all(|run| run.got == run.expected));
    assert!(runs.iter().filter(|run| run.got == Status::Unknown).count() >= program.tests.len());
}

#[test]
fn it_can_be_written_out_and_read_back() {
    let files = Files::embedded();
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("program");
    files.write(&dir).unwrap();
    assert_eq!(Files::read(&dir).unwrap().hash(), files.hash());
    let again = files.write(&dir).unwrap_err();
    assert_eq!(again.kind(), std::io::ErrorKind::AlreadyExists);
    assert!(Files::from_blob(&files.to_blob()).is_ok_and(|read| read == files));
}

#[test]
fn the_catalogs_are_read_as_people_write_ids() {
    let program = load(&Files::embedded()).unwrap().program;
    let csf = program.requirement("nist-csf-2.0", "pr.ds-01").unwrap();
    assert_eq!(
        (csf.id.as_str(), csf.group.as_deref(), csf.parent.as_deref()),
        ("PR.DS-01", Some("PR"), Some("PR.DS"))
    );
    assert!(csf.title.contains("data-at-rest"), "{}", csf.title);
    let sp = program.requirement("nist-800-53r5", "SC-28").unwrap();
    assert_eq!((sp.id.as_str(), sp.oscal_id.as_str()), ("SC-28", "sc-28"));
    let inner = program.requirement("nist-800-53r5", "AC-2(1)").unwrap();
    assert_eq!((inner.oscal_id.as_str(), inner.parent.as_deref()), ("ac-2.1", Some("AC-2")));
    assert!(!inner.text.contains("{{"), "{}", inner.text);
    assert!(program.requirement("nist-800-53r5", "SC-99").is_none());
}
