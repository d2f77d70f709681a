//! `apps/<id>.toml`: an application and who approves access to it.

use crate::program::{App, Entitlement, SignIn};
use crate::read::inventory::Declared;
use crate::read::known::Known;
use crate::read::table::Table;

pub(crate) fn app(root: Table<'_>, declared: &Declared<'_>, known: &Known<'_>) -> Option<App> {
    let title = root.need_text("title");
    let doc = root.need_text("doc");
    let owner = known.need_role(&root, "owner");
    let approver = known.need_role(&root, "approver");
    let data = root.texts("data").into_iter().map(|text| text.value.to_owned()).collect();
    let critical = root.flag("critical").unwrap_or_default();
    let ways = [("sso", SignIn::Sso), ("passkey", SignIn::Passkey), ("other", SignIn::Other)];
    let sign_in = root.need("sign_in", "sso, passkey or other", root.choice("sign_in", &ways));
    let mut entitlements: Vec<Entitlement> = Vec::new();
    for table in root.tables("entitlements") {
        let id = table.need_id("id", "a name within the application");
        let title = table.need_text("title");
        let privileged = table.flag("privileged").unwrap_or_default();
        if let Some(id) = &id
            && entitlements.iter().any(|other| other.id == id.value)
        {
            table.doc.problem(id.at.clone(), format!("entitlement `{}` stands twice", id.value), "each once");
        }
        if let (Some(id), Some(title)) = (id, title) {
            entitlements.push(Entitlement { id: id.value, title: title.value.to_owned(), privileged });
        }
        table.finish();
    }
    root.finish();
    Some(App {
        id: declared.id.clone(),
        title: title?.value.to_owned(),
        doc: doc?.value.to_owned(),
        owner: owner?,
        approver: approver?,
        data,
        critical,
        sign_in: sign_in?,
        entitlements,
        file: declared.file.to_owned(),
    })
}
