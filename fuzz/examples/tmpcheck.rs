use octro_fuzz::*; use octro_program::*; use octro_cel::*; use std::collections::BTreeMap;
fn main() {
    let (k, p, on) = (kinds(), params(), id("thing")); let env = Environment { kinds: &k, on: &on, params: &p };
    let w = Others { a: Record::empty(k.get("box").unwrap()), b: Record::empty(k.get("box").unwrap()), things: vec![], complete: true };
    let (mut ok, mut n, mut rec, mut wi) = (0, 0, 0, 0); let mut by: BTreeMap<String, u32> = BTreeMap::new(); let mut timed = 0;
    for e in std::fs::read_dir("corpus/expression").unwrap() {
        let b = std::fs::read(e.unwrap().path()).unwrap(); n += 1;
        let ps = parts(&b); let Ok(t) = std::str::from_utf8(&ps[0].1) else { continue }; let t = t.trim_end_matches('\n');
        let Ok(x) = Expression::compile(t, &env) else { continue }; ok += 1;
        let r = ps.iter().find(|p| p.0 == "record").and_then(|p| Record::parse(k.get("thing").unwrap(), &p.1).ok());
        rec += r.is_some() as i32; wi += ps.iter().any(|p| p.0 == "wild") as i32;
        if let Some(r) = &r { let a = x.truth(&Subject { record: r, key: "a" }, NOW, &w); *by.entry(format!("{:?}", a.truth)).or_default() += 1; timed += (a.flips_at != octro_model::Timestamp::MAX) as i32; }
    }
    println!("expressions {ok} of {n}, records {rec} wild {wi} {by:?} timed {timed}");
    let def = Files::embedded(); let (mut ok, mut n, mut tests) = (0, 0, 0);
    for e in std::fs::read_dir("corpus/program_files").unwrap() {
        let b = std::fs::read(e.unwrap().path()).unwrap(); n += 1;
        let f = if b.starts_with(b"octro-program") { let Ok(f) = Files::from_blob(&b) else { continue }; f } else {
        let mut files: BTreeMap<String, Vec<u8>> = ["program.toml", "roles.toml"].into_iter().map(|p| (p.to_owned(), def.get(p).unwrap().to_vec())).collect();
        files.extend(parts(&b).into_iter().skip(1)); Files::new(files) };
        if let Ok(l) = load(&f) { ok += 1; tests += (l.program.tests.len() > 0) as i32; }
    }
    println!("programs {ok} of {n}, with tests {tests}");
}
