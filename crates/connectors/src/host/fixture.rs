//! For tests: a machine made of files in a temporary folder and of tools whose answers are recorded.

use std::collections::BTreeMap;
use std::path::PathBuf;

use octro_model::{Collection, Id, ManualClock, Observation, Timestamp};
use serde_json::Value;

use super::{Answer, CommandError, Commands, Look, Machine, Roots};
use crate::Run;

/// A machine that is not there.
pub(crate) struct Fixture {
    folder: tempfile::TempDir,
    banned: Vec<String>,
    tools: Tools,
}

/// Tools by their whole command line.
#[derive(Default)]
pub(crate) struct Tools(BTreeMap<String, Result<Answer, CommandError>>);

impl Commands for Tools {
    fn run(&self, program: &str, arguments: &[&str], _: &[(&str, &str)]) -> Result<Answer, CommandError> {
        let line = std::iter::once(program).chain(arguments.iter().copied()).collect::<Vec<_>>().join(" ");
        self.0.get(&line).cloned().unwrap_or_else(|| Err(CommandError::Missing(program.to_owned())))
    }
}

/// What a look saw.
pub(crate) struct Seen {
    /// The resources.
    pub observations: Vec<Observation>,
    /// How it went.
    pub collection: Collection,
}

impl Fixture {
    /// A machine with these files.
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let fixture =
            Self { folder: tempfile::tempdir().unwrap(), banned: Vec::new(), tools: Tools::default() };
        for (path, text) in files {
            fixture.write(path, text.as_bytes());
        }
        fixture
    }

    /// Where one of its files really is.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path.trim_start_matches('/'))
    }

    fn place(&self, path: &str) -> PathBuf {
        let place = self.path(path);
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        place
    }

    /// Writes one more file.
    pub(crate) fn write(&self, path: &str, bytes: &[u8]) {
        std::fs::write(self.place(path), bytes).unwrap();
    }

    /// Makes a link.
    pub(crate) fn link(self, path: &str, target: &str) -> Self {
        std::os::unix::fs::symlink(target, self.place(path)).unwrap();
        self
    }

    /// Makes a path unreadable.
    pub(crate) fn deny(mut self, path: &str) -> Self {
        self.banned.push(path.to_owned());
        self
    }

    /// Gives a tool an answer.
    pub(crate) fn tool(mut self, line: &str, code: i32, stdout: &str, stderr: &str) -> Self {
        let answer = Answer { code: Some(code), stdout: stdout.to_owned(), stderr: stderr.to_owned() };
        self.tools.0.insert(line.to_owned(), Ok(answer));
        self
    }

    /// Its files.
    pub(crate) fn roots(&self) -> Roots {
        Roots::at(self.folder.path()).never_read(self.banned.clone())
    }

    /// Looks at it on 2026-03-03.
    pub(crate) fn look(&self, kind: &str, look: Look) -> Seen {
        let roots = self.roots();
        let kind: Id = kind.parse().unwrap();
        let clock = ManualClock::at("2026-03-03".parse::<Timestamp>().unwrap());
        let mut observations = Vec::new();
        let collection = {
            let mut deliver = |batch: Vec<Observation>| {
                observations.extend(batch);
                Ok(())
            };
            let source: Id = "test".parse().unwrap();
            let mut run = Run::new(source, vec![kind.clone()], &clock, Timestamp::MAX, &mut deliver);
            let machine =
                Machine { roots: &roots, commands: &self.tools, host: "web1".to_owned(), now: run.now() };
            look(&machine, &kind, &mut run).unwrap();
            run.finish()
        };
        for observation in &observations {
            declared(&kind, observation);
        }
        Seen { observations, collection }
    }
}

impl Seen {
    /// The only resource.
    pub(crate) fn one(&self) -> &Observation {
        assert_eq!(self.observations.len(), 1, "{:?}", self.collection);
        &self.observations[0]
    }

