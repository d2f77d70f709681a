//! `exceptions/<id>.toml`: a failure that a second person accepted until a day.

use octro_model::Glob;

use crate::program::Exception;
use crate::read::doc::Said;
use crate::read::inventory::{Declared, Noun};
use crate::read::known::Known;
use crate::read::table::Table;

/// The longest of an exception's texts, in bytes: they go into the ledger together, which keeps no longer ones.
const TEXT_MAX: usize = 2_048;

/// A text that the ledger can keep whole. What is stored was in force: that is not to be refused any more.
fn kept<'d>(root: &Table<'_>, key: &str, text: Option<Said<&'d str>>) -> Option<Said<&'d str>> {
    let said = text?;
    if root.doc.problems.is_lenient() {
        return Some(said);
    }
    let (what, expected) = if said.value.len() > TEXT_MAX {
        (format!("`{key}` has {} bytes", said.value.len()), format!("at most {TEXT_MAX}"))
    } else if said.value.contains('\0') {
        (format!("`{key}` has a NUL character"), "a text without one".to_owned())
    } else {
        return Some(said);
    };
    root.doc.problem(said.at, what, expected);
    None
}

pub(crate) fn exception(root: Table<'_>, declared: &Declared<'_>, known: &Known<'_>) -> Option<Exception> {
    let test = root.need_id("test", "the test whose failures are accepted");
    let test = test.map(|test| known.check(&root, Noun::Test, test));
    let resource = kept(&root, "resource", root.need_text("resource"));
    let reason = kept(&root, "reason", root.need_text("reason"));
    let owner = kept(&root, "owner", root.need_text("owner"));
    let approver = kept(&root, "approver", root.need_text("approver"));
    if let (Some(owner), Some(approver)) = (&owner, &approver)
        && owner.value.trim().to_lowercase() == approver.value.trim().to_lowercase()
    {
        let what = format!("`{}` approves an exception of their own", approver.value.trim());
        root.doc.problem(approver.at.clone(), what, "another person than the owner");
    }
    let approved = root.need("approved", "`approved = \"2026-03-01\"`", root.moment("approved"));
    let expires = root.need("expires", "`expires = \"2026-06-01\"`", root.moment("expires"));
    if let (Some(approved), Some(expires)) = (&approved, &expires)
        && expires.value <= approved.value
    {
        let expected = format!("a time after {}, when it was approved", approved.value);
        root.doc.problem(expires.at.clone(), format!("the exception expires on {}", expires.value), expected);
    }
    let compensating_control = kept(&root, "compensating_control", root.text("compensating_control"));
    root.finish();
    Some(Exception {
        id: declared.id.clone(),
        test: test?,
        resource: Glob::new(resource?.value),
        reason: reason?.value.to_owned(),
        owner: owner?.value.trim().to_owned(),
        approver: approver?.value.trim().to_owned(),
        approved: approved?.value,
        expires: expires?.value,
        compensating_control: compensating_control.map(|text| text.value.to_owned()),
        file: declared.file.to_owned(),
    })
}
