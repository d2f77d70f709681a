//! The examples of a test: read, typed against their kinds, and run.

use std::collections::BTreeMap;

use octro_cel::{Kinds, Layout, Misfit, Part, Record};
use octro_model::{Id, Kind, Status, Timestamp, UnknownReason, Why};
use serde_json::{Map, Value};

use crate::example::run;
use crate::near::instead;
use crate::read::doc::Said;
use crate::read::inventory::Noun;
use crate::read::known::Known;
use crate::read::table::{Table, json};
use crate::test::{Example, Other, Test};

const EXAMPLES_MAX: usize = 200;
const OTHERS_MAX: usize = 100;
/// The key of an example's resource, for examples in which others refer to it.
const KEY: &str = "example";
/// 2026-01-01T00:00:00Z.
const NOW: Timestamp = Timestamp::from_secs(1_767_225_600);

const WHYS: &[(&str, Why)] = &[
    ("denied", Why::Denied),
    ("throttled", Why::Throttled),
    ("timed_out", Why::TimedOut),
    ("failed", Why::Failed),
    ("not_collected", Why::NotCollected),
    ("unsupported", Why::Unsupported),
];

const EXPECTED: &[(&str, Status)] = &[
    ("pass", Status::Pass),
    ("fail", Status::Fail),
    ("unknown", Status::Unknown),
    ("not_applicable", Status::NotApplicable),
];

/// An example and where the file says what it expects.
pub(crate) type Expecting = (Example, std::ops::Range<usize>);

/// Reads all examples; those with problems are left out.
pub(crate) fn examples(
    root: &Table<'_>,
    on: Option<&Id>,
    known: &Known<'_>,
    kinds: &Kinds,
) -> Vec<Expecting> {
    let tables = root.tables("examples");
    if !root.has("examples") {
        let expected = "`[[examples]]`: at least one each that passes, fails and is unknown";
        root.doc.problem(root.at.clone(), "`examples` is missing", expected);
        return Vec::new();
    }
    if tables.len() > EXAMPLES_MAX {
        root.doc.problem(
            0..0,
            format!("there are {} examples", tables.len()),
            format!("at most {EXAMPLES_MAX}"),
        );
        return Vec::new();
    }
    let first = tables.first().map_or(0..0, |table| table.at.clone());
    let mut names: Vec<&str> = Vec::new();
    let mut expects: Vec<Option<Status>> = Vec::new();
    let mut examples = Vec::new();
    for table in tables {
        let name = table.need_text("name");
        if let Some(name) = &name {
            if names.contains(&name.value) {
                table.doc.problem(
                    name.at.clone(),
                    format!("two examples are called `{}`", name.value),
                    "different names",
                );
            }
            names.push(name.value);
        }
        let at = table.text("expect").map_or(table.at.clone(), |said| said.at);
        let form = "pass, fail, unknown or not_applicable";
        let expect = table.need("expect", form, table.choice("expect", EXPECTED));
        expects.push(expect);
        let kind = on.and_then(|on| kinds.get(on));
        let example = example(table, kind.map(AsRef::as_ref), known, kinds);
        if let (Some(example), Some(name), Some(expect)) = (example, name, expect) {
            examples.push((Example { name: name.value.to_owned(), expect, ..example }, at));
        }
    }
    // If one example's expectation cannot be read, nobody knows what is missing.
    if expects.iter().all(Option::is_some) {
        for (word, status) in EXPECTED.iter().filter(|(_, status)| *status != Status::NotApplicable) {
            if !expects.contains(&Some(*status)) {
                let expected = format!("at least one `[[examples]]` with `expect = \"{word}\"`");
                root.doc.problem(first.clone(), format!("no example expects `{word}`"), expected);
            }
        }
    }
    examples
}

fn example(table: Table<'_>, layout: Option<&Layout>, known: &Known<'_>, kinds: &Kinds) -> Option<Example> {
    let given = given(&table, layout);
    let now = table.moment("now").map_or(NOW, |now| now.value);
    let key = table.text("key").map_or(KEY, |key| key.value).to_owned();
    let tables = table.tables("others");
    let mut others = Vec::new();
    let mut whole = tables.len() <= OTHERS_MAX;
    if !whole {
        table.doc.problem(
            table.at.clone(),
            format!("there are {} others", tables.len()),
            format!("at most {OTHERS_MAX}"),
        );
    }
    for table in tables.into_iter().take(OTHERS_MAX) {
        match other(table, known, kinds) {
            Some(other) => others.push(other),
            None => whole = false,
        }
    }
    let line = table.doc.place(table.at.start).0;
    table.finish();
    let (attributes, unknown) = given.filter(|_| whole)?;
    let (name, expect) = (String::new(), Status::Unknown);
    Some(Example { name, key, attributes, unknown, expect, now, others, line })
}

