//! A control's state as a seal commits to it.

use std::collections::BTreeMap;
use std::fmt;

use crate::fault::{Fault, quoted};
use crate::hash::{Hash, hex, unhex};
use crate::json::{Value, read_canonical};
use crate::leaf_text::int;
use crate::members::{Members, is_id};

/// The largest state, in bytes.
pub const STATE_MAX: usize = 16 * 1024;

/// A status of a control or test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// Everything is as it should be.
    Pass,
    /// Something is not.
    Fail,
    /// It could not be determined.
    Unknown,
    /// The evidence is too old.
    Stale,
    /// What fails is covered by an exception.
    Excepted,
    /// There is nothing to judge.
    NotApplicable,
    /// The control is no longer in the program.
    Ended,
}

impl Status {
    /// All of them, in the order in which reports list them.
    pub const ALL: [Self; 7] = [
        Self::Pass,
        Self::Fail,
        Self::Unknown,
        Self::Stale,
        Self::Excepted,
        Self::NotApplicable,
        Self::Ended,
    ];

    /// Its name in the formats.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Unknown => "unknown",
            Self::Stale => "stale",
            Self::Excepted => "excepted",
            Self::NotApplicable => "not_applicable",
            Self::Ended => "ended",
        }
    }

    /// The status with this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How many of a control's results have each status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the count of the status of that name")]
pub struct Tally {
    pub pass: u64,
    pub fail: u64,
    pub unknown: u64,
    pub stale: u64,
    pub excepted: u64,
    pub not_applicable: u64,
}

/// A control's state at a seal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// The control.
    pub control: String,
    /// Its status.
    pub status: Status,
    /// Number of its last transition.
    pub n: u64,
    /// Leaf hash of its last transition.
    pub last: Hash,
    /// Since when the status holds.
    pub at: u64,
    /// How often the control was evaluated since its first transition.
    pub evaluations: u64,
    /// When last; `None` if never.
    pub evaluated: Option<u64>,
    /// The largest span between two evaluations that ended since the previous seal, the running one included.
    pub gap: u64,
    /// The sum, since the first transition, of all time by which spans exceeded what was promised.
    pub silent: u64,
    /// Its tests' results.
    pub tally: Tally,
    /// By kind, the leaf hash of the population that the seal rests on.
    pub populations: BTreeMap<String, Hash>,
}

impl State {
    /// The canonical text; its leaf hash stands in the states' tree.
    pub fn to_bytes(&self) -> Vec<u8> {
        let Tally { pass, fail, unknown, stale, excepted, not_applicable } = self.tally;
        let tally = Value::object([
            ("pass", int(pass)),
            ("fail", int(fail)),
            ("unknown", int(unknown)),
            ("stale", int(stale)),
            ("excepted", int(excepted)),
            ("not_applicable", int(not_applicable)),
        ]);
        let populations = self.populations.iter().map(|(kind, leaf)| (kind.as_str(), Value::text(hex(leaf))));
        let mut members = vec![
            ("control", Value::text(&self.control)),
            ("status", Value::text(self.status.as_str())),
            ("n", int(self.n)),
            ("last", Value::text(hex(&self.last))),
            ("at", int(self.at)),
            ("evaluations", int(self.evaluations)),
            ("gap", int(self.gap)),
            ("silent", int(self.silent)),
            ("tally", tally),
            ("populations", Value::object(populations)),
        ];
        members.extend(self.evaluated.map(|at| ("evaluated", int(at))));
        Value::object(members).canonical().into_bytes()
    }

    /// Reads a state; whatever is not exactly as the format has it is refused.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        if text.len() > STATE_MAX {
            return Err(Fault::new(format!("has {} bytes; expected at most {STATE_MAX}", text.len())));
        }
        let mut members = Members::of(read_canonical(text)?)?;
        let mut tally = members.object("tally")?;
        let state = Self {
            control: members.id("control")?,
            status: status(&mut members, "status")?,
            n: members.integer("n")?,
            last: members.hash("last")?,
            at: members.integer("at")?,
            evaluations: members.integer("evaluations")?,
            evaluated: members.optional_integer("evaluated")?,
            gap: members.integer("gap")?,
            silent: members.integer("silent")?,
            tally: Tally {
                pass: tally.integer("pass")?,
                fail: tally.integer("fail")?,
                unknown: tally.integer("unknown")?,
                stale: tally.integer("stale")?,
                excepted: tally.integer("excepted")?,
                not_applicable: tally.integer("not_applicable")?,
            },
            populations: populations(&mut members)?,
        };
        tally.end().map_err(|fault| fault.within("`tally`"))?;
        members.end()?;
        if state.n == 0 {
            return Err(Fault::new("`n` is 0; the first transition has the number 1"));
        }
        Ok(state)
    }
}

pub(crate) fn status(members: &mut Members, name: &str) -> Result<Status, Fault> {
    let text = members.borrowed(name)?;
    Status::parse(&text)
        .ok_or_else(|| Fault::new(format!("`{name}` is {}; expected a status", quoted(&text))))
}

fn populations(members: &mut Members) -> Result<BTreeMap<String, Hash>, Fault> {
    let mut populations = BTreeMap::new();
    for (kind, leaf) in members.object("populations")?.rest() {
        let hash = if let Value::Text(text) = &leaf { unhex(text) } else { None };
        match hash.filter(|_| is_id(&kind)) {
            Some(hash) => drop(populations.insert(kind, hash)),
            None => {
                return Err(Fault::new(format!(
                    "`populations` has {}; expected a kind and a leaf hash",
                    quoted(&kind)
                )));
            }
        }
    }
    Ok(populations)
}
