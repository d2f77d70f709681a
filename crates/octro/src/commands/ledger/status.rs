//! `octro ledger status`.

use octro_ledger::{Conflict, Reader, outbox};
use serde_json::json;

use crate::cli::Global;
use crate::database;
use crate::exit::Exit;
use crate::output::Table;

pub async fn run(global: &Global) -> anyhow::Result<Exit> {
    let query = database::query(global).await?;
    let reader = Reader::newest(query.db()).await?;
    let signed = reader.checkpoint().await?;
    let waiting = outbox::waiting(query.db()).await?;
    let sealed = query.sealed().await?.map(|(_, last)| last);
    let log = reader.log();
    let required = reader.required().await?;
    let cosigned = reader.cosigned(required).await?;
    let conflicts = Conflict::all(query.db()).await?;
    let witnesses = signed.note.lines().filter(|line| line.starts_with('\u{2014}')).count().saturating_sub(1);
    let value = json!({
        "origin": log.origin,
        "key": log.signer,
        "entries": log.size,
        "checkpoint": {"size": signed.checkpoint.size, "root": octro_verify::hex(&signed.checkpoint.root), "at": signed.at, "cosignatures": witnesses},
        "cosigned": {"required": required, "size": cosigned.as_ref().map(|one| one.checkpoint.size), "at": cosigned.as_ref().map(|one| one.at)},
        "conflicts": conflicts.iter().map(|one| json!({"witness": one.witness, "since": one.since, "says": one.says})).collect::<Vec<_>>(),
        "waiting": waiting.leaves,
        "waiting_since": waiting.oldest,
        "refused": waiting.refused,
        "sealed_at": sealed,
    });
    let mut table = Table::new(&["ledger", ""]);
    for (what, said) in [
        ("origin", log.origin.clone()),
        ("key", log.signer.clone()),
        ("entries", log.size.to_string()),
        (
            "newest checkpoint",
            format!("{} entries, signed at {}", signed.checkpoint.size, signed.at.minute()),
        ),
        ("root", octro_verify::hex(&signed.checkpoint.root)),
        ("cosignatures", witnesses.to_string()),
        (
            "cosigned by as many as must",
            match (&cosigned, required) {
                (_, 0) => "nobody is asked to".to_owned(),
                (Some(one), _) => {
                    format!("{} entries, signed at {}", one.checkpoint.size, one.at.minute())
                }
                (None, _) => format!("nothing yet; {required} must"),
            },
        ),
        ("last seal", sealed.map_or_else(|| "none yet".to_owned(), octro_model::Timestamp::minute)),
        ("waiting in the outbox", waiting.leaves.to_string()),
        ("refused leaves", waiting.refused.to_string()),
    ] {
        table.row([what.to_owned(), said]);
    }
    for conflict in &conflicts {
        let what = format!("ANOTHER HISTORY, since {}", conflict.since.minute());
        table.row([
            what,
            format!(
                "seen by the witness {}: {} (--format json shows it whole)",
                conflict.witness,
                conflict.says.lines().next().unwrap_or_default()
            ),
        ]);
    }
    table.print(global.format, &value)?;
    Ok(if waiting.refused > 0 || !conflicts.is_empty() { Exit::Failing } else { Exit::Done })
}
