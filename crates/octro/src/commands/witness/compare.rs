//! `octro witness compare`: whether checkpoints of one log from several places are of one history.

use octro_ledger::witness::{Compared, Place, compare};
use serde_json::json;

use crate::cli::Global;
use crate::commands::verify::keys;
use crate::exit::{Exit, UsageError};
use crate::output::{self, Format};

pub async fn run(global: &Global, places: &[String], key: &[String]) -> anyhow::Result<Exit> {
    let keys = keys(key, "--key")?;
    let places = places.iter().map(|text| Place::parse(text).map_err(UsageError));
    let places = places.collect::<Result<Vec<_>, _>>()?;
    let compared = compare(&places, &keys).await?;
    let exit = match (compared.splits.is_empty(), compared.unknown.is_empty()) {
        (false, _) => Exit::Failing,
        (true, false) => Exit::Unknown,
        (true, true) => Exit::Done,
    };
    output::text(&if global.format == Format::Table { words(&compared) } else { value(&compared, exit) })?;
    Ok(exit)
}

fn words(compared: &Compared) -> String {
    let mut text = String::new();
    for one in &compared.shown {
        let root = octro_verify::base64_encode(&one.checkpoint.root);
        text.push_str(&format!("{}: {} entries, root {root}\n", one.place, one.checkpoint.size));
    }
    for (a, b, how) in &compared.splits {
        text.push_str(&format!(
            "\n✗ SPLIT VIEW: {how}. The log's key signed both:\n\n--- {}\n{}\n--- {}\n{}",
            a.place, a.note, b.place, b.note
        ));
    }
    for one in &compared.unknown {
        text.push_str(&format!("\n? {one}\n"));
    }
    if compared.splits.is_empty() {
        text.push_str(if compared.unknown.is_empty() {
            "\n✓ One history.\n"
        } else {
            "\n? Whether they are of one history cannot be told.\n"
        });
    }
    text
}

fn value(compared: &Compared, exit: Exit) -> String {
    let outcome = match exit {
        Exit::Done => "one history",
        Exit::Failing => "split view",
        Exit::Usage | Exit::Unknown | Exit::Broken | Exit::NotProvable => "unknown",
    };
    let shown: Vec<_> = compared
        .shown
        .iter()
        .map(|one| json!({"place": one.place, "size": one.checkpoint.size, "root": octro_verify::hex(&one.checkpoint.root)}))
        .collect();
    let splits: Vec<_> = compared
        .splits
        .iter()
        .map(|(a, b, how)| json!({"how": how, "a": {"place": a.place, "note": a.note}, "b": {"place": b.place, "note": b.note}}))
        .collect();
    let value = json!({"outcome": outcome, "shown": shown, "splits": splits, "unknown": compared.unknown});
    format!("{value:#}\n")
}