    /// The resource with this key.
    pub(crate) fn key(&self, key: &str) -> &Observation {
        let keys: Vec<&str> = self.observations.iter().map(|seen| seen.key.as_str()).collect();
        self.observations
            .iter()
            .find(|seen| seen.key == key)
            .unwrap_or_else(|| panic!("{key} is not in {keys:?}"))
    }

    /// Whether everything was seen.
    pub(crate) fn complete(&self) -> bool {
        self.collection.scopes.iter().all(|scope| scope.complete)
    }
}

/// An attribute as short text: `true`, `"text"`, `null`, `unknown: denied`, `missing`.
pub(crate) fn shown(seen: &Observation, name: &str) -> String {
    match (seen.attributes.get(name), seen.unknown.get(name)) {
        (Some(value), None) => value.to_string(),
        (None, Some(reason)) => format!("unknown: {}", reason.why.label()),
        (None, None) => "missing".to_owned(),
        (Some(_), Some(_)) => panic!("{name} is both known and unknown"),
    }
}

/// Every attribute is declared in the kind's file, with the type that it has, and every declared one is told.
fn declared(kind: &Id, seen: &Observation) {
    let path =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("../../program/kinds/host/{kind}.toml"));
    let file: toml::Table = std::fs::read_to_string(path).unwrap().parse().unwrap();
    let attributes = file["attributes"].as_table().unwrap();
    for name in seen.attributes.keys().chain(seen.unknown.keys()) {
        assert!(attributes.contains_key(name), "{kind} does not declare {name}");
    }
    for (name, attribute) in attributes {
        let told = seen.attributes.contains_key(name) || seen.unknown.contains_key(name);
        assert!(told, "{} says nothing of {name}", seen.key);
        if let Some(value) = seen.attributes.get(name) {
            fits(value, attribute, &format!("{kind}.{name}"));
        }
    }
}

fn fits(value: &Value, attribute: &toml::Value, place: &str) {
    let form = attribute["type"].as_str().unwrap();
    let of = |form: &str, value: &Value| match form {
        "string" => value.is_string(),
        "bool" => value.is_boolean(),
        "int" => value.is_i64() || value.is_u64(),
        "timestamp" => value.as_str().is_some_and(|text| text.parse::<Timestamp>().is_ok()),
        other => panic!("{place} has the type {other}"),
    };
    let good = match form.strip_prefix("list<").and_then(|rest| rest.strip_suffix('>')) {
        _ if value.is_null() => true,
        Some("object") => value.as_array().is_some_and(|items| {
            let fields = attribute["fields"].as_table().unwrap();
            for item in items {
                for (name, value) in item.as_object().unwrap() {
                    let field = fields.get(name).unwrap_or_else(|| panic!("{place} does not declare {name}"));
                    fits(value, field, &format!("{place}.{name}"));
                }
            }
            true
        }),
        Some(inner) => value.as_array().is_some_and(|items| items.iter().all(|item| of(inner, item))),
        None => of(form, value),
    };
    assert!(good, "{place} is {value}, not {form}");
}

/// Texts that parsers must survive: parts of good ones, cut, doubled and mixed with bytes that mean nothing.
pub(crate) fn mangled(text: &str) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % (below.max(1) as u64)).unwrap()
    };
    let junk =
        ['\0', '\n', ' ', '"', '\\', ':', '=', '!', ',', '(', ')', '{', '}', '\u{fffd}', '9', '-', '%', '@'];
    (0..60)
        .map(|_| {
            let mut some = letters.clone();
            for _ in 0..=next(6) {
                let place = next(some.len());
                match next(4) {
                    0 => some.truncate(place),
                    1 => some.insert(place.min(some.len()), junk[next(junk.len())]),
                    2 if !some.is_empty() => some[place] = junk[next(junk.len())],
                    _ => {
                        let tail = some[place.min(some.len())..].to_vec();
                        some.splice(next(place)..next(place).max(place).min(some.len()), tail);
                    }
                }
                some.truncate(20_000);
            }
            some.into_iter().collect()
        })
        .collect()
}
