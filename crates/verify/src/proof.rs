//! The proof file: reading and writing its shape. What it says is checked elsewhere.

use std::collections::BTreeMap;

use crate::base64;
use crate::claim::Claim;
use crate::fault::{Fault, quoted};
use crate::hash::{Hash, hex};
use crate::json::{Value, read};
use crate::leaf_text::int;
use crate::members::{Members, is_id};
use crate::short::Chain;
use crate::state::Status;

/// The largest proof file, in bytes.
pub const PROOF_MAX: usize = 4 * 1024 * 1024;

const ENTRIES_MAX: usize = 10_000;
const STATES_MAX: usize = 4_096;
const MEMBERS_MAX: usize = 2;
const STAMPS_MAX: usize = 16;

/// A proof, as its file has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// What is to be proved.
    pub claim: Claim,
    /// The signed note.
    pub checkpoint: String,
    /// Leaves of the log, by growing index.
    pub entries: Vec<Entry>,
    /// The hashes that lead from the entries to the root.
    pub hashes: Vec<Hash>,
    /// States of controls at seals.
    pub states: Vec<SealedState>,
    /// Members of populations.
    pub members: Vec<Member>,
    /// A population's key, for an absence.
    pub secret: Option<Hash>,
    /// RFC 3161 time-stamp tokens in base64, which are not checked here.
    pub stamps: Vec<String>,
}

/// What `format` says: how entries may be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Format {
    /// Whole, and with their index.
    Whole,
    /// Transitions also without what follows from the one before.
    Short,
    /// Transitions also without an index.
    Linked,
}

impl Format {
    const ALL: [Self; 3] = [Self::Whole, Self::Short, Self::Linked];

    fn parse(text: &str) -> Result<Self, Fault> {
        Self::ALL.into_iter().find(|format| format.name() == text).ok_or_else(|| {
            let [whole, short, linked] = Self::ALL.map(Self::name);
            Fault::new(format!("`format` is {}; expected `{whole}`, `{short}` or `{linked}`", quoted(text)))
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Whole => "octro-proof/v1",
            Self::Short => "octro-proof/v1-short",
            Self::Linked => "octro-proof/v1-linked",
        }
    }
}

/// A leaf of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its index; `None` for a transition that is linked: the one after it cites its hash, and so on up to one in the log.
    pub index: Option<u64>,
    /// Its text.
    pub leaf: String,
}

/// A state that a seal commits to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedState {
    /// Index of the seal's entry.
    pub seal: u64,
    /// Place in the states' tree.
    pub place: u64,
    /// The state's text.
    pub state: String,
    /// Its inclusion path.
    pub path: Vec<Hash>,
}

/// A member of a population.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Index of the population's entry.
    pub population: u64,
    /// Place in the members' tree.
    pub place: u64,
    /// Its inclusion path.
    pub path: Vec<Hash>,
    /// The commitment to the resource.
    pub commitment: Hash,
    /// The commitment to its results.
    pub results: Hash,
    /// What opens both.
    pub opened: Option<Opened>,
}

/// What opens a member's commitments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// The resource's key.
    pub key: String,
    /// The salt.
    pub salt: Hash,
    /// Status by test.
    pub results: BTreeMap<String, Status>,
}

impl Proof {
    /// Reads a proof file.
    pub fn parse(file: &[u8]) -> Result<Self, Fault> {
        if file.len() > PROOF_MAX {
            return Err(Fault::new(format!(
                "the file has {} bytes; expected at most {PROOF_MAX}",
                file.len()
            )));
        }
        let text = str::from_utf8(file).map_err(|_| Fault::new("the file is not UTF-8"))?;
        let value = read(text).map_err(|fault| Fault::new(format!("the file {fault}")))?;
        let mut members = Members::of(value).map_err(|fault| Fault::new(format!("the file {fault}")))?;
        let format = Format::parse(&members.text("format")?)?;
        let claim = Claim::read(members.need("claim")?).map_err(|fault| fault.within("claim"))?;
        let checkpoint = members.text("checkpoint")?;
        let mut chain = Chain::of(&claim);
        let entries = each(&mut members, "entries", ENTRIES_MAX, |of| chain.read(of, format))?;
        let proof = Self {
            claim,
            checkpoint,
            entries,
            hashes: hashes(&mut members, "hashes")?,
            states: each(&mut members, "states", STATES_MAX, sealed_state)?,
            members: each(&mut members, "members", MEMBERS_MAX, member)?,
            secret: members.optional_hash("secret")?,
            stamps: if members.has("stamps") { stamps(&mut members)? } else { Vec::new() },
        };
        members.end()?;
        Ok(proof)
    }

