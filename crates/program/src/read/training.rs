//! `training/<id>.md`: what people learn, and when.

use crate::program::{Form, Training};
use crate::read::inventory::Declared;
use crate::read::known::Known;
use crate::read::policy::hash;
use crate::read::table::Table;

pub(crate) fn training(
    root: Table<'_>,
    body: &str,
    declared: &Declared<'_>,
    known: &Known<'_>,
) -> Option<Training> {
    let title = root.need_text("title");
    let forms = [("module", Form::Module), ("live", Form::Live), ("briefing", Form::Briefing)];
    let form = root.need("form", "module, live or briefing", root.choice("form", &forms));
    let audience = root.need_ids("audience", "`audience = [\"...\"]`: the roles that take it");
    let audience = audience.into_iter().map(|id| known.role(&root, id)).collect();
    let every = root.span("every");
    let within = root.span("within");
    let minutes = root.need("minutes", "`minutes = 20`", root.int("minutes", 1));
    root.finish();
    let title = title?.value.to_owned();
    Some(Training {
        id: declared.id.clone(),
        form: form?,
        audience,
        every,
        within,
        minutes: minutes?,
        hash: hash(&title, body),
        body: body.to_owned(),
        title,
        file: declared.file.to_owned(),
    })
}
