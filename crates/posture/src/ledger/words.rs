//! What a leaf says, in words.

use octro_model::{Span, Timestamp};
use octro_verify::{Collection, KeyChange, Leaf, Population, Salts, Seal, Status, Transition, What, hex};

/// A moment of a leaf.
pub(super) fn moment(micros: u64) -> Timestamp {
    Timestamp::from_micros(i64::try_from(micros).unwrap_or(i64::MAX))
}

/// A status as pages say it.
pub(super) fn status(status: Status) -> &'static str {
    match status {
        Status::NotApplicable => "not applicable",
        Status::Ended => "no longer in the program",
        Status::Pass | Status::Fail | Status::Unknown | Status::Stale | Status::Excepted => status.as_str(),
    }
}

fn counted(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// In one sentence.
pub(super) fn says(leaf: &Leaf) -> String {
    match &leaf.what {
        What::Open { origin, after: None } => format!("The log `{origin}` begins."),
        What::Open { origin, after: Some(after) } => format!(
            "The log `{origin}` begins; it follows `{}`, which had {} when a backup was restored.",
            after.origin,
            entries(after.size)
        ),
        What::Transition(one) => transition(one),
        What::Population(one) => population(one),
        What::Seal(one) => {
            format!("Seal {} commits to the state of {}.", one.n, counted(one.controls, "control"))
        }
        What::Program { name, ord, .. } => format!("Version {ord} of the program `{name}` comes into force."),
        What::Collection(one) => format!(
            "A run of {} ended {}: {} changed, {} unchanged, {} gone, {} refused.",
            one.source,
            if one.complete { "complete" } else { "incomplete" },
            one.changed,
            one.unchanged,
            one.gone,
            one.refused
        ),
        What::Decision { what, .. } => {
            format!("A decision, {what}; about what, by whom and why are commitments.")
        }
        What::Key(one) => format!(
            "The log's key changes from {} to {}; both sign that.",
            hex(&one.old.id()),
            hex(&one.new.id())
        ),
        What::Erasure { records, basis, .. } => {
            format!(
                "A person was erased: {} can no longer be opened ({basis}).",
                counted(*records, "commitment")
            )
        }
        What::Export { what, .. } => format!("A file was handed out: {what}."),
    }
}

fn entries(count: u64) -> String {
    if count == 1 { "1 entry".to_owned() } else { format!("{count} entries") }
}

fn transition(one: &Transition) -> String {
    let since = moment(one.at).minute();
    match one.before {
        None => format!("{} begins as {}, since {since}.", one.control, status(one.to)),
        Some((_, from)) => {
            format!("{} turns from {} to {}, since {since}.", one.control, status(from), status(one.to))
        }
    }
}

fn population(one: &Population) -> String {
    let count = counted(one.count, "resource");
    match (one.complete, one.enumerated) {
        (true, Some(at)) => {
            format!("{count} of {}, enumerated completely by {}.", one.kind, moment(at).minute())
        }
        (true | false, _) => {
            format!("{count} of {}; no complete, fresh enumeration says that these are all.", one.kind)
        }
    }
}

/// A value of a leaf, and what it links to.
pub(super) enum Said {
    /// Words.
    Text(String),
    /// A hash, id or key.
    Code(String),
    /// A moment.
    Time(Timestamp),
    /// A control.
    Control(String),
    /// A kind of resources.
    Kind(String),
    /// A source.
    Source(String),
    /// A status.
    Status(Status),
}

fn text(said: impl ToString) -> Said {
    Said::Text(said.to_string())
}

fn yes(is: bool) -> Said {
    text(if is { "yes" } else { "no" })
}

/// Everything that it says, name by name.
pub(super) fn details(leaf: &Leaf) -> Vec<(&'static str, Said)> {
    let mut all = vec![("Written", Said::Time(moment(leaf.written)))];
    match &leaf.what {
        What::Open { origin, after } => {
            all.push(("Origin", Said::Code(origin.clone())));
            if let Some(after) = after {
                all.push(("Follows", Said::Code(after.origin.clone())));
                all.push(("Its size", text(after.size)));
                all.push(("Its root", Said::Code(hex(&after.root))));
            }
        }
        What::Transition(one) => of_transition(one, &mut all),
        What::Population(one) => of_population(one, &mut all),
        What::Seal(one) => of_seal(one, &mut all),
        What::Program { hash, name, ord } => {
            all.push(("Program", text(name)));
            all.push(("Version", text(ord)));
            all.push(("Its hash", Said::Code(hex(hash))));
        }
        What::Collection(one) => of_collection(one, &mut all),
        What::Decision { what, subject, by, body } => {
            all.push(("Decision", text(what)));
            all.push(("About (commitment)", Said::Code(hex(subject))));
            all.push(("By (commitment)", Said::Code(hex(by))));
            all.push(("Body (commitment)", Said::Code(hex(body))));
        }
        What::Key(one) => of_key(one, &mut all),
        What::Erasure { subject, records, basis } => {
            all.push(("Person (commitment)", Said::Code(hex(subject))));
            all.push(("Commitments that no longer open", text(records)));
            all.push(("Basis", text(basis)));
        }
        What::Export { what, digest, by } => {
            all.push(("File", text(what)));
            all.push(("Its SHA-256", Said::Code(hex(digest))));
            all.extend(by.as_ref().map(|by| ("By (commitment)", Said::Code(hex(by)))));
        }
    }
    all
}

type All = Vec<(&'static str, Said)>;

fn of_transition(one: &Transition, all: &mut All) {
    all.push(("Control", Said::Control(one.control.clone())));
    all.push(("Number in its chain", text(one.n)));
    if let Some((prev, from)) = one.before {
        all.push(("From", Said::Status(from)));
        all.push(("Transition before", Said::Code(hex(&prev))));
    }
    all.push(("To", Said::Status(one.to)));
    all.push(("Holds since", Said::Time(moment(one.at))));
    all.push(("Program in force", Said::Code(hex(&one.program))));
}

fn of_population(one: &Population, all: &mut All) {
    all.push(("Kind", Said::Kind(one.kind.clone())));
    all.push(("Resources", text(one.count)));
    all.push(("Complete and fresh", yes(one.complete)));
    all.push(("Enumerated", one.enumerated.map_or_else(|| text("never"), |at| Said::Time(moment(at)))));
    all.push(("Root of its members", Said::Code(hex(&one.root))));
    all.push((
        "Members' salts",
        text(match one.salts {
            Salts::Key => "from the population's key",
            Salts::Own => "from random bytes of each: the kind has personal data",
        }),
    ));
}

fn of_seal(one: &Seal, all: &mut All) {
    all.push(("Number", text(one.n)));
    all.push(("Controls", text(one.controls)));
    all.push(("Root of their states", Said::Code(hex(&one.root))));
    if let Some(prev) = one.prev {
        all.push(("Seal before", Said::Code(hex(&prev))));
    }
    all.push(("Program in force", Said::Code(hex(&one.program))));
    all.push(("Key in force", Said::Code(one.signer.clone())));
}

fn of_collection(one: &Collection, all: &mut All) {
    let took = Span::from_micros(i64::try_from(one.finished.saturating_sub(one.started)).unwrap_or(i64::MAX));
    all.push(("Source", Said::Source(one.source.clone())));
    all.push(("Collection", text(one.ord)));
    all.push(("Ended", Said::Time(moment(one.finished))));
    all.push(("Took", text(took.human())));
    all.push(("Complete", yes(one.complete)));
    all.push(("Changed", text(one.changed)));
    all.push(("Unchanged", text(one.unchanged)));
    all.push(("Gone", text(one.gone)));
    all.push(("Refused", text(one.refused)));
    all.push(("Chain over its facts", Said::Code(hex(&one.facts))));
}

fn of_key(one: &KeyChange, all: &mut All) {
    all.push(("Old key", Said::Code(one.old.to_string())));
    all.push(("New key", Said::Code(one.new.to_string())));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(what: What) -> String {
        says(&Leaf { written: 5_000_000, what })
    }

    #[test]
    fn sentences() {
        let turn = |before| {
            let transition = Transition {
                control: "EP-01".to_owned(),
                n: 2,
                before,
                to: Status::Fail,
                at: 0,
                program: [0; 32],
            };
            said(What::Transition(transition))
        };
        assert_eq!(turn(None), "EP-01 begins as fail, since 1970-01-01 00:00 UTC.");
        assert_eq!(
            turn(Some(([0; 32], Status::NotApplicable))),
            "EP-01 turns from not applicable to fail, since 1970-01-01 00:00 UTC."
        );
        let population = |complete, enumerated| {
            said(What::Population(Population {
                kind: "disk".to_owned(),
                count: 1,
                complete,
                enumerated,
                root: [0; 32],
                key: [0; 32],
                salts: Salts::Key,
            }))
        };
        assert_eq!(
            population(true, Some(0)),
            "1 resource of disk, enumerated completely by 1970-01-01 00:00 UTC."
        );
        assert!(
            population(false, Some(0)).ends_with("no complete, fresh enumeration says that these are all.")
        );
        let seal =
            Seal { n: 3, prev: None, controls: 60, root: [0; 32], program: [0; 32], signer: "0".to_owned() };
        assert_eq!(said(What::Seal(seal)), "Seal 3 commits to the state of 60 controls.");
        let erasure = What::Erasure { subject: [0; 32], records: 1, basis: "asked for".to_owned() };
        assert_eq!(said(erasure), "A person was erased: 1 commitment can no longer be opened (asked for).");
    }
}
