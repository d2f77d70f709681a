//! `exceptions/<id>.toml`: a failure that a second person accepted until a day.

use octro_model::Glob;

use crate::program::Exception;
use crate::read::inventory::{Declared, Noun};
use crate::read::known::Known;
use crate::read::table::Table;

pub(crate) fn exception(root: Table<'_>, declared: &Declared<'_>, known: &Known<'_>) -> Option<Exception> {
    let test = root.need_id("test", "the test whose failures are accepted");
    let test = test.map(|test| known.check(&root, Noun::Test, test));
    let resource = root.need_text("resource");
    let reason = root.need_text("reason");
    let owner = root.need_text("owner");
    let approver = root.need_text("approver");
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
    let compensating_control = root.text("compensating_control").map(|text| text.value.to_owned());
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
        compensating_control,
        file: declared.file.to_owned(),
    })
}