fn other(table: Table<'_>, known: &Known<'_>, kinds: &Kinds) -> Option<Other> {
    let kind = table.need_id("kind", "a kind").map(|kind| known.check(&table, Noun::Kind, kind));
    let key = table.need_text("key").map(|key| key.value.to_owned());
    let layout = kind.as_ref().and_then(|kind| kinds.get(kind));
    let given = given(&table, layout.map(AsRef::as_ref));
    table.finish();
    let (attributes, unknown) = given?;
    Some(Other { kind: kind?, key: key?, attributes, unknown })
}

type Given = (Map<String, Value>, BTreeMap<String, UnknownReason>);

/// `given`, `absent` and `unknown`; without a layout (the kind is broken) they are read, but nothing is known of them.
fn given(table: &Table<'_>, layout: Option<&Layout>) -> Option<Given> {
    let before = table.doc.problems.count();
    let kind = layout.map(Layout::kind);
    let mut attributes = Map::new();
    let mut unknown = BTreeMap::new();
    let mut places: Vec<Said<String>> = Vec::new();
    let mut place = |said: Said<&str>, problem_table: &Table<'_>| {
        check_name(problem_table, kind, &said);
        if places.iter().any(|other| other.value == said.value) {
            problem_table.doc.problem(
                said.at,
                format!("`{}` stands twice in the example", said.value),
                "each once",
            );
            return;
        }
        places.push(said.map(str::to_owned));
    };
    if let Some(inner) = table.table("given") {
        for entry in inner.entries() {
            match json(entry.value.get_ref()) {
                Some(value) => {
                    attributes.insert(entry.key.value.to_owned(), value);
                }
                None => {
                    let what = format!("`{}` is a number out of bounds", entry.key.value);
                    table.doc.problem(entry.value.span(), what, "a number of 64 bits");
                }
            }
            place(entry.key, table);
        }
    }
    for name in table.texts("absent") {
        attributes.insert(name.value.to_owned(), Value::Null);
        place(name, table);
    }
    if let Some(inner) = table.table("unknown") {
        for entry in inner.entries() {
            let word = entry.value.get_ref().as_str();
            match WHYS.iter().find(|(why, _)| Some(*why) == word) {
                Some((_, why)) => {
                    unknown.insert(entry.key.value.to_owned(), UnknownReason::new(*why, ""));
                }
                None => {
                    let what = format!("the reason for `{}` is none", entry.key.value);
                    let words: Vec<&str> = WHYS.iter().map(|(word, _)| *word).collect();
                    table.doc.problem(entry.value.span(), what, format!("one of {}", words.join(", ")));
                }
            }
            place(entry.key, table);
        }
    }
    let layout = layout.filter(|_| table.doc.problems.count() == before);
    if let Some(layout) = layout
        && let Err(misfits) = Record::encode(layout, &attributes, &unknown)
    {
        for misfit in misfits {
            misfits_place(table, &places, &misfit);
        }
    }
    (layout.is_some() && table.doc.problems.count() == before).then_some((attributes, unknown))
}

fn check_name(table: &Table<'_>, kind: Option<&Kind>, said: &Said<&str>) {
    if let Some(kind) = kind
        && !kind.attributes.contains_key(said.value)
    {
        let expected = instead(said.value, "one of", kind.attributes.keys().map(String::as_str));
        table.doc.problem(
            said.at.clone(),
            format!("`{}` has no attribute `{}`", kind.id, said.value),
            expected,
        );
    }
}

fn misfits_place(table: &Table<'_>, places: &[Said<String>], misfit: &Misfit) {
    let name = misfit.path.split(['.', '[']).next().unwrap_or_default();
    let at =
        places.iter().find(|place| place.value == name).map_or(table.at.clone(), |place| place.at.clone());
    let what = match misfit.part {
        Part::Attributes | Part::Body => format!("`{}`: {}", misfit.path, misfit.what),
        Part::Unknown => format!("the reason for `{}`: {}", misfit.path, misfit.what),
    };
    table.doc.problem(at, what, misfit.expected.clone());
}

/// Runs every example, and reports those that give something else.
pub(crate) fn prove(root: &Table<'_>, test: &Test, kinds: &Kinds, places: &[std::ops::Range<usize>]) {
    for (example, at) in test.examples.iter().zip(places) {
        let gave = run(test, example, kinds);
        if gave.status == example.expect {
            continue;
        }
        let mut what = format!("example `{}` gives {}", example.name, gave.status);
        if !gave.why.is_empty() {
            what.push_str(&format!(" ({})", gave.why));
        }
        root.doc.problem(at.clone(), what, example.expect.to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_happen_at_new_year() {
        assert_eq!(NOW, "2026-01-01".parse().unwrap());
    }
}
