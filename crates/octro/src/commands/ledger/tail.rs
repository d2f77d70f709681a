//! `octro ledger tail`: the newest entries.

use octro_ledger::Reader;
use octro_verify::Leaf;
use serde_json::json;

use crate::cli::Global;
use crate::database;
use crate::exit::Exit;
use crate::output::Table;

pub async fn run(global: &Global, count: u64) -> anyhow::Result<Exit> {
    let query = database::query(global).await?;
    let reader = Reader::newest(query.db()).await?;
    let entries = reader.entries(reader.size().saturating_sub(count), count).await?;
    let mut table = Table::new(&["index", "put at", "type", "leaf"]);
    let mut values = Vec::new();
    for entry in &entries {
        let text = String::from_utf8_lossy(&entry.leaf).into_owned();
        let kind = Leaf::parse(&entry.leaf).map_or("unreadable", |leaf| leaf.what.kind());
        values.push(json!({"index": entry.index, "at": entry.at, "type": kind, "hash": octro_verify::hex(&entry.hash), "leaf": text}));
        table.row([entry.index.to_string(), entry.at.minute(), kind.to_owned(), text]);
    }
    table.print(global.format, &values)?;
    Ok(Exit::Done)
}
