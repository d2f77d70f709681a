//! `policies/<id>.md` and `claims/<id>.md`: rules for people, and sentences for the public.

use octro_model::hex;
use sha2::{Digest, Sha256};

use crate::markdown;
use crate::program::{Claim, Policy};
use crate::read::inventory::{Declared, Noun};
use crate::read::known::Known;
use crate::read::table::Table;

pub(crate) fn policy(
    root: Table<'_>,
    body: &str,
    declared: &Declared<'_>,
    known: &Known<'_>,
) -> Option<Policy> {
    let title = root.need_text("title");
    let owner = known.need_role(&root, "owner");
    let review = root.need("review", "`review = \"365d\"`", root.span("review"));
    let audience = known.roles(&root, "audience");
    root.finish();
    let title = title?.value.to_owned();
    Some(Policy {
        id: declared.id.clone(),
        owner: owner?,
        review: review?,
        audience,
        headings: markdown::headings(body),
        hash: hash(&title, body),
        body: body.to_owned(),
        title,
        file: declared.file.to_owned(),
    })
}

/// What people acknowledge: the title and the text, but not who owns it.
pub(crate) fn hash(title: &str, body: &str) -> String {
    let mut hasher = Sha256::new();
    hasher.update((title.len() as u64).to_be_bytes());
    hasher.update(title);
    // A checkout with other line ends is the same text.
    hasher.update(body.replace("\r\n", "\n"));
    hex(&hasher.finalize())
}

pub(crate) fn claim(
    root: Table<'_>,
    body: &str,
    declared: &Declared<'_>,
    known: &Known<'_>,
) -> Option<Claim> {
    let title = root.need_text("title");
    let ids = root.need_ids("controls", "`controls = [\"...\"]`: what makes it true");
    let controls = known.check_all(&root, Noun::Control, ids);
    root.finish();
    Some(Claim {
        id: declared.id.clone(),
        title: title?.value.to_owned(),
        controls,
        body: body.to_owned(),
        file: declared.file.to_owned(),
    })
}
