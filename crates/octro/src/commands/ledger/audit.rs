//! `octro ledger audit`: everything recomputed from the database and the published tiles, and compared.

use std::sync::Arc;

use octro_engine::audit_journal;
use octro_ledger::Parts;
use octro_model::Clock as _;
use serde_json::json;

use crate::cli::Global;
use crate::database;
use crate::exit::Exit;
use crate::output::{self, Table};
use crate::progress;

pub async fn run(global: &Global) -> anyhow::Result<Exit> {
    let config = database::config(global)?;
    let query = database::query(global).await?;
    let folder = config.ledger_folder();
    let folder = folder.exists().then_some(folder);
    let spinner = progress::spinner("Auditing", global.quiet);
    let log = octro_ledger::audit(query.db(), folder.as_deref(), Parts::ALL, |entries| {
        spinner.set_message(format!("Auditing the log: {entries} entries"));
    })
    .await?;
    spinner.set_message("Comparing the log with what is stored");
    let journal = audit_journal(query.db()).await?;
    let (objects, in_bucket) =
        match octro_server::ledger_mirror(&config, query.db(), Arc::new(octro_model::SystemClock)) {
            Some(mirror) => {
                spinner.set_message("Comparing the bucket with the log");
                mirror.audit().await?
            }
            None => (0, Vec::new()),
        };
    spinner.finish_and_clear();
    let wrong = log.wrong + journal.wrong + in_bucket.len() as u64;
    let mut table = Table::new(&["what is wrong"]);
    let findings: Vec<String> = log
        .findings
        .iter()
        .chain(&in_bucket)
        .map(|one| format!("log {}, near entry {}: {}", one.log, one.near, one.says))
        .chain(journal.findings.iter().cloned())
        .collect();
    for finding in &findings {
        table.row([finding.clone()]);
    }
    let value = json!({
        "entries": log.entries,
        "tiles": log.tiles,
        "checkpoints": log.checkpoints,
        "files": log.files,
        "objects": objects,
        "transitions": journal.transitions,
        "seals": journal.seals,
        "collections": journal.collections,
        "collections_no_longer_kept": journal.forgotten,
        "set_aside": journal.set_aside,
        "wrong": wrong,
        "findings": findings,
    });
    if wrong > 0 || global.format != crate::output::Format::Table {
        table.print(global.format, &value)?;
    }
    let at = octro_model::SystemClock.now();
    let kept = json!({"at": at, "entries": log.entries, "findings": wrong});
    query.set("ledger.audit", &kept.to_string()).await?;
    if !global.quiet {
        let published = if folder.is_some() {
            format!("{} published files", log.files)
        } else {
            "no published folder".to_owned()
        };
        let published = match config.ledger.bucket {
            Some(_) => format!("{published}, {objects} objects in the bucket"),
            None => published,
        };
        output::say(&format!(
            "{} entries, {} tiles, {} checkpoints, {published}; {} changes of controls, {} seals, the facts of {} collections ({} no longer kept): {}",
            log.entries,
            log.tiles,
            log.checkpoints,
            journal.transitions,
            journal.seals,
            journal.collections,
            journal.forgotten,
            if wrong == 0 { "all agree".to_owned() } else { format!("{wrong} wrong") }
        ));
        if journal.set_aside > 0 {
            output::say(&format!(
                "{} links of chains are in no log: they waited when a new log followed the one before. They are kept in the outbox.",
                journal.set_aside
            ));
        }
    }
    Ok(if wrong == 0 { Exit::Done } else { Exit::Failing })
}