    /// The file's text.
    pub fn to_text(&self) -> String {
        let mut chain = Chain::of(&self.claim);
        let mut format = Format::Whole;
        let entries = self.entries.iter().map(|entry| {
            let (entry, needs) = chain.write(entry);
            format = format.max(needs);
            entry
        });
        let entries = entries.collect();
        let states = self.states.iter().map(|of| {
            Value::object([
                ("seal", int(of.seal)),
                ("place", int(of.place)),
                ("state", Value::text(&of.state)),
                ("path", joined(&of.path)),
            ])
        });
        let mut all = vec![
            ("format", Value::text(format.name())),
            ("claim", self.claim.value()),
            ("checkpoint", Value::text(&self.checkpoint)),
            ("entries", Value::List(entries)),
            ("hashes", joined(&self.hashes)),
            ("states", Value::List(states.collect())),
            ("members", Value::List(self.members.iter().map(Member::value).collect())),
        ];
        all.extend(self.secret.map(|secret| ("secret", Value::text(hex(&secret)))));
        if !self.stamps.is_empty() {
            all.push(("stamps", Value::List(self.stamps.iter().map(Value::text).collect())));
        }
        Value::object(all).canonical()
    }
}

impl Member {
    fn value(&self) -> Value {
        let mut all = vec![
            ("population", int(self.population)),
            ("place", int(self.place)),
            ("path", joined(&self.path)),
            ("commitment", Value::text(hex(&self.commitment))),
            ("results", Value::text(hex(&self.results))),
        ];
        if let Some(Opened { key, salt, results }) = &self.opened {
            let results = results.iter().map(|(test, status)| (test.as_str(), Value::text(status.as_str())));
            let opened = [
                ("key", Value::text(key)),
                ("salt", Value::text(hex(salt))),
                ("results", Value::object(results)),
            ];
            all.push(("opened", Value::object(opened)));
        }
        Value::object(all)
    }
}

fn joined(hashes: &[Hash]) -> Value {
    Value::Text(base64::encode(hashes.as_flattened()))
}

/// Reads each item of a list of objects.
fn each<T>(
    members: &mut Members,
    name: &str,
    max: usize,
    mut item: impl FnMut(&mut Members) -> Result<T, Fault>,
) -> Result<Vec<T>, Fault> {
    let read = |(i, value)| {
        let read = Members::of(value).and_then(|mut of| {
            let read = item(&mut of)?;
            of.end()?;
            Ok(read)
        });
        read.map_err(|fault| fault.within(&format!("{name}[{i}]")))
    };
    members.list(name, max)?.into_iter().enumerate().map(read).collect()
}

fn hashes(members: &mut Members, name: &str) -> Result<Vec<Hash>, Fault> {
    let bytes = base64::decode(&members.text(name)?)
        .ok_or_else(|| Fault::new(format!("`{name}` must be base64 with padding")))?;
    let (hashes, rest) = bytes.as_chunks();
    if rest.is_empty() {
        Ok(hashes.to_vec())
    } else {
        Err(Fault::new(format!("`{name}` has {} bytes; expected whole hashes of 32", bytes.len())))
    }
}

fn sealed_state(of: &mut Members) -> Result<SealedState, Fault> {
    let (seal, place) = (of.index("seal")?, of.index("place")?);
    Ok(SealedState { seal, place, state: of.text("state")?, path: hashes(of, "path")? })
}

fn member(of: &mut Members) -> Result<Member, Fault> {
    let (population, place) = (of.index("population")?, of.index("place")?);
    let (path, commitment, results) = (hashes(of, "path")?, of.hash("commitment")?, of.hash("results")?);
    let opened = if of.has("opened") {
        let mut inner = of.object("opened")?;
        let opened = opened(&mut inner).map_err(|fault| fault.within("opened"))?;
        inner.end().map_err(|fault| fault.within("opened"))?;
        Some(opened)
    } else {
        None
    };
    Ok(Member { population, place, path, commitment, results, opened })
}

fn opened(of: &mut Members) -> Result<Opened, Fault> {
    let (key, salt) = (of.text("key")?, of.hash("salt")?);
    let mut results = BTreeMap::new();
    for (test, status) in of.object("results")?.rest() {
        let status = if let Value::Text(name) = &status { Status::parse(name) } else { None };
        match status.filter(|status| *status != Status::Ended && is_id(&test)) {
            Some(status) => drop(results.insert(test, status)),
            None => {
                return Err(Fault::new(format!(
                    "`results` has {}; expected a test and its status",
                    quoted(&test)
                )));
            }
        }
    }
    Ok(Opened { key, salt, results })
}

fn stamps(members: &mut Members) -> Result<Vec<String>, Fault> {
    let list = members.list("stamps", STAMPS_MAX)?;
    let texts = list.into_iter().map(|stamp| match stamp {
        Value::Text(text) if base64::decode(&text).is_some() => Ok(text),
        Value::Text(_) | Value::Bool(_) | Value::Int(_) | Value::List(_) | Value::Object(_) => {
            Err(Fault::new("`stamps` must be texts in base64"))
        }
    });
    texts.collect()
}
