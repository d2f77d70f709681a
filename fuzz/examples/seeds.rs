//! Writes the inputs that the fuzzer begins with into `corpus/<target>/`: out of the default program, `seeds/`, the
//! connectors' examples, and an expression for each thing that the language can say. A seed that is refused at the door
//! would find nothing, so those that are meant to get in are tried.

use std::io;
use std::path::{Path, PathBuf};

use octro_cel::{Environment, Expression};
use octro_fuzz::{COMPANY, FULL, MARK, id, kinds, params, parts};
use octro_program::{Files, load};

/// The fuzzer's `-max_len`; longer seeds would be cut off.
const INPUT_MAX: usize = 8_192;

/// What the TLS probe reads beside TLS: talks (2 + 5 times the service's number), heads of HTTP (3), endpoints (4).
const TLS_TEXTS: &[&[u8]] = &[
    b"\x02220-hi\r\n220 there\r\n250-me\r\n250-AUTH PLAIN\r\n250 STARTTLS\r\n220 go\r\n",
    b"\x0c* OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED] hi\r\na1 OK go\r\n",
    b"\x11+OK hi\r\n+OK\r\nSTLS\r\nUSER\r\n.\r\n+OK go\r\n",
    b"\x16220-hi\r\n there\r\n220 x\r\n234 go\r\n",
    b"\x20\"SASL\" \"\"\r\n\"STARTTLS\"\r\nOK\r\nOK go\r\n",
    b"\x25<?xml?><stream:stream><stream:features><starttls><required/></starttls></stream:features><proceed/>",
    b"\x2f\x30\x84\0\0\0\x10\x02\x01\x01\x78\x84\0\0\0\x07\x0a\x01\0\x04\0\x04\0",
    b"\x39\x1f\0\0\0\x0a8.0\0abcd12345678\0\xff\xff...........",
    b"\x03HTTP/1.1 301 x\r\nLocation: https://a/\r\nSet-Cookie: a=1; Secure\r\nStrict-Transport-Security: max-age=5\r\n\r\n",
    b"\x04mx.example.com:25,587 starttls=smtp public # mail",
    b"\x0410.0.0.0/24:443-450 name=a.example quick",
    b"\x00\x80\x0e\x04\0\x01\0\x02\0\0\0\x03\0\0\x01\0\x80",
];

const EXPRESSIONS: &[&str] = &[
    "resource.b && !resource.c || resource.o.a",
    "has(resource.i) ? resource.i < resource.j : resource.f >= double(resource.i)",
    "has(resource.o.in.x) && resource.o.in.x == 'a'",
    "has(resource.tags.a) && resource.tags['a'] != \"b\"",
    "resource.s.startsWith('a') || resource.s.endsWith('b') || resource.s.contains('c')",
    "resource.s.lowerAscii().matches(r'^[a-z]+\\d*$')",
    "resource.s + 'x' in resource.ss",
    "resource.s in ['a', 'b', 'ab', 'c', 'd', 'e', 'f', 'g', 'h', 'i']",
    "resource.i in [1, 2, 3] && resource.i % 2 == 1",
    "resource.i * resource.j - resource.i / resource.j + -resource.i > 0x10",
    "resource.f * 2.5 / resource.g > 1e3",
    "resource.is == [1, 2] && resource.is[0] == 1",
    "resource.is.exists(x, x > resource.i) && size(resource.is) > 0",
    "resource.os.all(x, x.n > 1) && size(resource.os) > 0",
    "resource.os.exists(x, x.b && x.s == resource.s)",
    "resource.os.exists_one(x, has(x.n))",
    "size(resource.os.filter(x, x.n > 0)) > 1",
    "resource.os.map(x, x.n).all(n, n < 5)",
    "resource.os.filter(x, x.b)[0].n == 1",
    "resource.iss.exists(row, row.all(x, x > 0))",
    "resource.lists.exists(k, resource.lists[k].exists(v, v == k))",
    "resource.objects.all(k, resource.objects[k].in.at < now)",
    "resource.tags.exists(k, resource.tags[k] == 'a') && 'a' in resource.tags",
    "resource.flags['on'] && count(resource.ss) < 3",
    "age(resource.t) < duration('90d')",
    "now <= resource.t + resource.d",
    "resource.t - resource.u > params.grace",
    "age(resource.t) + age(resource.u) < duration('1h30m')",
    "resource.ts.exists(y, y > now) || resource.ds.all(d, d < params.grace)",
    "int(age(resource.t)) < resource.i",
    "timestamp('2026-03-03T00:00:00Z') - now > -resource.d",
    "string(resource.i) + string(resource.f) + string(resource.t) == resource.s",
    "int(resource.s) == 3 || double(resource.s) > 0.5 || int(resource.f) == 2",
    "has(key(resource.box)) && key(resource.box).open",
    "key(resource.box).label in params.names && key(key(resource.box).shelf).n > params.limit",
    "resource.boxes.all(k, has(key(k).label)) && resource.boxes.exists(k, key(k).since > params.since)",
    "count(refs('box', 'holds')) > 0 && refs('box', 'holds').exists(r, r.open)",
    "refs('thing', 'friend').all(r, r.i > 0) || params.strict",
    "(resource.b ? resource.t : resource.u) > now",
    "resource.bs.exists(x, resource.bs.exists(y, x == y && !(x && y)))",
    "size(resource.s) == 3 // a comment\n && true",
    // At the moment of judging and for `FULL`, these stand right before or at their change.
    "now < timestamp('2026-03-03T00:00:00.000001Z') && now >= timestamp('2026-03-03')",
    "age(resource.t) <= duration('2d') && resource.t + duration('2d') >= now",
    "int(age(resource.t)) <= 172800 || int(resource.u - now) == 2505600",
    "string(resource.t) == '2026-03-01T00:00:00Z' || string(resource.d) == '14d'",
    "resource.ts.all(y, y >= now) && resource.ts.exists(y, age(y) + age(y) == duration('0s'))",
];

