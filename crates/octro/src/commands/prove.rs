//! `octro prove control|resource|entry`: a file that anyone can check offline.

use std::io::Write as _;
use std::path::Path;

use octro_engine::Query;
use octro_model::Timestamp;
use octro_verify::Proof;

use crate::cli::{Global, Prove};
use crate::database;
use crate::exit::Exit;
use crate::output;

pub async fn run(global: &Global, prove: Prove) -> anyhow::Result<Exit> {
    let query = database::query(global).await?;
    let (proof, to) = match prove {
        Prove::Control { control, from, to, out } => (interval(&query, &control, from, to).await?, out),
        Prove::Resource { kind, key, at, out } => {
            let at = at.unwrap_or(query.present().await?.at);
            (query.prove_resource(&kind.parse()?, &key, at).await?.to_text(), out)
        }
        Prove::Entry { index, tlog: true, out } => {
            (octro_ledger::Reader::newest(query.db()).await?.tlog_proof(index).await?, out)
        }
        Prove::Entry { index, tlog: false, out } => (query.prove_entry(index).await?.to_text(), out),
    };
    match to {
        Some(path) => write(&path, &proof)?,
        None => output::text(&proof)?,
    }
    if !global.quiet {
        let key = octro_ledger::Reader::newest(query.db()).await?.log().signer.clone();
        output::say(&format!(
            "Whoever checks it needs the log's key from another channel than this file: {key}\nThen: octro verify FILE --key '{key}'"
        ));
    }
    Ok(Exit::Done)
}

async fn interval(
    query: &Query,
    control: &str,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
) -> anyhow::Result<String> {
    let present = query.present().await?.at;
    let sealed = query.sealed().await?;
    let to = to.unwrap_or(sealed.map_or(present, |(_, last)| last));
    let from = match from {
        Some(from) => from,
        None => sealed.map_or(to, |(first, _)| first).min(to),
    };
    let proof: Proof = query.prove_interval(&control.parse()?, from, to).await?;
    if let octro_verify::Claim::Interval { from: proved, .. } = &proof.claim
        && *proved > u64::try_from(from.micros()).unwrap_or(0)
    {
        output::say(&format!(
            "This log began at {}: the proof begins there. Of the time before, the log cannot speak.",
            octro_verify::moment(*proved)
        ));
    }
    if let octro_verify::Claim::Interval { to: proved, .. } = &proof.claim
        && *proved < u64::try_from(to.micros()).unwrap_or(0)
    {
        output::say(&format!(
            "The last seal was written at {}: the proof ends there. A running Octro seals each midnight (UTC) and when it stops.",
            octro_verify::moment(*proved)
        ));
    }
    Ok(proof.to_text())
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let mut file = std::fs::File::create(path)
        .map_err(|error| anyhow::anyhow!("{}: {error}; name another file with -o", path.display()))?;
    file.write_all(text.as_bytes())?;
    Ok(())
}
