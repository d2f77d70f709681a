//! `octro prove control|resource|decision|entry`: a file that anyone can check offline.

use std::io::Write as _;
use std::path::Path;

use octro_engine::Query;
use octro_ledger::records::Part;
use octro_model::Timestamp;
use octro_verify::{Claim, Proof};
use serde_json::json;

use crate::cli::{Global, Opened, Prove};
use crate::database;
use crate::exit::Exit;
use crate::output::{self, Format};

pub async fn run(global: &Global, prove: Prove) -> anyhow::Result<Exit> {
    let query = database::query(global).await?;
    let mut absent = None;
    let (proof, to) = match prove {
        Prove::Control { control, from, to, out } => (interval(&query, &control, from, to).await?, out),
        Prove::Resource { kind, key, at, out } => {
            let at = at.unwrap_or(query.present().await?.at);
            let kind = kind.parse()?;
            let proof = query.prove_resource(&kind, &key, at).await?;
            if matches!(proof.claim, Claim::Absent { .. }) {
                absent =
                    Some(Absent { near: query.near_keys(&kind, &key).await?, kind: kind.to_string(), key });
            }
            (proof.to_text(), out)
        }
        Prove::Decision { id, open, out } => {
            let open = match open {
                Opened::Body => Some(Part::Body),
                Opened::By => Some(Part::By),
                Opened::Subject => Some(Part::Subject),
                Opened::Nothing => None,
            };
            (query.prove_decision(&id, open).await?.to_text(), out)
        }
        Prove::Entry { index, tlog: true, out } => {
            (octro_ledger::Reader::newest(query.db()).await?.tlog_proof(index).await?, out)
        }
        Prove::Entry { index, tlog: false, out } => (query.prove_entry(index).await?.to_text(), out),
    };
    let key = octro_ledger::Reader::newest(query.db()).await?.log().signer.clone();
    match &to {
        Some(path) => write(path, &proof)?,
        None => output::text(&proof)?,
    }
    if let Some(absent) = &absent {
        // Even to whoever wants to hear nothing: it may be the opposite of what was meant.
        output::say(&absent.warning());
    }
    if let Some(path) = to.filter(|_| global.format == Format::Json) {
        let (proves, near) = match &absent {
            Some(absent) => (Some("absence"), Some(&absent.near)),
            None => (None, None),
        };
        let warning = absent.as_ref().map(Absent::warning);
        output::json(&json!({"file": path, "key": key, "proves": proves, "warning": warning, "near": near}))?;
    }
    if !global.quiet {
        output::say(&format!(
            "Whoever checks it needs the log's key from another channel than this file: {key}\nThen: octro verify FILE --key '{key}'"
        ));
    }
    Ok(Exit::Done)
}

/// A proof that a resource was not there.
struct Absent {
    kind: String,
    key: String,
    /// Keys that are written nearly so.
    near: Vec<String>,
}

impl Absent {
    fn warning(&self) -> String {
        let near = if self.near.is_empty() {
            String::new()
        } else {
            let near: Vec<String> = self.near.iter().map(|key| format!("`{key}`")).collect();
            format!(" Written nearly so: {}.", near.join(", "))
        };
        format!(
            "WARNING: this proves the ABSENCE of `{}` from the resources of `{}`. A key that is mistyped is absent too.{near}",
            self.key, self.kind
        )
    }
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