const MESSAGE: &str = "{resource.s} of {resource.os.map(x, x.n)} is {{not}} {age(resource.t)}";

const BODIES: &[&str] = &[
    FULL,
    r#"{"attributes":{"b":null,"s":null,"os":[],"is":[],"tags":{},"box":"b"},"unknown":{"i":{"why":"denied","detail":"x:Read"},"t":{"why":"throttled"}}}"#,
    r#"{"unknown":{"b":{"why":"not_collected"},"o":{"why":"failed","detail":"caf\u00e9"}},"attributes":{"u":"2026-03-03T10:00:00+01:00","i":-9223372036854775808,"j":9223372036854775807,"f":1e308}}"#,
    r#"{"attributes":{"i":"three","nothing":1,"os":[null,{"n":1.5,"m":2}],"s":5,"tags":{"a":1},"t":"yesterday"},"unknown":{"b":{"why":"sometimes"}},"more":1}"#,
];

const OTHER: &str =
    r#"{"attributes":{"open":true,"label":"a","shelf":"b","holds":"a","since":"2026-02-01","n":9}}"#;

const SOURCE_FILES: &[&str] = &[
    "observations\n{\"kind\":\"thing\",\"key\":\"k\",\"scope\":\"eu\",\"at\":\"2026-03-03T09:00:00Z\",\"attributes\":{\"b\":true,\"s\":null},\"unknown\":{\"i\":{\"why\":\"denied\",\"detail\":\"x\"}}}\n{\"scope\":{\"kind\":\"thing\",\"scope\":\"eu\",\"complete\":true,\"resources\":1}}\n{\"error\":{\"what\":\"x\",\"message\":\"y\",\"mend\":\"z\"}}\n{\"kind\":\"box\",\"key\":\"a\",\"gone\":true}\n",
    "observations\n{\"scope\":{\"kind\":\"box\",\"complete\":false,\"resources\":0,\"pages\":2,\"reason\":{\"why\":\"throttled\"}}}\nnot json\n",
    "csv\nid,part,name,count,share,on,since,seen\n1,a,\"x, y\",3,1.5,yes,2026-03-03,2026-03-03T09:00:00Z\n2,b,,,,,,2026-03-03\n3,c,\"two\nlines\",abc,NaN,maybe,never,\n",
    "q\n[{\"id\":\"1\",\"name\":\"a\"},{\"id\":\"2\",\"name\":\"\"}]\n",
    "q\n{\"name\":\"q\",\"hostIdentifier\":\"h\",\"unixTime\":1772496000,\"action\":\"snapshot\",\"snapshot\":[{\"id\":\"1\",\"name\":\"a\"}]}\n{\"name\":\"q\",\"hostIdentifier\":\"h\",\"unixTime\":\"1772496001\",\"action\":\"removed\",\"columns\":{\"id\":\"1\",\"name\":\"a\"}}\n{\"name\":\"q\",\"hostIdentifier\":\"h\",\"unixTime\":1772496001,\"diffResults\":{\"added\":[{\"id\":\"2\"}],\"removed\":\"\"}}\n",
];

