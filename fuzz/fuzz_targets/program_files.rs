//! A program's files: the input is `#== path` lines with what follows in each file, over the default program's manifest
//! and roles, or (if `over` stands before the first) over a small company's program; or it is a program as the database
//! keeps it. Whatever loads is judged, and everything stays itself.
#![no_main]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use octro_cel::{NoWorld, Record, Subject};
use octro_fuzz::{COMPANY, NOW, parts};
use octro_program::{Files, diff, explain, judge, load, run_examples};

static SMALL: LazyLock<BTreeMap<String, Vec<u8>>> =
    LazyLock::new(|| parts(COMPANY).into_iter().skip(1).collect());
static DEFAULT: LazyLock<BTreeMap<String, Vec<u8>>> = LazyLock::new(|| {
    let all = Files::embedded();
    let both = all.iter().filter(|(path, _)| matches!(*path, "program.toml" | "roles.toml"));
    both.map(|(path, text)| (path.to_owned(), text.to_vec())).collect()
});

fuzz_target!(|input: &[u8]| {
    let files = if input.starts_with(b"octro-program") {
        let Ok(files) = Files::from_blob(input) else { return };
        assert_eq!(files.to_blob(), input, "a program has one form");
        files
    } else {
        let mut files = if input.starts_with(b"over") { SMALL.clone() } else { DEFAULT.clone() };
        files.extend(parts(input).into_iter().skip(1));
        Files::new(files)
    };
    let blob = files.to_blob();
    if let Ok(again) = Files::from_blob(&blob) {
        assert_eq!(again, files);
    }
    match load(&files) {
        Ok(loaded) => {
            let program = &loaded.program;
            assert_eq!(program.hash, files.hash());
            assert!(diff(program, program).is_empty(), "a program differs from itself");
            for test in program.tests.values() {
                for run in run_examples(test, &program.kinds) {
                    assert_eq!(run.expected, run.got, "{}: `{}` was let through", test.id, run.name);
                }
                let layout = program.kinds.get(&test.on).expect("the kind of a test that was loaded");
                let record = Record::empty(layout);
                let subject = Subject { record: &record, key: "k" };
                let judged = judge(test, &subject, NOW, &NoWorld);
                assert!(judged.flips_at > NOW);
                assert_eq!(explain(test, &subject, NOW, &NoWorld).status, judged.status);
            }
        }
        Err(problems) => {
            assert!(!problems.is_empty(), "refused without a reason");
            for problem in problems {
                assert!(!problem.to_string().is_empty());
            }
        }
    }
});
