//! `controls/<part>/<id>.toml`: a safeguard.

use std::collections::BTreeMap;

use octro_model::Id;

use crate::near::instead;
use crate::program::{Control, Policy, PolicySection};
use crate::read::doc::Said;
use crate::read::inventory::{Declared, Noun};
use crate::read::known::Known;
use crate::read::table::Table;

pub(crate) fn control(
    root: Table<'_>,
    declared: &Declared<'_>,
    known: &Known<'_>,
    policies: &BTreeMap<Id, Policy>,
) -> Option<Control> {
    let part = part(&root, declared, known);
    let title = root.need_text("title");
    let statement = root.need_text("statement");
    let why = root.need_text("why");
    let owner = known.need_role(&root, "owner");
    let layer = root.need("layer", "identify, protect, detect, respond or recover", root.word("layer"));
    let policy = root.text("policy").and_then(|said| section(&root, said, known, policies));
    let protects = root.ids("protects").into_iter().map(|asset| known.asset(&root, asset)).collect();
    let tests = known.check_all(&root, Noun::Test, root.ids("tests"));
    let evidence: Vec<String> =
        root.texts("evidence").into_iter().map(|text| text.value.to_owned()).collect();
    let maps = known.maps(&root);
    if tests.is_empty() && evidence.is_empty() {
        let what = "neither a test nor evidence shows this control".to_owned();
        root.doc.warn(0, what, "`tests`, or `evidence` that people bring".to_owned());
    }
    root.finish();
    Some(Control {
        id: declared.id.clone(),
        title: title?.value.to_owned(),
        statement: statement?.value.to_owned(),
        why: why?.value.to_owned(),
        part: part?,
        owner: owner?,
        layer: layer?,
        policy,
        protects,
        tests,
        evidence,
        maps,
        file: declared.file.to_owned(),
    })
}

/// The part is the folder's name.
fn part(root: &Table<'_>, declared: &Declared<'_>, known: &Known<'_>) -> Option<Id> {
    let said = Said { value: declared.folder.parse::<Id>().ok()?, at: 0..0 };
    Some(known.part(root, said))
}

/// `policy#heading`, or a policy as a whole.
fn section(
    root: &Table<'_>,
    said: Said<&str>,
    known: &Known<'_>,
    policies: &BTreeMap<Id, Policy>,
) -> Option<PolicySection> {
    let (policy, heading) = said.value.split_once('#').unwrap_or((said.value, ""));
    let Ok(policy) = policy.parse::<Id>() else {
        root.doc.problem(said.at, format!("`{policy}` cannot be a policy"), "`<policy>#<heading>`");
        return None;
    };
    let policy = known.check(root, Noun::Policy, Said { value: policy, at: said.at.clone() });
    if let Some(read) = policies.get(&policy)
        && !heading.is_empty()
        && !read.headings.iter().any(|one| one.slug == heading)
    {
        let expected = instead(heading, "one of", read.headings.iter().map(|one| one.slug.as_str()));
        root.doc.problem(said.at, format!("policy `{policy}` has no heading `{heading}`"), expected);
    }
    Some(PolicySection { policy, heading: heading.to_owned() })
}
