//! Short entries of a proof file: a transition that follows the one before it among the entries says only what is new. Its
//! leaf is made from that, to the byte, and everything else takes it as if it had stood there.

use crate::claim::Claim;
use crate::fault::Fault;
use crate::hash::{Hash, hex, leaf_hash};
use crate::json::Value;
use crate::leaf::{Leaf, Transition, What};
use crate::leaf_text::int;
use crate::members::Members;
use crate::proof::{Entry, Format};
use crate::state::status;

/// The transition before, of the control that the claim is about.
pub(crate) struct Chain<'a> {
    control: Option<&'a str>,
    last: Option<(Transition, Hash)>,
}

impl<'a> Chain<'a> {
    /// Before the first entry. Only the claim of an interval has a chain.
    pub fn of(claim: &'a Claim) -> Self {
        let control = match claim {
            Claim::Interval { control, .. } => Some(control.as_str()),
            Claim::Member { .. } | Claim::Absent { .. } | Claim::Entry { .. } => None,
        };
        Self { control, last: None }
    }

    /// Takes note of a leaf that stands there whole.
    pub fn pass(&mut self, leaf: &str) {
        let Some(control) = self.control else { return };
        if let Ok(Leaf { what: What::Transition(transition), .. }) = Leaf::parse(leaf.as_bytes())
            && transition.control == control
        {
            self.last = Some((transition, leaf_hash(leaf.as_bytes())));
        }
    }

    /// The leaf that follows.
    fn next(&self, written: u64, at: u64, to: crate::state::Status, program: Option<Hash>) -> Option<String> {
        let (last, hash) = self.last.as_ref()?;
        let transition = Transition {
            control: last.control.clone(),
            n: last.n + 1,
            before: Some((*hash, last.to)),
            to,
            at,
            program: program.unwrap_or(last.program),
        };
        let leaf = Leaf { written, what: What::Transition(transition) };
        Some(String::from_utf8_lossy(&leaf.to_bytes()).into_owned())
    }

    /// Reads an entry, of which the format says what it may leave out.
    pub fn read(&mut self, of: &mut Members<'_>, format: Format) -> Result<Entry, Fault> {
        let linked = format == Format::Linked && !of.has("index");
        let index = if linked { None } else { Some(of.index("index")?) };
        let leaf = if format == Format::Whole || of.has("leaf") {
            of.text("leaf")?
        } else {
            let (at, written, to) = (of.integer("at")?, of.integer("t")?, status(of, "to")?);
            let program = of.optional_hash("program")?;
            self.next(written, at, to, program).ok_or_else(|| {
                Fault::new("is short; expected a whole transition of the claim's control before it")
            })?
        };
        self.pass(&leaf);
        Ok(Entry { index, leaf })
    }

    /// An entry as a file has it, short if that is the same, and the format that this needs.
    pub fn write(&mut self, entry: &Entry) -> (Value, Format) {
        let short = self.short(entry);
        self.pass(&entry.leaf);
        let format = match (entry.index, &short) {
            (None, _) => Format::Linked,
            (Some(_), Some(_)) => Format::Short,
            (Some(_), None) => Format::Whole,
        };
        let mut members = short.unwrap_or_else(|| vec![("leaf", Value::text(&entry.leaf))]);
        members.extend(entry.index.map(|index| ("index", int(index))));
        (Value::object(members), format)
    }

    fn short(&self, entry: &Entry) -> Option<Vec<(&'static str, Value)>> {
        let (last, _) = self.last.as_ref()?;
        let Ok(Leaf { written, what: What::Transition(of) }) = Leaf::parse(entry.leaf.as_bytes()) else {
            return None;
        };
        let program = (of.program != last.program).then_some(of.program);
        if self.next(written, of.at, of.to, program)? != entry.leaf {
            return None;
        }
        let mut members = vec![("at", int(of.at)), ("t", int(written)), ("to", Value::text(of.to.as_str()))];
        members.extend(program.map(|program| ("program", Value::text(hex(&program)))));
        Some(members)
    }
}
