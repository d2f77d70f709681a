//! Files that mean harm: each is a problem, and none is a panic or takes all memory.

use std::collections::BTreeMap;

use octro_program::{Files, load};

use crate::sample::{problems, sample};

fn with(path: &str, bytes: Vec<u8>) -> BTreeMap<String, Vec<u8>> {
    let mut files = sample();
    files.insert(path.to_owned(), bytes);
    files
}

#[test]
fn bytes_that_are_no_text_name_their_file() {
    assert_eq!(
        problems(with("kinds/x.toml", vec![b'a', 0xff, 0xfe])),
        ["kinds/x.toml:1:1: the file is no UTF-8 text: see byte 2; expected UTF-8"]
    );
    assert_eq!(problems(with("policies/x.md", vec![0xff])).len(), 1);
    assert_eq!(
        problems(with("frameworks/csf/catalog.json", vec![0xff]))[0].split(':').next(),
        Some("frameworks/csf/catalog.json")
    );
    let noise: Vec<u8> =
        (0..60_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8 & 0x7f).collect();
    for path in
        ["kinds/x.toml", "tests/x.toml", "policies/x.md", "program.toml", "frameworks/csf/catalog.json"]
    {
        assert!(!problems(with(path, noise.clone())).is_empty(), "{path}");
    }
}

#[test]
fn deep_and_long_files_are_refused() {
    let deep = format!("a = {}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(!problems(with("kinds/x.toml", deep.into_bytes())).is_empty());
    let deep = format!("[{}a]\n", "a.".repeat(100_000));
    assert!(!problems(with("kinds/x.toml", deep.into_bytes())).is_empty());
    let deep = format!("{{\"catalog\": {}", "{\"groups\": [".repeat(50_000));
    assert!(!problems(with("frameworks/csf/catalog.json", deep.into_bytes())).is_empty());
    let long = problems(with("kinds/x.toml", vec![b'#'; 2 * 1024 * 1024]));
    assert_eq!(long, ["kinds/x.toml:1:1: the file has 2097152 bytes; expected at most 1048576"]);
    let many = problems((0..20_001).map(|n| (format!("kinds/k{n}.toml"), Vec::new())).collect());
    assert!(many[0].contains("expected at most 20,000 files and 64 MiB"), "{}", many[0]);
}

#[test]
fn a_flood_of_problems_is_cut_and_counted() {
    let keys: String = (0..5_000).map(|n| format!("key{n} = 1\n")).collect();
    let found = problems(with("apps/x.toml", keys.into_bytes()));
    assert_eq!(found.len(), 1_001);
    assert!(found[1_000].contains("more problems are not shown"), "{}", found[1_000]);
}

#[test]
fn expressions_cannot_overflow_the_stack() {
    let path = "tests/host/host.filesystem.encrypted.toml";
    for deep in ["(".repeat(200_000), "!".repeat(200_000), format!("{}true", "true && ".repeat(50_000))] {
        let text = String::from_utf8(sample()[path].clone()).unwrap();
        let text = text.replace("pass = \"resource.encrypted\"", &format!("pass = \"{deep}\""));
        let _ = load(&Files::new(with(path, text.into_bytes())));
    }
}

#[test]
fn no_damage_makes_it_panic_and_every_problem_has_a_place() {
    // A generator with a fixed seed: the same damage on every run.
    let mut seed: u64 = 42;
    let mut next = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % below
    };
    let bits: [&[u8]; 12] = [
        b"\"",
        b"'",
        b"[",
        b"]",
        b"{",
        b"\n",
        b"+++\n",
        b"= 1\n",
        b"((",
        b"\xff",
        b"\\u0000",
        "\u{e9}".as_bytes(),
    ];
    let clean = sample();
    let paths: Vec<&String> = clean.keys().collect();
    for _ in 0..600 {
        let mut files = clean.clone();
        let path = paths[next(paths.len())];
        let bytes = files.get_mut(path).unwrap();
        for _ in 0..=next(3) {
            let at = next(bytes.len() + 1);
            let end = (at + next(12)).min(bytes.len());
            bytes.splice(at..end, bits[next(bits.len())].iter().copied());
        }
        let damaged = String::from_utf8_lossy(bytes).into_owned();
        for problem in load(&Files::new(files)).err().into_iter().flatten() {
            let lines = if problem.file == *path { damaged.lines().count() as u32 + 1 } else { u32::MAX };
            assert!((1..=lines).contains(&problem.line) && problem.column > 0, "{problem}");
            assert!(!problem.what.is_empty());
        }
    }
}

#[test]
fn an_empty_program_says_what_it_wants() {
    assert_eq!(
        problems(BTreeMap::new()),
        ["program.toml:1:1: the file is missing; expected the name, `[parts]` and `[assets]` of the program"]
    );
}

#[cfg(unix)]
#[test]
fn links_out_of_the_folder_are_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    let inside = dir.path().join("program");
    std::fs::create_dir(&inside).unwrap();
    std::fs::write(inside.join("program.toml"), "name = 'x'").unwrap();
    std::fs::write(dir.path().join("secret.toml"), "x = 1").unwrap();
    std::os::unix::fs::symlink(inside.join("program.toml"), inside.join("roles.toml")).unwrap();
    assert_eq!(Files::read(&inside).unwrap().len(), 2, "a link within the folder is a file");
    let link = inside.join("kinds.toml");
    std::os::unix::fs::symlink(dir.path().join("secret.toml"), &link).unwrap();
    let error = Files::read(&inside).unwrap_err().to_string();
    assert!(error.contains("leads out of the program's folder"), "{error}");
    std::fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink(&inside, inside.join("loop")).unwrap();
    assert!(Files::read(&inside).is_err());
    assert!(Files::read(&dir.path().join("nothing")).unwrap_err().to_string().contains("nothing"));
    let outside = Files::new(BTreeMap::from([("../x".to_owned(), Vec::new())]));
    assert!(outside.write(&inside).is_err());
}