fn main() -> io::Result<()> {
    let files = Files::embedded();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut seeds = Seeds { dir: root.join("corpus"), count: 0 };
    programs(&files, &mut seeds)?;
    expressions(&files, &mut seeds)?;
    for body in BODIES {
        seeds.write("observation", body.as_bytes())?;
        for second in BODIES {
            seeds.write("observation", format!("{body}\n{MARK}\n{second}\n").as_bytes())?;
        }
    }
    for file in std::fs::read_dir(root.join("../crates/verify/vectors"))? {
        let vector: serde_json::Value = serde_json::from_slice(&std::fs::read(file?.path())?)?;
        let proof = vector.get("proof").and_then(|proof| proof.as_str()).unwrap_or_default();
        for repairs in ["0", "?"] {
            seeds.write("proof", format!("{repairs}{proof}").as_bytes())?;
        }
    }
    tiles(&mut seeds)?;
    for text in SOURCE_FILES {
        seeds.write("source_files", text.as_bytes())?;
    }
    // Answers of real servers; the first byte says what each is.
    for file in std::fs::read_dir(root.join("seeds/tls"))? {
        seeds.write("tls_answers", &std::fs::read(file?.path())?)?;
    }
    for text in TLS_TEXTS {
        seeds.write("tls_answers", text)?;
    }
    let data = root.join("../crates/connectors/tests/data");
    let osquery = std::fs::read(data.join("osquery.results.log"))?;
    seeds.write("source_files", &[b"q\n".as_slice(), &osquery].concat())?;
    let findings: serde_json::Value =
        serde_json::from_slice(&std::fs::read(data.join("prowler.ocsf.json"))?)?;
    for finding in findings.as_array().into_iter().flatten() {
        seeds.write("source_files", format!("f\n[{finding}]").as_bytes())?;
    }
    Ok(())
}

/// A small company whole, every file of the default program alone, and every test with its kind and a control that
/// rests on it, without what they refer to.
fn programs(files: &Files, seeds: &mut Seeds) -> io::Result<()> {
    let company = COMPANY;
    let small = Files::new(parts(company).into_iter().skip(1).collect());
    load(&small).map_err(|problems| refused("seeds/company.txt", &problems))?;
    seeds.write("program_files", company)?;
    seeds.write("program_files", &small.to_blob())?;
    let part = |path: &str, text: &str| format!("{MARK}{path}\n{text}\n");
    for (path, text) in small.iter() {
        seeds.write(
            "program_files",
            format!("over\n{}", part(path, &String::from_utf8_lossy(text))).as_bytes(),
        )?;
    }
    let (mut tests, mut loads) = (0, 0);
    for (path, text) in files.iter() {
        let text = String::from_utf8_lossy(text);
        seeds.write("program_files", part(path, &text).as_bytes())?;
        if !path.starts_with("tests/") {
            continue;
        }
        let on = text.lines().find_map(|line| line.strip_prefix("on")?.split('"').nth(1)).unwrap_or_default();
        let is_of = |path: &str| path.starts_with("kinds/") && path.ends_with(&format!("/{on}.toml"));
        let Some((kind, shape)) = files.iter().find(|(path, _)| is_of(path)) else { continue };
        let shape = String::from_utf8_lossy(shape);
        let shape: Vec<&str> = shape.lines().filter(|line| !line.starts_with("ref")).collect();
        let test: Vec<&str> = text.split("\n[[").filter(|block| !block.starts_with("maps]]")).collect();
        let name = path.rsplit('/').next().and_then(|name| name.strip_suffix(".toml")).unwrap_or_default();
        let control = format!(
            "title = \"x\"\nstatement = \"x\"\nwhy = \"x\"\nowner = \"security\"\nlayer = \"protect\"\n\
             protects = [\"device\"]\ntests = [\"{name}\"]\nevidence = []\n"
        );
        let whole = [
            part(kind, &shape.join("\n")),
            part(path, &test.join("\n[[")),
            part("controls/endpoints/EP-01.toml", &control),
        ];
        let whole = whole.concat();
        seeds.write("program_files", whole.as_bytes())?;
        let own = parts(whole.as_bytes()).into_iter().skip(1);
        let base = files.iter().filter(|(path, _)| matches!(*path, "program.toml" | "roles.toml"));
        let all = base.map(|(path, text)| (path.to_owned(), text.to_vec())).chain(own).collect();
        tests += 1;
        loads += usize::from(load(&Files::new(all)).is_ok());
    }
    if loads * 2 < tests {
        return Err(io::Error::other(format!(
            "only {loads} of {tests} tests load as seeds; expected most of them"
        )));
    }
    Ok(())
}

