//! `tests/**/<id>.toml`: a test, with its expressions typed and its examples run.

use std::collections::BTreeSet;

use octro_cel::{Environment, Kinds};
use octro_model::Id;

use crate::meaning;
use crate::read::inventory::{Declared, Noun};
use crate::read::known::Known;
use crate::read::table::Table;
use crate::read::{test_example, test_text};
use crate::test::{Fix, Test};

/// The kinds, and which of them have problems: what rests on those cannot be typed.
pub(crate) struct Typed<'k> {
    pub(crate) kinds: &'k Kinds,
    pub(crate) broken: &'k BTreeSet<Id>,
}

impl Typed<'_> {
    /// Whether `on`, everything that references lead to from there, and everything that these texts name is whole.
    fn is_whole(&self, on: &Id, texts: &[&str]) -> bool {
        if self.broken.iter().any(|kind| texts.iter().any(|text| text.contains(kind.as_str()))) {
            return false;
        }
        let mut seen = BTreeSet::new();
        let mut ahead = vec![on];
        while let Some(kind) = ahead.pop() {
            let Some(layout) = self.kinds.get(kind) else { return false };
            if seen.insert(kind) {
                ahead.extend(
                    layout.kind().attributes.values().filter_map(|attribute| attribute.references.as_ref()),
                );
            }
        }
        true
    }
}

pub(crate) fn test(
    root: Table<'_>,
    declared: &Declared<'_>,
    known: &Known<'_>,
    typed: &Typed<'_>,
) -> Option<Test> {
    let rev = root.rev();
    let title = root.need_text("title");
    let why = root.need_text("why");
    let severity = root.need("severity", "info, low, medium, high or critical", root.word("severity"));
    let on = root.need_id("on", "a kind").map(|on| known.check(&root, Noun::Kind, on));
    let scope_text = root.text("scope");
    let pass_text = root.need_text("pass");
    let message_text = root.need_text("message");
    let max_age = root.need("max_age", "`max_age = \"24h\"`", root.span("max_age"));
    let coverage_note = root.text_or_empty("coverage_note");
    let before = root.doc.problems.count();
    let params = test_text::params(&root);
    let params_whole = root.doc.problems.count() == before;
    let fix = fix(&root);
    let maps = known.maps(&root);
    let examples = test_example::examples(&root, on.as_ref(), known, typed.kinds);

    let texts: Vec<&str> =
        [&scope_text, &pass_text, &message_text].into_iter().flatten().map(|said| said.value).collect();
    let on = on.filter(|on| params_whole && typed.is_whole(on, &texts));
    let compiled = on.and_then(|on| {
        let constants = test_text::constants(&params);
        let environment = Environment { kinds: typed.kinds, on: &on, params: &constants };
        // All three are compiled whatever happens to one of them, so that all faults are told.
        let scope = scope_text.as_ref().map(|said| test_text::condition(&root, "scope", said, &environment));
        let pass =
            pass_text.as_ref().and_then(|said| test_text::condition(&root, "pass", said, &environment));
        let message = message_text.as_ref().and_then(|said| test_text::message(&root, said, &environment));
        let scope = match scope {
            Some(scope) => Some(scope?),
            None => None,
        };
        Some((on.clone(), scope, pass?, message?))
    });
    let read = (|| {
        let (on, scope, pass, message) = compiled?;
        let (examples, places): (Vec<_>, Vec<_>) = examples.into_iter().unzip();
        let mut test = Test {
            id: declared.id.clone(),
            rev: rev?,
            hash: String::new(),
            title: title?.value.to_owned(),
            why: why?.value.to_owned(),
            severity: severity?,
            on,
            scope,
            pass,
            message,
            max_age: max_age?,
            coverage_note,
            params,
            fix: fix?,
            maps,
            examples,
            file: declared.file.to_owned(),
            message_text: message_text?.value.to_owned(),
        };
        test.hash = meaning::hash(&test, typed.kinds);
        test_example::prove(&root, &test, typed.kinds, &places);
        Some(test)
    })();
    root.finish();
    read
}

fn fix(root: &Table<'_>) -> Option<Fix> {
    let table =
        root.need("fix", "`[fix]` with `text = \"...\"`: how a failure is mended", root.table("fix"))?;
    let text = table.need_text("text").map(|text| text.value.to_owned());
    let command = table.text("command").map(|text| text.value.to_owned());
    let terraform = table.text("terraform").map(|text| text.value.to_owned());
    table.finish();
    Some(Fix { text: text?, command, terraform })
}
