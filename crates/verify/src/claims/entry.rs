//! A leaf is in the log; a commitment in it opens to a text.

use crate::check::Checked;
use crate::fault::quoted;
use crate::hash::{Hash, hex, hmac};
use crate::leaf::What;
use crate::report::{Reason, Shown};
use crate::say::{count, moment};

pub(crate) fn check(
    checked: &Checked<'_>,
    index: u64,
    opened: Option<&(String, Hash)>,
    proved: &mut Vec<String>,
    not_proved: &mut Vec<String>,
) -> Result<Shown, Reason> {
    let mut found = None;
    for (i, entry) in checked.entries.iter().enumerate() {
        if entry.index == Some(index) {
            found = Some(entry);
        } else if !matches!(entry.leaf.what, What::Key(_) | What::Seal(_)) {
            return Err(Reason::new(format!("entries[{i}]"), "has no place in a proof of another leaf"));
        }
    }
    let entry =
        found.ok_or_else(|| Reason::new("claim", format!("leaf {index} is not among the entries")))?;
    let (kind, written) = (entry.leaf.what.kind(), entry.leaf.written);
    proved.push(format!(
        "Leaf {index} of the log, written at {}, {}.",
        moment(written),
        sentence(&entry.leaf.what)
    ));
    let name = opened.map(|(body, salt)| open(&entry.leaf.what, body, salt)).transpose()?;
    if let (Some(name), Some((body, _))) = (name, opened) {
        proved.push(format!("Its commitment `{name}` opens to this text: {}", quoted(body)));
    }
    not_proved.push(
        "That what the leaf says is true: the log shows that it was said, and that it was not changed since."
            .to_owned(),
    );
    Ok(Shown::Entry { kind, written, opened: name })
}

/// Which of the leaf's commitments this text and salt open.
fn open(what: &What, body: &str, salt: &Hash) -> Result<&'static str, Reason> {
    let commitments: &[(&'static str, &Hash)] = match what {
        What::Decision { subject, by, body, .. } => &[("body", body), ("by", by), ("subject", subject)],
        What::Erasure { subject, .. } => &[("subject", subject)],
        What::Export { by: Some(by), .. } => &[("by", by)],
        What::Open { .. }
        | What::Transition(_)
        | What::Population(_)
        | What::Seal(_)
        | What::Program { .. }
        | What::Collection(_)
        | What::Key(_)
        | What::Export { by: None, .. } => &[],
    };
    let commitment = hmac(salt, &[body.as_bytes()]);
    let found = commitments.iter().find(|(_, hash)| **hash == commitment).map(|(name, _)| *name);
    found.ok_or_else(|| Reason::new("claim", "`body` and `salt` open no commitment of the leaf"))
}

/// What a leaf says, in words.
fn sentence(what: &What) -> String {
    match what {
        What::Open { origin, after: None } => format!("opens the log {}", quoted(origin)),
        What::Open { origin, after: Some(after) } => {
            let (old, size) = (quoted(&after.origin), count(after.size, "leaf").replace("leafs", "leaves"));
            format!("opens the log {}, which follows {old} of {size}", quoted(origin))
        }
        What::Transition(of) => {
            format!(
                "says that the status of control `{}` is {} since {} (its transition {})",
                of.control,
                of.to,
                moment(of.at),
                of.n
            )
        }
        What::Population(of) => {
            format!("says that {} of kind `{}` were seen", count(of.count, "resource"), of.kind)
        }
        What::Seal(of) => format!("is seal {} over the states of {}", of.n, count(of.controls, "control")),
        What::Program { hash, name, .. } => {
            format!("says that the program {} {} came into force", quoted(name), hex(hash))
        }
        What::Collection(of) => {
            let complete = if of.complete { "completely" } else { "incompletely" };
            format!(
                "says that source `{}` was collected {complete} from {} to {}",
                of.source,
                moment(of.started),
                moment(of.finished)
            )
        }
        What::Decision { what, .. } => format!("records a decision `{what}`"),
        What::Key(change) => {
            format!("changes the log's key from {} to {}", hex(&change.old.id()), hex(&change.new.id()))
        }
        What::Erasure { records, basis, .. } => {
            format!(
                "records that a person was erased ({}) and {} can no longer be opened",
                quoted(basis),
                count(*records, "commitment")
            )
        }
        What::Export { what, digest, .. } => {
            format!("records that a file `{what}` with the SHA-256 {} was handed out", hex(digest))
        }
    }
}