fn refused(what: &str, why: &[impl std::fmt::Display]) -> io::Error {
    let why: Vec<String> = why.iter().map(ToString::to_string).collect();
    io::Error::other(format!("{what}: {}", why.join("; ")))
}

/// Those of the list with records, and the default program's as they stand.
fn expressions(files: &Files, seeds: &mut Seeds) -> io::Result<()> {
    let wild =
        String::from_utf8_lossy(b"\x04\0\0\0\x02\0\0\0\x05\0\0\0\x01\0\0\0\x0c\0\0\0\x14\0\0\0abcdefgh")
            .into_owned();
    let (kinds, params, on) = (kinds(), params(), id("thing"));
    let env = Environment { kinds: &kinds, on: &on, params: &params };
    seeds.write("expression", format!("{MESSAGE}\n{MARK}record\n{}\n", BODIES[0]).as_bytes())?;
    for expression in EXPRESSIONS {
        Expression::compile(expression, &env).map_err(|faults| refused(expression, &faults))?;
        for body in BODIES.iter().take(3) {
            let input =
                format!("{expression}\n{MARK}record\n{body}\n{MARK}other\n{OTHER}\n{MARK}wild\n{wild}\n");
            seeds.write("expression", input.as_bytes())?;
        }
    }
    for (path, text) in files.iter().filter(|(path, _)| path.starts_with("tests/")) {
        let text = std::str::from_utf8(text).map_err(|error| io::Error::other(format!("{path}: {error}")))?;
        for name in ["pass", "scope", "message"] {
            let said = text.lines().find_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix('='));
            if let Some(said) = said {
                seeds.write("expression", said.trim().trim_matches(['"', '\'']).as_bytes())?;
            }
        }
    }
    Ok(())
}

/// Two logs, each at each size after each, as they are; and every file of each changed in one of the ways that there are.
fn tiles(seeds: &mut Seeds) -> io::Result<()> {
    let files = [
        "checkpoint",
        "tile/0/000",
        "tile/0/001",
        "tile/0/000.p/200",
        "tile/0/001.p/194",
        "tile/0/002.p/188",
        "tile/1/000.p/1",
        "tile/1/000.p/2",
        "tile/entries/000",
        "tile/entries/002.p/188",
    ];
    let ways: [&[u8]; 6] = [b"@\x05", b"@\x00", b"^\x01\x07\x01", b"<\x10\x00", b"-", b"x"];
    for first in 0..6 {
        for then in 0..6 {
            seeds.write("tiles", &[first, then, first & 1])?;
            for file in files {
                for how in ways {
                    let head = [first, then, 1, b'\n'];
                    let change = [MARK.as_bytes(), file.as_bytes(), b"\n", how, b"\n"].concat();
                    if (usize::from(first + then) + file.len() + how.len()).is_multiple_of(5) {
                        seeds.write("tiles", &[head.as_slice(), &change].concat())?;
                    }
                }
            }
        }
    }
    Ok(())
}

struct Seeds {
    dir: PathBuf,
    count: usize,
}

impl Seeds {
    fn write(&mut self, target: &str, input: &[u8]) -> io::Result<()> {
        if input.len() > INPUT_MAX {
            return Ok(());
        }
        let dir = self.dir.join(target);
        std::fs::create_dir_all(&dir)?;
        self.count += 1;
        std::fs::write(dir.join(format!("seed-{:04}", self.count)), input)
    }
}
